//! An acquirer's table: a few lines of title, a header, rows, and a footer with the sums. TAB or
//! comma, UTF-8 or GBK; the header is found by its names.
//!
//! Every row must say amount − fee = settled. The export fills lines with empty columns at the end;
//! they are ignored. Refunds (退货, 撤销) may stand with or without a minus; the sums are over the rows
//! as they stand.

use crate::ask::Encoding;
use crate::lines::{Decoder, Line};
use crate::number;
use crate::reader::Machine;
use crate::refused::{Reason, Refused};
use crate::row::{Row, RowKind};
use crate::seen::Seen;
use crate::split::Delimited;
use crate::table::{self, Column, Fields, Header};
use crate::time;

/// Lines of title before the header, at most.
const TITLE_LINES_MAX: u64 = 50;

/// What the footer begins with.
const FOOTER: &str = "总笔数：";

#[derive(Debug)]
struct Columns {
    header: Header,
    date: Column,
    time: Column,
    amount: Column,
    settled: Column,
    fee: Column,
    kind: Column,
    reference: Column,
    order: Option<Column>,
    channel_order: Option<Column>,
    bank: Option<Column>,
    card_type: Option<Column>,
    trade_type: Option<Column>,
}

impl Columns {
    fn new(header: Header) -> Result<Self, Refused> {
        Ok(Self {
            date: header.need(&["交易日期"])?,
            time: header.need(&["交易时间"])?,
            amount: header.need(&["交易金额"])?,
            settled: header.need(&["清算金额", "结算金额"])?,
            fee: header.need(&["手续费"])?,
            kind: header.need(&["交易类型"])?,
            reference: header.need(&["参考号", "检索参考号"])?,
            order: header.find(&["商户订单号"]),
            channel_order: header.find(&["银商订单号"]),
            bank: header.find(&["发卡行"]),
            card_type: header.find(&["卡类型"]),
            trade_type: header.find(&["支付类型"]),
            header,
        })
    }
}

/// Reads a table.
#[derive(Debug)]
pub(super) struct AcquirerTable {
    decoder: Decoder,
    split: Delimited,
    decimals: u8,
    columns: Option<Columns>,
    done: bool,
    rows: i64,
    /// Amount, settled, fee, as they stand.
    sums: [i64; 3],
    seen: Seen,
}

impl AcquirerTable {
    pub(super) fn new(decimals: u8, unique: bool) -> Self {
        Self {
            decoder: Decoder::either(),
            split: Delimited::new(b'\t'),
            decimals,
            columns: None,
            done: false,
            rows: 0,
            sums: [0; 3],
            seen: Seen::new(unique),
        }
    }

    /// A line before the rows: title or header.
    fn title(&mut self, line: u64, text: &str) -> Result<(), Refused> {
        let is_header = |split: char| {
            let has = |name: &str| text.split(split).any(|field| field.trim() == name);
            has("交易日期") && has("交易金额")
        };
        let delimiter = if is_header('\t') {
            b'\t'
        } else if is_header(',') {
            b','
        } else if line < TITLE_LINES_MAX {
            return Ok(());
        } else {
            return Err(Refused::at(Reason::Header, line)
                .column("交易日期")
                .expected(format_args!("a header in the first {TITLE_LINES_MAX} lines"))
                .found(text));
        };
        self.split = Delimited::new(delimiter);
        let mut names = self.split.split(line, text)?;
        without_empty_end(&mut names);
        self.columns = Some(Columns::new(Header::new(line, names)?)?);
        Ok(())
    }

    fn row(&mut self, line: u64, text: &str) -> Result<Option<Row>, Refused> {
        let Some(columns) = &self.columns else { return Ok(None) };
        let mut fields = self.split.split(line, text)?;
        if fields.iter().all(|field| field.trim().is_empty()) {
            return Ok(None);
        }
        if self.done {
            return Err(Refused::at(Reason::Footer, line).expected("nothing after the sums").found(text));
        }
        if fields[0].trim() == FOOTER {
            check_footer(line, &fields, self.decimals, self.rows, self.sums)?;
            self.done = true;
            return Ok(None);
        }
        while fields.len() > columns.header.len() && fields.last().is_some_and(|field| field.trim().is_empty()) {
            fields.pop();
        }
        let fields = Fields::new(line, self.decimals, fields, &columns.header)?;
        let (row, values) = read_row(&fields, columns)?;
        self.rows += 1;
        for (sum, value) in self.sums.iter_mut().zip(values) {
            table::add(sum, value, line)?;
        }
        let kind = if row.kind == RowKind::Refund { "refund" } else { "payment" };
        if !self.seen.first(&[kind, fields.text(&columns.reference)]) {
            return Err(fields.refuse(Reason::Duplicate, &columns.reference, "a number not seen before"));
        }
        Ok(Some(row))
    }
}

