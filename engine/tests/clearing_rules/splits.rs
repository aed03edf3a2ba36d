//! C6: splits by ratio and by amount, their limits, returns, and every reject.

use crate::{account, fen, percent};
use fentan_engine::clearing::{
    Portion, RECEIVERS_MAX, Receiver, Shares, SplitAsk, SplitLimits, SplitReject, SplitState, give_back, share,
};
use fentan_engine::money::{Currency, Money};
use fentan_engine::names::AccountId;

pub(crate) fn ratio(name: &str, rate: &str) -> Receiver {
    Receiver { account: account(name), portion: Portion::Ratio(percent(rate)) }
}

fn amount(name: &str, amount: &str) -> Receiver {
    Receiver { account: account(name), portion: Portion::Amount(fen(amount)) }
}

pub(crate) fn money(minor: i64) -> Money {
    Money { minor, currency: Currency::CNY }
}

/// Of an order of shop `m-1` with all of the basis still in `pending`.
pub(crate) fn split(basis: i64, receivers: &[Receiver], state: &SplitState) -> Result<Shares, SplitReject> {
    let available = basis - state.held();
    let merchant = account("m-1");
    let ask = SplitAsk { merchant: &merchant, currency: Currency::CNY, basis, available, receivers };
    share(&ask, &SplitLimits::default(), state)
}

fn lines(shares: &Shares) -> Vec<(&str, i64)> {
    shares.lines.iter().map(|(account, minor)| (account.as_str(), *minor)).collect()
}

/// An order whose receivers have so much.
fn order(basis: &str, given: &[(&str, &str)]) -> SplitState {
    let mut state = SplitState::default();
    let lines: Vec<(AccountId, i64)> = given.iter().map(|(name, minor)| (account(name), fen(minor))).collect();
    let total = lines.iter().map(|(_, minor)| minor).sum();
    state.book(fen(basis), &Shares { lines, total });
    state
}

#[test]
fn c6_ratios_are_rounded_down_and_the_rest_stays_with_the_merchant() {
    let mut state = SplitState::default();
    let shares = split(fen("100.01"), &[ratio("r-1", "10"), ratio("r-2", "20")], &state).unwrap();
    assert_eq!(lines(&shares), [("r-1", fen("10.00")), ("r-2", fen("20.00"))]);
    assert_eq!(shares.total, fen("30.00"));
    state.book(fen("100.01"), &shares);
    assert_eq!(state.rest(), fen("70.01"));
}

#[test]
fn c6_a_receiver_above_the_maximum_is_refused() {
    let reject = split(fen("100.00"), &[ratio("r-1", "31")], &SplitState::default());
    let (asked, allowed) = (percent("31").decimal(), percent("30").decimal());
    assert_eq!(reject, Err(SplitReject::RatioTooLarge { asked, allowed }));
    assert!(split(fen("100.00"), &[ratio("r-1", "30")], &SplitState::default()).is_ok());
}

#[test]
fn c6_a_split_after_each_piece_ends_where_one_split_would() {
    // Ten pieces of 0.09: 10% and 20% of each alone would be 0.00 and 0.01.
    let receivers = [ratio("r-1", "10"), ratio("r-2", "20")];
    let mut state = SplitState::default();
    for piece in 1..=10 {
        let shares = split(piece * 9, &receivers, &state).unwrap();
        state.book(piece * 9, &shares);
    }
    assert_eq!(state.held_by(&account("r-1")), fen("0.09"));
    assert_eq!(state.held_by(&account("r-2")), fen("0.18"));
}

#[test]
fn c6_a_ratio_tops_up_what_a_receiver_has_and_an_amount_adds_to_it() {
    let state = order("100.00", &[("r-1", "4.00"), ("r-2", "12.00")]);
    let shares =
        split(fen("100.00"), &[ratio("r-1", "10"), ratio("r-2", "10"), amount("r-3", "8.00")], &state).unwrap();
    assert_eq!(lines(&shares), [("r-1", fen("6.00")), ("r-3", fen("8.00"))], "r-2 has more and keeps it");
    let shares = split(fen("100.00"), &[amount("r-1", "6.00")], &state).unwrap();
    assert_eq!(lines(&shares), [("r-1", fen("6.00"))]);
    let again = order("100.00", &[("r-1", "10.00")]);
    assert_eq!(split(fen("100.00"), &[ratio("r-1", "10")], &again), Ok(Shares::default()), "sent twice");
}

#[test]
fn c6_rejects_stand_in_their_order() {
    use SplitReject as R;
    let basis = fen("100.00");
    let plain = SplitState::default();
    let mut finished = SplitState::default();
    finished.finish();
    let many: Vec<Receiver> = (0..=RECEIVERS_MAX).map(|n| ratio(&format!("r-{n}"), "0.1")).collect();
    let receiver = account("r-1");
    let self_twice = [ratio("r-1", "10"), ratio("r-1", "10"), ratio("m-1", "10")];
    let above = R::AboveMaximum { asked: money(fen("30.01")), had: money(0), allowed: money(fen("30.00")) };
    // Each row would be refused for the reasons of the rows below it as well, where they can be told.
    let table: [(&str, &[Receiver], &SplitState, SplitReject); 8] = [
        ("nobody", &[], &finished, R::NoReceiver),
        ("too many", &many, &finished, R::TooManyReceivers { given: 51, allowed: 50 }),
        ("itself", &self_twice, &finished, R::MerchantItself { receiver: account("m-1") }),
        ("twice", &[ratio("r-1", "0"), ratio("r-1", "31")], &finished, R::ReceiverTwice { receiver: receiver.clone() }),
        ("ratio 0", &[ratio("r-1", "0"), ratio("r-2", "31")], &finished, R::NotPositive { receiver: receiver.clone() }),
        ("amount 0", &[amount("r-1", "0.00")], &finished, R::NotPositive { receiver }),
        ("finished", &[ratio("r-1", "31")], &finished, R::Finished),
        ("money", &[amount("r-1", "30.01")], &plain, above),
    ];
    for (name, receivers, state, expected) in table {
        let reject = split(basis, receivers, state);
        assert!(!expected.to_string().is_empty());
        assert_eq!(reject, Err(expected), "{name}");
    }
    assert!(split(basis, &many[..RECEIVERS_MAX], &plain).is_ok());
}

