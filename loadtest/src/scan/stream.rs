//! The answers of one connection, out of its bytes as they come.
//!
//! An array of thousands of answers is megabytes long. Its answers are taken while the next bytes are
//! still on their way, so nothing is gathered and looked at twice. Where the bytes are not as the server
//! writes them, the rest of the line is waited for and read with the slower parsers.

use memchr::{memchr, memmem};

use super::{Scan, acknowledged, elements, head, line, object};

/// How an answer begins.
const START: &[u8] = br#"{"id":""#;

/// What a connection's bytes hold.
#[derive(Debug)]
pub enum Found<'a> {
    /// An answer.
    Answer(Scan<'a>),
    /// A line, or the rest of one, that is none.
    Nonsense(&'a [u8]),
}

/// Takes a connection's bytes apart.
#[derive(Debug, Clone)]
pub struct Stream {
    id_bytes: usize,
    start: memmem::Finder<'static>,
    /// Whether what comes next is an element of an array, or its end.
    in_array: bool,
}

impl Stream {
    /// A connection that is at the start of a line, and whose ids are `id_bytes` long.
    #[must_use]
    pub fn new(id_bytes: usize) -> Self {
        Self { id_bytes, start: memmem::Finder::new(START), in_array: false }
    }

    /// Hands every whole answer in `bytes` to `take`. Gives how many bytes were used; the others are to
    /// be given again, with what comes after them.
    pub fn read(&mut self, bytes: &[u8], mut take: impl FnMut(Found<'_>)) -> usize {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            if self.in_array {
                if let Some((scan, used, last)) = self.element(rest) {
                    take(Found::Answer(scan));
                    at += used;
                    self.in_array = !last;
                    continue;
                }
            } else if rest.first() == Some(&b'[') {
                at += 1;
                self.in_array = true;
                continue;
            }
            let Some(end) = memchr(b'\n', rest) else { return at };
            let whole = &rest[..end];
            if self.in_array {
                self.in_array = false;
                if elements(whole, |scan| take(Found::Answer(scan))).is_err() {
                    take(Found::Nonsense(whole));
                }
            } else if let Some((id, seq, _)) = head(whole, self.id_bytes).filter(|_| whole.ends_with(b"}")) {
                take(Found::Answer(acknowledged(id, seq, whole)));
            } else if line(whole, |scan| take(Found::Answer(scan))).is_err() {
                take(Found::Nonsense(whole));
            }
            at += end + 1;
        }
    }

    /// The element at the start of `bytes`, the bytes to its successor, and whether it is the last and
    /// they end the line. `None` when it is not all there, or odd.
    fn element<'a>(&self, bytes: &'a [u8]) -> Option<(Scan<'a>, usize, bool)> {
        let Some((id, seq, after)) = head(bytes, self.id_bytes) else {
            let (scan, used) = object(bytes)?;
            let (after, last) = behind(&bytes[used..])?;
            return Some((scan, used + after, last));
        };
        // These seven bytes are in no string, where quotes are escaped; and an object within an answer that
        // began so would have another sign before it than those that part two answers.
        let end = match self.start.find(&bytes[after..]) {
            Some(next) => {
                let before = &bytes[..after + next];
                let between: [&[u8]; 3] = [b",", b"]\n[", b"]\n"];
                before.len() - between.into_iter().find(|between| before.ends_with(between))?.len()
            }
            None => after + memchr(b'\n', &bytes[after..])?.checked_sub(1)?,
        };
        let raw = &bytes[..end];
        let (after, last) = behind(&bytes[end..])?;
        raw.ends_with(b"}").then(|| (acknowledged(id, seq, raw), end + after, last))
    }
}

