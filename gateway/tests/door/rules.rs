//! A6: rules of a running server are reloaded whole or not at all, and old versions stay readable.

use crate::support::{Http, Ledger, Server, eventually, json};
use serde_json::Value;
use std::path::PathBuf;

const PRODUCT: &str = "[[product]]\nname = \"default\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"r\"\n";

/// A rule `r` whose order begins with principal or bonus.
fn rule(version: u32, first: &str, more: &str) -> String {
    let second = if first == "principal" { "bonus" } else { "principal" };
    format!(
        "[[rule]]\nname = \"r\"\nversion = {version}\nmethod = \"ordered\"\norder = [\"{first}\", \"{second}\"]\n{more}"
    )
}

struct Served {
    ledger: Ledger,
    server: Server,
    catalog: PathBuf,
}

impl Served {
    fn new(text: &str) -> Self {
        let ledger = Ledger::new();
        let catalog = ledger.path("catalog.toml");
        std::fs::write(&catalog, text).unwrap();
        let server = ledger.serve(&["--shards", "2", "--catalog", catalog.to_str().unwrap()]);
        server.client().done(r#"{"id":"t","op":"top_up","account":"w","principal":"1000.00","bonus":"1000.00"}"#);
        Self { ledger, server, catalog }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.catalog, text).unwrap();
    }

    fn reload(&self) -> (u16, Value) {
        let response = self.server.http().exchange("POST", "/v1/rules/reload", &[], b"");
        (response.status, response.json())
    }

