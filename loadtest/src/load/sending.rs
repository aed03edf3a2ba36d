//! What a connection sends next: as much as is due and there is room for.

use super::LoadError;
use super::connection::Connection;
use super::plan::{Phase, Plan, Timetable};
use super::tally::{LATE_NS, Tally};
use crate::acks::AckWriter;
use crate::scenario::WhenFull;
use crate::workload::Op;

/// Commands that are reserved in the log at once, at least.
const RESERVE: u64 = 4096;
/// Requests in flight over all connections while wallets are topped up.
const PREPARE_IN_FLIGHT: u64 = 32_768;
/// A connection tops up with so many in flight, at least and at most.
const PREPARE_EACH: (u64, u64) = (32, 4096);
/// Requests an array of the top-ups before the load, at most.
const PREPARE_BATCH_MAX: u64 = 512;

/// Requests in flight on one connection while wallets are topped up.
pub(crate) fn prepare_in_flight(connections: u32) -> u64 {
    (PREPARE_IN_FLIGHT / u64::from(connections.max(1))).clamp(PREPARE_EACH.0, PREPARE_EACH.1)
}

/// What is written besides the socket.
pub(crate) struct Sender<'a> {
    /// What all workers share.
    pub(crate) plan: &'a Plan,
    /// The log.
    pub(crate) acks: &'a mut AckWriter,
    /// The counts.
    pub(crate) tally: &'a mut Tally,
}

impl Sender<'_> {
    /// Gives a connection the requests that are due and have room. `due` is the number of messages of all
    /// connections that are due by the timetable.
    pub(crate) fn fill(
        &mut self,
        connection: &mut Connection,
        phase: &Phase,
        now_ns: u64,
        due: u64,
    ) -> Result<(), LoadError> {
        if connection.closed.is_some() {
            return Ok(());
        }
        if connection.resting {
            if now_ns < connection.rest_until_ns {
                return Ok(());
            }
            connection.resting = false;
            self.again(connection);
        }
        match phase {
            Phase::Prepare => self.top_up(connection, now_ns),
            Phase::Load { timetable: None, .. } => self.closed(connection, now_ns),
            Phase::Load { timetable: Some(timetable), start_ns, .. } => {
                self.open(connection, timetable, *start_ns, now_ns, due)
            }
        }
    }

    /// As many arrays of top-ups as there is room for.
    fn top_up(&mut self, connection: &mut Connection, now_ns: u64) -> Result<(), LoadError> {
        let workload = &self.plan.workload;
        let limit = prepare_in_flight(workload.connections());
        // Two arrays in flight at least: one is answered while the next is on its way.
        let array = (limit / 2).clamp(1, PREPARE_BATCH_MAX);
        let end = workload.prepare_count(connection.index);
        loop {
            let count = array.min(end.saturating_sub(connection.next));
            if count == 0 || connection.waiting + count > limit || !connection.has_room(count) {
                return Ok(());
            }
            self.message(connection, count, true, now_ns)?;
        }
    }

    /// As fast as answers come back.
    fn closed(&mut self, connection: &mut Connection, now_ns: u64) -> Result<(), LoadError> {
        let (batch, limit) = (self.plan.batch, self.plan.depth * self.plan.batch);
        while connection.waiting + batch <= limit && connection.has_room(batch) {
            self.message(connection, batch, batch > 1, now_ns)?;
        }
        Ok(())
    }

    /// By the timetable.
    fn open(
        &mut self,
        connection: &mut Connection,
        timetable: &Timetable,
        start_ns: u64,
        now_ns: u64,
        due: u64,
    ) -> Result<(), LoadError> {
        let (batch, limit) = (self.plan.batch, self.plan.depth * self.plan.batch);
        let due = timetable.schedule.share(connection.index, due);
        while connection.messages < due {
            if connection.waiting + batch > limit || !connection.has_room(batch) {
                if timetable.when_full == WhenFull::Skip {
                    self.tally.not_sent += (due - connection.messages) * batch;
                    connection.messages = due;
                }
                return Ok(());
            }
            let since_ns = start_ns + timetable.schedule.intended_ns(connection.index, connection.messages);
            if self.message(connection, batch, batch > 1, since_ns)? {
                connection.messages += 1;
                if now_ns.saturating_sub(since_ns) > LATE_NS {
                    self.tally.late += batch;
                }
            }
        }
        Ok(())
    }

    /// Sends again what the server had no room for.
    fn again(&mut self, connection: &mut Connection) {
        let retries = std::mem::take(&mut connection.retries);
        for array in retries.chunks(usize::try_from(PREPARE_BATCH_MAX).unwrap_or(1)) {
            for (place, counter) in array.iter().enumerate() {
                connection.out().push(if place == 0 { b'[' } else { b',' });
                let command = self.plan.workload.command(connection.index, *counter);
                self.plan.encoder.write(&command, connection.index, *counter, connection.out());
            }
            connection.out().extend_from_slice(b"]\n");
        }
    }

    /// Appends the next `count` commands as one line. `false` when all of them were skipped.
    fn message(
        &mut self,
        connection: &mut Connection,
        count: u64,
        array: bool,
        since_ns: u64,
    ) -> Result<bool, LoadError> {
        let first = connection.next;
        if first + count > connection.reserved {
            connection.reserved = first + count.max(RESERVE);
            self.acks.reserve(connection.index, connection.reserved)?;
        }
        let mut written = 0_u64;
        for counter in first..first + count {
            let command = self.plan.workload.command(connection.index, counter);
            if command.op == Op::Refund && connection.has_failed(command.target) {
                self.acks.skipped(connection.index, counter);
                self.tally.skipped += 1;
                connection.note(counter, true);
                continue;
            }
            if array {
                connection.out().push(if written == 0 { b'[' } else { b',' });
            }
            self.plan.encoder.write(&command, connection.index, counter, connection.out());
            connection.occupy(counter, command.op, since_ns);
            written += 1;
        }
        connection.next = first + count;
        if written == 0 {
            return Ok(false);
        }
        self.tally.sent += written;
        connection.out().extend_from_slice(if array { b"]\n" } else { b"\n" });
        Ok(true)
    }
}
