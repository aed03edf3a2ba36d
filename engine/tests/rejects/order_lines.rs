//! Order lines that are refused, in spends, holds and quotes, and in refunds (A5, W6).

use crate::model::engine::{CATALOG, catalog};
use crate::world::*;
use fentan_engine::accounts::{Status, Wallet};
use fentan_engine::allocation::RefundToExpired;
use fentan_engine::ledger::decide::{Context, hold, refund as refunds, spend};
use fentan_engine::ledger::{Command, Event, ORDER_LINES_MAX, OrderLine, OrderTable, Refund, Reject, Spend};

fn bad(field: &str, reason: &str) -> Reject {
    Reject::bad_request(field, reason)
}

/// A spend, a hold and a quote refuse it for this.
#[track_caller]
fn refused(ask: &Spend, expected: &Reject) {
    let wallet = rich();
    for reject in [
        spend::spend(ctx(), Some(&wallet), None, ask).err(),
        spend::hold(ctx(), Some(&wallet), None, ask, NOW + 1).err(),
        spend::quote(ctx(), Some(&wallet), None, ask).and_then(|quoted| quoted.plan).err(),
    ] {
        assert_eq!(reject.as_ref(), Some(expected));
    }
}

#[test]
fn a5_order_lines_that_are_no_order_s() {
    let sum = |lines, amount| bad("lines", &format!("the order lines sum to {lines}, the amount is {amount}"));
    refused(&pay_for("14.00", &[("l-1", "10.00"), ("l-2", "4.01")]), &sum("14.01", "14.00"));
    refused(&pay_for("14.00", &[("l-1", "10.00")]), &sum("10.00", "14.00"));
    let most = "92233720368547758.07";
    refused(&pay_for("14.00", &[("l-1", most), ("l-2", most)]), &sum("184467440737095516.14", "14.00"));
    let zero = "the amount must be more than zero";
    refused(&pay_for("10.00", &[("l-1", "10.00"), ("l-2", "0.00")]), &bad("lines[1].amount", zero));
    let decimals = "the amount has 3 decimals, the currency has 2";
    refused(&pay_for("10.00", &[("l-1", "9.995"), ("l-2", "0.005")]), &bad("lines[0].amount", decimals));
    let twice = &[("l-1", "5.00"), ("l-2", "4.00"), ("l-1", "1.00")];
    refused(&pay_for("10.00", twice), &bad("lines[2].id", "is the id of lines[0] too"));
}

#[test]
fn a5_as_many_order_lines_as_there_may_be() {
    let line = |at: usize| OrderLine { id: label(&format!("l-{at}")), amount: major("0.01"), category: None };
    let most = Spend { lines: (0..ORDER_LINES_MAX).map(line).collect(), ..pay("5.00") };
    spend::spend(ctx(), Some(&rich()), None, &most).expect("500 order lines");
    let more = Spend { lines: (0..=ORDER_LINES_MAX).map(line).collect(), ..pay("5.01") };
    refused(&more, &bad("lines", "has 501 order lines, the limit is 500"));
}

