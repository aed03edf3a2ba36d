//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fentan_loadtest::id::IdStyle;
use fentan_loadtest::probe::APPEND_BYTES_MAX;
use fentan_loadtest::scenario::{Mode, Scenario, WhenFull};
use fentan_loadtest::workload::LOAD_NUMBER_MAX;

/// Checkout load on a running fentan server, and the proof that it kept its word.
#[derive(Debug, Parser)]
#[command(name = "fentan-loadtest", version, about, long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const LONG_ABOUT: &str = "\
Drives checkout load (spends, top-ups, refunds, balance reads) at a running fentan server over
TCP/NDJSON, reports throughput and latency, and verifies afterwards that the server kept its word:
every acknowledged id is there, every wallet agrees with what was acknowledged to the minor unit,
and the trial balance is zero.

Every answer goes to an acknowledgement log, so the verification also works against a server that
was killed under load and started again. Only this machine is loaded unless --allow-remote is given.

Exit codes: 0 all is well; 1 a violation was found, the server was lost, or the bar was missed
(with --check); 2 the command line or the scenario is wrong.";

const EXAMPLES: &str = "\
Examples:
  The peak of a promotion day, then verify (the server runs with its defaults):
    fentan-loadtest run

  One spend a request over 64 connections; exit code 1 below 50,000 spends/s; a picture:
    fentan-loadtest run --scenario one_spend --check --plot one_spend.html

  A scenario file of your own, for 60 s, by a timetable of 20,000 requests a second:
    fentan-loadtest run --scenario my.toml --duration 60 --mode open --rate 20000

  Kill the server under load, start it again, and verify what it had acknowledged:
    fentan-loadtest run --scenario one_spend --acks run.acks --expect-kill   # kill -9 the server now
    fentan-loadtest verify --acks run.acks                                   # after it is up again

  A server with access control (docs/access.md): a token with the scopes spend, top_up, refund, read, operate:
    FENTAN_TOKEN=ftn_... fentan-loadtest run

  The same with TLS, trusting what the authority in a file has signed for 127.0.0.1:
    FENTAN_CA=ca.pem FENTAN_TOKEN=ftn_... fentan-loadtest run

  Top up 1,000,000 wallets once, then drive several loads on them; latency at half of the peak:
    fentan-loadtest run --scenario peak_single --run-id 7 --no-verify --json peak.json
    fentan-loadtest run --scenario half_peak --run-id 7 --skip-prepare --load-number 1 --rate 150000 --no-verify";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prepare wallets, drive the load, report, verify.
    Run(Box<RunArgs>),
    /// Verify what an earlier run was promised, from its acknowledgement log.
    Verify(VerifyArgs),
    /// Print a shipped scenario, to start one of your own from; without a name, list them.
    Scenario {
        /// Its name.
        name: Option<String>,
    },
}

/// Where the server is.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where the server speaks NDJSON.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7400")]
    pub(crate) tcp: String,
    /// Where it speaks HTTP (asked only for the trial balance).
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7401")]
    pub(crate) http: String,
    /// Permit a target that is not this machine.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Show no progress.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// How to verify.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the names of the flags")]
pub(crate) struct CheckArgs {
    /// Send only about N acknowledged commands again instead of all; wallets are always all compared.
    #[arg(long, value_name = "N")]
    pub(crate) verify_sample: Option<u64>,
    /// Connections the verification asks over.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) verify_connections: u32,
    /// Requests an array of the verification.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=8190))]
    pub(crate) verify_batch: u32,
}

/// The arguments of `run`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub(crate) struct RunArgs {
    /// A scenario file, or the name of a shipped one; `fentan-loadtest scenario` lists them.
    #[arg(long, short, value_name = "FILE|NAME", default_value = "promotion_peak")]
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// Worker threads of the client.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: u32,
    /// Write the acknowledgement log here and keep it; otherwise it is a temporary file.
    #[arg(long, value_name = "FILE")]
    pub(crate) acks: Option<PathBuf>,
    /// Overwrite the acknowledgement log if it exists.
    #[arg(long, requires = "acks")]
    pub(crate) force: bool,
    /// The server will be killed under load: that is the end of the run and no error. Verify later.
    #[arg(long, requires = "acks")]
    pub(crate) expect_kill: bool,
    /// Do not verify at the end. Without --acks nothing is then kept of the answers but counts.
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Drive the load on the wallets that an earlier run with the same --run-id topped up. The
    /// verification then compares no wallets: what was in them before is not known.
    #[arg(long, requires_all = ["run_id", "load_number"])]
    pub(crate) skip_prepare: bool,
    /// Number of the load within the run, with --skip-prepare: one that no earlier load of the run had.
    #[arg(long, value_name = "N", requires = "skip_prepare",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(LOAD_NUMBER_MAX)))]
    pub(crate) load_number: Option<u32>,
    #[command(flatten)]
    pub(crate) check_args: CheckArgs,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw the report, as .svg or as a page .html.
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// Measure a bare append + fdatasync in this folder (default: the temporary folder). Name one
    /// on the server's disk to make the figures comparable.
    #[arg(long, value_name = "DIR")]
    pub(crate) disk: Option<PathBuf>,
    /// Bytes of that append.
    #[arg(long, value_name = "BYTES", default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(APPEND_BYTES_MAX)))]
    pub(crate) disk_bytes: u32,
    /// Exit with 1 when the scenario's bar is missed.
    #[arg(long)]
    pub(crate) check: bool,
    /// Number of the run (ids and wallets carry it; a number must not be used twice on one server).
    /// Default: from the clock.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) run_id: Option<u64>,
}

