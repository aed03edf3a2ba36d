//! A4 and A5 together: spends with order lines, refunded by order line and by amount, in any mixture.
//!
//! The refunds are the engine's decisions. `mixed` is the checker; it knows the spend's lines, its table and what
//! was given back, and nothing of how. The planted mistakes at the end are seen by it.

use crate::model::cases::cases;
use crate::model::check::rectangle;
use crate::model::engine::{CATALOG, catalog, small};
use crate::model::exact::nested;
use crate::model::random::MOST;
use fentan_engine::accounts::{SubId, Wallet};
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::decide::{Context, refund as refunds};
use fentan_engine::ledger::{ALL_SUBS, Divisible, Event, OrderTable, Refund, Taken};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::LazyLock;

static RULES: LazyLock<Catalog> = LazyLock::new(|| catalog(CATALOG));

/// Sub-balance and amount of each line; equal sub-balances are of different lots.
type Lines = Vec<(u8, i128)>;
type Cells = Vec<Vec<i128>>;
/// An order line or all of them, and how much of what is left, in parts of 256; `None` is all of it.
type Step = (Option<u8>, Option<u8>);

/// What a refund restores of each line, and what has been given back of each order line then.
type Gives = (Vec<i128>, Vec<i128>);

macro_rules! hold {
    ($what:expr, $($said:tt)*) => {
        if !$what {
            return Err(format!($($said)*));
        }
    };
}

/// Does the steps and then gives back the rest: at every step the sum is exact, nothing is taken back from a
/// line, none gets more than it gave, and order lines get what was asked of them; an order line that was given
/// back alone got its cells; at the end every line is exactly restored.
fn mixed(
    lines: &Lines,
    rows: &[i128],
    cells: &Cells,
    steps: &[Step],
    mut give: impl FnMut(&[i128], Option<usize>, i128) -> Gives,
) -> Result<(), String> {
    let mut given = vec![0; rows.len()];
    let mut restored = vec![0; lines.len()];
    let mut alone = vec![vec![0; 8]; rows.len()];
    let mut amounts_came = false;
    for (number, (line, part)) in steps.iter().chain([&(None, None)]).enumerate() {
        let line = line.map(|line| usize::from(line) % rows.len());
        let left = |at: usize| rows[at] - given[at];
        let left = line.map_or((0..rows.len()).map(left).sum(), left);
        let amount = part.map_or(left, |part| left * i128::from(part) / 256);
        if amount == 0 {
            continue;
        }
        let (shares, after) = give(&given, line, amount);
        hold!(shares.iter().sum::<i128>() == amount, "refund {number} of {amount} gave {shares:?}");
        for (at, minor) in shares.iter().enumerate() {
            hold!(*minor >= 0, "refund {number} takes {minor} back from line {at}");
            restored[at] += minor;
            hold!(restored[at] <= lines[at].1, "after refund {number}, line {at} of {lines:?} got {}", restored[at]);
            if let Some(row) = line {
                alone[row][usize::from(lines[at].0)] += minor;
            }
        }
        hold!(after.iter().sum::<i128>() == given.iter().sum::<i128>() + amount, "refund {number} counts {after:?}");
        for (row, (before, after)) in given.iter().zip(&after).enumerate() {
            hold!(after >= before && *after <= rows[row], "refund {number}, order line {row}: {before} then {after}");
            hold!(line.is_none_or(|line| line == row) || after == before, "refund {number} of {line:?} touched {row}");
        }
        amounts_came |= line.is_none();
        given = after;
        if let Some(row) = line.filter(|row| !amounts_came && given[*row] == rows[*row]) {
            hold!(alone[row][..cells[row].len()] == cells[row], "order line {row} got {:?}, not its row", alone[row]);
        }
    }
    let whole: Vec<i128> = lines.iter().map(|line| line.1).collect();
    hold!(restored == whole, "restored {restored:?}, not {whole:?}");
    Ok(())
}

/// The spend's lines, as the engine has them.
fn taken(lines: &Lines) -> Taken {
    let mut taken = Taken::default();
    for (at, (sub, amount)) in lines.iter().enumerate() {
        taken.push(&CommandId::internal(&format!("t-{at}")), SubId(*sub), small(*amount));
    }
    taken
}

fn divisible(rows: &[i128], allowed: &[u8]) -> Vec<Divisible> {
    let name = |at: usize| Label::internal(&format!("l-{at}"));
    let line = |(at, (amount, allowed)): (usize, (&i128, &u8))| Divisible {
        line: name(at),
        amount: small(*amount),
        allowed: *allowed,
    };
    rows.iter().zip(allowed).enumerate().map(line).collect()
}

