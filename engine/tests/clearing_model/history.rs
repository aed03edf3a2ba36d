//! Histories: orders of customers and chores of the clearing line, one after the other; and how they are run beside the
//! naive ledger and the naive account of proceeds.

use crate::asks::{self, Ask};
use crate::books::Said;
use crate::chores::Chore;
use crate::desk::{Desk, Told, account};
use crate::naive::Ledger;
use crate::open_orders::OpenOrders;
use crate::order::{Gift, Order, Policy, Stage};
use crate::proceeds::Proceeds;
use crate::sweep::{Asked, Sweep, Way, confirm_home};
use fentan_engine::accounts::Bucket;
use fentan_engine::clearing::{Clearing, ConfirmLot, ReleaseProceeds};
use fentan_engine::ledger::Reject;
use fentan_engine::names::CommandId;
use proptest::prelude::*;

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Customer(Ask),
    Chore(Chore),
}

/// What happens, and how many hours after what was before.
pub(crate) type History = Vec<(Step, i64)>;

/// What was done.
#[derive(Debug, Clone)]
pub(crate) enum Done {
    Order(String, i64, Order),
    Clear(CommandId, i64, Clearing),
}

/// A history of these asks and chores.
pub(crate) fn history(
    asks: impl Strategy<Value = Ask> + 'static,
    chores: impl Strategy<Value = Chore> + 'static,
    hours: i64,
    steps: usize,
) -> impl Strategy<Value = History> {
    let step = prop_oneof![3 => asks.prop_map(Step::Customer), 2 => chores.prop_map(Step::Chore)];
    prop::collection::vec((step, 0..hours), 1..steps)
}

/// Three wallets send pieces of few lots around, spend, hold, refund and take back what they have of them; gifts end.
fn pieces() -> impl Strategy<Value = Ask> {
    let few = || prop_oneof![1..=30_i64, 1..=900_i64];
    let rule = || prop::option::of(0..9_usize);
    let part = || prop::option::of(1..=100_u8);
    let pay = (0..3_u8, 0..2_u8, few(), rule(), prop::option::weighted(0.3, 1..30_i64)).prop_map(
        |(wallet, merchant, amount, rule, until)| Ask::Spend { wallet, merchant, amount, rule, until, lines: None },
    );
    let transfer = (0..3_u8, 1..3_u8, few(), rule()).prop_map(|(from, on, amount, rule)| Ask::Transfer {
        from,
        to: (from + on) % 3,
        amount,
        rule,
    });
    prop_oneof![
        1 => (0..3_u8, few(), few(), prop::option::of(1..40_i64)).prop_map(|(wallet, principal, gift, ends)| {
            top_up(wallet, principal, gift, ends)
        }),
        12 => transfer,
        10 => pay,
        4 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Capture(nth, part)),
        2 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Release(nth, part)),
        6 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Refund(nth, part, None)),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(nth, forced)| Ask::TakeBack {
            nth,
            policy: forced.then_some(Policy::Forced),
            part: None,
            stage: Stage::AtOnce,
            names: false,
        }),
    ]
}

fn top_up(wallet: u8, principal: i64, gift: i64, gift_ends: Option<i64>) -> Ask {
    let gift = Gift::Amount(gift.into());
    Ask::TopUp { wallet, principal, gift, channel: 0, pending: false, ends: None, gift_ends }
}

/// The same, and money to begin with.
pub(crate) fn in_pieces(chores: impl Strategy<Value = Chore> + 'static) -> impl Strategy<Value = History> {
    let money = [top_up(0, 2_000, 3_600, None), top_up(1, 3_000, 100, Some(30))];
    history(pieces(), chores, 3, 90)
        .prop_map(move |history| money.clone().map(|ask| (Step::Customer(ask), 0)).into_iter().chain(history).collect())
}

