//! What it costs to hand a request from one thread to another, by three ways and three sizes of parcel.
//!
//! The sockets' threads hand requests to a shard's thread. Per request that is a fixed price (a lock or a
//! few atomic operations, and often waking the other thread) divided by how many travel together. The ways:
//! a bounded crossbeam channel (what the engine uses), a bounded tokio channel, and the mailbox of an actix
//! actor on an arbiter of its own. All are bounded at the same number of parcels; who finds the queue full
//! waits. Time is per request, from the first hand-over until the receiver has seen the last.

use actix::prelude::*;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Parcels that may wait.
const QUEUE: usize = 1_024;
/// Requests of a parcel.
const PARCELS: [usize; 3] = [1, 16, 128];

/// About what a parsed spend is: names and amount in place, nothing on the heap.
#[derive(Clone, Copy)]
struct Request([u64; 16]);

type Parcel = Vec<Request>;

fn parcel(size: usize) -> Parcel {
    vec![Request([7; 16]); size]
}

/// Looks at every request, as a shard would.
fn see(parcel: &Parcel) -> usize {
    for request in parcel {
        black_box(request.0[0]);
    }
    parcel.len()
}

/// Sends `requests` of them as parcels of `size`.
fn send(requests: u64, size: usize, mut send: impl FnMut(Parcel)) {
    let size_wide = size as u64;
    for _ in 0..requests.div_ceil(size_wide) {
        send(parcel(size));
    }
}

/// Over a bounded crossbeam channel to a thread.
fn crossbeam(requests: u64, size: usize) -> Duration {
    let (sender, receiver) = crossbeam::channel::bounded::<Parcel>(QUEUE);
    let begun = Instant::now();
    let reader = thread::spawn(move || receiver.iter().map(|parcel| see(&parcel)).sum::<usize>());
    send(requests, size, |parcel| sender.send(parcel).expect("the reader is there"));
    drop(sender);
    black_box(reader.join().expect("the reader"));
    begun.elapsed()
}

/// Over a bounded tokio channel to a task on a runtime of one thread.
fn tokio_mpsc(requests: u64, size: usize) -> Duration {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Parcel>(QUEUE);
    let begun = Instant::now();
    let reader = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut seen = 0;
            while let Some(parcel) = receiver.recv().await {
                seen += see(&parcel);
            }
            seen
        })
    });
    send(requests, size, |parcel| sender.blocking_send(parcel).expect("the reader is there"));
    drop(sender);
    black_box(reader.join().expect("the reader"));
    begun.elapsed()
}

/// An actor that looks at parcels until the last.
struct Shard {
    seen: usize,
    until: usize,
    done: mpsc::Sender<usize>,
}

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(QUEUE);
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Delivery(Parcel);

impl Handler<Delivery> for Shard {
    type Result = ();

    fn handle(&mut self, delivery: Delivery, _: &mut Self::Context) {
        self.seen += see(&delivery.0);
        if self.seen >= self.until {
            // The measuring side may have gone after the last one.
            let _ = self.done.send(self.seen);
        }
    }
}

/// Into the mailbox of an actor on an arbiter of its own.
fn actix_mailbox(arbiter: &ArbiterHandle, requests: u64, size: usize) -> Duration {
    let (done, finished) = mpsc::channel();
    let until = usize::try_from(requests.div_ceil(size as u64)).expect("a count") * size;
    let address = Shard::start_in_arbiter(arbiter, move |_| Shard { seen: 0, until, done });
    let begun = Instant::now();
    send(requests, size, |mut parcel| {
        // A full mailbox gives the parcel back.
        while let Err(refused) = address.try_send(Delivery(parcel)) {
            match refused {
                SendError::Full(Delivery(back)) => parcel = back,
                SendError::Closed(_) => panic!("the actor has gone"),
            }
            thread::yield_now();
        }
    });
    black_box(finished.recv().expect("the actor"));
    begun.elapsed()
}

fn handover(c: &mut Criterion) {
    let system = System::new();
    let arbiter = Arbiter::new();
    let handle = arbiter.handle();
    let mut group = c.benchmark_group("handover");
    group.throughput(Throughput::Elements(1));
    for size in PARCELS {
        group.bench_function(BenchmarkId::new("crossbeam", size), |b| b.iter_custom(|n| crossbeam(n, size)));
        group.bench_function(BenchmarkId::new("tokio_mpsc", size), |b| b.iter_custom(|n| tokio_mpsc(n, size)));
        group.bench_function(BenchmarkId::new("actix_mailbox", size), |b| {
            b.iter_custom(|n| actix_mailbox(&handle, n, size));
        });
    }
    group.finish();
    arbiter.stop();
    arbiter.join().expect("the arbiter");
    drop(system);
}

criterion_group!(benches, handover);
criterion_main!(benches);
