//! Forgetting what is old.

use super::format::file_name;
use super::medium::told;
use super::state::Segments;
use crate::errors::Fault;
use fentan_engine::journal::Position;
use std::fs;
use std::io;

impl Segments {
    /// Forgets the batches below `floor`, which begins a batch: first durably, then segments that lie wholly
    /// below it are deleted. When that is cut short, the next opening goes on with it. The last segment stays.
    pub(super) fn raise_floor(&self, floor: Position) -> Result<(), Fault> {
        if floor <= self.durable.read().floor {
            return Ok(());
        }
        self.set_control(|control| control.floor = control.floor.max(floor))?;
        let (gone, first) = {
            let mut durable = self.durable.write();
            durable.floor = durable.floor.max(floor);
            let needed = durable.segments.partition_point(|segment| segment.first <= durable.floor);
            let gone: Vec<_> = durable.segments.drain(..needed.saturating_sub(1)).collect();
            (gone, durable.segments.first().map_or(0, |segment| segment.first))
        };
        self.indexes.forget(first);
        for segment in gone {
            let path = self.folder.join(file_name(segment.first));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(&path, &error)),
                _ => {}
            }
        }
        Ok(())
    }
}
