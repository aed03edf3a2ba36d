//! The program, started and ended.

use super::{Client, Http, eventually, json};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fentan");

/// A folder with a ledger that servers are started on, one after the other.
pub(crate) struct Ledger {
    folder: TempDir,
    data: PathBuf,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        Self { folder, data }
    }

    /// One whose data is elsewhere.
    pub(crate) fn at(data: PathBuf) -> Self {
        Self { data, ..Self::new() }
    }

    /// A path inside the folder, beside the data.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn serve(&self, flags: &[&str]) -> Server {
        self.serve_as(self.program("serve"), flags)
    }

    /// The same of a program that is this one with something around it.
    pub(crate) fn serve_as(&self, mut program: Command, flags: &[&str]) -> Server {
        let log = self.path("log");
        let mut child = program
            .args(["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("its first line");
        let mut address = line.split_whitespace().skip(1).map(|part| part.split_once('=').expect("name=address").1);
        let mut next = || -> Option<SocketAddr> { address.next()?.parse().ok() };
        let (Some(tcp), Some(http)) = (next(), next()) else {
            panic!("it did not start: {line:?} {}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        Server { child, tcp, http, log }
    }

    /// Where its data is.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// `fentan verify` says that all is well.
    pub(crate) fn verify(&self) {
        let output = self.program("verify").args(["--json", "--replay"]).output().expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(json(&text)["clean"], true, "{text}");
    }

    /// What a server says that does not start.
    pub(crate) fn refused_to_serve(&self, flags: &[&str]) -> String {
        let output = self.program("serve").args(["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"]).args(flags).output();
        let output = output.expect("the program starts");
        assert!(!output.status.success() && output.stdout.is_empty(), "it serves");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Runs the program with these arguments, in this folder.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        plain().args(args).current_dir(self.folder.path()).output().expect("the program starts")
    }

    /// The program with a command, on this folder.
    pub(crate) fn program(&self, command: &str) -> Command {
        let mut program = plain();
        program.arg(command).arg("--data").arg(&self.data);
        program
    }
}

/// The program, with nothing of this environment.
fn plain() -> Command {
    let mut program = Command::new(PROGRAM);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FENTAN_")) {
        program.env_remove(name);
    }
    program.stdin(Stdio::null());
    program
}

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) tcp: SocketAddr,
    pub(crate) http: SocketAddr,
    log: PathBuf,
}

impl Server {
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.tcp)
    }

    pub(crate) fn http(&self) -> Http {
        Http(self.http)
    }

    /// Alive, and serves a new client.
    pub(crate) fn assert_well(&mut self) {
        let ended = self.child.try_wait().expect("its state");
        assert!(ended.is_none(), "the server has ended: {ended:?}");
        let pong = self.client().ask(r#"{"id":"well","op":"ping"}"#);
        assert_eq!(pong["pong"], true, "{pong}");
    }

    /// The trial balance, which must be zero.
    pub(crate) fn trial_balance(&self) -> Value {
        let trial = self.http().get("/v1/trial_balance").json();
        assert_eq!(trial["balanced"], true, "{trial}");
        trial
    }

    /// Memory in use, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most memory that it ever had, in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("memory");
        line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("kilobytes") * 1024
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal");
    }

    /// SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGHUP: it reads its rules again.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Waits for its end, which it comes to by itself; its last words.
    pub(crate) fn ends(&mut self) -> (ExitStatus, String) {
        let status = eventually("the end of the server", || self.child.try_wait().expect("its state"));
        (status, self.log())
    }

    /// SIGTERM, and its end, which must be a good one.
    pub(crate) fn stop(mut self) {
        self.terminate();
        self.wait();
    }

    /// Waits for the end after [`Server::terminate`].
    pub(crate) fn wait(&mut self) {
        let status = eventually("the end of the server", || self.child.try_wait().expect("its state"));
        assert!(status.success(), "{status} {}", self.log());
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("its end");
    }

    /// What it wrote to its error output.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How many records the start replayed.
    pub(crate) fn replayed(&self) -> u64 {
        let log = self.log();
        let number = log.split("replayed=").nth(1).expect("the log says how much was replayed");
        number.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
