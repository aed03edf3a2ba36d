//! What a careful client works out for itself: every balance, from the answers alone, in the order of their positions.
//!
//! It knows nothing of lots, shards or images. An answer names what it took and gave; the client adds up, and compares
//! with the figures that the same answer shows, and with what questions are answered.

use crate::scene::fades;
use fentan_engine::accounts::{Proceeds, Timestamp};
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Balances, Command, Event, PostTo, Record, Taken, TakenLine, postings};
use fentan_engine::names::{AccountId, CommandId};
use std::collections::BTreeMap;

/// A wallet, and how it stood after each of its records.
#[derive(Debug, Default)]
struct Purse {
    now: Balances,
    at: Timestamp,
    was: Vec<(Position, Balances)>,
}

/// A spend, and what refunds have given back of each of its lines.
#[derive(Debug)]
struct Given {
    lines: Vec<(CommandId, u8, i64, i64)>,
    has_order: bool,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    purses: BTreeMap<AccountId, Purse>,
    merchants: BTreeMap<AccountId, Vec<(Position, Proceeds)>>,
    own: BTreeMap<AccountId, Vec<(Position, i128)>>,
    spends: BTreeMap<CommandId, Given>,
    pub(crate) wrong: Vec<String>,
}

fn change(balances: &mut Balances, taken: &Taken, sign: i64) {
    for (_, sub, amount) in taken.iter() {
        balances.subs.add(sub, sign * amount);
    }
}

/// Whether two say the same: a sub-balance that was never touched is zero.
pub(crate) fn same(one: &Balances, other: &Balances) -> bool {
    let zero_or_same = |(sub, minor)| other.subs.get(sub) == minor;
    let back = |(sub, minor)| one.subs.get(sub) == minor;
    one.subs.iter().all(zero_or_same)
        && other.subs.iter().all(back)
        && (one.held, one.arrears) == (other.held, other.arrears)
}

impl Books {
    /// Adds a record.
    pub(crate) fn apply(&mut self, position: Position, record: &Record) {
        if matches!(record.event, Event::Rejected(_)) {
            return;
        }
        if let Some(account) = record.account().cloned() {
            self.change_wallet(&account, position, record);
        }
        if let (Event::Transferred { parts, repaid, .. }, Command::Transfer(ask)) = (&record.event, &record.command) {
            let purse = self.purses.entry(ask.to.clone()).or_default();
            for part in parts {
                purse.now.subs.add(part.sub, part.amount);
            }
            change(&mut purse.now, repaid, -1);
            purse.now.arrears -= repaid.sum();
            purse.was.push((position, purse.now.clone()));
        }
        self.book(position, record);
        self.note_spend(position, record);
    }

    fn change_wallet(&mut self, account: &AccountId, position: Position, record: &Record) {
        let Some(after) = record.event.after() else { return };
        let purse = self.purses.entry(account.clone()).or_default();
        if record.at < purse.at {
            self.wrong
                .push(format!("position {position}: {account} is at {}, and was at {} before", record.at, purse.at));
        }
        purse.at = record.at;
        let now = &mut purse.now;
        match &record.event {
            Event::ToppedUp { granted, repaid, .. } | Event::TopUpConfirmed { granted, repaid, .. } => {
                for grant in &granted.grants {
                    now.subs.add(grant.sub, grant.amount);
                }
                change(now, repaid, -1);
                now.arrears -= repaid.sum();
            }
            Event::Spent { taken, .. } | Event::Transferred { taken, .. } => change(now, taken, -1),
            Event::Held { taken, .. } => {
                change(now, taken, -1);
                now.held += taken.sum();
            }
            Event::Captured { taken, released, .. } => {
                now.held -= taken.sum() + released.sum();
                change(now, released, 1);
            }
            Event::Released { taken, .. } => {
                now.held -= taken.sum();
                change(now, taken, 1);
            }
            Event::Refunded { taken, repaid, .. } => {
                change(now, taken, 1);
                change(now, repaid, -1);
                now.arrears -= repaid.sum();
            }
            Event::Expired { taken, holds, .. } => {
                for (_, released) in holds {
                    now.held -= released.sum();
                    change(now, released, 1);
                }
                change(now, taken, -1);
                if !fades(account) {
                    self.wrong.push(format!("position {position}: something ends in {account}, where nothing ends"));
                }
            }
            Event::TopUpRefunded { refund, returned, .. } => {
                now.held -= returned.sum();
                change(now, returned, 1);
                change(now, &refund.taken, -1);
                change(now, &refund.others, -1);
                now.arrears += refund.arrears;
            }
            Event::TopUpRefundRequested { refund, .. } => {
                change(now, &refund.taken, -1);
                now.held += refund.taken.sum();
            }
            Event::TopUpRefundConfirmed { refund, .. } => now.held -= refund.taken.sum(),
            Event::TopUpRefundFailed { refund, repaid, .. } => {
                now.held -= refund.taken.sum();
                change(now, &refund.taken, 1);
                change(now, repaid, -1);
                now.arrears -= repaid.sum();
            }
            _ => {}
        }
        if !same(now, after) {
            self.wrong.push(format!(
                "position {position}: {account} is answered to have {after:?}, its answers make {now:?}"
            ));
        }
        if now.held < 0 || now.arrears < 0 || now.subs.iter().any(|(_, minor)| minor < 0) {
            self.wrong.push(format!("position {position}: {account} has less than nothing: {now:?}"));
        }
        let now = now.clone();
        purse.was.push((position, now));
    }

