//! Loopback: how many bytes pass, and how long a short message takes there and back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::Probe;

/// Bytes of one write.
const BLOCK_BYTES: usize = 256 << 10;
/// Bytes of a short message: about a spend.
const MESSAGE_BYTES: usize = 128;

/// Bytes a second from one thread to another over TCP.
pub(crate) fn bandwidth(length: Duration) -> anyhow::Result<f64> {
    let (mut here, mut there) = pair()?;
    let reader = thread::spawn(move || -> std::io::Result<u64> {
        let mut buffer = vec![0; BLOCK_BYTES];
        let mut read = 0;
        loop {
            match there.read(&mut buffer)? {
                0 => return Ok(read),
                some => read += some as u64,
            }
        }
    });
    let block = vec![0x5a; BLOCK_BYTES];
    let begun = Instant::now();
    while begun.elapsed() < length {
        here.write_all(&block)?;
    }
    drop(here);
    let read = reader.join().map_err(|_| anyhow!("the reader of the loopback's limit panicked"))??;
    #[expect(clippy::cast_precision_loss, reason = "a rate, for people to read")]
    let read = read as f64;
    Ok(read / begun.elapsed().as_secs_f64())
}

/// A message of 128 bytes and one of the same length back, one in flight.
pub(crate) fn ping_pong(length: Duration) -> anyhow::Result<Probe> {
    let (mut here, mut there) = pair()?;
    let echo = thread::spawn(move || {
        let mut message = [0; MESSAGE_BYTES];
        // Ends when the other side is closed.
        while there.read_exact(&mut message).is_ok() && there.write_all(&message).is_ok() {}
    });
    let mut message = [0x5a; MESSAGE_BYTES];
    let begun = Instant::now();
    let probe = Probe::run(
        || {
            here.write_all(&message)?;
            here.read_exact(&mut message)
        },
        |_| begun.elapsed() >= length,
    )?;
    drop(here);
    echo.join().map_err(|_| anyhow!("the echo of the loopback's limit panicked"))?;
    Ok(probe)
}

fn pair() -> anyhow::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listening on loopback")?;
    let here = TcpStream::connect(listener.local_addr()?).context("connecting over loopback")?;
    let (there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    Ok((here, there))
}
