//! kill -9 under load, again and again, on one data folder (rules E2, E6, W6).
//!
//! Each round: the real server, the real load tool recording what it was told, SIGKILL in the middle of
//! the load, restart on the same folder, and the load tool sends every acknowledged command again: each
//! must come back as the first time, every wallet must agree, the trial balance must be zero. After the
//! last round the server stops in peace and `fentan verify` compares replay and images.
//!
//! `FENTAN_KILL_ROUNDS` sets the number of rounds, 3 by default; 20 is the bar of a release.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Server {
    child: Child,
    tcp: String,
    http: String,
}

impl Server {
    fn start(data: &Path, shards: usize) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fentan"))
            .args(["serve", "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--checkpoint-records", "60000"])
            .args(["--shards", &shards.to_string()])
            .arg("--data")
            .arg(data)
            .env("FENTAN_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key)).unwrap_or_default().to_owned();
        let (tcp, http) = (address("tcp="), address("http="));
        assert!(!tcp.is_empty() && !http.is_empty(), "the server said {line:?}");
        Self { child, tcp, http }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The load tool, which `cargo test --workspace` builds beside the server.
fn load_tool() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_fentan")).with_file_name("fentan-loadtest");
    assert!(path.exists(), "build the load tool first: cargo build --release --workspace");
    path
}

/// Waits until the record of acknowledgements has grown to this many bytes: about ten a command.
fn wait_for_bytes(acks: &Path, bytes: u64, load: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while std::fs::metadata(acks).map_or(0, |file| file.len()) < bytes {
        assert!(load.try_wait().unwrap().is_none(), "the load tool ended before the kill");
        assert!(Instant::now() < deadline, "no load for two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn e2_kill_dash_nine_under_load_loses_nothing_that_was_acknowledged() {
    let rounds = std::env::var("FENTAN_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_u32);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for round in 0..rounds {
        // Another number of shards each time: slices and wallets must find their places again.
        let shards = [1, 2, 4][round as usize % 3];
        let server = Server::start(&data, shards);
        let acks = folder.path().join(format!("round-{round}.acks"));
        let mut load = Command::new(load_tool())
            .args(["run", "--scenario", "promotion_peak", "--mode", "closed", "--wallets", "2000", "--duration", "60"])
            .args([
                "--connections",
                "16",
                "--depth",
                "64",
                "--expect-kill",
                "--quiet",
                "--tcp",
                &server.tcp,
                "--http",
                &server.http,
            ])
            .arg("--acks")
            .arg(&acks)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Well past the preparation, and at another place in a group commit each time.
        wait_for_bytes(&acks, 80_000 + u64::from(round) * 7_919 % 60_000, &mut load);
        server.kill();
        assert!(load.wait().unwrap().success(), "round {round}: the load tool saw more than a killed server");

        let server = Server::start(&data, shards);
        let verified = Command::new(load_tool())
            .args(["verify", "--quiet", "--tcp", &server.tcp, "--http", &server.http])
            .arg("--acks")
            .arg(&acks)
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success(), "round {round}: {report}");
        println!(
            "round {round}, {shards} shards: {}",
            report.lines().find(|line| line.contains("acknowledged")).unwrap_or_default()
        );
        server.stop();
    }
    let verified =
        Command::new(env!("CARGO_BIN_EXE_fentan")).args(["verify", "--replay", "--data"]).arg(&data).output().unwrap();
    let report = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && report.contains("clean"), "{report}");
    println!("{report}");
}
