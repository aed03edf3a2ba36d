//! What goes wrong with a life of the ledger, and when.

use crate::dice::Dice;
use crate::house::House;
use fentan_storage::simulated::{Crash, Fault, Read, ReadFault, SimulatedDisk};
use std::fmt;

/// Why a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The power failed during a write: what was not synced is gone, or some of it.
    PowerCut,
    /// The process was killed between two turns: what was written is there, synced or not.
    Killed,
    /// A write failed.
    WriteFailed,
    /// A sync failed.
    SyncFailed,
    /// The disk was full.
    DiskFull,
    /// A read failed, or came short.
    ReadFailed,
    /// It was shut down in order. That is no crash.
    Orderly,
}

impl End {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::PowerCut,
        Self::Killed,
        Self::WriteFailed,
        Self::SyncFailed,
        Self::DiskFull,
        Self::ReadFailed,
        Self::Orderly,
    ];
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerCut => "power cuts",
            Self::Killed => "kills",
            Self::WriteFailed => "failed writes",
            Self::SyncFailed => "failed syncs",
            Self::DiskFull => "a full disk",
            Self::ReadFailed => "failed or short reads",
            Self::Orderly => "orderly ends",
        })
    }
}

/// What a life has before it: its end is one of these, unless it lives out its turns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// The disk has been told already when the power fails, or which read does.
    Armed(End),
    /// At this turn the disk is told to fail.
    At(u64, Blow),
    /// Nothing but its last turn.
    Free(End),
}

/// What the disk is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blow {
    fault: Fault,
    of: Read,
}

impl Fate {
    /// By chance; what happens by itself is said to the disk at once.
    pub(crate) fn cast(dice: &mut Dice, disk: &SimulatedDisk, turns: u64) -> Self {
        match dice.roll(100) {
            // During the start: it claims, says its term, and may write folded slices.
            0..10 => {
                disk.lose_power_after(dice.roll(5));
                Self::Armed(End::PowerCut)
            }
            10..48 => {
                disk.lose_power_after(dice.roll(90));
                Self::Armed(End::PowerCut)
            }
            48..62 => {
                let of = if dice.percent(50) { Read::Journal } else { Read::Store };
                let fault = if dice.percent(50) { ReadFault::Error } else { ReadFault::Short };
                let within = if dice.percent(50) { 8 } else { 60 };
                disk.fail_read(of, dice.roll(within), fault);
                Self::Armed(End::ReadFailed)
            }
            62..78 => {
                let fault = [Fault::Write, Fault::Sync, Fault::Full][dice.at(3)];
                let of = if dice.percent(60) { Read::Journal } else { Read::Store };
                Self::At(dice.roll(turns), Blow { fault, of })
            }
            78..95 => Self::Free(End::Killed),
            _ => Self::Free(End::Orderly),
        }
    }

    /// Tells the disk, when it is time.
    pub(crate) fn come(self, turn: u64, disk: &SimulatedDisk) {
        if let Self::At(at, blow) = self
            && at == turn
        {
            match blow.of {
                Read::Journal => disk.fail_journal(blow.fault),
                Read::Store => disk.fail_store(blow.fault),
            }
        }
    }

    /// How a life ended that has failed, or has not.
    pub(crate) fn end(self, failed: bool) -> End {
        match self {
            Self::Free(end) => end,
            Self::Armed(end) if failed => end,
            Self::At(_, blow) if failed => match blow.fault {
                Fault::Write => End::WriteFailed,
                Fault::Sync => End::SyncFailed,
                Fault::Full => End::DiskFull,
            },
            Self::Armed(_) | Self::At(..) => End::Killed,
        }
    }
}

/// What a crash leaves on the disk.
pub(crate) fn wreck(dice: &mut Dice, end: End) -> Crash {
    let store_writes_kept = match dice.roll(3) {
        0 => 0,
        1 => usize::MAX,
        _ => dice.at(12),
    };
    match end {
        // Nothing of what was written is lost with the process.
        End::Killed | End::Orderly | End::ReadFailed => {
            Crash { appends_kept: usize::MAX, store_writes_kept: usize::MAX, ..Crash::default() }
        }
        _ => match dice.roll(4) {
            0 => Crash { store_writes_kept, ..Crash::default() },
            1 => Crash { appends_kept: 1, store_writes_kept, ..Crash::default() },
            2 => Crash { scattered: Some(dice.bits()), store_writes_kept, ..Crash::default() },
            // Nearly all sectors, or nearly none.
            _ => {
                let (a, b) = (dice.bits(), dice.bits());
                let which = if dice.percent(50) { a | b | dice.bits() } else { a & b };
                Crash { scattered: Some(which), store_writes_kept, ..Crash::default() }
            }
        },
    }
}

/// Shuts down in order: everything is done and answered, and a checkpoint covers it.
pub(crate) fn shut_down(house: &mut House<'_>) -> Result<(), String> {
    house.stepped.engine().close();
    house.settle()?;
    house.stepped.engine().checkpoint();
    house.settle()
}
