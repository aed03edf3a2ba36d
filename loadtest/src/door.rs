//! A connection to the server, let in.
//!
//! A server with access control wants a token as the first line. It is taken from the environment, `FENTAN_TOKEN`: a flag
//! would show it to whoever lists processes.

use std::io::{Error, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The variable of the environment that holds the token.
pub const TOKEN: &str = "FENTAN_TOKEN";
/// Longest wait for a connection, and for the answer to the token.
const WAIT: Duration = Duration::from_secs(5);
/// Longest answer to a token, in bytes.
const ANSWER_MAX: usize = 4 << 10;

/// Connects, and shows the token if there is one.
///
/// # Errors
/// When nobody answers, or the token is not good.
pub fn connect(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_nodelay(true)?;
    if let Ok(token) = std::env::var(TOKEN) {
        stream.set_read_timeout(Some(WAIT))?;
        let line = serde_json::json!({ "op": "auth", "token": token.trim() });
        stream.write_all(format!("{line}\n").as_bytes())?;
        let answer = line_of(&mut stream)?;
        let answer: serde_json::Value = serde_json::from_slice(&answer).map_err(Error::other)?;
        if answer["ok"] != true {
            let why = answer["message"].as_str().unwrap_or("the server does not say why");
            return Err(Error::other(format!("{TOKEN} is not good: {why}")));
        }
        stream.set_read_timeout(None)?;
    }
    Ok(stream)
}

/// Reads up to the end of the line and no further: what comes next is another's.
fn line_of(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < ANSWER_MAX {
        stream.read_exact(&mut byte)?;
        if byte == *b"\n" {
            return Ok(line);
        }
        line.extend(byte);
    }
    Err(Error::other("the answer to the token has no end"))
}
