//! The report as a picture: used and left by day, as recorded and in the lab.
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "places in a picture; no money is counted")]

use super::figures::{Line, of_day};
use super::moments::date;
use anyhow::{Result, anyhow, bail};
use fentan_engine::catalog::Catalog;
use fentan_engine::lab::{CurrencyReport, Report};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

/// Width and height of one panel in pixels.
const PANEL: (u32, u32) = (1000, 340);

/// What is drawn of a line: as recorded, in the lab.
type Value = fn(&Line<'_>) -> [i128; 2];

const PANELS: [(&str, Value); 2] = [
    ("used, refunds taken off", |line| line.used),
    ("left in wallets at the end of the day", |line| line.left.unwrap_or_default()),
];

/// Checks, before the journal is read, that the file's ending is known.
pub(super) fn check(path: &Path) -> Result<()> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => Ok(()),
        _ => bail!("{}: a plot is a file that ends in .svg", path.display()),
    }
}

/// Draws into the file.
pub(super) fn write(report: &Report, catalog: &Catalog, path: &Path) -> Result<()> {
    let panels: Vec<_> = report
        .currencies
        .iter()
        .filter(|of| !of.days.is_empty())
        .flat_map(|of| PANELS.map(|panel| (of, panel)))
        .collect();
    let height = u32::try_from(panels.len().max(1)).unwrap_or(1).saturating_mul(PANEL.1);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (PANEL.0, height)).into_drawing_area();
        root.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
        let areas = root.split_evenly((panels.len().max(1), 1));
        for (area, (of, (caption, value))) in areas.iter().zip(panels) {
            let caption = format!("{} {caption}: recorded, and under {}@{}", of.currency, report.rule, report.version);
            draw(area, of, catalog, &caption, value)?;
        }
        root.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(std::fs::write(path, svg)?)
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    of: &CurrencyReport,
    catalog: &Catalog,
    caption: &str,
    value: Value,
) -> Result<()> {
    let unit = 10_i128.pow(u32::from(of.currency.exponent())) as f64;
    let days: Vec<(i64, Vec<Line<'_>>)> = of.days.iter().map(|day| (day.day, of_day(of, day, catalog))).collect();
    let first = of.days.first().map_or(0, |day| day.day);
    let last = of.days.last().map_or(0, |day| day.day).max(first + 1);
    let values = days.iter().flat_map(|(_, lines)| lines.iter().filter(|line| !line.sub.is_empty()).flat_map(value));
    let (low, high) = values.fold((0, 1), |(low, high), minor| (minor.min(low), minor.max(high)));
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(110)
        .build_cartesian_2d(first..last, low as f64 / unit * 1.1..high as f64 / unit * 1.1)
        .map_err(|error| anyhow!("{error}"))?;
    chart
        .configure_mesh()
        .x_labels(8)
        .x_label_formatter(&|day| date(*day))
        .y_label_formatter(&|amount| format!("{amount:.0}"))
        .draw()
        .map_err(|error| anyhow!("{error}"))?;
    let subs = of.subs().count();
    for sub in 0..subs {
        let colour = Palette99::pick(sub).to_rgba();
        for (world, name) in [(1, "lab"), (0, "recorded")] {
            let points: Vec<(i64, f64)> = days
                .iter()
                .filter_map(|(day, lines)| Some((*day, value(lines.get(sub)?)[world] as f64 / unit)))
                .collect();
            // The lab's line is thick and what was recorded a thin one on it, so that both are seen where they agree.
            let stroke = if world == 0 { BLACK.mix(0.7).stroke_width(1) } else { colour.stroke_width(3) };
            let label = days.first().and_then(|(_, lines)| lines.get(sub)).map_or("", |line| line.sub);
            chart
                .draw_series(LineSeries::new(points, stroke).point_size(2))
                .map_err(|error| anyhow!("{error}"))?
                .label(format!("{label}, {name}"))
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], stroke));
        }
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(|error| anyhow!("{error}"))
}
