//! `fentan rules quote`: what a rule would do, without a server.
//!
//! The wallet is made of the arguments; the decision is the engine's own, the one a server would take.

use super::Files;
use super::book::now;
use crate::config::load;
use crate::words;
use anyhow::{Context as _, Result, anyhow, bail};
use comfy_table::{CellAlignment, Table, presets};
use fentan_engine::accounts::{Funding, Lot, NEVER, Part, SubId, Timestamp, Wallet};
use fentan_engine::catalog::{Catalog, Product};
use fentan_engine::ledger::decide::Context;
use fentan_engine::ledger::decide::spend::{Plan, quote};
use fentan_engine::ledger::{Lang, Spend};
use fentan_engine::money::{Currency, Major, Money};
use fentan_engine::names::{AccountId, CommandId, Label};

const EXAMPLES: &str = "Examples:
  fentan rules quote --rule by_lot --principal 100 --bonus 180 --amount 140
  fentan rules quote --rule by_lot_pro_rata --lot 100+180 --lot 50+10 --amount 120
  fentan rules quote --catalog products.toml,rules.toml --merchant corner-grocer --tag lunch --principal 50 --amount 9.90";

/// What is to be split.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QuoteArgs {
    /// The rule; without it the one that selectors or the product choose
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// The amount of the spend
    #[arg(long, value_name = "AMOUNT")]
    amount: String,
    /// The principal of the only lot
    #[arg(long, value_name = "AMOUNT", conflicts_with = "lot")]
    principal: Option<String>,
    /// The bonus of the only lot
    #[arg(long, value_name = "AMOUNT", conflicts_with = "lot")]
    bonus: Option<String>,
    /// A lot, the oldest first: principal, bonus and further sub-balances by number, with a moment when it ends
    #[arg(long, value_name = "A+B[@MOMENT]")]
    lot: Vec<String>,
    /// Who is paid
    #[arg(long, value_name = "ACCOUNT", default_value = "merchant")]
    merchant: String,
    /// A tag of the spend
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// The wallet's product [default: the catalog's]
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// The moment of the spend, RFC 3339 [default: now]
    #[arg(long, value_name = "MOMENT")]
    at: Option<String>,
    /// The language of the words: en or zh
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = words::parse_flag)]
    lang: Lang,
    #[command(flatten)]
    files: Files,
}

/// Splits and says why; `false` when the spend would be rejected.
///
/// # Errors
/// When the catalog is refused or an argument is not what it should be.
pub(crate) fn run(args: &QuoteArgs) -> Result<bool> {
    let catalog = load(&args.files.paths()?)?.catalog;
    let product = match &args.product {
        None => catalog.default_product(),
        Some(name) => {
            let found = catalog.find_product(&Label::internal(name));
            found.ok_or_else(|| anyhow!("there is no product {name:?}"))?
        }
    };
    let now = args.at.as_deref().map_or_else(|| Ok(now()), |text| moment("--at", text))?;
    let wallet = wallet(args, &catalog, product)?;
    let spend = spend(args)?;
    match quote(Context { catalog: &catalog, now }, Some(&wallet), None, &spend) {
        Ok(quoted) => {
            if let Ok(plan) = &quoted.plan {
                print_plan(plan, &catalog, product);
            }
            for (number, sentence) in words::tell(&quoted.told, &catalog, words::tongue(args.lang)).iter().enumerate() {
                println!("{:>3}. {sentence}", number + 1);
            }
            if let Err(reject) = &quoted.plan {
                println!("rejected, {}: {reject}", reject.code());
            }
            Ok(quoted.plan.is_ok())
        }
        Err(reject) => {
            println!("rejected, {}: {reject}", reject.code());
            Ok(false)
        }
    }
}

fn spend(args: &QuoteArgs) -> Result<Spend> {
    let label = |what: &str, text: &String| Label::new(text).with_context(|| format!("{what} {text:?}"));
    Ok(Spend {
        account: AccountId::internal("wallet"),
        merchant: AccountId::new(&args.merchant).with_context(|| format!("--merchant {:?}", args.merchant))?,
        amount: amount("--amount", &args.amount)?,
        rule: args.rule.as_ref().map(|text| label("--rule", text)).transpose()?,
        order: None,
        tags: args.tag.iter().map(|text| label("--tag", text)).collect::<Result<_>>()?,
        lines: std::iter::empty().collect(),
    })
}

/// A wallet with the lots of the arguments, from which nothing has been spent.
fn wallet(args: &QuoteArgs, catalog: &Catalog, product: &Product) -> Result<Wallet> {
    let mut wallet = Wallet::new(AccountId::internal("wallet"), product.currency, product.name.clone());
    let only = args.principal.as_ref().or(args.bonus.as_ref());
    let only = only.map(|_| {
        let part = |given: &Option<String>| given.clone().unwrap_or_else(|| "0".into());
        format!("{}+{}", part(&args.principal), part(&args.bonus))
    });
    let subs: Vec<SubId> = catalog.subs().map(|(sub, _)| sub).collect();
    for (number, text) in args.lot.iter().chain(only.as_ref()).enumerate() {
        let lot = lot(number + 1, text, &subs, product.currency)?;
        for part in &lot.parts {
            wallet.available.add(part.sub, part.left);
        }
        wallet.lots.push(lot);
    }
    if wallet.lots.is_empty() {
        bail!("the wallet is empty: give --principal and --bonus, or --lot");
    }
    Ok(wallet)
}

fn lot(number: usize, text: &str, subs: &[SubId], currency: Currency) -> Result<Lot> {
    let (amounts, ends) = match text.split_once('@') {
        Some((amounts, ends)) => (amounts, moment("--lot", ends)?),
        None => (text, NEVER),
    };
    let amounts: Vec<&str> = amounts.split('+').map(str::trim).collect();
    if amounts.len() > subs.len() {
        bail!("--lot {text:?} has {} amounts, there are {} sub-balances", amounts.len(), subs.len());
    }
    let mut parts = Vec::new();
    for (sub, text) in subs.iter().zip(amounts) {
        let minor = amount("--lot", text)?.minor(currency).with_context(|| format!("--lot {text:?}"))?;
        parts.push(Part { sub: *sub, weight: minor, granted: minor, left: minor, expires_at: ends });
    }
    parts.retain(|part| part.granted > 0);
    if parts.is_empty() {
        bail!("--lot {text:?} is empty");
    }
    Ok(Lot {
        id: CommandId::internal(&format!("lot-{number}")),
        parts: parts.into_iter().collect(),
        funding: Funding::Unknown,
        reconciled: false,
    })
}

fn amount(what: &str, text: &str) -> Result<Major> {
    Major::parse(text.as_bytes()).with_context(|| format!("{what} {text:?}"))
}

fn moment(what: &str, text: &str) -> Result<Timestamp> {
    let moment: jiff::Timestamp = text.parse().with_context(|| format!("{what} {text:?}"))?;
    Ok(moment.as_microsecond())
}

fn print_plan(plan: &Plan<'_>, catalog: &Catalog, product: &Product) {
    let money = |minor: i64| Money { minor, currency: product.currency }.to_string();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["lot", "sub-balance", "amount"]);
    for line in &plan.taken.lines {
        let lot = plan.taken.lots.get(line.lot as usize).map_or("?", CommandId::as_str);
        table.add_row([lot, catalog.sub_name(line.sub), &money(line.amount)]);
    }
    table.add_row(["", "sum", &money(plan.taken.sum())]);
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
}
