//! Rules outside the engine: how operators check, try, reload and look up what divides spends (rule A6).
//!
//! | file | holds |
//! |---|---|
//! | `archive.rs` | every version that was ever in force, kept in the data folder |
//! | `book.rs` | the rules of a running server: reload, and what can be looked up |
//! | `check.rs` | `fentan rules check` |
//! | `lab.rs`, `lab/` | `fentan rules lab`: a period of the journal under another rule |
//! | `quote.rs` | `fentan rules quote` |

mod archive;
mod book;
mod check;
mod lab;
mod quote;

pub(crate) use archive::Archive;
pub(crate) use book::{RuleBook, now};

use crate::config::{Given, Settings};
use anyhow::Result;
use clap::Subcommand;
use std::path::PathBuf;

/// What can be done with rules from the command line.
#[derive(Subcommand)]
pub(crate) enum RulesCommand {
    /// Check rule files: what is in them, or everything that is wrong, each with file and line
    Check(check::CheckArgs),
    /// What a rule would split a spend into, and why; needs no server and changes nothing
    Quote(quote::QuoteArgs),
    /// Replay a period of the journal under another rule, and report what would have been different
    Lab(lab::LabArgs),
}

/// Runs a subcommand, and says whether all is well.
///
/// # Errors
/// When it cannot be run.
pub(crate) fn run(command: &RulesCommand) -> Result<bool> {
    match command {
        RulesCommand::Check(args) => check::run(args),
        RulesCommand::Quote(args) => quote::run(args),
        RulesCommand::Lab(args) => lab::run(args),
    }
}

/// Which files of the catalog are meant.
#[derive(clap::Args)]
pub(crate) struct Files {
    /// The server's configuration file, which names the catalog's files
    #[arg(long, env = "FENTAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The catalog's files [default: those of --config, else the built-in ones]
    #[arg(long, env = "FENTAN_CATALOG", value_name = "FILE", value_delimiter = ',')]
    catalog: Vec<PathBuf>,
}

impl Files {
    /// The files; none means the built-in ones.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    fn paths(&self) -> Result<Vec<PathBuf>> {
        if !self.catalog.is_empty() {
            return Ok(self.catalog.clone());
        }
        Ok(Settings::new(Given::default(), self.config.as_deref())?.catalog)
    }
}
