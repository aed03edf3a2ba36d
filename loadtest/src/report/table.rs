//! The report as a table for people.
#![expect(clippy::float_arithmetic, reason = "times, rates and likelihoods; no money here")]

use std::fmt::Write;

use super::{Latency, Load, Ratio, Report};
use crate::scenario::{Mode, Scenario};
use crate::verify::Verdict;

/// Colours of a terminal, or none.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether to colour at all.
    pub colour: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn head(self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// The whole report.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; `write!` only wants to be heard.
    let _ = write_report(&mut out, report, style);
    out
}

fn write_report(out: &mut String, report: &Report, style: Style) -> std::fmt::Result {
    let (scenario, conditions) = (&report.scenario, &report.conditions);
    writeln!(out, "{}", style.head(&format!("fentan-loadtest {}: {}", conditions.version, scenario.name)))?;
    writeln!(out, "  machine      {} cores, {}", conditions.cores, conditions.processor)?;
    writeln!(out, "  traffic      {}", traffic(scenario))?;
    let prepared = match conditions.load_number {
        0 => format!("topped up in {:.1} s", report.prepared.elapsed_s),
        number => format!("topped up before; load {number} on them"),
    };
    writeln!(
        out,
        "  population   {} wallets of {} lots, {} merchants (Zipf {}), {prepared}",
        grouped(u64::from(scenario.wallets)),
        scenario.lots_per_wallet,
        grouped(u64::from(scenario.merchants)),
        scenario.merchant_skew,
    )?;
    writeln!(out, "  latency from {}", conditions.latency_from)?;
    if let Some(load) = &report.load {
        write_load(out, load, style)?;
    }
    if let Some(ratio) = &report.ratio {
        write_ratio(out, ratio, style)?;
    }
    match &report.verdict {
        Some(verdict) => write_verdict(out, verdict, style),
        None => writeln!(out, "\nnot verified"),
    }
}

