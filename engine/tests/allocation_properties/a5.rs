//! A5: order lines by sub-balances, exact in rows and columns, each cell as good as proportional.

use crate::model::cases::{cases, share_of_cases};
use crate::model::check::{rectangle, rectangle_within};
use crate::model::engine::small;
use crate::model::random::MOST;
use fentan_engine::allocation::{Table, table, table_within};
use proptest::collection::vec;
use proptest::prelude::*;

/// Row and column sums of one table: a few fen up to all that a wallet may hold, some zero, some equal.
fn margins(rows_max: usize) -> impl Strategy<Value = (Vec<i128>, Vec<i128>)> {
    let row = (any::<u32>(), 0..6_u8);
    (vec(row, 1..=rows_max), vec(any::<u32>(), 0..8), 0..5_u8, any::<bool>()).prop_map(
        |(rows, mut cuts, scale, fen_at_the_end)| {
            let limit = [2, 30, 5_000, 10_000_000, MOST / rows.len() as i128][usize::from(scale)];
            let size = |(size, kind): (u32, u8)| match kind {
                0 => 0,
                1 => limit,
                _ => limit * i128::from(size) / (1 << 32),
            };
            let rows: Vec<i128> = rows.into_iter().map(size).collect();
            let whole: i128 = rows.iter().sum();
            cuts.sort_unstable();
            let mut at: Vec<i128> = cuts.into_iter().map(|cut| whole * i128::from(cut) / (1 << 32)).collect();
            if let Some(last) = at.last_mut().filter(|_| fen_at_the_end && whole > 0) {
                *last = whole - 1;
            }
            at.insert(0, 0);
            at.push(whole);
            let cols = at.windows(2).map(|ends| ends[1] - ends[0]).collect();
            (rows, cols)
        },
    )
}

fn plain(amounts: &[i128]) -> Vec<i64> {
    amounts.iter().map(|amount| small(*amount)).collect()
}

fn cells(table: &Table) -> Vec<Vec<i128>> {
    (0..table.rows()).map(|row| table.row(row).iter().map(|cell| i128::from(*cell)).collect()).collect()
}

/// What may be used: anything, or as the usual rule has it (all may use the first column, some the others).
fn allowed(rows: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), rows),
        vec(prop_oneof![Just(0b1_u8), Just(0b11), Just(0b111), Just(u8::MAX)], rows),
        vec(prop_oneof![9 => Just(u8::MAX), 1 => any::<u8>()], rows),
    ]
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a5_a_table_has_exact_margins_and_proportional_cells((rows, cols) in margins(40)) {
        let made = table(&plain(&rows), &plain(&cols));
        prop_assert_eq!((made.rows(), made.cols()), (rows.len(), cols.len()));
        rectangle(&rows, &cols, &cells(&made)).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&table(&plain(&rows), &plain(&cols)), &made, "the same again");
        let every = vec![u8::MAX; rows.len()];
        prop_assert_eq!(table_within(&plain(&rows), &plain(&cols), &every), Some(made), "all may use all");
    }

    /// A table is there exactly when no columns have more than the rows that may use them; and then it is right.
    #[test]
    fn a5_a_table_within_what_is_allowed(
        ((rows, cols), allowed) in margins(20).prop_flat_map(|(rows, cols)| {
            let count = rows.len();
            (Just((rows, cols)), allowed(count))
        }),
    ) {
        let made = table_within(&plain(&rows), &plain(&cols), &allowed);
        rectangle_within(&rows, &cols, &allowed, made.as_ref().map(cells).as_deref()).map_err(TestCaseError::fail)?;
    }

    /// Where one column is free for all and one for some, the second is shared over those in proportion.
    #[test]
    fn a5_a_bonus_that_pays_for_some_lines_is_shared_over_them_in_proportion(
        lines in vec((0..=MOST / 40, any::<bool>()), 1..40),
        share in any::<u32>(),
    ) {
        let rows: Vec<i128> = lines.iter().map(|line| line.0).collect();
        let eligible: i128 = lines.iter().filter(|line| line.1).map(|line| line.0).sum();
        let bonus = eligible * i128::from(share) / (1 << 32);
        let cols = [rows.iter().sum::<i128>() - bonus, bonus];
        let allowed: Vec<u8> = lines.iter().map(|line| if line.1 { 0b11 } else { 0b01 }).collect();
        let made = table_within(&plain(&rows), &plain(&cols), &allowed).map(|made| cells(&made));
        let Some(made) = made else { return Err(TestCaseError::fail("there is room")) };
        for (cells, (row, may)) in made.iter().zip(&lines) {
            let off = (cells[1] * eligible - bonus * row).abs();
            prop_assert!(if *may { off < eligible || eligible == 0 } else { cells[1] == 0 }, "{cells:?} of {row}");
        }
    }
}

proptest! {
    #![proptest_config(share_of_cases(20, 100))]

    #[test]
    fn a5_a_table_of_a_thousand_lines((rows, cols) in margins(1_000)) {
        rectangle(&rows, &cols, &cells(&table(&plain(&rows), &plain(&cols)))).map_err(TestCaseError::fail)?;
    }
}

/// All tables of up to three rows and three columns with sums of up to nine, and of four equal rows.
#[test]
fn a5_all_small_tables() {
    let digits = |code: i128, base: i128, count: u32| (0..count).map(move |at| code / base.pow(at) % base);
    for rows in (0..1_000).map(|code| digits(code, 10, 3).collect::<Vec<i128>>()) {
        let whole: i128 = rows.iter().sum();
        for first in 0..=whole {
            for second in 0..=whole - first {
                let cols = [first, second, whole - first - second];
                rectangle(&rows, &cols, &cells(&table(&plain(&rows), &plain(&cols)))).expect("A5");
            }
        }
    }
}

/// The margins at the very end of 64 bits: products of 126 bits, and one fen that is in the way.
#[test]
fn a5_a_table_at_the_end_of_64_bits() {
    let most = i128::from(i64::MAX);
    for (rows, cols) in [
        (vec![most - 1, 1], vec![1, most - 1]),
        (vec![most / 2, most - most / 2], vec![most / 3, most / 3, most - 2 * (most / 3)]),
        (vec![most], vec![most]),
        (vec![1, most - 3, 1, 1], vec![most - 7, 1, 1, 1, 1, 1, 1, 1]),
    ] {
        rectangle(&rows, &cols, &cells(&table(&plain(&rows), &plain(&cols)))).expect("A5");
        let allowed = vec![u8::MAX; rows.len()];
        let made = table_within(&plain(&rows), &plain(&cols), &allowed).map(|made| cells(&made));
        rectangle_within(&rows, &cols, &allowed, made.as_deref()).expect("A5");
    }
}
