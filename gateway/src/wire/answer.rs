//! Answers as JSON, written by hand into a byte buffer.

use super::{limits, refunded, reject, steps, time};
use fentan_engine::accounts::{Bucket, Chart, Fund, Funding, NEVER, Status, SubId, TakenBack, Timestamp, Totals};
use fentan_engine::allocation::{Cap, Eligible, Method, RefundToExpired, Rule, Spill};
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Balances, Command, Event, GivenBack, Granted, OrderTable, Record, Taken};
use fentan_engine::money::{Currency, write_minor};
use fentan_engine::runtime::{Answer, Found, MerchantView, Outcome, QuoteView, TopUpStanding, WalletView};

/// Appends `,"name":"value"`.
pub(crate) fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    key(out, name);
    text(out, value);
}

/// Appends `,"name":`.
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends a JSON string.
pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let plain = value.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain {
        out.extend_from_slice(value.as_bytes());
    } else {
        for character in value.chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                c if u32::from(c) < 0x20 => {
                    use std::io::Write;
                    // Writing to a vector cannot fail.
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    out.push(b'"');
}

/// Appends `,"name":"12.34"`.
pub(crate) fn amount(out: &mut Vec<u8>, name: &str, minor: i128, currency: Currency) {
    key(out, name);
    out.push(b'"');
    write_minor(out, minor, currency.exponent());
    out.push(b'"');
}

pub(crate) fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    key(out, name);
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

pub(crate) fn flag(out: &mut Vec<u8>, name: &str, value: bool) {
    key(out, name);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

pub(crate) fn moment(out: &mut Vec<u8>, name: &str, at: Timestamp) {
    key(out, name);
    time::write(out, at);
}

/// Writes answers; remembers the last moment it wrote, which is the same for a whole step.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    at: Timestamp,
    at_text: Vec<u8>,
}

impl Writer {
    /// Appends one answer, an object without a newline.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, answer: Answer<'_>) {
        match answer.outcome {
            Outcome::Recorded { record, position, replayed } => {
                head(out, record.id.as_str());
                if let Event::Rejected(reject) = &record.event {
                    reject::write_body(out, reject);
                    self.seq(out, *position, record.at);
                } else {
                    out.extend_from_slice(b",\"ok\":true");
                    self.seq(out, *position, record.at);
                    record_body(out, record, answer.catalog);
                }
                if *replayed {
                    out.extend_from_slice(b",\"replayed\":true");
                }
            }
            Outcome::Found { id, at, found } => {
                head(out, id.as_str());
                if let Found::Quote(view) = found {
                    self.quote(out, view, answer.as_of, *at, answer.catalog);
                    out.push(b'}');
                    return;
                }
                out.extend_from_slice(b",\"ok\":true");
                match found {
                    // What is shown has its own position and moment.
                    Found::Shown { record, position, refunded, held, top_up, taken_back } => {
                        self.seq(out, *position, record.at);
                        shown(out, record, refunded, *held, (*top_up, taken_back.as_deref()), answer.catalog);
                    }
                    found => {
                        self.seq(out, answer.as_of, *at);
                        found_body(out, found, answer.catalog);
                    }
                }
            }
            Outcome::Refused { id, reject } => {
                head(out, id.as_str());
                reject::write_body(out, reject);
            }
        }
        out.push(b'}');
    }

    /// A quote: the lines, or what is short; and each step on the way.
    fn quote(&mut self, out: &mut Vec<u8>, view: &QuoteView, as_of: Position, at: Timestamp, catalog: &Catalog) {
        let told = &view.told;
        match &view.result {
            Ok((taken, order, after)) => {
                out.extend_from_slice(b",\"ok\":true");
                self.seq(out, as_of, at);
                rule_name(out, told.rule.name.as_str(), told.rule.version);
                lines(out, taken, catalog, told.currency);
                if let Some(order) = order {
                    table(out, order, None, catalog, told.currency);
                }
                balance(out, after, catalog, told.currency);
            }
            Err(reject) => {
                reject::write_body(out, reject);
                rule_name(out, told.rule.name.as_str(), told.rule.version);
            }
        }
        steps::steps_and_text(out, told, view.lang, catalog);
    }

    fn seq(&mut self, out: &mut Vec<u8>, position: u64, at: Timestamp) {
        number(out, "seq", position);
        key(out, "at");
        if self.at_text.is_empty() || self.at != at {
            self.at = at;
            self.at_text.clear();
            time::write(&mut self.at_text, at);
        }
        out.extend_from_slice(&self.at_text);
    }
}

pub(crate) fn head(out: &mut Vec<u8>, id: &str) {
    out.extend_from_slice(b"{\"id\":");
    text(out, id);
}