    /// The rule of a spend, and the sub-balances that pay for it.
    fn spend(&self, id: &str) -> (String, Vec<String>) {
        let ask = format!(r#"{{"id":"{id}","op":"spend","account":"w","merchant":"m","amount":"1.00"}}"#);
        let answer = self.server.client().done(&ask);
        let subs = answer["lines"].as_array().unwrap().iter();
        let subs = subs.map(|line| line["sub"].as_str().unwrap().to_owned()).collect();
        (answer["rule"].as_str().unwrap().to_owned(), subs)
    }

    fn archived(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.ledger.path("data").join("rules")).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn of(rule: &str, sub: &str) -> (String, Vec<String>) {
    (rule.into(), vec![sub.into()])
}

fn metric(http: &Http, result: &str) -> bool {
    let line = format!("fentan_catalog_reloads_total{{result=\"{result}\"}} 1");
    http.get("/metrics").body.lines().any(|found| found == line)
}

#[test]
fn a6_a_reload_puts_new_rules_in_force_and_a_bad_one_changes_nothing() {
    let served = Served::new(&format!("{PRODUCT}{}", rule(1, "principal", "")));
    assert_eq!(served.spend("s-1"), of("r@1", "principal"));
    served.write(&format!("{PRODUCT}{}", rule(2, "bonus", "")));
    assert_eq!(served.spend("s-2"), of("r@1", "principal"), "a file that nobody has read");
    let (status, answer) = served.reload();
    assert_eq!((status, &answer["ok"], &answer["changed"]), (200, &true.into(), &true.into()), "{answer}");
    assert_eq!(served.spend("s-3"), of("r@2", "bonus"));

    served.write(&format!("{PRODUCT}{}", rule(3, "principal", "").replace("\"bonus\"", "\"gold\"")));
    let (status, answer) = served.reload();
    assert_eq!((status, &answer["code"]), (422, &"rules_refused".into()), "{answer}");
    let said = answer["errors"][0].as_str().unwrap();
    assert!(said.contains("catalog.toml:10:1: rule \"r\", order: there is no sub-balance \"gold\""), "{said}");
    assert_eq!(served.spend("s-4"), of("r@2", "bonus"));
    assert!(served.server.log().contains("rules not reloaded, the old ones stay in force"), "{}", served.server.log());
    let http = served.server.http();
    assert!(metric(&http, "ok") && metric(&http, "refused"), "{}", http.get("/metrics").body);

    // What a spend was divided by can still be read, though no file has it.
    assert_eq!(served.server.http().get("/v1/spends/s-1").json()["rule"], "r@1");
    let old = served.server.http().get("/v1/rules/r?version=1").json();
    assert_eq!((&old["order"][0], &old["version"]), (&"principal".into(), &1.into()), "{old}");
    let listed = served.server.http().get("/v1/rules").json();
    let standing = |n: usize| &listed["rules"][0]["versions"][n]["standing"];
    assert_eq!((standing(0), standing(1)), (&"archived".into(), &"in_force".into()), "{listed}");
    assert_eq!(served.archived(), ["r@1.toml", "r@2.toml"]);
    served.server.stop();
    served.ledger.verify();
}

#[test]
fn a6_sighup_reloads_as_well() {
    let served = Served::new(&format!("{PRODUCT}{}", rule(1, "principal", "")));
    served.write(&format!("{PRODUCT}{}", rule(2, "bonus", "")));
    served.server.hang_up();
    let http = served.server.http();
    eventually("version 2", || (http.get("/v1/rules/r").json()["version"] == 2).then_some(()));
    assert_eq!(served.spend("s-1"), of("r@2", "bonus"));
    served.write("[[rule]");
    served.server.hang_up();
    eventually("a refusal", || metric(&http, "refused").then_some(()));
    assert_eq!(served.spend("s-2"), of("r@2", "bonus"));
}

#[test]
fn a6_a_version_that_was_in_use_keeps_its_content() {
    let served = Served::new(&format!("{PRODUCT}{}", rule(1, "principal", "")));
    // Other words for the same rule are the same rule.
    served.write(&format!(
        "# a comment\n{PRODUCT}{}",
        rule(1, "principal", "lots = \"fifo\"\ndescription = \"other\"\n")
    ));
    assert_eq!(served.reload().0, 200);
    served.write(&format!("{PRODUCT}{}", rule(1, "bonus", "")));
    let (status, answer) = served.reload();
    let said = answer["errors"][0].as_str().unwrap_or_default().to_owned();
    assert_eq!(status, 422, "{answer}");
    assert!(
        said.ends_with(
            "catalog.toml:8:1: rule \"r\", version: r@1 was in use with other content (method); give it version 2"
        ),
        "{said}"
    );
    assert_eq!(served.spend("s-1"), of("r@1", "principal"));

    // A start refuses it as well.
    let Served { ledger, server, catalog } = served;
    server.stop();
    let refused = ledger.refused_to_serve(&["--catalog", catalog.to_str().unwrap()]);
    assert!(refused.contains("r@1 was in use with other content (method); give it version 2"), "{refused}");
}

#[test]
fn a6_a_version_whose_time_has_not_come_may_still_change() {
    let planned = |first: &str| {
        let later = rule(2, first, "effective_from = 2199-01-01T00:00:00Z\n");
        format!("{PRODUCT}{}{later}", rule(1, "principal", ""))
    };
    let served = Served::new(&planned("principal"));
    served.write(&planned("bonus"));
    let (status, answer) = served.reload();
    assert_eq!(status, 200, "{answer}");
    assert_eq!(served.spend("s-1"), of("r@1", "principal"));
    let shown = served.server.http().get("/v1/rules/r?version=2").json();
    assert_eq!((&shown["order"][0], &shown["effective_from"]), (&"bonus".into(), &"2199-01-01T00:00:00Z".into()));
    let listed = served.server.http().get("/v1/rules").json();
    assert_eq!(listed["rules"][0]["versions"][1]["standing"], "planned", "{listed}");
    assert_eq!(served.archived(), ["r@1.toml", "r@2.toml"]);
    // One that is taken back before its time was never there: its number is free.
    served.write(&format!("{PRODUCT}{}", rule(1, "principal", "")));
    assert_eq!(served.reload().0, 200);
    assert_eq!(served.archived(), ["r@1.toml"]);
    assert_eq!(served.server.http().get("/v1/rules/r?version=2").status, 404);
    // One that begins in a moment may be in use before the reload is done.
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(30);
    let soon = |first: &str| planned(first).replace("2199-01-01T00:00:00Z", &soon.to_string());
    served.write(&soon("principal"));
    assert_eq!(served.reload().0, 200);
    served.write(&soon("bonus"));
    let (status, answer) = served.reload();
    assert!(status == 422 && answer.to_string().contains("other content (method); give it version 3"), "{answer}");
}

#[test]
fn a6_a_reload_cannot_change_currencies_and_sub_balance_numbers() {
    let card = "[[sub_balance]]\nname = \"card\"\nnumber = 2\npromoted = false\n";
    let good = format!("{PRODUCT}{}{card}", rule(1, "principal", ""));
    let served = Served::new(&good);
    for (from, to, said) in [
        (
            "currency = \"CNY\"",
            "currency = \"EUR\"",
            "catalog.toml:3:1: product \"default\", currency: its currency is CNY with 2 decimals",
        ),
        ("decimals = 2", "decimals = 3", "product \"default\", currency: its currency is CNY with 2 decimals"),
        ("number = 2", "number = 3", "catalog.toml:13:1: sub_balance \"card\", number: its number is 2"),
        (
            "promoted = false",
            "promoted = true",
            "catalog.toml:14:1: sub_balance \"card\", promoted: promotions do not fund it",
        ),
        (card, "", "sub_balance \"card\": is in use: a reload cannot take it away"),
    ] {
        assert!(good.contains(from));
        served.write(&good.replace(from, to));
        let (status, answer) = served.reload();
        let errors = answer["errors"].to_string().replace("\\\"", "\"");
        assert_eq!(status, 422, "{to} {answer}");
        assert!(errors.contains(said), "{errors}\n{said}");
    }
    served.write(&good.replace("number = 2", "number = 2 # the same"));
    assert_eq!(served.reload(), (200, json(r#"{"ok":true,"changed":false,"rules":1,"warnings":[]}"#)));
}

/// Requests go on while rules change: each is divided by one rule or the other, as its answer says.
#[test]
fn a6_requests_are_answered_while_rules_are_reloaded() {
    let served = Served::new(&format!("{PRODUCT}{}", rule(1, "principal", "")));
    let mut client = served.server.client();
    let mut asks = String::new();
    for n in 0..600 {
        asks += &format!(
            "{{\"id\":\"s-{n}\",\"op\":\"spend\",\"account\":\"w\",\"merchant\":\"m\",\"amount\":\"0.01\"}}\n"
        );
    }
    let mut versions = vec![1];
    for (part, version) in asks.as_bytes().chunks(asks.len() / 6).zip(2_u32..) {
        client.raw(part);
        let first = if version.is_multiple_of(2) { "bonus" } else { "principal" };
        served.write(&format!("{PRODUCT}{}", rule(version, first, "")));
        assert_eq!(served.reload().0, 200);
        versions.push(version);
    }
    let mut last = 0;
    for answer in client.answers(600) {
        let version: u32 = answer["rule"].as_str().unwrap().strip_prefix("r@").unwrap().parse().unwrap();
        let sub = if version.is_multiple_of(2) { "bonus" } else { "principal" };
        assert_eq!((answer["ok"].clone(), &answer["lines"][0]["sub"]), (true.into(), &sub.into()), "{answer}");
        assert!(version >= last && versions.contains(&version), "{version} after {last}");
        last = version;
    }
    assert!(last > 1, "some came after the first reload");
    served.server.stop();
    served.ledger.verify();
}

#[test]
fn a6_a_rule_may_have_any_name_and_stays_readable_when_its_file_is_gone() {
    let strange = "a/../b %@1.toml";
    let named = |name: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\nversion = 1\nmethod = \"lot_ratio\"\nrefund_to_expired = {{ restore_days = 7 }}\n"
        )
    };
    let served = Served::new(&format!("{PRODUCT}{}{}", rule(1, "principal", ""), named(strange)));
    assert_eq!(served.archived(), ["a%2F..%2Fb%20%25%401.toml@1.toml", "r@1.toml"]);
    served.write(&format!("{PRODUCT}{}", rule(1, "principal", "")));
    assert_eq!(served.reload().0, 200);
    let Served { ledger, server, catalog } = served;
    server.stop();
    let again = ledger.serve(&["--catalog", catalog.to_str().unwrap()]);
    let http = again.http();
    let path = "/v1/rules/a%2F..%2Fb%20%25%401.toml";
    assert_eq!(http.get(path).status, 404);
    let old = http.get(&format!("{path}?version=1")).json();
    assert_eq!((&old["name"], &old["refund_to_expired"]["restore_days"]), (&strange.into(), &7.into()), "{old}");
    assert_eq!(http.get("/v1/rules").json()["archived"][0]["name"], strange);
}

#[test]
fn a6_a_damaged_archive_is_not_served_from() {
    let served = Served::new(&format!("{PRODUCT}{}", rule(1, "principal", "")));
    let Served { ledger, server, catalog } = served;
    server.stop();
    let flags = ["--catalog", catalog.to_str().unwrap()];
    let kept = ledger.path("data").join("rules").join("r@1.toml");
    let text = std::fs::read_to_string(&kept).unwrap();
    for (bad, said) in
        [(text.replace("version = 1", "version = 2"), "holds r@2"), (text[..60].to_owned(), "is damaged")]
    {
        std::fs::write(&kept, bad).unwrap();
        let refused = ledger.refused_to_serve(&flags);
        assert!(refused.contains(said), "{refused}");
    }
    std::fs::write(&kept, text).unwrap();
    ledger.serve(&flags);
}

/// The program on files of its own: its status, output and errors.
fn program(ledger: &Ledger, args: &[&str]) -> (i32, String, String) {
    let output = ledger.run(args);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a6_rules_check_shows_what_is_there_and_everything_that_is_wrong() {
    let ledger = Ledger::new();
    let (status, out, err) = program(&ledger, &["rules", "check"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("by_lot@1") && out.contains("9 versions of 9 rules"), "{out}");

    let file = ledger.path("chosen.toml");
    std::fs::write(&file, include_str!("scripts/chosen.toml")).unwrap();
    let (status, out, _) = program(&ledger, &["rules", "check", file.to_str().unwrap()]);
    assert_eq!(status, 0);
    for said in ["bonus_first@2", "2019-12-31T16:00:00Z", "members-food", "category food, tag member", "4 selectors"] {
        assert!(out.contains(said), "{said}\n{out}");
    }

    let config = ledger.path("server.toml");
    std::fs::write(&config, "catalog = [\"bad.toml\"]\n").unwrap();
    std::fs::write(ledger.path("bad.toml"), format!("{PRODUCT}{}{}", rule(1, "gold", ""), rule(0, "bonus", "")))
        .unwrap();
    let (status, out, err) = program(&ledger, &["rules", "check", "--config", config.to_str().unwrap()]);
    assert_eq!((status, out.as_str()), (1, ""));
    for said in
        ["bad.toml:10:1: rule \"r\", order", "bad.toml:13:1: rule \"r\", version: versions count from 1", "2 errors"]
    {
        assert!(err.contains(said), "{said}\n{err}");
    }
    let (status, _, err) = program(&ledger, &["rules", "check", "nowhere.toml"]);
    assert!(status == 1 && err.contains("nowhere.toml: "), "{status} {err}");
}

#[test]
fn a6_rules_quote_splits_without_a_server() {
    let ledger = Ledger::new();
    let quote = |args: &str| {
        let args: Vec<&str> = ["rules", "quote"].into_iter().chain(args.split(' ')).collect();
        program(&ledger, &args)
    };
    let (status, out, _) = quote("--rule by_lot --principal 100 --bonus 180 --amount 140");
    assert_eq!(status, 0);
    let expected = " lot    sub-balance  amount
 lot-1  principal     50.00
 lot-1  bonus         90.00
        sum          140.00

  1. Rule by_lot@1, named by the spend: each lot pays by the ratio of its own top-up; the oldest lot first.
  2. The wallet has principal 100.00 and bonus 180.00, 280.00 in all; 140.00 is to be paid.
  3. Lot lot-1, topped up with principal 100.00 + bonus 180.00, ratio 5 : 9: consumed so far 0.00, left 280.00. It pays 140.00.
  4. Exact share of principal: 140.00 × 5/14 = 50.00. Nothing is rounded: principal gives 50.00, bonus 90.00.
  5. Result: principal 50.00 of lot lot-1 and bonus 90.00 of lot lot-1; together 140.00.
";
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trimmed(&out), trimmed(expected), "{out}");

    let (status, out, _) =
        quote("--lot 100+180 --lot 50+10@2099-01-01T00:00:00Z --amount 60 --rule by_lot_expiring_first");
    assert!(status == 0 && out.contains("left 60.00. It pays 60.00.") && !out.contains("lot-1  "), "{out}");
    let (status, out, _) = quote("--rule bonus_30_percent --principal 10 --bonus 100 --amount 50");
    assert!(
        status == 1 && out.contains("rejected, insufficient_funds: ") && out.contains("25.00 is missing"),
        "{status} {out}"
    );
    let (status, _, err) = quote("--rule by_lot --principal ten --amount 50");
    assert!(status == 2 && err.contains("--lot \"ten\""), "{status} {err}");

    let file = ledger.path("chosen.toml");
    std::fs::write(&file, include_str!("scripts/chosen.toml")).unwrap();
    let of_file =
        format!("--catalog {} --principal 10 --bonus 10 --merchant grocer --amount 5", file.to_str().unwrap());
    let (status, out, _) = quote(&of_file);
    assert!(status == 0 && out.contains("1. Rule food_bonus@1, chosen by the selector food: "), "{status} {out}");
    let (_, out, _) = quote(&format!("{of_file} --at 2019-01-01T00:00:00Z --tag partner"));
    assert!(out.contains("1. Rule bonus_first@1, chosen by the selector partners: "), "{out}");
}
