//! What ends by itself, and what comes back to it, on a clock of the test's own (rule A9).

use crate::ledger::{
    Ear, Ledger, Told, confirm, given, hold, parcel, pending, refund, release, spend, top_up_until, transfer,
};
use fentan_engine::ledger::Event;
use fentan_engine::runtime::{Stepped, Turn};
use fentan_engine::store::Store;
use fentan_storage::simulated::{Crash, SimulatedDisk};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

const BREAKAGE: &str = "breakage:CNY";
/// The moment at which bonus ends.
const ENDS: i64 = 5_000_000;
const AFTER: i64 = ENDS + 1;

fn tick_until_breakage(ledger: &Ledger, minor: i128) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while ledger.own(BREAKAGE) != minor {
        assert!(Instant::now() < deadline, "breakage is {}, not {minor}", ledger.own(BREAKAGE));
        ledger.engine.tick();
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn done(told: Told) -> Event {
    match told {
        Told::Recorded(record, ..) if !matches!(record.event, Event::Rejected(_)) => record.event,
        other => panic!("{other:?}"),
    }
}

/// A refund, a release and a confirmation bring bonus to lots whose bonus has ended: it is breakage before
/// anybody touches the wallets again, and stays so after a crash.
#[test]
fn a9_what_comes_back_to_an_expired_part_expires_with_the_same_step() {
    for shards in [1, 3] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, shards).unwrap();
        done(ledger.ask(top_up_until("t1", "ann", "10.00", "10.00", ENDS)));
        done(ledger.ask(spend("s1", "ann", "shop", "10.00")));
        done(ledger.ask(top_up_until("t2", "bob", "10.00", "10.00", ENDS)));
        done(ledger.ask(hold("h2", "bob", "8.00", i64::MAX)));
        done(ledger.ask(pending(top_up_until("t3", "cat", "1.00", "3.00", ENDS))));
        ledger.clock.store(AFTER, Ordering::Relaxed);
        // What is left of ann's and bob's bonus: 5.00 and 6.00.
        tick_until_breakage(&ledger, 1_100);

        let before = ledger.engine.status().last;
        done(ledger.ask(refund("r1", "s1", "4.00")));
        assert_eq!(ledger.engine.status().last, before + 2, "the refund, and what expired of it");
        assert_eq!(ledger.own(BREAKAGE), 1_300);
        done(ledger.ask(release("l2", "h2")));
        assert_eq!(ledger.own(BREAKAGE), 1_700);
        done(ledger.ask(confirm("c3", "t3")));
        assert_eq!(ledger.own(BREAKAGE), 2_000);
        disk.crash(Crash::default());
        ledger.engine.shutdown();

        let ledger = Ledger::start(&disk, 4 - shards).unwrap();
        ledger.clock.store(AFTER, Ordering::Relaxed);
        assert_eq!((ledger.balance("ann"), ledger.balance("bob"), ledger.balance("cat")), (700, 1_000, 100));
        assert_eq!(ledger.own(BREAKAGE), 2_000);
        assert!(ledger.is_balanced());
        ledger.engine.shutdown();
    }
}

/// Pieces of a lot end in the wallets that transfers brought them to, also when only a checkpoint knows of
/// them and the number of shards is another.
#[test]
fn a9_transferred_pieces_end_on_time_after_a_restart_with_other_shards() {
    for (before, after) in [(1, 3), (3, 1)] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, before).unwrap();
        done(ledger.ask(top_up_until("t1", "ann", "10.00", "10.00", ENDS)));
        for n in 0..5 {
            done(ledger.ask(transfer(&format!("x{n}"), "ann", &format!("w{n}"), "2.00")));
        }
        ledger.checkpoint();
        disk.crash(Crash::default());
        ledger.engine.shutdown();
        let ledger = Ledger::start(&disk, after).unwrap();
        ledger.clock.store(AFTER, Ordering::Relaxed);
        tick_until_breakage(&ledger, 1_000);
        assert_eq!((0..5).map(|n| ledger.balance(&format!("w{n}"))).sum::<i64>(), 500);
        ledger.engine.shutdown();
    }
}

