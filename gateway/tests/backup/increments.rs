//! Incremental backups: a row of them, and what does not make a row.

use crate::desk::{assert_balances, assert_has_exactly, backup, no_backup, not_restored, restore, some};
use crate::support::Ledger;

#[test]
fn e6_a_row_of_backups_is_restored_and_every_other_order_is_refused() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--checkpoint-records", "2000"]);
    let mut told = some(&server, "a");
    backup(&ledger, &server, "full", &[]);
    told.extend(some(&server, "b"));
    let one = backup(&ledger, &server, "one", &["--since", "full"]);
    assert_eq!(one["kind"], "incremental", "{one}");
    // Another term in between, and another file.
    server.stop();
    let server = ledger.serve(&["--checkpoint-records", "2000"]);
    told.extend(some(&server, "c"));
    backup(&ledger, &server, "two", &["--since", "one"]);
    let nothing = backup(&ledger, &server, "three", &["--since", "two"]);
    assert_eq!(nothing["from"], nothing["position"], "{nothing}");
    told.extend(some(&server, "d"));
    // By a position, in the middle of what `two` has: what both have must be the same.
    let from = one["position"].as_u64().unwrap() + 10;
    let overlap = backup(&ledger, &server, "overlap", &["--since", &from.to_string()]);
    assert!(overlap["from"].as_u64().unwrap() <= from, "{overlap}");
    server.stop();

    for row in [&["full"][..], &["full", "one"], &["full", "one", "two"], &["full", "one", "two", "three", "overlap"]] {
        let (target, restored) = restore(&ledger, row, &["--verify"]);
        let position = restored["position"].as_u64().unwrap();
        let server = target.serve(&[]);
        assert_balances(&server, &told, position);
        assert_has_exactly(&server, &told, position);
        server.stop();
        target.verify();
    }
    for (row, word) in [
        (&["one"][..], "the backup is incremental and begins after position"),
        (&["full", "two"], "the positions between are in none of them"),
        (&["full", "one", "two", "one"], "in the order in which they were taken"),
        (&["full", "full"], "the backup is a full one"),
        (&["full", "data"], "there is no MANIFEST.toml"),
        (&["nowhere"], "there is no MANIFEST.toml"),
    ] {
        let said = not_restored(&ledger, row, &[]);
        assert!(said.contains(word) && said.contains(row.last().unwrap()), "{row:?}: {said}");
    }
}

#[test]
fn e6_another_ledger_and_another_history_of_the_same_are_told_apart() {
    let (ledger, other) = (Ledger::new(), Ledger::new());
    let server = ledger.serve(&[]);
    some(&server, "a");
    backup(&ledger, &server, "full", &[]);
    some(&server, "b");
    backup(&ledger, &server, "one", &["--since", "full"]);
    let stranger = other.serve(&[]);
    some(&stranger, "a");
    let foreign = other.path("foreign");
    backup(&other, &stranger, foreign.to_str().unwrap(), &[]);
    let said = no_backup(&ledger, &server, "two", &["--since", foreign.to_str().unwrap()]);
    assert!(said.contains("the backup is of the ledger"), "{said}");

    // Restored to the full backup, it goes on with another history.
    let (target, _) = restore(&ledger, &["full"], &[]);
    let restored = target.serve(&[]);
    some(&restored, "z");
    let full = ledger.path("full");
    let branch = target.path("branch");
    backup(&target, &restored, branch.to_str().unwrap(), &["--since", full.to_str().unwrap()]);
    // The branch follows the full backup as well as `one` does, but not `one`.
    let (end, _) = restore(&ledger, &["full", branch.to_str().unwrap()], &["--verify"]);
    end.verify();
    let one = ledger.path("one");
    for since in [&one, &branch] {
        let (ledger, server) = if since == &one { (&target, &restored) } else { (&ledger, &server) };
        let said = no_backup(ledger, server, "other", &["--since", since.to_str().unwrap()]);
        assert!(said.contains("another history") || said.contains("it lost records"), "{said}");
    }
    let said = not_restored(&ledger, &["full", "one", branch.to_str().unwrap()], &[]);
    assert!(said.contains("another history") || said.contains("in the order"), "{said}");
}
