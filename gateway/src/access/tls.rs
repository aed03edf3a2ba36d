//! Certificates, for both doors.
//!
//! rustls with ring: it compiles in seconds and needs no C++ toolchain of its own. The files are PEM: the certificate
//! with its chain, and its key. SIGHUP reads them again; connections that are open go on with what they began with.

use anyhow::{Context, Result, ensure};
use parking_lot::RwLock;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a client that speaks TLS sends first: the begin of a handshake.
pub(crate) const FIRST_BYTE: u8 = 0x16;

/// The certificate in force.
#[derive(Debug)]
pub(crate) struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    now: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.now.read()))
    }
}

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub(crate) fn open(certificate: PathBuf, key: PathBuf) -> Result<Self> {
        let now = RwLock::new(Arc::new(read(&certificate, &key)?));
        Ok(Self { certificate, key, now })
    }

    /// Reads both files again; when anything is wrong, what is in force stays.
    pub(crate) fn reload(&self) {
        let read = read(&self.certificate, &self.key);
        let word = if read.is_ok() { "ok" } else { "refused" };
        metrics::counter!("fentan_tls_reloads_total", "result" => word).increment(1);
        match read {
            Ok(read) => {
                *self.now.write() = Arc::new(read);
                tracing::info!("certificate reloaded");
            }
            Err(error) => {
                tracing::error!("certificate not reloaded, the old one stays in force: {error:#}");
            }
        }
    }

    /// What a door needs.
    ///
    /// # Errors
    /// None that can happen: the versions are ring's own.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        Ok(builder.with_no_client_auth().with_cert_resolver(resolver))
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey> {
    let about = |path: &Path| path.display().to_string();
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("the certificate {} cannot be read", about(certificate)))?;
    ensure!(!chain.is_empty(), "{} holds no certificate: it is PEM, with BEGIN CERTIFICATE", about(certificate));
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("the key {} cannot be read: it is PEM, without a password", about(key)))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider())
        .with_context(|| format!("{} and {} do not belong together", about(certificate), about(key)))
}
