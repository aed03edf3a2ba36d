//! Reads a merchant file of `UnionPay`: fixed-width rows of GBK, no header, no footer.
//!
//! A row is sliced by **bytes** and decoded afterwards, because widths count bytes of GBK. Every
//! row is checked (length, blanks between columns, fields, amount − fee = net, query id not seen
//! before), and one bad row refuses the file: a file that is half right books nothing. The totals
//! are checked by the caller with [`MerchantFile::check`], because nothing in the file states them.
//!
//! Amounts are integers of fen. Errors say the line and the byte in it, both from 1. The layout is
//! in `gateway/assets/unionpay/README.md`. Cost: one pass, one allocation a text field.

use std::collections::HashMap;
use std::fmt;

use jiff::civil::DateTime;

/// Bytes of a row, without its line feed.
pub(super) const ROW_BYTES: usize = 607;

/// Widths of the columns in bytes; one blank stands between two columns.
const WIDTHS: [usize; 42] = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13,
    13, 8, 32, 13, 13, 12, 2, 1, 32, 98,
];

/// First byte of each column, from 0.
const STARTS: [usize; WIDTHS.len()] = {
    let mut starts = [0; WIDTHS.len()];
    let mut column = 1;
    while column < WIDTHS.len() {
        starts[column] = starts[column - 1] + WIDTHS[column - 1] + 1;
        column += 1;
    }
    assert!(starts[WIDTHS.len() - 1] + WIDTHS[WIDTHS.len() - 1] == ROW_BYTES, "the widths make a row");
    starts
};

/// The kind of row that is a payment.
const PAYMENT: &str = "S22";

/// The sample that comes with the program, and its name, which carries the year.
pub(super) const SAMPLE_NAME: &str = "INN17071888ZM_898319849000018";
/// The bytes of the sample.
pub(super) const SAMPLE: &[u8] = include_bytes!("../../assets/unionpay/INN17071888ZM_898319849000018");
/// What is known to hold of the sample.
pub(super) const SAMPLE_TOTALS: Totals = Totals { rows: 1_207, amount: 4_727_546_394, fee: 28_968, net: 4_727_517_426 };

/// A column that the reader uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Field {
    /// Kind of row.
    Kind = 0,
    /// Trace number; it repeats.
    Trace = 3,
    /// Month, day and time, Beijing.
    Time = 4,
    /// Amount in fen.
    Amount = 6,
    /// The channel's number of the payment.
    QueryId = 9,
    /// The merchant's number of the payment.
    OrderId = 11,
    /// Fee, with `D` when the merchant pays it.
    Fee = 15,
    /// Net, with `C` when the merchant gets it.
    Net = 16,
    /// The merchant.
    Merchant = 27,
    /// The merchant's text.
    Text = 34,
}

impl Field {
    /// First byte in the row, from 1.
    pub(super) const fn column(self) -> usize {
        STARTS[self as usize] + 1
    }

    fn bytes(self, row: &[u8]) -> &[u8] {
        &row[STARTS[self as usize]..][..WIDTHS[self as usize]]
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "kind of row",
            Self::Trace => "trace number",
            Self::Time => "time",
            Self::Amount => "amount",
            Self::QueryId => "query id",
            Self::OrderId => "order id",
            Self::Fee => "fee",
            Self::Net => "net",
            Self::Merchant => "merchant",
            Self::Text => "text",
        })
    }
}

