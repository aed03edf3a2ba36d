//! The service's way from confirmed lots to released proceeds (`gateway/src/clearing/lots.rs`): confirm the lots where
//! they are at home, read the journal for what their pieces paid and where they went, confirm those, and release what is
//! due; again, until no piece is left.

use crate::desk::{Desk, account, id, label};
use crate::proceeds::Piece;
use fentan_engine::clearing::decide::reconcile::paid_by;
use fentan_engine::clearing::scan::{Paid, Span};
use fentan_engine::clearing::{Clearing, ConfirmLot, ReleaseProceeds, RowRef};
use fentan_engine::ledger::{Command, Event, Record};
use fentan_engine::names::CommandId;
use std::collections::{BTreeSet, VecDeque};

/// A command with its id.
pub(crate) type Asked = (CommandId, Clearing);

/// How the journal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// As the service does it.
    Right,
    /// Wrong: refunds are not looked at.
    WithoutRefunds,
    /// Wrong: that something was released before is not looked at, and its id is another every time.
    Twice,
}

/// The work under way.
pub(crate) struct Sweep {
    way: Way,
    /// How many records make a batch of the journal.
    batch: usize,
    pub(crate) queue: VecDeque<Asked>,
    turns: u32,
}

/// The statement of a channel.
pub(crate) fn file(channel: &str) -> String {
    format!("f-{channel}")
}

/// A row confirms a lot in the wallet of its top-up.
pub(crate) fn confirm_home(desk: &Desk, piece: &Piece, line: u64) -> Asked {
    let granted = &desk.books.granted[&id(&piece.0)];
    let (_, ask) = confirm_piece(piece);
    let Clearing::ConfirmLot(ask) = ask else { unreachable!("it confirms a piece") };
    let row = RowRef { file: label(&file(granted.channel.as_str())), line };
    let ask = ConfirmLot { row: Some(row), amount: Some(paid_by(granted)), fee: 1, ..ask };
    (id(&format!("confirm/{}/{}", piece.0, piece.1)), Clearing::ConfirmLot(ask))
}

/// A piece in another wallet is confirmed.
pub(crate) fn confirm_piece((lot, wallet): &Piece) -> Asked {
    let (top_up, wallet) = (id(lot), account(wallet));
    let name = id(&format!("confirm/{top_up}/{wallet}"));
    let ask = ConfirmLot { top_up, account: wallet, row: None, amount: None, fee: 0, excess: 0 };
    (name, Clearing::ConfirmLot(ask))
}

impl Sweep {
    pub(crate) fn new(way: Way, batch: usize) -> Self {
        Self { way, batch, queue: VecDeque::new(), turns: 0 }
    }

    fn records(&self, desk: &Desk) -> Vec<Record> {
        let released = |record: &Record| matches!(&record.command, Command::Clear(ask) if matches!(**ask, Clearing::ReleaseProceeds(_)));
        let mut records = desk.books.records().unwrap();
        records.retain(|record| match self.way {
            Way::Right => true,
            Way::WithoutRefunds => !matches!(record.event, Event::Refunded { .. }),
            Way::Twice => !released(record),
        });
        records
    }

    /// What is to be done for these lots now, and the lots that are to be looked at again.
    fn turn(&mut self, desk: &Desk, lots: &BTreeSet<CommandId>) -> (Vec<Asked>, BTreeSet<CommandId>) {
        self.turns += 1;
        let records = self.records(desk);
        let journal = Desk::journal_of(&records, self.batch);
        let from = records.iter().position(|record| lots.contains(&record.id)).map_or(1, |at| at as u64 + 1);
        let mut done = 0;
        let span = Span { from, to: journal.end(), progress: &mut |position| done = position };
        let paid = Paid::read(&journal, &lots.iter().cloned().collect(), span).unwrap();
        assert_eq!(done, journal.end(), "progress ends where the span ends");
        let elsewhere = paid.unconfirmed();
        let again: BTreeSet<CommandId> = elsewhere.iter().map(|(lot, _)| lot.clone()).collect();
        let pieces = elsewhere.iter().map(|(lot, wallet)| confirm_piece(&(lot.to_string(), wallet.to_string())));
        let turn = if self.way == Way::Twice { self.turns.to_string() } else { String::new() };
        let due = paid.due().into_iter().filter(|((lot, _), _)| !again.contains(lot));
        let releases = due.map(|((top_up, account), shares)| {
            let name = id(&format!("release/{top_up}/{account}{turn}"));
            (name, Clearing::ReleaseProceeds(ReleaseProceeds { top_up, account, shares }))
        });
        (pieces.chain(releases).collect(), again)
    }

    /// Looks what is to be done for lots that a row has confirmed; it is done later.
    pub(crate) fn look(&mut self, desk: &Desk) {
        let lots = confirmed_lots(desk);
        if self.queue.is_empty() && !lots.is_empty() {
            let (asks, _) = self.turn(desk, &lots);
            self.queue.extend(asks);
        }
    }

    /// Goes the whole way; stops after so many commands, as a crash does it. Returns whether it came to the end.
    pub(crate) fn go(
        &mut self,
        desk: &mut Desk,
        mut stop: Option<usize>,
        ask: &mut dyn FnMut(&mut Desk, &Asked) -> Result<(), String>,
    ) -> Result<bool, String> {
        let mut lots = confirmed_lots(desk);
        let mut rounds = 0;
        while !lots.is_empty() {
            let (asks, again) = self.turn(desk, &lots);
            for asked in asks {
                if stop == Some(0) {
                    return Ok(false);
                }
                stop = stop.map(|left| left - 1);
                ask(desk, &asked)?;
            }
            lots = again;
            rounds += 1;
            if rounds > 10 {
                return Err(format!("the same pieces are asked for again and again: {lots:?}"));
            }
        }
        Ok(true)
    }
}

/// Lots that are confirmed where they are at home.
fn confirmed_lots(desk: &Desk) -> BTreeSet<CommandId> {
    let confirmed = desk.books.homes.iter().filter(|(top_up, wallet)| {
        let lot = desk.books.wallets.get(*wallet).and_then(|wallet| wallet.lot(top_up));
        desk.books.granted.contains_key(*top_up) && lot.is_some_and(|lot| lot.reconciled)
    });
    confirmed.map(|(top_up, _)| top_up.clone()).collect()
}
