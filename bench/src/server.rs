//! The server that is measured: the real `fentan`, in a process of its own, on a folder of its own.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use fentan_protocol::{Answer, Request};
use rustix::process::Signal;

use crate::children::{Ending, Program};
use crate::process::{Resident, Written};

/// Longest wait for the server to be ready; after a kill it replays its journal first.
const READY_WITHIN: Duration = Duration::from_secs(600);
/// Longest wait for it to end; it writes a last checkpoint first, and its history, which has the lowest
/// priority, follows a stretch of the journal to its end.
const END_WITHIN: Duration = Duration::from_secs(1_200);
/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// How a server that has to stay below 2 GiB with `wallets` wallets is started: a twentieth of the wallets
/// in memory, and RocksDB's caches small. The one place to change that.
pub(crate) fn memory_bound(wallets: u32) -> Vec<String> {
    let in_memory = (wallets / 20).max(64);
    vec![
        "--wallets-in-memory".into(),
        in_memory.to_string(),
        "--block-cache-mib".into(),
        "64".into(),
        "--checkpoint-records".into(),
        "1000000".into(),
    ]
}

/// Which server, and on what.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    program: PathBuf,
    folder: PathBuf,
    flags: Vec<String>,
    tcp: String,
}

impl Setup {
    /// The program on a fresh folder, with the defaults and these flags.
    pub(crate) fn new(program: &Path, folder: &Path, flags: Vec<String>) -> Self {
        Self { program: program.to_owned(), folder: folder.to_owned(), flags, tcp: "127.0.0.1:0".into() }
    }

    /// At this address, so that a client can knock before the server says where it is.
    pub(crate) fn at(mut self, tcp: SocketAddr) -> Self {
        self.tcp = tcp.to_string();
        self
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Starts the process, and does not wait.
    pub(crate) fn launch(self) -> anyhow::Result<Launched> {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).context("opening the server's log")?;
        let log_from = log.metadata()?.len();
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            // The caller's own settings are not what is measured.
            if name.to_string_lossy().starts_with("FENTAN_") {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--tcp", &self.tcp, "--http", "127.0.0.1:0", "--data"])
            .arg(self.folder.join("ledger"))
            .args(&self.flags)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let begun = Instant::now();
        let program = Program::start(&mut command, Ending::Kill)?;
        Ok(Launched { setup: self, program, begun, log_from })
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(self) -> anyhow::Result<Server> {
        self.launch()?.ready()
    }
}

/// A server that was started and may not be ready yet.
pub(crate) struct Launched {
    setup: Setup,
    program: Program,
    /// When the process was started.
    pub(crate) begun: Instant,
    log_from: u64,
}

impl Launched {
    /// Waits until it is ready.
    pub(crate) fn ready(self) -> anyhow::Result<Server> {
        let (tcp, http) = listening(&self.program).with_context(|| self.last_words())?;
        Ok(Server { setup: self.setup, program: self.program, tcp, http, log_from: self.log_from })
    }

    fn last_words(&self) -> String {
        let text = fs::read_to_string(self.setup.log()).unwrap_or_default();
        text.lines().last().unwrap_or("the server's log is empty").to_owned()
    }
}

/// A server that is ready. It is killed when it is dropped.
pub(crate) struct Server {
    setup: Setup,
    program: Program,
    /// Where it speaks NDJSON.
    pub(crate) tcp: SocketAddr,
    /// Where it speaks HTTP.
    pub(crate) http: SocketAddr,
    log_from: u64,
}

impl Server {
    /// How it was started, at the address where it is: for its next life.
    pub(crate) fn setup_again(&self) -> Setup {
        self.setup.clone().at(self.tcp)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Its resident memory.
    pub(crate) fn resident(&self) -> anyhow::Result<Resident> {
        Resident::of(self.pid())
    }

    /// What it has written so far.
    pub(crate) fn written(&self) -> anyhow::Result<Written> {
        Written::of(self.pid())
    }

    /// A number that this life of it wrote into its log, as `name=12`.
    pub(crate) fn logged(&self, name: &str) -> anyhow::Result<Option<f64>> {
        let bytes = fs::read(self.setup.log())?;
        let from = usize::try_from(self.log_from)?.min(bytes.len());
        Ok(logged(&String::from_utf8_lossy(&bytes[from..]), name))
    }

    /// SIGKILL: the process is gone with all it had in memory.
    pub(crate) fn kill(self) -> anyhow::Result<()> {
        self.program.signal(Signal::KILL)?;
        self.program.wait(END_WITHIN)?;
        Ok(())
    }

    /// SIGTERM: it finishes what it has begun, writes a checkpoint, and ends. Returns what it wrote in its
    /// life.
    pub(crate) fn stop(self) -> anyhow::Result<Written> {
        self.program.signal(Signal::TERM)?;
        let (status, written) = self.program.wait_and_count(END_WITHIN)?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(written)
    }
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
        match lines.recv_timeout(READY_WITHIN.saturating_sub(begun.elapsed())) {
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

fn logged(text: &str, name: &str) -> Option<f64> {
    let value = |word: &str| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    text.split_whitespace().rev().find_map(value)
}

/// A plain client, one request at a time.
pub(crate) struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects; when nobody is there yet, again and again for `within`.
    pub(crate) fn connect(address: SocketAddr, within: Duration) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(_) if begun.elapsed() < within => thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(error).with_context(|| format!("connecting to {address}")),
            }
        };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    /// Sends a request and waits for its answer, which has to be `ok`.
    pub(crate) fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.stream.write_all(&line)?;
        let mut answer = String::new();
        self.reader.read_line(&mut answer).context("waiting for an answer")?;
        let parsed: Answer = serde_json::from_str(&answer).with_context(|| format!("not an answer: {answer}"))?;
        ensure!(parsed.ok, "answered with a no: {answer}");
        Ok(parsed)
    }

    /// Sends requests as one array and waits for their answers, all of which have to be `ok`.
    pub(crate) fn ask_all(&mut self, requests: &[Request]) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(requests)?;
        line.push(b'\n');
        self.stream.write_all(&line)?;
        let mut answers = String::new();
        self.reader.read_line(&mut answers).context("waiting for answers")?;
        let parsed: Vec<Answer> = serde_json::from_str(&answers).with_context(|| format!("no answers: {answers}"))?;
        ensure!(parsed.len() == requests.len(), "{} requests, {} answers", requests.len(), parsed.len());
        let no = parsed.iter().find(|answer| !answer.ok);
        ensure!(no.is_none(), "answered with a no: {no:?}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_it_is_ready_is_read() {
        let (tcp, http) = addresses("listening tcp=127.0.0.1:4 http=[::1]:5").unwrap();
        assert_eq!((tcp.port(), http.port()), (4, 5));
        assert_eq!(addresses("listening tcp=127.0.0.1:4"), None);
    }

    #[test]
    fn the_last_number_of_its_name_is_read_from_the_log() {
        let text = "INFO recovered position=11 replayed=3 ready_ms=20\nINFO recovered position=12 replayed=4";
        assert_eq!((logged(text, "replayed"), logged(text, "ready_ms")), (Some(4.0), Some(20.0)));
        assert_eq!(logged(text, "play"), None);
    }
}
