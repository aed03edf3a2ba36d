//! A rule as JSON.

use crate::wire::{steps, time};
use fentan_engine::accounts::SubId;
use fentan_engine::allocation::{Cap, Eligible, Method, RefundToExpired, Rule, Spill};

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
    value["effective_from"] = json!(rule.effective_from.map(time::text));
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
