//! The journal, read without the engine's help: every hash over its bytes, every link to the batch before.

use fentan_engine::journal::{HASH_LEN, HEADER_LEN, JournalReader, Position};
use fentan_engine::ledger::Record;
use std::collections::BTreeMap;

/// Every record by its position, and the hash of the last batch.
pub(crate) struct Written {
    pub(crate) records: BTreeMap<Position, Record>,
    pub(crate) end: [u8; HASH_LEN],
}

struct Walk {
    written: Written,
    number: u64,
    position: Position,
}

/// Reads the whole journal.
pub(crate) fn read(journal: &dyn JournalReader) -> Result<Written, String> {
    let written = Written { records: BTreeMap::new(), end: [0; HASH_LEN] };
    let mut walk = Walk { written, number: 1, position: 1 };
    let mut result = Ok(());
    let read = journal.read(1, &mut |bytes| {
        result = walk.batch(bytes);
        result.is_ok()
    });
    read.map_err(|error| format!("the journal: {error}"))?;
    result.map(|()| walk.written)
}

impl Walk {
    fn batch(&mut self, bytes: &[u8]) -> Result<(), String> {
        let at = self.position;
        let field =
            |from: usize| bytes.get(from..from + 8).and_then(|field| field.try_into().ok()).map(u64::from_le_bytes);
        let hashed = bytes.len().checked_sub(HASH_LEN).filter(|length| *length >= HEADER_LEN);
        let (body, hash) = bytes.split_at(hashed.ok_or_else(|| format!("the batch at {at} is too short"))?);
        if blake3::hash(body).as_bytes() != hash {
            return Err(format!("the hash of the batch at {at} is not that of its bytes"));
        }
        if body[HEADER_LEN - HASH_LEN..HEADER_LEN] != self.written.end {
            return Err(format!("the batch at {at} does not follow the one before it"));
        }
        if (field(16), field(24)) != (Some(self.number), Some(at)) {
            return Err(format!("the batch at {at} has another number or position"));
        }
        self.number += 1;
        self.written.end.copy_from_slice(hash);
        let mut rest = &body[HEADER_LEN..];
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let (record, more) = more.split_at_checked(length).ok_or_else(|| format!("a record at {at} is cut"))?;
            let record = Record::decode(record).map_err(|error| format!("position {}: {error}", self.position))?;
            self.written.records.insert(self.position, record);
            self.position += 1;
            rest = more;
        }
        Ok(())
    }
}
