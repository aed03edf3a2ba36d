//! Chapter 2: the payments of a real channel file become top-ups with a bonus.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, ensure};
use fentan_engine::clearing::BEIJING;
use fentan_protocol::{Answer, Request, TopUp};
use fentan_statements::Row;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::super::client::{accepted, get};
use super::super::money::{count, fen, wire, yuan};
use super::super::screen::Grid;
use super::super::unionpay::{KNOWN, SAMPLE_NAME, digits, rows};
use super::{Checks, Stage, screen};

/// The offer, by its name in `config/offers.toml`.
const OFFER: &str = "demo_tiers";
/// What the offer says, written down a second time on purpose: from so many fen, so many percent.
const TIERS: [(i64, i64); 4] = [(5_000_000, 12), (1_000_000, 8), (100_000, 5), (0, 0)];

/// A top-up of the file that the server acknowledged.
pub(super) struct LoadedTopUp {
    /// The request as it was sent.
    pub(super) request: Request,
    /// The journal position that made it durable.
    pub(super) seq: Option<u64>,
    /// The wallet.
    pub(super) wallet: String,
    /// Paid, in fen.
    pub(super) principal: i64,
    /// Given, in fen.
    pub(super) bonus: i64,
}

pub(super) fn show(stage: &mut Stage, checks: &mut Checks) -> anyhow::Result<Vec<LoadedTopUp>> {
    checks.chapter(
        2,
        "Top-ups of a real channel file",
        "A UnionPay merchant file of 2017-07-18: fixed width, 607 bytes of GBK a row. Every payment in it but \
         one (its callback was lost) becomes a top-up, with a bonus by the configured offer. The file masks all card numbers alike, so the demo deals the \
         payments to wallets by the last three digits of their trace numbers.",
    );
    let rows = rows()?;
    show_rows(&rows);
    checks.holds(
        true,
        format!(
            "the file is whole: {} rows, {} - fees {} = {}",
            count(KNOWN.rows),
            yuan(KNOWN.amount),
            yuan(KNOWN.fee),
            yuan(KNOWN.net)
        ),
    );
    // The callback of the last one was lost: chapter 6 finds it.
    let booked = rows.len().saturating_sub(1);
    let (loaded, answers, elapsed) = send(stage, &rows[..booked])?;
    show_tiers(&loaded);
    check(stage, checks, &loaded, &answers)?;
    screen::say(&format!("{} durable top-ups over one connection in {elapsed:.2} s.", count(loaded.len())));
    Ok(loaded)
}

/// The wallet a payment goes to.
fn wallet_of(row: &Row) -> String {
    format!("user-{}", digits(row))
}

/// The bonus of a payment, by this file's own reckoning.
fn bonus_of(principal: i64) -> (usize, i64) {
    let tier = TIERS.iter().position(|(from, _)| principal >= *from).unwrap_or(TIERS.len() - 1);
    (tier, principal * TIERS[tier].1 / 100)
}

