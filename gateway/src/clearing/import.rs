//! A statement's way: checked whole, kept, matched with what is booked, booked, and what it confirms released.
//!
//! ```text
//!  file ─ check whole (C3) ─ keep ─ open orders from the journal ─ rows that waited ─ rows ─ orders that are left (C4)
//!       ─ lots confirmed ─ their proceeds released (C2) ─ done
//! ```
//!
//! Everything is booked under ids that follow from the file and the row, and what the journal has of them already is
//! skipped. So an import that was interrupted, wherever that was, is resumed by importing the same file again; one that
//! was finished is a no-op.

use super::changed::{Changed, Compared};
use super::lots::failed;
use super::row::Reader;
use super::rows::{GIVEN_UP, Import};
use super::settle::beijing_day;
use super::{Desktop, ids, refunds};
use fentan_engine::clearing::matching::{Matcher, Orders, Rules};
use fentan_engine::clearing::scan::{Open, Span, open_orders};
use fentan_engine::clearing::{BEIJING, ChannelTerms, Clearing, CloseStatement, Document, Statement, Tally};
use fentan_engine::ledger::Reject;
use fentan_engine::money::Currency;
use fentan_engine::names::{CommandId, Label};
use fentan_statements::{Ask, Checked, Expect, Family, Refused, Summary, check};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::fs::File;

/// A statement to be imported.
pub(crate) struct ImportAsk {
    pub(crate) channel: Label,
    pub(crate) family: Family,
    /// The name that the channel gave the file.
    pub(crate) name: String,
    pub(crate) sha1: Option<String>,
    /// The day that the caller says it is of; a file without rows may say none.
    pub(crate) day: Option<Date>,
    pub(crate) expect: Expect,
    /// Book what is new in a file that is not the one that was imported for its day, and open a difference about each row
    /// that is not as it was.
    pub(crate) accept_changes: bool,
    /// No later file will come: what is open on either side does not wait in the pool.
    pub(crate) last: bool,
    pub(crate) file: tempfile::NamedTempFile,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Reading the whole file: bytes.
    Check,
    /// Reading what is booked: positions.
    Orders,
    /// Matching and booking: rows.
    Rows,
    /// Reading what confirmed lots have paid: positions.
    Release,
}

impl Stage {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Orders => "orders",
            Self::Rows => "rows",
            Self::Release => "release",
        }
    }
}

/// Told the stage, what is done, and of how much.
pub(crate) type Told<'a> = &'a mut dyn FnMut(Stage, u64, u64);

/// What came of an import.
pub(crate) struct Report {
    pub(crate) id: CommandId,
    pub(crate) statement: Statement,
    /// It was booked before: nothing was done.
    pub(crate) unchanged: bool,
}

/// Why nothing of a file is booked.
pub(crate) enum Refusal {
    /// The file is not whole, or not consistent (rule C3).
    File(Box<Refused>),
    /// Another file was imported for the same day.
    Changed(Box<Changed>),
    /// The ledger says no.
    Reject(Reject),
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::File(Box::new(refused))
    }
}

