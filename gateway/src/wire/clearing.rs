//! Documents and entries of the clearing line as JSON. Rare: they are made as values and written whole.

use super::moment;
use super::write::{field, key};
use fentan_engine::clearing::{
    Clearing, Document, Entry, Item, Payout, Place, Resolution, RowRef, Settlement, Split, Statement, Tally, Why,
};
use fentan_engine::ledger::Reject;
use fentan_engine::money::{AmountError, Currency, Major, Money};
use fentan_engine::names::CommandId;
use serde_json::{Map, Value, json};

/// An id as it is shown: what the ledger named itself has a mark that no client's name can have.
pub(crate) fn shown(id: &CommandId) -> &str {
    id.as_str().trim_start_matches('\u{1}')
}

/// An id of the ledger's own from how it is shown.
pub(crate) fn own(field: &str, shown: &str) -> Result<CommandId, Reject> {
    CommandId::new(shown).map_err(|error| Reject::bad_request(field, error))?;
    Ok(CommandId::internal(&format!("\u{1}{shown}")))
}

/// An amount as a decimal string.
pub(crate) fn money(minor: i64, currency: Currency) -> Value {
    Value::String(Money { minor, currency }.to_string())
}

/// An amount that may be below zero, as sums of fees are, in minor units.
pub(crate) fn signed(text: &str, currency: Currency) -> Result<i64, AmountError> {
    let read = |text: &str| Major::parse(text.as_bytes())?.minor(currency);
    match text.strip_prefix('-') {
        Some(text) => read(text).map(|minor| -minor),
        None => read(text),
    }
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
        Document::Split(its) => split(its),
        Document::Settlement(its) => settlement(its),
        Document::Payout(its) => payout(its),
        Document::SplitSpend(split) => json!({ "split": shown(split) }),
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
                Resolution::Rematch(ledger) | Resolution::Pair { ledger, .. } => Some(shown(ledger)),
                _ => None,
            },
            "item": match &proposal.resolution {
                Resolution::Pair { item, .. } => Some(shown(item)),
                _ => None,
            },
            "reason": proposal.reason,
            "by": proposal.by.as_str(),
            "approved_by": proposal.approved_by.as_ref().map(|by| by.as_str().to_owned()),
            "at": moment(proposal.at),
        })),
    })
}

fn split(its: &Split) -> Value {
    let of = |minor: i64| money(minor, its.currency);
    let receivers: Vec<Value> = its
        .state
        .shared()
        .iter()
        .map(|share| {
            json!({
                "receiver": share.receiver.as_str(),
                "given": of(share.given),
                "returned": of(share.returned),
            })
        })
        .collect();
    json!({
        "merchant": its.merchant.as_str(),
        "currency": its.currency.code(),
        "spend": its.spend.as_ref().map(shown),
        "basis": of(its.state.basis),
        "receivers": receivers,
        "shared": of(its.state.held()),
        "reserved": of(its.set_aside()),
        "rest": of(its.rest()),
        "state": if its.state.finished { "finished" } else { "open" },
        "release_at": its.release_at.map(moment),
        "at": moment(its.at),
    })
}

fn settlement(its: &Settlement) -> Value {
    let of = |minor: i64| money(minor, its.currency);
    let lines: Vec<Value> = its
        .lines
        .iter()
        .map(|line| json!({ "what": line.what.as_str(), "count": line.count, "amount": of(line.amount) }))
        .collect();
    let failures: Vec<Value> =
        its.failures.iter().map(|failure| json!({ "reason": failure.reason, "at": moment(failure.at) })).collect();
    json!({
        "merchant": its.merchant.as_str(),
        "currency": its.currency.code(),
        "run_day": its.run_day.as_str(),
        "cutoff": moment(its.cutoff),
        "from_seq": its.from,
        "to_seq": its.to,
        "lines": lines,
        "carried_in": of(its.carried_in),
        "at_cutoff": of(its.at_cutoff),
        "settled_since": of(its.settled_since),
        "amount": of(its.amount),
        "fee": of(its.fee),
        "borne": of(its.borne),
        "net": of(its.net),
        "carried_over": its.carried_over.as_ref().map(|(minor, why)| json!({
            "amount": of(*minor),
            "why": match why {
                Why::Negative => "negative",
                Why::BelowMinimum => "below_minimum",
            },
        })),
        "state": its.state.word(),
        "payout": its.payout.as_ref().map(shown),
        "failures": failures,
        "paid": its.paid.as_ref().map(|paid| json!({
            "by": paid.by.as_str(),
            "reference": paid.reference,
            "at": moment(paid.at),
        })),
    })
}

fn payout(its: &Payout) -> Value {
    let lines: Vec<Value> = its
        .settlements
        .iter()
        .map(|line| {
            json!({
                "settlement": shown(&line.settlement),
                "merchant": line.merchant.as_str(),
                "amount": money(line.net, its.currency),
            })
        })
        .collect();
    json!({
        "currency": its.currency.code(),
        "total": money(its.total, its.currency),
        "sent_at": moment(its.sent_at),
        "settlements": lines,
    })
}
