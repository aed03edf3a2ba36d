//! What clients ask: every kind of command, about what they know of.

use crate::dice::Dice;
use crate::memory::Memory;
use crate::scene::{DAY, HOUR, SECOND, fades, label, merchant, merchants, wallet, wallet_like, wallets};
use fentan_engine::accounts::{AccountKind, Funding, Timestamp};
use fentan_engine::clearing::{Clearing, ConfirmLot, ReceiverAsk, ReleaseSplit, ReturnSplit, RowRef, SplitProceeds};
use fentan_engine::ledger::{
    Capture, Command, ConfirmTopUp, OpenAccount, OrderLine, Query, Refund, RefundPolicy, RefundTopUp, Release, Spend,
    TopUp, TopUpRefundState, TopUpState, Transfer,
};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use smallvec::SmallVec;

const fn fen(minor: i64) -> Major {
    Major::from_minor(minor, Currency::CNY)
}

/// A new command, at this time of the clock.
pub(crate) fn command(dice: &mut Dice, memory: &Memory, now: Timestamp) -> Command {
    let made = match dice.roll(100) {
        0..17 => Some(top_up(dice, now)),
        17..21 => Some(pending_top_up(dice, now)),
        21..27 => word_on_top_up(dice, memory),
        27..34 => Some(spend_with_lines(dice)),
        34..48 => refund(dice, memory),
        48..52 => refund_line(dice, memory),
        52..59 => Some(hold(dice, now)),
        59..67 => end_of_hold(dice, memory),
        67..74 => Some(transfer(dice)),
        74..76 => Some(status(dice)),
        76..81 => refund_top_up(dice, memory),
        81 => Some(open(dice)),
        82..88 => clearing(dice, memory),
        _ => None,
    };
    made.unwrap_or_else(|| Command::Spend(spend(dice)))
}

/// A question.
pub(crate) fn query(dice: &mut Dice, memory: &Memory) -> Query {
    match dice.roll(10) {
        0..6 => Query::Balance(wallet(dice)),
        6 => Query::Balance(merchant(dice)),
        7 => Query::TrialBalance,
        8 => Query::Balance(own(dice)),
        _ => memory.spends.pick(dice).map_or(Query::Ping, Query::Show),
    }
}

/// Everything that has a balance.
pub(crate) fn balances() -> impl Iterator<Item = AccountId> {
    wallets().chain(merchants()).chain(OWN.iter().map(|name| AccountId::internal(name)))
}

/// The ledger's own accounts that these commands book in.
const OWN: &[&str] = &[
    "channel:unnamed:CNY",
    "channel:wechat:CNY",
    "promotion:unnamed:CNY",
    "promotion:spring:CNY",
    "promotion:once:CNY",
    "promised:spring:CNY",
    "promised:once:CNY",
    "breakage:CNY",
    "funds:unnamed:CNY",
    "funds:wechat:CNY",
    "fee:CNY",
];

fn own(dice: &mut Dice) -> AccountId {
    AccountId::internal(OWN[dice.at(OWN.len())])
}

fn top_up(dice: &mut Dice, now: Timestamp) -> Command {
    let account = wallet(dice);
    let offer = match dice.roll(6) {
        0 | 1 => Some(label("spring")),
        2 => Some(label("once")),
        _ => None,
    };
    let bonus = if offer.is_none() { Some(fen(dice.minor(20_000))) } else { None };
    let ends = fades(&account) && dice.percent(60);
    let bonus_expires_at = ends.then(|| now + SECOND + dice.minor(2 * DAY));
    Command::TopUp(TopUp {
        account,
        principal: fen(dice.minor(15_000) + 100),
        bonus,
        offer,
        channel: dice.percent(50).then(|| label("wechat")),
        channel_order: None,
        funding: Funding::Unknown,
        expires_at: None,
        bonus_expires_at,
        state: TopUpState::Confirmed,
    })
}

fn pending_top_up(dice: &mut Dice, now: Timestamp) -> Command {
    let mut command = top_up(dice, now);
    if let Command::TopUp(ask) = &mut command {
        ask.state = TopUpState::Pending;
    }
    command
}

fn word_on_top_up(dice: &mut Dice, memory: &Memory) -> Option<Command> {
    let top_up = memory.pending.pick(dice)?;
    Some(if dice.percent(70) {
        Command::ConfirmTopUp(ConfirmTopUp { top_up, amount: None, funding: None })
    } else {
        Command::FailTopUp(top_up)
    })
}

fn rule(dice: &mut Dice) -> Option<Label> {
    dice.percent(25).then(|| label("promotion_first"))
}

fn spend(dice: &mut Dice) -> Spend {
    Spend {
        account: wallet(dice),
        merchant: merchant(dice),
        amount: fen(dice.minor(3_000) + 1),
        rule: rule(dice),
        order: None,
        tags: SmallVec::new(),
        lines: SmallVec::new(),
    }
}

fn spend_with_lines(dice: &mut Dice) -> Command {
    let amounts = [dice.minor(500) + 1, dice.minor(300) + 1, dice.minor(900) + 1];
    let line = |(number, amount): (usize, i64)| OrderLine {
        id: label(&format!("l-{number}")),
        amount: fen(amount),
        category: None,
    };
    let lines = amounts.into_iter().enumerate().map(line).collect();
    Command::Spend(Spend { amount: fen(amounts.iter().sum()), lines, ..spend(dice) })
}