impl Desktop {
    /// Imports a statement; `told` hears how far it is.
    pub(crate) fn import(&mut self, ask: ImportAsk, told: Told<'_>) -> Result<Report, Refusal> {
        let catalog = self.line.catalog();
        let currency = catalog.default_product().currency;
        let how = Ask {
            family: ask.family,
            file_name: &ask.name,
            sha1: ask.sha1.as_deref(),
            expect: Some(ask.expect),
            decimals: currency.exponent(),
        };
        let file = ask.file.reopen().map_err(|error| failed(&error))?;
        let mut checked = check(file, &how, &mut |done, all| told(Stage::Check, done, all))?;
        if ask.family == Family::WechatFundflow {
            let reason = "a fund flow names no orders: it is checked (fentan recon check), and not matched";
            return Err(Reject::bad_request("family", reason).into());
        }
        let (statement, name) = statement(&ask, checked.summary(), currency)?;
        let id = ids::statement(name.as_str());
        let known = match self.line.document(&id)? {
            Some(Document::Statement(known)) => Some(known),
            _ => None,
        };
        if let Some(known) = &known {
            for (field, was, is) in
                [("channel", &known.channel, &statement.channel), ("day", &known.day, &statement.day)]
            {
                if was != is {
                    return Err(
                        Reject::bad_request(field, format!("the file was imported for the {field} {was}")).into()
                    );
                }
            }
        }
        let resumed = known.is_some();
        if let Some(known) = known.filter(|known| known.tally.is_some()) {
            return Ok(Report { id, statement: *known, unchanged: true });
        }
        // The history need not be up to now: a moment that it has not reached is after all that it has.
        let compared = self.compare(&statement, &mut checked, (&ask, resumed), currency)?;
        if !resumed {
            self.folder.keep(ask.file, statement.file.as_str()).map_err(|error| failed(&error))?;
            let record = self.line.one(id.clone(), Clearing::OpenStatement(Box::new(statement.clone())))?;
            self.open.learn(&record);
        }
        let terms = catalog.channel(&ask.channel).clone();
        let now = jiff::Timestamp::now().as_microsecond();
        // What is open on either side does not wait when no later file will come.
        let (end, pool_days) = if ask.last { (now, 0) } else { (statement.until, terms.pool_days) };
        let rules = Rules { end_us: end, today_us: now, pool_days, seed: seed(), ..Rules::default() };
        let tally =
            self.book((&statement, &name), (&terms, currency), (rules, ask.last), (&mut checked, compared), told)?;
        let close = CloseStatement { statement: id.clone(), tally: tally.clone() };
        let record = self.line.one(ids::close(name.as_str()), Clearing::CloseStatement(close))?;
        self.open.learn(&record);
        Ok(Report { id, statement: Statement { tally: Some(tally), ..statement }, unchanged: false })
    }

    fn book(
        &mut self,
        (statement, name): (&Statement, &Label),
        (terms, currency): (&ChannelTerms, Currency),
        (rules, last): (Rules, bool),
        (checked, compared): (&mut Checked<File>, Compared),
        told: Told<'_>,
    ) -> Result<Tally, Refusal> {
        let family = checked.summary().family;
        let open = self.orders((statement, name), terms, checked.summary(), told)?;
        let Open { orders, lines, noted, shorts, lots, gifts, asked_before: _, refunded } = open;
        let channel = &statement.channel;
        let given_up = self.open.given_up(channel);
        let waiting = self.open.waiting(channel);
        let reader = Reader { family, channel, terms, currency };
        let mut booked = Orders::with_capacity(orders.len() + given_up.len());
        let back = (0_u64..).zip(&given_up).filter_map(|(n, (_, item))| reader.given_up(item, GIVEN_UP - n));
        for order in orders.iter().filter_map(|order| reader.booked(order)).chain(back) {
            booked.book(&order).map_err(|error| failed(&error))?;
        }
        let mut matcher = Matcher::new(booked, Rules { trades: reader.trades(), ..rules });
        let mut import = Import {
            desktop: self,
            reader,
            file: name.clone(),
            orders,
            given_up,
            asks: Vec::new(),
            lots,
            tally: Tally { items: shorts, ..Tally::default() },
            acting: Vec::new(),
            noted,
            refunded,
            failed: BTreeMap::new(),
        };
        import.gifts(gifts)?;
        import.pool(&mut matcher, waiting, (rules.today_us, rules.pool_days, last))?;
        import.changes(compared.changes)?;
        import.rows(&mut matcher, (checked.rows()?, statement.rows), (&lines, &compared.known), told)?;
        import.said_no()?;
        import.leftovers(matcher)?;
        import.flush()?;
        let Import { lots, mut tally, acting, .. } = import;
        let released = self.release(&lots, &mut |done, all| told(Stage::Release, done, all))?;
        tally.released = released.amount;
        self.follow(&acting)?;
        Ok(tally)
    }

