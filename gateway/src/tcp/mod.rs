//! The TCP door: newline-delimited JSON, pipelined.
//!
//! One connection is two tasks: [`mod@read`] takes in what the socket has, reads the lines and hands them to
//! the engine in one parcel a shard; [`mod@write`] sends what has been released, in one go. Neither waits for
//! single requests. [`watch`] looks after those that stand still.

mod read;
mod socket;
mod watch;
mod write;

pub(crate) use read::Lines;

use crate::access::FIRST_BYTE;
use crate::door::Door;
use crate::wire::{Conn, write_refusal};
use fentan_engine::ledger::Reject;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch as signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use watch::Watch;

pub(crate) use socket::{Places, let_go, listen, places};
pub(crate) use watch::{Dismissal, Patience};

/// How long the other side of a connection may take to hear its end.
const LINGER: Duration = Duration::from_secs(1);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After so many new connections those that are there have a turn: they are where places come from.
const ACCEPTED: u32 = 16;
/// How many refused connections may linger at once; the others are closed at once.
const LINGERING: usize = 64;

/// What all connections share.
#[derive(Clone)]
struct Shared {
    door: Door,
    tls: Option<TlsAcceptor>,
    /// Who sends without end reads only while he holds one of these, of which there is one fewer than threads where there
    /// are two or more: whoever sends now and then finds one that is not in the middle of such a turn, nearly always.
    busy: Arc<Semaphore>,
    closing: signal::Receiver<bool>,
}

/// Takes connections until `closing` turns true, and returns when every one has ended. With `tls` they speak TLS.
pub(crate) async fn serve(
    listener: TcpListener,
    door: Door,
    tls: Option<TlsAcceptor>,
    mut closing: signal::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(door.limits.connections));
    let lingering = Arc::new(Semaphore::new(LINGERING));
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    let busy = Arc::new(Semaphore::new(threads.saturating_sub(1).max(1)));
    let shared = Shared { door, tls, busy, closing: closing.clone() };
    let door = &shared.door;
    let connections = metrics::gauge!("fentan_tcp_connections");
    let all = u32::try_from(door.limits.connections).unwrap_or(u32::MAX);
    let watch = Arc::new(Watch::new(door.limits.patience));
    let watching = tokio::spawn({
        let watch = Arc::clone(&watch);
        async move { watch.run().await }
    });
    let mut accepted = 0_u32;
    loop {
        accepted = accepted.wrapping_add(1);
        if accepted.is_multiple_of(ACCEPTED) {
            tokio::task::yield_now().await;
        }
        let stream = tokio::select! {
            stream = listener.accept() => match stream {
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
            if shared.tls.is_none() {
                tokio::spawn(refuse(stream, Arc::clone(&lingering)));
            }
            continue;
        };
        let (shared, connections) = (shared.clone(), connections.clone());
        let conn = Arc::new(Conn::default());
        watch.add(&conn);
        tokio::spawn(async move {
            connections.increment(1.0);
            connection(stream, &conn, shared).await;
            conn.set_ended();
            connections.decrement(1.0);
            drop(place);
        });
    }
    // Each connection ends when its last answer is sent.
    let _ = places.acquire_many(all).await;
    watching.abort();
}

/// Waits until the server closes.
async fn closed(closing: &mut signal::Receiver<bool>) {
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

async fn connection(stream: TcpStream, conn: &Arc<Conn>, mut shared: Shared) {
    // Answers are small and come in groups already.
    let _ = stream.set_nodelay(true);
    socket::keep_alive(&stream);
    let Some(tls) = &shared.tls else {
        let (input, output) = stream.into_split();
        return talk(input, output, conn, shared).await;
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE, shake_hands(stream, tls)) => shaken.ok().flatten(),
        () = closed(&mut shared.closing) => None,
    };
    match shaken {
        Some(stream) => {
            let (input, output) = tokio::io::split(stream);
            talk(input, output, conn, shared).await;
        }
        None => metrics::counter!("fentan_tls_refused_total").increment(1),
    }
}

/// Begins TLS; who speaks plain text is told so.
async fn shake_hands(mut stream: TcpStream, tls: &TlsAcceptor) -> Option<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? == 1 && first != [FIRST_BYTE] {
        let mut bytes = Vec::new();
        write_refusal(&mut bytes, None, &Reject::bad_request("request", "this door speaks TLS, not plain text"));
        bytes.push(b'\n');
        // Whether it is heard does not matter.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        linger(&mut stream).await;
        return None;
    }
    tls.accept(stream).await.ok()
}

async fn talk(
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    conn: &Arc<Conn>,
    shared: Shared,
) {
    let (ended, reader_ended) = signal::channel(false);
    let reading = async {
        read::run(&mut input, conn, shared).await;
        // The writer sends what is still on its way, then ends.
        let _ = ended.send(true);
        conn.ready.notify_one();
    };
    let both = async { tokio::join!(reading, write::run(&mut output, conn, reader_ended)) };
    let dismissal = tokio::select! {
        biased;
        _ = both => None,
        how = conn.dismissed() => Some(how),
    };
    match dismissal {
        None => linger(&mut input).await,
        Some(Dismissal::Silent) => {}
        Some(Dismissal::Told(reject)) => {
            let mut bytes = Vec::new();
            write_refusal(&mut bytes, None, &reject);
            bytes.push(b'\n');
            // Who takes nothing hears nothing.
            let told = async { output.write_all(&bytes).await.is_ok() && output.shutdown().await.is_ok() };
            if tokio::time::timeout(LINGER, told).await.is_ok_and(|told| told) {
                linger(&mut input).await;
            }
        }
    }
}

/// Reads and forgets what still comes, until the other side ends too. A socket that is closed with
/// something unread in it is reset, and a reset takes back the answers that the other side has not read.
async fn linger(input: &mut (impl AsyncRead + Unpin)) {
    let mut rest = vec![0; 16 << 10];
    let drained = async { while input.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
    // Who does not end in time is cut off.
    let _ = tokio::time::timeout(LINGER, drained).await;
}
