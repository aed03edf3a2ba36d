//! Answers that belong together and come from several places.

use super::conn::Conn;
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Answers that belong together: a batch, or one request of the HTTP door.
pub(crate) struct Assembly {
    parts: Mutex<Vec<Part>>,
    /// How many requests there are.
    count: usize,
    /// An array, or the one answer bare.
    array: bool,
    to: To,
}

enum To {
    Conn(Arc<Conn>),
    Once(Mutex<Option<oneshot::Sender<Vec<u8>>>>),
}

/// Which requests of an assembly a part answers, in the order of its answers.
#[derive(Debug, Clone)]
pub(crate) enum Numbers {
    /// These.
    Run(Range<usize>),
    /// Each by its number.
    Each(Vec<usize>),
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Run(run) => run.len(),
            Self::Each(numbers) => numbers.len(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let (run, each) = match self {
            Self::Run(run) => (run.clone(), &[][..]),
            Self::Each(numbers) => (0..0, &**numbers),
        };
        run.chain(each.iter().copied())
    }

    pub(super) fn get(&self, at: usize) -> Option<usize> {
        match self {
            Self::Run(run) => run.clone().nth(at),
            Self::Each(numbers) => numbers.get(at).copied(),
        }
    }

    /// Takes out the one at `at`, which is answered elsewhere.
    pub(super) fn remove(&mut self, at: usize) {
        let mut numbers: Vec<usize> = self.iter().collect();
        numbers.remove(at);
        *self = Self::Each(numbers);
    }
}

/// Some answers of an assembly.
#[derive(Debug)]
pub(crate) struct Part {
    /// The answers; before each stand so many bytes that are none of it.
    bytes: Vec<u8>,
    gap: usize,
    /// Where each ends.
    ends: Vec<usize>,
    numbers: Numbers,
}

impl Part {
    /// One answer.
    pub(crate) fn one(bytes: Vec<u8>, number: usize) -> Self {
        let ends = vec![bytes.len()];
        Self { bytes, gap: 0, ends, numbers: Numbers::Run(number..number + 1) }
    }

    /// Answers one right behind the other, of the requests of these numbers: `ends` says where each ends in `bytes`.
    pub(crate) fn packed(bytes: Vec<u8>, ends: Vec<usize>, numbers: Numbers) -> Self {
        Self { bytes, gap: 0, ends, numbers }
    }

    /// Answers of an array as they stand in it: behind a bracket, and with a comma behind each.
    pub(super) fn listed(bytes: Vec<u8>, ends: Vec<usize>, numbers: Numbers) -> Self {
        Self { bytes, gap: 1, ends, numbers }
    }
}

/// All parts of an assembly.
#[derive(Debug)]
pub(super) struct Parts {
    all: Vec<Part>,
    count: usize,
    array: bool,
}

impl Parts {
    /// How many bytes there are, roughly.
    pub(super) fn len(&self) -> usize {
        self.all.iter().map(|part| part.bytes.len()).sum::<usize>() + self.count + 3
    }

    /// Whether one part is the whole already.
    pub(super) fn is_whole(&self) -> bool {
        let gap = usize::from(self.array);
        matches!(&*self.all, [Part { numbers: Numbers::Run(run), gap: its, .. }]
            if *run == (0..self.count) && *its == gap)
    }

    /// The whole answer, with its newline.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        if self.is_whole()
            && let Some(Part { mut bytes, .. }) = self.all.pop()
        {
            // The comma behind the last answer makes way for the bracket.
            if self.array && bytes.pop().is_some() {
                bytes.push(b']');
            }
            bytes.push(b'\n');
            return bytes;
        }
        // For each request: part, start and end.
        let mut places = vec![(0, 0, 0); self.count];
        for (n, part) in self.all.iter().enumerate() {
            let mut start = part.gap;
            for (number, end) in part.numbers.iter().zip(&part.ends) {
                if let Some(place) = places.get_mut(number) {
                    *place = (n, start, *end);
                }
                start = end + part.gap;
            }
        }
        let mut whole = Vec::with_capacity(self.len());
        if self.array {
            whole.push(b'[');
        }
        for (n, (part, start, end)) in places.into_iter().enumerate() {
            if n > 0 {
                whole.push(b',');
            }
            whole.extend_from_slice(&self.all[part].bytes[start..end]);
        }
        if self.array {
            whole.push(b']');
        }
        whole.push(b'\n');
        whole
    }
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
        Arc::new(Self { parts: Mutex::new(Vec::new()), count: requests, array, to })
    }

    /// Whether the answer is an array.
    pub(super) const fn is_array(&self) -> bool {
        self.array
    }

    /// How many requests it answers.
    pub(super) const fn requests(&self) -> usize {
        self.count
    }

    /// The connection of a batch.
    pub(super) fn conn(&self) -> Option<&Arc<Conn>> {
        match &self.to {
            To::Conn(conn) => Some(conn),
            To::Once(_) => None,
        }
    }

    /// Adds answers. With the last one the whole leaves.
    pub(crate) fn add(&self, part: Part) {
        let mut parts = self.parts.lock();
        parts.push(part);
        let there: usize = parts.iter().map(|part| part.numbers.len()).sum();
        if there < self.count {
            return;
        }
        let parts = Parts { all: std::mem::take(&mut *parts), count: self.count, array: self.array };
        match &self.to {
            To::Conn(conn) => conn.send_parts(parts, self.count),
            To::Once(sender) => {
                // Whoever asked may be gone.
                let _ = sender.lock().take().map(|sender| sender.send(parts.into_bytes()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(answers: &[&str], numbers: Numbers) -> Part {
        let (mut bytes, mut ends) = (b"[".to_vec(), Vec::new());
        for answer in answers {
            bytes.extend_from_slice(answer.as_bytes());
            ends.push(bytes.len());
            bytes.push(b',');
        }
        Part::listed(bytes, ends, numbers)
    }

    fn whole(count: usize, array: bool, parts: Vec<Part>) -> String {
        let conn = Arc::new(Conn::default());
        conn.took(count);
        let assembly = if array {
            Assembly::batch(Arc::clone(&conn), count)
        } else {
            Assembly::new(To::Conn(Arc::clone(&conn)), count, false)
        };
        for part in parts {
            assert_eq!(conn.waiting(), 0, "nothing leaves before the last");
            assembly.add(part);
        }
        assert_eq!(conn.in_flight(), 0);
        String::from_utf8(conn.take()).expect("text")
    }

    #[test]
    fn a_batch_is_answered_in_the_order_of_its_requests_wherever_they_were_done() {
        let one = vec![listed(&["a", "bb", "ccc"], Numbers::Run(0..3))];
        assert_eq!(whole(3, true, one), "[a,bb,ccc]\n");
        let shards = vec![
            listed(&["b", "d"], Numbers::Each(vec![1, 3])),
            Part::packed(b"xyy".to_vec(), vec![1, 3], Numbers::Each(vec![4, 0])),
            Part::one(b"cc".to_vec(), 2),
        ];
        assert_eq!(whole(5, true, shards), "[yy,b,cc,d,x]\n");
        assert_eq!(whole(1, true, vec![Part::one(b"a".to_vec(), 0)]), "[a]\n");
        assert_eq!(whole(1, false, vec![Part::one(b"a".to_vec(), 0)]), "a\n");
        let mut numbers = Numbers::Run(0..3);
        numbers.remove(1);
        let explained = vec![listed(&["a", "c"], numbers), Part::one(b"why".to_vec(), 1)];
        assert_eq!(whole(3, true, explained), "[a,why,c]\n");
    }
}