fn refund(dice: &mut Dice, memory: &Memory) -> Option<Command> {
    let spend = memory.spends.pick(dice)?;
    let amount = match dice.roll(8) {
        0 => None,
        1 => Some(fen(dice.minor(2_000) + 1)),
        _ => Some(fen(dice.minor(40) + 1)),
    };
    Some(Command::Refund(Refund { spend, amount, line: None, reason: None }))
}

fn refund_line(dice: &mut Dice, memory: &Memory) -> Option<Command> {
    let spend = memory.orders.pick(dice)?;
    // One of four is of an order line that there is not.
    let line = Some(label(&format!("l-{}", dice.roll(4))));
    let amount = dice.percent(70).then(|| fen(dice.minor(60) + 1));
    Some(Command::Refund(Refund { spend, amount, line, reason: None }))
}

fn hold(dice: &mut Dice, now: Timestamp) -> Command {
    let mut ask = spend(dice);
    ask.amount = fen(dice.minor(4_000) + 1);
    let ends = fades(&ask.account) && dice.percent(60);
    let until = if ends { now + SECOND + dice.minor(12 * HOUR) } else { fentan_engine::accounts::NEVER };
    Command::Hold(ask, until)
}

fn end_of_hold(dice: &mut Dice, memory: &Memory) -> Option<Command> {
    let hold = memory.holds.pick(dice)?;
    let amount = dice.percent(50).then(|| fen(dice.minor(1_500) + 1));
    Some(if dice.percent(50) {
        Command::Capture(Capture { hold, amount })
    } else {
        Command::Release(Release { hold, amount })
    })
}

fn transfer(dice: &mut Dice) -> Command {
    let from = wallet(dice);
    let to = wallet_like(dice, &from);
    Command::Transfer(Transfer { from, to, amount: fen(dice.minor(5_000) + 1), rule: rule(dice) })
}

fn status(dice: &mut Dice) -> Command {
    let account = if dice.percent(15) { merchant(dice) } else { wallet(dice) };
    match dice.roll(12) {
        0..4 => Command::Freeze(account),
        4..11 => Command::Unfreeze(account),
        _ => Command::CloseAccount(account),
    }
}

fn open(dice: &mut Dice) -> Command {
    Command::OpenAccount(OpenAccount {
        account: wallet(dice),
        kind: AccountKind::Wallet,
        currency: None,
        product: Some(label(if dice.percent(50) { "limited" } else { "default" })),
        limits: None,
    })
}

fn refund_top_up(dice: &mut Dice, memory: &Memory) -> Option<Command> {
    let top_up = memory.top_ups.pick(dice)?;
    let policy = dice.percent(80).then(|| RefundPolicy::ALL[dice.at(RefundPolicy::ALL.len())]);
    let state = match dice.roll(5) {
        0 | 1 => None,
        2 => Some(TopUpRefundState::Requested),
        3 => Some(TopUpRefundState::Confirmed),
        _ => Some(TopUpRefundState::Failed),
    };
    let amount = dice.percent(40).then(|| fen(dice.minor(4_000) + 1));
    Some(Command::RefundTopUp(RefundTopUp { top_up, policy, amount, state }))
}

/// A statement's word on a lot, and splits of what that brought.
fn clearing(dice: &mut Dice, memory: &Memory) -> Option<Command> {
    let ask = match dice.roll(6) {
        0..3 => {
            let top_up = memory.top_ups.pick(dice)?;
            let account = memory.wallet_of(&top_up)?;
            let row = Some(RowRef { file: label("f-1"), line: 1 });
            let fee = dice.minor(50);
            Clearing::ConfirmLot(ConfirmLot { top_up, account, row, amount: Some(10_000), fee, excess: 0 })
        }
        3 => Clearing::Split(Box::new(SplitProceeds {
            merchant: merchant(dice),
            split: None,
            spend: None,
            amount: Some(fen(dice.minor(100) + 10)),
            receivers: vec![ReceiverAsk {
                account: AccountId::internal("r1"),
                ratio: None,
                amount: Some(fen(dice.minor(9) + 1)),
            }],
            finish: dice.percent(50),
        })),
        4 => Clearing::ReleaseSplit(ReleaseSplit { split: memory.splits.pick(dice)? }),
        _ => Clearing::ReturnSplit(ReturnSplit {
            split: memory.splits.pick(dice)?,
            receiver: AccountId::internal("r1"),
            amount: None,
        }),
    };
    Some(Command::Clear(Box::new(ask)))
}

/// The same command with another body, as a client sends it that uses an id twice.
pub(crate) fn other_body(command: &Command) -> Command {
    let mut other = command.clone();
    match &mut other {
        Command::Spend(ask) | Command::Hold(ask, _) => ask.amount = fen(999_999),
        Command::TopUp(ask) => ask.principal = fen(999_999),
        Command::Transfer(ask) => ask.amount = fen(999_999),
        Command::Refund(ask) => ask.reason = Some("another".into()),
        Command::Freeze(account) => return Command::Unfreeze(account.clone()),
        _ => return Command::Freeze(AccountId::internal("w0")),
    }
    other
}

/// A command's name: its number in the run.
pub(crate) fn id(number: usize) -> CommandId {
    CommandId::internal(&format!("c{number}"))
}
