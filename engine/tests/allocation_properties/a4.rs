//! A4: partial refunds never disagree with the whole.

use crate::model::cases::{cases, lots_max};
use crate::model::check::{a1, refunds};
use crate::model::engine::{engine_allocate, small};
use crate::model::exact::{near, nested};
use crate::model::purse::{MLot, total};
use crate::model::random::{MOST, grants, pieces, purse, rule};
use fentan_engine::accounts::SubId;
use fentan_engine::allocation::{apportion, share_of};
use fentan_engine::ledger::Taken;
use fentan_engine::names::CommandId;
use proptest::prelude::*;

/// Lines of these amounts, two a lot.
fn taken(lines: &[i128]) -> Taken {
    let mut taken = Taken::default();
    for (at, minor) in lines.iter().enumerate() {
        let sub = SubId(u8::from(at % 2 == 1));
        taken.push(&CommandId::internal(&format!("t-{}", at / 2)), sub, small(*minor));
    }
    taken
}

/// What a piece gives to each of the whole's lines. No piece may name a line that the whole has not.
fn piece(whole: &Taken, from: i128, to: i128) -> Vec<i128> {
    let piece = whole.piece(small(from), small(to));
    let mut seen = 0;
    let gives = whole
        .iter()
        .map(|(lot, sub, _)| {
            let line = piece.iter().find(|line| (line.0, line.1) == (lot, sub));
            seen += usize::from(line.is_some());
            line.map_or(0, |(_, _, minor)| i128::from(minor))
        })
        .collect();
    assert_eq!(seen, piece.lines.len(), "{piece:?} of {whole:?}");
    assert!(piece.lines.iter().all(|line| line.amount > 0), "no empty lines: {piece:?}");
    gives
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a4_any_partial_refunds_restore_exactly_the_lines(
        (lines, parts) in grants(1..=40).prop_flat_map(|l| { let all = l.iter().sum(); (Just(l), pieces(all).prop_shuffle()) }),
    ) {
        let whole = taken(&lines);
        refunds(&lines, &parts, |from, to| piece(&whole, from, to)).map_err(TestCaseError::fail)?;
    }

    /// What is restored depends on the total alone, not on the pieces.
    #[test]
    fn a4_what_is_restored_is_nested_rounding_of_the_total(
        lines in grants(1..=40),
        share in any::<u32>(),
    ) {
        let back = lines.iter().sum::<i128>() * i128::from(share) / (1 << 32);
        prop_assert_eq!(piece(&taken(&lines), 0, back), nested(back, &lines));
    }

    /// The four properties of nested rounding that everything rests on.
    #[test]
    fn a4_apportion_is_exact_monotone_bounded_and_close(
        mut weights in grants(1..=40),
        gaps in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        share in any::<u32>(),
    ) {
        for gap in gaps {
            // The first stays, so that there is something to divide by.
            let at = gap.index(weights.len());
            weights[at] *= i128::from(at == 0);
        }
        let whole: i128 = weights.iter().sum();
        let plain: Vec<i64> = weights.iter().map(|weight| small(*weight)).collect();
        let shares = |units: i128| -> Vec<i128> { apportion(small(units), &plain).iter().map(|share| i128::from(*share)).collect() };
        let units = whole * i128::from(share) / (1 << 32);
        let now = shares(units);
        prop_assert_eq!(now.iter().sum::<i128>(), units);
        for (at, share) in now.iter().enumerate() {
            prop_assert!((0..=weights[at]).contains(share));
            prop_assert!(near(*share, units, weights[at], whole, weights.iter().filter(|weight| **weight > 0).count()));
        }
        if units < whole {
            let next = shares(units + 1);
            prop_assert!(now.iter().zip(&next).all(|(now, next)| now <= next), "{now:?} then {next:?}");
        }
        prop_assert_eq!(shares(whole), weights);
    }

    #[test]
    fn a4_share_of_is_exact_rounding_half_up(amount in 0..=i64::MAX, part in 0..=i64::MAX, more in 0..=i64::MAX) {
        let whole = part.saturating_add(more).max(1);
        let (a, p, w) = (i128::from(amount), i128::from(part), i128::from(whole));
        let got = i128::from(share_of(amount, part, whole));
        // The nearest integer, of two the upper one: got - 1/2 <= exact < got + 1/2.
        let twice_off = 2 * (got * w - a * p);
        prop_assert!(-w < twice_off && twice_off <= w, "{got}");
    }
}