fn table(rows: &[i128], lines: &Lines) -> OrderTable {
    OrderTable::divide(divisible(rows, &vec![ALL_SUBS; rows.len()]), &taken(lines)).expect("all may pay for all")
}

/// Order lines by all eight sub-balances.
fn cells(table: &OrderTable) -> Cells {
    let of = |row: &fentan_engine::ledger::OrderRow| (0..8).map(|sub| i128::from(row.of(table, SubId(sub)))).collect();
    table.rows.iter().map(of).collect()
}

fn columns(lines: &Lines) -> Vec<i128> {
    (0..8).map(|sub| lines.iter().filter(|line| line.0 == sub).map(|line| line.1).sum()).collect()
}

/// What each order line has of each line, by intervals of the sub-balance's units; `shift` is a mistake.
fn own(lines: &Lines, cells: &Cells, shift: i128) -> Vec<Vec<i128>> {
    let part = |row: usize, at: usize| {
        let (sub, amount) = lines[at];
        let line: i128 = lines[..at].iter().filter(|line| line.0 == sub).map(|line| line.1).sum();
        let start = cells[..row].iter().map(|cells| cells[usize::from(sub)]).sum::<i128>() + shift;
        let end = start + cells[row][usize::from(sub)];
        (end.min(line + amount) - start.max(line)).max(0)
    };
    (0..cells.len()).map(|row| (0..lines.len()).map(|at| part(row, at)).collect()).collect()
}

/// A refund as the engine decides it.
fn engine(lines: &Lines, table: &OrderTable, given: &[i128], line: Option<usize>, amount: i128) -> Gives {
    let (taken, merchant) = (taken(lines), AccountId::internal("m"));
    let rows: Vec<i64> = given.iter().map(|given| small(*given)).collect();
    let spent = refunds::Spent {
        to_expired: fentan_engine::allocation::RefundToExpired::Forfeit,
        merchant: &merchant,
        taken: &taken,
        refunded: rows.iter().sum(),
        table: Some(table),
        rows: &rows,
    };
    let wallet = Wallet::new(AccountId::internal("w"), Currency::CNY, Label::internal("default"));
    let ask = Refund {
        spend: CommandId::internal("s"),
        amount: Some(Major::from_minor(small(amount), Currency::CNY)),
        line: line.map(|row| table.rows[row].line.clone()),
        reason: None,
    };
    let ctx = Context { catalog: &RULES, now: 0 };
    match refunds::refund(ctx, &wallet, &spent, &ask) {
        Ok(Event::Refunded { taken: back, rows, refunded, .. }) => {
            assert_eq!(rows.iter().sum::<i64>(), refunded);
            let of = |(lot, sub, _): (&CommandId, SubId, i64)| {
                back.iter().find(|line| (line.0, line.1) == (lot, sub)).map_or(0, |line| i128::from(line.2))
            };
            (taken.iter().map(of).collect(), rows.iter().map(|row| i128::from(*row)).collect())
        }
        Ok(_) => panic!("a refund refunds"),
        Err(reject) => panic!("{amount} of {line:?} after {given:?}: {reject}"),
    }
}

