//! The naive ledger: maps of plain values, everything summed anew, no care for speed.
//!
//! A refused command answers with every reason that applies; the engine must give one of them.

mod back;
mod bounds;
mod fund;
mod order_lines;
mod pay;

pub(crate) use back::{Back, Waiting};

use crate::model::purse::{MLot, total};
use crate::model::rule::{MRule, shipped};
use crate::order::Order;
pub(crate) use order_lines::Cells;
use std::collections::{BTreeMap, BTreeSet};

/// Lot, sub-balance, amount.
pub(crate) type Line = (String, u8, i128);

/// What an accepted command moved, or every reason against it.
pub(crate) type Answer = Result<Vec<Line>, Reasons>;

/// Every reason against a command.
pub(crate) type Reasons = BTreeSet<&'static str>;

/// What a payment takes, and what its rule remembers after it.
type Plan = (Vec<Line>, Option<(String, i128)>);

/// An open hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) id: String,
    pub(crate) merchant: String,
    /// As they were fixed.
    pub(crate) lines: Vec<Line>,
    /// Order lines: id and amount.
    pub(crate) order: Vec<(String, i128)>,
    pub(crate) released: i128,
    pub(crate) ends: i64,
    pub(crate) rule: String,
}

impl Hold {
    pub(crate) fn left(&self) -> i128 {
        sum(&self.lines) - self.released
    }
}

/// A top-up that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) lot: MLot,
    pub(crate) channel: String,
    pub(crate) promotion: String,
    pub(crate) gift: i128,
}

/// A wallet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wallet {
    pub(crate) points: bool,
    pub(crate) status: Status,
    pub(crate) lots: Vec<MLot>,
    pub(crate) holds: Vec<Hold>,
    pub(crate) placed: Vec<Placed>,
    pub(crate) phases: BTreeMap<String, i128>,
    /// What the wallet owes.
    pub(crate) arrears: i128,
    /// Refunds of top-ups, by top-up.
    pub(crate) backs: BTreeMap<String, Back>,
    /// What expired, by lot and sub-balance.
    pub(crate) expired: BTreeMap<(String, u8), i128>,
    /// What spends, holds, transfers and repayments used and nothing brought back, by lot and sub-balance.
    pub(crate) used: BTreeMap<(String, u8), i128>,
    /// Of the product `limited`, or one with limits of its own.
    pub(crate) limited: bool,
    pub(crate) own_limits: bool,
    /// What its limits count: moment and amount of each payment, and its hold.
    pub(crate) paid: Vec<(i64, i128, Option<String>)>,
    /// Offers that count their uses.
    pub(crate) uses: BTreeMap<String, usize>,
}

impl Wallet {
    pub(crate) fn held(&self) -> i128 {
        let frozen = self.backs.values().filter_map(|back| back.open.as_ref()).map(|open| sum(&open.lines));
        self.holds.iter().map(Hold::left).chain(frozen).sum()
    }

    fn give(&mut self, lines: &[Line]) {
        for (lot, sub, amount) in lines {
            let lot = self.lots.iter_mut().find(|there| there.id == *lot).expect("a line names a lot");
            lot.give(*sub, *amount);
            *self.used.entry((lot.id.clone(), *sub)).or_default() -= amount;
        }
    }

    fn is_empty(&self) -> bool {
        let waits = self.backs.values().any(|back| back.open.is_some());
        total(&self.lots) == 0 && self.holds.is_empty() && self.placed.is_empty() && self.arrears == 0 && !waits
    }
}

/// Whether an account takes part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Status {
    #[default]
    Open,
    Frozen,
    Closed,
}

/// A merchant: what was paid and what was promoted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Merchant {
    pub(crate) points: bool,
    pub(crate) status: Status,
    pub(crate) paid: i128,
    pub(crate) promoted: i128,
}

impl Merchant {
    /// Principal (sub-balance 0) was paid, bonus (1) is a promotion's.
    fn add(&mut self, lines: &[Line], sign: i128) {
        for (_, sub, amount) in lines {
            *(if *sub == 0 { &mut self.paid } else { &mut self.promoted }) += sign * amount;
        }
    }
}

#[derive(Debug, Clone)]
struct Spent {
    id: String,
    wallet: String,
    merchant: String,
    lines: Vec<Line>,
    refunded: i128,
    rule: String,
    /// Order lines: id and amount, by sub-balances, and what was given back of each.
    order: Vec<(String, i128)>,
    cells: Cells,
    given: Vec<i128>,
}

/// A thing that commands name by its id: the wallet it belongs to and its size.
#[derive(Debug, Clone)]
struct Made {
    id: String,
    wallet: String,
    size: i128,
}

