//! Currencies: a three-letter code and its number of decimals.

use serde::{Deserialize, Serialize};

/// A currency: the ISO 4217 code and how many decimals its minor unit has.
///
/// Four bytes and `Copy`, so that every account can carry its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// Why a currency could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// The code is not three capital letters.
    #[error("a currency code is three capital letters, not {0:?}")]
    Code(String),
    /// More decimals than amounts can carry.
    #[error("a currency has at most 6 decimals, not {0}")]
    Exponent(u8),
}

impl Currency {
    /// The yuan: two decimals, the minor unit is the fen.
    pub const CNY: Self = Self { code: *b"CNY", exponent: 2 };

    /// A currency of this code with this many decimals.
    ///
    /// # Errors
    /// When the code is not three capital letters or the exponent is above 6.
    pub fn new(code: &str, exponent: u8) -> Result<Self, CurrencyError> {
        let bytes: [u8; 3] = code.as_bytes().try_into().map_err(|_| CurrencyError::Code(code.into()))?;
        if !bytes.iter().all(u8::is_ascii_uppercase) {
            return Err(CurrencyError::Code(code.into()));
        }
        if exponent > 6 {
            return Err(CurrencyError::Exponent(exponent));
        }
        Ok(Self { code: bytes, exponent })
    }

    /// As it is written down: the code and the number of decimals.
    pub(crate) const fn to_bytes(self) -> [u8; 4] {
        let [a, b, c] = self.code;
        [a, b, c, self.exponent]
    }

    /// Back from what was written down.
    pub(crate) const fn from_bytes([a, b, c, exponent]: [u8; 4]) -> Self {
        Self { code: [a, b, c], exponent }
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// The number of decimals.
    #[must_use]
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}
