//! Answers about refunds of top-ups (rule W3).

use super::answer::{balance, lines_of};
use super::write::{amount, field, flag, key, text};
use crate::words;
use fentan_engine::accounts::TakenBack;
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::decide::top_up_refund::PolicyQuote;
use fentan_engine::ledger::{Event, Lang, RefundTopUp, TopUpRefund, TopUpRefundState};
use fentan_engine::money::Currency;
use fentan_engine::names::CommandId;

/// Appends what a command about the refund of a top-up came to; the balance is its caller's matter.
pub(super) fn answer(out: &mut Vec<u8>, event: &Event, ask: &RefundTopUp, catalog: &Catalog, currency: Currency) {
    field(out, "top_up", ask.top_up.as_str());
    let state = match event {
        Event::TopUpRefundRequested { .. } => TopUpRefundState::Requested,
        Event::TopUpRefundFailed { .. } => TopUpRefundState::Failed,
        Event::TopUpRefundUnchanged { ended, .. } if !ended.confirmed => TopUpRefundState::Failed,
        _ => TopUpRefundState::Confirmed,
    };
    field(out, "state", state.word());
    if let Event::TopUpRefundUnchanged { ended, .. } = event {
        field(out, "policy", ended.policy.word());
        let (refunded, cancelled) = if ended.confirmed { (ended.refunded, ended.cancelled) } else { (0, 0) };
        amount(out, "refunded", refunded.into(), currency);
        amount(out, "cancelled", cancelled.into(), currency);
        amount(out, "arrears", 0, currency);
        flag(out, "unchanged", true);
    }
    let Some(refund) = event.top_up_refund() else { return };
    field(out, "policy", refund.policy.word());
    if matches!(event, Event::TopUpRefundFailed { .. }) {
        for name in ["refunded", "cancelled", "arrears"] {
            amount(out, name, 0, currency);
        }
        lines_of(out, "lines", &refund.taken, catalog, currency);
    } else {
        figures(out, refund, catalog, currency);
    }
}

/// What goes where.
fn figures(out: &mut Vec<u8>, refund: &TopUpRefund, catalog: &Catalog, currency: Currency) {
    let promotion = refund.from_promotion();
    amount(out, "refunded", refund.refunded.into(), currency);
    amount(out, "cancelled", refund.cancelled().into(), currency);
    amount(out, "arrears", refund.arrears.into(), currency);
    amount(out, "from_promotion", promotion.max(0).into(), currency);
    amount(out, "to_promotion", (-promotion).max(0).into(), currency);
    lines_of(out, "lines", &refund.taken, catalog, currency);
    if !refund.others.lines.is_empty() {
        lines_of(out, "from_other_lots", &refund.others, catalog, currency);
    }
}

/// Appends what the refund of a top-up would give.
pub(super) fn quote(
    out: &mut Vec<u8>,
    top_up: &CommandId,
    chosen: &PolicyQuote,
    all: &[PolicyQuote],
    catalog: &Catalog,
    (currency, lang): (Currency, Lang),
) {
    field(out, "top_up", top_up.as_str());
    field(out, "policy", chosen.refund.policy.word());
    amount(out, "refundable", chosen.refundable.into(), currency);
    figures(out, &chosen.refund, catalog, currency);
    balance(out, &chosen.after, catalog, currency);
    key(out, "text");
    out.push(b'[');
    for (n, step) in words::tell_refund(chosen, currency, lang).iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        text(out, step);
    }
    out.push(b']');
    if all.is_empty() {
        return;
    }
    key(out, "policies");
    out.push(b'[');
    for (n, each) in all.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{\"policy\":" } else { b"{\"policy\":" });
        text(out, each.refund.policy.word());
        amount(out, "refundable", each.refundable.into(), currency);
        figures(out, &each.refund, catalog, currency);
        balance(out, &each.after, catalog, currency);
        out.push(b'}');
    }
    out.push(b']');
}

/// Appends what was taken back of a top-up that is shown.
pub(super) fn taken_back(out: &mut Vec<u8>, back: Option<&TakenBack>, currency: Currency) {
    let (refunded, cancelled) = back.map_or((0, 0), |back| (back.refunded, back.cancelled));
    amount(out, "refunded", refunded.into(), currency);
    amount(out, "cancelled", cancelled.into(), currency);
    amount(out, "arrears", back.map_or(0, |back| back.arrears).into(), currency);
    let Some(back) = back else { return };
    let refund = match (&back.open, &back.ended) {
        (Some(open), _) => Some((TopUpRefundState::Requested, open.policy, open.refunded)),
        (None, Some(ended)) if ended.confirmed => Some((TopUpRefundState::Confirmed, ended.policy, ended.refunded)),
        (None, Some(ended)) => Some((TopUpRefundState::Failed, ended.policy, ended.refunded)),
        (None, None) => None,
    };
    if let Some((state, policy, minor)) = refund {
        key(out, "last_refund");
        out.extend_from_slice(b"{\"state\":");
        text(out, state.word());
        field(out, "policy", policy.word());
        amount(out, "amount", minor.into(), currency);
        out.push(b'}');
    }
}