/// Lines over up to eight sub-balances, order lines that sum to them, and refunds.
fn spends() -> impl Strategy<Value = (Lines, Vec<i128>, Vec<Step>)> {
    let line = (0..8_u8, any::<u32>(), 0..4_u8);
    let some = |max| vec(line.clone(), 1..=max);
    (some(12), vec(any::<u32>(), 0..25), 0..4_usize, vec((of(any::<u8>()), of(any::<u8>())), 0..40), 1..=8_u8).prop_map(
        |(lines, cuts, scale, steps, subs)| {
            let limit = [2, 500, 10_000_000, MOST / 12][scale];
            let size = |(size, kind): (u32, u8)| 1 + if kind == 0 { 0 } else { ((limit - 1) * i128::from(size)) >> 32 };
            let lines: Lines = lines.into_iter().map(|(sub, part, kind)| (sub % subs, size((part, kind)))).collect();
            let whole: i128 = lines.iter().map(|line| line.1).sum();
            let mut at: Vec<i128> = cuts.into_iter().map(|cut| (whole * i128::from(cut)) >> 32).collect();
            at.extend([0, whole]);
            at.sort_unstable();
            at.dedup();
            (lines, at.windows(2).map(|ends| ends[1] - ends[0]).collect(), steps)
        },
    )
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn a5_any_mixture_of_refunds_restores_the_lines((lines, rows, steps) in spends()) {
        let table = table(&rows, &lines);
        let cells = cells(&table);
        rectangle(&rows, &columns(&lines), &cells).map_err(TestCaseError::fail)?;
        mixed(&lines, &rows, &cells, &steps, |given, line, amount| engine(&lines, &table, given, line, amount))
            .map_err(TestCaseError::fail)?;
    }

    /// What an order line gives back, given back alone, comes from its own interval of each sub-balance.
    #[test]
    fn a5_an_order_line_gives_back_its_own_units((lines, rows, _) in spends(), nth in any::<prop::sample::Index>()) {
        let table = table(&rows, &lines);
        let row = nth.index(rows.len());
        let (gives, _) = engine(&lines, &table, &vec![0; rows.len()], Some(row), rows[row]);
        prop_assert_eq!(&gives, &own(&lines, &cells(&table), 0)[row]);
    }

    /// A captured part has a table of its own: the order lines divided down, the captured lines' columns. Where
    /// not all sub-balances may pay for all, none pays for what it may not, and the sums are exact still.
    #[test]
    fn a5_a_captured_part_has_a_table_of_its_own(
        (lines, rows, _) in spends(), from in any::<u8>(), to in any::<u8>(), masks in vec(any::<u8>(), 26),
    ) {
        let hold = taken(&lines);
        let at = |part: u8| hold.sum() / 256 * i64::from(part);
        let captured = hold.piece(at(from.min(to)), at(from.max(to)));
        let table = table(&rows, &lines).captured(&captured);
        let down = nested(captured.sum().into(), &rows);
        let caught: Lines = captured.iter().map(|(_, sub, minor)| (sub.0, i128::from(minor))).collect();
        rectangle(&down, &columns(&caught), &cells(&table)).map_err(TestCaseError::fail)?;
        prop_assert!(table.adds_up(&captured));

        let allowed: Vec<u8> = masks[..rows.len()].iter().map(|mask| mask | 1 << (lines[0].0)).collect();
        let Ok(held) = OrderTable::divide(divisible(&rows, &allowed), &hold) else { return Ok(()) };
        let table = held.captured(&captured);
        prop_assert!(table.adds_up(&captured));
        for (row, mask) in cells(&table).iter().zip(&allowed) {
            prop_assert!(row.iter().enumerate().all(|(sub, cell)| *cell >= 0 && (*cell == 0 || mask >> sub & 1 == 1)));
        }
    }

    /// When no table can be, the reject says the most that one could pay: that much can be paid, if the order
    /// lines are cut down to it.
    #[test]
    fn a5_what_can_be_paid_at_most((lines, rows, _) in spends(), masks in vec(any::<u8>(), 26)) {
        let allowed = &masks[..rows.len()];
        let most = OrderTable::divide(divisible(&rows, allowed), &taken(&lines)).map(|_| ());
        let columns = columns(&lines);
        // Hall: for each set of order lines, what may pay for them bounds what they can get.
        let bounded = |most: i128| (0..256_u32).all(|set| {
            let inside = |mask: &u8| u32::from(*mask) & !set == 0;
            let stuck: i128 = rows.iter().zip(allowed).filter(|(_, mask)| inside(mask)).map(|(row, _)| row).sum();
            let pays: i128 = (0..8).filter(|sub| set >> sub & 1 == 1).map(|sub| columns[sub]).sum();
            most <= rows.iter().sum::<i128>() - stuck + stuck.min(pays)
        });
        match most {
            Ok(()) => prop_assert!(bounded(rows.iter().sum())),
            Err(most) => {
                let most = i128::from(most);
                prop_assert!((0..rows.iter().sum()).contains(&most));
                prop_assert!(bounded(most) && !bounded(most + 1), "{most}");
            }
        }
    }
}

/// The example of the domain: 60.00 and 40.00 of 35.71 + 64.29.
#[test]
fn a5_the_domain_s_example() {
    let lines = vec![(0, 3_571), (1, 6_429)];
    let table = table(&[6_000, 4_000], &lines);
    let first = |cells: Cells| cells.into_iter().map(|row| row[..2].to_vec()).collect::<Vec<_>>();
    assert_eq!(first(cells(&table)), [[2_143, 3_857], [1_428, 2_572]]);
    assert_eq!(engine(&lines, &table, &[0, 0], Some(1), 4_000), (vec![1_428, 2_572], vec![0, 4_000]));
}

