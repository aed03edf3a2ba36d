//! The clearing line over the real doors (rules C1–C5): statements in, pending settlement up, differences to people.

use crate::support::{Client, Ledger, Server, eventually, json};
use serde_json::Value;

const COLUMNS: &str = "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type\n";

/// A statement in the documented CSV.
pub(crate) struct File(Vec<Row>);

struct Row {
    kind: &'static str,
    order: String,
    refund: String,
    amount: i64,
    fee: i64,
    status: &'static str,
    trade: &'static str,
}

pub(crate) fn yuan(fen: i64) -> String {
    format!("{}{}.{:02}", if fen < 0 { "-" } else { "" }, fen.abs() / 100, fen.abs() % 100)
}

impl File {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn paid(self, order: &str, amount: i64) -> Self {
        self.row("payment", order, "", amount, (amount * 6 + 500) / 1000, "succeeded")
    }

    pub(crate) fn row(
        mut self,
        kind: &'static str,
        order: &str,
        refund: &str,
        amount: i64,
        fee: i64,
        status: &'static str,
    ) -> Self {
        self.0.push(Row { kind, order: order.into(), refund: refund.into(), amount, fee, status, trade: "app" });
        self
    }

    /// The last row, with another kind of trade.
    pub(crate) fn by(mut self, trade: &'static str) -> Self {
        self.0.last_mut().expect("a row").trade = trade;
        self
    }

    pub(crate) fn text(&self, time: &str) -> String {
        let mut text = COLUMNS.to_owned();
        let (mut payments, mut refunds, mut fees) = ((0, 0), (0, 0), 0);
        for (n, row) in self.0.iter().enumerate() {
            let Row { kind, order, refund, amount, fee, status, trade } = row;
            let sum = if *kind == "payment" { &mut payments } else { &mut refunds };
            *sum = (sum.0 + 1, sum.1 + amount);
            fees += fee;
            let (amount, fee) = (yuan(*amount), yuan(*fee));
            text.push_str(&format!(
                "{time},{kind},{order},ch-{n}-{order},{refund},{amount},{fee},CNY,{status},{trade}\n"
            ));
        }
        let (paid, back) = (yuan(payments.1), yuan(refunds.1));
        text.push_str(&format!("#total,{},{},{paid},{},{back},{}\n", self.0.len(), payments.0, refunds.0, yuan(fees)));
        text
    }
}

/// Today, by the server's clock.
pub(crate) fn today() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// Days from now.
pub(crate) fn in_days(days: i64) -> String {
    let moment = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    format!("{moment:.0}")
}

/// Sends a file, and gives what came of it.
pub(crate) fn import(server: &Server, query: &str, text: &str) -> Value {
    let path = format!("/v1/statements?channel=wechat&family=generic_csv&name=st.csv{query}");
    let answer = server.http().exchange("POST", &path, &[], text.as_bytes());
    let body = answer.body;
    let last = body.lines().last().unwrap_or_else(|| panic!("no answer: {body:?}"));
    json(last)
}

pub(crate) fn top_up(client: &mut Client, id: &str, account: &str, principal: &str, bonus: &str) {
    client.done(&format!(
        r#"{{"id":"{id}","op":"top_up","account":"{account}","principal":"{principal}","bonus":"{bonus}","channel":"wechat","channel_order":"o-{id}"}}"#
    ));
}

pub(crate) fn spend(client: &mut Client, id: &str, account: &str, merchant: &str, amount: &str) -> Value {
    client.done(&format!(
        r#"{{"id":"{id}","op":"spend","account":"{account}","merchant":"{merchant}","amount":"{amount}"}}"#
    ))
}

/// A merchant's unreconciled and pending money.
pub(crate) fn proceeds(server: &Server, merchant: &str) -> [String; 2] {
    let shown = server.http().get(&format!("/v1/accounts/{merchant}")).json();
    ["unreconciled", "pending"].map(|bucket| shown["balance"][bucket].as_str().unwrap_or_default().to_owned())
}