/// Changes to the scenario.
#[derive(Debug, Args)]
#[command(next_help_heading = "Instead of what the scenario says")]
pub(crate) struct ChangeArgs {
    /// Wallets.
    #[arg(long, value_name = "N")]
    pub(crate) wallets: Option<u32>,
    /// Top-ups, and with them lots, that every wallet gets before the load.
    #[arg(long, value_name = "N")]
    pub(crate) lots: Option<u32>,
    /// Merchants.
    #[arg(long, value_name = "N")]
    pub(crate) merchants: Option<u32>,
    /// Length of the load in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<u64>,
    /// TCP connections.
    #[arg(long, value_name = "N")]
    pub(crate) connections: Option<u32>,
    /// Lines in flight per connection, at most.
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<u32>,
    /// Requests a line; 1 sends plain lines.
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<u32>,
    /// closed: as fast as answers come; open: by a timetable. `closed` drops rate and ramp.
    #[arg(long)]
    pub(crate) mode: Option<Mode>,
    /// Requests per second over all connections; makes the mode open and drops the ramp. A scenario
    /// with `rate_percent` sends that share of it: `overload` thrice.
    #[arg(long, value_name = "PER_SECOND")]
    pub(crate) rate: Option<u64>,
    /// Rule that every spend names.
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// How ids look.
    #[arg(long)]
    pub(crate) ids: Option<IdStyle>,
    /// Start of everything random.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Acknowledged spends per second to reach.
    #[arg(long, value_name = "PER_SECOND")]
    pub(crate) bar: Option<u64>,
}

impl ChangeArgs {
    /// Applies the changes.
    pub(crate) fn apply(&self, scenario: &mut Scenario) {
        fn set<T: Clone>(field: &mut T, change: Option<&T>) {
            if let Some(change) = change {
                field.clone_from(change);
            }
        }
        set(&mut scenario.wallets, self.wallets.as_ref());
        set(&mut scenario.lots_per_wallet, self.lots.as_ref());
        set(&mut scenario.merchants, self.merchants.as_ref());
        set(&mut scenario.seed, self.seed.as_ref());
        let traffic = &mut scenario.traffic;
        set(&mut traffic.duration_s, self.duration.as_ref());
        set(&mut traffic.connections, self.connections.as_ref());
        set(&mut traffic.depth, self.depth.as_ref());
        set(&mut traffic.batch, self.batch.as_ref());
        set(&mut traffic.ids, self.ids.as_ref());
        set(&mut traffic.mode, self.mode.as_ref());
        if self.mode == Some(Mode::Closed) {
            (traffic.rate_per_second, traffic.ramp_from_per_second, traffic.ramp_s) = (None, None, 0);
            (traffic.rate_percent, traffic.burst, traffic.when_full) = (100, 1, WhenFull::Wait);
        }
        if self.rate.is_some() {
            if self.mode.is_none() {
                traffic.mode = Mode::Open;
            }
            (traffic.rate_per_second, traffic.ramp_from_per_second, traffic.ramp_s) = (self.rate, None, 0);
        }
        if self.rule.is_some() {
            scenario.spend.rule.clone_from(&self.rule);
        }
        if self.bar.is_some() {
            scenario.bar_per_second = self.bar;
        }
    }
}

/// The arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The acknowledgement log of the run.
    #[arg(long, value_name = "FILE")]
    pub(crate) acks: PathBuf,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) check_args: CheckArgs,
    /// Write what was found as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    fn changed(scenario: &str, args: &[&str]) -> Scenario {
        let line = ["fentan-loadtest", "run"].iter().chain(args);
        let Command::Run(args) = Cli::try_parse_from(line).unwrap().command else { panic!("not run") };
        let mut scenario = Scenario::load(scenario).unwrap();
        args.change.apply(&mut scenario);
        scenario.validate("x").unwrap();
        scenario
    }

    #[test]
    fn changes_leave_a_valid_scenario() {
        let open = changed("one_spend", &["--rate", "100", "--bar", "7", "--lots", "3"]);
        assert_eq!((open.traffic.mode, open.traffic.rate_per_second), (Mode::Open, Some(100)));
        assert_eq!((open.bar_per_second, open.lots_per_wallet), (Some(7), 3));
        let closed = changed("promotion_peak", &["--mode", "closed", "--depth", "4", "--rule", "by_balance"]);
        let peak = changed("overload", &["--rate", "1000"]).traffic;
        assert_eq!((peak.rate_per_second, peak.rate_percent), (Some(1000), 300));
        assert_eq!(changed("overload", &["--mode", "closed"]).traffic.rate_percent, 100);
        assert_eq!((closed.traffic.mode, closed.traffic.depth, closed.traffic.ramp_s), (Mode::Closed, 4, 0));
    }

    #[test]
    fn a_later_load_names_its_run_and_its_number() {
        let parsed = |args: &[&str]| Cli::try_parse_from(["fentan-loadtest", "run"].iter().chain(args)).is_ok();
        assert!(parsed(&["--skip-prepare", "--run-id", "7", "--load-number", "1"]));
        assert!(!parsed(&["--skip-prepare", "--load-number", "1"]));
        assert!(!parsed(&["--skip-prepare", "--run-id", "7"]));
        assert!(!parsed(&["--skip-prepare", "--run-id", "7", "--load-number", "0"]));
        assert!(!parsed(&["--run-id", "7", "--load-number", "1"]));
    }

    #[test]
    fn a_kill_test_needs_a_log() {
        assert!(Cli::try_parse_from(["fentan-loadtest", "run", "--expect-kill"]).is_err());
    }
}
