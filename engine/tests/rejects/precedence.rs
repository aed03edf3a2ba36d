//! Two reasons at once: the one that stands first in [`Reject`] is answered.

use crate::world::*;
use fentan_engine::accounts::{AccountKind, Status, Wallet};
use fentan_engine::allocation::RefundToExpired;
use fentan_engine::ledger::decide::account::Found;
use fentan_engine::ledger::decide::{
    account as accounts, hold, refund as refunds, spend, top_up as top_ups, top_up_refund, transfer as transfers,
};
use fentan_engine::ledger::{Event, OpenAccount, RefundPolicy, Reject, TopUp, TopUpRefundState, Transfer};
use fentan_engine::money::{Currency, MAX_BALANCE};

#[track_caller]
fn first<T>(decided: Result<T, Reject>, code: &str) {
    assert_eq!(decided.err().map(|reject| reject.code()), Some(code));
}

fn frozen() -> Wallet {
    with_status(rich(), Status::Frozen)
}

fn closed() -> Wallet {
    with_status(rich(), Status::Closed)
}

#[test]
fn a_spend_s_amount_then_its_accounts_then_its_rule_then_the_money() {
    let shut = merchant(Status::Frozen, points());
    first(spend::spend(ctx(), None, None, &pay("0")), "bad_request");
    first(spend::spend(ctx(), None, Some(&system()), &pay("1.00")), "unknown_account");
    first(spend::spend(ctx(), Some(&frozen()), None, &pay_by("1.00", "nope")), "account_frozen");
    first(spend::spend(ctx(), Some(&rich()), Some(&shut), &pay("1.00")), "account_frozen");
    let other = merchant(Status::Open, points());
    first(spend::spend(ctx(), Some(&rich()), Some(&other), &pay_by("1.00", "nope")), "currency_mismatch");
    first(spend::spend(ctx(), Some(&empty("w-1", "shop")), None, &pay_by("1.00", "bonus_first")), "rule_not_permitted");
    first(spend::hold(ctx(), None, None, &pay("1.00"), NOW), "bad_request");
}

/// `wrong_kind` stands before `account_frozen`.
#[test]
fn a_wrong_kind_of_merchant_comes_before_a_frozen_wallet() {
    first(spend::spend(ctx(), Some(&frozen()), Some(&system()), &pay("1.00")), "wrong_kind");
}

/// `account_frozen` stands before `account_closed`, whichever account it is.
#[test]
fn a_frozen_merchant_comes_before_a_closed_wallet() {
    let shut = merchant(Status::Frozen, Currency::CNY);
    first(spend::spend(ctx(), Some(&closed()), Some(&shut), &pay("1.00")), "account_frozen");
}

#[test]
fn a_top_up_s_form_then_its_wallet_then_its_offer_then_the_limit() {
    let offer = |name: &str, principal: &str| TopUp { offer: Some(label(name)), ..top_up(principal) };
    let past = TopUp { expires_at: Some(NOW), ..offer("nope", "1.00") };
    first(top_ups::top_up(ctx(), Some(&closed()), &past), "bad_request");
    let both = TopUp { bonus: Some(major("1")), ..offer("nope", "1.00") };
    first(top_ups::top_up(ctx(), Some(&closed()), &both), "bad_request");
    first(top_ups::top_up(ctx(), Some(&closed()), &offer("nope", "1.00")), "account_closed");
    let most = wallet(MAX_BALANCE, 0);
    first(top_ups::top_up(ctx(), Some(&most), &offer("nope", "1.00")), "unknown_offer");
}

/// `bad_request` stands first: a top-up of nothing is malformed wherever it goes.
#[test]
fn a_top_up_of_nothing_comes_before_a_closed_wallet() {
    first(top_ups::top_up(ctx(), Some(&closed()), &top_up("0.00")), "bad_request");
}

#[test]
fn a_channel_s_word_form_then_wallet_then_state_then_amount() {
    let shut = with_status(waiting(), Status::Closed);
    first(top_ups::confirm(ctx(), &shut, &confirm("t-9", Some("1.234"))), "bad_request");
    first(top_ups::confirm(ctx(), &shut, &confirm("t-9", Some("1.00"))), "account_closed");
    first(top_ups::confirm(ctx(), &rich(), &confirm("t-9", Some("1.00"))), "already_done");
}

#[test]
fn the_end_of_a_hold_form_then_account_then_state_then_amount() {
    let shut = merchant(Status::Closed, Currency::CNY);
    first(hold::capture(ctx(), &rich(), None, None, &capture(Some("0"))), "bad_request");
    first(hold::capture(ctx(), &holding(NOW), Some(&shut), None, &capture(None)), "account_closed");
    first(hold::capture(ctx(), &holding(NOW), None, None, &capture(Some("99.00"))), "hold_expired");
    first(hold::release(ctx(), &holding(NOW), &release(Some("99.00"))), "hold_expired");
    first(hold::release(ctx(), &closed(), &release(Some("0"))), "bad_request");
    first(hold::release(ctx(), &closed(), &release(None)), "account_closed");
}

/// A closed wallet has no holds; that it is closed comes first, for the capture as for the release.
#[test]
fn a_closed_wallet_comes_before_a_hold_that_has_ended() {
    first(hold::capture(ctx(), &closed(), None, None, &capture(None)), "account_closed");
    first(hold::release(ctx(), &closed(), &release(None)), "account_closed");
}

