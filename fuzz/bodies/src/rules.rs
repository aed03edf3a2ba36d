//! A catalog's file: products, rules, merchants, offers, working days, terms (rule A6).

use crate::memory;
use fentan_engine::accounts::{Funding, Lot, NEVER, Part, SUBS_MAX, SubId};
use fentan_engine::allocation::{Purse, Rule, allocate, allocate_explained};
use fentan_engine::catalog::Catalog;
use fentan_engine::money::Currency;
use fentan_engine::names::CommandId;
use fentan_gateway::fuzzing::{self, Fault};

const SLACK: usize = 1 << 18;
/// A byte of TOML may become a table with its keys and their places.
const A_BYTE: usize = 1024;
/// What the wallet of the example has: lots, and the amounts of their sub-balances, in minor units.
const LOTS: [[i64; SUBS_MAX]; 3] =
    [[10_000, 18_000, 0, 500, 0, 1, 7, 0], [1, 0, 99, 0, 250, 0, 0, 3], [3_333, 6_667, 1, 1, 1, 1, 1, 1]];
/// What is spent of it, in minor units.
const AMOUNTS: [i64; 8] = [1, 2, 7, 100, 999, 14_000, 38_000, 1_000_000];

/// A file is refused with line and column of all that is wrong, or every rule in it divides an example exactly.
pub(crate) fn body(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match memory::within("a catalog", SLACK + A_BYTE * text.len(), || fuzzing::catalog(text)) {
        Ok(catalog) => {
            for rule in catalog.rules() {
                divides(&catalog, rule);
            }
            true
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "a refusal says why");
            for fault in &faults {
                located(text, fault);
            }
            false
        }
    }
}

fn located(text: &str, (line, column, reason): &Fault) {
    assert!(!reason.is_empty());
    if *line == 0 {
        // It is about what is not there: no product at all, for example.
        assert_eq!(*column, 0, "{reason}");
        return;
    }
    let (mut lines, end) = (text.split('\n'), text.split('\n').count());
    let found = lines.nth(line - 1).unwrap_or_else(|| panic!("line {line} of {end}: {reason}"));
    assert!((1..=found.chars().count() + 1).contains(column), "{line}:{column} of {found:?}: {reason}");
}

/// The draws are more than zero, never more than there is, and sum to the amount; or the rule says how much it finds.
fn divides(catalog: &Catalog, rule: &Rule) {
    let lots: Vec<Lot> = LOTS.iter().enumerate().map(|(number, amounts)| lot(catalog, number, amounts)).collect();
    let purse = Purse { lots: &lots, first_live: 0, currency: Currency::CNY, phase: 0, most: None };
    for amount in AMOUNTS {
        let divided = allocate(rule, purse, amount);
        assert_eq!(divided, allocate_explained(rule, purse, amount).0, "{}: told and not told", rule.name);
        match divided {
            Ok(allocation) => {
                let mut sum = 0;
                for draw in &allocation.draws {
                    let parts = &lots[draw.lot as usize].parts;
                    let left = parts.iter().find(|part| part.sub == draw.sub).map_or(0, |part| part.left);
                    assert!((1..=left).contains(&draw.amount), "{} of {amount}: {draw:?} of {left}", rule.name);
                    sum += draw.amount;
                }
                assert_eq!(sum, amount, "{}: the draws sum to the amount", rule.name);
            }
            Err(shortfall) => assert!((0..amount).contains(&shortfall.payable), "{}: {shortfall:?}", rule.name),
        }
    }
}

fn lot(catalog: &Catalog, number: usize, amounts: &[i64; SUBS_MAX]) -> Lot {
    let part = |(sub, minor): (SubId, i64)| Part { sub, weight: minor, granted: minor, left: minor, expires_at: NEVER };
    let subs = catalog.subs().map(|(sub, _)| (sub, amounts[usize::from(sub.0) % SUBS_MAX]));
    Lot {
        id: CommandId::internal(&format!("lot-{number}")),
        parts: subs.filter(|(_, minor)| *minor > 0).map(part).collect(),
        funding: Funding::Unknown,
        reconciled: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "line 3 of 2")]
    fn a_line_that_is_not_there_is_seen() {
        located("one\ntwo", &(3, 1, "wrong".into()));
    }

    #[test]
    #[should_panic(expected = "2:5")]
    fn a_column_behind_the_line_is_seen() {
        located("one\ntwo", &(2, 5, "wrong".into()));
    }
}
