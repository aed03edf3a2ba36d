//! A backup that is not what was written.

use crate::desk::{backup, files, not_restored, said, some};
use crate::support::Ledger;
use fentan_storage::backup::Manifest;
use std::fs;
use std::path::Path;

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn e6_every_file_of_a_backup_that_is_missing_cut_or_changed_is_refused_by_its_name() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    some(&server, "a");
    backup(&ledger, &server, "full", &[]);
    server.stop();
    let (good, bad) = (ledger.path("full"), ledger.path("bad"));
    let mut looked_at = 0;
    for (path, bytes) in files(&good) {
        let name = path.strip_prefix(&good).unwrap();
        for damage in ["missing", "cut", "longer", "changed"] {
            let _ = fs::remove_dir_all(&bad);
            copy(&good, &bad);
            let target = bad.join(name);
            let mut changed = bytes.clone();
            match damage {
                "missing" => fs::remove_file(&target).unwrap(),
                "cut" if bytes.is_empty() => continue,
                "cut" => fs::write(&target, &bytes[..bytes.len() - 1]).unwrap(),
                "longer" => fs::write(&target, [&bytes[..], b"x"].concat()).unwrap(),
                _ if bytes.is_empty() => continue,
                _ => {
                    changed[bytes.len() / 2] ^= 0x10;
                    fs::write(&target, changed).unwrap();
                }
            }
            let file_name = name.file_name().unwrap().to_str().unwrap();
            let check = ledger.run(&["backup", "--check", "bad"]);
            assert!(!check.status.success() && said(&check).contains(file_name), "{damage} {name:?}: {}", said(&check));
            // Every file is looked at by restore as well; some are enough, because each takes a while.
            if looked_at % 5 == 0 {
                let said = not_restored(&ledger, &["bad"], &[]);
                assert!(said.contains(file_name), "{damage} {name:?}: {said}");
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 40, "{looked_at}");
}

/// The journal of an earlier backup with the store of a later one: what a backup would be that copies the journal before it
/// makes the store's image. Every file is what its manifest says; only together they are wrong.
#[test]
fn e6_a_store_that_is_ahead_of_its_journal_is_seen() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    some(&server, "a");
    backup(&ledger, &server, "early", &[]);
    some(&server, "b");
    backup(&ledger, &server, "late", &[]);
    server.stop();
    let (early, late) = (Manifest::read(&ledger.path("early")).unwrap(), Manifest::read(&ledger.path("late")).unwrap());
    let mixed = ledger.path("mixed");
    let is_store = |path: &str| path.starts_with("store/");
    copy(&ledger.path("early"), &mixed);
    fs::remove_dir_all(mixed.join("store")).unwrap();
    copy(&ledger.path("late/store"), &mixed.join("store"));
    let mut manifest = early.clone();
    manifest.files.retain(|entry| !is_store(&entry.path));
    manifest.files.extend(late.files.into_iter().filter(|entry| is_store(&entry.path)));
    // As a planted bug would write it: it believes that the store reaches no further than the journal.
    for checkpoint in [late.store.unwrap().checkpoint, early.store.unwrap().checkpoint] {
        manifest.store.as_mut().unwrap().checkpoint = checkpoint;
        manifest.write(&mixed).unwrap();
        let check = ledger.run(&["backup", "--check", "mixed"]);
        assert!(!check.status.success() && said(&check).contains("an image of the account store"), "{}", said(&check));
        let said = not_restored(&ledger, &["mixed"], &[]);
        assert!(said.contains("an image of the account store"), "{said}");
    }
}

/// A journal whose chain is broken in a backup whose hashes were made to fit.
#[test]
fn e6_a_manifest_that_was_made_to_fit_does_not_hide_a_broken_chain() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    some(&server, "a");
    backup(&ledger, &server, "full", &[]);
    server.stop();
    let backup = ledger.path("full");
    let mut manifest = Manifest::read(&backup).unwrap();
    let entry = manifest.files.iter_mut().find(|entry| entry.path.starts_with("journal/")).unwrap();
    let path = backup.join(&entry.path);
    let mut bytes = fs::read(&path).unwrap();
    // Between groups there are zeros that nobody misses.
    let at = (bytes.len() / 2..bytes.len()).find(|at| bytes[*at] != 0).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    entry.blake3 = blake3::hash(&bytes).to_hex().to_string();
    manifest.write(&backup).unwrap();
    let check = ledger.run(&["backup", "--check", "full"]);
    assert!(!check.status.success() && said(&check).contains("journal/"), "{}", said(&check));
    not_restored(&ledger, &["full"], &[]);
}

#[test]
fn e6_nothing_is_restored_over_something() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    some(&server, "a");
    backup(&ledger, &server, "full", &[]);
    server.stop();
    let before = files(&ledger.path("data"));
    let output = ledger.run(&["restore", "--from", "full", "--data", "data"]);
    assert!(!output.status.success() && said(&output).contains("not empty"), "{}", said(&output));
    // What stands there is a ledger.
    assert!(!said(&output).contains("delete"), "{}", said(&output));
    assert_eq!(files(&ledger.path("data")), before);
    ledger.verify();
}

#[test]
fn e6_only_a_restore_that_has_begun_to_write_says_that_there_is_something_to_delete() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    some(&server, "a");
    backup(&ledger, &server, "full", &[]);
    server.stop();
    for (row, more) in [(&["nothing"][..], &[][..]), (&["full", "full"], &[]), (&["full"], &["--until", "0"])] {
        let said = not_restored(&ledger, row, more);
        assert!(!said.contains("delete what stands in"), "{row:?} {more:?}: {said}");
    }
    let segment = files(&ledger.path("full/journal")).remove(0).0;
    fs::remove_file(&segment).unwrap();
    let said = not_restored(&ledger, &["full"], &[]);
    assert!(said.contains("delete what stands in") && said.contains("is missing from the backup"), "{said}");
}
