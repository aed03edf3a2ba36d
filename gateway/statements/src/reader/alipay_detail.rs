//! The Alipay business detail: header lines that begin with `#`, a table, and a footer with counts and
//! sums. UTF-8 or GBK, plain or inside a zip (rule C3).
//!
//! A refund is a **negative** row that reuses the payment's numbers and has its own in
//! 退款批次号/请求号. Many fields end with a TAB. Without the footer the file was cut, and is refused.
//! The service fee's sign differs between exports (what the merchant pays, or what his account
//! loses), so the sign comes from the kind of row: taken on a payment, given back on a refund.

use jiff::civil::Date;

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

/// What the first line is.
const TITLE: &str = "#支付宝业务明细查询";

#[derive(Debug)]
struct Columns {
    header: Header,
    channel_order: Column,
    order: Column,
    kind: Column,
    about: Column,
    time: Column,
    asked: Column,
    amount: Column,
    discount: Column,
    refund: Column,
    fee: Column,
}

impl Columns {
    fn new(header: Header) -> Result<Self, Refused> {
        Ok(Self {
            channel_order: header.need(&["支付宝交易号"])?,
            order: header.need(&["商户订单号"])?,
            kind: header.need(&["业务类型"])?,
            about: header.need(&["商品名称"])?,
            time: header.need(&["完成时间"])?,
            asked: header.need(&["订单金额（元）", "订单金额(元)"])?,
            amount: header.need(&["商家实收（元）", "商家实收(元)"])?,
            discount: header.need(&["商家优惠（元）", "商家优惠(元)"])?,
            refund: header.need(&["退款批次号/请求号", "退款批次号"])?,
            fee: header.need(&["服务费（元）", "服务费(元)"])?,
            header,
        })
    }
}

/// Where in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Before the title.
    Start,
    /// In the header lines.
    Head,
    /// In the table.
    Rows,
    /// After the line that ends the table.
    Foot,
    /// After the sums of payments.
    Payments,
    /// After the sums of refunds.
    Refunds,
    /// After the time of export, which is the last line.
    Done,
}

/// Number, money and discounts of one kind of row.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    rows: i64,
    amount: i64,
    discount: i64,
}

/// Reads a business detail.
#[derive(Debug)]
pub(super) struct AlipayDetail {
    decoder: Decoder,
    split: Delimited,
    decimals: u8,
    phase: Phase,
    day: Option<Date>,
    columns: Option<Columns>,
    payments: Sums,
    refunds: Sums,
    seen: Seen,
}

impl AlipayDetail {
    pub(super) fn new(decimals: u8, unique: bool) -> Self {
        Self {
            decoder: Decoder::either(),
            split: Delimited::new(b','),
            decimals,
            phase: Phase::Start,
            day: None,
            columns: None,
            payments: Sums::default(),
            refunds: Sums::default(),
            seen: Seen::new(unique),
        }
    }

    /// A line that begins with `#`.
    fn remark(&mut self, line: u64, text: &str) -> Result<(), Refused> {
        let unexpected = |expected: &str| Err(Refused::at(Reason::Footer, line).expected(expected).found(text));
        match self.phase {
            Phase::Start if text.trim_end() == TITLE => self.phase = Phase::Head,
            Phase::Start => return unexpected(TITLE),
            Phase::Head => {
                if let Some(range) = text.strip_prefix("#起始日期：") {
                    self.day = one_day(range);
                }
            }
            Phase::Rows if text.contains("业务明细列表结束") => self.phase = Phase::Foot,
            Phase::Rows => return unexpected("a row, or the end of the table"),
            Phase::Foot => {
                self.sums(line, text, ["#交易合计：", "商家实收共", "商家优惠共"], self.payments)?;
                self.phase = Phase::Payments;
            }
            Phase::Payments => {
                self.sums(line, text, ["#退款合计：", "商家实收退款共", "商家优惠退款共"], self.refunds)?;
                self.phase = Phase::Refunds;
            }
            Phase::Refunds => {
                if !(text.starts_with("#导出时间：[") && text.trim_end().ends_with(']')) {
                    return unexpected("#导出时间：[…]");
                }
                self.phase = Phase::Done;
            }
            Phase::Done => return unexpected("nothing after the time of export"),
        }
        Ok(())
    }

