//! Splits, settlements and payouts at the real program (rules C6 and C7): from a statement to the word that it was paid.

use crate::openapi::assert_described;
use crate::support::{Client, Clock, Http, Ledger, Server, eventually, json};
use jiff::civil::{Date, Weekday};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A ledger whose calendar has weekends alone, so that a test may run in any year, and with terms of its own.
pub(super) struct Scene {
    pub(super) ledger: Ledger,
    pub(super) catalog: String,
}

const TERMS: &str = r#"
[[settlement]]
cycle_days = 1

[[settlement]]
account = "corner"
cycle_days = 0

[[settlement]]
account = "slow"
cycle_days = 2

[[settlement]]
account = "abroad"
payout = "agent"
"#;

impl Scene {
    pub(super) fn new() -> Self {
        let ledger = Ledger::new();
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("config");
        let own = |name: &str, text: &str| {
            let path = ledger.path(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let mut files: Vec<PathBuf> =
            ["products.toml", "rules.toml", "merchants.toml", "offers.toml"].map(|name| config.join(name)).into();
        files.push(own("calendar.toml", "unlisted_years = \"weekends\"\n"));
        files.push(own("settlement.toml", TERMS));
        let files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
        let catalog = files.join(",");
        Self { ledger, catalog }
    }

    pub(super) fn serve(&self) -> Server {
        self.ledger.serve(&["--shards", "2", "--catalog", &self.catalog])
    }
}

pub(super) fn is_working(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

pub(super) fn today() -> Date {
    jiff::tz::Offset::constant(8).to_datetime(jiff::Timestamp::now()).date()
}

/// The first working day after today.
pub(super) fn next_working() -> Date {
    today().series(jiff::Span::new().days(1)).skip(1).find(|day| is_working(*day)).unwrap()
}

/// The last working day before today.
pub(super) fn last_working() -> Date {
    today().series(jiff::Span::new().days(-1)).skip(1).find(|day| is_working(*day)).unwrap()
}

/// A statement of a day: top-ups that the channel confirms, `(id, amount)`.
pub(super) fn statement(day: Date, orders: &[(&str, &str)]) -> String {
    let mut text = "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type\n".to_owned();
    let mut total = 0_u64;
    for (id, amount) in orders {
        text += &format!("{day}T10:00:00+08:00,payment,c-{id},c-{id},,{amount},0.00,CNY,succeeded,app\n");
        total += amount.replace('.', "").parse::<u64>().unwrap();
    }
    let sum = format!("{}.{:02}", total / 100, total % 100);
    text += &format!("#total,{0},{0},{sum},0,0.00,0.00\n", orders.len());
    text
}

/// Imports it; what came of it.
pub(super) fn confirm(server: &Server, text: &str) -> Value {
    let path = "/v1/statements?channel=bank_card&family=generic_csv&name=bank_card.csv&accept_changes=true";
    let answer = server.http().exchange("POST", path, &[], text.as_bytes());
    let last = json(answer.body.lines().last().unwrap());
    assert_eq!(last["ok"], true, "{}", answer.body);
    last
}

/// Tops a wallet up by a channel that has not confirmed it yet.
pub(super) fn top_up(client: &mut Client, id: &str, account: &str, amount: &str) {
    client.done(&format!(
        r#"{{"id":"{id}","op":"top_up","account":"{account}","principal":"{amount}","channel":"bank_card","channel_order":"c-{id}"}}"#
    ));
}

pub(super) fn spend(client: &mut Client, id: &str, account: &str, merchant: &str, amount: &str) -> Value {
    client.done(&format!(
        r#"{{"id":"{id}","op":"spend","account":"{account}","merchant":"{merchant}","amount":"{amount}","rule":"by_lot"}}"#
    ))
}

/// Pays a merchant with money that a statement confirms, so that it is pending.
pub(super) fn earn(server: &Server, orders: &[(&str, &str, &str)]) {
    earn_on(server, today(), orders);
}

/// The same, with a statement of that day.
pub(super) fn earn_on(server: &Server, day: Date, orders: &[(&str, &str, &str)]) {
    let mut client = server.client();
    for (id, merchant, amount) in orders {
        top_up(&mut client, id, "ann", amount);
        spend(&mut client, &format!("s-{id}"), "ann", merchant, amount);
    }
    let rows: Vec<(&str, &str)> = orders.iter().map(|(id, _, amount)| (*id, *amount)).collect();
    let last = confirm(server, &statement(day, &rows));
    assert_eq!(last["tally"]["matched"], orders.len(), "{last}");
}

pub(super) fn post(http: &Http, path: &str, body: &str) -> Value {
    http.exchange("POST", path, &[], body.as_bytes()).json()
}

pub(super) fn run(http: &Http, day: Date, more: &str) -> Value {
    post(http, &format!("/v1/settlements/run?day={day}{more}"), "")
}

pub(super) fn bucket(server: &Server, merchant: &str, bucket: &str) -> String {
    let account = server.http().get(&format!("/v1/accounts/{merchant}")).json();
    account["balance"][bucket].as_str().unwrap_or_else(|| panic!("{account}")).to_owned()
}

fn code(client: &mut Client, line: &str) -> String {
    let answer = client.ask(line);
    assert_eq!(answer["ok"], false, "{line} {answer}");
    answer["code"].as_str().unwrap().to_owned()
}

/// The settlement of a merchant in an answer's list.
pub(super) fn of<'a>(answer: &'a Value, merchant: &str) -> &'a Value {
    let list = answer["settlements"].as_array().unwrap_or_else(|| panic!("{answer}"));
    list.iter().find(|one| one["merchant"] == merchant).unwrap_or_else(|| panic!("{merchant} is not in {answer}"))
}

#[test]
#[allow(clippy::too_many_lines, reason = "one way from its begin to its end")]
fn c6_c7_money_goes_from_a_statement_to_the_bank() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "books", "100.01")]);
    let mut client = server.client();
    assert_eq!(bucket(&server, "books", "pending"), "100.01");

    // Too much for receivers: 30% in all.
    let too_much = r#"{"id":"x-1","op":"split","merchant":"books","spend":"s-t-1","receivers":[{"account":"author","ratio":"30"},{"account":"printer","ratio":"70"}]}"#;
    let refused = client.ask(too_much);
    assert_eq!(
        (&refused["code"], &refused["maximum"]),
        (&json!("split_exceeds_maximum"), &json!("30.00")),
        "{refused}"
    );
    let split = client.done(
        r#"{"id":"x-2","op":"split","merchant":"books","spend":"s-t-1","receivers":[{"account":"author","ratio":"10"},{"account":"printer","ratio":"20"}]}"#,
    );
    let document = &split["documents"][0];
    assert_eq!((&document["shared"], &document["rest"]), (&json!("30.00"), &json!("70.01")), "{split}");
    assert_eq!(["books", "author", "printer"].map(|of| bucket(&server, of, "pending")), ["70.01", "10.00", "20.00"]);
    assert_eq!(server.http().get("/v1/splits/x-2").json()["state"], "finished");
    assert_eq!(server.http().get("/v1/splits?merchant=books").json()["splits"].as_array().unwrap().len(), 1);
    server.trial_balance();

    // The day has not begun; early, its cut-over is now.
    let day = next_working();
    let http = server.http();
    assert_eq!(run(&http, day, "")["field"], "day");
    let made = run(&http, day, "&early=true");
    assert_eq!((&made["made"], &made["net"]["CNY"]), (&json!(3), &json!("100.01")), "{made}");
    let books = of(&made, "books").clone();
    assert_eq!((&books["amount"], &books["net"], &books["state"]), (&json!("70.01"), &json!("70.01"), &json!("due")));
    let lines: Vec<(&str, &str)> = books["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["what"].as_str().unwrap(), line["amount"].as_str().unwrap()))
        .collect();
    assert_eq!(lines, [("release_proceeds", "100.01"), ("split", "-30.00")]);
    assert_eq!(["books", "author", "printer"].map(|of| bucket(&server, of, "payable")), ["70.01", "10.00", "20.00"]);
    let id = books["id"].as_str().unwrap().to_owned();

    // Again: nothing.
    let again = run(&http, day, "&early=true");
    assert_eq!((&again["made"], &again["unchanged"]), (&json!(0), &json!(3)), "{again}");
    server.stop();
    let server = scene.serve();
    let http = server.http();
    let again = run(&http, day, "&early=true");
    assert_eq!((&again["made"], &again["unchanged"]), (&json!(0), &json!(3)), "{again}");
    let one = http.get(&format!("/v1/settlements/{id}")).json();
    assert_eq!((&one["net"], &one["run_day"]), (&json!("70.01"), &json!(day.to_string())), "{one}");
    let listed = http.get(&format!("/v1/settlements?day={day}&merchant=author&state=due")).json();
    assert_eq!(listed["settlements"].as_array().unwrap().len(), 1, "{listed}");
    let table = http.get(&format!("/v1/settlements/{id}?format=csv")).body;
    assert_eq!(table.lines().count(), 3, "{table}");

    // One payout of all; one arrives, one does not, one is not known.
    let payout = post(&http, "/v1/payouts", r#"{"id":"p-1"}"#);
    assert_eq!((&payout["total"], &payout["left"]), (&json!("100.01"), &json!(0)), "{payout}");
    assert_eq!(post(&http, "/v1/payouts", r#"{"id":"p-1"}"#)["unchanged"], true);
    let file = http.get("/v1/payouts/p-1?format=csv").body;
    let rows: Vec<&str> = file.lines().collect();
    assert_eq!((rows[0], rows.len()), ("payout,settlement,merchant,currency,amount,run_day", 4), "{file}");
    assert!(rows.contains(&&*format!("p-1,{id},books,CNY,70.01,{day}")), "{file}");
    let failed = of(&made, "author")["id"].as_str().unwrap();
    let result = format!("settlement,result,reference,reason\n{id},paid,bank-77,\n{failed},failed,,no such account\n");
    let booked = post(&http, "/v1/payouts/p-1/result?by=eve", &result);
    assert_eq!((&booked["paid"], &booked["failed"]), (&json!(1), &json!(1)), "{booked}");
    assert_eq!(post(&http, "/v1/payouts/p-1/result?by=eve", &result)["unchanged"], 2);
    assert_eq!(["books", "author", "printer"].map(|of| bucket(&server, of, "payable")), ["0.00", "10.00", "20.00"]);
    server.trial_balance();
    for (schema, answer) in
        [("Cleared", &split), ("Reject", &refused), ("Ran", &made), ("PayoutSent", &payout), ("ResultBooked", &booked)]
    {
        assert_described(schema, answer);
    }
    for (path, schema) in [
        ("/v1/settlements", "Settlements"),
        (&*format!("/v1/settlements/{id}"), "SettlementDocument"),
        ("/v1/payouts", "Payouts"),
        ("/v1/payouts/p-1", "PayoutDocument"),
        ("/v1/splits", "Splits"),
        ("/v1/splits/x-2", "SplitDocument"),
        ("/v1/statements", "Statements"),
        ("/v1/items?state=all", "Items"),
        ("/v1/cover", "Cover"),
    ] {
        assert_described(schema, &http.get(path).json());
    }

    // What failed is due again, and goes with the next.
    let next = post(&http, "/v1/payouts", r#"{"id":"p-2"}"#);
    assert_eq!((&next["total"], next["settlements"].as_array().unwrap().len()), (&json!("10.00"), 1), "{next}");
    server.stop();
    let server = scene.serve();
    let mut client = server.client();
    let printer = of(&made, "printer")["id"].as_str().unwrap();
    let paid = client.done(&format!(
        r#"{{"id":"k-1","op":"confirm_payout","settlement":"{printer}","by":"eve","reference":"bank-78"}}"#
    ));
    assert_eq!(paid["documents"][0]["state"], "paid", "{paid}");
    let lost = client.done(&format!(r#"{{"id":"k-2","op":"fail_payout","settlement":"{failed}","reason":"closed"}}"#));
    assert_eq!(lost["documents"][0]["failures"].as_array().unwrap().len(), 2, "{lost}");
    let again = client.done(&format!(r#"{{"id":"k-3","op":"send_payout","settlements":["{failed}"]}}"#));
    assert_eq!(again["documents"][0]["total"], "10.00", "{again}");
    assert_eq!(
        code(&mut client, &format!(r#"{{"id":"k-4","op":"send_payout","settlements":["{id}"]}}"#)),
        "already_done"
    );
    client.done(r#"{"id":"k-5","op":"withdraw_funds","channel":"bank_card","amount":"90.00","fee":"0.01"}"#);
    assert_eq!(
        code(&mut client, r#"{"id":"k-6","op":"withdraw_funds","channel":"bank_card","amount":"10.01"}"#),
        "insufficient_funds"
    );
    server.trial_balance();
    server.stop();
    scene.ledger.verify();
}

#[test]
fn c7_a_cut_over_leaves_what_came_after_it() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "corner", "50.00"), ("t-2", "books", "60.00")]);
    let http = server.http();
    // All of it came after the cut-overs of the days before.
    let before = run(&http, last_working(), "");
    assert_eq!((&before["made"], &before["nothing"]), (&json!(0), &json!(2)), "{before}");
    if is_working(today()) {
        let now = run(&http, today(), "");
        assert_eq!((&now["made"], &now["nothing"]), (&json!(0), &json!(2)), "{now}");
    }
    let day = next_working();
    let one = run(&http, day, "&early=true&merchant=corner");
    assert_eq!((&one["made"], &of(&one, "corner")["amount"]), (&json!(1), &json!("50.00")), "{one}");
    // What comes now is the next run's; the lines go on where the last ones ended.
    earn(&server, &[("t-3", "corner", "7.00")]);
    server.client().done(r#"{"id":"f-1","op":"refund","spend":"s-t-1","amount":"2.00"}"#);
    assert_eq!(run(&http, day, "&early=true")["unchanged"], 1);
    assert_eq!(bucket(&server, "corner", "pending"), "5.00");
    // The next run is the next working day's, and that cannot be made from here.
    let after = day.series(jiff::Span::new().days(1)).skip(1).find(|day| is_working(*day)).unwrap();
    let refused = run(&http, after, "&early=true");
    assert_eq!((&refused["code"], &refused["field"]), (&json!("bad_request"), &json!("day")), "{refused}");
    assert!(refused["message"].as_str().unwrap().contains(&day.to_string()), "{refused}");
    // A day before what was settled is over.
    let late = run(&http, last_working(), "");
    assert_eq!((&late["made"], late["skipped"].as_array().unwrap().len()), (&json!(0), 2), "{late}");
    // A weekend is no day to settle, and neither is a day that is none.
    let saturday = (1..8)
        .map(|back| today().saturating_sub(jiff::Span::new().days(back)))
        .find(|day| day.weekday() == Weekday::Saturday);
    for (day, message) in [
        (saturday.unwrap().to_string(), "working day"),
        ("2026-13-01".into(), "day like"),
        ("today".into(), "day like"),
    ] {
        let answer = post(&http, &format!("/v1/settlements/run?day={day}"), "");
        assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_request"), &json!("day")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
    }
    server.trial_balance();
}

#[test]
fn c7_a_day_is_settled_by_itself_when_its_time_comes() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "corner", "50.00")]);
    server.stop();
    let server = scene.ledger.serve(&["--catalog", &scene.catalog, "--settle-at", "00:00"]);
    let day = today();
    if is_working(day) {
        // What was spent today is not before today's cut-over.
        let log = eventually("the day's settlement", || Some(server.log()).filter(|log| log.contains("made=0")));
        assert!(log.contains("nothing=1"), "{log}");
    }
    assert_eq!(bucket(&server, "corner", "pending"), "50.00");
    let said = scene.ledger.refused_to_serve(&["--settle-at", "24:00"]);
    assert!(said.contains("settle_at"), "{said}");
}

#[test]
fn c7_a_year_that_the_calendar_does_not_list_is_refused() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let answer = post(&server.http(), "/v1/settlements/run?day=2019-11-27", "");
    assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_request"), &json!("day")), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("does not list 2019"), "{answer}");
}

#[test]
fn c6_what_is_set_aside_is_shared_released_and_given_back() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "books", "100.00")]);
    let mut client = server.client();
    client.done(r#"{"id":"x-1","op":"split","merchant":"books","amount":"100.00","finish":false,"receivers":[{"account":"author","amount":"10.00"}]}"#);
    assert_eq!(bucket(&server, "books", "reserved"), "90.00");
    let open = server.http().get("/v1/splits?state=open").json();
    assert_eq!(open["splits"][0]["reserved"], "90.00", "{open}");
    // Nothing of it is settled meanwhile.
    let made = run(&server.http(), next_working(), "&early=true");
    assert_eq!((&made["made"], &made["net"]["CNY"]), (&json!(2), &json!("10.00")), "{made}");
    client.done(r#"{"id":"x-2","op":"split","merchant":"books","split":"x-1","finish":false,"receivers":[{"account":"printer","ratio":"20"}]}"#);
    assert_eq!(
        code(
            &mut client,
            r#"{"id":"x-3","op":"split","merchant":"books","split":"x-1","receivers":[{"account":"agent","ratio":"0.01"}]}"#
        ),
        "split_exceeds_maximum"
    );
    assert_eq!(
        code(&mut client, r#"{"id":"x-4","op":"return_split","split":"x-1","receiver":"printer","amount":"20.01"}"#),
        "return_exceeds_split"
    );
    client.done(r#"{"id":"x-5","op":"return_split","split":"x-1","receiver":"printer","amount":"5.00"}"#);
    let released = client.done(r#"{"id":"x-6","op":"release_split","split":"x-1"}"#);
    assert_eq!(released["documents"][0]["state"], "finished", "{released}");
    assert_eq!(bucket(&server, "books", "pending"), "75.00");
    assert_eq!(code(&mut client, r#"{"id":"x-7","op":"release_split","split":"x-1"}"#), "already_done");
    assert_eq!(code(&mut client, r#"{"id":"x-8","op":"release_split","split":"nothing"}"#), "unknown_document");
    assert_eq!(server.http().get("/v1/splits?state=open").json()["splits"], json!([]));
    server.trial_balance();
}

#[test]
fn bad_fields_of_the_new_operations_are_named() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    let many = |count: usize, one: &str| vec![one; count].join(",");
    let receivers = |list: &str| format!(r#""op":"split","merchant":"m","amount":"1.00","receivers":{list}"#);
    let table: Vec<(String, &str)> = vec![
        (r#""op":"split""#.into(), "merchant"),
        (r#""op":"split","merchant":1"#.into(), "merchant"),
        (r#""op":"split","merchant":"m","split":"""#.into(), "split"),
        (r#""op":"split","merchant":"m","spend":[]"#.into(), "spend"),
        (r#""op":"split","merchant":"m","amount":1"#.into(), "amount"),
        (r#""op":"split","merchant":"m","amount":"1.00""#.into(), "receivers"),
        (receivers("{}"), "receivers"),
        (receivers("[]"), "receivers"),
        (receivers(&format!("[{}]", many(51, r#"{"account":"a","ratio":"1"}"#))), "receivers"),
        (receivers(r#"["a"]"#), "receivers[0]"),
        (receivers(r#"[{"account":"a","ratio":"1","name":"x"}]"#), "receivers[0]"),
        (receivers(r#"[{"account":"a","ratio":"1"},{"ratio":"1"}]"#), "receivers[1].account"),
        (receivers(r#"[{"account":"m","ratio":"1"}]"#), "receivers[0].account"),
        (receivers(r#"[{"account":"a","ratio":"1"},{"account":"a","ratio":"1"}]"#), "receivers[1].account"),
        (receivers(r#"[{"account":"a","account":"b","ratio":"1"}]"#), "receivers[0].account"),
        (receivers(r#"[{"account":"a","ratio":10}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a","ratio":"ten"}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a","ratio":"-1"}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a","ratio":"1e1"}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a","ratio":"0"}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a","ratio":"0.12345678901234567"}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a"}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a","ratio":"1","amount":"1.00"}]"#), "receivers[0].ratio"),
        (receivers(r#"[{"account":"a","amount":1}]"#), "receivers[0].amount"),
        (receivers(r#"[{"account":"a","amount":"0.001"}]"#), "receivers[0].amount"),
        (receivers(r#"[{"account":"a","amount":"0.00"}]"#), "receivers[0].amount"),
        (receivers(r#"[{"account":"a","ratio":"1"}],"finish":"yes""#), "finish"),
        (receivers(r#"[{"account":"a","ratio":"1"}],"spend":"s""#), "amount"),
        (receivers(r#"[{"account":"a","ratio":"1"}],"split":"s""#), "amount"),
        (receivers(r#"[{"account":"a","ratio":"1"}],"rest":"1""#), "rest"),
        (r#""op":"release_split""#.into(), "split"),
        (r#""op":"release_split","split":"x","merchant":"m""#.into(), "merchant"),
        (r#""op":"return_split","receiver":"a""#.into(), "split"),
        (r#""op":"return_split","split":"x""#.into(), "receiver"),
        (r#""op":"return_split","split":"x","receiver":"a","amount":"1,00""#.into(), "amount"),
        (r#""op":"confirm_payout","by":"eve""#.into(), "settlement"),
        (r#""op":"confirm_payout","settlement":"é","by":"eve""#.into(), "settlement"),
        (r#""op":"confirm_payout","settlement":"x""#.into(), "by"),
        (r#""op":"confirm_payout","settlement":"x","by":"eve","reference":"""#.into(), "reference"),
        (
            format!(r#""op":"confirm_payout","settlement":"x","by":"eve","reference":"{}""#, "r".repeat(257)),
            "reference",
        ),
        (r#""op":"fail_payout","reason":"x""#.into(), "settlement"),
        (r#""op":"fail_payout","settlement":"x""#.into(), "reason"),
        (r#""op":"fail_payout","settlement":"x","reason":" ""#.into(), "reason"),
        (r#""op":"withdraw_funds","amount":"1.00""#.into(), "channel"),
        (r#""op":"withdraw_funds","channel":"c""#.into(), "amount"),
        (r#""op":"withdraw_funds","channel":"c","amount":"0.00""#.into(), "amount"),
        (r#""op":"withdraw_funds","channel":"c","amount":"1.00","fee":"x""#.into(), "fee"),
        (r#""op":"withdraw_funds","channel":"c","amount":"1.00","currency":"yuan""#.into(), "currency"),
        (r#""op":"withdraw_funds","channel":"c","amount":"1","currency":"JPY""#.into(), "currency"),
        (r#""op":"send_payout""#.into(), "settlements"),
        (r#""op":"send_payout","settlements":"x""#.into(), "settlements"),
        (r#""op":"send_payout","settlements":[]"#.into(), "settlements"),
        (r#""op":"send_payout","settlements":["x",1]"#.into(), "settlements[1]"),
        (r#""op":"send_payout","settlements":["x",""]"#.into(), "settlements[1]"),
        (r#""op":"send_payout","settlements":["x","y","x"]"#.into(), "settlements[2]"),
        (format!(r#""op":"send_payout","settlements":[{}]"#, many(1001, r#""x""#)), "settlements"),
    ];
    client.done(r#"{"id":"m","op":"open_account","account":"m","kind":"merchant"}"#);
    for (number, (fields, field)) in table.iter().enumerate() {
        let line = format!(r#"{{"id":"b-{number}",{fields}}}"#);
        let answer = client.ask(&line);
        assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_request"), &json!(field)), "{line} {answer}");
    }
    // As many as may be are read.
    let all: Vec<String> = (0..1000).map(|number| format!("\"x-{number}\"")).collect();
    let line = format!(r#"{{"id":"all","op":"send_payout","settlements":[{}]}}"#, all.join(","));
    let answer = client.ask(&line);
    assert_eq!((&answer["code"], &answer["document"]), (&json!("unknown_document"), &json!("x-0")), "{answer}");
    assert!(!answer["message"].as_str().unwrap().contains('\u{1}'), "{answer}");
    let all: Vec<String> = (0..50).map(|number| format!(r#"{{"account":"r-{number}","amount":"0.01"}}"#)).collect();
    let line = format!(r#"{{"id":"fifty",{}}}"#, receivers(&format!("[{}]", all.join(","))));
    assert_eq!(code(&mut client, &line), "split_exceeds_maximum");
}

#[test]
fn c7_a_result_file_is_taken_whole_or_not_at_all() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "books", "10.00"), ("t-2", "abroad", "20.00"), ("t-3", "corner", "30.00")]);
    let http = server.http();
    let made = run(&http, next_working(), "&early=true");
    // Two ways out: one has to be named.
    assert_eq!(post(&http, "/v1/payouts", r#"{"id":"p-1"}"#)["field"], "payout");
    assert_eq!(post(&http, "/v1/payouts", r#"{"id":"p-1","currency":"USD"}"#)["field"], "settlements");
    assert_eq!(post(&http, "/v1/payouts", r#"{"id":"p-1","payout":"agent"}"#)["total"], "20.00");
    server.client().done(r#"{"id":"z-1","op":"freeze","account":"corner"}"#);
    let payout = post(&http, "/v1/payouts", r#"{"id":"p-2"}"#);
    assert_eq!((&payout["total"], &payout["frozen"]), (&json!("10.00"), &json!(["corner"])), "{payout}");
    let id = |merchant: &str| of(&made, merchant)["id"].as_str().unwrap().to_owned();
    let (books, abroad) = (id("books"), id("abroad"));
    let head = "settlement,result,reference,reason\n";
    for (file, field) in [
        (String::new(), "line 1: head"),
        ("settlement,result\n".into(), "line 1: head"),
        (head.into(), "line 2: settlement"),
        (format!("{head}{books},paid\n"), "line 2: columns"),
        (format!("{head}{books},gone,x,\n"), "line 2: result"),
        (format!("{head}{books},paid,,\n"), "line 2: reference"),
        (format!("{head}{books},paid,x,y\n"), "line 2: reason"),
        (format!("{head}{books},failed,,\n"), "line 2: reason"),
        (format!("{head}{books},paid,{},\n", "r".repeat(257)), "line 2: reference"),
        (format!("{head},paid,x,\n"), "line 2: settlement"),
        (format!("{head}{books},paid,x,\n{books},paid,x,\n"), "line 3: settlement"),
        (format!("{head}{books},paid,x,\n{abroad},paid,x,\n"), "line 3: settlement"),
        (format!("{head}{books},paid,x,\nnothing,paid,x,\n"), "line 3: settlement"),
    ] {
        let answer = post(&http, "/v1/payouts/p-2/result?by=eve", &file);
        assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_request"), &json!(field)), "{file} {answer}");
    }
    let good = format!("{head}{books},paid,x,\n");
    assert_eq!(post(&http, "/v1/payouts/p-2/result", &good)["field"], "by");
    assert_eq!(post(&http, "/v1/payouts/nothing/result?by=eve", &good)["code"], "unknown_document");
    assert_eq!(http.get(&format!("/v1/settlements/{books}")).json()["state"], "sent");
    assert_eq!(post(&http, "/v1/payouts/p-2/result?by=eve", &good)["paid"], 1);
    let other = format!("{head}{books},failed,,gone\n");
    assert_eq!(post(&http, "/v1/payouts/p-2/result?by=eve", &other)["field"], "line 2: result");
    for (path, field) in [
        ("/v1/settlements?day=x", "day"),
        ("/v1/settlements?state=lost", "state"),
        ("/v1/settlements?format=xml", "format"),
        ("/v1/settlements?who=x", "who"),
        ("/v1/splits?state=x", "state"),
        ("/v1/payouts/p-2?format=x", "format"),
    ] {
        let answer = http.get(path).json();
        assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_request"), &json!(field)), "{path} {answer}");
    }
    for path in ["/v1/settlements/x", "/v1/splits/x", "/v1/payouts/x"] {
        assert_eq!(http.get(path).json()["code"], "unknown_document", "{path}");
    }
    server.trial_balance();
}

#[test]
fn c6_what_is_set_aside_is_released_when_its_days_are_over() {
    let scene = Scene::new();
    let Some(clock) = Clock::of(&scene.ledger) else { return };
    let serve = |offset: &str| clock.serve(offset, &["--shards", "2", "--catalog", &scene.catalog]);
    let server = serve("+0");
    earn(&server, &[("t-1", "books", "100.00")]);
    server.client().done(r#"{"id":"x-1","op":"split","merchant":"books","amount":"100.00","finish":false,"receivers":[{"account":"author","amount":"10.00"}]}"#);
    server.stop();
    let open = |server: &Server| server.http().get("/v1/splits?state=open").json()["splits"].as_array().unwrap().len();
    // It looks once a minute, first of all when it has started; the gauges of cover are part of that look.
    let looked = |server: &Server| {
        eventually("a look", || server.http().get("/metrics").body.contains("fentan_cover_owed_minor").then_some(()));
    };
    let server = serve("+29d");
    looked(&server);
    assert_eq!(open(&server), 1, "a day too early");
    server.stop();
    let server = serve("+31d");
    eventually("its release", || (open(&server) == 0).then_some(()));
    assert_eq!(bucket(&server, "books", "pending"), "90.00");
    assert!(server.log().contains("released what was set aside"), "{}", server.log());
    server.trial_balance();
    server.stop();
    scene.ledger.verify();
}

#[test]
fn provenance_of_a_settlement_with_many_bookings_comes_in_pages() {
    let scene = Scene::new();
    let server = scene.serve();
    let http = server.http();
    earn(&server, &[("t-1", "corner", "1.00"), ("t-2", "corner", "2.00"), ("t-3", "corner", "4.00")]);
    // Entries of another bucket, and pages with nothing else in them.
    let mut client = server.client();
    for id in ["u-1", "u-2", "u-3"] {
        client.done(&format!(
            r#"{{"id":"{id}","op":"top_up","account":"bob","principal":"9.00","channel":"bank_card","channel_order":"c-{id}"}}"#
        ));
        client.done(&format!(r#"{{"id":"s-{id}","op":"spend","account":"bob","merchant":"corner","amount":"9.00"}}"#));
    }
    let made = run(&http, next_working(), "&early=true&merchant=corner");
    let id = of(&made, "corner")["id"].as_str().unwrap().to_owned();
    let trace = |more: &str| http.get(&format!("/v1/trace?settlement={id}{more}")).json();
    let whole = trace("");
    let all = whole["bookings"].as_array().unwrap();
    assert_eq!((all.len(), &whole["next"]), (3, &Value::Null), "{whole}");
    for limit in 1..=4 {
        let (mut paged, mut more) = (Vec::new(), String::new());
        loop {
            let page = trace(&format!("&limit={limit}{more}"));
            let bookings = page["bookings"].as_array().unwrap_or_else(|| panic!("{page}"));
            assert!(bookings.len() <= limit, "{page}");
            paged.extend(bookings.clone());
            let Some(next) = page["next"].as_u64() else { break };
            more = format!("&cursor={next}");
        }
        assert_eq!(&paged, all, "limit {limit}");
    }
    for (path, field) in [
        (format!("/v1/trace?settlement={id}&limit=0"), "limit"),
        (format!("/v1/trace?settlement={id}&limit=10001"), "limit"),
        ("/v1/trace?top_up=t-1&limit=1".into(), "limit"),
        ("/v1/trace?payout=p-1&cursor=1".into(), "cursor"),
    ] {
        let refused = http.get(&path).json();
        assert_eq!((&refused["code"], &refused["field"]), (&json!("bad_request"), &json!(field)), "{path} {refused}");
    }
}

#[test]
fn the_commands_settle_and_split_do_the_same() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "books", "100.00")]);
    let url = format!("http://{}", server.http);
    let fentan = |args: &[&str]| {
        let output = scene.ledger.run(&[args, &["--server", &url]].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    };
    let expect = |args: &[&str], code: i32, part: &str| {
        let (exit, text) = fentan(args);
        assert!(exit == code && text.contains(part), "{args:?}: {exit} {text}");
    };
    let make = ["split", "make", "--id", "x-1", "--merchant", "books", "--spend", "s-t-1", "--keep-open"];
    expect(&[&make[..], &["author=10%", "printer=20.00"]].concat(), 0, "30.00 of 100.00 shared, 70.00 set aside");
    expect(&["split", "make", "--id", "x-2", "--merchant", "books", "--amount", "1.00", "author"], 2, "NAME=10%");
    expect(&["split", "list", "--state", "open"], 0, "x-1");
    expect(&["split", "return", "--id", "x-3", "x-1", "author", "--amount", "1.00"], 0, "29.00 of 100.00");
    expect(&["split", "release", "--id", "x-4", "x-1"], 0, "finished");
    expect(&["split", "release", "--id", "x-5", "x-1"], 1, "already_done");
    expect(&["split", "show", "x-1"], 0, "printer");
    let day = next_working().to_string();
    expect(&["settle", "run", &day], 1, "bad_request");
    expect(&["settle", "run", &day, "--early"], 0, "3 settled");
    expect(&["settle", "run", &day, "--early"], 0, "3 before");
    let answer = server.http().exchange("POST", &format!("/v1/settlements/run?day={day}&progress=true"), &[], b"");
    let lines: Vec<Value> = answer.body.lines().map(json).collect();
    let (no, progress) = lines.split_last().unwrap();
    assert_eq!((&no["code"], &no["field"]), (&json!("bad_request"), &json!("day")), "{no}");
    assert!(progress.iter().all(|line| line["stage"].is_string()), "{lines:?}");
    let path = format!("/v1/settlements/run?day={day}&early=true&progress=true");
    let answer = server.http().exchange("POST", &path, &[], b"");
    let lines: Vec<Value> = answer.body.lines().map(json).collect();
    let told = json!({ "stage": "settle", "done": 3, "of": 3 });
    assert!(lines.contains(&told) && lines.last().unwrap()["unchanged"] == 3, "{lines:?}");
    let list = fentan(&["settle", "list", "--state", "due", "--json"]).1;
    let books = of(&json(&list), "books")["id"].as_str().unwrap().to_owned();
    expect(&["settle", "show", &books], 0, "71.00");
    expect(&["settle", "show", "nothing"], 1, "unknown_document");
    expect(&["settle", "show", &books, "--csv", "lines.csv"], 0, "");
    let table = std::fs::read_to_string(scene.ledger.path("lines.csv")).unwrap();
    assert!(table.starts_with("settlement,merchant,currency,run_day,what,count,amount\n"), "{table}");
    assert!(table.lines().any(|line| line.contains(&*books) && line.contains("split,1,-100.00")), "{table}");
    expect(&["settle", "show", "nothing", "--csv", "nothing.csv"], 1, "unknown_document");
    assert!(!scene.ledger.path("nothing.csv").exists());
    expect(&["settle", "payout", "--id", "p-1", "--csv", "payout.csv"], 0, "3 settlements, 100.00 CNY");
    assert_eq!(std::fs::read_to_string(scene.ledger.path("payout.csv")).unwrap().lines().count(), 4);
    expect(&["settle", "payout"], 0, "p-1");
    let result = format!("settlement,result,reference,reason\n{books},paid,bank-1,\n");
    std::fs::write(scene.ledger.path("result.csv"), result).unwrap();
    expect(&["settle", "result", "p-1", "result.csv", "--by", "eve"], 0, "1 paid, 0 failed");
    expect(&["settle", "result", "p-1", "result.csv", "--by", "bob"], 1, "bad_request");
    expect(&["settle", "result", "p-1", "nothing.csv", "--by", "eve"], 2, "nothing.csv");
    let nobody = scene.ledger.run(&["settle", "list", "--server", "http://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(2));
    server.trial_balance();
}