pub(crate) fn wallet(client: &mut Client, account: &str) -> Value {
    client.ask(&format!(r#"{{"id":"b","op":"balance","account":"{account}"}}"#))["balance"].clone()
}

pub(crate) fn items(server: &Server, query: &str) -> Vec<Value> {
    // Behind a peak the list is not complete yet, and says so.
    eventually("the list of items", || {
        let answer = server.http().get(&format!("/v1/items?{query}")).json();
        assert!(answer["ok"] == true || answer["code"] == "history_behind", "{answer}");
        answer["items"].as_array().cloned()
    })
}

pub(crate) fn work(server: &Server, item: &Value, body: &str) -> Value {
    let path = format!("/v1/items/{}", item["id"].as_str().unwrap());
    server.http().exchange("POST", &path, &[], body.as_bytes()).json()
}

pub(crate) fn kinds(items: &[Value]) -> Vec<(String, String)> {
    let word = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let mut kinds: Vec<_> = items.iter().map(|item| (word(item, "kind"), word(item, "order"))).collect();
    kinds.sort();
    kinds
}

pub(crate) fn line(server: &Server, account: &str) -> String {
    let books = server.trial_balance();
    assert_eq!(books["balanced"], true, "{books}");
    let mut lines = books["accounts"].as_array().unwrap().iter();
    let found = lines.find(|line| line["account"] == account && line["currency"] == "CNY").cloned();
    let side = |line: Value| match (line["debit"].as_str(), line["credit"].as_str()) {
        (Some(debit), _) => format!("-{debit}"),
        (_, Some(credit)) => credit.to_owned(),
        _ => String::new(),
    };
    found.map_or_else(|| "0.00".to_owned(), side)
}

#[test]
fn c2_a_statement_makes_pending_exactly_what_its_lots_had_paid() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", shards]);
        let mut client = server.client();
        // The example of the document: 300.00 are paid by t-1 with 280.00 and by t-2 with 20.00.
        top_up(&mut client, "t-1", "w-1", "100.00", "180.00");
        top_up(&mut client, "t-2", "w-1", "200.00", "100.00");
        let first = import(&server, "", &File::new().paid("o-t-1", 10_000).text(&today()));
        assert_eq!((&first["tally"]["matched"], &first["tally"]["expected"]), (&json("1"), &json("1")), "{first}");
        spend(&mut client, "s-1", "w-1", "m-1", "300.00");
        assert_eq!(proceeds(&server, "m-1"), ["20.00", "280.00"]);
        let before = wallet(&mut client, "w-1");
        let second = import(&server, "", &File::new().paid("o-t-2", 20_000).text(&in_days(1)));
        assert_eq!(
            (second["tally"]["matched"].as_u64(), second["tally"]["released"].as_str()),
            (Some(1), Some("20.00"))
        );
        assert_eq!(proceeds(&server, "m-1"), ["0.00", "300.00"]);
        assert_eq!(wallet(&mut client, "w-1"), before, "C1: the customer sees nothing of it");
        assert_eq!(line(&server, "channels"), "0.00");
        assert_eq!(line(&server, "funds"), "-298.20", "300.00 less fees of 0.60 and 1.20");
        assert_eq!(line(&server, "fee"), "-1.80");
        // From now on both pay into pending at once, and refunds come out of it.
        spend(&mut client, "s-2", "w-1", "m-2", "30.00");
        assert_eq!(proceeds(&server, "m-2"), ["0.00", "30.00"]);
        client.done(r#"{"id":"r-1","op":"refund","spend":"s-1","amount":"100.00"}"#);
        assert_eq!(proceeds(&server, "m-1"), ["0.00", "200.00"]);
        server.stop();
        ledger.verify();
    }
}

#[test]
fn c2_a_gift_without_money_has_nothing_to_wait_for() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "0.00", "10.00");
    top_up(&mut client, "t-2", "w-2", "10.00", "0.00");
    spend(&mut client, "s-1", "w-1", "m-1", "4.00");
    assert_eq!(proceeds(&server, "m-1"), ["4.00", "0.00"]);
    let done = import(&server, "", &File::new().paid("o-t-2", 1_000).text(&today()));
    assert_eq!(done["tally"]["released"], "4.00", "{done}");
    assert_eq!(proceeds(&server, "m-1"), ["0.00", "4.00"]);
    server.stop();
    ledger.verify();
}

