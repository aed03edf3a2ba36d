//! Names that clients choose: 1 to 64 printable ASCII characters.
//!
//! Up to 24 bytes live inside the value, longer ones on the heap. Each role has its own type, so that a
//! merchant cannot be passed where a command id is meant.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
pub const NAME_MAX: usize = 64;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {NAME_MAX} printable ASCII characters")]
pub struct NameError;

/// Whether `text` may be a name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX && text.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            /// The name, if it is one.
            ///
            /// # Errors
            /// When it is empty, longer than [`NAME_MAX`] or not printable ASCII.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if is_name(text) { Ok(Self(CompactString::new(text))) } else { Err(NameError) }
            }

            /// A name the ledger makes itself; it may hold what no client's name can.
            #[must_use]
            pub fn internal(text: &str) -> Self {
                Self(CompactString::new(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

name_type! {
    /// The name of an account: wallet, merchant or system account.
    AccountId
}
name_type! {
    /// The client's id of a command, and with it of what the command made: a top-up (and its lot), a
    /// spend, a hold.
    CommandId
}
name_type! {
    /// Any other name: a rule, an offer, a product, a channel, a tag, an order number.
    Label
}
