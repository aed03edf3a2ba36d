//! Asking a server very many questions: arrays over a few connections, in parallel.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fentan_protocol::RejectCode;

use super::VerifyError;
use crate::client::{Client, ClientError};
use crate::scan::Scan;

/// How often an `overloaded` question is asked again before giving up.
const RETRIES_MAX: u32 = 2000;
/// Rest after `overloaded` without a hint, in milliseconds.
const REST_MS: u64 = 10;
/// Longest rest after `overloaded`, whatever the hint, in milliseconds.
const REST_MS_MAX: u64 = 1000;

/// How questions are asked.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Whom.
    pub address: SocketAddr,
    /// Connections, each with one array in flight.
    pub connections: u32,
    /// Questions an array.
    pub batch: usize,
}

impl Asking {
    /// Asks everything that `source` gives: `source` appends at most the given number of questions
    /// and appends none when there are no more; `write` puts a question as one JSON object; `check`
    /// gets each answer. `overloaded` answers are not handed over, the question is asked again.
    ///
    /// # Errors
    /// [`VerifyError::Client`] when the server does not answer, [`VerifyError::Overloaded`], and
    /// whatever `source` says.
    pub fn ask<Q, S, W, C>(&self, source: S, write: W, check: C) -> Result<(), VerifyError>
    where
        Q: Send,
        S: FnMut(usize, &mut Vec<Q>) -> Result<(), VerifyError> + Send,
        W: Fn(&Q, &mut Vec<u8>) + Sync,
        C: Fn(&Q, &Scan<'_>) + Sync,
    {
        let source = Mutex::new(source);
        let lane = || -> Result<(), VerifyError> {
            let mut client = Client::connect(self.address)?;
            let mut questions = Vec::with_capacity(self.batch);
            let mut retries = 0;
            loop {
                if questions.is_empty() {
                    retries = 0;
                    source.lock().unwrap_or_else(PoisonError::into_inner)(self.batch, &mut questions)?;
                }
                if questions.is_empty() {
                    return Ok(());
                }
                let rest_ms = exchange(&mut client, &mut questions, &write, &check)?;
                if !questions.is_empty() {
                    retries += 1;
                    if retries > RETRIES_MAX {
                        return Err(VerifyError::Overloaded { waiting: questions.len() });
                    }
                    std::thread::sleep(Duration::from_millis(rest_ms.min(REST_MS_MAX)));
                }
            }
        };
        std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..self.connections.max(1)).map(|_| scope.spawn(lane)).collect();
            lanes.into_iter().try_for_each(|l| l.join().unwrap_or(Err(VerifyError::Thread)))
        })
    }
}

/// One array. On return `questions` has those that must be asked again, after the given rest (ms).
fn exchange<Q>(
    client: &mut Client,
    questions: &mut Vec<Q>,
    write: impl Fn(&Q, &mut Vec<u8>),
    check: impl Fn(&Q, &Scan<'_>),
) -> Result<u64, VerifyError> {
    let mut line = Vec::with_capacity(questions.len() * 160);
    line.push(b'[');
    for (place, question) in questions.iter().enumerate() {
        if place > 0 {
            line.push(b',');
        }
        write(question, &mut line);
    }
    line.extend_from_slice(b"]\n");
    let mut again = vec![false; questions.len()];
    let mut rest_ms = REST_MS;
    let done = client.exchange(&line, questions.len(), |place, scan| {
        let code = RejectCode::from(std::str::from_utf8(scan.code).unwrap_or(""));
        if !scan.ok && code.is_transient() {
            rest_ms = scan.retry_after_ms.unwrap_or(REST_MS);
            if let Some(flag) = again.get_mut(place) {
                *flag = true;
            }
        } else if let Some(question) = questions.get(place) {
            check(question, &scan);
        }
    });
    match done {
        Ok(()) => {
            let mut flags = again.into_iter();
            questions.retain(|_| flags.next().unwrap_or(false));
            Ok(rest_ms)
        }
        // The array as a whole was turned away: all of it again.
        Err(ClientError::Count { got: 1, .. }) if again.first() == Some(&true) => Ok(rest_ms),
        Err(error) => Err(error.into()),
    }
}
