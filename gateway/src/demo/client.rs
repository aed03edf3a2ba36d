//! A client of the wire: one JSON object a line, answers matched by id.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use fentan_protocol::{Answer, Request};
use serde_json::Value;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests sent before answers are read: enough to fill group commits, and small enough that neither
/// side waits for the other with full buffers.
const PIPELINED: usize = 256;

/// A connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    line: String,
}

impl Client {
    /// Connects.
    pub(super) fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), line: String::new() })
    }

    /// One request, one answer.
    pub(super) fn ask(&mut self, request: impl Into<Request>) -> anyhow::Result<Answer> {
        self.ask_json(&serde_json::to_value(request.into())?)
    }

    /// As [`Client::ask`], and a no is an error.
    pub(super) fn must(&mut self, request: impl Into<Request>) -> anyhow::Result<Answer> {
        accepted(self.ask(request)?)
    }

    /// One request of any shape.
    pub(super) fn ask_json(&mut self, request: &Value) -> anyhow::Result<Answer> {
        self.send(&format!("{request}\n"))?;
        self.answer()
    }

    /// Many requests, pipelined; the answers come back in the order of the requests. `progress` is told
    /// how many are answered.
    pub(super) fn pipeline(
        &mut self,
        requests: &[Request],
        mut progress: impl FnMut(usize),
    ) -> anyhow::Result<Vec<Answer>> {
        let places: HashMap<&str, usize> = requests.iter().map(Request::id).zip(0..).collect();
        let mut answers: Vec<Option<Answer>> = requests.iter().map(|_| None).collect();
        let mut answered = 0;
        for chunk in requests.chunks(PIPELINED) {
            let lines: Vec<_> = chunk.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
            self.send(&(lines.join("\n") + "\n"))?;
            for _ in chunk {
                let answer = self.answer()?;
                let place = answer.id.as_deref().and_then(|id| places.get(id)).copied();
                let place = place.with_context(|| format!("an answer to no request: {answer:?}"))?;
                ensure!(answers[place].replace(answer).is_none(), "two answers to one request");
                answered += 1;
                progress(answered);
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    fn send(&mut self, lines: &str) -> anyhow::Result<()> {
        self.stream.get_mut().write_all(lines.as_bytes()).context("sending a request")
    }

    fn answer(&mut self) -> anyhow::Result<Answer> {
        self.line.clear();
        let read = self.stream.read_line(&mut self.line).context("waiting for an answer")?;
        ensure!(read > 0, "the server closed the connection");
        serde_json::from_str(&self.line).with_context(|| format!("reading the answer {}", self.line.trim_end()))
    }
}

/// The answer, when it is a yes.
pub(super) fn accepted(answer: Answer) -> anyhow::Result<Answer> {
    if !answer.ok {
        let code = answer.code.as_ref().map_or("no code", |code| code.as_str());
        bail!(
            "{} was rejected: {code}: {}",
            answer.id.as_deref().unwrap_or("a request"),
            answer.message.as_deref().unwrap_or("no message")
        );
    }
    Ok(answer)
}

/// `GET path`, as JSON.
pub(super) fn get(address: SocketAddr, path: &str) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // HTTP/1.0: one answer, in one piece, and the end of the connection is its end.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text).with_context(|| format!("reading the answer to GET {path}"))?;
    let (head, body) =
        text.split_once("\r\n\r\n").with_context(|| format!("no HTTP answer to GET {path}: {text:?}"))?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.split(' ').nth(1) == Some("200"), "GET {path}: {status}: {}", body.trim_end());
    serde_json::from_str(body).with_context(|| format!("reading the answer to GET {path}"))
}
