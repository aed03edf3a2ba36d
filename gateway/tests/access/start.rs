//! What a server does not start without.

use crate::site::Site;
use crate::support::Ledger;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

fn refused(ledger: &Ledger, flags: &[&str]) -> String {
    let output: Output = ledger.program("serve").args(flags).output().expect("the program starts");
    assert!(!output.status.success() && output.stdout.is_empty(), "it serves");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_address_that_others_reach_is_not_served_without_tokens() {
    let ledger = Ledger::new();
    for (tcp, http, key) in [
        ("0.0.0.0:0", "127.0.0.1:0", "tcp = 0.0.0.0:0"),
        ("127.0.0.1:0", "0.0.0.0:0", "http = 0.0.0.0:0"),
        ("[::]:0", "127.0.0.1:0", "tcp = [::]:0"),
    ] {
        let told = refused(&ledger, &["--tcp", tcp, "--http", http]);
        for part in [key, "fentan token new", "--tokens", "127.0.0.1", "docs/access.md"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    // The file of configuration is asked like the flags.
    let config = ledger.path("server.toml");
    std::fs::write(&config, "tcp = \"0.0.0.0:0\"\nhttp = \"127.0.0.1:0\"\n").unwrap();
    assert!(refused(&ledger, &["--config", config.to_str().unwrap()]).contains("tcp = 0.0.0.0:0"));
}

#[test]
fn with_tokens_it_is_served_and_plain_text_is_warned_of() {
    let site = Site::new();
    let token = site.token("any", "read", &[]);
    let log = site.ledger.path("log");
    std::fs::write(
        site.ledger.path("server.toml"),
        "tcp = \"0.0.0.0:0\"\nhttp = \"0.0.0.0:0\"\ntokens = \"tokens.toml\"\n",
    )
    .unwrap();
    let mut child = site
        .ledger
        .program("serve")
        .args(["--config", site.ledger.path("server.toml").to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("a line");
    let port = line.split_once("tcp=0.0.0.0:").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u16>().ok());
    let served = port.map(|port| {
        let mut client = crate::support::Client::connect(([127, 0, 0, 1], port).into());
        (client.ask(r#"{"id":"p","op":"ping"}"#), client.ask(&crate::site::auth(&token)))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    let (stranger, known) = served.unwrap_or_else(|| panic!("it did not start: {line} {log}"));
    assert_eq!((&stranger["code"], &known["ok"]), (&"unauthorized".into(), &true.into()));
    assert!(log.contains("speaks plain text") && log.contains("tls_certificate"), "{log}");
}

#[test]
fn what_is_not_sound_stops_the_start_and_says_where() {
    let site = Site::new();
    let tokens = site.tokens();
    let tokens = tokens.to_str().unwrap();
    std::fs::write(tokens, "[[token]]\nname = \"a\"\nhash = \"ftn_0123456789abcdef\"\nscopes = [\"read\"]\n").unwrap();
    let told = site.ledger.refused_to_serve(&["--tokens", tokens]);
    assert!(told.contains("tokens.toml:1:1") && told.contains("hash is sha256:"), "{told}");
    assert!(!told.contains("0123456789abcdef"), "a token in the wrong place is not told: {told}");
    let told = site.ledger.refused_to_serve(&["--tokens", "/nowhere/tokens.toml"]);
    assert!(told.contains("/nowhere/tokens.toml"), "{told}");
    let told = site.ledger.refused_to_serve(&["--tls-certificate", "/nowhere/cert.pem"]);
    assert!(told.contains("tls_key is not"), "{told}");
    let told = site.ledger.refused_to_serve(&["--tls-key", "/nowhere/key.pem"]);
    assert!(told.contains("tls_certificate is not"), "{told}");
    let told = site.ledger.refused_to_serve(&["--tls-key", tokens, "--tls-certificate", tokens]);
    assert!(told.contains("BEGIN CERTIFICATE"), "{told}");
}

#[test]
fn the_program_makes_and_checks_tokens() {
    let site = Site::new();
    site.token("till-7", "spend,read", &["shop1:", "shop2:"]);
    let shown = site.ledger.run(&["token", "new", "--name", "loose", "--scope", "read"]);
    let (token, entry) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8(shown.stderr).unwrap());
    assert!(token.starts_with("ftn_") && entry.contains("[[token]]") && !entry.contains(token.trim()), "{entry}");
    let checked = site.ledger.run(&["token", "check", "tokens.toml"]);
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success() && told.contains("till-7: spend, read; accounts shop1:, shop2:"), "{told}");
    let before = std::fs::read_to_string(site.tokens()).unwrap();
    for (flags, part) in [
        (&["--name", "till-7", "--scope", "read"][..], "stands in line 1 already"),
        (&["--name", "b", "--scope", "spending"], "there is no scope"),
        (&["--name", "b", "--scope", "operate", "--prefix", "shop1:"], "about all accounts"),
        (&["--name", "b", "--scope", "read", "--expires-at", "soon"], "expires_at"),
        (&["--name", "", "--scope", "read"], "--name"),
    ] {
        let mut args = vec!["token", "new", "--file", "tokens.toml"];
        args.extend(flags);
        let output = site.ledger.run(&args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(part) && output.stdout.is_empty(), "{part}: {told}");
        assert_eq!(std::fs::read_to_string(site.tokens()).unwrap(), before, "the file is as it was");
    }
    std::fs::write(site.tokens(), "[[tokens]]\n").unwrap();
    let checked = site.ledger.run(&["token", "check", "tokens.toml"]);
    assert!(!checked.status.success());
    assert!(String::from_utf8_lossy(&checked.stderr).contains("tokens.toml:1:"), "{checked:?}");
}
