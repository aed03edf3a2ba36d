//! The families of channel statements that can be read, and their words in configuration.

use std::fmt;
use std::str::FromStr;

/// A family of channel statements: one layout, one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// A WeChat Pay trade bill: payments and refunds of a day.
    WechatTrade,
    /// A WeChat Pay fund-flow bill: every change of the merchant's account at the channel.
    WechatFundflow,
    /// An Alipay business detail.
    AlipayDetail,
    /// A UnionPay merchant file.
    UnionpayMerchant,
    /// An acquirer's table with a footer.
    AcquirerTable,
    /// The documented CSV, for channels that have no reader of their own.
    GenericCsv,
}

impl Family {
    /// Every family, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::WechatTrade,
        Self::WechatFundflow,
        Self::AlipayDetail,
        Self::UnionpayMerchant,
        Self::AcquirerTable,
        Self::GenericCsv,
    ];

    /// The word in configuration and in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::WechatTrade => "wechat_trade",
            Self::WechatFundflow => "wechat_fundflow",
            Self::AlipayDetail => "alipay_detail",
            Self::UnionpayMerchant => "unionpay_merchant",
            Self::AcquirerTable => "acquirer_table",
            Self::GenericCsv => "generic_csv",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a family of channel statements: wechat_trade, wechat_fundflow, alipay_detail, unionpay_merchant, acquirer_table or generic_csv"
)]
pub struct UnknownFamily(pub String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(word: &str) -> Result<Self, UnknownFamily> {
        Self::ALL.into_iter().find(|family| family.word() == word).ok_or_else(|| UnknownFamily(word.to_owned()))
    }
}
