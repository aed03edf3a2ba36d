//! Figures with their units, their medians over several runs, and the bars they are held to.

use std::fmt;

use serde::Serialize;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// So many a second.
    PerSecond,
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// One figure divided by another.
    Times,
    /// So many.
    Count,
}

/// A value with its unit, for people.
pub(crate) struct Shown(pub(crate) f64, pub(crate) Unit);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = *self;
        match unit {
            Unit::PerSecond => write!(f, "{}/s", grouped(value)),
            Unit::Count => write!(f, "{}", grouped(value)),
            Unit::Nanoseconds => write!(f, "{value:.1} ns"),
            Unit::Microseconds if value < 1_000.0 => write!(f, "{value:.0} µs"),
            Unit::Microseconds => write!(f, "{:.2} ms", value / 1e3),
            Unit::Seconds => write!(f, "{value:.2} s"),
            Unit::Bytes => bytes(f, value),
            Unit::BytesPerSecond => {
                bytes(f, value)?;
                f.write_str("/s")
            }
            Unit::Times if value.abs() >= 10.0 => write!(f, "{value:.1} ×"),
            Unit::Times => write!(f, "{value:.2} ×"),
        }
    }
}

fn bytes(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    match value.abs() {
        small if small < 10_240.0 => write!(f, "{} B", grouped(value.round())),
        kib if kib < 1_048_576.0 => write!(f, "{:.0} KiB", value / 1024.0),
        mib if mib < 10_737_418_240.0 => write!(f, "{:.0} MiB", value / 1_048_576.0),
        _ => write!(f, "{:.1} GiB", value / 1_073_741_824.0),
    }
}

/// A count, for people.
pub(crate) fn count(n: impl Into<u64>) -> String {
    let digits = n.into().to_string();
    in_threes(&digits)
}

fn in_threes(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Digits in groups of three; a small number keeps a decimal.
fn grouped(value: f64) -> String {
    if value.abs() < 10.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", in_threes(&format!("{:.0}", value.abs())))
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figure {
    /// What it is of.
    pub(crate) name: String,
    /// Its value in its unit.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: Unit,
    /// For the JSON only: the table has no room for it.
    #[serde(skip)]
    pub(crate) detail: bool,
}

/// The figures of one run of a row, in the order in which they are shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    /// Adds one.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64, unit: Unit) {
        self.0.push(Figure { name: name.into(), value, unit, detail: false });
    }

    /// Adds one that the table does not show.
    pub(crate) fn add_detail(&mut self, name: impl Into<String>, value: f64, unit: Unit) {
        self.0.push(Figure { name: name.into(), value, unit, detail: true });
    }

    /// The value called so.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Figure> {
        self.0.iter()
    }

    /// For each figure of the first run its median over all runs that have it.
    pub(crate) fn medians(runs: &[Self]) -> Self {
        let first = runs.first().map_or(&[][..], |run| &run.0);
        let median = |figure: &Figure| {
            let values = runs.iter().filter_map(|run| run.get(&figure.name)).collect();
            Figure { value: median(values).unwrap_or(figure.value), ..figure.clone() }
        };
        Self(first.iter().map(median).collect())
    }

    /// The lowest and the highest of a figure.
    pub(crate) fn spread(runs: &[Self], name: &str) -> Option<(f64, f64)> {
        let values = runs.iter().filter_map(|run| run.get(name));
        values.fold(None, |spread, value| {
            let (low, high): (f64, f64) = spread.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })
    }
}

/// The median; of an even number the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// On which side of its target a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// The target or more.
    AtLeast,
    /// The target or less.
    AtMost,
}

/// A figure and what it has to reach.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Bar {
    /// What is held to it.
    pub(crate) what: String,
    /// What was measured.
    pub(crate) figure: f64,
    /// In which unit.
    pub(crate) unit: Unit,
    /// Which side is good.
    pub(crate) side: Side,
    /// What it has to reach.
    pub(crate) target: f64,
}

impl Bar {
    /// The figure has to be at least the target.
    pub(crate) fn at_least(what: impl Into<String>, figure: f64, target: f64, unit: Unit) -> Self {
        Self { what: what.into(), figure, unit, side: Side::AtLeast, target }
    }

    /// The figure has to be at most the target.
    pub(crate) fn at_most(what: impl Into<String>, figure: f64, target: f64, unit: Unit) -> Self {
        Self { what: what.into(), figure, unit, side: Side::AtMost, target }
    }

    /// Whether it is reached. What is not a number reaches nothing.
    pub(crate) fn met(&self) -> bool {
        match self.side {
            Side::AtLeast => self.figure >= self.target,
            Side::AtMost => self.figure <= self.target,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn medians_are_taken_figure_by_figure() {
        let run = |a: f64, b: f64| {
            let mut figures = Figures::default();
            figures.add("a", a, Unit::Count);
            figures.add("b", b, Unit::Seconds);
            figures
        };
        let runs = [run(1.0, 9.0), run(5.0, 7.0), run(3.0, 8.0)];
        let medians = Figures::medians(&runs);
        assert_eq!((medians.get("a"), medians.get("b"), medians.get("c")), (Some(3.0), Some(8.0), None));
        assert_eq!(Figures::spread(&runs, "a"), Some((1.0, 5.0)));
    }

    #[test]
    fn a_bar_is_met_on_its_side_and_not_by_nothing() {
        assert!(Bar::at_least("x", 5.0, 5.0, Unit::Count).met());
        assert!(!Bar::at_least("x", 4.9, 5.0, Unit::Count).met());
        assert!(Bar::at_most("x", 5.0, 5.0, Unit::Count).met());
        assert!(!Bar::at_most("x", 5.1, 5.0, Unit::Count).met());
        assert!(!Bar::at_least("x", f64::NAN, 5.0, Unit::Count).met());
        assert!(!Bar::at_most("x", f64::NAN, 5.0, Unit::Count).met());
    }

    #[test]
    fn figures_are_shown_in_their_units() {
        let shown = |value, unit| Shown(value, unit).to_string();
        assert_eq!(shown(253_981.4, Unit::PerSecond), "253,981/s");
        assert_eq!(shown(950.0, Unit::Microseconds), "950 µs");
        assert_eq!(shown(4_250.0, Unit::Microseconds), "4.25 ms");
        assert_eq!(shown(195.0, Unit::Bytes), "195 B");
        assert_eq!(shown(1_113.4, Unit::Bytes), "1,113 B");
        assert_eq!(shown(419_430_400.0, Unit::Bytes), "400 MiB");
        assert_eq!(shown(0.953, Unit::Times), "0.95 ×");
        assert_eq!(shown(41.37, Unit::Times), "41.4 ×");
    }
}
