//! Where answers wait until they may leave: the gateway's side of [`fentan_engine::runtime::Reply`].
//!
//! An answer is written once, by the shard that decided it, into the buffer of its parcel, and that buffer goes
//! to the socket as it is. Only a batch that several shards did is copied once more, by its connection's task.
//!
//! | file | holds |
//! |---|---|
//! | `conn.rs` | the outgoing side of a connection |
//! | `assembly.rs` | answers that belong together and come from several places |
//! | `ear.rs` | answers to the server itself |

mod assembly;
mod conn;
mod ear;

use super::answer::Sheet;
use crate::explain::{Desk, Destination, Job};
use fentan_engine::journal::Position;
use fentan_engine::runtime::{Answer, Client, Found, Outcome, Reply, Seq};
use std::sync::Arc;

pub(crate) use assembly::{Assembly, Numbers, Part};
pub(crate) use conn::{Conn, Outbox, Progress};
use crossbeam::channel::Sender;
use ear::Ear;
pub(crate) use ear::Heard;

/// The answers of one parcel.
pub(crate) struct WireReply {
    to: To,
    sheet: Sheet,
    later: Later,
}

enum To {
    /// Lines of a connection.
    Lines {
        conn: Arc<Conn>,
        /// How many there are.
        answers: usize,
    },
    /// A part of an assembly.
    Part {
        assembly: Arc<Assembly>,
        /// Where each answer ends.
        ends: Vec<usize>,
        /// Which requests they answer.
        numbers: Numbers,
    },
    /// Somebody inside the server.
    Ear(Ear),
}

/// Explanations that the shard's answers ask for: the desk makes them when those may leave.
struct Later {
    desk: Arc<Desk>,
    jobs: Vec<Waiting>,
}

/// A job, the number of its request, and its record's position when that is not known yet.
struct Waiting {
    number: usize,
    job: Job,
    seq: Option<Seq>,
}

impl Later {
    fn new(desk: &Arc<Desk>) -> Self {
        Self { desk: Arc::clone(desk), jobs: Vec::new() }
    }

    /// Keeps what is an explanation to be made, of this request; `false` when it is none.
    #[inline]
    fn keeps(&mut self, number: usize, answer: Answer<'_>) -> bool {
        let Outcome::Found { id, found: Found::Explain { record, seq, refunded, lang, by }, .. } = answer.outcome
        else {
            return false;
        };
        let job = Job {
            id: id.clone(),
            record: record.clone(),
            position: 0,
            refunded: *refunded,
            lang: *lang,
            by: by.clone(),
            catalog: Arc::clone(answer.catalog),
        };
        self.jobs.push(Waiting { number, job, seq: Some(*seq) });
        true
    }

    fn place(&mut self, first: Position, as_of: Position) {
        for waiting in &mut self.jobs {
            if let Some(seq) = waiting.seq.take() {
                waiting.job.position = seq.resolve(first, as_of);
            }
        }
    }

    fn hand_over(self, to: impl Fn(usize) -> Destination) {
        for Waiting { number, job, .. } in self.jobs {
            self.desk.take(job, to(number));
        }
    }
}

impl WireReply {
    /// Lines of a connection.
    pub(crate) fn lines(conn: &Arc<Conn>, requests: usize, desk: &Arc<Desk>) -> Self {
        Self {
            sheet: Sheet::new(conn.buffer(requests), conn.digits()),
            to: To::Lines { conn: Arc::clone(conn), answers: 0 },
            later: Later::new(desk),
        }
    }

    /// A part of an assembly: the requests of these numbers.
    pub(crate) fn part(assembly: &Arc<Assembly>, numbers: Numbers, desk: &Arc<Desk>) -> Self {
        let conn = assembly.conn();
        let mut bytes = conn.map_or_else(Vec::new, |conn| conn.buffer(numbers.len()));
        if assembly.is_array() {
            bytes.push(b'[');
        }
        Self {
            sheet: Sheet::new(bytes, conn.map_or(0, |conn| conn.digits())),
            to: To::Part { assembly: Arc::clone(assembly), ends: Vec::with_capacity(numbers.len()), numbers },
            later: Later::new(desk),
        }
    }

    /// What somebody inside the server asked.
    pub(crate) fn ear(to: Sender<Vec<Heard>>, desk: &Arc<Desk>) -> Self {
        Self { sheet: Sheet::new(Vec::new(), 0), to: To::Ear(Ear::new(to)), later: Later::new(desk) }
    }

    /// Which requests of an assembly it would have answered.
    pub(crate) fn into_numbers(self) -> Numbers {
        match self.to {
            To::Lines { .. } | To::Ear(_) => Numbers::Run(0..0),
            To::Part { numbers, .. } => numbers,
        }
    }
}

impl Reply for WireReply {
    fn put(&mut self, answer: Answer<'_>) {
        let Self { to, sheet, later } = self;
        match to {
            To::Ear(ear) => ear.hear(answer),
            To::Lines { answers, .. } => {
                if !later.keeps(0, answer) {
                    sheet.write(answer);
                    sheet.bytes.push(b'\n');
                    *answers += 1;
                }
            }
            To::Part { assembly, ends, numbers } => {
                // The requests that are answered here keep their order; one that is not is taken out.
                let at = ends.len();
                if numbers.get(at).is_some_and(|number| later.keeps(number, answer)) {
                    numbers.remove(at);
                } else {
                    sheet.write(answer);
                    ends.push(sheet.bytes.len());
                    if assembly.is_array() {
                        sheet.bytes.push(b',');
                    }
                }
            }
        }
    }

    fn place(&mut self, first: Position, as_of: Position) {
        let ends: &mut [usize] = match &mut self.to {
            To::Lines { .. } | To::Ear(_) => &mut [],
            To::Part { ends, .. } => ends,
        };
        self.sheet.place(ends, first, as_of);
        self.later.place(first, as_of);
    }

    fn client(&self) -> Option<Client> {
        let of = |conn: &Arc<Conn>, batch| {
            let key = Arc::as_ptr(conn).addr() as u64;
            Client { key, unanswered: conn.in_flight(), batch }
        };
        match &self.to {
            To::Lines { conn, .. } => Some(of(conn, false)),
            To::Part { assembly, .. } => Some(assembly.conn().map_or_else(
                // An exchange over HTTP is like a connection of its own.
                || {
                    let key = Arc::as_ptr(assembly).addr() as u64;
                    Client { key, unanswered: assembly.requests(), batch: assembly.is_array() }
                },
                |conn| of(conn, assembly.is_array()),
            )),
            To::Ear(_) => None,
        }
    }

    fn release(self) {
        let Self { to, sheet, later } = self;
        let (digits, bytes) = (sheet.digits(), sheet.bytes);
        match to {
            To::Ear(ear) => ear.tell(),
            To::Lines { conn, answers } => {
                conn.learn(digits, bytes.len(), answers);
                conn.send(bytes, answers);
                later.hand_over(|_| Destination::Conn(Arc::clone(&conn)));
            }
            To::Part { assembly, ends, numbers } => {
                if let Some(conn) = assembly.conn() {
                    conn.learn(digits, bytes.len(), ends.len());
                }
                if numbers.len() > 0 {
                    let part = if assembly.is_array() { Part::listed } else { Part::packed };
                    assembly.add(part(bytes, ends, numbers));
                }
                later.hand_over(|number| Destination::Part(Arc::clone(&assembly), number));
            }
        }
    }
}
