//! The outgoing side of a connection.
//!
//! Answers come as whole buffers and stay what they are: they are queued, not copied, and the connection's writer
//! takes all that wait in one go. Buffers that were sent are used again.

use super::assembly::Parts;
use crate::tcp::Dismissal;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Answers of so many bytes are put behind the ones before, where those have room: less to hand to the socket.
const SMALL: usize = 4 << 10;
/// How many buffers are kept for use again, and how large each may be, in bytes.
const SPARES: usize = 4;
const SPARE: usize = 256 << 10;
/// How long an answer is taken to be before there was one, in bytes.
const ANSWER: usize = 448;
/// A reader that rests may keep so many bytes.
const RESTS_WITH: usize = 8 << 10;

/// The outgoing side of a connection: bytes that may leave, and how much is still on its way.
#[derive(Debug, Default)]
pub(crate) struct Conn {
    out: Mutex<Out>,
    /// There is something to send.
    pub(crate) ready: Notify,
    /// There is room again for more requests.
    pub(crate) room: Notify,
    /// Requests that are not answered.
    in_flight: AtomicUsize,
    /// The reader waits until fewer are unanswered than this; zero when it does not wait.
    wanted: AtomicUsize,
    /// Nobody takes answers any more.
    gone: AtomicBool,
    /// For who watches that it does not stand still.
    watched: Watched,
    /// Of the last answers: digits of the position, and bytes of each. They say how much room to make.
    digits: AtomicUsize,
    answer: AtomicUsize,
}

/// What the connection's own tasks write down, each for itself, and the one who watches reads.
#[derive(Debug, Default)]
struct Watched {
    /// Reads, reads that brought the end of a line, and takings of answers, since the begin.
    reads: AtomicU32,
    lines: AtomicU32,
    writes: AtomicU32,
    /// A line has begun and is not whole.
    in_line: AtomicBool,
    /// Bytes that the reader keeps: the buffer that lines are read into, and what it knows of unanswered commands.
    kept: AtomicUsize,
    /// The reader is to give those back.
    resting: Notify,
    /// Bytes that were handed to the socket and are not taken.
    sending: AtomicUsize,
    ended: AtomicBool,
    dismissal: Mutex<Option<Dismissal>>,
    dismissed: Notify,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) reads: u32,
    pub(crate) lines: u32,
    pub(crate) writes: u32,
    /// A line has begun and is not whole.
    pub(crate) in_line: bool,
    /// Answers were handed to the socket and are not taken.
    pub(crate) sending: bool,
}

#[derive(Debug, Default)]
struct Out {
    queue: Vec<Chunk>,
    /// Of the whole queue.
    bytes: usize,
    spare: Vec<Vec<u8>>,
    /// Of the spare ones.
    spare_bytes: usize,
}

#[derive(Debug)]
enum Chunk {
    Bytes(Vec<u8>),
    /// A batch whose parts came from several shards: put together by whoever sends it.
    Parts(Parts),
}

impl Chunk {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Parts(parts) => parts.into_bytes(),
        }
    }
}

/// What a writer has in hand: what it is to send, or has sent.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Vec<Chunk>,
    /// The buffers, in order.
    pub(crate) buffers: Vec<Vec<u8>>,
}

impl Out {
    /// Queues bytes.
    fn push(&mut self, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        if let Some(Chunk::Bytes(last)) = self.queue.last_mut()
            && bytes.len() <= SMALL.min(last.capacity() - last.len())
        {
            last.extend_from_slice(&bytes);
            self.keep(bytes);
        } else {
            self.queue.push(Chunk::Bytes(bytes));
        }
    }

    /// A buffer that was kept, or a new one.
    fn reuse(&mut self) -> Vec<u8> {
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        buffer
    }

    /// Keeps a buffer for use again.
    fn keep(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARES && (1..=SPARE).contains(&buffer.capacity()) {
            buffer.clear();
            self.spare_bytes += buffer.capacity();
            self.spare.push(buffer);
        }
    }
}

impl Conn {
    /// So many requests were taken in.
    pub(crate) fn took(&self, requests: usize) {
        self.in_flight.fetch_add(requests, Ordering::SeqCst);
    }

