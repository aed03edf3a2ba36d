//! A spend that happened: what its record says, then why it was divided so.

use super::figures::money;
use super::story::tell;
use super::{Named, Tongue, sub_name};
use crate::explain::{Explained, HeldBefore, NoWhy};
use crate::wire::moment;
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::{Taken, Unexplained};
use fentan_engine::money::Currency;

/// What is told of a spend, as people read it.
pub(crate) struct SpendStory {
    pub(crate) spend: String,
    pub(crate) account: String,
    pub(crate) merchant: String,
    pub(crate) amount: String,
    pub(crate) currency: String,
    /// The client's order number.
    pub(crate) order: Option<String>,
    /// The moment, in UTC.
    pub(crate) at: String,
}

/// The hold that a spend was captured from.
pub(crate) struct Capture {
    pub(crate) hold: String,
    /// What was set aside, and when.
    pub(crate) held: String,
    pub(crate) at: String,
    /// What releases had given back before.
    pub(crate) released: String,
    /// What was captured, and up to where in what was held.
    pub(crate) captured: String,
    pub(crate) to: String,
}

/// Tells a spend.
pub(crate) fn tell_spend(found: &Explained, catalog: &Catalog, tongue: &dyn Tongue) -> Vec<String> {
    let (currency, taken) = (found.record.currency, found.taken());
    let lines = |taken: &Taken| lines(taken, catalog, tongue, currency);
    let mut text = vec![tongue.spent(&story(found))];
    text.extend(found.by.as_ref().map(|by| tongue.asked_by(by.as_str())));
    text.extend(found.hold.as_ref().map(|hold| tongue.captured(&capture(hold, taken, currency))));
    text.push(tongue.recorded(found.rule().as_deref(), &lines(taken)));
    let (back, left) = (money(found.refunded, currency), money(taken.sum() - found.refunded, currency));
    text.push(tongue.refunded((found.refunded > 0).then_some((&back, &left))));
    match &found.why {
        Ok(why) => {
            text.push(tongue.rebuilt(why.records, found.hold.is_some()));
            text.extend(tell(&why.rerun.told, catalog, tongue));
            text.push(tongue.agrees(why.rerun.agrees, &lines(&why.rerun.taken)));
        }
        Err(why) => text.push(unexplained(why, tongue)),
    }
    text
}

/// Why there are no steps.
pub(crate) fn unexplained(why: &NoWhy, tongue: &dyn Tongue) -> String {
    match why {
        NoWhy::Unexplained(Unexplained::RuleGone { rule, version }) => tongue.rule_gone(&format!("{rule}@{version}")),
        NoWhy::Unexplained(Unexplained::NoWallet | Unexplained::NoAllocation) => tongue.no_wallet(),
        NoWhy::TooFar(limit) => tongue.too_far(*limit),
        NoWhy::Trimmed(first) => tongue.trimmed(*first),
    }
}

/// Lines as people read them.
pub(crate) fn lines(taken: &Taken, catalog: &Catalog, tongue: &dyn Tongue, currency: Currency) -> Vec<Named> {
    let mut named = Vec::new();
    for (lot, sub, minor) in taken.iter() {
        let name = sub_name(tongue, catalog, sub);
        named.push(Named { name, amount: money(minor, currency), lot: Some(lot.to_string()) });
    }
    named
}

fn story(found: &Explained) -> SpendStory {
    let record = &found.record;
    SpendStory {
        spend: record.id.to_string(),
        account: record.account().map(ToString::to_string).unwrap_or_default(),
        merchant: record.merchant().map(ToString::to_string).unwrap_or_default(),
        amount: money(found.taken().sum(), record.currency),
        currency: record.currency.to_string(),
        order: found.order().map(str::to_owned),
        at: moment(record.at),
    }
}

fn capture(hold: &HeldBefore, taken: &Taken, currency: Currency) -> Capture {
    let set_aside = hold.record.event.taken().map_or(0, Taken::sum);
    Capture {
        hold: hold.record.id.to_string(),
        held: money(set_aside, currency),
        at: moment(hold.record.at),
        released: money(hold.released, currency),
        captured: money(taken.sum(), currency),
        to: money(hold.released + taken.sum(), currency),
    }
}
