//! What this process itself has used of the processors.
#![expect(clippy::float_arithmetic, reason = "times; no money here")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuTime {
    /// In this program's own code; what the system does not tell counts here.
    pub user_s: f64,
    /// In the system's calls on its behalf.
    pub system_s: f64,
}

impl CpuTime {
    /// What was used so far.
    #[must_use]
    pub fn so_far() -> Self {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let whole = u64::try_from(time.tv_sec).unwrap_or(0);
        let rest = u32::try_from(time.tv_nsec).unwrap_or(0);
        let all_s = Duration::new(whole, rest).as_secs_f64();
        // The clock is exact; how it divides is known in ticks only.
        let system_s = system_share().map_or(0.0, |share| all_s * share);
        Self { user_s: all_s - system_s, system_s }
    }

    /// What was used since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { user_s: (self.user_s - earlier.user_s).max(0.0), system_s: (self.system_s - earlier.system_s).max(0.0) }
    }

    /// Both together.
    #[must_use]
    pub fn all_s(self) -> f64 {
        self.user_s + self.system_s
    }
}

/// The system's share of the time used so far, where Linux tells.
fn system_share() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the program's name, which is in brackets, the twelfth and thirteenth are the ticks.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let all = user + system;
    Some(if all > 0.0 { system / all } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_used_grows_and_adds_up() {
        let before = CpuTime::so_far();
        let until = before.all_s() + 0.05;
        let mut sum = 0_u64;
        while CpuTime::so_far().all_s() < until {
            sum = std::hint::black_box(sum + 1);
        }
        let used = CpuTime::so_far().since(before);
        assert!((0.05..5.0).contains(&used.all_s()), "{used:?}");
    }
}