/// A spend, and how much of it has been given back.
struct Spent {
    lines: Vec<(usize, u8, i128)>,
    taken: Taken,
    back: i128,
}

impl Spent {
    fn of(lots: &[MLot], lines: Vec<(usize, u8, i128)>) -> Self {
        let mut taken = Taken::default();
        for (lot, sub, minor) in &lines {
            taken.push(&CommandId::internal(&lots[*lot].id), SubId(*sub), small(*minor));
        }
        Self { lines, taken, back: 0 }
    }

    fn sum(&self) -> i128 {
        self.lines.iter().map(|line| line.2).sum()
    }

    /// Gives the next `amount` back into the lots it came from.
    fn refund(&mut self, lots: &mut [MLot], amount: i128) {
        let gives = piece(&self.taken, self.back, self.back + amount);
        assert_eq!(gives.iter().sum::<i128>(), amount, "a refund gives what it says");
        self.back += amount;
        for ((lot, sub, _), minor) in self.lines.iter().zip(gives) {
            let part = lots[*lot].part_mut(*sub);
            assert!((0..=part.consumed).contains(&minor), "{minor} back of {part:?}");
            part.left += minor;
            part.consumed -= minor;
        }
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// Spends under changing rules and partial refunds of any of them, mixed: every spend keeps A1 on what
    /// the others left, no refund gives a part more than it gave, and when all is given back every lot is
    /// as it was.
    #[test]
    fn a4_spends_and_partial_refunds_in_any_sequence_leave_every_lot_as_it_was(
        mut lots in purse(lots_max() / 4),
        steps in prop::collection::vec((rule(), any::<u32>(), any::<prop::sample::Index>(), 0..3_u8), 1..16),
    ) {
        let before = lots.clone();
        let mut spends: Vec<Spent> = Vec::new();
        for (rule, fraction, which, kind) in steps {
            let part_of = |whole: i128| (whole * i128::from(fraction) / (1 << 32)).max(1);
            if kind == 0 && !spends.is_empty() {
                let count = spends.len();
                let spent = &mut spends[which.index(count)];
                let open = spent.sum() - spent.back;
                spent.refund(&mut lots, part_of(open).min(open));
                continue;
            }
            let amount = if kind == 1 { 1 } else { part_of(total(&lots)) };
            let outcome = engine_allocate(&rule, &lots, 0, amount);
            a1(&rule, &lots, amount, &outcome).map_err(TestCaseError::fail)?;
            if let Ok(divided) = outcome {
                divided.lines.iter().for_each(|(lot, sub, minor)| lots[*lot].take(*sub, *minor));
                spends.push(Spent::of(&lots, divided.lines));
            }
        }
        for spent in &mut spends {
            let open = spent.sum() - spent.back;
            spent.refund(&mut lots, open / 2);
            spent.refund(&mut lots, open - open / 2);
        }
        prop_assert_eq!(lots, before);
    }
}

/// Every way to refund small spends: all lines up to 5 each, three lines, all pairs of cut points.
#[test]
fn a4_all_small_spends_in_all_two_and_three_piece_refunds() {
    for code in 1..216_i128 {
        let lines: Vec<i128> = [code % 6, code / 6 % 6, code / 36].into_iter().filter(|line| *line > 0).collect();
        let all: i128 = lines.iter().sum();
        let whole = taken(&lines);
        for one in 0..=all {
            for two in one..=all {
                let parts: Vec<i128> = [one, two - one, all - two].into_iter().filter(|part| *part > 0).collect();
                refunds(&lines, &parts, |from, to| piece(&whole, from, to)).expect("A4");
            }
        }
    }
}

/// The largest spend there can be, refunded by the fen at both ends.
#[test]
fn a4_holds_at_the_most_a_wallet_may_hold() {
    let lines = [MOST / 3, MOST / 3, MOST - 2 * (MOST / 3)];
    let whole = taken(&lines);
    let parts = [1, 1, 1, MOST - 6, 1, 1, 1];
    refunds(&lines, &parts, |from, to| piece(&whole, from, to)).expect("A4");
}
