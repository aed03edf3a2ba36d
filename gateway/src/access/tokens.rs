//! The file of tokens, checked whole: all that is wrong is told at once, and nothing of a bad file is in force.

use super::gate::Grant;
use super::scope::{Scope, Scopes};
use super::secret;
use crate::config::{Fault, Refused};
use crate::wire::time;
use fentan_engine::accounts::SystemAccount;
use fentan_engine::names::{Label, NAME_MAX};
use fentan_engine::runtime::Caller;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    token: Vec<Spanned<Entry>>,
}

/// A token as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    hash: String,
    scopes: Vec<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    expires_at: Option<String>,
    #[serde(default)]
    disabled: bool,
}

/// Reads the file.
///
/// # Errors
/// Everything that is wrong.
pub(super) fn load(path: &Path) -> Result<Vec<Arc<Grant>>, Refused> {
    let fault = |error: std::io::Error| Fault { path: path.into(), line: 0, column: 0, reason: error.to_string() };
    let text = std::fs::read_to_string(path).map_err(|error| Refused(vec![fault(error)]))?;
    parse(path, &text)
}

/// Reads a text as the file of this path would be read.
///
/// # Errors
/// Everything that is wrong.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Arc<Grant>>, Refused> {
    let fault = |line, column, reason| Fault { path: path.into(), line, column, reason };
    let place = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        (before.matches('\n').count() + 1, at - before.rfind('\n').map_or(0, |newline| newline + 1) + 1)
    };
    // The parser's own text shows the line, in which a token may stand by mistake.
    let file: File = toml::from_str(text).map_err(|error| {
        let (line, column) = error.span().map_or((0, 0), |span| place(span.start));
        Refused(vec![fault(line, column, secret::struck(error.message()))])
    })?;
    let (mut grants, mut faults) = (Vec::new(), Vec::new());
    let (mut names, mut hashes) = (BTreeMap::new(), BTreeMap::new());
    for entry in file.token {
        let (line, column) = place(entry.span().start);
        let mut wrong = |reason: String| faults.push(fault(line, column, secret::struck(&reason)));
        let entry = entry.into_inner();
        let name = entry.name.clone();
        match checked(entry) {
            Ok(grant) => {
                if let Some(first) = names.insert(name.clone(), line) {
                    wrong(format!("the token {name} stands in line {first} already"));
                }
                if let Some(first) = hashes.insert(grant.hash, line) {
                    wrong(format!("the token {name} has the hash of line {first}: no two are one"));
                }
                grants.push(Arc::new(grant));
            }
            Err(reasons) => reasons.into_iter().for_each(|reason| wrong(format!("the token {name:?}: {reason}"))),
        }
    }
    if faults.is_empty() { Ok(grants) } else { Err(Refused(faults)) }
}

