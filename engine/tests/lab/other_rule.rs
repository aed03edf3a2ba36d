//! Another rule gives what the engine gives when all commands are decided again under it.

use crate::histories::{RULES, commands, decided, history};
use crate::ledger::{Ledger, rule};
use crate::model::cases::share_of_cases;
use fentan_engine::accounts::SubId;
use fentan_engine::lab::{Period, Report};
use fentan_engine::ledger::{Balances, Command, Event, Record};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

/// The lines that commands took, by their ids. The ledger's own records come at other moments in the lab.
fn lines<'a>(records: impl Iterator<Item = &'a Record>) -> BTreeMap<String, Event> {
    let asked = records.filter(|record| !matches!(record.command, Command::Expire(_)));
    asked
        .filter(|record| record.event.taken().is_some())
        .map(|record| (record.id.to_string(), record.event.clone()))
        .collect()
}

/// The event without what hangs on nothing but the moment. What wallets have afterwards stands in it as the ledger
/// recorded it; the lab does not write it again.
fn bare(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::Spent { after, usage, .. } | Event::Held { after, usage, .. } => {
            (*after, *usage) = (Balances::default(), None);
        }
        Event::Transferred { after, usage, parts, .. } => {
            (*after, *usage) = (Balances::default(), None);
            // Of a part that was restored and ended again nothing travels; which of its ends it names hangs on
            // when somebody looked at the wallet.
            parts.iter_mut().filter(|part| part.amount == 0).for_each(|part| part.expires_at = 0);
        }
        Event::Captured { after, .. } | Event::Released { after, .. } | Event::Refunded { after, .. } => {
            *after = Balances::default();
        }
        _ => {}
    }
    event
}

fn same_as_again(report: &Report, heard: &[Record], again: &Ledger) -> Result<(), String> {
    let (lab, engine) = (lines(heard.iter()), lines(again.records.iter()));
    if lab.len() != engine.len() {
        return Err(format!("the lab did {} commands, the engine {}", lab.len(), engine.len()));
    }
    for (id, event) in &lab {
        let decided = engine.get(id).ok_or_else(|| format!("the engine did not do {id}"))?;
        if bare(event) != bare(decided) {
            return Err(format!("{id}: the lab has {:?}, the engine {:?}", bare(event), bare(decided)));
        }
    }
    let Some(of) = report.currencies.first() else { return Ok(()) };
    for sub in [SubId::PRINCIPAL, SubId::BONUS] {
        let broken = again.breakage.get(&sub.0).copied().unwrap_or(0);
        let figures = [(of.total.left[1].get(sub), again.left(sub.0)), (of.total.breakage[1].get(sub), broken)];
        if let Some((lab, engine)) = figures.into_iter().find(|(lab, engine)| lab != engine) {
            return Err(format!("sub-balance {}: the lab has {lab}, the engine {engine}", sub.0));
        }
    }
    let used = of.total.figures.used[1].sum();
    if used == again.paid() { Ok(()) } else { Err(format!("the lab used {used}, the engine {}", again.paid())) }
}

/// Whether no command was refused by one rule alone; then the lab must be the engine.
fn compare(was: &str, other: &str, asks: &[(crate::histories::Ask, i64)]) -> Result<bool, String> {
    let commands = commands(asks);
    let (mut recorded, accepted) = decided(was, &commands);
    let (mut again, again_accepted) = decided(other, &commands);
    let end = commands.last().map_or(0, |(_, at, _)| *at);
    recorded.expire_all(end);
    again.expire_all(end);
    let mut heard = Vec::new();
    let report = recorded.lab(&rule(other), Period::default(), |record, done| {
        if done {
            heard.push(record.clone());
        }
    });
    if let Some(fault) = report.faults.first() {
        return Err(fault.clone());
    }
    if accepted != again_accepted {
        return Ok(false);
    }
    same_as_again(&report, &heard, &again).map(|()| true)
}

proptest! {
    #![proptest_config(share_of_cases(2_000, 10))]

    #[test]
    fn a8_the_lab_under_another_rule_is_the_engine_run_again(asks in history(), was in 0..RULES.len(), other in 0..RULES.len()) {
        compare(RULES[was], RULES[other], &asks).map_err(TestCaseError::fail)?;
    }
}

/// The property above says something: for every pair of rules most histories have no refusal that differs.
#[test]
fn a8_most_histories_are_compared() {
    let mut runner = TestRunner::deterministic();
    let (mut compared, mut all) = (0, 0);
    for was in RULES {
        for other in RULES {
            for _ in 0..6 {
                let asks = history().new_tree(&mut runner).unwrap().current();
                compared += u32::from(compare(was, other, &asks).unwrap());
                all += 1;
            }
        }
    }
    assert!(compared * 2 > all, "{compared} of {all}");
}