/// Who paid for a top-up: its channel and its promotion.
#[derive(Debug, Clone)]
struct Sources {
    channel: String,
    promotion: String,
}

/// The ledger.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) wallets: BTreeMap<String, Wallet>,
    pub(crate) merchants: BTreeMap<String, Merchant>,
    /// Channels and promotions and breakage, by currency (points or not) and name; debits are negative.
    pub(crate) own: BTreeMap<(bool, String), i128>,
    rules: Vec<MRule>,
    spends: Vec<Spent>,
    top_ups: Vec<Made>,
    sources: BTreeMap<String, Sources>,
    holds: Vec<Made>,
    /// What the last command brought back and ended at once: the ledger before the end, and what ended.
    pub(crate) at_once: Option<(Box<Ledger>, Vec<Line>)>,
}

pub(crate) fn sum(lines: &[Line]) -> i128 {
    lines.iter().map(|line| line.2).sum()
}

/// Adds the reason when it applies.
fn when(reasons: &mut Reasons, applies: bool, code: &'static str) {
    if applies {
        reasons.insert(code);
    }
}

/// Refused for these reasons, if there are any.
fn unless(reasons: Reasons) -> Result<(), Reasons> {
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

fn only(code: &'static str) -> Reasons {
    BTreeSet::from([code])
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            wallets: BTreeMap::new(),
            merchants: BTreeMap::new(),
            own: BTreeMap::new(),
            rules: shipped(),
            spends: Vec::new(),
            top_ups: Vec::new(),
            sources: BTreeMap::new(),
            holds: Vec::new(),
            at_once: None,
        }
    }

    pub(crate) fn in_points(&self, wallet: &str) -> bool {
        self.wallets.get(wallet).is_some_and(|wallet| wallet.points)
    }

    /// Top-ups with their principal.
    pub(crate) fn top_up_ids(&self) -> Vec<(String, i128)> {
        self.top_ups.iter().map(|made| (made.id.clone(), made.size)).collect()
    }

    /// Holds, open and ended, with their amount.
    pub(crate) fn hold_ids(&self) -> Vec<(String, i128)> {
        self.holds.iter().map(|made| (made.id.clone(), made.size)).collect()
    }

    /// Spends and captures, with their amount.
    pub(crate) fn spend_ids(&self) -> Vec<(String, i128)> {
        self.spends.iter().map(|spent| (spent.id.clone(), sum(&spent.lines))).collect()
    }

    /// The order lines of a spend: id and amount.
    pub(crate) fn order_of(&self, spend: &str) -> Vec<(String, i128)> {
        self.spends.iter().find(|spent| spent.id == spend).map(|spent| spent.order.clone()).unwrap_or_default()
    }

    /// Does it, or says why not.
    pub(crate) fn execute(&mut self, id: &str, now: i64, order: &Order) -> Answer {
        match order {
            Order::Open { account, wallet, product, own } => self.open(account, *wallet, product.as_deref(), *own),
            Order::TopUp { .. } => self.top_up(id, now, order),
            Order::Confirm { top_up, amount } => self.confirm(now, top_up, *amount),
            Order::Fail { top_up } => self.fail(top_up),
            Order::Spend(pay) => self.spend(id, now, pay),
            Order::Hold(pay, until) => self.hold(id, now, pay, *until),
            Order::Capture { hold, amount } => self.capture(id, now, hold, *amount),
            Order::Release { hold, amount } => self.release(now, hold, *amount),
            Order::Refund { spend, amount, line } => self.refund(now, spend, *amount, line.as_deref()),
            Order::Transfer { from, to, amount, rule } => self.transfer(now, from, to, *amount, rule.as_deref()),
            Order::TakeBack { top_up, policy, amount, stage } => self.take_back(top_up, *policy, *amount, *stage),
            Order::Freeze(account) => self.set_status(account, Status::Frozen),
            Order::Unfreeze(account) => self.set_status(account, Status::Open),
            Order::Close(account) => self.set_status(account, Status::Closed),
            Order::Expire(account) => self.expire(now, account),
        }
    }

    fn home(made: &[Made], id: &str) -> String {
        made.iter().find(|made| made.id == id).map(|made| made.wallet.clone()).expect("an order names what was made")
    }

    fn wallet(&mut self, name: &str) -> &mut Wallet {
        self.wallets.get_mut(name).expect("the wallet was looked up before")
    }

    fn book(&mut self, points: bool, account: &str, amount: i128) {
        *self.own.entry((points, account.into())).or_default() += amount;
    }
}
