//! How much of everything: the sizes of the goals, or a few seconds of each.

use std::time::Duration;

use crate::limits::Extent;

/// Sizes of all rows.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    /// Wallets of T1 and what is set against it.
    pub(crate) wallets: u32,
    /// Length of a closed-loop load, in seconds.
    pub(crate) seconds: u64,
    /// Length of T4 and of the overload, in seconds.
    pub(crate) open_seconds: u64,
    /// Spends before T5's kill.
    pub(crate) kill_after: u64,
    /// Spends of T6.
    pub(crate) device_spends: u64,
    /// Wallets of T7's second half.
    pub(crate) many_wallets: u32,
    /// Length of T8, in seconds.
    pub(crate) long_seconds: u64,
    /// Its beginning, in seconds.
    pub(crate) long_first: u64,
    /// Orders of the month that is reconciled.
    pub(crate) month_orders: u32,
    /// Wallets of a peer.
    pub(crate) peer_wallets: u32,
    /// Length of a load on a peer.
    pub(crate) peer_length: Duration,
    /// Transfers of TigerBeetle's benchmark at its largest batch.
    pub(crate) peer_transfers: u64,
    /// Length of a point of the growth, in seconds.
    pub(crate) growth_seconds: u64,
    /// Wallets of the growth's last point, as a power of ten.
    pub(crate) growth_powers: std::ops::RangeInclusive<u32>,
    /// Of the machine's limits.
    pub(crate) limits: Extent,
}

impl Scale {
    /// What the goals say.
    pub(crate) fn whole() -> Self {
        Self {
            wallets: 1_000_000,
            seconds: 15,
            open_seconds: 60,
            kill_after: 10_000_000,
            device_spends: 10_000_000,
            many_wallets: 20_000_000,
            long_seconds: 600,
            long_first: 30,
            month_orders: 1_000_000,
            peer_wallets: 1_000_000,
            peer_length: Duration::from_secs(12),
            peer_transfers: 2_000_000,
            growth_seconds: 5,
            growth_powers: 4..=7,
            limits: Extent {
                disk_bytes: 1 << 30,
                memory_bytes: 1 << 30,
                loopback: Duration::from_secs(2),
                appends: 1_000,
            },
        }
    }

    /// A few seconds of each, to see that everything works. Its figures are no figures.
    pub(crate) fn quick() -> Self {
        Self {
            wallets: 20_000,
            seconds: 3,
            open_seconds: 4,
            kill_after: 200_000,
            device_spends: 200_000,
            many_wallets: 200_000,
            long_seconds: 60,
            long_first: 5,
            month_orders: 20_000,
            peer_wallets: 20_000,
            peer_length: Duration::from_secs(2),
            peer_transfers: 20_000,
            growth_seconds: 1,
            growth_powers: 3..=5,
            limits: Extent {
                disk_bytes: 128 << 20,
                memory_bytes: 256 << 20,
                loopback: Duration::from_millis(300),
                appends: 200,
            },
        }
    }

    /// Arguments of the load tool for the population and the length of a closed-loop load.
    pub(crate) fn load_args(&self) -> Vec<String> {
        Self::args(self.wallets, self.seconds)
    }

    /// Arguments of the load tool for so many wallets and seconds. The rest is the scenario's.
    pub(crate) fn args(wallets: u32, seconds: u64) -> Vec<String> {
        ["--wallets".to_owned(), wallets.to_string(), "--duration".to_owned(), seconds.to_string()].into()
    }
}
