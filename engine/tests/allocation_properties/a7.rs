//! A7: the steps say what was done: their exact figures, roundings and sums are right.
//!
//! The figures are made anew here from the lots alone, with the model's exact arithmetic.

use crate::model::cases::{cases, lots_max};
use crate::model::engine::{lot, rule as engine_rule, small};
use crate::model::exact::{ceiling, floor, half_up, near};
use crate::model::purse::MLot;
use crate::model::random::{amount, purse, rule};
use crate::model::rule::{MMethod, MRule};
use fentan_engine::accounts::{Lot, SubId};
use fentan_engine::allocation::{Clamp, Draw, Purse, Share, Split, Step, allocate, allocate_explained};
use fentan_engine::money::Currency;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What the lots say of a group of sub-balances: weight, consumed, left.
fn group(lot: &MLot, subs: &[SubId]) -> (i128, i128, i128) {
    let parts = lot.parts.iter().filter(|part| subs.iter().any(|sub| sub.0 == part.sub));
    parts.fold((0, 0, 0), |sum, part| (sum.0 + part.weight, sum.1 + part.consumed, sum.2 + part.left))
}

/// A node of the tree of a lot.
fn check_split(split: &Split, lots: &[MLot]) -> Result<(), TestCaseError> {
    let lot = &lots[split.lot as usize];
    let (weight, consumed, left) = group(lot, &split.first.subs);
    let (other_weight, other_consumed, other_left) = group(lot, &split.second.subs);
    let group =
        |g: &fentan_engine::allocation::Group| (i128::from(g.weight), i128::from(g.consumed), i128::from(g.left));
    prop_assert_eq!(group(&split.first), (weight, consumed, left));
    prop_assert_eq!(group(&split.second), (other_weight, other_consumed, other_left));
    let (minor, paid, whole) = (i128::from(split.minor), i128::from(split.paid), weight + other_weight);
    prop_assert_eq!(split.exact(), (minor * weight, whole));
    prop_assert_eq!(split.exact_target(), ((consumed + other_consumed + minor) * weight, whole));
    let target = half_up(consumed + other_consumed + minor, weight, whole);
    prop_assert_eq!(i128::from(split.target), target);
    prop_assert_eq!(paid + i128::from(split.rest()), minor);
    let (down, up) = (floor(minor, weight, whole), ceiling(minor, weight, whole));
    match split.clamp() {
        None => prop_assert_eq!(paid, target - consumed, "it stands at its target"),
        Some(Clamp::OwnShare) => prop_assert!((paid == down || paid == up) && paid != target - consumed),
        Some(Clamp::FirstRanOut) => prop_assert!(paid == left && paid < up, "{split:?}"),
        Some(Clamp::SecondRanOut) => prop_assert!(minor - paid == other_left && paid > down, "{split:?}"),
    }
    Ok(())
}

/// The shares of one method sum to what they are shares of, each near its exact value.
fn check_shares(shares: &[&Share], rule: &MRule) -> Result<(), TestCaseError> {
    let Some(first) = shares.first() else { return Ok(()) };
    let leaves = if let MMethod::FixedRatio(weights) = &rule.method { weights.len() } else { 8 };
    prop_assert_eq!(shares.iter().map(|share| i128::from(share.minor)).sum::<i128>(), i128::from(first.of));
    for share in shares {
        let (of, weight, whole) = (i128::from(share.of), i128::from(share.weight), i128::from(share.whole));
        prop_assert_eq!(share.exact(), (of * weight, whole));
        // With a phase a share is the difference of two roundings, each as near as one: half the distance is looked at.
        let exact = of * weight;
        let off = (i128::from(share.minor) * whole - exact).abs();
        let off = if share.phase > 0 { off / 2 } else { off };
        prop_assert!(near(0, off, 1, whole, leaves), "{share:?}");
    }
    Ok(())
}

/// What the steps say that each lot's sub-balance gives, put together from the steps before the result.
fn told(steps: &[Step], lots: &[Lot]) -> BTreeMap<(u32, SubId), i64> {
    let mut gives = BTreeMap::new();
    for step in steps {
        match step {
            Step::LotPays { lot, minor, .. } if lots[*lot as usize].parts.len() == 1 => {
                *gives.entry((*lot, lots[*lot as usize].parts[0].sub)).or_default() += minor;
            }
            Step::Split(split) => {
                for (group, pays) in [(&split.first, split.paid), (&split.second, split.rest())] {
                    if let [sub] = group.subs.as_slice() {
                        *gives.entry((split.lot, *sub)).or_default() += pays;
                    }
                }
            }
            Step::Cut(Draw { lot, sub, amount }) => *gives.entry((*lot, *sub)).or_default() -= amount,
            _ => {}
        }
    }
    gives.retain(|_, minor| *minor != 0);
    gives
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a7_the_steps_figures_are_exact_and_sum_to_what_is_done(
        rule in rule(),
        (lots, amount) in purse(lots_max()).prop_flat_map(|lots| { let amount = amount(&lots); (Just(lots), amount) }),
        fraction in any::<u32>(),
    ) {
        let period: i128 = match &rule.method {
            MMethod::FixedRatio(weights) => weights.iter().map(|(_, weight)| weight).sum(),
            _ => 0,
        };
        let phase = small(period * i128::from(fraction) / (1 << 32));
        let ours = engine_rule(&rule);
        let wallet: Vec<Lot> = lots.iter().map(lot).collect();
        let purse = Purse { lots: &wallet, first_live: 0, currency: Currency::CNY, phase, most: None };
        let (result, steps) = allocate_explained(&ours, purse, small(amount));
        prop_assert_eq!(&result, &allocate(&ours, purse, small(amount)), "told or not, it is the same");

        for step in &steps {
            if let Step::Split(split) = step {
                check_split(split, &lots)?;
            }
        }
        let shares: Vec<&Share> = steps.iter().filter_map(|s| if let Step::Share(s) = s { Some(s) } else { None }).collect();
        check_shares(&shares, &rule)?;
        let drew: Vec<Draw> = steps.iter().filter_map(|s| if let Step::Drew(d) = s { Some(*d) } else { None }).collect();
        let sum = |pick: fn(&Step) -> i64| steps.iter().map(pick).sum::<i64>();
        let asked = sum(|step| match step {
            Step::Wants { minor, .. } | Step::Spilled { minor, .. } | Step::LotPays { minor, .. } => *minor,
            Step::Cut(draw) => -draw.amount,
            _ => 0,
        });
        match result {
            Ok(allocation) => {
                prop_assert_eq!(drew.as_slice(), allocation.draws.as_slice());
                prop_assert_eq!(i128::from(asked), amount, "what is asked for is what is paid: {:?}", steps);
                let spilled = steps.iter().any(|step| matches!(step, Step::Spilled { .. }));
                if matches!(rule.method, MMethod::LotRatio) && !spilled {
                    let drawn: BTreeMap<_, _> = drew.iter().map(|draw| ((draw.lot, draw.sub), draw.amount)).collect();
                    prop_assert_eq!(told(&steps, &wallet), drawn);
                }
            }
            Err(short) => {
                let Some(Step::Short { payable, given }) = steps.last() else {
                    return Err(TestCaseError::fail("a shortfall is not told"));
                };
                prop_assert_eq!(*payable, short.payable);
                prop_assert_eq!(given.iter().map(|(_, minor)| minor).sum::<i64>(), short.payable);
            }
        }
    }
}
