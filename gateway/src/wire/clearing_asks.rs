//! The commands about merchants' money that clients send: splits, payouts, withdrawals (rules C6 and C7).
//!
//! Their form alone; what they come to is the engine's matter. A settlement is named as it is shown.

use super::clearing::own;
use super::json::{List, Object, Value};
use super::parse::{MAX_REASON, Taker, amount_of, excerpt, text_of};
use fentan_engine::clearing::decide::payout::SETTLEMENTS_MAX;
use fentan_engine::clearing::{
    Clearing, ConfirmPayout, FailPayout, RECEIVERS_MAX, ReceiverAsk, ReleaseSplit, ReturnSplit, SendPayout,
    SplitProceeds, WithdrawFunds,
};
use fentan_engine::ledger::Reject;
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use rust_decimal::Decimal;

/// The longest ratio that is read: more digits than a percentage needs.
const RATIO_LEN: usize = 16;

/// Reads a command of this operation; `None` when it is not one of these.
pub(super) fn read(fields: &mut Taker<'_>, id: &CommandId, op: &str) -> Result<Option<Clearing>, Reject> {
    Ok(Some(match op {
        "split" => Clearing::Split(Box::new(SplitProceeds {
            merchant: fields.account("merchant")?,
            split: optional_command(fields, "split")?,
            spend: optional_command(fields, "spend")?,
            amount: fields.amount("amount")?,
            receivers: receivers(fields.take("receivers"))?,
            finish: truth("finish", fields.take("finish"))?.unwrap_or(true),
        })),
        "release_split" => Clearing::ReleaseSplit(ReleaseSplit { split: fields.command("split")? }),
        "return_split" => Clearing::ReturnSplit(ReturnSplit {
            split: fields.command("split")?,
            receiver: fields.account("receiver")?,
            amount: fields.amount("amount")?,
        }),
        "send_payout" => Clearing::SendPayout(SendPayout { settlements: settlements(fields.take("settlements"))? }),
        "confirm_payout" => Clearing::ConfirmPayout(ConfirmPayout {
            settlement: own("settlement", &fields.needed("settlement")?)?,
            // Nobody's name: the door puts in the token's, or says that it is missing.
            by: fields.label("by")?.unwrap_or_else(|| Label::internal("")),
            // Whoever has no number of the bank's has at least that of the confirmation.
            reference: short_text(fields, "reference")?.unwrap_or_else(|| id.as_str().to_owned()),
        }),
        "fail_payout" => Clearing::FailPayout(FailPayout {
            settlement: own("settlement", &fields.needed("settlement")?)?,
            reason: short_text(fields, "reason")?.ok_or_else(|| Reject::bad_request("reason", "is missing"))?,
        }),
        "withdraw_funds" => Clearing::WithdrawFunds(WithdrawFunds {
            channel: needed_label(fields, "channel")?,
            currency: currency(fields)?,
            amount: fields.needed_amount("amount")?,
            fee: fields.amount("fee")?,
        }),
        _ => return Ok(None),
    }))
}

fn optional_command(fields: &mut Taker<'_>, name: &str) -> Result<Option<CommandId>, Reject> {
    let text = fields.text(name)?;
    text.map(|text| CommandId::new(&text).map_err(|error| Reject::bad_request(name, error))).transpose()
}

fn needed_label(fields: &mut Taker<'_>, name: &str) -> Result<Label, Reject> {
    fields.label(name)?.ok_or_else(|| Reject::bad_request(name, "is missing"))
}

fn short_text(fields: &mut Taker<'_>, name: &str) -> Result<Option<String>, Reject> {
    match fields.text(name)? {
        Some(text) if text.len() > MAX_REASON => {
            Err(Reject::bad_request(name, format!("is longer than {MAX_REASON} bytes")))
        }
        Some(text) if text.trim().is_empty() => Err(Reject::bad_request(name, "is not empty")),
        text => Ok(text.map(Into::into)),
    }
}

