//! Rejects as JSON: code, message and operands.

use super::clearing::shown;
use super::write::{amount, field, moment, number, text};
use actix_web::http::StatusCode;
use fentan_engine::ledger::Reject;
use fentan_engine::money::Money;

/// Appends a reject's answer. `id` is what could be found of the request's id.
pub(crate) fn write_refusal(out: &mut Vec<u8>, id: Option<&str>, reject: &Reject) {
    out.extend_from_slice(b"{\"id\":");
    match id {
        Some(id) => text(out, id),
        None => out.extend_from_slice(b"null"),
    }
    write_body(out, reject);
    out.push(b'}');
}

/// The same no to many, said once and copied.
pub(crate) struct Refusal(Vec<u8>);

impl Refusal {
    pub(crate) fn new(reject: &Reject) -> Self {
        let mut rest = Vec::new();
        write_body(&mut rest, reject);
        rest.push(b'}');
        Self(rest)
    }

    /// As [`write_refusal`].
    pub(crate) fn write(&self, out: &mut Vec<u8>, id: &str) {
        out.extend_from_slice(b"{\"id\":");
        text(out, id);
        out.extend_from_slice(&self.0);
    }
}

/// Appends `"ok":false` and what follows, without the closing brace.
pub(super) fn write_body(out: &mut Vec<u8>, reject: &Reject) {
    out.extend_from_slice(b",\"ok\":false");
    field(out, "code", reject.code());
    // Ids of the ledger's own are shown without their mark.
    field(out, "message", reject.to_string().replace('\u{1}', ""));
    operands(out, reject);
}