fn record_body(out: &mut Vec<u8>, record: &Record, catalog: &Catalog) {
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
            field(out, "spend", record.id.as_str());
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
            field(out, "spend", record.id.as_str());
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

fn topped_up(out: &mut Vec<u8>, id: &str, state: &str, granted: &Granted, catalog: &Catalog, currency: Currency) {
    field(out, "top_up", id);
    field(out, "state", state);
    key(out, "lines");
    out.push(b'[');
    for (n, grant) in granted.grants.iter().enumerate() {
        line(out, n, id, catalog.sub_name(grant.sub), grant.amount, currency);
    }
    out.push(b']');
}

pub(crate) fn rule_name(out: &mut Vec<u8>, rule: &str, version: u32) {
    key(out, "rule");
    text(out, rule);
    // Goes on inside the string: the quotation mark is moved behind the version.
    out.pop();
    out.push(b'@');
    out.extend_from_slice(itoa::Buffer::new().format(version).as_bytes());
    out.push(b'"');
}

pub(crate) fn lines(out: &mut Vec<u8>, taken: &Taken, catalog: &Catalog, currency: Currency) {
    lines_of(out, "lines", taken, catalog, currency);
}

/// Appends `,"name":[…]` with a line for each.
pub(super) fn lines_of(out: &mut Vec<u8>, name: &str, taken: &Taken, catalog: &Catalog, currency: Currency) {
    key(out, name);
    out.push(b'[');
    for (n, (lot, sub, minor)) in taken.iter().enumerate() {
        line(out, n, lot.as_str(), catalog.sub_name(sub), minor, currency);
    }
    out.push(b']');
}

pub(crate) fn line(out: &mut Vec<u8>, n: usize, lot: &str, sub: &str, minor: i64, currency: Currency) {
    if n > 0 {
        out.push(b',');
    }
    out.extend_from_slice(b"{\"lot\":");
    text(out, lot);
    field(out, "sub", sub);
    amount(out, "amount", i128::from(minor), currency);
    out.push(b'}');
}

/// Order lines by sub-balances; every sub-balance of the configuration is there, as in `balance`.
fn table(out: &mut Vec<u8>, table: &OrderTable, refunded: Option<&GivenBack>, catalog: &Catalog, currency: Currency) {
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
pub(super) fn sub_amounts(
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

pub(super) fn balance(out: &mut Vec<u8>, balances: &Balances, catalog: &Catalog, currency: Currency) {
    key(out, "balance");
    out.extend_from_slice(b"{\"available\":\"");
    write_minor(out, i128::from(balances.subs.sum()), currency.exponent());
    out.push(b'"');
    amount(out, "held", i128::from(balances.held), currency);
    amount(out, "arrears", i128::from(balances.arrears), currency);
    for (sub, name) in catalog.subs() {
        amount(out, name, i128::from(balances.subs.get(sub)), currency);
    }
    out.push(b'}');
}

fn found_body(out: &mut Vec<u8>, found: &Found, catalog: &Catalog) {
    match found {
        Found::Wallet(view) => wallet(out, view, catalog),
        Found::Merchant(view) => merchant(out, view),
        Found::System { account, currency, balance } => {
            field(out, "account", account.as_str());
            field(out, "kind", "system");
            field(out, "currency", currency.code());
            key(out, "balance");
            out.extend_from_slice(b"{\"available\":\"");
            write_minor(out, *balance, currency.exponent());
            out.extend_from_slice(b"\"}");
        }
        Found::TopUpRefundQuote { top_up, currency, lang, chosen, all } => {
            refunded::quote(out, top_up, chosen, all, catalog, (*currency, *lang));
        }
        Found::Trial(totals) => trial(out, totals, catalog),
        // Written by their callers.
        Found::Shown { .. } | Found::Quote(_) | Found::Explain { .. } => {}
        Found::Pong => flag(out, "pong", true),
    }
}

fn wallet(out: &mut Vec<u8>, view: &WalletView, catalog: &Catalog) {
    field(out, "account", view.account.as_str());
    field(out, "kind", "wallet");
    field(out, "status", view.status.word());
    field(out, "currency", view.currency.code());
    field(out, "product", view.product.as_str());
    balance(out, &view.balances, catalog, view.currency);
    if !view.limits.is_none() {
        limits::write(out, &view.limits, Some(view.spent_today), view.currency);
    }
    key(out, "lots");
    out.push(b'[');
    for (n, lot) in view.lots.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"lot\":");
        text(out, lot.id.as_str());
        field(out, "funding", funding(lot.funding));
        key(out, "parts");
        out.push(b'[');
        for (n, part) in lot.parts.iter().enumerate() {
            out.extend_from_slice(if n > 0 { b",{\"sub\":" } else { b"{\"sub\":" });
            text(out, catalog.sub_name(part.sub));
            amount(out, "granted", i128::from(part.granted), view.currency);
            amount(out, "left", i128::from(part.left), view.currency);
            if part.expires_at != NEVER {
                moment(out, "expires_at", part.expires_at);
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
    out.push(b']');
}

pub(crate) const fn funding(funding: Funding) -> &'static str {
    match funding {
        Funding::Unknown => "unknown",
        Funding::DebitCard => "debit_card",
        Funding::CreditCard => "credit_card",
        Funding::Wallet => "wallet",
    }
}

fn merchant(out: &mut Vec<u8>, view: &MerchantView) {
    field(out, "account", view.account.as_str());
    field(out, "kind", "merchant");
    field(out, "status", view.status.word());
    field(out, "currency", view.currency.code());
    key(out, "balance");
    // What can be paid out is available; the rest is on its way there.
    out.extend_from_slice(b"{\"available\":\"");
    write_minor(out, view.proceeds.bucket(Bucket::Payable), view.currency.exponent());
    out.push(b'"');
    for bucket in Bucket::ALL {
        amount(out, bucket.word(), view.proceeds.bucket(bucket), view.currency);
    }
    out.push(b'}');
    key(out, "promoted");
    for (n, bucket) in Bucket::ALL.into_iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"{\"" } else { b",\"" });
        out.extend_from_slice(bucket.word().as_bytes());
        out.extend_from_slice(b"\":\"");
        write_minor(out, view.proceeds.get(bucket, Fund::Promoted), view.currency.exponent());
        out.push(b'"');
    }
    out.push(b'}');
}

