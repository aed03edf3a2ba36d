//! Chapter 3: one spend, three rules.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use fentan_protocol::{Answer, TopUp};
use serde_json::{Value, json};

use super::super::client::accepted;
use super::super::money::{fen, wire, yuan};
use super::super::screen::Grid;
use super::top_ups::LoadedTopUp;
use super::{Checks, Stage, screen};

/// The rules set side by side.
const RULES: [&str; 3] = ["by_lot", "principal_first", "bonus_first"];
/// The wallet of the offer "top up 100, get 180 more".
pub(super) const ALICE: &str = "alice";
/// A shop.
pub(super) const SHOP: &str = "coffee-shop";

pub(super) fn show(stage: &mut Stage, loaded: &[LoadedTopUp], checks: &mut Checks) -> anyhow::Result<()> {
    checks.chapter(
        3,
        "One spend, three rules",
        "How much of a spend was money, and how much was promotion? A rule says so. `quote` shows what a spend would be \
         split into, and changes nothing.",
    );
    stage.client.must(TopUp::new("alice-1", ALICE, wire(10_000)).with_offer("top_up_100_get_180"))?;
    let quotes = compare(stage, checks, ALICE, 14_000, "100.00 paid + 180.00 given")?;
    let split = |rule: usize| quotes[rule].sub_sums();
    for (rule, expected) in [(0, (5_000, 9_000)), (1, (10_000, 4_000)), (2, (0, 14_000))] {
        let show = |(principal, bonus): &(i64, i64)| format!("principal {} + bonus {}", yuan(*principal), yuan(*bonus));
        checks.same(&format!("{ALICE}: {} of 140.00", RULES[rule]), &split(rule), &expected, show);
    }
    if let Some(steps) = quotes[0].answer.extra.get("text").and_then(Value::as_array) {
        screen::say("In words (`text` of the quote by_lot):");
        for step in steps.iter().filter_map(Value::as_str) {
            screen::faint(format!("  - {step}"));
        }
    }

    let (wallet, amount) = interesting(loaded).context("no wallet of the file has lots of different tiers")?;
    let lots = loaded.iter().filter(|top_up| top_up.wallet == wallet).count();
    compare(stage, checks, &wallet, amount, &format!("{lots} top-ups of the file, each with its own ratio"))?;
    Ok(())
}

/// A quote's lines.
struct Quote {
    answer: Answer,
    lines: BTreeMap<(String, String), i64>,
}

impl Quote {
    /// Principal and bonus.
    fn sub_sums(&self) -> (i64, i64) {
        let of = |name: &str| self.lines.iter().filter(|((_, sub), _)| sub == name).map(|(_, fen)| fen).sum();
        (of("principal"), of("bonus"))
    }
}

fn quote(stage: &mut Stage, account: &str, amount: i64, rule: &str) -> anyhow::Result<Quote> {
    let request = json!({
        "op": "quote", "id": format!("quote-{account}-{rule}"), "account": account, "merchant": SHOP,
        "amount": wire(amount), "rule": rule,
    });
    let answer = accepted(stage.client.ask_json(&request)?)?;
    let lines = answer.lines.iter().map(|line| Ok(((line.lot.clone(), line.sub.clone()), fen(line.amount)?)));
    let lines = lines.collect::<anyhow::Result<_>>()?;
    Ok(Quote { answer, lines })
}

/// Quotes a spend under all rules and shows them side by side.
fn compare(
    stage: &mut Stage,
    checks: &mut Checks,
    account: &str,
    amount: i64,
    about: &str,
) -> anyhow::Result<Vec<Quote>> {
    screen::caption(format!("{account} ({about}) spends {}", yuan(amount)));
    let before = stage.wallet(account)?;
    let quotes = RULES.into_iter().map(|rule| quote(stage, account, amount, rule)).collect::<Result<Vec<_>, _>>()?;

    let mut columns = vec!["<lot".to_owned(), "<sub-balance".to_owned()];
    columns.extend(RULES.map(|rule| format!(">{rule}")));
    let mut grid = Grid::new(&columns);
    for (lot, sub) in parts(&before.lots)? {
        let key = (lot, sub);
        let cells = quotes.iter().map(|quote| quote.lines.get(&key).map_or_else(|| "-".to_owned(), |fen| yuan(*fen)));
        grid.row([key.0.clone(), key.1.clone()].into_iter().chain(cells.collect::<Vec<_>>()));
    }
    let sums: Vec<i64> = quotes.iter().map(|quote| quote.lines.values().sum()).collect();
    grid.sum([String::new(), "sum".to_owned()].into_iter().chain(sums.iter().map(|fen| yuan(*fen))));
    grid.print();

    let exact = sums.iter().all(|sum| *sum == amount);
    checks.holds(exact, format!("{account}: the lines of each rule add up to {}", yuan(amount)));
    checks.holds(stage.wallet(account)? == before, format!("{account}: the quotes have changed nothing"));
    Ok(quotes)
}

/// Lots and sub-balances of a wallet, oldest lot first.
fn parts(lots: &Value) -> anyhow::Result<Vec<(String, String)>> {
    let mut parts = Vec::new();
    for lot in lots.as_array().context("`lots` is no list")? {
        for part in lot["parts"].as_array().context("`parts` is no list")? {
            let text = |value: &Value| value.as_str().map(str::to_owned).context("a lot without a name");
            parts.push((text(&lot["lot"])?, text(&part["sub"])?));
        }
    }
    Ok(parts)
}

/// A wallet of the file with lots of different tiers, and an amount that takes the first lot whole and
/// half of the second.
pub(super) fn interesting(loaded: &[LoadedTopUp]) -> Option<(String, i64)> {
    let mut wallets: BTreeMap<&str, Vec<&LoadedTopUp>> = BTreeMap::new();
    for top_up in loaded {
        wallets.entry(&top_up.wallet).or_default().push(top_up);
    }
    let ratio = |top_up: &LoadedTopUp| top_up.bonus * 100 / top_up.principal;
    let mut suitable = wallets.into_iter().filter(|(_, lots)| {
        let ratios: BTreeSet<_> = lots.iter().map(|lot| ratio(lot)).collect();
        lots.len() == 3 && ratios.len() == 3
    });
    // The amounts that show most are those that are no round figures.
    let fen = |(_, lots): &(&str, Vec<&LoadedTopUp>)| lots.iter().filter(|lot| lot.principal % 100 != 0).count();
    let first = suitable.next()?;
    let (wallet, lots) = suitable.fold(first, |best, other| if fen(&other) > fen(&best) { other } else { best });
    let all = |lot: &LoadedTopUp| lot.principal + lot.bonus;
    Some((wallet.to_owned(), all(lots[0]) + all(lots[1]) / 2))
}
