//! `fentan recon show`: one difference, with what was said about it.

use crate::client::{ServerArgs, get, part, print, say, text};
use anyhow::Result;
use comfy_table::{Table, presets};
use serde_json::Value;

/// What is shown of a difference, and what of how it is resolved.
const FACTS: [&str; 19] = [
    "kind",
    "state",
    "channel",
    "currency",
    "order",
    "channel_order",
    "ledger",
    "account",
    "booked",
    "stated",
    "fee",
    "excess",
    "suspense",
    "found",
    "owner",
    "note",
    "at",
    "changed_at",
    "seq",
];
const HOW: [&str; 7] = ["resolution", "top_up", "item", "reason", "by", "approved_by", "at"];

/// Shows one; `false` when the answer is no.
///
/// # Errors
/// When the server cannot be reached.
pub(super) fn one(at: &ServerArgs, item: &str) -> Result<bool> {
    let answer = get(at, &format!("/v1/items/{}", part(item)), &[])?;
    Ok(say(at, &answer, |answer| {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |name: String, value: &Value| {
            let value = text(value);
            if !value.is_empty() {
                table.add_row([name.replace('_', " "), value]);
            }
        };
        for name in FACTS {
            row(name.to_owned(), &answer[name]);
        }
        for name in ["file", "line"] {
            row(name.to_owned(), &answer["row"][name]);
        }
        for name in HOW {
            // Nothing else of it is called like something of the difference itself.
            let title = if name == "at" { "proposed at".to_owned() } else { name.to_owned() };
            row(title, &answer["proposal"][name]);
        }
        print(&format!("{item}\n{table}"));
    }))
}
