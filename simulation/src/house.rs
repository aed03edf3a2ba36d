//! A ledger that runs on a simulated disk, with nobody to run it but its holder.

use crate::scene::catalog;
use crate::told::{Ear, Heard, Wire, arrive};
use fentan_engine::runtime::{Given, Limits, NotTaken, Parcel, Request, StartError, Stepped, Turn};
use fentan_engine::store::Store;
use fentan_storage::simulated::SimulatedDisk;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The time of a simulation, in microseconds since 1970. Nothing but the simulation moves it.
pub(crate) type Time = Arc<AtomicI64>;

/// A running ledger.
pub(crate) struct House<'s> {
    pub(crate) stepped: Stepped<'s, Ear>,
    pub(crate) wire: Wire,
    failure: Arc<Mutex<Option<String>>>,
}

/// Starts a ledger on a disk and lets `live` have it. It is gone afterwards, however it stands.
pub(crate) fn with_house<T>(
    disk: &SimulatedDisk,
    limits: Limits,
    time: &Time,
    live: impl FnOnce(&mut House<'_>) -> T,
) -> Result<T, StartError> {
    let (journal, reader, store) = disk.open();
    let store: Arc<dyn Store> = Arc::new(store);
    let failure = Arc::new(Mutex::new(None));
    let (clock, heard_failure) = (Arc::clone(time), Arc::clone(&failure));
    let stepped = Stepped::start(
        Box::new(journal),
        Arc::new(reader),
        &store,
        Given {
            catalog: catalog(),
            limits,
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            on_failure: Arc::new(move |reason: &str| {
                *heard_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
            }),
        },
        &mut |_, _| {},
    )?;
    let mut house = House { stepped, wire: Wire::default(), failure };
    Ok(live(&mut house))
}

impl House<'_> {
    /// Why journal or store failed, if they did.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hands a parcel in; whether there was room.
    pub(crate) fn submit(&self, shard: usize, number: u64, requests: Vec<Request>, deaf: bool) -> bool {
        let reply = Ear::new(number, deaf, Arc::clone(&self.wire));
        match self.stepped.engine().submit(shard, Parcel { requests, reply, caller: None }) {
            Ok(()) => true,
            Err(NotTaken::Full(_) | NotTaken::Closing(_)) => false,
        }
    }

    /// Turns every part until none has anything left to do.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        loop {
            let shards = self.stepped.engine().shards();
            let mut worked = false;
            for number in 0..shards {
                worked |= self.stepped.turn_shard(number) == Turn::Worked;
            }
            worked |= self.stepped.turn_writer() == Turn::Worked;
            worked |= self.stepped.turn_keeper() == Turn::Worked;
            if let Some(reason) = self.failure() {
                return Err(reason);
            }
            if !worked {
                return Ok(());
            }
        }
    }

    /// Asks all of it and gives the answers, in the same order.
    pub(crate) fn ask(&mut self, requests: &[Request]) -> Result<Vec<Heard>, String> {
        let mut answers: Vec<Option<Heard>> = requests.iter().map(|_| None).collect();
        for (lot, some) in requests.chunks(LOT).enumerate() {
            let mut by_shard: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for (at, request) in some.iter().enumerate() {
                let shard = self.stepped.engine().route(&request.body).unwrap_or(0);
                by_shard.entry(shard).or_default().push(lot * LOT + at);
            }
            for (shard, places) in &by_shard {
                let asked = places.iter().map(|at| requests[*at].clone()).collect();
                if !self.submit(*shard, *shard as u64, asked, false) {
                    return Err("the ledger takes nothing in".into());
                }
            }
            self.settle()?;
            while let Some((shard, heard)) = arrive(&self.wire) {
                let places = usize::try_from(shard).ok().and_then(|shard| by_shard.get(&shard));
                for (at, heard) in places.into_iter().flatten().zip(heard) {
                    answers[*at] = Some(heard);
                }
            }
        }
        let unanswered = |at: usize| format!("{} is not answered", requests[at].id);
        answers.into_iter().enumerate().map(|(at, heard)| heard.ok_or_else(|| unanswered(at))).collect()
    }
}

/// Requests that are asked together.
const LOT: usize = 256;
