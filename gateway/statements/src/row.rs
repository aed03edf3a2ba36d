//! One row of a channel statement, the same for every family.
//!
//! Amounts are integers of the currency's minor unit and never negative: what a row means is in its
//! [`RowKind`] and [`Flow`]. Fees are signed: positive is taken by the channel, negative given back.

use rust_decimal::Decimal;

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKind {
    /// A customer paid.
    Payment,
    /// Money went back to a customer: a refund, or a payment that was reversed.
    Refund,
    /// Something else that moved money, in the channel's own word (fund-flow bills only).
    Other {
        /// The channel's word.
        word: String,
    },
}

/// How far the channel is with what the row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowStatus {
    /// Done.
    Succeeded,
    /// Not done, and will not be.
    Failed,
    /// Closed before it was done.
    Closed,
    /// Under way.
    Processing,
    /// The channel cannot finish it alone: a refund to a card that is closed, for example.
    Abnormal,
}

impl RowStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Succeeded, Self::Failed, Self::Closed, Self::Processing, Self::Abnormal];

    /// The word in the generic CSV and in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Closed => "closed",
            Self::Processing => "processing",
            Self::Abnormal => "abnormal",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// Which way the money went, seen from the merchant's account at the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// To the merchant.
    In,
    /// From the merchant.
    Out,
}

/// One row, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line in the file, from 1. In a packed file: of the unpacked one.
    pub line: u64,
    /// What it is about.
    pub kind: RowKind,
    /// How far it is.
    pub status: RowStatus,
    /// Which way the money went.
    pub flow: Flow,
    /// When it happened, in microseconds since 1970. For a refund: when it succeeded, if the file says so.
    pub at_us: i64,
    /// Our number of the order. Empty where the channel does not give it.
    pub order: String,
    /// The channel's number of the payment (WeChat order number, Alipay trade number, UnionPay query id).
    pub channel_order: String,
    /// Our number of the refund, or empty.
    pub refund: String,
    /// The channel's number of the refund, or empty.
    pub channel_refund: String,
    /// What the channel settles for it, in minor units, never negative.
    pub amount: i64,
    /// What the order or the refund was for, in minor units, never negative. It differs from `amount` by
    /// discounts that the merchant pays; where the file does not tell them apart it is the same.
    pub asked: i64,
    /// The channel's fee in minor units, negative when given back.
    pub fee: i64,
    /// The rate the channel says it used (0.006 for 0.60%).
    pub fee_rate: Option<Decimal>,
    /// The currency, as ISO 4217 writes it.
    pub currency: String,
    /// The channel's word for how was paid, or empty.
    pub trade_type: String,
    /// The channel's word for the bank, or empty. WeChat's says debit or credit as well.
    pub bank: String,
    /// The channel's word for the kind of card, or empty.
    pub card_type: String,
    /// The text of the order, or empty.
    pub about: String,
}

impl Row {
    /// A row with nothing in it yet but its line.
    pub(crate) fn new(line: u64, kind: RowKind, at_us: i64) -> Self {
        let flow = if kind == RowKind::Refund { Flow::Out } else { Flow::In };
        Self {
            line,
            kind,
            status: RowStatus::Succeeded,
            flow,
            at_us,
            order: String::new(),
            channel_order: String::new(),
            refund: String::new(),
            channel_refund: String::new(),
            amount: 0,
            asked: 0,
            fee: 0,
            fee_rate: None,
            currency: "CNY".to_owned(),
            trade_type: String::new(),
            bank: String::new(),
            card_type: String::new(),
            about: String::new(),
        }
    }

    /// What the merchant's account at the channel gained by the row, in minor units.
    pub fn net(&self) -> Option<i64> {
        let signed = if self.flow == Flow::In { self.amount } else { self.amount.checked_neg()? };
        signed.checked_sub(self.fee)
    }
}
