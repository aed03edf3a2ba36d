//! A private Redis: its own folder on the disk that is measured, its own socket, no network.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::children::{Ending, Program, remove_on_signal};
use crate::peers::on_path;

/// Longest wait for it to be ready, to answer, and to end.
const WITHIN: Duration = Duration::from_secs(120);

/// What is not left at Redis's default, and why.
///
/// The append-only file alone keeps the data, and every event loop's writes are synced before its answers
/// leave.
const SETTINGS: [(&str, &str); 9] = [
    ("port", "0"),
    ("save", ""),
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    // A rewrite beside the load would cost Redis, and a load of seconds does not need one.
    ("auto-aof-rewrite-percentage", "0"),
    ("aof-use-rdb-preamble", "no"),
    ("hz", "10"),
    ("daemonize", "no"),
    ("databases", "1"),
];

/// The program.
pub(crate) fn program() -> Option<PathBuf> {
    on_path("redis-server")
}

/// An instance that runs; it ends with its owner.
pub(crate) struct Instance {
    program: Program,
    client: Client,
    _sockets: TempDir,
    /// What the program calls itself.
    pub(crate) version: String,
}

impl Instance {
    /// Makes a fresh one in `folder` and starts it.
    pub(crate) fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("redis");
        fs::create_dir(&data)?;
        // The path of a socket has to be short: about a hundred bytes.
        let sockets = tempfile::Builder::new().prefix("fentan-redis-").tempdir()?;
        remove_on_signal(sockets.path());
        let socket = sockets.path().join("socket");
        let log = File::create(folder.join("redis.log"))?;
        let mut command = Command::new(program);
        command.arg("--dir").arg(&data).arg("--unixsocket").arg(&socket);
        for (name, value) in SETTINGS {
            command.arg(format!("--{name}")).arg(value);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let program_running = Program::start(&mut command, Ending::Kill)?;
        let begun = Instant::now();
        while !socket.exists() {
            if program_running.ended()?.is_some() || begun.elapsed() > WITHIN {
                let log = fs::read_to_string(folder.join("redis.log")).unwrap_or_default();
                bail!("redis-server is not ready: {}", log.trim());
            }
            thread::sleep(Duration::from_millis(20));
        }
        let client = Client::open(format!("unix://{}", socket.display()))?;
        Ok(Self { program: program_running, client, _sockets: sockets, version: version(program)? })
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(WITHIN));
        self.client.get_multiplexed_async_connection_with_config(&config).await.context("connecting to redis-server")
    }

    /// Stops it in order.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.program.signal(Signal::TERM)?;
        let status = self.program.wait(WITHIN)?;
        ensure!(status.success(), "redis-server ended with {status}");
        Ok(())
    }
}

fn version(program: &Path) -> anyhow::Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=…"
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="));
    Ok(format!("Redis {}", version.unwrap_or("of unknown version")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_waits_for_a_sync() {
        assert!(SETTINGS.contains(&("appendonly", "yes")) && SETTINGS.contains(&("appendfsync", "always")));
    }
}
