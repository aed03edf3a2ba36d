//! `fentan rules lab` over a journal that the real server wrote (rule A8).

use crate::support::{Ledger, Server};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the lab on the ledger's folder.
fn lab(ledger: &Ledger, flags: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fentan"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FENTAN_")) {
        program.env_remove(name);
    }
    program.args(["rules", "lab"]).arg("--data").arg(ledger.path("data")).args(flags).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{} {}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What it says when it refuses.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{} {}", text(&output.stdout), text(&output.stderr));
    text(&output.stderr)
}

/// Two wallets, two merchants, a refund, a hold and a transfer, under `by_lot`; the answers of the three spends.
fn story(server: &Server) -> Vec<Value> {
    let mut client = server.client();
    let mut spends = Vec::new();
    for line in [
        r#"{"id":"t-1","op":"top_up","account":"alice","principal":"100.00","bonus":"180.00"}"#,
        r#"{"id":"t-2","op":"top_up","account":"bob","principal":"50.00","bonus":"50.00"}"#,
        r#"{"id":"s-1","op":"spend","account":"alice","merchant":"cafe","amount":"140.00"}"#,
        r#"{"id":"s-2","op":"spend","account":"bob","merchant":"books","amount":"60.00"}"#,
        r#"{"id":"f-1","op":"refund","spend":"s-1","amount":"14.00"}"#,
        r#"{"id":"h-1","op":"hold","account":"alice","merchant":"books","amount":"28.00"}"#,
        r#"{"id":"c-1","op":"capture","hold":"h-1","amount":"14.00"}"#,
        r#"{"id":"x-1","op":"transfer","from":"alice","to":"carol","amount":"28.00"}"#,
        r#"{"id":"s-3","op":"spend","account":"carol","merchant":"cafe","amount":"10.00"}"#,
    ] {
        let answer = client.done(line);
        if line.contains("\"op\":\"spend\"") {
            spends.push(answer);
        }
    }
    spends
}

/// The rows of the file: (scope, merchant, sub-balance) to the other columns by name. Days are added up.
type Rows = BTreeMap<(String, String, String), BTreeMap<String, i64>>;

fn rows(path: &Path) -> Rows {
    let mut file = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = file.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(names.len(), 22);
    let mut rows = Rows::new();
    for row in file.records() {
        let row: BTreeMap<&str, String> =
            names.iter().map(String::as_str).zip(row.unwrap().iter().map(str::to_owned)).collect();
        assert_eq!(row["currency"], "CNY");
        assert_eq!(row["day"].is_empty(), !row["scope"].contains("day"), "{row:?}");
        let key = (row["scope"].clone(), row["merchant"].clone(), row["sub_balance"].clone());
        let sums = rows.entry(key).or_default();
        for name in &names[6..] {
            let cell = row[name.as_str()].as_str();
            if !cell.is_empty() {
                *sums.entry(name.clone()).or_default() += cell.replace('.', "").parse::<i64>().unwrap();
            }
        }
    }
    rows
}

fn row<'r>(rows: &'r Rows, scope: &str, merchant: &str, sub: &str) -> &'r BTreeMap<String, i64> {
    rows.get(&(scope.into(), merchant.into(), sub.into())).unwrap_or_else(|| panic!("{scope} {merchant} {sub}"))
}

fn figures<const N: usize>(row: &BTreeMap<String, i64>, names: [&str; N]) -> [i64; N] {
    names.map(|name| row[name])
}

const USED: [&str; 3] = ["used_recorded", "used_lab", "used_difference"];
const LEFT: [&str; 3] = ["left_recorded", "left_lab", "left_difference"];

