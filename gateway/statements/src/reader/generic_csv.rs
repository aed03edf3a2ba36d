//! The documented CSV, for channels that have no reader of their own: RFC 4180, UTF-8, a header with
//! the names in `COLUMNS` in any order, and a last line of sums that ends with a line feed. The full
//! description is in `docs/statements.md`.

use crate::ask::Encoding;
use crate::lines::{Decoder, Line};
use crate::reader::Machine;
use crate::refused::{Reason, Refused};
use crate::row::{Row, RowKind, RowStatus};
use crate::seen::Seen;
use crate::split::Delimited;
use crate::table::{self, Column, Fields, Header};

/// The columns.
const COLUMNS: [&str; 10] =
    ["time", "kind", "order", "channel_order", "refund", "amount", "fee", "currency", "status", "trade_type"];

/// What the last line begins with, and the names of its sums.
const SUMS: [&str; 7] = ["#total", "rows", "payments", "payment_amount", "refunds", "refund_amount", "fee"];

#[derive(Debug)]
struct Columns {
    header: Header,
    by_name: [Column; COLUMNS.len()],
}

impl Columns {
    fn new(header: Header) -> Result<Self, Refused> {
        let mut by_name = Vec::with_capacity(COLUMNS.len());
        for name in COLUMNS {
            by_name.push(header.need(&[name])?);
        }
        if let Some(unknown) = header.names().iter().find(|name| !COLUMNS.contains(&name.as_str())) {
            return Err(Refused::at(Reason::Header, 1)
                .column(unknown)
                .expected(format_args!("only {}", COLUMNS.join(",")))
                .found(unknown));
        }
        let by_name = by_name.try_into().map_err(|_| Refused::at(Reason::Header, 1).expected(COLUMNS.join(",")))?;
        Ok(Self { header, by_name })
    }
}

/// Reads the documented CSV.
#[derive(Debug)]
pub(super) struct GenericCsv {
    split: Delimited,
    decimals: u8,
    columns: Option<Columns>,
    done: bool,
    /// In the order of [`SUMS`], without the first.
    sums: [i64; SUMS.len() - 1],
    currency: Option<String>,
    seen: Seen,
}

impl GenericCsv {
    pub(super) fn new(decimals: u8, unique: bool) -> Self {
        Self {
            split: Delimited::new(b','),
            decimals,
            columns: None,
            done: false,
            sums: [0; SUMS.len() - 1],
            currency: None,
            seen: Seen::new(unique),
        }
    }

    fn row(&mut self, line: u64, text: &str) -> Result<Row, Refused> {
        let Some(columns) = &self.columns else {
            return Err(Refused::at(Reason::Header, line).expected("a header first").found(text));
        };
        let fields = Fields::new(line, self.decimals, self.split.split(line, text)?, &columns.header)?;
        let row = read_row(&fields, &columns.by_name)?;
        let [_, _, _, channel_order, refund, _, _, currency, _, _] = &columns.by_name;
        let same = self.currency.get_or_insert_with(|| row.currency.clone());
        if *same != row.currency {
            return Err(fields.refuse(Reason::Word, currency, &format!("{same}, as in the rows before")));
        }
        let is_refund = row.kind == RowKind::Refund;
        let (kind, named) = if is_refund { ("refund", refund) } else { ("payment", channel_order) };
        if !self.seen.first(&[kind, &row.channel_order, &row.refund]) {
            return Err(fields.refuse(Reason::Duplicate, named, "a number not seen before"));
        }
        let [rows, payments, payment_amount, refunds, refund_amount, fee] = &mut self.sums;
        let (count, amount) = if is_refund { (refunds, refund_amount) } else { (payments, payment_amount) };
        *rows += 1;
        *count += 1;
        table::add(amount, row.amount, line)?;
        table::add(fee, row.fee, line)?;
        Ok(row)
    }

