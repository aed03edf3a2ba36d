//! A record to finance figures (rule A10).
//!
//! Pure. The six numbers are folded twice, from what differs: by lot, from the lines of each record, which
//! gives the breakdown by product, channel and offer; and by line of the chart of accounts, from the
//! record's entry. A report says whether both agree ([`super::Report::tied`]).

use crate::accounts::{Chart, Fund, SubId};
use crate::ledger::decide::refund::fund_of;
use crate::ledger::{Command, Event, Granted, Posting, Record, Taken, postings};
use crate::money::Currency;
use crate::names::CommandId;
use serde::{Deserialize, Serialize};

/// The six numbers of rule A10, or how much they changed, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Six {
    /// Paid value that wallets have, held or not.
    pub principal_outstanding: i128,
    /// Promoted value that wallets have, held or not.
    pub bonus_outstanding: i128,
    /// Paid value that merchants got, less what refunds took back.
    pub principal_consumed: i128,
    /// Promoted value that merchants got, less what refunds took back.
    pub bonus_consumed: i128,
    /// Value that expired.
    pub breakage: i128,
    /// What wallets owe.
    pub arrears: i128,
}

impl Six {
    /// Their names on the wire, in order.
    pub const NAMES: [&'static str; 6] =
        ["principal_outstanding", "bonus_outstanding", "principal_consumed", "bonus_consumed", "breakage", "arrears"];

    /// In the order of [`Six::NAMES`].
    #[must_use]
    pub const fn values(&self) -> [i128; 6] {
        [
            self.principal_outstanding,
            self.bonus_outstanding,
            self.principal_consumed,
            self.bonus_consumed,
            self.breakage,
            self.arrears,
        ]
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.principal_outstanding += other.principal_outstanding;
        self.bonus_outstanding += other.bonus_outstanding;
        self.principal_consumed += other.principal_consumed;
        self.bonus_consumed += other.bonus_consumed;
        self.breakage += other.breakage;
        self.arrears += other.arrears;
    }

    /// What is more here than there.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            principal_outstanding: self.principal_outstanding - earlier.principal_outstanding,
            bonus_outstanding: self.bonus_outstanding - earlier.bonus_outstanding,
            principal_consumed: self.principal_consumed - earlier.principal_consumed,
            bonus_consumed: self.bonus_consumed - earlier.bonus_consumed,
            breakage: self.breakage - earlier.breakage,
            arrears: self.arrears - earlier.arrears,
        }
    }

    /// Whether all are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn outstanding(&mut self, fund: Fund, minor: i128) {
        match fund {
            Fund::Paid => self.principal_outstanding += minor,
            Fund::Promoted => self.bonus_outstanding += minor,
        }
    }

    fn consumed(&mut self, fund: Fund, minor: i128) {
        match fund {
            Fund::Paid => self.principal_consumed += minor,
            Fund::Promoted => self.bonus_consumed += minor,
        }
    }

    /// Adds a line of the chart of accounts; `promoted` says which sub-balances are promoted.
    pub fn add_line(&mut self, line: &Chart, promoted: u8, minor: i128) {
        match line {
            Chart::Wallets(sub) | Chart::Held(sub) => self.outstanding(fund_of(promoted, sub.0), minor),
            // What was consumed stays consumed when the merchant has been paid.
            Chart::Merchants(_, fund) | Chart::PaidOut(fund) | Chart::MerchantFees(fund) => self.consumed(*fund, minor),
            Chart::MerchantBonus => self.consumed(Fund::Promoted, minor),
            Chart::Breakage => self.breakage += minor,
            // A debit balance.
            Chart::Arrears => self.arrears -= minor,
            Chart::Channels
            | Chart::Promotions
            | Chart::Promised
            | Chart::Fee
            | Chart::Suspense
            | Chart::Funds
            | Chart::Bank
            | Chart::WriteOff => {}
        }
    }
}

/// What a line of a record does with the value of its lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It comes into a wallet.
    In,
    /// It is paid to a merchant; `promoted` is the record's word on its sub-balances.
    Consumed(u8),
    /// A refund brings it back from a merchant.
    Restored(u8),
    /// It expired.
    Expired,
    /// It repaid what its wallet owed.
    Repaid,
    /// The refund of a top-up took it.
    GivenBack,
    /// The refund of its top-up is owed by the wallet.
    Owed,
}

