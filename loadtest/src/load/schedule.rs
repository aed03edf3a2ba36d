//! When requests are *meant* to leave, in open mode.
//!
//! The timetable is fixed before the first request leaves: a rate, perhaps reached by an even ramp.
//! Messages leave from the connections in turn, a *burst* of them from each (one, unless the scenario
//! says more), so each connection knows its own times without asking the others. A server that is slow delays the sending, not the
//! timetable; latency counts from the timetable, so waiting to be sent is part of it.
//!
//! Times and rates are floats: they are physics, not money.
#![expect(clippy::float_arithmetic, reason = "times, rates and likelihoods; no money here")]

use crate::scenario::{Mode, Traffic};

const NS_PER_S: f64 = 1e9;

/// The timetable of an open load.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// Messages per second at the start of the ramp.
    from_per_second: f64,
    /// Messages per second after the ramp.
    to_per_second: f64,
    ramp_s: f64,
    connections: u64,
    /// Messages that leave from one connection before it is the next one's turn.
    burst: u64,
}

impl Schedule {
    /// The timetable of a scenario's traffic; `None` for closed mode.
    #[must_use]
    pub(crate) fn of(traffic: &Traffic) -> Option<Self> {
        if traffic.mode == Mode::Closed {
            return None;
        }
        let batch = f64::from(traffic.batch);
        let per_second = |rate: u64| as_f64(rate) * f64::from(traffic.rate_percent) / 100.0 / batch;
        let to_per_second = per_second(traffic.rate_per_second?);
        let from_per_second = traffic.ramp_from_per_second.map_or(to_per_second, per_second);
        Some(Self {
            from_per_second,
            to_per_second,
            ramp_s: as_f64(traffic.ramp_s),
            connections: u64::from(traffic.connections),
            burst: u64::from(traffic.burst.max(1)),
        })
    }

    /// Messages of all connections that are due `elapsed_ns` after the start.
    #[must_use]
    pub(crate) fn due_in_all(&self, elapsed_ns: u64) -> u64 {
        let t = as_f64(elapsed_ns) / NS_PER_S;
        let ramped = t.min(self.ramp_s);
        let mut due = self.from_per_second * ramped;
        if self.ramp_s > 0.0 {
            due += (self.to_per_second - self.from_per_second) * ramped * ramped / (2.0 * self.ramp_s);
        }
        due += self.to_per_second * (t - ramped);
        // The first message is due at once.
        as_u64(due) + 1
    }

    /// When message `k` of all is due, in nanoseconds after the start.
    #[must_use]
    pub(crate) fn time_ns(&self, k: u64) -> u64 {
        let k = as_f64(k);
        let in_ramp = f64::midpoint(self.from_per_second, self.to_per_second) * self.ramp_s;
        let t = if k >= in_ramp {
            self.ramp_s + (k - in_ramp) / self.to_per_second
        } else {
            // from·t + a·t²/2 = k, with a the growth of the rate; the stable form of the solution.
            let growth = (self.to_per_second - self.from_per_second) / self.ramp_s;
            let root = (self.from_per_second * self.from_per_second + 2.0 * growth * k).max(0.0).sqrt();
            2.0 * k / (self.from_per_second + root)
        };
        as_u64(t * NS_PER_S)
    }

    /// How many of the first `in_all` messages are those of one connection.
    #[must_use]
    pub(crate) fn share(&self, connection: u32, in_all: u64) -> u64 {
        let round = self.connections * self.burst;
        let before = u64::from(connection) * self.burst;
        in_all / round * self.burst + (in_all % round).saturating_sub(before).min(self.burst)
    }

    /// When message `n` of one connection is due, in nanoseconds after the start.
    #[must_use]
    pub(crate) fn intended_ns(&self, connection: u32, n: u64) -> u64 {
        let turn = n / self.burst * self.connections + u64::from(connection);
        self.time_ns(turn * self.burst + n % self.burst)
    }
}

#[expect(clippy::cast_precision_loss, reason = "times and rates, far below 2^53")]
const fn as_f64(x: u64) -> f64 {
    x as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times and counts, never negative")]
const fn as_u64(x: f64) -> u64 {
    x as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn schedule(rate: u64, from: Option<u64>, ramp_s: u64) -> Schedule {
        let mut traffic = Scenario::load("promotion_peak").unwrap().traffic;
        traffic.connections = 3;
        traffic.rate_per_second = Some(rate);
        traffic.ramp_from_per_second = from;
        traffic.ramp_s = ramp_s;
        Schedule::of(&traffic).unwrap()
    }

    #[test]
    fn a_steady_rate_is_even() {
        let even = schedule(1000, None, 0);
        assert_eq!(even.time_ns(0), 0);
        assert_eq!(even.time_ns(1000), 1_000_000_000);
        assert_eq!(even.due_in_all(0), 1);
        assert_eq!(even.due_in_all(999_500_000), 1000);
    }

    #[test]
    fn a_ramp_sends_the_area_below_it() {
        let ramp = schedule(1000, Some(0), 10);
        // 0 to 1,000 over 10 s: 5,000 messages, a quarter of them in the first half.
        assert_eq!(ramp.due_in_all(5_000_000_000) - 1, 1250);
        assert_eq!(ramp.due_in_all(10_000_000_000) - 1, 5000);
        assert_eq!(ramp.due_in_all(11_000_000_000) - 1, 6000);
        assert!(ramp.time_ns(1250).abs_diff(5_000_000_000) < 1000);
        assert!(ramp.time_ns(6000).abs_diff(11_000_000_000) < 1000);
    }

    #[test]
    fn due_and_time_agree() {
        for schedule in [schedule(777, None, 0), schedule(5000, Some(100), 2), schedule(10, Some(900), 3)] {
            for k in (0..20_000).step_by(7) {
                let time = schedule.time_ns(k);
                assert!(schedule.due_in_all(time + 2000) > k, "{k} is due at its time");
                assert!(time < 2000 || schedule.due_in_all(time - 2000) <= k, "{k} is not due before");
            }
        }
    }

    #[test]
    fn connections_share_the_messages() {
        for burst in [1, 4] {
            let schedule = Schedule { burst, ..schedule(1000, None, 0) };
            let mut sent = [0; 3];
            for in_all in 0..200 {
                let shares: Vec<_> = (0..3).map(|c| schedule.share(c, in_all)).collect();
                assert_eq!(shares.iter().sum::<u64>(), in_all);
                // The one message more is due at its time in the whole timetable.
                for (c, share) in (0_u32..).zip(shares) {
                    let had = std::mem::replace(&mut sent[usize::try_from(c).unwrap()], share);
                    assert!(share == had || schedule.intended_ns(c, had) == schedule.time_ns(in_all - 1));
                }
            }
        }
    }

    #[test]
    fn a_percentage_multiplies_the_rate() {
        let mut traffic = Scenario::load("overload").unwrap().traffic;
        traffic.rate_per_second = Some(1000);
        let schedule = Schedule::of(&traffic).unwrap();
        assert_eq!(schedule.due_in_all(10_000_000_000), 30_001);
    }
}
