//! The WeChat Pay trade bill, in all its header shapes (rule C3).
//!
//! Columns are found by name, so one reader serves ALL, SUCCESS, REFUND and `RECHARGE_REFUND` bills of
//! every year. A refund is a **positive** amount with its own numbers and status. In a REFUND bill the
//! first column is the time of the *payment*, and the refund's success has a column of its own.
//! The sums at the end are over the rows as they stand, whatever their status.

use crate::number;
use crate::reader::wechat::Bill;
use crate::refused::{Reason, Refused};
use crate::row::{Row, RowKind, RowStatus};
use crate::seen::Seen;
use crate::table::{self, Column, Fields, Header};

/// The first of the sums.
const COUNT: &str = "总交易单数";

/// The sums, by the names they have had, in the order of [`Sums`].
const SUMS: [&[&str]; 6] = [
    &["应结订单总金额", "总交易额"],
    &["退款总金额", "总退款金额"],
    &["充值券退款总金额", "总代金券或立减优惠退款金额", "总企业红包退款金额", "代金券或立减优惠退款总金额"],
    &["手续费总金额", "返还手续费总金额"],
    &["订单总金额"],
    &["申请退款总金额"],
];

/// Where the columns are.
#[derive(Debug)]
pub(super) struct Columns {
    time: Column,
    channel_order: Column,
    order: Column,
    trade_type: Column,
    state: Column,
    bank: Column,
    currency: Column,
    amount: Column,
    coupon: Option<Column>,
    asked: Option<Column>,
    fee: Column,
    rate: Option<Column>,
    about: Option<Column>,
    refund: Option<RefundColumns>,
}

/// The columns of refunds; a SUCCESS bill has none of them.
#[derive(Debug)]
struct RefundColumns {
    channel_refund: Column,
    refund: Column,
    amount: Column,
    coupon: Option<Column>,
    status: Column,
    succeeded: Option<Column>,
    asked: Option<Column>,
}

impl Columns {
    fn new(header: &Header) -> Result<Self, Refused> {
        let refund = match header.find(&["退款金额"]).or_else(|| header.find(&["微信退款单号", "商户退款单号"]))
        {
            None => None,
            Some(_) => Some(RefundColumns {
                channel_refund: header.need(&["微信退款单号"])?,
                refund: header.need(&["商户退款单号"])?,
                amount: header.need(&["退款金额"])?,
                coupon: header.find(&["充值券退款金额", "代金券或立减优惠退款金额", "企业红包退款金额"]),
                status: header.need(&["退款状态"])?,
                succeeded: header.find(&["退款成功时间"]),
                asked: header.find(&["申请退款金额"]),
            }),
        };
        Ok(Self {
            time: header.need(&["交易时间"])?,
            channel_order: header.need(&["微信订单号"])?,
            order: header.need(&["商户订单号"])?,
            trade_type: header.need(&["交易类型"])?,
            state: header.need(&["交易状态"])?,
            bank: header.need(&["付款银行"])?,
            currency: header.need(&["货币种类"])?,
            amount: header.need(&["应结订单金额", "总金额"])?,
            coupon: header.find(&["代金券金额", "代金券或立减优惠金额", "企业红包金额"]),
            asked: header.find(&["订单金额"]),
            fee: header.need(&["手续费", "返还手续费"])?,
            rate: header.find(&["费率"]),
            about: header.find(&["商品名称"]),
            refund,
        })
    }
}

/// What the rows add up to, column by column: amount, refund, coupon refund, fee, asked, refund asked.
type Sums = [i64; SUMS.len()];

/// What a trade bill adds up to.
#[derive(Debug)]
pub(super) struct WechatTrade {
    decimals: u8,
    rows: i64,
    sums: Sums,
    currency: Option<String>,
    seen: Seen,
}

impl WechatTrade {
    pub(super) fn new(decimals: u8, unique: bool) -> Self {
        Self { decimals, rows: 0, sums: Sums::default(), currency: None, seen: Seen::new(unique) }
    }

    fn unique(&mut self, row: &Row) -> Result<(), Refused> {
        let (name, number) = match row.kind {
            RowKind::Refund if !row.channel_refund.is_empty() => ("微信退款单号", &row.channel_refund),
            _ => ("微信订单号", &row.channel_order),
        };
        let kind = if row.kind == RowKind::Refund { "refund" } else { "payment" };
        if self.seen.first(&[kind, number]) {
            return Ok(());
        }
        Err(Refused::at(Reason::Duplicate, row.line).column(name).expected("a number not seen before").found(number))
    }
}

impl Bill for WechatTrade {
    type Columns = Columns;
    const SUMS: &'static str = COUNT;

    fn columns(header: &Header) -> Result<Columns, Refused> {
        Columns::new(header)
    }

