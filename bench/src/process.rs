//! What the system says of a process and of the device under a folder.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};

/// Bytes of a sector as the block layer counts them, whatever the device's own sectors are.
const SECTOR_BYTES: u64 = 512;
/// Magic number of tmpfs in `statfs`.
const TMPFS: i64 = 0x0102_1994;
/// Magic number of ramfs in `statfs`.
const RAMFS: i64 = 0x8584_58f6;

/// Resident memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Now.
    pub(crate) now: u64,
    /// At the most, since it was started.
    pub(crate) peak: u64,
}

impl Resident {
    /// Of a process that runs.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).context("reading a process's memory")?;
        let of = |name| number(&text, name).map(|kib| kib * 1024).with_context(|| format!("no {name} of {pid}"));
        Ok(Self { now: of("VmRSS:")?, peak: of("VmHWM:")? })
    }
}

/// What a process caused to be written to a device: what it dirtied in the page cache, less what was
/// deleted before it was written, and what it wrote around the cache. Not in it: the file system's own
/// journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes since the process was started.
    pub(crate) bytes: u64,
}

impl Written {
    /// Of a process that runs, or has ended and was not waited for yet.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/io")).context("reading what a process wrote")?;
        let of = |name| number(&text, name).with_context(|| format!("no {name} of {pid}"));
        Ok(Self { bytes: of("write_bytes:")?.saturating_sub(of("cancelled_write_bytes:")?) })
    }
}

/// The number after a name at the start of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// The block device under a folder.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    statistics: String,
    /// Its number, as `major:minor`.
    pub(crate) number: String,
}

impl Device {
    /// Of the file system that holds the folder; `None` when that is not on one device (overlay, network).
    pub(crate) fn under(folder: &Path) -> anyhow::Result<Option<Self>> {
        let device = fs::metadata(folder).with_context(|| folder.display().to_string())?.dev();
        let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        let statistics = format!("/sys/dev/block/{number}/stat");
        Ok(Path::new(&statistics).exists().then_some(Self { statistics, number }))
    }

    /// Bytes written to it since the machine was started, by everybody and all in.
    pub(crate) fn written(&self) -> anyhow::Result<u64> {
        let text = fs::read_to_string(&self.statistics).with_context(|| self.statistics.clone())?;
        // The seventh number is the sectors written.
        let sectors: u64 = text.split_whitespace().nth(6).context("a short statistic of a device")?.parse()?;
        Ok(sectors * SECTOR_BYTES)
    }
}

/// Says no to a folder in memory: nothing durable can be measured there.
pub(crate) fn refuse_memory(folder: &Path) -> anyhow::Result<()> {
    let kind = rustix::fs::statfs(folder).with_context(|| folder.display().to_string())?.f_type;
    if kind == TMPFS || kind == RAMFS {
        bail!(
            "{} is in memory (tmpfs); a sync costs nothing there. Name a folder on a disk with --disk, or say \
             --memory-is-meant to try the programs out",
            folder.display()
        );
    }
    Ok(())
}

/// Bytes sent over loopback since the machine was started, by everybody.
pub(crate) fn loopback_bytes() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/net/dev").context("reading what went over loopback")?;
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("lo:")).context("there is no loopback")?;
    Ok(line.split_whitespace().next().context("a short line of /proc/net/dev")?.parse()?)
}

/// The processor's name, when the system tells.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    name.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}

/// Memory of the machine, in bytes; 0 when the system does not tell.
pub(crate) fn memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    number(&text, "MemTotal:").unwrap_or(0) * 1024
}

/// Runnable processes over the last minute: what else the machine was doing.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

/// What the processors of a machine did since it started, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticks {
    all: u64,
    /// They had something to do, and the host of this virtual machine let others have them.
    stolen: u64,
}

impl Ticks {
    /// Until now; `None` when the system does not tell.
    pub(crate) fn now() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn read(stat: &str) -> Option<Self> {
        // User, nice, system, idle, waiting for a disk, interrupts of two kinds, stolen; guests' time is in the first two.
        let ticks: Vec<u64> =
            stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8).flat_map(str::parse).collect();
        Some(Self { all: ticks.iter().sum(), stolen: *ticks.get(7)? })
    }

    /// The share of the processors' time since then that the host took away.
    #[expect(clippy::cast_precision_loss, reason = "a share, for people to read")]
    pub(crate) fn stolen_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        Some(self.stolen.checked_sub(before.stolen)? as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_takes_away_is_a_share_of_all_ticks() {
        let read = |line: &str| Ticks::read(&format!("{line}\ncpu0 1 2 3\n"));
        let before = read("cpu  100 10 50 700 20 0 5 15 40 0").unwrap();
        let after = read("cpu  150 10 80 750 20 0 10 80 60 0").unwrap();
        assert_eq!(after.stolen_since(before), Some(65.0 / 200.0));
        assert_eq!(before.stolen_since(before), None, "no time has passed");
        assert_eq!(read("cpu  1 2 3"), None, "an old system, which does not tell");
        assert!(Ticks::now().is_some());
    }

    #[test]
    fn the_process_that_asks_has_memory() {
        let resident = Resident::of(std::process::id()).unwrap();
        assert!(resident.now > 100_000 && resident.peak >= resident.now, "{resident:?}");
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "write_bytes: 12\ncancelled_write_bytes: 5\n";
        assert_eq!(number(text, "write_bytes:"), Some(12));
        assert_eq!(number(text, "cancelled_write_bytes:"), Some(5));
        assert_eq!(number(text, "read_bytes:"), None);
    }

    #[test]
    fn a_folder_in_memory_is_refused() {
        if Path::new("/dev/shm").is_dir() {
            assert!(refuse_memory(Path::new("/dev/shm")).unwrap_err().to_string().contains("--disk"));
        }
    }
}
