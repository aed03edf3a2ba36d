//! The checkers can see: wrong implementations of the same contracts are caught by them.

use crate::model::allocate::{Divided, Line};
use crate::model::check::{a1, no_drift, refunds, same_end};
use crate::model::exact::{floor, half_up, nested};
use crate::model::purse::MLot;
use crate::model::rule::{MCap, MMethod, MRule};

const PAID: i128 = 10_000;
const GIFT: i128 = 18_000;

/// Rounds each spend on its own.
fn each_spend_alone(given: &[i128], amount: i128) -> Vec<i128> {
    let principal = half_up(amount, PAID, PAID + GIFT).min(PAID - given[0]).max(amount - (GIFT - given[1]));
    vec![principal, amount - principal]
}

/// Rounds down and deals the rest out by largest remainder.
fn largest_remainder(units: i128, weights: &[i128]) -> Vec<i128> {
    let whole: i128 = weights.iter().sum();
    let mut shares: Vec<i128> = weights.iter().map(|weight| floor(units, *weight, whole)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| -(units * weights[*at] - shares[*at] * whole));
    let rest = units - shares.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(rest).expect("less than the number of weights")) {
        shares[at] += 1;
    }
    shares
}

#[test]
fn a3_rounding_each_spend_alone_is_seen_to_drift() {
    let wrong = no_drift(&[PAID, GIFT], &[100; 280], each_spend_alone).expect_err("it drifts");
    assert!(wrong.contains("stands at"), "{wrong}");
}

#[test]
fn a3_rounding_each_spend_alone_is_seen_to_depend_on_the_path() {
    let wrong = same_end(&[PAID, GIFT], &[100; 50], &[5_000], each_spend_alone).expect_err("it depends on the path");
    assert!(wrong.contains("ends at"), "{wrong}");
}

/// As the domain says: alone, 0.36 + 0.64 each, and principal is out two spends early.
#[test]
fn a3_the_planted_mistake_is_the_one_the_domain_describes() {
    let mut given = vec![0, 0];
    for number in 1..=280 {
        let parts = each_spend_alone(&given, 100);
        let expected = match number {
            1..=277 => [36, 64],
            278 => [28, 72],
            _ => [0, 100],
        };
        assert_eq!(parts, expected, "spend {number}");
        given = vec![given[0] + parts[0], given[1] + parts[1]];
    }
}

#[test]
fn a4_largest_remainder_is_seen_to_take_back() {
    assert_eq!(largest_remainder(4, &[1, 3, 5]), [1, 1, 2]);
    assert_eq!(largest_remainder(5, &[1, 3, 5]), [0, 2, 3]);
    let piece = |from, to| difference(&largest_remainder(to, &[1, 3, 5]), &largest_remainder(from, &[1, 3, 5]));
    let wrong = refunds(&[1, 3, 5], &[1; 9], piece).expect_err("it takes back");
    assert!(wrong.contains("back from line"), "{wrong}");
}

#[test]
fn a4_dividing_each_refund_alone_is_seen_not_to_restore_the_lines() {
    let lines = [5_000, 9_000];
    let wrong = refunds(&lines, &vec![10; 1_400], |from, to| nested(to - from, &lines)).expect_err("it drifts");
    assert!(wrong.contains("got") || wrong.contains("restored"), "{wrong}");
}

#[test]
fn a1_wrong_lines_are_seen() {
    let lots = [MLot::fresh("t-1", &[(0, 100), (1, 40)])];
    let cap = MCap { sub: 1, amount: None, millionths: Some(300_000), minimum: None };
    let rule = MRule { caps: vec![cap], ..MRule::plain("r", MMethod::Ordered(vec![1, 0])) };
    let table: &[(&[Line], &str)] = &[
        (&[(0, 0, 70), (0, 1, 29)], "sum to 99"),
        (&[(0, 0, 60), (0, 1, 40)], "past MCap"),
        (&[(0, 0, 101), (0, 1, -1)], "takes 101"),
        (&[(0, 0, 70), (0, 1, 30), (0, 1, 0)], "line 2 is 0"),
        (&[(0, 0, 50), (0, 0, 50)], "stands twice"),
        (&[(1, 0, 100)], "where there is 0"),
    ];
    for (lines, said) in table {
        let wrong = a1(&rule, &lots, 100, &Ok(Divided { lines: lines.to_vec(), phase: None })).expect_err(said);
        assert!(wrong.contains(said), "{wrong}");
    }
    a1(&rule, &lots, 100, &Ok(Divided { lines: vec![(0, 0, 70), (0, 1, 30)], phase: None })).expect("right lines pass");
    a1(&rule, &lots, 100, &Err(100)).expect_err("a shortfall of nothing");
}

fn difference(later: &[i128], earlier: &[i128]) -> Vec<i128> {
    later.iter().zip(earlier).map(|(later, earlier)| later - earlier).collect()
}
