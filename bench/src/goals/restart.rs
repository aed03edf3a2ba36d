//! T5: killed under load, and back.

use std::time::Duration;

use anyhow::{Context, ensure};
use fentan_protocol::{Amount, BalanceQuery, Ping, Request, TopUp};

use super::{Goal, Measured, bar};
use crate::bench::Bench;
use crate::figures::{Bar, Figures, Unit, count};
use crate::scale::Scale;
use crate::server::Client;

const FIRST_ANSWER: &str = "start to first answer";

/// How often the server is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for the first answer after the kill.
const BACK_WITHIN: Duration = Duration::from_secs(600);
/// The load would go on for so long; the kill is its end.
const FOREVER_S: u64 = 3_000;
/// Commands that are asked about again after the kill.
const SAMPLE: u64 = 100_000;
/// A wallet of our own, to ask for after the kill.
const WITNESS: &str = "peak-witness";

/// Back after a kill.
pub(super) const T5: Goal = Goal {
    id: "T5",
    what: "kill -9 under load after 10,000,000 spends: start to first answer",
    target: "≤ 2 s",
    measure: restart,
    bars: |figures, _| bar(figures, FIRST_ANSWER, 2.0, Unit::Seconds, Bar::at_most).into_iter().collect(),
    conditions: |scale| {
        format!(
            "{} wallets, {} spends; files in the page cache; 100,000 acknowledged commands and every wallet compared after it",
            count(scale.wallets),
            count(scale.kill_after)
        )
    },
};

#[expect(clippy::cast_precision_loss, reason = "a position, for people to read")]
fn restart(bench: &mut Bench) -> anyhow::Result<Measured> {
    let site = bench.fresh(Vec::new())?;
    let mut client = Client::connect(site.server.tcp, Duration::ZERO)?;
    let top_up = TopUp::new("peak-witness-1", WITNESS, Amount::from_minor(12_345, 2));
    let before = client.ask(&Request::TopUp(top_up))?;

    let args = Scale::args(bench.scale.wallets, FOREVER_S);
    let load = site.load_tool().start_to_be_killed("peak_single", &args)?;
    let enough = 1 + u64::from(bench.scale.wallets) + bench.scale.kill_after;
    let mut number = 0_u64;
    let killed_at = loop {
        ensure!(load.ended()?.is_none(), "the load ended before the kill");
        number += 1;
        let pong = client.ask(&Request::Ping(Ping::new(format!("peak-ping-{number}"))))?;
        let seq = pong.seq.context("a ping without its position")?;
        if seq >= enough {
            break seq;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    let setup = site.server.setup_again();
    let tcp = site.server.tcp;
    let (folder, tool) = (site.folder, site.loadtest);
    site.server.kill()?;
    load.wait(Duration::from_secs(60))?;

    let launched = setup.launch()?;
    let mut client = Client::connect(tcp, BACK_WITHIN)?;
    client.ask(&Request::Ping(Ping::new("peak-back")))?;
    let first = launched.begun.elapsed();
    let balance = client.ask(&Request::Balance(BalanceQuery::new("peak-witness-2", WITNESS)))?;
    let second = launched.begun.elapsed();
    ensure!(before.balance == balance.balance, "a wallet came back with another balance");
    let server = launched.ready()?;

    let mut figures = Figures::default();
    figures.add(FIRST_ANSWER, first.as_secs_f64(), Unit::Seconds);
    figures.add("start to first balance", second.as_secs_f64(), Unit::Seconds);
    figures.add("killed at position", killed_at as f64, Unit::Count);
    if let Some(replayed) = server.logged("replayed")? {
        figures.add("records replayed", replayed, Unit::Count);
    }
    if let Some(ms) = server.logged("open_ms")? {
        figures.add("of it opening files", ms / 1e3, Unit::Seconds);
    }
    let site = crate::bench::Site::of(server, folder, tool);
    site.load_tool().verify(SAMPLE)?;
    Ok(figures.into())
}
