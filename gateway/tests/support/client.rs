//! A client of the TCP door.

use super::{PATIENCE, json};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let input = BufReader::new(stream.try_clone().expect("the other half"));
        Self { stream, input }
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("bytes are taken");
    }

    /// Sends a line.
    pub(crate) fn send(&mut self, line: &str) {
        self.raw(format!("{line}\n").as_bytes());
    }

    /// The next line, or `None` at the end of the connection. A reset is not an end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.input.read_line(&mut line).expect("a line or the end");
        (read > 0).then_some(line)
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> Value {
        json(&self.line().expect("an answer"))
    }

    /// The next answers.
    pub(crate) fn answers(&mut self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.answer()).collect()
    }

    /// All answers until the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.line()).map(|line| json(&line)).collect()
    }

    /// Sends a line and waits for its answer.
    pub(crate) fn ask(&mut self, line: &str) -> Value {
        self.send(line);
        self.answer()
    }

    /// Asks what must be done.
    pub(crate) fn done(&mut self, line: &str) -> Value {
        let answer = self.ask(line);
        assert_eq!(answer["ok"], true, "{line} {answer}");
        answer
    }

    /// A wallet's `available`.
    pub(crate) fn available(&mut self, account: &str) -> String {
        let answer = self.done(&format!(r#"{{"id":"b","op":"balance","account":"{account}"}}"#));
        answer["balance"]["available"].as_str().expect("available").to_owned()
    }

    /// Sends nothing more.
    pub(crate) fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("an end");
    }
}
