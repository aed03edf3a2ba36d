//! `fentan recon …`: channel statements and differences, at a running server.
//!
//! `check` alone needs no server: it reads a file and says whether it is whole. Exit codes: 0 done, 1 no (a file that is
//! refused, a difference that is not resolved so), 2 it could not be tried.

use super::check_program::{Expected, check, name_of};
use super::item_program;
use crate::client::{
    ServerArgs, Who, bar, bytes, get, outcome, post, print, reach, refused, show, streaming_agent, text,
};
use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use comfy_table::{CellAlignment, Table, presets};
use fentan_statements::Family;
use serde_json::{Value, json};
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Channel statements and differences.
#[derive(Debug, Subcommand)]
pub(crate) enum ReconCommand {
    /// Read a statement and say whether it is whole; no server is needed and nothing is booked
    Check {
        /// The channel's file, packed or not
        file: PathBuf,
        /// `wechat_trade`, `wechat_fundflow`, `alipay_detail`, `unionpay_merchant`, `acquirer_table` or `generic_csv`
        #[arg(long)]
        family: Family,
        /// The SHA-1 that the channel gave with it
        #[arg(long)]
        sha1: Option<String>,
        #[command(flatten)]
        expected: Expected,
    },
    /// Import a statement: what it confirms becomes pending settlement, what differs becomes items
    Import {
        /// The channel's file, packed or not
        file: PathBuf,
        /// The channel, as top-ups name it
        #[arg(long)]
        channel: String,
        /// How it is written; without it, what config/channels.toml says
        #[arg(long)]
        family: Option<Family>,
        /// The SHA-1 that the channel gave with it
        #[arg(long)]
        sha1: Option<String>,
        #[command(flatten)]
        expected: Expected,
        /// The day it is of, where a file without rows does not say it
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Option<String>,
        /// Another file of a day that was imported: book what is new, and open a difference about each row that is not as
        /// it was
        #[arg(long)]
        accept_changes: bool,
        /// No later file of the channel will come: what is open on either side does not wait
        #[arg(long)]
        last: bool,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// The statements that were imported
    Statements(ServerArgs),
    /// The differences that are not resolved
    Items {
        /// all, waiting, open, proposed, acting, suspended or resolved
        #[arg(long)]
        state: Option<String>,
        /// `long`, `short`, `amount_mismatch`, `fee_mismatch`, ...
        #[arg(long)]
        kind: Option<String>,
        #[arg(long)]
        channel: Option<String>,
        #[arg(long)]
        owner: Option<String>,
        /// Of this statement, by its file's SHA-256: its rows, and orders that it did not have
        #[arg(long, value_name = "FILE_SHA256")]
        statement: Option<String>,
        /// Write them as CSV to this file
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// One difference, with what was said about it
    Show {
        item: String,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// Give a difference to somebody
    Assign {
        item: String,
        #[arg(long)]
        owner: String,
        #[command(flatten)]
        who: Who,
    },
    /// Say something about a difference
    Note {
        item: String,
        text: String,
        #[command(flatten)]
        who: Who,
    },
    /// Say how a difference is resolved; above the channel's amount somebody else has to approve
    Resolve {
        item: String,
        /// `write_off`, `reverse`, `rematch`, `never_arrived` or `accept`
        resolution: String,
        /// The top-up of a rematch; of what the channel gave back, the top-up that was charged back, or a refund of one
        #[arg(long)]
        top_up: Option<String>,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Agree with a resolution that somebody else proposed
    Approve {
        item: String,
        #[command(flatten)]
        who: Who,
    },
    /// Do not agree with it
    Decline {
        item: String,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// That what is owed is there, with what makes the difference
    Cover(ServerArgs),
}

/// Does it; `false` when the answer is no.
///
/// # Errors
/// When the server or the file cannot be reached.
pub(crate) fn run(command: &ReconCommand) -> Result<bool> {
    match command {
        ReconCommand::Check { file, family, sha1, expected } => check(file, *family, sha1.as_deref(), expected),
        ReconCommand::Import { file, channel, family, sha1, expected, day, accept_changes, last, at } => {
            let mut query = vec![("channel", channel.clone()), ("name", name_of(file))];
            let family = family.map(|family| family.word().to_owned());
            for (key, value) in [("family", &family), ("sha1", sha1), ("day", day)] {
                query.extend(value.clone().map(|value| (key, value)));
            }
            query.extend(expected.query());
            for (key, given) in [("accept_changes", *accept_changes), ("last", *last)] {
                query.extend(given.then(|| (key, "true".to_owned())));
            }
            import(at, file, &query)
        }
        ReconCommand::Statements(at) => {
            let answer = get(at, "/v1/statements", &[])?;
            let columns = ["statement", "channel", "day", "rows", "payments", "matched", "items", "released", "state"];
            Ok(show(at, &answer, "statements", &columns, |row| {
                let tally = |name: &str| text(&row["tally"][name]);
                [
                    text(&row["id"]),
                    text(&row["channel"]),
                    text(&row["day"]),
                    text(&row["rows"]),
                    text(&row["payment_amount"]),
                    tally("matched"),
                    tally("items"),
                    tally("released"),
                    text(&row["state"]),
                ]
                .into()
            }))
        }
        ReconCommand::Items { state, kind, channel, owner, statement, csv, at } => {
            let given =
                [("state", state), ("kind", kind), ("channel", channel), ("owner", owner), ("statement", statement)];
            let mut query: Vec<(&str, String)> =
                given.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect();
            if let Some(path) = csv {
                query.push(("format", "csv".into()));
                let bytes = bytes(at, "/v1/items", &query)?;
                std::fs::write(path, bytes).with_context(|| path.display().to_string())?;
                return Ok(true);
            }
            let answer = get(at, "/v1/items", &query)?;
            let columns = ["item", "kind", "state", "channel", "order", "booked", "stated", "suspense", "owner", "at"];
            Ok(show(at, &answer, "items", &columns, |row| {
                ["id", "kind", "state", "channel", "order", "booked", "stated", "suspense", "owner", "at"]
                    .map(|name| text(&row[name]))
                    .into()
            }))
        }
        ReconCommand::Show { item, at } => item_program::one(at, item),
        ReconCommand::Assign { item, owner, who } => act(who, item, &json!({ "action": "assign", "owner": owner })),
        ReconCommand::Note { item, text, who } => act(who, item, &json!({ "action": "note", "note": text })),
        ReconCommand::Resolve { item, resolution, top_up, reason, who } => {
            let body = json!({ "action": "resolve", "resolution": resolution, "top_up": top_up, "reason": reason });
            act(who, item, &body)
        }
        ReconCommand::Approve { item, who } => act(who, item, &json!({ "action": "approve" })),
        ReconCommand::Decline { item, reason, who } => {
            act(who, item, &json!({ "action": "decline", "reason": reason }))
        }
        ReconCommand::Cover(at) => cover(at),
    }
}

fn import(at: &ServerArgs, file: &Path, query: &[(&str, String)]) -> Result<bool> {
    let body = std::fs::File::open(file).with_context(|| file.display().to_string())?;
    let mut request = streaming_agent(&at.server, &at.access)?.post(format!("{}/v1/statements", at.server));
    for (key, value) in query {
        request = request.query(key, value);
    }
    let answer = request.content_type("application/octet-stream").send(body).with_context(|| reach(&at.server))?;
    let bar = bar("sent");
    let last = outcome(BufReader::new(answer.into_body().into_reader()), |stage, done, of| {
        bar.set_message(stage.to_owned());
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let last =
        last.map_err(|unfinished| anyhow!("{unfinished}; import the same file again, it goes on where it was"))?;
    if at.json {
        print(&last);
    }
    if last["ok"] != true {
        if !at.json {
            refused(&last);
        }
        return Ok(false);
    }
    if !at.json {
        let tally = &last["tally"];
        println!(
            "{} of {}: {} rows, {}",
            text(&last["statement"]),
            text(&last["day"]),
            text(&last["rows"]),
            if last["unchanged"] == true { "imported before, nothing was done" } else { "booked" }
        );
        println!(
            "matched {} ({}), waiting {}, items {}, void {}; the ledger still expects {}; {} is pending settlement now",
            text(&tally["matched"]),
            text(&tally["matched_amount"]),
            text(&tally["waiting"]),
            text(&tally["items"]),
            text(&tally["void"]),
            text(&tally["expected"]),
            text(&tally["released"])
        );
    }
    Ok(true)
}

fn act(who: &Who, item: &str, body: &Value) -> Result<bool> {
    let mut body = body.clone();
    body["by"] = json!(who.by);
    let answer = post(&who.at, &format!("/v1/items/{item}"), &body)?;
    if who.at.json {
        print(&answer);
    }
    if answer["ok"] != true {
        if !who.at.json {
            refused(&answer);
        }
        return Ok(false);
    }
    if !who.at.json {
        println!("{item}: {}, {} in suspense", text(&answer["state"]), text(&answer["suspense"]));
    }
    Ok(true)
}

fn cover(at: &ServerArgs) -> Result<bool> {
    let answer = get(at, "/v1/cover", &[])?;
    if at.json {
        print(&answer);
    } else if answer["ok"] != true {
        refused(&answer);
    }
    let mut covered = answer["ok"] == true;
    for (currency, cover) in answer["currencies"].as_object().into_iter().flatten() {
        covered &= cover["covered"] == true;
        if at.json {
            continue;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |name: &str, value: &Value| {
            table.add_row([name.to_owned(), text(value)]);
        };
        row("customers' principal", &cover["principal"]);
        row("merchants' money that was paid", &cover["merchants"]);
        row("owed", &cover["owed"]);
        row("channels owe, not confirmed", &cover["channels"]);
        row("confirmed, with the channels", &cover["funds"]);
        row("at the bank", &cover["bank"]);
        row("there", &cover["there"]);
        row("more than is owed", &cover["difference"]);
        for (name, minor) in cover["items"].as_object().into_iter().flatten() {
            row(&format!("  of it {}", name.replace('_', " ")), minor);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let word = if cover["covered"] == true { "covered" } else { "not covered" };
        print(&format!("{currency}: {word}\n{table}"));
    }
    Ok(covered)
}
