//! What the journal knows of a channel's orders, and of whom a lot has paid.
//!
//! Both are needed once a statement, so neither is kept in memory or in an index that every spend would have to feed:
//! they are read from the journal, in one pass from the oldest order that can matter, about a million records a second.
//! The records themselves say which lines went into `unreconciled` ([`LotSet`]), so what a lot has to release is a
//! sum, whatever happened in between.
//!
//! Memory: about 250 bytes for each order that is open in the window, and 100 for each merchant a confirmed lot has paid.

use super::decide::reconcile::paid_by;
use super::{Act, Clearing, Difference, Item, ItemState, Released, WorkItem};
use crate::accounts::{Fund, Timestamp};
use crate::journal::{Batch, BatchError, JournalError, JournalReader, Position};
use crate::ledger::decide::refund::fund_of;
use crate::ledger::{Command, Event, Granted, LotSet, Record, RefundPolicy, Taken, TopUpRefund};
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use hashbrown::{HashMap, HashSet};

/// The journal could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It failed, or is damaged.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record cannot be read.
    #[error("the record at position {position}: {reason}")]
    Record {
        /// Where.
        position: Position,
        /// Why.
        reason: String,
    },
}

/// From where to where, and who is told how far it is: the position done.
pub struct Span<'a> {
    /// The first position.
    pub from: Position,
    /// The last one.
    pub to: Position,
    /// Called once a batch.
    pub progress: &'a mut dyn FnMut(Position),
}

/// Calls `visit` with each record of the span.
fn each(journal: &dyn JournalReader, span: Span<'_>, visit: &mut dyn FnMut(Position, Record)) -> Result<(), ScanError> {
    let Span { from, to, progress } = span;
    let mut result = Ok(());
    if from > to {
        return Ok(());
    }
    journal.read(from, &mut |bytes| match batch(bytes, from, to, visit) {
        Ok(end) => {
            progress(end.min(to));
            end < to
        }
        Err(error) => {
            result = Err(error);
            false
        }
    })?;
    result
}

fn batch(
    bytes: &[u8],
    from: Position,
    to: Position,
    visit: &mut dyn FnMut(Position, Record),
) -> Result<Position, ScanError> {
    let damaged = |error: BatchError| JournalError::Damaged { position: from, error };
    let batch = Batch::open(bytes).map_err(damaged)?;
    for (position, bytes) in batch.records() {
        if (from..=to).contains(&position) {
            let record =
                Record::decode(bytes).map_err(|error| ScanError::Record { position, reason: error.to_string() })?;
            visit(position, record);
        }
    }
    Ok(batch.end() - 1)
}

/// Whether an order's money is there, as the ledger booked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A top-up that is confirmed, or a refund that was paid.
    Booked,
    /// A top-up that waits for its channel.
    Pending,
}

/// A top-up, or the refund of one, that no statement has confirmed and no difference is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The top-up; of a refund, the command that asked for it.
    pub id: CommandId,
    /// The record that booked it: the key by which a confirmation names a refund.
    pub booked_by: CommandId,
    /// The number under which the channel has it.
    pub number: Label,
    /// The wallet.
    pub account: AccountId,
    /// A refund.
    pub refund: bool,
    /// The number of the top-up that a refund gives back, when it is in the span.
    pub of: Option<Label>,
    /// What the channel has to bring, or has paid back, in minor units.
    pub amount: i64,
    /// Its currency.
    pub currency: Currency,
    /// When it was placed.
    pub at: Timestamp,
    /// Its record.
    pub position: Position,
    /// Whether it is booked.
    pub standing: Standing,
}

/// What an item of an order says before the file of the statement that did not have it.
const LACKED_BY: &str = "not in the statement ";

/// What an item of an order says of the statement that did not have it.
#[must_use]
pub fn short_of(file: &Label) -> String {
    format!("{LACKED_BY}{file}")
}

/// The file of the statement that did not have an item's order, out of what the item says ([`short_of`]).
#[must_use]
pub fn lacked_by(found: &str) -> Option<&str> {
    found.strip_prefix(LACKED_BY)
}

/// The orders of a channel that are open, and the lines of a statement that are booked already.
#[derive(Debug, Default)]
pub struct Open {
    /// By position.
    pub orders: Vec<Order>,
    /// Lines that were booked before the import was interrupted: as a confirmation, or as a difference of this kind
    /// that began in this state.
    pub lines: HashMap<u64, Option<(Difference, ItemState)>>,
    /// Lines of differences that go with a confirmation.
    pub noted: HashSet<u64>,
    /// Orders that were found to be short.
    pub shorts: u64,
    /// Top-ups that brought no money, only a gift: no statement will ever have them.
    pub gifts: HashMap<CommandId, (AccountId, Position)>,
    /// Lots that the statement confirmed before.
    pub lots: Vec<(CommandId, Position)>,
    /// Refunds that were asked for before the span, by the position of their confirmation: which command asked, and so
    /// under which number the channel has them, is not known here. Each with its top-up.
    pub asked_before: Vec<(Position, CommandId)>,
    /// Refunds that a statement has confirmed, by the command that asked for them: what booked them.
    pub refunded: HashMap<CommandId, CommandId>,
}

