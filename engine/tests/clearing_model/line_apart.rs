//! C1: the customer line does not see the clearing line. A history is done again without its clearing commands, and with
//! them in another order: every wallet and every answer to a customer is as it was.

use crate::asks;
use crate::chores;
use crate::desk::Desk;
use crate::history::{Done, Run, history, in_pieces};
use crate::model::cases::share_of_cases;
use crate::sweep::Way;
use fentan_engine::accounts::Wallet;
use fentan_engine::ledger::{Command, Event, LotSet, Record, Reject};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};

/// Does all of it anew.
fn again(done: &[Done]) -> Result<Desk, String> {
    let mut desk = Desk::new();
    for step in done {
        match step {
            Done::Order(id, now, order) => drop(desk.order(id, *now, order)?),
            Done::Clear(id, now, ask) => drop(desk.clear(id, *now, ask)?),
        }
    }
    Ok(desk)
}

/// What customers were told, but for what only merchants see. Whether a hold has ended or its end is booked already is
/// the same to them.
fn answers(desk: &Desk) -> Vec<Record> {
    let mut records = desk.books.records().unwrap();
    records.retain(|record| !matches!(record.command, Command::Clear(_) | Command::Expire(_)));
    for record in &mut records {
        match &mut record.event {
            Event::Spent { reconciled, .. }
            | Event::Captured { reconciled, .. }
            | Event::Refunded { reconciled, .. } => {
                *reconciled = LotSet::default();
            }
            Event::Transferred { parts, .. } => parts.iter_mut().for_each(|part| part.reconciled = false),
            Event::Rejected(reject) => {
                if let Reject::HoldExpired { hold } = &**reject {
                    let what = format!("the hold {hold}");
                    **reject = Reject::AlreadyDone { what, state: "ended".into() };
                }
            }
            _ => {}
        }
    }
    records
}

/// Wallets as they are when everything that has ended is taken out; but for what statements have confirmed.
fn wallets(desk: &mut Desk, now: i64) -> Vec<(Wallet, BTreeMap<String, i64>)> {
    let names: Vec<_> = desk.books.wallets.keys().cloned().collect();
    for name in &names {
        desk.expire(name, now).unwrap();
    }
    let mut wallets = Vec::new();
    for wallet in desk.books.wallets.values() {
        let mut wallet = wallet.clone();
        wallet.lots.iter_mut().for_each(|lot| lot.reconciled = false);
        let mut expired = BTreeMap::new();
        // In which pieces it was booked depends on who looked, and when.
        for part in wallet.rare.as_mut().map(|rare| std::mem::take(&mut rare.expired)).unwrap_or_default() {
            *expired.entry(format!("{} {}", part.lot, part.sub.0)).or_default() += part.amount;
        }
        wallets.push((wallet, expired));
    }
    wallets
}

/// The same steps, the clearing commands in the order of these keys.
fn reordered(done: &[Done], keys: &[u32]) -> Vec<Done> {
    let is_clear = |step: &&Done| matches!(step, Done::Clear(..));
    let mut clears: Vec<(u32, &Done)> = keys.iter().copied().cycle().zip(done.iter().filter(is_clear)).collect();
    clears.sort_by_key(|(key, _)| *key);
    let mut clears = clears.into_iter();
    let mut next = |step: &Done| match step {
        Done::Order(..) => step.clone(),
        Done::Clear(_, now, _) => match clears.next() {
            Some((_, Done::Clear(id, _, ask))) => Done::Clear(id.clone(), *now, ask.clone()),
            _ => unreachable!("there are as many as there were"),
        },
    };
    done.iter().map(&mut next).collect()
}

fn same(what: &str, one: &mut Desk, other: &mut Desk, now: i64) -> Result<(), String> {
    let (told, instead) = (answers(one), answers(other));
    if let Some((told, instead)) = told.iter().zip(&instead).find(|(told, instead)| told != instead) {
        return Err(format!("{what}: told {told:?}, and {instead:?} instead"));
    }
    let (had, has) = (wallets(one, now), wallets(other, now));
    if had != has || told.len() != instead.len() {
        return Err(format!("{what}: wallets were {had:?}, and are {has:?}"));
    }
    Ok(())
}

fn apart(done: &[Done], desk: &mut Desk, keys: &[u32]) -> Result<(), String> {
    let now = done.last().map_or(0, |step| match step {
        Done::Order(_, now, _) | Done::Clear(_, now, _) => *now,
    });
    let customers: Vec<Done> = done.iter().filter(|step| matches!(step, Done::Order(..))).cloned().collect();
    same("without the clearing line", desk, &mut again(&customers)?, now)?;
    same("in another order", desk, &mut again(&reordered(done, keys))?, now)
}

proptest! {
    #![proptest_config(share_of_cases(1_000, 10))]

    #[test]
    fn c1_clearing_commands_change_no_wallet(
        history in history(asks::ask(), chores::any_chore(), 40, 90),
        keys in prop::collection::vec(any::<u32>(), 1..90),
    ) {
        let mut run = Run::of(&history, Way::Right, 4).map_err(TestCaseError::fail)?;
        apart(&run.done, &mut run.desk, &keys).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn c1_clearing_commands_change_no_piece_of_a_lot(
        history in in_pieces(chores::any_chore()),
        keys in prop::collection::vec(any::<u32>(), 1..90),
    ) {
        let mut run = Run::of(&history, Way::Right, 4).map_err(TestCaseError::fail)?;
        apart(&run.done, &mut run.desk, &keys).map_err(TestCaseError::fail)?;
    }
}

/// The histories reach what they are for: every command of the clearing line is accepted, and refused.
#[test]
fn random_histories_reach_every_clearing_command() {
    let mut runner = TestRunner::deterministic();
    let random = history(asks::ask(), chores::any_chore(), 40, 90);
    let (mut done, mut refused, mut spends) = (BTreeSet::new(), BTreeSet::new(), [0, 0]);
    let pieces = in_pieces(chores::any_chore());
    for number in 0..600 {
        let history = match number % 3 {
            0 => random.new_tree(&mut runner).unwrap().current(),
            _ => pieces.new_tree(&mut runner).unwrap().current(),
        };
        let run = Run::of(&history, Way::Right, 4).unwrap();
        spends = std::array::from_fn(|at| spends[at] + run.spends_split[at]);
        for (ask, told) in run.desk.answers.values() {
            if told.is_ok() {
                done.insert(ask.op())
            } else {
                refused.insert(ask.op())
            };
        }
    }
    let all = [
        "close_statement",
        "confirm_lot",
        "confirm_payout",
        "confirm_refund",
        "fail_payout",
        "open_item",
        "open_statement",
        "release_proceeds",
        "release_split",
        "return_split",
        "send_payout",
        "settle",
        "split",
        "withdraw_funds",
        "work_item",
    ];
    assert_eq!(done.into_iter().collect::<Vec<_>>(), all);
    assert!(spends[0] > 30 && spends[1] > 100, "splits of spends: {spends:?}");
    for op in ["close_statement", "confirm_lot", "confirm_payout", "withdraw_funds", "work_item"] {
        assert!(refused.contains(op), "{op}");
    }
}
