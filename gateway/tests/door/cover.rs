//! The cover (C2, C7) over the real doors, with numbers that were worked out by hand.

use crate::recon::{File, import, items, spend, today, top_up, work};
use crate::support::{Ledger, Server, eventually};
use serde_json::Value;

/// The cover in yuan: the name of a figure, of an item with a dot before it, and what it is.
fn assert_cover(server: &Server, covered: bool, expected: &[(&str, &str)]) {
    let answer = server.http().get("/v1/cover").json();
    let cover = &answer["currencies"]["CNY"];
    assert_eq!(cover["covered"], covered, "{answer}");
    for (name, amount) in expected {
        let found = match name.strip_prefix('.') {
            Some(item) => &cover["items"][item],
            None => &cover[*name],
        };
        assert_eq!(found, amount, "{name} of {cover}");
    }
    let fen = |value: &Value| value.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let items = cover["items"].as_object().unwrap();
    assert_eq!(
        items.values().map(fen).sum::<i64>(),
        fen(&cover["difference"]),
        "the items are the difference: {cover}"
    );
    let stated = expected.iter().filter(|(name, _)| name.starts_with('.')).count();
    let zeros = items.values().filter(|minor| fen(minor) == 0).count();
    assert!(stated + zeros >= items.len(), "every item that is not zero was worked out: {cover}");
}

/// A gauge of the cover, when it is there.
fn gauge(server: &Server, name: &str) -> Option<f64> {
    let text = server.http().get("/metrics").body;
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{currency=\"CNY\"}}")))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn the_cover_and_its_gauges_are_what_was_worked_out_by_hand() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    // t-1: 100.00 and a gift of 180.00, of which a spend took 50.00 and 90.00. t-2: 50.00, of which 20.00 are spent.
    top_up(&mut client, "t-1", "w-1", "100.00", "180.00");
    spend(&mut client, "s-1", "w-1", "m-1", "140.00");
    top_up(&mut client, "t-2", "w-2", "50.00", "0.00");
    spend(&mut client, "s-2", "w-2", "m-1", "20.00");
    // Before any statement channels owe what customers and merchants have.
    let before = [("principal", "80.00"), ("merchants", "70.00"), ("channels", "150.00"), ("difference", "0.00")];
    assert_cover(&server, true, &before);

    // The channel has t-1's 100.00 less 0.60, and 30.00 less 0.18 of nobody; of t-2 it has nothing.
    let day = File::new().paid("o-t-1", 10_000).paid("o-nobody", 3_000);
    assert_eq!(import(&server, "&last=true", &day.text(&today()))["tally"]["items"], 2);
    let found = [
        ("principal", "80.00"),
        ("merchants", "70.00"),
        ("owed", "150.00"),
        ("channels", "0.00"),
        ("funds", "129.22"),
        ("bank", "0.00"),
        ("there", "129.22"),
        ("difference", "-20.78"),
        (".suspense", "-20.00"),
        (".channel_fees", "-0.78"),
    ];
    assert_cover(&server, false, &found);

    // Nobody's money is ours; t-2 never came: 30.00 are taken from the wallet, and it owes 20.00.
    let of = |kind: &str| items(&server, &format!("kind={kind}")).remove(0);
    let off = r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"nobody asks for it"}"#;
    assert_eq!(work(&server, &of("long"), off)["state"], "resolved");
    let never = r#"{"by":"ann","action":"resolve","resolution":"never_arrived","reason":"the channel has nothing"}"#;
    assert_eq!(work(&server, &of("short"), never)["state"], "suspended");
    // 100.00 of the funds come to the bank, for 0.22.
    client.done(r#"{"id":"b-1","op":"withdraw_funds","channel":"wechat","amount":"100.00","fee":"0.22"}"#);
    let after = [
        ("principal", "50.00"),
        ("merchants", "70.00"),
        ("owed", "120.00"),
        ("channels", "0.00"),
        ("funds", "29.00"),
        ("bank", "100.00"),
        ("there", "129.00"),
        ("difference", "9.00"),
        (".arrears", "-20.00"),
        (".written_off", "30.00"),
        (".channel_fees", "-1.00"),
    ];
    assert_cover(&server, true, &after);
    server.stop();

    // The gauges are set at the start, and every minute.
    let server = ledger.serve(&["--shards", "2"]);
    eventually("the gauges", || gauge(&server, "fentan_cover_owed_minor"));
    let gauges = ["owed", "there", "suspense"].map(|name| gauge(&server, &format!("fentan_cover_{name}_minor")));
    assert_eq!(gauges, [Some(12_000.0), Some(12_900.0), Some(0.0)]);
    server.stop();
    ledger.verify();
}
