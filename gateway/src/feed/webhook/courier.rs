//! The thread of a webhook: reads a batch, signs it, sends it until it is acknowledged, moves the cursor, and again.

use super::config::Hook;
use super::cursor::Cursor;
use super::place::{Doing, Place, why};
use super::post::{Batch, Post};
use crate::feed::source::{Frame, PageAsk};
use crate::feed::{FeedFault, Source};
use fentan_engine::journal::Position;
use fentan_engine::ledger::Reject;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often it looks for new records when it has delivered all.
const IDLE: Duration = Duration::from_millis(20);
/// Batches that are not full come no faster: each costs two syncs of a small file.
const PACE: Duration = Duration::from_millis(100);
/// How long it waits when it cannot go on.
const STUCK: Duration = Duration::from_secs(5);
/// After so many records that a filter hides the cursor is written down.
const HIDDEN_MAX: u64 = 50_000;

/// Delivers for one webhook.
pub(super) struct Courier {
    hook: Hook,
    source: Arc<Source>,
    place: Arc<Place>,
    post: Post,
    ends: Arc<AtomicBool>,
    /// When the last batch was sent.
    sent: Option<Instant>,
}

impl Courier {
    pub(super) fn new(hook: Hook, source: Arc<Source>, place: Arc<Place>, ends: Arc<AtomicBool>) -> Self {
        let post = Post::new(&hook);
        Self { hook, source, place, post, ends, sent: None }
    }

    /// Delivers until the server ends.
    pub(super) fn run(mut self) {
        // The checkout goes first.
        fentan_threads::behind(10);
        while !self.has_ended() {
            let wait = self.step().unwrap_or_else(|reason| {
                tracing::error!(webhook = self.hook.name, reason, "a webhook cannot go on");
                self.place.note(|course| {
                    (course.doing, course.last_error) = (Doing::Stuck, Some(reason));
                });
                STUCK
            });
            self.count();
            if !wait.is_zero() {
                std::thread::park_timeout(wait);
            }
        }
        // What a filter has hidden need not be looked at again.
        let (cursor, since) = self.place.cursor();
        if let Err(error) = self.place.go(since, cursor, true) {
            tracing::warn!(webhook = self.hook.name, %error, "the cursor could not be written");
        }
    }

    fn has_ended(&self) -> bool {
        self.ends.load(Ordering::Acquire)
    }

    /// Does what is next; says how long there is nothing to do.
    fn step(&mut self) -> Result<Duration, String> {
        let (cursor, since) = self.place.cursor();
        let keep = |to: Cursor| self.place.go(since, to, true).map_err(|error| format!("its cursor: {error}"));
        if cursor.paused {
            return Ok(STUCK);
        }
        let durable = self.source.durable();
        if cursor.next <= durable + 1 {
            self.place.note(|course| {
                if course.doing == Doing::Stuck {
                    (course.doing, course.last_error) = (Doing::Idle, None);
                }
            });
        }
        if cursor.next == durable + 1 {
            // What was acknowledged is written down before there is nothing to do.
            if cursor.sending.is_none() && self.place.behind() > 0 {
                keep(cursor)?;
            }
            return Ok(IDLE);
        }
        let (batch, next, full) = self.read(&cursor, durable).map_err(|fault| why(&fault))?;
        let Some(batch) = batch else {
            // All hidden.
            let to = Cursor { next, sending: None, ..cursor };
            let far = self.place.behind() > HIDDEN_MAX;
            self.place.go(since, to, far).map_err(|error| format!("its cursor: {error}"))?;
            return Ok(Duration::ZERO);
        };
        let early = self.sent.map_or(Duration::ZERO, |sent| PACE.saturating_sub(sent.elapsed()));
        if !full && cursor.sending.is_none() && !early.is_zero() {
            keep(cursor)?;
            return Ok(early);
        }
        // From now on it is this batch, whatever happens. What was acknowledged before is written down with it.
        keep(Cursor { sending: Some(batch.last), ..cursor })?;
        if self.deliver(&batch, since) {
            let to = Cursor { next: batch.last + 1, sending: None, ..cursor };
            // Written down with the next batch, if that follows at once.
            let keeps = self.source.durable() < batch.last + self.hook.batch_records;
            self.place.go(since, to, keeps).map_err(|error| format!("its cursor: {error}"))?;
        }
        Ok(Duration::ZERO)
    }

