//! Those who work beside an attack: one request at a time, and a few at a time by a timetable.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use hdrhistogram::Histogram;

/// Connections that send a few at a time, how many those are, and how often.
const CONNECTIONS: usize = 8;
const FEW: usize = 8;
const EVERY: Duration = Duration::from_millis(10);
/// Wallets of each connection.
const WALLETS: u64 = 100;
/// Longest wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Latencies of spends, in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    /// One connection, one at a time, each as soon as the one before is answered.
    pub(crate) one: Histogram<u64>,
    /// Eight connections, eight at a time, a hundred times a second.
    pub(crate) few: Histogram<u64>,
}

/// Wallets that are topped up, and a number for the next id.
pub(crate) struct Others {
    address: SocketAddr,
    next: AtomicU64,
}

struct Line {
    stream: TcpStream,
    input: BufReader<TcpStream>,
    answer: String,
}

impl Line {
    fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let input = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, input, answer: String::new() })
    }

    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    fn yes(&mut self) -> anyhow::Result<()> {
        self.answer.clear();
        self.input.read_line(&mut self.answer).context("waiting for an answer")?;
        ensure!(self.answer.contains(r#""ok":true"#), "somebody who works beside was told: {}", self.answer);
        Ok(())
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 120_000_000, 3)?)
}

impl Others {
    /// Tops the wallets up.
    pub(crate) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let mut line = Line::connect(address)?;
        for connection in 0..=CONNECTIONS {
            for wallet in 0..WALLETS {
                let id = format!("{connection}-{wallet}");
                let ask = format!(
                    r#"{{"id":"t-{id}","op":"top_up","account":"w-{id}","principal":"900000.00","bonus":"90000.00"}}"#
                );
                line.send(format!("{ask}\n").as_bytes())?;
                line.yes()?;
            }
        }
        Ok(Self { address, next: AtomicU64::new(0) })
    }

    fn spend(&self, connection: usize) -> String {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        format!(
            r#"{{"id":"s-{n}","op":"spend","account":"w-{connection}-{}","merchant":"m-{}","amount":"0.01"}}"#,
            n % WALLETS,
            n % 50
        ) + "\n"
    }

    /// Works for so long. Every answer has to be a yes.
    pub(crate) fn work(&self, length: Duration) -> anyhow::Result<Latencies> {
        let ends = AtomicBool::new(false);
        thread::scope(|scope| {
            let ends = &ends;
            let few: Vec<_> = (1..=CONNECTIONS).map(|n| scope.spawn(move || self.few(n, ends))).collect();
            let one = scope.spawn(move || self.one(length)).join();
            ends.store(true, Ordering::Relaxed);
            let mut all = histogram()?;
            for thread in few {
                all.add(thread.join().map_err(|_| anyhow!("a client's thread panicked"))??)?;
            }
            let one = one.map_err(|_| anyhow!("a client's thread panicked"))??;
            Ok(Latencies { one, few: all })
        })
    }

    fn one(&self, length: Duration) -> anyhow::Result<Histogram<u64>> {
        // Who works is late by the server's lateness and not by his own.
        fentan_threads::prompt();
        let mut line = Line::connect(self.address)?;
        let mut latencies = histogram()?;
        let begun = Instant::now();
        while begun.elapsed() < length {
            let spend = self.spend(0);
            let sent = Instant::now();
            line.send(spend.as_bytes())?;
            line.yes()?;
            latencies.record(micros(sent))?;
        }
        Ok(latencies)
    }

    /// Latency counts from the time of the timetable.
    fn few(&self, connection: usize, ends: &AtomicBool) -> anyhow::Result<Histogram<u64>> {
        // Who works is late by the server's lateness and not by his own.
        fentan_threads::prompt();
        let mut line = Line::connect(self.address)?;
        let mut latencies = histogram()?;
        let mut due = Instant::now() + EVERY / 8 * u32::try_from(connection)?;
        while !ends.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let spends: String = (0..FEW).map(|_| self.spend(connection)).collect();
            line.send(spends.as_bytes())?;
            for _ in 0..FEW {
                line.yes()?;
                latencies.record(micros(due))?;
            }
            due += EVERY;
        }
        Ok(latencies)
    }
}
