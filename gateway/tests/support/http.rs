//! A client of the HTTP door.

use super::{PATIENCE, json};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct Http(pub(crate) SocketAddr);

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        json(&self.body)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Http {
    pub(crate) fn get(&self, path: &str) -> Response {
        self.exchange("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, body: &str) -> Response {
        self.post_as("application/json", body)
    }

    pub(crate) fn post_as(&self, kind: &str, body: &str) -> Response {
        self.exchange("POST", "/v1/commands", &[("content-type", kind)], body.as_bytes())
    }

    pub(crate) fn exchange(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut stream = self.open();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).expect("a head is taken");
        stream.write_all(body).expect("a body is taken");
        let mut input = BufReader::new(stream);
        let mut response = Self::head(&mut input);
        let mut bytes = Vec::new();
        if response.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = Self::chunk(&mut input) {
                bytes.extend(chunk);
            }
        } else {
            let length = response.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            bytes.resize(length, 0);
            input.read_exact(&mut bytes).expect("a body");
        }
        response.body = String::from_utf8(bytes).expect("text");
        response
    }

    /// A connection, for what is not one request and one answer.
    pub(crate) fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(self.0).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream
    }

    /// Reads status and headers.
    pub(crate) fn head(input: &mut impl BufRead) -> Response {
        let mut line = String::new();
        input.read_line(&mut line).expect("a status line");
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no status: {line:?}"));
        let mut headers = Vec::new();
        loop {
            line.clear();
            input.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Response { status, headers, body: String::new() }
    }

    /// Reads a chunk; `None` is the last.
    pub(crate) fn chunk(input: &mut impl BufRead) -> Option<Vec<u8>> {
        let mut line = String::new();
        input.read_line(&mut line).expect("a chunk's length");
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or_else(|_| panic!("not a length: {line:?}"));
        let mut bytes = vec![0; length + 2];
        input.read_exact(&mut bytes).expect("a chunk");
        bytes.truncate(length);
        (length > 0).then_some(bytes)
    }
}