#[test]
fn c2_partial_refunds_holds_and_pieces_in_other_wallets_are_released_too() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", shards]);
        let mut client = server.client();
        top_up(&mut client, "t-1", "w-1", "100.00", "180.00");
        spend(&mut client, "s-1", "w-1", "m-1", "56.00");
        client.done(r#"{"id":"r-1","op":"refund","spend":"s-1","amount":"14.00"}"#);
        client.done(r#"{"id":"h-1","op":"hold","account":"w-1","merchant":"m-2","amount":"70.00"}"#);
        client.done(r#"{"id":"h-2","op":"hold","account":"w-1","merchant":"m-2","amount":"14.00"}"#);
        client.done(r#"{"id":"c-1","op":"capture","hold":"h-1","amount":"28.00"}"#);
        client.done(r#"{"id":"x-1","op":"transfer","from":"w-1","to":"w-2","amount":"56.00"}"#);
        client.done(r#"{"id":"x-2","op":"transfer","from":"w-2","to":"w-3","amount":"28.00"}"#);
        spend(&mut client, "s-2", "w-2", "m-3", "14.00");
        spend(&mut client, "s-3", "w-3", "m-3", "7.00");
        let done = import(&server, "", &File::new().paid("o-t-1", 10_000).text(&today()));
        assert_eq!(done["tally"]["released"], "91.00", "42.00 + 28.00 + 21.00: {done}");
        assert_eq!(proceeds(&server, "m-1"), ["0.00", "42.00"]);
        assert_eq!(proceeds(&server, "m-2"), ["0.00", "28.00"]);
        assert_eq!(proceeds(&server, "m-3"), ["0.00", "21.00"]);
        // The hold that is open, and what is left in the other wallets, pay into pending.
        client.done(r#"{"id":"c-2","op":"capture","hold":"h-2"}"#);
        spend(&mut client, "s-4", "w-3", "m-4", "21.00");
        assert_eq!(
            (proceeds(&server, "m-2"), proceeds(&server, "m-4")),
            (["0.00", "42.00"].map(str::to_owned), ["0.00", "21.00"].map(str::to_owned))
        );
        assert_eq!(line(&server, "merchants.unreconciled.paid"), "0.00");
        server.stop();
        ledger.verify();
    }
}

#[test]
fn c3_the_same_file_is_a_no_op_a_cut_one_books_nothing_and_a_changed_one_shows_its_difference() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    for n in 1..=3 {
        top_up(&mut client, &format!("t-{n}"), "w-1", "10.00", "0.00");
    }
    let whole = File::new().paid("o-t-1", 1_000).paid("o-t-2", 1_000).text(&today());
    let before = server.trial_balance();
    let cut = whole.split_inclusive('\n').take(2).collect::<String>();
    let refused = import(&server, "", &cut);
    assert_eq!(
        (&refused["code"], refused["ok"].as_bool()),
        (&json(r#""statement_refused""#), Some(false)),
        "{refused}"
    );
    assert!(refused["line"].is_u64() && refused["expected"].is_string() && refused["found"].is_string(), "{refused}");
    let wrong = import(&server, "&payment_amount=20.01", &whole);
    assert_eq!(wrong["code"], "statement_refused", "{wrong}");
    assert_eq!(server.trial_balance()["accounts"], before["accounts"], "nothing was booked");

    let first = import(&server, "", &whole);
    assert_eq!((first["unchanged"].as_bool(), first["tally"]["matched"].as_u64()), (Some(false), Some(2)), "{first}");
    let books = server.trial_balance();
    let again = import(&server, "", &whole);
    assert_eq!((again["unchanged"].as_bool(), &again["tally"]), (Some(true), &first["tally"]));
    assert_eq!(server.trial_balance()["accounts"], books["accounts"]);

    let more = File::new().paid("o-t-1", 1_000).paid("o-t-2", 1_000).paid("o-t-3", 1_000);
    let times: Vec<&str> = whole.lines().nth(1).unwrap().split(',').take(1).collect();
    let changed = import(&server, "", &more.text(times[0]));
    assert_eq!((&changed["code"], changed["added"].as_u64()), (&json(r#""statement_changed""#), Some(1)), "{changed}");
    assert_eq!(server.trial_balance()["accounts"], books["accounts"], "nothing was booked");
    let taken = import(&server, "&accept_changes=true", &more.text(times[0]));
    assert_eq!((taken["tally"]["matched"].as_u64(), taken["tally"]["items"].as_u64()), (Some(1), Some(0)), "{taken}");
    assert_eq!(line(&server, "channels"), "0.00");
    server.stop();
    ledger.verify();
}

/// A day with one difference of each kind.
fn a_day_of_differences(server: &Server) -> Value {
    let mut client = server.client();
    for id in ["ok", "amount", "short", "failed", "twice", "never"] {
        top_up(&mut client, id, &format!("w-{id}"), "100.00", "180.00");
        spend(&mut client, &format!("s-{id}"), &format!("w-{id}"), &format!("m-{id}"), "140.00");
    }
    client.done(r#"{"id":"waits","op":"top_up","account":"w-waits","principal":"30.00","bonus":"0.00","channel":"wechat","channel_order":"o-waits","state":"pending"}"#);
    let day = File::new()
        .paid("o-ok", 10_000)
        .paid("o-amount", 9_900)
        .row("payment", "o-failed", "", 10_000, 0, "failed")
        .paid("o-twice", 10_000)
        .paid("o-twice", 10_000)
        .paid("o-long", 5_000)
        .paid("o-waits", 3_000)
        .row("refund", "o-ok", "r-nobody", 2_000, -12, "succeeded");
    import(server, "&last=true", &day.text(&today()))
}

#[test]
fn c4_every_kind_of_difference_becomes_an_item_that_somebody_resolves() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let done = a_day_of_differences(&server);
    assert_eq!(done["tally"]["matched"].as_u64(), Some(2), "{done}");
    let open = items(&server, "");
    let expected = [
        ("amount_mismatch", "o-amount"),
        ("chargeback", "r-nobody"),
        ("duplicate", "o-twice"),
        ("long", "o-long"),
        ("short", "o-never"),
        ("short", "o-short"),
        ("status_mismatch", "o-failed"),
        ("status_mismatch", "o-waits"),
    ];
    assert_eq!(kinds(&open), expected.map(|(kind, order)| (kind.to_owned(), order.to_owned())));
    // -1.00 - 20.00 + 100.00 + 50.00 - 100.00 - 100.00 - 100.00 + 30.00
    assert_eq!(line(&server, "suspense"), "-141.00");
    assert_eq!(line(&server, "channels"), "0.00", "every order has its row or its item");
    let of = |order: &str, kind: &str| {
        open.iter().find(|item| item["order"] == order && item["kind"] == kind).cloned().unwrap()
    };

    // Nobody is asked twice, nobody agrees with himself, and nothing is resolved in a way that does not fit.
    let short = of("o-short", "short");
    let wrong = work(&server, &short, r#"{"by":"ann","action":"resolve","resolution":"reverse","reason":"x"}"#);
    assert_eq!((&wrong["code"], &wrong["field"]), (&json(r#""bad_request""#), &json(r#""resolution""#)), "{wrong}");
    let assigned = work(&server, &short, r#"{"by":"ann","action":"assign","owner":"bob"}"#);
    assert_eq!(assigned["owner"], "bob");
    assert_eq!(items(&server, "owner=bob").len(), 1);
    let written = work(&server, &short, r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"lost"}"#);
    assert_eq!(written["state"], "resolved", "{written}");
    assert_eq!(proceeds(&server, "m-short"), ["0.00", "140.00"], "the ledger bears it, the merchant does not");
    let again = work(&server, &short, r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"lost"}"#);
    assert_eq!(again["code"], "already_done");

    let accept = r#"{"by":"ann","action":"resolve","resolution":"accept","reason":"1.00 is lost"}"#;
    assert_eq!(work(&server, &of("o-amount", "amount_mismatch"), accept)["state"], "resolved");
    assert_eq!(proceeds(&server, "m-amount"), ["0.00", "140.00"]);

    let mut client = server.client();
    client.done(r#"{"id":"late","op":"top_up","account":"w-late","principal":"50.00","channel":"wechat","channel_order":"o-late"}"#);
    spend(&mut client, "s-late", "w-late", "m-late", "20.00");
    let rematch = r#"{"by":"ann","action":"resolve","resolution":"rematch","top_up":"late","reason":"it was hers"}"#;
    assert_eq!(work(&server, &of("o-long", "long"), rematch)["state"], "resolved");
    assert_eq!(proceeds(&server, "m-late"), ["0.00", "20.00"]);

    client.done(r#"{"id":"c-w","op":"confirm_top_up","top_up":"waits","amount":"30.00"}"#);
    let rematch = r#"{"by":"ann","action":"resolve","resolution":"rematch","top_up":"waits","reason":"callback lost"}"#;
    assert_eq!(work(&server, &of("o-waits", "status_mismatch"), rematch)["state"], "resolved");

    let reverse = r#"{"by":"ann","action":"resolve","resolution":"reverse","reason":"paid twice"}"#;
    assert_eq!(work(&server, &of("o-twice", "duplicate"), reverse)["state"], "resolved");
    assert_eq!(line(&server, "channels"), "100.00", "the channel will pay it back");

    let back = r#"{"by":"ann","action":"resolve","resolution":"rematch","top_up":"ok","reason":"charged back"}"#;
    assert_eq!(work(&server, &of("r-nobody", "chargeback"), back)["state"], "resolved");
    let balance = wallet(&mut client, "w-ok");
    assert_eq!(
        (balance["principal"].as_str(), balance["arrears"].as_str()),
        (Some("30.00"), Some("0.00")),
        "{balance}"
    );

    let failed = of("o-failed", "status_mismatch");
    let never = r#"{"by":"ann","action":"resolve","resolution":"never_arrived","reason":"the channel says failed"}"#;
    assert_eq!(work(&server, &failed, never)["state"], "suspended");
    server.stop();
    ledger.verify();
}

#[test]
fn c4_a_top_up_that_never_arrived_is_taken_back_and_owed() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    a_day_of_differences(&server);
    let mut client = server.client();
    let item = items(&server, "kind=short").into_iter().find(|item| item["order"] == "o-never").unwrap();
    let done =
        work(&server, &item, r#"{"by":"ann","action":"resolve","resolution":"never_arrived","reason":"no money"}"#);
    assert_eq!((&done["state"], &done["suspense"]), (&json(r#""suspended""#), &json(r#""-90.00""#)), "{done}");
    let balance = wallet(&mut client, "w-never");
    let figure = |name: &str| balance[name].as_str().unwrap().to_owned();
    assert_eq!(["principal", "bonus", "arrears"].map(figure), ["0.00", "0.00", "50.00"]);
    assert_eq!(proceeds(&server, "m-never"), ["140.00", "0.00"], "no money has come for it");
    let off = work(&server, &item, r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"we bear it"}"#);
    assert_eq!((&off["state"], &off["suspense"]), (&json(r#""resolved""#), &json(r#""0.00""#)), "{off}");
    assert_eq!(proceeds(&server, "m-never"), ["0.00", "140.00"]);
    assert_eq!(line(&server, "write_off"), "-90.00");
    server.stop();
    ledger.verify();
}

#[test]
fn c4_above_the_channel_s_amount_a_second_person_has_to_agree() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "1000.01", "0.00");
    import(&server, "&last=true", &File::new().paid("o-other", 100_001).text(&today()));
    let item = items(&server, "kind=short").remove(0);
    let proposed = work(&server, &item, r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"gone"}"#);
    assert_eq!(proposed["state"], "proposed", "{proposed}");
    let herself = work(&server, &item, r#"{"by":"ann","action":"approve"}"#);
    assert_eq!(
        (&herself["code"], &herself["by"]),
        (&json(r#""second_person_needed""#), &json(r#""ann""#)),
        "{herself}"
    );
    let declined = work(&server, &item, r#"{"by":"bob","action":"decline","reason":"ask the channel first"}"#);
    assert_eq!((&declined["state"], &declined["note"]), (&json(r#""open""#), &json(r#""ask the channel first""#)));
    work(&server, &item, r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"asked"}"#);
    let approved = work(&server, &item, r#"{"by":"bob","action":"approve"}"#);
    assert_eq!((&approved["state"], &approved["proposal"]["approved_by"]), (&json(r#""resolved""#), &json(r#""bob""#)));
    server.stop();
    ledger.verify();
}

#[test]
fn c4_rows_and_orders_of_other_days_wait_for_each_other() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "early", "w-1", "10.00", "0.00");
    let first = import(&server, "", &File::new().paid("o-late", 2_000).text(&today()));
    assert_eq!(
        (first["tally"]["waiting"].as_u64(), first["tally"]["expected"].as_u64()),
        (Some(1), Some(1)),
        "{first}"
    );
    assert_eq!(line(&server, "suspense"), "20.00");
    top_up(&mut client, "late", "w-2", "20.00", "0.00");
    spend(&mut client, "s-1", "w-2", "m-1", "5.00");
    let second = import(&server, "", &File::new().paid("o-early", 1_000).text(&in_days(1)));
    assert_eq!(
        (second["tally"]["matched"].as_u64(), second["tally"]["items"].as_u64()),
        (Some(1), Some(0)),
        "{second}"
    );
    assert!(items(&server, "").is_empty(), "both have found each other");
    assert_eq!((line(&server, "suspense"), line(&server, "channels")), ("0.00".into(), "0.00".into()));
    assert_eq!(proceeds(&server, "m-1"), ["0.00", "5.00"]);
    server.stop();
    ledger.verify();
}

#[test]
fn c4_refunds_of_top_ups_are_matched_by_the_command_that_asked_for_them() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "100.00", "0.00");
    client.done(r#"{"id":"r-1","op":"refund_top_up","top_up":"t-1","amount":"30.00","state":"requested"}"#);
    client.done(r#"{"id":"r-2","op":"refund_top_up","top_up":"t-1","amount":"30.00","state":"confirmed"}"#);
    let day = File::new().paid("o-t-1", 10_000).row("refund", "o-t-1", "r-1", 3_000, -18, "succeeded");
    let done = import(&server, "", &day.text(&today()));
    assert_eq!((done["tally"]["matched"].as_u64(), done["tally"]["items"].as_u64()), (Some(2), Some(0)), "{done}");
    assert_eq!(done["tally"]["matched_amount"], "70.00");
    assert_eq!((line(&server, "channels"), line(&server, "funds")), ("0.00".into(), "-69.58".into()));
    // The channel tells of the refund once more, and of one that nobody asked for.
    let more = File::new().row("refund", "o-t-1", "r-1", 3_000, -18, "succeeded");
    let more = more.row("refund", "o-t-1", "r-9", 100, 0, "succeeded");
    let again = import(&server, "&last=true", &more.text(&in_days(1)));
    assert_eq!(again["tally"]["items"].as_u64(), Some(2), "{again}");
    let expected =
        [("chargeback", "r-9"), ("duplicate", "r-1")].map(|(kind, order)| (kind.to_owned(), order.to_owned()));
    assert_eq!(kinds(&items(&server, "")), expected);
    server.stop();
    ledger.verify();
}

/// How many orders the month has; `FENTAN_RECON_ORDERS=1000000` is the long run.
fn orders() -> i64 {
    std::env::var("FENTAN_RECON_ORDERS").map_or(20_000, |text| text.parse().expect("a number of orders"))
}

/// The terms of the channel of the month, so that fees and kinds of trade can differ.
pub(crate) const MONTH_TERMS: &str = r#"
[[channel]]
name = "wechat"
family = "generic_csv"
fee_percent = "0.6"
trade_types = ["app"]

[[product]]
name = "dollars"
currency = "USD"
decimals = 2
rule = "by_lot"
"#;

/// Of so many orders there is one difference of each of the nine kinds: more than a hundredth differs.
const EACH: i64 = 800;
/// Which of them have their row a day late, and which are booked a day after their row.
const LATE_ROW: i64 = 41;
const LATE_ORDER: i64 = 57;
/// Which is booked in another currency than its row's.
const DOLLARS: i64 = 463;

/// The orders of a chunk of 500 that are booked on a day: top-ups of 10.00 of which 6.00 are spent.
fn booked(client: &mut Client, chunk: i64, is_booked: impl Fn(i64) -> bool) {
    let mut many = Vec::new();
    for n in (0..500).filter(|n| is_booked((chunk * 500 + n) % EACH)) {
        let (id, wallet) = (format!("{chunk}-{n}"), format!("w-{chunk}-{n}"));
        let dollars = (chunk * 500 + n) % EACH == DOLLARS;
        if dollars {
            many.push(format!(
                r#"{{"id":"a-{id}","op":"open_account","account":"{wallet}","kind":"wallet","product":"dollars"}}"#
            ));
        }
        many.push(format!(
            r#"{{"id":"{id}","op":"top_up","account":"{wallet}","principal":"10.00","bonus":"5.00","channel":"wechat","channel_order":"o-{id}"}}"#
        ));
        if !dollars {
            many.push(format!(
                r#"{{"id":"s-{id}","op":"spend","account":"{wallet}","merchant":"m-{}","amount":"6.00"}}"#,
                n % 7
            ));
        }
    }
    client.send(&format!("[{}]", many.join(",")));
    client.answer();
}

/// What the channel says of them on the first day, and on the second: it differs in a hundredth of them.
fn a_month(server: &Server) -> [File; 2] {
    let [mut first, mut second] = [File::new(), File::new()];
    let mut client = server.client();
    for chunk in 0..orders() / 500 {
        booked(&mut client, chunk, |n| n != LATE_ORDER);
        for n in 0..500 {
            let order = format!("o-{chunk}-{n}");
            first = match (chunk * 500 + n) % EACH {
                // Short.
                3 => first,
                LATE_ROW => {
                    second = second.paid(&order, 1_000);
                    first
                }
                107 => first.paid(&order, 1_000).paid(&format!("{order}-more"), 1_000),
                211 => first.paid(&order, 999),
                313 => first.row("payment", &order, "", 1_000, 0, "failed"),
                417 => first.paid(&order, 1_000).paid(&order, 1_000),
                519 => first.paid(&order, 1_000).row("refund", &order, &format!("r-{order}"), 500, -3, "succeeded"),
                623 => first.row("payment", &order, "", 1_000, 7, "succeeded"),
                729 => first.paid(&order, 1_000).by("gift"),
                _ => first.paid(&order, 1_000),
            };
        }
    }
    [first, second]
}

/// The kinds of difference that there are.
const KINDS: [&str; 9] = [
    "long",
    "short",
    "amount_mismatch",
    "status_mismatch",
    "duplicate",
    "chargeback",
    "fee_mismatch",
    "trade_type_mismatch",
    "currency_mismatch",
];

/// Milliseconds from a file's first byte to the kill, for 20,000 orders. The long run is killed at all of them.
const KILLS: [u64; 12] = [30, 90, 200, 400, 55, 310, 150, 20, 480, 250, 120, 360];

#[test]
fn c4_a_month_of_differences_is_found_whole_however_often_a_kill_interrupts() {
    let ledger = Ledger::new();
    let terms = ledger.path("channels.toml");
    let files =
        [include_str!("../../../config/products.toml"), include_str!("../../../config/rules.toml"), MONTH_TERMS];
    std::fs::write(&terms, files.concat()).unwrap();
    let flags = ["--shards", "2", "--catalog", terms.to_str().unwrap()];
    let server = ledger.serve(&flags);
    let days = a_month(&server);
    let files = ["first.csv", "second.csv"].map(|name| ledger.path(name));
    for ((file, day), time) in files.iter().zip(&days).zip([today(), in_days(1)]) {
        std::fs::write(file, day.text(&time)).unwrap();
    }
    let import = |url: &str, day: usize| {
        let what = ["recon", "import", "--channel", "wechat", "--family", "generic_csv", "--json"];
        let last = if day == 1 { &["--last"][..] } else { &[] };
        ledger.run(&[&what[..], last, &["--server", url, files[day].to_str().unwrap()]].concat())
    };
    let ways = u64::try_from(orders() / 20_000).unwrap().max(1);
    let kills = if ways == 1 { 4 } else { KILLS.len() };
    let interrupted = |mut server: Server, day: usize, pauses: &[u64]| {
        for pause in pauses {
            let url = format!("http://{}", server.http);
            server = std::thread::scope(|scope| {
                let sent = scope.spawn(|| import(&url, day));
                std::thread::sleep(std::time::Duration::from_millis(pause * ways));
                server.kill();
                sent.join().unwrap();
                ledger.serve(&flags)
            });
        }
        let url = format!("http://{}", server.http);
        let done = eventually("the end of the import", || {
            let output = import(&url, day);
            let done = json(&String::from_utf8_lossy(&output.stdout));
            assert!(done["ok"] == true || done["code"] == "history_behind", "{done}");
            (done["ok"] == true).then_some(done)
        });
        (server, done)
    };
    let each = orders() / EACH;
    let (server, first) = interrupted(server, 0, &KILLS[..kills]);
    // Nothing is confirmed of what is short, failed, of another amount or currency, or late on either side.
    let confirmed = orders() - 6 * each;
    let counts =
        |done: &Value| ["matched", "items", "waiting", "expected"].map(|name| done["tally"][name].as_i64().unwrap());
    // Long, charge-back and the late order wait for the ledger, short and the late row for
    // the channel.
    assert_eq!(counts(&first), [confirmed, 6 * each, 3 * each, 2 * each], "{first}");
    assert_eq!(first["tally"]["released"], yuan(confirmed * 600), "{first}");

    let mut client = server.client();
    for chunk in 0..orders() / 500 {
        booked(&mut client, chunk, |n| n == LATE_ORDER);
    }
    let (server, second) = interrupted(server, 1, &KILLS[..kills / 2]);
    assert_eq!(counts(&second), [each, each, 0, 0], "{second}");
    assert_eq!(second["tally"]["released"], yuan(each * 600), "{second}");
    assert_eq!(line(&server, "channels"), "0.00", "every order has its row or its item");
    // Long, short, amount, status, duplicate, charge-back, fee: 10.00 - 10.00 - 0.01 - 10.00 + 10.00 - 5.00 - 0.01
    assert_eq!(line(&server, "suspense"), yuan(-502 * each));
    assert_eq!(line(&server, "merchants.unreconciled.paid"), yuan(3 * each * 400), "short, amount and status");
    for kind in KINDS {
        let found = items(&server, &format!("kind={kind}"));
        assert_eq!(i64::try_from(found.len()).unwrap(), each, "all of {kind} are found, and none is invented");
        assert!(found.iter().all(|item| item["state"] == "open"), "nothing waits any longer: {kind}");
    }
    server.stop();
    ledger.verify();
}

#[test]
fn c3_the_real_unionpay_file_reconciles_to_the_fen() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let bytes =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/unionpay/INN17071888ZM_898319849000018")).unwrap();
    let mut client = server.client();
    let mut sum = 0_i64;
    for row in bytes.split(|byte| *byte == b'\n').filter(|row| row.len() >= 607) {
        let text = |from: usize, to: usize| std::str::from_utf8(&row[from..to]).unwrap().trim().to_owned();
        // Columns 7 and 10 of the layout in docs/statements.md.
        let (fen, query) = (text(66, 78).parse::<i64>().unwrap(), text(87, 108));
        sum += fen;
        client.done(&format!(
            r#"{{"id":"{query}","op":"top_up","account":"w-{}","principal":"{}","channel":"unionpay","channel_order":"{query}"}}"#,
            sum % 97,
            yuan(fen)
        ));
    }
    assert_eq!(yuan(sum), "47275463.94");
    let path =
        "/v1/statements?channel=unionpay&name=INN17071888ZM_898319849000018&rows=1207&payment_amount=47275463.94";
    let answer = server.http().exchange("POST", path, &[], &bytes);
    let done = json(answer.body.lines().last().unwrap());
    assert_eq!(
        (done["tally"]["matched"].as_u64(), done["tally"]["matched_amount"].as_str(), done["tally"]["items"].as_u64()),
        (Some(1_207), Some("47275463.94"), Some(0)),
        "{done}"
    );
    assert_eq!((line(&server, "channels"), line(&server, "funds")), ("0.00".into(), "-47275174.26".into()));
    assert_eq!(line(&server, "fee"), "-289.68");
    server.stop();
    ledger.verify();
}

#[test]
fn provenance_goes_from_a_row_forward_and_from_a_top_up_back() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "100.00", "180.00");
    spend(&mut client, "s-1", "w-1", "m-1", "28.00");
    let done = import(&server, "", &File::new().paid("o-t-1", 10_000).paid("o-x", 100).text(&today()));
    let file = done["file"].as_str().unwrap().to_owned();
    let row = server.http().get(&format!("/v1/trace?file={file}&line=2")).json();
    assert_eq!((&row["row"]["order"], &row["confirmed"]["top_up"]), (&json(r#""o-t-1""#), &json(r#""t-1""#)), "{row}");
    assert_eq!(row["confirmed"]["spends"][0]["id"], "s-1");
    assert_eq!(row["confirmed"]["released"][0]["amount"], "28.00");
    let other = server.http().get(&format!("/v1/trace?file={file}&line=3")).json();
    assert_eq!((&other["items"][0]["kind"], &other["confirmed"]), (&json(r#""long""#), &Value::Null), "{other}");
    let back = server.http().get("/v1/trace?top_up=t-1").json();
    assert_eq!((back["row"]["file"].as_str(), back["row"]["line"].as_u64()), (Some(&*file), Some(2)), "{back}");
    let none = server.http().get("/v1/trace?top_up=t-9").json();
    assert_eq!(none["code"], "unknown_top_up");
    server.stop();
}

#[test]
fn c3_bad_requests_about_statements_name_the_field() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let post = |query: &str| {
        let answer = server.http().exchange("POST", &format!("/v1/statements?{query}"), &[], b"x");
        json(answer.body.lines().last().unwrap())
    };
    for (query, field) in [
        ("", "channel"),
        ("channel=", "channel"),
        ("channel=nobody", "family"),
        ("channel=wechat&family=telegram", "family"),
        ("channel=wechat&payment_amount=1.234", "payment_amount"),
        ("channel=wechat&payment_amount=-", "payment_amount"),
        ("channel=wechat&moon=full", "moon"),
        ("channel=wechat&family=wechat_fundflow&rows=x", "query"),
    ] {
        let refused = post(query);
        assert_eq!(
            (refused["code"].as_str(), refused["field"].as_str()),
            (Some("bad_request"), Some(field)),
            "{query}: {refused}"
        );
    }
    for (query, field) in
        [("state=asleep", "state"), ("kind=odd", "kind"), ("format=xml", "format"), ("page=2", "page")]
    {
        let refused = server.http().get(&format!("/v1/items?{query}")).json();
        assert_eq!(
            (refused["code"].as_str(), refused["field"].as_str()),
            (Some("bad_request"), Some(field)),
            "{refused}"
        );
    }
    let empty = post("channel=wechat");
    assert_eq!(empty["code"], "statement_refused", "{empty}");
    let unknown = server.http().exchange("POST", "/v1/items/i-1", &[], br#"{"by":"a","action":"approve"}"#).json();
    assert_eq!((&unknown["code"], &unknown["kind"]), (&json(r#""unknown_document""#), &json(r#""item""#)), "{unknown}");
    server.stop();
}
