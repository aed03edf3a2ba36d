//! The table for people.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};

use super::{Report, Row, Verdict};
use crate::figures::{Figures, Shown, Unit, count};
use crate::growth::Axis;

/// Width of the table where the terminal does not say.
const WIDTH: u16 = 160;

/// The whole table, with its conditions above and the growth below.
pub(crate) fn render(report: &Report) -> String {
    let conditions = &report.conditions;
    let mut out = format!(
        "{}: {} processors ({}), {:.0} GiB, device {}, {}{}; load average {} before, {} after\n\
         Server, load tool and disk share the machine. Every answer after its sync. Ratios are of one round.\n",
        conditions.version,
        conditions.processors,
        conditions.processor,
        gib(conditions.memory_bytes),
        conditions.device.as_deref().unwrap_or("unknown"),
        if conditions.runs == 1 { "one run".to_owned() } else { format!("medians of {} runs", conditions.runs) },
        if conditions.quick { ", QUICK: sizes are cut down, figures are no figures" } else { "" },
        conditions.load_average[0],
        conditions.load_average[1],
    );
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table.set_header(["goal", "what", "target", "figure", "share of the machine", "verdict", "conditions"]);
    for row in &report.rows {
        table.add_row([
            row.goal.to_owned(),
            row.what.to_owned(),
            row.target.to_owned(),
            figures(row),
            shares(&row.shares),
            verdict(row.verdict).to_owned(),
            row.conditions.clone(),
        ]);
    }
    out.push_str(&table.to_string());
    out.push('\n');
    for axis in &report.growth {
        out.push_str(&growth(axis));
    }
    out
}

fn growth(axis: &Axis) -> String {
    let mut lines = vec![format!("\n{} ({}):", axis.what, axis.conditions)];
    for point in &axis.points {
        let (at, rate) = (count(point.at), Shown(point.per_second, Unit::PerSecond).to_string());
        lines.push(format!("  {at:>10}  {rate:>12}   p50 {} µs, p99 {} µs", count(point.p50_us), count(point.p99_us)));
    }
    if let Some(ratio) = axis.last_to_first() {
        lines.push(format!("  last ÷ first: {}", Shown(ratio, Unit::Times)));
    }
    lines.join("\n") + "\n"
}

#[expect(clippy::cast_precision_loss, reason = "a size, for people to read")]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / 1_073_741_824.0
}

/// Figures that are held to a target first, then the others.
fn figures(row: &Row) -> String {
    let mut lines: Vec<String> = Vec::new();
    for bar in &row.bars {
        let mark = if bar.met() { "✔" } else { "✘" };
        lines.push(format!("{mark} {}: {}{}", bar.what, Shown(bar.figure, bar.unit), spread(row, &bar.what)));
    }
    for figure in
        row.figures.iter().filter(|figure| !figure.detail && !row.bars.iter().any(|bar| bar.what == figure.name))
    {
        lines.push(format!("{}: {}{}", figure.name, Shown(figure.value, figure.unit), spread(row, &figure.name)));
    }
    if let Some(reason) = &row.reason {
        lines.push(reason.clone());
    }
    lines.join("\n")
}

/// The lowest and the highest of several runs.
fn spread(row: &Row, name: &str) -> String {
    let unit = row.figures.iter().find(|figure| figure.name == name).map(|figure| figure.unit);
    match (Figures::spread(&row.runs, name), unit) {
        (Some((low, high)), Some(unit)) if row.runs.len() > 1 => {
            format!(" ({} to {})", Shown(low, unit), Shown(high, unit))
        }
        _ => String::new(),
    }
}

fn shares(shares: &Figures) -> String {
    shares
        .iter()
        .map(|share| format!("{} {}", Shown(share.value, share.unit), share.name))
        .collect::<Vec<_>>()
        .join("\n")
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Missed => "MISSED",
        Verdict::Measured => "measured",
        Verdict::LeftOut => "left out",
        Verdict::Failed => "FAILED",
    }
}
