//! The index of ids against the records.
//!
//! The store has every id up to the checkpoint, and of later ones some. Both sides are summed up to the checkpoint, each
//! id with its position, in an order that does not matter; so nothing is sorted and memory does not grow with the ledger.
//! Only when the sums differ are the ids gathered, to say which.

use super::Verification;
use crate::journal::{JournalReader, Position};
use crate::ledger::Record;
use crate::runtime::hashing::Hashing;
use crate::runtime::recovery::{RecoveryError, each_record, id_of};
use crate::store::{Store, StoreError};

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
}

/// The finaliser of `SplitMix64`.
const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The ids that the journal's records used.
pub(super) struct Used {
    checkpoint: Position,
    sum: Sum,
    /// After the checkpoint.
    later: Vec<(u64, Position)>,
}

impl Used {
    pub(super) fn new(checkpoint: Position) -> Self {
        Self { checkpoint, sum: Sum::default(), later: Vec::new() }
    }

    pub(super) fn note(&mut self, record: &Record, position: Position, hashing: &Hashing) {
        let Some(hash) = id_of(record, hashing) else { return };
        if position <= self.checkpoint {
            self.sum.add(hash, position);
        } else {
            self.later.push((hash, position));
        }
    }
}

pub(super) fn compare(
    report: &mut Verification,
    mut used: Used,
    (store, journal, hashing): (&dyn Store, &dyn JournalReader, &Hashing),
) -> Result<(), RecoveryError> {
    used.later.sort_unstable();
    let mut stored = Sum::default();
    let mut strangers = Vec::new();
    store.each_id(&mut |hash, entry| {
        let position = entry.position();
        if position <= used.checkpoint {
            stored.add(hash, position);
        } else if used.later.binary_search(&(hash, position)).is_err() {
            strangers.push((hash, position));
        }
        true
    })?;
    report.ids = stored.count;
    for (hash, position) in strangers {
        report.fault(format!(
            "the id with the hash {hash:016x}: the store has it at position {position}, no record does"
        ));
    }
    if stored != used.sum {
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
    store.each_id(&mut |hash, entry| {
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