/// A deadline that was looked after, came again and was stored with one checkpoint is not lost.
#[test]
fn a9_a_deadline_that_comes_twice_is_kept() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 1).unwrap();
    done(ledger.ask(top_up_until("t1", "ann", "0.00", "10.00", ENDS)));
    done(ledger.ask(transfer("x1", "ann", "bob", "4.00")));
    ledger.clock.store(ENDS - 1, Ordering::Relaxed);
    // Holds end before the lots do.
    done(ledger.ask(hold("h1", "bob", "1.00", ENDS)));
    ledger.checkpoint();
    disk.crash(Crash::default());
    ledger.engine.shutdown();
    let ledger = Ledger::start(&disk, 1).unwrap();
    ledger.clock.store(ENDS, Ordering::Relaxed);
    tick_until_breakage(&ledger, 1_000);
    ledger.engine.shutdown();
}

/// What has ended is booked before the command that finds it, in the same step. Who asks for the command's id within that
/// step finds the command all the same: a repeat is answered the same, a release finds its hold (W6).
#[test]
fn w6_an_id_is_found_in_its_step_behind_what_ended() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 1).unwrap();
    for wallet in ["ann", "bob"] {
        done(ledger.ask(top_up_until(&format!("t-{wallet}"), wallet, "10.00", "10.00", ENDS)));
    }
    ledger.clock.store(AFTER, Ordering::Relaxed);
    let spent = || spend("s", "ann", "shop", "4.00");
    let told = ledger.ask_together(vec![spent(), spent(), hold("h", "bob", "6.00", i64::MAX), release("l", "h")]);
    let (Told::Recorded(first, at, false), Told::Recorded(again, again_at, true)) = (&told[0], &told[1]) else {
        panic!("{told:?}")
    };
    assert_eq!((first, at), (again, again_at));
    assert!(matches!(done(told[3].clone()), Event::Released { .. }));
    assert_eq!((ledger.balance("ann"), ledger.balance("bob")), (600, 1_000));
    ledger.engine.shutdown();
}

/// A promotion ends in many wallets at one moment: those who ask then do not wait until all of it is booked, and no more
/// wallets come into memory for it than may be there.
#[test]
fn a9_who_asks_when_many_bonuses_end_at_once_waits_for_a_few_of_them() {
    const WALLETS: usize = 2_000;
    const RESIDENT: usize = 50;
    let disk = SimulatedDisk::new();
    let (journal, reader, store) = disk.open();
    let store: Arc<dyn Store> = Arc::new(store);
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let given = given(1, RESIDENT, &clock);
    let mut books = Stepped::<Ear>::start(Box::new(journal), Arc::new(reader), &store, given, &mut |_, _| {}).unwrap();
    let settle = |books: &mut Stepped<'_, Ear>| {
        while books.turn_writer() == Turn::Worked || books.turn_keeper() == Turn::Worked {}
    };
    for n in 0..WALLETS {
        let top_up = top_up_until(&format!("t{n}"), &format!("w{n}"), "1.00", "1.00", ENDS);
        assert!(books.engine().submit(0, parcel(top_up).0).is_ok());
        books.turn_shard(0);
        settle(&mut books);
    }
    clock.store(AFTER, Ordering::Relaxed);
    books.engine().tick();
    let (mut turns, mut most, mut answered) = (0, 0, 0);
    loop {
        let before = books.engine().status().last;
        let (ask, answer) = parcel(spend(&format!("s{turns}"), "w0", "shop", "0.01"));
        assert!(books.engine().submit(0, ask).is_ok());
        books.turn_shard(0);
        settle(&mut books);
        answered += answer.lock().unwrap().len();
        turns += 1;
        let status = books.engine().status();
        let booked = usize::try_from(status.last - before).unwrap();
        most = most.max(booked);
        // What a turn brings back is put away in the turns after it.
        assert!(status.resident[0] <= RESIDENT + 4 * most, "{} wallets are in memory", status.resident[0]);
        if booked == 1 {
            break;
        }
    }
    assert_eq!(answered, turns, "each spend was answered in its own turn");
    assert!(most <= 300, "{most} records in one turn");
    assert!(turns > WALLETS / 300, "{turns} turns");
    let last = usize::try_from(books.engine().status().last).unwrap();
    assert_eq!(last, WALLETS + WALLETS + turns, "every bonus ended once");
}
