//! The UnionPay merchant file: rows of 607 **bytes** of GBK, no header, no footer (rule C3).
//!
//! A row is sliced by bytes and each field decoded afterwards, because widths count bytes of GBK. The
//! year is in the file's name only. The settlement day runs from about 23:00 of the day before, so the
//! file of the first of January begins in December; a row takes the year that brings it nearest to
//! the file's day. Amount − fee = net on every row, and a query id stands once. Trace numbers repeat
//! and name nothing. Nothing in the file tells a cut between two rows: a caller who knows the totals
//! should give them.

mod layout;

use jiff::civil::{Date, DateTime};

use crate::ask::Encoding;
use crate::lines::{self, Line};
use crate::number;
use crate::reader::Machine;
use crate::refused::{Reason, Refused};
use crate::row::{Row, RowKind};
use crate::seen::Seen;
use crate::time;

use layout::{Field, ROW_BYTES, STARTS};

/// The kind of row that is a payment.
const PAYMENT: &str = "S22";

/// Reads a merchant file.
#[derive(Debug)]
pub(super) struct UnionpayMerchant {
    day: Date,
    merchant: String,
    decimals: u8,
    seen: Seen,
}

impl UnionpayMerchant {
    /// `file_name` carries the day and the merchant: `INN17071888ZM_898319849000018`.
    pub(super) fn new(file_name: &str, decimals: u8, unique: bool) -> Result<Self, Refused> {
        let (day, merchant) = name(file_name).ok_or_else(|| {
            Refused::at(Reason::Name, 0).expected("a name like INN17071888ZM_898319849000018").found(file_name)
        })?;
        Ok(Self { day, merchant: merchant.to_owned(), decimals, seen: Seen::new(unique) })
    }

    fn row(&mut self, row: &Raw<'_>) -> Result<Row, Refused> {
        if row.text(Field::Kind)? != PAYMENT {
            return Err(row.refuse(Reason::Word, Field::Kind, "S22, a payment"));
        }
        if row.text(Field::Merchant)? != self.merchant {
            return Err(row.refuse(Reason::Word, Field::Merchant, "the merchant of the file's name"));
        }
        let amount = row.minor(Field::Amount, row.bytes_of(Field::Amount))?;
        let fee = row.signed(Field::Fee, b'D')?;
        let net = row.signed(Field::Net, b'C')?;
        if amount.checked_sub(fee) != Some(net) {
            let expected = amount.checked_sub(fee).map_or_else(
                || "a number that fits".to_owned(),
                |net| format!("{}, amount less fee", number::major(net, self.decimals)),
            );
            return Err(row.refuse(Reason::Arithmetic, Field::Net, &expected));
        }
        let query_id = row.key(Field::QueryId)?;
        if !self.seen.first(&[&query_id]) {
            return Err(row.refuse(Reason::Duplicate, Field::QueryId, "a query id not seen before"));
        }
        let at_us = row
            .time(self.day)
            .and_then(time::microseconds)
            .ok_or_else(|| row.refuse(Reason::Time, Field::Time, "MMDDhhmmss"))?;
        let mut read = Row::new(row.line, RowKind::Payment, at_us);
        read.channel_order = query_id;
        read.order = row.key(Field::OrderId)?;
        read.amount = amount;
        read.asked = amount;
        read.fee = fee;
        read.trade_type = row.text(Field::PayMethod)?;
        read.card_type = row.text(Field::CardType)?;
        read.about = row.text(Field::Text)?;
        Ok(read)
    }
}

/// The day and the merchant of a file's name.
fn name(file_name: &str) -> Option<(Date, &str)> {
    let (day, merchant) = file_name.strip_prefix("INN")?.split_once("88ZM_")?;
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(day, 6) || !digits(merchant, layout::WIDTHS[Field::Merchant as usize]) {
        return None;
    }
    let year = 2_000 + i16::from(time::two(day, 0)?);
    Some((Date::new(year, time::two(day, 2)?, time::two(day, 4)?).ok()?, merchant))
}

