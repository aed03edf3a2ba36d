//! One run: a seed, a disk, and so many crashes. The same seed gives the same run, byte for byte.

use crate::audit::audit;
use crate::bugs::Bug;
use crate::dice::Dice;
use crate::faults::{End, Fate, wreck};
use crate::house::{Time, with_house};
use crate::life::{Stage, limits};
use crate::memory::Memory;
use crate::scene::{BEGIN, HOUR};
use fentan_storage::simulated::SimulatedDisk;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What a run was, in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Lives that ended so.
    pub ends: BTreeMap<End, u64>,
    /// Crashes during a start.
    pub in_recovery: u64,
    /// Crashes, in all.
    pub crashes: u64,
    /// Turns of the scheduler.
    pub turns: u64,
    /// Commands that were sent.
    pub commands: u64,
    /// Answers that were heard.
    pub answers: u64,
    /// Of these, such as say again what was done before.
    pub repeats: u64,
    /// Records in the journal at the end.
    pub records: u64,
}

impl Tally {
    /// Adds another's figures.
    pub fn add(&mut self, other: &Self) {
        for (end, count) in &other.ends {
            *self.ends.entry(*end).or_default() += count;
        }
        self.runs += other.runs;
        self.in_recovery += other.in_recovery;
        self.crashes += other.crashes;
        self.turns += other.turns;
        self.commands += other.commands;
        self.answers += other.answers;
        self.repeats += other.repeats;
        self.records += other.records;
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// A hash over every answer that was heard and everything that was on the disk after each crash.
    pub hash: String,
    /// What it was.
    pub tally: Tally,
    /// What the auditor found wrong; nothing when all held.
    pub wrong: Vec<String>,
}

struct World {
    dice: Dice,
    disk: SimulatedDisk,
    memory: Memory,
    time: Time,
    next_parcel: u64,
    hasher: blake3::Hasher,
    tally: Tally,
    bug: Option<Bug>,
}

/// Runs a seed through so many crashes, or until something is wrong.
#[must_use]
pub fn run(seed: u64, crashes: u64) -> Outcome {
    run_with(seed, crashes, None)
}

/// The same with a bug. Those of the engine need the feature `planted`.
#[must_use]
pub fn run_with(seed: u64, crashes: u64, bug: Option<Bug>) -> Outcome {
    Bug::plant(bug);
    let mut world = World {
        dice: Dice::new(seed),
        disk: SimulatedDisk::new(),
        memory: Memory::default(),
        time: Arc::new(AtomicI64::new(BEGIN)),
        next_parcel: 0,
        hasher: blake3::Hasher::new(),
        tally: Tally { runs: 1, ..Tally::default() },
        bug,
    };
    let mut wrong = Vec::new();
    while wrong.is_empty() && world.tally.crashes < crashes {
        wrong = world.life();
    }
    Bug::plant(None);
    let World { memory, mut tally, hasher, .. } = world;
    tally.commands = memory.asked.len() as u64;
    (tally.answers, tally.repeats) = (memory.answers, memory.repeats);
    Outcome { seed, hash: hasher.finalize().to_hex().to_string(), tally, wrong }
}

impl World {
    /// A start, a life, its end, and the audit. What is wrong then.
    fn life(&mut self) -> Vec<String> {
        let dice = &mut self.dice;
        self.disk.set_sync_does_nothing(self.bug == Some(Bug::SyncDoesNothing));
        let turns = dice.roll(500) + 60;
        let fate = Fate::cast(dice, &self.disk, turns);
        let shards = [1, 2, 3, 4, 2, 3][dice.at(6)];
        let limits = limits(dice, shards);
        if dice.percent(30) {
            // A machine that starts again may have another time.
            self.time.fetch_add(dice.minor(2 * HOUR) - HOUR, Ordering::Relaxed);
        }
        let mut stage = Stage {
            dice,
            memory: &mut self.memory,
            time: &self.time,
            disk: &self.disk,
            next_parcel: &mut self.next_parcel,
            hasher: &mut self.hasher,
        };
        let lived = with_house(&self.disk, limits, &self.time, |house| stage.live(house, fate, turns));
        let end = match lived {
            Ok(lived) => {
                self.tally.turns += lived.turns;
                lived.end
            }
            // It has refused to start because of the fault, which has come, and of nothing else.
            Err(_) if matches!(fate, Fate::Armed(_)) && !self.disk.has_faults() => {
                self.tally.in_recovery += 1;
                fate.end(true)
            }
            Err(error) => return vec![format!("the ledger does not start: {error}")],
        };
        *self.tally.ends.entry(end).or_default() += 1;
        self.tally.crashes += u64::from(end != End::Orderly);
        self.disk.crash(wreck(&mut self.dice, end));
        if self.bug == Some(Bug::LostBatch) {
            let batches = self.disk.batches();
            // Neither the first nor the last.
            if batches.len() > 2 {
                self.disk.lose_batch(batches[batches.len() / 2]);
            }
        }
        let mut dice = self.dice.fork();
        let audited = audit(&self.disk, &mut self.memory, &self.time, &mut dice);
        self.tally.records = audited.records;
        self.hasher.update(audited.state.as_bytes());
        audited.wrong.into_iter().map(|fault| format!("after {end}: {fault}")).collect()
    }
}
