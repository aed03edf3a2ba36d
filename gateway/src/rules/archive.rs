//! The archive of rules: every version that was ever in force, one file each, in the data folder.
//!
//! A spend shows the name and version of its rule; this is where that version can still be read when the
//! catalog's files no longer have it. A version is written here, synced, before the first spend can be
//! divided by it, and from then on may not change: other content needs another version.

use crate::config::{Fault, Loaded, Refused, read_text};
use anyhow::{Context, Result, bail};
use fentan_engine::accounts::Timestamp;
use fentan_engine::allocation::Rule;
use fentan_engine::catalog::Archived;
use fentan_engine::names::Label;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What may stand in a file's name besides letters and digits.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');
const ENDING: &str = ".toml";
/// What begins within this may be in use before a reload is done, in microseconds.
const SOON: i64 = 60_000_000;
/// A file that is being written; what is left of a crash is written over.
const NEW: &str = ".new";

/// The archive, held in memory as well: it is read once.
#[derive(Debug)]
pub(crate) struct Archive {
    folder: PathBuf,
    kept: BTreeMap<(Label, u32), Archived>,
}

impl Archive {
    /// Reads the archive of a data folder; makes it when there is none.
    ///
    /// # Errors
    /// When a file cannot be read, or does not hold what its name says.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let folder = data.join("rules");
        if !folder.is_dir() {
            fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            sync_folder(data)?;
        }
        let mut kept = BTreeMap::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_none_or(|ending| ending != "toml") {
                continue;
            }
            let archived = read(&path).with_context(|| format!("the archived rule {} is damaged", path.display()))?;
            let key = (archived.rule.name.clone(), archived.rule.version);
            if path.file_name().is_none_or(|name| name != file_name(&key.0, key.1).as_str()) {
                bail!("the archived rule {} holds {}@{}", path.display(), key.0, key.1);
            }
            kept.insert(key, archived);
        }
        Ok(Self { folder, kept })
    }

    /// This version, as it was.
    pub(crate) fn version(&self, name: &Label, version: u32) -> Option<&Archived> {
        self.kept.get(&(name.clone(), version))
    }

    /// All versions that are kept, by name and number.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Archived> {
        self.kept.values()
    }

    /// Keeps every version of a catalog that is about to come into force. When this returns, all is on the
    /// disk.
    ///
    /// # Errors
    /// When a version was in use with other content, or the disk fails; nothing may come into force then. A
    /// version whose time had not come was not in use: it is replaced, or forgotten when it was taken back.
    pub(crate) fn keep(&mut self, loaded: &Loaded, now: Timestamp) -> Result<(), Refused> {
        let in_use = |archived: &Archived| archived.rule.is_effective(now.saturating_add(SOON));
        let mut faults = Vec::new();
        let mut fresh = Vec::new();
        for rule in loaded.catalog.rules() {
            match self.version(&rule.name, rule.version).map(|kept| (kept, kept.rule.difference(rule))) {
                Some((_, None)) => {}
                Some((kept, Some(key))) if in_use(kept) => faults.push(self.conflict(loaded, rule, key)),
                Some(_) | None => fresh.push(rule),
            }
        }
        if !faults.is_empty() {
            return Err(Refused(faults));
        }
        let is_gone = |archived: &&Archived| {
            let rule = &archived.rule;
            !in_use(archived) && loaded.catalog.rule_version(&rule.name, rule.version).is_none()
        };
        let gone: Vec<Rule> = self.kept.values().filter(is_gone).map(|archived| archived.rule.clone()).collect();
        self.change(loaded, &fresh, &gone)
            .map_err(|error| Refused::plain(format!("the rules could not be archived: {error:#}")))
    }

    /// Writes and removes, and makes it last.
    fn change(&mut self, loaded: &Loaded, fresh: &[&Rule], gone: &[Rule]) -> Result<()> {
        for rule in fresh {
            self.write(loaded, rule)?;
        }
        for rule in gone {
            let path = self.path(rule);
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        if !fresh.is_empty() || !gone.is_empty() {
            sync_folder(&self.folder)?;
        }
        for rule in gone {
            self.kept.remove(&(rule.name.clone(), rule.version));
        }
        for rule in fresh {
            let archived = read(&self.path(rule))?;
            self.kept.insert((rule.name.clone(), rule.version), archived);
        }
        Ok(())
    }

    fn conflict(&self, loaded: &Loaded, rule: &Rule, key: &str) -> Fault {
        let archived = self.kept.keys().filter(|(name, _)| *name == rule.name).map(|(_, version)| *version);
        let in_files = loaded.catalog.rules().filter(|other| other.name == rule.name).map(|other| other.version);
        let next = archived.chain(in_files).max().unwrap_or(rule.version).saturating_add(1);
        let reason = format!(
            "rule {:?}, version: {}@{} was in use with other content ({key}); give it version {next}",
            rule.name.as_str(),
            rule.name,
            rule.version
        );
        loaded.fault_of_version(rule.name.as_str(), rule.version, reason)
    }

    fn path(&self, rule: &Rule) -> PathBuf {
        self.folder.join(file_name(&rule.name, rule.version))
    }

    fn write(&self, loaded: &Loaded, rule: &Rule) -> Result<()> {
        let body = toml::to_string(&loaded.catalog.to_archive(rule))?;
        let text = format!(
            "# {}@{} as it was in force. Written by fentan; not to be changed.\n\n{body}",
            rule.name, rule.version
        );
        let path = self.path(rule);
        let new = path.with_file_name(file_name(&rule.name, rule.version) + NEW);
        let mut file = File::create(&new).with_context(|| new.display().to_string())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path).with_context(|| path.display().to_string())
    }
}

/// A name of its own for every rule and version, whatever stands in the name.
fn file_name(name: &Label, version: u32) -> String {
    format!("{}@{version}{ENDING}", utf8_percent_encode(name.as_str(), PLAIN))
}

fn read(path: &Path) -> Result<Archived> {
    let spec = read_text(path.to_path_buf(), fs::read_to_string(path)?)?;
    Ok(Archived::from_spec(&spec)?)
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all().with_context(|| format!("{} could not be synced", folder.display()))
}
