//! `fentan verify`: proves what a stopped ledger holds.

use crate::backup::Telling;
use crate::client::print;
use anyhow::Result;
use comfy_table::{Table, presets};
use fentan_engine::history::{Standing, standing};
use fentan_engine::journal::Position;
use fentan_engine::runtime::verify::{Depth, Done, Stage, Verification, verify, verify_chain};
use fentan_engine::store::Store;
use fentan_storage::{DataFolder, Options, SegmentReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "Examples:
  fentan verify --data ledger           everything: chain, store, balances by sums, ids, deadlines, books
  fentan verify --data ledger --replay  the same, and a replay from the first record against every field
  fentan verify --data ledger --quick   chain and checksums alone, as fast as the disk reads

Exit code 0: sound. 1: something is wrong, and the table says what. 2: the folder cannot be opened, or its journal is damaged.";

/// What to verify.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The folder of the data; no process may be using it
    #[arg(long, env = "FENTAN_DATA", value_name = "DIR", default_value = "fentan-data")]
    pub(crate) data: PathBuf,
    /// Chain and checksums only: nothing is replayed
    #[arg(long)]
    pub(crate) quick: bool,
    /// Replay the journal as well, and compare every field: takes several times as long, and memory for all wallets
    #[arg(long, conflicts_with = "quick")]
    pub(crate) replay: bool,
    /// Write the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What was looked at, what it is, and how much of it.
struct Report {
    rows: Vec<[String; 2]>,
    faults: Vec<String>,
    json: serde_json::Value,
    /// Nothing was replayed.
    quick: bool,
}

/// Verifies, reports, and says whether all is well.
///
/// # Errors
/// When the folder cannot be opened or the journal is damaged; the message says where.
pub(crate) fn run(args: &VerifyArgs) -> Result<bool> {
    let (reader, store) = DataFolder::open_read_only(&args.data, &Options::default())?;
    let begun = Instant::now();
    let mut telling = Telling::new();
    let total = reader.file_bytes();
    let mut progress = |done: Done| {
        let stage = match done.stage {
            Stage::Journal => "journal",
            Stage::Images => "images",
            Stage::Compare => "compare",
            Stage::Replay => "replay",
        };
        telling.tell(stage, done.bytes, total);
    };
    let mut report = Report { rows: Vec::new(), faults: Vec::new(), json: serde_json::json!({}), quick: args.quick };
    let (newest, end) = if args.quick {
        let chained = verify_chain(&reader, &mut progress)?;
        let end = chained.chain.next_position - 1;
        report.journal((end, chained.batches, chained.bytes), begun.elapsed());
        telling.end();
        (store.read_through()?, end)
    } else {
        let depth = if args.replay { Depth::Replay } else { Depth::Sums };
        // Reads every block of the store on the way, but for those of the meta record.
        let verified = verify(&(Arc::new(store.clone()) as Arc<dyn Store>), &reader, depth, &mut progress)?;
        store.read_meta()?;
        telling.end();
        report.journal((verified.end, verified.batches, verified.bytes), begun.elapsed());
        (verified.newest_image, report.verified(verified))
    };
    report.checksums(newest, end);
    if !args.quick {
        report.history(&args.data, &reader)?;
    }
    Ok(report.say(args.json, begun.elapsed()))
}

impl Report {
    fn row(&mut self, what: &str, found: String) {
        self.rows.push([what.to_owned(), found]);
    }

    fn journal(&mut self, (end, batches, bytes): (Position, u64, u64), took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = bytes / millis / 1000;
        self.row(
            "journal",
            format!("{end} records in {batches} batches, {bytes} bytes: every hash right, chain whole"),
        );
        self.json["end"] = end.into();
        self.json["batches"] = batches.into();
        self.json["journal_bytes"] = bytes.into();
        self.json["journal_mb_per_second"] = rate.into();
    }

    fn verified(&mut self, verified: Verification) -> Position {
        let Verification { end, wallets, sliced, documents, ids, deadlines, checkpoint, faults, faults_found, .. } =
            verified;
        let how = if verified.replayed { "by sums and by a replay of all records" } else { "by sums over all records" };
        self.row("images", format!("checkpoint at {checkpoint}; {wallets} wallets, checked {how}"));
        self.json["replayed"] = verified.replayed.into();
        self.row("accounts", format!("{sliced} merchants and accounts of the ledger, {documents} documents"));
        self.row("ids", format!("{ids} ids up to the checkpoint, each with its record"));
        self.row("deadlines", format!("{deadlines} wallets in which something is still to end"));
        self.row("books", "each currency sums to zero, the accounts to the chart of accounts".into());
        if faults_found > faults.len() as u64 {
            self.row("faults", format!("{faults_found}, of which {} are told", faults.len()));
        }
        for (key, number) in [
            ("checkpoint", checkpoint),
            ("wallets", wallets),
            ("sliced_accounts", sliced),
            ("documents", documents),
            ("ids", ids),
            ("deadlines", deadlines),
            ("faults_found", faults_found),
        ] {
            self.json[key] = number.into();
        }
        self.faults.extend(faults);
        end
    }

    /// The store was read through: each block has a checksum. No image may be newer than the journal.
    fn checksums(&mut self, newest: Position, end: Position) {
        self.row("store", format!("every data block's checksum right; its newest image is of position {newest}"));
        self.json["newest_image"] = newest.into();
        if newest > end {
            self.faults.push(format!("the store has an image of position {newest}, the journal ends at {end}"));
        }
    }

    fn history(&mut self, data: &Path, reader: &SegmentReader) -> Result<()> {
        let found = match DataFolder::open_history_read_only(data, &Options::default())? {
            None => "none; a server that keeps one makes it of the journal".to_owned(),
            Some(history) => match standing(&history, reader)? {
                Standing::Of(position) => format!("an index of this journal up to position {position}"),
                Standing::Other => "of another journal or an older layout; the next start makes it anew".to_owned(),
            },
        };
        self.row("history", found);
        Ok(())
    }

    /// Prints all of it; whether all is well.
    fn say(mut self, as_json: bool, took: Duration) -> bool {
        let clean = self.faults.is_empty();
        if as_json {
            self.json["clean"] = clean.into();
            self.json["faults"] = self.faults.into();
            self.json["milliseconds"] = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into();
            print(&self.json);
            return clean;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for row in self.rows {
            table.add_row(row);
        }
        print(&table);
        for fault in &self.faults {
            print(&format!("FAULT {fault}"));
        }
        let (seconds, millis) = (took.as_secs(), took.subsec_millis());
        print(&format!(
            "{} ({seconds}.{millis:03} s)",
            if clean && self.quick {
                "clean: chain and checksums are right; nothing was replayed"
            } else if clean {
                "clean: the books balance"
            } else {
                "NOT CLEAN: restore from a backup, and keep this folder to look into"
            }
        ));
        clean
    }
}
