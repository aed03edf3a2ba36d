//! Random purses, rules, amounts and ways to cut a total into pieces.

use super::purse::{MLot, MPart, NEVER, total};
use super::rule::{MCap, MMethod, MOrder, MRule};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// The most a wallet may hold.
pub(crate) const MOST: i128 = (i64::MAX / 4) as i128;

/// Size, kind, granted and left of a part, before they are given a scale.
type RawPart = (u32, u8, u32, u32);

/// `fraction`/2^32 of `whole`.
fn of_whole(whole: i128, fraction: u32) -> i128 {
    whole * i128::from(fraction) / (1 << 32)
}

/// One to `lots_max` lots over one to eight sub-balances: fresh, partly and wholly used, pieces that a
/// transfer brought, expiring or not; amounts of a few fen up to all that a wallet may hold.
pub(crate) fn purse(lots_max: usize) -> impl Strategy<Value = Vec<MLot>> {
    let part = (any::<u32>(), 0..6_u8, any::<u32>(), any::<u32>());
    let lot = (1..=255_u8, vec(part, 8), 0..4_u8);
    (1..=8_u8, 0..5_u8, vec(lot, 1..=lots_max)).prop_map(|(subs, scale, lots)| {
        let parts: i128 = (lots.len() * usize::from(subs)) as i128;
        let limit = [3, 100, 100_000, MOST / parts, MOST / parts][usize::from(scale)];
        let make = |(number, (mask, parts, ends)): (usize, (u8, Vec<RawPart>, u8))| {
            let ends = if ends == 0 { NEVER } else { i64::from(ends) * 1_000 };
            let mask = if mask.trailing_zeros() < u32::from(subs) { mask } else { 1 };
            let parts = (0..subs)
                .filter(|sub| mask >> sub & 1 == 1)
                .map(|sub| random_part(sub, limit, ends, parts[usize::from(sub)]));
            MLot { id: format!("t-{number}"), parts: parts.collect() }
        };
        lots.into_iter().enumerate().map(make).collect()
    })
}

fn random_part(sub: u8, limit: i128, ends: i64, (size, kind, granted, left): RawPart) -> MPart {
    let weight = 1 + of_whole(limit - 1, size);
    let granted = if kind < 4 { weight } else { of_whole(weight, granted) };
    let left = match kind {
        0 | 1 => granted,
        2 => 0,
        _ => of_whole(granted, left),
    };
    MPart { sub, weight, consumed: granted - left, left, ends, revived: false }
}

/// An amount for this purse: one fen, everything, one too many, a part, a small one, far too much.
pub(crate) fn amount(lots: &[MLot]) -> impl Strategy<Value = i128> + use<> {
    let all = total(lots);
    (0..10_u8, any::<u32>()).prop_map(move |(kind, fraction)| {
        let amount = match kind {
            0 => 1,
            1 => all,
            2 => all + 1,
            3 => 1 + i128::from(fraction % 100),
            4 => MOST,
            _ => of_whole(all, fraction),
        };
        amount.clamp(1, MOST)
    })
}

fn subs() -> impl Strategy<Value = Vec<u8>> {
    (subsequence((0..8).collect::<Vec<u8>>(), 1..=8), any::<bool>(), 0..8_usize).prop_map(|(mut subs, turn, by)| {
        if turn {
            subs.reverse();
        }
        let by = by % subs.len();
        subs.rotate_left(by);
        subs
    })
}

pub(crate) fn order() -> impl Strategy<Value = MOrder> {
    select(vec![MOrder::Fifo, MOrder::Lifo, MOrder::ExpiringFirst, MOrder::LargestFirst, MOrder::ProRata])
}

/// An amount as a rule may name it: of any size.
fn rule_amount() -> impl Strategy<Value = i128> {
    (0..3_u8, any::<u32>())
        .prop_map(|(scale, fraction)| 1 + of_whole([50, 100_000, MOST][usize::from(scale)], fraction))
}

fn weights() -> impl Strategy<Value = Vec<(u8, i128)>> {
    let weight = prop_oneof![1..=9_i128, 1..=300_i128, 1..=1_000_000_000_i128];
    (subs(), vec(weight, 8)).prop_map(|(mut subs, weights)| {
        subs.sort_unstable();
        subs.into_iter().zip(weights).collect()
    })
}

fn method() -> impl Strategy<Value = MMethod> {
    let fixed_amount = (subs(), rule_amount(), of(rule_amount())).prop_map(|(mut subs, at_most, for_every)| {
        let sub = subs[0];
        if subs.len() > 1 {
            subs.remove(0);
        } else {
            subs[0] = (sub + 1) % 8;
        }
        // At most what a wallet may hold in all, as a rule's amount is.
        let at_most = for_every.map_or(at_most, |every| at_most.min(every));
        MMethod::FixedAmount { sub, at_most, for_every, others: subs }
    });
    prop_oneof![
        3 => Just(MMethod::LotRatio),
        2 => Just(MMethod::CurrentRatio),
        2 => subs().prop_map(MMethod::Ordered),
        2 => weights().prop_map(MMethod::FixedRatio),
        2 => fixed_amount,
    ]
}

fn cap() -> impl Strategy<Value = MCap> {
    (0..8_u8, 1..8_u8, rule_amount(), 0..1_000_000_i128, rule_amount()).prop_map(
        |(sub, which, amount, millionths, minimum)| MCap {
            sub,
            amount: (which & 1 != 0).then_some(amount),
            millionths: (which & 2 != 0).then_some(millionths),
            minimum: (which & 4 != 0).then_some(minimum),
        },
    )
}

/// Any rule: every method, every lot order, up to three caps, spill or reject.
pub(crate) fn rule() -> impl Strategy<Value = MRule> {
    let caps = prop_oneof![2 => Just(Vec::new()), 1 => vec(cap(), 1..=3)];
    let spill = prop_oneof![1 => Just(None), 2 => subs().prop_map(Some)];
    (method(), order(), caps, spill).prop_map(|(method, order, caps, spill)| MRule {
        name: "random".into(),
        method,
        order,
        caps,
        spill,
    })
}

/// Weights of a lot: small, middling, or as large as a wallet may hold.
pub(crate) fn grants(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<i128>> {
    let least = *count.end() as i128;
    (0..4_u8, vec(any::<u32>(), count)).prop_map(move |(scale, sizes)| {
        let limit = [12, 500, 1_000_000, MOST / least][usize::from(scale)];
        sizes.into_iter().map(|size| 1 + of_whole(limit - 1, size)).collect()
    })
}

/// Cuts `total` into pieces, each more than zero, in random order: a few large ones, or many of one unit
/// at either end.
pub(crate) fn pieces(total: i128) -> impl Strategy<Value = Vec<i128>> {
    (vec(any::<u32>(), 0..30), 0..20_usize, 0..20_usize).prop_map(move |(cuts, ones_first, ones_last)| {
        let mut at: Vec<i128> = cuts.into_iter().map(|cut| of_whole(total, cut)).collect();
        at.extend((0..=ones_first as i128).chain((0..=ones_last as i128).map(|unit| total - unit)));
        at.retain(|cut| (0..=total).contains(cut));
        at.sort_unstable();
        at.dedup();
        at.windows(2).map(|ends| ends[1] - ends[0]).collect()
    })
}
