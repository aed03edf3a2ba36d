//! What commands came to.

use crate::wire::write::{amount, amount_text, field, flag, inside, key, moment, text, whole};
use crate::wire::{clearing, limits, refunded};
use fentan_engine::accounts::{NEVER, Status, SubId};
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::{Balances, Command, Event, GivenBack, Granted, OrderTable, Record, Taken};
use fentan_engine::money::Currency;

/// Appends what a command came to, as its answer shows it.
pub(in crate::wire) fn body(out: &mut Vec<u8>, record: &Record, catalog: &Catalog) {
    let currency = record.currency;
    match (&record.event, &record.command) {
        (Event::Opened { kind, product, limits: own }, Command::OpenAccount(open)) => {
            field(out, "account", open.account.as_str());
            field(out, "kind", kind.word());
            field(out, "currency", currency.code());
            field(out, "product", product.as_str());
            field(out, "status", Status::Open.word());
            if let Some(own) = own {
                limits::write(out, own, None, currency);
            }
        }
        (Event::ToppedUp { granted, .. }, _) => {
            topped_up(out, record.id.as_str(), "confirmed", granted, catalog, currency);
        }
        (Event::TopUpPlaced { granted, .. }, _) => {
            topped_up(out, record.id.as_str(), "pending", granted, catalog, currency);
        }
        (Event::TopUpConfirmed { granted, .. }, Command::ConfirmTopUp(ask)) => {
            topped_up(out, ask.top_up.as_str(), "confirmed", granted, catalog, currency);
        }
        (Event::TopUpUnchanged { .. }, Command::ConfirmTopUp(ask)) => {
            field(out, "top_up", ask.top_up.as_str());
            field(out, "state", "confirmed");
            flag(out, "unchanged", true);
        }
        (Event::TopUpFailed { .. }, Command::FailTopUp(top_up)) => {
            field(out, "top_up", top_up.as_str());
            field(out, "state", "failed");
        }
        (Event::TopUpUnchanged { .. }, Command::FailTopUp(top_up)) => {
            field(out, "top_up", top_up.as_str());
            field(out, "state", "failed");
            flag(out, "unchanged", true);
        }
        (Event::Spent { rule, version, .. }, _) => {
            field(out, "spend", record.id.as_bytes());
            rule_name(out, rule.as_str(), *version);
        }
        (Event::Held { rule, version, .. }, Command::Hold(_, expires_at)) => {
            field(out, "hold", record.id.as_str());
            rule_name(out, rule.as_str(), *version);
            if *expires_at != NEVER {
                moment(out, "expires_at", *expires_at);
            }
        }
        (Event::Captured { taken, released, .. }, Command::Capture(ask)) => {
            field(out, "spend", record.id.as_bytes());
            field(out, "hold", ask.hold.as_str());
            amount(out, "captured", i128::from(taken.sum()), currency);
            amount(out, "released", i128::from(released.sum()), currency);
        }
        (Event::Released { taken, ends, .. }, Command::Release(ask)) => {
            field(out, "hold", ask.hold.as_str());
            amount(out, "released", i128::from(taken.sum()), currency);
            field(out, "state", if *ends { "ended" } else { "open" });
        }
        (Event::Refunded { taken, refunded, .. }, Command::Refund(ask)) => {
            field(out, "refund", record.id.as_str());
            field(out, "spend", ask.spend.as_str());
            if let Some(line) = &ask.line {
                field(out, "line", line.as_str());
            }
            amount(out, "amount", i128::from(taken.sum()), currency);
            amount(out, "refunded", i128::from(*refunded), currency);
        }
        (Event::Transferred { rule, version, .. }, Command::Transfer(ask)) => {
            field(out, "transfer", record.id.as_str());
            field(out, "to", ask.to.as_str());
            rule_name(out, rule.as_str(), *version);
        }
        (Event::Clearing(entry), Command::Clear(ask)) => clearing::entry(out, entry, ask, currency),
        (_, Command::RefundTopUp(ask)) => refunded::answer(out, &record.event, ask, catalog, currency),
        (Event::StatusSet { status, kind }, _) => {
            if let Some(account) = record.account() {
                field(out, "account", account.as_str());
            }
            field(out, "kind", kind.word());
            field(out, "status", status.word());
        }
        _ => {}
    }
    if let Some(taken) = record.event.taken() {
        lines(out, taken, catalog, currency);
    }
    let repaid = record.event.repaid().map_or(0, Taken::sum);
    if repaid > 0 {
        amount(out, "repaid", i128::from(repaid), currency);
    }
    if let Some(order) = record.event.table() {
        table(out, order, None, catalog, currency);
    }
    if let Some(after) = record.event.after() {
        balance(out, after, catalog, currency);
    }
}

