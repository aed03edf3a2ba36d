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

use super::engine::PARCEL;
use super::lots::{Lot, failed};
use super::row::{Reader, cost};
use super::{Desktop, ids};
use fentan_engine::accounts::Timestamp;
use fentan_engine::clearing::matching::{Matcher, Orders, Outcome, Pair, Rules, Seen};
use fentan_engine::clearing::scan::{Open, Order, Span, Standing, open_orders};
use fentan_engine::clearing::{
    Act, ChannelTerms, Clearing, CloseStatement, ConfirmLot, ConfirmRefund, Difference, Document, Item, ItemState,
    OpenItem, Resolution, RowRef, Statement, Tally, WorkItem,
};
use fentan_engine::ledger::Reject;
use fentan_engine::money::Currency;
use fentan_engine::names::{CommandId, Label};
use fentan_statements::{Ask, Checked, Expect, Family, Refused, Row, RowKind, Rows, Summary, check};
use jiff::ToSpan;
use std::collections::HashMap;
use std::fs::File;
use std::time::Duration;

/// How long an import waits for the history.
const PATIENCE: Duration = Duration::from_secs(600);
/// References of orders that were given up are counted down from here, where no position is.
const GIVEN_UP: u64 = u64::MAX;
/// How many rows a changed file's difference names.
const NAMED: usize = 20;

/// A statement to be imported.
pub(crate) struct ImportAsk {
    pub(crate) channel: Label,
    pub(crate) family: Family,
    /// The name that the channel gave the file.
    pub(crate) name: String,
    pub(crate) sha1: Option<String>,
    pub(crate) expect: Expect,
    /// Book what is new in a file that is not the one that was imported for its day.
    pub(crate) accept_changes: bool,
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

/// What is not the same in two files of one day.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The file that was imported before.
    pub(crate) before: String,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) changed: u64,
    /// Some of the rows, in words.
    pub(crate) named: Vec<String>,
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

