//! The clearing line beside the peak: a month of a channel is reconciled while checkout traffic goes on.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use fentan_protocol::{Amount, Request, Spend, TopUp};
use serde::Deserialize;

use super::{Goal, Measured, bar};
use crate::bench::{Bench, Site};
use crate::children::{Ending, Program};
use crate::figures::{Bar, Figures, Unit, count};
use crate::load_tool::{Load, mean};
use crate::scale::Scale;
use crate::server::Client;

const RATIO: &str = "with a reconciliation beside ÷ without";
/// Orders of one request.
const AT_ONCE: u32 = 2_000;
/// Of so many orders one differs, in one of six ways.
const DIFFERS: u32 = 100;
/// Longest wait for an import.
const WITHIN: Duration = Duration::from_secs(3_600);
/// Number of the load tool's run: its loads share wallets.
const RUN: &str = "7";
/// What a customer paid for an order, in fen, and spent of it before the statement came.
const PAID: i64 = 1_000;
const SPENT: i64 = 600;

/// The peak with a reconciliation beside it.
pub(super) const BESIDE: Goal = Goal {
    id: "clearing",
    what: "T1 while a statement of 1,000,000 rows is reconciled on the same server",
    target: "≥ 0.8 of without",
    measure: beside,
    bars: |figures, _| bar(figures, RATIO, 0.8, Unit::Times, Bar::at_least).into_iter().collect(),
    conditions: |scale| {
        format!(
            "{} wallets, {} s of T1 before, beside and after; {} rows, 1 in {DIFFERS} differs; all found",
            count(scale.wallets),
            scale.seconds,
            count(scale.month_orders)
        )
    },
};

#[expect(clippy::cast_precision_loss, reason = "numbers of rows, for people to read")]
fn beside(bench: &mut Bench) -> anyhow::Result<Measured> {
    let site = bench.fresh(Vec::new())?;
    let orders = bench.scale.month_orders;
    let alone = Month::book(&site, "alone", orders)?;
    let month = Month::book(&site, "beside", orders)?;
    let rows = f64::from(orders);

    let import = Import::start(&site, &bench.programs.fentan, alone)?.finish()?;
    let mut figures = Figures::default();
    figures.add("rows reconciled, nothing beside", rows / import.took.as_secs_f64(), Unit::PerSecond);

    let before = load(&site, &bench.scale, 0)?;
    let import = Import::start(&site, &bench.programs.fentan, month)?;
    let begun = Instant::now();
    let during = load(&site, &bench.scale, 1)?;
    let import = import.finish()?;
    let after = load(&site, &bench.scale, 2)?;

    // Only the seconds in which both went on count.
    let both = (import.ended - begun).as_secs_f64().min(during.elapsed_s).floor();
    ensure!(both >= 1.0, "the reconciliation was over before the load had begun: give it more rows");
    let with = mean(&during.seconds, 0.0, both);
    let without = f64::midpoint(before.spends_per_second, after.spends_per_second);
    figures.add(RATIO, with / without, Unit::Times);
    figures.add("spends, with", with, Unit::PerSecond);
    figures.add("spends, before", before.spends_per_second, Unit::PerSecond);
    figures.add("spends, after", after.spends_per_second, Unit::PerSecond);
    figures.add("p99, with", during.latency()?.p99_us as f64, Unit::Microseconds);
    figures.add("p99, before", before.latency()?.p99_us as f64, Unit::Microseconds);
    figures.add("rows reconciled, beside", rows / import.took.as_secs_f64(), Unit::PerSecond);
    figures.add_detail("seconds of both", both, Unit::Seconds);
    let mut measured = Measured::from(figures);
    let points = during.seconds.iter().map(|second| (second.at_s, second.ok_per_second));
    measured.series.insert("spends per second beside a reconciliation".into(), points.collect());
    Ok(measured)
}

