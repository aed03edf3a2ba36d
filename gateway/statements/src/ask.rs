//! What a caller asks for, and what a checked file sums up to.

use jiff::civil::Date;

use crate::family::Family;
use crate::row::{Row, RowKind};

/// What to read, and what is known about it beforehand.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The family; nothing is guessed.
    pub family: Family,
    /// The name the channel gave the file. UnionPay's carries the year.
    pub file_name: &'a str,
    /// The SHA-1 that the channel gave with the download (WeChat's `hash_value`), in hexadecimal. It is of
    /// the unpacked bytes.
    pub sha1: Option<&'a str>,
    /// What the rows must add up to, where the caller knows it. The only guard against a cut between two
    /// rows of a file without a footer.
    pub expect: Option<Expect>,
    /// Decimals of the currency: 2 for CNY, at most 8.
    pub decimals: u8,
}

impl<'a> Ask<'a> {
    /// Asks for a file in yuan, of which nothing is known beforehand.
    pub fn new(family: Family, file_name: &'a str) -> Self {
        Self { family, file_name, sha1: None, expect: None, decimals: 2 }
    }
}

/// Totals that a caller knows from elsewhere; what is `None` is not checked. Money in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expect {
    /// Rows.
    pub rows: Option<i64>,
    /// Payments, in money.
    pub payment_amount: Option<i64>,
    /// Refunds, in money.
    pub refund_amount: Option<i64>,
    /// Fees.
    pub fee: Option<i64>,
    /// What the account at the channel gained.
    pub net: Option<i64>,
}

/// Sums over rows, whatever their status. Money in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Rows.
    pub rows: i64,
    /// Payments.
    pub payments: i64,
    /// What was paid.
    pub payment_amount: i64,
    /// Refunds.
    pub refunds: i64,
    /// What was refunded.
    pub refund_amount: i64,
    /// The channel's fees, less what it gave back.
    pub fee: i64,
    /// What the account at the channel gained.
    pub net: i64,
}

impl Totals {
    /// The sums with one more row; `None` when they do not fit.
    pub(crate) fn with(mut self, row: &Row) -> Option<Self> {
        self.rows = self.rows.checked_add(1)?;
        match row.kind {
            RowKind::Payment => {
                self.payments = self.payments.checked_add(1)?;
                self.payment_amount = self.payment_amount.checked_add(row.amount)?;
            }
            RowKind::Refund => {
                self.refunds = self.refunds.checked_add(1)?;
                self.refund_amount = self.refund_amount.checked_add(row.amount)?;
            }
            RowKind::Other { .. } => {}
        }
        self.fee = self.fee.checked_add(row.fee)?;
        self.net = self.net.checked_add(row.net()?)?;
        Some(self)
    }
}

/// How a file's text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, or ASCII alone.
    Utf8,
    /// GBK.
    Gbk,
}

/// What is known of a file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The family.
    pub family: Family,
    /// The sums over its rows.
    pub totals: Totals,
    /// The day, when the file is of one: from its name or header, else the one Beijing day of all rows.
    pub day: Option<Date>,
    /// The earliest row, in microseconds since 1970.
    pub first_at_us: Option<i64>,
    /// The latest row.
    pub last_at_us: Option<i64>,
    /// SHA-256 of the file's bytes as they were given: the file's identity. The same file twice has the
    /// same one.
    pub sha256: [u8; 32],
    /// The encoding.
    pub encoding: Encoding,
    /// Lines of the unpacked file.
    pub lines: u64,
}
