//! A backup that does not come to its end.

use crate::desk::{Traffic, backup, not_restored, some};
use crate::support::{Ledger, Server, eventually};
use std::io::Write;

/// Asks for a backup that takes a while, and waits until it is copying.
fn begin(ledger: &Ledger, server: &Server, to: &str) -> std::net::TcpStream {
    let mut stream = server.http().open();
    let body = format!(r#"{{"to":"{}","mib_per_second":1}}"#, ledger.path(to).display());
    let head = format!("POST /v1/backups HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
    eventually("the first files", || ledger.path(to).join("journal").read_dir().ok()?.next().map(|_| ()));
    stream
}

/// Enough to copy for some seconds at a MiB a second.
fn filled(server: &Server) {
    let traffic = Traffic::begin(server, "fill", 2);
    eventually("a journal of some MiB", || {
        (server.http().get("/readyz").json()["durable"].as_u64()? > 40_000).then_some(())
    });
    traffic.end();
}

#[test]
fn e6_a_server_killed_in_a_backup_leaves_one_that_is_refused_and_starts_as_ever() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    filled(&server);
    let stream = begin(&ledger, &server, "b");
    server.kill();
    drop(stream);
    let said = not_restored(&ledger, &["b"], &[]);
    assert!(said.contains("no MANIFEST.toml"), "{said}");
    assert!(ledger.path("data/store.image").exists(), "it was killed while it copied");
    ledger.verify();
    let server = ledger.serve(&[]);
    assert!(!ledger.path("data/store.image").exists());
    let told = some(&server, "after");
    let taken = backup(&ledger, &server, "c", &[]);
    assert_eq!(taken["position"], told.last().unwrap().seq());
}

#[test]
fn e6_one_backup_at_a_time_goes_on_without_its_client_and_ends_with_the_server() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&[]);
    filled(&server);
    drop(begin(&ledger, &server, "b"));
    let second = server.http().exchange(
        "POST",
        "/v1/backups",
        &[],
        format!(r#"{{"to":"{}"}}"#, ledger.path("c").display()).as_bytes(),
    );
    assert_eq!((second.status, &second.json()["code"]), (409, &"backup_running".into()), "{}", second.body);
    server.assert_well();
    server.terminate();
    server.wait();
    let said = not_restored(&ledger, &["b"], &[]);
    assert!(said.contains("no MANIFEST.toml"), "{said}");
    assert!(!ledger.path("data/store.image").exists());
    let server = ledger.serve(&[]);
    assert_eq!(server.replayed(), 0, "{}", server.log());
    server.stop();
    ledger.verify();
}
