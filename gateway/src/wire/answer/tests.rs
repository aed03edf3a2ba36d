//! Answers, byte for byte.

use super::Sheet;
use crate::config::load;
use fentan_engine::accounts::{Funding, NEVER, SubId};
use fentan_engine::ledger::{
    Balances, Command, Event, Grant, Granted, LotSet, Parties, Record, Refund, Reject, Spend, Taken, TopUp, TopUpState,
};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_engine::runtime::{Answer, Found, Outcome, Seq};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

const AT: i64 = 1_795_341_600_000_123;

fn id(text: &str) -> CommandId {
    CommandId::internal(text)
}

fn label(text: &str) -> Label {
    Label::internal(text)
}

fn account(text: &str) -> AccountId {
    AccountId::internal(text)
}

fn major(text: &str) -> Major {
    Major::parse(text.as_bytes()).expect("an amount")
}

fn record(of: &str, command: Command, event: Event) -> Record {
    Record { id: id(of), at: AT, currency: Currency::CNY, slice: 0, command, event }
}

fn balances(principal: i64, bonus: i64) -> Balances {
    let mut balances = Balances { held: 500, ..Balances::default() };
    balances.subs.add(SubId::PRINCIPAL, principal);
    balances.subs.add(SubId::BONUS, bonus);
    balances
}

fn taken(lots: &[&str]) -> Taken {
    let mut taken = Taken::default();
    for lot in lots {
        taken.push(&id(lot), SubId::PRINCIPAL, 357);
        taken.push(&id(lot), SubId::BONUS, 643);
    }
    taken
}

fn spent(of: &str, lots: &[&str]) -> Record {
    let ask = Spend {
        account: account("ann"),
        merchant: account("m-1"),
        amount: major("10.00"),
        rule: None,
        order: None,
        tags: SmallVec::new(),
        lines: SmallVec::new(),
    };
    let event = Event::Spent {
        rule: label("by_lot"),
        version: 12,
        taken: taken(lots),
        phase: None,
        table: None,
        usage: None,
        promoted: 2,
        reconciled: LotSet::default(),
        opens_merchant: false,
        after: balances(123_456_789, 0),
    };
    record(of, Command::Spend(ask), event)
}

