//! Random commands over three wallets and two merchants. No spend names a rule: the product's decides.

use crate::ledger::{Ledger, MERCHANTS, WALLETS};
use fentan_engine::accounts::Funding;
use fentan_engine::ledger::{
    Capture, Command, ConfirmTopUp, OrderLine, Refund, RefundPolicy, RefundTopUp, Release, Spend, TopUp,
    TopUpRefundState, TopUpState, Transfer,
};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use proptest::option::of;
use proptest::prelude::*;

/// Order lines: weights by which they share the spend's amount, and categories by number.
pub(crate) type Lines = Vec<(i64, usize)>;

/// An hour: the unit of time of the histories.
pub(crate) const HOUR: i64 = 3_600_000_000;

const CATEGORIES: [Option<&str>; 3] = [None, Some("food"), Some("books")];

/// A command that names earlier ones by how far back they are.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    TopUp {
        wallet: usize,
        principal: i64,
        bonus: i64,
        pending: bool,
        ends: Option<i64>,
        bonus_ends: Option<i64>,
    },
    Confirm(u8),
    Spend {
        wallet: usize,
        merchant: usize,
        amount: i64,
        until: Option<i64>,
        lines: Lines,
    },
    Capture(u8, Option<u8>),
    Release(u8, Option<u8>),
    /// Spend, part, order line.
    Refund(u8, Option<u8>, Option<u8>),
    Transfer {
        from: usize,
        to: usize,
        amount: i64,
    },
    /// Top-up, policy, part of what was paid, state.
    Back(u8, usize, Option<u8>, usize),
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

pub(crate) fn id(name: &str) -> CommandId {
    CommandId::new(name).unwrap()
}

pub(crate) fn major(minor: i64) -> Major {
    Major::from_minor(minor, Currency::CNY)
}

pub(crate) fn top_up(wallet: &str, principal: i64, bonus: i64, ends: Option<i64>, bonus_ends: Option<i64>) -> Command {
    Command::TopUp(TopUp {
        account: account(wallet),
        principal: major(principal),
        bonus: Some(major(bonus)),
        offer: None,
        channel: None,
        channel_order: None,
        funding: Funding::DebitCard,
        expires_at: ends,
        bonus_expires_at: bonus_ends,
        state: TopUpState::Confirmed,
    })
}

pub(crate) fn pay(wallet: &str, merchant: &str, amount: i64) -> Spend {
    Spend {
        account: account(wallet),
        merchant: account(merchant),
        amount: major(amount),
        rule: None,
        order: None,
        tags: std::iter::empty().collect(),
        lines: std::iter::empty().collect(),
    }
}

/// The spend with order lines, as many as each can have something of it.
pub(crate) fn with_lines(mut spend: Spend, lines: &Lines) -> Spend {
    let whole = spend.amount.minor(Currency::CNY).unwrap();
    let (weights, mut weight): (i64, i64) = (lines.iter().map(|(weight, _)| weight).sum(), 0);
    let mut before = 0;
    for (more, category) in lines {
        weight += more;
        let after = whole * weight / weights;
        if after > before {
            let category = CATEGORIES[*category].map(Label::internal);
            let id = Label::internal(&spend.lines.len().to_string());
            spend.lines.push(OrderLine { id, amount: major(after - before), category });
            before = after;
        }
    }
    spend
}

pub(crate) fn refund_line(spend: &str, line: &str, amount: Option<i64>) -> Command {
    let line = Some(Label::internal(line));
    Command::Refund(Refund { spend: id(spend), amount: amount.map(major), line, reason: None })
}

pub(crate) fn refund(spend: &str, amount: Option<i64>) -> Command {
    Command::Refund(Refund { spend: id(spend), amount: amount.map(major), line: None, reason: None })
}

pub(crate) fn ask() -> impl Strategy<Value = Ask> {
    let amount = || prop_oneof![1 => 1..=9_i64, 4 => 1..=3_000_i64, 2 => 1..=20_000_i64];
    let ends = || of(1..600_i64);
    let part = || of(1..=110_u8);
    let lines = || prop_oneof![1 => Just(Lines::new()), 1 => prop::collection::vec((1..=9_i64, 0..3_usize), 1..5)];
    prop_oneof![
        6 => (0..3_usize, amount(), 0..=20_000_i64, prop::bool::weighted(0.2), ends(), ends()).prop_map(
            |(wallet, principal, bonus, pending, ends, bonus_ends)| {
                Ask::TopUp { wallet, principal, bonus, pending, ends, bonus_ends }
            }
        ),
        2 => any::<u8>().prop_map(Ask::Confirm),
        14 => (0..3_usize, 0..2_usize, amount(), lines()).prop_map(|(wallet, merchant, amount, lines)| {
            Ask::Spend { wallet, merchant, amount, until: None, lines }
        }),
        5 => (0..3_usize, 0..2_usize, amount(), 1..300_i64, lines()).prop_map(
            |(wallet, merchant, amount, until, lines)| {
                Ask::Spend { wallet, merchant, amount, until: Some(until), lines }
            }
        ),
        4 => (any::<u8>(), part()).prop_map(|(back, part)| Ask::Capture(back, part)),
        3 => (any::<u8>(), part()).prop_map(|(back, part)| Ask::Release(back, part)),
        10 => (any::<u8>(), part(), of(0..4_u8)).prop_map(|(back, part, line)| Ask::Refund(back, part, line)),
        5 => (any::<u8>(), 0..5_usize, part(), 0..4_usize).prop_map(|(back, policy, part, state)| Ask::Back(back, policy, part, state)),
        4 => (0..3_usize, 0..3_usize, amount()).prop_map(|(from, to, amount)| Ask::Transfer { from, to, amount }),
    ]
}

