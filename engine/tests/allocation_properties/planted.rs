//! The checkers can see: wrong implementations of the same contracts are caught by them.

use crate::model::allocate::{Divided, Line};
use crate::model::check::{a1, no_drift, rectangle, rectangle_within, refunds, same_end};
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

/// Nested rounding on a tree that is cut in the middle whatever the weights are.
fn by_position(units: i128, weights: &[i128]) -> Vec<i128> {
    if weights.len() < 2 {
        return vec![units; weights.len()];
    }
    let (first, second) = weights.split_at(weights.len() / 2);
    let to_first = half_up(units, first.iter().sum(), weights.iter().sum());
    [by_position(to_first, first), by_position(units - to_first, second)].concat()
}

#[test]
fn a3_a_tree_cut_by_position_is_seen_to_be_further_off() {
    let weights = [2, 1, 2, 2, 3_707, 1, 2, 1];
    let split =
        |given: &[i128], amount: i128| difference(&by_position(given.iter().sum::<i128>() + amount, &weights), given);
    let wrong = no_drift(&weights, &vec![1; 3_718], split).expect_err("it is 1.49 off");
    assert!(wrong.contains("part 4") && wrong.contains("stands at"), "{wrong}");
    let by_weight =
        |given: &[i128], amount: i128| difference(&nested(given.iter().sum::<i128>() + amount, &weights), given);
    assert_eq!(no_drift(&weights, &vec![1; 3_718], by_weight), Ok(weights.to_vec()));
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

/// Each row rounded half up on its own, the rest to the last column.
fn each_row_alone(rows: &[i128], cols: &[i128]) -> Vec<Vec<i128>> {
    rows.iter().map(|row| nested(*row, cols)).collect()
}

/// What each further row adds to the nested rounding of all rows so far: exact margins, but two roundings
/// meet in a cell.
fn cumulative(rows: &[i128], cols: &[i128]) -> Vec<Vec<i128>> {
    let mut sum = 0;
    let mut before = vec![0; cols.len()];
    let mut row_of = |row: &i128| {
        sum += row;
        let after = nested(sum, cols);
        let cells = difference(&after, &before);
        before = after;
        cells
    };
    rows.iter().map(&mut row_of).collect()
}

#[test]
fn a5_wrong_tables_are_seen() {
    let (rows, cols) = ([3, 3, 3], [2, 3, 4]);
    let wrong = rectangle(&rows, &cols, &each_row_alone(&rows, &cols)).expect_err("columns");
    assert!(wrong.contains("column"), "{wrong}");
    let (rows, cols) = ([1; 8], [1; 8]);
    rectangle(&rows, &cols, &cumulative(&rows, &cols)).expect("here two roundings do no harm");
    let seen = (0..4_096).any(|code| {
        let rows = [code % 4, code / 4 % 4, code / 16 % 4, code / 64 % 4, code / 256 % 4, code / 1_024];
        let whole: i128 = rows.iter().sum();
        let cols = [whole / 2, whole / 3, whole - whole / 2 - whole / 3];
        rectangle(&rows, &cols, &cumulative(&rows, &cols)).is_err_and(|wrong| wrong.contains("meets"))
    });
    assert!(seen, "cells that are a unit or more away are seen");
    let wrong = rectangle(&[2, 2], &[2, 2], &[vec![2, 0], vec![0, 2]]).expect_err("whole cells stay");
    assert!(wrong.contains("2 where 2 of 4 meets 2"), "{wrong}");
}

#[test]
fn a5_tables_that_break_what_is_allowed_are_seen() {
    let (rows, cols, allowed) = ([2, 2], [2, 2], [0b11, 0b01]);
    let check = |cells: Option<&[Vec<i128>]>| rectangle_within(&rows, &cols, &allowed, cells);
    check(Some(&[vec![0, 2], vec![2, 0]])).expect("right");
    assert!(check(Some(&[vec![1, 1], vec![1, 1]])).expect_err("forbidden").contains("may use 0b1"));
    assert!(check(None).expect_err("there is one").contains("has room"));
    let crowded = rectangle_within(&rows, &cols, &[0b01, 0b01], Some(&[vec![0, 2], vec![2, 0]]));
    assert!(crowded.expect_err("no room").contains("have no room"));
    let unfair = rectangle_within(&rows, &cols, &[0b11, 0b11], Some(&[vec![0, 2], vec![2, 0]]));
    assert!(unfair.expect_err("alike").contains("its like"));
}
