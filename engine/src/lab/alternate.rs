//! A recorded event to the event of the other world.

use super::kept::Kept;
use crate::accounts::{Funding, SUBS_MAX, Timestamp, Wallet};
use crate::allocation::{Allocation, Purse, Rule, allocate};
use crate::catalog::Catalog;
use crate::ledger::decide::Context;
use crate::ledger::decide::arrears::{repay, repay_grants};
use crate::ledger::decide::expiry::expire;
use crate::ledger::decide::top_up_refund::refund_top_up;
use crate::ledger::decide::transfer::moved_parts;
use crate::ledger::{Command, Event, Granted, Record, RefundTopUp, Spend, Taken, TopUpRefundState};
use crate::names::Label;
use smallvec::SmallVec;

/// What became of a recorded event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alternate {
    /// The record stands as it was.
    Same,
    /// The record has other lines.
    Other,
    /// The rule cannot pay it: nothing happens.
    Refused,
    /// It follows a spend or hold that was refused: nothing happens.
    Orphan,
    /// There is nothing to do in the other world: nothing has ended there.
    Nothing,
}

/// Rewrites `record` to what the rule makes of it on `wallet`, the lab's wallet that pays, gets back or holds.
/// `receiver` is the lab's wallet that a transfer goes to.
pub(super) fn rewrite(
    catalog: &Catalog,
    rule: &Rule,
    (wallet, receiver): (&Wallet, Option<&Wallet>),
    kept: &mut Kept,
    record: &mut Record,
) -> Alternate {
    match (&record.command, &mut record.event) {
        (_, Event::ToppedUp { granted, repaid, .. }) => {
            replace(repaid, repay_grants(wallet.arrears, granted.promoted, &record.id, &granted.grants))
        }
        (Command::ConfirmTopUp(ask), Event::TopUpConfirmed { granted, repaid, .. }) => {
            replace(repaid, repay_grants(wallet.arrears, granted.promoted, &ask.top_up, &granted.grants))
        }
        (Command::Spend(ask), Event::Spent { rule: name, version, taken, phase, .. }) => {
            let most = most(catalog, rule, wallet, Some(ask));
            let result = again(rule, purse(wallet, rule, most.as_ref()), wallet, (name, version, taken, phase));
            kept.spent(&record.id, (result != Alternate::Refused).then_some(taken));
            result
        }
        (Command::Hold(ask, _), Event::Held { rule: name, version, taken, phase, .. }) => {
            let most = most(catalog, rule, wallet, Some(ask));
            again(rule, purse(wallet, rule, most.as_ref()), wallet, (name, version, taken, phase))
        }
        (_, Event::Transferred { rule: name, version, taken, phase, parts, repaid, .. }) => {
            let most = most(catalog, rule, wallet, None);
            let result = again(rule, purse(wallet, rule, most.as_ref()), wallet, (name, version, taken, phase));
            if result == Alternate::Other {
                *parts = moved_parts(wallet, taken);
            }
            if result == Alternate::Refused {
                return result;
            }
            let arrears = receiver.map_or(0, |receiver| receiver.arrears);
            result.or(replace(repaid, repay(arrears, catalog.promoted(), taken)))
        }
        (Command::Capture(ask), Event::Captured { taken, released, .. }) => {
            let Some(hold) = wallet.hold(&ask.hold) else {
                kept.spent(&record.id, None);
                return Alternate::Orphan;
            };
            let to = hold.released + taken.sum();
            let lines = hold.taken.piece(hold.released, to);
            let rest = hold.taken.piece(to, hold.taken.sum());
            kept.spent(&record.id, Some(&lines));
            replace(taken, lines).or(replace(released, rest))
        }
        (Command::Release(ask), Event::Released { taken, .. }) => {
            let Some(hold) = wallet.hold(&ask.hold) else { return Alternate::Orphan };
            let lines = hold.taken.piece(hold.released, hold.released + taken.sum());
            replace(taken, lines)
        }
        (Command::Refund(ask), Event::Refunded { taken, refunded, repaid, promoted, .. }) => {
            match kept.refund(&ask.spend, *refunded - taken.sum(), *refunded) {
                None => Alternate::Orphan,
                Some(lines) => {
                    let repays = repay(wallet.arrears, *promoted, &lines);
                    replace(taken, lines).or(replace(repaid, repays))
                }
            }
        }
        (Command::RefundTopUp(ask), event) => refund_again(catalog, record.at, wallet, ask, event),
        (_, event @ Event::Expired { .. }) => match expire(record.at, wallet) {
            None => Alternate::Nothing,
            Some(expired) => {
                let same = expired == *event;
                *event = expired;
                if same { Alternate::Same } else { Alternate::Other }
            }
        },
        _ => Alternate::Same,
    }
}

