//! The writing side of a connection.

use crate::wire::Conn;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;

/// A buffer that grew beyond this, in bytes, is not kept.
const KEEP: usize = 1 << 20;

/// Sends what is released until the reader has ended and everything is answered, or the client is gone.
pub(super) async fn run(mut output: OwnedWriteHalf, conn: &Arc<Conn>, mut reader_ended: watch::Receiver<bool>) {
    let mut spare = Vec::new();
    loop {
        let bytes = conn.take(spare);
        if bytes.is_empty() {
            spare = bytes;
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
        if output.write_all(&bytes).await.is_err() {
            // The client is gone; what it asked is done all the same.
            conn.set_gone();
            return;
        }
        conn.room.notify_one();
        spare = if bytes.capacity() > KEEP { Vec::new() } else { bytes };
    }
}
