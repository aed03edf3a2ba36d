//! Rows and orders that meet late (rule C4): a row that waited for its order, and the row of an order that was given up.

use super::engine::PARCEL;
use super::ids;
use super::items::ledger;
use super::row::cost;
use super::rows::Import;
use fentan_engine::accounts::Timestamp;
use fentan_engine::clearing::matching::{Matcher, Outcome, Pair};
use fentan_engine::clearing::scan::Standing;
use fentan_engine::clearing::{Act, Clearing, Difference, Item, Resolution, RowRef, WorkItem};
use fentan_engine::ledger::Reject;
use fentan_engine::money::Money;
use fentan_engine::names::CommandId;
use fentan_statements::Row;

/// A row waits from the end of its own day; that is at most a day after it happened.
const DAY: i64 = 86_400_000_000;

/// Whether a pair that differs so is confirmed all the same.
const fn is_confirmed(kind: Difference) -> bool {
    matches!(kind, Difference::Fee | Difference::TradeType)
}

/// What of a fee is more than was agreed.
fn excess(fee: i64, pair: Pair) -> i64 {
    pair.fee.map_or(0, |expected| fee - expected)
}

impl Import<'_> {
    /// Rows of earlier statements that wait: the order may be there now, or the pool's days are over. With `last` nothing
    /// waits any longer.
    pub(super) fn pool(
        &mut self,
        matcher: &mut Matcher,
        waiting: Vec<(CommandId, Item)>,
        (now, pool_days, last): (Timestamp, u16, bool),
    ) -> Result<(), Reject> {
        let mut asks = Vec::new();
        for (id, item) in waiting {
            let end = if last { now } else { item.at + DAY };
            let outcome = self.reader.waiting(&item).map(|row| matcher.carried(&row, end));
            let (what, act) = match outcome.and_then(|outcome| self.met(&item, &outcome)) {
                Some(met) => met,
                None if now >= end + i64::from(pool_days) * DAY => ("overdue", Act::Overdue),
                None => continue,
            };
            // What follows for the lot or the refund is done behind the rows.
            if !matches!(&act, Act::Overdue) && !matches!(&act, Act::Differs(found) if !is_confirmed(found.kind)) {
                self.acting.push(id.clone());
            }
            asks.push((ids::work(&id, what), Clearing::WorkItem(WorkItem { item: id, by: ledger(), act })));
        }
        let mut asks = asks.into_iter().peekable();
        while asks.peek().is_some() {
            for record in self.desktop.line.clear(asks.by_ref().take(PARCEL).collect())? {
                let record = record?;
                self.desktop.open.learn(&record);
            }
        }
        Ok(())
    }

    /// What becomes of a row that waited, when the ledger has booked its order.
    fn met(&self, item: &Item, outcome: &Outcome) -> Option<(&'static str, Act)> {
        let (pair, kind) = match outcome {
            Outcome::Matched(pair) => (*pair, None),
            Outcome::Mismatched(pair, what) => (*pair, Some(what.iter().next()?)),
            _ => return None,
        };
        let order = self.booked(pair).filter(|order| order.standing == Standing::Booked)?;
        let Some(kind) = kind else {
            let resolution = Resolution::Rematch(order.booked_by.clone());
            let reason = "the ledger has booked it now".to_owned();
            return Some(("rematch", Act::Propose { resolution, reason, approval_above: i64::MAX }));
        };
        let mut found = Item {
            kind,
            ledger: Some(order.booked_by.clone()),
            account: (!order.refund).then(|| order.account.clone()),
            booked: Some(order.amount),
            excess: if is_confirmed(kind) { excess(item.fee, pair) } else { 0 },
            ..item.clone()
        };
        if kind == Difference::Currency {
            // What the item says stays in the row's currency.
            let booked = Money { minor: order.amount, currency: order.currency };
            found.note = format!("the ledger has booked {booked} {}", order.currency.code());
            order.currency.code().clone_into(&mut found.found);
            (found.booked, found.fee) = (None, 0);
        }
        Some(("differs", Act::Differs(Box::new(found))))
    }

    /// The row of an order that was given up.
    pub(super) fn came(
        &mut self,
        row: &Row,
        pair: Pair,
        (id, item): (CommandId, Item),
        what: &[Difference],
    ) -> Result<(), Reject> {
        if what.contains(&Difference::Status) {
            // It says no once more.
            self.tally.void += 1;
            return Ok(());
        }
        let (row_ref, fee) = (RowRef { file: self.file.clone(), line: row.line }, cost(row));
        let kind = what.first().copied();
        let (word, act) = match kind {
            None => ("arrived", Act::Arrived { row: row_ref, amount: row.asked, fee }),
            Some(kind) => {
                let mut found = Item { kind, row: Some(row_ref), stated: Some(row.asked), fee, ..item };
                row.trade_type.clone_into(&mut found.found);
                if is_confirmed(kind) {
                    found.excess = excess(fee, pair);
                } else if kind == Difference::Currency {
                    row.currency.clone_into(&mut found.found);
                    (found.stated, found.fee) = (None, 0);
                }
                ("differs", Act::Differs(Box::new(found)))
            }
        };
        let ask = Clearing::WorkItem(WorkItem { item: id.clone(), by: ledger(), act });
        let record = self.desktop.line.one(ids::work(&id, word), ask)?;
        self.desktop.open.learn(&record);
        self.tally.items += u64::from(kind.is_some());
        if kind.is_none_or(is_confirmed) {
            self.acting.push(id);
            self.matched(row);
        }
        Ok(())
    }
}