fn traffic(scenario: &Scenario) -> String {
    let traffic = &scenario.traffic;
    let lines = if traffic.batch == 1 {
        "one request a line".to_owned()
    } else {
        format!("{} requests an array", grouped(u64::from(traffic.batch)))
    };
    let pace = match (traffic.mode, traffic.rate_per_second, traffic.ramp_from_per_second) {
        (Mode::Open, Some(rate), Some(from)) => {
            format!("open, {}/s after {} s from {}/s", grouped(rate), traffic.ramp_s, grouped(from))
        }
        (Mode::Open, rate, _) if traffic.rate_percent != 100 => {
            format!("open, {}% of {}/s", traffic.rate_percent, grouped(rate.unwrap_or(0)))
        }
        (Mode::Open, rate, _) => format!("open, {}/s", grouped(rate.unwrap_or(0))),
        (Mode::Closed, ..) => "closed".to_owned(),
    };
    format!(
        "{pace}, {} s, {} connections x {} lines in flight, {lines}",
        traffic.duration_s, traffic.connections, traffic.depth
    )
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates, for people to read")]
fn write_load(out: &mut String, load: &Load, style: Style) -> std::fmt::Result {
    writeln!(
        out,
        "\n{}  {} ok/s, of these {} spends/s; {} sent in {:.2} s; the client used {:.2} cores",
        style.head("load"),
        grouped(load.ok_per_second as u64),
        grouped(load.spends_per_second as u64),
        grouped(load.sent),
        load.elapsed_s,
        load.client_cores
    )?;
    writeln!(
        out,
        "  {:<9} {:>12} {:>12} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "op", "ok", "answered", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"
    )?;
    for (op, latency) in load.latency.iter().filter(|(op, _)| **op != "all") {
        write_latency(out, op, load.ok.get(op).copied().unwrap_or(0), latency)?;
    }
    if let Some(all) = load.latency.get("all") {
        write_latency(out, "all", load.ok.values().sum(), all)?;
    }
    if load.refused.count > 0 {
        write_latency(out, "refused", 0, &load.refused)?;
    }
    for (code, row) in &load.rejects {
        writeln!(out, "  rejected     {:>9}  {code}   first: {}", grouped(row.count), row.example)?;
    }
    if load.skipped > 0 {
        writeln!(out, "  skipped      {:>9}  refunds whose spend had been rejected", grouped(load.skipped))?;
    }
    if load.late > 0 {
        writeln!(out, "  late         {:>9}  left more than 10 ms after their time", grouped(load.late))?;
    }
    if load.not_sent > 0 {
        writeln!(out, "  not sent     {:>9}  were due, and the connection had no room", grouped(load.not_sent))?;
    }
    if load.replayed > 0 {
        let text = format!(
            "{} answers had been given before: an earlier load had these ids, take another --run-id or --load-number",
            grouped(load.replayed)
        );
        writeln!(out, "  {}", style.bad(&text))?;
    }
    if load.unanswered > 0 {
        writeln!(out, "  unanswered   {:>9}  sent, and no answer came", grouped(load.unanswered))?;
    }
    if load.unmatched > 0 {
        let text = format!(
            "{} answers belong to no request or lack their seq: {}",
            grouped(load.unmatched),
            load.unmatched_example
        );
        writeln!(out, "  {}", style.bad(&text))?;
    }
    if let Some(lost) = &load.lost {
        writeln!(out, "  {}", style.bad(&format!("the server went away: {lost}")))?;
    }
    Ok(())
}

fn write_latency(out: &mut String, op: &str, ok: u64, latency: &Latency) -> std::fmt::Result {
    writeln!(
        out,
        "  {op:<9} {:>12} {:>12} {:>10} {:>10} {:>10} {:>10} {:>10}",
        grouped(ok),
        grouped(latency.count),
        ms(latency.p50_us),
        ms(latency.p90_us),
        ms(latency.p99_us),
        ms(latency.p999_us),
        ms(latency.max_us)
    )
}

fn write_ratio(out: &mut String, ratio: &Ratio, style: Style) -> std::fmt::Result {
    writeln!(out, "\n{}", style.head("same machine, same run"))?;
    let append = format!("append of {} B, fdatasync", grouped(ratio.fdatasync_bytes));
    for (name, probe) in [(append.as_str(), &ratio.fdatasync), ("ping, one in flight", &ratio.ping)] {
        writeln!(
            out,
            "  {name:<28} {:>8.0}/s   mean {:.0} us, p50 {} us, p99 {} us",
            probe.per_second(),
            probe.mean_us,
            probe.p50_us,
            probe.p99_us
        )?;
    }
    writeln!(out, "  durable spends per bare fdatasync: {:.1}", ratio.spends_per_fdatasync)?;
    if let (Some(bar), Some(met)) = (ratio.bar_per_second, ratio.bar_met) {
        let word = if met { style.good("met") } else { style.bad("NOT MET") };
        writeln!(out, "  bar of {} durable spends/s: {word}", grouped(bar))?;
    }
    Ok(())
}

fn write_verdict(out: &mut String, verdict: &Verdict, style: Style) -> std::fmt::Result {
    writeln!(out, "\n{}", verdict_text(verdict, style))
}

/// The verification's part of the report.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "seconds, for people to read")]
pub fn verdict_text(verdict: &Verdict, style: Style) -> String {
    let mut out = format!("{} in {:.1} s\n", style.head("verified"), verdict.elapsed_ms as f64 / 1e3);
    let mut row = |name: &str, text: String| {
        let _ = writeln!(out, "  {name:<13} {text}");
    };
    row(
        "acknowledged",
        format!(
            "{} of {} sent again; each must come back replayed with its seq",
            grouped(verdict.acknowledged_checked),
            grouped(verdict.acknowledged)
        ),
    );
    if verdict.rejected_checked > 0 {
        row("rejected", format!("{} sent again; each must come back as it was", grouped(verdict.rejected_checked)));
    }
    let uncertain = &verdict.uncertain;
    if uncertain.count > 0 {
        row(
            "unanswered",
            format!(
                "{} sent again: {} had been done, {} were done now, {} rejected",
                grouped(uncertain.count),
                grouped(uncertain.had_been_done),
                grouped(uncertain.done_now),
                grouped(uncertain.rejected)
            ),
        );
    }
    let compared = verdict.wallets_checked > 0;
    let wallets = format!("{} compared with what was acknowledged", grouped(verdict.wallets_checked));
    row("wallets", if compared { wallets } else { "not compared: an earlier load topped them up".to_owned() });
    let currencies: Vec<_> = verdict.trial_balance.iter().map(|(c, sum)| format!("{c} {sum}")).collect();
    row(
        "trial balance",
        format!("debits {}", if currencies.is_empty() { "unknown".to_owned() } else { currencies.join(", ") }),
    );
    if verdict.torn_log {
        row(
            "log",
            "ends in the middle of a frame (the client was cut off); what was left out counts as unanswered".to_owned(),
        );
    }
    if verdict.is_clean() {
        let agrees = if compared { ", every wallet agrees" } else { "" };
        row("verdict", style.good(&format!("clean: nothing acknowledged is missing{agrees}, the books balance")));
    }
    for (violation, found) in &verdict.violations {
        let name = serde_json::to_string(violation).unwrap_or_default();
        row("VIOLATION", style.bad(&format!("{} x {}", grouped(found.count), name.trim_matches('"'))));
        for example in &found.examples {
            row("", example.clone());
        }
    }
    out.trim_end().to_owned()
}

/// Microseconds as milliseconds.
fn ms(us: u64) -> String {
    format!("{}.{:02}", us / 1000, us % 1000 / 10)
}

/// Digits in groups of three.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Found, Violation};

    #[test]
    fn figures_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(ms(1_234), "1.23");
        assert_eq!(ms(5), "0.00");
    }

    #[test]
    fn a_violation_is_loud_and_a_clean_verdict_says_so() {
        let plain = Style { colour: false };
        let mut verdict = Verdict::default();
        assert!(verdict_text(&verdict, plain).contains("clean"));
        let found = Found { count: 2, examples: vec!["w-1".to_owned()] };
        verdict.violations.insert(Violation::WalletDiffers, found);
        let text = verdict_text(&verdict, plain);
        assert!(text.contains("VIOLATION") && text.contains("2 x wallet_differs") && !text.contains("clean"), "{text}");
    }
}