fn trial(out: &mut Vec<u8>, totals: &Totals, catalog: &Catalog) {
    flag(out, "balanced", totals.imbalance().is_empty());
    let mut currencies: Vec<Currency> = totals.iter().map(|(currency, ..)| currency).collect();
    currencies.dedup();
    key(out, "currencies");
    out.push(b'{');
    for (n, currency) in currencies.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        text(out, currency.code());
        let of = |sign: i128| {
            totals
                .iter()
                .filter(|(c, _, minor)| c == currency && minor.signum() == sign)
                .map(|(.., minor)| minor)
                .sum::<i128>()
        };
        out.extend_from_slice(b":{\"debits\":\"");
        write_minor(out, -of(-1), currency.exponent());
        out.extend_from_slice(b"\",\"credits\":\"");
        write_minor(out, of(1), currency.exponent());
        out.extend_from_slice(b"\"}");
    }
    out.push(b'}');
    key(out, "accounts");
    out.push(b'[');
    for (n, (currency, line, minor)) in totals.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{\"account\":" } else { b"{\"account\":" });
        text(out, &chart_name(line, catalog));
        field(out, "currency", currency.code());
        amount(out, if minor < 0 { "debit" } else { "credit" }, minor.abs(), currency);
        out.push(b'}');
    }
    out.push(b']');
}

fn chart_name(line: &Chart, catalog: &Catalog) -> String {
    match line {
        Chart::Wallets(sub) => format!("wallets.{}", catalog.sub_name(*sub)),
        Chart::Held(sub) => format!("wallets.held.{}", catalog.sub_name(*sub)),
        Chart::Arrears => "wallets.arrears".into(),
        Chart::Merchants(bucket, Fund::Paid) => format!("merchants.{}.paid", bucket.word()),
        Chart::Merchants(bucket, Fund::Promoted) => format!("merchants.{}.promoted", bucket.word()),
        Chart::Channels => "channels".into(),
        Chart::Promotions => "promotions".into(),
        Chart::Fee => "fee".into(),
        Chart::Suspense => "suspense".into(),
        Chart::Breakage => "breakage".into(),
        Chart::Promised => "promised".into(),
    }
}