    /// The next batch, if the filter leaves something; where the one after it begins; and whether no more fits in.
    fn read(&self, cursor: &Cursor, durable: Position) -> Result<(Option<Batch>, Position, bool), FeedFault> {
        if cursor.next > durable {
            return Err(Reject::PositionAhead { durable }.into());
        }
        // A batch that may have been sent has no other bounds than those it had.
        let pinned = cursor.sending.filter(|last| *last <= durable);
        let (records, bytes) = match pinned {
            Some(_) => (u64::MAX, usize::MAX),
            None => (self.hook.batch_records, self.hook.batch_bytes),
        };
        let ask = PageAsk {
            from: cursor.next,
            last: pinned.unwrap_or(durable),
            filter: self.hook.filter.clone(),
            records,
            bytes,
            frame: Frame::Members,
        };
        let page = self.source.page(&ask)?;
        if page.records == 0 {
            return Ok((None, page.next, false));
        }
        let (first, last) = (cursor.next, page.next - 1);
        let restored = self.source.restored;
        let field = restored.map(|restored| restored.field()).unwrap_or_default();
        let head =
            format!("{{\"webhook\":\"{}\",\"first\":{first},\"last\":{last}{field},\"records\":[", self.hook.name);
        let mut body = head.into_bytes();
        body.extend_from_slice(&page.bytes);
        body.extend_from_slice(b"]}");
        let full = page.records >= records || page.bytes.len() >= bytes || last < durable;
        let (filter, restored) = (cursor.filter, restored.map(|restored| restored.at));
        Ok((Some(Batch { first, last, records: page.records, filter, restored, body }), page.next, full))
    }

    /// Sends a batch until it is acknowledged; `false` when something else is to be done before.
    fn deliver(&mut self, batch: &Batch, since: u64) -> bool {
        let mut attempts = 0;
        while !self.has_ended() && self.place.is_unchanged(since) {
            attempts += 1;
            self.place.note(|course| (course.doing, course.attempts) = (Doing::Sending, attempts));
            let now = jiff::Timestamp::now();
            self.sent = Some(Instant::now());
            let result = self.post.send(&self.hook, batch, now.as_second());
            let word = if result.is_ok() { "acknowledged" } else { "failed" };
            let name = self.hook.name.clone();
            metrics::counter!("fentan_webhook_tries_total", "webhook" => name, "result" => word).increment(1);
            let Err(reason) = result else {
                self.place.note(|course| {
                    (course.doing, course.attempts, course.next_try_at) = (Doing::Idle, 0, None);
                    course.last_error = None;
                    course.delivered_at = Some(jiff::Timestamp::now().as_microsecond());
                    course.batches += 1;
                    course.records += batch.records;
                });
                return true;
            };
            let wait = backoff(attempts, self.hook.retry_first, self.hook.retry_max);
            // Once a batch, and then less and less often.
            if attempts.is_power_of_two() {
                let (id, wait_ms) = (batch.id(&self.hook.name), wait.as_millis());
                tracing::warn!(
                    webhook = self.hook.name,
                    id,
                    attempts,
                    wait_ms,
                    reason,
                    "a delivery was not acknowledged"
                );
            }
            let at = jiff::Timestamp::now().as_microsecond();
            let later = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
            self.place.note(|course| {
                (course.doing, course.last_error) = (Doing::Retrying, Some(reason));
                course.next_try_at = Some(at.saturating_add(later));
            });
            self.count();
            let until = Instant::now() + wait;
            while !self.has_ended() && self.place.is_unchanged(since) {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                std::thread::park_timeout(left);
            }
        }
        false
    }

    /// Says how it stands.
    #[allow(clippy::cast_precision_loss, reason = "a gauge shows a count to 53 bits")]
    fn count(&self) {
        let (cursor, _) = self.place.cursor();
        let lag = (self.source.durable() + 1).saturating_sub(cursor.next);
        let name = || self.hook.name.clone();
        metrics::gauge!("fentan_webhook_next_position", "webhook" => name()).set(cursor.next as f64);
        metrics::gauge!("fentan_webhook_lag_records", "webhook" => name()).set(lag as f64);
    }
}

/// How long to wait after so many tries: twice as long each time, up to a limit, and a random part of its second half
/// less, so that those who failed together do not come back together.
fn backoff(attempts: u32, first: Duration, most: Duration) -> Duration {
    let whole = first.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX)).min(most);
    let half = whole / 2;
    let random = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
    half + Duration::from_micros(fastrand::u64(0..=random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread() {
        let (first, most) = (Duration::from_millis(500), Duration::from_secs(300));
        for (attempts, whole) in [(1, 500), (2, 1_000), (3, 2_000), (10, 256_000), (11, 300_000), (40, 300_000)] {
            for _ in 0..100 {
                let wait = backoff(attempts, first, most).as_millis();
                assert!((whole / 2..=whole).contains(&wait), "{attempts}: {wait}");
            }
        }
        assert_eq!(backoff(u32::MAX, first, most).max(most), most);
    }
}