/// One load on the wallets that the first of them topped up.
fn load(site: &Site, scale: &Scale, number: u32) -> anyhow::Result<Load> {
    let mut args = scale.load_args();
    args.extend(["--run-id", RUN].map(str::to_owned));
    if number > 0 {
        args.extend(["--skip-prepare".to_owned(), "--load-number".to_owned(), number.to_string()]);
    }
    Ok(site.load_tool().run("peak_single", &args)?.load)
}

/// How an order's rows differ from its booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Differs {
    /// The channel has no row.
    Short,
    /// The channel has a row for an order that nobody booked.
    Long,
    /// Another amount.
    Amount,
    /// The channel says that it failed.
    Status,
    /// Two rows.
    Twice,
    /// The channel gave some of it back.
    ChargedBack,
}

impl Differs {
    const ALL: [Self; 6] = [Self::Short, Self::Long, Self::Amount, Self::Status, Self::Twice, Self::ChargedBack];

    /// Of the order with this number, if it does.
    fn of(order: u32) -> Option<Self> {
        let ways = u32::try_from(Self::ALL.len()).ok()?;
        let way = usize::try_from((order / DIFFERS) % ways).ok()?;
        (order % DIFFERS == DIFFERS / 2).then(|| Self::ALL[way])
    }

    /// Whether the channel still confirms the order.
    const fn confirms(self) -> bool {
        matches!(self, Self::Long | Self::Twice | Self::ChargedBack)
    }
}

/// A channel's orders, booked and partly spent, and its statement of them.
struct Month {
    channel: &'static str,
    file: PathBuf,
    orders: u32,
}

impl Month {
    fn book(site: &Site, channel: &'static str, orders: u32) -> anyhow::Result<Self> {
        let mut client = Client::connect(site.server.tcp, Duration::ZERO)?;
        for from in (0..orders).step_by(AT_ONCE as usize) {
            let requests = (from..orders.min(from + AT_ONCE)).flat_map(|order| {
                let (id, wallet) = (format!("{channel}-{order}"), format!("{channel}-w-{order}"));
                let spend_id = format!("{channel}-s-{order}");
                let merchant = format!("{channel}-m-{}", order % 1_000);
                let top_up = TopUp::new(id.clone(), wallet.clone(), Amount::from_minor(PAID, 2))
                    .with_channel(channel)
                    .with_channel_order(id);
                let spend = Spend::new(spend_id, wallet, merchant, Amount::from_minor(SPENT, 2));
                [Request::TopUp(top_up), Request::Spend(spend)]
            });
            client.ask_all(&requests.collect::<Vec<_>>())?;
        }
        let file = site.folder.path().join(format!("{channel}.csv"));
        write_statement(&file, channel, orders).context("writing a statement")?;
        Ok(Self { channel, file, orders })
    }

    /// What has to be found: orders that match, differences, and what the merchants get of it.
    fn expected(&self) -> Tally {
        let differing: Vec<Differs> = (0..self.orders).filter_map(Differs::of).collect();
        let lost = differing.iter().filter(|way| !way.confirms()).count();
        let matched = self.orders as usize - lost;
        let released = i64::try_from(matched).unwrap_or(i64::MAX) * SPENT;
        Tally { matched, items: differing.len(), released: Amount::from_minor(released, 2).to_string() }
    }
}

