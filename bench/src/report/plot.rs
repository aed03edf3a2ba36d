//! The pictures: throughput beside the peers', what rows saw over time, and a line for each axis of growth.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{Report, Row};
use crate::figures::Unit;
use crate::growth::Axis;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 480);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Every picture, with the name of its file.
pub(crate) fn all(report: &Report) -> anyhow::Result<Vec<(String, String)>> {
    let mut out = Vec::new();
    let rates = rates(report);
    if !rates.is_empty() {
        out.push(("throughput.svg".to_owned(), picture(|area| bars(area, &rates))?));
    }
    for row in &report.rows {
        for (name, points) in &row.series {
            let file = format!("{}-{}.svg", row.goal.to_lowercase(), name.replace(' ', "-").to_lowercase());
            out.push((file, picture(|area| over_time(area, row, name, points))?));
        }
    }
    for axis in &report.growth {
        out.push((format!("growth-{}.svg", axis.name), picture(|area| growth(area, axis))?));
    }
    Ok(out)
}

fn picture(draw: impl FnOnce(&Area<'_>) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        area.present()?;
    }
    Ok(text)
}

/// Everything that is so many spends a second.
fn rates(report: &Report) -> Vec<(String, f64)> {
    let rows = report.rows.iter().filter(|row| ["T1", "T2", "PostgreSQL", "Redis"].contains(&row.goal));
    let of = |row: &Row| {
        let goal = row.goal;
        let rates = row.figures.iter().filter(|figure| figure.unit == Unit::PerSecond);
        rates.map(|figure| (format!("{goal}: {}", figure.name), figure.value)).collect::<Vec<_>>()
    };
    rows.flat_map(of).collect()
}

/// Bars on a logarithmic scale: they differ by orders of magnitude.
fn bars(area: &Area<'_>, rates: &[(String, f64)]) -> anyhow::Result<()> {
    let top = rates.iter().map(|(_, rate)| *rate).fold(1.0, f64::max);
    let from = 100.0;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let height = rates.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .caption("durable spends a second", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(8)
        .build_cartesian_2d((from..top * 3.0).log_scale(), 0.0..height)?;
    chart.configure_mesh().disable_y_mesh().y_labels(0).x_label_formatter(&|rate| format!("{rate:.0}")).draw()?;
    // From the top down.
    let mut foot = height;
    for (name, rate) in rates {
        foot -= 1.0;
        let colour = if name.starts_with('T') { BLUE } else { RGBColor(150, 150, 150) };
        let bar = Rectangle::new([(from, foot + 0.1), (rate.max(from), foot + 0.9)], colour.mix(0.6).filled());
        let label = Text::new(format!("{name}  {rate:.0}/s"), (from * 1.05, foot + 0.7), ("sans-serif", 13));
        chart.draw_series([bar])?;
        chart.draw_series([label])?;
    }
    Ok(())
}

fn over_time(area: &Area<'_>, row: &Row, name: &str, points: &[(f64, f64)]) -> anyhow::Result<()> {
    let end = points.last().map_or(1.0, |(at, _)| *at).max(1.0);
    let top = points.iter().map(|(_, value)| *value).fold(1.0, f64::max) * 1.1;
    let mut chart = builder(area, &format!("{}: {}", row.goal, row.what)).build_cartesian_2d(0.0..end, 0.0..top)?;
    chart.configure_mesh().x_desc("seconds").y_desc(name).y_label_formatter(&|value| format!("{value:.0}")).draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
    Ok(())
}

fn growth(area: &Area<'_>, axis: &Axis) -> anyhow::Result<()> {
    let points: Vec<(f64, f64)> = axis.points.iter().map(|point| (f64::from(point.at), point.per_second)).collect();
    let most = points.last().map_or(1.0, |(at, _)| *at).max(2.0);
    let top = points.iter().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.2;
    let mut chart = builder(area, &format!("durable spends a second by {}", axis.what))
        .build_cartesian_2d((1.0..most).log_scale(), 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc(axis.what)
        .y_desc("per second")
        .x_label_formatter(&|at| format!("{at:.0}"))
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
    chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, BLUE.filled())))?;
    Ok(())
}

fn builder<'a, 'b>(area: &'a Area<'b>, caption: &str) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder.caption(caption, ("sans-serif", 18)).margin(12).x_label_area_size(38).y_label_area_size(80);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::Point;

    #[test]
    fn a_line_of_growth_is_drawn_with_its_points() {
        let point = |at, per_second| Point { at, per_second, p50_us: 1, p99_us: 2 };
        let axis = Axis {
            name: "wallets",
            what: "wallets",
            conditions: String::new(),
            points: vec![point(10_000, 250_000.0), point(100_000, 240_000.0)],
        };
        let svg = picture(|area| growth(area, &axis)).unwrap();
        assert!(svg.starts_with("<svg") && svg.matches("<circle").count() == 2, "{svg}");
    }
    #[test]
    fn every_rate_has_its_bar_and_its_name() {
        let rates = [("T1: random ids".to_owned(), 250_000.0), ("Redis: one".to_owned(), 20_000.0)];
        let svg = picture(|area| bars(area, &rates)).unwrap();
        assert!(svg.contains("T1: random ids  250000/s") && svg.contains("Redis: one  20000/s"), "{svg}");
    }
}