/// One row's bytes, as many as a row has.
struct Raw<'a> {
    line: u64,
    bytes: &'a [u8],
}

impl<'a> Raw<'a> {
    fn new(line: Line<'a>) -> Result<Self, Refused> {
        let (number, bytes) = (line.number, line.bytes);
        if bytes.len() != ROW_BYTES {
            return Err(Refused::at(Reason::Columns, number)
                .byte(bytes.len().min(ROW_BYTES))
                .expected(format_args!("a row of {ROW_BYTES} bytes"))
                .found(format_args!("{} bytes", bytes.len())));
        }
        if !line.ended {
            return Err(Refused::at(Reason::Truncated, number)
                .byte(ROW_BYTES)
                .expected("a line feed after the row")
                .found("the end of the file"));
        }
        for start in &STARTS[1..] {
            if bytes[start - 1] != b' ' {
                return Err(Refused::at(Reason::Columns, number)
                    .byte(start - 1)
                    .expected("a blank between two columns")
                    .found(format_args!("byte 0x{:02x}", bytes[start - 1])));
            }
        }
        Ok(Self { line: number, bytes })
    }

    fn bytes_of(&self, field: Field) -> &'a [u8] {
        field.of(self.bytes)
    }

    /// A field's text, without the blanks around it.
    fn text(&self, field: Field) -> Result<String, Refused> {
        lines::gbk(self.bytes_of(field))
            .map(|text| text.trim_matches(' ').to_owned())
            .ok_or_else(|| self.refuse(Reason::Encoding, field, "GBK text"))
    }

    /// A number that names a payment.
    fn key(&self, field: Field) -> Result<String, Refused> {
        let text = self.text(field)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(self.refuse(Reason::Field, field, "letters and digits"));
        }
        Ok(text)
    }

    /// Digits in minor units.
    fn minor(&self, field: Field, digits: &[u8]) -> Result<i64, Refused> {
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| number::count(digits).ok())
            .ok_or_else(|| self.refuse(Reason::Number, field, "an amount in minor units, digits only"))
    }

    /// An amount after `D` or `C`: positive after `plus`, negative after the other.
    fn signed(&self, field: Field, plus: u8) -> Result<i64, Refused> {
        match self.bytes_of(field) {
            [sign @ (b'C' | b'D'), digits @ ..] => {
                let value = self.minor(field, digits)?;
                Ok(if *sign == plus { value } else { -value })
            }
            _ => Err(self.refuse(Reason::Sign, field, "C or D and an amount in minor units")),
        }
    }

    /// The row's time, in the year that brings it nearest to the file's day.
    fn time(&self, day: Date) -> Option<DateTime> {
        let text = std::str::from_utf8(self.bytes_of(Field::Time)).ok()?;
        let [month, of_month, hour, minute, second] =
            [0, 2, 4, 6, 8].map(|at| time::two(text, at)).map(|part| part.unwrap_or(-1));
        let years = [day.year() - 1, day.year(), day.year() + 1];
        let candidates = years.into_iter().filter_map(|year| {
            let date = Date::new(year, month, of_month).ok()?;
            let away = date.since(day).ok()?.get_days().unsigned_abs();
            Some((away, DateTime::new(year, month, of_month, hour, minute, second, 0).ok()?))
        });
        candidates.min_by_key(|(away, _)| *away).map(|(_, time)| time)
    }

    fn refuse(&self, reason: Reason, field: Field, expected: &str) -> Refused {
        Refused::at(reason, self.line)
            .byte(STARTS[field as usize])
            .expected(format_args!("{}: {expected}", field.name()))
            .found(lines::shown(self.bytes_of(field)))
    }
}

impl Machine for UnionpayMerchant {
    fn line(&mut self, line: Line<'_>) -> Result<Option<Row>, Refused> {
        let raw = Raw::new(line)?;
        self.row(&raw).map(Some)
    }

    fn end(&mut self, _last: u64) -> Result<(), Refused> {
        Ok(())
    }

    fn day(&self) -> Option<Date> {
        Some(self.day)
    }

    fn encoding(&self) -> Encoding {
        Encoding::Gbk
    }
}
