//! A record of the journal as a line of the change feed.
//!
//! First what every record has, then what its answer said, then its entry: what it moved, account by account, with
//! the lines of the chart of accounts as the trial balance names them. The amounts of an entry sum to zero; added up
//! over all records they are the balances. What the entry of a transfer leaves out in the books, because it cancels in
//! the chart, is written here: both wallets are there.

use super::answer::{chart_name, lines_of, recorded};
use super::clearing::shown;
use super::write::{amount, field, key, moment, text, whole};
use super::{answer, limits, reject};
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Command, Event, PostTo, Record, postings};
use fentan_engine::names::{AccountId, Label};
use smallvec::SmallVec;

/// Where the names of accounts stand in the bytes that were written.
pub(crate) type Named = SmallVec<[(u32, u32); 4]>;

/// Every word that `type` may be.
pub(crate) const TYPES: [&str; 31] = [
    "open_account",
    "top_up",
    "confirm_top_up",
    "fail_top_up",
    "spend",
    "hold",
    "capture",
    "release",
    "refund",
    "transfer",
    "freeze",
    "unfreeze",
    "close_account",
    "expire",
    "refund_top_up",
    "rejected",
    "open_statement",
    "close_statement",
    "confirm_lot",
    "release_proceeds",
    "confirm_refund",
    "open_item",
    "work_item",
    "split",
    "release_split",
    "return_split",
    "settle",
    "send_payout",
    "confirm_payout",
    "fail_payout",
    "withdraw_funds",
];

/// Appends a record as one JSON object without a newline; says its type, and where accounts are named.
pub(crate) fn write_record(
    out: &mut Vec<u8>,
    position: Position,
    record: &Record,
    by: Option<&Label>,
    catalog: &Catalog,
) -> (&'static str, Named) {
    let mut named = Named::new();
    let refused = matches!(record.event, Event::Rejected(_));
    let kind = if refused { "rejected" } else { record.command.op() };
    out.extend_from_slice(b"{\"seq\":");
    whole(out, position);
    moment(out, "at", record.at);
    field(out, "type", kind);
    field(out, "id", shown(&record.id));
    if refused || !matches!(record.event, Event::Clearing(_)) {
        field(out, "op", record.command.op());
    }
    if let Some(by) = by {
        field(out, "by", by.as_str());
    }
    field(out, "currency", record.currency.code());
    for (name, account) in [("account", record.account()), ("merchant", record.merchant())] {
        if let Some(account) = account {
            key(out, name);
            named_text(out, account.as_str(), &mut named);
        }
    }
    asked(out, &record.command);
    match &record.event {
        Event::Rejected(why) => {
            key(out, "reject");
            let begin = out.len();
            reject::write_body(out, why);
            // Its first field follows a comma everywhere else.
            out[begin] = b'{';
            out.push(b'}');
        }
        Event::Opened { kind, product, limits: own } => {
            field(out, "kind", kind.word());
            field(out, "product", product.as_str());
            if let Some(own) = own {
                limits::write(out, own, None, record.currency);
            }
        }
        Event::StatusSet { status, kind } => {
            field(out, "kind", kind.word());
            field(out, "status", status.word());
        }
        _ => recorded(out, record, catalog),
    }
    if let Event::Expired { holds, .. } = &record.event {
        key(out, "holds");
        out.push(b'[');
        for (n, (hold, released)) in holds.iter().enumerate() {
            out.extend_from_slice(if n > 0 { b",{\"hold\":" } else { b"{\"hold\":" });
            text(out, hold.as_str());
            lines_of(out, "lines", released, catalog, record.currency);
            out.push(b'}');
        }
        out.push(b']');
    }
    entry(out, record, catalog, &mut named);
    out.push(b'}');
    (kind, named)
}

/// What was asked and is not in the answer.
fn asked(out: &mut Vec<u8>, command: &Command) {
    match command {
        Command::Spend(spend) | Command::Hold(spend, _) => {
            if let Some(order) = &spend.order {
                field(out, "order", order.as_str());
            }
            if !spend.tags.is_empty() {
                key(out, "tags");
                out.push(b'[');
                for (n, tag) in spend.tags.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    text(out, tag.as_str());
                }
                out.push(b']');
            }
        }
        Command::TopUp(top_up) => {
            let given =
                [("offer", &top_up.offer), ("channel", &top_up.channel), ("channel_order", &top_up.channel_order)];
            for (name, value) in given {
                if let Some(value) = value {
                    field(out, name, value.as_str());
                }
            }
            field(out, "funding", answer::funding(top_up.funding));
        }
        Command::Refund(refund) => {
            if let Some(reason) = &refund.reason {
                field(out, "reason", reason);
            }
        }
        _ => {}
    }
}

/// Appends a string and remembers where it stands, without its quotation marks.
fn named_text(out: &mut Vec<u8>, name: &str, named: &mut Named) {
    let begin = out.len() + 1;
    text(out, name);
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    named.push((place(begin), place(out.len() - 1)));
}

/// The amount that an account gets on a line of the chart.
struct Sum {
    to: PostTo,
    /// The other wallet of a transfer, not the record's.
    receives: bool,
    minor: i128,
}

/// Appends `,"entry":[{"account":…,"chart":…,"amount":…},…]`: what is credited is above zero. Postings of one account
/// and line are one.
fn entry(out: &mut Vec<u8>, record: &Record, catalog: &Catalog, named: &mut Named) {
    let mut sums: SmallVec<[Sum; 8]> = SmallVec::new();
    let mut add = |to: PostTo, receives: bool, minor: i128| match sums
        .iter_mut()
        .find(|sum| sum.receives == receives && sum.to == to)
    {
        Some(sum) => sum.minor += minor,
        None => sums.push(Sum { to, receives, minor }),
    };
    let transfer = match (&record.event, &record.command) {
        (Event::Transferred { taken, .. }, Command::Transfer(ask)) => {
            for (_, sub, amount) in taken.iter() {
                add(PostTo::Wallet(sub), false, -i128::from(amount));
                add(PostTo::Wallet(sub), true, i128::from(amount));
            }
            Some(&ask.to)
        }
        _ => None,
    };
    // What a transfer's own entry has repays what the receiver owes.
    postings(record, |posting| add(posting.to, transfer.is_some(), posting.minor));
    key(out, "entry");
    out.push(b'[');
    let mut first = true;
    for sum in sums.iter().filter(|sum| sum.minor != 0) {
        out.extend_from_slice(if first { b"{\"account\":" } else { b",{\"account\":" });
        first = false;
        let account = whose(record, sum, transfer);
        named_text(out, account.as_ref().map_or("", AccountId::as_str), named);
        field(out, "chart", chart_name(sum.to.chart(), catalog));
        amount(out, "amount", sum.minor, record.currency);
        out.push(b'}');
    }
    out.push(b']');
}

/// The account's name. Every posting has one: an entry of a wallet is in a record of a wallet.
fn whose(record: &Record, sum: &Sum, transfer: Option<&AccountId>) -> Option<AccountId> {
    match &sum.to {
        PostTo::Wallet(_) | PostTo::Held(_) | PostTo::Arrears => {
            if sum.receives {
                transfer.cloned()
            } else {
                record.account().cloned()
            }
        }
        PostTo::Merchant(..) => record.merchant().cloned(),
        PostTo::Named(account, ..) => Some(account.clone()),
        PostTo::System(account) => Some(account.account(record.currency)),
    }
}
