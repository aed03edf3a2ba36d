//! Whose requests are done next.
//!
//! While all that waits fits into one step, it is done as it came. When more waits, each client that waits has a
//! share of the step, and a client with little to ask waits for one step and not for all that another one has sent:
//! neither a long stream of requests nor a batch of ten thousand stands before those of others. The requests of one
//! client keep their order; whose a parcel is says [`Reply::client`](super::Reply::client).
//!
//! What the server asks itself waits for everything that came before it: a question about the past goes through the
//! queue so that what was asked before is part of the answer.
//!
//! Cost: nothing but a comparison while a step has room for all; two look-ups in a table for each parcel otherwise.

use super::Caller;
use super::admission::{Answered, Ask};
use super::request::{Parcel, Request};
use crate::accounts::Timestamp;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// A share is no smaller, so that a step is not divided into crumbs.
const SHARE_LEAST: usize = 16;

/// How a parcel came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    /// When.
    pub(crate) at: Timestamp,
    /// As what.
    pub(crate) ask: Ask,
}

/// A parcel on its way through one or more steps.
pub(crate) struct Work<R> {
    /// What is left of it.
    pub(crate) requests: std::vec::IntoIter<Request>,
    /// How many of them the step under way does.
    pub(crate) share: usize,
    pub(crate) reply: R,
    /// Who asks, when it matters.
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) arrived: Arrived,
    /// It came as this one.
    number: u64,
}

impl<R> Work<R> {
    /// Whose it is; `None` when it is the server's own.
    fn client(&self) -> Option<u64> {
        self.arrived.ask.client.map(|client| client.key)
    }

    /// What is answered when these are.
    pub(crate) fn answered(all: &[Self]) -> Answered {
        let paced = all.iter().map(|work| work.arrived).filter(|arrived| arrived.ask.is_paced());
        paced.fold(Answered::NOTHING, |all, arrived| Answered {
            paced: all.paced + arrived.ask.requests,
            since: all.since.min(arrived.at),
        })
    }
}

/// Parcels that wait.
pub(crate) struct Turns<R> {
    /// Of each client that waits, in the order in which they came.
    lanes: HashMap<u64, VecDeque<Work<R>>>,
    /// The clients, in the order of their turns.
    order: VecDeque<u64>,
    /// The server's own.
    own: VecDeque<Work<R>>,
    /// How many requests wait.
    requests: usize,
    next_number: u64,
    /// Empty lanes, kept for use again.
    spare: Vec<VecDeque<Work<R>>>,
}

/// How many empty lanes are kept.
const SPARES: usize = 64;

impl<R> Turns<R> {
    pub(crate) fn new() -> Self {
        let (lanes, order, own) = (HashMap::new(), VecDeque::new(), VecDeque::new());
        Self { lanes, order, own, requests: 0, next_number: 0, spare: Vec::new() }
    }

    /// Whether nothing waits.
    pub(crate) const fn is_empty(&self) -> bool {
        self.requests == 0
    }

    /// What arrived while nothing waited and fits into one step: all of it, as it came.
    pub(crate) fn at_once(parcels: Vec<(Parcel<R>, Arrived)>) -> Vec<Work<R>> {
        let work = |(Parcel { requests, reply, caller }, arrived): (Parcel<R>, _)| {
            let share = requests.len();
            Work { requests: requests.into_iter(), share, reply, caller, arrived, number: 0 }
        };
        parcels.into_iter().map(work).collect()
    }

    /// A parcel that came in.
    pub(crate) fn add(&mut self, Parcel { requests, reply, caller }: Parcel<R>, arrived: Arrived) {
        if requests.is_empty() {
            return;
        }
        self.requests += requests.len();
        let number = self.next_number;
        self.next_number += 1;
        let work = Work { requests: requests.into_iter(), share: 0, reply, caller, arrived, number };
        let Some(client) = work.client() else { return self.own.push_back(work) };
        let (order, spare) = (&mut self.order, &mut self.spare);
        let lane = self.lanes.entry(client).or_insert_with(|| {
            order.push_back(client);
            spare.pop().unwrap_or_default()
        });
        lane.push_back(work);
    }

    /// What the next step does, about `limit` requests at most. What of it is not finished must come back
    /// ([`Turns::back`]) before the next call.
    pub(crate) fn next(&mut self, limit: usize) -> Vec<Work<R>> {
        let mut step = Vec::new();
        let mut room = limit;
        self.own_due(&mut room, &mut step);
        let share = (limit / self.order.len().max(1)).max(SHARE_LEAST);
        for _ in 0..self.order.len() {
            if room == 0 {
                break;
            }
            let Some(client) = self.order.pop_front() else { break };
            let Some(lane) = self.lanes.get_mut(&client) else { continue };
            let mut left = share.min(room);
            room -= left;
            while left > 0
                && let Some(mut work) = lane.pop_front()
            {
                work.share = work.requests.len().min(left);
                left -= work.share;
                self.requests -= work.share;
                step.push(work);
            }
            room += left;
            let unfinished = step.last().is_some_and(|work| work.share < work.requests.len());
            if !lane.is_empty() || unfinished {
                self.order.push_back(client);
            } else if let Some(lane) = self.lanes.remove(&client)
                && self.spare.len() < SPARES
            {
                self.spare.push(lane);
            }
        }
        step
    }

