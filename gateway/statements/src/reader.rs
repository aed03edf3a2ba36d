//! One reader a family: a machine that is fed lines and gives rows.
//!
//! A machine knows no files. It remembers where in the layout it is, checks every line against that,
//! and at the end says whether the file was whole.

mod acquirer_table;
mod alipay_detail;
mod generic_csv;
mod running_balance;
mod unionpay_merchant;
mod wechat;
mod wechat_fundflow;
mod wechat_trade;

use jiff::civil::Date;

use self::wechat::Wechat;
use self::wechat_fundflow::WechatFundflow;
use self::wechat_trade::WechatTrade;
use crate::ask::{Ask, Encoding};
use crate::family::Family;
use crate::lines::Line;
use crate::refused::Refused;
use crate::row::Row;

/// Reads one family.
pub(crate) trait Machine: Send {
    /// Takes a line; gives a row when the line is one.
    fn line(&mut self, line: Line<'_>) -> Result<Option<Row>, Refused>;
    /// Says whether the file was whole; `last` is its last line.
    fn end(&mut self, last: u64) -> Result<(), Refused>;
    /// The day that the name or the header states.
    fn day(&self) -> Option<Date> {
        None
    }
    /// The encoding of what was read.
    fn encoding(&self) -> Encoding;
}

/// The machine of a family. `unique`: whether numbers are remembered, to find those that repeat.
pub(crate) fn machine(ask: &Ask<'_>, unique: bool) -> Result<Box<dyn Machine>, Refused> {
    Ok(match ask.family {
        Family::WechatTrade => Box::new(Wechat::new(ask.decimals, WechatTrade::new(ask.decimals, unique))),
        Family::WechatFundflow => Box::new(Wechat::new(ask.decimals, WechatFundflow::new(ask.decimals, unique))),
        Family::AlipayDetail => Box::new(alipay_detail::AlipayDetail::new(ask.decimals, unique)),
        Family::UnionpayMerchant => {
            Box::new(unionpay_merchant::UnionpayMerchant::new(ask.file_name, ask.decimals, unique)?)
        }
        Family::AcquirerTable => Box::new(acquirer_table::AcquirerTable::new(ask.decimals, unique)),
        Family::GenericCsv => Box::new(generic_csv::GenericCsv::new(ask.decimals, unique)),
    })
}
