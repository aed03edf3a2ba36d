//! Looking ahead: the memory that the next requests will need is asked for before they are done.
//!
//! A spend reads an entry of the ids, an entry of the index of wallets, and the wallet, all in random places. Done one
//! after the other, each waits 200 to 400 ns for memory. So a group of requests goes three times round: hash the names
//! and ask for the entries; find the wallets and ask for them; do the requests.

use super::Shared;
use super::hashing::Hashing;
use super::ids::IdHash;
use super::request::{Body, Request};
use super::shard::Shard;
use crate::ledger::{Command, Query};
use smallvec::SmallVec;

/// How many requests are looked at together: enough that the first one's memory has come when its turn does, few enough
/// that the processor's cache holds all of it.
pub(crate) const LOOK_AHEAD: usize = 24;

/// The hashes of the names in a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hashes {
    /// Of a command's id.
    pub(crate) id: IdHash,
    /// Of the wallet that it names.
    pub(crate) account: Option<u64>,
    /// Of the merchant that it names.
    pub(crate) merchant: Option<u64>,
}

impl Hashes {
    pub(crate) fn of(hashing: &Hashing, request: &Request) -> Self {
        let name = |name: &crate::names::AccountId| Some(hashing.account(name.as_str()));
        match &request.body {
            Body::Command(command) => {
                let (account, merchant) = match command {
                    Command::Spend(ask) | Command::Hold(ask, _) => (name(&ask.account), name(&ask.merchant)),
                    Command::TopUp(ask) => (name(&ask.account), None),
                    _ => (None, None),
                };
                Self { id: hashing.id(&request.id), account, merchant }
            }
            Body::Query(Query::Balance(account)) => Self { account: name(account), ..Self::default() },
            Body::Query(_) => Self::default(),
        }
    }
}

/// The hashes of a group of requests; asks for the memory that they will need on the way.
pub(crate) fn look_ahead<R>(shared: &Shared<R>, own: &Shard, requests: &[Request]) -> SmallVec<[Hashes; LOOK_AHEAD]> {
    let mut all: SmallVec<[Hashes; LOOK_AHEAD]> = SmallVec::new();
    for request in requests {
        let hashes = Hashes::of(&shared.hashing, request);
        if matches!(request.body, Body::Command(_)) {
            shared.ids.prefetch(hashes.id);
        }
        if let Some(account) = hashes.account {
            own.wallets.prefetch_index(account);
        }
        all.push(hashes);
    }
    for account in all.iter().filter_map(|hashes| hashes.account) {
        own.wallets.prefetch_value(account);
    }
    all
}
