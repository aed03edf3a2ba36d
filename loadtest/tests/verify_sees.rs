//! The verifier passes a server that keeps its word, and catches each way of breaking it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(unreachable_pub, missing_docs, reason = "the support module serves several test files")]

mod support;

use fentan_loadtest::id::IdStyle;
use fentan_loadtest::verify::Violation;
use fentan_protocol::Amount;
use support::{Fake, Faults, Run, small};

#[test]
fn an_honest_server_is_clean() {
    let fake = Fake::start(Faults::default());
    let run = Run::of(&small(), &fake, 2);
    let tally = &run.load.tally;
    assert!(tally.ok.iter().all(|n| *n > 0), "every operation was used: {:?}", tally.ok);
    assert_eq!((tally.unmatched, run.load.unanswered), (0, 0));
    assert!(run.load.lost.is_none());
    let verdict = run.verify(&fake);
    assert!(verdict.is_clean(), "{verdict:?}");
    assert_eq!(verdict.wallets_checked, 300);
    assert_eq!(verdict.uncertain.count, 0);
    // Balance reads promise nothing; everything else that was answered ok was sent again.
    assert_eq!(verdict.acknowledged, tally.ok_in_all() - tally.ok[3] + 300);
    assert_eq!(verdict.acknowledged_checked, verdict.acknowledged);
    assert_eq!(verdict.rejected_checked, tally.rejected());
    // And again: verifying changes nothing.
    assert!(run.verify(&fake).is_clean());
}

#[test]
fn other_shapes_of_traffic_are_clean_too() {
    let mut scenario = small();
    scenario.traffic.batch = 7;
    scenario.traffic.depth = 3;
    scenario.traffic.ids = IdStyle::Ordered;
    scenario.spend.rule = Some("by_balance".to_owned());
    let fake = Fake::start(Faults { spaced_json: true, ..Faults::default() });
    let run = Run::of(&scenario, &fake, 1);
    assert_eq!(run.load.tally.unmatched, 0, "{}", run.load.tally.unmatched_example);
    let verdict = run.verify(&fake);
    assert!(verdict.is_clean(), "{verdict:?}");
}

#[test]
fn rejects_are_remembered_and_their_refunds_are_not_sent() {
    let mut scenario = small();
    scenario.prepare.principal = Amount::from_minor(2000, 2);
    scenario.prepare.bonus = Amount::from_minor(0, 2);
    scenario.mix.top_up = 0;
    scenario.mix.balance = 15;
    let fake = Fake::start(Faults::default());
    let run = Run::of(&scenario, &fake, 1);
    assert!(run.load.tally.rejects["insufficient_funds"].count > 100);
    assert!(run.load.tally.skipped > 10);
    assert!(!run.load.tally.rejects.contains_key("unknown_spend"), "{:?}", run.load.tally.rejects);
    let verdict = run.verify(&fake);
    assert!(verdict.is_clean() && verdict.rejected_checked > 100, "{verdict:?}");
}

#[test]
fn overloaded_is_no_promise() {
    let fake = Fake::start(Faults { overloaded_every: Some(13), ..Faults::default() });
    let run = Run::of(&small(), &fake, 1);
    assert!(run.load.tally.rejects["overloaded"].count > 0);
    // The verifier is told `overloaded` as well, and asks again.
    let verdict = run.verify(&fake);
    assert!(verdict.is_clean(), "{verdict:?}");
}

#[test]
fn a_death_under_load_leaves_only_uncertain_commands() {
    for (die_after, threads) in [(100, 1), (5_000, 1), (5_001, 2)] {
        let fake = Fake::start(Faults { die_after: Some(die_after), ..Faults::default() });
        let run = Run::of(&small(), &fake, threads);
        assert!(run.load.lost.is_some() && run.load.unanswered > 0);
        let restarted = fake.restart();
        let verdict = run.verify(&restarted);
        assert!(verdict.is_clean(), "{verdict:?}");
        assert!(verdict.uncertain.had_been_done > 0 && verdict.uncertain.done_now > 0, "{:?}", verdict.uncertain);
    }
}

#[test]
fn a_torn_log_is_still_exact() {
    let fake = Fake::start(Faults { die_after: Some(3_000), ..Faults::default() });
    let run = Run::of(&small(), &fake, 1);
    let path = run.dir.path().join("acks");
    let bytes = std::fs::read(&path).unwrap();
    // As if the client had been killed as well, before its last frame was written whole.
    std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let verdict = run.verify(&fake.restart());
    assert!(verdict.torn_log && verdict.is_clean(), "{verdict:?}");
}

