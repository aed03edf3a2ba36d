//! A channel's open orders, naively, and that the journal says the same (rule C4).

use crate::asks;
use crate::chores;
use crate::desk::{Desk, id, label};
use crate::history::{Run, history};
use crate::model::cases::share_of_cases;
use crate::naive::Ledger;
use crate::order::{Order, Stage};
use crate::sweep::{Way, file};
use fentan_engine::clearing::scan::{Open, Span, Standing, open_orders};
use fentan_engine::clearing::{Act, Clearing, Difference, ItemState, WorkItem};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// An open order: who booked it, and what of it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    /// The order; of a refund, the command that asked for it.
    id: String,
    wallet: String,
    refund: bool,
    /// The number of the top-up that is refunded.
    of: Option<String>,
    amount: i128,
    pending: bool,
    channel: String,
}

/// The list.
#[derive(Debug, Default)]
pub(crate) struct OpenOrders {
    /// By the command that booked it.
    orders: BTreeMap<String, Known>,
    /// What was asked for and waits, by top-up.
    requests: BTreeMap<String, String>,
    /// Of all top-ups: wallet, channel, amount.
    top_ups: BTreeMap<String, (String, String, i128)>,
    /// Lines of statements that are booked, by file.
    lines: BTreeMap<(String, u64), Option<(Difference, ItemState)>>,
    /// Lines of differences that go with a confirmation, by file.
    noted: BTreeSet<(String, u64)>,
    /// What items of orders say of a statement.
    shorts: Vec<String>,
    /// Lots that a row has confirmed, by file, and whether they were open then.
    lots: Vec<(String, String, bool)>,
}

impl OpenOrders {
    /// What has gone back of an order's top-up so far.
    pub(crate) fn refunded(&self, naive: &Ledger, order: &Order) -> i128 {
        let Order::TakeBack { top_up, .. } = order else { return 0 };
        let wallet = self.top_ups.get(top_up).and_then(|(wallet, ..)| naive.wallets.get(wallet));
        wallet.and_then(|wallet| wallet.backs.get(top_up)).map_or(0, |back| back.refunded)
    }

    /// An order was done; so much went back through the channel.
    pub(crate) fn learn(&mut self, id: &str, order: &Order, went_back: i128) {
        match order {
            Order::TopUp { wallet, principal, channel, pending, .. } => {
                self.top_ups.insert(id.into(), (wallet.clone(), channel.clone(), *principal));
                if *principal > 0 {
                    let (wallet, channel) = (wallet.clone(), channel.clone());
                    let (amount, pending) = (*principal, *pending);
                    let known = Known { id: id.into(), wallet, refund: false, of: None, amount, pending, channel };
                    self.orders.insert(id.into(), known);
                }
            }
            Order::Confirm { top_up, .. } => {
                if let Some(known) = self.orders.get_mut(top_up) {
                    known.pending = false;
                }
            }
            Order::Fail { top_up } => drop(self.orders.remove(top_up)),
            Order::TakeBack { top_up, stage, .. } => {
                let asked = match stage {
                    Stage::Requested => {
                        self.requests.insert(top_up.clone(), id.into());
                        return;
                    }
                    Stage::Confirmed => self.requests.get(top_up).cloned(),
                    Stage::AtOnce | Stage::Failed => Some(id.into()),
                };
                if went_back > 0 {
                    let (wallet, channel, _) = self.top_ups[top_up].clone();
                    let (of, asked) = (Some(top_up.clone()), asked.unwrap());
                    let known =
                        Known { id: asked, wallet, refund: true, of, amount: went_back, pending: false, channel };
                    self.orders.insert(id.into(), known);
                }
                self.requests.remove(top_up);
            }
            _ => {}
        }
    }

