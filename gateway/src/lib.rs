//! `fentan`: a stored-value ledger engine.
//!
//! This crate is the only place that knows sockets, HTTP, files of configuration and the command line.
//!
//! | folder | holds |
//! |---|---|
//! | `access/` | tokens and what they may do, TLS |
//! | `wire/` | bytes to requests, answers to bytes, and where answers wait |
//! | `door.rs` | the way into the engine, shared by both doors |
//! | `tcp/`, `http/` | the doors |
//! | `control/` | timers, as actix actors |
//! | `config/` | settings and the catalog's files |
//! | `words/` | sentences for people, in English and Chinese |
//! | `explain/` | why a spend of the past was divided as it was |
//! | `serve.rs` | the composition root |
//! | `simulate.rs` | `fentan simulate` |
//! | `history/` | the past: statements, explanations, finance reports |
//! | `clearing/` | channel statements, differences, splits, settlement |
//! | `backup/` | `fentan backup`, `fentan restore`, and the backups of a running server |
//! | `feed/` | the change feed, and webhooks |
//! | `demo/` | `fentan demo` |
//! | `rules/` | the rules of a running server, and `fentan rules` |
//! | `client.rs` | how the command line asks a running server |
//! | `bench.rs` | what the benchmarks of the wire call |
//! | `fuzzing.rs` | what the fuzz targets call |
//!
//! It is a library only so that benchmarks and fuzz targets can call the wire; `main.rs` is the program.

mod access;
mod backup;
#[doc(hidden)]
pub mod bench;
mod clearing;
mod client;
mod config;
mod control;
mod demo;
mod door;
mod explain;
mod feed;
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod http;
mod rules;
mod serve;
mod simulate;
mod tcp;
mod verify;
mod wire;
mod words;

use clap::{Parser, Subcommand};
use config::{Given, Settings};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// A stored-value ledger: top-ups with bonus, spends apportioned over lots by rule, every answer durable.
#[derive(Parser)]
#[command(name = "fentan", version = VERSION, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The version, and whether `scripts/tuned` has built it.
const VERSION: &str = match option_env!("FENTAN_TUNED") {
    Some(_) => concat!(env!("CARGO_PKG_VERSION"), " (tuned)"),
    None => env!("CARGO_PKG_VERSION"),
};

const EXAMPLES: &str = "Examples:
  fentan demo                               see it work, on real data, in about a minute
  fentan serve --data ledger                serve on 127.0.0.1:7400 (TCP) and 127.0.0.1:7401 (HTTP)
  echo '{\"id\":\"t1\",\"op\":\"top_up\",\"account\":\"ann\",\"principal\":\"100.00\",\"bonus\":\"180.00\"}' | nc -q1 127.0.0.1 7400
  curl -s http://127.0.0.1:7401/v1/accounts/ann
  fentan explain --data ledger --spend s-1  say why a spend was divided as it was
  fentan statement --data ledger --account ann --csv ann.csv
  fentan finance --data ledger --by channel outstanding, consumed, breakage, arrears
  fentan recon import bill.csv --channel wechat
                                            what a statement confirms becomes pending settlement
  fentan settle run 2026-11-27              what was pending at the cut-over becomes payable
  fentan feed --from end --follow           every record that becomes durable, one a line
  fentan rules check rules.toml             what is in a rule file, or everything that is wrong with it
  fentan token new --name till-7 --scope spend,read --file tokens.toml
                                            a token for access control, which `serve --tokens` asks for
  fentan backup --to /backup/sunday         take a backup of the server while it runs, and prove it
  fentan restore --from /backup/sunday --data ledger
  fentan verify --data ledger               prove chain, images and balance of a stopped ledger";

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a process")]
enum Command {
    /// Serve the ledger over TCP and HTTP
    Serve {
        /// A configuration file (config/server.toml shows every key)
        #[arg(long, env = "FENTAN_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        given: Given,
    },
    /// See it work on real data: top-ups, one spend under three rules, refunds, a peak, a kill -9
    Demo(demo::DemoArgs),
    /// Check a stopped ledger: journal chain, replay against the stored images, trial balance
    Verify(verify::VerifyArgs),
    /// The engine through thousands of crashes, on a disk in memory that fails in every way, each audited
    Simulate(simulate::SimulateArgs),
    /// Take a backup, full or incremental, of a running server or a stopped ledger
    Backup(backup::BackupArgs),
    /// Make a data folder of backups, whole or up to a moment
    Restore(backup::RestoreArgs),
    /// Say why a spend was divided as it was, step by step, in English or Chinese
    Explain(explain::ExplainArgs),
    /// Write an account's statement as CSV
    Statement(history::StatementArgs),
    /// The six numbers of finance, at a moment or over a period
    Finance(history::FinanceArgs),
    /// Channel statements against what is booked: check, import, differences, cover
    #[command(subcommand)]
    Recon(clearing::program::ReconCommand),
    /// A day's settlement and its payouts: run, list, show, payout, result
    #[command(subcommand)]
    Settle(clearing::settle_program::SettleCommand),
    /// Sharing out what merchants have in pending: list, show, make, return, release
    #[command(subcommand)]
    Split(clearing::split_program::SplitCommand),
    /// Print the change feed of a running server: each record once, from any position
    Feed(feed::FeedArgs),
    /// Webhooks of a running server: list, rewind, pause, resume; check a signature
    #[command(subcommand)]
    Webhook(feed::webhook::WebhookCommand),
    /// Make tokens for access control, or check a file of them
    #[command(subcommand)]
    Token(access::TokenCommand),
    /// Check rule files, or try a rule, without a server
    #[command(subcommand)]
    Rules(rules::RulesCommand),
}

/// The program: does what its command line says.
pub fn run() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("FENTAN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,actix_server=warn,actix_web=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let result = match Cli::parse().command {
        Command::Serve { config, given } => Settings::new(given, config.as_deref())
            .map_err(anyhow::Error::from)
            .and_then(|settings| serve::run(&settings).map(|()| true)),
        Command::Demo(args) => demo::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Statement(args) => history::statement(&args),
        Command::Finance(args) => history::finance(&args),
        Command::Recon(command) => clearing::program::run(&command),
        Command::Settle(command) => clearing::settle_program::run(&command),
        Command::Split(command) => clearing::split_program::run(&command),
        Command::Feed(args) => feed::run(&args),
        Command::Webhook(command) => feed::webhook::run(&command),
        Command::Token(command) => access::run(&command),
        Command::Rules(command) => rules::run(&command),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fentan: {error:#}");
            ExitCode::from(2)
        }
    }
}