/// What is behind an element: its length, and whether it ends the line.
fn behind(bytes: &[u8]) -> Option<(usize, bool)> {
    if bytes.starts_with(b"]\n") { Some((2, true)) } else { bytes.starts_with(b",").then_some((1, false)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-4000-a000-000000000001";

    fn yes(n: u64) -> String {
        format!(
            r#"{{"id":"{ID}","ok":true,"seq":{n},"lines":[{{"lot":"t-1","sub":"bonus","amount":"9.00"}}],"balance":{{"held":"0.00"}}}}"#
        )
    }

    fn again(n: u64) -> String {
        format!(r#"{{"id":"{ID}","ok":true,"seq":{n},"replayed":true}}"#)
    }

    fn no() -> String {
        format!(r#"{{"id":"{ID}","ok":false,"code":"overloaded","message":"],\n{{\"id\":\"","retry_after_ms":7}}"#)
    }

    /// Fields in another order, spaces, and an object within that begins like an answer.
    fn odd(n: u64) -> String {
        format!(r#" {{ "ok":true, "x":[{{"id":"a"}},{{"id":"b","ok":true,"seq":1}}], "seq": {n},"id":"{ID}" }} "#)
    }

    /// As `odd`, but odd only where the quick way does not look.
    fn odd_inside(n: u64) -> String {
        format!(r#"{{"id":"{ID}","ok":true,"seq":{n},"x":[{{"id":"a","ok":true,"seq":1}},{{"id":"b"}}],"y":1}}"#)
    }

    /// What is found in `text` when it comes in pieces of `piece` bytes.
    fn found(text: &str, piece: usize) -> Vec<(String, bool, Option<u64>, bool, String)> {
        let mut stream = Stream::new(ID.len());
        let (mut waiting, mut all) = (Vec::new(), Vec::new());
        for bytes in text.as_bytes().chunks(piece) {
            waiting.extend_from_slice(bytes);
            let used = stream.read(&waiting, |found| {
                let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                all.push(match found {
                    Found::Answer(scan) => (words(scan.id), scan.ok, scan.seq, scan.replayed, words(scan.code)),
                    Found::Nonsense(bytes) => (words(bytes), false, None, false, "nonsense".to_owned()),
                });
            });
            waiting.drain(..used);
        }
        assert!(waiting.is_empty(), "{}", String::from_utf8_lossy(&waiting));
        all
    }

    /// What the slower parser finds.
    fn expected(text: &str) -> Vec<(String, bool, Option<u64>, bool, String)> {
        let mut all = Vec::new();
        for whole in text.lines() {
            line(whole.as_bytes(), |scan| {
                let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                all.push((words(scan.id), scan.ok, scan.seq, scan.replayed, words(scan.code)));
            })
            .unwrap();
        }
        all
    }

    #[test]
    fn it_agrees_with_the_parsers_wherever_the_bytes_are_cut() {
        let lines = [
            format!("{}\n{}\n{}\n{}\n", yes(1), no(), again(2), odd(3)),
            format!("[{},{},{}]\n", yes(1), yes(22), again(333)),
            format!("[{}]\n[{}]\n{}\n[]\n[{}]\n", yes(1), again(2), yes(3), no()),
            format!("[{},{},{},{}]\n{}\n", yes(1), no(), no(), yes(4), yes(5)),
            format!("[{},{},{}]\n[{}]\n", yes(1), odd(2), yes(3), yes(4)),
            format!("[{},{},{}]\n[{}]\n", yes(1), odd_inside(2), yes(3), odd_inside(4)),
            format!(" [ {} , {} ] \n{}\n", yes(1), yes(2), odd_inside(3)),
        ];
        for text in lines {
            let expected = expected(&text);
            for piece in (1..text.len()).chain([text.len()]) {
                assert_eq!(found(&text, piece), expected, "in pieces of {piece}: {text}");
            }
        }
    }

    #[test]
    fn nonsense_is_said_and_the_next_line_is_read() {
        let text = format!("hello\n{}\n[{},x]\n[{}]\n", yes(1), yes(2), yes(3));
        for piece in [1, 7, text.len()] {
            let found = found(&text, piece);
            let seqs: Vec<_> = found.iter().filter_map(|f| f.2).collect();
            assert_eq!(seqs, [1, 2, 3]);
            assert_eq!(found.iter().filter(|f| f.4 == "nonsense").count(), 2);
        }
    }
}
