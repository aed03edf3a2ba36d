//! Keys: by which number a row of a channel statement and a booked order know each other.
//!
//! A key is 128 bits of BLAKE3 over the channel's numbering, payment or refund, and the numbers themselves. The numbers
//! are chosen by clients, and the hash has no secret, so that a key means the same in every run: it must be one for
//! which nobody can find two numbers with the same result. The last bit tells payment from refund, so 127 bits count.
//! Ten million orders against a million rows are 10¹³ pairs, and 2¹²⁷ is 1.7 × 10³⁸: a clash by chance has odds of 1 to
//! 10²⁵, and one made on purpose takes 2⁶³ tries. Should it happen all the same, then it is not silent where money is
//! concerned: amount, currency and fee of the two are compared as of any pair.

use std::fmt;

/// Whether money came in or went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// A top-up was paid.
    #[default]
    Payment,
    /// A top-up was refunded, or charged back.
    Refund,
}

/// A key of an order or row, without its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u128);

impl Key {
    /// A key that was hashed elsewhere, or before. The last bit does not count.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits & !1)
    }

    /// Back to its bits.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// With the kind in the last bit: keys of payments and refunds are never equal.
    pub(super) const fn of_kind(self, kind: Kind) -> u128 {
        match kind {
            Kind::Payment => self.0,
            Kind::Refund => self.0 | 1,
        }
    }

    /// What [`Self::of_kind`] put together.
    pub(super) const fn split(bits: u128) -> (Self, Kind) {
        (Self::from_bits(bits), if bits & 1 == 0 { Kind::Payment } else { Kind::Refund })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The keys of an order or row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// By the best number that this side has.
    pub key: Key,
    /// By a number that stands in for it when the other side does not have that one.
    pub fallback: Option<Key>,
}

/// How a channel numbers payments and refunds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keying {
    /// Our order number for a payment, our refund number for a refund.
    Wechat,
    /// Our order number, payment or refund, and for a refund its request number.
    Alipay,
    /// The channel's query id; our order number stands in for it.
    Unionpay,
    /// As the first: our refund number for a refund, our order number for a payment.
    Generic,
}

/// The numbers of an order or row. What it does not have is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// Payment or refund.
    pub kind: Kind,
    /// Our order number of the payment (商户订单号).
    pub order: &'a str,
    /// Our refund number (商户退款单号); for Alipay the refund's request number (退款批次号/请求号).
    pub refund: &'a str,
    /// The channel's own number of this payment or refund; for `UnionPay` the query id.
    pub channel_number: &'a str,
}

/// A number of the channel's own, an order's, a refund's.
const CHANNEL: u8 = b'c';
const ORDER: u8 = b'o';
const REFUND: u8 = b'r';

impl Keying {
    /// The keys by these numbers; `None` when the number that this channel needs is missing.
    #[must_use]
    pub fn keys(self, names: &Names<'_>) -> Option<Keys> {
        let by = |number: u8, parts: &[&str]| Some(self.key(names.kind, number, parts));
        let order = if names.order.is_empty() { None } else { by(ORDER, &[names.order]) };
        let only = |key: Option<Key>| Some(Keys { key: key?, fallback: None });
        match (self, names.kind) {
            (Self::Unionpay, _) if names.channel_number.is_empty() => only(order),
            (Self::Unionpay, _) => Some(Keys { key: by(CHANNEL, &[names.channel_number])?, fallback: order }),
            (_, Kind::Payment) => only(order),
            (_, Kind::Refund) if names.refund.is_empty() => None,
            (Self::Alipay, Kind::Refund) if names.order.is_empty() => None,
            (Self::Alipay, Kind::Refund) => only(by(REFUND, &[names.order, names.refund])),
            (Self::Wechat | Self::Generic, Kind::Refund) => only(by(REFUND, &[names.refund])),
        }
    }

    /// BLAKE3 of the numbering, the kind, which number, and each part with a byte behind it that no text contains.
    fn key(self, kind: Kind, number: u8, parts: &[&str]) -> Key {
        const END: u8 = 0xff;
        let channel = match self {
            Self::Wechat => b'w',
            Self::Alipay => b'a',
            Self::Unionpay => b'u',
            Self::Generic => b'g',
        };
        let kind = match kind {
            Kind::Payment => b'p',
            Kind::Refund => b'r',
        };
        // One block of the hash holds 64 bytes; most keys are one block.
        let mut text = smallvec::SmallVec::<[u8; 128]>::from_slice(&[b'm', b'1', channel, kind, number]);
        for part in parts {
            text.extend_from_slice(part.as_bytes());
            text.push(END);
        }
        let mut bits = [0; 16];
        bits.copy_from_slice(&blake3::hash(&text).as_bytes()[..16]);
        Key::from_bits(u128::from_le_bytes(bits))
    }
}
