//! The auditor: a client with a memory. It sends random commands, remembers what it was told, and asks.

use crate::ledger::{Ledger, Told, refund, refund_line, spend, spend_lines, top_up, transfer};
use fentan_engine::ledger::{Command, Event};
use fentan_engine::names::Label;
use fentan_engine::runtime::{Body, Request};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const WALLETS: u64 = 24;

/// A small generator of numbers (splitmix64): the same seed, the same commands.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

struct Sent {
    request: Request,
    answer: Arc<Mutex<Vec<Told>>>,
}

/// What the auditor knows.
pub(crate) struct Auditor {
    dice: Dice,
    next: u64,
    /// What was answered, by id: the request and the first answer.
    pub(crate) told: BTreeMap<String, (Request, Told)>,
    on_the_way: Vec<Sent>,
    /// Top-ups and their wallets.
    pub(crate) top_ups: Vec<(String, String)>,
    spends: Vec<String>,
    /// Spends with three order lines.
    orders: Vec<String>,
}

impl Auditor {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            next: 0,
            told: BTreeMap::new(),
            on_the_way: Vec::new(),
            top_ups: Vec::new(),
            spends: Vec::new(),
            orders: Vec::new(),
        }
    }

    fn request(&mut self) -> Request {
        self.next += 1;
        let name = format!("c{}", self.next);
        let wallet = format!("w{}", self.dice.roll(WALLETS));
        let amount = format!("{}.{:02}", self.dice.roll(30), self.dice.roll(99) + 1);
        match self.dice.roll(10) {
            0 | 1 => {
                self.top_ups.push((name.clone(), wallet.clone()));
                top_up(&name, &wallet, "100.00", "180.00")
            }
            2 if !self.spends.is_empty() => {
                let at = usize::try_from(self.dice.roll(self.spends.len() as u64)).unwrap();
                refund(&name, &self.spends[at], "0.77")
            }
            4 if !self.orders.is_empty() => {
                let at = usize::try_from(self.dice.roll(self.orders.len() as u64)).unwrap();
                let order = &self.orders[at];
                match self.dice.roll(5) {
                    0 => refund(&name, order, "0.05"),
                    // One of them is of an order line that there is not.
                    line => refund_line(&name, order, &format!("l-{}", line - 1), Some("0.21").filter(|_| line < 3)),
                }
            }
            5 => {
                self.orders.push(name.clone());
                spend_lines(&name, &wallet, &format!("m{}", self.dice.roll(3)), "3.00", &["1.00", "0.66", "1.34"])
            }
            3 => {
                let to = format!("w{}", self.dice.roll(WALLETS + 4));
                transfer(&name, &wallet, &to, &amount)
            }
            _ => {
                self.spends.push(name.clone());
                spend(&name, &wallet, &format!("m{}", self.dice.roll(3)), &amount)
            }
        }
    }

    /// Sends random commands without waiting, and takes note of the answers that have come.
    pub(crate) fn work(&mut self, ledger: &Ledger, commands: usize) {
        for _ in 0..commands {
            let request = self.request();
            self.send(ledger, request);
            if self.dice.roll(8) == 0 {
                std::thread::sleep(std::time::Duration::from_micros(self.dice.roll(300)));
            }
        }
    }

    /// Sends a command that somebody else has made.
    pub(crate) fn send(&mut self, ledger: &Ledger, request: Request) {
        let answer = ledger.send(request.clone());
        self.on_the_way.push(Sent { request, answer });
    }

    /// Takes note of what has been answered so far.
    pub(crate) fn listen(&mut self) {
        let told = &mut self.told;
        self.on_the_way.retain(|sent| match sent.answer.lock().unwrap().first() {
            Some(answer) => {
                told.insert(sent.request.id.to_string(), (sent.request.clone(), answer.clone()));
                false
            }
            None => true,
        });
    }

    /// Waits until everything is answered.
    pub(crate) fn settle(&mut self, ledger: &Ledger) {
        while !self.on_the_way.is_empty() && !ledger.engine.has_failed() {
            self.listen();
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
    }

    /// After a crash: what was answered must be there, as it was answered. Returns what is wrong.
    pub(crate) fn audit(&mut self, ledger: &Ledger) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, (request, first)) in &self.told {
            let again = ledger.ask(request.clone());
            let same = match (first, &again) {
                (Told::Recorded(a, at, _), Told::Recorded(b, again_at, true)) => a == b && at == again_at,
                (Told::Refused(_), _) => true,
                _ => false,
            };
            if !same {
                wrong.push(format!("{name}: was told {first:?}, sent again {again:?}"));
            }
        }
        // What was never answered is sent again: it was applied, or is now; after that it is known.
        for sent in std::mem::take(&mut self.on_the_way) {
            let answer = ledger.ask(sent.request.clone());
            self.told.insert(sent.request.id.to_string(), (sent.request, answer));
        }
        for (wallet, expected) in self.expected() {
            let has = ledger.known_balance(&wallet);
            if has != Some(expected) {
                wrong.push(format!("{wallet}: has {has:?}, what was answered makes {expected}"));
            }
        }
        wrong.extend(self.order_lines());
        if !ledger.is_balanced() {
            wrong.push("the books do not balance".into());
        }
        wrong
    }

    /// What the refunds of each order say, in the order of their records: nothing that was given back of an order
    /// line is forgotten, and none gives back more than it has (A5).
    fn order_lines(&self) -> Vec<String> {
        type Refund<'a> = (&'a Option<Label>, i64, &'a [i64]);
        let mut refunds: BTreeMap<&str, BTreeMap<u64, Refund<'_>>> = BTreeMap::new();
        for (_, told) in self.told.values() {
            let Told::Recorded(record, position, _) = told else { continue };
            if let (Command::Refund(ask), Event::Refunded { rows, taken, .. }) = (&record.command, &record.event)
                && self.orders.iter().any(|order| order == ask.spend.as_str())
            {
                refunds.entry(ask.spend.as_str()).or_default().insert(*position, (&ask.line, taken.sum(), rows));
            }
        }
        let mut wrong = Vec::new();
        for (order, refunds) in refunds {
            let mut given = [0, 0, 0];
            for (line, amount, rows) in refunds.values() {
                let grown: Vec<i64> = rows.iter().zip(given).map(|(now, before)| now - before).collect();
                let named = line.as_ref().and_then(|line| line.as_str().strip_prefix("l-")?.parse::<usize>().ok());
                let fits = grown.iter().enumerate().all(|(at, more)| {
                    *more >= 0 && named.is_none_or(|line| *more == if at == line { *amount } else { 0 })
                });
                let whole = rows.iter().zip([100, 66, 134]).all(|(row, most)| *row <= most);
                if rows.len() != 3 || grown.iter().sum::<i64>() != *amount || !fits || !whole {
                    wrong.push(format!("{order}: {amount} of {line:?} makes {rows:?} of {given:?}"));
                    break;
                }
                given.copy_from_slice(rows);
            }
        }
        wrong
    }

    /// What every wallet must have, from the answers alone.
    fn expected(&self) -> BTreeMap<String, i64> {
        let mut wallets: BTreeMap<String, i64> = BTreeMap::new();
        for (request, told) in self.told.values() {
            let Told::Recorded(record, ..) = told else { continue };
            if matches!(record.event, Event::Rejected(_)) {
                continue;
            }
            let Body::Command(command) = &request.body else { continue };
            let mut add = |name: &str, minor: i64| *wallets.entry(name.to_owned()).or_default() += minor;
            match (command, &record.event) {
                (Command::TopUp(ask), _) => add(ask.account.as_str(), 28_000),
                (Command::Spend(ask), Event::Spent { taken, .. }) => add(ask.account.as_str(), -taken.sum()),
                (Command::Refund(_), Event::Refunded { parties, taken, .. }) => {
                    add(parties.account.as_str(), taken.sum());
                }
                (Command::Transfer(ask), Event::Transferred { taken, .. }) => {
                    add(ask.from.as_str(), -taken.sum());
                    add(ask.to.as_str(), taken.sum());
                }
                // The clearing line changes no wallet (rule C1).
                (Command::Clear(_), _) => {}
                (command, event) => panic!("{command:?} gave {event:?}"),
            }
        }
        wallets
    }
}
