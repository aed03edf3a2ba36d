//! What becomes of a statement's rows, and of the orders that no row has found (rule C4).

use super::confirmed::known;
use super::engine::PARCEL;
use super::import::{Refusal, Stage, Told};
use super::lots::Lot;
use super::row::{Reader, cost};
use super::{Desktop, ids};
use fentan_engine::clearing::matching::{Matcher, Outcome, Pair, Seen};
use fentan_engine::clearing::scan::{Order, Standing};
use fentan_engine::clearing::{
    Clearing, ConfirmLot, ConfirmRefund, Difference, Item, ItemState, OpenItem, RowRef, Tally,
};
use fentan_engine::journal::Position;
use fentan_engine::ledger::Reject;
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_statements::{Row, RowKind, RowStatus, Rows};
use hashbrown::HashMap;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;

/// Whether only the channel has the row, or has it again.
const fn is_one_sided(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting | Outcome::Long | Outcome::Chargeback | Outcome::Duplicate { .. })
}

/// References of orders that were given up are counted down from here, where no position is.
pub(super) const GIVEN_UP: u64 = u64::MAX;

/// Top-ups that brought no money: wallet and position.
type Gifts = HashMap<CommandId, (AccountId, Position)>;

/// Lines that were booked before, and as what.
type Lines = HashMap<u64, Option<(Difference, ItemState)>>;

/// An import under way.
pub(super) struct Import<'a> {
    pub(super) desktop: &'a mut Desktop,
    pub(super) reader: Reader<'a>,
    pub(super) file: Label,
    pub(super) orders: Vec<Order>,
    pub(super) given_up: Vec<(CommandId, Item)>,
    pub(super) asks: Vec<(CommandId, Clearing)>,
    pub(super) lots: Vec<Lot>,
    pub(super) tally: Tally,
    /// Items whose top-up has come: what follows is done behind the rows.
    pub(super) acting: Vec<CommandId>,
    /// Lines whose difference was opened before the import was interrupted.
    pub(super) noted: hashbrown::HashSet<u64>,
    /// Refunds of the days that were read which a statement has confirmed: who asked, and what booked them.
    pub(super) refunded: HashMap<CommandId, CommandId>,
    /// Orders for which a row said that nothing was paid, by position: a later row may say otherwise.
    pub(super) failed: BTreeMap<u64, (u64, Item)>,
}