    /// A command of the clearing line was done.
    pub(crate) fn cleared(&mut self, ask: &Clearing) {
        match ask {
            Clearing::ConfirmLot(ask) => {
                let was = self.orders.remove(ask.top_up.as_str());
                if let Some(row) = &ask.row {
                    self.lines.insert((row.file.to_string(), row.line), None);
                    self.lots.push((row.file.to_string(), ask.top_up.to_string(), was.is_some()));
                }
            }
            Clearing::ConfirmRefund(ask) => {
                self.orders.remove(ask.refund.as_str());
                self.lines.insert((ask.row.file.to_string(), ask.row.line), None);
            }
            Clearing::OpenItem(ask) if matches!(ask.item.kind, Difference::Fee | Difference::TradeType) => {
                if let Some(row) = &ask.item.row {
                    self.noted.insert((row.file.to_string(), row.line));
                }
            }
            Clearing::WorkItem(WorkItem { act: Act::Arrived { row, .. }, .. }) => {
                self.lines.insert((row.file.to_string(), row.line), None);
            }
            Clearing::WorkItem(WorkItem { act: Act::Differs(found), .. }) => {
                let confirmed = matches!(found.kind, Difference::Fee | Difference::TradeType);
                if let Some(about) = found.ledger.as_ref().filter(|_| !confirmed) {
                    self.orders.remove(about.as_str());
                }
                let row = found.row.as_ref().unwrap();
                let place = (row.file.to_string(), row.line);
                if !self.lines.contains_key(&place) {
                    self.lines.insert(place.clone(), (!confirmed).then_some((found.kind, ItemState::Open)));
                    if confirmed {
                        self.noted.insert(place);
                    }
                }
            }
            Clearing::OpenItem(ask) => {
                if ask.item.row.is_none() {
                    self.shorts.push(ask.item.found.clone());
                }
                if let Some(about) = &ask.item.ledger {
                    self.orders.remove(about.as_str());
                }
                if let Some(row) = &ask.item.row {
                    self.lines.insert((row.file.to_string(), row.line), Some((ask.item.kind, ask.item.state)));
                }
            }
            _ => {}
        }
    }

    /// What the journal says of a channel is what is listed.
    fn compare(&self, desk: &Desk, channel: &str, batch: usize) -> Result<(), String> {
        let position: BTreeMap<_, _> =
            desk.books.records().unwrap().into_iter().map(|record| record.id).zip(1_u64..).collect();
        let at = |name: &str| position[&id(name)];
        let journal = desk.journal(batch);
        let file = file(channel);
        let span = Span { from: 1, to: journal.end(), progress: &mut |_| {} };
        let Open { orders, lines, noted, shorts, lots, gifts: _, asked_before: _, refunded: _ } =
            open_orders(&journal, (&label(channel), &label(&file)), span).map_err(|error| error.to_string())?;
        let mut told = Vec::new();
        for order in orders {
            if order.number != label(order.id.as_str()) || order.position != at(order.booked_by.as_str()) {
                return Err(format!("{order:?} has another number, or place"));
            }
            let known = Known {
                id: order.id.to_string(),
                wallet: order.account.to_string(),
                refund: order.refund,
                of: order.of.map(|of| of.to_string()),
                amount: order.amount.into(),
                pending: order.standing == Standing::Pending,
                channel: channel.into(),
            };
            told.push((order.position, known));
        }
        let here = self.orders.iter().filter(|(_, known)| known.channel == channel);
        let mut listed: Vec<_> = here.map(|(booked_by, known)| (at(booked_by), known.clone())).collect();
        listed.sort_by_key(|(position, _)| *position);
        if told != listed {
            return Err(format!("{channel}: the journal says {told:?}, the list {listed:?}"));
        }
        let lines: BTreeMap<u64, _> = lines.into_iter().collect();
        let of_file = self.lines.iter().filter(|((of, _), _)| *of == file);
        let listed: BTreeMap<u64, _> = of_file.map(|((_, line), what)| (*line, *what)).collect();
        if lines != listed {
            return Err(format!("{file}: the journal says {lines:?}, the list {listed:?}"));
        }
        let of_file = self.noted.iter().filter(|(of, _)| *of == file).map(|(_, line)| *line);
        if noted.into_iter().collect::<BTreeSet<u64>>() != of_file.collect() {
            return Err(format!("{file}: other lines are noted"));
        }
        let word = format!("not in the statement {file}");
        let found = self.shorts.iter().filter(|short| **short == word).count() as u64;
        if shorts != found {
            return Err(format!("{file}: {shorts} shorts, the list has {found}"));
        }
        let of_file = self.lots.iter().filter(|(of, ..)| *of == file);
        let listed: Vec<_> = of_file.map(|(_, lot, open)| (id(lot), if *open { at(lot) } else { 1 })).collect();
        if lots != listed {
            return Err(format!("{file}: the journal says {lots:?}, the list {listed:?}"));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(share_of_cases(1_000, 10))]

    #[test]
    fn c4_the_journal_knows_the_orders_that_no_statement_has_confirmed(
        history in history(asks::ask(), chores::any_chore(), 40, 90),
        batch in 1..9_usize,
    ) {
        let run = Run::of(&history, Way::Right, batch).map_err(TestCaseError::fail)?;
        for channel in ["wechat", "alipay"] {
            run.orders.compare(&run.desk, channel, batch).map_err(TestCaseError::fail)?;
        }
    }
}
