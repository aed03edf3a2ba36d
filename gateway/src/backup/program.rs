//! `fentan backup` and `fentan restore`.

use super::{Telling, told};
use crate::client::{ServerArgs, Unfinished, outcome, print, reach, refused, streaming_agent, text};
use crate::verify::{VerifyArgs, run as verify};
use anyhow::{Context, Result, bail};
use fentan_storage::backup::{Ask, Restored, Since, Source, Until, check, take};
use serde_json::{Value, json};
use std::io::BufReader;
use std::path::{Path, PathBuf};

const BACKUP_EXAMPLES: &str = "Examples:
  fentan backup --to /backup/sunday                              of the server on this machine, while it runs
  fentan backup --to /backup/monday --since /backup/sunday       only what came after that backup
  fentan backup --data ledger --to /backup/sunday                of a stopped ledger
  fentan backup --check /backup/sunday                           read a backup through once more

A backup is read back before this says that it is taken. docs/backup.md says how to restore it.";

/// What to back up.
#[derive(clap::Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub(crate) struct BackupArgs {
    /// The folder to write: empty or not there yet, best on another disk
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    to: Option<PathBuf>,
    /// Only what came after this backup, or after this position
    #[arg(long, value_name = "DIR|POSITION")]
    since: Option<String>,
    /// The folder of a stopped ledger, instead of a server
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Read and write so many MiB a second at most; 0 is no bound [default: 64 beside a server, 0 of a stopped ledger]
    #[arg(long, value_name = "MIB")]
    mib_per_second: Option<u64>,
    /// Prove a backup that was taken, and take none
    #[arg(long, value_name = "DIR", conflicts_with_all = ["to", "since", "data", "mib_per_second"])]
    check: Option<PathBuf>,
    #[command(flatten)]
    at: ServerArgs,
}

const RESTORE_EXAMPLES: &str = "Examples:
  fentan restore --from /backup/sunday --data ledger
  fentan restore --from /backup/sunday --with /backup/monday --with /backup/tuesday --data ledger
  fentan restore --from /backup/sunday --with /backup/monday --data ledger --until 2026-11-27T09:59:59Z
  fentan restore --from /backup/sunday --data ledger --until 120700 --verify

Then start the server on the new folder. Commands that were answered after the restored position are not in it:
docs/backup.md says what that means for clients.";

/// What to restore.
#[derive(clap::Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// A full backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// An incremental backup that follows; once for each, in the order in which they were taken
    #[arg(long, value_name = "DIR")]
    with: Vec<PathBuf>,
    /// The new data folder: empty or not there yet
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Up to this position, or before the first record that was decided after this moment (RFC 3339)
    #[arg(long, value_name = "POSITION|MOMENT")]
    until: Option<String>,
    /// Prove the new folder as `fentan verify` does
    #[arg(long)]
    verify: bool,
    /// Print what was restored as JSON
    #[arg(long)]
    json: bool,
}

/// Takes a backup; `false` when the server says no.
///
/// # Errors
/// When there is no server, or the backup of a stopped ledger fails.
pub(crate) fn backup(args: &BackupArgs) -> Result<bool> {
    if let Some(path) = &args.check {
        let mut telling = Telling::new();
        let manifest = check(path, &mut |stage, done, of| telling.tell(stage.word(), done, of));
        telling.end();
        say(args.at.json, &told(&manifest?, path), "sound");
        return Ok(true);
    }
    let Some(to) = &args.to else { bail!("--to names the folder to write") };
    let to = std::path::absolute(to)?;
    match &args.data {
        Some(data) => stopped(args, data, &to).map(|()| true),
        None => running(args, &to),
    }
}

fn stopped(args: &BackupArgs, data: &Path, to: &Path) -> Result<()> {
    let source = Source::stopped(data)?;
    let mut telling = Telling::new();
    let since = args.since.as_deref().map(since);
    let ask = Ask { to, since, bytes_per_second: args.mib_per_second.unwrap_or(0) << 20, stop: None };
    let taken = take(&source, &ask, &mut |stage, done, of| telling.tell(stage.word(), done, of));
    telling.end();
    say(args.at.json, &told(&taken?, to), "taken and read back");
    Ok(())
}