/// A history under way.
pub(crate) struct Run {
    pub(crate) desk: Desk,
    naive: Ledger,
    pub(crate) proceeds: Proceeds,
    pub(crate) orders: OpenOrders,
    sweep: Sweep,
    now: i64,
    pub(crate) done: Vec<Done>,
    /// Nothing but reconciliation has moved merchants' money.
    plain: bool,
    /// How many splits of a spend were done, and refused while part of it was not confirmed.
    pub(crate) spends_split: [u32; 2],
}

impl Run {
    pub(crate) fn new(way: Way, batch: usize) -> Self {
        Self {
            desk: Desk::new(),
            naive: Ledger::new(),
            proceeds: Proceeds::default(),
            orders: OpenOrders::default(),
            sweep: Sweep::new(way, batch),
            now: 0,
            done: Vec::new(),
            plain: true,
            spends_split: [0; 2],
        }
    }

    /// Runs a history; says at which step something is wrong.
    pub(crate) fn of(history: &History, way: Way, batch: usize) -> Result<Self, String> {
        let mut run = Self::new(way, batch);
        for (number, (step, later)) in history.iter().enumerate() {
            run.now += later * asks::HOUR;
            let at = |wrong| format!("step {number}, {step:?}: {wrong}");
            run.step(number, step).map_err(at)?;
            run.merchants().map_err(at)?;
        }
        Ok(run)
    }

    fn step(&mut self, number: usize, step: &Step) -> Result<(), String> {
        match step {
            Step::Customer(ask) => match ask.order(&self.naive, self.now) {
                // Closing a merchant asks what it has been paid out.
                Some(Order::Close(name)) if name.starts_with("m-") => Ok(()),
                Some(order) => self.order(&format!("c-{number}"), order),
                None => Ok(()),
            },
            Step::Chore(Chore::Look) => {
                self.sweep.look(&self.desk);
                Ok(())
            }
            Step::Chore(Chore::Do(count)) => {
                for _ in 0..*count {
                    let Some(asked) = self.sweep.queue.pop_front() else { break };
                    self.must(&asked)?;
                }
                Ok(())
            }
            Step::Chore(chore) => match chore.asked(&self.desk, &self.naive, number) {
                Some(asked) => self.clear(&asked).map(|_| ()),
                None => Ok(()),
            },
        }
    }

    fn order(&mut self, id: &str, order: Order) -> Result<(), String> {
        let now = self.now;
        let (over, wallets) = (self.desk.is_over(&order, now), self.desk.wallets_of(&order));
        let end = |naive: &mut Ledger| {
            for wallet in &wallets {
                let _ = naive.execute("expire", now, &Order::Expire(wallet.to_string()));
            }
        };
        let said = self.desk.order(id, now, &order)?;
        if !over {
            end(&mut self.naive);
        }
        let before = self.orders.refunded(&self.naive, &order);
        let answer = self.naive.execute(id, now, &order);
        let agree = match (&said, &answer) {
            (Said::Done(lines), Ok(naive)) => lines == naive,
            (Said::No(code), Err(reasons)) => reasons.contains(code),
            _ => false,
        };
        if !agree {
            return Err(format!("the engine said {said:?}, the naive ledger {answer:?}"));
        }
        self.naive.learn(id, self.desk.books.cells(id).as_ref())?;
        if let Ok(lines) = &answer {
            self.proceeds.learn(id, &order, lines);
            let went_back = self.orders.refunded(&self.naive, &order) - before;
            self.orders.learn(id, &order, went_back);
        }
        if over {
            end(&mut self.naive);
        }
        self.done.push(Done::Order(id.into(), now, order));
        Ok(())
    }

