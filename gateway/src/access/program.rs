//! `fentan token new` and `fentan token check`.

use super::gate::Gate;
use super::scope::Scope;
use super::{secret, tokens};
use crate::config::Refused;
use crate::wire::moment;
use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use fentan_engine::names::Label;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What can be done with tokens from the command line.
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token: shows it once, and writes or shows the entry with its hash
    #[command(after_help = NEW)]
    New(NewArgs),
    /// Check a file of tokens: what is in it, or everything that is wrong
    Check(CheckArgs),
}

const NEW: &str = "Examples:
  fentan token new --name till-7 --scope spend,read --prefix shop1: --file tokens.toml
  fentan token new --name admin --scope operate,clearing,read --expires-at 2027-01-01T00:00:00+08:00
A running server takes the file at SIGHUP. The token is nowhere else: who loses it makes a new one.";

/// A new token.
#[derive(clap::Args)]
pub(crate) struct NewArgs {
    /// Its name, as it will stand in the journal and in the log
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it may do: spend, refund, `top_up`, transfer, account, clearing, read, feed, operate, metrics
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', required = true)]
    scope: Vec<String>,
    /// What the accounts begin with that it may name, wallets and merchants; all when not given
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    prefix: Vec<String>,
    /// When it ends, like 2027-01-01T00:00:00+08:00
    #[arg(long, value_name = "MOMENT")]
    expires_at: Option<String>,
    /// The file that the entry is added to; without it the entry is shown
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// A file of tokens.
#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// The file
    #[arg(env = "FENTAN_TOKENS", value_name = "FILE")]
    file: PathBuf,
}

/// Runs a subcommand, and says whether all is well.
///
/// # Errors
/// When it cannot be run.
pub(crate) fn run(command: &TokenCommand) -> Result<bool> {
    match command {
        TokenCommand::New(args) => new(args),
        TokenCommand::Check(args) => Ok(check(args)),
    }
}

fn new(args: &NewArgs) -> Result<bool> {
    Label::new(&args.name).context("--name")?;
    let token = secret::fresh().context("the system gives no random bytes")?;
    let entry = entry(args, &token);
    tokens::parse(Path::new(""), &entry).map_err(|refused| anyhow!("{}", reasons(&refused)))?;
    match &args.file {
        None => {
            println!("{token}");
            eprintln!("That is the token; it is shown only now. Put this into the file of tokens:\n\n{entry}");
        }
        Some(file) => {
            append(file, &entry)?;
            println!("{token}");
            eprintln!(
                "That is the token; it is shown only now. Its hash is in {}; a running server takes it at SIGHUP.",
                file.display()
            );
        }
    }
    Ok(true)
}

fn entry(args: &NewArgs, token: &str) -> String {
    let list = |words: &[String]| {
        let quoted: Vec<String> = words.iter().map(|word| toml::Value::from(word.as_str()).to_string()).collect();
        quoted.join(", ")
    };
    let mut entry = format!(
        "[[token]]\nname = {}\nhash = \"{}\"\nscopes = [{}]\n",
        toml::Value::from(args.name.as_str()),
        secret::written(&secret::hash(token)),
        list(&args.scope)
    );
    if !args.prefix.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(entry, "prefixes = [{}]", list(&args.prefix));
    }
    if let Some(at) = &args.expires_at {
        let _ = writeln!(entry, "expires_at = {}", toml::Value::from(at.as_str()));
    }
    entry
}

/// Adds an entry to the file, if the whole is then sound. A reader sees the old file or the new one.
fn append(file: &Path, entry: &str) -> Result<()> {
    let about = || file.display().to_string();
    let before = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(about),
    };
    let gap = if before.is_empty() { "" } else { "\n" };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut whole = tempfile::NamedTempFile::new_in(folder).with_context(about)?;
    whole.write_all(format!("{before}{gap}{entry}").as_bytes())?;
    if let Err(refused) = Gate::open(whole.path().to_path_buf()) {
        bail!("{} stays as it is: {}", about(), reasons(&refused));
    }
    if let Ok(known) = std::fs::metadata(file) {
        whole.as_file().set_permissions(known.permissions())?;
    }
    whole.as_file().sync_all()?;
    whole.persist(file).with_context(about)?;
    Ok(())
}

fn reasons(refused: &Refused) -> String {
    let reasons: Vec<&str> = refused.0.iter().map(|fault| fault.reason.as_str()).collect();
    reasons.join("; ")
}

fn check(args: &CheckArgs) -> bool {
    let gate = match Gate::open(args.file.clone()) {
        Ok(gate) => gate,
        Err(refused) => {
            eprintln!("{refused}");
            return false;
        }
    };
    println!("{} tokens", gate.tokens());
    for grant in gate.all() {
        let scopes: Vec<&str> = grant.scopes.iter().map(Scope::word).collect();
        let mut line = format!("{}: {}", grant.name(), scopes.join(", "));
        let prefixes = grant.caller.prefixes();
        if !prefixes.is_empty() {
            let _ = write!(line, "; accounts {}", prefixes.join(", "));
        }
        if let Some(at) = grant.expires_at {
            let _ = write!(line, "; until {}", moment(at));
        }
        if grant.disabled {
            line.push_str("; disabled");
        }
        println!("{line}");
    }
    true
}
