//! A clock of its own for the real program, whose clock is the system's: libfaketime (Debian: `libfaketime`) stands between
//! the two.

use super::{Ledger, Server};
use std::io::Write;
use std::path::PathBuf;

/// The clock of a ledger's servers.
pub(crate) struct Clock<'a> {
    ledger: &'a Ledger,
    library: PathBuf,
    file: PathBuf,
}

impl<'a> Clock<'a> {
    /// Of this ledger; `None`, with a word, where libfaketime is not installed.
    pub(crate) fn of(ledger: &'a Ledger) -> Option<Self> {
        let folders =
            ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
        let library = folders
            .iter()
            .map(|folder| PathBuf::from(folder).join("faketime/libfaketime.so.1"))
            .find(|path| path.exists());
        if library.is_none() {
            // Past the test harness, which shows what a test prints only when it fails.
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let word = "libfaketime is not installed (apt-get install libfaketime): the clock cannot be set";
            let _ = writeln!(std::io::stderr(), "\n*** SKIPPED {test}: {word}");
        }
        Some(Self { ledger, library: library?, file: ledger.path("clock") })
    }

    /// Sets it to a moment, from which on it goes.
    pub(crate) fn set_to(&self, moment: jiff::Timestamp) {
        let ahead = moment.duration_since(jiff::Timestamp::now());
        self.set(&format!("{:+.3}", ahead.as_secs_f64()));
    }

    /// Sets it, also of a server that runs: `-2h`, `+31d`.
    pub(crate) fn set(&self, offset: &str) {
        std::fs::write(&self.file, offset).expect("the clock's file");
    }

    /// Starts a server at this time.
    pub(crate) fn serve(&self, offset: &str, flags: &[&str]) -> Server {
        self.set(offset);
        let mut program = self.ledger.program("serve");
        program
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        self.ledger.serve_as(program, flags)
    }
}
