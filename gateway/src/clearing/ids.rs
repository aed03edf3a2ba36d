//! Ids of the ledger's own commands. Each follows from what the command is about, so that doing it again is repeating
//! it (rule W6). They begin with a byte that no client's id can have.

use fentan_engine::names::CommandId;

fn id(letter: char, parts: &[&str]) -> CommandId {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes());
        // A byte that no name has, so that parts cannot run into each other.
        hasher.update(&[0xff]);
    }
    let hash = hasher.finalize().to_hex();
    CommandId::internal(&format!("\u{1}{letter}-{}", &hash[..24]))
}

/// Of a statement, by its file's SHA-256.
pub(super) fn statement(file: &str) -> CommandId {
    id('f', &["statement", file])
}

/// Of the end of its import.
pub(super) fn close(file: &str) -> CommandId {
    id('c', &["close", file])
}

/// Of the confirmation of a piece of a lot.
pub(super) fn confirm(top_up: &CommandId, account: &str) -> CommandId {
    id('l', &["confirm", top_up.as_str(), account])
}

/// Of the release of what a piece of a lot has paid.
pub(super) fn release(top_up: &CommandId, account: &str) -> CommandId {
    id('p', &["release", top_up.as_str(), account])
}

/// Of the confirmation of a refund, by the command that booked it.
pub(super) fn refund(booked_by: &CommandId) -> CommandId {
    id('r', &["refund", booked_by.as_str()])
}

/// Of a difference that a row makes.
pub(super) fn item(file: &str, line: u64, kind: &str) -> CommandId {
    id('i', &["item", file, &line.to_string(), kind])
}

/// Of what another file of the same day says otherwise of a row, or does not say.
pub(super) fn changed(file: &str, before: &str, line: u64) -> CommandId {
    id('i', &["changed", file, before, &line.to_string()])
}

/// Of a difference that an order makes.
pub(super) fn short(booked_by: &CommandId) -> CommandId {
    id('i', &["short", booked_by.as_str()])
}

/// Of something that the ledger does about a difference by itself, once for each such thing.
pub(super) fn work(item: &CommandId, what: &str) -> CommandId {
    id('w', &["work", item.as_str(), what])
}

/// Of a merchant's settlement of a day.
pub(super) fn settlement(merchant: &str, currency: &str, run_day: &str) -> CommandId {
    id('s', &["settlement", merchant, currency, run_day])
}

/// Of what a result file says of a settlement in a payout.
pub(super) fn result(payout: &CommandId, settlement: &CommandId) -> CommandId {
    id('o', &["result", payout.as_str(), settlement.as_str()])
}

/// Of the release of a split when its time is over.
pub(super) fn release_split(split: &CommandId) -> CommandId {
    id('x', &["release split", split.as_str()])
}