/// What is written of these outcomes, when the step's records begin at 99 and end at 100.
fn written(outcomes: &[(Outcome<'_>, Seq)]) -> String {
    let catalog = Arc::new(load(&[]).expect("the built-in catalog").catalog);
    let mut sheet = Sheet::default();
    for (outcome, seq) in outcomes {
        sheet.write(Answer { outcome: *outcome, seq: *seq, catalog: &catalog });
        sheet.bytes.push(b'\n');
    }
    sheet.place(&mut [], 99, 100);
    String::from_utf8(sheet.bytes).expect("text")
}

#[test]
fn a_spend_s_answer_has_its_lines_and_the_balance() {
    let record = spent("s-1", &["t-1", "t-2"]);
    let fresh = Outcome::Recorded { record: &record, replayed: false };
    let replayed = Outcome::Recorded { record: &record, replayed: true };
    let body = "\"at\":\"2026-11-22T10:00:00.000123Z\",\"spend\":\"s-1\",\"rule\":\"by_lot@12\",\"lines\":[\
        {\"lot\":\"t-1\",\"sub\":\"principal\",\"amount\":\"3.57\"},{\"lot\":\"t-1\",\"sub\":\"bonus\",\"amount\":\"6.43\"},\
        {\"lot\":\"t-2\",\"sub\":\"principal\",\"amount\":\"3.57\"},{\"lot\":\"t-2\",\"sub\":\"bonus\",\"amount\":\"6.43\"}],\
        \"balance\":{\"available\":\"1234567.89\",\"held\":\"5.00\",\"arrears\":\"0.00\",\"principal\":\"1234567.89\",\
        \"bonus\":\"0.00\"}";
    let expected = format!(
        "{{\"id\":\"s-1\",\"ok\":true,\"seq\":99,{body}}}\n\
         {{\"id\":\"s-1\",\"ok\":true,\"seq\":7,{body},\"replayed\":true}}\n\
         {{\"id\":\"s-1\",\"ok\":true,\"seq\":100,{body}}}\n"
    );
    assert_eq!(written(&[(fresh, Seq::Fresh(0)), (replayed, Seq::Known(7)), (fresh, Seq::Fresh(1))]), expected);
}

#[test]
fn names_of_clients_are_escaped_wherever_they_stand() {
    let record = spent("s\"1", &["t\\1"]);
    let answer = written(&[(Outcome::Recorded { record: &record, replayed: false }, Seq::Fresh(0))]);
    let value: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(
        (value["id"].as_str(), value["spend"].as_str(), value["lines"][0]["lot"].as_str()),
        (Some("s\"1"), Some("s\"1"), Some("t\\1"))
    );
}

#[test]
fn top_ups_and_refunds_are_answered_with_their_lines() {
    let ask = TopUp {
        account: account("ann"),
        principal: major("100.00"),
        bonus: None,
        offer: None,
        channel: None,
        channel_order: None,
        funding: Funding::Unknown,
        expires_at: None,
        bonus_expires_at: None,
        state: TopUpState::Confirmed,
    };
    let grant = |sub, amount| Grant { sub, amount, expires_at: NEVER };
    let granted = Granted {
        grants: smallvec![grant(SubId::PRINCIPAL, 10_000), grant(SubId::BONUS, 18_000)],
        channel: label("channel"),
        promotion: label("promotion"),
        promoted: 2,
        funding: Funding::Unknown,
        uses: None,
    };
    let mut repaid = Taken::default();
    repaid.push(&id("t-1"), SubId::PRINCIPAL, 5);
    let event = Event::ToppedUp { opens: None, granted, repaid, after: balances(9_995, 18_000) };
    let top_up = record("t-1", Command::TopUp(ask), event);
    let ask = Refund { spend: id("s-1"), amount: None, line: Some(label("l-1")), reason: None };
    let event = Event::Refunded {
        parties: Parties { account: account("ann"), merchant: account("m-1") },
        taken: taken(&["t-1"]),
        refunded: 2_000,
        rows: SmallVec::new(),
        restore_until: None,
        repaid: Taken::default(),
        promoted: 2,
        reconciled: LotSet::default(),
        after: balances(0, 1),
    };
    let refund = record("r-1", Command::Refund(ask), event);
    let outcome = |record| Outcome::Recorded { record, replayed: false };
    let at = "\"at\":\"2026-11-22T10:00:00.000123Z\"";
    let expected = format!(
        "{{\"id\":\"t-1\",\"ok\":true,\"seq\":99,{at},\"top_up\":\"t-1\",\"state\":\"confirmed\",\"lines\":[\
         {{\"lot\":\"t-1\",\"sub\":\"principal\",\"amount\":\"100.00\"}},{{\"lot\":\"t-1\",\"sub\":\"bonus\",\"amount\":\"180.00\"}}],\
         \"repaid\":\"0.05\",\"balance\":{{\"available\":\"279.95\",\"held\":\"5.00\",\"arrears\":\"0.00\",\"principal\":\"99.95\",\
         \"bonus\":\"180.00\"}}}}\n\
         {{\"id\":\"r-1\",\"ok\":true,\"seq\":100,{at},\"refund\":\"r-1\",\"spend\":\"s-1\",\"line\":\"l-1\",\"amount\":\"10.00\",\
         \"refunded\":\"20.00\",\"lines\":[{{\"lot\":\"t-1\",\"sub\":\"principal\",\"amount\":\"3.57\"}},\
         {{\"lot\":\"t-1\",\"sub\":\"bonus\",\"amount\":\"6.43\"}}],\"balance\":{{\"available\":\"0.01\",\"held\":\"5.00\",\
         \"arrears\":\"0.00\",\"principal\":\"0.00\",\"bonus\":\"0.01\"}}}}\n"
    );
    assert_eq!(written(&[(outcome(&top_up), Seq::Fresh(0)), (outcome(&refund), Seq::Fresh(1))]), expected);
}

#[test]
fn queries_stand_at_the_end_of_their_step_and_refusals_nowhere() {
    let (ping, no) = (id("p"), id("n"));
    let reject = Reject::UnknownAccount { account: account("bob") };
    let answers = written(&[
        (Outcome::Found { id: &ping, at: AT, found: &Found::Pong }, Seq::AsOf),
        (Outcome::Refused { id: &no, reject: &reject }, Seq::AsOf),
    ]);
    let expected = format!(
        "{{\"id\":\"p\",\"ok\":true,\"seq\":100,\"at\":\"2026-11-22T10:00:00.000123Z\",\"pong\":true}}\n\
         {{\"id\":\"n\",\"ok\":false,\"code\":\"unknown_account\",\"message\":\"{reject}\",\"account\":\"bob\"}}\n"
    );
    assert_eq!(answers, expected);
}