/// What the order lines are is a matter of form, and comes before the wallet; the amount comes before them.
#[test]
fn order_lines_come_before_the_wallet_and_after_the_amount() {
    let wrong = pay_for("14.00", &[("l-1", "10.00")]);
    let field = |wallet: Option<&Wallet>, ask: &Spend| match spend::spend(ctx(), wallet, None, ask) {
        Err(Reject::BadRequest { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(None, &wrong), "lines");
    assert_eq!(field(Some(&with_status(rich(), Status::Frozen)), &wrong), "lines");
    assert_eq!(field(None, &pay_for("0", &[("l-1", "10.00")])), "amount");
}

/// Refunds of the spend `s-1` of 14.00 with the order lines 10.00 and 4.00, of which so much was given back.
fn decide(wallet: &Wallet, rows: &[i64], ask: &Refund) -> Result<Event, Reject> {
    let (name, lines, table) = (account("m-1"), fourteen(), two_order_lines());
    let refunded = rows.iter().sum();
    let spent = refunds::Spent {
        merchant: &name,
        taken: &lines,
        refunded,
        to_expired: RefundToExpired::Forfeit,
        table: Some(&table),
        rows,
    };
    refunds::refund(ctx(), wallet, &spent, ask)
}

#[test]
fn a5_refunds_of_order_lines_that_are_refused() {
    let unknown = |line: &str| Reject::UnknownOrderLine { spend: id("s-1"), line: label(line) };
    let over =
        |refundable, requested| Reject::RefundExceedsSpend { refundable: fen(refundable), requested: fen(requested) };
    let done = |what: &str| Reject::AlreadyDone { what: what.into(), state: "refunded".into() };
    let closed = || with_status(rich(), Status::Closed);
    let rows: Vec<(&str, Wallet, &[i64], Refund, Reject)> = vec![
        ("unknown", rich(), &[], refund_line("l-3", None), unknown("l-3")),
        ("unknown, all refunded", rich(), &[1_000, 400], refund_line("l-3", None), unknown("l-3")),
        ("unknown, too much", rich(), &[], refund_line("l-3", Some("99.00")), unknown("l-3")),
        ("zero", rich(), &[], refund_line("l-3", Some("0")), bad("amount", "the amount must be more than zero")),
        ("closed", closed(), &[], refund_line("l-3", None), Reject::AccountClosed { account: account("w-1") }),
        ("too much of it", rich(), &[], refund_line("l-2", Some("4.01")), over(400, 401)),
        ("too much of what is left", rich(), &[0, 399], refund_line("l-2", Some("0.02")), over(1, 2)),
        ("refunded", rich(), &[0, 400], refund_line("l-2", None), done("the order line l-2 of the spend s-1")),
        ("refunded, an amount", rich(), &[0, 400], refund_line("l-2", Some("0.01")), over(0, 1)),
        ("too much of all", rich(), &[0, 400], refund(Some("10.01")), over(1_000, 1_001)),
        ("all refunded", rich(), &[1_000, 400], refund(None), done("the spend s-1")),
    ];
    for (name, wallet, given, ask, expected) in rows {
        assert_eq!(decide(&wallet, given, &ask).err(), Some(expected), "{name}");
    }
    match decide(&rich(), &[0, 399], &refund_line("l-2", None)) {
        Ok(Event::Refunded { rows, refunded, taken, .. }) => {
            assert_eq!((rows.as_slice(), refunded, taken.sum()), ([0, 400].as_slice(), 400, 1));
        }
        other => panic!("{other:?}"),
    }
}

/// A spend without order lines has none of any name.
#[test]
fn a5_an_order_line_of_a_spend_without_order_lines() {
    let (name, lines) = (account("m-1"), fourteen());
    let spent = refunds::Spent {
        merchant: &name,
        taken: &lines,
        refunded: 0,
        to_expired: RefundToExpired::Forfeit,
        table: None,
        rows: &[],
    };
    let reject = refunds::refund(ctx(), &rich(), &spent, &refund_line("l-1", None)).err();
    let expected = Reject::UnknownOrderLine { spend: id("s-1"), line: label("l-1") };
    assert_eq!(expected.to_string(), "the spend s-1 has no order line l-1");
    assert_eq!(
        (reject, expected.code(), expected.is_remembered()),
        (Some(expected.clone()), "unknown_order_line", true)
    );
}

/// All of a hold keeps its table, a part of it has one of its own, after releases too.
#[test]
fn a5_a_capture_s_table() {
    let table = two_order_lines();
    let mut wallet = holding(5_000);
    let captured = |wallet: &Wallet, amount: Option<&str>| match hold::capture(
        ctx(),
        wallet,
        None,
        Some(&table),
        &capture(amount),
    ) {
        Ok(Event::Captured { table: Some(table), taken, .. }) => {
            assert!(table.adds_up(&taken));
            (table.rows.iter().map(fentan_engine::ledger::OrderRow::amount).collect::<Vec<_>>(), *table)
        }
        other => panic!("{other:?}"),
    };
    // 2.80 of the 14.00 was released before.
    assert_eq!(captured(&wallet, None).0, [800, 320]);
    assert_eq!(captured(&wallet, Some("0.01")).0, [1, 0]);
    let rare = wallet.rare_mut();
    rare.holds[0].released = 0;
    wallet.held = 1_400;
    assert_eq!(captured(&wallet, None).1, table);
    assert_eq!(captured(&wallet, Some("7.00")).0, [500, 200]);
}

/// W6: what differs in an order line is `lines`; amounts are compared as money.
#[test]
fn w6_order_lines_that_differ() {
    let one = || pay_for("3.00", &[("l-1", "1.00"), ("l-2", "2.00")]);
    let same = pay_for("3.0", &[("l-1", "1"), ("l-2", "2.0")]);
    assert_eq!(Command::Spend(one()).difference(&Command::Spend(same)), None);
    let mut kind = one();
    kind.lines[1].category = Some(label("books"));
    for other in [
        pay("3.00"),
        kind,
        pay_for("3.00", &[("l-1", "3.00")]),
        pay_for("3.00", &[("l-1", "2.00"), ("l-2", "1.00")]),
        pay_for("3.00", &[("l-2", "2.00"), ("l-1", "1.00")]),
        pay_for("3.00", &[("l-1", "1.00"), ("l-3", "2.00")]),
    ] {
        assert_eq!(Command::Spend(one()).difference(&Command::Spend(other.clone())), Some("lines"));
        assert_eq!(Command::Hold(one(), 5).difference(&Command::Hold(other, 5)), Some("lines"));
    }
}

/// A2: an order line is paid by what may pay for its category; a captured part is so too.
#[test]
fn a2_a5_a_sub_balance_pays_for_the_order_lines_it_may_pay_for() {
    let rule = "[[rule]]\nname = \"books\"\nversion = 1\nmethod = \"ordered\"\norder = [\"bonus\", \"principal\"]\n\
                [[rule.eligible]]\nsub_balance = \"bonus\"\ncategories = [\"book\"]\n";
    let catalog = catalog(&format!("{CATALOG}\n{rule}"));
    let ctx = Context { catalog: &catalog, now: NOW };
    let mut ask = pay_for("100.00", &[("l-1", "60.00"), ("l-2", "40.00")]);
    ask.rule = Some(label("books"));
    ask.lines[0].category = Some(label("book"));
    ask.lines[1].category = Some(label("wine"));
    let Ok(Event::Held { table: Some(table), taken, .. }) = spend::hold(ctx, Some(&rich()), None, &ask, NOW + 1) else {
        panic!("there is enough");
    };
    let cells = |table: &OrderTable| table.rows.iter().map(|row| row.cells.to_vec()).collect::<Vec<_>>();
    // Principal first, as its number is the lower one.
    assert_eq!(cells(&table), [[0, 6_000], [4_000, 0]]);
    assert_eq!(cells(&table.captured(&taken.piece(0, 3_333))), [[0, 2_000], [1_333, 0]]);
    // Bonus may not pay for the wine.
    let reject = spend::spend(ctx, Some(&wallet(1_000, 20_000)), None, &ask).err();
    assert_eq!(reject.map(|reject| reject.code()), Some("insufficient_funds"));
}
