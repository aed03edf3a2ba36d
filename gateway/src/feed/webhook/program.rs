//! `fentan webhook …`: how webhooks stand, what an operator does about them, and checking a signature.

use super::config::Secret;
use super::sign;
use crate::client::{ServerArgs, get, part, post, say, show, text};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::Read;
use std::path::PathBuf;

/// Webhooks of a running server.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum WebhookCommand {
    /// How each stands: where it is, how far behind, what went wrong last
    List(ServerArgs),
    /// Begin at another position; what comes after it is delivered, again if it was before
    Rewind {
        /// The webhook
        name: String,
        /// The first position to deliver; `end` is what comes from now on
        #[arg(long, value_name = "POSITION")]
        from: String,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// Deliver nothing until it is resumed
    Pause(Named),
    /// Deliver again, at once
    Resume(Named),
    /// Check the signature of a delivery whose body comes on the standard input
    Verify {
        /// The file with the secret
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
        /// What the header `Fentan-Signature` says
        #[arg(long, value_name = "TEXT")]
        signature: String,
        /// How many seconds ago it may have been signed
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        tolerance: u64,
    },
}

/// Which one, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The webhook
    name: String,
    #[command(flatten)]
    at: ServerArgs,
}

/// Does it; `false` when the answer is no.
///
/// # Errors
/// When there is no server, or a file cannot be read.
pub(crate) fn run(command: &WebhookCommand) -> Result<bool> {
    match command {
        WebhookCommand::List(at) => list(at),
        WebhookCommand::Rewind { name, from, at } => {
            let from = if from == "end" { json!("end") } else { json!(from.parse::<u64>().context("--from")?) };
            act(at, name, "rewind", &json!({ "from": from }))
        }
        WebhookCommand::Pause(Named { name, at }) => act(at, name, "pause", &json!({})),
        WebhookCommand::Resume(Named { name, at }) => act(at, name, "resume", &json!({})),
        WebhookCommand::Verify { secret_file, signature, tolerance } => {
            let secret = std::fs::read_to_string(secret_file);
            let secret = Secret::new(&secret.with_context(|| format!("{}", secret_file.display()))?)?;
            let mut body = Vec::new();
            std::io::stdin().lock().read_to_end(&mut body)?;
            let now = jiff::Timestamp::now().as_second();
            match sign::check(&secret, signature, &body, now, *tolerance) {
                Ok(second) => {
                    let at = jiff::Timestamp::from_second(second).map(|at| at.to_string()).unwrap_or_default();
                    println!("good: signed at {at}");
                    Ok(true)
                }
                Err(wrong) => {
                    eprintln!("{wrong}");
                    Ok(false)
                }
            }
        }
    }
}

fn list(at: &ServerArgs) -> Result<bool> {
    let columns = ["name", "state", "next", "lag", "attempts", "delivered_at", "next_try_at", "last_error"];
    let cells = |row: &Value| columns.iter().map(|column| text(&row[*column])).collect();
    Ok(show(at, &get(at, "/v1/webhooks", &[])?, "webhooks", &columns, cells))
}

fn act(at: &ServerArgs, name: &str, what: &str, body: &Value) -> Result<bool> {
    let answer = post(at, &format!("/v1/webhooks/{}/{what}", part(name)), body)?;
    Ok(say(at, &answer, |answer| {
        let webhook = &answer["webhook"];
        println!("{}: {}, next {}", text(&webhook["name"]), text(&webhook["state"]), text(&webhook["next"]));
    }))
}
