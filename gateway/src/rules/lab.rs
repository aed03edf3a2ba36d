//! `fentan rules lab`: a period of the journal under another rule (rule A8).
//!
//! The folder is opened to look at, without a lock: a server may run on it. What it has not yet synced when
//! the folder is opened is not seen.

mod export;
mod figures;
mod moments;
mod plot;
mod rule_file;
mod table;

use super::book::now;
use crate::config::{Given, Settings, load};
use anyhow::{Context, Result, bail};
use fentan_engine::allocation::Rule;
use fentan_engine::catalog::{Catalog, Versions};
use fentan_engine::lab::{self, Period, Stage};
use fentan_engine::names::Label;
use fentan_storage::{DataFolder, Options};
use indicatif::{ProgressBar, ProgressStyle};
use moments::Offset;
use std::path::PathBuf;
use std::time::Instant;

/// What to replay, and under which rule.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LabArgs {
    /// The folder of the data; a server may be using it
    #[arg(long, env = "FENTAN_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// A configuration file, for the folder and the catalog
    #[arg(long, env = "FENTAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The catalog's files [default: those of --config, else the built-in ones]
    #[arg(long, env = "FENTAN_CATALOG", value_name = "FILE", value_delimiter = ',')]
    catalog: Option<Vec<PathBuf>>,
    /// The rule: its name, of the rules file or the catalog, or name@version of the catalog [default: the only one of the rules file]
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// A file with one or more [[rule]]s; they come before those of the catalog
    #[arg(long, value_name = "FILE")]
    rules_file: Option<PathBuf>,
    /// Where the period begins: a day (2026-11-01) or a moment (2026-11-01T10:00:00Z) [default: the beginning]
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Where it ends: its last day, or the first moment after it [default: the end]
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Where days begin: the offset of local time from UTC, such as +08:00
    #[arg(long, value_name = "OFFSET", default_value = "+00:00", allow_hyphen_values = true)]
    utc_offset: Offset,
    /// What the table shows
    #[arg(long, value_enum, default_value_t = table::By::Day)]
    by: table::By,
    /// Write all figures, by day and merchant, to this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Draw used and left by day into this file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  fentan rules lab --data ledger --rule principal_first
  fentan rules lab --data ledger --rules-file new.toml --from 2026-11-01 --to 2026-11-30 --utc-offset +08:00
  fentan rules lab --data ledger --rule by_lot_pro_rata --by merchant --csv lab.csv --plot lab.svg";

/// Replays, reports, and says whether the books of both worlds balance.
///
/// # Errors
/// When a file, the folder or the journal cannot be read, or there is no such rule.
pub(crate) fn run(args: &LabArgs) -> Result<bool> {
    if let Some(path) = &args.plot {
        plot::check(path)?;
    }
    let given = Given { data: args.data.clone(), catalog: args.catalog.clone(), ..Given::default() };
    let settings = Settings::new(given, args.config.as_deref())?;
    let catalog = load(&settings.catalog)?.catalog;
    let rule = rule(args, &catalog)?;
    let period = period(args)?;
    let (journal, _) = DataFolder::open_read_only(&settings.data, &Options::default())
        .with_context(|| format!("the folder {} cannot be opened", settings.data.display()))?;
    let begun = Instant::now();
    let mut meter = Meter::new();
    let report = lab::run(&journal, &catalog, &rule, period, &mut |stage, done, end| meter.tell(stage, done, end))
        .with_context(|| format!("the journal of {} cannot be replayed", settings.data.display()))?;
    let records = meter.end();
    let milliseconds = begun.elapsed().as_millis().max(1);
    eprintln!(
        "{} records in {milliseconds} ms, {} records/s",
        table::count(records),
        table::count(u64::try_from(u128::from(records) * 1_000 / milliseconds).unwrap_or(u64::MAX))
    );
    print!("{}", table::render(&report, &catalog, args.utc_offset, args.by));
    if let Some(path) = &args.csv {
        export::write(&report, &catalog, path).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if let Some(path) = &args.plot {
        plot::write(&report, &catalog, path).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(report.faults.is_empty())
}

/// The rule that was asked for.
fn rule(args: &LabArgs, catalog: &Catalog) -> Result<Rule> {
    let mut rules = match &args.rules_file {
        Some(path) => rule_file::read(path, catalog)?,
        None => Vec::new(),
    };
    let Some(name) = &args.rule else {
        return match (rules.pop(), rules.len()) {
            (Some(rule), 0) => Ok(rule),
            (None, _) => bail!("--rule is missing: the name of a rule"),
            (Some(_), others) => bail!("--rule is missing: the rules file has {} rules", others + 1),
        };
    };
    if let Some(at) = rules.iter().position(|rule| rule.name.as_str() == name) {
        return Ok(rules.swap_remove(at));
    }
    if let Some(rule) = of_catalog(name, catalog) {
        return Ok(rule.clone());
    }
    let known: Vec<&str> = rules
        .iter()
        .map(|rule| &rule.name)
        .chain(catalog.all_versions().map(Versions::name))
        .map(Label::as_str)
        .collect();
    bail!("there is no rule {name:?}; there are {}", known.join(", "))
}

/// `name@version`, or a name, which means its version that is in force now.
fn of_catalog<'c>(name: &str, catalog: &'c Catalog) -> Option<&'c Rule> {
    match name.rsplit_once('@') {
        Some((name, version)) => catalog.rule_version(&Label::new(name).ok()?, version.parse().ok()?),
        None => Some(catalog.versions(&Label::new(name).ok()?)?.in_force_or_first(now())),
    }
}

fn period(args: &LabArgs) -> Result<Period> {
    let mut period = Period { day_offset: args.utc_offset.microseconds(), ..Period::default() };
    if let Some(text) = &args.from {
        period.from = moments::first(text, args.utc_offset).context("--from")?;
    }
    if let Some(text) = &args.to {
        period.to = moments::after(text, args.utc_offset).context("--to")?;
    }
    if period.from >= period.to {
        bail!("the period is empty: it ends before it begins");
    }
    Ok(period)
}

/// A spinner while the end is not known, then a bar. On a terminal only.
struct Meter {
    bar: ProgressBar,
    stage: Stage,
    done: u64,
}

impl Meter {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        style(&bar, "{spinner} looking for refunds   {human_pos} records   {per_sec}");
        Self { bar, stage: Stage::Refunds, done: 0 }
    }

    fn tell(&mut self, stage: Stage, done: u64, end: Option<u64>) {
        if stage != self.stage {
            self.bar.finish_and_clear();
            self.stage = stage;
            self.bar = ProgressBar::new(end.unwrap_or(done));
            style(&self.bar, "replaying {wide_bar} {human_pos}/{human_len} records   {per_sec}   {eta}");
        }
        self.done = done;
        self.bar.set_position(done);
    }

    /// Takes the bar away; how many records were done.
    fn end(self) -> u64 {
        self.bar.finish_and_clear();
        self.done
    }
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
