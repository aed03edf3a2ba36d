//! A1 and A2: any rule over any purse divides exactly or not at all, and divides as the domain says.

use crate::model::cases::{cases, lots_max};
use crate::model::check;
use crate::model::engine::engine_allocate;
use crate::model::random::{amount, purse, rule};
use crate::model::{allocate::allocate, rule::MMethod};
use proptest::prelude::*;

fn phase(method: &MMethod, fraction: u32) -> i128 {
    match method {
        MMethod::FixedRatio(weights) => {
            let period: i128 = weights.iter().map(|(_, weight)| weight).sum();
            period * i128::from(fraction) / (1 << 32)
        }
        _ => 0,
    }
}

proptest! {
    #![proptest_config(cases(6_000))]

    /// Every method, lot order, cap and spill: the engine's lines keep A1, and are the model's, in the
    /// order in which they were taken.
    #[test]
    fn a1_lines_are_exact_or_there_are_none(
        rule in rule(),
        (lots, amount) in purse(lots_max()).prop_flat_map(|lots| { let amount = amount(&lots); (Just(lots), amount) }),
        fraction in any::<u32>(),
    ) {
        let phase = phase(&rule.method, fraction);
        let outcome = engine_allocate(&rule, &lots, phase, amount);
        if let Err(wrong) = check::a1(&rule, &lots, amount, &outcome) {
            return Err(TestCaseError::fail(wrong));
        }
        prop_assert_eq!(outcome, allocate(&rule, &lots, phase, amount));
    }

    /// A wallet emptied by spends of random size under random rules: each keeps A1, and what the lines
    /// took is all that is gone.
    #[test]
    fn a1_holds_over_a_sequence_of_spends_under_changing_rules(
        mut lots in purse(6),
        spends in prop::collection::vec((rule(), any::<u32>()), 1..12),
    ) {
        for (rule, fraction) in spends {
            let all: i128 = crate::model::purse::total(&lots);
            let amount = (all * i128::from(fraction) / (1 << 32)).max(1);
            let outcome = engine_allocate(&rule, &lots, 0, amount);
            if let Err(wrong) = check::a1(&rule, &lots, amount, &outcome) {
                return Err(TestCaseError::fail(wrong));
            }
            prop_assert_eq!(&outcome, &allocate(&rule, &lots, 0, amount));
            for (lot, sub, minor) in outcome.map(|divided| divided.lines).unwrap_or_default() {
                lots[lot].take(sub, minor);
            }
        }
    }
}
