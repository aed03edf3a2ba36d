//! A receiver of webhooks: a small HTTP server that does what it is told.

use crate::support::{Authority, PATIENCE, eventually, json};
use hmac::{Hmac, KeyInit, Mac};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub(crate) const SECRET: &str = "a secret of the test";

/// What it does with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Answers with this status.
    Answer(u16),
    /// Sends whoever comes to another place.
    Redirect,
    /// Closes the connection without an answer.
    Close,
    /// Says nothing.
    Hang,
}

/// A delivery, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) signature: String,
    pub(crate) body: String,
    pub(crate) did: Does,
    pub(crate) at: Instant,
}

impl Delivery {
    pub(crate) fn json(&self) -> Value {
        json(&self.body)
    }

    pub(crate) fn seqs(&self) -> Vec<u64> {
        self.json()["records"].as_array().unwrap().iter().map(|record| record["seq"].as_u64().unwrap()).collect()
    }

    /// First and last position, as the body says.
    pub(crate) fn span(&self) -> (u64, u64) {
        let body = self.json();
        (body["first"].as_u64().unwrap(), body["last"].as_u64().unwrap())
    }

    /// The signature is that of the secret over moment and body, made now.
    pub(crate) fn check_signature(&self) {
        let (moment, digest) = self.signature.split_once(",v1=").expect("t=…,v1=…");
        let moment = moment.strip_prefix("t=").expect("t=…");
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{moment}.{}", self.body).as_bytes());
        let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, expected);
        let age = jiff::Timestamp::now().as_second() - moment.parse::<i64>().unwrap();
        assert!((0..120).contains(&age), "signed {age} seconds ago");
    }
}

type Script = Box<dyn FnMut(&Delivery, usize) -> Does + Send>;

struct Shared {
    script: Mutex<Script>,
    deliveries: Mutex<Vec<Delivery>>,
    ends: AtomicBool,
}

/// The receiver.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts one; the script says what it does with each delivery, given how many came before.
    pub(crate) fn start(script: impl FnMut(&Delivery, usize) -> Does + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    pub(crate) fn on(listener: TcpListener, script: impl FnMut(&Delivery, usize) -> Does + Send + 'static) -> Self {
        Self::with(listener, None, script)
    }

    /// One that speaks TLS, with a certificate that this authority signed.
    pub(crate) fn tls(authority: &Authority) -> Self {
        let signed = authority.sign();
        let certificate = CertificateDer::from_pem_slice(signed.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::with(TcpListener::bind("127.0.0.1:0").unwrap(), Some(Arc::new(config)), |_, _| Does::Answer(200))
    }

    fn with(
        listener: TcpListener,
        tls: Option<Arc<rustls::ServerConfig>>,
        script: impl FnMut(&Delivery, usize) -> Does + Send + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            deliveries: Mutex::default(),
            ends: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.ends.load(SeqCst) {
                    return;
                }
                let (stream, shared, tls) = (stream.unwrap(), Arc::clone(&accepting), tls.clone());
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).ok()?;
                    match tls {
                        None => serve(stream, address, &shared),
                        Some(tls) => {
                            let connection = rustls::ServerConnection::new(tls).ok()?;
                            serve(rustls::StreamOwned::new(connection, stream), address, &shared)
                        }
                    }
                });
            }
        });
        Self { address, shared }
    }

    /// What it takes with 200.
    pub(crate) fn good() -> Self {
        Self::start(|_, _| Does::Answer(200))
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.lock().unwrap().clone()
    }

    /// Positions of the deliveries that were acknowledged, in order of arrival.
    pub(crate) fn acknowledged(&self) -> Vec<u64> {
        let deliveries = self.deliveries();
        deliveries
            .iter()
            .filter(|delivery| matches!(delivery.did, Does::Answer(200..=299)))
            .flat_map(Delivery::seqs)
            .collect()
    }

    /// Waits until a record was acknowledged.
    pub(crate) fn has(&self, position: u64) {
        eventually("a delivery", || self.acknowledged().contains(&position).then_some(()));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.ends.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: impl Read + Write, here: SocketAddr, shared: &Shared) -> Option<()> {
    let mut input = BufReader::new(stream);
    loop {
        let (mut length, mut id, mut signature, mut first) = (0, String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line.trim_end().is_empty() {
                    break;
                }
                first = line;
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "fentan-webhook-id" => value.clone_into(&mut id),
                "fentan-signature" => value.clone_into(&mut signature),
                _ => {}
            }
        }
        assert!(first.starts_with("POST /hook"), "{first}");
        let mut body = vec![0; length];
        input.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        let did = {
            // What is done is decided and noted in one go.
            let mut deliveries = shared.deliveries.lock().unwrap();
            let mut delivery = Delivery { id, signature, body, did: Does::Hang, at: Instant::now() };
            delivery.did = (shared.script.lock().unwrap())(&delivery, deliveries.len());
            let did = delivery.did;
            deliveries.push(delivery);
            did
        };
        let out = input.get_mut();
        match did {
            Does::Answer(status) => {
                out.write_all(format!("HTTP/1.1 {status} Said\r\ncontent-length: 2\r\n\r\nok").as_bytes()).ok()?;
            }
            Does::Redirect => {
                let head = format!("HTTP/1.1 307 Elsewhere\r\nlocation: http://{here}/hook/elsewhere\r\n");
                out.write_all(format!("{head}content-length: 0\r\n\r\n").as_bytes()).ok()?;
            }
            Does::Close => return None,
            Does::Hang => {
                std::thread::sleep(PATIENCE);
                return None;
            }
        }
    }
}
