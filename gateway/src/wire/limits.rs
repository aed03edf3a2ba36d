//! The limits of a wallet: read from `open_account`, written in answers (rule W5).

use super::json::Value;
use super::parse::{amount_of, excerpt};
use super::write::{amount, key, number};
use fentan_engine::accounts::Limits;
use fentan_engine::ledger::{LimitsAsk, Reject, Velocity};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::NAME_MAX;
use std::borrow::Cow;

/// Reads the field `limits`; `None` when it is not there.
pub(super) fn read(value: Option<Value<'_>>) -> Result<Option<Box<LimitsAsk>>, Reject> {
    let Some(mut fields) = Inner::of("limits", value)? else { return Ok(None) };
    let ask = LimitsAsk {
        maximum_balance: fields.amount("maximum_balance")?,
        per_day: fields.amount("per_day")?,
        velocity: velocity(fields.take("velocity")?)?,
    };
    fields.finish()?;
    Ok(Some(Box::new(ask)))
}

fn velocity(value: Option<Value<'_>>) -> Result<Option<Velocity>, Reject> {
    let Some(mut fields) = Inner::of("limits.velocity", value)? else { return Ok(None) };
    let velocity = Velocity { spends: fields.whole("spends")?, seconds: fields.whole("seconds")? };
    fields.finish()?;
    Ok(Some(velocity))
}

/// An object inside a request, whose fields are taken out one by one.
struct Inner<'a> {
    path: &'static str,
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Inner<'a> {
    fn of(path: &'static str, value: Option<Value<'a>>) -> Result<Option<Self>, Reject> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) if object.too_many => Err(Reject::bad_request(path, "has too many fields")),
            Some(Value::Object(object)) => Ok(Some(Self { path, fields: object.first })),
            Some(other) => Err(Reject::bad_request(path, format!("is an object, not {}", other.kind()))),
        }
    }

    fn field(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// A field that may be missing; `null` is missing.
    fn take(&mut self, name: &str) -> Result<Option<Value<'a>>, Reject> {
        let Some(at) = self.fields.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let (_, value) = self.fields.swap_remove(at);
        if self.fields.iter().any(|(key, _)| key == name) {
            return Err(Reject::bad_request(self.field(name), "stands twice"));
        }
        Ok(Some(value).filter(|value| *value != Value::Null))
    }

    fn amount(&mut self, name: &str) -> Result<Option<Major>, Reject> {
        let value = self.take(name)?;
        amount_of(|| self.field(name), value)
    }

    fn whole(&mut self, name: &str) -> Result<u32, Reject> {
        match self.take(name)? {
            None => Err(Reject::bad_request(self.field(name), "is missing")),
            Some(Value::Whole(number)) => u32::try_from(number)
                .map_err(|_| Reject::bad_request(self.field(name), format!("is too large: {number}"))),
            Some(other) => {
                Err(Reject::bad_request(self.field(name), format!("is a whole number like 3, not {}", other.kind())))
            }
        }
    }

    fn finish(self) -> Result<(), Reject> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => {
                let field: String = self.field(&name.chars().take(NAME_MAX).collect::<String>());
                Err(Reject::bad_request(field, format!("{} has no field {}", self.path, excerpt(name))))
            }
        }
    }
}

/// Appends `,"limits":{…}`; of a wallet, with what was spent of its day.
pub(super) fn write(out: &mut Vec<u8>, limits: &Limits, spent_today: Option<i64>, currency: Currency) {
    key(out, "limits");
    let begin = out.len();
    for (name, minor) in [("maximum_balance", limits.maximum_balance), ("per_day", limits.per_day)] {
        if let Some(minor) = minor {
            amount(out, name, i128::from(minor), currency);
        }
    }
    if let Some(spent) = spent_today.filter(|_| limits.per_day.is_some()) {
        amount(out, "spent_today", i128::from(spent), currency);
    }
    if let Some(velocity) = limits.velocity {
        key(out, "velocity");
        let begin = out.len();
        number(out, "spends", u64::from(velocity.spends));
        number(out, "seconds", u64::from(velocity.seconds));
        open(out, begin);
    }
    open(out, begin);
}

/// Fields begin with a comma: the first one's becomes the brace that opens the object.
fn open(out: &mut Vec<u8>, begin: usize) {
    match out.get_mut(begin) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}
