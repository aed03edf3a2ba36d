//! Another file of a day that was imported (rule C3): what is new is booked, what the channel changes or takes back becomes
//! a difference of what it brings more or less, and nothing is booked twice.

use crate::recon::{File, import, in_days, items, kinds, line, today, top_up, wallet, work};
use crate::support::{Ledger, Server, json};
use serde_json::Value;

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<_> = pairs.iter().map(|(kind, order)| ((*kind).to_owned(), (*order).to_owned())).collect();
    all.sort();
    all
}

fn of(open: &[Value], order: &str) -> Value {
    open.iter().find(|item| item["order"] == order).cloned().unwrap_or_else(|| panic!("no item of {order}: {open:?}"))
}

fn resolve(server: &Server, item: &Value, how: &str) -> Value {
    work(
        server,
        item,
        &format!(r#"{{"by":"ann","action":"resolve","resolution":{how},"reason":"the channel is right"}}"#),
    )
}

#[test]
fn c3_rows_that_another_file_changes_or_leaves_out_are_items_and_the_funds_are_that_file_s() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    for (id, principal) in
        [("a", "100.00"), ("b", "50.00"), ("c", "10.00"), ("d", "20.00"), ("e", "40.00"), ("f", "30.00")]
    {
        top_up(&mut client, id, &format!("w-{id}"), principal, "0.00");
    }
    client.done(r#"{"id":"r-e","op":"refund_top_up","top_up":"e","amount":"10.00"}"#);
    let time = today();
    let before = File::new()
        .paid("o-a", 10_000)
        .row("payment", "o-f", "", 3_000, 0, "failed")
        .paid("o-e", 4_000)
        .row("refund", "o-e", "r-e", 1_000, -6, "succeeded")
        .paid("o-c", 1_000)
        .paid("o-b", 5_000)
        .text(&time);
    let first = import(&server, "", &before);
    assert_eq!((first["tally"]["matched"].as_u64(), first["tally"]["items"].as_u64()), (Some(5), Some(1)), "{first}");
    // 100.00 + 40.00 - 10.00 + 10.00 + 50.00, less fees of 0.60 + 0.24 - 0.06 + 0.06 + 0.30
    assert_eq!((line(&server, "funds"), line(&server, "fee")), ("-188.86".into(), "-1.14".into()));

    // Less was paid, one succeeded after all, less was refunded, one is new, and o-b is gone.
    let after = File::new()
        .paid("o-a", 9_900)
        .paid("o-f", 3_000)
        .paid("o-e", 4_000)
        .row("refund", "o-e", "r-e", 500, -3, "succeeded")
        .paid("o-c", 1_000)
        .paid("o-d", 2_000)
        .text(&time);
    let books = server.trial_balance();
    let refused = import(&server, "", &after);
    let counts = ["added", "changed", "removed"].map(|name| refused[name].as_u64());
    assert_eq!(
        (refused["code"].as_str(), counts),
        (Some("statement_changed"), [Some(1), Some(3), Some(1)]),
        "{refused}"
    );
    assert_eq!(refused["beside"], false, "{refused}");
    assert_eq!(server.trial_balance()["accounts"], books["accounts"], "nothing was booked");

    let taken = import(&server, "&accept_changes=true", &after);
    assert_eq!((taken["tally"]["matched"].as_u64(), taken["tally"]["items"].as_u64()), (Some(2), Some(3)), "{taken}");
    let open = items(&server, "");
    assert_eq!(kinds(&open), expected(&[("chargeback", "o-a"), ("chargeback", "o-b"), ("long", "r-e")]));
    // 99.00 + 30.00 + 40.00 - 5.00 + 10.00 + 20.00, less fees of 0.59 + 0.18 + 0.24 - 0.03 + 0.06 + 0.12
    assert_eq!((line(&server, "funds"), line(&server, "fee")), ("-192.84".into(), "-1.16".into()));
    assert_eq!((line(&server, "channels"), line(&server, "suspense")), ("0.00".into(), "-46.00".into()));
    let cover = &server.http().get("/v1/cover").json()["currencies"]["CNY"].clone();
    assert_eq!(
        (&cover["difference"], &cover["items"]["suspense"]),
        (&json(r#""-47.16""#), &json(r#""-46.00""#)),
        "{cover}"
    );
    let less = of(&open, "o-a");
    assert_eq!((&less["stated"], &less["ledger"]), (&json(r#""1.00""#), &json(r#""a""#)), "{less}");
    assert!(
        less["note"].as_str().unwrap().contains("said 100.00 (succeeded), fee 0.60; this one says 99.00"),
        "{less}"
    );

    // Both files once more change nothing.
    let books = server.trial_balance();
    for file in [&before, &after] {
        assert_eq!(import(&server, "&accept_changes=true", file)["unchanged"], true);
    }
    assert_eq!(server.trial_balance()["accounts"], books["accounts"]);

    assert_eq!(resolve(&server, &less, r#""rematch","top_up":"a""#)["state"], "resolved");
    assert_eq!(wallet(&mut client, "w-a")["principal"], "99.00", "the channel took 1.00 of it back");
    for order in ["o-b", "r-e"] {
        assert_eq!(resolve(&server, &of(&open, order), r#""write_off""#)["state"], "resolved");
    }
    assert_eq!(wallet(&mut client, "w-b")["principal"], "50.00", "what is written off is not the customer's");
    assert_eq!((line(&server, "suspense"), line(&server, "write_off")), ("0.00".into(), "-45.00".into()));

    // A third file stands in the place of the second: what the second left out is not missed again.
    let third = after.replace(",20.00,0.12,", ",20.00,0.20,").replace(",1.16\n", ",1.24\n");
    let refused = import(&server, "", &third);
    let counts = ["added", "changed", "removed"].map(|name| refused[name].as_u64());
    assert_eq!(counts, [Some(0), Some(1), Some(0)], "{refused}");
    import(&server, "&accept_changes=true", &third);
    let fee = items(&server, "").remove(0);
    assert_eq!((&fee["kind"], &fee["suspense"]), (&json(r#""fee_mismatch""#), &json(r#""-0.08""#)), "{fee}");
    assert_eq!((line(&server, "funds"), line(&server, "fee")), ("-192.76".into(), "-1.16".into()));
    assert_eq!(resolve(&server, &fee, r#""accept""#)["state"], "resolved");
    assert_eq!((line(&server, "suspense"), line(&server, "fee")), ("0.00".into(), "-1.24".into()));
    server.stop();
    ledger.verify();
}

#[test]
fn c3_a_file_that_has_no_row_in_common_stands_beside_the_other() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "100.00", "0.00");
    client.done(r#"{"id":"r-1","op":"refund_top_up","top_up":"t-1","amount":"30.00"}"#);
    let time = today();
    let payments = File::new().paid("o-t-1", 10_000).text(&time);
    let refunds = File::new().row("refund", "o-t-1", "r-1", 3_000, -18, "succeeded").text(&time);
    import(&server, "", &payments);
    let refused = import(&server, "", &refunds);
    let told = (refused["added"].as_u64(), refused["removed"].as_u64(), refused["beside"].as_bool());
    assert_eq!(told, (Some(1), Some(0), Some(true)), "{refused}");
    let taken = import(&server, "&accept_changes=true", &refunds);
    assert_eq!((taken["tally"]["matched"].as_u64(), taken["tally"]["items"].as_u64()), (Some(1), Some(0)), "{taken}");
    // One that has rows of the second alone stands in the place of the second alone.
    let again = refunds.replace(",-0.18,", ",-0.17,").replace(",-0.18\n", ",-0.17\n");
    let refused = import(&server, "", &again);
    let told = (refused["changed"].as_u64(), refused["removed"].as_u64(), refused["beside"].as_bool());
    assert_eq!(told, (Some(1), Some(0), Some(false)), "{refused}");
    assert!(items(&server, "").is_empty());
    assert_eq!((line(&server, "channels"), line(&server, "funds")), ("0.00".into(), "-69.58".into()));
    server.stop();
    ledger.verify();
}

#[test]
fn c3_a_file_of_one_channel_is_refused_under_another_also_when_it_is_booked() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "10.00", "0.00");
    let file = File::new().paid("o-t-1", 1_000).text(&in_days(0));
    assert_eq!(import(&server, "", &file)["ok"], true);
    let path = "/v1/statements?channel=alipay&family=generic_csv&name=st.csv";
    let answer = server.http().exchange("POST", path, &[], file.as_bytes());
    let refused = json(answer.body.lines().last().unwrap());
    assert_eq!((&refused["code"], &refused["field"]), (&json(r#""bad_request""#), &json(r#""channel""#)), "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("the channel wechat"), "{refused}");
    server.stop();
}
