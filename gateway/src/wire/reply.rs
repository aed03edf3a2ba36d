//! Where answers wait until they may leave: the gateway's side of [`fentan_engine::runtime::Reply`].

use super::answer::Writer;
use crate::explain::{Desk, Destination, Job};
use fentan_engine::runtime::{Answer, Found, Outcome, Reply};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::{Notify, oneshot};

/// The outgoing side of a connection: bytes that may leave, and how much is still on its way.
#[derive(Debug, Default)]
pub(crate) struct Conn {
    out: Mutex<Vec<u8>>,
    /// There is something to send.
    pub(crate) ready: Notify,
    /// There is room again for more requests.
    pub(crate) room: Notify,
    /// Requests that are not answered.
    in_flight: AtomicUsize,
    /// Nobody takes answers any more.
    gone: AtomicBool,
}

impl Conn {
    /// So many requests were taken in.
    pub(crate) fn took(&self, requests: usize) {
        self.in_flight.fetch_add(requests, Ordering::AcqRel);
    }

    /// How many requests are not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Nobody takes answers any more: nothing is read any more either.
    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
        self.room.notify_one();
    }

    /// Whether nobody takes answers any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Bytes that wait to be sent.
    pub(crate) fn waiting(&self) -> usize {
        self.out.lock().len()
    }

    /// These bytes may leave; they answer so many requests.
    pub(crate) fn send(&self, bytes: &[u8], answers: usize) {
        self.out.lock().extend_from_slice(bytes);
        self.in_flight.fetch_sub(answers, Ordering::AcqRel);
        self.ready.notify_one();
        self.room.notify_one();
    }

    /// Takes what may leave; `buffer` comes back in its place.
    pub(crate) fn take(&self, mut buffer: Vec<u8>) -> Vec<u8> {
        buffer.clear();
        let mut out = self.out.lock();
        std::mem::replace(&mut *out, buffer)
    }
}

/// Answers that belong together: a batch, or one request of the HTTP door.
pub(crate) struct Assembly {
    parts: Mutex<Parts>,
    /// An array, or the one answer bare.
    array: bool,
    to: To,
}

enum To {
    Conn(Arc<Conn>),
    Once(Mutex<Option<oneshot::Sender<Vec<u8>>>>),
}

struct Parts {
    missing: usize,
    bytes: Vec<Vec<u8>>,
    /// For each request: part, start and end.
    places: Vec<(usize, usize, usize)>,
}

impl Assembly {
    /// A batch of a connection.
    pub(crate) fn batch(conn: Arc<Conn>, requests: usize) -> Arc<Self> {
        Self::new(To::Conn(conn), requests, true)
    }

    /// Requests of the HTTP door; the receiver gets the whole answer.
    pub(crate) fn once(requests: usize, array: bool) -> (Arc<Self>, oneshot::Receiver<Vec<u8>>) {
        let (sender, receiver) = oneshot::channel();
        (Self::new(To::Once(Mutex::new(Some(sender))), requests, array), receiver)
    }

    fn new(to: To, requests: usize, array: bool) -> Arc<Self> {
        let parts = Parts { missing: requests, bytes: Vec::new(), places: vec![(0, 0, 0); requests] };
        Arc::new(Self { parts: Mutex::new(parts), array, to })
    }

    /// Adds answers: `ends` says where each ends in `bytes`, `numbers` which requests they answer.
    pub(crate) fn add(&self, bytes: Vec<u8>, ends: &[usize], numbers: &[usize]) {
        let mut parts = self.parts.lock();
        let part = parts.bytes.len();
        let mut start = 0;
        for (number, end) in numbers.iter().zip(ends) {
            if let Some(place) = parts.places.get_mut(*number) {
                *place = (part, start, *end);
            }
            start = *end;
        }
        parts.bytes.push(bytes);
        parts.missing = parts.missing.saturating_sub(numbers.len());
        if parts.missing == 0 {
            let whole = self.assemble(&parts);
            match &self.to {
                To::Conn(conn) => conn.send(&whole, parts.places.len()),
                To::Once(sender) => {
                    // Whoever asked may be gone.
                    let _ = sender.lock().take().map(|sender| sender.send(whole));
                }
            }
        }
    }

