//! `fentan rules`: what finance does with rules besides putting them in force.

mod lab;

use anyhow::Result;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum RulesCommand {
    /// Replay a period of the journal under another rule, and report what would have been different
    Lab(lab::LabArgs),
}

/// Does it, and says whether all is well.
///
/// # Errors
/// When a file or the folder cannot be read.
pub(crate) fn run(command: &RulesCommand) -> Result<bool> {
    match command {
        RulesCommand::Lab(args) => lab::run(args),
    }
}