#[test]
fn swallowed_answers_are_settled() {
    let mut scenario = small();
    scenario.wallets = 5;
    let fake = Fake::start(Faults { swallow_every: Some(40), ..Faults::default() });
    // The slots fill up with unanswered commands; the run ends after its drain.
    let run = Run::of(&scenario, &fake, 1);
    assert!(run.load.unanswered > 0 && run.load.lost.is_none());
    let verdict = run.verify(&fake.restart());
    assert!(verdict.is_clean(), "{verdict:?}");
    // All of them had been decided before, most with a yes.
    assert_eq!(verdict.uncertain.done_now, 0);
    assert!(verdict.uncertain.had_been_done > 0);
}

/// Runs honestly, lets `harm` change the ledger as a bad crash would, and gives the kinds found.
fn found_after(harm: impl FnOnce(&mut support::Ledger)) -> Vec<Violation> {
    let fake = Fake::start(Faults::default());
    let run = Run::of(&small(), &fake, 1);
    harm(&mut fake.ledger.lock().unwrap());
    let verdict = run.verify(&fake);
    verdict.violations.into_keys().collect()
}

/// An acknowledged spend of the ledger: its id and answer.
fn some_spend(ledger: &support::Ledger) -> String {
    let (id, _) = ledger.answers.iter().find(|(_, a)| a["ok"] == true && a["seq"].as_u64() > Some(400)).unwrap();
    id.clone()
}

#[test]
fn a_lost_command_is_caught() {
    // Id and effect are gone, as if its record had never been synced.
    let found = found_after(|ledger| {
        let id = some_spend(ledger);
        ledger.answers.remove(&id).unwrap();
        let wallet = ledger.wallets.values_mut().next().unwrap();
        *wallet += 1;
    });
    assert!(found.contains(&Violation::WalletDiffers), "{found:?}");
    assert!(
        found.contains(&Violation::AcknowledgedLost) || found.contains(&Violation::AcknowledgedRejected),
        "{found:?}"
    );
}

#[test]
fn a_forgotten_id_is_caught() {
    // The effect is there, but the id is not: the next repeat would do it twice.
    let found = found_after(|ledger| {
        let id = some_spend(ledger);
        ledger.answers.remove(&id).unwrap();
    });
    assert!(found == [Violation::AcknowledgedLost] || found == [Violation::AcknowledgedRejected], "{found:?}");
}

#[test]
fn another_seq_is_caught() {
    let found = found_after(|ledger| {
        let id = some_spend(ledger);
        ledger.answers.get_mut(&id).unwrap()["seq"] = 1.into();
    });
    assert_eq!(found, [Violation::SeqDiffers]);
}

#[test]
fn a_wallet_off_by_one_fen_is_caught() {
    let found = found_after(|ledger| *ledger.wallets.values_mut().next().unwrap() -= 1);
    assert_eq!(found, [Violation::WalletDiffers]);
}

#[test]
fn a_lost_wallet_is_caught() {
    let found = found_after(|ledger| {
        let name = ledger.wallets.iter().find(|(_, sum)| **sum != 0).map(|(n, _)| n.clone()).unwrap();
        ledger.wallets.remove(&name);
    });
    assert_eq!(found, [Violation::WalletUnreadable]);
}

#[test]
fn a_doubled_spend_is_caught() {
    let fake = Fake::start(Faults { double_spend_every: Some(997), ..Faults::default() });
    let run = Run::of(&small(), &fake, 1);
    let verdict = run.verify(&fake);
    assert!(verdict.violations.contains_key(&Violation::WalletDiffers), "{verdict:?}");
}

#[test]
fn books_that_do_not_balance_are_caught_even_if_the_server_says_they_do() {
    let fake = Fake::start(Faults { unbalanced: true, ..Faults::default() });
    let run = Run::of(&small(), &fake, 1);
    let verdict = run.verify(&fake);
    assert_eq!(verdict.violations.into_keys().collect::<Vec<_>>(), [Violation::TrialBalance]);
}

#[test]
fn a_forgotten_reject_is_caught() {
    let mut scenario = small();
    scenario.prepare.principal = Amount::from_minor(2000, 2);
    let fake = Fake::start(Faults::default());
    let run = Run::of(&scenario, &fake, 1);
    {
        let mut ledger = fake.ledger.lock().unwrap();
        let id = ledger.answers.iter().find(|(_, a)| a["ok"] == false).map(|(id, _)| id.clone()).unwrap();
        ledger.answers.remove(&id);
    }
    let verdict = run.verify(&fake);
    assert!(verdict.violations.contains_key(&Violation::RejectForgotten), "{verdict:?}");
}

#[test]
fn a_sample_checks_about_as_many_as_asked() {
    let fake = Fake::start(Faults::default());
    let run = Run::of(&small(), &fake, 1);
    let verdict = run.verify_sample(&fake, Some(500));
    assert!(verdict.is_clean());
    let checked = verdict.acknowledged_checked + verdict.rejected_checked;
    assert!((350..650).contains(&checked), "{checked}");
    assert_eq!(verdict.wallets_checked, 300);
}
