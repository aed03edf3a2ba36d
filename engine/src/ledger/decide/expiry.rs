//! What ends by itself: lots' parts (rule A9) and holds (rule W2).

use crate::accounts::{Timestamp, Wallet};
use crate::ledger::{Balances, Event, Taken};

/// What has ended in the wallet by `now`, or `None`.
///
/// Holds end first and give back; a part whose lot has ended by then expires with the rest of it.
pub fn expire(now: Timestamp, wallet: &Wallet) -> Option<Event> {
    if wallet.next_expiry() > now {
        return None;
    }
    let mut after = Balances::of(wallet);
    let mut back = Taken::default();
    let mut holds = Vec::new();
    for hold in wallet.rare.iter().flat_map(|rare| &rare.holds).filter(|hold| hold.expires_at <= now) {
        let released = hold.taken.piece(hold.released, hold.taken.sum());
        after.held -= hold.amount();
        after.give(&released);
        for (lot, sub, amount) in released.iter() {
            back.push(lot, sub, amount);
        }
        holds.push((hold.id.clone(), released));
    }
    let mut taken = Taken::default();
    for lot in &wallet.lots {
        for part in lot.parts.iter().filter(|part| part.expires_at <= now) {
            let returned: i64 = back.iter().filter(|(id, sub, _)| **id == lot.id && *sub == part.sub).map(|(_, _, amount)| amount).sum();
            taken.push(&lot.id, part.sub, part.left + returned);
        }
    }
    after.take(&taken);
    Some(Event::Expired { taken, holds, after })
}
