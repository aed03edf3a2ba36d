//! A read-only file system.

use crate::support::{Ledger, SmallDisk, Traffic};

#[test]
fn e6_a_read_only_file_system_is_refused_in_words_and_can_be_verified() {
    let Some(mut disk) = SmallDisk::new(48) else { return };
    let ledger = Ledger::at(disk.path("data"));
    let server = ledger.serve(&[]);
    let traffic = Traffic::start(&server, "a");
    traffic.until(500);
    // As a crash leaves it, and as an orderly end leaves it.
    server.kill();
    let mut told = vec![traffic.told()];
    for round in 0..2 {
        disk.read_only();
        let said = ledger.refused_to_serve(&[]);
        assert!(said.contains("read-only") && said.contains("mount it writable"), "{said}");
        ledger.verify();
        let shown = ledger.program("statement").args(["--account", "a-w1"]).output().unwrap();
        let said = String::from_utf8_lossy(&shown.stderr);
        assert!(shown.status.success() && shown.stdout.len() > 100, "{said}");
        disk.writable();
        let server = ledger.serve(&[]);
        for told in &told {
            told.assert_kept(&server);
        }
        let traffic = Traffic::start(&server, &format!("round-{round}"));
        traffic.until(100);
        told.push(traffic.finish());
        server.stop();
    }
    ledger.verify();
}