    /// A command of the clearing line.
    pub(crate) fn clear(&mut self, (name, ask): &Asked) -> Result<Told, String> {
        let again = self.desk.answers.contains_key(name);
        let told = self.desk.clear(name, self.now, ask)?;
        if !again {
            self.split(ask, &told)?;
        }
        if let Clearing::ConfirmLot(ConfirmLot { account, .. })
        | Clearing::ReleaseProceeds(ReleaseProceeds { account, .. }) = ask
        {
            let _ = self.naive.execute("expire", self.now, &Order::Expire(account.to_string()));
        }
        self.done.push(Done::Clear(name.clone(), self.now, ask.clone()));
        if told.is_err() || again {
            return Ok(told);
        }
        self.orders.cleared(ask);
        match ask {
            Clearing::ConfirmLot(ask) => self.proceeds.confirmed((ask.top_up.to_string(), ask.account.to_string())),
            Clearing::ReleaseProceeds(ask) => self.proceeds.released((ask.top_up.to_string(), ask.account.to_string())),
            _ => self.plain = false,
        }
        Ok(told)
    }

    /// C6: a spend is shared out when all that is left of it is confirmed, and is told what lacks otherwise.
    fn split(&mut self, ask: &Clearing, told: &Told) -> Result<(), String> {
        let Clearing::Split(ask) = ask else { return Ok(()) };
        let Some(spend) = ask.spend.as_ref().filter(|_| ask.split.is_none()) else { return Ok(()) };
        let (left, confirmed) = self.proceeds.confirmed_of(spend.as_str());
        let right = match told {
            Ok(()) => confirmed == left,
            Err(Reject::InsufficientFunds { payer, available, requested }) if payer.contains("statements") => {
                let says = [available, requested].map(|money| i128::from(money.minor));
                confirmed < left && says == [confirmed, left]
            }
            Err(_) => true,
        };
        let waits = told.is_err() && confirmed < left;
        self.spends_split[usize::from(waits)] += u32::from(told.is_ok() || waits);
        if right { Ok(()) } else { Err(format!("{confirmed} of {left} of {spend} is confirmed: {told:?}")) }
    }

    /// One that may not be refused.
    fn must(&mut self, asked: &Asked) -> Result<(), String> {
        self.clear(asked)?.map_err(|reject| format!("{asked:?} was refused: {reject}"))
    }

    /// What every merchant has is what the naive account says.
    pub(crate) fn merchants(&self) -> Result<(), String> {
        for merchant in self.proceeds.merchants() {
            let (unreconciled, pending) = self.proceeds.of(merchant);
            let has = self.desk.has(merchant, Bucket::Unreconciled);
            if has != unreconciled {
                return Err(format!("{merchant} has {has:?} unreconciled, not {unreconciled:?}"));
            }
            let has = self.desk.has(merchant, Bucket::Pending);
            if self.plain && has != pending {
                return Err(format!("{merchant} has {has:?} pending, not {pending:?}"));
            }
        }
        Ok(())
    }

    /// Every lot that is there is confirmed where it is at home.
    pub(crate) fn confirm_all(&mut self) -> Result<(), String> {
        for (number, piece) in (1_000_000..).zip(self.proceeds.homes()) {
            let known = self.desk.books.wallets[&account(&piece.1)].lot(&crate::desk::id(&piece.0));
            if known.is_some_and(|lot| !lot.reconciled) {
                let asked = confirm_home(&self.desk, &piece, number);
                self.must(&asked)?;
            }
        }
        Ok(())
    }

    /// The service's way to its end, begun anew after so many commands, as often as there are such.
    pub(crate) fn release(&mut self, stops: &[usize]) -> Result<(), String> {
        let all = stops.iter().copied().map(Some).chain([None]);
        for stop in all {
            let mut sweep = std::mem::replace(&mut self.sweep, Sweep::new(Way::Right, 1));
            let mut desk = std::mem::replace(&mut self.desk, Desk::new());
            let ended = sweep.go(&mut desk, stop, &mut |desk, asked| {
                std::mem::swap(&mut self.desk, desk);
                let told = self.must(asked).and_then(|()| self.merchants());
                std::mem::swap(&mut self.desk, desk);
                told
            });
            (self.sweep, self.desk) = (sweep, desk);
            ended?;
        }
        Ok(())
    }
}
