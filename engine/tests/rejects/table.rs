//! Each reject with its operands, from each decision that gives it.

use crate::world::*;
use fentan_engine::accounts::{AccountKind, Limits, OfferUses, Room, Slice, SliceKind, Status, Subs, Wallet};
use fentan_engine::allocation::RefundToExpired;
use fentan_engine::ledger::decide::account::Found;
use fentan_engine::ledger::decide::{
    Context, account as accounts, hold, refund as refunds, spend, top_up as top_ups, transfer as transfers,
};
use fentan_engine::ledger::{
    Command, Event, LimitsAsk, OpenAccount, Record, Reject, Spend, TopUp, TopUpState, Transfer, Velocity, effect,
    postings,
};
use fentan_engine::money::{Currency, MAX_BALANCE, Money};

pub(crate) type Row<T> = (&'static str, T, Reject);

/// Each row's decision is refused as the row says, and a remembered refusal changes nothing.
pub(crate) fn check<T>(rows: Vec<Row<T>>, decide: impl Fn(&T) -> Result<Event, Reject>) {
    for (name, ask, expected) in rows {
        let reject = decide(&ask).err();
        assert_eq!(reject.as_ref(), Some(&expected), "{name}");
        assert!(!expected.to_string().is_empty(), "{name}: a reject says something");
        changes_nothing(expected);
    }
}

/// A refusal in the journal: read back the same, no posting, no effect.
fn changes_nothing(reject: Reject) {
    let record = Record {
        id: id("s-1"),
        at: NOW,
        currency: Currency::CNY,
        slice: 0,
        command: Command::Spend(pay("1.00")),
        event: Event::Rejected(Box::new(reject)),
    };
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    let record = Record::decode(&bytes).expect("it can be read back");
    let mut wallet = holding(5_000);
    effect(&record, &mut wallet);
    assert_eq!(wallet, holding(5_000));
    postings(&record, |posting| panic!("a refusal posts {posting:?}"));
}

pub(crate) fn bad(field: &str, reason: &str) -> Reject {
    Reject::bad_request(field, reason)
}

fn unknown(name: &str) -> Reject {
    Reject::UnknownAccount { account: account(name) }
}

pub(crate) fn frozen(name: &str) -> Reject {
    Reject::AccountFrozen { account: account(name) }
}

pub(crate) fn closed(name: &str) -> Reject {
    Reject::AccountClosed { account: account(name) }
}

pub(crate) fn short(payer: &str, available: i64, requested: i64) -> Reject {
    Reject::InsufficientFunds { payer: payer.into(), available: fen(available), requested: fen(requested) }
}

pub(crate) fn done(what: &str, state: &str) -> Reject {
    Reject::AlreadyDone { what: what.into(), state: state.into() }
}

fn mismatch(name: &str, is: &str, needed: &str) -> Reject {
    Reject::CurrencyMismatch { account: account(name), is: is.into(), needed: needed.into() }
}

#[test]
fn spends_and_holds() {
    type Ask = (Option<Wallet>, Option<Slice>, Spend);
    let zero = "the amount must be more than zero";
    let decimals = "the amount has 3 decimals, the currency has 2";
    let open = || Some(merchant(Status::Open, Currency::CNY));
    let yes = || Some(rich());
    let rows: Vec<Row<Ask>> = vec![
        ("zero", (yes(), open(), pay("0.00")), bad("amount", zero)),
        ("decimals", (yes(), open(), pay("1.234")), bad("amount", decimals)),
        ("no wallet", (None, open(), pay("1.00")), unknown("w-1")),
        ("frozen", (Some(with_status(rich(), Status::Frozen)), open(), pay("1.00")), frozen("w-1")),
        ("closed", (Some(with_status(rich(), Status::Closed)), open(), pay("1.00")), closed("w-1")),
        (
            "to the ledger's own",
            (yes(), Some(system()), pay("1.00")),
            Reject::WrongKind { account: account("m-1"), is: "system".into(), needed: "merchant".into() },
        ),
        ("merchant frozen", (yes(), Some(merchant(Status::Frozen, Currency::CNY)), pay("1.00")), frozen("m-1")),
        ("merchant closed", (yes(), Some(merchant(Status::Closed, Currency::CNY)), pay("1.00")), closed("m-1")),
        ("currency", (yes(), Some(merchant(Status::Open, points())), pay("1.00")), mismatch("m-1", "PTS", "CNY")),
        ("no rule", (yes(), open(), pay_by("1.00", "nope")), Reject::UnknownRule { rule: label("nope") }),
        (
            "rule not permitted",
            (Some(empty("w-1", "shop")), open(), pay_by("1.00", "bonus_first")),
            Reject::RuleNotPermitted { rule: label("bonus_first"), product: label("shop") },
        ),
        ("too little", (yes(), None, pay("280.01")), short("the wallet", 28_000, 28_001)),
        ("nothing", (Some(empty("w-1", "default")), None, pay("0.01")), short("the wallet", 0, 1)),
        (
            "too little for the rule",
            (Some(wallet(5_000, 15_000)), None, pay_by("100.00", "bonus_30_percent")),
            short("what the rule bonus_30_percent can take from the wallet", 8_000, 10_000),
        ),
    ];
    check(rows.clone(), |(wallet, merchant, ask)| spend::spend(ctx(), wallet.as_ref(), merchant.as_ref(), ask));
    check(rows.clone(), |(wallet, merchant, ask)| spend::hold(ctx(), wallet.as_ref(), merchant.as_ref(), ask, NOW + 1));
    check(rows, |(wallet, merchant, ask)| {
        spend::quote(ctx(), wallet.as_ref(), merchant.as_ref(), ask)
            .and_then(|quoted| quoted.plan)
            .map(|_| Event::Clearing(Box::default()))
    });
    check(vec![("a hold that has ended", pay("1.00"), bad("expires_at", "is in the past"))], |ask| {
        spend::hold(ctx(), Some(&rich()), None, ask, NOW)
    });
}

#[test]
fn top_ups() {
    let zero = "the top-up brings nothing, or more than the ledger can count";
    let decimals = "the amount has 3 decimals, the currency has 2";
    let both = "a top-up names a bonus or an offer, not both";
    let most = "23058430092136939.51";
    let over = |requested| Reject::OverLimit {
        limit: "maximum_balance".into(),
        allowed: fen(MAX_BALANCE),
        requested: fen(requested),
    };
    let rows: Vec<Row<(Option<Wallet>, TopUp)>> = vec![
        ("decimals", (None, top_up("1.234")), bad("principal", decimals)),
        ("decimals of the bonus", (None, TopUp { bonus: Some(major("1.234")), ..top_up("1") }), bad("bonus", decimals)),
        (
            "bonus and offer",
            (None, TopUp { bonus: Some(major("1")), offer: Some(label("spring")), ..top_up("1") }),
            bad("bonus", both),
        ),
        ("ended", (None, TopUp { expires_at: Some(NOW), ..top_up("1") }), bad("expires_at", "is in the past")),
        (
            "gift ended",
            (None, TopUp { bonus_expires_at: Some(NOW), ..top_up("1") }),
            bad("bonus_expires_at", "is in the past"),
        ),
        ("nothing", (None, top_up("0.00")), bad("principal", zero)),
        (
            "overflow",
            (None, TopUp { bonus: Some(major("92233720368547758.07")), ..top_up("0.01") }),
            bad("principal", zero),
        ),
        ("closed", (Some(with_status(rich(), Status::Closed)), top_up("1")), closed("w-1")),
        (
            "no offer",
            (None, TopUp { offer: Some(label("nope")), ..top_up("1") }),
            Reject::UnknownOffer { offer: label("nope") },
        ),
        (
            "an offer in another currency",
            (Some(empty("w-1", "points")), TopUp { offer: Some(label("spring")), ..top_up("100") }),
            Reject::NotPermitted {
                product: label("points"),
                operation: "the offer spring: its amounts are not in PTS".into(),
            },
        ),
        ("too much", (None, top_up("23058430092136939.52")), over(MAX_BALANCE + 1)),
        ("too much with what is there", (Some(rich()), top_up(most)), over(MAX_BALANCE + 28_000)),
        (
            "too much with what is held",
            (Some(holding(5_000)), top_up(most)),
            over(MAX_BALANCE + 28_000 - 1_400 + 280 + 1_120),
        ),
        ("too much with what is on its way", (Some(waiting()), top_up(most)), over(MAX_BALANCE + 28_000 + 3_500)),
    ];
    check(rows, |(wallet, ask)| top_ups::top_up(ctx(), wallet.as_ref(), ask).map(|(event, _)| event));
    top_ups::top_up(ctx(), None, &top_up(most)).expect("exactly the most is accepted");
}

#[test]
fn a_channel_s_word() {
    let differs = |expected, given| Reject::AmountMismatch { expected: fen(expected), given: fen(given) };
    let rows = vec![
        (
            "decimals",
            (waiting(), confirm("t-9", Some("1.234"))),
            bad("amount", "the amount has 3 decimals, the currency has 2"),
        ),
        ("closed", (with_status(waiting(), Status::Closed), confirm("t-9", None)), closed("w-1")),
        ("failed before", (rich(), confirm("t-9", Some("30.00"))), done("the top-up t-9", "failed")),
        ("another amount", (waiting(), confirm("t-9", Some("35.00"))), differs(3_000, 3_500)),
        ("another amount, again", (rich(), confirm("t-1", Some("280.00"))), differs(10_000, 28_000)),
    ];
    check(rows, |(wallet, ask)| top_ups::confirm(ctx(), wallet, ask));
    check(vec![("fails after all", "t-1", done("the top-up t-1", "confirmed"))], |top_up| {
        top_ups::fail(&rich(), &id(top_up))
    });
    for (wallet, ask) in [(rich(), confirm("t-1", Some("100.0"))), (rich(), confirm("t-1", None))] {
        assert!(matches!(top_ups::confirm(ctx(), &wallet, &ask), Ok(Event::TopUpUnchanged { .. })), "said twice");
    }
    assert!(matches!(top_ups::fail(&rich(), &id("t-9")), Ok(Event::TopUpUnchanged { .. })), "failed twice");
}

/// W1: a channel repeats itself, also when the wallet was closed meanwhile. That is no reason against what
/// changes nothing.
#[test]
fn a_channel_s_word_said_again_to_a_closed_wallet() {
    let gone = with_status(rich(), Status::Closed);
    assert!(matches!(
        top_ups::confirm(ctx(), &gone, &confirm("t-1", Some("100.00"))),
        Ok(Event::TopUpUnchanged { .. })
    ));
    assert!(matches!(top_ups::fail(&gone, &id("t-9")), Ok(Event::TopUpUnchanged { .. })));
    let code = |amount| top_ups::confirm(ctx(), &gone, &confirm("t-1", Some(amount))).err().map(|reject| reject.code());
    assert_eq!(code("280.00"), Some("amount_mismatch"), "kept for an operator");
}

#[test]
fn the_end_of_holds() {
    let exceeds = |requested| Reject::CaptureExceedsHold { held: fen(1_120), requested: fen(requested) };
    let zero = "the amount must be more than zero";
    let ended = done("the hold h-1", "ended");
    let expired = Reject::HoldExpired { hold: id("h-1") };
    let rows: Vec<Row<(Wallet, Option<&str>)>> = vec![
        ("zero", (holding(5_000), Some("0.00")), bad("amount", zero)),
        ("ended", (rich(), None), ended),
        ("expired", (holding(NOW), None), expired),
        ("too much", (holding(5_000), Some("11.21")), exceeds(1_121)),
    ];
    check(rows.clone(), |(wallet, amount)| hold::capture(ctx(), wallet, None, None, &capture(*amount)));
    check(rows, |(wallet, amount)| hold::release(ctx(), wallet, &release(*amount)));
    let gone = merchant(Status::Closed, Currency::CNY);
    check(vec![("closed", rich(), closed("w-1"))], |wallet| {
        hold::release(ctx(), &with_status(wallet.clone(), Status::Closed), &release(None))
    });
    check(vec![("merchant closed", holding(5_000), closed("m-1"))], |wallet| {
        hold::capture(ctx(), wallet, Some(&gone), None, &capture(None))
    });
    for status in [Status::Open, Status::Frozen] {
        let wallet = with_status(holding(5_000), status);
        hold::capture(ctx(), &wallet, Some(&merchant(Status::Frozen, Currency::CNY)), None, &capture(Some("11.20")))
            .expect("a promise");
        hold::release(ctx(), &wallet, &release(None)).expect("money comes in");
    }
}

#[test]
fn refunds_of_spends() {
    let name = account("m-1");
    let lines = fourteen();
    let decide = |wallet: &Wallet, refunded, amount: Option<&str>| {
        let spent = refunds::Spent {
            merchant: &name,
            taken: &lines,
            refunded,
            to_expired: RefundToExpired::Forfeit,
            table: None,
            rows: &[],
        };
        refunds::refund(ctx(), wallet, &spent, &refund(amount))
    };
    let over =
        |refundable, requested| Reject::RefundExceedsSpend { refundable: fen(refundable), requested: fen(requested) };
    let rows = vec![
        ("zero", (rich(), 0, Some("0.00")), bad("amount", "the amount must be more than zero")),
        ("closed", (with_status(rich(), Status::Closed), 0, None), closed("w-1")),
        ("refunded before", (rich(), 1_400, None), done("the spend s-1", "refunded")),
        ("refunded before, an amount", (rich(), 1_400, Some("0.01")), over(0, 1)),
        ("too much", (rich(), 1_000, Some("4.01")), over(400, 401)),
    ];
    check(rows, |(wallet, refunded, amount)| decide(wallet, *refunded, *amount));
    decide(&with_status(rich(), Status::Frozen), 0, None).expect("money comes in");
}

#[test]
fn transfers_between_wallets() {
    type Ask = (Option<Wallet>, Option<Wallet>, Transfer);
    let yes = || Some(rich());
    let ruled = |rule: &str| Transfer { rule: Some(label(rule)), ..transfer("w-2", "1.00") };
    let most = wallet(MAX_BALANCE - 10_000, 10_000);
    let rows: Vec<Row<Ask>> = vec![
        ("zero", (yes(), None, transfer("w-2", "0")), bad("amount", "the amount must be more than zero")),
        ("to itself", (yes(), yes(), transfer("w-1", "1.00")), bad("to", "is the paying wallet itself")),
        ("no wallet", (None, yes(), transfer("w-2", "1.00")), unknown("w-1")),
        ("frozen", (Some(with_status(rich(), Status::Frozen)), None, transfer("w-2", "1.00")), frozen("w-1")),
        ("closed", (Some(with_status(rich(), Status::Closed)), None, transfer("w-2", "1.00")), closed("w-1")),
        ("receiver closed", (yes(), Some(with_status(rich(), Status::Closed)), transfer("w-2", "1.00")), closed("w-2")),
        ("currency", (yes(), Some(empty("w-2", "points")), transfer("w-2", "1.00")), mismatch("w-2", "PTS", "CNY")),
        (
            "not permitted",
            (Some(empty("w-1", "points")), None, transfer("w-2", "1")),
            Reject::NotPermitted { product: label("points"), operation: "transfers".into() },
        ),
        ("no rule", (yes(), None, ruled("nope")), Reject::UnknownRule { rule: label("nope") }),
        (
            "rule not permitted",
            (Some(empty("w-1", "shop")), None, ruled("bonus_first")),
            Reject::RuleNotPermitted { rule: label("bonus_first"), product: label("shop") },
        ),
        ("too little", (yes(), None, transfer("w-2", "280.01")), short("the wallet", 28_000, 28_001)),
        (
            "too much for the receiver",
            (yes(), Some(most), transfer("w-2", "0.01")),
            Reject::OverLimit {
                limit: "maximum_balance".into(),
                allowed: fen(MAX_BALANCE),
                requested: fen(MAX_BALANCE + 1),
            },
        ),
    ];
    check(rows, |(from, to, ask)| transfers::transfer(ctx(), from.as_ref(), to.as_ref(), ask));
    let frozen = with_status(rich(), Status::Frozen);
    transfers::transfer(ctx(), Some(&rich()), Some(&frozen), &transfer("w-2", "1.00")).expect("money comes in");
}

#[test]
fn opening_accounts() {
    let ask =
        |name: &str, kind| OpenAccount { account: account(name), kind, currency: None, product: None, limits: None };
    let here = rich();
    let exists = |name: &str| Reject::AccountExists { account: account(name) };
    let own = "system accounts are the ledger's own";
    let pts = OpenAccount { currency: Some(label("PTS")), ..ask("w-1", AccountKind::Wallet) };
    let xyz = OpenAccount { currency: Some(label("XYZ")), ..ask("m-1", AccountKind::Merchant) };
    let nope = OpenAccount { product: Some(label("nope")), ..ask("w-1", AccountKind::Wallet) };
    let rows = vec![
        ("system", (Found::Nothing, ask("x", AccountKind::System)), bad("kind", own)),
        ("a reserved name", (Found::Nothing, ask("channel:wechat", AccountKind::Merchant)), bad("kind", own)),
        ("breakage", (Found::Nothing, ask("breakage", AccountKind::Wallet)), bad("kind", own)),
        ("there", (Found::Wallet(&here), ask("w-1", AccountKind::Wallet)), exists("w-1")),
        ("there as a wallet", (Found::Wallet(&here), ask("w-1", AccountKind::Merchant)), exists("w-1")),
        ("no product", (Found::Nothing, nope), Reject::UnknownProduct { product: label("nope") }),
        ("currency", (Found::Nothing, pts.clone()), mismatch("w-1", "CNY", "PTS")),
        ("no such currency", (Found::Nothing, xyz), bad("currency", "no product has the currency XYZ")),
    ];
    check(rows, |(found, ask)| accounts::open(ctx(), *found, ask).map(|(event, _)| event));
    let bounded = |kind, per_day: &str, spends, seconds| OpenAccount {
        limits: Some(Box::new(LimitsAsk {
            maximum_balance: None,
            per_day: Some(major(per_day)),
            velocity: Some(Velocity { spends, seconds }),
        })),
        ..ask("w-1", kind)
    };
    let decimals = "the amount has 3 decimals, the currency has 2";
    let rows = vec![
        ("limits of a merchant", bounded(AccountKind::Merchant, "1", 1, 1), bad("limits", "only wallets have limits")),
        ("decimals", bounded(AccountKind::Wallet, "1.234", 1, 1), bad("limits.per_day", decimals)),
        ("never", bounded(AccountKind::Wallet, "1", 0, 1), bad("limits.velocity.spends", "is from 1 to 1000, not 0")),
        (
            "too often",
            bounded(AccountKind::Wallet, "1", 1_001, 1),
            bad("limits.velocity.spends", "is from 1 to 1000, not 1001"),
        ),
        (
            "no window",
            bounded(AccountKind::Wallet, "1", 1, 0),
            bad("limits.velocity.seconds", "is from 1 to 31622400, a year, not 0"),
        ),
    ];
    check(rows, |ask| accounts::open(ctx(), Found::Wallet(&here), ask).map(|(event, _)| event));
    let merchant = OpenAccount { kind: AccountKind::Merchant, ..pts };
    let (_, currency) =
        accounts::open(ctx(), Found::Nothing, &merchant).expect("a merchant takes any currency that wallets can have");
    assert_eq!(currency, points());
}

fn over(limit: &str, allowed: i64, requested: i64) -> Reject {
    Reject::OverLimit { limit: limit.into(), allowed: fen(allowed), requested: fen(requested) }
}

/// W5: a wallet's limits, in whatever takes money out of it or puts money in.
#[test]
fn limits_of_wallets() {
    let often = |retry_after_ms| Reject::TooManySpends { spends: 3, seconds: 36_000, retry_after_ms };
    let asked = |amount: &str| (limited(), pay(amount));
    let rows = vec![
        ("more than the day has left", asked("50.01"), over("per_day", 15_000, 15_001)),
        // The first of the three leaves the window ten hours after it came.
        ("the fourth", asked("50.00"), often(36_000_000)),
    ];
    check(rows.clone(), |(wallet, ask)| spend::spend(ctx(), Some(wallet), None, ask));
    check(rows.clone(), |(wallet, ask)| spend::hold(ctx(), Some(wallet), None, ask, NOW + 1));
    check(rows.clone(), |(wallet, ask)| {
        spend::quote(ctx(), Some(wallet), None, ask)
            .and_then(|quoted| quoted.plan)
            .map(|_| Event::Clearing(Box::default()))
    });
    check(rows, |(wallet, ask)| {
        transfers::transfer(ctx(), Some(wallet), None, &Transfer { amount: ask.amount, ..transfer("w-2", "1") })
    });
    check(vec![("a transfer in", limited(), over("maximum_balance", 40_000, 40_001))], |to| {
        transfers::transfer(ctx(), Some(&rich()), Some(to), &transfer("w-2", "120.01"))
    });
    let pending = TopUp { state: TopUpState::Pending, ..top_up("120.01") };
    let rows = vec![
        ("a top-up", top_up("120.01"), over("maximum_balance", 40_000, 40_001)),
        ("one that waits", pending, over("maximum_balance", 40_000, 40_001)),
    ];
    check(rows, |ask| top_ups::top_up(ctx(), Some(&limited()), ask).map(|(event, _)| event));

    // Up to the limits, and a moment after the window.
    top_ups::top_up(ctx(), Some(&limited()), &top_up("120.00")).expect("exactly the most");
    let later = Context { now: NOW - 900 + 36_000_000_000, ..ctx() };
    spend::spend(later, Some(&limited()), None, &pay("50.00")).expect("two in the window, and 150.00 on the day");
    let earlier = Context { now: NOW - 901 + 36_000_000_000, ..ctx() };
    assert_eq!(spend::spend(earlier, Some(&limited()), None, &pay("1.00")).err(), Some(often(1)));
    // The day ends at midnight in Beijing: sixteen hours after 1970 began.
    let next_day = Context { now: 16 * 3_600_000_000, ..ctx() };
    spend::spend(next_day, Some(&limited()), None, &pay("150.00")).expect("another day");
    let same_day = Context { now: next_day.now - 1, ..ctx() };
    let late = spend::spend(same_day, Some(&limited()), None, &pay("150.00")).err();
    assert_eq!(late, Some(over("per_day", 15_000, 25_000)));
}

/// W5: the wallet's own limits stand in for its product's, key by key.
#[test]
fn a_wallet_s_own_limits_stand_before_its_product_s() {
    let mut wallet = limited();
    let own = Limits { per_day: Some(50_000), ..Limits::default() };
    wallet.rare_mut().limits = Some(Box::new(own));
    let refused = |amount: &str| spend::spend(ctx(), Some(&wallet), None, &pay(amount)).err().map(|r| r.code());
    assert_eq!(refused("50.01"), Some("too_many_spends"), "the day is its own, the velocity its product's");
    let refused = top_ups::top_up(ctx(), Some(&wallet), &top_up("120.01")).err();
    assert_eq!(refused, Some(over("maximum_balance", 40_000, 40_001)));
}

/// W5: money that comes back, and money that was paid, is never stopped by a limit.
#[test]
fn limits_stop_no_refund_no_release_and_no_confirmation() {
    let full = |mut wallet: Wallet| {
        wallet.product = label("limited").into();
        wallet.rare_mut().limits = Some(Box::new(Limits { maximum_balance: Some(1), ..Limits::default() }));
        wallet
    };
    let (name, lines) = (account("m-1"), fourteen());
    let spent = refunds::Spent {
        merchant: &name,
        taken: &lines,
        refunded: 0,
        to_expired: RefundToExpired::Forfeit,
        table: None,
        rows: &[],
    };
    let decided = refunds::refund(ctx(), &full(rich()), &spent, &refund(None));
    assert!(decided.is_ok(), "{:?}", decided.err());
    hold::release(ctx(), &full(holding(5_000)), &release(None)).expect("it was the wallet's");
    hold::capture(ctx(), &full(holding(5_000)), None, None, &capture(None)).expect("it was counted when it was placed");
    top_ups::confirm(ctx(), &full(waiting()), &confirm("t-9", None)).expect("its place was kept");
}

/// W1: periods and counts of offers, and who may have them.
#[test]
fn offers_that_are_bounded() {
    let offered = |offer: &str, principal: &str| TopUp { offer: Some(label(offer)), ..top_up(principal) };
    let mut twice = rich();
    twice.rare_mut().offers.push(OfferUses { offer: label("twice"), uses: 2 });
    let rows: Vec<Row<(Option<Wallet>, TopUp)>> = vec![
        (
            "not yet",
            (None, offered("january", "1.00")),
            Reject::OfferNotRunning {
                offer: label("january"),
                from: Some((3 * 24 - 8) * 3_600_000_000),
                until: Some((31 * 24 - 8) * 3_600_000_000),
            },
        ),
        (
            "no more: the end is not in it",
            (None, offered("over", "1.00")),
            Reject::OfferNotRunning { offer: label("over"), from: Some(-31 * 24 * 3_600_000_000), until: Some(1_000) },
        ),
        (
            "the third time",
            (Some(twice.clone()), offered("twice", "1.00")),
            Reject::OfferUsedUp { offer: label("twice"), per_wallet: 2 },
        ),
        (
            "another product",
            (Some(empty("w-1", "shop")), offered("little", "1.00")),
            Reject::NotPermitted { product: label("shop"), operation: "the offer little".into() },
        ),
    ];
    check(rows, |(wallet, ask)| top_ups::top_up(ctx(), wallet.as_ref(), ask).map(|(event, _)| event));
    // Without a gift it is no use of the offer.
    top_ups::top_up(ctx(), Some(&twice), &offered("twice", "0.09")).expect("no gift, and no use");
    let just = Context { now: NOW - 1, ..ctx() };
    top_ups::top_up(just, None, &offered("over", "1.00")).expect("the last moment");
}

/// W1: a budget is the last thing that is asked.
#[test]
fn budgets_of_offers() {
    let ask = TopUp { offer: Some(label("little")), ..top_up("10.00") };
    let (event, currency) = top_ups::top_up(ctx(), None, &ask).expect("all but the budget is well");
    let drawn = top_ups::drawn(ctx(), &event).expect("it has a budget");
    assert_eq!((drawn.budget, drawn.gift), (6_000, 300));
    let exhausted = Reject::BudgetExhausted { offer: label("little"), left: fen(299), requested: fen(300) };
    assert_eq!(drawn.is_there(Room::InAll(299), currency), Err(exhausted.clone()));
    assert_eq!(drawn.is_there(Room::InAll(300), currency), Ok(true));
    assert_eq!(drawn.is_there(Room::Here(300), currency), Ok(true));
    assert_eq!(drawn.is_there(Room::Here(299), currency), Ok(false), "other shards may have it");
    changes_nothing(exhausted);
    let (event, _) =
        top_ups::top_up(ctx(), None, &TopUp { offer: Some(label("third")), ..top_up("10.00") }).expect("an offer");
    assert!(top_ups::drawn(ctx(), &event).is_none(), "an offer without a budget");
}

#[test]
fn the_life_of_accounts() {
    let (open, frozen, gone) = (rich(), with_status(rich(), Status::Frozen), with_status(rich(), Status::Closed));
    let (own, shop, shut) = (system(), merchant(Status::Open, Currency::CNY), merchant(Status::Closed, Currency::CNY));
    let paid = Slice { kind: SliceKind::Merchant(proceeds(1, 0)), ..shop.clone() };
    let (held, expects, refunds) = (holding(5_000), waiting(), refunding());
    let owes = Wallet { arrears: 1, ..empty("w-1", "default") };
    let mut only_held = holding(5_000);
    only_held.lots[0].parts.iter_mut().for_each(|part| part.left = 0);
    only_held.available = Subs::default();
    let not_empty = |name: &str| Reject::AccountNotEmpty { account: account(name) };
    let rows = vec![
        ("unknown", (Found::Nothing, "w-1", Status::Frozen), unknown("w-1")),
        (
            "the ledger's own",
            (Found::Sliced(&own), "fee", Status::Frozen),
            Reject::WrongKind { account: account("fee"), is: "system".into(), needed: "wallet or merchant".into() },
        ),
        ("closed", (Found::Wallet(&gone), "w-1", Status::Open), closed("w-1")),
        ("closed twice", (Found::Wallet(&gone), "w-1", Status::Closed), closed("w-1")),
        ("merchant closed", (Found::Sliced(&shut), "m-1", Status::Frozen), closed("m-1")),
        ("frozen twice", (Found::Wallet(&frozen), "w-1", Status::Frozen), done("the account w-1", "frozen")),
        ("unfrozen twice", (Found::Wallet(&open), "w-1", Status::Open), done("the account w-1", "open")),
        ("not empty", (Found::Wallet(&open), "w-1", Status::Closed), not_empty("w-1")),
        ("holds", (Found::Wallet(&held), "w-1", Status::Closed), not_empty("w-1")),
        ("only holds", (Found::Wallet(&only_held), "w-1", Status::Closed), not_empty("w-1")),
        ("expects", (Found::Wallet(&expects), "w-1", Status::Closed), not_empty("w-1")),
        ("a refund waits", (Found::Wallet(&refunds), "w-1", Status::Closed), not_empty("w-1")),
        ("owes", (Found::Wallet(&owes), "w-1", Status::Closed), not_empty("w-1")),
        ("merchant not empty", (Found::Sliced(&paid), "m-1", Status::Closed), not_empty("m-1")),
    ];
    check(rows, |(found, name, status)| accounts::set_status(*found, &account(name), *status).map(|(event, _)| event));
    accounts::set_status(Found::Wallet(&empty("w-1", "default")), &account("w-1"), Status::Closed)
        .expect("it is empty");
    accounts::set_status(Found::Sliced(&shop), &account("m-1"), Status::Closed).expect("it is empty");
}

/// The codes are stable, and which are remembered is W6's table.
#[test]
fn codes_and_what_is_remembered() {
    let money = Money { minor: 1, currency: Currency::CNY };
    let text = String::from("x");
    let (a, c, l) = (account("a"), id("c"), label("l"));
    let order_line = Reject::UnknownOrderLine { spend: c.clone(), line: l.clone() };
    let forbidden = Reject::Forbidden { token: l.clone(), scope: None, account: None, reason: text.clone() };
    let table = vec![
        (bad("f", "r"), "bad_request", false),
        (Reject::LineTooLong { limit: 1 }, "line_too_long", false),
        (Reject::Overloaded { retry_after_ms: 1 }, "overloaded", false),
        (Reject::ShuttingDown, "shutting_down", false),
        (Reject::IdConflict { field: text.clone() }, "id_conflict", false),
        (unknown("a"), "unknown_account", true),
        (Reject::WrongKind { account: a.clone(), is: text.clone(), needed: text.clone() }, "wrong_kind", true),
        (Reject::AccountExists { account: a }, "account_exists", true),
        (frozen("a"), "account_frozen", true),
        (closed("a"), "account_closed", true),
        (mismatch("a", "b", "c"), "currency_mismatch", true),
        (Reject::UnknownProduct { product: l.clone() }, "unknown_product", true),
        (Reject::UnknownRule { rule: l.clone() }, "unknown_rule", true),
        (Reject::RuleNotPermitted { rule: l.clone(), product: l.clone() }, "rule_not_permitted", true),
        (Reject::NotPermitted { product: l.clone(), operation: text.clone() }, "not_permitted", true),
        (Reject::UnknownOffer { offer: l }, "unknown_offer", true),
        (Reject::UnknownSpend { spend: c.clone() }, "unknown_spend", true),
        (Reject::UnknownTopUp { top_up: c.clone() }, "unknown_top_up", true),
        (Reject::UnknownHold { hold: c.clone() }, "unknown_hold", true),
        (Reject::TopUpNotConfirmed { top_up: c.clone() }, "top_up_not_confirmed", true),
        (Reject::HoldExpired { hold: c }, "hold_expired", true),
        (done("a", "b"), "already_done", true),
        (Reject::AmountMismatch { expected: money, given: money }, "amount_mismatch", true),
        (short("a", 1, 2), "insufficient_funds", true),
        (Reject::CaptureExceedsHold { held: money, requested: money }, "capture_exceeds_hold", true),
        (Reject::RefundExceedsSpend { refundable: money, requested: money }, "refund_exceeds_spend", true),
        (Reject::OverLimit { limit: text, allowed: money, requested: money }, "over_limit", true),
        (Reject::AccountNotEmpty { account: account("a") }, "account_not_empty", true),
        (Reject::TooManyLots { account: account("a"), limit: 1 }, "too_many_lots", true),
        (Reject::HistoryBehind { indexed_to: 1, durable: 2, retry_after_ms: 3 }, "history_behind", false),
        (Reject::HistoryOff { reason: "off".into() }, "history_off", false),
        (Reject::PositionTrimmed { first: 7 }, "position_trimmed", false),
        (Reject::PositionAhead { durable: 7 }, "position_ahead", false),
        (Reject::UnknownWebhook { webhook: label("erp") }, "unknown_webhook", false),
        (Reject::BelowMinimumOrder { rule: label("a"), minimum: money, requested: money }, "below_minimum_order", true),
        (Reject::UnknownTopUpRefund { top_up: id("c") }, "unknown_top_up_refund", true),
        (Reject::PolicyMismatch { policy: "a".into(), named: "b".into() }, "policy_mismatch", true),
        (Reject::RefundExceedsTopUp { refundable: money, requested: money }, "refund_exceeds_top_up", true),
        (Reject::InArrears { account: account("a"), arrears: money }, "in_arrears", true),
        (Reject::OfferNotRunning { offer: label("a"), from: None, until: Some(1) }, "offer_not_running", true),
        (Reject::OfferUsedUp { offer: label("a"), per_wallet: 1 }, "offer_used_up", true),
        (Reject::BudgetExhausted { offer: label("a"), left: money, requested: money }, "budget_exhausted", true),
        (Reject::TooManySpends { spends: 1, seconds: 1, retry_after_ms: 1 }, "too_many_spends", true),
        (order_line, "unknown_order_line", true),
        (Reject::Unauthorized { reason: "r".into() }, "unauthorized", false),
        (forbidden, "forbidden", false),
        (Reject::AnotherSite { header: "Host".into(), named: "x".into() }, "forbidden", false),
    ];
    for (reject, code, remembered) in table {
        assert_eq!((reject.code(), reject.is_remembered()), (code, remembered));
    }
}
