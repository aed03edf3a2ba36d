//! The naive history: after each command all figures of the naive ledger, and what the command changed of
//! them. It shares no code with the engine.

use crate::model::exact::nested;
use crate::model::purse::available;
use crate::naive::{Ledger, Line};
use crate::order::{Gift, Order};
use std::collections::BTreeMap;

/// A figure: of an account or of a lot, and its name.
pub(crate) type Figure = (String, &'static str);
pub(crate) type State = BTreeMap<Figure, i128>;

/// What is known of a lot from the order that made it.
#[derive(Debug, Clone)]
pub(crate) struct LotFacts {
    pub(crate) product: &'static str,
    pub(crate) channel: String,
    pub(crate) offer: Option<String>,
}

/// One accepted command.
pub(crate) struct Step {
    pub(crate) at: i64,
    pub(crate) change: State,
    pub(crate) after: State,
}

/// All commands that reached the journal, in order; a refused one changes nothing.
#[derive(Default)]
pub(crate) struct NaiveHistory {
    pub(crate) steps: Vec<Step>,
    pub(crate) lots: BTreeMap<String, LotFacts>,
    /// By lot: consumed and expired.
    gone: State,
}

const OUTSTANDING: [&str; 2] = ["principal_outstanding", "bonus_outstanding"];
const CONSUMED: [&str; 2] = ["principal_consumed", "bonus_consumed"];

impl NaiveHistory {
    /// Hears of a command; `lines` is what it moved, or nothing when it was refused.
    pub(crate) fn hear(&mut self, id: &str, at: i64, order: &Order, lines: Option<&[Line]>, ledger: &Ledger) {
        if let (Some(_), Order::TopUp { wallet, channel, gift, .. }) = (lines, order) {
            let product = match ledger.wallets.get(wallet) {
                Some(wallet) if wallet.points => "points",
                Some(wallet) if wallet.limited => "limited",
                _ => "default",
            };
            let offer = if let Gift::Offer(name) = gift { Some(name.clone()) } else { None };
            self.lots.insert(id.into(), LotFacts { product, channel: channel.clone(), offer });
        }
        let sign = match order {
            Order::Spend(_) | Order::Capture { .. } | Order::Expire(_) => 1,
            Order::Refund { .. } => -1,
            _ => 0,
        };
        for (lot, sub, amount) in lines.unwrap_or_default().iter().filter(|_| sign != 0) {
            let name = if matches!(order, Order::Expire(_)) { "breakage" } else { CONSUMED[usize::from(*sub)] };
            *self.gone.entry((format!("lot {lot}"), name)).or_default() += sign * amount;
        }
        let after = self.state(ledger);
        let nothing = State::new();
        let before = self.steps.last().map_or(&nothing, |step| &step.after);
        let mut change = after.clone();
        for (figure, minor) in before {
            *change.entry(figure.clone()).or_default() -= minor;
        }
        change.retain(|_, minor| *minor != 0);
        self.steps.push(Step { at, change, after });
    }

    fn state(&self, ledger: &Ledger) -> State {
        let mut state = self.gone.clone();
        for (name, wallet) in &ledger.wallets {
            state.insert((name.clone(), "principal"), available(&wallet.lots, 0));
            state.insert((name.clone(), "bonus"), available(&wallet.lots, 1));
            state.insert((name.clone(), "held"), wallet.held());
            for lot in &wallet.lots {
                for part in &lot.parts {
                    let figure = (format!("lot {}", lot.id), OUTSTANDING[usize::from(part.sub)]);
                    *state.entry(figure).or_default() += part.left;
                }
            }
            for hold in &wallet.holds {
                let amounts: Vec<i128> = hold.lines.iter().map(|line| line.2).collect();
                for ((lot, sub, amount), back) in hold.lines.iter().zip(nested(hold.released, &amounts)) {
                    let figure = (format!("lot {lot}"), OUTSTANDING[usize::from(*sub)]);
                    *state.entry(figure).or_default() += amount - back;
                }
            }
        }
        for (name, merchant) in &ledger.merchants {
            state.insert((name.clone(), "paid"), merchant.paid);
            state.insert((name.clone(), "promoted"), merchant.promoted);
        }
        for ((points, name), minor) in &ledger.own {
            state.insert((format!("{name}:{}", if *points { "PTS" } else { "CNY" }), "own"), *minor);
        }
        state
    }

    /// The sum of what the commands at or before a moment changed.
    pub(crate) fn at(&self, moment: i64) -> State {
        let mut state = State::new();
        for step in self.steps.iter().filter(|step| step.at <= moment) {
            for (figure, minor) in &step.change {
                *state.entry(figure.clone()).or_default() += minor;
            }
        }
        state
    }

    /// For an account: number of the step, its moment, and its figures afterwards, where they changed.
    pub(crate) fn entries(&self, account: &str, names: &[&'static str]) -> Vec<(u64, i64, Vec<i128>)> {
        let of = |state: &State| -> Vec<i128> {
            names.iter().map(|name| state.get(&(account.to_owned(), *name)).copied().unwrap_or(0)).collect()
        };
        (1..)
            .zip(&self.steps)
            .filter(|(_, step)| names.iter().any(|name| step.change.contains_key(&(account.to_owned(), *name))))
            .map(|(number, step)| (number, step.at, of(&step.after)))
            .collect()
    }
}