/// The orders of a channel in a span that are open, and what is booked of the statement with this file.
///
/// # Errors
/// See [`ScanError`].
pub fn open_orders(
    journal: &dyn JournalReader,
    (channel, file): (&Label, &Label),
    span: Span<'_>,
) -> Result<Open, ScanError> {
    let mut pool = Pool {
        channel: channel.clone(),
        file: file.clone(),
        numbers: HashMap::new(),
        orders: HashMap::new(),
        requests: HashMap::new(),
        open: Open::default(),
    };
    each(journal, span, &mut |position, record| pool.take(position, &record))?;
    let mut open = pool.open;
    open.orders = pool.orders.into_values().collect();
    open.orders.sort_unstable_by_key(|order| order.position);
    Ok(open)
}

struct Pool {
    channel: Label,
    file: Label,
    open: Open,
    /// The channel's numbers of top-ups.
    numbers: HashMap<CommandId, Label>,
    orders: HashMap<CommandId, Order>,
    /// The commands that asked for refunds which wait, by top-up.
    requests: HashMap<CommandId, CommandId>,
}

impl Pool {
    fn take(&mut self, position: Position, record: &Record) {
        match (&record.event, &record.command) {
            (Event::ToppedUp { granted, .. }, Command::TopUp(ask)) => {
                self.placed((position, record), ask.channel_order.as_ref(), granted, Standing::Booked);
            }
            (Event::TopUpPlaced { granted, .. }, Command::TopUp(ask)) => {
                self.placed((position, record), ask.channel_order.as_ref(), granted, Standing::Pending);
            }
            (Event::TopUpConfirmed { .. }, Command::ConfirmTopUp(ask)) => {
                if let Some(order) = self.orders.get_mut(&ask.top_up) {
                    order.standing = Standing::Booked;
                }
            }
            (Event::TopUpFailed { .. }, Command::FailTopUp(top_up)) => {
                self.orders.remove(top_up);
            }
            (Event::TopUpRefundRequested { .. }, Command::RefundTopUp(ask)) => {
                self.requests.insert(ask.top_up.clone(), record.id.clone());
            }
            (Event::TopUpRefundFailed { .. }, Command::RefundTopUp(ask)) => {
                self.requests.remove(&ask.top_up);
            }
            (Event::TopUpRefunded { refund, account, .. }, Command::RefundTopUp(ask)) => {
                // One that waited ends when a forced one takes its place.
                self.requests.remove(&ask.top_up);
                let of = self.numbers.get(&ask.top_up).cloned();
                self.refunded((position, record), (record.id.clone(), of), refund, account);
            }
            (Event::TopUpRefundConfirmed { refund, account, .. }, Command::RefundTopUp(ask)) => {
                let of = self.numbers.get(&ask.top_up).cloned();
                let asked = self.requests.remove(&ask.top_up).unwrap_or_else(|| {
                    self.open.asked_before.push((position, ask.top_up.clone()));
                    record.id.clone()
                });
                self.refunded((position, record), (asked, of), refund, account);
            }
            (_, Command::Clear(ask)) => self.cleared(record, ask),
            _ => {}
        }
    }

    fn placed(
        &mut self,
        (position, record): (Position, &Record),
        number: Option<&Label>,
        granted: &Granted,
        standing: Standing,
    ) {
        let Some(account) = record.account().filter(|_| granted.channel == self.channel) else { return };
        let order = Order {
            id: record.id.clone(),
            booked_by: record.id.clone(),
            number: number.cloned().unwrap_or_else(|| Label::internal(record.id.as_str())),
            account: account.clone(),
            refund: false,
            of: None,
            amount: paid_by(granted),
            currency: record.currency,
            at: record.at,
            position,
            standing,
        };
        if order.amount == 0 && standing == Standing::Booked {
            self.open.gifts.insert(order.id.clone(), (order.account.clone(), position));
        }
        if order.amount > 0 {
            self.numbers.insert(order.id.clone(), order.number.clone());
            self.orders.insert(order.id.clone(), order);
        }
    }