impl Import<'_> {
    /// Gifts without money have nothing to wait for.
    pub(super) fn gifts(&mut self, gifts: Gifts) -> Result<(), Reject> {
        let mut gifts: Vec<_> = gifts.into_iter().collect();
        gifts.sort_unstable_by_key(|(_, (_, position))| *position);
        for (top_up, (account, position)) in gifts {
            let id = ids::confirm(&top_up, account.as_str());
            self.lots.push((top_up.clone(), position));
            let ask = ConfirmLot { top_up, account, row: None, amount: None, fee: 0, excess: 0 };
            self.ask(id, Clearing::ConfirmLot(ask))?;
        }
        self.flush()
    }

    pub(super) fn rows(
        &mut self,
        matcher: &mut Matcher,
        (rows, count): (Rows<'_, File>, u64),
        (lines, skip): (&Lines, &HashSet<u64>),
        told: Told<'_>,
    ) -> Result<(), Refusal> {
        let mut batch: Vec<(Row, Seen)> = Vec::with_capacity(PARCEL);
        let mut done = 0;
        for row in rows {
            let row = row?;
            done += 1;
            if skip.contains(&row.line) {
                continue;
            }
            if let Some(before) = lines.get(&row.line) {
                self.counted(&row, *before);
                continue;
            }
            let Some(seen) = self.reader.seen(&row) else {
                // Money without a number that anything could be found by is money all the same.
                let moved = row.status == RowStatus::Succeeded && row.asked > 0;
                if moved && !matches!(row.kind, RowKind::Other { .. }) {
                    self.one_sided(&row, None, ItemState::Open, None);
                } else {
                    self.tally.void += 1;
                }
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
            Some(_) => self.tally.items += 1,
            None => {
                self.tally.items += u64::from(self.noted.contains(&row.line));
                self.matched(row);
            }
        }
    }

    pub(super) fn matched(&mut self, row: &Row) {
        self.tally.matched += 1;
        self.tally.matched_amount += if row.kind == RowKind::Refund { -row.asked } else { row.asked };
    }

    fn batch(&mut self, matcher: &mut Matcher, batch: &mut Vec<(Row, Seen)>) -> Result<(), Refusal> {
        let seen: Vec<Seen> = batch.iter().map(|(_, seen)| *seen).collect();
        let mut outcomes = Vec::with_capacity(seen.len());
        matcher.batch(&seen, &mut outcomes);
        let alone = batch.iter().zip(&outcomes).filter(|(_, outcome)| is_one_sided(outcome));
        let known = self.known(&alone.map(|((row, _), _)| row).collect::<Vec<_>>())?;
        for ((row, _), outcome) in batch.drain(..).zip(outcomes) {
            self.row(&row, &outcome, known.get(&row.line))?;
        }
        self.flush()?;
        Ok(())
    }

    /// The order of a pair.
    pub(super) fn booked(&self, pair: Pair) -> Option<&Order> {
        let at = self.orders.binary_search_by_key(&pair.reference, |order| order.position).ok()?;
        self.orders.get(at)
    }

    /// The item of a pair, when its order was given up.
    fn given_up(&self, pair: Pair) -> Option<&(CommandId, Item)> {
        self.given_up.get(usize::try_from(GIVEN_UP - pair.reference).ok()?)
    }

    /// What a row becomes; `known` is what a statement has confirmed already under its number.
    fn row(&mut self, row: &Row, outcome: &Outcome, known: Option<&CommandId>) -> Result<(), Reject> {
        let kind = match outcome {
            Outcome::NoMoney => {
                self.tally.void += 1;
                return Ok(());
            }
            Outcome::Matched(pair) => return self.pair(row, *pair, &[]),
            Outcome::Mismatched(pair, what) => return self.pair(row, *pair, &what.iter().collect::<Vec<_>>()),
            Outcome::Waiting => None,
            Outcome::Long => Some(Difference::Long),
            Outcome::Chargeback => Some(Difference::Chargeback),
            Outcome::Duplicate { .. } => Some(Difference::Duplicate),
        };
        let state = if kind.is_some() { ItemState::Open } else { ItemState::Waiting };
        self.one_sided(row, kind, state, known);
        Ok(())
    }

    /// A row that only the channel has, or has again.
    fn one_sided(&mut self, row: &Row, kind: Option<Difference>, state: ItemState, known: Option<&CommandId>) {
        let refund = row.kind == RowKind::Refund;
        let kind = kind.unwrap_or(if refund { Difference::Chargeback } else { Difference::Long });
        // The channel may have sent the row in an earlier file.
        let (kind, state) = if known.is_some() { (Difference::Duplicate, ItemState::Open) } else { (kind, state) };
        let mut item = self.reader.item(kind, state, row, &self.file);
        item.stated = Some(row.asked);
        item.fee = cost(row);
        item.ledger = known.cloned();
        if state == ItemState::Waiting {
            // It is looked for again without its file: what is compared has to stand here.
            item.found.clone_from(&row.trade_type);
            self.tally.waiting += 1;
        } else {
            self.tally.items += 1;
        }
        self.open(row.line, item);
    }

    /// What a statement has confirmed already of these rows' numbers, by line.
    pub(super) fn known(&self, rows: &[&Row]) -> Result<HashMap<u64, CommandId>, Reject> {
        known(&self.desktop.line, &self.desktop.history, self.reader.channel, (rows, &self.refunded))
    }

    /// A row that found its order.
    fn pair(&mut self, row: &Row, pair: Pair, what: &[Difference]) -> Result<(), Reject> {
        if let Some(given_up) = self.given_up(pair).cloned() {
            return self.came(row, pair, given_up, what);
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
            self.open(row.line, item);
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
                        self.failed.insert(order.position, (row.line, item));
                        return Ok(());
                    }
                    _ => item.stated = Some(row.asked),
                }
                self.tally.items += 1;
                self.failed.remove(&order.position);
                self.open(row.line, item);
            }
            first => {
                let agreed = pair.fee.or_else(|| self.reader.rated(row));
                let excess = agreed.map_or(0, |expected| cost(row) - expected);
                let first = first.copied().or((excess != 0).then_some(Difference::Fee));
                self.confirm(row, &order, excess);
                self.matched(row);
                if let Some(kind) = first {
                    item.kind = kind;
                    item.booked = Some(order.amount);
                    item.stated = Some(row.asked);
                    item.excess = excess;
                    item.found.clone_from(&row.trade_type);
                    self.tally.items += 1;
                    self.open(row.line, item);
                }
            }
        }
        Ok(())
    }

    fn confirm(&mut self, row: &Row, order: &Order, excess: i64) {
        self.failed.remove(&order.position);
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

    /// Books it with the next ones.
    pub(super) fn ask(&mut self, id: CommandId, ask: Clearing) -> Result<(), Reject> {
        self.asks.push((id, ask));
        if self.asks.len() >= PARCEL { self.flush() } else { Ok(()) }
    }

    fn open(&mut self, line: u64, item: Item) {
        let id = ids::item(self.file.as_str(), line, item.kind.word());
        self.asks.push((id, Clearing::OpenItem(Box::new(OpenItem { item }))));
    }

    /// Books what is waiting to be booked.
    pub(super) fn flush(&mut self) -> Result<(), Reject> {
        // A difference that goes with a confirmation is there before it: the confirmation is what a resumed import sees.
        let asks = std::mem::take(&mut self.asks);
        let (items, others): (Vec<_>, Vec<_>) =
            asks.into_iter().partition(|(_, ask)| matches!(ask, Clearing::OpenItem(_)));
        for asks in [items, others] {
            for result in self.desktop.line.clear(asks)? {
                match result {
                    Ok(record) => self.desktop.open.learn(&record),
                    // Somebody has resolved a difference so meanwhile.
                    Err(Reject::AlreadyDone { .. }) => {}
                    Err(reject) => return Err(reject),
                }
            }
        }
        Ok(())
    }

    /// Orders for which every row said that nothing was paid.
    pub(super) fn said_no(&mut self) -> Result<(), Reject> {
        for (line, item) in std::mem::take(&mut self.failed).into_values() {
            self.tally.items += 1;
            self.open(line, item);
        }
        self.flush()
    }

    /// Orders that no row has found.
    pub(super) fn leftovers(&mut self, matcher: Matcher) -> Result<(), Reject> {
        for left in matcher.finish().leftovers {
            let at = self.orders.binary_search_by_key(&left.reference, |order| order.position);
            let Some(order) = at.ok().map(|at| self.orders[at].clone()) else { continue };
            if left.waits || order.standing == Standing::Pending {
                self.tally.expected += u64::from(order.standing == Standing::Booked);
                continue;
            }
            self.tally.items += 1;
            let item = self.reader.short(&order, &self.file);
            self.ask(ids::short(&order.booked_by), Clearing::OpenItem(Box::new(OpenItem { item })))?;
        }
        Ok(())
    }
}