    fn check_sums(&self, line: Line<'_>, text: &str) -> Result<(), Refused> {
        let names = Header::new(line.number, SUMS)?;
        let fields = Fields::new(line.number, self.decimals, text.split(',').collect(), &names)?;
        if !line.ended {
            return Err(Refused::at(Reason::Truncated, line.number)
                .expected("a line feed after the sums")
                .found("the end of the file"));
        }
        for (name, sum) in SUMS[1..].iter().zip(self.sums) {
            let column = names.need(&[name])?;
            let counted = matches!(*name, "rows" | "payments" | "refunds");
            let (stated, decimals) = match *name {
                _ if counted => (fields.count(&column)?, 0),
                "fee" => (fields.money(&column)?, self.decimals),
                _ => (fields.amount(&column)?, self.decimals),
            };
            table::same_total(line.number, name, stated, sum, decimals)?;
        }
        Ok(())
    }
}

fn read_row(fields: &Fields<'_>, columns: &[Column; COLUMNS.len()]) -> Result<Row, Refused> {
    let [time, kind, order, channel_order, refund, amount, fee, currency, status, trade_type] = columns;
    let is_refund = match fields.raw(kind) {
        "payment" => false,
        "refund" => true,
        _ => return Err(fields.refuse(Reason::Word, kind, "payment or refund")),
    };
    let at = fields.raw(time).parse::<jiff::Timestamp>();
    let at = at.map_err(|_| fields.refuse(Reason::Time, time, "a time like 2024-07-09T10:06:33+08:00"))?;
    let mut row =
        Row::new(fields.line, if is_refund { RowKind::Refund } else { RowKind::Payment }, at.as_microsecond());
    fields.raw(order).clone_into(&mut row.order);
    row.channel_order = fields.key(channel_order)?;
    fields.raw(refund).clone_into(&mut row.refund);
    if row.refund.is_empty() == is_refund {
        let expected = if is_refund { "the number of the refund" } else { "nothing in a payment" };
        return Err(fields.refuse(Reason::Field, refund, expected));
    }
    row.amount = fields.amount(amount)?;
    row.asked = row.amount;
    row.fee = fields.money(fee)?;
    if is_refund && row.fee > 0 {
        return Err(fields.refuse(Reason::Sign, fee, "0 or a negative fee in a refund"));
    }
    if !is_refund && row.fee < 0 {
        return Err(fields.refuse(Reason::Sign, fee, "a fee without a sign in a payment"));
    }
    fields.raw(currency).clone_into(&mut row.currency);
    if row.currency.len() != 3 || !row.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(fields.refuse(Reason::Word, currency, "a currency like CNY"));
    }
    row.status = RowStatus::from_word(fields.raw(status)).ok_or_else(|| {
        let words: Vec<&str> = RowStatus::ALL.iter().map(|status| status.word()).collect();
        fields.refuse(Reason::Word, status, &words.join(", "))
    })?;
    fields.raw(trade_type).clone_into(&mut row.trade_type);
    Ok(row)
}

impl Machine for GenericCsv {
    fn line(&mut self, line: Line<'_>) -> Result<Option<Row>, Refused> {
        let text = Decoder::utf8().text(line)?;
        if self.columns.is_none() {
            let names = self.split.split(line.number, &text)?;
            self.columns = Some(Columns::new(Header::new(line.number, names)?)?);
            return Ok(None);
        }
        if self.done {
            return Err(Refused::at(Reason::Footer, line.number).expected("nothing after the sums").found(text));
        }
        if text.starts_with(SUMS[0]) {
            self.check_sums(line, &text)?;
            self.done = true;
            return Ok(None);
        }
        self.row(line.number, &text).map(Some)
    }

    fn end(&mut self, last: u64) -> Result<(), Refused> {
        if self.done {
            return Ok(());
        }
        Err(Refused::at(Reason::Truncated, last)
            .expected(format_args!("the last line {}", SUMS.join(",")))
            .found("the end of the file"))
    }

    fn encoding(&self) -> Encoding {
        Encoding::Utf8
    }
}
