//! `fentan verify`: proves what a stopped ledger holds.

use anyhow::Result;
use fentan_engine::runtime::verify::verify;
use fentan_engine::store::Store;
use fentan_storage::{DataFolder, Options};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What to verify.
#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// The folder of the data; no process may be using it
    #[arg(long, env = "FENTAN_DATA", value_name = "DIR", default_value = "fentan-data")]
    data: PathBuf,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

/// Verifies, reports, and says whether all is well.
///
/// # Errors
/// When the folder cannot be opened or the journal is damaged; the message says where.
pub(crate) fn run(args: &VerifyArgs) -> Result<bool> {
    let (reader, store) = DataFolder::open_read_only(&args.data, &Options::default())?;
    let store: Arc<dyn Store> = Arc::new(store);
    let begun = Instant::now();
    let mut told = begun;
    let report = verify(&store, &reader, &mut |position| {
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            eprintln!("verified up to position {position}");
        }
    })?;
    let clean = report.faults.is_empty();
    if args.json {
        let json = serde_json::json!({
            "clean": clean, "end": report.end, "checkpoint": report.checkpoint, "batches": report.batches,
            "wallets": report.wallets, "sliced_accounts": report.sliced, "faults": report.faults,
            "milliseconds": u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        println!("{json}");
        return Ok(clean);
    }
    println!("journal    {} records in {} batches, chain whole", report.end, report.batches);
    println!(
        "images     checkpoint at {}; {} wallets and {} other accounts agree with replay",
        report.checkpoint, report.wallets, report.sliced
    );
    for fault in &report.faults {
        println!("FAULT      {fault}");
    }
    println!(
        "{}",
        if clean {
            "clean: the books balance"
        } else {
            "NOT CLEAN: restore from a backup, and keep this folder to look into"
        }
    );
    Ok(clean)
}
