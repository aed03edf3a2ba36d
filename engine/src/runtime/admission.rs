//! Who may put requests into a shard's queue, and when the answer is `overloaded` instead (rule E5).
//!
//! | bound | of what | why |
//! |---|---|---|
//! | by number | what waits for one shard: [`Limits::queued_requests`](super::Limits::queued_requests) | memory |
//! | by time | what lines have asked for and is not answered, over all shards: as much as is answered within [`Limits::wait`](super::Limits::wait) | who waits longer is better told at once |
//! | by fairness | one client may have twice as many requests unanswered as places are free | nobody takes the last place |
//!
//! Who has few requests unanswered is bound by number alone, and has a share of the queue beyond that number to
//! himself: whoever asks little is served, whatever others send. Others cannot make him wait either ([`super::turns`]).
//! A batch asks for a long job with open eyes: it is bound by number and fairness, not by time.
//!
//! How much is answered within that time is measured where answers are released. What an answer waits for the disk is no
//! overload: it arrives during one sync and rests on the next, so two of them are taken from the time it took, and
//! the bound is as much as is answered within the wait and two syncs. While answers take less than half of the wait,
//! nothing is overloaded and the bound grows until there is none.

use super::request::Client;
use crate::accounts::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Who has no more requests unanswered asks little.
const FEW: usize = 128;
/// Of a small queue, a quarter is not little.
const FEW_OF: usize = 4;
/// The share of the queue, one of so many, beyond its number that is kept for those who ask little.
const RESERVE: usize = 8;
/// The bound by time is no smaller, in requests: a rate that was measured in a bad moment must not shut the door.
const PACE_LEAST: usize = 512;
/// For how long answers are counted to know their rate, in microseconds.
const WINDOW: Timestamp = 50_000;

/// How many unanswered requests are few, where the bound by number is this.
fn few(limit: usize) -> usize {
    FEW.min(limit / FEW_OF)
}

/// A parcel on its way in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// Its requests.
    pub(crate) requests: usize,
    /// Whose it is; `None` is the server itself.
    pub(crate) client: Option<Client>,
}

impl Ask {
    /// Whether the bound by time holds for it.
    pub(crate) fn is_paced(&self) -> bool {
        self.client.is_some_and(|client| !client.batch)
    }
}

/// What waits for one shard.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: AtomicUsize,
}

impl Queue {
    /// How many requests wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Takes places for a parcel; `false` when there are none for it. `limit` is the bound by number.
    pub(crate) fn enter(&self, ask: Ask, limit: usize, pace: &Pace) -> bool {
        let Ask { requests, client } = ask;
        let unanswered = client.map_or(0, |client| client.unanswered);
        let little = unanswered <= few(limit);
        let most = if little { limit.saturating_add(limit / RESERVE) } else { limit };
        let fair = |free: usize| requests <= free && (little || unanswered / 2 <= free);
        if ask.is_paced() && !little && !fair(pace.free()) {
            return false;
        }
        let enter = |before: usize| {
            // A parcel larger than the whole queue gets in when the queue is empty.
            (before == 0 || fair(most.saturating_sub(before))).then_some(before.saturating_add(requests))
        };
        // Who is refused takes no place meanwhile.
        let entered = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter).is_ok();
        if entered && ask.is_paced() {
            pace.open.fetch_add(requests, Ordering::AcqRel);
        }
        entered
    }

    /// So many have been done.
    pub(crate) fn leave(&self, requests: usize) {
        self.waiting.fetch_sub(requests, Ordering::AcqRel);
    }

    /// Takes an entry back.
    pub(crate) fn undo(&self, ask: Ask, pace: &Pace) {
        self.leave(ask.requests);
        if ask.is_paced() {
            pace.open.fetch_sub(ask.requests, Ordering::AcqRel);
        }
    }
}

/// The bound by time.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Requests of lines that have entered and are not answered.
    open: AtomicUsize,
    /// As many as may be; `usize::MAX` when nothing is overloaded.
    most: AtomicUsize,
}

impl Pace {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), most: AtomicUsize::new(usize::MAX) })
    }

    /// How many requests of lines may be unanswered; `None` when nothing is overloaded.
    pub(crate) fn most(&self) -> Option<usize> {
        Some(self.most.load(Ordering::Relaxed)).filter(|most| *most < usize::MAX)
    }

    /// How many more requests of lines a client may ask for now, who has so many unanswered.
    pub(crate) fn places(&self, unanswered: usize, limit: usize) -> usize {
        if self.most().is_none() {
            return usize::MAX;
        }
        let free = self.free();
        // What `Queue::enter` takes: a parcel that makes no more than twice what is free unanswered.
        let fair = free.min(free.saturating_mul(2).saturating_sub(unanswered));
        fair.max(few(limit).saturating_sub(unanswered))
    }

    fn free(&self) -> usize {
        self.most.load(Ordering::Relaxed).saturating_sub(self.open.load(Ordering::Acquire))
    }
}

