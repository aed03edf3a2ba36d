//! A ledger with tokens.

use crate::support::{Client, Http, Ledger, Server};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;

/// All scopes that a token with prefixes can have.
pub(crate) const OF_A_TENANT: &str = "spend,refund,top_up,transfer,account,read";
/// All scopes.
pub(crate) const ALL: &str = "spend,refund,top_up,transfer,account,clearing,read,feed,operate,metrics";

/// A folder with a ledger and a file of tokens.
pub(crate) struct Site {
    pub(crate) ledger: Ledger,
}

impl Site {
    pub(crate) fn new() -> Self {
        let ledger = Ledger::new();
        std::fs::write(ledger.path("tokens.toml"), "").unwrap();
        Self { ledger }
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.ledger.path("tokens.toml")
    }

    /// Makes a token with the program, and gives its text.
    pub(crate) fn token(&self, name: &str, scopes: &str, prefixes: &[&str]) -> String {
        self.token_with(name, scopes, prefixes, &[])
    }

    /// The same, with more flags.
    pub(crate) fn token_with(&self, name: &str, scopes: &str, prefixes: &[&str], more: &[&str]) -> String {
        let mut args = vec!["token", "new", "--name", name, "--scope", scopes, "--file", "tokens.toml"];
        for prefix in prefixes {
            args.extend(["--prefix", prefix]);
        }
        args.extend(more);
        let output = self.ledger.run(&args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        assert!(token.starts_with("ftn_") && token.len() == 68, "{token}");
        token
    }

    /// Starts a server that asks for tokens.
    pub(crate) fn serve(&self, flags: &[&str]) -> Server {
        let tokens = self.tokens();
        let mut all = vec!["--tokens", tokens.to_str().unwrap()];
        all.extend(flags);
        self.ledger.serve(&all)
    }
}

/// The line that shows a token.
pub(crate) fn auth(token: &str) -> String {
    format!(r#"{{"op":"auth","token":"{token}"}}"#)
}

/// A connection that has shown a token.
pub(crate) fn connect(server: &Server, token: &str) -> Client {
    let mut client = server.client();
    let answer = client.ask(&auth(token));
    assert_eq!((&answer["ok"], &answer["access"]), (&true.into(), &"on".into()), "{answer}");
    client
}

/// The HTTP door with a token.
pub(crate) struct Known {
    http: Http,
    header: String,
}

impl Known {
    pub(crate) fn new(server: &Server, token: &str) -> Self {
        Self::at(server.http, token)
    }

    pub(crate) fn at(address: SocketAddr, token: &str) -> Self {
        Self { http: Http(address), header: format!("Bearer {token}") }
    }

    pub(crate) fn exchange(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let headers = [("authorization", self.header.as_str()), ("content-type", "application/json")];
        let response = self.http.exchange(method, path, &headers, body.as_bytes());
        // What streams lines ends with what came of it.
        let last = response.body.lines().last().unwrap_or_default();
        (response.status, serde_json::from_str(last).unwrap_or_default())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.exchange("GET", path, "")
    }

    /// What is no JSON.
    pub(crate) fn text(&self, path: &str) -> (u16, String) {
        let response = self.http.exchange("GET", path, &[("authorization", self.header.as_str())], b"");
        (response.status, response.body)
    }
}
