//! The domain's examples of section 3, by number, on the shipped rules as the catalog reads them.

use crate::model::engine::{CATALOG, catalog, engine_allocate_with, rule};
use crate::model::purse::{MLot, NEVER};
use crate::model::rule::{MCap, MMethod, MOrder, MRule, shipped};
use fentan_engine::accounts::SubId;
use fentan_engine::allocation::{Rule, apportion};
use fentan_engine::ledger::Taken;
use fentan_engine::names::CommandId;

const TWO: &[(u8, i128)] = &[(0, 10_000), (1, 18_000)];

fn shipped_rule(name: &str) -> Rule {
    catalog(CATALOG).rules().find(|rule| rule.name.as_str() == name).cloned().expect("the rule is shipped")
}

/// Principal and bonus of a spend, or what could have been found.
fn split(rule: &Rule, lots: &[MLot], phase: i128, amount: i128) -> Result<(i128, i128), i128> {
    let divided = engine_allocate_with(rule, lots, 0, phase, amount)?;
    let sum = |sub: u8| divided.lines.iter().filter(|line| line.1 == sub).map(|line| line.2).sum();
    Ok((sum(0), sum(1)))
}

#[test]
fn the_catalog_s_rules_are_the_model_s() {
    let catalog = catalog(CATALOG);
    let mut names: Vec<&str> = catalog.rules().map(|rule| rule.name.as_str()).collect();
    for model in shipped() {
        let engine = catalog.rules().find(|rule| rule.name.as_str() == model.name).expect("the rule is shipped");
        assert_eq!(*engine, rule(&model));
        names.retain(|name| *name != model.name);
    }
    assert_eq!(names, [""; 0], "every rule has its model");
}

#[test]
fn a1_example_table() {
    let lots = [MLot::fresh("t-1", &[(0, 10_000), (1, 4_000)])];
    assert_eq!(split(&shipped_rule("by_lot"), &lots, 0, 14_000), Ok((10_000, 4_000)));
    for rule in catalog(CATALOG).rules() {
        assert_eq!(split(rule, &lots, 0, 14_001), Err(14_000), "{}", rule.name);
    }
    let thirty = shipped_rule("bonus_30_percent");
    assert_eq!(split(&thirty, &lots, 0, 12_000), Ok((8_400, 3_600)));
    assert_eq!(split(&thirty, &lots, 0, 14_000), Ok((10_000, 4_000)));
    let twenty = MCap { sub: 1, amount: None, millionths: Some(200_000), minimum: None };
    let twenty = rule(&MRule { caps: vec![twenty], ..MRule::plain("r", MMethod::Ordered(vec![1, 0])) });
    assert_eq!(split(&twenty, &lots, 0, 13_000), Err(12_600), "bonus 26.00, principal would have to give 104.00");
}

#[test]
fn a2_example_1_every_shipped_rule() {
    let lots = [MLot::fresh("t-1", TWO)];
    for (name, principal, bonus) in [
        ("by_lot", 5_000, 9_000),
        ("by_lot_expiring_first", 5_000, 9_000),
        ("by_lot_pro_rata", 5_000, 9_000),
        ("by_balance", 5_000, 9_000),
        ("principal_first", 10_000, 4_000),
        ("bonus_first", 0, 14_000),
        ("fixed_100_80", 7_778, 6_222),
        ("bonus_5_per_spend", 10_000, 4_000),
        ("bonus_30_percent", 9_800, 4_200),
    ] {
        assert_eq!(split(&shipped_rule(name), &lots, 0, 14_000), Ok((principal, bonus)), "{name}");
    }
}

#[test]
fn a2_example_2_orders_of_lots() {
    let mut newer = MLot::fresh("t-2", &[(0, 20_000), (1, 10_000)]);
    newer.parts.iter_mut().for_each(|part| part.ends = 1_000);
    let lots = [MLot::fresh("t-1", TWO), newer];
    for (order, expected) in [
        ("fifo", vec![(0, 0, 10_000), (0, 1, 18_000), (1, 0, 667), (1, 1, 333)]),
        ("lifo", vec![(1, 0, 19_333), (1, 1, 9_667)]),
        ("expiring_first", vec![(1, 0, 19_333), (1, 1, 9_667)]),
        ("largest_first", vec![(1, 0, 19_333), (1, 1, 9_667)]),
        ("pro_rata", vec![(0, 0, 5_000), (0, 1, 9_000), (1, 0, 10_000), (1, 1, 5_000)]),
    ] {
        let text = CATALOG
            .replace("name = \"by_lot\"\nversion = 1", &format!("name = \"by_lot\"\nversion = 1\nlots = \"{order}\""));
        let catalog = catalog(&text);
        let rule = catalog.default_product().rule.in_force_or_first(0);
        assert_eq!(
            engine_allocate_with(rule, &lots, 0, 0, 29_000).map(|divided| divided.lines),
            Ok(expected),
            "{order}"
        );
    }
}