/// One row, and its amount, settled amount and fee as they stand.
fn read_row(fields: &Fields<'_>, columns: &Columns) -> Result<(Row, [i64; 3]), Refused> {
    let word = fields.text(&columns.kind);
    let kind = if word.contains("退货") || word.contains("撤销") || word.contains("退款") {
        RowKind::Refund
    } else if word.contains("消费") || word.contains("支付") {
        RowKind::Payment
    } else {
        return Err(fields.refuse(Reason::Word, &columns.kind, "消费, 退货 or 撤销"));
    };
    let values = [fields.money(&columns.amount)?, fields.money(&columns.settled)?, fields.money(&columns.fee)?];
    let [amount, settled, fee] = values;
    if kind == RowKind::Payment && amount < 0 {
        return Err(fields.refuse(Reason::Sign, &columns.amount, "a positive amount in a payment"));
    }
    let net = amount.checked_sub(fee);
    if net != Some(settled) {
        let net = net.map_or_else(|| "a number that fits".to_owned(), |net| number::major(net, fields.decimals()));
        return Err(fields.refuse(Reason::Arithmetic, &columns.settled, &net));
    }
    let day = time::date(fields.text(&columns.date))
        .ok_or_else(|| fields.refuse(Reason::Time, &columns.date, "a day like 2017-06-25"))?;
    let at_us = time::date_time(&format!("{day} {}", fields.text(&columns.time)))
        .and_then(time::microseconds)
        .ok_or_else(|| fields.refuse(Reason::Time, &columns.time, "a time like 21:15:12"))?;
    let reference = fields.key(&columns.reference)?;
    let refund = kind == RowKind::Refund;
    let mut row = Row::new(fields.line, kind, at_us);
    row.amount = amount.abs();
    row.asked = row.amount;
    row.fee = if refund { -fee.abs() } else { fee };
    row.order = fields.text_or_empty(columns.order.as_ref());
    row.channel_order = fields.text_or_empty(columns.channel_order.as_ref());
    if row.channel_order.is_empty() {
        row.channel_order.clone_from(&reference);
    }
    if refund {
        row.channel_refund = reference;
    }
    row.bank = fields.text_or_empty(columns.bank.as_ref());
    row.card_type = fields.text_or_empty(columns.card_type.as_ref());
    row.trade_type = fields.text_or_empty(columns.trade_type.as_ref());
    Ok((row, values))
}

/// `总笔数：|33|交易金额：|7944799.00|||结算金额：|7938443.16|||手续费：|6355.84`
fn check_footer(line: u64, fields: &[&str], decimals: u8, rows: i64, sums: [i64; 3]) -> Result<(), Refused> {
    let value = |name: &str| -> Result<&str, Refused> {
        let at = fields.iter().position(|field| field.trim() == name);
        let value = at.and_then(|at| fields.get(at + 1)).map_or("", |field| field.trim());
        if value.is_empty() {
            return Err(Refused::at(Reason::Footer, line).column(name).expected("a sum").found(fields.join(" ")));
        }
        Ok(value)
    };
    let stated = value(FOOTER)?;
    let count = number::count(stated)
        .map_err(|reason| Refused::at(reason, line).column(FOOTER).expected("a number of rows").found(stated))?;
    table::same_total(line, FOOTER, count, rows, 0)?;
    for (name, sum) in ["交易金额：", "结算金额：", "手续费："].into_iter().zip(sums) {
        let stated = value(name)?;
        let stated = number::minor(stated, decimals)
            .map_err(|reason| Refused::at(reason, line).column(name).expected("an amount").found(stated))?;
        table::same_total(line, name, stated, sum, decimals)?;
    }
    Ok(())
}

fn without_empty_end(names: &mut Vec<&str>) {
    while names.last().is_some_and(|name| name.trim().is_empty()) {
        names.pop();
    }
}

impl Machine for AcquirerTable {
    fn line(&mut self, line: Line<'_>) -> Result<Option<Row>, Refused> {
        let text = self.decoder.text(line)?;
        if self.columns.is_none() {
            self.title(line.number, &text)?;
            return Ok(None);
        }
        if text.is_empty() {
            return Ok(None);
        }
        self.row(line.number, &text)
    }

    fn end(&mut self, last: u64) -> Result<(), Refused> {
        if self.columns.is_none() {
            return Err(Refused::at(Reason::Header, last)
                .column("交易日期")
                .expected("a header with 交易日期 and 交易金额")
                .found("the end of the file"));
        }
        if self.done {
            return Ok(());
        }
        Err(Refused::at(Reason::Truncated, last)
            .expected(format_args!("the sums that begin with {FOOTER}"))
            .found("the end of the file"))
    }

    fn encoding(&self) -> Encoding {
        self.decoder.encoding()
    }
}
