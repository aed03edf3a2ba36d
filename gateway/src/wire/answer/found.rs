//! What queries found.

use super::record::{balance, lines, rule_name, table, topped_up};
use crate::wire::write::{amount, field, flag, key, minor_of, moment, text};
use crate::wire::{clearing, limits, refunded};
use fentan_engine::accounts::{Bucket, Chart, Fund, Funding, NEVER, TakenBack, Totals};
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::{Command, Event, GivenBack, Record};
use fentan_engine::money::Currency;
use fentan_engine::runtime::{Found, MerchantView, TopUpStanding, WalletView};

pub(super) fn body(out: &mut Vec<u8>, found: &Found, catalog: &Catalog) {
    match found {
        Found::Wallet(view) => wallet(out, view, catalog),
        Found::Merchant(view) => merchant(out, view),
        Found::System { account, currency, balance } => {
            field(out, "account", account.as_str());
            field(out, "kind", "system");
            field(out, "currency", currency.code());
            out.extend_from_slice(b",\"balance\":{\"available\":");
            minor_of(out, *balance, *currency);
            out.push(b'}');
        }
        Found::TopUpRefundQuote { top_up, currency, lang, chosen, all } => {
            refunded::quote(out, top_up, chosen, all, catalog, (*currency, *lang));
        }
        Found::Trial(totals) => trial(out, totals, catalog),
        Found::Document(document) => {
            if let Some(document) = document {
                clearing::document(out, document);
            }
        }
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
    // What can be paid out is available; the rest is on its way there.
    out.extend_from_slice(b",\"balance\":{\"available\":");
    minor_of(out, view.proceeds.bucket(Bucket::Payable), view.currency);
    for bucket in Bucket::ALL {
        amount(out, bucket.word(), view.proceeds.bucket(bucket), view.currency);
    }
    out.push(b'}');
    key(out, "promoted");
    for (n, bucket) in Bucket::ALL.into_iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"{\"" } else { b",\"" });
        out.extend_from_slice(bucket.word().as_bytes());
        out.extend_from_slice(b"\":");
        minor_of(out, view.proceeds.get(bucket, Fund::Promoted), view.currency);
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
        out.extend_from_slice(b":{\"debits\":");
        minor_of(out, -of(-1), *currency);
        out.extend_from_slice(b",\"credits\":");
        minor_of(out, of(1), *currency);
        out.push(b'}');
    }
    out.push(b'}');
    key(out, "accounts");
    out.push(b'[');
    for (n, (currency, line, minor)) in totals.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{\"account\":" } else { b"{\"account\":" });
        text(out, chart_name(*line, catalog));
        field(out, "currency", currency.code());
        amount(out, if minor < 0 { "debit" } else { "credit" }, minor.abs(), currency);
        out.push(b'}');
    }
    out.push(b']');
}

/// A line of the chart of accounts as the trial balance names it.
pub(in crate::wire) fn chart_name(line: Chart, catalog: &Catalog) -> String {
    match line {
        Chart::Wallets(sub) => format!("wallets.{}", catalog.sub_name(sub)),
        Chart::Held(sub) => format!("wallets.held.{}", catalog.sub_name(sub)),
        Chart::Arrears => "wallets.arrears".into(),
        Chart::Merchants(bucket, Fund::Paid) => format!("merchants.{}.paid", bucket.word()),
        Chart::Merchants(bucket, Fund::Promoted) => format!("merchants.{}.promoted", bucket.word()),
        Chart::Channels => "channels".into(),
        Chart::Promotions => "promotions".into(),
        Chart::Fee => "fee".into(),
        Chart::Suspense => "suspense".into(),
        Chart::Breakage => "breakage".into(),
        Chart::Promised => "promised".into(),
        Chart::Funds => "funds".into(),
        Chart::Bank => "bank".into(),
        Chart::WriteOff => "write_off".into(),
        Chart::PaidOut(fund) => format!("paid_out.{}", fund.word()),
        Chart::MerchantFees(fund) => format!("merchant_fees.{}", fund.word()),
        Chart::MerchantBonus => "merchant_bonus".into(),
    }
}

pub(super) fn shown(
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