#[test]
fn c6_receivers_together_never_have_more_than_the_maximum() {
    let state = order("100.00", &[("r-1", "20.00")]);
    let reject = split(fen("100.00"), &[ratio("r-2", "10.01")], &state);
    let (asked, had, allowed) = (money(fen("10.01")), money(fen("20.00")), money(fen("30.00")));
    assert_eq!(reject, Err(SplitReject::AboveMaximum { asked, had, allowed }));
    assert_eq!(
        SplitReject::AboveMaximum { asked, had, allowed }.to_string(),
        "receivers have 20.00, and with 10.01 more they would have more than 30.00"
    );
    assert!(split(fen("100.00"), &[ratio("r-2", "10")], &state).is_ok());
    let huge = [amount("r-1", "92233720368547758.07"), amount("r-2", "92233720368547758.07")];
    assert!(matches!(split(fen("100.00"), &huge, &state), Err(SplitReject::AboveMaximum { .. })));
    // The basis shrank by refunds: what receivers have stays, and nothing is added.
    assert_eq!(split(fen("50.00"), &[ratio("r-1", "30")], &state), Ok(Shares::default()));
    assert!(matches!(split(-1, &[amount("r-2", "0.01")], &state), Err(SplitReject::AboveMaximum { .. })));
}

#[test]
fn c6_a_split_takes_no_more_than_is_in_pending() {
    let (merchant, receivers) = (account("m-1"), [ratio("r-1", "30")]);
    let (basis, currency) = (fen("100.00"), Currency::CNY);
    let ask = |available| SplitAsk { merchant: &merchant, currency, basis, available, receivers: &receivers };
    let try_share = |available| share(&ask(available), &SplitLimits::default(), &SplitState::default());
    for available in [fen("29.99"), 0, -1] {
        let expected = SplitReject::NotEnoughPending { asked: money(fen("30.00")), available: money(available) };
        assert_eq!(try_share(available), Err(expected));
    }
    assert!(try_share(fen("30.00")).is_ok());
}

#[test]
fn c6_a_return_takes_a_share_back_and_no_more_than_it() {
    let receiver = account("r-1");
    let mut state = order("100.00", &[("r-1", "10.00")]);
    state.finish();
    let back = |state: &SplitState, name: &str, minor: &str| give_back(state, &account(name), money(fen(minor)));
    let returned = back(&state, "r-1", "4.00").unwrap();
    assert_eq!(returned, fen("4.00"));
    state.take_back(&receiver, returned);
    assert_eq!((state.held_by(&receiver), state.rest()), (fen("6.00"), fen("94.00")));
    let (asked, left) = (money(fen("6.01")), money(fen("6.00")));
    assert_eq!(
        back(&state, "r-1", "6.01"),
        Err(SplitReject::ReturnTooLarge { receiver: receiver.clone(), asked, left })
    );
    assert_eq!(back(&state, "r-2", "0.01"), Err(SplitReject::NotAReceiver { receiver: account("r-2") }));
    for nothing in ["0.00", "-1.00"] {
        assert_eq!(back(&state, "r-2", nothing), Err(SplitReject::ReturnNotPositive));
    }
    assert_eq!(back(&state, "r-1", "6.00"), Ok(fen("10.00")));
}

#[test]
fn c6_what_came_back_may_be_shared_again() {
    let mut state = order("100.00", &[("wrong", "30.00")]);
    assert!(split(fen("100.00"), &[ratio("right", "30")], &state).is_err());
    let returned = give_back(&state, &account("wrong"), money(fen("30.00"))).unwrap();
    state.take_back(&account("wrong"), returned);
    let shares = split(fen("100.00"), &[ratio("right", "30")], &state).unwrap();
    assert_eq!(lines(&shares), [("right", fen("30.00"))]);
}

#[test]
fn c6_what_nobody_splits_is_released_after_its_days() {
    let limits = SplitLimits { release_after_days: 30, ..SplitLimits::default() };
    assert_eq!(limits.released_at(1_000_000), 1_000_000 + 30 * 86_400_000_000);
}

#[test]
fn c6_a_state_that_is_written_down_is_the_same_when_read_again() {
    let mut state = order("100.00", &[("r-2", "10.00"), ("r-1", "5.00")]);
    state.take_back(&account("r-1"), 7);
    let bytes = postcard::to_allocvec(&state).unwrap();
    assert_eq!(postcard::from_bytes::<SplitState>(&bytes), Ok(state));
}