/// What is answered together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// Requests of lines among it.
    pub(crate) paced: usize,
    /// When the first of these entered.
    pub(crate) since: Timestamp,
}

impl Answered {
    pub(crate) const NOTHING: Self = Self { paced: 0, since: Timestamp::MAX };
}

/// Measures how long answers take, and sets the bound by time.
#[derive(Debug)]
pub(crate) struct Watch {
    pace: Arc<Pace>,
    /// Within which answers are to leave, in microseconds; zero for no bound.
    wait: Timestamp,
    /// Beyond this number there is no bound.
    none: usize,
    /// The window under way: its begin, the requests answered in it, and the shortest time that a group of them took.
    begun: Timestamp,
    answered: usize,
    shortest: Timestamp,
    /// What two syncs took lately, in microseconds.
    syncs: Timestamp,
}

impl Watch {
    pub(crate) fn new(pace: Arc<Pace>, wait: Duration, queued_requests: usize) -> Self {
        let wait = Timestamp::try_from(wait.as_micros()).unwrap_or(Timestamp::MAX);
        Self { pace, wait, none: queued_requests, begun: 0, answered: 0, shortest: Timestamp::MAX, syncs: 0 }
    }

    /// A sync took so long.
    pub(crate) fn synced(&mut self, took: Duration) {
        let two = Timestamp::try_from(took.as_micros()).unwrap_or(Timestamp::MAX).saturating_mul(2);
        // The mean of about the last eight.
        self.syncs += (two - self.syncs) / 8;
    }

    /// These answers have left, at this time of the engine's clock.
    pub(crate) fn released(&mut self, group: Answered, now: Timestamp) {
        if group.paced == 0 {
            return;
        }
        self.pace.open.fetch_sub(group.paced, Ordering::AcqRel);
        if self.wait == 0 {
            return;
        }
        self.answered += group.paced;
        self.shortest = self.shortest.min(now.saturating_sub(group.since).saturating_sub(self.syncs).max(0));
        let length = now.saturating_sub(self.begun);
        if (0..WINDOW).contains(&length) {
            return;
        }
        // A window that began before a pause, or before the clock was set, says nothing.
        if (0..20 * WINDOW).contains(&length) {
            self.set(length);
        }
        (self.begun, self.answered, self.shortest) = (now, 0, Timestamp::MAX);
    }

