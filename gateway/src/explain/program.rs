//! `fentan explain`: a spend of a data folder, in words.

use super::source::each_with_name;
use super::{Explained, JournalScan, Rules, explain};
use crate::clearing::told::tell;
use crate::client::{AccessArgs, ServerArgs};
use crate::config::load;
use crate::rules::Archive;
use crate::wire::write_explained;
use crate::words;
use anyhow::{Context, Result};
use fentan_engine::journal::{JournalError, JournalReader, Position};
use fentan_engine::ledger::{Command, Event, Lang, Record};
use fentan_engine::names::{CommandId, Label};
use fentan_storage::{DataFolder, Options};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What to explain.
#[derive(clap::Args)]
pub(crate) struct ExplainArgs {
    /// The folder of the data; it is only read, and may be in use
    #[arg(long, env = "FENTAN_DATA", value_name = "DIR", default_value = "fentan-data")]
    data: PathBuf,
    /// The spend, or the capture that became one
    #[arg(long, value_name = "ID", required_unless_present_any = ["payout", "settlement", "top_up", "row"])]
    spend: Option<String>,
    /// A payout, back to settlements, spends, lots, channel orders and rows of statements (asks a server)
    #[arg(long, value_name = "ID", conflicts_with_all = ["spend", "settlement", "top_up", "row"])]
    payout: Option<String>,
    /// A settlement, back to the same (asks a server)
    #[arg(long, value_name = "ID", conflicts_with_all = ["spend", "top_up", "row"])]
    settlement: Option<String>,
    /// A top-up, to the row that confirmed it and to what it paid for (asks a server)
    #[arg(long, value_name = "ID", conflicts_with_all = ["spend", "row"])]
    top_up: Option<String>,
    /// A row of a statement, forward to payouts: the SHA-256 of its file and the line (asks a server)
    #[arg(long, value_name = "FILE:LINE", conflicts_with = "spend")]
    row: Option<String>,
    /// The server's HTTP address, for all but a spend
    #[arg(long, env = "FENTAN_SERVER", value_name = "URL", default_value = "http://127.0.0.1:7401")]
    server: String,
    #[command(flatten)]
    access: AccessArgs,
    /// The language of the words: en or zh
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = words::parse_flag)]
    lang: Lang,
    /// Files with products, rules and offers [default: the built-in ones]
    #[arg(long, env = "FENTAN_CATALOG", value_name = "FILE", value_delimiter = ',')]
    catalog: Vec<PathBuf>,
    /// Write the answer of the operation `explain` as JSON
    #[arg(long)]
    json: bool,
}

/// Explains a spend; `false` when there is none of that id, or the record and the rule do not agree.
///
/// # Errors
/// When the folder or the catalog cannot be read; the message says why.
pub(crate) fn run(args: &ExplainArgs) -> Result<bool> {
    let Some(spend) = &args.spend else { return trace(args) };
    let catalog = load(&args.catalog)?.catalog;
    // A folder without an archive stays without one: nothing is written here.
    let archive = args.data.join("rules").is_dir().then(|| Archive::open(&args.data)).transpose()?;
    let archived = |name: &Label, version| Some(archive.as_ref()?.version(name, version)?.rule.clone());
    let id = CommandId::new(spend).context("--spend")?;
    let (reader, _) = DataFolder::open_read_only(&args.data, &Options::default())?;
    let reader: Arc<dyn JournalReader> = Arc::new(Telling::new(reader));
    let Some(Spent { record, position, refunded, by }) = find(&*reader, &id)? else {
        eprintln!("there is no spend {id} in {}", args.data.display());
        return Ok(false);
    };
    let mut found = explain(
        record,
        position,
        refunded,
        Rules { catalog: &catalog, archived: &archived },
        &JournalScan { reader, limit: u64::MAX },
    )?;
    found.by = by;
    if args.json {
        let mut bytes = Vec::new();
        write_explained(&mut bytes, &id, &found, args.lang, &catalog);
        println!("{}}}", String::from_utf8_lossy(&bytes));
    } else {
        for sentence in words::tell_spend(&found, &catalog, words::tongue(args.lang)) {
            println!("{sentence}");
        }
    }
    Ok(agrees(&found))
}

/// Money that went through the clearing line: a server tells.
fn trace(args: &ExplainArgs) -> Result<bool> {
    let at = ServerArgs { server: args.server.clone(), json: args.json, access: args.access.clone() };
    let given = [("payout", &args.payout), ("settlement", &args.settlement), ("top_up", &args.top_up)];
    let named = given.into_iter().find_map(|(name, id)| Some((name, id.clone()?)));
    let query = match (named, &args.row) {
        (Some(named), _) => vec![named],
        (None, Some(row)) => {
            let (file, line) = row.rsplit_once(':').context("--row is FILE:LINE")?;
            vec![("file", file.to_owned()), ("line", line.to_owned())]
        }
        (None, None) => Vec::new(),
    };
    tell(&at, &query)
}

fn agrees(found: &Explained) -> bool {
    found.why.as_ref().is_ok_and(|why| why.rerun.agrees)
}

/// A spend's record, what all refunds have given back of it, and who asked for it.
struct Spent {
    record: Record,
    position: Position,
    refunded: i64,
    by: Option<Label>,
}

fn find(reader: &dyn JournalReader, id: &CommandId) -> Result<Option<Spent>> {
    let mut found = None;
    let mut refunded = 0;
    each_with_name(reader, u64::MAX, id.as_str(), &mut |position, record, by| {
        match (&record.event, &record.command) {
            (Event::Spent { .. } | Event::Captured { .. }, _) if record.id == *id => {
                found = Some((record, position, by));
            }
            (Event::Refunded { refunded: all, .. }, Command::Refund(ask)) if ask.spend == *id => refunded = *all,
            _ => {}
        }
        true
    })?;
    Ok(found.map(|(record, position, by)| Spent { record, position, refunded, by }))
}

/// A reader that tells how far it is, once a second.
struct Telling<R> {
    reader: R,
    batches: AtomicU64,
    begun: Instant,
    told: AtomicU64,
}

impl<R> Telling<R> {
    fn new(reader: R) -> Self {
        Self { reader, batches: AtomicU64::new(0), begun: Instant::now(), told: AtomicU64::new(0) }
    }

    fn tell(&self) {
        let batches = self.batches.fetch_add(1, Ordering::Relaxed) + 1;
        let second = self.begun.elapsed().as_secs();
        if self.told.swap(second, Ordering::Relaxed) < second {
            eprintln!("read {batches} batches of the journal in {:?}", Duration::from_secs(second));
        }
    }
}

impl<R: JournalReader> JournalReader for Telling<R> {
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        self.reader.read(from, &mut |bytes| {
            self.tell();
            visit(bytes)
        })
    }

    fn batch_at(&self, position: Position) -> Result<Option<Vec<u8>>, JournalError> {
        self.reader.batch_at(position)
    }

    fn trim(&self, below: Position) -> Result<(), JournalError> {
        self.reader.trim(below)
    }
}
