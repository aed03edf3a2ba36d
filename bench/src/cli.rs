//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::goals::{GOALS, Wanted};

/// The peak table: every goal of the project's throughput, its peers and the machine's limits, in one run.
#[derive(Debug, Parser)]
#[command(name = "fentan-peak", version, about, long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub(crate) struct Cli {
    /// Folder on the disk that is measured; everything is kept below it and removed at the end.
    #[arg(long, value_name = "DIR", default_value = "target/peak-data")]
    pub(crate) disk: PathBuf,
    /// Where the table, its JSON and the pictures go.
    #[arg(long, value_name = "DIR", default_value = "target/peak")]
    pub(crate) out: PathBuf,
    /// Only these rows, by name: T1,T6,overload. Rows they are set against are measured as well.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', value_parser = row)]
    pub(crate) only: Vec<&'static str>,
    /// Without these rows.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', value_parser = row)]
    pub(crate) without: Vec<&'static str>,
    /// A few seconds of each, and small: to see that it works. The figures are no figures.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure everything N times and give medians.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=25))]
    pub(crate) runs: u32,
    /// Length of a closed-loop load (T1 to T3, T6, T9) in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: Option<u64>,
    /// PostgreSQL and Redis have to be there. Without this they are measured when they are.
    #[arg(long, conflicts_with = "no_peers")]
    pub(crate) peers: bool,
    /// No peers.
    #[arg(long)]
    pub(crate) no_peers: bool,
    /// Also measure cost as work grows: wallets, lots, connections, batch, shards.
    #[arg(long)]
    pub(crate) growth: bool,
    /// Only growth: no rows.
    #[arg(long, conflicts_with_all = ["only", "without"])]
    pub(crate) growth_only: bool,
    /// Exit with 1 when a goal is missed.
    #[arg(long)]
    pub(crate) check: bool,
    /// Accept a folder in memory (tmpfs). A sync costs nothing there, so figures mean nothing.
    #[arg(long)]
    pub(crate) memory_is_meant: bool,
}

const LONG_ABOUT: &str = "\
The peak table: every goal of the project's throughput, its peers and the machine's limits, in one run.

Starts the real `fentan` and `fentan-loadtest`, which stand beside this program, on fresh folders and
free ports of this machine, and stops them again. PostgreSQL and Redis run as private instances on the
same disk; no service is touched. docs/peak.md says what each row does.

A whole run takes about 40 minutes and 30 GiB of disk, --quick about 4 minutes.

Exit codes: 0 all was measured; 1 a row failed, or (with --check) a goal was missed; 2 the command line
is wrong or a program is missing.";

const EXAMPLES: &str = "\
Examples:
  The whole table, medians of three:      fentan-peak --disk /srv/bench --runs 3
  One goal:                               fentan-peak --only T1 --no-peers
  Against PostgreSQL and Redis only:      fentan-peak --only T1,PostgreSQL,Redis,'T1 ÷ peers' --peers
  Cost as work grows, nothing else:       fentan-peak --growth-only
  Does everything work?                   fentan-peak --quick";

fn row(text: &str) -> Result<&'static str, String> {
    let ids = || GOALS.iter().map(|goal| goal.id);
    let known = ids().find(|id| id.eq_ignore_ascii_case(text.trim()));
    known.ok_or_else(|| format!("rows are {}", ids().collect::<Vec<_>>().join(", ")))
}

impl Cli {
    /// Whether a row was asked for.
    pub(crate) fn asks_for(&self, id: &str) -> bool {
        !self.growth_only && !self.without.contains(&id) && (self.only.is_empty() || self.only.contains(&id))
    }

    /// Whether peers are measured.
    pub(crate) fn wanted(&self) -> Wanted {
        match (self.peers, self.no_peers) {
            (true, _) => Wanted::All,
            (_, true) => Wanted::No,
            _ => Wanted::Found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn rows_are_named_in_any_case_and_unknown_ones_are_refused() {
        let cli = Cli::try_parse_from(["fentan-peak", "--only", "t1,Overload"]).unwrap();
        assert!(cli.asks_for("T1") && cli.asks_for("overload") && !cli.asks_for("T2"));
        let error = Cli::try_parse_from(["fentan-peak", "--only", "T12"]).unwrap_err().to_string();
        assert!(error.contains("T9"), "{error}");
    }

    #[test]
    fn everything_is_asked_for_when_nothing_is_named() {
        let cli = Cli::try_parse_from(["fentan-peak", "--without", "T8"]).unwrap();
        assert!(cli.asks_for("T1") && !cli.asks_for("T8"));
    }
}
