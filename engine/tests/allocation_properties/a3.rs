//! A3: rounding never drifts, and neither the order nor the size of spends changes where a lot ends.

use crate::model::cases::cases;
use crate::model::check::{no_drift, same_end};
use crate::model::engine::engine_allocate;
use crate::model::exact::nested;
use crate::model::purse::{MLot, total};
use crate::model::random::{MOST, grants, order, pieces};
use crate::model::rule::{MMethod, MRule};
use proptest::prelude::*;

/// What a spend takes of each part of one lot that has given `given` so far, under `lot_ratio`.
fn lot_ratio(weights: &[i128]) -> impl FnMut(&[i128], i128) -> Vec<i128> {
    let rule = MRule::plain("by_lot", MMethod::LotRatio);
    move |given, amount| {
        let amounts: Vec<(u8, i128)> = (0..).zip(weights.iter().copied()).collect();
        let mut lot = MLot::fresh("t-1", &amounts);
        for (sub, minor) in (0..).zip(given) {
            lot.take(sub, *minor);
        }
        let divided = engine_allocate(&rule, &[lot], 0, amount).expect("the lot has enough");
        by_sub(weights.len(), &divided.lines)
    }
}

/// What a spend takes of each sub-balance under `fixed_ratio`, in a wallet that has plenty of all, in two
/// lots. The phase goes from spend to spend.
fn fixed_ratio(weights: &[i128]) -> impl FnMut(&[i128], i128) -> Vec<i128> {
    let weights: Vec<(u8, i128)> = (0..).zip(weights.iter().copied()).collect();
    let plenty: Vec<(u8, i128)> = weights.iter().map(|(sub, _)| (*sub, MOST / 16)).collect();
    let rule = MRule::plain("fixed", MMethod::FixedRatio(weights.clone()));
    let mut phase = 0;
    move |given, amount| {
        if given.iter().all(|minor| *minor == 0) {
            phase = 0;
        }
        let lots = [MLot::fresh("t-1", &plenty), MLot::fresh("t-2", &plenty)];
        let divided = engine_allocate(&rule, &lots, phase, amount).expect("there is plenty");
        phase = divided.phase.expect("a fixed_ratio rule has a phase");
        by_sub(weights.len(), &divided.lines)
    }
}

fn by_sub(subs: usize, lines: &[(usize, u8, i128)]) -> Vec<i128> {
    let mut parts = vec![0; subs];
    for (_, sub, minor) in lines {
        parts[usize::from(*sub)] += minor;
    }
    parts
}