#[test]
fn a2_example_3_smaller_cases() {
    let purse = |principal, bonus| [MLot::fresh("t-1", &[(0, principal), (1, bonus)])];
    let five_of_fifty = "bonus_5_per_spend\"\nversion = 1";
    let per_fifty = CATALOG.replace(five_of_fifty, &format!("{five_of_fifty}\nfor_every = \"50.00\""));
    let per_fifty =
        catalog(&per_fifty).rules().find(|rule| rule.name.as_str() == "bonus_5_per_spend").cloned().expect("there");
    for (rule, principal, spend, expected) in [
        (shipped_rule("by_balance"), 5_000, 3_333, Ok((833, 2_500))),
        (shipped_rule("principal_first"), 5_000, 6_000, Ok((5_000, 1_000))),
        (shipped_rule("bonus_5_per_spend"), 5_000, 3_333, Ok((2_833, 500))),
        (shipped_rule("bonus_5_per_spend"), 1_000, 3_333, Ok((1_000, 2_333))),
        (shipped_rule("bonus_30_percent"), 5_000, 1_001, Ok((701, 300))),
        (shipped_rule("bonus_30_percent"), 5_000, 10_000, Err(8_000)),
        (per_fifty.clone(), 5_000, 4_999, Ok((4_999, 0))),
        (per_fifty, 20_000, 12_000, Ok((11_000, 1_000))),
    ] {
        assert_eq!(split(&rule, &purse(principal, 15_000), 0, spend), expected, "{} {spend}", rule.name);
    }
}

#[test]
fn a3_example_1_280_spends_of_one_yuan() {
    let rule = shipped_rule("by_lot");
    let mut lot = MLot::fresh("t-1", TWO);
    let mut taken = Vec::new();
    for number in 1..=280 {
        let (principal, bonus) = split(&rule, std::slice::from_ref(&lot), 0, 100).expect("the lot has enough");
        lot.take(0, principal);
        lot.take(1, bonus);
        taken.push(principal);
        assert_eq!(lot.parts[0].left == 0, number == 280, "principal ends with the last spend");
    }
    assert_eq!(taken[..8], [36, 35, 36, 36, 36, 35, 36, 36]);
    assert_eq!(taken[279], 36);
    assert_eq!(taken.iter().filter(|principal| **principal == 36).count(), 200);
    assert_eq!(taken.iter().filter(|principal| **principal == 35).count(), 80);
    assert_eq!(lot.left(), 0);
}

#[test]
fn a3_example_2_180_spends_of_one_fen() {
    let rule = shipped_rule("fixed_100_80");
    let mut lot = MLot::fresh("t-1", TWO);
    let mut phase = 0;
    let mut first = String::new();
    for _ in 0..180 {
        let divided = engine_allocate_with(&rule, std::slice::from_ref(&lot), 0, phase, 1).expect("there is enough");
        phase = divided.phase.expect("the rule has a phase");
        let (_, sub, minor) = divided.lines[0];
        lot.take(sub, minor);
        first.push(['P', 'B'][usize::from(sub)]);
    }
    assert_eq!(&first[..9], "PBPBPBPBP");
    assert_eq!((lot.parts[0].consumed, lot.parts[1].consumed, phase), (100, 80, 0));
}

#[test]
fn a3_example_3_a_skewed_lot() {
    let mut lot = MLot::fresh("t-1", TWO);
    lot.take(1, 14_000);
    let rule = shipped_rule("by_lot");
    for number in 1..=100 {
        let expected = match number {
            1..=62 => (36, 64),
            63 => (68, 32),
            _ => (100, 0),
        };
        let Ok((principal, bonus)) = split(&rule, std::slice::from_ref(&lot), 0, 100) else {
            panic!("spend {number}");
        };
        assert_eq!((principal, bonus), expected, "spend {number}");
        lot.take(0, principal);
        lot.take(1, bonus);
    }
}