fn shown(
    out: &mut Vec<u8>,
    record: &Record,
    refunded: &GivenBack,
    held: Option<i64>,
    (standing, taken_back): (Option<TopUpStanding>, Option<&TakenBack>),
    catalog: &Catalog,
) {
    field(out, "op", record.command.op());
    if let Some(account) = record.account() {
        field(out, "account", account.as_str());
    }
    if let Some(merchant) = record.merchant() {
        field(out, "merchant", merchant.as_str());
    }
    field(out, "currency", record.currency.code());
    match (&record.event, &record.command) {
        (Event::Rejected(reject), _) => {
            field(out, "rejected", reject.code());
            return;
        }
        (Event::TopUpPlaced { granted, .. } | Event::ToppedUp { granted, .. }, _) => {
            let state = match standing {
                Some(TopUpStanding::Pending) => "pending",
                Some(TopUpStanding::Failed) => "failed",
                Some(TopUpStanding::Confirmed) | None => "confirmed",
            };
            topped_up(out, record.id.as_str(), state, granted, catalog, record.currency);
            field(out, "channel", granted.channel.as_str());
            refunded::taken_back(out, taken_back, record.currency);
            return;
        }
        (Event::Spent { taken, .. } | Event::Captured { taken, .. }, _) => {
            amount(out, "amount", i128::from(taken.sum()), record.currency);
            amount(out, "refunded", i128::from(refunded.amount), record.currency);
            if let Command::Spend(spend) = &record.command
                && let Some(order) = &spend.order
            {
                field(out, "order", order.as_str());
            }
        }
        (Event::Held { taken, .. }, _) => {
            amount(out, "amount", i128::from(taken.sum()), record.currency);
            amount(out, "held", i128::from(held.unwrap_or(0)), record.currency);
            field(out, "state", if held.is_some_and(|minor| minor > 0) { "open" } else { "ended" });
        }
        _ => {}
    }
    if let Event::Spent { rule, version, .. } | Event::Held { rule, version, .. } = &record.event {
        rule_name(out, rule.as_str(), *version);
    }
    if let Some(taken) = record.event.taken() {
        lines(out, taken, catalog, record.currency);
    }
    if let Some(order) = record.event.table() {
        let refunded = (!matches!(record.event, Event::Held { .. })).then_some(refunded);
        table(out, order, refunded, catalog, record.currency);
    }
}

/// A rule as JSON.
pub(crate) fn rule_json<'n>(rule: &Rule, sub_name: impl Fn(SubId) -> &'n str) -> serde_json::Value {
    use serde_json::json;
    let names = |subs: &[SubId]| subs.iter().map(|sub| sub_name(*sub).to_owned()).collect::<Vec<_>>();
    let major = |amount: &fentan_engine::money::Major| amount.to_string();
    let order = steps::lot_order;
    let mut value = match &rule.method {
        Method::LotRatio { order: lots } => json!({"method": "lot_ratio", "lots": order(*lots)}),
        Method::CurrentRatio { order: lots } => json!({"method": "current_ratio", "lots": order(*lots)}),
        Method::Ordered { subs, order: lots } => {
            json!({"method": "ordered", "order": names(subs), "lots": order(*lots)})
        }
        Method::FixedRatio { weights, order: lots } => {
            let weights: serde_json::Map<_, _> =
                weights.iter().map(|(sub, weight)| (sub_name(*sub).to_owned(), json!(weight))).collect();
            json!({"method": "fixed_ratio", "weights": weights, "lots": order(*lots)})
        }
        Method::FixedAmount { sub, at_most, for_every, others, order: lots } => json!({
            "method": "fixed_amount", "sub_balance": sub_name(*sub), "at_most": major(at_most),
            "for_every": for_every.as_ref().map(major), "others": names(others), "lots": order(*lots),
        }),
    };
    let cap = |cap: &Cap| {
        json!({
            "sub_balance": sub_name(cap.sub), "amount": cap.amount.as_ref().map(major),
            "percent": cap.share.map(|share| (share * rust_decimal::Decimal::ONE_HUNDRED).normalize().to_string()),
            "minimum_order": cap.minimum_order.as_ref().map(major),
        })
    };
    value["name"] = json!(rule.name.as_str());
    value["version"] = json!(rule.version);
    value["description"] = json!(rule.description);
    value["effective_from"] = json!(rule.effective_from.map(super::time::text));
    value["minimum_order"] = json!(rule.minimum_order.as_ref().map(major));
    value["refund_to_expired"] = match rule.refund_to_expired {
        RefundToExpired::Forfeit => json!("forfeit"),
        RefundToExpired::Restore { days } => json!({ "restore_days": days }),
    };
    let eligible = |each: &Eligible| {
        json!({
            "sub_balance": sub_name(each.sub), "merchants": each.only.merchants, "categories": each.only.categories,
            "tags": each.only.tags, "not_merchants": each.not.merchants, "not_categories": each.not.categories,
            "not_tags": each.not.tags,
        })
    };
    value["eligible"] = json!(rule.eligible.iter().map(eligible).collect::<Vec<_>>());
    value["caps"] = json!(rule.caps.iter().map(cap).collect::<Vec<_>>());
    value["spill"] = match &rule.spill {
        Spill::Reject => json!("reject"),
        Spill::Into(subs) => json!(names(subs)),
    };
    value
}
