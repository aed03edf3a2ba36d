//! A full disk: nothing is acknowledged that was not written, the end comes with a clear word, and with space again
//! everything acknowledged is there.

use crate::support::{Ledger, Server, SmallDisk, Told, Traffic};

/// Enough for the files of the two stores and the journal's first segment, and not for its second.
const DISK_MIB: usize = 48;

fn ledger(disk: &SmallDisk) -> Ledger {
    Ledger::at(disk.path("data"))
}

/// The server has stopped by itself, and says why, where, and what to do.
fn assert_stopped_for_space(server: &mut Server) {
    let (status, log) = server.ends();
    assert!(!status.success(), "{log}");
    for word in ["stopping at once", "the disk is full", "free some space and start again", "bytes are free"] {
        assert!(log.contains(word), "the word {word:?} is missing: {log}");
    }
}

/// With space again, everything acknowledged is there.
fn assert_all_kept(ledger: &Ledger, told: &[Told]) {
    ledger.verify();
    let server = ledger.serve(&[]);
    for told in told {
        told.assert_kept(&server);
    }
    server.trial_balance();
    server.stop();
    ledger.verify();
}

#[test]
fn e2_a_disk_that_fills_up_under_load_stops_the_server_and_loses_nothing() {
    let Some(disk) = SmallDisk::new(DISK_MIB) else { return };
    let ledger = ledger(&disk);
    let mut server = ledger.serve(&["--shards", "2"]);
    let traffic: Vec<_> = ["a", "b", "c"].iter().map(|name| Traffic::start(&server, name)).collect();
    for traffic in &traffic {
        traffic.until(100);
    }
    // The journal's segment has its space; the next one will find none.
    disk.fill(1 << 20);
    let told: Vec<_> = traffic.into_iter().map(Traffic::told).collect();
    assert_stopped_for_space(&mut server);
    assert!(server.log().contains("position "), "{}", server.log());
    assert!(told.iter().all(|told| told.acknowledged.len() > 100));
    disk.make_space();
    assert_all_kept(&ledger, &told);
}

#[test]
fn e6_a_checkpoint_that_finds_the_disk_full_stops_the_server_and_loses_nothing() {
    let Some(disk) = SmallDisk::new(DISK_MIB) else { return };
    let ledger = ledger(&disk);
    let mut server = ledger.serve(&["--checkpoint-records", "4000", "--shards", "1"]);
    let traffic = Traffic::start(&server, "a");
    traffic.until(500);
    disk.fill(0);
    let told = traffic.told();
    assert_stopped_for_space(&mut server);
    disk.make_space();
    assert_all_kept(&ledger, &[told]);
}

#[test]
fn e6_a_server_that_is_told_to_stop_on_a_full_disk_has_lost_nothing() {
    let Some(disk) = SmallDisk::new(DISK_MIB) else { return };
    let ledger = ledger(&disk);
    let mut server = ledger.serve(&[]);
    let traffic = Traffic::start(&server, "a");
    traffic.until(2000);
    disk.fill(0);
    let told = traffic.finish();
    // Neither the last checkpoint nor what the history has in memory can be written.
    server.terminate();
    let (status, log) = server.ends();
    assert!(status.success() || log.contains("the disk is full"), "{status}: {log}");
    disk.make_space();
    assert_all_kept(&ledger, &[told]);
    // The history is made again from the journal.
    let server = ledger.serve(&[]);
    crate::support::eventually("the history", || {
        let page = server.http().get("/v1/accounts/a-w1/statement?limit=1");
        (page.status == 200).then_some(())
    });
    server.stop();
}

#[test]
fn e6_a_start_on_a_full_disk_is_refused_in_words_and_works_when_there_is_space() {
    let Some(disk) = SmallDisk::new(DISK_MIB) else { return };
    disk.fill(0);
    let said = ledger(&disk).refused_to_serve(&[]);
    assert!(said.contains("the disk is full") && said.contains("bytes are free"), "{said}");
    disk.make_space();
    let ledger = ledger(&disk);
    let server = ledger.serve(&[]);
    let traffic = Traffic::start(&server, "a");
    traffic.until(1000);
    server.kill();
    let told = traffic.told();
    disk.fill(0);
    let said = ledger.refused_to_serve(&[]);
    assert!(said.contains("the disk is full") && said.contains("bytes are free"), "{said}");
    disk.make_space();
    assert_all_kept(&ledger, &[told]);
}
