//! A client that goes on with its work beside an attack.

use crate::support::{Ledger, Server, Traffic};
use std::net::TcpStream;

pub(crate) const MIB: u64 = 1 << 20;

/// Runs an attack beside clients at work; all that those asked was answered, and is kept over a kill. The attack gets the
/// number of spends that were acknowledged beside it so far.
pub(crate) fn beside(flags: &[&str], attack: impl FnOnce(&mut Server, &dyn Fn() -> u64)) {
    let ledger = Ledger::new();
    let mut server = ledger.serve(flags);
    let others: Vec<_> = ["beside-a", "beside-b"].iter().map(|name| Traffic::start(&server, name)).collect();
    let done = || others.iter().map(Traffic::acknowledged).min().unwrap();
    for traffic in &others {
        traffic.until(200);
    }
    attack(&mut server, &done);
    let before = done();
    for traffic in &others {
        traffic.until(before + 200);
    }
    server.assert_well();
    let told: Vec<_> = others.into_iter().map(Traffic::finish).collect();
    for told in &told {
        assert!(told.open.is_empty(), "answers are missing: {:?}", told.open);
        assert!(told.refused.is_empty(), "others paid for it: {:?}", told.refused.first());
    }
    server.kill();
    let server = ledger.serve(flags);
    for told in &told {
        told.assert_kept(&server);
    }
    server.trial_balance();
    server.stop();
    ledger.verify();
}

/// A number of the server's metrics, summed over labels that have these words; 0 when it is not there.
pub(crate) fn metric(server: &Server, words: &[&str]) -> u64 {
    let text = server.http().get("/metrics").body;
    let lines = text.lines().filter(|line| !line.starts_with('#') && words.iter().all(|word| line.contains(word)));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Whether the other side has ended the connection, in whatever way; reads and forgets what is there.
pub(crate) fn has_ended(stream: &TcpStream) -> bool {
    use std::io::Read;
    stream.set_nonblocking(true).unwrap();
    let mut bytes = vec![0; 64 << 10];
    loop {
        match (&mut &*stream).read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return false,
            Err(_) => return true,
        }
    }
}
