//! What bounds offers (W1) and wallets (W5), and what a refund gives back to what has expired (A9).

use crate::scripts::run;
use crate::support::{Client, Ledger, Server, eventually};
use serde_json::Value;

fn serve(ledger: &Ledger, shards: &str) -> Server {
    let catalog = ledger.path("catalog.toml");
    std::fs::write(&catalog, include_str!("scripts/bounds.toml")).unwrap();
    ledger.serve(&["--shards", shards, "--catalog", catalog.to_str().unwrap()])
}

#[test]
fn w1_w5_offers_and_wallets_are_bounded() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let mut server = serve(&ledger, shards);
        run(&mut server, include_str!("scripts/bounds.txt"));
        // The wait depends on the clock: the third payment of a wallet that may pay twice a day.
        let third = server.client().ask(r#"{"id":"v-1","op":"spend","account":"p","merchant":"m","amount":"0.10"}"#);
        assert_eq!((third["code"].as_str(), third["spends"].as_u64()), (Some("too_many_spends"), Some(2)), "{third}");
        let wait = third["retry_after_ms"].as_u64().unwrap();
        assert!((86_000_000..=86_400_000).contains(&wait), "{third}");
        server.stop();
        ledger.verify();
        // After a restart the budget is as exhausted as before, and the window as full.
        let server = serve(&ledger, if shards == "1" { "2" } else { "1" });
        let mut client = server.client();
        let purse = client.ask(r#"{"id":"v-2","op":"top_up","account":"z","principal":"10.00","offer":"purse"}"#);
        assert_eq!(
            (purse["code"].as_str(), purse["left"].as_str()),
            (Some("budget_exhausted"), Some("0.00")),
            "{purse}"
        );
        let fourth = client.ask(r#"{"id":"v-3","op":"spend","account":"p","merchant":"m","amount":"0.10"}"#);
        assert_eq!(fourth["code"], "too_many_spends", "{fourth}");
        server.stop();
    }
}

fn moment(text: &Value) -> jiff::Timestamp {
    text.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no moment: {text}"))
}

fn breakage(client: &mut Client) -> String {
    let answer = client.ask(r#"{"id":"k","op":"balance","account":"breakage:CNY"}"#);
    answer["balance"]["available"].as_str().unwrap_or("0.00").to_owned()
}

#[test]
fn a9_a_refund_to_an_expired_part_restores_or_forfeits_as_the_spend_s_rule_says() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let server = serve(&ledger, shards);
        let mut client = server.client();
        let now = moment(&client.done(r#"{"id":"p","op":"ping"}"#)["at"]);
        let ends = format!("{:.6}", jiff::Timestamp::from_microsecond(now.as_microsecond() + 1_500_000).unwrap());
        client.done(&format!(
            r#"{{"id":"t","op":"top_up","account":"w","principal":"10.00","bonus":"10.00","bonus_expires_at":"{ends}"}}"#
        ));
        client.done(r#"{"id":"plain","op":"spend","account":"w","merchant":"m","amount":"4.00"}"#);
        client.done(r#"{"id":"kind","op":"spend","account":"w","merchant":"m","amount":"4.00","rule":"kind"}"#);
        // What was left of the bonus is breakage.
        eventually("the end of the bonus", || (breakage(&mut client) == "6.00").then_some(()));
        client.done(r#"{"id":"r-1","op":"refund","spend":"plain","amount":"2.00"}"#);
        assert_eq!(breakage(&mut client), "7.00", "forfeited at once");
        assert_eq!(client.available("w"), "7.00");
        let refund = client.done(r#"{"id":"r-2","op":"refund","spend":"kind","amount":"2.00"}"#);
        assert_eq!((breakage(&mut client).as_str(), client.available("w").as_str()), ("7.00", "9.00"));
        let wallet = client.done(r#"{"id":"b","op":"balance","account":"w"}"#);
        let part = wallet["lots"][0]["parts"]
            .as_array()
            .and_then(|parts| parts.iter().find(|part| part["sub"] == "bonus").cloned())
            .expect("the bonus lives again");
        assert_eq!(part["left"], "1.00");
        let lives = moment(&part["expires_at"]).as_microsecond() - moment(&refund["at"]).as_microsecond();
        assert_eq!(lives, 7 * 86_400 * 1_000_000);
        // It pays again, and a refund of a plain spend is given back to a part that lives.
        client.done(r#"{"id":"again","op":"spend","account":"w","merchant":"m","amount":"9.00"}"#);
        client.done(r#"{"id":"r-3","op":"refund","spend":"again"}"#);
        assert_eq!((breakage(&mut client).as_str(), client.available("w").as_str()), ("7.00", "9.00"));
        server.stop();
        ledger.verify();
    }
}
