//! `fentan settle …`: a day's settlement and its payouts, at a running server.
//!
//! Exit codes: 0 done, 1 no (a day that is none, a result file that is refused), 2 it could not be tried.

use crate::client::{
    ServerArgs, Who, agent, bar, bytes, get, outcome, part, post, reach, refused, say, show, streaming_agent, table,
    text,
};
use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// A day's settlement and its payouts.
#[derive(Debug, Subcommand)]
pub(crate) enum SettleCommand {
    /// Settle a day: what was pending at each merchant's cut-over becomes payable; again is the same
    Run {
        /// The working day, like 2026-11-27
        day: String,
        /// One merchant instead of all
        #[arg(long)]
        merchant: Option<String>,
        /// Do not wait for the cut-over: settle up to now
        #[arg(long)]
        early: bool,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// The settlements
    List {
        #[arg(long)]
        day: Option<String>,
        #[arg(long)]
        merchant: Option<String>,
        /// carried, due, sent or paid
        #[arg(long)]
        state: Option<String>,
        /// Write them as CSV to this file
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// One settlement with its lines
    Show {
        settlement: String,
        /// Write its lines as CSV to this file
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// Send what is due: one payout, and its file; again is the same payout
    Payout {
        /// The payout's id, of your own choice; without it, the payouts are listed
        #[arg(long)]
        id: Option<String>,
        /// One currency, when settlements are due in more
        #[arg(long)]
        currency: Option<String>,
        /// Who pays out, when the merchants' terms name more than one
        #[arg(long)]
        payout: Option<String>,
        /// Of these merchants alone
        #[arg(long, value_delimiter = ',')]
        merchants: Vec<String>,
        /// Write the payout file (CSV) to this file
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        #[command(flatten)]
        at: ServerArgs,
    },
    /// Book which settlements of a payout arrived: a CSV file of settlement,result,reference,reason
    Result {
        payout: String,
        file: PathBuf,
        #[command(flatten)]
        who: Who,
    },
}

/// Does it; `false` when the answer is no.
///
/// # Errors
/// When the server or the file cannot be reached.
pub(crate) fn run(command: &SettleCommand) -> Result<bool> {
    match command {
        SettleCommand::Run { day, merchant, early, at } => settle(at, day, merchant.as_deref(), *early),
        SettleCommand::List { day, merchant, state, csv, at } => {
            let given = [("day", day), ("merchant", merchant), ("state", state)];
            let query = given.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect();
            list(at, query, csv.as_deref())
        }
        SettleCommand::Show { settlement, csv: Some(file), at } => {
            write(at, &format!("/v1/settlements/{}", part(settlement)), &[("format", "csv".into())], file)
        }
        SettleCommand::Show { settlement, csv: None, at } => one(at, settlement),
        SettleCommand::Payout { id: None, at, .. } => {
            let columns = ["payout", "currency", "total", "settlements", "sent_at"];
            Ok(show(at, &get(at, "/v1/payouts", &[])?, "payouts", &columns, |row| {
                let count = row["settlements"].as_array().map_or(0, Vec::len);
                let cells = ["id", "currency", "total"].map(|name| text(&row[name]));
                cells.into_iter().chain([count.to_string(), text(&row["sent_at"])]).collect()
            }))
        }
        SettleCommand::Payout { id: Some(id), currency, payout, merchants, csv, at } => {
            let body = json!({ "id": id, "currency": currency, "payout": payout, "merchants": merchants });
            send(at, id, &body, csv.as_deref())
        }
        SettleCommand::Result { payout, file, who } => result(who, payout, file),
    }
}

const COLUMNS: [&str; 10] =
    ["settlement", "merchant", "run_day", "at_cutoff", "amount", "fee", "borne", "net", "carried_over", "state"];

fn cells(row: &Value) -> Vec<String> {
    let of = |name: &str| match name {
        "settlement" => text(&row["id"]),
        "carried_over" => text(&row["carried_over"]["amount"]),
        name => text(&row[name]),
    };
    COLUMNS.map(of).into()
}

fn settle(at: &ServerArgs, day: &str, merchant: Option<&str>, early: bool) -> Result<bool> {
    let request = streaming_agent(&at.server, &at.access)?.post(format!("{}/v1/settlements/run", at.server));
    let mut request = request.query("day", day).query("progress", "true");
    if let Some(merchant) = merchant {
        request = request.query("merchant", merchant);
    }
    if early {
        request = request.query("early", "true");
    }
    let answer = request.send_empty().with_context(|| reach(&at.server))?;
    let bar = bar("settle");
    let last = outcome(BufReader::new(answer.into_body().into_reader()), |stage, done, of| {
        bar.set_message(stage.to_owned());
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let again = "run the same day again, what is settled is not settled twice";
    let answer = last.map_err(|unfinished| anyhow!("{unfinished}; {again}"))?;
    let ok = say(at, &answer, |answer| {
        table(answer, "settlements", &COLUMNS, cells);
        println!(
            "{}: {} settled, {} before, {} with nothing",
            text(&answer["run_day"]),
            text(&answer["made"]),
            text(&answer["unchanged"]),
            text(&answer["nothing"])
        );
        for (currency, net) in answer["net"].as_object().into_iter().flatten() {
            println!("payable now: {} {currency}", text(net));
        }
        for skipped in answer["skipped"].as_array().into_iter().flatten() {
            eprintln!("not settled: {}: {}", text(&skipped["merchant"]), text(&skipped["why"]));
        }
    });
    Ok(ok && answer["skipped"].as_array().is_none_or(Vec::is_empty))
}

fn list(at: &ServerArgs, mut query: Vec<(&str, String)>, csv: Option<&Path>) -> Result<bool> {
    let Some(path) = csv else {
        return Ok(show(at, &get(at, "/v1/settlements", &query)?, "settlements", &COLUMNS, cells));
    };
    query.push(("format", "csv".into()));
    write(at, "/v1/settlements", &query, path)
}

/// Writes what the server answers as CSV to a file; a no is said and not written.
fn write(at: &ServerArgs, path: &str, query: &[(&str, String)], file: &Path) -> Result<bool> {
    let bytes = bytes(at, path, query)?;
    if bytes.first() == Some(&b'{') {
        refused(&serde_json::from_slice(&bytes)?);
        return Ok(false);
    }
    std::fs::write(file, bytes).with_context(|| file.display().to_string())?;
    Ok(true)
}

fn one(at: &ServerArgs, settlement: &str) -> Result<bool> {
    let answer = get(at, &format!("/v1/settlements/{}", part(settlement)), &[])?;
    Ok(say(at, &answer, |its| {
        let of = |name: &str| text(&its[name]);
        println!(
            "{} {} of {}: up to {}, records {} to {}",
            of("run_day"),
            of("merchant"),
            of("currency"),
            of("cutoff"),
            of("from_seq"),
            of("to_seq")
        );
        table(its, "lines", &["what", "count", "amount"], |row| {
            ["what", "count", "amount"].map(|name| text(&row[name])).into()
        });
        println!(
            "pending at the cut-over {}, taken since {}; settled {} = fee {} + borne {} + payable {}",
            of("at_cutoff"),
            of("settled_since"),
            of("amount"),
            of("fee"),
            of("borne"),
            of("net")
        );
        if !its["carried_over"].is_null() {
            let carried = &its["carried_over"];
            println!("carried over: {} ({})", text(&carried["amount"]), text(&carried["why"]));
        }
        println!("{} {}", of("state"), of("payout"));
        for failure in its["failures"].as_array().into_iter().flatten() {
            println!("failed at {}: {}", text(&failure["at"]), text(&failure["reason"]));
        }
        if !its["paid"].is_null() {
            let paid = &its["paid"];
            println!("paid at {}: {} says {}", text(&paid["at"]), text(&paid["reference"]), text(&paid["by"]));
        }
    }))
}

fn send(at: &ServerArgs, id: &str, body: &Value, csv: Option<&Path>) -> Result<bool> {
    let answer = post(at, "/v1/payouts", body)?;
    let ok = say(at, &answer, |answer| {
        println!(
            "{id}: {} settlements, {} {}{}; {} are left for the next",
            answer["settlements"].as_array().map_or(0, Vec::len),
            text(&answer["total"]),
            text(&answer["currency"]),
            if answer["unchanged"] == true { ", sent before" } else { "" },
            text(&answer["left"])
        );
        for merchant in answer["frozen"].as_array().into_iter().flatten() {
            eprintln!("not in it: {} is frozen", text(merchant));
        }
    });
    match csv {
        Some(file) if ok => write(at, &format!("/v1/payouts/{}", part(id)), &[("format", "csv".into())], file),
        _ => Ok(ok),
    }
}

fn result(who: &Who, payout: &str, file: &Path) -> Result<bool> {
    let at = &who.at;
    let body = std::fs::read(file).with_context(|| file.display().to_string())?;
    let mut request = agent(at)?.post(format!("{}/v1/payouts/{}/result", at.server, part(payout)));
    if let Some(by) = &who.by {
        request = request.query("by", by);
    }
    let mut answer = request.content_type("text/csv").send(&body[..]).with_context(|| reach(&at.server))?;
    let answer = serde_json::from_slice(&answer.body_mut().read_to_vec()?).context("the server's answer is no JSON")?;
    Ok(say(at, &answer, |answer| {
        println!(
            "{payout}: {} paid, {} failed, {} known before",
            text(&answer["paid"]),
            text(&answer["failed"]),
            text(&answer["unchanged"])
        );
    }))
}
