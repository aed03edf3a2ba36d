//! A private PostgreSQL: its own folder on the disk that is measured, its own socket, no network.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::children::{Ending, Program, remove_on_signal};
use crate::peers::on_path;

/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The user that Debian's package makes; PostgreSQL refuses to run as root.
const USER: &str = "postgres";
/// Longest wait for it to be ready, and for it to end.
const WITHIN: Duration = Duration::from_secs(120);

/// What is not left at PostgreSQL's default, and why.
///
/// Durability is whole: `fsync`, `full_page_writes` and `synchronous_commit` are on.
const SETTINGS: [(&str, &str); 22] = [
    ("listen_addresses", "''"),
    ("max_connections", "200"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("wal_sync_method", "fdatasync"),
    // No standby reads the log.
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    // A page is written whole after a checkpoint; lz4 makes that cheaper, and so do few checkpoints.
    ("wal_compression", "lz4"),
    ("wal_buffers", "64MB"),
    ("min_wal_size", "2GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    // More commits share a sync when each waits a moment for others.
    ("commit_delay", "200"),
    ("commit_siblings", "8"),
    ("shared_buffers", "2GB"),
    ("huge_pages", "try"),
    // The statements are short and prepared.
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("track_activities", "off"),
    ("update_process_title", "off"),
];

/// The folder of PostgreSQL's programs: the newest of Debian's, or that on the path.
pub(crate) fn programs() -> Option<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = fs::read_dir(DEBIAN).ok().into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = versions.filter(|path| path.join("bin/postgres").is_file()).max_by_key(number);
    let debian = newest.map(|path| path.join("bin"));
    debian.or_else(|| on_path("postgres")?.parent().map(Path::to_owned))
}

/// An instance that runs; it ends with its owner.
pub(crate) struct Instance {
    program: Program,
    sockets: TempDir,
    /// What the program calls itself.
    pub(crate) version: String,
}

impl Instance {
    /// Makes a fresh one in `folder` and starts it.
    pub(crate) fn start(programs: &Path, folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("postgresql");
        fs::create_dir(&data)?;
        // The path of a socket has to be short: about a hundred bytes.
        let sockets = tempfile::Builder::new().prefix("fentan-pg-").tempdir()?;
        remove_on_signal(sockets.path());
        if rustix::process::geteuid().is_root() {
            let (user, group) = (id("-u")?, id("-g")?);
            for of_user in [&data, sockets.path()] {
                chown(of_user, Some(user), Some(group))?;
            }
            // The user has to get through the folder above, and needs to see nothing in it.
            fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
        }
        let output = as_user(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"])
            .current_dir("/")
            .output()
            .context("starting initdb")?;
        ensure!(
            output.status.success(),
            "initdb in {} (which the user {USER} has to be able to reach): {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );

        let log_path = folder.join("postgresql.log");
        let log = File::create(&log_path)?;
        let mut command = as_user(&programs.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(sockets.path());
        for (name, value) in SETTINGS {
            command.arg("-c").arg(format!("{name}={}", value.trim_matches('\'')));
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // SIGQUIT is its immediate shutdown, in which it ends its own children.
        let program = Program::start(&mut command, Ending::First(Signal::QUIT))?;
        let instance = Self { program, sockets, version: version(programs)? };
        instance.wait_until_ready(&log_path)?;
        Ok(instance)
    }

    fn wait_until_ready(&self, log: &Path) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let mut text = String::new();
            File::open(log)?.read_to_string(&mut text)?;
            if text.contains("database system is ready to accept connections") {
                return Ok(());
            }
            if self.program.ended()?.is_some() || begun.elapsed() > WITHIN {
                bail!("postgres is not ready: {}", text.trim());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What a client connects with.
    pub(crate) fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.sockets.path()).user(USER).dbname("postgres");
        config
    }

    /// Stops it in order.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.program.signal(Signal::INT)?;
        let status = self.program.wait(WITHIN)?;
        ensure!(status.success(), "postgres ended with {status}");
        Ok(())
    }
}

/// A command of the user that PostgreSQL runs as: root becomes that user, everybody else stays. The
/// process id is that of the program itself, because `setpriv` becomes it.
fn as_user(program: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--init-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn id(flag: &str) -> anyhow::Result<u32> {
    let output = Command::new("id").args([flag, USER]).output().context("starting id")?;
    ensure!(output.status.success(), "there is no user {USER}, which Debian's package makes");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn version(programs: &Path) -> anyhow::Result<String> {
    let output = Command::new(programs.join("postgres")).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
    Ok(format!("PostgreSQL {}", text.split_whitespace().nth(2).unwrap_or("of unknown version")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_durable_is_traded_away() {
        for name in ["fsync", "full_page_writes", "synchronous_commit"] {
            assert!(SETTINGS.contains(&(name, "on")), "{name}");
        }
    }
}
