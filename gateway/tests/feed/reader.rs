//! A reader of the feed that can be cut off at any byte, as a client is.

use crate::support::{PATIENCE, json};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// What came next.
#[derive(Debug)]
pub(crate) enum Next {
    /// A line, whole, without its newline.
    Line(String),
    /// The feed ended as it should.
    End,
    /// The connection broke.
    Cut,
}

/// An open feed.
pub(crate) struct Reader {
    input: BufReader<TcpStream>,
    /// What of the body has come and was not handed out.
    body: Vec<u8>,
    ended: bool,
    pub(crate) status: u16,
    pub(crate) kind: String,
    /// The body of what is no feed.
    pub(crate) refusal: String,
}

impl Reader {
    /// Asks; `None` when there is no server.
    pub(crate) fn try_open(server: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Option<Self> {
        let mut stream = TcpStream::connect(server).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut head = format!("GET /v1/journal?{query} HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
        let mut input = BufReader::new(stream);
        let (mut status, mut kind, mut length) = (0, String::new(), None);
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-type") => value.clone_into(&mut kind),
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok(),
                Some(_) => {}
                None if line.trim_end().is_empty() => break,
                None => status = line.split(' ').nth(1)?.parse().ok()?,
            }
        }
        let mut refusal = vec![0; length.unwrap_or(0)];
        input.read_exact(&mut refusal).ok()?;
        let refusal = String::from_utf8(refusal).ok()?;
        Some(Self { input, body: Vec::new(), ended: false, status, kind, refusal })
    }

    /// A feed that must begin.
    pub(crate) fn open(server: SocketAddr, query: &str) -> Self {
        let reader = Self::try_open(server, query, &[]).expect("an answer");
        assert_eq!((reader.status, reader.kind.as_str()), (200, "application/x-ndjson"), "{query}: {}", reader.refusal);
        reader
    }

    /// Server-sent events that must begin.
    pub(crate) fn events(server: SocketAddr, query: &str, last: Option<u64>) -> Self {
        let last = last.map(|last| last.to_string());
        let mut headers = vec![("accept", "text/event-stream")];
        headers.extend(last.as_deref().map(|last| ("last-event-id", last)));
        let reader = Self::try_open(server, query, &headers).expect("an answer");
        assert_eq!((reader.status, reader.kind.as_str()), (200, "text/event-stream; charset=utf-8"), "{query}");
        reader
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> Next {
        loop {
            if let Some(end) = self.body.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.body.drain(..=end).take(end).collect();
                return Next::Line(String::from_utf8(line).expect("text"));
            }
            if self.ended {
                assert!(self.body.is_empty(), "the last line is whole");
                return Next::End;
            }
            if self.chunk().is_none() {
                return Next::Cut;
            }
        }
    }

    fn chunk(&mut self) -> Option<()> {
        let mut line = String::new();
        self.input.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut bytes = vec![0; length + 2];
        self.input.read_exact(&mut bytes).ok()?;
        self.ended = length == 0;
        self.body.extend_from_slice(&bytes[..length]);
        Some(())
    }

    /// The next line, which must come.
    pub(crate) fn line(&mut self) -> String {
        match self.next() {
            Next::Line(line) => line,
            other => panic!("{other:?} where a line belongs"),
        }
    }

    /// All lines until the end, which must be a good one.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.next() {
                Next::Line(line) => lines.push(line),
                Next::End => return lines,
                Next::Cut => panic!("cut off after {} lines", lines.len()),
            }
        }
    }

    /// The next event: its id, and its data when it has some. Comments and waits are left out.
    pub(crate) fn event(&mut self) -> (u64, Option<Value>) {
        let (mut id, mut data) = (None, None);
        loop {
            let line = self.line();
            match line.split_once(": ") {
                _ if line.is_empty() => match id.take() {
                    Some(id) => return (id, data),
                    None => data = None,
                },
                Some(("id", text)) => id = Some(text.parse().expect("a position")),
                Some(("data", text)) => data = Some(json(text)),
                Some(("" | "retry", _)) => {}
                other => panic!("{other:?} in an event"),
            }
        }
    }
}

/// The records from a position to what is durable now, each parsed.
pub(crate) fn records(server: SocketAddr, query: &str) -> Vec<Value> {
    Reader::open(server, query).lines().iter().map(|line| json(line)).collect()
}
