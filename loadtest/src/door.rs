//! A connection to the server, let in.
//!
//! A server with access control wants a token as the first line. It is taken from the environment, `FENTAN_TOKEN`: a flag
//! would show it to whoever lists processes. A server that speaks TLS is trusted when its certificate is signed by the
//! authority in the file that `FENTAN_CA` names; without that variable nothing is encrypted.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Error, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The variable of the environment that holds the token.
pub const TOKEN: &str = "FENTAN_TOKEN";
/// The variable of the environment that names the file, PEM, of the authority whose servers are trusted.
pub const AUTHORITY: &str = "FENTAN_CA";
/// Longest wait for a connection, and for the answer to the token.
const WAIT: Duration = Duration::from_secs(5);
/// Longest answer to a token, in bytes.
const ANSWER_MAX: usize = 4 << 10;

/// A socket, with TLS over it or without.
#[derive(Debug)]
pub enum Link<S: Read + Write> {
    /// Plain text.
    Plain(S),
    /// TLS.
    Tls(Box<StreamOwned<ClientConnection, S>>),
}

impl<S: Read + Write> Link<S> {
    /// The socket under it.
    pub fn socket(&mut self) -> &mut S {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => &mut tls.sock,
        }
    }

    /// The same over another kind of the same socket.
    pub fn map<T: Read + Write>(self, change: impl FnOnce(S) -> T) -> Link<T> {
        match self {
            Self::Plain(socket) => Link::Plain(change(socket)),
            Self::Tls(tls) => {
                let StreamOwned { conn, sock } = *tls;
                Link::Tls(Box::new(StreamOwned::new(conn, change(sock))))
            }
        }
    }

    /// Whether a read that does not fill its buffer has taken all that the socket had. What is encrypted comes out
    /// record by record.
    pub const fn is_drained_by_a_short_read(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether bytes that were taken to be written wait for room in the socket.
    pub fn has_output(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.conn.wants_write(),
        }
    }
}

impl<S: Read + Write> Read for Link<S> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl<S: Read + Write> Write for Link<S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// Connects, encrypts if there is an authority, and shows the token if there is one.
///
/// # Errors
/// When nobody answers, the authority's file cannot be read, the server is not trusted, or the token is not good.
pub fn connect(address: SocketAddr) -> Result<Link<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(WAIT))?;
    let mut link = match authority()? {
        None => Link::Plain(stream),
        Some(config) => {
            let client = ClientConnection::new(config, ServerName::from(address.ip())).map_err(Error::other)?;
            let mut tls = StreamOwned::new(client, stream);
            tls.conn.complete_io(&mut tls.sock)?;
            Link::Tls(Box::new(tls))
        }
    };
    if let Ok(token) = std::env::var(TOKEN) {
        let ask = serde_json::json!({ "op": "auth", "token": token.trim() });
        link.write_all(format!("{ask}\n").as_bytes())?;
        link.flush()?;
        let answer = line_of(&mut link)?;
        let answer: serde_json::Value = serde_json::from_slice(&answer).map_err(Error::other)?;
        if answer["ok"] != true {
            let why = answer["message"].as_str().unwrap_or("the server does not say why");
            return Err(Error::other(format!("{TOKEN} is not good: {why}")));
        }
    }
    link.socket().set_read_timeout(None)?;
    Ok(link)
}

/// The file that [`AUTHORITY`] names.
pub fn authority_file() -> Option<std::path::PathBuf> {
    std::env::var_os(AUTHORITY).map(Into::into)
}

/// Whom to trust; `None` when nothing is to be encrypted.
fn authority() -> Result<Option<Arc<ClientConfig>>> {
    let Some(file) = authority_file() else { return Ok(None) };
    let named = |error: &dyn std::fmt::Display| Error::other(format!("{AUTHORITY}, {}: {error}", file.display()));
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(&file).map_err(|error| named(&error))?;
    for certificate in certificates {
        roots.add(certificate.map_err(|error| named(&error))?).map_err(|error| named(&error))?;
    }
    if roots.is_empty() {
        return Err(named(&"there is no certificate in it"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(Error::other)?.with_root_certificates(roots).with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

/// Reads up to the end of the line and no further: what comes next is another's.
fn line_of(stream: &mut impl Read) -> Result<Vec<u8>> {
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
