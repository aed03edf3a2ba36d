//! Small journals with their figures counted by hand.

use crate::histories::{account, id, major, pay, refund, refund_line, top_up, with_lines};
use crate::ledger::{Ledger, Written, rule, with_default};
use fentan_engine::accounts::SubId;
use fentan_engine::journal::{BatchError, JournalError};
use fentan_engine::lab::{Amounts, LabError, Period, run};
use fentan_engine::ledger::{Capture, Command, Event, Transfer};

const DAY: i64 = 86_400_000_000;
const EVER: Period = Period { from: i64::MIN, to: i64::MAX, day_offset: 0 };

/// Principal and bonus: as recorded, in the lab.
fn both(of: &[Amounts; 2]) -> [(i128, i128); 2] {
    [0, 1].map(|world: usize| (of[world].get(SubId::PRINCIPAL), of[world].get(SubId::BONUS)))
}

#[test]
fn a8_the_example_of_the_domain_has_its_figures() {
    let mut ledger = Ledger::new("by_lot");
    assert!(ledger.execute("t-1", 5, top_up("w-1", 10_000, 18_000, None, None)));
    assert!(ledger.execute("s-1", DAY + 5, Command::Spend(pay("w-1", "m-1", 14_000))));
    let report = ledger.lab(&rule("principal_first"), EVER, |_, _| {});
    let [of] = report.currencies.as_slice() else { panic!("{report:?}") };
    assert_eq!(both(&of.total.figures.used), [(5_000, 9_000), (10_000, 4_000)]);
    assert_eq!(both(&of.total.left), [(5_000, 9_000), (0, 14_000)]);
    assert_eq!(both(&of.total.breakage), [(0, 0), (0, 0)]);
    assert_eq!((of.total.figures.spends, of.total.figures.other_lines, of.total.figures.refused), (1, 1, 0));
    assert_eq!((report.records, report.wallets, report.is_same()), (2, 1, false));
    let days: Vec<_> = of.days.iter().map(|day| (day.day, both(&day.left))).collect();
    assert_eq!(days, [(0, [(10_000, 18_000); 2]), (1, [(5_000, 9_000), (0, 14_000)])]);
    let [merchant] = of.merchants.as_slice() else { panic!("{of:?}") };
    assert_eq!((merchant.merchant.as_str(), merchant.days.len(), merchant.days[0].0), ("m-1", 1, 1));
    assert_eq!(merchant.total, of.total.figures);
}

/// 100.00 + 180.00, bonus to the end of day 3. Under `bonus_first` 180.00 of bonus is spent and nothing expires;
/// under `principal_first` 100.00 of bonus is left on day 3, and no record says so.
#[test]
fn a8_a9_what_is_left_in_the_lab_s_lots_expires_on_its_own_day() {
    let mut ledger = Ledger::new("bonus_first");
    ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, Some(3 * DAY)));
    ledger.execute("s-1", DAY, Command::Spend(pay("w-1", "m-1", 18_000)));
    ledger.execute("t-2", 9 * DAY, top_up("w-2", 100, 0, None, None));
    let report = ledger.lab(&rule("principal_first"), EVER, |_, _| {});
    let of = &report.currencies[0];
    assert_eq!(both(&of.total.breakage), [(0, 0), (0, 10_000)]);
    assert_eq!(both(&of.total.left), [(10_100, 0), (100, 0)]);
    let days: Vec<_> = of.days.iter().map(|day| (day.day, both(&day.breakage)[1].1, both(&day.left)[1])).collect();
    assert_eq!(days, [(0, 0, (10_000, 18_000)), (1, 0, (0, 10_000)), (3, 10_000, (0, 0)), (9, 0, (100, 0))]);
    // Before its end it is still there.
    let report = ledger.lab(&rule("principal_first"), Period { to: 3 * DAY, ..EVER }, |_, _| {});
    assert_eq!(both(&report.currencies[0].total.breakage)[1], (0, 0));
    assert_eq!(report.faults, [""; 0]);
}