fn checked(entry: Entry) -> Result<Grant, Vec<String>> {
    let mut wrong = Vec::new();
    let name = Label::new(&entry.name).ok();
    if name.is_none() {
        wrong.push(format!("name is 1 to {NAME_MAX} printable ASCII characters"));
    }
    let hash = secret::read(&entry.hash);
    if hash.is_none() {
        wrong.push("hash is sha256: and 64 hexadecimal digits; `fentan token new` makes token and hash".into());
    }
    let mut scopes = Scopes::default();
    for word in &entry.scopes {
        match Scope::of_word(word) {
            None => wrong.push(format!("there is no scope {word:?}; there are {}", Scope::words())),
            Some(scope) if scope.is_about_all() && !entry.prefixes.is_empty() => {
                wrong.push(format!("the scope {word} is about all accounts, so the token can have no prefixes"));
            }
            Some(scope) => scopes.add(scope),
        }
    }
    if entry.scopes.is_empty() {
        wrong.push(format!("scopes is empty: it could do nothing; there are {}", Scope::words()));
    }
    for prefix in &entry.prefixes {
        if Label::new(prefix).is_err() {
            wrong
                .push(format!("the prefix {prefix:?} is no beginning of a name: 1 to {NAME_MAX} printable characters"));
        } else if SystemAccount::is_reserved(prefix) || SystemAccount::is_reserved(&format!("{prefix}x")) {
            wrong.push(format!("accounts that begin with {prefix:?} are the ledger's own"));
        }
    }
    let expires_at = match entry.expires_at.as_deref().map(time::parse).transpose() {
        Ok(at) => at,
        Err(reason) => {
            wrong.push(format!("expires_at {reason}"));
            None
        }
    };
    match (name, hash) {
        (Some(name), Some(hash)) if wrong.is_empty() => Ok(Grant {
            caller: Arc::new(Caller::new(name, entry.prefixes)),
            hash,
            scopes,
            expires_at,
            disabled: entry.disabled,
        }),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<Arc<Grant>>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(file.path()).map_err(|refused| {
            let lines = refused.0.iter().map(|fault| format!("{}:{} {}", fault.line, fault.column, fault.reason));
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    fn entry(name: &str, hash: char, more: &str) -> String {
        let hash = hash.to_string().repeat(64);
        format!("[[token]]\nname = {name:?}\nhash = \"sha256:{hash}\"\n{more}\n")
    }

    #[test]
    fn the_shipped_file_is_sound_and_holds_no_token() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/tokens.toml");
        assert!(load(&path).expect("a sound file").is_empty(), "an example that is in force would be everybody's");
        // And what it shows is sound, too.
        let shown: String = std::fs::read_to_string(path).unwrap().lines().fold(String::new(), |mut out, line| {
            let line = line.strip_prefix("# ").unwrap_or_default();
            if line.starts_with("[[token]]") || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) {
                out.push_str(line);
                out.push('\n');
            }
            out
        });
        assert_eq!(of(&shown).expect("sound").len(), 4, "{shown}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_its_line() {
        let more = "scopes = [\"spend\", \"spent\"]\nprefixes = [\"\", \"fee\"]\nexpires_at = \"tomorrow\"";
        let text = entry("", 'g', more) + &entry("b", 'a', "scopes = []") + &entry("c", 'a', "scopes = [\"read\"]");
        let told = of(&text).unwrap_err();
        for part in ["1:1", "name is 1 to", "hash is sha256:", "spent", "the prefix \"\"", "ledger's own", "expires_at"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(told.contains("7:1") && told.contains("scopes is empty"), "{told}");
        let twice = entry("a", 'a', "scopes = [\"read\"]") + &entry("a", 'a', "scopes = [\"read\"]");
        let told = of(&twice).unwrap_err();
        assert!(told.contains("the token a stands in line 1 already") && told.contains("no two are one"), "{told}");
        for scope in ["clearing", "feed", "operate", "metrics"] {
            let told = of(&entry("a", 'a', &format!("scopes = [{scope:?}]\nprefixes = [\"shop1:\"]"))).unwrap_err();
            assert!(told.contains("about all accounts"), "{told}");
        }
    }

    #[test]
    fn a_token_in_the_file_by_mistake_is_not_told() {
        let token = secret::fresh().unwrap();
        for line in [
            format!("token = {token:?}"),
            format!("scopes = {token:?}"),
            format!("scopes = [{token:?}]"),
            format!("{token} = 1\nscopes = [\"read\"]"),
            format!("scopes = [\"read\"]\nprefixes = [\"{token}\u{e9}\"]"),
            format!("scopes = [\"read\"]\nexpires_at = {token:?}"),
        ] {
            let told = of(&entry(&token, 'a', &line)).unwrap_err();
            assert!(!told.contains(&token[4..]), "{line}: {told}");
        }
        let told = of(&format!("[[token]]\nname = \"a\"\nhash = {token:?}\nscopes = [\"read\"]")).unwrap_err();
        assert!(told.contains("hash is sha256:") && !told.contains(&token[4..]), "{told}");
    }
}
