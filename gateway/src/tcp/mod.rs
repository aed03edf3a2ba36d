//! The TCP door: newline-delimited JSON, pipelined.
//!
//! One connection is two tasks: [`mod@read`] takes in what the socket has, reads the lines and hands them to
//! the engine in one parcel a shard; [`mod@write`] sends what has been released, in one go. Neither waits for
//! single requests.

mod read;
mod write;

pub(crate) use read::Lines;

use crate::door::Door;
use crate::wire::{Conn, write_refusal};
use fentan_engine::ledger::Reject;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// How long the other side of a connection may take to hear its end.
const LINGER: Duration = Duration::from_secs(1);
/// How many refused connections may linger at once; the others are closed at once.
const LINGERING: usize = 64;

/// Takes connections until `closing` turns true, and returns when every one has ended.
pub(crate) async fn serve(listener: TcpListener, door: Door, mut closing: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(door.limits.connections));
    let lingering = Arc::new(Semaphore::new(LINGERING));
    let connections = metrics::gauge!("fentan_tcp_connections");
    let all = u32::try_from(door.limits.connections).unwrap_or(u32::MAX);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, for example: others' connections go on.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = closed(&mut closing) => break,
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            metrics::counter!("fentan_tcp_refused_total").increment(1);
            tokio::spawn(refuse(stream, Arc::clone(&lingering)));
            continue;
        };
        let (door, closing, connections) = (door.clone(), closing.clone(), connections.clone());
        tokio::spawn(async move {
            connections.increment(1.0);
            connection(stream, door, closing).await;
            connections.decrement(1.0);
            drop(place);
        });
    }
    // Each connection ends when its last answer is sent.
    let _ = places.acquire_many(all).await;
}

/// Waits until the server closes.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // The sender gone is the same as closing.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// No place for another connection: says so and closes.
async fn refuse(mut stream: TcpStream, lingering: Arc<Semaphore>) {
    let mut bytes = Vec::new();
    write_refusal(&mut bytes, None, &Reject::Overloaded { retry_after_ms: 1000 });
    bytes.push(b'\n');
    // Whether it is heard does not matter.
    let _ = stream.write_all(&bytes).await;
    if let Ok(_place) = lingering.try_acquire() {
        let _ = stream.shutdown().await;
        linger(&mut stream).await;
    }
}

async fn connection(stream: TcpStream, door: Door, closing: watch::Receiver<bool>) {
    // Answers are small and come in groups already.
    let _ = stream.set_nodelay(true);
    let (mut input, output) = stream.into_split();
    let conn = Arc::new(Conn::default());
    let (ended, reader_ended) = watch::channel(false);
    let reading = async {
        read::run(&mut input, &conn, &door, closing).await;
        // The writer sends what is still on its way, then ends.
        let _ = ended.send(true);
        conn.ready.notify_one();
    };
    tokio::join!(reading, write::run(output, &conn, reader_ended));
    linger(&mut input).await;
}

/// Reads and forgets what still comes, until the other side ends too. A socket that is closed with
/// something unread in it is reset, and a reset takes back the answers that the other side has not read.
async fn linger(input: &mut (impl AsyncRead + Unpin)) {
    let mut rest = vec![0; 16 << 10];
    let drained = async { while input.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
    // Who does not end in time is cut off.
    let _ = tokio::time::timeout(LINGER, drained).await;
}