fn beijing(row: &Row) -> String {
    let moment = jiff::Timestamp::from_microsecond(row.at_us).unwrap_or_default();
    BEIJING.to_datetime(moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn show_rows(rows: &[Row]) {
    screen::caption(format!("{SAMPLE_NAME}, the first rows"));
    let mut grid = Grid::new(&[">line", "<Beijing time", ">paid", ">fee", "<text", "<query id", "<wallet"]);
    for row in rows.iter().take(3) {
        grid.row([
            row.line.to_string(),
            beijing(row),
            yuan(row.amount),
            yuan(row.fee),
            row.about.clone(),
            row.channel_order.clone(),
            wallet_of(row),
        ]);
    }
    grid.print();
}

fn send(stage: &mut Stage, rows: &[Row]) -> anyhow::Result<(Vec<LoadedTopUp>, Vec<Answer>, f64)> {
    let mut loaded: Vec<_> = rows.iter().map(top_up).collect();
    let requests: Vec<_> = loaded.iter().map(|top_up| top_up.request.clone()).collect();
    let bar = ProgressBar::new(requests.len() as u64);
    bar.set_style(ProgressStyle::with_template("   top-ups {wide_bar} {human_pos}/{human_len}")?);
    let begun = Instant::now();
    let answers = stage.client.pipeline(&requests, |answered| bar.set_position(answered as u64))?;
    let elapsed = begun.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let answers = answers.into_iter().map(accepted).collect::<Result<Vec<_>, _>>()?;
    for (top_up, answer) in loaded.iter_mut().zip(&answers) {
        top_up.seq = answer.seq;
    }
    Ok((loaded, answers, elapsed))
}

fn top_up(row: &Row) -> LoadedTopUp {
    // The channel's number of the payment is the id: the same file twice changes nothing.
    let wallet = wallet_of(row);
    let request = TopUp::new(&row.channel_order, &wallet, wire(row.amount))
        .with_offer(OFFER)
        .with_channel("unionpay")
        .with_channel_order(&row.channel_order);
    let (_, bonus) = bonus_of(row.amount);
    LoadedTopUp { request: request.into(), seq: None, wallet, principal: row.amount, bonus }
}

fn show_tiers(loaded: &[LoadedTopUp]) {
    screen::caption(format!("Offer {OFFER}"));
    let mut grid = Grid::new(&["<tier", ">top-ups", ">principal", ">bonus"]);
    let mut tiers: BTreeMap<usize, (usize, i64, i64)> = BTreeMap::new();
    for top_up in loaded {
        let tier = tiers.entry(bonus_of(top_up.principal).0).or_default();
        *tier = (tier.0 + 1, tier.1 + top_up.principal, tier.2 + top_up.bonus);
    }
    for (tier, (top_ups, principal, bonus)) in tiers.iter().rev() {
        let (from, percent) = TIERS[*tier];
        grid.row([format!("from {}: {percent}%", yuan(from)), count(*top_ups), yuan(*principal), yuan(*bonus)]);
    }
    let (principal, bonus) = sums(loaded);
    grid.sum(["all".to_owned(), count(loaded.len()), yuan(principal), yuan(bonus)]);
    grid.print();
}

fn sums(loaded: &[LoadedTopUp]) -> (i64, i64) {
    loaded.iter().fold((0, 0), |(principal, bonus), top_up| (principal + top_up.principal, bonus + top_up.bonus))
}

fn check(stage: &Stage, checks: &mut Checks, loaded: &[LoadedTopUp], answers: &[Answer]) -> anyhow::Result<()> {
    let mut wrong = 0;
    for (top_up, answer) in loaded.iter().zip(answers) {
        let of = |sub: &str| answer.lines.iter().filter(|line| line.sub == sub).map(|line| fen(line.amount)).sum();
        let (principal, bonus): (Result<i64, _>, Result<i64, _>) = (of("principal"), of("bonus"));
        wrong += usize::from(principal? != top_up.principal || bonus? != top_up.bonus);
    }
    let wallets = loaded.iter().map(|top_up| &top_up.wallet).collect::<std::collections::BTreeSet<_>>().len();
    let what = format!("{} top-ups to {} wallets", count(loaded.len()), count(wallets));
    match wrong {
        0 => checks.holds(true, format!("{what}, each with the bonus of its tier")),
        wrong => checks.holds(false, format!("{what}; the bonus of {wrong} is not that of its tier")),
    }

    let (principal, bonus) = sums(loaded);
    let books = get(stage.server.http, "/v1/trial_balance")?;
    checks.same("trial balance: principal of all wallets", &line(&books, "wallets.principal")?, &principal, |fen| {
        yuan(*fen)
    });
    checks.same("trial balance: what the channels owe us", &-line(&books, "channels")?, &principal, |fen| yuan(*fen));
    checks.same(
        "trial balance: bonus of all wallets, as reckoned here",
        &line(&books, "wallets.bonus")?,
        &bonus,
        |fen| yuan(*fen),
    );
    ensure!(
        principal + super::clearing::forgotten()?.amount == KNOWN.amount,
        "the demo's own sum of the file is wrong"
    );
    Ok(())
}

/// A line of the chart of accounts in a trial balance, in fen; credits are positive.
pub(super) fn line(books: &Value, account: &str) -> anyhow::Result<i64> {
    let lines = books["accounts"].as_array().context("the trial balance has no accounts")?;
    let mut sum = 0;
    for line in lines.iter().filter(|line| line["account"] == account) {
        for (side, sign) in [("debit", -1), ("credit", 1)] {
            if let Some(text) = line[side].as_str() {
                sum += sign * fen(text.parse()?)?;
            }
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_those_of_the_shipped_offer() {
        let text = include_str!("../../../../config/offers.toml");
        let offers: toml::Table = text.parse().unwrap();
        let offer = offers["offer"].as_array().unwrap().iter().find(|offer| offer["name"].as_str() == Some(OFFER));
        let shipped: Vec<(i64, i64)> = offer.unwrap()["tier"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tier| {
                let fen = fen(tier["from"].as_str().unwrap().parse().unwrap()).unwrap();
                (fen, tier["percent"].as_str().unwrap().parse().unwrap())
            })
            .collect();
        let mut own = TIERS[..3].to_vec();
        own.reverse();
        assert_eq!(own, shipped);
    }

    #[test]
    fn the_bonus_is_rounded_down_and_tiers_begin_at_their_amount() {
        for (principal, bonus) in [(99_999, 0), (100_000, 5_000), (100_019, 5_000), (100_020, 5_001), (999_999, 49_999)]
        {
            assert_eq!(bonus_of(principal).1, bonus, "{principal}");
        }
        assert_eq!(bonus_of(1_000_000).1, 80_000);
        assert_eq!(bonus_of(5_000_000).1, 600_000);
    }
}
