//! Asking a running server from the command line, and printing what it answers.

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// How long a question and its answer may take.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that streams says something every ten seconds, whatever happens.
pub(crate) const SILENCE: Duration = Duration::from_secs(40);

/// Where the server is.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// The server's HTTP address
    #[arg(long, env = "FENTAN_SERVER", value_name = "URL", default_value = "http://127.0.0.1:7401")]
    pub(crate) server: String,
    /// Print the server's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
}

/// What a server with access control or TLS wants.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccessArgs {
    /// A file with the token that the server asks for; the environment `FENTAN_TOKEN` may hold the token itself
    #[arg(long, env = "FENTAN_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The certificate, PEM, that the server's is signed with [default: those of public authorities]
    #[arg(long, env = "FENTAN_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// The environment's token. It is no flag: whoever lists processes reads those.
const TOKEN: &str = "FENTAN_TOKEN";

impl AccessArgs {
    /// What goes into the header, if there is a token.
    fn bearer(&self) -> Result<Option<String>> {
        let token = match &self.token_file {
            Some(file) => Some(std::fs::read_to_string(file).with_context(|| file.display().to_string())?),
            None => std::env::var(TOKEN).ok(),
        };
        Ok(token.map(|token| format!("Bearer {}", token.trim())))
    }
}

/// Who does it, and where.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// Who does it; with a token, the token's name, which need not be said
    #[arg(long, env = "FENTAN_BY", value_name = "NAME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) at: ServerArgs,
}

/// What asks the server, with its token and trust.
pub(crate) fn agent(at: &ServerArgs) -> Result<ureq::Agent> {
    agent_with(&at.server, &at.access, |config| config.timeout_global(Some(PATIENCE)))
}

/// Whether a host is this machine.
pub(crate) fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether nobody on the way to a server reads what is sent there.
fn is_private(server: &str) -> bool {
    let Ok(server) = server.parse::<ureq::http::Uri>() else { return false };
    match server.scheme_str() {
        Some("https") => true,
        Some("http") => server.host().is_some_and(is_here),
        _ => false,
    }
}

/// What asks for an answer that comes piece by piece: it may take for days, but not be silent for long.
pub(crate) fn streaming_agent(server: &str, access: &AccessArgs) -> Result<ureq::Agent> {
    agent_with(server, access, |config| config.timeout_connect(Some(CONNECT)).timeout_per_read(Some(SILENCE)))
}

/// Reads lines of progress, `stage`, `done` and `of`, to the last line, which says what came of it.
///
/// # Errors
/// When there is no last line. A server that says nothing more may go on, which is not the same as one that has ended.
pub(crate) fn outcome(lines: impl std::io::BufRead, mut tell: impl FnMut(&str, u64, u64)) -> Result<Value, Unfinished> {
    let mut last = None;
    for line in lines.lines() {
        let line =
            line.map_err(|error| if is_silence(&error) { Unfinished::Silent } else { Unfinished::Cut(error) })?;
        let value: Value = serde_json::from_str(&line)?;
        if let Some(stage) = value["stage"].as_str() {
            tell(stage, value["done"].as_u64().unwrap_or(0), value["of"].as_u64().unwrap_or(0));
        } else {
            last = Some(value);
        }
    }
    last.ok_or(Unfinished::Ended)
}

/// Why there is no last line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    /// Nothing came for too long.
    #[error("the server has said nothing for {} s, and may still be at it", SILENCE.as_secs())]
    Silent,
    /// The connection broke, and with it perhaps the server.
    #[error("the connection to the server broke before it was done ({0})")]
    Cut(std::io::Error),
    /// The answer ended without a word of what came of it.
    #[error("the server ended before it was done")]
    Ended,
    /// Another program answers.
    #[error("the server's answer is no JSON: {0}")]
    Form(#[from] serde_json::Error),
}

