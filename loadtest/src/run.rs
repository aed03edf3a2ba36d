//! What `run` and `verify` do, step by step.

use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use fentan_loadtest::acks::{AckFile, Header};
use fentan_loadtest::draws::mix;
use fentan_loadtest::encode::Encoder;
use fentan_loadtest::load::{PhaseReport, Session};
use fentan_loadtest::probe;
use fentan_loadtest::progress::{LoadWatcher, PrepareWatcher, Progress};
use fentan_loadtest::report::table::{self, Style};
use fentan_loadtest::report::{Conditions, Load, Prepared, Ratio, Report, latency_from, plot, processor};
use fentan_loadtest::scenario::Scenario;
use fentan_loadtest::target;
use fentan_loadtest::verify::{self, Options};
use fentan_loadtest::workload::Workload;

use crate::cli::{CheckArgs, RunArgs, ServerArgs, VerifyArgs};

/// Why the program ends early, and with which exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Why.
    pub(crate) source: anyhow::Error,
    /// The exit code.
    pub(crate) code: u8,
}

impl Failure {
    /// The command line or the scenario is wrong.
    pub(crate) fn usage(source: impl Into<anyhow::Error>) -> Self {
        Self { source: source.into(), code: 2 }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(source: anyhow::Error) -> Self {
        Self { source, code: 1 }
    }
}

/// Prepare, load, report, verify.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let mut scenario = Scenario::load(&args.scenario).map_err(Failure::usage)?;
    args.change.apply(&mut scenario);
    scenario.validate(&args.scenario).map_err(Failure::usage)?;
    let options = options(&args.server, &args.check_args)?;
    if let Some(path) = &args.plot {
        plot::check(path).map_err(Failure::usage)?;
    }
    let progress = Progress::detect(args.server.quiet);
    let run = args.run_id.unwrap_or_else(run_number);
    let load_number = args.load_number.unwrap_or(0);
    let log = args.acks.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("fentan-{run:016x}.acks")));
    let header = Header::new(run, scenario.clone()).of_load(load_number);
    // Nobody will ask for it: then it need not be written.
    let acks = if args.no_verify && args.acks.is_none() {
        None
    } else {
        Some(AckFile::create(&log, &header, args.force).map_err(Failure::usage)?)
    };
    let kept = LogFile { path: acks.as_ref().map(AckFile::path), temporary: args.acks.is_none() };

    let mut report = Report {
        conditions: Conditions {
            version: env!("CARGO_PKG_VERSION"),
            run,
            load_number,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: processor(),
            client_threads: args.threads.min(scenario.traffic.connections),
            target: args.server.tcp.clone(),
            latency_from: latency_from(scenario.traffic.mode),
        },
        scenario,
        prepared: Prepared { wallets: 0, top_ups: 0, elapsed_s: 0.0 },
        load: None,
        ratio: None,
        verdict: None,
    };
    let lost = drive(args, &options, acks.as_ref(), progress, &mut report).inspect_err(|_| kept.discard())?;
    if lost.is_none() && !args.expect_kill && !args.no_verify {
        report.verdict = Some(verify::verify(&log, &options, &progress).with_context(|| kept.hint())?);
    }

    print!("{}", table::render(&report, style()));
    if let Some(path) = &args.json {
        write_json(path, &report)?;
    }
    if let (Some(path), Some(load)) = (&args.plot, &report.load) {
        plot::write(&report, load, path).map_err(anyhow::Error::from)?;
    }
    conclude(args, &report, lost, &kept)
}

/// Prepares and drives the load; says why the server was lost, if it was.
fn drive(
    args: &RunArgs,
    options: &Options,
    acks: Option<&AckFile>,
    progress: Progress,
    report: &mut Report,
) -> Result<Option<String>, Failure> {
    let scenario = &report.scenario;
    let workload = Arc::new(Workload::new(scenario));
    let encoder = Arc::new(Encoder::new(scenario, report.conditions.run));
    let mut session = Session::connect(scenario, &workload, &encoder, options.tcp, args.threads, acks)
        .map_err(anyhow::Error::from)?;

    if report.conditions.load_number > 0 {
        session.skip_prepare(report.conditions.load_number);
    } else {
        let prepared = prepare(&mut session, scenario, progress)?;
        let top_ups = prepared.tally.ok_in_all();
        let wallets = top_ups / u64::from(scenario.lots_per_wallet.max(1));
        report.prepared = Prepared { wallets, top_ups, elapsed_s: prepared.elapsed_s };
        if prepared.lost.is_some() {
            return Ok(prepared.lost);
        }
    }

    let disk_dir = args.disk.clone().unwrap_or_else(std::env::temp_dir);
    let fdatasync = probe::disk(&disk_dir, args.disk_bytes)
        .with_context(|| format!("measuring the disk in {} (--disk)", disk_dir.display()))?;
    let ping = probe::ping(options.tcp, report.conditions.run).context("pinging the server")?;

    progress.say("load");
    let mut watcher = LoadWatcher::new(progress);
    let load = session.load(&mut watcher).map_err(anyhow::Error::from)?;
    watcher.finish();
    let lost = load.lost.clone();
    let load = Load::of(&load);
    report.ratio = Some(Ratio::of(&load, fdatasync, ping, scenario.bar_per_second));
    report.load = Some(load);
    Ok(lost)
}

