//! What came out, as data; the table and the pictures are made of it.

pub(crate) mod plot;
pub(crate) mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::figures::{Bar, Figures};
use crate::growth::Axis;

/// Whether a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Every bar was reached.
    Met,
    /// One was not.
    Missed,
    /// Nothing was to be reached.
    Measured,
    /// Left out on purpose.
    LeftOut,
    /// It could not be measured.
    Failed,
}

/// A row of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) goal: &'static str,
    /// What was done.
    pub(crate) what: &'static str,
    /// What had to come out.
    pub(crate) target: &'static str,
    /// Whether it did.
    pub(crate) verdict: Verdict,
    /// What was held to a target.
    pub(crate) bars: Vec<Bar>,
    /// Medians over the runs.
    pub(crate) figures: Figures,
    /// Medians as shares of the machine's limits.
    pub(crate) shares: Figures,
    /// Every run.
    pub(crate) runs: Vec<Figures>,
    /// Over time, of the last run.
    pub(crate) series: BTreeMap<String, Vec<(f64, f64)>>,
    /// Conditions of its own.
    pub(crate) conditions: String,
    /// Why it was left out, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// Where and how it was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Conditions {
    /// What the measured program says of itself: its version, and whether it is tuned.
    pub(crate) version: String,
    /// Processors; server, load tool and disk share them.
    pub(crate) processors: usize,
    /// Their name.
    pub(crate) processor: String,
    /// Memory, in bytes.
    pub(crate) memory_bytes: u64,
    /// The device under the data, by number, when it is one.
    pub(crate) device: Option<String>,
    /// Load average before and after: what else the machine was doing.
    pub(crate) load_average: [String; 2],
    /// Runs of each row.
    pub(crate) runs: u32,
    /// Whether only a few seconds of each were done.
    pub(crate) quick: bool,
}

/// Everything.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// Where and how.
    pub(crate) conditions: Conditions,
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// Cost as work grows; empty when it was not asked for.
    pub(crate) growth: Vec<Axis>,
}

impl Report {
    /// Whether nothing was missed and nothing failed.
    pub(crate) fn holds(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.verdict, Verdict::Missed | Verdict::Failed))
    }

    /// Writes `peak.json`, `peak.txt` and the pictures into a folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let put = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())
        };
        put("peak.json", serde_json::to_string_pretty(self)? + "\n")?;
        put("peak.txt", table::render(self))?;
        for (name, picture) in plot::all(self)? {
            put(&name, picture)?;
        }
        Ok(())
    }
}
