//! A spend that happened, explained, as JSON.

use super::answer::{balance, head, lines};
use super::write::{amount, field, flag, key, number};
use super::{steps, time};
use crate::explain::Explained;
use crate::words;
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::{Command, Lang};
use fentan_engine::names::CommandId;

/// Appends the answer to `id`, an object without a newline.
pub(crate) fn write_explained(out: &mut Vec<u8>, id: &CommandId, found: &Explained, lang: Lang, catalog: &Catalog) {
    let (record, currency) = (&found.record, found.record.currency);
    let taken = found.taken();
    head(out, id.as_str());
    out.extend_from_slice(b",\"ok\":true");
    number(out, "seq", found.position);
    key(out, "at");
    time::write(out, record.at);
    field(out, "spend", record.id.as_str());
    if let Command::Capture(ask) = &record.command {
        field(out, "hold", ask.hold.as_str());
    }
    if let Some(account) = record.account() {
        field(out, "account", account.as_str());
    }
    if let Some(merchant) = record.merchant() {
        field(out, "merchant", merchant.as_str());
    }
    field(out, "currency", currency.code());
    amount(out, "amount", i128::from(taken.sum()), currency);
    amount(out, "refunded", i128::from(found.refunded), currency);
    if let Some(by) = &found.by {
        field(out, "by", by.as_str());
    }
    if let Some(order) = found.order() {
        field(out, "order", order);
    }
    if let Some(rule) = found.rule() {
        field(out, "rule", &rule);
    }
    lines(out, taken, catalog, currency);
    if let Some(after) = record.event.after() {
        balance(out, after, catalog, currency);
    }
    let tongue = words::tongue(lang);
    match &found.why {
        Ok(why) => {
            flag(out, "agrees", why.rerun.agrees);
            number(out, "records", why.records);
            steps::steps(out, &why.rerun.told, catalog);
        }
        Err(why) => field(out, "unexplained", words::unexplained(why, tongue)),
    }
    steps::strings(out, "text", &words::tell_spend(found, catalog, tongue));
}
