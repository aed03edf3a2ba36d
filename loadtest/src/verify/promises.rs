//! What the server promised, made out of the log.
//!
//! One pass over the log gives, per wallet, the sum of what was acknowledged, and the commands whose
//! answer never came. Memory is the wallets and, per connection, the answers that overtook others;
//! it does not grow with the length of the run.

use std::collections::HashSet;
use std::path::Path;

use crate::acks::{AckError, AckReader, EventKind};
use crate::workload::{Workload, first_of_load};

/// The log, summed up.
#[derive(Debug, Default)]
pub struct Promises {
    /// Per wallet: the sum of the acknowledged effects, in minor units.
    pub expected: Vec<i64>,
    /// Commands that may or may not have been done: (connection, counter).
    pub uncertain: Vec<(u32, u64)>,
    /// Commands acknowledged.
    pub acknowledged: u64,
    /// Commands rejected, with a reject the server keeps.
    pub rejected: u64,
    /// Whether the log ends in the middle of a frame.
    pub torn: bool,
}

/// One connection's commands, while the log is read.
#[derive(Debug, Default)]
struct Track {
    /// Every command below this is settled.
    low: u64,
    /// Settled commands at or above `low`.
    settled: HashSet<u64>,
    /// Commands below this may have been sent.
    reserved: u64,
    /// Commands below this were sent, if the connection's end is in the log.
    ended: Option<u64>,
}

impl Promises {
    /// Reads the log at `path`, made by `workload`.
    ///
    /// # Errors
    /// As [`AckReader`] says.
    pub fn read(path: &Path, workload: &Workload) -> Result<Self, AckError> {
        let mut reader = AckReader::open(path)?;
        let wallets = usize::try_from(workload.wallets()).unwrap_or(usize::MAX);
        let connections = usize::try_from(workload.connections()).unwrap_or(usize::MAX);
        let mut promises = Self { expected: vec![0; wallets], ..Self::default() };
        // A later load of a run starts where no earlier one can have been.
        let low = first_of_load(reader.header().load_number);
        let mut tracks: Vec<Track> = (0..connections).map(|_| Track { low, ..Track::default() }).collect();
        while let Some(event) = reader.next_event()? {
            let Some(track) = usize::try_from(event.connection).ok().and_then(|c| tracks.get_mut(c)) else {
                continue;
            };
            match event.kind {
                EventKind::Reserved => {
                    track.reserved = track.reserved.max(event.counter);
                    continue;
                }
                EventKind::Ended => {
                    track.ended = Some(event.counter);
                    continue;
                }
                EventKind::Acknowledged { .. } => {
                    promises.acknowledged += 1;
                    let command = workload.command(event.connection, event.counter);
                    promises.apply(command.wallet, command.effect());
                }
                EventKind::Rejected { .. } => promises.rejected += 1,
                EventKind::Unrecorded | EventKind::Skipped => {}
            }
            track.settle(event.counter, |n| workload.command(event.connection, n).op.is_read());
        }
        promises.torn = reader.torn();
        for (connection, track) in (0_u32..).zip(&tracks) {
            let end = track.ended.unwrap_or(track.reserved);
            let open = (track.low..end).filter(|n| !track.settled.contains(n));
            promises
                .uncertain
                .extend(open.filter(|n| !workload.command(connection, *n).op.is_read()).map(|n| (connection, n)));
        }
        Ok(promises)
    }

    /// Adds an acknowledged effect to a wallet.
    ///
    /// Sums stay far inside `i64` for any run that fits a disk; should they not, the wallet would
    /// differ and be reported.
    pub fn apply(&mut self, wallet: u32, effect: i64) {
        if let Some(sum) = usize::try_from(wallet).ok().and_then(|w| self.expected.get_mut(w)) {
            *sum = sum.saturating_add(effect);
        }
    }
}

impl Track {
    fn settle(&mut self, counter: u64, is_read: impl Fn(u64) -> bool) {
        if counter >= self.low {
            self.settled.insert(counter);
        }
        // Reads promise nothing and are not in the log: they never hold the line up.
        while self.low < self.reserved && (self.settled.remove(&self.low) || is_read(self.low)) {
            self.low += 1;
        }
    }
}
