//! Which token is good now.
//!
//! The file of tokens is read at the start and at SIGHUP. Each reading that changes something has a number; who was
//! let in under an earlier one is looked up again at his next request, by the hash of his token. So a token that is
//! taken out of the file, disabled or expired ends at the next request of every open connection.

use super::scope::{Scope, Scopes};
use super::{secret, tokens};
use crate::config::Refused;
use fentan_engine::accounts::Timestamp;
use fentan_engine::ledger::Reject;
use fentan_engine::runtime::Caller;
use parking_lot::RwLock;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use subtle::ConstantTimeEq;

/// What a token may do.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(super) caller: Arc<Caller>,
    pub(super) hash: secret::Hash,
    pub(super) scopes: Scopes,
    /// Until when, in microseconds since 1970.
    pub(super) expires_at: Option<Timestamp>,
    pub(super) disabled: bool,
}

impl Grant {
    pub(crate) const fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// The token's name.
    pub(crate) fn name(&self) -> &str {
        self.caller.name().as_str()
    }

    /// Whether the token has this scope.
    ///
    /// # Errors
    /// [`Reject::Forbidden`], which names the scope.
    pub(crate) fn needs(&self, scope: Scope) -> Result<(), Reject> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        refused("scope");
        let word = scope.word();
        Err(Reject::Forbidden {
            token: self.caller.name().clone(),
            scope: Some(word.into()),
            account: None,
            reason: format!("the token {} lacks the scope {word}", self.name()),
        })
    }

    /// Whether the token is good at this moment.
    fn is_good(&self, now: Timestamp) -> Result<(), (&'static str, String)> {
        if self.disabled {
            return Err(("disabled", format!("the token {} is disabled", self.name())));
        }
        match self.expires_at {
            Some(at) if at <= now => Err(("expired", format!("the token {} has expired", self.name()))),
            _ => Ok(()),
        }
    }
}

/// Counts a try that was refused.
pub(super) fn refused(reason: &'static str) {
    metrics::counter!("fentan_access_refused_total", "reason" => reason).increment(1);
}

/// The no to whoever shows nothing that is good.
pub(super) fn unauthorized(counted: &'static str, reason: impl Into<String>) -> Reject {
    refused(counted);
    Reject::Unauthorized { reason: reason.into() }
}

/// A grant, and the reading that it is of or a later one: looked up first the number and then the grant, so that a
/// reading between the two is noticed.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) grant: Arc<Grant>,
    pub(super) reading: u64,
}

/// Which tokens there are.
#[derive(Debug)]
pub(crate) struct Gate {
    file: PathBuf,
    grants: RwLock<Arc<[Arc<Grant>]>>,
    /// The number of the last reading.
    reading: AtomicU64,
}

impl Gate {
    /// Reads the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn open(file: PathBuf) -> Result<Self, Refused> {
        let grants = RwLock::new(tokens::load(&file)?.into());
        Ok(Self { file, grants, reading: AtomicU64::new(1) })
    }

    /// How many tokens there are.
    pub(crate) fn tokens(&self) -> usize {
        self.grants.read().len()
    }

    /// All tokens.
    pub(super) fn all(&self) -> Vec<Arc<Grant>> {
        self.grants.read().to_vec()
    }

    /// Reads the file again and puts it in force, or leaves what is in force when anything is wrong with it. What came
    /// of it is in the log and in the metrics.
    pub(crate) fn reload(&self) {
        let result = tokens::load(&self.file);
        let word = if result.is_ok() { "ok" } else { "refused" };
        metrics::counter!("fentan_access_reloads_total", "result" => word).increment(1);
        match result {
            Ok(grants) => {
                tracing::info!(tokens = grants.len(), "tokens reloaded");
                *self.grants.write() = grants.into();
                self.reading.fetch_add(1, Ordering::Release);
            }
            Err(refused) => {
                for fault in &refused.0 {
                    tracing::error!("tokens not reloaded, the old ones stay in force: {fault}");
                }
            }
        }
    }

    /// The number of the last reading: who was let in under another one is looked up again. It rises when the tokens are
    /// in force, so whoever looks at it first never takes an old grant for a new one.
    pub(super) fn reading(&self) -> u64 {
        self.reading.load(Ordering::Acquire)
    }

    /// The no to whoever shows no token.
    pub(crate) fn missing(how: &str) -> Reject {
        unauthorized("missing", how)
    }

    /// The grant of a token that is good now.
    ///
    /// # Errors
    /// [`Reject::Unauthorized`].
    pub(crate) fn admit(&self, token: &str, now: Timestamp) -> Result<Admitted, Reject> {
        self.admit_hash(&secret::hash(token), now)
    }

    /// The same by the token's hash. Every hash is compared, each in constant time.
    pub(super) fn admit_hash(&self, hash: &secret::Hash, now: Timestamp) -> Result<Admitted, Reject> {
        let reading = self.reading();
        let grants = Arc::clone(&self.grants.read());
        let mut found = None;
        for grant in &*grants {
            if bool::from(grant.hash.ct_eq(hash)) {
                found = Some(grant);
            }
        }
        let Some(grant) = found else { return Err(unauthorized("unknown", "this server does not know the token")) };
        grant.is_good(now).map_err(|(counted, reason)| unauthorized(counted, reason))?;
        Ok(Admitted { grant: Arc::clone(grant), reading })
    }
}
