//! Chapter 5: a repeated id.

use fentan_protocol::{Answer, RejectCode, Spend};
use serde_json::Value;

use super::super::money::wire;
use super::super::screen::Grid;
use super::rules::{ALICE, SHOP};
use super::{Checks, Stage, screen};

const SPEND: &str = "order-1002";

pub(super) fn show(stage: &mut Stage, checks: &mut Checks) -> anyhow::Result<()> {
    checks.chapter(
        5,
        "A repeated id",
        "A client that heard nothing sends again. The id of a command makes that safe: the first answer comes again, \
         and money moves once.",
    );
    let spend = |fen| Spend::new(SPEND, ALICE, SHOP, wire(fen));
    let first = stage.client.must(spend(14_000))?;
    let after = stage.wallet(ALICE)?;
    let again = stage.client.ask(spend(14_000))?;
    let other = stage.client.ask(spend(15_000))?;

    screen::caption(format!("spend {SPEND} of {ALICE}, three times"));
    let mut grid = Grid::new(&["<request", "<answer", ">seq", "<replayed", "<available"]);
    for (request, answer) in [("140.00", &first), ("140.00 again", &again), ("150.00 under the same id", &other)] {
        grid.row(row(request, answer));
    }
    grid.print();

    checks.holds(again.replayed && again.seq == first.seq, "the repeat has the same seq, and replayed: true");
    let same = Answer { replayed: first.replayed, ..again } == first;
    checks.holds(same, "the repeat has the same lines and balance, field by field");
    checks.same(
        "another amount under the same id",
        &conflict(&other),
        &"id_conflict, field amount".to_owned(),
        String::clone,
    );
    checks.holds(stage.wallet(ALICE)? == after, "money has moved once");
    Ok(())
}

fn row(request: &str, answer: &Answer) -> [String; 5] {
    let said = if answer.ok { "ok".to_owned() } else { conflict(answer) };
    let available = answer.balance.as_ref().map_or_else(String::new, |balance| balance.available.to_string());
    let seq = answer.seq.map_or_else(String::new, |seq| seq.to_string());
    [request.to_owned(), said, seq, if answer.replayed { "true" } else { "" }.to_owned(), available]
}

/// A reject's code, and the field it names.
fn conflict(answer: &Answer) -> String {
    let code = answer.code.as_ref().map_or("no reject", RejectCode::as_str);
    let field = answer.extra.get("field").and_then(Value::as_str).unwrap_or("not named");
    format!("{code}, field {field}")
}
