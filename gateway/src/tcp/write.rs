//! The writing side of a connection.

use crate::wire::{Conn, Outbox};
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::sync::Arc;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

/// The most buffers that one write takes.
const SLICES: usize = 64;

/// Sends what is released until the reader has ended and everything is answered, or the client is gone.
pub(super) async fn run(
    output: &mut (impl AsyncWrite + Unpin),
    conn: &Arc<Conn>,
    mut reader_ended: watch::Receiver<bool>,
) {
    let mut outbox = Outbox::default();
    loop {
        conn.exchange(&mut outbox);
        if outbox.buffers.is_empty() {
            if *reader_ended.borrow() && conn.in_flight() == 0 && conn.waiting() == 0 {
                let _ = output.shutdown().await;
                return;
            }
            tokio::select! {
                () = conn.ready.notified() => {}
                _ = reader_ended.changed() => {}
            }
            continue;
        }
        // A plain socket keeps nothing back; TLS does.
        let sent = async {
            write_all(output, &outbox.buffers).await?;
            output.flush().await
        };
        if sent.await.is_err() {
            // The client is gone; what it asked is done all the same.
            conn.set_gone();
            return;
        }
        conn.wrote();
    }
}

/// Writes all the buffers, many at once.
async fn write_all(output: &mut (impl AsyncWrite + Unpin), buffers: &[Vec<u8>]) -> Result<()> {
    if let [buffer] = buffers {
        return output.write_all(buffer).await;
    }
    for buffers in buffers.chunks(SLICES) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        for (slice, buffer) in slices.iter_mut().zip(buffers) {
            *slice = IoSlice::new(buffer);
        }
        let mut left = &mut slices[..buffers.len()];
        while !left.is_empty() {
            match output.write_vectored(left).await? {
                0 => return Err(Error::from(ErrorKind::WriteZero)),
                written => IoSlice::advance_slices(&mut left, written),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[test]
    fn all_buffers_are_written_in_order_whatever_the_socket_takes_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let buffers: Vec<Vec<u8>> = (0..200_u8).map(|n| vec![n; usize::from(n) + 1]).collect();
        let expected = buffers.concat();
        let (mut near, mut far) = tokio::io::duplex(37);
        let read = runtime.block_on(async {
            let writing = async move { write_all(&mut near, &buffers).await.expect("written") };
            let mut read = Vec::new();
            let reading = async { far.read_to_end(&mut read).await.expect("read") };
            tokio::join!(writing, reading);
            read
        });
        assert_eq!(read, expected);
    }
}