/// What was recorded as expired and is not left in the lab does not expire there.
#[test]
fn a8_a9_what_the_lab_has_spent_does_not_expire() {
    let mut ledger = Ledger::new("by_lot");
    ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, Some(3 * DAY)));
    ledger.execute("s-1", DAY, Command::Spend(pay("w-1", "m-1", 14_000)));
    ledger.expire_all(3 * DAY);
    let report = ledger.lab(&rule("bonus_first"), EVER, |_, _| {});
    assert_eq!(both(&report.currencies[0].total.breakage), [(0, 9_000), (0, 4_000)]);
    assert_eq!(both(&report.currencies[0].total.left), [(5_000, 0), (10_000, 0)]);
}

/// A part that comes back to a lot that had ended ends on the day it comes back.
#[test]
fn a8_a9_a_refund_to_an_ended_lot_expires_on_the_refund_s_day() {
    let mut ledger = Ledger::new("principal_first");
    ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, Some(3 * DAY)));
    ledger.execute("s-1", DAY, Command::Spend(pay("w-1", "m-1", 10_000)));
    ledger.expire_all(3 * DAY);
    ledger.execute("f-1", 5 * DAY, refund("s-1", None));
    ledger.execute("t-2", 9 * DAY, top_up("w-2", 100, 0, None, None));
    let report = ledger.lab(&rule("bonus_first"), EVER, |_, _| {});
    let of = &report.currencies[0];
    let broken: Vec<_> = of
        .days
        .iter()
        .map(|day| (day.day, both(&day.breakage)))
        .filter(|(_, b)| b[0] != (0, 0) || b[1] != (0, 0))
        .collect();
    assert_eq!(broken, [(3, [(0, 18_000), (0, 8_000)]), (5, [(0, 0), (0, 10_000)])]);
    assert_eq!(both(&of.total.figures.used), [(0, 0), (0, 0)]);
    assert_eq!(both(&of.total.figures.given_back), [(10_000, 0), (0, 10_000)]);
}

/// Bonus pays at most 30%: of 140.00 principal would have to give 98.00, and 100.00 is there; then 2.00.
#[test]
fn a8_what_the_rule_cannot_pay_is_counted_and_does_not_happen() {
    let mut ledger = Ledger::new("by_lot");
    ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, None));
    ledger.execute("s-1", 1, Command::Spend(pay("w-1", "m-1", 14_000)));
    ledger.execute("s-2", 2, Command::Spend(pay("w-1", "m-1", 1_000)));
    ledger.execute("f-2", 3, refund("s-2", Some(400)));
    ledger.execute("h-3", 4, Command::Hold(pay("w-1", "m-2", 900), 1_000));
    ledger.execute("c-3", 5, Command::Capture(Capture { hold: id("h-3"), amount: None }));
    let to_w_2 = Transfer { from: account("w-1"), to: account("w-2"), amount: major(700), rule: None };
    ledger.execute("x-4", 6, Command::Transfer(to_w_2));
    ledger.execute("s-5", 7, Command::Spend(pay("w-2", "m-2", 70)));
    assert!(ledger.records.iter().all(|record| record.event.taken().is_some() || record.id.as_str() == "t-1"));
    let mut not_done = Vec::new();
    let report = ledger.lab(&rule("bonus_30_percent"), EVER, |record, done| {
        if !done {
            not_done.push(record.id.to_string());
        }
    });
    assert_eq!(not_done, ["s-2", "f-2", "h-3", "c-3", "x-4", "s-5"]);
    let total = &report.currencies[0].total;
    assert_eq!((total.figures.refused, total.figures.refused_amount), (3, 1_000 + 900 + 70));
    assert_eq!((total.refused_transfers, total.refused_transfer_amount, total.orphans), (1, 700, 2));
    assert_eq!(both(&total.figures.used)[1], (9_800, 4_200));
    assert_eq!(both(&total.left)[1], (200, 13_800));
    let by_merchant: Vec<_> =
        report.currencies[0].merchants.iter().map(|m| (m.merchant.as_str(), m.total.spends, m.total.refused)).collect();
    assert_eq!(by_merchant, [("m-1", 2, 1), ("m-2", 2, 2)]);
    assert!(report.faults.is_empty());
}