    /// How many requests are not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Nobody takes answers any more: nothing is read any more either.
    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.room.notify_one();
    }

    /// Whether nobody takes answers any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Bytes that wait to be sent.
    pub(crate) fn waiting(&self) -> usize {
        self.out.lock().bytes
    }

    /// The reader is going to wait on [`Conn::room`] until fewer requests are unanswered than this, or bytes have
    /// left. It looks once more after saying so: room that comes between the two is not told otherwise.
    pub(crate) fn want_room(&self, below: usize) {
        self.wanted.store(below, Ordering::SeqCst);
    }

    /// The reader waits no longer.
    pub(crate) fn has_room(&self) {
        self.wanted.store(0, Ordering::SeqCst);
    }

    /// These bytes may leave; they answer so many requests.
    pub(crate) fn send(&self, bytes: Vec<u8>, answers: usize) {
        let first = !bytes.is_empty() && {
            let mut out = self.out.lock();
            let first = out.queue.is_empty();
            out.push(bytes);
            first
        };
        self.answered(answers, first);
    }

    /// A batch may leave; it answers so many requests.
    pub(super) fn send_parts(&self, parts: Parts, answers: usize) {
        if parts.is_whole() {
            return self.send(parts.into_bytes(), answers);
        }
        let mut out = self.out.lock();
        let first = out.queue.is_empty();
        out.bytes += parts.len();
        out.queue.push(Chunk::Parts(parts));
        drop(out);
        self.answered(answers, first);
    }

    /// So many requests are answered; `first` when the writer has to hear that there is something to send. It
    /// takes all that is there, so it need not hear of what comes behind that; and it hears of the last answer,
    /// which it may be waiting for to end.
    fn answered(&self, answers: usize, first: bool) {
        let before = self.in_flight.fetch_sub(answers, Ordering::SeqCst);
        let left = before.saturating_sub(answers);
        if first || (answers > 0 && left == 0) {
            self.ready.notify_one();
        }
        if left < self.wanted.load(Ordering::SeqCst) {
            self.room.notify_one();
        }
    }

    /// Gives back what the outbox has sent, and puts into it all that may leave.
    pub(crate) fn exchange(&self, outbox: &mut Outbox) {
        let mut out = self.out.lock();
        for buffer in outbox.buffers.drain(..) {
            out.keep(buffer);
        }
        std::mem::swap(&mut out.queue, &mut outbox.queue);
        let bytes = std::mem::take(&mut out.bytes);
        drop(out);
        let watched = &self.watched;
        watched.sending.store(bytes, Ordering::Relaxed);
        watched.writes.store(watched.writes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        outbox.buffers.extend(outbox.queue.drain(..).map(Chunk::into_bytes));
    }

    /// All that may leave, in one piece.
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut outbox = Outbox::default();
        self.exchange(&mut outbox);
        if outbox.buffers.len() > 1 { outbox.buffers.concat() } else { outbox.buffers.pop().unwrap_or_default() }
    }

    /// Bytes have left.
    pub(crate) fn wrote(&self) {
        if self.wanted.load(Ordering::SeqCst) > 0 {
            self.room.notify_one();
        }
    }

    /// A read has brought the ends of so many lines, at least. Whether it left one unfinished, and what the reader keeps,
    /// in bytes.
    pub(crate) fn read(&self, lines: u32, in_line: bool, kept: usize) {
        let watched = &self.watched;
        let add = |counter: &AtomicU32, n| {
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
        };
        add(&watched.reads, 1);
        add(&watched.lines, lines);
        watched.in_line.store(in_line, Ordering::Relaxed);
        self.keeps(kept);
    }

    /// The reader keeps so many bytes.
    pub(crate) fn keeps(&self, bytes: usize) {
        self.watched.kept.store(bytes, Ordering::Relaxed);
    }

    /// How far it has come.
    pub(crate) fn progress(&self) -> Progress {
        let watched = &self.watched;
        Progress {
            reads: watched.reads.load(Ordering::Relaxed),
            lines: watched.lines.load(Ordering::Relaxed),
            writes: watched.writes.load(Ordering::Relaxed),
            in_line: watched.in_line.load(Ordering::Relaxed),
            sending: watched.sending.load(Ordering::Relaxed) > 0,
        }
    }

    /// What it holds of lines, of answers, and for use again, in bytes.
    pub(crate) fn held(&self) -> usize {
        let watched = &self.watched;
        let out = self.out.lock();
        let out = out.bytes + out.spare_bytes;
        watched.kept.load(Ordering::Relaxed) + watched.sending.load(Ordering::Relaxed) + out
    }

    /// Gives back what is kept for use again; the reader does the same when it waits for the next line.
    pub(crate) fn rest(&self) {
        let mut out = self.out.lock();
        (out.spare, out.spare_bytes) = (Vec::new(), 0);
        drop(out);
        let watched = &self.watched;
        let keeps = watched.kept.load(Ordering::Relaxed) > RESTS_WITH && !watched.in_line.load(Ordering::Relaxed);
        if keeps && self.in_flight() == 0 {
            watched.resting.notify_one();
        }
    }

    /// Waits until what is kept is to be given back.
    pub(crate) async fn rests(&self) {
        self.watched.resting.notified().await;
    }

    /// Ends the connection; the first word counts.
    pub(crate) fn dismiss(&self, how: Dismissal) {
        self.watched.dismissal.lock().get_or_insert(how);
        self.watched.dismissed.notify_one();
    }

    /// How it is to end, if it is.
    pub(crate) fn dismissal(&self) -> Option<Dismissal> {
        self.watched.dismissal.lock().clone()
    }

    /// Waits until it is to end.
    pub(crate) async fn dismissed(&self) -> Dismissal {
        loop {
            if let Some(how) = self.dismissal() {
                return how;
            }
            self.watched.dismissed.notified().await;
        }
    }

    /// The connection is over.
    pub(crate) fn set_ended(&self) {
        self.watched.ended.store(true, Ordering::Release);
        let mut out = self.out.lock();
        *out = Out::default();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.watched.ended.load(Ordering::Acquire)
    }

    /// An empty buffer with room for the answers to so many requests.
    pub(super) fn buffer(&self, requests: usize) -> Vec<u8> {
        let answer = match self.answer.load(Ordering::Relaxed) {
            0 => ANSWER,
            bytes => bytes + bytes / 8,
        };
        let mut buffer = self.out.lock().reuse();
        buffer.reserve(answer * requests);
        buffer
    }

    /// How many digits the last position had.
    pub(super) fn digits(&self) -> usize {
        self.digits.load(Ordering::Relaxed)
    }

    /// So many digits has a position now, and so many bytes had so many answers.
    pub(super) fn learn(&self, digits: usize, bytes: usize, answers: usize) {
        self.digits.store(digits, Ordering::Relaxed);
        if let Some(each) = bytes.checked_div(answers) {
            self.answer.store(each, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    /// Whether somebody was told.
    fn told(notify: &Notify) -> bool {
        let waker = std::task::Waker::noop();
        let told = std::pin::pin!(notify.notified());
        matches!(told.poll(&mut std::task::Context::from_waker(waker)), Poll::Ready(()))
    }

    #[test]
    fn answers_leave_in_order_and_all_at_once() {
        let conn = Conn::default();
        conn.took(4);
        conn.send(b"a\n".to_vec(), 1);
        conn.send(vec![b'b'; 2 * SMALL], 1);
        conn.send(b"c\n".to_vec(), 1);
        conn.send(Vec::new(), 1);
        assert_eq!((conn.in_flight(), conn.waiting()), (0, 2 * SMALL + 4));
        let mut outbox = Outbox::default();
        conn.exchange(&mut outbox);
        assert_eq!(outbox.buffers.concat(), [b"a\n", &*vec![b'b'; 2 * SMALL], b"c\n"].concat());
        assert_eq!(conn.waiting(), 0);
        conn.exchange(&mut outbox);
        assert!(outbox.buffers.is_empty());
        assert!(conn.buffer(0).capacity() >= 2, "what was sent is used again");
    }

    #[test]
    fn the_writer_hears_of_the_first_bytes_and_of_the_last_answer() {
        let conn = Conn::default();
        conn.took(3);
        conn.send(b"a\n".to_vec(), 1);
        assert!(told(&conn.ready));
        conn.send(b"b\n".to_vec(), 1);
        assert!(!told(&conn.ready), "it takes these with the first");
        conn.exchange(&mut Outbox::default());
        conn.send(Vec::new(), 1);
        assert!(told(&conn.ready), "it may be waiting for this to end");
    }

    #[test]
    fn the_reader_hears_of_room_only_while_it_waits() {
        let conn = Conn::default();
        conn.took(3);
        conn.send(b"a\n".to_vec(), 1);
        conn.wrote();
        assert!(!told(&conn.room));
        conn.want_room(1);
        conn.send(b"b\n".to_vec(), 1);
        assert!(!told(&conn.room), "one is still unanswered");
        conn.wrote();
        assert!(told(&conn.room), "bytes have left");
        conn.send(b"c\n".to_vec(), 1);
        assert!(told(&conn.room));
        conn.has_room();
        conn.set_gone();
        assert!(told(&conn.room) && conn.is_gone());
    }
}
