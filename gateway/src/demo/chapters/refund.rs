//! Chapter 4: a partial refund, then the rest.

use std::collections::BTreeMap;

use anyhow::Context;
use fentan_protocol::{Answer, Refund, RejectCode, Spend};

use super::super::money::{fen, wire, yuan};
use super::super::screen::Grid;
use super::rules::{SHOP, interesting};
use super::top_ups::LoadedTopUp;
use super::{Checks, Stage, screen};

const SPEND: &str = "order-1001";

pub(super) fn show(stage: &mut Stage, loaded: &[LoadedTopUp], checks: &mut Checks) -> anyhow::Result<()> {
    checks.chapter(
        4,
        "A partial refund, then the rest",
        "A refund goes back into the very lots that paid, by the lines of the spend. Partial refunds that add up to the \
         spend restore exactly its lines, whatever the pieces were.",
    );
    let (wallet, amount) = interesting(loaded).context("no wallet of the file has lots of different tiers")?;
    let before = stage.wallet(&wallet)?;
    let paid = stage.client.must(Spend::new(SPEND, &wallet, SHOP, wire(amount)))?;
    // A third: it does not divide evenly into fen.
    let first = stage.client.must(Refund::new("refund-1", SPEND).with_amount(wire(amount / 3)))?;
    let partly = stage.wallet(&wallet)?;
    let rest = stage.client.must(Refund::new("refund-2", SPEND))?;
    let over = stage.client.ask(Refund::new("refund-3", SPEND).with_amount(wire(1)))?;

    let rule = paid.rule.as_deref().unwrap_or("?");
    screen::caption(format!("{wallet} spends {} under {rule}, and gets a third back, then the rest", yuan(amount)));
    let [spent, first, rest] = [lines(&paid)?, lines(&first)?, lines(&rest)?];
    let mut grid = Grid::new(&["<lot", "<sub-balance", ">spent", ">refund-1", ">refund-2"]);
    let mut exact = true;
    for line in spend_order(&paid) {
        let of = |lines: &Lines| lines.get(&line).copied().unwrap_or(0);
        exact &= of(&first) + of(&rest) == of(&spent);
        grid.row([line.0.clone(), line.1.clone(), yuan(of(&spent)), yuan(of(&first)), yuan(of(&rest))]);
    }
    let sum = |lines: &Lines| yuan(lines.values().sum());
    grid.sum([String::new(), "sum".to_owned(), sum(&spent), sum(&first), sum(&rest)]);
    grid.print();

    let same_lines = first.keys().chain(rest.keys()).all(|line| spent.contains_key(line));
    checks.holds(exact && same_lines, "on every line, both refunds together are what was spent");
    checks.holds(partly != before, "after the first refund the wallet is not as before the spend");
    let after = stage.wallet(&wallet)?;
    checks.holds(after == before, "after the second it is exactly as before, lot by lot");
    checks.holds(
        over.code == Some(RejectCode::RefundExceedsSpend),
        format!("one fen more is rejected: {}", over.message.as_deref().unwrap_or("it was not")),
    );
    Ok(())
}

type Lines = BTreeMap<(String, String), i64>;

fn lines(answer: &Answer) -> anyhow::Result<Lines> {
    answer.lines.iter().map(|line| Ok(((line.lot.clone(), line.sub.clone()), fen(line.amount)?))).collect()
}

/// Lots and sub-balances in the order in which they paid.
fn spend_order(answer: &Answer) -> Vec<(String, String)> {
    answer.lines.iter().map(|line| (line.lot.clone(), line.sub.clone())).collect()
}
