//! What an answer means for the command it answers: free its slot, log it, count it.

use fentan_protocol::RejectCode;

use super::connection::Connection;
use super::plan::Plan;
use super::tally::Tally;
use crate::acks::AckWriter;
use crate::scan::Scan;

/// Longest rest after `overloaded`, whatever the hint.
const REST_MS_MAX: u64 = 1000;
/// When to come back after `overloaded` without a hint.
const RETRY_MS: u64 = 5;
/// What a connection does when it is told `overloaded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resting {
    /// Rests for as long as the answer says, then sends the same command again (preparing).
    AndRetry,
    /// Rests, then goes on with the next command (closed loop: rejects must not become a race).
    AndGoOn,
    /// Keeps to its timetable (open loop).
    Never,
}

/// Settles one answered command.
pub(crate) fn answer(
    plan: &Plan,
    connection: &mut Connection,
    acks: &mut AckWriter,
    tally: &mut Tally,
    resting: Resting,
    scan: &Scan<'_>,
    now_ns: u64,
) {
    let place = plan.encoder.ids().read(scan.id).filter(|(of, _)| *of == connection.index);
    let Some((counter, op, since_ns)) =
        place.and_then(|(_, counter)| connection.in_flight(counter).map(|(op, since_ns)| (counter, op, since_ns)))
    else {
        tally.stray(scan.raw);
        return;
    };
    tally.last_answer_ns = now_ns;
    let number = connection.index;
    let waited_us = now_ns.saturating_sub(since_ns) / 1000;
    if scan.ok {
        connection.settle(counter, false);
        tally.ok[op.index()] += 1;
        tally.replayed += u64::from(scan.replayed);
        if !op.is_read() {
            if scan.seq.is_none() {
                // A promise without a journal position cannot be held to; the contract has one.
                tally.stray(scan.raw);
            }
            acks.acknowledged(number, counter, scan.seq.unwrap_or(0));
        }
    } else {
        let text = std::str::from_utf8(scan.code).unwrap_or("");
        tally.reject(op, text, scan.raw);
        let code = RejectCode::from(text);
        if code.is_transient() && resting != Resting::Never {
            connection.resting = true;
            let rest_ms = scan.retry_after_ms.unwrap_or(RETRY_MS).min(REST_MS_MAX);
            connection.rest_until_ns = now_ns + rest_ms * 1_000_000;
            if resting == Resting::AndRetry {
                connection.retries.push(counter);
                return;
            }
        }
        connection.settle(counter, true);
        if !code.is_recorded() {
            tally.refused_us.saturating_record(waited_us.max(1));
            acks.unrecorded(number, counter);
            return;
        }
        if !op.is_read() {
            acks.rejected(number, counter, scan.code);
        }
    }
    tally.waited(op, waited_us);
}