/// Tops the wallets up.
fn prepare(session: &mut Session, scenario: &Scenario, progress: Progress) -> Result<PhaseReport, Failure> {
    let top_ups = u64::from(scenario.wallets) * u64::from(scenario.lots_per_wallet);
    let mut watcher = PrepareWatcher(progress.meter("topping up wallets", top_ups));
    let prepared = session.prepare(&mut watcher).map_err(anyhow::Error::from)?;
    watcher.0.finish();
    Ok(prepared)
}

/// What the exit code is, and what to say about it.
fn conclude(args: &RunArgs, report: &Report, lost: Option<String>, log: &LogFile<'_>) -> Result<ExitCode, Failure> {
    if let Some(lost) = lost {
        if args.expect_kill {
            println!("\nthe server went away, as expected; start it again, then\n{}", log.hint());
            return Ok(ExitCode::SUCCESS);
        }
        return Err(match log.path {
            Some(_) => anyhow!("the server went away ({lost}); start it again, then\n{}", log.hint()),
            None => anyhow!("the server went away ({lost}), and without --acks nothing can be verified"),
        }
        .into());
    }
    if args.expect_kill {
        return Err(anyhow!(
            "--expect-kill: the server was still there at the end of the load; kill it earlier or make \
             --duration longer. What it acknowledged can still be checked:\n{}",
            log.hint()
        )
        .into());
    }
    let faults = report.load.as_ref().is_some_and(|load| load.unmatched > 0 || load.replayed > 0);
    let clean = report.verdict.as_ref().is_none_or(verify::Verdict::is_clean) && !faults;
    if clean {
        log.discard();
    } else if log.path.is_some() {
        println!("\n{}", log.hint());
    }
    let missed = args.check && report.ratio.as_ref().is_some_and(|r| r.bar_met == Some(false));
    Ok(ExitCode::from(u8::from(!clean || missed)))
}

/// Verifies an earlier run.
pub(crate) fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let options = options(&args.server, &args.check_args)?;
    let progress = Progress::detect(args.server.quiet);
    let verdict = verify::verify(&args.acks, &options, &progress).map_err(anyhow::Error::from)?;
    println!("{}", table::verdict_text(&verdict, style()));
    if let Some(path) = &args.json {
        write_json(path, &verdict)?;
    }
    Ok(ExitCode::from(u8::from(!verdict.is_clean())))
}

/// The acknowledgement log of this run, if it keeps one.
struct LogFile<'a> {
    path: Option<&'a Path>,
    temporary: bool,
}

impl LogFile<'_> {
    /// How to verify from it.
    fn hint(&self) -> String {
        format!("    fentan-loadtest verify --acks {}", self.path.unwrap_or(Path::new("FILE")).display())
    }

    /// Removes it if nobody asked to keep it.
    fn discard(&self) {
        if self.temporary
            && let Some(path) = self.path
        {
            // A log that stays behind in the temporary folder harms nobody.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn options(server: &ServerArgs, check: &CheckArgs) -> Result<Options, Failure> {
    Ok(Options {
        tcp: target::resolve("--tcp", &server.tcp, server.allow_remote).map_err(Failure::usage)?,
        http: target::resolve("--http", &server.http, server.allow_remote).map_err(Failure::usage)?,
        sample: check.verify_sample,
        connections: check.verify_connections,
        batch: usize::try_from(check.verify_batch).unwrap_or(usize::MAX),
    })
}

fn write_json(path: &PathBuf, value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).context("writing JSON")?;
    std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
    Ok(())
}

fn style() -> Style {
    Style { colour: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
}

/// A number that no earlier run had.
fn run_number() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    mix(now.as_secs() ^ (u64::from(now.subsec_nanos()) << 32) ^ (u64::from(std::process::id()) << 16))
}
