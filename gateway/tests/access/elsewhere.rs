//! What a token may not do from another machine.

use crate::site::{Known, Site};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::{Child, Stdio};

/// A server that all addresses of this machine reach, killed when it is dropped.
struct Open {
    child: Child,
    port: u16,
}

impl Open {
    fn start(site: &Site, flags: &[&str]) -> Self {
        let tokens = site.tokens();
        let mut child = site
            .ledger
            .program("serve")
            .args(["--tcp", "127.0.0.1:0", "--http", "0.0.0.0:0", "--tokens", tokens.to_str().unwrap()])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("a line");
        let port = line.split_once("http=0.0.0.0:").and_then(|(_, port)| port.trim().parse().ok());
        Self { child, port: port.unwrap_or_else(|| panic!("it did not start: {line}")) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This machine's address in its network: who comes from it does not look like this machine. Nothing is sent.
fn address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

#[test]
fn a_token_from_another_machine_has_the_ledger_copied_only_below_the_backup_root() {
    let Some(address) = address() else {
        eprintln!("this machine has no network to come from");
        return;
    };
    let site = Site::new();
    let token = site.token("ops", "operate", &[]);
    let (root, outside) = (site.ledger.path("backups"), site.ledger.path("outside"));
    std::fs::create_dir(&root).unwrap();
    let take = |http: &Known, to: &std::path::Path, more: &str| {
        http.exchange("POST", "/v1/backups", &format!(r#"{{"to":"{}"{more}}}"#, to.display()))
    };

    let server = Open::start(&site, &[]);
    let remote = Known::at(SocketAddr::new(address, server.port), &token);
    let (status, no) = take(&remote, &outside, "");
    assert_eq!((status, &no["code"], &no["token"]), (403, &"forbidden".into(), &"ops".into()), "{no}");
    assert!(no["message"].as_str().unwrap().contains("backup_root") && !outside.exists(), "{no}");
    let here = Known::at(SocketAddr::new([127, 0, 0, 1].into(), server.port), &token);
    assert_eq!(take(&here, &outside, "").1["ok"], true, "from this machine as ever");
    drop(server);

    let server = Open::start(&site, &["--backup-root", root.to_str().unwrap()]);
    let remote = Known::at(SocketAddr::new(address, server.port), &token);
    let others = site.ledger.path("others");
    let (status, no) = take(&remote, &others, "");
    assert_eq!((status, &no["field"]), (400, &"to".into()), "{no}");
    let said = no["message"].as_str().unwrap();
    assert!(said.contains(others.to_str().unwrap()) && said.contains(root.to_str().unwrap()), "{no}");
    assert!(!others.exists());
    let (status, no) = take(&remote, &root.join("b"), &format!(r#","since":"{}""#, outside.display()));
    assert_eq!((status, &no["field"]), (400, &"since".into()), "{no}");
    assert_eq!(take(&remote, &root.join("a"), "").1["ok"], true);
    // A proxy on this machine looks like this machine.
    let here = Known::at(SocketAddr::new([127, 0, 0, 1].into(), server.port), &token);
    assert_eq!(take(&here, &others, "").1["field"], "to");
}
