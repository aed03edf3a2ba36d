//! `fentan demo`: the ledger's main promises, shown on real input from the outside.
//!
//! The demo is a client. It starts this very program as a server in a child process, talks to it over
//! TCP like any other client, loads it with `fentan-loadtest`, kills it and starts it again. It links
//! nothing of the engine: what it shows is what a client sees.
//!
//! * [`chapters`]: what is shown, in order; start reading at [`chapters::play`].
//! * [`server`], [`load_tool`]: the two programs it runs; [`children`] ends them whatever happens.
//! * [`client`]: NDJSON over TCP, pipelined, and a GET.
//! * [`unionpay`]: reads the channel's file, the real input.
//! * [`screen`], [`checks`]: headings, tables, ticks; colour on a terminal, plain text otherwise.
//! * [`folder`]: where the data is kept, and when it is removed.
//!
//! Every claim is a check ([`checks::Checks`]). The demo holds when all of them do.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod chapters;
mod checks;
mod children;
mod client;
mod folder;
mod load_tool;
mod money;
mod screen;
mod server;
mod unionpay;

use std::path::PathBuf;

use checks::Checks;
use folder::Folder;
use load_tool::LoadTool;

/// What `fentan demo` takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where to keep the data: a folder that is empty or does not exist. It is kept. Without it a
    /// folder under the system's temporary one, removed at the end unless a check failed.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Length of the promotion peak in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    /// Keep the temporary folder.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Leave out the promotion peak and the kill under load.
    #[arg(long)]
    pub(crate) no_load: bool,
    /// The load tool; without it `fentan-loadtest` beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) loadtest: Option<PathBuf>,
}

/// Plays the demo. `true` when every check held.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<bool> {
    // Found first, so that nobody waits for minutes to hear that it is missing.
    let load_tool = if args.no_load { None } else { Some(LoadTool::find(args.loadtest.as_deref())?) };
    children::end_all_on_signal()?;
    let folder = Folder::open(args.data.as_deref(), args.keep)?;
    let mut checks = Checks::default();
    let played = chapters::play(args, load_tool.as_ref(), &folder, &mut checks);
    if let Err(error) = &played {
        checks.failed(&format!("{error:#}"));
        folder.show_server_log();
    }
    let held = checks.summary();
    folder.close(held)?;
    Ok(held)
}
