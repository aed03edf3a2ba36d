//! A clock that is set back: the books' time never runs backwards.
//!
//! Where libfaketime is not installed the test says so, and `storage/tests/runtime/clock.rs` shows the same on a clock of
//! its own.

use crate::support::{Clock, Ledger, Server};

#[test]
fn a_clock_that_is_set_back_does_not_turn_the_books_time_back() {
    let ledger = Ledger::new();
    let Some(clock) = Clock::of(&ledger) else { return };
    let serve = |offset: &str| clock.serve(offset, &["--shards", "1"]);
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
    clock.set("-2h");
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
    clock.set("+1h");
    let later = spend(&server, "a");
    assert!(later.duration_since(last).as_secs() >= 3_000, "{later} after {last}");
    server.trial_balance();
    server.stop();
    ledger.verify();
}