/// The most order lines there can be, over the most lots: each refunded alone.
#[test]
fn a5_five_hundred_order_lines() {
    let lines: Lines = (0..1_000).map(|at| (u8::from(at % 2 == 1), 7 + at % 13)).collect();
    let whole: i128 = lines.iter().map(|line| line.1).sum();
    let mut rows = vec![whole / 500; 500];
    rows[499] += whole % 500;
    let table = table(&rows, &lines);
    let steps: Vec<Step> = (0..=255).map(|row| (Some(row), None)).collect();
    mixed(&lines, &rows, &cells(&table), &steps, |given, line, amount| engine(&lines, &table, given, line, amount))
        .expect("A5");
}

/// A right refund by intervals, and the same with mistakes.
fn by_intervals(own: &[Vec<i128>], rows: &[i128], given: &[i128], line: Option<usize>, amount: i128) -> Gives {
    let mut after = given.to_vec();
    if let Some(row) = line {
        after[row] += amount;
    } else {
        let left: Vec<i128> = rows.iter().zip(given).map(|(row, given)| row - given).collect();
        after.iter_mut().zip(nested(amount, &left)).for_each(|(after, more)| *after += more);
    }
    (between(own, given, &after), after)
}

/// What is restored of each line when what was given back of each order line goes from one to the other.
fn between(own: &[Vec<i128>], given: &[i128], after: &[i128]) -> Vec<i128> {
    let stand = |given: &[i128]| {
        let each: Vec<Vec<i128>> = own.iter().zip(given).map(|(own, given)| nested(*given, own)).collect();
        (0..own[0].len()).map(|at| each.iter().map(|row| row[at]).sum()).collect::<Vec<i128>>()
    };
    stand(after).iter().zip(stand(given)).map(|(after, before)| after - before).collect()
}

const ROWS: [i128; 3] = [3_333, 3_333, 3_334];

fn planted() -> (Lines, Cells) {
    let lines = vec![(0, 2_000), (1, 4_000), (0, 1_571), (1, 2_429)];
    let cells = cells(&table(&ROWS, &lines));
    (lines, cells)
}

const EACH: [Step; 3] = [(Some(0), None), (Some(1), None), (Some(2), None)];

#[test]
fn planted_the_right_way_passes() {
    let (lines, cells) = planted();
    let own = own(&lines, &cells, 0);
    mixed(&lines, &ROWS, &cells, &EACH, |given, line, amount| by_intervals(&own, &ROWS, given, line, amount))
        .expect("A5");
}

/// An order line's part of each line rounded on its own: the columns do not come out.
#[test]
fn planted_order_lines_rounded_on_their_own_are_seen() {
    let (lines, cells) = planted();
    let all: Vec<i128> = lines.iter().map(|line| line.1).collect();
    let alone: Vec<Vec<i128>> = ROWS.iter().map(|row| nested(*row, &all)).collect();
    let give = |given: &[i128], line, amount| by_intervals(&alone, &ROWS, given, line, amount);
    let wrong = mixed(&lines, &ROWS, &cells, &EACH, give).expect_err("it does not come out");
    assert!(wrong.contains("not its row") || wrong.contains("restored") || wrong.contains("got"), "{wrong}");
    let alone: Cells = (0..3).map(|_| nested(1, &[1, 2])).collect();
    rectangle(&[1; 3], &[1, 2], &alone).expect_err("the columns do not sum");
}

/// Intervals that begin one unit late.
#[test]
fn planted_intervals_that_are_off_by_one_are_seen() {
    let (lines, cells) = planted();
    for shift in [-1, 1] {
        let own = own(&lines, &cells, shift);
        let give = |given: &[i128], line, amount| by_intervals(&own, &ROWS, given, line, amount);
        mixed(&lines, &ROWS, &cells, &EACH, give).expect_err("a unit is lost");
    }
}

/// An amount divided over the order lines' amounts, not over what is left of them.
#[test]
fn planted_an_amount_over_what_is_gone_is_seen() {
    let (lines, cells) = planted();
    let own = own(&lines, &cells, 0);
    let give = |given: &[i128], line: Option<usize>, amount| {
        if line.is_some() {
            return by_intervals(&own, &ROWS, given, line, amount);
        }
        let more = nested(amount, &ROWS);
        let after: Vec<i128> = given.iter().zip(more).map(|(given, more)| given + more).collect();
        (between(&own, given, &after), after)
    };
    let steps = [(Some(0), None), (None, Some(200))];
    let wrong = mixed(&lines, &ROWS, &cells, &steps, give).expect_err("an order line gets too much");
    assert!(wrong.contains("order line 0") || wrong.contains("line 0 of"), "{wrong}");
}
