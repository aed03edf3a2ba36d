//! The index of ids against the records.
//!
//! The store has every id up to the checkpoint, and of later ones some. Both sides are summed up to the checkpoint, each
//! id with its position, in an order that does not matter; so nothing is sorted and memory does not grow with the ledger.
//! Only when the sums differ are the ids gathered, to say which.

use super::Verification;
use crate::journal::{JournalReader, Position};
use crate::runtime::hashing::Hashing;
use crate::runtime::recovery::{RecoveryError, each_record, id_of};
use crate::store::{Store, StoreError};
use hashbrown::HashSet;
use std::ops::RangeInclusive;

/// Ids and where their records are, of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    mixed: u128,
}

impl Sum {
    fn add(&mut self, hash: u64, position: Position) {
        self.count += 1;
        // Two rounds of a 64-bit mixer: what differs in one bit differs in half of the bits of the sum.
        let low = mix(hash ^ mix(position));
        let high = mix(low ^ hash.rotate_left(32));
        self.mixed = self.mixed.wrapping_add(u128::from(high) << 64 | u128::from(low));
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.mixed = self.mixed.wrapping_add(other.mixed);
    }
}

/// The finaliser of `SplitMix64`.
const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The ids that the journal's records used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Used {
    checkpoint: Position,
    sum: Sum,
    /// After the checkpoint.
    later: HashSet<(u64, Position)>,
}

impl Used {
    pub(super) fn new(checkpoint: Position) -> Self {
        Self { checkpoint, sum: Sum::default(), later: HashSet::new() }
    }

    #[inline]
    pub(super) fn note(&mut self, hash: u64, position: Position) {
        if position <= self.checkpoint {
            self.sum.add(hash, position);
        } else {
            self.later.insert((hash, position));
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sum.merge(other.sum);
        self.later.extend(other.later);
    }
}

/// The ids that the store has.
#[derive(Default)]
pub(super) struct Stored {
    sum: Sum,
    newest: Position,
    /// After the checkpoint, and no record's.
    strangers: Vec<(u64, Position)>,
}

impl Stored {
    /// Adds those of a range of hashes.
    pub(super) fn read(
        &mut self,
        store: &dyn Store,
        hashes: RangeInclusive<u64>,
        used: &Used,
    ) -> Result<(), StoreError> {
        store.each_id(hashes, &mut |hash, entry| {
            let position = entry.position();
            self.newest = self.newest.max(position);
            if position <= used.checkpoint {
                self.sum.add(hash, position);
            } else if !used.later.contains(&(hash, position)) {
                self.strangers.push((hash, position));
            }
            true
        })
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sum.merge(other.sum);
        self.newest = self.newest.max(other.newest);
        self.strangers.extend(other.strangers);
    }

    pub(super) const fn newest(&self) -> Position {
        self.newest
    }
}

pub(super) fn compare(
    report: &mut Verification,
    used: &Used,
    stored: Stored,
    (store, journal, hashing): (&dyn Store, &dyn JournalReader, &Hashing),
) -> Result<(), RecoveryError> {
    report.ids = stored.sum.count;
    for (hash, position) in stored.strangers {
        report.fault(format!(
            "the id with the hash {hash:016x}: the store has it at position {position}, no record does"
        ));
    }
    if stored.sum != used.sum {
        tell(report, used.checkpoint, (store, journal, hashing))?;
    }
    Ok(())
}

/// Says which ids differ: the records' are gathered and sorted, 16 bytes each.
fn tell(
    report: &mut Verification,
    checkpoint: Position,
    (store, journal, hashing): (&dyn Store, &dyn JournalReader, &Hashing),
) -> Result<(), RecoveryError> {
    let before = report.faults_found;
    let mut records: Vec<(u64, Position)> = Vec::new();
    each_record(journal, 1, &mut |position, record, _| {
        if position <= checkpoint {
            records.extend(id_of(&record, hashing).map(|hash| (hash, position)));
        }
        Ok(())
    })?;
    records.sort_unstable();
    let mut seen = vec![false; records.len()];
    store.each_id(0..=u64::MAX, &mut |hash, entry| {
        let position = entry.position();
        match records.binary_search(&(hash, position)) {
            Ok(at) => seen[at] = true,
            Err(_) if position <= checkpoint => {
                report.fault(format!(
                    "the id with the hash {hash:016x}: the store has it at position {position}, no record does"
                ));
            }
            Err(_) => {}
        }
        true
    })?;
    for ((hash, position), _) in records.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        report.fault(format!(
            "the id with the hash {hash:016x} of the record at position {position} is not in the store"
        ));
    }
    if report.faults_found == before {
        // The sums differ, so something was not the same both times; to say nothing would be worse.
        return Err(StoreError("the index of ids changed while it was read".into()).into());
    }
    Ok(())
}