impl Move {
    /// What it adds to the figures of its lot, whose promoted sub-balances are `promoted`.
    pub fn add_to(self, six: &mut Six, promoted: u8, sub: SubId, minor: i64) {
        let minor = i128::from(minor);
        let own = fund_of(promoted, sub.0);
        match self {
            Self::In => six.outstanding(own, minor),
            Self::Consumed(by) => {
                six.outstanding(own, -minor);
                six.consumed(fund_of(by, sub.0), minor);
            }
            Self::Restored(by) => {
                six.outstanding(own, minor);
                six.consumed(fund_of(by, sub.0), -minor);
            }
            Self::Expired => {
                six.outstanding(own, -minor);
                six.breakage += minor;
            }
            Self::Repaid => {
                six.outstanding(own, -minor);
                six.arrears -= minor;
            }
            Self::GivenBack => six.outstanding(own, -minor),
            Self::Owed => six.arrears += minor,
        }
    }
}

/// Calls `line` with each line of the record that changes one of the six numbers. What is held or moves
/// between wallets changes none.
pub fn moves<'r>(record: &'r Record, mut line: impl FnMut(&'r CommandId, SubId, i64, Move)) {
    let mut each =
        |taken: &'r Taken, what: Move| taken.iter().for_each(|(lot, sub, minor)| line(lot, sub, minor, what));
    match &record.event {
        Event::Spent { taken, promoted, .. } | Event::Captured { taken, promoted, .. } => {
            each(taken, Move::Consumed(*promoted));
        }
        Event::Refunded { taken, promoted, repaid, .. } => {
            each(taken, Move::Restored(*promoted));
            each(repaid, Move::Repaid);
        }
        Event::Transferred { repaid, .. } | Event::TopUpRefundFailed { repaid, .. } => each(repaid, Move::Repaid),
        Event::Expired { taken, .. } => each(taken, Move::Expired),
        Event::TopUpRefunded { refund, .. } | Event::TopUpRefundConfirmed { refund, .. } => {
            each(&refund.taken, Move::GivenBack);
            each(&refund.others, Move::GivenBack);
            if let Command::RefundTopUp(ask) = &record.command
                && refund.arrears != 0
            {
                line(&ask.top_up, SubId::PRINCIPAL, refund.arrears, Move::Owed);
            }
        }
        Event::ToppedUp { granted, repaid, .. } | Event::TopUpConfirmed { granted, repaid, .. } => {
            each(repaid, Move::Repaid);
            let Some(lot) = lot_made(record) else { return };
            granted.grants.iter().for_each(|grant| line(lot, grant.sub, grant.amount, Move::In));
        }
        Event::Rejected(_)
        | Event::Opened { .. }
        | Event::TopUpPlaced { .. }
        | Event::TopUpFailed { .. }
        | Event::TopUpUnchanged { .. }
        | Event::TopUpRefundRequested { .. }
        | Event::TopUpRefundUnchanged { .. }
        | Event::Held { .. }
        | Event::Released { .. }
        | Event::StatusSet { .. }
        | Event::Clearing(_) => {}
    }
}

/// Calls `line` with what the record adds to each line of the chart of accounts.
pub fn chart(record: &Record, mut line: impl FnMut(Currency, Chart, i128)) {
    postings(record, |Posting { to, minor }| line(record.currency, to.chart(), minor));
}

/// The lot into which the record puts money.
#[must_use]
pub(super) const fn lot_made(record: &Record) -> Option<&CommandId> {
    match (&record.event, &record.command) {
        (Event::ToppedUp { .. }, _) => Some(&record.id),
        (Event::TopUpConfirmed { .. }, Command::ConfirmTopUp(ask)) => Some(&ask.top_up),
        _ => None,
    }
}

/// What the record grants to the lot that has its own id: its place is where the lot's story begins.
#[must_use]
pub(super) const fn lot_placed(record: &Record) -> Option<&Granted> {
    match &record.event {
        Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. } => Some(granted),
        _ => None,
    }
}
