//! Random histories through decide, record, effect and postings, compared after every command with a
//! naive ledger that shares no code with the engine.
//!
//! | file | holds |
//! |---|---|
//! | `asks.rs` | random commands, and how they name what earlier ones made |
//! | `order.rs` | a command in plain values, and as the engine's |
//! | `naive/` | the naive ledger |
//! | `books.rs` | the engine's pure part with wallets, slices, totals and a journal in memory |
//! | `compare.rs` | that both say the same |
//!
//! `FENTAN_CASES=100000` tries 100,000 divided by ten histories.

#[path = "../model/mod.rs"]
mod model;

mod asks;
mod books;
mod compare;
mod naive;
mod order;

use crate::model::cases::share_of_cases;
use crate::model::engine::{CATALOG, catalog};
use asks::Ask;
use books::{Books, Said};
use fentan_engine::catalog::Catalog;
use naive::Ledger;
use order::{Gift, Policy, Stage};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static RULES: LazyLock<Catalog> = LazyLock::new(|| catalog(CATALOG));

/// Runs the asks through both ledgers; says at which command they part. `seen` hears each operation and its
/// outcome.
fn run(asks: &[(Ask, i64)], mut seen: impl FnMut(&'static str, &Said)) -> Result<(), String> {
    let mut naive = Ledger::new();
    let mut books = Books::new(&RULES);
    let mut now = 0;
    for (number, (ask, later)) in asks.iter().enumerate() {
        now += later * asks::HOUR;
        let Some(order) = ask.order(&naive, now) else { continue };
        let id = format!("c-{number}");
        let at = |wrong: String| format!("command {number}, {order:?} at {now}: {wrong}");
        let said = books.execute(&id, now, &order).map_err(at)?;
        seen(order.op(), &said);
        let expected = naive.execute(&id, now, &order);
        compare::answers(&said, &expected).map_err(at)?;
        naive.learn(&id, books.cells(&id).as_ref()).map_err(at)?;
        compare::ledgers(&books, &naive).map_err(at)?;
    }
    books.replay_gives_the_same()
}

proptest! {
    #![proptest_config(share_of_cases(2_000, 10))]

    #[test]
    fn a_random_history_is_the_naive_ledger_s(asks in prop::collection::vec((asks::ask(), 0..40_i64), 1..80)) {
        run(&asks, |_, _| {}).map_err(TestCaseError::fail)?;
    }

    /// Two wallets that send the same lots to and fro, spend and refund: what pieces remember.
    #[test]
    fn a_random_history_of_transfers_is_the_naive_ledger_s(asks in prop::collection::vec((asks::to_and_fro(), 0..3_i64), 1..60)) {
        run(&asks, |_, _| {}).map_err(TestCaseError::fail)?;
    }

    /// Two wallets with limits, offers that are bounded, lots that end and are restored (W1, W5, A9).
    #[test]
    fn a_random_history_within_bounds_is_the_naive_ledger_s(asks in prop::collection::vec((asks::bounded(), 0..14_i64), 1..70)) {
        run(&within_bounds(&asks), |_, _| {}).map_err(TestCaseError::fail)?;
    }
}

fn within_bounds(asks: &[(Ask, i64)]) -> Vec<(Ask, i64)> {
    asks::limited_wallets().into_iter().map(|ask| (ask, 0)).chain(asks.iter().cloned()).collect()
}

/// Its product lets it pay nothing until it has repaid; random histories get there too seldom.
fn a_wallet_of_points_that_owes() -> Vec<(Ask, i64)> {
    let top_up = |principal, gift| Ask::TopUp {
        wallet: 3,
        principal,
        gift: Gift::Amount(gift),
        channel: 0,
        pending: false,
        ends: None,
        gift_ends: None,
    };
    let spend = || Ask::Spend { wallet: 3, merchant: 2, amount: 10, rule: None, until: None, lines: None };
    let forced = Ask::TakeBack { nth: 0, policy: Some(Policy::Forced), part: None, stage: Stage::AtOnce, names: false };
    let asks = [Ask::Open(3, 2), top_up(10, 0), spend(), forced, top_up(0, 10), spend(), top_up(4, 0), spend()];
    let more = [top_up(7, 0), spend()];
    asks.into_iter().chain(more).map(|ask| (ask, 0)).collect()
}

/// The histories reach what they are for: every operation is accepted, and refused for every reason that
/// a history can give.
#[test]
fn random_histories_reach_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec((asks::ask(), 0..40_i64), 79);
    let bounded = prop::collection::vec((asks::bounded(), 0..14_i64), 69);
    let mut done = BTreeSet::new();
    let mut refused = BTreeSet::new();
    let mut random = |number: usize| {
        if number % 4 == 0 {
            within_bounds(&bounded.new_tree(&mut runner).expect("a history").current())
        } else {
            histories.new_tree(&mut runner).expect("a history").current()
        }
    };
    let all = (0..800).map(|number| random(number)).chain([a_wallet_of_points_that_owes()]).collect::<Vec<_>>();
    for asks in all {
        let hear = |op, said: &Said| {
            match said {
                Said::Done(_) => done.insert(op),
                Said::No(code) => refused.insert(*code),
            };
        };
        run(&asks, hear).expect("both ledgers agree");
    }
    let ops = [
        "capture",
        "close",
        "confirm",
        "expire",
        "fail",
        "freeze",
        "hold",
        "open",
        "refund",
        "release",
        "spend",
        "take_back",
        "top_up",
        "transfer",
        "unfreeze",
    ];
    assert_eq!(done.into_iter().collect::<Vec<_>>(), ops);
    let codes = [
        "account_closed",
        "account_exists",
        "account_frozen",
        "account_not_empty",
        "already_done",
        "amount_mismatch",
        "bad_request",
        "budget_exhausted",
        "capture_exceeds_hold",
        "currency_mismatch",
        "hold_expired",
        "in_arrears",
        "insufficient_funds",
        "not_permitted",
        "nothing_due",
        "offer_not_running",
        "offer_used_up",
        "over_limit",
        "policy_mismatch",
        "refund_exceeds_spend",
        "refund_exceeds_top_up",
        "rule_not_permitted",
        "too_many_spends",
        "top_up_not_confirmed",
        "unknown_account",
        "unknown_offer",
        "unknown_order_line",
        "unknown_product",
        "unknown_rule",
        "unknown_top_up_refund",
    ];
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), codes);
}

/// A piece of a lot that comes after an earlier piece was spent, and then a refund of that spend: what the
/// refund brings is more than was consumed of the later piece. Nothing consumed can be less than nothing,
/// and the wallet goes on paying by the lot's ratio without drift (A3).
#[test]
fn a_refund_into_a_lot_that_arrived_in_pieces_keeps_its_ratio() {
    let top_up = Ask::TopUp {
        wallet: 1,
        principal: 1_000,
        gift: Gift::Amount(1_800),
        channel: 0,
        pending: false,
        ends: None,
        gift_ends: None,
    };
    let transfer = Ask::Transfer { from: 1, to: 0, amount: 280, rule: None };
    let spend = |amount| Ask::Spend { wallet: 0, merchant: 0, amount, rule: None, until: None, lines: None };
    let mut asks = vec![top_up, transfer.clone(), spend(280), transfer, Ask::Refund(0, None, None)];
    asks.extend(std::iter::repeat_n(spend(1), 560));
    let asks: Vec<_> = asks.into_iter().map(|ask| (ask, 0)).collect();
    run(&asks, |_, _| {}).expect("both ledgers agree");
}
