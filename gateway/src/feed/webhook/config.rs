//! Which webhooks there are: a TOML file, `config/webhooks.toml` shows every key.

use crate::client::is_here;
use crate::feed::Filter;
use anyhow::{Context, Result, anyhow, bail, ensure};
use fentan_engine::journal::Position;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::Uri;
use ureq::tls::Certificate;

/// The most webhooks: each has a thread.
const HOOKS_MAX: usize = 64;
/// The shortest secret, in bytes.
const SECRET_MIN: usize = 16;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    webhook: Vec<Given>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    url: String,
    secret_env: Option<String>,
    secret_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    from: Option<From>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    accounts: Vec<String>,
    batch_records: Option<u64>,
    batch_bytes: Option<u64>,
    timeout_seconds: Option<u64>,
    retry_first_ms: Option<u64>,
    retry_max_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum From {
    Position(u64),
    Word(String),
}

/// What a webhook's deliveries are signed with. It is never shown.
#[derive(Clone)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// # Errors
    /// When it is too short.
    pub(super) fn new(text: &str) -> Result<Self> {
        let text = text.trim_end_matches(['\r', '\n']);
        ensure!(text.len() >= SECRET_MIN, "the secret is shorter than {SECRET_MIN} bytes");
        Ok(Self(text.as_bytes().to_vec()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// One webhook, checked.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(super) name: String,
    pub(super) url: Uri,
    pub(super) secret: Secret,
    /// Whom to trust instead of the public authorities.
    pub(super) authorities: Option<Vec<Certificate<'static>>>,
    /// Where it begins when it has no cursor; `None` is the journal's end.
    pub(super) from: Option<Position>,
    pub(super) filter: Filter,
    /// A batch has no more records, ...
    pub(super) batch_records: u64,
    /// ... and ends when it has so many bytes.
    pub(super) batch_bytes: usize,
    /// How long a try may take.
    pub(super) timeout: Duration,
    /// How long the first wait after a failure is, at most; each next is twice as long ...
    pub(super) retry_first: Duration,
    /// ... up to this.
    pub(super) retry_max: Duration,
}

impl Hook {
    /// The address without what may be secret in it.
    pub(super) fn shown_url(&self) -> String {
        let (scheme, host) = (self.url.scheme_str().unwrap_or_default(), self.url.host().unwrap_or_default());
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}{}", self.url.path())
    }
}

/// Reads the file. Secrets are read here and nowhere else.
///
/// # Errors
/// Names the file, the webhook and the key.
pub(crate) fn load(path: &Path) -> Result<Vec<Hook>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("the webhooks {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, folder).with_context(|| format!("the webhooks {}", path.display()))
}

fn parse(text: &str, folder: &Path) -> Result<Vec<Hook>> {
    // The parser's own text shows the line, in which a secret may stand by mistake; its message may quote the value.
    let file: File = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let (line, column) =
            (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        anyhow!("line {line}, column {column}: {}", unquoted(error.message()))
    })?;
    ensure!(file.webhook.len() <= HOOKS_MAX, "there are {}, at most {HOOKS_MAX} may be", file.webhook.len());
    let mut names = BTreeSet::new();
    let mut hooks = Vec::new();
    for given in file.webhook {
        let name = given.name.clone();
        ensure!(names.insert(name.clone()), "webhook {name:?} is there twice");
        hooks.push(check(given, folder).with_context(|| format!("webhook {name:?}"))?);
    }
    Ok(hooks)
}

fn check(given: Given, folder: &Path) -> Result<Hook> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let named = (1..=32).contains(&given.name.len()) && given.name.bytes().all(plain);
    ensure!(named, "name is 1 to 32 of a-z, 0-9, - and _: a file of the data folder is called so");
    let secret = match (&given.secret_env, &given.secret_file) {
        (Some(variable), None) => {
            // Not named: it may be the secret itself, put in the wrong place.
            std::env::var(variable).map_err(|_| {
                anyhow!(
                    "secret_env is the name of a variable, and the environment has none of the name that stands there"
                )
            })?
        }
        (None, Some(file)) => {
            // Neither is this path.
            std::fs::read_to_string(folder.join(file))
                .map_err(|error| anyhow!("secret_file, a path relative to this file, cannot be read: {error}"))?
        }
        _ => bail!("one of secret_env and secret_file says where its secret is"),
    };
    let authorities = given.ca_file.map(|file| authorities(&folder.join(file))).transpose()?;
    let from = match given.from {
        None => Some(1),
        Some(From::Position(from)) if from > 0 => Some(from),
        Some(From::Word(word)) if word == "end" => None,
        Some(_) => bail!("from is a position from 1 on, or \"end\""),
    };
    let within = |key: &str, given: Option<u64>, default: u64, least: u64, most: u64| -> Result<u64> {
        let value = given.unwrap_or(default);
        ensure!((least..=most).contains(&value), "{key} is from {least} to {most}, not {value}");
        Ok(value)
    };
    let bytes = within("batch_bytes", given.batch_bytes, 1 << 20, 1, 64 << 20)?;
    let filter = Filter::new(&given.types, &given.accounts).map_err(|reject| anyhow!("types, accounts: {reject}"))?;
    Ok(Hook {
        url: url(&given.url)?,
        secret: Secret::new(&secret)?,
        authorities,
        from,
        filter,
        batch_records: within("batch_records", given.batch_records, 500, 1, 10_000)?,
        batch_bytes: usize::try_from(bytes)?,
        timeout: Duration::from_secs(within("timeout_seconds", given.timeout_seconds, 10, 1, 600)?),
        retry_first: Duration::from_millis(within("retry_first_ms", given.retry_first_ms, 500, 1, 60_000)?),
        retry_max: Duration::from_secs(within("retry_max_seconds", given.retry_max_seconds, 300, 1, 86_400)?),
        name: given.name,
    })
}

