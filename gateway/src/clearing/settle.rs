//! A day's settlement (rule C7): for each merchant, what was pending at its cut-over becomes payable.
//!
//! The figures are read from the history, which is waited for: everything that was decided before the run is in it. So
//! a run does not stop the checkout, and what is spent meanwhile is on the right side of the cut-over by its record's
//! own moment. A merchant's settlement has an id of merchant, currency and day: a run that is run again, or that was
//! interrupted, books nothing twice.
//!
//! A run that is **early** takes its own moment as its cut-over, whatever the day's would be: what comes later is the
//! next run's.
//!
//! Cost: a look at all accounts, and at each merchant's entries since its last settlement.

use super::lots::Told;
use super::{Desktop, PATIENCE, ids};
use fentan_engine::accounts::{AccountKind, Timestamp};
use fentan_engine::catalog::Catalog;
use fentan_engine::clearing::{BEIJING, Clearing, Document, Settle, Settlement, SettlementLine, cutoff};
use fentan_engine::history::{AccountRow, DocumentRow, HistoryError, KindSum, PendingPast, Reading};
use fentan_engine::ledger::{Event, Record, Reject};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::Arc;

/// Merchants that are settled together.
const TOGETHER: usize = 256;

/// Which day, and whose.
#[derive(Debug, Clone)]
pub(crate) struct RunAsk {
    pub(crate) day: Date,
    /// One merchant; all when not given.
    pub(crate) merchant: Option<AccountId>,
    /// Whether the cut-over is now.
    pub(crate) early: bool,
}

/// What a run did.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    /// The settlements that it made.
    pub(crate) made: Vec<(CommandId, Settlement)>,
    /// Merchants that were settled for this day before.
    pub(crate) unchanged: u64,
    /// Merchants that had nothing and nothing happened, or whose cut-over is not after their last one.
    pub(crate) nothing: u64,
    /// Merchants that could not be settled, and why.
    pub(crate) skipped: Vec<(AccountId, String)>,
}

/// A merchant's last settlement.
type Last = HashMap<(AccountId, Currency), (CommandId, Box<Settlement>)>;

/// A run in the making.
struct Run {
    day: Date,
    /// The same, as documents say it.
    written: Label,
    /// No cut-over is after it.
    latest: Timestamp,
    early: bool,
    catalog: Arc<Catalog>,
    last: Last,
    report: RunReport,
}

/// The day in Beijing.
pub(super) fn beijing_day(now: jiff::Timestamp) -> Date {
    BEIJING.to_datetime(now).date()
}

/// The time of the day there.
pub(super) fn beijing_time(now: jiff::Timestamp) -> jiff::civil::Time {
    BEIJING.to_datetime(now).time()
}

impl Desktop {
    /// Settles a day. Tells how far it is: merchants done, of so many.
    pub(crate) fn settle_day(&mut self, ask: &RunAsk, told: Told<'_>) -> Result<RunReport, Reject> {
        // Before everything that is decided so far is waited for: no record of this moment or before comes later.
        let now = jiff::Timestamp::now();
        let catalog = self.line.catalog();
        let working = catalog.calendar().is_working(ask.day);
        if !working.map_err(|error| Reject::bad_request("day", error))? {
            return Err(Reject::bad_request("day", format!("{} is no working day", ask.day)));
        }
        let today = beijing_day(now);
        if ask.day > today && !ask.early {
            let reason = format!("{} has not begun, it is {today} in Beijing; early=true settles up to now", ask.day);
            return Err(Reject::bad_request("day", reason));
        }
        let next = catalog.calendar().add_working_days(today, 1).map_err(|error| Reject::bad_request("day", error))?;
        if ask.day > next {
            return Err(Reject::bad_request("day", format!("the next one that can be settled early is {next}")));
        }
        self.settle(PATIENCE)?;
        let mut run = Run {
            day: ask.day,
            written: Label::internal(&ask.day.to_string()),
            latest: now.as_microsecond(),
            early: ask.early,
            catalog,
            last: Last::new(),
            report: RunReport::default(),
        };
        let merchants = self.history.look(|reading| {
            reading.each_document("settlement", &mut |row| {
                run.learn(row);
                Ok(())
            })?;
            merchants(reading, ask.merchant.as_ref())
        })?;
        if let (Some(merchant), true) = (&ask.merchant, merchants.is_empty()) {
            return Err(Reject::UnknownAccount { account: merchant.clone() });
        }
        let (mut done, all) = (0, merchants.len() as u64);
        told(done, all);
        for some in merchants.chunks(TOGETHER) {
            let asks = self.history.look(|reading| {
                let mut asks = Vec::with_capacity(some.len());
                for merchant in some {
                    asks.extend(run.ask(reading, merchant)?);
                }
                Ok(asks)
            })?;
            let accounts: Vec<AccountId> = asks.iter().map(|(_, ask)| ask.merchant.clone()).collect();
            let asks = asks.into_iter().map(|(id, ask)| (id, Clearing::Settle(Box::new(ask)))).collect();
            for (account, result) in accounts.into_iter().zip(self.line.clear(asks)?) {
                match result {
                    Ok(record) => run.report.made.extend(settlement_of(&record)),
                    Err(Reject::ShuttingDown) => return Err(Reject::ShuttingDown),
                    Err(reject) => run.report.skipped.push((account, reject.to_string())),
                }
            }
            done += some.len() as u64;
            told(done, all);
        }
        let report = run.report;
        metrics::counter!("fentan_clearing_settlements_total").increment(report.made.len() as u64);
        tracing::info!(
            day = %ask.day,
            made = report.made.len(),
            unchanged = report.unchanged,
            nothing = report.nothing,
            skipped = report.skipped.len(),
            "settled"
        );
        for (merchant, why) in &report.skipped {
            tracing::warn!(%merchant, why, "not settled");
        }
        Ok(report)
    }
}

