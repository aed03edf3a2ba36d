//! Refunds of top-ups and wallets that owe (W3): each reject with its operands.

use crate::table::{Row, bad, check, closed, done, frozen, short};
use crate::world::*;
use fentan_engine::accounts::{Lot, Status, Wallet};
use fentan_engine::ledger::Lang;
use fentan_engine::ledger::decide::{spend, top_up_refund, transfer as transfers};
use fentan_engine::ledger::{Event, QuoteTopUpRefund, RefundPolicy, RefundTopUp, Reject, TopUpRefundState};
use fentan_engine::money::MAX_BALANCE;

#[test]
fn refunds_of_top_ups() {
    use TopUpRefundState::{Confirmed, Failed, Requested};
    let exceeds = |requested| Reject::RefundExceedsTopUp { refundable: fen(10_000), requested: fen(requested) };
    let waits = || done("the refund of the top-up t-1", "requested");
    let of_shop = || Wallet { product: label("shop").into(), ..rich() };
    let other = RefundTopUp { top_up: id("t-9"), ..take_back(None, None) };
    let at_once = "a forced refund is done at once: the channel has taken the money";
    let forced = |amount: Option<&str>| take_back_by(RefundPolicy::Forced, amount, None);
    let rows: Vec<Row<(Wallet, RefundTopUp)>> = vec![
        ("zero", (rich(), take_back(Some("0.00"), None)), bad("amount", "the amount must be more than zero")),
        (
            "decimals",
            (rich(), take_back(Some("1.234"), None)),
            bad("amount", "the amount has 3 decimals, the currency has 2"),
        ),
        (
            "forced and requested",
            (rich(), take_back_by(RefundPolicy::Forced, None, Some(Requested))),
            bad("state", at_once),
        ),
        ("frozen", (with_status(rich(), Status::Frozen), take_back(None, None)), frozen("w-1")),
        ("closed", (with_status(rich(), Status::Closed), take_back(None, Some(Requested))), closed("w-1")),
        (
            "not permitted",
            (of_shop(), take_back(None, None)),
            Reject::NotPermitted { product: label("shop"), operation: "refunds of top-ups".into() },
        ),
        ("pending", (waiting(), other.clone()), Reject::TopUpNotConfirmed { top_up: id("t-9") }),
        ("failed", (rich(), other), Reject::TopUpNotConfirmed { top_up: id("t-9") }),
        ("one waits", (refunding(), take_back(None, None)), waits()),
        ("one waits, part", (refunding(), take_back(Some("1.00"), Some(Requested))), waits()),
        ("refunded whole", (refunded(true), take_back(None, None)), done("the top-up t-1", "refunded")),
        ("too much", (rich(), take_back(Some("100.01"), None)), exceeds(10_001)),
        ("too much, requested", (rich(), take_back(Some("100.01"), Some(Requested))), exceeds(10_001)),
        ("too much, forced", (rich(), forced(Some("100.01"))), exceeds(10_001)),
        ("nobody asked", (rich(), take_back(None, Some(Confirmed))), Reject::UnknownTopUpRefund { top_up: id("t-1") }),
        (
            "nobody asked, failed",
            (rich(), take_back(None, Some(Failed))),
            Reject::UnknownTopUpRefund { top_up: id("t-1") },
        ),
        (
            "another amount",
            (refunding(), take_back(Some("50.01"), Some(Confirmed))),
            Reject::AmountMismatch { expected: fen(5_000), given: fen(5_001) },
        ),
        (
            "another policy",
            (refunding(), take_back_by(RefundPolicy::Unspent, None, Some(Failed))),
            Reject::PolicyMismatch { policy: "ratio".into(), named: "unspent".into() },
        ),
        (
            "another policy, later",
            (refunded(false), take_back_by(RefundPolicy::Unspent, None, Some(Failed))),
            Reject::PolicyMismatch { policy: "ratio".into(), named: "unspent".into() },
        ),
        (
            "failed before",
            (refunded(false), take_back(None, Some(Confirmed))),
            done("the refund of the top-up t-1", "failed"),
        ),
        (
            "confirmed before",
            (refunded(true), take_back(None, Some(Failed))),
            done("the refund of the top-up t-1", "confirmed"),
        ),
    ];
    check(rows.clone(), |(wallet, ask)| top_up_refund::refund_top_up(ctx(), wallet, &granted(), ask));
    let quoted = rows.into_iter().filter(|(name, (_, ask), _)| ask.state.is_none() && !name.contains("forced"));
    check(quoted.collect(), |(wallet, ask)| {
        let ask = QuoteTopUpRefund {
            top_up: ask.top_up.clone(),
            policy: ask.policy,
            amount: ask.amount,
            lang: Lang::default(),
        };
        top_up_refund::quote(ctx(), wallet, &granted(), &ask).map(|_| Event::Clearing(Box::default()))
    });
    let owes = Wallet { arrears: MAX_BALANCE, lots: rich().lots, ..empty("w-1", "default") };
    let owes = Wallet { lots: owes.lots.iter().cloned().map(used_up).collect(), ..owes };
    check(
        vec![(
            "more arrears than can be counted",
            forced(None),
            Reject::OverLimit {
                limit: "maximum arrears".into(),
                allowed: fen(MAX_BALANCE),
                requested: fen(MAX_BALANCE + 10_000),
            },
        )],
        |ask| top_up_refund::refund_top_up(ctx(), &owes, &granted(), ask),
    );
}

fn used_up(mut lot: Lot) -> Lot {
    lot.parts.iter_mut().for_each(|part| part.left = 0);
    lot
}

/// A wallet that owes pays nothing where its product says so; what else is wrong is said first.
#[test]
fn wallets_that_owe() {
    let owing = || Wallet { product: label("shop").into(), arrears: 5_000, ..rich() };
    let owes = || Reject::InArrears { account: account("w-1"), arrears: fen(5_000) };
    let rows = vec![
        ("owes", (owing(), pay("1.00")), owes()),
        ("owes, and too little", (owing(), pay("280.01")), short("the wallet", 28_000, 28_001)),
    ];
    check(rows.clone(), |(wallet, ask)| spend::spend(ctx(), Some(wallet), None, ask));
    check(rows.clone(), |(wallet, ask)| spend::hold(ctx(), Some(wallet), None, ask, NOW + 1));
    check(rows, |(wallet, ask)| {
        spend::quote(ctx(), Some(wallet), None, ask)
            .and_then(|quoted| quoted.plan)
            .map(|_| Event::Clearing(Box::default()))
    });
    check(vec![("owes", (owing(), transfer("w-2", "1.00")), owes())], |(wallet, ask)| {
        transfers::transfer(ctx(), Some(wallet), None, ask)
    });
    let other = Wallet { product: label("default").into(), ..owing() };
    spend::spend(ctx(), Some(&other), None, &pay("1.00")).expect("the default product lets it spend");
}
