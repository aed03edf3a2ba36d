//! Others beside hostile clients.

use std::time::Duration;

use super::{Goal, Measured, bar};
use crate::bench::Bench;
use crate::figures::{Bar, Figures, Unit};
use crate::hostile::{ATTACKS, Latencies, Others};

/// How long an attack goes on before its effect is measured: a crowd has to gather.
const GATHER: Duration = Duration::from_secs(1);
/// How much slower the slowest hundredth of others may be.
const MOST: f64 = 2.0;

/// Nobody else pays for a client that means no good.
pub(super) const HOSTILE: Goal = Goal {
    id: "hostile",
    what: "others beside hostile clients",
    target: "p99 of others ≤ 2 × undisturbed, each answered",
    measure: others,
    bars: |figures, _| {
        let names = ATTACKS.iter().flat_map(|attack| [one(attack.name), few(attack.name)]);
        names.filter_map(|name| bar(figures, &name, MOST, Unit::Times, Bar::at_most)).collect()
    },
    conditions: |scale| {
        format!(
            "one: a connection, one spend at a time; few: 8 connections, 8 spends at a time, 6,400/s in all; {} s each, \
             undisturbed before each attack; attackers on what processor time nobody wants",
            seconds(scale.seconds)
        )
    },
};

const fn seconds(seconds: u64) -> u64 {
    let third = seconds / 3;
    if third == 0 { 1 } else { third }
}

fn one(attack: &str) -> String {
    format!("{attack}, one")
}

fn few(attack: &str) -> String {
    format!("{attack}, few")
}

#[expect(clippy::cast_precision_loss, reason = "times, for people to read")]
fn p99(of: &hdrhistogram::Histogram<u64>) -> f64 {
    of.value_at_quantile(0.99) as f64
}

fn others(bench: &mut Bench) -> anyhow::Result<Measured> {
    let site = bench.fresh(vec!["--max-connections".into(), "12000".into()])?;
    let others = Others::new(site.server.tcp)?;
    let length = Duration::from_secs(seconds(bench.scale.seconds));
    others.work(length)?;
    let mut figures = Figures::default();
    let mut rows = Vec::new();
    for (seed, attack) in (0..).zip(&ATTACKS) {
        let before = others.work(length)?;
        let under_way = attack.begin(site.server.tcp, seed);
        std::thread::sleep(GATHER);
        let beside = others.work(length);
        let sent = under_way.end();
        let beside = beside?;
        let resident = site.server.resident()?.now;
        let ratio = |of: fn(&Latencies) -> f64| of(&beside) / of(&before);
        figures.add(one(attack.name), ratio(|of| p99(&of.one)), Unit::Times);
        figures.add(few(attack.name), ratio(|of| p99(&of.few)), Unit::Times);
        let kinds = [("one", p99(&before.one), p99(&beside.one)), ("few", p99(&before.few), p99(&beside.few))];
        for (name, undisturbed, disturbed) in kinds {
            figures.add_detail(format!("{}, {name}, undisturbed p99", attack.name), undisturbed, Unit::Microseconds);
            figures.add_detail(format!("{}, {name}, p99 beside it", attack.name), disturbed, Unit::Microseconds);
        }
        rows.push(Row { attack: attack.name, before, beside, sent, resident });
    }
    println!("{}", table(&rows));
    Ok(figures.into())
}

struct Row {
    attack: &'static str,
    before: Latencies,
    beside: Latencies,
    /// Bytes that the attackers sent.
    sent: u64,
    /// Memory of the server at the end.
    resident: u64,
}

/// The table for people.
fn table(rows: &[Row]) -> String {
    let head = format!(
        "{:<30} {:>10} {:>10} {:>6}   {:>10} {:>10} {:>6} {:>10} {:>9}",
        "attack", "one, p99", "beside", "×", "few, p99", "beside", "×", "sent MiB", "RSS MiB"
    );
    let row = |Row { attack, before, beside, sent, resident }: &Row| {
        let (a, b, c, d) = (p99(&before.one), p99(&beside.one), p99(&before.few), p99(&beside.few));
        format!(
            "{attack:<30} {a:>7.0} µs {b:>7.0} µs {:>6.2}   {c:>7.0} µs {d:>7.0} µs {:>6.2} {:>10} {:>9}",
            b / a,
            d / c,
            sent >> 20,
            resident >> 20
        )
    };
    std::iter::once(head).chain(rows.iter().map(row)).collect::<Vec<_>>().join("\n")
}