    /// Merchants and the ledger's own accounts.
    fn book(&mut self, position: Position, record: &Record) {
        let (mut merchants, mut own) = (BTreeMap::new(), BTreeMap::new());
        postings(record, |posting| match posting.to {
            PostTo::Merchant(bucket, fund) => {
                if let Some(merchant) = record.merchant() {
                    let all: &mut Vec<_> = merchants.entry(merchant.clone()).or_default();
                    all.push((bucket, fund, posting.minor));
                }
            }
            PostTo::Named(merchant, bucket, fund) => {
                merchants.entry(merchant).or_default().push((bucket, fund, posting.minor));
            }
            PostTo::System(account) => {
                let name = AccountId::internal(&format!("{}:{}", account.name(), record.currency));
                *own.entry(name).or_insert(0) += posting.minor;
            }
            PostTo::Wallet(_) | PostTo::Held(_) | PostTo::Arrears => {}
        });
        for (merchant, moves) in merchants {
            let was = self.merchants.entry(merchant).or_default();
            let mut now = was.last().map(|(_, now)| now.clone()).unwrap_or_default();
            for (bucket, fund, minor) in moves {
                now.add(bucket, fund, minor);
            }
            was.push((position, now));
        }
        for (account, minor) in own {
            let was = self.own.entry(account).or_default();
            let now = was.last().map_or(0, |(_, now)| *now);
            was.push((position, now + minor));
        }
    }

    /// A refund never gives back more of a line than was taken, all of a spend is exactly its lines, and pieces are
    /// divided as the sum of them would be (rule A4).
    fn note_spend(&mut self, position: Position, record: &Record) {
        match (&record.event, &record.command) {
            (Event::Spent { taken, table, .. } | Event::Captured { taken, table, .. }, _) => {
                let line = |line: &TakenLine| (taken.lots[line.lot as usize].clone(), line.sub.0, line.amount, 0);
                let lines = taken.lines.iter().map(line).collect();
                self.spends.insert(record.id.clone(), Given { lines, has_order: table.is_some() });
            }
            (Event::Refunded { taken, refunded, .. }, Command::Refund(ask)) => {
                let Some(given) = self.spends.get_mut(&ask.spend) else {
                    self.wrong.push(format!("position {position}: {} is given back and was never made", ask.spend));
                    return;
                };
                for (lot, sub, amount) in taken.iter() {
                    match given.lines.iter_mut().find(|(known, of, ..)| known == lot && *of == sub.0) {
                        Some((.., back)) => *back += amount,
                        None => self.wrong.push(format!("position {position}: {lot} has no part in {}", ask.spend)),
                    }
                }
                if let Some(fault) = given.fault(*refunded) {
                    self.wrong.push(format!("position {position}: of {} {fault}: {:?}", ask.spend, given.lines));
                }
            }
            _ => {}
        }
    }

    /// What is wrong with an answer that a question got, which the ledger at `seq` may not have been ahead of.
    pub(crate) fn fault_of_wallet(&self, account: &AccountId, shown: &Balances, seq: Position) -> Option<String> {
        let purse = self.purses.get(account);
        let new = Balances::default();
        let was = purse.map_or(&[][..], |purse| &purse.was);
        let mut states = was.iter().rev().filter(|(position, _)| *position <= seq).map(|(_, balances)| balances);
        let known = states.any(|balances| same(balances, shown)) || same(&new, shown);
        (!known).then(|| format!("{account} was shown with {shown:?} at {seq}, and never had it up to there"))
    }

    /// The same for a merchant.
    pub(crate) fn fault_of_merchant(&self, account: &AccountId, shown: &Proceeds, seq: Position) -> Option<String> {
        let was = self.merchants.get(account).map_or(&[][..], Vec::as_slice);
        let known = was.iter().any(|(position, proceeds)| *position <= seq && proceeds == shown) || shown.is_zero();
        (!known).then(|| format!("{account} was shown with {shown:?} at {seq}, and never had it up to there"))
    }

    /// The same for one of the ledger's own accounts.
    pub(crate) fn fault_of_own(&self, account: &AccountId, shown: i128, seq: Position) -> Option<String> {
        let was = self.own.get(account).map_or(&[][..], Vec::as_slice);
        let known = shown == 0 || was.iter().any(|(position, minor)| *position <= seq && *minor == shown);
        (!known).then(|| format!("{account} was shown with {shown} at {seq}, and never had it up to there"))
    }

    /// What a wallet has at the end.
    pub(crate) fn wallet(&self, account: &AccountId) -> Balances {
        self.purses.get(account).map(|purse| purse.now.clone()).unwrap_or_default()
    }

    /// What a merchant has at the end.
    pub(crate) fn merchant(&self, account: &AccountId) -> Proceeds {
        self.merchants.get(account).and_then(|was| was.last()).map(|(_, now)| now.clone()).unwrap_or_default()
    }

    /// What one of the ledger's own accounts has at the end.
    pub(crate) fn own(&self, account: &AccountId) -> i128 {
        self.own.get(account).and_then(|was| was.last()).map_or(0, |(_, now)| *now)
    }
}

impl Given {
    fn fault(&self, refunded: i64) -> Option<String> {
        let back: i64 = self.lines.iter().map(|(.., back)| back).sum();
        let whole: i64 = self.lines.iter().map(|(_, _, amount, _)| amount).sum();
        if back != refunded {
            return Some(format!("{back} came back, and {refunded} is said to have"));
        }
        if self.lines.iter().any(|(_, _, amount, back)| back > amount) {
            return Some("more came back of a line than it had".into());
        }
        // Two lines are divided by one rounding, half up, of all that has come back so far.
        if let [(_, _, first, back), _] = self.lines.as_slice()
            && !self.has_order
            && *back != (2 * refunded * first + whole) / (2 * whole)
        {
            return Some(format!("the pieces of {refunded} are not divided as {refunded} is"));
        }
        None
    }
}
