//! From a feed, or a stream of answers, to the body of a response: one piece at a time, and not for somebody who does not
//! take it.

use super::source::FeedFault;
use bytes::Bytes;
use futures_util::Stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// The side that gives.
pub(crate) struct Pieces {
    sender: mpsc::Sender<Bytes>,
    whole: Arc<AtomicBool>,
}

/// The side that the HTTP server takes from.
pub(crate) struct Body {
    receiver: mpsc::Receiver<Bytes>,
    whole: Arc<AtomicBool>,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// All was given.
    Whole,
    /// The client is gone.
    Gone,
    /// The client has taken nothing for too long.
    Stalled,
    Fault(FeedFault),
}

impl Body {
    /// Both sides. One piece waits between them.
    pub(crate) fn new() -> (Pieces, Self) {
        let (sender, receiver) = mpsc::channel(1);
        let whole = Arc::new(AtomicBool::new(false));
        (Pieces { sender, whole: Arc::clone(&whole) }, Self { receiver, whole })
    }

    /// The pieces. What was not ended as a whole ends with an error, which breaks the response off.
    pub(crate) fn into_stream(self) -> impl Stream<Item = std::io::Result<Bytes>> {
        futures_util::stream::unfold(Some(self), |body| async move {
            let mut body = body?;
            match body.receiver.recv().await {
                Some(bytes) => Some((Ok(bytes), Some(body))),
                None if body.whole.load(Ordering::Acquire) => None,
                None => Some((Err(std::io::Error::other("the response was broken off")), None)),
            }
        })
    }
}

impl Pieces {
    /// Gives a piece; an error when nobody takes it any more.
    pub(crate) async fn send(&self, bytes: Bytes) -> Result<(), ()> {
        self.sender.send(bytes).await.map_err(|_| ())
    }

    /// That was all.
    pub(crate) fn end(self) {
        self.whole.store(true, Ordering::Release);
    }
}

/// Gives what `next` has, piece by piece, to somebody who takes a piece within `patience`.
pub(super) async fn pump(
    mut next: impl AsyncFnMut() -> Result<Option<Bytes>, FeedFault>,
    to: &Pieces,
    patience: Duration,
) -> Ended {
    loop {
        let bytes = tokio::select! {
            bytes = next() => bytes,
            () = to.sender.closed() => return Ended::Gone,
        };
        let bytes = match bytes {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ended::Whole,
            Err(fault) => return Ended::Fault(fault),
        };
        match tokio::time::timeout(patience, to.send(bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(())) => return Ended::Gone,
            Err(_) => return Ended::Stalled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fentan_engine::ledger::Reject;
    use futures_util::StreamExt;

    const PATIENCE: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3_600);

    fn run(future: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future);
    }

    async fn rest(body: Body) -> Vec<Result<Bytes, String>> {
        body.into_stream().map(|piece| piece.map_err(|error| error.to_string())).collect().await
    }

    #[test]
    fn a_whole_feed_ends_and_one_that_was_broken_off_is_an_error() {
        run(async {
            for fails in [false, true] {
                let (pieces, body) = Body::new();
                let mut left = 3_u8;
                let giving = async move {
                    let next = async || {
                        left -= 1;
                        match left {
                            0 if fails => Err(Reject::ShuttingDown.into()),
                            0 => Ok(None),
                            left => Ok(Some(Bytes::from(vec![left]))),
                        }
                    };
                    match pump(next, &pieces, LONG).await {
                        Ended::Whole => pieces.end(),
                        ended => assert!(fails && matches!(ended, Ended::Fault(_)), "{ended:?}"),
                    }
                };
                let ((), got) = tokio::join!(giving, rest(body));
                assert_eq!(got[..2], [Ok(Bytes::from(vec![2])), Ok(Bytes::from(vec![1]))]);
                assert_eq!((got.len(), got.last().unwrap().is_err()), if fails { (3, true) } else { (2, false) });
            }
        });
    }

    #[test]
    fn e5_who_takes_nothing_loses_his_place_and_sees_that_it_is_not_the_end() {
        run(async {
            let (pieces, body) = Body::new();
            let ended = pump(async || Ok(Some(Bytes::from_static(b"x"))), &pieces, PATIENCE).await;
            assert!(matches!(ended, Ended::Stalled), "{ended:?}");
            drop(pieces);
            let got = rest(body).await;
            assert!(got.len() == 2 && got[0].is_ok() && got[1].is_err(), "{got:?}");
        });
    }

    #[test]
    fn a_client_that_goes_is_noticed_while_there_is_nothing_to_say() {
        run(async {
            let (pieces, body) = Body::new();
            let waiting = pump(async || std::future::pending().await, &pieces, LONG);
            let ((), ended) = tokio::join!(async { drop(body) }, waiting);
            assert!(matches!(ended, Ended::Gone), "{ended:?}");
        });
    }
}
