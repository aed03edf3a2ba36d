//! Accounts that every checkout touches, in slices (rule E3).
//!
//! A spend touches one wallet and one merchant, a top-up one wallet, one channel and one promotion. If a
//! merchant lived on one shard, every checkout with it would wait for that shard. So every shard owns a
//! slice of every such account and books into its own; a read sums the slices. A slice may be below zero
//! where the account is not: only the sum means something.

use super::Status;
use crate::money::Currency;
use crate::names::{AccountId, Label};
use serde::{Deserialize, Serialize};

/// A merchant's sub-balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Bucket {
    /// Received, paid by a top-up that no channel statement has confirmed (已收未对账).
    Unreconciled,
    /// Waiting for settlement (待结算).
    Pending,
    /// Settled, waiting to be paid out (已结算待付).
    Payable,
    /// Set aside for disputes and splits.
    Reserved,
}

impl Bucket {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Unreconciled, Self::Pending, Self::Payable, Self::Reserved];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreconciled => "unreconciled",
            Self::Pending => "pending",
            Self::Payable => "payable",
            Self::Reserved => "reserved",
        }
    }
}

/// Where the value of a sub-balance comes from, which merchants' proceeds keep apart (rule C2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fund {
    /// From the customer, through a channel.
    Paid,
    /// From a promotion.
    Promoted,
}

impl Fund {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Paid, Self::Promoted];

    /// The word in names and on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Promoted => "promoted",
        }
    }
}

/// A merchant's money: bucket by fund, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proceeds([[i128; 2]; 4]);

impl Proceeds {
    /// What a bucket holds of a fund.
    #[must_use]
    pub const fn get(&self, bucket: Bucket, fund: Fund) -> i128 {
        self.0[bucket as usize][fund as usize]
    }

    /// What a bucket holds.
    #[must_use]
    pub fn bucket(&self, bucket: Bucket) -> i128 {
        self.0[bucket as usize].iter().sum()
    }

    /// Adds to a bucket.
    pub fn add(&mut self, bucket: Bucket, fund: Fund, minor: i128) {
        self.0[bucket as usize][fund as usize] += minor;
    }

    /// Adds another's amounts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *mine += theirs;
        }
    }

    /// Whether every amount is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.iter().flatten().all(|minor| *minor == 0)
    }
}

/// An account of the ledger's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SystemAccount {
    /// What a payment channel owes us (negative: a debit balance).
    Channel(Label),
    /// What a promotion gave away (negative: a debit balance).
    Promotion(Label),
    /// Channel fees.
    Fee,
    /// Money nobody knows where to put yet.
    Suspense,
    /// Value that expired.
    Breakage,
    /// What a promotion has promised to top-ups that wait for their channel.
    Promised(Label),
    /// What a channel's statements have confirmed and the channel still keeps (negative: a debit balance).
    Funds(Label),
    /// What channels have moved to the bank (negative: a debit balance).
    Bank,
    /// Differences that were written off.
    WriteOff,
    /// What was paid out to merchants, by where it came from.
    PaidOut(Fund),
    /// Fees that settlement took from merchants, by where the money came from.
    MerchantFee(Fund),
    /// What merchants bore of the gifts that were spent with them.
    MerchantBonus,
}

impl SystemAccount {
    /// Its account name: `channel:wechat`, `promotion:spring`, `breakage`, ...
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Channel(name) => format!("channel:{name}"),
            Self::Promotion(name) => format!("promotion:{name}"),
            Self::Fee => "fee".into(),
            Self::Suspense => "suspense".into(),
            Self::Breakage => "breakage".into(),
            Self::Promised(name) => format!("promised:{name}"),
            Self::Funds(name) => format!("funds:{name}"),
            Self::Bank => "bank".into(),
            Self::WriteOff => "write_off".into(),
            Self::PaidOut(fund) => format!("paid_out:{}", fund.word()),
            Self::MerchantFee(fund) => format!("merchant_fee:{}", fund.word()),
            Self::MerchantBonus => "merchant_bonus".into(),
        }
    }

    /// Its account of this currency: the name with the currency behind it, `breakage:CNY`.
    #[must_use]
    pub fn account(&self, currency: Currency) -> AccountId {
        AccountId::internal(&format!("{}:{currency}", self.name()))
    }

    /// Whether a client's account name is one of the ledger's own.
    #[must_use]
    pub fn is_reserved(name: &str) -> bool {
        // With or without the currency that the accounts' full names end in.
        let kind = name.split(':').next().unwrap_or_default();
        match kind {
            "channel" | "promotion" | "promised" | "funds" | "paid_out" | "merchant_fee" => name.len() > kind.len(),
            "fee" | "suspense" | "breakage" | "bank" | "write_off" | "merchant_bonus" => true,
            _ => false,
        }
    }
}

/// What a sliced account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SliceKind {
    /// A merchant with its proceeds.
    Merchant(Proceeds),
    /// An account of the ledger's own, with its balance in minor units.
    System(i128),
}

/// One shard's share of a sliced account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The account.
    pub id: AccountId,
    /// Its currency; system accounts have one account a currency.
    pub currency: Currency,
    /// Its status, the same in every slice.
    pub status: Status,
    /// What is in this slice.
    pub kind: SliceKind,
}

impl Slice {
    /// An empty slice of a merchant.
    #[must_use]
    pub fn merchant(id: AccountId, currency: Currency) -> Self {
        Self { id, currency, status: Status::Open, kind: SliceKind::Merchant(Proceeds::default()) }
    }

    /// The proceeds, if it is a merchant's.
    #[must_use]
    pub const fn proceeds(&self) -> Option<&Proceeds> {
        match &self.kind {
            SliceKind::Merchant(proceeds) => Some(proceeds),
            SliceKind::System(_) => None,
        }
    }

    /// An empty slice of the same account.
    #[must_use]
    pub fn empty_like(&self) -> Self {
        let kind = match self.kind {
            SliceKind::Merchant(_) => SliceKind::Merchant(Proceeds::default()),
            SliceKind::System(_) => SliceKind::System(0),
        };
        Self { id: self.id.clone(), currency: self.currency, status: self.status, kind }
    }

    /// Adds what another slice of the same account holds.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.kind, &other.kind) {
            (SliceKind::Merchant(mine), SliceKind::Merchant(theirs)) => mine.merge(theirs),
            (SliceKind::System(mine), SliceKind::System(theirs)) => *mine += theirs,
            _ => debug_assert!(false, "slices of one account are of one kind"),
        }
    }
}
