//! The attacks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

/// How long an attacker waits for room to write, before it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// What is done to the server.
pub(crate) struct Attack {
    /// Its name.
    pub(crate) name: &'static str,
    /// Attackers, each with a thread of its own.
    threads: u64,
    run: fn(&Ground, u64),
}

/// Where an attack takes place.
struct Ground {
    address: SocketAddr,
    ends: AtomicBool,
    /// Bytes that went to the server.
    sent: AtomicU64,
    /// Makes ids of one attack different from those of the others.
    seed: u64,
}

/// An attack under way.
pub(crate) struct UnderWay {
    ground: Arc<Ground>,
    threads: Vec<JoinHandle<()>>,
}

/// All of them.
pub(crate) static ATTACKS: [Attack; 11] = [
    Attack { name: "slow readers", threads: 40, run: takes_nothing },
    Attack { name: "slow writers", threads: 40, run: never_ends_a_line },
    Attack { name: "10,000 idle connections", threads: 1, run: crowd },
    Attack { name: "connections that come and go", threads: 2, run: comes_and_goes },
    Attack { name: "a flood of malformed lines", threads: 4, run: |ground, c| stream(ground, c, malformed) },
    Attack { name: "a flood of kept noes", threads: 4, run: |ground, c| stream(ground, c, poor) },
    Attack { name: "batches of 10,000", threads: 4, run: |ground, c| stream(ground, c, batch) },
    Attack { name: "deep JSON", threads: 4, run: |ground, c| stream(ground, c, deep) },
    Attack { name: "ids that are alike", threads: 2, run: |ground, c| stream(ground, c, alike) },
    Attack { name: "one client takes the queue", threads: 1, run: |ground, c| stream(ground, c, pings_and_top_ups) },
    Attack { name: "eight clients take the queue", threads: 8, run: |ground, c| stream(ground, c, pings_and_top_ups) },
];

impl Attack {
    /// Begins.
    pub(crate) fn begin(&self, address: SocketAddr, seed: u64) -> UnderWay {
        let ground = Arc::new(Ground { address, ends: AtomicBool::new(false), sent: AtomicU64::new(0), seed });
        let threads = (0..self.threads).map(|c| {
            let (ground, run) = (Arc::clone(&ground), self.run);
            thread::spawn(move || {
                fentan_threads::idle();
                // Who is cut off comes again, as long as the attack goes on.
                while !ground.ends() {
                    run(&ground, c);
                }
            })
        });
        UnderWay { threads: threads.collect(), ground }
    }
}

impl UnderWay {
    /// Ends it; how many bytes went to the server.
    pub(crate) fn end(self) -> u64 {
        self.ground.ends.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // One that panicked attacks no more.
            let _ = thread.join();
        }
        self.ground.sent.load(Ordering::Relaxed)
    }
}

impl Ground {
    fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }

    fn connect(&self) -> Option<TcpStream> {
        let stream = TcpStream::connect(self.address).ok()?;
        stream.set_write_timeout(Some(LOOK)).ok()?;
        stream.set_read_timeout(Some(LOOK)).ok()?;
        Some(stream)
    }

    /// Writes all of it, or as much as goes until the end; `false` when the connection is over.
    fn write(&self, mut stream: &TcpStream, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() && !self.ends() {
            match stream.write(bytes) {
                Ok(0) => return false,
                Ok(written) => {
                    self.sent.fetch_add(written as u64, Ordering::Relaxed);
                    bytes = &bytes[written..];
                }
                Err(error) if waits(&error) => {}
                Err(_) => return false,
            }
        }
        true
    }

    fn rest(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !self.ends() {
            thread::sleep(left.min(LOOK));
            left = left.saturating_sub(LOOK);
        }
    }
}

fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Sends as fast as it is taken, and takes every answer.
fn stream(ground: &Ground, c: u64, next: fn(u64, u64, u64) -> Vec<u8>) {
    let Some(stream) = ground.connect() else { return ground.rest(LOOK) };
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = vec![0; 256 << 10];
            while !ground.ends() {
                match (&mut &stream).read(&mut bytes) {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) if waits(&error) => {}
                    Err(_) => return,
                }
            }
        });
        // Larger than any number of the connection before.
        let mut n = ground.sent.load(Ordering::Relaxed);
        while !ground.ends() && ground.write(&stream, &next(ground.seed, c, n)) {
            n += 1;
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
}

