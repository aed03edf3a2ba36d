//! Records to balanced entries.

use super::decide::refund::fund_of;
use super::{Event, Granted, LotSet, Record, Taken, TopUpRefund};
use crate::accounts::{Bucket, Chart, Fund, SubId, SystemAccount};
use crate::clearing::{Move, Place};
use crate::names::{AccountId, Label};

/// What a posting goes to. Wallets and merchants are those of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostTo {
    /// What the wallet can spend of a sub-balance.
    Wallet(SubId),
    /// What the wallet's holds and refunds of top-ups have set aside of a sub-balance.
    Held(SubId),
    /// What the wallet owes.
    Arrears,
    /// The merchant's proceeds.
    Merchant(Bucket, Fund),
    /// The proceeds of this merchant, in a record of the clearing line, which may name several.
    Named(AccountId, Bucket, Fund),
    /// An account of the ledger's own.
    System(SystemAccount),
}

impl PostTo {
    /// The line of the chart of accounts.
    #[must_use]
    pub const fn chart(&self) -> Chart {
        match self {
            Self::Wallet(sub) => Chart::Wallets(*sub),
            Self::Held(sub) => Chart::Held(*sub),
            Self::Arrears => Chart::Arrears,
            Self::Merchant(bucket, fund) | Self::Named(_, bucket, fund) => Chart::Merchants(*bucket, *fund),
            Self::System(SystemAccount::Channel(_)) => Chart::Channels,
            Self::System(SystemAccount::Promotion(_)) => Chart::Promotions,
            Self::System(SystemAccount::Fee) => Chart::Fee,
            Self::System(SystemAccount::Suspense) => Chart::Suspense,
            Self::System(SystemAccount::Breakage) => Chart::Breakage,
            Self::System(SystemAccount::Promised(_)) => Chart::Promised,
            Self::System(SystemAccount::Funds(_)) => Chart::Funds,
            Self::System(SystemAccount::Bank) => Chart::Bank,
            Self::System(SystemAccount::WriteOff) => Chart::WriteOff,
            Self::System(SystemAccount::PaidOut(fund)) => Chart::PaidOut(*fund),
            Self::System(SystemAccount::MerchantFee(fund)) => Chart::MerchantFees(*fund),
            Self::System(SystemAccount::MerchantBonus) => Chart::MerchantBonus,
        }
    }
}

impl From<&Place> for PostTo {
    fn from(place: &Place) -> Self {
        match place {
            Place::Merchant(account, bucket, fund) => Self::Named(account.clone(), *bucket, *fund),
            Place::System(account) => Self::System(account.clone()),
        }
    }
}

/// One debit (negative) or credit (positive), in minor units of the record's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Where it goes.
    pub to: PostTo,
    /// How much.
    pub minor: i128,
}

/// Calls `post` with each posting of the record's entry. They sum to zero, always: each is written down
/// together with its other side.
///
/// A transfer's postings go to two wallets and to the same lines of the chart, so they cancel and are
/// left out, but for what repays the receiver's arrears.
pub fn postings(record: &Record, mut post: impl FnMut(Posting)) {
    let mut both = |from: PostTo, to: PostTo, amount: i64| {
        post(Posting { to: from, minor: -i128::from(amount) });
        post(Posting { to, minor: i128::from(amount) });
    };
    match &record.event {
        Event::ToppedUp { granted, repaid, .. } => {
            grant(granted, SystemAccount::Promotion, &mut both);
            repay(repaid, both);
        }
        Event::TopUpPlaced { granted, .. } => promise(granted, both),
        Event::TopUpConfirmed { granted, repaid, .. } => {
            grant(granted, SystemAccount::Promised, &mut both);
            repay(repaid, both);
        }
        Event::TopUpFailed { granted, .. } => {
            promise(granted, |promotion, promised, gift| both(promised, promotion, gift));
        }
        Event::Spent { taken, promoted, reconciled, .. } => {
            paid(taken, *promoted, reconciled, |sub, merchant, amount| both(PostTo::Wallet(sub), merchant, amount));
        }
        Event::Held { taken, .. } => each(taken, |sub, amount| both(PostTo::Wallet(sub), PostTo::Held(sub), amount)),
        Event::Captured { taken, released, promoted, reconciled, .. } => {
            paid(taken, *promoted, reconciled, |sub, merchant, amount| both(PostTo::Held(sub), merchant, amount));
            each(released, |sub, amount| both(PostTo::Held(sub), PostTo::Wallet(sub), amount));
        }
        Event::Released { taken, .. } => {
            each(taken, |sub, amount| both(PostTo::Held(sub), PostTo::Wallet(sub), amount));
        }
        Event::Refunded { taken, promoted, reconciled, repaid, .. } => {
            paid(taken, *promoted, reconciled, |sub, merchant, amount| both(merchant, PostTo::Wallet(sub), amount));
            repay(repaid, both);
        }
        Event::Transferred { repaid, .. } => repay(repaid, both),
        Event::TopUpRefunded { refund, returned, .. } => {
            each(returned, |sub, amount| both(PostTo::Held(sub), PostTo::Wallet(sub), amount));
            pay_back(refund, PostTo::Wallet, both);
        }
        Event::TopUpRefundRequested { refund, .. } => each(&refund.taken, |sub, amount| {
            both(PostTo::Wallet(sub), PostTo::Held(sub), amount);
        }),
        Event::TopUpRefundConfirmed { refund, .. } => pay_back(refund, PostTo::Held, both),
        Event::TopUpRefundFailed { refund, repaid, .. } => {
            each(&refund.taken, |sub, amount| both(PostTo::Held(sub), PostTo::Wallet(sub), amount));
            repay(repaid, both);
        }
        Event::Expired { taken, holds, .. } => {
            for (_, released) in holds {
                each(released, |sub, amount| both(PostTo::Held(sub), PostTo::Wallet(sub), amount));
            }
            each(taken, |sub, amount| both(PostTo::Wallet(sub), PostTo::System(SystemAccount::Breakage), amount));
        }
        Event::Rejected(_)
        | Event::Opened { .. }
        | Event::TopUpUnchanged { .. }
        | Event::TopUpRefundUnchanged { .. }
        | Event::StatusSet { .. } => {}
        Event::Clearing(entry) => {
            for Move { from, to, amount } in &entry.moves {
                both(from.into(), to.into(), *amount);
            }
        }
    }
}