    fn row(&mut self, fields: &Fields<'_>, columns: &Columns) -> Result<Row, Refused> {
        let mut row = common(fields, columns)?;
        let same = self.currency.get_or_insert_with(|| row.currency.clone());
        if *same != row.currency {
            return Err(fields.refuse(Reason::Word, &columns.currency, &format!("{same}, as in the rows before")));
        }
        let amount = row.amount;
        let asked = columns.asked.as_ref().map(|column| fields.amount(column)).transpose()?;
        let raw_fee = row.fee;
        row.asked = asked.unwrap_or(amount);
        let mut refunds = [0; 3];
        if let Some(columns) = &columns.refund {
            refunds = refund_money(fields, columns)?;
        }
        if row.kind == RowKind::Refund {
            let Some(columns) = &columns.refund else {
                return Err(fields.refuse(
                    Reason::Word,
                    &columns.state,
                    "SUCCESS: this bill has no columns of refunds",
                ));
            };
            as_refund(&mut row, fields, columns, refunds)?;
        } else if let Some(columns) = &columns.refund
            && refunds[0] != 0
        {
            return Err(fields.refuse(Reason::Field, &columns.amount, "0 in the row of a payment"));
        }
        self.rows += 1;
        let values = [amount, refunds[0], refunds[1], raw_fee, asked.unwrap_or(0), refunds[2]];
        for (sum, value) in self.sums.iter_mut().zip(values) {
            table::add(sum, value, fields.line)?;
        }
        self.unique(&row)?;
        Ok(row)
    }

    fn check_sums(&self, fields: &Fields<'_>, names: &Header) -> Result<(), Refused> {
        let line = fields.line;
        table::same_total(line, COUNT, fields.count(&names.need(&[COUNT])?)?, self.rows, 0)?;
        names.need(SUMS[0])?;
        names.need(SUMS[3])?;
        for (any, sum) in SUMS.iter().zip(self.sums) {
            if let Some(column) = names.find(any) {
                table::same_total(line, &column.name, fields.money(&column)?, sum, self.decimals)?;
            }
        }
        Ok(())
    }
}

/// What payments and refunds have in common.
fn common(fields: &Fields<'_>, columns: &Columns) -> Result<Row, Refused> {
    let kind = match fields.text(&columns.state) {
        "SUCCESS" => RowKind::Payment,
        "REFUND" | "REVOKED" => RowKind::Refund,
        _ => return Err(fields.refuse(Reason::Word, &columns.state, "SUCCESS, REFUND or REVOKED")),
    };
    let mut row = Row::new(fields.line, kind, fields.time(&columns.time)?);
    row.channel_order = fields.key(&columns.channel_order)?;
    row.order = fields.key(&columns.order)?;
    row.trade_type = fields.own(&columns.trade_type);
    row.bank = fields.own(&columns.bank);
    row.currency = fields.key(&columns.currency)?;
    row.amount = fields.amount(&columns.amount)?;
    row.fee = fields.money(&columns.fee)?;
    row.about = fields.text_or_empty(columns.about.as_ref());
    if let Some(coupon) = &columns.coupon {
        fields.amount(coupon)?;
    }
    if let Some(rate) = &columns.rate
        && !fields.text(rate).is_empty()
    {
        let read = number::rate(fields.text(rate));
        row.fee_rate = Some(read.map_err(|reason| fields.refuse(reason, rate, "a rate like 0.60%"))?);
    }
    if row.kind == RowKind::Payment && row.fee < 0 {
        return Err(fields.refuse(Reason::Sign, &columns.fee, "a fee without a sign on a payment"));
    }
    Ok(row)
}

/// Refund, coupon refund and what was asked for; 0 where there is no column.
fn refund_money(fields: &Fields<'_>, columns: &RefundColumns) -> Result<[i64; 3], Refused> {
    let optional = |column: Option<&Column>| column.map_or(Ok(0), |column| fields.amount(column));
    Ok([fields.amount(&columns.amount)?, optional(columns.coupon.as_ref())?, optional(columns.asked.as_ref())?])
}

/// Turns a row into the refund it is.
fn as_refund(row: &mut Row, fields: &Fields<'_>, columns: &RefundColumns, money: [i64; 3]) -> Result<(), Refused> {
    let number = |column: &Column| Some(fields.text(column)).filter(|text| *text != "0").unwrap_or_default().to_owned();
    row.refund = number(&columns.refund);
    row.channel_refund = number(&columns.channel_refund);
    row.amount = money[0];
    row.asked = if columns.asked.is_some() { money[2] } else { money[0] };
    // A recharge refund's column is called 返还手续费, "fee given back", and may stand without a sign.
    row.fee = -row.fee.abs();
    let revoked = row.channel_refund.is_empty();
    row.status = match fields.text(&columns.status) {
        "SUCCESS" => RowStatus::Succeeded,
        "" if revoked => RowStatus::Succeeded,
        "FAIL" => RowStatus::Failed,
        "PROCESSING" => RowStatus::Processing,
        "REFUNDCLOSE" | "CLOSED" => RowStatus::Closed,
        "CHANGE" | "ABNORMAL" => RowStatus::Abnormal,
        _ => return Err(fields.refuse(Reason::Word, &columns.status, "a status of a refund")),
    };
    if let Some(succeeded) = &columns.succeeded
        && !fields.text(succeeded).is_empty()
    {
        row.at_us = fields.time(succeeded)?;
    }
    Ok(())
}
