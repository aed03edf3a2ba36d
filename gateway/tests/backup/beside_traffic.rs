//! A backup beside traffic.

use crate::desk::{Traffic, assert_balances, assert_has_exactly, backup, files, no_backup, restore, said};
use crate::support::{Ledger, eventually};

#[test]
fn e6_a_backup_beside_traffic_has_every_acknowledged_command_up_to_its_position_and_no_other() {
    let ledger = Ledger::new();
    // Checkpoints come and go while the store's image is made.
    let server = ledger.serve(&["--shards", "2", "--checkpoint-records", "3000"]);
    let traffic = Traffic::begin(&server, "a", 3);
    eventually("a checkpoint", || (server.http().get("/readyz").json()["checkpoint"].as_u64()? > 6000).then_some(()));
    let first = backup(&ledger, &server, "first", &[]);
    let second = backup(&ledger, &server, "second", &["--mib-per-second", "0"]);
    let told = traffic.end();
    assert_eq!((&first["ok"], &first["kind"]), (&true.into(), &"full".into()), "{first}");
    server.stop();

    for (taken, name) in [(first, "first"), (second, "second")] {
        let position = taken["position"].as_u64().unwrap();
        let last = told.last().unwrap().seq();
        assert!(position > 6000 && position <= last, "{position} of {last}");
        let (target, restored) = restore(&ledger, &[name], &["--verify"]);
        assert_eq!(restored["position"], position, "{restored}");
        assert_eq!(restored["left_out"], 0, "{restored}");
        let server = target.serve(&["--shards", "2"]);
        assert!(server.replayed() <= position - taken["checkpoint"].as_u64().unwrap(), "{}", server.log());
        assert_balances(&server, &told, position);
        assert_has_exactly(&server, &told, position);
        server.trial_balance();
        // The history was not in the backup, and is made anew.
        eventually("the history", || {
            let ready = server.http().get("/readyz").json();
            (ready["history_indexed_to"].as_u64()? >= position).then_some(())
        });
        server.stop();
        target.verify();
    }
    ledger.verify();
}

#[test]
fn e6_rules_and_statements_come_back_byte_for_byte() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    server
        .client()
        .done(r#"{"id":"t","op":"top_up","account":"a","principal":"9.00","channel":"wechat","channel_order":"o"}"#);
    let statement = format!(
        "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type\n\
         {:.0},payment,o,ch-1,,9.00,0.05,CNY,succeeded,app\n#total,1,1,9.00,0,0.00,0.05\n",
        jiff::Timestamp::now()
    );
    let path = "/v1/statements?channel=wechat&family=generic_csv&name=st.csv";
    let imported = server.http().exchange("POST", path, &[], statement.as_bytes()).body;
    assert!(imported.lines().last().unwrap().contains("\"ok\":true"), "{imported}");
    backup(&ledger, &server, "full", &[]);
    server.stop();
    let (target, _) = restore(&ledger, &["full"], &[]);
    for name in ["rules", "statements"] {
        let relative = |ledger: &Ledger| {
            let folder = ledger.path("data").join(name);
            let found = files(&folder).into_iter();
            found.map(|(path, bytes)| (path.strip_prefix(&folder).unwrap().to_owned(), bytes)).collect::<Vec<_>>()
        };
        assert!(!relative(&ledger).is_empty());
        assert_eq!(relative(&ledger), relative(&target), "{name}");
    }
    let server = target.serve(&[]);
    let again = server.http().exchange("POST", path, &[], statement.as_bytes()).body;
    assert!(again.contains("\"unchanged\":true"), "{again}");
}

#[test]
fn e6_an_idle_and_an_empty_ledger_are_backed_up_as_well_running_and_stopped() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let empty = backup(&ledger, &server, "empty", &[]);
    assert_eq!((empty["position"].as_u64(), &empty["at"]), (Some(0), &serde_json::Value::Null), "{empty}");
    let told = crate::desk::some(&server, "a");
    let end = told.last().unwrap().seq();
    let in_use = ledger.run(&["backup", "--data", "data", "--to", "stopped"]);
    assert!(said(&in_use).contains("another process uses this data folder"), "{}", said(&in_use));
    // Killed, so that the store lacks what the journal has.
    server.kill();
    let output = ledger.run(&["backup", "--data", "data", "--to", "stopped"]);
    assert!(output.status.success() && said(&output).contains("full backup taken and read back"), "{}", said(&output));
    for (name, position) in [("empty", 0), ("stopped", end)] {
        let check = ledger.run(&["backup", "--check", name]);
        assert!(check.status.success() && said(&check).contains("sound"), "{}", said(&check));
        let (target, restored) = restore(&ledger, &[name], &[]);
        assert_eq!(restored["position"], position, "{restored}");
        let server = target.serve(&[]);
        assert_has_exactly(&server, &told, position);
    }
}

#[test]
fn e6_a_bad_request_for_a_backup_is_refused_with_its_field_and_harms_nothing() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&[]);
    crate::desk::some(&server, "a");
    for (body, field) in [
        ("", "body"),
        ("{}", "body"),
        (r#"{"to":"relative"}"#, "to"),
        (r#"{"to":"/x","since":"relative"}"#, "since"),
        (r#"{"to":"/x","mib_per_second":-1}"#, "body"),
        (r#"{"to":"/x","mib_per_second":18446744073709551615}"#, "mib_per_second"),
        (r#"{"to":"/x","other":1}"#, "body"),
    ] {
        let answer = server.http().exchange("POST", "/v1/backups", &[], body.as_bytes());
        assert_eq!((answer.status, &answer.json()["field"]), (400, &field.into()), "{body}: {}", answer.body);
    }
    std::fs::create_dir(ledger.path("full")).unwrap();
    std::fs::write(ledger.path("full/holiday.jpg"), "x").unwrap();
    assert!(no_backup(&ledger, &server, "full", &[]).contains("not empty"));
    assert!(no_backup(&ledger, &server, "data/b", &[]).contains("inside of the data folder"));
    assert!(!ledger.path("data/b").exists());
    assert!(no_backup(&ledger, &server, "b", &["--since", "nothing"]).contains("no MANIFEST.toml"));
    let beyond = no_backup(&ledger, &server, "c", &["--since", "999999999"]);
    assert!(beyond.contains("999999999") && beyond.contains("positions 1 to"), "{beyond}");
    server.assert_well();
    server.stop();
    ledger.verify();
}