/// By hand. Alice's lot is 100.00 : 180.00. `by_lot`: s-1 takes 50.00 + 90.00, f-1 gives back 5.00 + 9.00, c-1 of
/// h-1 takes 5.00 + 9.00, x-1 sends 10.00 + 18.00, of which s-3 takes 3.57 + 6.43; Bob's s-2 takes 30.00 + 30.00.
/// `principal_first`: s-1 takes 100.00 + 40.00, f-1 gives back 10.00 + 4.00, h-1 sets 10.00 + 18.00 aside, of which
/// c-1 takes 5.00 + 9.00 and 5.00 + 9.00 come back; x-1 sends 5.00 + 23.00, and s-3 takes 5.00 + 5.00; s-2 takes
/// 50.00 + 10.00.
fn assert_by_hand(rows: &Rows) {
    let used = |scope, merchant, sub| figures(row(rows, scope, merchant, sub), USED);
    assert_eq!(used("merchant", "cafe", "principal"), [4_857, 9_500, 4_643]);
    assert_eq!(used("merchant", "cafe", "bonus"), [8_743, 4_100, -4_643]);
    assert_eq!(used("merchant", "books", "principal"), [3_500, 5_500, 2_000]);
    assert_eq!(used("merchant", "books", "bonus"), [3_900, 1_900, -2_000]);
    assert_eq!(used("total", "", "principal"), [8_357, 15_000, 6_643]);
    assert_eq!(used("total", "", ""), [21_000, 21_000, 0]);
    assert_eq!(figures(row(rows, "total", "", "principal"), LEFT), [6_643, 0, -6_643]);
    assert_eq!(figures(row(rows, "total", "", "bonus"), LEFT), [10_357, 17_000, 6_643]);
    assert_eq!(figures(row(rows, "total", "", ""), ["spends", "other_lines", "refused"]), [4, 3, 0]);
    assert_eq!(figures(row(rows, "merchant", "cafe", "bonus"), ["given_back_recorded", "given_back_lab"]), [900, 400]);
}

#[test]
fn a8_the_lab_on_the_folder_of_a_running_server_has_the_figures_counted_by_hand() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2"]);
    story(&server);
    let (csv, svg) = (ledger.path("lab.csv"), ledger.path("lab.svg"));
    let files = ["--csv", csv.to_str().unwrap(), "--plot", svg.to_str().unwrap()];
    for run in 0..2 {
        let flags = [&["--rule", "principal_first", "--by", "merchant"], &files[..]].concat();
        let said = good(&lab(&ledger, &flags));
        assert!(said.contains("principal_first@1") && said.contains("cafe") && said.contains("+46.43"), "{said}");
        assert!(said.contains("balance") && !said.contains("FAULT"), "{said}");
        let rows = rows(&csv);
        assert_by_hand(&rows);
        adds_up(&rows);
        assert_eq!(figures(row(&rows, "opening", "", ""), LEFT), [0, 0, 0]);
        let picture = std::fs::read_to_string(&svg).unwrap();
        assert!(picture.starts_with("<svg") && picture.contains("bonus, lab"), "{picture}");
        if run == 0 {
            server.assert_well();
            // The same once more on the folder at rest.
            server.stop();
            server = ledger.serve(&["--shards", "2"]);
            std::fs::remove_file(&csv).unwrap();
        }
    }
    server.stop();
    let before = listing(&ledger.path("data"));
    let said = good(&lab(&ledger, &["--rule", "by_lot", "--by", "total"]));
    assert!(said.contains("no difference"), "{said}");
    assert_eq!(listing(&ledger.path("data")), before, "the lab changes nothing");
    ledger.verify();
}

/// Each scope by itself adds up to the period.
fn adds_up(rows: &Rows) {
    for name in USED.into_iter().chain(["given_back_recorded", "given_back_lab"]) {
        for sub in ["principal", "bonus", ""] {
            let sum = |scope: &str| -> i64 {
                let of = rows.iter().filter(|((at, _, of), _)| at == scope && of == sub);
                of.map(|(_, row)| row[name]).sum()
            };
            let total = sum("total");
            assert_eq!([sum("day_merchant"), sum("day"), sum("merchant")], [total; 3], "{name} {sub}");
        }
    }
}