fn truth(name: &str, value: Option<Value<'_>>) -> Result<Option<bool>, Reject> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(is)) => Ok(Some(is)),
        Some(other) => Err(Reject::bad_request(name, format!("is true or false, not {}", other.kind()))),
    }
}

/// A currency by its code, with the decimals that ISO 4217 gives it. Whether a product has it so is the engine's matter.
fn currency(fields: &mut Taker<'_>) -> Result<Currency, Reject> {
    let Some(code) = fields.text("currency")? else { return Ok(Currency::CNY) };
    let decimals = match &*code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    let shown = || format!("is three capital letters, not {}", excerpt(&code));
    Currency::new(&code, decimals).map_err(|_| Reject::bad_request("currency", shown()))
}

fn list<'a>(name: &str, most: usize, value: Option<Value<'a>>) -> Result<Vec<Value<'a>>, Reject> {
    match value {
        None | Some(Value::Null) => Err(Reject::bad_request(name, "is missing")),
        Some(Value::List(List { count: 0, .. })) => Err(Reject::bad_request(name, "is empty")),
        Some(Value::List(List { count, .. })) if count > most => {
            Err(Reject::bad_request(name, format!("has {count} elements, the limit is {most}")))
        }
        Some(Value::List(List { first, .. })) => Ok(first),
        Some(other) => Err(Reject::bad_request(name, format!("is a list, not {}", other.kind()))),
    }
}

fn settlements(value: Option<Value<'_>>) -> Result<Vec<CommandId>, Reject> {
    let listed = list("settlements", SETTLEMENTS_MAX, value)?;
    let one = |(number, value)| {
        let path = format!("settlements[{number}]");
        match value {
            Value::Text(text) => own(&path, &text),
            other => Err(Reject::bad_request(path, format!("is a string, not {}", other.kind()))),
        }
    };
    listed.into_iter().enumerate().map(one).collect()
}

fn receivers(value: Option<Value<'_>>) -> Result<Vec<ReceiverAsk>, Reject> {
    list("receivers", RECEIVERS_MAX, value)?.into_iter().enumerate().map(receiver).collect()
}

fn receiver((number, value): (usize, Value<'_>)) -> Result<ReceiverAsk, Reject> {
    let Value::Object(Object { first: fields, .. }) = value else {
        let reason = format!("is an object with account and ratio or amount, not {}", value.kind());
        return Err(Reject::bad_request(format!("receivers[{number}]"), reason));
    };
    let path = |field: &str| format!("receivers[{number}].{field}");
    let (mut account, mut ratio, mut amount) = (None, None, None);
    for (name, value) in fields {
        let place = match &*name {
            "account" => &mut account,
            "ratio" => &mut ratio,
            "amount" => &mut amount,
            other => {
                let reason = format!("a receiver has no field {}", excerpt(other));
                return Err(Reject::bad_request(format!("receivers[{number}]"), reason));
            }
        };
        if place.replace(value).is_some() {
            return Err(Reject::bad_request(path(&name), "stands twice"));
        }
    }
    let account = text_of(|| path("account"), account)?;
    let account = account.ok_or_else(|| Reject::bad_request(path("account"), "is missing"))?;
    let account = AccountId::new(&account).map_err(|error| Reject::bad_request(path("account"), error))?;
    let ratio = percent(&path("ratio"), ratio)?;
    let amount = amount_of(|| path("amount"), amount)?;
    Ok(ReceiverAsk { account, ratio, amount })
}

/// A percentage, as a decimal string: `"12.5"`.
fn percent(path: &str, value: Option<Value<'_>>) -> Result<Option<Decimal>, Reject> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Text(text)) => text,
        Some(other) => {
            let reason = format!("is a percentage as a decimal string like \"12.5\", not {}", other.kind());
            return Err(Reject::bad_request(path, reason));
        }
    };
    let plain = text.len() <= RATIO_LEN
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    match Decimal::from_str_exact(&text) {
        Ok(ratio) if plain => Ok(Some(ratio)),
        _ => {
            let reason = format!("is a percentage like \"12.5\", not {}", excerpt(&text));
            Err(Reject::bad_request(path, reason))
        }
    }
}