fn each(taken: &Taken, mut line: impl FnMut(SubId, i64)) {
    for taken in &taken.lines {
        line(taken.sub, taken.amount);
    }
}

/// What came in repays what the wallet owes.
fn repay(repaid: &Taken, mut both: impl FnMut(PostTo, PostTo, i64)) {
    each(repaid, |sub, amount| both(PostTo::Wallet(sub), PostTo::Arrears, amount));
}

/// A top-up goes back: paid value to the channel as far as it is refunded and to the promotion beyond that,
/// the gift to the promotion. What the paid value cannot give the channel, arrears and the promotion give.
fn pay_back(refund: &TopUpRefund, lot: impl Fn(SubId) -> PostTo, mut both: impl FnMut(PostTo, PostTo, i64)) {
    let channel = || PostTo::System(SystemAccount::Channel(refund.channel.clone()));
    let promotion = || PostTo::System(SystemAccount::Promotion(refund.promotion.clone()));
    let mut open = refund.refunded;
    let mut give = |from: PostTo, amount: i64, open: &mut i64| {
        let due = amount.min(*open);
        *open -= due;
        for (to, amount) in [(channel(), due), (promotion(), amount - due)] {
            if amount > 0 {
                both(from.clone(), to, amount);
            }
        }
    };
    each(&refund.taken, |sub, amount| {
        if !refund.is_promoted(sub) {
            give(lot(sub), amount, &mut open);
        }
    });
    each(&refund.others, |sub, amount| give(PostTo::Wallet(sub), amount, &mut open));
    give(PostTo::Arrears, refund.arrears, &mut open);
    let from_promotion = open;
    give(promotion(), from_promotion, &mut open);
    each(&refund.taken, |sub, amount| {
        if refund.is_promoted(sub) {
            give(lot(sub), amount, &mut 0);
        }
    });
}

/// Where a merchant's proceeds go: what a lot pays is the merchant's to settle when a channel statement has confirmed
/// the lot, and waits for that until then (rule C2).
pub(crate) const fn proceeds(reconciled: bool) -> Bucket {
    if reconciled { Bucket::Pending } else { Bucket::Unreconciled }
}

/// Calls `line` with each line's sub-balance, where it is the merchant's, and the amount.
fn paid(taken: &Taken, promoted: u8, reconciled: &LotSet, mut line: impl FnMut(SubId, PostTo, i64)) {
    for taken in &taken.lines {
        let bucket = proceeds(reconciled.has(taken.lot));
        line(taken.sub, PostTo::Merchant(bucket, fund_of(promoted, taken.sub.0)), taken.amount);
    }
}

/// What is paid comes from the channel; the gift `gives`: the promotion itself, or what it has promised.
fn grant(granted: &Granted, gives: fn(Label) -> SystemAccount, mut both: impl FnMut(PostTo, PostTo, i64)) {
    for grant in &granted.grants {
        let source = match fund_of(granted.promoted, grant.sub.0) {
            Fund::Paid => SystemAccount::Channel(granted.channel.clone()),
            Fund::Promoted => gives(granted.promotion.clone()),
        };
        both(PostTo::System(source), PostTo::Wallet(grant.sub), grant.amount);
    }
}

/// The gift of a top-up that waits: calls `between` with the promotion, its promises, and the gift.
fn promise(granted: &Granted, mut between: impl FnMut(PostTo, PostTo, i64)) {
    let gifts = granted.grants.iter().filter(|grant| fund_of(granted.promoted, grant.sub.0) == Fund::Promoted);
    let gift: i64 = gifts.map(|grant| grant.amount).sum();
    if gift > 0 {
        let promotion = PostTo::System(SystemAccount::Promotion(granted.promotion.clone()));
        let promised = PostTo::System(SystemAccount::Promised(granted.promotion.clone()));
        between(promotion, promised, gift);
    }
}