/// A parser's message without the value that it quotes.
fn unquoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(begin), Some(end)) if begin < end => format!("{}…{}", &message[..=begin], &message[end..]),
        _ => message.to_owned(),
    }
}

/// An address: https, or http on this machine.
fn url(text: &str) -> Result<Uri> {
    let url: Uri = text.parse().map_err(|error| anyhow!("url: {error}"))?;
    let host = url.host().unwrap_or_default();
    ensure!(!host.is_empty(), "url has a host, like https://example.com/fentan");
    ensure!(!url.authority().is_some_and(|authority| authority.as_str().contains('@')), "url has no user in it");
    let here = is_here(host);
    match url.scheme_str() {
        Some("https") => Ok(url),
        Some("http") if here => Ok(url),
        _ => bail!("url begins with https://; http:// is for this machine alone"),
    }
}

fn authorities(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(file).with_context(|| format!("ca_file {}", file.display()))?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let ureq::tls::PemItem::Certificate(certificate) = item.context("ca_file")? {
            found.push(certificate);
        }
    }
    ensure!(!found.is_empty(), "ca_file {} has no certificate", file.display());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(more: &str) -> Result<Hook> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "0123456789abcdef\n").unwrap();
        let text = format!("[[webhook]]\nname = \"erp\"\nsecret_file = \"secret\"\n{more}\n");
        parse(&text, folder.path()).map(|mut hooks| hooks.remove(0))
    }

    const URL: &str = "url = \"https://erp.example/in?key=1\"";

    #[test]
    fn the_shipped_file_names_no_webhook_and_its_example_is_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/webhooks.toml");
        assert!(load(&path).unwrap().is_empty());
        let text = std::fs::read_to_string(path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in ["erp.secret", "ca.pem"] {
            std::fs::write(folder.path().join(name), "0123456789abcdef").unwrap();
        }
        let example: String =
            text.lines().filter_map(|line| line.strip_prefix("#: ")).flat_map(|line| [line, "\n"]).collect();
        let hooks = parse(&example, folder.path()).unwrap();
        assert_eq!(hooks.len(), 1);
        let defaults = hook(URL).unwrap();
        let of = |hook: &Hook| {
            (hook.from, hook.batch_records, hook.batch_bytes, hook.timeout, hook.retry_first, hook.retry_max)
        };
        assert_eq!(of(&hooks[0]), of(&defaults), "the example shows the defaults");
    }

    #[test]
    fn a_secret_is_never_shown() {
        let hook = hook(URL).unwrap();
        assert_eq!(hook.secret.bytes(), b"0123456789abcdef");
        assert!(!format!("{hook:?}").contains("0123456789abcdef"));
        assert_eq!(hook.shown_url(), "https://erp.example/in");
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        const MISTAKE: &str = "hunter2-hunter2-hunter2";
        let head = format!("[[webhook]]\nname = \"erp\"\n{URL}\n");
        for (more, place) in [
            (format!("secret = \"{MISTAKE}\""), "line 4, column 1"),
            (format!("secret_env = \"{MISTAKE}\""), "secret_env"),
            (format!("secret_file = \"{MISTAKE}\""), "secret_file"),
            (format!("timeout_seconds = \"{MISTAKE}\""), "line 4, column 19"),
            (format!("secret_env = {MISTAKE}"), "line 4, column 14"),
            (format!("secret_env = \"{MISTAKE}"), "line 4"),
            (format!("batch_bytes = \"{MISTAKE}\\\"{MISTAKE}\""), "line 4, column 15"),
            (format!("secret_env = \"A\" # {MISTAKE}\nfrom = true"), "line 5"),
        ] {
            let error = format!("{:#}", parse(&format!("{head}{more}\n"), Path::new(".")).unwrap_err());
            assert!(!error.contains("hunter2") && error.contains(place), "{more}: {error}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, fits) in [
            ("https://example.com/a", true),
            ("http://127.0.0.1:8080/a", true),
            ("http://[::1]:8080/a", true),
            ("http://localhost/a", true),
            ("http://example.com/a", false),
            ("http://127.0.0.1.example.com/a", false),
            ("http://10.0.0.1/a", false),
            ("ftp://127.0.0.1/a", false),
            ("https://user:pass@example.com/a", false),
            ("/a", false),
        ] {
            assert_eq!(super::url(url).is_ok(), fits, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (more, said) in [
            ("", "url"),
            ("url = \"https://a/\"\nnmae = 1", "nmae"),
            ("url = \"https://a/\"\nfrom = 0", "from"),
            ("url = \"https://a/\"\ntypes = [\"spent\"]", "types"),
            ("url = \"https://a/\"\nbatch_records = 0", "batch_records"),
            ("url = \"https://a/\"\nsecret_env = \"X\"", "one of secret_env and secret_file"),
            ("url = \"https://a/\"\nca_file = \"secret\"", "ca_file"),
            (
                "url = \"https://a/\"\n[[webhook]]\nname = \"erp\"\nurl = \"https://a/\"\nsecret_file = \"secret\"",
                "twice",
            ),
        ] {
            let error = format!("{:#}", hook(more).unwrap_err());
            assert!(error.contains(said), "{more}: {error}");
        }
    }
}