fn is_silence(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// How an agent asks.
type Config = ureq::config::ConfigBuilder<ureq::typestate::AgentScope>;

/// The same, with time-outs of its own.
fn agent_with(server: &str, access: &AccessArgs, patience: impl FnOnce(Config) -> Config) -> Result<ureq::Agent> {
    let mut config = patience(ureq::Agent::config_builder().http_status_as_error(false).proxy(None));
    if let Some(file) = &access.ca {
        let about = || format!("--ca {}", file.display());
        let pem = std::fs::read(file).with_context(about)?;
        let roots: Vec<_> = ureq::tls::parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        anyhow::ensure!(!roots.is_empty(), "{} holds no certificate in PEM", file.display());
        let roots = ureq::tls::RootCerts::new_with_certs(&roots);
        config = config.tls_config(ureq::tls::TlsConfig::builder().root_certs(roots).build());
    }
    if let Some(bearer) = access.bearer()? {
        anyhow::ensure!(
            is_private(server),
            "no token is sent to {server}: whoever is on the way could read it. Name the server with https://, and what its \
             certificate is signed with by --ca; http:// is for this machine alone"
        );
        config = config.middleware(
            move |mut request: ureq::http::Request<ureq::SendBody<'_>>, next: ureq::middleware::MiddlewareNext<'_>| {
                if let Ok(mut value) = ureq::http::HeaderValue::from_str(&bearer) {
                    value.set_sensitive(true);
                    request.headers_mut().insert(ureq::http::header::AUTHORIZATION, value);
                }
                next.handle(request)
            },
        );
    }
    Ok(config.build().into())
}

pub(crate) fn reach(server: &str) -> String {
    format!("no server answers at {server}; start one with `fentan serve`, or name it with --server")
}

pub(crate) fn bytes(at: &ServerArgs, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>> {
    let mut request = agent(at)?.get(format!("{}{path}", at.server));
    for (key, value) in query {
        request = request.query(key, value);
    }
    let mut answer = request.call().with_context(|| reach(&at.server))?;
    Ok(answer.body_mut().with_config().limit(u64::MAX).read_to_vec()?)
}

pub(crate) fn get(at: &ServerArgs, path: &str, query: &[(&str, String)]) -> Result<Value> {
    serde_json::from_slice(&bytes(at, path, query)?).context("the server's answer is no JSON")
}

pub(crate) fn post(at: &ServerArgs, path: &str, body: &Value) -> Result<Value> {
    let mut answer = agent(at)?
        .post(format!("{}{path}", at.server))
        .content_type("application/json")
        .send(body.to_string())
        .with_context(|| reach(&at.server))?;
    let bytes = answer.body_mut().read_to_vec()?;
    serde_json::from_slice(&bytes).context("the server's answer is no JSON")
}

/// A name as a part of a path.
pub(crate) fn part(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Says a no with what it names.
pub(crate) fn refused(answer: &Value) {
    eprintln!("{}: {}", text(&answer["code"]), text(&answer["message"]));
    if let Some(counts) = changes(answer) {
        eprintln!("  {counts}");
    }
    for row in answer["rows"].as_array().into_iter().flatten() {
        eprintln!("  {}", text(row));
    }
}

/// How much of a statement is not as it was in the file before, and how many of these rows are named.
fn changes(answer: &Value) -> Option<String> {
    let count = |name: &str| answer[name].as_u64();
    let (added, removed, changed) = (count("added")?, count("removed")?, count("changed")?);
    let (all, named) = (added + removed + changed, answer["rows"].as_array().map_or(0, Vec::len));
    let some = if all > named as u64 { format!("; the first {named} are") } else { String::new() };
    let before = text(&answer["before"]);
    Some(format!("{added} rows added, {removed} removed and {changed} changed since the file {before}{some}"))
}

/// Prints something. Whoever reads it may have read enough.
pub(crate) fn print(what: &dyn std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{what}");
}

/// A value as it stands in a table.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Columns of numbers.
const RIGHT: [&str; 23] = [
    "rows",
    "payments",
    "matched",
    "items",
    "released",
    "booked",
    "stated",
    "suspense",
    "at_cutoff",
    "amount",
    "fee",
    "borne",
    "net",
    "carried_over",
    "basis",
    "shared",
    "reserved",
    "rest",
    "total",
    "settlements",
    "count",
    "given",
    "returned",
];

/// Says the answer: as JSON, or a no as what it is, or by `say`; `false` when it is a no.
pub(crate) fn say(at: &ServerArgs, answer: &Value, say: impl FnOnce(&Value)) -> bool {
    let ok = answer["ok"] == true;
    if at.json {
        print(&answer);
    } else if ok {
        say(answer);
    } else {
        refused(answer);
    }
    ok
}

/// Prints a list of the answer as a table.
pub(crate) fn show(
    at: &ServerArgs,
    answer: &Value,
    list: &str,
    columns: &[&str],
    cells: impl Fn(&Value) -> Vec<String>,
) -> bool {
    if at.json {
        print(&answer);
        return answer["ok"] == true;
    }
    if answer["ok"] != true {
        refused(answer);
        return false;
    }
    table(answer, list, columns, cells);
    true
}

/// Prints a list as a table.
pub(crate) fn table(answer: &Value, list: &str, columns: &[&str], cells: impl Fn(&Value) -> Vec<String>) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(columns);
    for row in answer[list].as_array().into_iter().flatten() {
        table.add_row(cells(row));
    }
    for (name, column) in columns.iter().zip(table.column_iter_mut()) {
        if RIGHT.contains(name) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    print(&table);
}

/// How far something is, on the terminal; nothing where there is none.
pub(crate) fn bar(stage: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = "{msg:>8} {bar:30} {pos}/{len} {elapsed}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(stage.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Error, ErrorKind, Read};

    #[test]
    fn a_token_is_sent_over_https_or_to_this_machine_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "ftn_x\n").unwrap();
        let access = AccessArgs { token_file: Some(file.path().into()), ca: None };
        for (server, sent) in [
            ("https://pay.example:7401", true),
            ("http://127.0.0.1:7401", true),
            ("http://[::1]:7401", true),
            ("http://LOCALHOST:7401", true),
            ("http://pay.example:7401", false),
            ("http://10.0.0.1:7401", false),
            ("http://127.0.0.1.pay.example", false),
            ("pay.example:7401", false),
        ] {
            let agent = agent_with(server, &access, |config| config).map_err(|error| error.to_string());
            assert_eq!(agent.is_ok(), sent, "{server}");
            assert!(agent.err().is_none_or(|told| told.contains("https://") && told.contains("--ca")), "{server}");
        }
        let nobody = AccessArgs { token_file: None, ca: None };
        assert!(std::env::var(TOKEN).is_ok() || agent_with("http://pay.example", &nobody, |config| config).is_ok());
    }

    #[test]
    fn c3_a_changed_file_is_told_with_its_counts() {
        let rows = ["line 2 is added"; 20];
        let answer = serde_json::json!({ "before": "f-1", "added": 30, "removed": 2, "changed": 1, "rows": rows });
        let told = changes(&answer).unwrap();
        assert_eq!(told, "30 rows added, 2 removed and 1 changed since the file f-1; the first 20 are");
        let answer = serde_json::json!({ "before": "f-1", "added": 1, "removed": 0, "changed": 0, "rows": ["one"] });
        assert_eq!(changes(&answer).unwrap(), "1 rows added, 0 removed and 0 changed since the file f-1");
        assert_eq!(changes(&serde_json::json!({ "code": "overloaded" })), None);
    }

    /// Some lines, and then this.
    struct Then(&'static [u8], Option<Error>);

    impl Read for Then {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => self.1.take().map_or(Ok(0), Err),
                read => Ok(read),
            }
        }
    }

    /// What was told on the way: stage, done, of.
    type Told = Vec<(String, u64, u64)>;

    fn came(lines: &'static str, end: Option<Error>) -> (Result<Value, Unfinished>, Told) {
        let mut told = Vec::new();
        let came = outcome(BufReader::new(Then(lines.as_bytes(), end)), |stage, done, of| {
            told.push((stage.to_owned(), done, of));
        });
        (came, told)
    }

    const PROGRESS: &str = "{\"stage\":\"copy\",\"done\":1,\"of\":2}\n";

    #[test]
    fn silence_is_told_from_an_end_and_a_cut() {
        let (done, told) = came("{\"stage\":\"copy\",\"done\":1,\"of\":2}\n{\"ok\":true}\n", None);
        assert_eq!((done.unwrap()["ok"].as_bool(), told), (Some(true), vec![("copy".into(), 1, 2)]));
        let silence = Error::other(ureq::Error::Timeout(ureq::Timeout::PerRead));
        assert!(matches!(came(PROGRESS, Some(silence)).0, Err(Unfinished::Silent)));
        assert!(matches!(came(PROGRESS, Some(ErrorKind::TimedOut.into())).0, Err(Unfinished::Silent)));
        assert!(matches!(came(PROGRESS, Some(ErrorKind::ConnectionReset.into())).0, Err(Unfinished::Cut(_))));
        assert!(matches!(came(PROGRESS, None).0, Err(Unfinished::Ended)));
        assert!(matches!(came("<html>\n", None).0, Err(Unfinished::Form(_))));
    }

    #[test]
    fn what_streams_may_take_as_long_as_it_says_something() {
        let access = AccessArgs { token_file: None, ca: None };
        let timeouts = streaming_agent("http://127.0.0.1:7401", &access).unwrap().config().timeouts();
        assert_eq!((timeouts.global, timeouts.per_call, timeouts.recv_body), (None, None, None));
    }
}