fn fail(wrong: String) -> TestCaseError {
    TestCaseError::fail(wrong)
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// Two sub-balances, any grants, any spends up to the last fen: within one minor unit after each.
    #[test]
    fn a3_lot_ratio_never_drifts(
        (weights, spends) in grants(2..=2).prop_flat_map(|w| { let all = w.iter().sum(); (Just(w), pieces(all)) }),
    ) {
        let end = no_drift(&weights, &spends, lot_ratio(&weights)).map_err(fail)?;
        prop_assert_eq!(end, weights, "the last fen empties both");
    }

    #[test]
    fn a3_fixed_ratio_never_drifts(
        weights in prop::collection::vec(prop_oneof![1..=9_i128, 1..=300_i128, 1..=1_000_000_000_i128], 2..=2),
        spends in prop_oneof![
            (1..=5_000_i128).prop_flat_map(pieces).boxed(),
            (1..=MOST / 16).prop_flat_map(pieces).boxed(),
        ],
    ) {
        no_drift(&weights, &spends, fixed_ratio(&weights)).map_err(fail)?;
        same_end(&weights, &spends, &[spends.iter().sum()], fixed_ratio(&weights)).map_err(fail)?;
    }

    /// The same total in other pieces ends the same, for two parts and for up to eight.
    #[test]
    fn a3_order_and_size_of_spends_do_not_change_where_a_lot_ends(
        (weights, one, other) in (grants(1..=8), any::<u32>()).prop_flat_map(|(w, share)| {
            let total = (w.iter().sum::<i128>() * i128::from(share) / (1 << 32)).max(1);
            (Just(w), pieces(total), pieces(total).prop_shuffle())
        }),
    ) {
        same_end(&weights, &one, &other, lot_ratio(&weights)).map_err(fail)?;
        no_drift(&weights, &one, lot_ratio(&weights)).map_err(fail)?;
    }

    #[test]
    fn a3_order_and_size_of_spends_do_not_change_where_a_fixed_ratio_ends(
        weights in prop::collection::vec(1..=300_i128, 1..=8),
        (one, other) in (1..=100_000_i128).prop_flat_map(|total| (pieces(total), pieces(total).prop_shuffle())),
    ) {
        same_end(&weights, &one, &other, fixed_ratio(&weights)).map_err(fail)?;
        no_drift(&weights, &one, fixed_ratio(&weights)).map_err(fail)?;
    }

    /// Several lots with different ratios in any order: each lot stands where nested rounding of what it
    /// has given in all says, after every spend, whatever the spends were.
    #[test]
    fn a3_each_lot_of_several_stands_where_its_own_ratio_says(
        sizes in prop::collection::vec(grants(1..=8), 1..6),
        order in order(),
        shares in prop::collection::vec(0..=u32::MAX / 3, 1..20),
    ) {
        let rule = MRule { order, ..MRule::plain("by_lot", MMethod::LotRatio) };
        let fresh = |(n, sizes): (usize, &Vec<i128>)| {
            let amounts: Vec<(u8, i128)> = (0..).zip(sizes.iter().map(|size| (size / 8).max(1))).collect();
            MLot::fresh(&format!("t-{n}"), &amounts)
        };
        let mut lots: Vec<MLot> = sizes.iter().enumerate().map(fresh).collect();
        for share in shares {
            let amount = (total(&lots) * i128::from(share) / (1 << 32)).max(1);
            let Ok(divided) = engine_allocate(&rule, &lots, 0, amount) else { break };
            for (lot, sub, minor) in divided.lines {
                lots[lot].take(sub, minor);
            }
            for lot in &lots {
                let weights: Vec<i128> = lot.parts.iter().map(|part| part.weight).collect();
                let stands: Vec<i128> = lot.parts.iter().map(|part| part.consumed).collect();
                prop_assert_eq!(&stands, &nested(stands.iter().sum(), &weights), "{:?}", weights);
            }
        }
    }

    /// A lot that another rule has skewed still pays each spend by its ratio: each part within one minor
    /// unit of the spend's own share, until something runs out.
    #[test]
    fn a3_a_skewed_lot_pays_each_spend_by_its_ratio(
        weights in grants(2..=2),
        taken in (any::<u32>(), any::<u32>()),
        share in any::<u32>(),
    ) {
        let mut lot = MLot::fresh("t-1", &[(0, weights[0]), (1, weights[1])]);
        lot.take(0, weights[0] * i128::from(taken.0) / (1 << 32));
        lot.take(1, weights[1] * i128::from(taken.1) / (1 << 32));
        let amount = (lot.left() * i128::from(share) / (1 << 32)).max(1);
        let rule = MRule::plain("by_lot", MMethod::LotRatio);
        let lots = [lot];
        let divided = engine_allocate(&rule, &lots, 0, amount).map_err(|found| fail(format!("found {found}")))?;
        let parts = by_sub(2, &divided.lines);
        let whole: i128 = weights.iter().sum();
        for at in 0..2 {
            let near = crate::model::exact::within_one(parts[at], amount, weights[at], whole);
            let emptied = (0..2).any(|part: usize| parts[part] == lots[0].parts[part].left);
            prop_assert!(near || emptied, "{amount} of {weights:?} took {parts:?} where {lots:?}");
        }
    }
}
