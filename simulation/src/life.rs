//! One life of the ledger: from a start to whatever ends it, turn by turn as the dice say.

use crate::dice::Dice;
use crate::faults::{End, Fate, shut_down};
use crate::house::{House, Time};
use crate::memory::{Memory, Sent};
use crate::scene::{DAY, HOUR, SECOND};
use crate::told::arrive;
use crate::work;
use fentan_engine::runtime::{Limits, Turn};
use fentan_storage::simulated::SimulatedDisk;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What a life had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lived {
    pub(crate) end: End,
    pub(crate) turns: u64,
}

/// How often who is turned: every life has its own.
struct Weights {
    all: Vec<(Actor, u64)>,
    whole: u64,
}

#[derive(Debug, Clone, Copy)]
enum Actor {
    Client,
    Wire,
    Shard(usize),
    Writer,
    Keeper,
    Warming,
    Deadlines,
    Checkpoint,
    Clock,
}

impl Weights {
    fn by_chance(dice: &mut Dice, shards: usize) -> Self {
        let mut all = vec![
            (Actor::Client, dice.roll(12) + 2),
            (Actor::Wire, dice.roll(12) + 1),
            (Actor::Writer, dice.roll(16) + 1),
            (Actor::Keeper, dice.roll(20) + 1),
            (Actor::Warming, 1),
            (Actor::Deadlines, dice.roll(3)),
            (Actor::Checkpoint, dice.roll(3)),
            (Actor::Clock, dice.roll(4)),
        ];
        all.extend((0..shards).map(|number| (Actor::Shard(number), dice.roll(8) + 1)));
        let whole = all.iter().map(|(_, weight)| weight).sum();
        Self { all, whole }
    }

    fn next(&self, dice: &mut Dice) -> Actor {
        let mut left = dice.roll(self.whole);
        for (actor, weight) in &self.all {
            if left < *weight {
                return *actor;
            }
            left -= weight;
        }
        Actor::Writer
    }
}

/// The bounds of a life: mostly so narrow that everything happens.
pub(crate) fn limits(dice: &mut Dice, shards: usize) -> Limits {
    Limits {
        shards,
        queued_requests: if dice.percent(20) { 24 } else { 4096 },
        wait: Duration::ZERO,
        step_requests: dice.at(40) + 1,
        wallets_per_shard: [1, 2, 4, 1 << 10][dice.at(4)],
        id_filter_bytes: if dice.percent(5) { 4 << 20 } else { 0 },
        // Its parts are turned one by one, on no thread of their own.
        spare_records: 0,
    }
}

/// Who has a hand in a life.
pub(crate) struct Stage<'a> {
    pub(crate) dice: &'a mut Dice,
    pub(crate) memory: &'a mut Memory,
    pub(crate) time: &'a Time,
    pub(crate) disk: &'a SimulatedDisk,
    pub(crate) next_parcel: &'a mut u64,
    pub(crate) hasher: &'a mut blake3::Hasher,
}

impl Stage<'_> {
    /// Lives until something fails, or for so many turns.
    pub(crate) fn live(&mut self, house: &mut House<'_>, fate: Fate, turns: u64) -> Lived {
        let weights = Weights::by_chance(self.dice, house.stepped.engine().shards());
        // A process that fails does not stop at once: its other threads go on for a moment.
        let mut grace = self.dice.roll(12);
        let mut turn = 0;
        while turn < turns {
            turn += 1;
            fate.come(turn, self.disk);
            let actor = weights.next(self.dice);
            self.turn(house, actor);
            if house.failure().is_some() {
                if grace == 0 {
                    break;
                }
                grace -= 1;
            }
        }
        let mut failed = house.failure().is_some();
        if !failed && matches!(fate, Fate::Free(End::Orderly)) {
            failed = shut_down(house).is_err();
        }
        // Some of what is on the wire still gets there.
        let waiting = house.wire.lock().map_or(0, |wire| wire.len());
        for _ in 0..self.dice.roll(waiting as u64 + 1) {
            self.deliver(house);
        }
        self.memory.hang_up();
        Lived { end: fate.end(failed), turns: turn }
    }

    fn turn(&mut self, house: &mut House<'_>, actor: Actor) {
        match actor {
            Actor::Client => self.send(house),
            Actor::Wire => self.deliver(house),
            Actor::Shard(number) => {
                house.stepped.turn_shard(number);
            }
            Actor::Writer => {
                house.stepped.turn_writer();
            }
            Actor::Keeper => {
                // Many of its turns are short.
                let turns = self.dice.roll(24) + 1;
                for _ in 0..turns {
                    if house.stepped.turn_keeper() != Turn::Worked {
                        break;
                    }
                }
            }
            Actor::Warming => {
                house.stepped.turn_warming();
            }
            Actor::Deadlines => house.stepped.engine().tick(),
            Actor::Checkpoint => house.stepped.engine().checkpoint(),
            Actor::Clock => self.move_clock(),
        }
    }

    fn deliver(&mut self, house: &House<'_>) {
        if let Some((parcel, heard)) = arrive(&house.wire) {
            self.hasher.update(format!("{parcel} {heard:?}").as_bytes());
            self.memory.hear(parcel, heard);
        }
    }

    fn move_clock(&mut self) {
        let by = match self.dice.roll(20) {
            0 => -self.dice.minor(10 * SECOND),
            1 => self.dice.minor(DAY),
            2..5 => self.dice.minor(HOUR),
            _ => self.dice.minor(SECOND),
        };
        self.time.fetch_add(by, Ordering::Relaxed);
    }

    /// What one read of a connection brings: some requests, sorted by shard as the door sorts them.
    fn send(&mut self, house: &House<'_>) {
        let deaf = self.dice.percent(8);
        let mut parcels: BTreeMap<usize, Vec<Sent>> = BTreeMap::new();
        let engine = house.stepped.engine();
        for _ in 0..=self.dice.roll(10) {
            let sent = self.next_to_send();
            let body = self.memory.request(&sent).body;
            let shard = engine.route(&body).unwrap_or_else(|| self.dice.at(engine.shards()));
            parcels.entry(shard).or_default().push(sent);
        }
        for (shard, sent) in parcels {
            let requests = sent.iter().map(|sent| self.memory.request(sent)).collect();
            *self.next_parcel += 1;
            if house.submit(shard, *self.next_parcel, requests, deaf) && !deaf {
                self.memory.sent(*self.next_parcel, sent);
            }
        }
    }

    fn next_to_send(&mut self) -> Sent {
        let Self { dice, memory, time, .. } = self;
        let asked = memory.asked.len();
        match dice.roll(100) {
            // Again, because no answer came.
            0..8 if !memory.unheard.is_empty() => {
                let at = dice.at(memory.unheard.len());
                memory.unheard.iter().nth(at).map_or(Sent::Command(0), |number| Sent::Command(*number))
            }
            // Again, although one came.
            8..13 if asked > 0 => Sent::Command(dice.at(asked)),
            13..16 if asked > 0 => {
                let number = dice.at(asked);
                let asked = &memory.asked[number];
                // While nobody knows whether the first was done, the second might be.
                if asked.told.is_some() {
                    Sent::Conflict(number, Box::new(work::other_body(&asked.command)))
                } else {
                    Sent::Command(number)
                }
            }
            16..27 => Sent::Query(work::query(dice, memory)),
            _ => {
                let now = time.load(Ordering::Relaxed);
                let command = work::command(dice, memory, now);
                Sent::Command(memory.ask(command))
            }
        }
    }
}