fn lines(count: u64, line: impl Fn(u64) -> String) -> Vec<u8> {
    (0..count).flat_map(|n| line(n).into_bytes()).collect()
}

fn malformed(_: u64, _: u64, _: u64) -> Vec<u8> {
    lines(500, |n| format!("{{\"id\":\"m-{n}\",\"op\":\"spend\",\"account\":\"nobody\",\"amount\":{n}}}\n"))
}

fn poor(seed: u64, c: u64, chunk: u64) -> Vec<u8> {
    lines(500, |n| {
        format!(
            "{{\"id\":\"p{seed}-{c}-{chunk}-{n}\",\"op\":\"spend\",\"account\":\"nobody\",\"merchant\":\"m\",\"amount\":\"1.00\"}}\n"
        )
    })
}

fn top_up(seed: u64, c: u64, chunk: u64, n: u64) -> String {
    format!(r#"{{"id":"g{seed}-{c}-{chunk}-{n}","op":"top_up","account":"g{c}-{}","principal":"0.01"}}"#, n % 1000)
}

fn batch(seed: u64, c: u64, chunk: u64) -> Vec<u8> {
    let all: Vec<String> = (0..10_000).map(|n| top_up(seed, c, chunk, n)).collect();
    format!("[{}]\n", all.join(",")).into_bytes()
}

fn deep(_: u64, _: u64, _: u64) -> Vec<u8> {
    format!("{{\"id\":\"d\",\"op\":\"spend\",\"account\":{}1{}}}\n", "[".repeat(500_000), "]".repeat(500_000))
        .into_bytes()
}

fn alike(seed: u64, c: u64, chunk: u64) -> Vec<u8> {
    lines(500, |n| {
        let id = format!("{seed:x}{c:x}{chunk:08x}{n:03x}");
        let id = format!("{}{id}", "x".repeat(64_usize.saturating_sub(id.len())));
        format!("{{\"id\":\"{id}\",\"op\":\"top_up\",\"account\":\"alike-{c}\",\"principal\":\"0.01\"}}\n")
    })
}

fn pings_and_top_ups(seed: u64, c: u64, chunk: u64) -> Vec<u8> {
    lines(
        500,
        |n| if n % 2 == 0 { top_up(seed, c, chunk, n) + "\n" } else { "{\"id\":\"p\",\"op\":\"ping\"}\n".into() },
    )
}

/// Asks and takes nothing.
fn takes_nothing(ground: &Ground, c: u64) {
    let Some(stream) = ground.connect() else { return ground.rest(LOOK) };
    let ask = lines(500, |n| format!("{{\"id\":\"r{c}-{n}\",\"op\":\"balance\",\"account\":\"w-1-{}\"}}\n", n % 100));
    while !ground.ends() && ground.write(&stream, &ask) {}
}

/// A megabyte of one line, then a byte now and then.
fn never_ends_a_line(ground: &Ground, _: u64) {
    let Some(stream) = ground.connect() else { return ground.rest(LOOK) };
    let begin = format!("{{\"id\":\"{}", "x".repeat(1 << 20));
    let mut goes_on = ground.write(&stream, begin.as_bytes());
    while goes_on && !ground.ends() {
        ground.rest(LOOK);
        goes_on = ground.write(&stream, b"x");
    }
}

/// As many connections as this process may have, ten thousand at most, which say one thing and then nothing.
fn crowd(ground: &Ground, _: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(20_000).saturating_sub(200);
    let mut all = Vec::new();
    for _ in 0..files.min(10_000) {
        if ground.ends() {
            return;
        }
        let Some(stream) = ground.connect() else { break };
        ground.write(&stream, b"{\"id\":\"p\",\"op\":\"ping\"}\n");
        all.push(stream);
    }
    while !ground.ends() {
        ground.rest(LOOK);
    }
}

/// Connects, says half of something, and is gone, again and again.
fn comes_and_goes(ground: &Ground, _: u64) {
    if let Some(stream) = ground.connect() {
        ground.write(&stream, b"{\"id\":\"p\",\"op\":\"ping\"}\n{\"id\":\"half");
    }
}
