//! `fentan simulate`: the engine through thousands of crashes, on a disk in memory, each audited.

use anyhow::{Result, ensure};
use fentan_simulation::{Campaign, End, campaign};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// What to simulate.
#[derive(clap::Args)]
#[command(after_help = TEACHES)]
pub(crate) struct SimulateArgs {
    /// The seed of the first run; the next one has the next number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many runs
    #[arg(long, value_name = "M", default_value_t = 100)]
    runs: u64,
    /// How many crashes each run goes through; what is on its disk grows from one to the next
    #[arg(long, value_name = "K", default_value_t = CRASHES)]
    crashes_per_run: u64,
    /// How many runs at the same time; all processors when not given
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
}

const CRASHES: u64 = 12;

const TEACHES: &str = "\
A run is the engine that serves, without its threads: one generator of numbers says which part works next (a client, a
shard, the journal writer, the keeper, the clock), what clients ask, and how the disk fails: power cuts that tear, lose
and reorder what was not synced, failed writes, syncs and reads, a full disk, also during a start or a checkpoint. After
each crash an auditor starts a copy and asks: everything that was answered must be there once and be answered the same,
nothing half applied, no answer may have shown what the crash undid, every balance must be what the answers make, replay
must agree with the images, and the chain must be whole.

The same seed gives the same run, byte for byte. Nothing is read from or written to a disk.

Examples:
  fentan simulate                            100 runs, 1,200 crashes
  fentan simulate --seed 1 --runs 1000       a full run: 12,000 crashes
  fentan simulate --seed 4711 --runs 1       one run again, to see what went wrong

It exits with 1 when anything is wrong, and says the seed and the command that replays it.";

/// Simulates, and says whether all held.
///
/// # Errors
/// When there is nothing to simulate.
pub(crate) fn run(args: &SimulateArgs) -> Result<bool> {
    ensure!(args.runs > 0, "--runs is 0: give at least 1");
    ensure!(args.crashes_per_run > 0, "--crashes-per-run is 0: give at least 1");
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let begun = Instant::now();
    let bar = ProgressBar::new(args.runs).with_style(style());
    bar.enable_steady_tick(Duration::from_millis(200));
    let result = campaign(args.seed, args.runs, args.crashes_per_run, threads, &|done, tally| {
        bar.set_position(done);
        bar.set_message(format!("{} crashes", tally.crashes));
    });
    bar.finish_and_clear();
    tell(&result, begun.elapsed());
    for outcome in &result.wrong {
        println!("\nWRONG with seed {}:", outcome.seed);
        for fault in &outcome.wrong {
            println!("  {fault}");
        }
        println!(
            "  replay it: fentan simulate --seed {} --runs 1 --crashes-per-run {}",
            outcome.seed, args.crashes_per_run
        );
    }
    Ok(result.wrong.is_empty())
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} runs, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn tell(result: &Campaign, elapsed: Duration) {
    let tally = &result.tally;
    let line = |what: &str, count: u64| println!("{what:32}{count:>12}");
    line("runs", tally.runs);
    line("crashes", tally.crashes);
    for end in End::ALL {
        line(&format!("  {end}"), tally.ends.get(&end).copied().unwrap_or(0));
    }
    line("  of these during a start", tally.in_recovery);
    line("turns of the scheduler", tally.turns);
    line("commands", tally.commands);
    line("answers heard", tally.answers);
    line("  of these said again", tally.repeats);
    line("records in the journals", tally.records);
    line("runs with something wrong", result.wrong.len() as u64);
    println!("{:32}{:>10.1} s", "time", elapsed.as_secs_f64());
    if result.wrong.is_empty() {
        println!("all held: nothing acknowledged was lost, doubled or changed after {} crashes", tally.crashes);
    }
}