/// Every file of a folder with its length and its last change.
fn listing(folder: &Path) -> Vec<(String, u64, std::time::SystemTime)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, about) = (entry.path(), entry.metadata().unwrap());
        if about.is_dir() {
            all.extend(listing(&path));
        } else {
            all.push((path.display().to_string(), about.len(), about.modified().unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn a8_a_period_begins_at_from_and_ends_before_to() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let spends = story(&server);
    server.stop();
    let at: Vec<&str> = spends.iter().map(|answer| answer["at"].as_str().unwrap()).collect();
    let csv = ledger.path("lab.csv");
    let spends_of = |flags: &[&str]| {
        let all = [&["--rule", "by_lot_pro_rata", "--csv", csv.to_str().unwrap()], flags].concat();
        good(&lab(&ledger, &all));
        rows(&csv).get(&("total".into(), String::new(), String::new())).map_or(0, |row| row["spends"])
    };
    assert_eq!(spends_of(&[]), 4);
    assert_eq!(spends_of(&["--from", at[0]]), 4);
    assert_eq!(spends_of(&["--from", at[1]]), 3);
    assert_eq!(spends_of(&["--from", at[0], "--to", at[1]]), 1);
    assert_eq!(spends_of(&["--to", at[2]]), 3);
    let day = &at[0][..10];
    assert_eq!(spends_of(&["--to", "2020-01-01"]), 0);
    assert_eq!(spends_of(&["--from", "2020-01-01", "--to", &at[2][..10]]), 4);
    assert_eq!(spends_of(&["--from", day, "--utc-offset", "+00:00"]), 4);
    let said = good(&lab(&ledger, &["--rule", "by_lot", "--from", "2020-01-01", "--to", "2020-01-31"]));
    assert!(said.contains("nothing was recorded in this period"), "{said}");
    for (flags, reason) in [
        (["--from", "2021-01-01", "--to", "2020-01-01"], "the period is empty"),
        (["--from", "soon", "--to", "2020-01-01"], "--from"),
        (["--from", "2020-01-01", "--to", "2020-01-32"], "--to"),
    ] {
        let all = [&["--rule", "by_lot"], &flags[..]].concat();
        let said = refusal(&lab(&ledger, &all));
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a8_a_rule_comes_from_the_catalog_or_from_a_file_that_is_checked() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    story(&server);
    server.stop();
    let said = refusal(&lab(&ledger, &["--rule", "gold_first"]));
    assert!(said.contains("no rule \"gold_first\"") && said.contains("principal_first"), "{said}");
    assert!(refusal(&lab(&ledger, &[])).contains("--rule is missing"));
    let file = ledger.path("new.toml");
    let name = file.to_str().unwrap();
    let bad = [
        (
            "# a comment\n\n[[rule]]\nname = \"x\"\nversion = 1\nmethod = \"ordered\"\norder = [\"gold\"]\n",
            ":3",
            "\"gold\"",
        ),
        ("[[rule]]\nname = \"x\"\nversion = 1\nmethod = \"lot_ratio\"\nlot = \"fifo\"\n", ":5", "lot"),
        ("[[product]]\nname = \"p\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"r\"\n", "new.toml", "nothing else"),
        ("[[rule]\n", ":1", ""),
    ];
    for (content, place, reason) in bad {
        std::fs::write(&file, content).unwrap();
        let said = refusal(&lab(&ledger, &["--rules-file", name]));
        assert!(said.contains(&format!("{name}{}", place.trim_start_matches("new.toml"))), "{content}: {said}");
        assert!(said.contains(reason), "{content}: {said}");
    }
    // A variant of a rule of the catalog, under its own name; the file's comes first.
    std::fs::write(
        &file,
        "[[rule]]\nname = \"by_lot\"\nversion = 7\nmethod = \"ordered\"\norder = [\"principal\", \"bonus\"]\n",
    )
    .unwrap();
    let csv = ledger.path("lab.csv");
    let said = good(&lab(&ledger, &["--rules-file", name, "--csv", csv.to_str().unwrap()]));
    assert!(said.contains("by_lot@7"), "{said}");
    assert_by_hand(&rows(&csv));
    let said = good(&lab(&ledger, &["--rule", "by_lot@1"]));
    assert!(said.contains("no difference"), "{said}");
    assert!(refusal(&lab(&ledger, &["--rule", "by_lot", "--plot", "lab.png"])).contains(".svg"));
}

#[test]
fn a8_a_folder_that_is_not_there_is_not_made() {
    let ledger = Ledger::new();
    assert!(refusal(&lab(&ledger, &["--rule", "by_lot"])).contains("cannot be opened"));
    assert!(!ledger.path("data").exists());
}