/// The moment `from` is in the period, the moment `to` is not; before it wallets are as recorded.
#[test]
fn a8_a_period_has_its_first_moment_and_not_its_last() {
    let mut ledger = Ledger::new("by_lot");
    ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, None));
    for (n, at) in [(1, 100), (2, 200), (3, 300)] {
        ledger.execute(&format!("s-{n}"), at, Command::Spend(pay("w-1", "m-1", 2_800)));
    }
    // A refund in the period of a spend before it gives back its recorded lines.
    ledger.execute("f-1", 250, refund("s-1", None));
    for (from, to, spends, used) in [
        (i64::MIN, i64::MAX, 3, [(1_000 * 2, 1_800 * 2), (2_800 * 2, 0)]),
        (100, 201, 2, [(2_000, 3_600), (5_600, 0)]),
        (100, 200, 1, [(1_000, 1_800), (2_800, 0)]),
        (101, 300, 1, [(0, 0), (2_800 - 1_000, -1_800)]),
        (301, i64::MAX, 0, [(0, 0), (0, 0)]),
    ] {
        let report = ledger.lab(&rule("principal_first"), Period { from, to, day_offset: 0 }, |_, _| {});
        let total = &report.currencies[0].total;
        assert_eq!((total.figures.spends, both(&total.figures.used)), (spends, used), "from {from} to {to}");
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    }
}

/// 100.00 + 180.00; an order of food for 60.00 and of books for 80.00. Under `by_lot` each line is paid 5 : 9; under
/// `principal_first` the columns are 100.00 and 40.00.
#[test]
fn a8_a5_order_lines_have_their_own_table_and_refunds_follow_it() {
    let mut ledger = Ledger::new("by_lot");
    ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, None));
    let order = with_lines(pay("w-1", "m-1", 14_000), &vec![(6, 1), (8, 2)]);
    ledger.execute("s-1", 1, Command::Spend(order));
    ledger.execute("f-1", 2, refund_line("s-1", "0", Some(3_000)));
    ledger.execute("f-2", 3, refund_line("s-1", "1", None));
    ledger.execute("f-3", 4, refund("s-1", Some(1_400)));
    let mut heard = Vec::new();
    let report = ledger.lab(&rule("principal_first"), EVER, |record, _| heard.push(record.event.clone()));
    let cells: Vec<Vec<i64>> = heard[1].table().unwrap().rows.iter().map(|row| row.cells.to_vec()).collect();
    assert_eq!(cells, [[4_286, 1_714], [5_714, 2_286]]);
    let back: Vec<Vec<i64>> =
        heard[2..].iter().map(|e| e.taken().unwrap().lines.iter().map(|line| line.amount).collect()).collect();
    assert_eq!(back, [[2_143, 857], [5_714, 2_286], [1_000, 400]]);
    let rows: Vec<Vec<i64>> = heard[2..]
        .iter()
        .map(|event| if let Event::Refunded { rows, .. } = event { rows.to_vec() } else { Vec::new() })
        .collect();
    assert_eq!(rows, [[3_000, 0], [3_000, 8_000], [4_400, 8_000]]);
    assert_eq!(both(&report.currencies[0].total.figures.used)[1], (10_000 - 8_857, 4_000 - 3_543));
    assert_eq!(report.faults, [""; 0]);
}

