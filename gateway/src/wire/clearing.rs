//! Documents and entries of the clearing line as JSON. Rare: they are made as values and written whole.

use super::moment;
use super::write::{field, key};
use fentan_engine::clearing::{Clearing, Document, Entry, Item, Place, Resolution, RowRef, Statement, Tally};
use fentan_engine::money::{Currency, Money};
use fentan_engine::names::CommandId;
use serde_json::{Map, Value, json};

/// An id as it is shown: what the ledger named itself has a mark that no client's name can have.
pub(crate) fn shown(id: &CommandId) -> &str {
    id.as_str().trim_start_matches('\u{1}')
}

/// An amount as a decimal string.
pub(crate) fn money(minor: i64, currency: Currency) -> Value {
    Value::String(Money { minor, currency }.to_string())
}

/// Appends the fields of a document.
pub(super) fn document(out: &mut Vec<u8>, document: &Document) {
    members(out, &value(document));
}

/// Appends what a command of the clearing line came to.
pub(super) fn entry(out: &mut Vec<u8>, entry: &Entry, ask: &Clearing, currency: Currency) {
    field(out, "op", ask.op());
    let moves: Vec<Value> = entry
        .moves
        .iter()
        .map(|moved| {
            json!({
                "debit": place(&moved.from),
                "credit": place(&moved.to),
                "amount": money(moved.amount, currency),
            })
        })
        .collect();
    let documents: Vec<Value> = entry
        .documents
        .iter()
        .map(|filed| {
            let mut all = value(&filed.document);
            all.insert("id".into(), json!(shown(&filed.id)));
            Value::Object(all)
        })
        .collect();
    for (name, list) in [("moves", moves), ("documents", documents)] {
        key(out, name);
        // Writing to a vector cannot fail.
        let _ = serde_json::to_writer(&mut *out, &list);
    }
}

fn members(out: &mut Vec<u8>, members: &Map<String, Value>) {
    for (name, value) in members {
        key(out, name);
        // Writing to a vector cannot fail.
        let _ = serde_json::to_writer(&mut *out, value);
    }
}

/// An account that the clearing line books on, by its name.
pub(crate) fn place(place: &Place) -> String {
    match place {
        Place::Merchant(account, bucket, fund) => format!("{account}/{}/{}", bucket.word(), fund.word()),
        Place::System(account) => account.name(),
    }
}

/// A document's fields.
pub(crate) fn value(document: &Document) -> Map<String, Value> {
    let fields = match document {
        Document::Statement(its) => statement(its),
        Document::Item(its) => item(its),
    };
    match fields {
        Value::Object(mut fields) => {
            fields.insert("kind_of_document".into(), json!(document.kind()));
            fields
        }
        _ => Map::new(),
    }
}

fn statement(its: &Statement) -> Value {
    let of = |minor: i64| money(minor, its.currency);
    json!({
        "file": its.file.as_str(),
        "name": its.name,
        "channel": its.channel.as_str(),
        "family": its.family.as_str(),
        "currency": its.currency.code(),
        "day": its.day.as_str(),
        "rows": its.rows,
        "payments": its.payments,
        "payment_amount": of(its.payment_amount),
        "refunds": its.refunds,
        "refund_amount": of(its.refund_amount),
        "fee": of(its.fee),
        "state": if its.tally.is_some() { "booked" } else { "open" },
        "tally": its.tally.as_ref().map(|counts| tally(counts, its.currency)),
    })
}

fn tally(counts: &Tally, currency: Currency) -> Value {
    json!({
        "matched": counts.matched,
        "matched_amount": money(counts.matched_amount, currency),
        "waiting": counts.waiting,
        "void": counts.void,
        "expected": counts.expected,
        "items": counts.items,
        "released": money(counts.released, currency),
    })
}

fn row(row: &RowRef) -> Value {
    json!({ "file": row.file.as_str(), "line": row.line })
}

fn item(its: &Item) -> Value {
    let of = |minor: i64| money(minor, its.currency);
    json!({
        "kind": its.kind.word(),
        "state": its.state.word(),
        "channel": its.channel.as_str(),
        "currency": its.currency.code(),
        "row": its.row.as_ref().map(row),
        "order": its.order,
        "channel_order": its.channel_order,
        "refund": its.refund,
        "ledger": its.ledger.as_ref().map(shown),
        "account": its.account.as_ref().map(|account| account.as_str().to_owned()),
        "booked": its.booked.map(of),
        "stated": its.stated.map(of),
        "fee": of(its.fee),
        "excess": of(its.excess),
        "found": its.found,
        "at": moment(its.at),
        "suspense": of(its.suspense),
        "owner": its.owner.as_ref().map(|owner| owner.as_str().to_owned()),
        "note": its.note,
        "proposal": its.proposal.as_ref().map(|proposal| json!({
            "resolution": proposal.resolution.word(),
            "top_up": match &proposal.resolution {
                Resolution::Rematch(top_up) => Some(shown(top_up)),
                _ => None,
            },
            "reason": proposal.reason,
            "by": proposal.by.as_str(),
            "approved_by": proposal.approved_by.as_ref().map(|by| by.as_str().to_owned()),
            "at": moment(proposal.at),
        })),
    })
}
