//! In which order lots pay, or how they pay together.

use super::{LotOrder, Purse, apportion};
use crate::accounts::{Lot, NEVER};
use smallvec::SmallVec;
use std::cmp::Reverse;

/// Calls `visit` with the index of each live lot in order, until it says stop (`false`).
pub(super) fn each_lot(order: LotOrder, purse: Purse<'_>, mut visit: impl FnMut(u32) -> bool) {
    let live = live(purse);
    match order {
        LotOrder::Fifo | LotOrder::ProRata => {
            for lot in live {
                if !visit(lot) {
                    return;
                }
            }
        }
        LotOrder::Lifo => {
            for lot in live.rev() {
                if !visit(lot) {
                    return;
                }
            }
        }
        LotOrder::ExpiringFirst => by_key(live, |lot| expiry(&purse.lots[lot as usize]), visit),
        LotOrder::LargestFirst => by_key(live, |lot| Reverse(purse.lots[lot as usize].left()), visit),
    }
}

/// The stable order by `key`: of equal lots the older pays first.
fn by_key<K: Ord>(live: std::ops::Range<u32>, key: impl Fn(u32) -> K, mut visit: impl FnMut(u32) -> bool) {
    let mut lots: SmallVec<[u32; 16]> = live.collect();
    lots.sort_by_key(|lot| key(*lot));
    for lot in lots {
        if !visit(lot) {
            return;
        }
    }
}

fn expiry(lot: &Lot) -> i64 {
    lot.parts.iter().filter(|p| p.left > 0).map(|p| p.expires_at).min().unwrap_or(NEVER)
}

/// The lots that may have something left.
pub(super) fn live(purse: Purse<'_>) -> std::ops::Range<u32> {
    let index = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    index(purse.first_live)..index(purse.lots.len())
}

/// What each live lot has to give, in their order.
pub(super) fn each_left(purse: Purse<'_>, left: impl Fn(u32) -> i64) -> SmallVec<[i64; 16]> {
    live(purse).map(left).collect()
}

/// What each lot pays of `amount`, in proportion to what it has to give; no more than there is in all.
pub(super) fn pro_rata(purse: Purse<'_>, left: &[i64], amount: i64) -> impl Iterator<Item = (u32, i64)> + use<> {
    let amount = amount.min(left.iter().sum());
    live(purse).zip(apportion(amount, left)).filter(|(_, share)| *share > 0)
}