    fn assemble(&self, parts: &Parts) -> Vec<u8> {
        let mut whole = Vec::with_capacity(parts.bytes.iter().map(Vec::len).sum::<usize>() + parts.places.len() + 3);
        if self.array {
            whole.push(b'[');
        }
        for (n, (part, start, end)) in parts.places.iter().enumerate() {
            if n > 0 {
                whole.push(b',');
            }
            whole.extend_from_slice(&parts.bytes[*part][*start..*end]);
        }
        if self.array {
            whole.push(b']');
        }
        whole.push(b'\n');
        whole
    }
}

/// The answers of one parcel.
pub(crate) enum WireReply {
    /// Lines of a connection.
    Lines {
        /// The connection.
        conn: Arc<Conn>,
        /// The answers.
        bytes: Vec<u8>,
        /// How many.
        answers: usize,
        /// Writes them.
        writer: Writer,
        /// Those that are made elsewhere.
        later: Later,
    },
    /// A part of an assembly.
    Part {
        /// The assembly.
        assembly: Arc<Assembly>,
        /// The answers.
        bytes: Vec<u8>,
        /// Where each ends.
        ends: Vec<usize>,
        /// Which requests they answer.
        numbers: Vec<usize>,
        /// Writes them.
        writer: Writer,
        /// Those that are made elsewhere.
        later: Later,
    },
}

/// Explanations that the shard's answers ask for: the desk makes them when those may leave.
pub(crate) struct Later {
    desk: Arc<Desk>,
    jobs: Vec<(usize, Job)>,
}

impl Later {
    fn new(desk: &Arc<Desk>) -> Self {
        Self { desk: Arc::clone(desk), jobs: Vec::new() }
    }

    /// Keeps what is an explanation to be made, of this request; `false` when it is none.
    fn keeps(&mut self, number: usize, answer: Answer<'_>) -> bool {
        let Outcome::Found { id, found: Found::Explain { record, position, refunded, lang }, .. } = answer.outcome
        else {
            return false;
        };
        let job = Job {
            id: id.clone(),
            record: record.clone(),
            position: *position,
            refunded: *refunded,
            lang: *lang,
            catalog: Arc::clone(answer.catalog),
        };
        self.jobs.push((number, job));
        true
    }

    fn hand_over(self, to: impl Fn(usize) -> Destination) {
        for (number, job) in self.jobs {
            self.desk.take(job, to(number));
        }
    }
}

impl WireReply {
    /// Lines of a connection.
    pub(crate) fn lines(conn: &Arc<Conn>, requests: usize, desk: &Arc<Desk>) -> Self {
        Self::Lines {
            conn: Arc::clone(conn),
            bytes: Vec::with_capacity(requests * 256),
            answers: 0,
            writer: Writer::default(),
            later: Later::new(desk),
        }
    }

    /// A part of an assembly: the requests of these numbers.
    pub(crate) fn part(assembly: &Arc<Assembly>, numbers: Vec<usize>, desk: &Arc<Desk>) -> Self {
        let bytes = Vec::with_capacity(numbers.len() * 256);
        Self::Part {
            assembly: Arc::clone(assembly),
            bytes,
            ends: Vec::with_capacity(numbers.len()),
            numbers,
            writer: Writer::default(),
            later: Later::new(desk),
        }
    }
}

impl Reply for WireReply {
    fn put(&mut self, answer: Answer<'_>) {
        match self {
            Self::Lines { bytes, answers, writer, later, .. } => {
                if !later.keeps(0, answer) {
                    writer.write(bytes, answer);
                    bytes.push(b'\n');
                    *answers += 1;
                }
            }
            Self::Part { bytes, ends, numbers, writer, later, .. } => {
                // The requests that are answered here keep their order; one that is not is taken out.
                let at = ends.len();
                if numbers.get(at).is_some_and(|number| later.keeps(*number, answer)) {
                    numbers.remove(at);
                } else {
                    writer.write(bytes, answer);
                    ends.push(bytes.len());
                }
            }
        }
    }

    fn release(self) {
        match self {
            Self::Lines { conn, bytes, answers, later, .. } => {
                conn.send(&bytes, answers);
                later.hand_over(|_| Destination::Conn(Arc::clone(&conn)));
            }
            Self::Part { assembly, bytes, ends, numbers, later, .. } => {
                if !numbers.is_empty() {
                    assembly.add(bytes, &ends, &numbers);
                }
                later.hand_over(|number| Destination::Part(Arc::clone(&assembly), number));
            }
        }
    }
}
