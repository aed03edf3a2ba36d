//! `fentan split …`: sharing out what merchants have in pending, at a running server.
//!
//! Exit codes: 0 done, 1 no, 2 it could not be tried.

use crate::client::{ServerArgs, get, part, post, say, show, table, text};
use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

/// Sharing out what merchants have in pending.
#[derive(Debug, Subcommand)]
pub(crate) enum SplitCommand {
    /// The splits
    List {
        #[arg(long)]
        merchant: Option<String>,
        #[arg(long)]
        spend: Option<String>,
        /// open or finished
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// One split with its receivers
    Show {
        split: String,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// Share out: receivers as NAME=10% or NAME=12.34
    Make {
        /// The command's id, of your own choice; again is the same
        #[arg(long)]
        id: String,
        #[arg(long)]
        merchant: String,
        /// The spend whose money it is
        #[arg(long)]
        spend: Option<String>,
        /// So much of what is pending, when no spend is named
        #[arg(long)]
        amount: Option<String>,
        /// Go on with this split
        #[arg(long)]
        split: Option<String>,
        /// Set the rest aside, to be shared out later
        #[arg(long)]
        keep_open: bool,
        #[arg(required = true)]
        receivers: Vec<String>,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// A receiver gives back: all that it has of the split, or an amount
    Return {
        #[arg(long)]
        id: String,
        split: String,
        receiver: String,
        #[arg(long)]
        amount: Option<String>,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// What was set aside becomes the merchant's
    Release {
        #[arg(long)]
        id: String,
        split: String,
        #[command(flatten)]
        at: ServerArgs,
    },
}

/// Does it; `false` when the answer is no.
///
/// # Errors
/// When the server cannot be reached.
pub(crate) fn run(command: &SplitCommand) -> Result<bool> {
    match command {
        SplitCommand::List { merchant, spend, state, at } => {
            let given = [("merchant", merchant), ("spend", spend), ("state", state)];
            let query: Vec<_> = given.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect();
            let columns = ["split", "merchant", "spend", "basis", "shared", "reserved", "rest", "state", "release_at"];
            Ok(show(at, &get(at, "/v1/splits", &query)?, "splits", &columns, |row| {
                columns.map(|name| text(&row[if name == "split" { "id" } else { name }])).into()
            }))
        }
        SplitCommand::Show { split, at } => {
            let answer = get(at, &format!("/v1/splits/{}", part(split)), &[])?;
            Ok(say(at, &answer, print))
        }
        SplitCommand::Make { id, merchant, spend, amount, split, keep_open, receivers, at } => {
            let receivers = receivers.iter().map(|text| receiver(text)).collect::<Result<Vec<_>>>()?;
            let ask = json!({
                "id": id, "op": "split", "merchant": merchant, "spend": spend, "amount": amount, "split": split,
                "receivers": receivers, "finish": !keep_open,
            });
            act(at, &ask)
        }
        SplitCommand::Return { id, split, receiver, amount, at } => {
            let ask = json!({
                "id": id, "op": "return_split", "split": split, "receiver": receiver, "amount": amount,
            });
            act(at, &ask)
        }
        SplitCommand::Release { id, split, at } => act(at, &json!({ "id": id, "op": "release_split", "split": split })),
    }
}

/// `NAME=10%` or `NAME=12.34`.
fn receiver(written: &str) -> Result<Value> {
    let Some((account, portion)) = written.rsplit_once('=') else {
        bail!("a receiver is NAME=10% or NAME=12.34, not {written}");
    };
    Ok(match portion.strip_suffix('%') {
        Some(ratio) => json!({ "account": account, "ratio": ratio }),
        None => json!({ "account": account, "amount": portion }),
    })
}

fn act(at: &ServerArgs, ask: &Value) -> Result<bool> {
    let answer = post(at, "/v1/commands", ask)?;
    Ok(say(at, &answer, |answer| {
        let split = answer["documents"].as_array().into_iter().flatten().find(|one| one["kind_of_document"] == "split");
        if let Some(split) = split {
            print(split);
        }
    }))
}

fn print(split: &Value) {
    let of = |name: &str| text(&split[name]);
    println!(
        "{} of {}: {} of {} shared, {} set aside, {} the merchant's own; {}",
        of("id"),
        of("merchant"),
        of("shared"),
        of("basis"),
        of("reserved"),
        of("rest"),
        of("state")
    );
    table(split, "receivers", &["receiver", "given", "returned"], |row| {
        ["receiver", "given", "returned"].map(|name| text(&row[name])).into()
    });
}
