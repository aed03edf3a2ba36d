//! A small file system of its own, gone with the test.
//!
//! It is mounted in a mount namespace of its own and reached through `/proc`, so nothing is left behind however the
//! test ends. With root's rights it is an ext4 in a file; without them it is a file system in memory, in a user
//! namespace. Where neither is allowed there is none, and the test says so.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub(crate) struct SmallDisk {
    /// A shell in the namespace.
    shell: Child,
    says: BufReader<std::process::ChildStdout>,
    folder: TempDir,
}

impl SmallDisk {
    /// One of so many MiB; `None`, and a word about it, when this user may not have one.
    pub(crate) fn new(mib: usize) -> Option<Self> {
        let ext4 =
            format!("truncate -s {mib}M image && mkfs.ext4 -q -m 0 image && mkdir -p disk && mount -o loop image disk");
        let memory = format!("mkdir -p disk && mount -t tmpfs -o size={mib}m tmpfs disk");
        let ways: [(&[&str], &str); 2] = [(&["-m"], &ext4), (&["-rm"], &memory)];
        let mut reasons = Vec::new();
        for (namespace, mount) in ways {
            match Self::mounted(namespace, mount) {
                Ok(disk) => {
                    println!("a disk of {mib} MiB: {mount}");
                    return Some(disk);
                }
                Err(reason) => reasons.push(format!("unshare {}: {}", namespace.join(" "), reason.trim())),
            }
        }
        eprintln!("\n*** SKIPPED: no small file system can be mounted here: {}\n", reasons.join("; "));
        None
    }

    fn mounted(namespace: &[&str], mount: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let shell = Command::new("unshare")
            .args(namespace)
            .args(["--propagation", "private", "sh"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut shell = shell.map_err(|error| error.to_string())?;
        let says = BufReader::new(shell.stdout.take().expect("its output"));
        let mut disk = Self { shell, says, folder };
        if disk.tell(mount) {
            return Ok(disk);
        }
        drop(disk.shell.stdin.take());
        let mut reason = String::new();
        let _ = disk.shell.stderr.take().expect("its errors").read_to_string(&mut reason);
        Err(reason)
    }

    /// Has the shell do something; whether it went well.
    pub(crate) fn tell(&mut self, command: &str) -> bool {
        let stdin = self.shell.stdin.as_mut().expect("its input");
        let told = writeln!(stdin, "if {{ {command} ; }}; then echo done; else echo failed; fi");
        let mut answer = String::new();
        told.is_ok() && self.says.read_line(&mut answer).is_ok() && answer.trim() == "done"
    }

    /// Makes it read-only.
    pub(crate) fn read_only(&mut self) {
        assert!(self.tell("mount -o remount,ro disk"), "it cannot be made read-only");
    }

    /// Makes it writable again.
    pub(crate) fn writable(&mut self) {
        assert!(self.tell("mount -o remount,rw disk"), "it cannot be made writable");
    }

    /// A path on it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.shell.id()));
        let inside = self.folder.path().join("disk").join(name);
        root.join(inside.strip_prefix("/").unwrap_or(&inside))
    }

    /// Leaves no more than so many bytes free.
    pub(crate) fn fill(&self, leave: u64) {
        let filler = self.path("filler");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&filler).expect("a file");
        let zeros = vec![0_u8; 1 << 20];
        let mut most = 1 << 20;
        // The file system needs some of what it says is free: smaller and smaller pieces find the end.
        while most >= 1 << 10 {
            let left = free(&filler).saturating_sub(leave);
            if left == 0 {
                break;
            }
            let length = usize::try_from(left.min(most)).expect("a length");
            if file.write_all(&zeros[..length]).and_then(|()| file.sync_all()).is_err() {
                most /= 2;
            }
        }
    }

    /// Gives back what [`SmallDisk::fill`] took.
    pub(crate) fn make_space(&self) {
        std::fs::remove_file(self.path("filler")).expect("the filler");
    }
}

/// Free bytes of the file system that a path is on.
fn free(path: &Path) -> u64 {
    let space = rustix::fs::statvfs(path).expect("its space");
    space.f_bavail * space.f_frsize
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The namespace, and with it the file system, goes with its last process.
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
