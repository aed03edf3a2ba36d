//! Up to a position, and up to a moment.

use crate::desk::{assert_balances, assert_has_exactly, backup, not_restored, restore, some};
use crate::support::Ledger;

#[test]
fn e6_a_ledger_is_restored_to_any_position_and_moment_of_its_backups() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2", "--checkpoint-records", "1500"]);
    let mut told = some(&server, "a");
    let full = backup(&ledger, &server, "full", &[])["position"].as_u64().unwrap();
    told.extend(some(&server, "b"));
    let end = backup(&ledger, &server, "one", &["--since", "full"])["position"].as_u64().unwrap();
    server.stop();
    let row = ["full", "one"];

    // Before and after the store's image, and at both ends.
    for position in [1, 17, full / 2, full - 1, full, full + 1, full + 23, end - 1, end] {
        let (target, restored) = restore(&ledger, &row, &["--until", &position.to_string(), "--verify"]);
        assert_eq!(restored["position"], position, "{restored}");
        assert_eq!(restored["left_out"], end - position, "{restored}");
        let server = target.serve(&["--shards", "2"]);
        assert_balances(&server, &told, position);
        if position % 2 == 1 {
            assert_has_exactly(&server, &told, position);
        }
        server.trial_balance();
        server.stop();
        target.verify();
    }

    // A moment: nothing that was decided after it, and of the rest the longest beginning.
    let at = |told: &crate::desk::Told| told.answer["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    for n in [told.len() / 3, told.len() * 2 / 3] {
        let moment = at(&told[n]);
        let first_later = told.iter().find(|told| at(told) > moment).unwrap().seq();
        let (target, restored) = restore(&ledger, &row, &["--until", &moment.to_string()]);
        assert_eq!(restored["position"], first_later - 1, "{restored}");
        target.verify();
        // It can be backed up, and restored once more.
        let server = target.serve(&[]);
        assert_balances(&server, &told, first_later - 1);
        let again = target.path("again");
        backup(&target, &server, again.to_str().unwrap(), &[]);
        let (once_more, _) = restore(&target, &["again"], &["--verify"]);
        let note = std::fs::read_to_string(once_more.path("data/RESTORED")).unwrap();
        assert_eq!(note.matches("[[restored]]").count(), 2, "{note}");
    }

    for (until, word) in [
        ("0", "the backups have positions 1 to"),
        (&(end + 1).to_string()[..], "the backups have positions 1 to"),
        ("2020-01-01T00:00:00Z", "the backups have positions 1 to"),
        ("2099-01-01T00:00:00Z", "name a later backup with --with"),
        ("yesterday", "--until is a position or a moment"),
    ] {
        let said = not_restored(&ledger, &row, &["--until", until]);
        assert!(said.contains(word), "{until}: {said}");
    }
}