/// Why a file is refused. Lines and columns (bytes) count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadError {
    /// The name does not say the day and the merchant.
    #[error("the name {name:?} is not INN<YYMMDD>88ZM_<merchant>")]
    Name {
        /// The name.
        name: String,
    },
    /// A row is shorter or longer than it must be.
    #[error("line {line}, column {}: the row ends after {found} bytes, a row has {ROW_BYTES}", found.min(&ROW_BYTES) + 1)]
    Length {
        /// The line.
        line: usize,
        /// Its bytes.
        found: usize,
    },
    /// The last row has no line feed: the file was cut, or is still being written.
    #[error("line {line}, column {}: the last row does not end with a line feed", ROW_BYTES + 1)]
    Unfinished {
        /// The line.
        line: usize,
    },
    /// There is no blank between two columns.
    #[error("line {line}, column {column}: expected a blank between two columns, found byte 0x{found:02x}")]
    Blank {
        /// The line.
        line: usize,
        /// The byte.
        column: usize,
        /// What is there.
        found: u8,
    },
    /// A field does not hold what it must.
    #[error("line {line}, column {}: {field} {text:?} is not {expected}", field.column())]
    Field {
        /// The line.
        line: usize,
        /// The field.
        field: Field,
        /// What it holds.
        text: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// Amount, fee and net of a row do not agree.
    #[error("line {line}, column {}: amount {amount} - fee {fee} is not net {net} (fen)", Field::Net.column())]
    Net {
        /// The line.
        line: usize,
        /// Amount in fen.
        amount: i64,
        /// Fee in fen.
        fee: i64,
        /// Net in fen.
        net: i64,
    },
    /// A payment stands in the file twice.
    #[error("line {line}, column {}: query id {query_id} is on line {first} already", Field::QueryId.column())]
    Repeated {
        /// The line.
        line: usize,
        /// The line that had it first.
        first: usize,
        /// The query id.
        query_id: String,
    },
    /// The file as a whole is not what it should be.
    #[error("line {line}: the {what} of all rows is {found}, expected {expected}")]
    Total {
        /// The last line.
        line: usize,
        /// Which total.
        what: &'static str,
        /// What it should be.
        expected: i64,
        /// What it is.
        found: i64,
    },
}

/// One payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Line in the file, from 1.
    pub(super) line: usize,
    /// Trace number; several payments may have the same.
    pub(super) trace: String,
    /// When, Beijing time; the year is from the file's name.
    pub(super) time: DateTime,
    /// What the customer paid, in fen.
    pub(super) amount: i64,
    /// What the channel took of it, in fen.
    pub(super) fee: i64,
    /// What the merchant gets, in fen.
    pub(super) net: i64,
    /// The channel's number of the payment.
    pub(super) query_id: String,
    /// The merchant's number of the payment.
    pub(super) order_id: String,
    /// What the merchant wrote on it.
    pub(super) text: String,
}

/// Sums over a file, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    /// Rows.
    pub(super) rows: i64,
    /// What the customers paid.
    pub(super) amount: i64,
    /// What the channel took.
    pub(super) fee: i64,
    /// What the merchant gets.
    pub(super) net: i64,
}

/// A file that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MerchantFile {
    /// The merchant.
    pub(super) merchant: String,
    /// The payments, in the order of the file.
    pub(super) rows: Vec<Row>,
}

impl MerchantFile {
    /// Reads a file; `name` carries the year and the merchant.
    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let name = Name::parse(name)?;
        let mut rows = Vec::with_capacity(bytes.len() / ROW_BYTES);
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (line, row) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let row = read_row(&name, line, row)?;
            if let Some(first) = seen.insert(row.query_id.clone(), line) {
                return Err(ReadError::Repeated { line, first, query_id: row.query_id });
            }
            rows.push(row);
        }
        Ok(Self { merchant: name.merchant, rows })
    }

    /// The sums; `None` when they do not fit.
    pub(super) fn totals(&self) -> Option<Totals> {
        self.rows.iter().try_fold(Totals::default(), |sum, row| {
            Some(Totals {
                rows: sum.rows.checked_add(1)?,
                amount: sum.amount.checked_add(row.amount)?,
                fee: sum.fee.checked_add(row.fee)?,
                net: sum.net.checked_add(row.net)?,
            })
        })
    }

    /// Compares the sums with what they must be.
    pub(super) fn check(&self, expected: &Totals) -> Result<(), ReadError> {
        let line = self.rows.len();
        let Some(found) = self.totals() else {
            return Err(ReadError::Total { line, what: "amount", expected: expected.amount, found: i64::MAX });
        };
        for (what, expected, found) in [
            ("number", expected.rows, found.rows),
            ("amount", expected.amount, found.amount),
            ("fee", expected.fee, found.fee),
            ("net", expected.net, found.net),
        ] {
            if expected != found {
                return Err(ReadError::Total { line, what, expected, found });
            }
        }
        Ok(())
    }
}

/// What the name says.
struct Name {
    year: i16,
    /// Month and day as a number, for the turn of the year.
    month_day: u32,
    merchant: String,
}

impl Name {
    fn parse(name: &str) -> Result<Self, ReadError> {
        let wrong = || ReadError::Name { name: name.to_owned() };
        let (day, merchant) = name.strip_prefix("INN").and_then(|n| n.split_once("88ZM_")).ok_or_else(wrong)?;
        let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(day, 6) || !digits(merchant, WIDTHS[Field::Merchant as usize]) {
            return Err(wrong());
        }
        let (year, month_day) = day.split_at(2);
        Ok(Self {
            year: 2000 + year.parse::<i16>().map_err(|_| wrong())?,
            month_day: month_day.parse().map_err(|_| wrong())?,
            merchant: merchant.to_owned(),
        })
    }