/// The merchants that were opened, by name.
fn merchants(reading: &Reading<'_>, only: Option<&AccountId>) -> Result<Vec<AccountRow>, HistoryError> {
    if let Some(only) = only {
        let row = reading.account(only.as_str())?;
        return Ok(row.into_iter().filter(|row| row.kind == AccountKind::Merchant).collect());
    }
    let mut found = Vec::new();
    reading.accounts(AccountKind::Merchant, &mut |row| {
        found.push(row);
        Ok(())
    })?;
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

impl Run {
    /// An earlier settlement; the last of each merchant is kept.
    fn learn(&mut self, row: DocumentRow) {
        let Document::Settlement(settlement) = row.document else { return };
        let key = (settlement.merchant.clone(), settlement.currency);
        let later = self.last.get(&key).is_none_or(|(_, known)| known.run_day < settlement.run_day);
        if later {
            self.last.insert(key, (row.id, settlement));
        }
    }

    /// What to settle of a merchant, if there is something.
    fn ask(&mut self, reading: &Reading<'_>, row: &AccountRow) -> Result<Option<(CommandId, Settle)>, HistoryError> {
        let (merchant, currency) = (&row.name, row.currency);
        let id = ids::settlement(merchant.as_str(), currency.code(), self.written.as_str());
        let last = self.last.get(&(merchant.clone(), currency));
        if let Some((known, settlement)) = last {
            if *known == id {
                self.report.unchanged += 1;
                return Ok(None);
            }
            if settlement.run_day > self.written {
                if reading.document("settlement", id.as_str())?.is_some() {
                    self.report.unchanged += 1;
                } else {
                    let why = format!("was settled for {} before", settlement.run_day);
                    self.report.skipped.push((merchant.clone(), why));
                }
                return Ok(None);
            }
        }
        let cutoff = match cutoff(self.catalog.calendar(), self.catalog.terms(merchant), self.day) {
            Ok(Some(_)) if self.early => self.latest,
            Ok(Some(cutoff)) => cutoff.min(self.latest),
            Ok(None) => return Ok(None),
            Err(error) => {
                self.report.skipped.push((merchant.clone(), error.to_string()));
                return Ok(None);
            }
        };
        let last = last.map(|(_, settlement)| &**settlement);
        // After an early run, or with longer terms than the last run had, the day's cut-over is not after the last one.
        // All up to that was settled or carried over, and what has come since is a later run's: nothing came in
        // between.
        let settled_to = last.map_or(Timestamp::MIN, |last| last.cutoff);
        if cutoff <= settled_to {
            self.report.nothing += 1;
            return Ok(None);
        }
        let past = reading.pending_at(merchant.as_str(), settled_to, cutoff)?;
        if past.is_empty() {
            self.report.nothing += 1;
            return Ok(None);
        }
        let Some(figures) = figures(&past, last) else {
            self.report.skipped.push((merchant.clone(), "its figures are more than an amount can be".into()));
            return Ok(None);
        };
        let settle = Settle { merchant: merchant.clone(), currency, run_day: self.written.clone(), cutoff, ..figures };
        Ok(Some((id, settle)))
    }
}

/// The figures of a settlement; its names are filled in by the caller. `None` when one is more than an amount can be.
fn figures(past: &PendingPast, last: Option<&Settlement>) -> Option<Settle> {
    let minor = |wide: i128| i64::try_from(wide).ok();
    let from = last.map_or(0, |last| last.to);
    let line = |sum: &KindSum| {
        Some(SettlementLine { what: Label::internal(sum.kind.word()), count: sum.count, amount: minor(sum.minor)? })
    };
    // A split may take what came after the cut-over as well: that is not missing from what was there before.
    let there: i128 = past.at_cutoff.iter().sum();
    Some(Settle {
        merchant: AccountId::internal(""),
        currency: Currency::CNY,
        run_day: Label::internal(""),
        cutoff: 0,
        at_cutoff_paid: minor(past.at_cutoff[0])?,
        at_cutoff_promoted: minor(past.at_cutoff[1])?,
        settled_since: minor(past.taken_since.min(there.max(0)))?,
        carried_in: last.and_then(|last| last.carried_over).map_or(0, |(carried, _)| carried),
        lines: past.lines.iter().map(line).collect::<Option<_>>()?,
        from,
        to: past.position.max(from),
    })
}

/// The settlement that a record filed.
fn settlement_of(record: &Record) -> Option<(CommandId, Settlement)> {
    let Event::Clearing(entry) = &record.event else { return None };
    entry.documents.iter().find_map(|filed| match &filed.document {
        Document::Settlement(settlement) => Some((filed.id.clone(), (**settlement).clone())),
        _ => None,
    })
}