/// Commands with the time that passes before each.
pub(crate) fn history() -> impl Strategy<Value = Vec<(Ask, i64)>> {
    prop::collection::vec((ask(), 0..60_i64), 1..70)
}

/// A spend or hold: its id, what it was for, and its order lines' amounts.
type Bought = (String, i64, Vec<i64>);

/// Ids by number: what an [`Ask`] names is one of the commands of that kind before it, whatever became of it.
fn back<T>(made: &[T], number: u8) -> Option<&T> {
    made.iter().rev().nth(usize::from(number) % made.len().max(1))
}

/// The commands, which no ledger has decided: the same for every rule.
pub(crate) fn commands(asks: &[(Ask, i64)]) -> Vec<(String, i64, Command)> {
    let (mut top_ups, mut lots) = (Vec::new(), Vec::new());
    let (mut holds, mut spends): (Vec<Bought>, Vec<Bought>) = (Vec::new(), Vec::new());
    let mut now = 0;
    let mut commands = Vec::new();
    for (number, (ask, later)) in asks.iter().enumerate() {
        now += later * HOUR;
        let name = format!("c-{number}");
        let part = |whole: i64, part: &Option<u8>| part.map(|part| major((whole * i64::from(part) / 100).max(1)));
        let command = match ask {
            Ask::TopUp { wallet, principal, bonus, pending, ends, bonus_ends } => {
                lots.push((name.clone(), *principal));
                let after = |ends: &Option<i64>| ends.map(|after| now + after * HOUR);
                let mut command = top_up(WALLETS[*wallet], *principal, *bonus, after(ends), after(bonus_ends));
                if let Command::TopUp(ask) = &mut command
                    && *pending
                {
                    ask.state = TopUpState::Pending;
                    top_ups.push((name.clone(), 0));
                }
                command
            }
            Ask::Confirm(number) => {
                let Some((top_up, _)) = back(&top_ups, *number) else { continue };
                Command::ConfirmTopUp(ConfirmTopUp { top_up: id(top_up), amount: None, funding: None })
            }
            Ask::Spend { wallet, merchant, amount, until, lines } => {
                let ask = with_lines(pay(WALLETS[*wallet], MERCHANTS[*merchant], *amount), lines);
                let lines = ask.lines.iter().map(|line| line.amount.minor(Currency::CNY).unwrap()).collect();
                match until {
                    None => {
                        spends.push((name.clone(), *amount, lines));
                        Command::Spend(ask)
                    }
                    Some(after) => {
                        holds.push((name.clone(), *amount, lines));
                        Command::Hold(ask, now + after * HOUR)
                    }
                }
            }
            Ask::Capture(number, some) => {
                let Some((hold, whole, lines)) = back(&holds, *number).cloned() else { continue };
                spends.push((name.clone(), whole, lines));
                Command::Capture(Capture { hold: id(&hold), amount: part(whole, some) })
            }
            Ask::Release(number, some) => {
                let Some((hold, whole, _)) = back(&holds, *number) else { continue };
                Command::Release(Release { hold: id(hold), amount: part(*whole, some) })
            }
            Ask::Refund(number, some, line) => {
                let Some((spend, whole, lines)) = back(&spends, *number) else { continue };
                let some = |of: i64| some.map(|some| (of * i64::from(some) / 100).max(1));
                match line.and_then(|line| Some((line, *lines.get(usize::from(line))?))) {
                    Some((line, of)) => refund_line(spend, &line.to_string(), some(of)),
                    None => refund(spend, some(*whole)),
                }
            }
            Ask::Back(number, policy, some, state) => {
                let Some((top_up, whole)) = back(&lots, *number) else { continue };
                let policies =
                    [RefundPolicy::Ratio, RefundPolicy::PaidFirst, RefundPolicy::Unspent, RefundPolicy::Forced];
                let states = [TopUpRefundState::Requested, TopUpRefundState::Confirmed, TopUpRefundState::Failed];
                Command::RefundTopUp(RefundTopUp {
                    top_up: id(top_up),
                    policy: policies.get(*policy).copied(),
                    amount: part(*whole, some),
                    state: states.get(*state).copied(),
                })
            }
            Ask::Transfer { from, to, amount } => Command::Transfer(Transfer {
                from: account(WALLETS[*from]),
                to: account(WALLETS[*to]),
                amount: major(*amount),
                rule: None,
            }),
        };
        commands.push((name, now, command));
    }
    commands
}

/// A ledger under this rule after these commands; which of them it accepted.
pub(crate) fn decided(rule: &str, commands: &[(String, i64, Command)]) -> (Ledger, Vec<bool>) {
    let mut ledger = Ledger::new(rule);
    let accepted = commands.iter().map(|(id, at, command)| ledger.execute(id, *at, command.clone())).collect();
    (ledger, accepted)
}

pub(crate) const RULES: [&str; 13] = [
    "by_lot",
    "by_lot_expiring_first",
    "by_lot_pro_rata",
    "by_balance",
    "principal_first",
    "bonus_first",
    "fixed_100_80",
    "bonus_5_per_spend",
    "bonus_30_percent",
    "by_lot_restored",
    "bonus_first_restored",
    "bonus_for_food",
    "no_principal_for_books",
];
