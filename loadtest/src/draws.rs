//! Numbers that look random and can be drawn again.
//!
//! A load run must be able to say later what its request 1,234,567 on connection 9 was, without
//! having kept it. So every request has its own little stream of draws, started from nothing but
//! (seed, connection, counter). Two requests share no state, and any of them can be made again, in
//! any order, for the price of a few multiplications.

/// Step between the states of one stream (the golden ratio in 64 bits, as in `SplitMix64`).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Spreads every bit of `x` over all bits of the result (the finaliser of `SplitMix64`).
#[must_use]
pub const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The draws of one request.
#[derive(Debug, Clone)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// The draws of request `counter` on `connection` under `seed`.
    #[must_use]
    pub const fn of(seed: u64, connection: u32, counter: u64) -> Self {
        let place = mix(((connection as u64) << 48) ^ counter ^ STEP);
        Self { state: mix(seed.wrapping_add(STEP)) ^ place }
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number in `0..bound`, or 0 when `bound` is 0.
    ///
    /// By multiplication instead of division; the bias is below `bound` / 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_draws_the_same() {
        let drawn = |c, n| {
            let mut draws = Draws::of(7, c, n);
            [draws.next(), draws.next(), draws.below(1000)]
        };
        assert_eq!(drawn(3, 99), drawn(3, 99));
        assert_ne!(drawn(3, 99), drawn(3, 100));
        assert_ne!(drawn(3, 99), drawn(4, 99));
    }

    #[test]
    fn draws_fill_their_range_evenly() {
        let mut counts = [0_u32; 10];
        for n in 0..100_000 {
            counts[usize::try_from(Draws::of(1, 0, n).below(10)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|c| (9_500..10_500).contains(c)), "{counts:?}");
    }
}