/// An import under way.
struct Import<'a> {
    desktop: &'a mut Desktop,
    reader: Reader<'a>,
    file: Label,
    orders: Vec<Order>,
    given_up: Vec<(CommandId, Item)>,
    asks: Vec<(CommandId, Clearing)>,
    lots: Vec<Lot>,
    tally: Tally,
    /// Items whose top-up has come: what follows is done behind the rows.
    acting: Vec<CommandId>,
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
        let statement = statement(&ask, checked.summary(), currency)?;
        let id = ids::statement(statement.file.as_str());
        let resumed = match self.line.document(&id)? {
            Some(Document::Statement(known)) if known.tally.is_some() => {
                return Ok(Report { id, statement: *known, unchanged: true });
            }
            Some(Document::Statement(known)) if known.channel != statement.channel => {
                let reason = format!("the file was imported for the channel {}", known.channel);
                return Err(Reject::bad_request("channel", reason).into());
            }
            known => known.is_some(),
        };
        self.settle(PATIENCE)?;
        let skip = match self.open.other_file(&statement).cloned() {
            Some(other) => self.same_rows(&other, &mut checked, &ask, currency)?,
            None => HashMap::new(),
        };
        if !resumed {
            self.folder.keep(ask.file, statement.file.as_str()).map_err(|error| failed(&error))?;
            let record = self.line.one(id.clone(), Clearing::OpenStatement(Box::new(statement.clone())))?;
            self.open.learn(&record);
        }
        let terms = catalog.channel(&ask.channel).clone();
        let tally = self.book(&ask.channel, &terms, (&statement, currency), (&mut checked, &skip), told)?;
        let close = CloseStatement { statement: id.clone(), tally: tally.clone() };
        let record = self.line.one(ids::close(statement.file.as_str()), Clearing::CloseStatement(close))?;
        self.open.learn(&record);
        Ok(Report { id, statement: Statement { tally: Some(tally), ..statement }, unchanged: false })
    }

    fn book(
        &mut self,
        channel: &Label,
        terms: &ChannelTerms,
        (statement, currency): (&Statement, Currency),
        (checked, skip): (&mut Checked<File>, &HashMap<u64, ()>),
        told: Told<'_>,
    ) -> Result<Tally, Refusal> {
        let family = checked.summary().family;
        let Open { orders, lines, lots } = self.orders(statement, terms, checked.summary(), told)?;
        let now = jiff::Timestamp::now().as_microsecond();
        let given_up = self.open.given_up(channel);
        let waiting = self.open.waiting(channel);
        let reader = Reader { family, channel, terms, currency };
        let mut booked = Orders::with_capacity(orders.len() + given_up.len());
        let back = (0_u64..).zip(&given_up).filter_map(|(n, (_, item))| reader.given_up(item, GIVEN_UP - n));
        for order in orders.iter().filter_map(|order| reader.booked(order)).chain(back) {
            booked.book(&order).map_err(|error| failed(&error))?;
        }
        let rules = Rules {
            end_us: statement.until,
            today_us: now,
            pool_days: terms.pool_days,
            trades: reader.trades(),
            seed: seed(),
        };
        let mut matcher = Matcher::new(booked, rules);
        let mut import = Import {
            desktop: self,
            reader,
            file: statement.file.clone(),
            orders,
            given_up,
            asks: Vec::new(),
            lots,
            tally: Tally::default(),
            acting: Vec::new(),
        };
        import.pool(&mut matcher, waiting, now)?;
        import.rows(&mut matcher, (checked.rows()?, statement.rows), (&lines, skip), told)?;
        import.leftovers(matcher)?;
        import.flush()?;
        let Import { lots, mut tally, acting, .. } = import;
        let released = self.release(&lots, &mut |done, all| told(Stage::Release, done, all))?;
        tally.released = released.amount;
        for id in acting {
            self.follow(&id)?;
        }
        Ok(tally)
    }

    /// What is open of the channel since the pool's days before the first row.
    fn orders(
        &self,
        statement: &Statement,
        terms: &ChannelTerms,
        summary: &Summary,
        told: Told<'_>,
    ) -> Result<Open, Reject> {
        let day = 86_400_000_000;
        let first = summary.first_at_us.unwrap_or(statement.until).min(statement.until - day);
        let since = first - (i64::from(terms.pool_days) + 1) * day;
        let from = self.history.look(|reading| reading.position_at(since))?.max(1);
        let to = self.line.durable()?;
        let mut progress = |done: u64| told(Stage::Orders, done.saturating_sub(from), to.saturating_sub(from));
        let span = Span { from, to, progress: &mut progress };
        open_orders(&*self.journal, (&statement.channel, &statement.file), span).map_err(|error| failed(&error))
    }

    /// The lines of a file that another file of the same day has alike: they are booked by that one.
    fn same_rows(
        &self,
        other: &Statement,
        checked: &mut Checked<File>,
        ask: &ImportAsk,
        currency: Currency,
    ) -> Result<HashMap<u64, ()>, Refusal> {
        let before = {
            let how = Ask {
                family: ask.family,
                file_name: &other.name,
                sha1: None,
                expect: None,
                decimals: currency.exponent(),
            };
            let file = File::open(self.folder.path(other.file.as_str())).map_err(|error| failed(&error))?;
            let mut before = check(file, &how, &mut |_, _| {})?;
            let mut rows: HashMap<[String; 5], Row> = HashMap::new();
            for row in before.rows()? {
                let row = row?;
                rows.insert(numbers(&row), row);
            }
            rows
        };
        let mut left = before;
        let mut same = HashMap::new();
        let mut changed = Changed { before: other.file.as_str().to_owned(), ..Changed::default() };
        for row in checked.rows()? {
            let row = row?;
            match left.remove(&numbers(&row)) {
                Some(was) if content(&was) == content(&row) => drop(same.insert(row.line, ())),
                Some(was) => changed.note(format!("line {}: {} was {}", row.line, told_of(&row), told_of(&was)), 2),
                None => changed.note(format!("line {}: {} is new", row.line, told_of(&row)), 0),
            }
        }
        for row in left.values() {
            changed.note(format!("line {} of the file before: {} is gone", row.line, told_of(row)), 1);
        }
        if ask.accept_changes { Ok(same) } else { Err(Refusal::Changed(Box::new(changed))) }
    }
}

impl Changed {
    fn note(&mut self, text: String, what: u8) {
        match what {
            0 => self.added += 1,
            1 => self.removed += 1,
            _ => self.changed += 1,
        }
        if self.named.len() < NAMED {
            self.named.push(text);
        }
    }
}

/// What a row is known by.
fn numbers(row: &Row) -> [String; 5] {
    let kind = match &row.kind {
        RowKind::Payment => "payment".to_owned(),
        RowKind::Refund => "refund".to_owned(),
        RowKind::Other { word } => word.clone(),
    };
    [kind, row.order.clone(), row.channel_order.clone(), row.refund.clone(), row.channel_refund.clone()]
}

/// What a row says.
fn content(row: &Row) -> (i64, i64, i64, &str, &str, i64) {
    (row.amount, row.asked, row.fee, row.currency.as_str(), row.status.word(), row.at_us)
}

