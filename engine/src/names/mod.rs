//! Names that clients choose: 1 to 64 printable ASCII characters.
//!
//! Up to 24 bytes of an account's name, and up to 38 of a command's id, live inside the value, longer ones on the heap:
//! ids are mostly UUIDs of 36 characters, and each spend reads, copies and compares several. Each role has its own
//! type, so that a merchant cannot be passed where a command id is meant.

mod id_text;
mod interned;
mod stored_id;

use compact_str::CompactString;
use id_text::IdText;
pub use interned::Interned;
use serde::{Deserialize, Serialize};
pub(crate) use stored_id::{StoredId, Written};

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
    ($(#[$doc:meta])* $name:ident($text:ident)) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($text);

        impl $name {
            /// The name, if it is one.
            ///
            /// # Errors
            /// When it is empty, longer than [`NAME_MAX`] or not printable ASCII.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if is_name(text) { Ok(Self($text::new(text))) } else { Err(NameError) }
            }

            /// A name the ledger makes itself; it may hold what no client's name can.
            #[must_use]
            pub fn internal(text: &str) -> Self {
                Self($text::new(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The text's bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }
    };
}

name_type! {
    /// The name of an account: wallet, merchant or system account.
    AccountId(CompactString)
}
name_type! {
    /// The client's id of a command, and with it of what the command made: a top-up (and its lot), a
    /// spend, a hold.
    CommandId(IdText)
}
name_type! {
    /// Any other name: a rule, an offer, a product, a channel, a tag, an order number.
    Label(CompactString)
}

/// What ids of the ledger's own commands begin with: no client's id can hold it.
pub const OWN: char = '\u{1}';

impl CommandId {
    /// One that the ledger has written down.
    #[inline]
    pub(crate) fn stored(id: StoredId<'_>) -> Self {
        Self(id.text())
    }

    /// As it is written down.
    #[inline]
    pub(crate) fn written(&self) -> Written<'_> {
        Written::of(self.as_bytes())
    }

    /// Whether the ledger has named it.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.as_str().starts_with(OWN)
    }
}
