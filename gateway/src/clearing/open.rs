//! The differences and statements that matter now: those that are not done. Read from the history at the start; from
//! then on every change passes through the one thread of the clearing line.

use super::rematch::is_given_up;
use fentan_engine::accounts::Timestamp;
use fentan_engine::clearing::{Difference, Document, Item, ItemState, Statement};
use fentan_engine::history::{HistoryError, Reading};
use fentan_engine::ledger::{Event, Record};
use fentan_engine::names::{CommandId, Label};
use std::collections::BTreeMap;

/// What is open.
#[derive(Debug, Default)]
pub(crate) struct OpenBook {
    items: BTreeMap<CommandId, Item>,
    statements: BTreeMap<CommandId, Statement>,
}

impl OpenBook {
    /// What the history knows to be open.
    pub(super) fn read(reading: &Reading<'_>) -> Result<Self, HistoryError> {
        let mut book = Self::default();
        for kind in ["item", "statement"] {
            for row in reading.documents(kind)? {
                book.file(&row.id, &row.document);
            }
        }
        Ok(book)
    }

    /// A document stands so now.
    pub(super) fn file(&mut self, id: &CommandId, document: &Document) {
        match document {
            Document::Item(item) if item.state == ItemState::Resolved => drop(self.items.remove(id)),
            Document::Item(item) => drop(self.items.insert(id.clone(), (**item).clone())),
            Document::Split(_) | Document::Settlement(_) | Document::Payout(_) | Document::SplitSpend(_) => {}
            Document::Statement(statement) => drop(self.statements.insert(id.clone(), (**statement).clone())),
        }
    }

    /// What a record filed.
    pub(super) fn learn(&mut self, record: &Record) {
        if let Event::Clearing(entry) = &record.event {
            for filed in &entry.documents {
                self.file(&filed.id, &filed.document);
            }
        }
        metrics::gauge!("fentan_clearing_open_items").set(whole(self.items.len()));
    }

    /// Rows of this channel that wait for the ledger, the oldest first.
    pub(super) fn waiting(&self, channel: &Label) -> Vec<(CommandId, Item)> {
        let waits = |item: &&Item| item.state == ItemState::Waiting && item.channel == *channel;
        let mut items = self.some(|item| waits(&item));
        items.sort_by_key(|(_, item)| item.at);
        items
    }

    /// Orders of this channel that were given up, and may still come: the channel had no row, or one that said no.
    pub(super) fn given_up(&self, channel: &Label) -> Vec<(CommandId, Item)> {
        self.some(|item| item.channel == *channel && is_given_up(item))
    }

    /// The difference about an order that was given up, and about which nothing is proposed yet.
    pub(super) fn given_up_order(&self, ledger: &CommandId) -> Option<CommandId> {
        let (id, item) = self.of_order(ledger)?;
        (item.state == ItemState::Open && is_given_up(&item)).then_some(id)
    }

    /// A difference about this order of the ledger that is not resolved, found with the order itself.
    pub(super) fn of_order(&self, ledger: &CommandId) -> Option<(CommandId, Item)> {
        // A row that only the channel has, or has again, names the order as well, and is not about it; where only the
        // fee or the kind of trade differs, the order itself is matched.
        let about = |item: &Item| {
            let matched = matches!(item.kind, Difference::Fee | Difference::TradeType);
            item.ledger.as_ref() == Some(ledger) && item.booked.is_some() && !matched
        };
        self.some(about).into_iter().next()
    }

    /// Decided, and what follows is not booked yet.
    pub(super) fn acting(&self) -> Vec<(CommandId, Item)> {
        self.some(|item| item.state == ItemState::Acting)
    }

    /// Other files of the same channel and day.
    pub(super) fn other_files(&self, statement: &Statement) -> Vec<Statement> {
        let others = self.statements.values().filter(|other| {
            other.channel == statement.channel
                && other.day == statement.day
                && other.family == statement.family
                && other.file != statement.file
        });
        others.cloned().collect()
    }

    /// When the day of the channel's last statement before this one ended: what was open then is judged by this one.
    pub(super) fn judged_until(&self, statement: &Statement) -> Option<Timestamp> {
        let before = self.statements.values().filter(|other| {
            other.channel == statement.channel && other.tally.is_some() && other.until < statement.until
        });
        before.map(|other| other.until).max()
    }

    /// Whether a statement of the channel was booked: what was open before it is judged.
    pub(super) fn has_judged(&self, channel: &Label) -> bool {
        self.statements.values().any(|statement| statement.channel == *channel && statement.tally.is_some())
    }

    fn some(&self, which: impl Fn(&Item) -> bool) -> Vec<(CommandId, Item)> {
        let items = self.items.iter().filter(|(_, item)| which(item));
        items.map(|(id, item)| (id.clone(), item.clone())).collect()
    }
}

#[allow(clippy::cast_precision_loss, reason = "a gauge")]
fn whole(count: usize) -> f64 {
    count as f64
}