fn told_of(row: &Row) -> String {
    let number = [&row.refund, &row.order, &row.channel_order].into_iter().find(|text| !text.is_empty());
    format!("{} {} ({})", number.map_or("a row", |text| text.as_str()), row.asked, row.status.word())
}

impl Import<'_> {
    /// Rows of earlier statements that wait: the order may be there now, or the pool's days are over.
    fn pool(&mut self, matcher: &mut Matcher, waiting: Vec<(CommandId, Item)>, now: Timestamp) -> Result<(), Reject> {
        let pool = i64::from(self.reader.terms.pool_days) * 86_400_000_000;
        for (id, item) in waiting {
            // It has waited since its own day ended; that is at most a day after it happened.
            let end = item.at + 86_400_000_000;
            let outcome = self.reader.waiting(&item).map(|row| matcher.carried(&row, end));
            let (what, act) = match outcome {
                Some(Outcome::Matched(pair)) => {
                    match self.booked(pair).filter(|order| order.standing == Standing::Booked) {
                        Some(order) => {
                            let resolution = Resolution::Rematch(order.booked_by.clone());
                            let reason = "the ledger has booked it now".to_owned();
                            ("rematch", Act::Propose { resolution, reason, approval_above: i64::MAX })
                        }
                        None => continue,
                    }
                }
                _ if now >= end + pool => ("overdue", Act::Overdue),
                _ => continue,
            };
            let work = ids::work(&id, what);
            let ask = Clearing::WorkItem(WorkItem { item: id.clone(), by: super::items::ledger(), act });
            let record = self.desktop.line.one(work, ask)?;
            self.desktop.open.learn(&record);
            if what == "rematch" {
                self.acting.push(id);
            }
        }
        Ok(())
    }

    fn rows(
        &mut self,
        matcher: &mut Matcher,
        (rows, count): (Rows<'_, File>, u64),
        (lines, skip): (&HashMapLines, &HashMap<u64, ()>),
        told: Told<'_>,
    ) -> Result<(), Refusal> {
        let mut batch: Vec<(Row, Seen)> = Vec::with_capacity(PARCEL);
        let mut done = 0;
        for row in rows {
            let row = row?;
            done += 1;
            if skip.contains_key(&row.line) {
                continue;
            }
            if let Some(before) = lines.get(&row.line) {
                self.counted(&row, *before);
                continue;
            }
            let Some(seen) = self.reader.seen(&row) else {
                self.tally.void += 1;
                continue;
            };
            batch.push((row, seen));
            if batch.len() == PARCEL {
                self.batch(matcher, &mut batch)?;
                told(Stage::Rows, done, count);
            }
        }
        self.batch(matcher, &mut batch)?;
        told(Stage::Rows, count, count);
        Ok(())
    }

    /// A row that was booked before the import was interrupted.
    fn counted(&mut self, row: &Row, item: Option<(Difference, ItemState)>) {
        match item {
            Some((_, ItemState::Waiting)) => self.tally.waiting += 1,
            Some((Difference::Fee | Difference::TradeType, _)) => {
                self.tally.items += 1;
                self.matched(row);
            }
            Some(_) => self.tally.items += 1,
            None => self.matched(row),
        }
    }

    fn matched(&mut self, row: &Row) {
        self.tally.matched += 1;
        self.tally.matched_amount += if row.kind == RowKind::Refund { -row.asked } else { row.asked };
    }

    fn batch(&mut self, matcher: &mut Matcher, batch: &mut Vec<(Row, Seen)>) -> Result<(), Refusal> {
        let seen: Vec<Seen> = batch.iter().map(|(_, seen)| *seen).collect();
        let mut outcomes = Vec::with_capacity(seen.len());
        matcher.batch(&seen, &mut outcomes);
        for ((row, _), outcome) in batch.drain(..).zip(outcomes) {
            self.row(&row, &outcome)?;
        }
        self.flush()?;
        Ok(())
    }

    /// The order of a pair.
    fn booked(&self, pair: Pair) -> Option<&Order> {
        let at = self.orders.binary_search_by_key(&pair.reference, |order| order.position).ok()?;
        self.orders.get(at)
    }

    /// The item of a pair, when its order was given up.
    fn given_up(&self, pair: Pair) -> Option<&(CommandId, Item)> {
        self.given_up.get(usize::try_from(GIVEN_UP - pair.reference).ok()?)
    }

    /// What a row becomes.
    fn row(&mut self, row: &Row, outcome: &Outcome) -> Result<(), Reject> {
        match outcome {
            Outcome::NoMoney => self.tally.void += 1,
            Outcome::Matched(pair) => self.pair(row, *pair, &[])?,
            Outcome::Mismatched(pair, what) => self.pair(row, *pair, &what.iter().collect::<Vec<_>>())?,
            Outcome::Waiting => self.one_sided(row, None, ItemState::Waiting),
            Outcome::Long => self.one_sided(row, Some(Difference::Long), ItemState::Open),
            Outcome::Chargeback => self.one_sided(row, Some(Difference::Chargeback), ItemState::Open),
            Outcome::Duplicate { .. } => self.one_sided(row, Some(Difference::Duplicate), ItemState::Open),
        }
        Ok(())
    }

    /// A row that only the channel has, or has again.
    fn one_sided(&mut self, row: &Row, kind: Option<Difference>, state: ItemState) {
        let refund = row.kind == RowKind::Refund;
        let kind = kind.unwrap_or(if refund { Difference::Chargeback } else { Difference::Long });
        // The channel may have sent the row in an earlier file.
        let known = self.confirmed_before(row);
        let (kind, state) = if known.is_some() { (Difference::Duplicate, ItemState::Open) } else { (kind, state) };
        let mut item = self.reader.item(kind, state, row, &self.file);
        item.stated = Some(row.asked);
        item.fee = cost(row);
        item.ledger = known;
        if state == ItemState::Waiting {
            self.tally.waiting += 1;
        } else {
            self.tally.items += 1;
        }
        self.open(row, item);
    }

    /// The top-up of a row's number that a statement has confirmed already.
    fn confirmed_before(&self, row: &Row) -> Option<CommandId> {
        if row.kind != RowKind::Payment {
            return None;
        }
        let channel = self.reader.channel.as_str();
        for number in [&row.order, &row.channel_order].into_iter().filter(|number| !number.is_empty()) {
            let records = self.desktop.history.look(|reading| {
                let positions = reading.orders(channel, number)?;
                let mut details = reading.details();
                positions.into_iter().map(|position| details.record(position)).collect::<Result<Vec<_>, _>>()
            });
            for record in records.unwrap_or_default().into_iter().flatten() {
                let Some(account) = record.account() else { continue };
                let confirm = ids::confirm(&record.id, account.as_str());
                if self.desktop.line.record(&confirm).ok().flatten().is_some() {
                    return Some(record.id);
                }
            }
        }
        None
    }

    /// A row that found its order.
    fn pair(&mut self, row: &Row, pair: Pair, what: &[Difference]) -> Result<(), Reject> {
        if let Some((id, item)) = self.given_up(pair).cloned() {
            return self.came(row, &id, &item, what);
        }
        let Some(order) = self.booked(pair).cloned() else { return Ok(()) };
        let mut item = self.reader.item(Difference::Status, ItemState::Open, row, &self.file);
        item.ledger = Some(order.booked_by.clone());
        item.account = (!order.refund).then(|| order.account.clone());
        item.fee = cost(row);
        if order.standing == Standing::Pending {
            // The channel has the money of a top-up that the ledger still waits for.
            if matches!(what.first(), Some(Difference::Status)) {
                self.tally.void += 1;
                return Ok(());
            }
            item.stated = Some(row.asked);
            item.found = "succeeded".into();
            item.note = "the ledger has the top-up as pending".into();
            self.tally.items += 1;
            self.open(row, item);
            return Ok(());
        }
        match what.first() {
            Some(kind @ (Difference::Currency | Difference::Amount | Difference::Status)) => {
                item.kind = *kind;
                item.booked = Some(order.amount);
                match kind {
                    Difference::Currency => {
                        item.found.clone_from(&row.currency);
                        item.currency = order.currency;
                        item.fee = 0;
                    }
                    Difference::Status => {
                        row.status.word().clone_into(&mut item.found);
                        item.fee = 0;
                    }
                    _ => item.stated = Some(row.asked),
                }
                if order.refund && *kind != Difference::Currency {
                    // A refund that differs has moved nothing that a lot could wait for.
                    item.kind = Difference::Chargeback;
                    item.booked = None;
                    item.stated = Some(if *kind == Difference::Amount { row.asked - order.amount } else { 0 });
                }
                self.tally.items += 1;
                self.open(row, item);
            }
            first => {
                let excess = pair.fee.map_or(0, |expected| cost(row) - expected);
                self.confirm(row, &order, excess);
                self.matched(row);
                if let Some(kind) = first {
                    item.kind = *kind;
                    item.booked = Some(order.amount);
                    item.stated = Some(row.asked);
                    item.excess = excess;
                    item.found.clone_from(&row.trade_type);
                    self.tally.items += 1;
                    self.open(row, item);
                }
            }
        }
        Ok(())
    }

    /// The row of an order that was given up.
    fn came(&mut self, row: &Row, id: &CommandId, item: &Item, what: &[Difference]) -> Result<(), Reject> {
        let differs = what.iter().any(|kind| !matches!(kind, Difference::Fee | Difference::TradeType));
        if differs || item.refund {
            self.one_sided(row, None, ItemState::Open);
            return Ok(());
        }
        let row_ref = RowRef { file: self.file.clone(), line: row.line };
        let act = Act::Arrived { row: row_ref, amount: row.asked, fee: cost(row) };
        let ask = Clearing::WorkItem(WorkItem { item: id.clone(), by: super::items::ledger(), act });
        let record = self.desktop.line.one(ids::work(id, "arrived"), ask)?;
        self.desktop.open.learn(&record);
        self.acting.push(id.clone());
        self.matched(row);
        Ok(())
    }

    fn confirm(&mut self, row: &Row, order: &Order, excess: i64) {
        let row_ref = RowRef { file: self.file.clone(), line: row.line };
        if order.refund {
            let ask = ConfirmRefund {
                refund: order.booked_by.clone(),
                channel: self.reader.channel.clone(),
                currency: order.currency,
                row: row_ref,
                amount: order.amount,
                fee: cost(row),
            };
            self.asks.push((ids::refund(&order.booked_by), Clearing::ConfirmRefund(ask)));
            return;
        }
        let ask = ConfirmLot {
            top_up: order.id.clone(),
            account: order.account.clone(),
            row: Some(row_ref),
            amount: Some(order.amount),
            fee: cost(row),
            excess,
        };
        self.asks.push((ids::confirm(&order.id, order.account.as_str()), Clearing::ConfirmLot(ask)));
        self.lots.push((order.id.clone(), order.position));
    }

    fn open(&mut self, row: &Row, item: Item) {
        let id = ids::item(self.file.as_str(), row.line, item.kind.word());
        self.asks.push((id, Clearing::OpenItem(Box::new(OpenItem { item }))));
    }

    /// Books what is waiting to be booked.
    fn flush(&mut self) -> Result<(), Reject> {
        let asks = std::mem::take(&mut self.asks);
        if asks.is_empty() {
            return Ok(());
        }
        for result in self.desktop.line.clear(asks)? {
            match result {
                Ok(record) => self.desktop.open.learn(&record),
                // Somebody has resolved a difference so meanwhile.
                Err(Reject::AlreadyDone { .. }) => {}
                Err(reject) => return Err(reject),
            }
        }
        Ok(())
    }

    /// Orders that no row has found.
    fn leftovers(&mut self, matcher: Matcher) -> Result<(), Reject> {
        for left in matcher.finish().leftovers {
            let at = self.orders.binary_search_by_key(&left.reference, |order| order.position);
            let Some(order) = at.ok().map(|at| self.orders[at].clone()) else { continue };
            if left.waits || order.standing == Standing::Pending {
                self.tally.expected += u64::from(order.standing == Standing::Booked);
                continue;
            }
            self.tally.items += 1;
            let item = self.reader.short(&order);
            self.asks.push((ids::short(&order.booked_by), Clearing::OpenItem(Box::new(OpenItem { item }))));
            if self.asks.len() >= PARCEL {
                self.flush()?;
            }
        }
        Ok(())
    }
}

type HashMapLines = hashbrown::HashMap<u64, Option<(Difference, ItemState)>>;

/// A number that clients cannot know.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

fn statement(ask: &ImportAsk, summary: &Summary, currency: Currency) -> Result<Statement, Refusal> {
    let totals = &summary.totals;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let hex: String = summary.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let day = summary.day.or_else(|| {
        let last = jiff::Timestamp::from_microsecond(summary.last_at_us?).ok()?;
        Some(last.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).date())
    });
    let Some(day) = day else {
        return Err(Reject::bad_request("name", "the file has no rows and says no day").into());
    };
    // UnionPay's day is cut an hour early.
    let cut = if ask.family == Family::UnionpayMerchant { -1 } else { 0 };
    let until = day
        .tomorrow()
        .ok()
        .and_then(|next| next.at(0, 0, 0, 0).checked_add(cut.hours()).ok())
        .and_then(|end| jiff::tz::TimeZone::fixed(jiff::tz::offset(8)).to_timestamp(end).ok());
    let Some(until) = until else { return Err(Reject::bad_request("name", "the day is no day").into()) };
    Ok(Statement {
        file: Label::internal(&hex),
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
    })
}