    /// The server's own, as far as nothing waits that came before.
    fn own_due(&mut self, room: &mut usize, step: &mut Vec<Work<R>>) {
        let Some(first) = self.own.front().map(|work| work.number) else { return };
        let oldest = self.lanes.values().filter_map(|lane| lane.front()).map(|work| work.number).min();
        let oldest = oldest.unwrap_or(u64::MAX);
        if first > oldest {
            return;
        }
        while *room > 0
            && self.own.front().is_some_and(|work| work.number < oldest)
            && let Some(mut work) = self.own.pop_front()
        {
            work.share = work.requests.len().min(*room);
            *room -= work.share;
            self.requests -= work.share;
            step.push(work);
        }
    }

    /// What a step did not finish.
    pub(crate) fn back(&mut self, unfinished: Vec<Work<R>>) {
        // Only the last of a lane can be unfinished, so the order among them does not matter.
        for work in unfinished {
            match work.client().and_then(|client| self.lanes.get_mut(&client)) {
                Some(lane) => lane.push_front(work),
                None => self.own.push_front(work),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Query;
    use crate::names::CommandId;
    use crate::runtime::{Body, Client};
    use proptest::prelude::*;

    fn parcel(name: &str, numbers: std::ops::Range<usize>) -> Parcel<()> {
        let request = |n| Request { id: CommandId::internal(&format!("{name}-{n}")), body: Body::Query(Query::Ping) };
        Parcel { requests: numbers.map(request).collect(), reply: (), caller: None }
    }

    /// As what a parcel of a client comes in; of the server itself when it is `None`.
    fn of(client: Option<u64>) -> Arrived {
        let client = client.map(|key| Client { key, unanswered: 1, batch: false });
        Arrived { at: 0, ask: Ask { requests: 1, client } }
    }

    /// Does one step; the ids it did.
    fn step(turns: &mut Turns<()>, limit: usize) -> Vec<String> {
        let mut done = Vec::new();
        let mut unfinished = Vec::new();
        for mut work in turns.next(limit) {
            done.extend(work.requests.by_ref().take(work.share).map(|request| request.id.as_str().to_owned()));
            if work.requests.len() > 0 {
                unfinished.push(work);
            }
        }
        turns.back(unfinished);
        done
    }

    #[test]
    fn a_client_with_little_to_ask_waits_for_one_step_however_much_another_has_sent() {
        let mut turns = Turns::new();
        turns.add(parcel("batch", 0..10_000), of(Some(1)));
        assert_eq!(step(&mut turns, 100).len(), 100, "alone it has all of the step");
        for n in 0..50 {
            turns.add(parcel("more", n * 100..n * 100 + 100), of(Some(1)));
        }
        turns.add(parcel("one", 0..1), of(Some(2)));
        let done = step(&mut turns, 100);
        assert!(done.contains(&"one-0".to_owned()), "{done:?}");
        assert_eq!(done.len(), 51);
        let mut left = 14_850;
        while !turns.is_empty() {
            left -= step(&mut turns, 100).len();
        }
        assert_eq!(left, 0, "{left} were not done");
        assert!(turns.lanes.is_empty() && turns.order.is_empty() && turns.own.is_empty());
    }

    #[test]
    fn a_question_of_the_servers_own_waits_for_what_came_before_it_and_for_nothing_else() {
        let mut turns = Turns::new();
        turns.add(parcel("before", 0..300), of(Some(1)));
        turns.add(parcel("own", 0..1), of(None));
        turns.add(parcel("after", 0..10_000), of(Some(1)));
        let mut seen = Vec::new();
        while !seen.contains(&"own-0".to_owned()) {
            seen.extend(step(&mut turns, 100));
        }
        let own = seen.iter().position(|id| id == "own-0").unwrap();
        assert!(seen[..own].iter().filter(|id| id.starts_with("before")).count() == 300, "{own}");
        assert!(own < 500, "{own}");
    }

    proptest! {
        /// Whatever comes in between steps of whatever size: each request is done once, and those of one client in
        /// their order.
        #[test]
        fn all_is_done_once_and_each_client_in_its_order(
            arrivals in proptest::collection::vec((0_u64..5, 0_usize..70, 0_usize..3), 0..60),
            limit in 1_usize..80,
        ) {
            let mut turns = Turns::new();
            let mut sent = [0; 5];
            let mut done: Vec<String> = Vec::new();
            for (client, count, steps) in arrivals {
                let from = sent[usize::try_from(client).unwrap()];
                sent[usize::try_from(client).unwrap()] += count;
                let key = (client > 0).then_some(client);
                turns.add(parcel(&client.to_string(), from..from + count), of(key));
                for _ in 0..steps {
                    let step = step(&mut turns, limit);
                    prop_assert!(step.len() <= limit.max(SHARE_LEAST) + SHARE_LEAST);
                    done.extend(step);
                }
            }
            for _ in 0..10_000 {
                if turns.is_empty() {
                    break;
                }
                done.extend(step(&mut turns, limit));
            }
            prop_assert!(turns.is_empty() && turns.lanes.is_empty() && turns.order.is_empty());
            for (client, sent) in sent.into_iter().enumerate() {
                let prefix = format!("{client}-");
                let of: Vec<_> = done.iter().filter(|id| id.starts_with(&prefix)).cloned().collect();
                let expected: Vec<_> = (0..sent).map(|n| format!("{client}-{n}")).collect();
                prop_assert_eq!(of, expected);
            }
        }
    }
}
