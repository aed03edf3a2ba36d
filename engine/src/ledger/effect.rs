//! Records to wallets: what a record changes in a wallet it names.

use super::decide::top_up_refund::ended;
use super::{Command, Event, Granted, MovedPart, Record, RefundPolicy, RefundTopUp, Taken, TopUpRefund};
use crate::accounts::{
    Counted, ExpiredPart, Hold, Lot, OfferUses, Part, PendingTopUp, Phase, Restored, Timestamp, Wallet,
};
use crate::names::{CommandId, Label};
use smallvec::SmallVec;

/// Changes `wallet` by `record`. The wallet is the paying one, or the receiving one of a transfer; one
/// that the record opens comes in empty.
pub fn effect(record: &Record, wallet: &mut Wallet) {
    match &record.event {
        Event::Rejected(_) | Event::TopUpUnchanged { .. } | Event::TopUpRefundUnchanged { .. } => {}
        Event::Clearing(entry) => {
            if let Some(lot) = entry.confirms.as_ref().and_then(|mark| wallet.lot_index(&mark.lot)) {
                wallet.lots[lot].reconciled = true;
            }
        }
        Event::Opened { limits, .. } => {
            if limits.is_some() {
                wallet.rare_mut().limits.clone_from(limits);
            }
        }
        Event::ToppedUp { granted, repaid, .. } => {
            add_lot(wallet, &record.id, granted);
            count_use(wallet, granted);
            repay(wallet, repaid);
        }
        Event::TopUpPlaced { granted, .. } => {
            place(wallet, &record.id, granted);
            count_use(wallet, granted);
        }
        Event::TopUpConfirmed { granted, repaid, .. } => {
            if let Command::ConfirmTopUp(ask) = &record.command {
                drop_pending(wallet, &ask.top_up);
                add_lot(wallet, &ask.top_up, granted);
                repay(wallet, repaid);
            }
        }
        Event::TopUpFailed { .. } => {
            if let Command::FailTopUp(top_up) = &record.command {
                give_use_back(wallet, top_up);
                drop_pending(wallet, top_up);
            }
        }
        Event::Spent { rule, version, taken, phase, usage, .. } => {
            take(wallet, taken);
            set_phase(wallet, rule, *version, *phase);
            count(wallet, usage.as_deref(), record.at);
        }
        Event::Held { rule, version, taken, phase, usage, .. } => {
            take(wallet, taken);
            set_phase(wallet, rule, *version, *phase);
            count(wallet, usage.as_deref(), record.at);
            begin_hold(wallet, record, taken, usage.as_deref());
        }
        Event::Captured { taken, released, .. } => {
            if let Command::Capture(ask) = &record.command {
                uncount(wallet, &ask.hold, released);
                end_hold(wallet, &ask.hold);
                wallet.held -= taken.sum() + released.sum();
                give(wallet, released);
            }
        }
        Event::Released { taken, ends, .. } => {
            if let Command::Release(ask) = &record.command {
                release(wallet, &ask.hold, taken, *ends);
            }
        }
        Event::Refunded { taken, restore_until, repaid, .. } => {
            if let Some(until) = restore_until {
                restore(wallet, taken, record.at, *until);
            }
            give(wallet, taken);
            repay(wallet, repaid);
        }
        Event::Transferred { rule, version, taken, phase, usage, repaid, .. } => {
            if matches!(&record.command, Command::Transfer(ask) if ask.to == wallet.id) {
                arrive(wallet, record);
                repay(wallet, repaid);
            } else {
                take(wallet, taken);
                set_phase(wallet, rule, *version, *phase);
                count(wallet, usage.as_deref(), record.at);
            }
        }
        Event::StatusSet { status, .. } => wallet.status = *status,
        Event::Expired { taken, holds, .. } => {
            for (hold, released) in holds {
                release(wallet, hold, released, true);
            }
            expire(wallet, taken);
        }
        Event::TopUpRefunded { .. }
        | Event::TopUpRefundRequested { .. }
        | Event::TopUpRefundConfirmed { .. }
        | Event::TopUpRefundFailed { .. } => {
            if let Command::RefundTopUp(ask) = &record.command {
                refund_top_up(wallet, ask, &record.event);
            }
        }
    }
    wallet.tidy();
    note_ends(record, wallet);
}

