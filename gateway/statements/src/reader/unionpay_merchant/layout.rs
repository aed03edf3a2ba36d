//! Where the fields of a UnionPay merchant row stand.

/// Bytes of a row, without its line feed.
pub(super) const ROW_BYTES: usize = 607;

/// Widths of the columns in bytes; one blank stands between two columns.
pub(super) const WIDTHS: [usize; 42] = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13,
    13, 8, 32, 13, 13, 12, 2, 1, 32, 98,
];

/// First byte of each column, from 0.
pub(super) const STARTS: [usize; WIDTHS.len()] = {
    let mut starts = [0; WIDTHS.len()];
    let mut column = 1;
    while column < WIDTHS.len() {
        starts[column] = starts[column - 1] + WIDTHS[column - 1] + 1;
        column += 1;
    }
    assert!(starts[WIDTHS.len() - 1] + WIDTHS[WIDTHS.len() - 1] == ROW_BYTES, "the widths make a row");
    starts
};

/// A column that the reader uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Field {
    /// Kind of row.
    Kind = 0,
    /// Month, day and time, Beijing.
    Time = 4,
    /// Amount in minor units.
    Amount = 6,
    /// The channel's number of the payment.
    QueryId = 9,
    /// The merchant's number of the payment.
    OrderId = 11,
    /// Kind of card.
    CardType = 12,
    /// Fee, with `D` when the merchant pays it.
    Fee = 15,
    /// Net, with `C` when the merchant gets it.
    Net = 16,
    /// How was paid.
    PayMethod = 17,
    /// The merchant.
    Merchant = 27,
    /// The merchant's text.
    Text = 34,
}

impl Field {
    /// The field's bytes; the row must have [`ROW_BYTES`].
    pub(super) fn of(self, row: &[u8]) -> &[u8] {
        &row[STARTS[self as usize]..][..WIDTHS[self as usize]]
    }

    /// The name in refusals.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind of row",
            Self::Time => "time",
            Self::Amount => "amount",
            Self::QueryId => "query id",
            Self::OrderId => "order id",
            Self::CardType => "kind of card",
            Self::Fee => "fee",
            Self::Net => "net",
            Self::PayMethod => "pay method",
            Self::Merchant => "merchant",
            Self::Text => "text",
        }
    }
}
