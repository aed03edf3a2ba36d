//! The report as a picture: throughput over time, latency over time, and the latency curve.
//!
//! An `.svg` file has the picture alone; an `.html` file has it in a page with the table below, in
//! one file that needs nothing else.
#![expect(clippy::float_arithmetic, reason = "times, rates and likelihoods; no money here")]

use std::path::{Path, PathBuf};

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::{Load, Report, table};

/// Width and height of the picture in pixels.
const SIZE: (u32, u32) = (1000, 1050);

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Neither `.svg` nor `.html`.
    #[error("{}: a plot is a file that ends in .svg or .html", path.display())]
    Kind {
        /// What was asked for.
        path: PathBuf,
    },
    /// The file system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// The drawing library says no.
    #[error("drawing failed: {0}")]
    Draw(String),
}

/// Checks, before hours of load, that the file's ending is known.
///
/// # Errors
/// [`PlotError::Kind`].
pub fn check(path: &Path) -> Result<(), PlotError> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("svg" | "html") => Ok(()),
        _ => Err(PlotError::Kind { path: path.to_owned() }),
    }
}

/// Draws the report's load into `path`.
///
/// # Errors
/// See [`PlotError`].
pub fn write(report: &Report, load: &Load, path: &Path) -> Result<(), PlotError> {
    check(path)?;
    let svg = svg(&report.scenario.name, load).map_err(PlotError::Draw)?;
    let text = if path.extension().is_some_and(|e| e == "html") { page(report, &svg) } else { svg };
    std::fs::write(path, text).map_err(|source| PlotError::Io { path: path.to_owned(), source })
}

fn page(report: &Report, svg: &str) -> String {
    let table = escaped(&table::render(report, table::Style { colour: false }));
    let name = escaped(&report.scenario.name);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>fentan-loadtest: {name}</title>\n\
         <style>body{{font-family:sans-serif;max-width:1000px;margin:2em auto}}pre{{overflow-x:auto}}</style>\n\
         {svg}\n<pre>{table}</pre>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One line of a chart: its label, its colour and its points.
type Line = (&'static str, RGBColor, Vec<(f64, f64)>);

fn svg(name: &str, load: &Load) -> Result<String, String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| e.to_string())?;
        let panels = root.split_evenly((3, 1));
        let [throughput, latency, curve] = panels.as_slice() else {
            return Err("three panels were asked for".to_owned());
        };
        let end_s = load.seconds.last().map_or(1.0, |s| s.at_s).max(1.0);
        let over_time =
            |value: fn(&super::Second) -> f64| load.seconds.iter().map(|s| (s.at_s, value(s))).collect::<Vec<_>>();
        let lines: [Line; 2] = [
            ("answers ok per second", BLUE, over_time(|s| s.ok_per_second)),
            ("spends per second", GREEN, over_time(|s| s.spends_per_second)),
        ];
        let top = highest(&lines) * 1.1;
        let mut chart = builder(throughput, &format!("{name}: throughput"))
            .build_cartesian_2d(0.0..end_s, 0.0..top)
            .map_err(|e| e.to_string())?;
        chart
            .configure_mesh()
            .x_desc("seconds")
            .y_desc("per second")
            .y_label_formatter(&|v| format!("{v:.0}"))
            .draw()
            .map_err(|e| e.to_string())?;
        draw(&mut chart, lines)?;

        let lines: [Line; 2] = [("p99", RED, over_time(|s| ms(s.p99_us))), ("p50", BLUE, over_time(|s| ms(s.p50_us)))];
        let top = highest(&lines) * 2.0;
        let mut chart = builder(latency, "latency of each second")
            .build_cartesian_2d(0.0..end_s, (0.01..top).log_scale())
            .map_err(|e| e.to_string())?;
        chart
            .configure_mesh()
            .x_desc("seconds")
            .y_desc("milliseconds")
            .y_label_formatter(&|v| format!("{v}"))
            .draw()
            .map_err(|e| e.to_string())?;
        draw(&mut chart, lines)?;

        let points = load.curve.iter().map(|p| (nines(p.percent), ms(p.latency_us))).collect();
        let lines: [Line; 1] = [("all operations", BLUE, points)];
        let top = highest(&lines) * 2.0;
        let mut chart = builder(curve, "latency by share of the answers")
            .build_cartesian_2d(0.0..5.0, (0.01..top).log_scale())
            .map_err(|e| e.to_string())?;
        chart
            .configure_mesh()
            .x_desc("percent of the answers that were at least so fast")
            .x_labels(6)
            .x_label_formatter(&|x| percent_at(*x))
            .y_desc("milliseconds")
            .y_label_formatter(&|v| format!("{v}"))
            .draw()
            .map_err(|e| e.to_string())?;
        draw(&mut chart, lines)?;
        root.present().map_err(|e| e.to_string())?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn builder<'a, 'b>(area: &'a Area<'b>, caption: &str) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder.caption(caption, ("sans-serif", 18)).margin(12).x_label_area_size(38).y_label_area_size(70);
    builder
}

fn draw<'a, Y, const N: usize>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>,
    lines: [Line; N],
) -> Result<(), String>
where
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    for (label, colour, points) in lines {
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))
            .map_err(|e| e.to_string())?
            .label(label)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(|e| e.to_string())
}

fn highest(lines: &[Line]) -> f64 {
    lines.iter().flat_map(|(_, _, points)| points).map(|(_, y)| *y).fold(1.0, f64::max)
}

#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn ms(us: u64) -> f64 {
    (us as f64 / 1e3).max(0.01)
}

/// How many nines: 90% is 1, 99% is 2; 100% is put at 5.
fn nines(percent: f64) -> f64 {
    if percent >= 100.0 { 5.0 } else { -(1.0 - percent / 100.0).log10() }
}

fn percent_at(nines: f64) -> String {
    if nines >= 5.0 { "100".to_owned() } else { format!("{:.3}", 100.0 - 10_f64.powf(2.0 - nines)) }
}
