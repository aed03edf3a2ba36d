//! A recorded event to the event of the other world.

use super::kept::{Kept, Terms};
use crate::accounts::{Funding, SUBS_MAX, Timestamp, Wallet};
use crate::allocation::{Allocation, Purse, Rule, allocate};
use crate::catalog::Catalog;
use crate::ledger::decide::Context;
use crate::ledger::decide::arrears::{repay, repay_grants};
use crate::ledger::decide::expiry::{expire, restore_until};
use crate::ledger::decide::hold::captured;
use crate::ledger::decide::order_lines::divisible;
use crate::ledger::decide::spend::most;
use crate::ledger::decide::top_up_refund::refund_top_up;
use crate::ledger::decide::transfer::moved_parts;
use crate::ledger::{Command, Event, Granted, OrderTable, Record, Refund, RefundTopUp, Spend, Taken, TopUpRefundState};
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
        (Command::Spend(ask), Event::Spent { rule: name, version, taken, phase, table, .. }) => {
            let result = bought(catalog, rule, wallet, ask, (name, version, taken, phase), table);
            if result == Alternate::Refused {
                kept.refused(record.id.as_str().as_bytes());
            } else {
                kept.spent(record.id.as_str().as_bytes(), || {
                    (taken.clone(), Terms { table: table.clone(), to_expired: rule.refund_to_expired })
                });
            }
            result
        }
        (Command::Hold(ask, _), Event::Held { rule: name, version, taken, phase, table, .. }) => {
            let result = bought(catalog, rule, wallet, ask, (name, version, taken, phase), table);
            if result != Alternate::Refused {
                kept.held(&record.id, Terms { table: table.clone(), to_expired: rule.refund_to_expired });
            }
            result
        }
        (_, Event::Transferred { rule: name, version, taken, phase, parts, repaid, .. }) => {
            let most = most(rule, &catalog.occasion(None, &[]), &[], wallet.currency);
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
        (Command::Capture(ask), Event::Captured { taken, released, table, .. }) => {
            let Some(hold) = wallet.hold(&ask.hold) else {
                kept.refused(record.id.as_str().as_bytes());
                return Alternate::Orphan;
            };
            let Terms { table: of_hold, to_expired } = kept.terms(&ask.hold);
            let captured = captured(hold, of_hold.as_deref(), taken.sum());
            kept.spent(record.id.as_str().as_bytes(), || {
                (captured.taken.clone(), Terms { table: captured.table.clone(), to_expired })
            });
            let result = replace(taken, captured.taken).or(replace(released, captured.released));
            result.or(replace(table, captured.table))
        }
        (Command::Release(ask), Event::Released { taken, .. }) => {
            let Some(hold) = wallet.hold(&ask.hold) else { return Alternate::Orphan };
            let lines = hold.taken.piece(hold.released, hold.released + taken.sum());
            replace(taken, lines)
        }
        (Command::Refund(ask), event) => refunded_again(record.at, wallet, kept, ask, event),
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

/// What a record says of a division: the rule and its version, the lines, the rule's rounding state.
type Recorded<'r> = (&'r mut Label, &'r mut u32, &'r mut Taken, &'r mut Option<i64>);

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

/// The lines of a spend or hold, and its order lines over them, by the lab's rule.
fn bought(
    catalog: &Catalog,
    rule: &Rule,
    wallet: &Wallet,
    ask: &Spend,
    recorded: Recorded<'_>,
    table: &mut Option<Box<OrderTable>>,
) -> Alternate {
    let occasion = catalog.occasion(Some(&ask.merchant), &ask.tags);
    let most = most(rule, &occasion, &ask.lines, wallet.currency);
    let (name, version, taken, phase) = recorded;
    let result = again(rule, purse(wallet, rule, most.as_ref()), wallet, (name, version, taken, phase));
    if result == Alternate::Refused || ask.lines.is_empty() {
        return result;
    }
    let amounts: SmallVec<[i64; 8]> = ask.lines.iter().map(|line| line.amount.minor_down(wallet.currency)).collect();
    match OrderTable::divide(divisible(rule, &occasion, &ask.lines, &amounts), taken) {
        Err(_) => Alternate::Refused,
        Ok(divided) => result.or(replace(table, Some(Box::new(divided)))),
    }
}

/// The refund of a spend: by the lab's lines and order lines of it, by what the lab gave back of it so far, and
/// by what the spend's rule does with what comes back to an expired part.
fn refunded_again(now: Timestamp, wallet: &Wallet, kept: &mut Kept, ask: &Refund, event: &mut Event) -> Alternate {
    let Event::Refunded { parties, taken, refunded, rows, restore_until: until, repaid, promoted, .. } = event else {
        return Alternate::Same;
    };
    let Some(back) = kept.refund(ask, &parties.merchant, wallet.currency) else { return Alternate::Orphan };
    let repays = repay(wallet.arrears, *promoted, &back.taken);
    let restored = restore_until(now, wallet, &back.taken, back.to_expired);
    let result = replace(taken, back.taken).or(replace(repaid, repays)).or(replace(until, restored));
    result.or(replace(refunded, back.given.amount)).or(replace(rows, back.given.rows))
}

/// The lines of a spend, a hold or a transfer, by the lab's rule.
fn again(rule: &Rule, purse: Purse<'_>, wallet: &Wallet, (name, version, taken, phase): Recorded<'_>) -> Alternate {
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

fn replace<T: PartialEq>(recorded: &mut T, other: T) -> Alternate {
    if *recorded == other {
        return Alternate::Same;
    }
    *recorded = other;
    Alternate::Other
}

impl Alternate {
    fn or(self, other: Self) -> Self {
        if self == Self::Same { other } else { self }
    }
}