/// Writes the documented CSV.
fn write_statement(path: &Path, channel: &str, orders: u32) -> anyhow::Result<()> {
    // Within the last day of the books; which moment of it does not matter.
    let time = jiff::Timestamp::now();
    let mut file = std::io::BufWriter::new(File::create(path)?);
    writeln!(file, "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type")?;
    let (mut rows, mut payments, mut paid, mut refunds, mut back, mut fees) = (0_u64, 0_u64, 0_i64, 0_u64, 0_i64, 0);
    let mut text = String::new();
    for order in 0..orders {
        let way = Differs::of(order);
        text.clear();
        let mut row = |payment: bool, order: &str, unique: &str, amount: i64, status: &str| {
            // A percent of six thousandths, half up, which the channel gives back with what it gives back.
            let fee = if status == "succeeded" { (amount * 6 + 500) / 1_000 } else { 0 };
            let fee = if payment { fee } else { -fee };
            let (kind, refund) = if payment { ("payment", "") } else { ("refund", unique) };
            (rows, fees) = (rows + 1, fees + fee);
            if payment {
                (payments, paid) = (payments + 1, paid + amount);
            } else {
                (refunds, back) = (refunds + 1, back + amount);
            }
            let (amount, fee) = (Amount::from_minor(amount, 2), Amount::from_minor(fee, 2));
            writeln!(text, "{time:.0},{kind},{order},{unique},{refund},{amount},{fee},CNY,{status},app")
        };
        let name = format!("{channel}-{order}");
        let unique = format!("c-{name}");
        match way {
            Some(Differs::Short) => {}
            Some(Differs::Amount) => row(true, &name, &unique, PAID - 1, "succeeded")?,
            Some(Differs::Status) => row(true, &name, &unique, PAID, "failed")?,
            _ => row(true, &name, &unique, PAID, "succeeded")?,
        }
        match way {
            Some(Differs::Long) => row(true, &format!("{name}-more"), &format!("{unique}-more"), PAID, "succeeded")?,
            Some(Differs::Twice) => row(true, &name, &format!("{unique}-twice"), PAID, "succeeded")?,
            Some(Differs::ChargedBack) => row(false, &name, &format!("{unique}-back"), PAID / 2, "succeeded")?,
            _ => {}
        }
        file.write_all(text.as_bytes())?;
    }
    let [paid, back, fees] = [paid, back, fees].map(|fen| Amount::from_minor(fen, 2));
    writeln!(file, "#total,{rows},{payments},{paid},{refunds},{back},{fees}")?;
    Ok(file.flush()?)
}

/// What an import came to, as far as it is compared. Field names are those of the server's answer.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Tally {
    matched: usize,
    items: usize,
    released: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    tally: Tally,
}

/// An import that goes on in a process of its own.
struct Import {
    program: Program,
    heard: JoinHandle<std::io::Result<(String, Instant)>>,
    month: Month,
    begun: Instant,
}

/// One that is done.
struct Imported {
    took: Duration,
    ended: Instant,
}

impl Import {
    fn start(site: &Site, fentan: &Path, month: Month) -> anyhow::Result<Self> {
        let mut command = Command::new(fentan);
        command
            .args(["recon", "import", "--family", "generic_csv", "--last", "--json", "--channel", month.channel])
            .args(["--server", &format!("http://{}", site.server.http)])
            .arg(&month.file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let begun = Instant::now();
        let program = Program::start(&mut command, Ending::Kill)?;
        let mut stdout = program.stdout().context("the import has no standard output")?;
        let heard = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text)?;
            Ok((text, Instant::now()))
        });
        Ok(Self { program, heard, month, begun })
    }

    /// Waits for its end; everything must have been found, and nothing invented.
    fn finish(self) -> anyhow::Result<Imported> {
        let status = self.program.wait(WITHIN)?;
        let (text, ended) = self.heard.join().map_err(|_| anyhow!("the reader of the import panicked"))??;
        ensure!(status.success(), "the import ended with {status}: {text}");
        let answer: Answer = serde_json::from_str(&text).with_context(|| format!("no tally: {text}"))?;
        let expected = self.month.expected();
        ensure!(answer.tally == expected, "found {:?}, planted {expected:?}", answer.tally);
        Ok(Imported { took: ended - self.begun, ended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_differs_in_every_way() {
        let differing: Vec<Differs> = (0..60_000).filter_map(Differs::of).collect();
        assert_eq!(differing.len(), 600);
        for way in Differs::ALL {
            assert_eq!(differing.iter().filter(|of| **of == way).count(), 100, "{way:?}");
        }
    }

    #[test]
    fn a_statement_says_its_own_totals() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("st.csv");
        write_statement(&path, "c", 600).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let rows = text.lines().count() - 2;
        // One of each way: a row less, three rows more.
        assert_eq!(rows, 600 - 1 + 3);
        assert!(text.lines().last().unwrap().starts_with("#total,602,601,6009.99,1,5.00,"), "{text}");
    }
}
