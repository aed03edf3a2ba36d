//! The WeChat Pay fund-flow bill: every change of the merchant's account at the channel, with the
//! balance after it.
//!
//! Counts and sums of both directions are checked against the bill's own, and the running balance
//! against the changes. A refund's row carries the refund's numbers; 资金流水单号 is the number of the
//! payment it belongs to. Fees are rows of their own here, so a row's `fee` is zero.

use crate::number;
use crate::reader::running_balance::RunningBalance;
use crate::reader::wechat::Bill;
use crate::refused::{Reason, Refused};
use crate::row::{Flow, Row, RowKind};
use crate::seen::Seen;
use crate::table::{self, Column, Fields, Header};

/// The first of the sums.
const COUNT: &str = "资金流水总笔数";

/// Where the columns are.
#[derive(Debug)]
pub(super) struct Columns {
    time: Column,
    business: Column,
    flow_number: Column,
    name: Column,
    kind: Column,
    direction: Column,
    amount: Column,
    balance: Column,
    note: Option<Column>,
    voucher: Column,
}

impl Columns {
    fn new(header: &Header) -> Result<Self, Refused> {
        Ok(Self {
            time: header.need(&["记账时间"])?,
            business: header.need(&["微信支付业务单号"])?,
            flow_number: header.need(&["资金流水单号"])?,
            name: header.need(&["业务名称"])?,
            kind: header.need(&["业务类型"])?,
            direction: header.need(&["收支类型"])?,
            amount: header.need(&["收支金额(元)", "收支金额（元）"])?,
            balance: header.need(&["账户结余(元)", "账户结余（元）"])?,
            note: header.find(&["备注"]),
            voucher: header.need(&["业务凭证号"])?,
        })
    }
}

/// What a fund-flow bill adds up to.
#[derive(Debug)]
pub(super) struct WechatFundflow {
    decimals: u8,
    /// Number and money, in and out.
    sums: [(i64, i64); 2],
    balance: RunningBalance,
    seen: Seen,
}

impl WechatFundflow {
    pub(super) fn new(decimals: u8, unique: bool) -> Self {
        let (sums, balance) = Default::default();
        Self { decimals, sums, balance, seen: Seen::new(unique) }
    }
}

impl Bill for WechatFundflow {
    type Columns = Columns;
    const SUMS: &'static str = COUNT;

    fn columns(header: &Header) -> Result<Columns, Refused> {
        Columns::new(header)
    }

    fn row(&mut self, fields: &Fields<'_>, columns: &Columns) -> Result<Row, Refused> {
        let line = fields.line;
        let flow = match fields.text(&columns.direction) {
            "收入" => Flow::In,
            "支出" => Flow::Out,
            _ => return Err(fields.refuse(Reason::Word, &columns.direction, "收入 or 支出")),
        };
        let amount = fields.amount(&columns.amount)?;
        let after = fields.money(&columns.balance)?;
        let change = if flow == Flow::In { amount } else { -amount };
        let at_us = fields.time(&columns.time)?;
        self.balance
            .change(line, at_us, change, after)
            .ok_or_else(|| fields.refuse(Reason::Number, &columns.balance, "a balance that fits"))?;
        let (count, sum) = &mut self.sums[usize::from(flow == Flow::Out)];
        *count += 1;
        table::add(sum, amount, line)?;

        let business = fields.key(&columns.business)?;
        let flow_number = fields.text(&columns.flow_number);
        let word = fields.key(&columns.kind)?;
        let voucher = fields.text(&columns.voucher);
        let direction = fields.text(&columns.direction);
        if !self.seen.first(&[&business, flow_number, fields.text(&columns.name), &word, direction, voucher]) {
            return Err(fields.refuse(Reason::Duplicate, &columns.business, "a number not seen before"));
        }
        let (kind, refund) = match (word.as_str(), flow) {
            ("交易", Flow::In) => (RowKind::Payment, false),
            ("退款", Flow::Out) => (RowKind::Refund, true),
            _ => (RowKind::Other { word }, false),
        };
        let mut row = Row::new(line, kind, at_us);
        row.flow = flow;
        row.amount = amount;
        row.asked = amount;
        row.trade_type = fields.own(&columns.name);
        row.about = fields.text_or_empty(columns.note.as_ref());
        if refund {
            row.channel_order = fields.own(&columns.flow_number);
            row.channel_refund = business;
            row.refund = fields.own(&columns.voucher);
        } else {
            row.channel_order = business;
            row.order = fields.own(&columns.voucher);
        }
        Ok(row)
    }

    fn check_sums(&self, fields: &Fields<'_>, names: &Header) -> Result<(), Refused> {
        let line = fields.line;
        let [(in_rows, in_sum), (out_rows, out_sum)] = self.sums;
        for (name, rows) in [(COUNT, in_rows + out_rows), ("收入笔数", in_rows), ("支出笔数", out_rows)] {
            table::same_total(line, name, fields.count(&names.need(&[name])?)?, rows, 0)?;
        }
        for (name, sum) in [("收入金额", in_sum), ("支出金额", out_sum)] {
            let stated = fields.amount(&names.need(&[name])?)?;
            table::same_total(line, name, stated, sum, self.decimals)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refused> {
        match self.balance.end() {
            None => Ok(()),
            Some(broken) => Err(Refused::at(Reason::Balance, broken.line)
                .column("账户结余(元)")
                .expected(number::major(broken.expected, self.decimals))
                .found(number::major(broken.found, self.decimals))),
        }
    }
}