    /// The year of a row: the day runs from about 23:00 of the day before, so a file of the first of
    /// January begins in the year before.
    fn year_of(&self, month_day: u32) -> i16 {
        if month_day > self.month_day { self.year - 1 } else { self.year }
    }
}

fn read_row(name: &Name, line: usize, row: &[u8]) -> Result<Row, ReadError> {
    let (row, finished) = row.strip_suffix(b"\n").map_or((row, false), |row| (row, true));
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    if row.len() != ROW_BYTES {
        return Err(ReadError::Length { line, found: row.len() });
    }
    if !finished {
        return Err(ReadError::Unfinished { line });
    }
    for start in &STARTS[1..] {
        let found = row[start - 1];
        if found != b' ' {
            return Err(ReadError::Blank { line, column: *start, found });
        }
    }
    let fields = Fields { line, row };
    if fields.text(Field::Kind)? != PAYMENT {
        return Err(fields.wrong(Field::Kind, "S22, a payment"));
    }
    if fields.text(Field::Merchant)? != name.merchant {
        return Err(fields.wrong(Field::Merchant, "the merchant of the file's name"));
    }
    let amount = fields.fen(Field::Amount, fields.whole(Field::Amount)?)?;
    let fee = fields.signed(Field::Fee, "D")?;
    let net = fields.signed(Field::Net, "C")?;
    if amount.checked_sub(fee) != Some(net) {
        return Err(ReadError::Net { line, amount, fee, net });
    }
    Ok(Row {
        line,
        trace: fields.text(Field::Trace)?,
        time: fields.time(name)?,
        amount,
        fee,
        net,
        query_id: fields.key(Field::QueryId)?,
        order_id: fields.key(Field::OrderId)?,
        text: fields.text(Field::Text)?,
    })
}

/// The fields of one row.
struct Fields<'a> {
    line: usize,
    row: &'a [u8],
}

impl Fields<'_> {
    /// A field's text, without the blanks around it.
    fn text(&self, field: Field) -> Result<String, ReadError> {
        let whole = self.whole(field)?;
        Ok(whole.trim_matches(' ').to_owned())
    }

    /// A field's text as it stands.
    fn whole(&self, field: Field) -> Result<String, ReadError> {
        let bytes = field.bytes(self.row);
        encoding_rs::GBK
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| self.wrong(field, "GBK text"))
    }

    /// A number that names a payment: it may not be empty, and stands in requests as it is.
    fn key(&self, field: Field) -> Result<String, ReadError> {
        let text = self.text(field)?;
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(self.wrong(field, "letters and digits"));
        }
        Ok(text)
    }

    fn fen(&self, field: Field, digits: impl AsRef<str>) -> Result<i64, ReadError> {
        let digits = digits.as_ref();
        let read = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        read.ok_or_else(|| self.wrong(field, "an amount in fen, digits only"))
    }

    /// An amount after `D` or `C`: positive after `plus`, negative after the other.
    fn signed(&self, field: Field, plus: &str) -> Result<i64, ReadError> {
        let text = self.whole(field)?;
        let (sign, digits) = text.split_at_checked(1).unwrap_or_default();
        match sign {
            "C" | "D" => {
                let fen = self.fen(field, digits)?;
                Ok(if sign == plus { fen } else { -fen })
            }
            _ => Err(self.wrong(field, "C or D and an amount in fen")),
        }
    }

    fn time(&self, name: &Name) -> Result<DateTime, ReadError> {
        let text = self.whole(Field::Time)?;
        let wrong = || self.wrong(Field::Time, "MMDDhhmmss");
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let two = |at: usize| text.get(at..at + 2).and_then(|t| t.parse::<i8>().ok()).ok_or_else(wrong);
        let year = name.year_of(text.get(..4).and_then(|t| t.parse().ok()).ok_or_else(wrong)?);
        DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).map_err(|_| wrong())
    }

    fn wrong(&self, field: Field, expected: &'static str) -> ReadError {
        let text = String::from_utf8_lossy(field.bytes(self.row)).into_owned();
        ReadError::Field { line: self.line, field, text, expected }
    }
}

#[cfg(test)]
mod tests;