#[test]
fn a_rule_that_is_not_permitted_comes_before_transfers_that_are_not() {
    let ask = Transfer { rule: Some(label("bonus_first")), ..transfer("w-2", "1") };
    first(transfers::transfer(ctx(), Some(&empty("w-1", "points")), None, &ask), "rule_not_permitted");
}

#[test]
fn a_capture_of_nothing_comes_before_a_closed_merchant() {
    let shut = merchant(Status::Closed, Currency::CNY);
    first(hold::capture(ctx(), &holding(5_000), Some(&shut), None, &capture(Some("0"))), "bad_request");
}

#[test]
fn a_refund_s_form_then_its_wallet_then_its_state() {
    let name = account("m-1");
    let lines = fourteen();
    let spent = |refunded| refunds::Spent {
        merchant: &name,
        taken: &lines,
        refunded,
        to_expired: RefundToExpired::Forfeit,
        table: None,
        rows: &[],
    };
    let refuse = |wallet: Wallet, refunded, amount| {
        refunds::refund(ctx(), &wallet, &spent(refunded), &refund(amount)).map(|_| ())
    };
    first(refuse(closed(), 1_400, Some("0")), "bad_request");
    first(refuse(closed(), 1_400, None), "account_closed");
    first(refuse(closed(), 0, Some("99.00")), "account_closed");
    first(refuse(rich(), 1_400, None), "already_done");
}

#[test]
fn a_transfer_s_form_then_its_wallets_then_its_rule_then_the_money_then_the_limit() {
    let ruled = |rule: &str| Transfer { rule: Some(label(rule)), ..transfer("w-2", "1.00") };
    first(transfers::transfer(ctx(), None, None, &transfer("w-1", "1.00")), "bad_request");
    first(transfers::transfer(ctx(), None, Some(&closed()), &transfer("w-2", "1.00")), "unknown_account");
    first(transfers::transfer(ctx(), Some(&frozen()), Some(&closed()), &transfer("w-2", "1.00")), "account_frozen");
    let gone = with_status(empty("w-2", "points"), Status::Closed);
    first(transfers::transfer(ctx(), Some(&rich()), Some(&gone), &transfer("w-2", "1.00")), "account_closed");
    first(
        transfers::transfer(ctx(), Some(&rich()), Some(&empty("w-2", "points")), &ruled("nope")),
        "currency_mismatch",
    );
    first(transfers::transfer(ctx(), Some(&empty("w-1", "shop")), None, &ruled("bonus_first")), "rule_not_permitted");
    let most = wallet(MAX_BALANCE, 0);
    first(transfers::transfer(ctx(), Some(&rich()), Some(&most), &transfer("w-2", "999.00")), "insufficient_funds");
}

/// `unknown_rule` stands before `not_permitted`.
#[test]
fn an_unknown_rule_comes_before_a_product_that_permits_no_transfers() {
    let ask = Transfer { rule: Some(label("nope")), ..transfer("w-2", "1") };
    first(transfers::transfer(ctx(), Some(&empty("w-1", "points")), None, &ask), "unknown_rule");
}

#[test]
fn an_account_s_form_then_whether_it_is_there_then_its_product() {
    let here = rich();
    let ask = OpenAccount {
        account: account("w-1"),
        kind: AccountKind::Wallet,
        currency: None,
        product: Some(label("nope")),
        limits: None,
    };
    let own = OpenAccount { kind: AccountKind::System, ..ask.clone() };
    let open = |found, ask| accounts::open(ctx(), found, ask).map(|(event, _): (Event, _)| event);
    first(open(Found::Wallet(&here), &own), "bad_request");
    first(open(Found::Wallet(&here), &ask), "account_exists");
    let nowhere = OpenAccount { kind: AccountKind::Merchant, currency: Some(label("XYZ")), ..ask.clone() };
    first(open(Found::Wallet(&here), &nowhere), "bad_request");
    let gone = closed();
    first(accounts::set_status(Found::Wallet(&gone), &account("w-1"), Status::Closed), "account_closed");
}

#[test]
fn the_refund_of_a_top_up_form_then_wallet_then_product_then_state_then_amount_then_policy() {
    let back = |wallet: &Wallet, ask: &_| top_up_refund::refund_top_up(ctx(), wallet, &granted(), ask);
    let of_shop = |wallet: Wallet| Wallet { product: label("shop").into(), ..wallet };
    first(back(&of_shop(frozen()), &take_back(Some("0"), None)), "bad_request");
    first(back(&of_shop(frozen()), &take_back(Some("100.01"), None)), "account_frozen");
    first(back(&of_shop(refunding()), &take_back(None, None)), "not_permitted");
    first(back(&refunding(), &take_back(Some("100.01"), None)), "already_done");
    let said = |state| take_back_by(RefundPolicy::Unspent, Some("50.01"), Some(state));
    first(back(&refunding(), &said(TopUpRefundState::Confirmed)), "amount_mismatch");
    first(back(&refunded(true), &said(TopUpRefundState::Failed)), "already_done");
    first(back(&rich(), &said(TopUpRefundState::Failed)), "unknown_top_up_refund");
}
