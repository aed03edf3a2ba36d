//! The server under demonstration: this very program, in a process of its own.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::Signal;

use super::children::Program;
use super::folder::Folder;

/// Longest wait for the server to be ready; after a kill it replays its journal first.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// Longest wait for it to end.
const END_WITHIN: Duration = Duration::from_secs(120);

/// A server that is ready.
pub(super) struct Server {
    program: Program,
    /// Where it speaks NDJSON.
    pub(super) tcp: SocketAddr,
    /// Where it speaks HTTP.
    pub(super) http: SocketAddr,
    /// From the start of the process to the line that says it is ready.
    pub(super) ready_after: Duration,
}

impl Server {
    /// Starts it on the folder's ledger and waits until it is ready.
    pub(super) fn start(folder: &Folder) -> anyhow::Result<Self> {
        let log = folder.server_log();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("opening {}", log.display()))?;
        let begun = Instant::now();
        let program = Program::start(
            fentan()?
                .arg("serve")
                .arg("--data")
                .arg(folder.ledger())
                .args(["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(log),
        )?;
        let (tcp, http) = listening(&program)?;
        Ok(Self { program, tcp, http, ready_after: begun.elapsed() })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// SIGKILL: the process is gone with all it had in memory.
    pub(super) fn kill(self) -> anyhow::Result<()> {
        self.program.signal(Signal::KILL)?;
        self.program.wait(END_WITHIN)?;
        Ok(())
    }

    /// SIGTERM: it finishes what it has begun, and ends. Returns whether it said that all was well.
    pub(super) fn stop(self) -> anyhow::Result<bool> {
        self.program.signal(Signal::TERM)?;
        Ok(self.program.wait(END_WITHIN)?.success())
    }
}

/// `fentan verify --data DIR`: what it says, and whether it found the data sound.
pub(super) fn verify(data: &Path) -> anyhow::Result<(bool, String)> {
    let output = fentan()?.arg("verify").arg("--data").arg(data).stdin(Stdio::null()).output()?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Ok((output.status.success(), said))
}

/// Runs this program as a client of a server: whether the answer was yes, and what it said.
pub(super) fn program(args: &[&str], server: &str) -> anyhow::Result<(bool, String)> {
    let output = fentan()?.args(args).env("FENTAN_SERVER", server).stdin(Stdio::null()).output()?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), said))
}

/// This program, without the configuration that the caller's environment may hold.
fn fentan() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FENTAN_") {
            command.env_remove(name);
        }
    }
    // What it writes goes to files.
    command.env("NO_COLOR", "1");
    Ok(command)
}

/// Waits for the line `listening tcp=ADDR http=ADDR`.
fn listening(program: &Program) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let stdout = program.stdout().context("the server has no standard output")?;
    let (sender, lines) = mpsc::channel();
    // Goes on reading to the end, so that the server never waits for a reader.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody listens any more once the server is ready.
            let _ = sender.send(line);
        }
    });
    let begun = Instant::now();
    loop {
        let left = READY_WITHIN.saturating_sub(begun.elapsed());
        match lines.recv_timeout(left) {
            Ok(line) => {
                if let Some(addresses) = addresses(&line) {
                    return Ok(addresses);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("the server is not ready after {} s", READY_WITHIN.as_secs())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = program.wait(END_WITHIN)?;
                bail!("the server ended before it was ready ({status})")
            }
        }
    }
}

fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let rest = line.strip_prefix("listening ")?;
    let of = |name: &str| rest.split(' ').find_map(|word| word.strip_prefix(name)?.parse().ok());
    Some((of("tcp=")?, of("http=")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_it_is_ready_is_read() {
        let (tcp, http) = addresses("listening tcp=127.0.0.1:4 http=[::1]:5").unwrap();
        assert_eq!((tcp.port(), http.port()), (4, 5));
        assert_eq!(addresses("listening tcp=127.0.0.1:4"), None);
        assert_eq!(addresses("2026 listening tcp=127.0.0.1:4 http=127.0.0.1:5"), None);
    }
}
