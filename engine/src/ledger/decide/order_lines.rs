//! The order lines of a spend, hold or quote: checked, and divided over what was taken (rule A5).

use super::spend::Plan;
use super::{money, positive};
use crate::allocation::{Occasion, Rule};
use crate::ledger::{Divisible, ORDER_LINES_MAX, OrderLine, OrderTable, Reject};
use crate::money::{Currency, write_minor};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// The order lines' amounts in minor units; none when there are no order lines.
///
/// Ids are unique, each amount is more than zero, and together they are the spend's amount.
pub(super) fn amounts(lines: &[OrderLine], amount: i64, currency: Currency) -> Result<SmallVec<[i64; 0]>, Reject> {
    if lines.is_empty() {
        return Ok(SmallVec::new());
    }
    if lines.len() > ORDER_LINES_MAX {
        let reason = format!("has {} order lines, the limit is {ORDER_LINES_MAX}", lines.len());
        return Err(Reject::bad_request("lines", reason));
    }
    let mut numbers = HashMap::with_capacity(lines.len());
    let mut amounts = SmallVec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        if let Some(other) = numbers.insert(&line.id, number) {
            return Err(Reject::bad_request(format!("lines[{number}].id"), format!("is the id of lines[{other}] too")));
        }
        amounts.push(positive(&format!("lines[{number}].amount"), line.amount, currency)?);
    }
    let sum: i128 = amounts.iter().copied().map(i128::from).sum();
    if sum != i128::from(amount) {
        let (sum, amount) = (text(sum, currency), text(amount.into(), currency));
        return Err(Reject::bad_request("lines", format!("the order lines sum to {sum}, the amount is {amount}")));
    }
    Ok(amounts)
}

fn text(minor: i128, currency: Currency) -> String {
    let mut text = Vec::new();
    write_minor(&mut text, minor, currency.exponent());
    String::from_utf8_lossy(&text).into_owned()
}

/// The order lines with what each costs and which sub-balances may pay for it (rule A2); none when there are no
/// order lines.
pub(crate) fn divisible(rule: &Rule, occasion: &Occasion<'_>, lines: &[OrderLine], amounts: &[i64]) -> Vec<Divisible> {
    let line = |(line, amount): (&OrderLine, &i64)| Divisible {
        line: line.id.clone(),
        amount: *amount,
        allowed: rule.allowed(occasion, line.category.as_ref()),
    };
    lines.iter().zip(amounts).map(line).collect()
}

/// Divides the order lines over what the plan takes; a plan for a spend without order lines stays as it is.
pub(super) fn divide(mut plan: Plan<'_>, lines: Vec<Divisible>, currency: Currency) -> Result<Plan<'_>, Reject> {
    if lines.is_empty() {
        return Ok(plan);
    }
    let table = OrderTable::divide(lines, &plan.taken).map_err(|payable| Reject::InsufficientFunds {
        payer: format!("what the rule {} can take from the wallet for these order lines", plan.rule.name),
        available: money(payable, currency),
        requested: money(plan.taken.sum(), currency),
    })?;
    plan.table = Some(Box::new(table));
    Ok(plan)
}
