//! `fentan verify` sees what is wrong.

use crate::desk::{files, said, some};
use crate::support::{Ledger, json};
use std::fs;

#[test]
fn e6_verify_tells_what_it_looked_at_and_sees_a_flipped_bit_anywhere() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--checkpoint-records", "1000"]);
    let told = some(&server, "a");
    server.stop();
    let clean = ledger.run(&["verify", "--data", "data", "--json"]);
    let report = json(&String::from_utf8_lossy(&clean.stdout));
    assert_eq!((&report["clean"], &report["end"]), (&true.into(), &told.last().unwrap().seq().into()), "{report}");
    assert!(
        report["ids"].as_u64().unwrap() >= told.len() as u64 && report["deadlines"].as_u64().unwrap() == 14,
        "{report}"
    );
    let table = ledger.run(&["verify", "--data", "data"]);
    for word in [
        "chain whole",
        "checksum",
        "ids up to the checkpoint",
        "still to end",
        "this journal up to",
        "clean: the books balance",
    ] {
        assert!(said(&table).contains(word), "{word}: {}", said(&table));
    }
    let quick = ledger.run(&["verify", "--data", "data", "--quick"]);
    assert!(quick.status.success() && said(&quick).contains("chain whole"), "{}", said(&quick));

    for folder in ["journal", "store"] {
        let wanted = |name: &str| name.rsplit('.').next().is_some_and(|kind| ["segment", "sst"].contains(&kind));
        for (path, bytes) in files(&ledger.path("data").join(folder)) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if !wanted(name) {
                continue;
            }
            // Tables begin with data; of a segment a third of what is used, where it is not between two groups.
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
            let third = (used / 3..used).find(|at| bytes[*at] != 0).unwrap();
            let mut damaged = bytes.clone();
            damaged[if folder == "store" { 8 } else { third }] ^= 4;
            fs::write(&path, &damaged).unwrap();
            for more in [&[][..], &["--quick"]] {
                let output = ledger.run(&[&["verify", "--data", "data"], more].concat());
                assert!(!output.status.success(), "{name} {more:?}: {}", said(&output));
            }
            fs::write(&path, &bytes).unwrap();
        }
    }
    ledger.verify();
}