    /// What is open of the channel since the pool's days before the first row; with the channel's first statement, all.
    fn orders(
        &self,
        (statement, name): (&Statement, &Label),
        terms: &ChannelTerms,
        summary: &Summary,
        told: Told<'_>,
    ) -> Result<Open, Reject> {
        let day = 86_400_000_000;
        let first = summary.first_at_us.unwrap_or(statement.until).min(statement.until - day);
        // Days without a statement are judged by the next one.
        let first = self.open.judged_until(statement).map_or(first, |until| first.min(until));
        let since = first - (i64::from(terms.pool_days) + 1) * day;
        let from = if self.open.has_judged(&statement.channel) {
            self.history.look(|reading| reading.position_at(since))?.max(1)
        } else {
            // Nothing has looked at older orders yet, and nothing will later.
            1
        };
        let to = self.line.durable()?;
        let mut progress = |done: u64| told(Stage::Orders, done.saturating_sub(from), to.saturating_sub(from));
        let span = Span { from, to, progress: &mut progress };
        let mut open = open_orders(&*self.journal, (&statement.channel, name), span);
        if let Ok(open) = &mut open {
            self.name_refunds(open)?;
        }
        open.map_err(|error| failed(&error))
    }

    /// The channel knows a refund by the command that asked for it, which may be older than what was read.
    fn name_refunds(&self, open: &mut Open) -> Result<(), Reject> {
        for (position, top_up) in std::mem::take(&mut open.asked_before) {
            let Ok(at) = open.orders.binary_search_by_key(&position, |order| order.position) else { continue };
            let order = &mut open.orders[at];
            if let Some(asked) = refunds::asked(&self.history, &order.account, &top_up, position)? {
                order.number = Label::internal(asked.as_str());
                order.id = asked;
            }
        }
        Ok(())
    }
}

/// A number that clients cannot know.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// A statement as it is opened, and what it is known by: its file, and of a file that does not say its day also channel and
/// day, because all such files are alike.
fn statement(ask: &ImportAsk, summary: &Summary, currency: Currency) -> Result<(Statement, Label), Refusal> {
    let totals = &summary.totals;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let file = Label::internal(&blake3::Hash::from_bytes(summary.sha256).to_hex());
    let said = summary.day.or_else(|| {
        let last = jiff::Timestamp::from_microsecond(summary.last_at_us?).ok()?;
        Some(beijing_day(last))
    });
    let name = match (said, ask.day) {
        (Some(said), Some(given)) if said != given => {
            return Err(Reject::bad_request("day", format!("the file says {said}")).into());
        }
        (None, None) => {
            let reason = "is missing: the file has no rows and does not say its day, which is needed to know which orders it does not have";
            return Err(Reject::bad_request("day", reason).into());
        }
        (None, Some(given)) if given > beijing_day(jiff::Timestamp::now()) => {
            return Err(Reject::bad_request("day", "is still to come").into());
        }
        (None, Some(given)) => Label::internal(&format!("{file} of {} on {given}", ask.channel)),
        (Some(_), _) => file.clone(),
    };
    let Some(day) = said.or(ask.day) else { return Err(Reject::bad_request("day", "is missing").into()) };
    // UnionPay's day is cut an hour early.
    let cut = if ask.family == Family::UnionpayMerchant { -1 } else { 0 };
    let until = day
        .tomorrow()
        .ok()
        .and_then(|next| next.at(0, 0, 0, 0).checked_add(cut.hours()).ok())
        .and_then(|end| BEIJING.to_timestamp(end).ok());
    let Some(until) = until else { return Err(Reject::bad_request("day", "is no day").into()) };
    let statement = Statement {
        file,
        name: ask.name.clone(),
        channel: ask.channel.clone(),
        family: Label::internal(ask.family.word()),
        currency,
        day: Label::internal(&day.to_string()),
        until: until.as_microsecond(),
        rows: count(totals.rows),
        payments: count(totals.payments),
        payment_amount: totals.payment_amount,
        refunds: count(totals.refunds),
        refund_amount: totals.refund_amount,
        fee: totals.fee,
        tally: None,
    };
    Ok((statement, name))
}