/// Keeps what the wallet knows of when something in it ends.
fn note_ends(record: &Record, wallet: &mut Wallet) {
    match &record.event {
        // What is taken ends no more.
        Event::Spent { .. } => {}
        Event::ToppedUp { granted, .. } => granted.grants.iter().for_each(|grant| wallet.ends_at(grant.expires_at)),
        _ => wallet.forget_quiet(),
    }
    wallet.learn_quiet(record.at);
}

/// The refund of a top-up, at once or a step of one (rule W3).
fn refund_top_up(wallet: &mut Wallet, ask: &RefundTopUp, event: &Event) {
    match event {
        Event::TopUpRefunded { refund, returned, .. } => refund_at_once(wallet, ask, refund, returned),
        Event::TopUpRefundRequested { refund, .. } => {
            take(wallet, &refund.taken);
            wallet.held += refund.taken.sum();
            wallet.taken_back_mut(&ask.top_up).open = Some(refund.clone());
        }
        Event::TopUpRefundConfirmed { refund, .. } => {
            wallet.held -= refund.taken.sum();
            let back = wallet.taken_back_mut(&ask.top_up);
            back.open = None;
            back.ended = Some(ended(refund, true));
            back.book(refund);
        }
        Event::TopUpRefundFailed { refund, repaid, .. } => {
            wallet.held -= refund.taken.sum();
            give(wallet, &refund.taken);
            repay(wallet, repaid);
            let back = wallet.taken_back_mut(&ask.top_up);
            back.open = None;
            back.ended = Some(ended(refund, false));
        }
        _ => {}
    }
}

/// A refund that waited ends as failed when a forced one takes its place: the channel's late word that it
/// paid that one too is then refused, for an operator to see.
fn refund_at_once(wallet: &mut Wallet, ask: &RefundTopUp, refund: &TopUpRefund, returned: &Taken) {
    wallet.held -= returned.sum();
    give(wallet, returned);
    take(wallet, &refund.taken);
    take(wallet, &refund.others);
    wallet.arrears += refund.arrears;
    let back = wallet.taken_back_mut(&ask.top_up);
    if let Some(open) = back.open.take() {
        back.ended = Some(ended(&open, false));
    } else if refund.policy != RefundPolicy::Forced {
        back.ended = Some(ended(refund, true));
    }
    back.book(refund);
}

fn repay(wallet: &mut Wallet, repaid: &Taken) {
    take(wallet, repaid);
    wallet.arrears -= repaid.sum();
}

fn add_lot(wallet: &mut Wallet, id: &CommandId, granted: &Granted) {
    let parts = granted.grants.iter().map(|grant| Part {
        sub: grant.sub,
        weight: grant.amount,
        granted: grant.amount,
        left: grant.amount,
        expires_at: grant.expires_at,
    });
    let parts = parts.collect();
    room_for_a_lot(wallet);
    wallet.lots.push(Lot { id: id.clone(), parts, funding: granted.funding, reconciled: false });
    for grant in &granted.grants {
        wallet.available.add(grant.sub, grant.amount);
    }
}

