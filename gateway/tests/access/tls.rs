//! TLS on both doors.

use crate::site::{ALL, Site, auth};
use crate::support::{Authority, Server, eventually, json};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;

/// Writes a certificate for this machine, its key, and the authority's.
fn sign(authority: &Authority, site: &Site) {
    let signed = authority.sign();
    std::fs::write(site.ledger.path("cert.pem"), signed.certificate).unwrap();
    std::fs::write(site.ledger.path("key.pem"), signed.key).unwrap();
    std::fs::write(site.ledger.path("ca.pem"), authority.certificate()).unwrap();
}

fn serve(site: &Site) -> Server {
    let (certificate, key) = (site.ledger.path("cert.pem"), site.ledger.path("key.pem"));
    site.serve(&["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()])
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A connection that trusts the authority.
fn connect(address: SocketAddr, site: &Site) -> std::io::Result<Tls> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(site.ledger.path("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(crate::support::PATIENCE))?;
    let mut tls = StreamOwned::new(client, stream);
    tls.conn.complete_io(&mut tls.sock)?;
    Ok(tls)
}

fn ask(input: &mut BufReader<Tls>, line: &str) -> Value {
    input.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    input.read_line(&mut answer).unwrap();
    json(&answer)
}

#[test]
fn both_doors_speak_tls_and_plain_text_is_told_so_and_refused() {
    let site = Site::new();
    let token = site.token("all", ALL, &[]);
    sign(&Authority::new(), &site);
    let server = serve(&site);
    let mut input = BufReader::new(connect(server.tcp, &site).expect("TLS"));
    assert_eq!(ask(&mut input, &auth(&token))["ok"], true);
    for n in 0..100 {
        let answer = ask(&mut input, &format!(r#"{{"id":"t{n}","op":"top_up","account":"w","principal":"1.00"}}"#));
        assert_eq!(answer["ok"], true, "{answer}");
    }
    // More than a record of TLS holds, both ways, without waiting.
    let many = "{\"id\":\"b\",\"op\":\"balance\",\"account\":\"w\"}\n".repeat(5_000);
    let mut writer = many.as_bytes();
    let mut got = 0;
    while got < 5_000 {
        if !writer.is_empty() {
            let part = writer.len().min(20_000);
            input.get_mut().write_all(&writer[..part]).unwrap();
            writer = &writer[part..];
            continue;
        }
        let mut answer = String::new();
        input.read_line(&mut answer).unwrap();
        assert!(answer.contains("\"available\":\"100.00\""), "{answer}");
        got += 1;
    }
    let mut http = connect(server.http, &site).expect("TLS");
    let head = format!(
        "GET /v1/accounts/w HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    http.write_all(head.as_bytes()).unwrap();
    // The end of the connection may be rough; what came is what counts.
    let mut response = Vec::new();
    let _ = http.read_to_end(&mut response);
    let response = String::from_utf8_lossy(&response);
    assert!(response.starts_with("HTTP/1.1 200") && response.contains("100.00"), "{response}");
    // Plain text.
    let mut plain = server.client();
    plain.send(&auth(&token));
    let told = plain.rest();
    assert_eq!((told.len(), told[0]["code"].as_str()), (1, Some("bad_request")));
    assert!(told[0]["message"].as_str().unwrap().contains("TLS"), "{told:?}");
    let mut plain = server.http().open();
    plain.write_all(head.as_bytes()).unwrap();
    let mut response = Vec::new();
    let _ = plain.read_to_end(&mut response);
    assert!(!response.starts_with(b"HTTP/1.1 2") && !String::from_utf8_lossy(&response).contains("100.00"));
    assert_eq!(ask(&mut input, r#"{"id":"p","op":"ping"}"#)["pong"], true, "the others go on");
    drop(input);
    server.stop();
}

#[test]
fn who_trusts_another_authority_does_not_connect_and_a_renewed_certificate_is_taken_at_sighup() {
    let site = Site::new();
    let token = site.token("all", ALL, &[]);
    let (first, second) = (Authority::new(), Authority::new());
    sign(&first, &site);
    let server = serve(&site);
    let mut open = BufReader::new(connect(server.tcp, &site).expect("TLS"));
    assert_eq!(ask(&mut open, &auth(&token))["ok"], true);
    sign(&second, &site);
    assert!(connect(server.tcp, &site).is_err(), "the server still shows the first authority's");
    server.hang_up();
    eventually("the new certificate", || connect(server.tcp, &site).ok());
    eventually("the new certificate at the other door", || connect(server.http, &site).ok());
    assert_eq!(ask(&mut open, r#"{"id":"p","op":"ping"}"#)["pong"], true, "an open connection goes on");
    // One that is not sound changes nothing.
    std::fs::write(site.ledger.path("cert.pem"), "nothing").unwrap();
    server.hang_up();
    eventually("the refusal", || server.log().contains("certificate not reloaded").then_some(()));
    connect(server.tcp, &site).expect("the one before");
}

#[test]
fn the_program_asks_a_server_with_tokens_and_tls() {
    let site = Site::new();
    let token = site.token("clerk", "clearing", &[]);
    sign(&Authority::new(), &site);
    let server = serve(&site);
    let file = site.ledger.path("clerk.token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let url = format!("https://127.0.0.1:{}", server.http.port());
    let run = |envs: &[(&str, &str)], flags: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_fentan"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FENTAN_")) {
            program.env_remove(name);
        }
        program.args(["recon", "items", "--json", "--server", &url]).args(flags).envs(envs.iter().copied());
        let output = program.output().expect("the program starts");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let ca = site.ledger.path("ca.pem");
    let (ca, file) = (ca.to_str().unwrap(), file.to_str().unwrap());
    let (ok, told) = run(&[], &["--ca", ca, "--token-file", file]);
    assert!(ok && told.contains("\"items\":[]"), "{told}");
    let (ok, told) = run(&[("FENTAN_TOKEN", token.as_str()), ("FENTAN_CA", ca)], &[]);
    assert!(ok && told.contains("\"items\":[]"), "{told}");
    let (ok, told) = run(&[], &["--ca", ca]);
    assert!(!ok && told.contains("unauthorized"), "{told}");
    let (ok, told) = run(&[("FENTAN_TOKEN", token.as_str())], &[]);
    assert!(!ok && !told.contains(&token[4..]), "the authority is unknown: {told}");
    // Its help shows no secret of the environment.
    let help = Command::new(env!("CARGO_BIN_EXE_fentan"))
        .args(["recon", "items", "--help"])
        .env("FENTAN_TOKEN", token.as_str())
        .output();
    assert!(!String::from_utf8_lossy(&help.unwrap().stdout).contains(&token[4..]));
}