    fn refunded(
        &mut self,
        (position, record): (Position, &Record),
        (asked, of): (CommandId, Option<Label>),
        refund: &TopUpRefund,
        account: &AccountId,
    ) {
        // What the ledger takes back about a difference has its row with that difference, or has none: it is no order.
        let about_a_difference = refund.policy == RefundPolicy::Forced && record.id.as_str().starts_with('\u{1}');
        if refund.channel != self.channel || refund.refunded == 0 || about_a_difference {
            return;
        }
        let order = Order {
            number: Label::internal(asked.as_str()),
            id: asked,
            booked_by: record.id.clone(),
            account: account.clone(),
            refund: true,
            of,
            amount: refund.refunded,
            currency: record.currency,
            at: record.at,
            position,
            standing: Standing::Booked,
        };
        self.orders.insert(order.booked_by.clone(), order);
    }

    fn cleared(&mut self, record: &Record, ask: &Clearing) {
        if matches!(record.event, Event::Rejected(_)) {
            return;
        }
        match ask {
            Clearing::ConfirmLot(ask) => {
                self.open.gifts.remove(&ask.top_up);
                let order = self.orders.remove(&ask.top_up);
                if let Some(row) = ask.row.as_ref().filter(|row| row.file == self.file) {
                    self.open.lines.insert(row.line, None);
                    // One from before the span: its spends may be anywhere before.
                    let position = order.map_or(1, |order| order.position);
                    self.open.lots.push((ask.top_up.clone(), position));
                }
            }
            Clearing::ConfirmRefund(ask) => {
                if let Some(order) = self.orders.remove(&ask.refund) {
                    self.open.refunded.insert(order.id, order.booked_by);
                }
                if ask.row.file == self.file {
                    self.open.lines.insert(ask.row.line, None);
                }
            }
            // It goes with a confirmation, which is what takes the order.
            Clearing::OpenItem(ask) if matches!(ask.item.kind, Difference::Fee | Difference::TradeType) => {
                if let Some(row) = ask.item.row.as_ref().filter(|row| row.file == self.file) {
                    self.open.noted.insert(row.line);
                }
            }
            Clearing::WorkItem(WorkItem { act: Act::Arrived { row, .. }, .. }) if row.file == self.file => {
                self.open.lines.insert(row.line, None);
            }
            Clearing::WorkItem(WorkItem { act: Act::Differs(found), .. }) => self.met(found),
            Clearing::OpenItem(ask) => {
                if ask.item.row.is_none() && ask.item.found == short_of(&self.file) {
                    self.open.shorts += 1;
                }
                if let Some(id) = &ask.item.ledger {
                    self.orders.remove(id);
                }
                if let Some(row) = ask.item.row.as_ref().filter(|row| row.file == self.file) {
                    self.open.lines.insert(row.line, Some((ask.item.kind, ask.item.state)));
                }
            }
            _ => {}
        }
    }

    /// A row and an order have found each other late, and differ.
    fn met(&mut self, found: &Item) {
        let confirmed = matches!(found.kind, Difference::Fee | Difference::TradeType);
        if let Some(id) = found.ledger.as_ref().filter(|_| !confirmed) {
            self.orders.remove(id);
        }
        let Some(row) = found.row.as_ref().filter(|row| row.file == self.file) else { return };
        // One that waited is counted as what it was in its own statement.
        if self.open.lines.contains_key(&row.line) {
            return;
        }
        if confirmed {
            self.open.noted.insert(row.line);
        }
        self.open.lines.insert(row.line, (!confirmed).then_some((found.kind, ItemState::Open)));
    }
}

/// A piece of a lot: the top-up, and the wallet that has it.
pub type Piece = (CommandId, AccountId);

/// What pieces of lots paid while no statement had confirmed them.
#[derive(Debug, Default)]
pub struct Paid {
    /// By piece, and merchant: what was paid, less what was refunded, of paid and promoted value.
    sums: HashMap<Piece, HashMap<AccountId, [i64; 2]>>,
    /// Pieces that a record has confirmed, or that arrived as a piece of a confirmed one.
    confirmed: HashSet<Piece>,
    /// Pieces that are there: what arrives joins them, and is confirmed when they are.
    there: HashSet<Piece>,
    /// Pieces whose proceeds are released, and how much that was.
    released: HashMap<Piece, i64>,
    /// Pieces that a transfer brought.
    arrived: HashSet<Piece>,
}

impl Paid {
    /// What pieces of these lots paid in a span, which begins before the first of their top-ups.
    ///
    /// # Errors
    /// See [`ScanError`].
    pub fn read(journal: &dyn JournalReader, lots: &HashSet<CommandId>, span: Span<'_>) -> Result<Self, ScanError> {
        let mut paid = Self::default();
        each(journal, span, &mut |_, record| paid.take(lots, &record))?;
        Ok(paid)
    }

