//! Every way a channel statement is refused: where, what was expected, what was found (rule C3).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod alipay;
mod generic;
#[path = "../support/mod.rs"]
mod support;
mod unionpay;
mod wechat;
mod whole;

use fentan_statements::{Column, Family, Refused};
use support::refused;

/// The name of the UnionPay sample.
const UNIONPAY: &str = "INN17071888ZM_898319849000018";

/// `reason | line | column | expected | found`.
fn short(refused: &Refused) -> String {
    let column = match &refused.column {
        Column::Whole => "-".to_owned(),
        Column::Name(name) => name.clone(),
        Column::Byte(byte) => format!("byte {byte}"),
    };
    format!("{} | {} | {column} | {} | {}", refused.reason.word(), refused.line, refused.expected, refused.found)
}

/// Compares each file's refusal; all that differ are shown together. `*` at the end stands for any text.
fn hold(family: Family, name: &str, cases: &[(&str, Vec<u8>, &str)]) {
    let mut wrong = Vec::new();
    for (what, bytes, expected) in cases {
        let found = short(&refused(family, name, bytes));
        let same = expected.strip_suffix('*').map_or(found == *expected, |start| found.starts_with(start));
        if !same {
            wrong.push(format!("{what}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A text with one piece replaced; the piece must be there.
fn with(text: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(text.contains(from), "{from:?} is not in the sample");
    text.replacen(from, to, 1).into_bytes()
}
