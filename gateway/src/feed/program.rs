//! `fentan feed`: prints the feed of a running server, and keeps its place in a file.

use crate::client::{AccessArgs, part, reach, refused, streaming_agent};
use anyhow::{Context, Result, bail};
use fentan_engine::journal::Position;
use serde::Deserialize;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long it waits before it asks again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// While more comes without a pause the cursor is written down so often.
const KEEP_EVERY: Duration = Duration::from_secs(1);
const BUFFER: usize = 64 << 10;

/// What of the feed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each line is one record (docs/feed.md). With --cursor, whoever is stopped goes on where he was: \
what was printed and not yet written down in the file is printed again, so drop lines whose seq you have.

Examples:
  fentan feed --from 1                              all there is
  fentan feed --from end --follow --types spend     spends from now on
  fentan feed --cursor feed.cursor --follow | my-consumer"
)]
pub(crate) struct FeedArgs {
    /// The server's HTTP address
    #[arg(long, env = "FENTAN_SERVER", value_name = "URL", default_value = "http://127.0.0.1:7401")]
    server: String,
    /// The first position; `end` is what comes from now on [default: where the cursor is, or 1]
    #[arg(long, value_name = "POSITION")]
    from: Option<String>,
    /// Go on at the end, and come back when the server was away
    #[arg(long)]
    follow: bool,
    /// End after so many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Only records of these types: spend, refund, rejected, …
    #[arg(long, value_name = "TYPES")]
    types: Option<String>,
    /// Only records that name this account; with a * at its end, that begin with it
    #[arg(long, value_name = "ACCOUNTS")]
    account: Option<String>,
    /// A file that keeps the place; it wins over --from when it is there
    #[arg(long, value_name = "FILE")]
    cursor: Option<PathBuf>,
    #[command(flatten)]
    access: AccessArgs,
}

/// What of a line says where it stands.
#[derive(Deserialize)]
struct Head<'a> {
    seq: Position,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// Why a reading ended.
enum End {
    /// The server has said all there is to say.
    Whole,
    /// Nobody reads what is printed.
    Unread,
    /// It was cut off.
    Cut(String),
    /// The server says no, for now or for good.
    Refused(Value),
}

/// Prints the feed; `false` when the server says no.
///
/// # Errors
/// When there is no server, or it does not send what a feed is.
pub(crate) fn run(args: &FeedArgs) -> Result<bool> {
    let mut reading = Reading::new(args)?;
    let mut wait = AGAIN.0;
    loop {
        let before = reading.printed;
        let end = reading.read(args)?;
        reading.keep()?;
        let (reason, retry) = match end {
            End::Unread => return Ok(true),
            End::Whole if !args.follow || reading.left == Some(0) => return Ok(true),
            End::Whole => ("the server ends".to_owned(), true),
            End::Cut(reason) => (reason, args.follow),
            End::Refused(answer) => {
                let soon = matches!(answer["code"].as_str(), Some("overloaded" | "shutting_down"));
                if !(args.follow && soon) {
                    refused(&answer);
                    return Ok(false);
                }
                (answer["message"].as_str().unwrap_or_default().to_owned(), true)
            }
        };
        if !retry {
            bail!("{reason}; go on with --from {}", reading.place());
        }
        wait = if reading.printed > before { AGAIN.0 } else { (wait * 2).min(AGAIN.1) };
        eprintln!("fentan: {reason}; asking again from {} in {} ms", reading.place(), wait.as_millis());
        std::thread::sleep(wait);
    }
}

/// A reading under way.
struct Reading {
    agent: ureq::Agent,
    out: BufWriter<std::io::Stdout>,
    cursor: Option<PathBuf>,
    /// The next position; `None` until the server has said where the end is.
    next: Option<Position>,
    /// What the cursor's file says.
    kept: Option<Position>,
    kept_at: Instant,
    told_at: Instant,
    left: Option<u64>,
    printed: u64,
}

