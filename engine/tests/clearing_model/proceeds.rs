//! What merchants have, naively: by merchant and piece, what was paid while the piece was not confirmed.

use crate::naive::Line;
use crate::order::Order;
use std::collections::{BTreeMap, BTreeSet};

/// A lot, and the wallet that has it or a piece of it.
pub(crate) type Piece = (String, String);

/// Paid and promoted.
pub(crate) type Funds = [i128; 2];

/// The naive account.
#[derive(Debug, Default)]
pub(crate) struct Proceeds {
    /// Whether a statement has confirmed a piece.
    pub(crate) pieces: BTreeMap<Piece, bool>,
    /// What pieces paid while they were not confirmed, less what came back to them then: by merchant.
    waits: BTreeMap<(String, Piece), Funds>,
    /// All that merchants were paid, less what they gave back.
    all: BTreeMap<String, Funds>,
    released: BTreeSet<Piece>,
    /// Wallets of top-ups; wallets and merchants of holds and spends.
    top_ups: BTreeMap<String, String>,
    holds: BTreeMap<String, (String, String)>,
    spends: BTreeMap<String, (String, String)>,
    /// What of each spend no refund has given back: by spend and piece.
    left: BTreeMap<String, BTreeMap<Piece, i128>>,
}

impl Proceeds {
    /// An order was done, and moved these lines.
    pub(crate) fn learn(&mut self, id: &str, order: &Order, lines: &[Line]) {
        match order {
            Order::TopUp { wallet, pending, .. } => {
                self.top_ups.insert(id.into(), wallet.clone());
                if !pending {
                    self.pieces.insert((id.into(), wallet.clone()), false);
                }
            }
            Order::Confirm { top_up, .. } => {
                self.pieces.entry((top_up.clone(), self.top_ups[top_up].clone())).or_insert(false);
            }
            Order::Spend(pay) => self.paid(id, (pay.wallet.clone(), pay.merchant.clone()), lines),
            Order::Hold(pay, _) => {
                self.holds.insert(id.into(), (pay.wallet.clone(), pay.merchant.clone()));
            }
            Order::Capture { hold, .. } => self.paid(id, self.holds[hold].clone(), lines),
            Order::Refund { spend, .. } => {
                let parties = self.spends[spend].clone();
                self.left_of(spend, &parties.0, lines, -1);
                self.book(&parties, lines, -1);
            }
            Order::Transfer { from, to, .. } => {
                for (lot, ..) in lines {
                    let travels = self.pieces[&(lot.clone(), from.clone())];
                    self.pieces.entry((lot.clone(), to.clone())).or_insert(travels);
                }
            }
            _ => {}
        }
    }

    fn paid(&mut self, id: &str, parties: (String, String), lines: &[Line]) {
        self.book(&parties, lines, 1);
        self.left_of(id, &parties.0, lines, 1);
        self.spends.insert(id.into(), parties);
    }

    fn left_of(&mut self, spend: &str, wallet: &str, lines: &[Line], sign: i128) {
        let left = self.left.entry(spend.into()).or_default();
        for (lot, _, amount) in lines {
            *left.entry((lot.clone(), wallet.into())).or_default() += sign * amount;
        }
    }

    /// What is left of a spend, and what of that statements have confirmed.
    pub(crate) fn confirmed_of(&self, spend: &str) -> (i128, i128) {
        let left = &self.left[spend];
        let confirmed = left.iter().filter(|(piece, _)| self.pieces[*piece]).map(|(_, amount)| amount).sum();
        (left.values().sum(), confirmed)
    }

    fn book(&mut self, (wallet, merchant): &(String, String), lines: &[Line], sign: i128) {
        for (lot, sub, amount) in lines {
            let piece = (lot.clone(), wallet.clone());
            self.all.entry(merchant.clone()).or_default()[usize::from(*sub)] += sign * amount;
            if !self.pieces[&piece] {
                self.waits.entry((merchant.clone(), piece)).or_default()[usize::from(*sub)] += sign * amount;
            }
        }
    }

    /// A statement has confirmed a piece.
    pub(crate) fn confirmed(&mut self, piece: Piece) {
        self.pieces.insert(piece, true);
    }

    /// What a piece had paid is the merchants' to settle.
    pub(crate) fn released(&mut self, piece: Piece) {
        self.released.insert(piece);
    }

    /// Merchants that were paid.
    pub(crate) fn merchants(&self) -> impl Iterator<Item = &String> {
        self.all.keys()
    }

    /// What a merchant has that is not its own to settle, and what is.
    pub(crate) fn of(&self, merchant: &str) -> (Funds, Funds) {
        let mut unreconciled = Funds::default();
        for ((whose, piece), funds) in &self.waits {
            if whose == merchant && !self.released.contains(piece) {
                unreconciled = [unreconciled[0] + funds[0], unreconciled[1] + funds[1]];
            }
        }
        let all = self.all.get(merchant).copied().unwrap_or_default();
        (unreconciled, [all[0] - unreconciled[0], all[1] - unreconciled[1]])
    }

    /// Lots, with the wallets of their top-ups, that are there.
    pub(crate) fn homes(&self) -> Vec<Piece> {
        let home = |piece: &&Piece| self.top_ups.get(&piece.0) == Some(&piece.1);
        self.pieces.keys().filter(home).cloned().collect()
    }
}