#[allow(clippy::too_many_lines, reason = "one arm for each reject")]
fn operands(out: &mut Vec<u8>, reject: &Reject) {
    match reject {
        Reject::BadRequest { field: name, .. } | Reject::IdConflict { field: name } => field(out, "field", name),
        Reject::LineTooLong { limit } => number(out, "limit", *limit),
        Reject::Overloaded { retry_after_ms } => number(out, "retry_after_ms", *retry_after_ms),
        Reject::ShuttingDown | Reject::HistoryOff { .. } | Reject::Unauthorized { .. } => {}
        Reject::UnknownAccount { account }
        | Reject::AccountExists { account }
        | Reject::AccountFrozen { account }
        | Reject::AccountClosed { account }
        | Reject::AccountNotEmpty { account } => field(out, "account", account.as_str()),
        Reject::WrongKind { account, is, needed } | Reject::CurrencyMismatch { account, is, needed } => {
            field(out, "account", account.as_str());
            field(out, "is", is);
            field(out, "needed", needed);
        }
        Reject::UnknownProduct { product } => field(out, "product", product.as_str()),
        Reject::UnknownRule { rule } => field(out, "rule", rule.as_str()),
        Reject::RuleNotPermitted { rule, product } => {
            field(out, "rule", rule.as_str());
            field(out, "product", product.as_str());
        }
        Reject::NotPermitted { product, operation } => {
            field(out, "product", product.as_str());
            field(out, "operation", operation);
        }
        Reject::UnknownOffer { offer } => field(out, "offer", offer.as_str()),
        Reject::UnknownSpend { spend } => field(out, "spend", spend.as_str()),
        Reject::UnknownTopUp { top_up }
        | Reject::TopUpNotConfirmed { top_up }
        | Reject::UnknownTopUpRefund { top_up } => field(out, "top_up", top_up.as_str()),
        Reject::UnknownHold { hold } | Reject::HoldExpired { hold } => field(out, "hold", hold.as_str()),
        Reject::AlreadyDone { what, state } => {
            field(out, "what", what.replace('\u{1}', ""));
            field(out, "state", state);
        }
        Reject::AmountMismatch { expected, given } => amounts(out, [("expected", expected), ("given", given)]),
        Reject::InsufficientFunds { available, requested, .. } => {
            amounts(out, [("available", available), ("requested", requested)]);
        }
        Reject::CaptureExceedsHold { held, requested } => amounts(out, [("held", held), ("requested", requested)]),
        Reject::RefundExceedsSpend { refundable, requested } | Reject::RefundExceedsTopUp { refundable, requested } => {
            amounts(out, [("refundable", refundable), ("requested", requested)]);
        }
        Reject::OverLimit { limit, allowed, requested } => {
            field(out, "limit", limit);
            amounts(out, [("allowed", allowed), ("requested", requested)]);
        }
        Reject::PolicyMismatch { policy, named } => {
            field(out, "policy", policy);
            field(out, "named", named);
        }
        Reject::InArrears { account, arrears } => {
            field(out, "account", account.as_str());
            amounts(out, [("arrears", arrears)]);
        }
        Reject::UnknownOrderLine { spend, line } => {
            field(out, "spend", spend.as_str());
            field(out, "line", line.as_str());
        }
        Reject::TooManyLots { account, limit } => {
            field(out, "account", account.as_str());
            number(out, "limit", *limit);
        }
        Reject::HistoryBehind { indexed_to, durable, retry_after_ms } => {
            number(out, "indexed_to", *indexed_to);
            number(out, "durable", *durable);
            number(out, "retry_after_ms", *retry_after_ms);
        }
        Reject::BelowMinimumOrder { rule, minimum, requested } => {
            field(out, "rule", rule.as_str());
            amounts(out, [("minimum", minimum), ("requested", requested)]);
        }
        Reject::OfferNotRunning { offer, from, until } => {
            field(out, "offer", offer.as_str());
            for (name, at) in [("from", from), ("until", until)] {
                if let Some(at) = at {
                    moment(out, name, *at);
                }
            }
        }
        Reject::OfferUsedUp { offer, per_wallet } => {
            field(out, "offer", offer.as_str());
            number(out, "per_wallet", u64::from(*per_wallet));
        }
        Reject::BudgetExhausted { offer, left, requested } => {
            field(out, "offer", offer.as_str());
            amounts(out, [("left", left), ("requested", requested)]);
        }
        Reject::UnknownDocument { kind, document } => {
            field(out, "kind", kind);
            field(out, "document", shown(document));
        }
        Reject::SplitExceedsMaximum { maximum, requested } => {
            amounts(out, [("maximum", maximum), ("requested", requested)]);
        }
        Reject::ReturnExceedsSplit { returnable, requested } => {
            amounts(out, [("returnable", returnable), ("requested", requested)]);
        }
        Reject::PositionTrimmed { first } => number(out, "first", *first),
        Reject::PositionAhead { durable } => number(out, "durable", *durable),
        Reject::UnknownWebhook { webhook } => field(out, "webhook", webhook.as_str()),
        Reject::Forbidden { token, scope, account, .. } => {
            field(out, "token", token.as_str());
            if let Some(scope) = scope {
                field(out, "scope", scope);
            }
            if let Some(account) = account {
                field(out, "account", account.as_str());
            }
        }
        Reject::AnotherSite { header, named } => {
            field(out, "header", header);
            field(out, "named", named);
        }
        Reject::SecondPersonNeeded { by } => field(out, "by", by.as_str()),
        Reject::TooManySpends { spends, seconds, retry_after_ms } => {
            number(out, "spends", u64::from(*spends));
            number(out, "seconds", u64::from(*seconds));
            number(out, "retry_after_ms", *retry_after_ms);
        }
    }
}

fn amounts<const N: usize>(out: &mut Vec<u8>, amounts: [(&str, &Money); N]) {
    for (name, money) in amounts {
        amount(out, name, i128::from(money.minor), money.currency);
    }
}

/// The HTTP status of a single request's reject, by its code.
pub(crate) fn status_of_code(code: &str) -> StatusCode {
    match code {
        "bad_request" => StatusCode::BAD_REQUEST,
        "unauthorized" => StatusCode::UNAUTHORIZED,
        "forbidden" => StatusCode::FORBIDDEN,
        "line_too_long" => StatusCode::PAYLOAD_TOO_LARGE,
        "overloaded" | "shutting_down" | "history_behind" => StatusCode::SERVICE_UNAVAILABLE,
        "position_trimmed" => StatusCode::GONE,
        "history_off" => StatusCode::NOT_IMPLEMENTED,
        "id_conflict" | "account_exists" | "already_done" => StatusCode::CONFLICT,
        code if code.starts_with("unknown_") => StatusCode::NOT_FOUND,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