    fn take(&mut self, lots: &HashSet<CommandId>, record: &Record) {
        match (&record.event, &record.command) {
            (
                Event::Spent { taken, promoted, reconciled, .. } | Event::Captured { taken, promoted, reconciled, .. },
                _,
            ) => self.lines(lots, record, (taken, *promoted, reconciled), 1),
            (Event::Refunded { taken, promoted, reconciled, .. }, _) => {
                self.lines(lots, record, (taken, *promoted, reconciled), -1);
            }
            (Event::ToppedUp { .. }, Command::TopUp(ask)) if lots.contains(&record.id) => {
                self.there.insert((record.id.clone(), ask.account.clone()));
            }
            (Event::TopUpConfirmed { account, .. }, Command::ConfirmTopUp(ask)) if lots.contains(&ask.top_up) => {
                self.there.insert((ask.top_up.clone(), account.clone()));
            }
            (Event::Transferred { taken, parts, .. }, Command::Transfer(ask)) => {
                for part in parts {
                    let lot = taken.lots.get(part.lot as usize).filter(|lot| lots.contains(*lot));
                    let Some(piece) = lot.map(|lot| (lot.clone(), ask.to.clone())) else { continue };
                    if self.there.insert(piece.clone()) && part.reconciled {
                        self.confirmed.insert(piece.clone());
                    }
                    if !part.reconciled {
                        self.arrived.insert(piece);
                    }
                }
            }
            (Event::Clearing(_), Command::Clear(ask)) => match &**ask {
                Clearing::ConfirmLot(ask) if lots.contains(&ask.top_up) => {
                    self.confirmed.insert((ask.top_up.clone(), ask.account.clone()));
                }
                Clearing::ReleaseProceeds(ask) if lots.contains(&ask.top_up) => {
                    let amount = ask.shares.iter().map(|share| share.paid + share.promoted).sum();
                    self.released.insert((ask.top_up.clone(), ask.account.clone()), amount);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn lines(
        &mut self,
        lots: &HashSet<CommandId>,
        record: &Record,
        (taken, promoted, reconciled): (&Taken, u8, &LotSet),
        sign: i64,
    ) {
        let (Some(account), Some(merchant)) = (record.account(), record.merchant()) else { return };
        for line in taken.lines.iter().filter(|line| !reconciled.has(line.lot)) {
            let Some(lot) = taken.lots.get(line.lot as usize).filter(|lot| lots.contains(*lot)) else { continue };
            let merchants = self.sums.entry((lot.clone(), account.clone())).or_default();
            let funds = merchants.entry(merchant.clone()).or_default();
            funds[fund_of(promoted, line.sub.0) as usize] += sign * line.amount;
        }
    }

    /// Pieces that are not confirmed, in order.
    #[must_use]
    pub fn unconfirmed(&self) -> Vec<Piece> {
        let pieces = self.sums.keys().chain(&self.arrived).filter(|piece| !self.confirmed.contains(*piece));
        let mut pieces: Vec<Piece> = pieces.cloned().collect::<HashSet<_>>().into_iter().collect();
        pieces.sort_unstable();
        pieces
    }

    /// What pieces have released already, of lots that are not among these.
    #[must_use]
    pub fn released_amount(&self, not: &std::collections::HashSet<CommandId>) -> i64 {
        self.released.iter().filter(|((lot, _), _)| !not.contains(lot)).map(|(_, amount)| amount).sum()
    }

    /// What was paid of gifts by lots, wherever their pieces are.
    #[must_use]
    pub fn gifts(&self) -> i64 {
        self.sums.values().flat_map(HashMap::values).map(|funds| funds[Fund::Promoted as usize]).sum()
    }

    /// What the confirmed pieces have to release that have not done so, in order.
    #[must_use]
    pub fn due(&self) -> Vec<(Piece, Vec<Released>)> {
        let due = self
            .sums
            .iter()
            .filter(|(piece, _)| self.confirmed.contains(*piece) && !self.released.contains_key(*piece));
        let mut due: Vec<(Piece, Vec<Released>)> = due
            .filter_map(|(piece, merchants)| {
                let mut shares: Vec<Released> = merchants
                    .iter()
                    .filter(|(_, funds)| funds.iter().any(|minor| *minor != 0))
                    .map(|(merchant, funds)| Released {
                        merchant: merchant.clone(),
                        paid: funds[Fund::Paid as usize],
                        promoted: funds[Fund::Promoted as usize],
                    })
                    .collect();
                shares.sort_unstable_by(|one, other| one.merchant.cmp(&other.merchant));
                (!shares.is_empty()).then(|| (piece.clone(), shares))
            })
            .collect();
        due.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        due
    }
}
