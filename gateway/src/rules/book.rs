//! The rules of a running server: reloaded as a whole or not at all.

use super::Archive;
use crate::config::{Fault, Refused, load};
use crate::wire::WireReply;
use fentan_engine::allocation::Rule;
use fentan_engine::catalog::Archived;
use fentan_engine::names::Label;
use fentan_engine::runtime::Engine;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;

/// What a reload brought.
#[derive(Debug)]
pub(crate) struct Reloaded {
    /// How many versions of rules there are.
    pub(crate) rules: usize,
    /// Whether anything is different.
    pub(crate) changed: bool,
    /// What is no error and yet hardly meant.
    pub(crate) warnings: Vec<Fault>,
}

/// The rules of a running server.
pub(crate) struct RuleBook {
    engine: Arc<Engine<WireReply>>,
    /// The catalog's files; none means the built-in ones.
    files: Vec<PathBuf>,
    /// Also makes reloads wait for one another.
    archive: Mutex<Archive>,
}

impl RuleBook {
    pub(crate) fn new(engine: Arc<Engine<WireReply>>, files: Vec<PathBuf>, archive: Archive) -> Self {
        Self { engine, files, archive: Mutex::new(archive) }
    }

    /// Reads the catalog's files again and puts what they say in force. `asked_by` says who wanted it.
    ///
    /// # Errors
    /// Everything that is wrong; the old rules stay in force.
    pub(crate) fn reload(&self, asked_by: &str) -> Result<Reloaded, Refused> {
        let result = self.try_reload();
        let word = if result.is_ok() { "ok" } else { "refused" };
        metrics::counter!("fentan_catalog_reloads_total", "result" => word).increment(1);
        match &result {
            Ok(reloaded) => {
                tracing::info!(asked_by, rules = reloaded.rules, changed = reloaded.changed, "rules reloaded");
                for warning in &reloaded.warnings {
                    tracing::warn!("{warning}");
                }
            }
            Err(refused) => {
                for fault in &refused.0 {
                    tracing::error!(asked_by, "rules not reloaded, the old ones stay in force: {fault}");
                }
            }
        }
        result
    }

    fn try_reload(&self) -> Result<Reloaded, Refused> {
        let mut archive = self.archive.lock();
        let loaded = load(&self.files)?;
        let before = self.engine.catalog();
        let hindrances = before.hinders(&loaded.catalog);
        if !hindrances.is_empty() {
            return Err(Refused(loaded.located(&hindrances)));
        }
        archive.keep(&loaded, now())?;
        let rules = loaded.catalog.rules().count();
        let changed = *before != loaded.catalog;
        self.engine.set_catalog(Arc::new(loaded.catalog));
        Ok(Reloaded { rules, changed, warnings: loaded.warnings })
    }

    /// A version of the archive, as it was.
    pub(crate) fn archived(&self, name: &Label, version: u32) -> Option<Archived> {
        self.archive.lock().version(name, version).cloned()
    }

    /// The versions of the archive of this rule, or of every rule.
    pub(crate) fn archived_versions(&self) -> Vec<Rule> {
        self.archive.lock().versions().map(|archived| archived.rule.clone()).collect()
    }
}

/// The moment, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
