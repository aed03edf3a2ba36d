//! What the channel's configuration says about matching: the pool of cross-day rows, and trade types.

use crate::accounts::Timestamp;

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// A channel's trade type (交易类型), as a number that the configuration gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Trade(pub u8);

impl Trade {
    /// Not known. It is equal to every other.
    pub const UNKNOWN: Self = Self(0);

    /// Whether they may be the same.
    pub(super) fn agrees(self, other: Self) -> bool {
        self == other || self == Self::UNKNOWN || other == Self::UNKNOWN
    }
}

/// The trade types that a contract permits. An unknown one is always among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trades([u64; 4]);

impl Trades {
    /// All.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// These, and unknown.
    pub fn only(trades: impl IntoIterator<Item = Trade>) -> Self {
        let mut set = [1, 0, 0, 0];
        for Trade(id) in trades {
            set[usize::from(id / 64)] |= 1 << (id % 64);
        }
        Self(set)
    }

    /// Whether it is among them.
    #[must_use]
    pub fn permits(&self, Trade(id): Trade) -> bool {
        self.0[usize::from(id / 64)] >> (id % 64) & 1 == 1
    }
}

/// How one channel statement is matched.
///
/// The pool on either side is half open. A row waits while `today_us` is before the end of its channel statement's
/// day and `pool_days` days more. An order waits when it is not older than `pool_days` days at the end of the channel
/// statement's day; one booked after that end always waits, because its channel statement is still to come. With no
/// days nothing waits but that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The end of the channel statement's day, by the channel's day cut: the first moment that is not in it.
    pub end_us: Timestamp,
    /// The moment for which is matched. The caller's clock, once for the whole run.
    pub today_us: Timestamp,
    /// Days in the pool, on either side.
    pub pool_days: u16,
    /// The trade types that are permitted; a row of another is a trade type mismatch.
    pub trades: Trades,
    /// A number that clients do not know, so that they cannot aim at the index. No outcome depends on it.
    pub seed: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { end_us: 0, today_us: 0, pool_days: 0, trades: Trades::ALL, seed: 0 }
    }
}

impl Rules {
    fn pool_us(&self) -> i64 {
        i64::from(self.pool_days) * DAY_US
    }

    /// Whether a row that the ledger does not know still waits. `end_us` is of the row's own channel statement.
    pub(super) fn row_waits(&self, end_us: Timestamp) -> bool {
        self.today_us < end_us.saturating_add(self.pool_us())
    }

    /// Whether an order that no row has found still waits.
    pub(super) fn order_waits(&self, at_us: Timestamp) -> bool {
        at_us >= self.end_us.saturating_sub(self.pool_us())
    }
}
