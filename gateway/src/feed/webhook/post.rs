//! One try: a POST that is answered in time with 2xx, or not.

use super::config::Hook;
use super::sign;
use fentan_engine::journal::Position;
use std::fmt::Write;
use std::sync::Arc;
use ureq::tls::{RootCerts, TlsConfig};

/// What of an answer's body is read, so that its connection can be used again, in bytes.
const ANSWER_MAX: u64 = 64 << 10;

/// What is sent, the same at every try.
pub(super) struct Batch {
    pub(super) first: Position,
    pub(super) last: Position,
    pub(super) records: u64,
    /// The fingerprint of the filter that it was read through.
    pub(super) filter: u32,
    /// When its ledger was restored.
    pub(super) restored: Option<i64>,
    pub(super) body: Vec<u8>,
}

impl Batch {
    /// The same for the same batch, so that a receiver can tell that it has it; another for whatever could have other
    /// records: through another filter, or after a restore, which gives positions anew.
    pub(super) fn id(&self, hook: &str) -> String {
        let mut id = format!("{hook}-{}-{}", self.first, self.last);
        // Writing to a string cannot fail.
        if self.filter != 0 {
            let _ = write!(id, "-f{:08x}", self.filter);
        }
        if let Some(at) = self.restored {
            let _ = write!(id, "-r{at}");
        }
        id
    }
}

/// Sends batches to one address.
pub(super) struct Post {
    agent: ureq::Agent,
}

impl Post {
    pub(super) fn new(hook: &Hook) -> Self {
        let roots = match &hook.authorities {
            Some(authorities) => RootCerts::Specific(Arc::new(authorities.clone())),
            None => RootCerts::WebPki,
        };
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(hook.timeout))
            .http_status_as_error(false)
            // Whoever is redirected would be sent a ledger's records by somebody else's word.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(hook.url.scheme_str() == Some("https"))
            .proxy(None)
            .user_agent(concat!("fentan/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build()
            .into();
        Self { agent }
    }

    /// Sends it once.
    ///
    /// # Errors
    /// Says why it is not acknowledged.
    pub(super) fn send(&self, hook: &Hook, batch: &Batch, second: i64) -> Result<(), String> {
        let answer = self
            .agent
            .post(&hook.url)
            .content_type("application/json")
            .header(sign::HEADER, sign::signature(&hook.secret, second, &batch.body))
            .header("fentan-webhook-id", batch.id(&hook.name))
            .send(&batch.body[..]);
        match answer {
            Ok(mut answer) => {
                let status = answer.status();
                let _ = answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec();
                match status.as_u16() {
                    200..=299 => Ok(()),
                    300..=399 => Err(format!("it answered {status}; redirects are not followed")),
                    _ => Err(format!("it answered {status}")),
                }
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