/// Bonus pays for food only: of the order 60.00 can be bonus, and the books' 80.00 are principal.
#[test]
fn a8_a2_the_lab_s_rule_sees_what_each_order_line_is() {
    let mut ledger = Ledger::new("by_lot");
    ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, None));
    ledger.execute("s-1", 1, Command::Spend(with_lines(pay("w-1", "m-1", 14_000), &vec![(6, 1), (8, 2)])));
    // The merchant sells food; the other one is excluded, and 20.00 of principal are left.
    ledger.execute("s-2", 2, Command::Spend(pay("w-1", "m-1", 1_000)));
    ledger.execute("s-3", 3, Command::Spend(pay("w-1", "m-2", 2_100)));
    let report = ledger.lab(&rule("bonus_for_food"), EVER, |_, _| {});
    let total = &report.currencies[0].total;
    assert_eq!(both(&total.figures.used)[1], (8_000, 6_000 + 1_000));
    assert_eq!((total.figures.refused, total.figures.refused_amount), (1, 2_100));
}

/// Bonus to the end of day 3, a refund on day 5: what comes back lives or ends as the lab's rule says, in both
/// directions.
#[test]
fn a8_a9_a_refund_to_an_ended_lot_is_restored_by_the_lab_s_rule() {
    for (was, other, recorded, lab) in [
        ("by_lot", "by_lot_restored", (18_000, 0), (9_000, 9_000)),
        ("by_lot_restored", "by_lot", (9_000, 9_000), (18_000, 0)),
    ] {
        let mut ledger = Ledger::new(was);
        ledger.execute("t-1", 0, top_up("w-1", 10_000, 18_000, None, Some(3 * DAY)));
        ledger.execute("s-1", DAY, Command::Spend(pay("w-1", "m-1", 14_000)));
        ledger.expire_all(3 * DAY);
        ledger.execute("f-1", 5 * DAY, refund("s-1", None));
        ledger.expire_all(5 * DAY);
        let mut until = None;
        let report = ledger.lab(&rule(other), EVER, |record, _| {
            if let Event::Refunded { restore_until, .. } = record.event {
                until = restore_until;
            }
        });
        assert_eq!(until, (other == "by_lot_restored").then_some(8 * DAY));
        let total = &report.currencies[0].total;
        assert_eq!(both(&total.breakage).map(|(_, bonus)| bonus), [recorded.0, lab.0]);
        assert_eq!(both(&total.left).map(|(_, bonus)| bonus), [recorded.1, lab.1]);
        // A spend from before the period has the terms of the rule that paid it.
        let report = ledger.lab(&rule(other), Period { from: 2 * DAY, ..EVER }, |_, _| {});
        let total = &report.currencies[0].total;
        assert_eq!(both(&total.left).map(|(_, bonus)| bonus), [recorded.1; 2]);
    }
}

#[test]
fn a8_days_begin_where_the_period_says() {
    let period = Period { day_offset: 8 * 3_600_000_000, ..EVER };
    assert_eq!((period.day(0), period.day(16 * 3_600_000_000 - 1), period.day(16 * 3_600_000_000)), (0, 0, 1));
    assert_eq!((EVER.day(-1), EVER.day(DAY)), (-1, 1));
}

#[test]
fn a8_e6_a_damaged_journal_is_not_replayed() {
    let mut ledger = Ledger::new("by_lot");
    for n in 0..20 {
        ledger.execute(&format!("t-{n}"), n, top_up("w-1", 10_000, 18_000, None, None));
    }
    let mut journal = Written::of(&ledger.records);
    let at = journal.0[1].len() - 40;
    journal.0[1][at] ^= 1;
    let error = run(&journal, &with_default("by_lot"), &rule("by_lot"), EVER, &mut |_, _, _| {}).unwrap_err();
    let damaged = matches!(error, LabError::Journal(JournalError::Damaged { position: 8, error: BatchError::Hash }));
    assert!(damaged, "{error}");
    let mut journal = Written::of(&ledger.records);
    journal.0.remove(0);
    let error = run(&journal, &with_default("by_lot"), &rule("by_lot"), EVER, &mut |_, _, _| {}).unwrap_err();
    assert!(matches!(error, LabError::Journal(JournalError::Broken { .. })), "{error}");
}
