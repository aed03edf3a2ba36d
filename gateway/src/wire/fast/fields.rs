//! The fields of a plain object.

use super::scan::Scanner;

macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// A field that a plain line may have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field {
            $(
                #[doc = concat!("`", $name, "`")]
                $field,
            )*
        }

        impl Field {
            const COUNT: usize = [$($name),*].len();

            /// The field of this name.
            #[inline]
            fn of(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$field),)*
                    _ => None,
                }
            }
        }
    };
}

// Those of a spend first: names are compared in this order.
fields! {
    Id = "id",
    Op = "op",
    Account = "account",
    Merchant = "merchant",
    Amount = "amount",
    Rule = "rule",
    Order = "order",
    Principal = "principal",
    Bonus = "bonus",
    Offer = "offer",
    Channel = "channel",
    ChannelOrder = "channel_order",
    Spend = "spend",
    Line = "line",
    Reason = "reason",
    Hold = "hold",
    TopUp = "top_up",
    From = "from",
    To = "to",
    Funding = "funding",
    State = "state",
    ExpiresAt = "expires_at",
    BonusExpiresAt = "bonus_expires_at",
}

/// Fields as a set: bit n for the n-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u32);

impl Set {
    /// The set of these.
    pub(super) const fn of(fields: &[Field]) -> Self {
        let mut bits = 0;
        let mut n = 0;
        while n < fields.len() {
            bits |= 1 << fields[n] as u32;
            n += 1;
        }
        Self(bits)
    }
}

/// The fields of one object: those that are there, and their texts.
pub(super) struct Fields<'a> {
    there: u32,
    texts: [&'a str; Field::COUNT],
}

impl<'a> Fields<'a> {
    /// Reads an object; blanks may stand before it.
    #[inline]
    pub(super) fn read(scanner: &mut Scanner<'a>) -> Option<Self> {
        scanner.expect(b'{')?;
        let mut fields = Self { there: 0, texts: [""; Field::COUNT] };
        loop {
            let field = Field::of(scanner.string()?)?;
            scanner.expect(b':')?;
            let bit = 1 << field as u32;
            if fields.there & bit != 0 {
                return None;
            }
            fields.there |= bit;
            fields.texts[field as usize] = scanner.string()?;
            if !scanner.more(b'}')? {
                return Some(fields);
            }
        }
    }

    /// Whether all that are needed are there, and none but those and these.
    #[inline]
    pub(super) const fn are(&self, needed: Set, optional: Set) -> bool {
        self.there & needed.0 == needed.0 && self.there & !(needed.0 | optional.0) == 0
    }

    /// The text of a field that is there; nothing when it is not.
    #[inline]
    pub(super) const fn text(&self, field: Field) -> &'a str {
        self.texts[field as usize]
    }

    /// The text of a field that may be missing.
    #[inline]
    pub(super) fn maybe(&self, field: Field) -> Option<&'a str> {
        (self.there & (1 << field as u32) != 0).then_some(self.texts[field as usize])
    }
}
