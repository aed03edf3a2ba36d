//! What this process itself has used of the processors, as Linux tells it.
#![expect(clippy::float_arithmetic, reason = "times; no money here")]

/// Ticks of a second in `/proc`: part of Linux's contract with programs, whatever its own clock does.
const TICKS_PER_S: f64 = 100.0;

/// Processor time in seconds, to the hundredth.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuTime {
    /// In this program's own code.
    pub user_s: f64,
    /// In the system's calls on its behalf.
    pub system_s: f64,
}

impl CpuTime {
    /// What was used so far; nothing where the system does not tell.
    #[must_use]
    pub fn so_far() -> Self {
        let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        Self::read(&text).unwrap_or_default()
    }

    /// Out of a line of `/proc/self/stat`.
    fn read(text: &str) -> Option<Self> {
        // Behind the program's name, which is in brackets, the twelfth and the thirteenth.
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let mut seconds = || Some(f64::from(fields.next()?.parse::<u32>().ok()?) / TICKS_PER_S);
        Some(Self { user_s: seconds()?, system_s: seconds()? })
    }

    /// What was used since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { user_s: self.user_s - earlier.user_s, system_s: self.system_s - earlier.system_s }
    }

    /// Both together.
    #[must_use]
    pub fn all_s(self) -> f64 {
        self.user_s + self.system_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_read_behind_any_name() {
        let line = "42 (a) 1 (b) S 1 42 42 0 -1 4194560 98 0 0 0 123 45 0 0 20 0 1 0 99 1 1";
        assert_eq!(CpuTime::read(line), Some(CpuTime { user_s: 1.23, system_s: 0.45 }));
        assert_eq!(CpuTime::read("42 (a) S"), None);
    }

    #[test]
    fn time_used_grows() {
        let before = CpuTime::so_far();
        let mut sum = 0_u64;
        while CpuTime::so_far().since(before).all_s() < 0.05 {
            sum = std::hint::black_box(sum + 1);
        }
    }
}
