//! The books as a consumer makes them, from the feed alone.

use crate::support::{Http, Server};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Sums of entries.
#[derive(Default)]
pub(crate) struct Books {
    /// The position of the last record.
    pub(crate) last: u64,
    /// By account and line of the chart, in minor units of CNY.
    sums: BTreeMap<(String, String), i128>,
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

/// Minor units of an amount with two decimals.
fn minor(amount: &str) -> i128 {
    let (digits, decimals) = amount.split_once('.').unwrap_or_else(|| panic!("{amount}"));
    assert_eq!(decimals.len(), 2, "{amount}");
    format!("{digits}{decimals}").parse().unwrap_or_else(|_| panic!("{amount}"))
}

impl Books {
    /// Takes the next record in: its position follows, its entry sums to zero, and the balance that it shows is the one
    /// that the entries make.
    pub(crate) fn take(&mut self, record: &Value) {
        assert_eq!(record["seq"], self.last + 1, "positions are dense: {record}");
        self.last += 1;
        let mut sum = 0;
        for posting in record["entry"].as_array().unwrap_or_else(|| panic!("{record}")) {
            let amount = minor(text(posting, "amount"));
            sum += amount;
            let key = (text(posting, "account").to_owned(), text(posting, "chart").to_owned());
            *self.sums.entry(key).or_default() += amount;
        }
        assert_eq!(sum, 0, "an entry sums to zero: {record}");
        if let Some(balance) = record["balance"].as_object() {
            self.check_wallet(text(record, "account"), balance, record);
        }
    }

    fn of(&self, account: &str, chart: impl Fn(&str) -> bool) -> i128 {
        self.sums.iter().filter(|((whose, line), _)| whose == account && chart(line)).map(|(_, sum)| sum).sum()
    }

    fn check_wallet(&self, account: &str, balance: &Map<String, Value>, context: &Value) {
        let mut available = 0;
        for (name, shown) in balance {
            let made = match name.as_str() {
                "available" => continue,
                "held" => self.of(account, |line| line.starts_with("wallets.held.")),
                "arrears" => -self.of(account, |line| line == "wallets.arrears"),
                sub => {
                    let sum = self.of(account, |line| line == format!("wallets.{sub}"));
                    available += sum;
                    sum
                }
            };
            assert_eq!(minor(shown.as_str().unwrap()), made, "{name} of {account}: {context}");
        }
        assert_eq!(minor(balance["available"].as_str().unwrap()), available, "available of {account}: {context}");
    }

    /// Every account of the feed is, in the server, what the feed makes it; and so is each line of the chart.
    pub(crate) fn check(&self, server: &Server) {
        let http = server.http();
        let mut names: Vec<&String> = self.sums.keys().map(|(account, _)| account).collect();
        names.dedup();
        for name in names {
            let shown = account(&http, name);
            let balance = shown["balance"].as_object().unwrap_or_else(|| panic!("{name}: {shown}"));
            match text(&shown, "kind") {
                "wallet" => self.check_wallet(name, balance, &shown),
                "merchant" => {
                    for (bucket, amount) in balance.iter().filter(|(bucket, _)| *bucket != "available") {
                        let made = self.of(name, |line| line.starts_with(&format!("merchants.{bucket}.")));
                        assert_eq!(minor(amount.as_str().unwrap()), made, "{bucket} of {name}");
                        let promoted = self.of(name, |line| line == format!("merchants.{bucket}.promoted"));
                        assert_eq!(minor(text(&shown["promoted"], bucket)), promoted, "{bucket} of {name}, promoted");
                    }
                }
                _ => assert_eq!(minor(text(&shown["balance"], "available")), self.of(name, |_| true), "{name}"),
            }
        }
        let trial = server.trial_balance();
        let mut lines = 0;
        for line in trial["accounts"].as_array().unwrap() {
            let amount = match line["credit"].as_str() {
                Some(credit) => minor(credit),
                None => -minor(text(line, "debit")),
            };
            let chart = text(line, "account");
            let made: i128 = self.sums.iter().filter(|((_, known), _)| known == chart).map(|(_, sum)| sum).sum();
            assert_eq!(amount, made, "{chart}");
            lines += 1;
        }
        assert!(lines > 0, "there is a chart");
    }
}

fn account(http: &Http, name: &str) -> Value {
    let path: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    http.get(&format!("/v1/accounts/{path}")).json()
}

/// The books of a whole feed.
pub(crate) fn books(records: &[Value]) -> Books {
    let mut books = Books::default();
    for record in records {
        books.take(record);
    }
    books
}
