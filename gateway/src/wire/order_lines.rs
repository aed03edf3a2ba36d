//! The order lines of a spend, hold or quote: `[{"id":"l-1","amount":"12.34","category":"books"}]`.
//!
//! Their form alone: that their ids differ and that they sum to the spend is the engine's matter.

use super::json::{List, Object, Value};
use super::parse::{amount_of, excerpt, text_of};
use fentan_engine::ledger::{ORDER_LINES_MAX, OrderLine, Reject};
use fentan_engine::names::Label;
use smallvec::SmallVec;
use std::borrow::Cow;

/// Reads the field `lines`; none when it is missing.
pub(super) fn order_lines(value: Option<Value<'_>>) -> Result<SmallVec<[OrderLine; 0]>, Reject> {
    let list = match value {
        None | Some(Value::Null) => return Ok(SmallVec::new()),
        Some(Value::List(list)) => list,
        Some(other) => {
            let reason = format!("is a list of order lines, not {}", other.kind());
            return Err(Reject::bad_request("lines", reason));
        }
    };
    match list {
        List { count: 0, .. } => Err(Reject::bad_request("lines", "is empty: leave it out, or name the order's lines")),
        List { count, .. } if count > ORDER_LINES_MAX => {
            let reason = format!("has {count} order lines, the limit is {ORDER_LINES_MAX}");
            Err(Reject::bad_request("lines", reason))
        }
        List { first, .. } => first.into_iter().enumerate().map(order_line).collect(),
    }
}

fn order_line((number, value): (usize, Value<'_>)) -> Result<OrderLine, Reject> {
    let Value::Object(Object { first: fields, .. }) = value else {
        let reason = format!("is an object with id and amount, not {}", value.kind());
        return Err(Reject::bad_request(format!("lines[{number}]"), reason));
    };
    let path = |field: &str| format!("lines[{number}].{field}");
    let (mut id, mut amount, mut category) = (None, None, None);
    for (name, value) in fields {
        let place = match &*name {
            "id" => &mut id,
            "amount" => &mut amount,
            "category" => &mut category,
            other => {
                let reason = format!("an order line has no field {}", excerpt(other));
                return Err(Reject::bad_request(format!("lines[{number}]"), reason));
            }
        };
        if place.replace(value).is_some() {
            return Err(Reject::bad_request(path(&name), "stands twice"));
        }
    }
    let missing = |field: &str| Reject::bad_request(path(field), "is missing");
    let label =
        |field: &str, text: Cow<'_, str>| Label::new(&text).map_err(|error| Reject::bad_request(path(field), error));
    let id = text_of(|| path("id"), id)?.ok_or_else(|| missing("id"))?;
    let amount = amount_of(|| path("amount"), amount)?.ok_or_else(|| missing("amount"))?;
    let category = text_of(|| path("category"), category)?;
    Ok(OrderLine {
        id: label("id", id)?,
        amount,
        category: category.map(|category| label("category", category)).transpose()?,
    })
}