/// Makes room where many lots have no more: between a half and as much again, by the wallet's name. Of a thousand wallets
/// that are topped up by turns all would move at the same moment otherwise, a hundred kilobytes each, and everybody else
/// would wait for it. Those that were read from the store move together once, and then no more.
fn room_for_a_lot(wallet: &mut Wallet) {
    const MANY: usize = 32;
    let lots = wallet.lots.len();
    if lots < MANY || lots < wallet.lots.capacity() {
        return;
    }
    let name = wallet.id.as_bytes().iter();
    let spread = name.fold(0_usize, |spread, byte| spread.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    wallet.lots.reserve_exact(lots / 2 + spread % (lots / 2));
}

fn place(wallet: &mut Wallet, id: &CommandId, granted: &Granted) {
    wallet.rare_mut().pending.push(PendingTopUp {
        id: id.clone(),
        grants: granted.grants.iter().map(|g| (g.sub, g.amount, g.expires_at)).collect(),
        channel: granted.channel.clone(),
        promotion: granted.promotion.clone(),
        promoted: granted.promoted,
        counted: granted.uses.is_some(),
        funding: granted.funding,
    });
}

/// One more use of an offer that counts its uses. The record says how many there are with it.
fn count_use(wallet: &mut Wallet, granted: &Granted) {
    let Some(uses) = granted.uses else { return };
    let offers = &mut wallet.rare_mut().offers;
    match offers.iter_mut().find(|known| known.offer == granted.promotion) {
        Some(known) => known.uses = uses,
        None => offers.push(OfferUses { offer: granted.promotion.clone(), uses }),
    }
}

/// A top-up that fails gives its use of the offer back.
fn give_use_back(wallet: &mut Wallet, top_up: &CommandId) {
    let Some(promotion) = wallet.pending(top_up).filter(|p| p.counted).map(|p| p.promotion.clone()) else { return };
    let offers = &mut wallet.rare_mut().offers;
    if let Some(known) = offers.iter_mut().find(|known| known.offer == promotion) {
        known.uses = known.uses.saturating_sub(1);
    }
    offers.retain(|known| known.uses > 0);
}

fn drop_pending(wallet: &mut Wallet, id: &CommandId) {
    wallet.rare_mut().pending.retain(|p| p.id != *id);
}

fn begin_hold(wallet: &mut Wallet, record: &Record, taken: &Taken, usage: Option<&Counted>) {
    let Command::Hold(spend, expires_at) = &record.command else { return };
    wallet.held += taken.sum();
    wallet.rare_mut().holds.push(Hold {
        id: record.id.clone(),
        merchant: spend.merchant.clone(),
        taken: taken.clone(),
        released: 0,
        expires_at: *expires_at,
        counted_on: usage.map(|counted| counted.day),
    });
}

/// A hold gives back, a part or all that it still has.
fn release(wallet: &mut Wallet, id: &CommandId, released: &Taken, ends: bool) {
    uncount(wallet, id, released);
    wallet.held -= released.sum();
    give(wallet, released);
    if ends {
        end_hold(wallet, id);
    } else if let Some(hold) = wallet.rare_mut().holds.iter_mut().find(|hold| hold.id == *id) {
        hold.released += released.sum();
    }
}

/// What has ended leaves the wallet, and is remembered.
fn expire(wallet: &mut Wallet, taken: &Taken) {
    take(wallet, taken);
    forget_restored(wallet, taken);
    let expired = taken.iter().map(|(lot, sub, amount)| ExpiredPart { lot: lot.clone(), sub, amount });
    if !taken.lines.is_empty() {
        wallet.rare_mut().expired.extend(expired);
    }
}

fn end_hold(wallet: &mut Wallet, id: &CommandId) {
    wallet.rare_mut().holds.retain(|h| h.id != *id);
}

/// A spend, hold or transfer as the wallet's limits count it.
fn count(wallet: &mut Wallet, counted: Option<&Counted>, at: Timestamp) {
    if let Some(counted) = counted {
        wallet.rare_mut().usage.get_or_insert_default().count(*counted, at);
    }
}

/// What a hold gives back is not spent on the day that counted the hold. Asked before the hold is gone.
fn uncount(wallet: &mut Wallet, hold: &CommandId, back: &Taken) {
    let Some(day) = wallet.hold(hold).and_then(|hold| hold.counted_on) else { return };
    if let Some(usage) = &mut wallet.rare_mut().usage {
        usage.give_back(day, back.sum());
    }
}

/// Parts that had expired live again until a moment; those that were restored before, at least until then.
/// Parts that never expired keep their end.
fn restore(wallet: &mut Wallet, taken: &Taken, at: Timestamp, until: Timestamp) {
    let places = wallet.lot_indexes(&taken.lots);
    for line in &taken.lines {
        let Some(index) = places.get(line.lot as usize).copied().flatten() else { continue };
        let lot = wallet.lots[index].id.clone();
        let known = wallet.is_restored(&lot, line.sub);
        let Some(part) = wallet.lots[index].parts.iter_mut().find(|part| part.sub == line.sub) else { continue };
        if part.expires_at <= at || known {
            part.expires_at = part.expires_at.max(until);
            if !known {
                wallet.rare_mut().restored.push(Restored { lot, sub: line.sub });
            }
        }
    }
}

/// What ended again is not restored any more.
fn forget_restored(wallet: &mut Wallet, ended: &Taken) {
    if let Some(rare) = wallet.rare.as_mut().filter(|rare| !rare.restored.is_empty()) {
        rare.restored.retain(|part| !ended.iter().any(|(lot, sub, _)| *lot == part.lot && sub == part.sub));
    }
}

fn take(wallet: &mut Wallet, taken: &Taken) {
    if let ([id], Some(lot)) = (taken.lots.as_slice(), wallet.lots.get_mut(wallet.first_live as usize))
        && lot.id == *id
    {
        return take_from_first(wallet, taken);
    }
    each_part(wallet, taken, |part, amount| {
        part.left -= amount;
        debug_assert!(part.left >= 0, "A1: never more than what is there");
    });
    for line in &taken.lines {
        wallet.available.add(line.sub, -line.amount);
    }
    while wallet.lots.get(wallet.first_live as usize).is_some_and(|lot| lot.left() == 0) {
        wallet.first_live += 1;
    }
}

/// The same, when all of it comes from the first lot that has something left: most spends.
fn take_from_first(wallet: &mut Wallet, taken: &Taken) {
    let lot = &mut wallet.lots[wallet.first_live as usize];
    for line in &taken.lines {
        if let Some(part) = lot.parts.iter_mut().find(|part| part.sub == line.sub) {
            part.left -= line.amount;
            debug_assert!(part.left >= 0, "A1: never more than what is there");
        }
        wallet.available.add(line.sub, -line.amount);
    }
    while wallet.lots.get(wallet.first_live as usize).is_some_and(|lot| lot.left() == 0) {
        wallet.first_live += 1;
    }
}

fn give(wallet: &mut Wallet, taken: &Taken) {
    each_part(wallet, taken, bring_back);
    for line in &taken.lines {
        wallet.available.add(line.sub, line.amount);
    }
}

/// Changes the part of each line. Lots that are touched are live from here on; [`take`] sees to those that
/// it uses up.
fn each_part(wallet: &mut Wallet, taken: &Taken, mut change: impl FnMut(&mut Part, i64)) {
    let places = wallet.lot_indexes(&taken.lots);
    for line in &taken.lines {
        let Some(at) = places.get(line.lot as usize).copied().flatten() else {
            debug_assert!(false, "a line names a lot that is there");
            continue;
        };
        let part = wallet.lots[at].parts.iter_mut().find(|part| part.sub == line.sub);
        debug_assert!(part.is_some(), "a line names a part that is there");
        if let Some(part) = part {
            change(part, line.amount);
        }
        live_from(wallet, at);
    }
}

/// The lot there has something left, it may be.
fn live_from(wallet: &mut Wallet, at: usize) {
    wallet.first_live = wallet.first_live.min(u32::try_from(at).unwrap_or(u32::MAX));
}

/// What comes back was consumed here, as far as anything was; beyond that it was never consumed here: a
/// piece of a lot may have gone through another wallet.
fn bring_back(part: &mut Part, amount: i64) {
    part.left += amount;
    part.granted = part.granted.max(part.left);
}

/// Remembers the rule's rounding state, when it has one.
pub(crate) fn set_phase(wallet: &mut Wallet, rule: &Label, version: u32, phase: Option<i64>) {
    let Some(done) = phase else { return };
    let phases = &mut wallet.rare_mut().phases;
    phases.retain(|p| p.rule != *rule);
    if done != 0 {
        phases.push(Phase { rule: rule.clone(), version, done });
    }
}

/// Lots arrive with a transfer. A piece of a lot that is here already joins it.
fn arrive(wallet: &mut Wallet, record: &Record) {
    let Event::Transferred { taken, parts, .. } = &record.event else { return };
    let places = wallet.lot_indexes(&taken.lots);
    // Each lot's parts stand together.
    for pieces in parts.chunk_by(|one, next| one.lot == next.lot) {
        let Some(id) = taken.lots.get(pieces[0].lot as usize) else { continue };
        if let Some(at) = places[pieces[0].lot as usize] {
            for piece in pieces {
                let Some(part) = wallet.lots[at].parts.iter_mut().find(|p| p.sub == piece.sub) else { continue };
                bring_back(part, piece.amount);
                // A piece that was restored where it comes from lives as long here.
                if piece.amount > 0 && piece.expires_at > part.expires_at {
                    part.expires_at = piece.expires_at;
                    if !wallet.is_restored(id, piece.sub) {
                        wallet.rare_mut().restored.push(Restored { lot: id.clone(), sub: piece.sub });
                    }
                }
            }
            live_from(wallet, at);
        } else {
            let MovedPart { funding, reconciled, .. } = pieces[0];
            let parts: SmallVec<[Part; 2]> = pieces
                .iter()
                .map(|piece| Part {
                    sub: piece.sub,
                    weight: piece.weight,
                    granted: piece.amount,
                    left: piece.amount,
                    expires_at: piece.expires_at,
                })
                .collect();
            room_for_a_lot(wallet);
            wallet.lots.push(Lot { id: id.clone(), parts, funding, reconciled });
        }
    }
    for (_, sub, amount) in taken.iter() {
        wallet.available.add(sub, amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Funding, NEVER, SubId};
    use crate::ledger::Grant;
    use crate::money::Currency;
    use crate::names::AccountId;
    use std::collections::HashMap;

    #[test]
    fn wallets_that_are_topped_up_by_turns_do_not_all_move_at_once() {
        let granted = Granted {
            grants: SmallVec::from_slice(&[Grant { sub: SubId::PRINCIPAL, amount: 1, expires_at: NEVER }]),
            channel: Label::internal("c"),
            promotion: Label::internal("p"),
            promoted: 2,
            funding: Funding::Unknown,
            uses: None,
        };
        // How many of a hundred wallets had to move for their lot of this number.
        let mut moves: HashMap<usize, usize> = HashMap::new();
        for number in 0..100 {
            let id = AccountId::internal(&format!("wallet-{number}"));
            let mut wallet = Wallet::new(id, Currency::CNY, Label::internal("standard"));
            for lot in 0..2_000 {
                let before = wallet.lots.capacity();
                add_lot(&mut wallet, &CommandId::internal(&format!("t-{lot}")), &granted);
                *moves.entry(lot).or_default() += usize::from(wallet.lots.capacity() != before);
            }
            assert_eq!((wallet.lots.len(), wallet.available.get(SubId::PRINCIPAL)), (2_000, 2_000));
        }
        let late = moves.iter().filter(|(lot, _)| **lot >= 128);
        assert!(late.clone().all(|(_, moved)| *moved <= 12), "{:?}", late.max_by_key(|(_, moved)| **moved));
        let all: usize = moves.values().sum();
        assert!(all < 100 * 20, "they move as seldom as before: {all}");
    }
}