/// A backup, or a position when it is a number.
fn since(given: &str) -> Since {
    given.parse().map_or_else(|_| Since::Backup(given.into()), Since::Position)
}

fn running(args: &BackupArgs, to: &Path) -> Result<bool> {
    let mut body = json!({ "to": to.to_string_lossy() });
    if let Some(given) = &args.since {
        body["since"] = match since(given) {
            Since::Position(position) => json!(position),
            Since::Backup(path) => json!(std::path::absolute(path)?.to_string_lossy()),
        };
    }
    if let Some(rate) = args.mib_per_second {
        body["mib_per_second"] = json!(rate);
    }
    let server = &args.at.server;
    let request = streaming_agent(server, &args.at.access)?.post(format!("{server}/v1/backups"));
    let answer = request.content_type("application/json").send(body.to_string()).with_context(|| reach(server))?;
    let mut telling = Telling::new();
    let lines = BufReader::new(answer.into_body().into_reader());
    let last = outcome(lines, |stage, done, of| telling.tell(stage, done, of));
    telling.end();
    let last = last.map_err(|unfinished| {
        let then = match unfinished {
            Unfinished::Ended => "what there is of the backup is unfinished".to_owned(),
            // It goes on without us.
            _ => format!("`fentan backup --check {}` says whether the backup came to its end", to.display()),
        };
        anyhow::anyhow!("{unfinished}; {then}")
    })?;
    if last["ok"] != true {
        if args.at.json {
            print(&last);
        } else {
            refused(&last);
        }
        return Ok(false);
    }
    say(args.at.json, &last, "taken and read back");
    Ok(true)
}

/// Says what a backup is.
fn say(as_json: bool, told: &Value, how: &str) {
    if as_json {
        return print(told);
    }
    let at = told["at"].as_str().map(|at| format!(", decided at {at}")).unwrap_or_default();
    print(&format!(
        "{} backup {how}: {}\npositions {} to {}{at}; {} files, {} bytes; ledger {}",
        text(&told["kind"]),
        text(&told["to"]),
        told["from"].as_u64().unwrap_or(0) + 1,
        text(&told["position"]),
        text(&told["files"]),
        text(&told["bytes"]),
        text(&told["ledger"])
    ));
}

/// Restores a ledger; `false` when it was to be verified and is not sound.
///
/// # Errors
/// When a backup is not what it should be, or the folder is not empty; the message says what to do.
pub(crate) fn restore(args: &RestoreArgs) -> Result<bool> {
    let until = args.until.as_deref().map(until).transpose()?;
    let backups: Vec<PathBuf> = std::iter::once(&args.from).chain(&args.with).cloned().collect();
    let mut telling = Telling::new();
    let restored = fentan_storage::backup::restore(&backups, &args.data, until, &mut |stage, done, of| {
        telling.tell(stage.word(), done, of);
    });
    telling.end();
    let restored = restored?;
    tell(args, &restored);
    if args.verify {
        return verify(&VerifyArgs { data: args.data.clone(), json: args.json, quick: false, replay: false });
    }
    Ok(true)
}

fn tell(args: &RestoreArgs, restored: &Restored) {
    let Restored { position, at, had, checkpoint } = restored;
    let at = at.map(crate::wire::moment);
    if args.json {
        let left_out = had - position;
        return print(&json!({
            "ok": true, "data": args.data.to_string_lossy(), "position": position, "at": at,
            "left_out": left_out, "checkpoint": checkpoint,
        }));
    }
    let at = at.map(|at| format!(", decided at {at}")).unwrap_or_default();
    print(&format!("restored up to position {position}{at}: {}", args.data.display()));
    if position < had {
        print(&format!(
            "left out: positions {} to {had}. Their commands were answered, and are not in this ledger",
            position + 1
        ));
    }
    let replay = position - checkpoint;
    print(&format!("the first start replays {replay} records, and makes the history anew"));
}

/// A position when it is a number, else a moment.
fn until(given: &str) -> Result<Until> {
    if let Ok(position) = given.parse() {
        return Ok(Until::Position(position));
    }
    let moment: jiff::Timestamp = given.parse().with_context(|| {
        format!("--until is a position or a moment like 2026-11-27T09:59:59Z, with an offset; not {given:?}")
    })?;
    Ok(Until::Moment(moment.as_microsecond()))
}