impl Reading {
    fn new(args: &FeedArgs) -> Result<Self> {
        let kept = args.cursor.as_deref().map(load).transpose()?.flatten();
        let from = match args.from.as_deref() {
            Some("end") => None,
            Some(from) => Some(from.parse().context("--from is a position, or end")?),
            None => Some(1),
        };
        let agent = streaming_agent(&args.server, &args.access)?;
        let now = Instant::now();
        Ok(Self {
            agent,
            out: BufWriter::with_capacity(BUFFER, std::io::stdout()),
            cursor: args.cursor.clone(),
            next: kept.or(from),
            kept,
            kept_at: now,
            told_at: now,
            left: args.limit,
            printed: 0,
        })
    }

    fn place(&self) -> String {
        self.next.map_or_else(|| "end".to_owned(), |next| next.to_string())
    }

    /// Reads until an end.
    fn read(&mut self, args: &FeedArgs) -> Result<End> {
        let mut path = format!("{}/v1/journal?from={}", args.server, self.place());
        let limit = self.left.map(|left| left.to_string());
        for (name, value) in [("types", &args.types), ("account", &args.account), ("limit", &limit)] {
            if let Some(value) = value {
                path.extend(["&", name, "=", &part(value)]);
            }
        }
        if args.follow {
            path += "&follow=true";
        }
        let mut answer = match self.agent.get(&path).header("accept", "application/x-ndjson").call() {
            Ok(answer) => answer,
            Err(error) if self.printed == 0 && !args.follow => return Err(error).context(reach(&args.server)),
            Err(error) => return Ok(End::Cut(error.to_string())),
        };
        let status = answer.status();
        if status != 200 {
            let bytes = answer.body_mut().read_to_vec().unwrap_or_default();
            return match serde_json::from_slice(&bytes) {
                Ok(answer) => Ok(End::Refused(answer)),
                Err(_) => Ok(End::Cut(format!("the server answers {status}"))),
            };
        }
        let dense = args.types.is_none() && args.account.is_none();
        let mut input = BufReader::with_capacity(BUFFER, answer.body_mut().with_config().limit(u64::MAX).reader());
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => return Ok(End::Whole),
                Ok(_) if line.ends_with(b"\n") => {}
                Ok(_) => return Ok(End::Cut("the feed was cut off in a line".into())),
                Err(error) => return Ok(End::Cut(format!("the feed was cut off: {error}"))),
            }
            let head: Head<'_> = serde_json::from_slice(&line).context("the server sends what is no record")?;
            let mark = head.kind == "mark";
            let fits = match self.next {
                // A mark may say again where one is.
                Some(next) if mark => head.seq + 1 >= next,
                Some(next) if dense => head.seq == next,
                Some(next) => head.seq >= next,
                None => true,
            };
            if !fits {
                bail!("the server sends position {} where {} belongs", head.seq, self.place());
            }
            if !mark {
                if self.out.write_all(&line).is_err() {
                    return Ok(End::Unread);
                }
                self.printed += 1;
                self.left = self.left.map(|left| left - 1);
            }
            self.next = Some(head.seq + 1);
            let pauses = input.buffer().is_empty();
            if pauses || self.kept_at.elapsed() >= KEEP_EVERY {
                if self.out.flush().is_err() {
                    return Ok(End::Unread);
                }
                self.keep()?;
            }
            self.tell(head.seq);
        }
    }

    /// Writes the place down, when what is before it was printed.
    fn keep(&mut self) -> Result<()> {
        if self.out.flush().is_err() {
            return Ok(());
        }
        self.kept_at = Instant::now();
        if let (Some(path), Some(next)) = (&self.cursor, self.next)
            && self.kept != Some(next)
        {
            save(path, next).with_context(|| format!("the cursor {}", path.display()))?;
            self.kept = Some(next);
        }
        Ok(())
    }

    /// Says how far it is, to people.
    fn tell(&mut self, position: Position) {
        if self.told_at.elapsed() >= Duration::from_secs(2) && std::io::stderr().is_terminal() {
            self.told_at = Instant::now();
            eprintln!("fentan: {} records printed, at position {position}", self.printed);
        }
    }
}

/// The position in the file; `None` when there is no file yet.
fn load(path: &Path) -> Result<Option<Position>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let next = text.trim().parse().with_context(|| format!("{} holds no position", path.display()))?;
            Ok(Some(next))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("the cursor {}", path.display())),
    }
}

/// Writes the file whole, and durably.
fn save(path: &Path, next: Position) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{next}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}