/// A wallet as allocation sees it.
pub(super) fn purse<'w>(wallet: &'w Wallet, rule: &Rule, most: Option<&'w [i64; SUBS_MAX]>) -> Purse<'w> {
    Purse {
        lots: &wallet.lots,
        first_live: wallet.first_live as usize,
        currency: wallet.currency,
        phase: wallet.phase(&rule.name, rule.version),
        most,
    }
}

/// What the rule makes of an amount, or `None` when it does not divide it: too little is there, or it is below
/// the rule's minimum order.
pub(super) fn divide(rule: &Rule, purse: Purse<'_>, amount: i64) -> Option<Allocation> {
    if amount < rule.minimum_order(purse.currency) {
        return None;
    }
    allocate(rule, purse, amount).ok()
}

/// The most each sub-balance may pay of a spend; a transfer asks for nothing in particular (rule A2).
fn most(catalog: &Catalog, rule: &Rule, wallet: &Wallet, ask: Option<&Spend>) -> Option<[i64; SUBS_MAX]> {
    if rule.eligible.is_empty() {
        return None;
    }
    let Some(ask) = ask else { return rule.most(&catalog.occasion(None, &[])) };
    let occasion = catalog.occasion(Some(&ask.merchant), &ask.tags);
    if ask.lines.is_empty() {
        return rule.most(&occasion);
    }
    let lines = ask.lines.iter().map(|line| (line.amount.minor_down(wallet.currency), line.category.as_ref()));
    rule.most_of_lines(&occasion, lines)
}

/// The lines of a spend, a hold or a transfer, by the lab's rule.
fn again(
    rule: &Rule,
    purse: Purse<'_>,
    wallet: &Wallet,
    (name, version, taken, phase): (&mut Label, &mut u32, &mut Taken, &mut Option<i64>),
) -> Alternate {
    let Some(allocation) = divide(rule, purse, taken.sum()) else { return Alternate::Refused };
    if *name != rule.name {
        *name = rule.name.clone();
    }
    *version = rule.version;
    *phase = allocation.phase;
    replace(taken, Taken::from_draws(wallet, &allocation.draws))
}

/// The refund of a top-up, by the recorded policy, of what the lab's lot has (rule W3). When less can be refunded
/// than was asked for, all that can be is. The channel's word is about the refund that waits in the lab.
fn refund_again(catalog: &Catalog, now: Timestamp, wallet: &Wallet, ask: &RefundTopUp, event: &mut Event) -> Alternate {
    let Some(recorded) = event.top_up_refund() else { return Alternate::Same };
    let granted = Granted {
        grants: SmallVec::new(),
        channel: recorded.channel.clone(),
        promotion: recorded.promotion.clone(),
        promoted: recorded.promoted,
        funding: Funding::Unknown,
        uses: None,
    };
    let is_word = matches!(ask.state, Some(TopUpRefundState::Confirmed | TopUpRefundState::Failed));
    let policy = (!is_word).then_some(recorded.policy);
    let all = RefundTopUp { policy, amount: None, ..ask.clone() };
    let as_asked = RefundTopUp { amount: ask.amount.filter(|_| !is_word), ..all.clone() };
    let ctx = Context { catalog, now };
    let refund = |ask| refund_top_up(ctx, wallet, &granted, ask);
    match refund(&as_asked).or_else(|_| refund(&all)) {
        Err(_) | Ok(Event::TopUpRefundUnchanged { .. }) => Alternate::Orphan,
        Ok(again) if again == *event => Alternate::Same,
        Ok(again) => {
            *event = again;
            Alternate::Other
        }
    }
}

fn replace(recorded: &mut Taken, lines: Taken) -> Alternate {
    if *recorded == lines {
        return Alternate::Same;
    }
    *recorded = lines;
    Alternate::Other
}

impl Alternate {
    fn or(self, other: Self) -> Self {
        if self == Self::Same { other } else { self }
    }
}
