//! What ends by itself: lots' parts (rule A9) and holds (rule W2).

use crate::accounts::{SubId, Timestamp, Wallet};
use crate::allocation::{Draw, Draws, RefundToExpired};
use crate::ledger::{Balances, Event, Taken};
use crate::names::CommandId;
use hashbrown::HashMap;

/// Until when the parts live again that a refund gives back to: `None` when none had expired, or when what
/// comes back is forfeited. A part that a refund restored before is restored again.
pub fn restore_until(now: Timestamp, wallet: &Wallet, taken: &Taken, to_expired: RefundToExpired) -> Option<Timestamp> {
    let RefundToExpired::Restore { days } = to_expired else { return None };
    let places = wallet.lot_indexes(&taken.lots);
    let ended = taken.lines.iter().any(|line| {
        let lot = places.get(line.lot as usize).copied().flatten().map(|at| &wallet.lots[at]);
        lot.is_some_and(|lot| {
            let part = lot.parts.iter().find(|part| part.sub == line.sub);
            part.is_some_and(|part| part.expires_at <= now) || wallet.is_restored(&lot.id, line.sub)
        })
    });
    ended.then(|| now.saturating_add(i64::from(days) * 86_400 * 1_000_000))
}

/// Whether the event may have brought value back to a part that has expired: then what has expired is taken
/// out right behind it.
#[must_use]
pub fn may_revive(event: &Event) -> bool {
    match event {
        Event::Refunded { .. } | Event::Released { .. } | Event::TopUpConfirmed { .. } => true,
        Event::Captured { released, .. } => !released.lines.is_empty(),
        _ => false,
    }
}

/// What has ended in the wallet by `now`, or `None`.
///
/// Holds end first and give back; a part whose lot has ended by then expires with the rest of it.
pub fn expire(now: Timestamp, wallet: &Wallet) -> Option<Event> {
    if !wallet.has_ended(now) {
        return None;
    }
    let mut after = Balances::of(wallet);
    let mut back: HashMap<(CommandId, SubId), i64> = HashMap::new();
    let mut holds = Vec::new();
    for hold in wallet.rare.iter().flat_map(|rare| &rare.holds).filter(|hold| hold.expires_at <= now) {
        let released = hold.taken.piece(hold.released, hold.taken.sum());
        after.held -= hold.amount();
        after.give(&released);
        for (lot, sub, amount) in released.iter() {
            *back.entry((lot.clone(), sub)).or_default() += amount;
        }
        holds.push((hold.id.clone(), released));
    }
    let mut ended = Draws::new();
    for (number, lot) in (0_u32..).zip(&wallet.lots) {
        for part in lot.parts.iter().filter(|part| part.expires_at <= now) {
            let returned = if back.is_empty() { None } else { back.get(&(lot.id.clone(), part.sub)).copied() };
            let amount = part.left + returned.unwrap_or(0);
            if amount > 0 {
                ended.push(Draw { lot: number, sub: part.sub, amount });
            }
        }
    }
    let taken = Taken::from_draws(wallet, &ended);
    after.take(&taken);
    Some(Event::Expired { taken, holds, after })
}
