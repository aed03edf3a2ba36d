//! A clock that is set back: the books' time never runs backwards.
//!
//! The server's clock is the system's. libfaketime (Debian: `libfaketime`) stands between the two here; where it is not
//! installed the test says so, and `storage/tests/runtime/clock.rs` shows the same on a clock of its own.

use crate::support::{Ledger, Server};
use std::path::PathBuf;

/// The library, if it is there.
fn faketime() -> Option<PathBuf> {
    let folders =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let found =
        folders.iter().map(|folder| PathBuf::from(folder).join("faketime/libfaketime.so.1")).find(|path| path.exists());
    if found.is_none() {
        eprintln!(
            "\n*** SKIPPED: libfaketime is not installed (apt-get install libfaketime): the clock cannot be set back\n"
        );
    }
    found
}

#[test]
fn a_clock_that_is_set_back_does_not_turn_the_books_time_back() {
    let Some(library) = faketime() else { return };
    let ledger = Ledger::new();
    let clock = ledger.path("clock");
    let serve = |offset: &str| {
        std::fs::write(&clock, offset).unwrap();
        let mut program = ledger.program("serve");
        program
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        ledger.serve_as(program, &["--shards", "1"])
    };
    let mut n = 0;
    let mut spend = |server: &Server, wallet: &str| {
        n += 1;
        let line = format!(r#"{{"id":"s{n}","op":"spend","account":"{wallet}","merchant":"m","amount":"0.01"}}"#);
        server.client().done(&line)["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap()
    };
    let server = serve("+0");
    for wallet in ["a", "b", "c", "d"] {
        let top_up = format!(r#"{{"id":"t-{wallet}","op":"top_up","account":"{wallet}","principal":"10.00"}}"#);
        server.client().done(&top_up);
    }
    let first = spend(&server, "a");
    // While it runs.
    std::fs::write(&clock, "-2h").unwrap();
    let set_back = server.client().done(r#"{"id":"p","op":"ping"}"#);
    assert!(set_back["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let mut last = first;
    for wallet in ["a", "b", "c", "d", "a"] {
        let at = spend(&server, wallet);
        assert!(at >= first, "{wallet}: {at} after {first}");
        last = last.max(at);
    }
    // While it is stopped in good order, so that nothing is replayed, and while it is dead.
    server.stop();
    let server = serve("-3h");
    assert_eq!(server.replayed(), 0);
    for wallet in ["d", "c", "b", "a"] {
        let at = spend(&server, wallet);
        assert!(at >= last, "{wallet}: {at} after {last}");
    }
    server.kill();
    let server = serve("-4h");
    for wallet in ["b", "a", "d", "c"] {
        let at = spend(&server, wallet);
        assert!(at >= last, "{wallet}: {at} after {last}");
    }
    // Right again: time goes on.
    std::fs::write(&clock, "+1h").unwrap();
    let later = spend(&server, "a");
    assert!(later.duration_since(last).as_secs() >= 3_000, "{later} after {last}");
    server.trial_balance();
    server.stop();
    ledger.verify();
}