    /// At the end of a window of this length, in microseconds.
    fn set(&self, length: Timestamp) {
        let before = self.pace.most.load(Ordering::Relaxed);
        let most = if self.shortest > self.wait / 2 {
            let wait = self.wait.saturating_add(self.syncs).unsigned_abs();
            let within = self.answered as u128 * u128::from(wait) / u128::from(length.unsigned_abs().max(1));
            usize::try_from(within).unwrap_or(usize::MAX).max(PACE_LEAST)
        } else {
            before.saturating_mul(2)
        };
        let most = if most >= self.none { usize::MAX } else { most };
        if most != before {
            self.pace.most.store(most, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1000;

    fn line(requests: usize, unanswered: usize) -> Ask {
        Ask { requests, client: Some(Client { key: 1, unanswered, batch: false }) }
    }

    fn batch(requests: usize, unanswered: usize) -> Ask {
        Ask { requests, client: Some(Client { key: 2, unanswered, batch: true }) }
    }

    #[test]
    fn e5_no_client_takes_the_last_place_and_who_asks_little_has_places_of_his_own() {
        let (queue, pace) = (Queue::default(), Pace::new());
        let mut unanswered = 0;
        while queue.enter(line(10, unanswered + 10), LIMIT, &pace) {
            unanswered += 10;
        }
        assert!((600..=LIMIT * 2 / 3 + 10).contains(&unanswered), "alone: two thirds, not {unanswered}");
        let rest = LIMIT - queue.waiting();
        assert!(queue.enter(batch(rest, rest), LIMIT, &pace) && queue.waiting() == LIMIT, "full");
        assert!(!queue.enter(line(1, 200), LIMIT, &pace), "who has much is refused");
        assert!(queue.enter(line(32, 32), LIMIT, &pace), "who has little is not");
        while queue.enter(line(32, 64), LIMIT, &pace) {}
        assert!(queue.waiting() <= LIMIT + LIMIT / RESERVE);
    }

    #[test]
    fn e5_a_parcel_larger_than_the_queue_enters_when_nothing_waits() {
        let (queue, pace) = (Queue::default(), Pace::new());
        assert!(queue.enter(batch(5 * LIMIT, 5 * LIMIT), LIMIT, &pace));
        assert!(!queue.enter(batch(1, 5 * LIMIT), LIMIT, &pace));
        queue.leave(5 * LIMIT);
        assert!(queue.enter(batch(1, 1), LIMIT, &pace));
    }

    /// Answers at so many a millisecond that took so long, for so many milliseconds.
    fn answer(watch: &mut Watch, now: &mut Timestamp, each_ms: usize, took: Timestamp, milliseconds: usize) {
        for _ in 0..milliseconds {
            *now += 1000;
            watch.pace.open.fetch_add(each_ms, Ordering::Relaxed);
            watch.released(Answered { paced: each_ms, since: *now - took }, *now);
        }
    }

    #[test]
    fn e5_when_answers_take_longer_than_they_should_lines_get_as_much_as_is_answered_in_time() {
        let (queue, pace) = (Queue::default(), Pace::new());
        let mut watch = Watch::new(Arc::clone(&pace), Duration::from_millis(20), 100_000);
        let mut now = 1_000_000;
        answer(&mut watch, &mut now, 200, 5_000, 300);
        assert_eq!(pace.most(), None, "they are in time");
        answer(&mut watch, &mut now, 200, 30_000, 300);
        let most = pace.most().expect("they are late");
        assert!((3_800..=4_200).contains(&most), "20 ms of 200 a millisecond, not {most}");
        assert!(queue.enter(line(1_000, 1_000), 100_000, &pace));
        let places = pace.places(1_000, 100_000);
        assert!(queue.enter(line(places, 1_000 + places), 100_000, &pace), "{places} are free");
        queue.undo(line(places, 1_000 + places), &pace);
        assert!(!queue.enter(line(places + 2, 1_000 + places + 2), 100_000, &pace), "and no more than {places}");
        assert_eq!(pace.places(100, 100_000), 28.max(places.min(2 * pace.free() - 100)));
        assert!(!queue.enter(line(3_500, 3_500), 100_000, &pace), "too little is free for it");
        assert!(queue.enter(line(100, 100), 100_000, &pace), "who asks little is not bound by time");
        assert!(queue.enter(batch(10_000, 10_000), 100_000, &pace), "nor is a batch");
        assert_eq!(pace.open.load(Ordering::Relaxed), 1_100);
        answer(&mut watch, &mut now, 100, 30_000, 300);
        assert!(pace.most().is_some_and(|most| (1_900..=2_100).contains(&most)), "half as fast: {:?}", pace.most());
        answer(&mut watch, &mut now, 100, 3_000, 600);
        assert_eq!(pace.most(), None, "the load is gone, and so is the bound");
    }

    #[test]
    fn e5_a_slow_disk_alone_bounds_nobody_and_lengthens_the_wait_under_load() {
        let pace = Pace::new();
        let mut watch = Watch::new(Arc::clone(&pace), Duration::from_millis(20), 100_000);
        let mut now = 1_000_000;
        for _ in 0..100 {
            watch.synced(Duration::from_millis(40));
        }
        answer(&mut watch, &mut now, 100, 85_000, 600);
        assert_eq!(pace.most(), None, "two syncs of 40 ms, and 5 ms of waiting");
        answer(&mut watch, &mut now, 100, 120_000, 600);
        let most = pace.most().expect("40 ms of waiting");
        assert!((9_000..=11_000).contains(&most), "100 ms of 100 a millisecond, not {most}");
    }

    #[test]
    fn e5_a_pause_or_a_clock_that_is_set_does_not_shut_the_door() {
        let pace = Pace::new();
        let mut watch = Watch::new(Arc::clone(&pace), Duration::from_millis(20), 100_000);
        let mut now = 1_000_000;
        answer(&mut watch, &mut now, 10, 30_000, 2);
        now += 60_000_000;
        answer(&mut watch, &mut now, 10, 30_000, 1);
        assert_eq!(pace.most(), None);
        now -= 3_600_000_000;
        answer(&mut watch, &mut now, 10, 30_000, 40);
        assert_eq!(pace.most(), None, "no whole window yet");
        answer(&mut watch, &mut now, 10, 30_000, 300);
        assert_eq!(pace.most(), Some(PACE_LEAST), "200 would be too few");
    }

    #[test]
    fn e5_without_a_wait_there_is_no_bound_by_time() {
        let pace = Pace::new();
        let mut watch = Watch::new(Arc::clone(&pace), Duration::ZERO, 100_000);
        let mut now = 1_000_000;
        answer(&mut watch, &mut now, 10, 900_000, 300);
        assert_eq!((pace.most(), pace.open.load(Ordering::Relaxed)), (None, 0));
    }
}
