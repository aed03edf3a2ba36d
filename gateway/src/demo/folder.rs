//! The folder of one demo: the ledger's data, the server's log, what the load tool wrote.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::{children, screen};

/// Lines of the server's log shown on failure.
const LOG_LINES: usize = 30;
/// `statfs` calls a file system in memory this.
#[cfg(target_os = "linux")]
const TMPFS: rustix::fs::FsWord = 0x0102_1994;

/// The folder; a temporary one is removed with it.
pub(super) struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
    keep: bool,
}

impl Folder {
    /// Makes the folder, or takes an empty one.
    pub(super) fn open(asked: Option<&Path>, keep: bool) -> anyhow::Result<Self> {
        let Some(path) = asked else {
            let temporary =
                tempfile::Builder::new().prefix("fentan-demo-").tempdir().context("making a temporary folder")?;
            if !keep {
                children::folder_to_remove(Some(temporary.path().to_owned()));
            }
            return Ok(Self { path: temporary.path().to_owned(), temporary: Some(temporary), keep });
        };
        let shown = path.display();
        match fs::read_dir(path) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    bail!("{shown} is not empty; the demo needs a fresh folder");
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(path).with_context(|| format!("making {shown}"))?;
            }
            Err(error) => return Err(error).with_context(|| format!("reading {shown}")),
        }
        Ok(Self { path: path.to_owned(), temporary: None, keep: true })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the ledger keeps its data.
    pub(super) fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where the server's standard error goes.
    pub(super) fn server_log(&self) -> PathBuf {
        self.file("server.log")
    }

    /// Whether it is in memory, where a sync costs nothing.
    pub(super) fn in_memory(&self) -> bool {
        #[cfg(target_os = "linux")]
        return rustix::fs::statfs(&self.path).is_ok_and(|fs| fs.f_type == TMPFS);
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// Shows the end of the server's log.
    pub(super) fn show_server_log(&self) {
        let path = self.server_log();
        let Ok(log) = fs::read(&path) else { return };
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        screen::caption(format!("the end of {}", path.display()));
        for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
            screen::faint(line);
        }
    }

    /// Removes it, or says where it is.
    pub(super) fn close(mut self, all_well: bool) -> anyhow::Result<()> {
        let shown = self.path.display().to_string();
        match self.temporary.take() {
            Some(temporary) if all_well && !self.keep => {
                temporary.close().with_context(|| format!("removing {shown}"))?;
            }
            kept => {
                if let Some(temporary) = kept {
                    let _ = temporary.keep();
                }
                screen::say(&format!("data, server log and reports are in {shown}"));
            }
        }
        children::folder_to_remove(None);
        Ok(())
    }
}
