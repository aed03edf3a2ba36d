//! The last chapter: the books balance, and the data proves itself.

use anyhow::Context;
use fentan_protocol::TrialBalance;
use serde_json::Value;

use super::super::client::get;
use super::super::money::{DECIMALS, yuan};
use super::super::screen::Grid;
use super::super::server;
use super::{Checks, Folder, Stage, screen};

pub(super) fn show(number: u32, folder: &Folder, stage: Stage, checks: &mut Checks) -> anyhow::Result<()> {
    checks.chapter(
        number,
        "The books",
        "Debits and credits over all accounts are equal, always. Then the server ends (SIGTERM), and `fentan verify` \
         reads the journal from its first record: checksums, hash chain, and the balances they add up to.",
    );
    let shown = get(stage.server.http, "/v1/trial_balance")?;
    show_accounts(&shown)?;
    let books: TrialBalance = serde_json::from_value(shown).context("reading the trial balance")?;
    for (currency, totals) in &books.currencies {
        let [debits, credits] = [totals.debits.minor_at(DECIMALS)?, totals.credits.minor_at(DECIMALS)?];
        checks.same(&format!("debits and credits of {currency}"), &debits, &credits, |fen| yuan(*fen));
    }
    checks.holds(books.balanced && books.unbalanced().is_empty(), "the trial balance is zero");

    let Stage { server, client } = stage;
    drop(client);
    checks.holds(server.stop()?, "the server has ended on SIGTERM with exit code 0");
    let data = folder.ledger();
    screen::faint(format!("$ fentan verify --data {}", data.display()));
    let (sound, said) = server::verify(&data)?;
    for line in said.lines() {
        screen::faint(format!("  {line}"));
    }
    checks.holds(sound, "fentan verify: journal and balances are sound");
    Ok(())
}

fn show_accounts(books: &Value) -> anyhow::Result<()> {
    let lines = books["accounts"].as_array().context("the trial balance has no accounts")?;
    let mut grid = Grid::new(&["<account", ">debit", ">credit"]);
    let text = |value: &Value| -> anyhow::Result<String> {
        match value.as_str() {
            Some(text) => Ok(yuan(super::super::money::fen(text.parse()?)?)),
            None => Ok(String::new()),
        }
    };
    screen::caption("Trial balance");
    for line in lines {
        grid.row([line["account"].as_str().unwrap_or("?").to_owned(), text(&line["debit"])?, text(&line["credit"])?]);
    }
    for currency in books["currencies"].as_object().into_iter().flat_map(|all| all.values()) {
        grid.sum(["sum".to_owned(), text(&currency["debits"])?, text(&currency["credits"])?]);
    }
    grid.print();
    Ok(())
}