/// docs/allocation.md: what holds for five weights and more is 41/32, not 1.
#[test]
fn a3_five_weights_may_be_more_than_one_unit_off() {
    assert_eq!(apportion(14, &[9, 8, 1, 3, 1])[1], 4, "exact: 5.09");
    let weights = [1, 4_056, 4_085, 1_482, 3, 145];
    let off = i128::from(apportion(4_889, &weights)[1]) * 9_772 - 4_889 * 4_056;
    assert!((12_451..41 * 10_000 / 32).contains(&(off.abs() * 10_000 / 9_772)), "{off}");
}

/// docs/allocation.md: what `current_ratio` does not promise.
#[test]
fn a3_current_ratio_depends_on_the_size_of_the_spends() {
    let rule = shipped_rule("by_balance");
    let mut lot = MLot::fresh("t-1", &[(0, 50), (1, 150)]);
    assert_eq!(split(&rule, std::slice::from_ref(&lot), 0, 2), Ok((1, 1)));
    for _ in 0..2 {
        assert_eq!(split(&rule, std::slice::from_ref(&lot), 0, 1), Ok((0, 1)));
        lot.take(1, 1);
    }
}

/// docs/allocation.md: which lot pays may depend on the size of the spends; how a lot divides does not.
#[test]
fn a3_largest_first_depends_on_the_size_of_the_spends() {
    let rule = rule(&MRule { order: MOrder::LargestFirst, ..MRule::plain("r", MMethod::LotRatio) });
    let mut lots = [MLot::fresh("t-1", &[(0, 10)]), MLot::fresh("t-2", &[(0, 8)])];
    let lines = |lots: &[MLot], amount| engine_allocate_with(&rule, lots, 0, 0, amount).map(|divided| divided.lines);
    assert_eq!(lines(&lots, 9), Ok(vec![(0, 0, 9)]));
    assert_eq!(lines(&lots, 5), Ok(vec![(0, 0, 5)]));
    lots[0].take(0, 5);
    assert_eq!(lines(&lots, 4), Ok(vec![(1, 0, 4)]));
}

fn pieces(lines: &[(&str, u8, i64)], cuts: &[i64]) -> Vec<Vec<i64>> {
    let mut taken = Taken::default();
    for (lot, sub, minor) in lines {
        taken.push(&CommandId::internal(lot), SubId(*sub), *minor);
    }
    cuts.windows(2).map(|cut| taken.piece(cut[0], cut[1]).lines.iter().map(|line| line.amount).collect()).collect()
}

#[test]
fn a4_examples_and_the_hold_of_w2() {
    let spend = [("t-1", 0, 5_000), ("t-1", 1, 9_000)];
    assert_eq!(pieces(&spend, &[0, 4_667, 9_334, 14_000]), [[1_667, 3_000], [1_667, 3_000], [1_666, 3_000]]);
    assert_eq!(pieces(&spend, &[0, 1]), [[1]], "0.00 + 0.01");
    assert_eq!(pieces(&spend, &[0, 1_000]), [[357, 643]]);
    let two_lots = [("t-1", 0, 10_000), ("t-1", 1, 18_000), ("t-2", 0, 1_333), ("t-2", 1, 667)];
    assert_eq!(pieces(&two_lots, &[0, 10_000]), [[3_333, 6_000, 445, 222]]);
    // W2: capture 100.00 of a hold of 140.00; and first release 40.00 of it.
    assert_eq!(pieces(&spend, &[0, 10_000, 14_000]), [[3_571, 6_429], [1_429, 2_571]]);
    assert_eq!(pieces(&spend, &[0, 4_000, 14_000]), [[1_429, 2_571], [3_571, 6_429]]);
}

/// Nothing ends before the spend is divided, and a lot that ends never is the last of `expiring_first`.
#[test]
fn expiring_first_ignores_what_is_used_up() {
    let mut used = MLot::fresh("t-1", &[(0, 10), (1, 10)]);
    used.parts[0].ends = 5;
    used.take(0, 10);
    used.parts[1].ends = NEVER;
    let mut soon = MLot::fresh("t-2", &[(0, 10)]);
    soon.parts[0].ends = 50;
    let divided = engine_allocate_with(&shipped_rule("by_lot_expiring_first"), &[used, soon], 0, 0, 3);
    assert_eq!(divided.map(|divided| divided.lines), Ok(vec![(1, 0, 3)]));
}
