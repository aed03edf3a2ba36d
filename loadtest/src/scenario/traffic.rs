//! How the requests of a scenario travel.

use serde::{Deserialize, Serialize};

use crate::id::IdStyle;

/// Closed: the next request leaves when an answer arrives. Open: requests leave by a timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As fast as answers come back; latency from the actual send.
    Closed,
    /// By a timetable, whatever the server does; latency from the intended send.
    Open,
}

/// Open mode: what becomes of a message that is due while its connection has all in flight that it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// It leaves as soon as there is room; the wait is part of its latency.
    #[default]
    Wait,
    /// It is not sent, and counted; so those after it leave on time.
    Skip,
}

/// How requests travel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Closed or open.
    pub mode: Mode,
    /// TCP connections.
    pub connections: u32,
    /// Lines in flight per connection, at most.
    pub depth: u32,
    /// Requests a line: 1 sends plain lines, more sends arrays.
    #[serde(default = "one")]
    pub batch: u32,
    /// Length of the load phase, in seconds.
    pub duration_s: u64,
    /// How long answers are waited for after the last request has left, in seconds.
    #[serde(default = "fifteen")]
    pub drain_s: u64,
    /// Open mode: requests per second over all connections (after the ramp).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<u64>,
    /// Open mode: what is sent, in percent of that rate: a scenario can ask for a multiple of a peak that
    /// is only known when it is run.
    #[serde(default = "hundred", skip_serializing_if = "is_hundred")]
    pub rate_percent: u32,
    /// Open mode: the rate at the start; it grows evenly to `rate_per_second`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_from_per_second: Option<u64>,
    /// Open mode: how long the ramp takes, in seconds.
    #[serde(default)]
    pub ramp_s: u64,
    /// Open mode: lines that leave from one connection before it is the next one's turn.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub burst: u32,
    /// Open mode: what becomes of a line that is due while its connection is full.
    #[serde(default, skip_serializing_if = "is_wait")]
    pub when_full: WhenFull,
    /// How ids look.
    #[serde(default = "random")]
    pub ids: IdStyle,
}

const fn one() -> u32 {
    1
}

const fn hundred() -> u32 {
    100
}

const fn fifteen() -> u64 {
    15
}

const fn random() -> IdStyle {
    IdStyle::Random
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_one(burst: &u32) -> bool {
    *burst == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_hundred(percent: &u32) -> bool {
    *percent == 100
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_wait(when_full: &WhenFull) -> bool {
    matches!(when_full, WhenFull::Wait)
}
