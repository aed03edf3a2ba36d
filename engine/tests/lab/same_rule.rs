//! The rule that was in force gives the recorded lines again.

use crate::histories::{HOUR, RULES, commands, decided, history};
use crate::ledger::rule;
use crate::model::cases::share_of_cases;
use fentan_engine::lab::Period;
use proptest::prelude::*;

proptest! {
    #![proptest_config(share_of_cases(1_000, 10))]

    #[test]
    fn a8_the_lab_with_the_rule_that_was_in_force_reproduces_every_record(
        asks in history(), name in 0..RULES.len(), from in prop::option::of(0..2_000_i64), length in prop::option::of(1..2_000_i64),
    ) {
        let (ledger, _) = decided(RULES[name], &commands(&asks));
        let mut period = Period::default();
        period.from = from.map_or(period.from, |from| from * HOUR);
        period.to = length.map_or(period.to, |length| period.from.max(0) + length * HOUR);
        let mut heard = Vec::new();
        let report = ledger.lab(&rule(RULES[name]), period, |record, done| heard.push((record.clone(), done)));
        let recorded: Vec<_> = ledger.records.iter().filter(|record| (period.from..period.to).contains(&record.at)).collect();
        prop_assert_eq!(heard.len(), recorded.len());
        for ((heard, done), recorded) in heard.iter().zip(&recorded) {
            prop_assert!(*done, "{:?} was not done", recorded);
            prop_assert_eq!(heard, *recorded);
        }
        prop_assert!(report.is_same(), "{:?}", report);
        prop_assert!(report.faults.is_empty(), "{:?}", report.faults);
    }
}