pub(super) fn topped_up(
    out: &mut Vec<u8>,
    id: &str,
    state: &str,
    granted: &Granted,
    catalog: &Catalog,
    currency: Currency,
) {
    field(out, "top_up", id);
    field(out, "state", state);
    key(out, "lines");
    out.push(b'[');
    for (n, grant) in granted.grants.iter().enumerate() {
        line(out, n, id, catalog.sub_name(grant.sub), grant.amount, currency);
    }
    out.push(b']');
}

#[inline]
pub(crate) fn rule_name(out: &mut Vec<u8>, rule: &str, version: u32) {
    out.extend_from_slice(b",\"rule\":\"");
    inside(out, rule);
    out.push(b'@');
    whole(out, u64::from(version));
    out.push(b'"');
}

pub(crate) fn lines(out: &mut Vec<u8>, taken: &Taken, catalog: &Catalog, currency: Currency) {
    lines_of(out, "lines", taken, catalog, currency);
}

/// Appends `,"name":[…]` with a line for each.
pub(crate) fn lines_of(out: &mut Vec<u8>, name: &str, taken: &Taken, catalog: &Catalog, currency: Currency) {
    key(out, name);
    out.push(b'[');
    for (n, (lot, sub, minor)) in taken.iter().enumerate() {
        line(out, n, lot.as_bytes(), catalog.sub_name(sub), minor, currency);
    }
    out.push(b']');
}

#[inline]
pub(crate) fn line(out: &mut Vec<u8>, n: usize, lot: impl AsRef<[u8]>, sub: &str, minor: i64, currency: Currency) {
    out.extend_from_slice(if n > 0 { b",{\"lot\":\"" } else { b"{\"lot\":\"" });
    inside(out, lot);
    out.extend_from_slice(b"\",\"sub\":\"");
    inside(out, sub);
    out.extend_from_slice(b"\",\"amount\":");
    amount_text(out, minor, currency);
    out.push(b'}');
}

/// Order lines by sub-balances; every sub-balance of the configuration is there, as in `balance`.
pub(super) fn table(
    out: &mut Vec<u8>,
    table: &OrderTable,
    refunded: Option<&GivenBack>,
    catalog: &Catalog,
    currency: Currency,
) {
    key(out, "table");
    out.push(b'[');
    for (n, row) in table.rows.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{\"line\":" } else { b"{\"line\":" });
        text(out, row.line.as_str());
        amount(out, "amount", i128::from(row.amount()), currency);
        if let Some(refunded) = refunded {
            amount(out, "refunded", i128::from(refunded.row(n)), currency);
        }
        for (sub, name) in catalog.subs() {
            amount(out, name, i128::from(row.of(table, sub)), currency);
        }
        out.push(b'}');
    }
    out.push(b']');
}

/// Appends `[{"sub":…,"amount":…},…]`.
pub(crate) fn sub_amounts(
    out: &mut Vec<u8>,
    amounts: impl Iterator<Item = (SubId, i64)>,
    catalog: &Catalog,
    currency: Currency,
) {
    out.push(b'[');
    for (n, (sub, minor)) in amounts.enumerate() {
        out.extend_from_slice(if n > 0 { b",{\"sub\":" } else { b"{\"sub\":" });
        text(out, catalog.sub_name(sub));
        amount(out, "amount", i128::from(minor), currency);
        out.push(b'}');
    }
    out.push(b']');
}

pub(crate) fn balance(out: &mut Vec<u8>, balances: &Balances, catalog: &Catalog, currency: Currency) {
    out.extend_from_slice(b",\"balance\":{\"available\":");
    amount_text(out, balances.subs.sum(), currency);
    out.extend_from_slice(b",\"held\":");
    amount_text(out, balances.held, currency);
    out.extend_from_slice(b",\"arrears\":");
    amount_text(out, balances.arrears, currency);
    for (sub, name) in catalog.subs() {
        key(out, name);
        amount_text(out, balances.subs.get(sub), currency);
    }
    out.push(b'}');
}
