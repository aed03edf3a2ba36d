//! C2: what waits for a statement is what unconfirmed pieces have paid, at every moment; and nothing of it waits when
//! the statement has come, however it was spent.

use crate::asks;
use crate::chores;
use crate::history::{History, Run, history, in_pieces};
use crate::model::cases::share_of_cases;
use crate::sweep::Way;
use fentan_engine::accounts::Bucket;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Runs a history, then confirms every lot and releases all of it, in one go or with interruptions.
fn to_the_end(history: &History, stops: &[usize], way: Way, batch: usize) -> Result<Run, String> {
    let mut run = Run::of(history, way, batch)?;
    run.confirm_all()?;
    run.release(stops)?;
    for merchant in run.proceeds.merchants() {
        let (unreconciled, pending) = run.proceeds.of(merchant);
        let has = [Bucket::Unreconciled, Bucket::Pending].map(|bucket| run.desk.has(merchant, bucket));
        if has != [[0, 0], pending] || unreconciled != [0, 0] {
            return Err(format!("{merchant} has {has:?} in the end, and {unreconciled:?} waits of {pending:?}"));
        }
    }
    Ok(run)
}

proptest! {
    #![proptest_config(share_of_cases(1_500, 10))]

    #[test]
    fn c2_unreconciled_is_what_unconfirmed_lots_have_paid(
        history in history(asks::ask(), chores::reconciling(), 40, 90),
        stops in prop::collection::vec(0..6_usize, 0..4),
        batch in 1..9_usize,
    ) {
        to_the_end(&history, &stops, Way::Right, batch).map_err(TestCaseError::fail)?;
    }

    /// Three wallets that send pieces of few lots around.
    #[test]
    fn c2_pieces_that_go_their_own_ways_are_released_whole(
        history in in_pieces(chores::reconciling()),
        stops in prop::collection::vec(0..6_usize, 0..4),
        batch in 1..9_usize,
    ) {
        to_the_end(&history, &stops, Way::Right, batch).map_err(TestCaseError::fail)?;
    }

    /// Differences, splits, settlements and payouts in between: what waits for statements is not theirs.
    #[test]
    fn c2_no_other_command_moves_what_waits_for_a_statement(
        history in history(asks::ask(), chores::any_chore(), 40, 90),
    ) {
        Run::of(&history, Way::Right, 3).map_err(TestCaseError::fail)?;
    }
}

/// How many of so many random histories a way of doing it fails in.
fn failures(way: Way, histories: usize) -> usize {
    let mut runner = TestRunner::deterministic();
    let random = in_pieces(chores::reconciling());
    let all = (0..histories).map(|_| random.new_tree(&mut runner).unwrap().current());
    // A second look is what a crash makes necessary.
    all.filter(|history| to_the_end(history, &[usize::MAX], way, 4).is_err()).count()
}

#[test]
fn planted_a_release_that_ignores_refunds_is_seen() {
    assert_eq!(failures(Way::Right, 60), 0);
    assert!(failures(Way::WithoutRefunds, 60) > 10);
}

#[test]
fn planted_a_piece_that_is_released_twice_is_seen() {
    assert!(failures(Way::Twice, 60) > 10);
}