    /// A line like `#交易合计：6笔，商家实收共0.06元，商家优惠共0.00元`.
    fn sums(&self, line: u64, text: &str, words: [&str; 3], sums: Sums) -> Result<(), Refused> {
        let wrong = |reason: Reason, expected: &str| Refused::at(reason, line).expected(expected).found(text);
        let rest = text.strip_prefix(words[0]).ok_or_else(|| wrong(Reason::Footer, words[0]))?;
        let mut parts = rest.trim_end().split('，');
        let mut part = |before: &str, after: &str| {
            parts
                .next()
                .and_then(|part| part.strip_prefix(before)?.strip_suffix(after))
                .ok_or_else(|| wrong(Reason::Footer, &format!("{}…笔，{}…元，{}…元", words[0], words[1], words[2])))
        };
        let rows = number::count(part("", "笔")?).map_err(|reason| wrong(reason, "a number of rows"))?;
        let mut money =
            |before| number::minor(part(before, "元")?, self.decimals).map_err(|reason| wrong(reason, "an amount"));
        let (amount, discount) = (money(words[1])?, money(words[2])?);
        if parts.next().is_some() {
            return Err(wrong(Reason::Footer, "three sums"));
        }
        let column = words[0].trim_start_matches('#').trim_end_matches('：');
        table::same_total(line, column, rows, sums.rows, 0)?;
        table::same_total(line, words[1], amount, sums.amount, self.decimals)?;
        table::same_total(line, words[2], discount, sums.discount, self.decimals)
    }

    fn row(&mut self, line: u64, text: &str) -> Result<Row, Refused> {
        let Some(columns) = &self.columns else {
            return Err(Refused::at(Reason::Header, line).expected("a header first").found(text));
        };
        let fields = Fields::new(line, self.decimals, self.split.split(line, text)?, &columns.header)?;
        let (kind, sums) = match fields.text(&columns.kind) {
            "交易" => (RowKind::Payment, &mut self.payments),
            "退款" => (RowKind::Refund, &mut self.refunds),
            _ => return Err(fields.refuse(Reason::Word, &columns.kind, "交易 or 退款")),
        };
        let refund = kind == RowKind::Refund;
        let (asked, amount) = (fields.money(&columns.asked)?, fields.money(&columns.amount)?);
        for (value, column) in [(asked, &columns.asked), (amount, &columns.amount)] {
            if (refund && value > 0) || (!refund && value < 0) {
                let expected = if refund { "a negative amount in a refund" } else { "a positive amount in a payment" };
                return Err(fields.refuse(Reason::Sign, column, expected));
            }
        }
        sums.rows += 1;
        table::add(&mut sums.amount, amount, line)?;
        table::add(&mut sums.discount, fields.money(&columns.discount)?, line)?;

        let fee = fields.money(&columns.fee)?.abs();
        let mut row = Row::new(line, kind, fields.time(&columns.time)?);
        row.channel_order = fields.key(&columns.channel_order)?;
        row.order = fields.key(&columns.order)?;
        row.amount = amount.abs();
        row.asked = asked.abs();
        row.fee = if refund { -fee } else { fee };
        row.about = fields.own(&columns.about);
        let mut unique = true;
        if refund {
            row.refund = fields.own(&columns.refund);
            // A refund made by hand at the channel has no number of ours to repeat.
            unique = row.refund.is_empty() || self.seen.first(&["refund", &row.channel_order, &row.refund]);
        } else if !self.seen.first(&["payment", &row.channel_order]) {
            return Err(fields.refuse(Reason::Duplicate, &columns.channel_order, "a number not seen before"));
        }
        if !unique {
            return Err(fields.refuse(Reason::Duplicate, &columns.refund, "a number not seen before"));
        }
        Ok(row)
    }
}

/// `[2019年09月16日 00:00:00]   终止日期：[2019年09月17日 00:00:00]` is one day.
fn one_day(range: &str) -> Option<Date> {
    let mut times = range.split('[').skip(1).filter_map(|text| text.split_once(']').map(|(time, _)| time));
    let mut next = || {
        let plain = times.next()?.replace(['年', '月'], "-").replace('日', "");
        time::date_time(&plain)
    };
    let (start, end) = (next()?, next()?);
    let whole = start.time() == jiff::civil::Time::midnight() && end.time() == start.time();
    (whole && start.date().tomorrow().ok()? == end.date()).then(|| start.date())
}

impl Machine for AlipayDetail {
    fn line(&mut self, line: Line<'_>) -> Result<Option<Row>, Refused> {
        let text = self.decoder.text(line)?;
        if text.starts_with('#') || self.phase == Phase::Start {
            self.remark(line.number, &text)?;
            return Ok(None);
        }
        match self.phase {
            Phase::Head => {
                let names = self.split.split(line.number, &text)?;
                self.columns = Some(Columns::new(Header::new(line.number, names)?)?);
                self.phase = Phase::Rows;
                Ok(None)
            }
            Phase::Rows => self.row(line.number, &text).map(Some),
            _ if text.trim().is_empty() => Ok(None),
            _ => {
                Err(Refused::at(Reason::Footer, line.number).expected("no row after the end of the table").found(text))
            }
        }
    }

    fn end(&mut self, last: u64) -> Result<(), Refused> {
        if self.phase == Phase::Done {
            return Ok(());
        }
        Err(Refused::at(Reason::Truncated, last)
            .expected("the footer, with 交易合计, 退款合计 and 导出时间")
            .found("the end of the file"))
    }

    fn day(&self) -> Option<Date> {
        self.day
    }

    fn encoding(&self) -> Encoding {
        self.decoder.encoding()
    }
}
