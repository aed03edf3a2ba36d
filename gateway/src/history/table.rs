//! Statements and reports as CSV.
//!
//! Amounts are decimals in major units, moments RFC 3339 in UTC. The columns of an account's figures are
//! those of its kind, first what the entry changed, then what there was after it.

use super::answer::{Detail, named_figures, unknown, wanted};
use super::ask::{FinanceQuery, StatementQuery};
use super::service::Refused;
use crate::wire::time;
use fentan_engine::accounts::{AccountKind, Bucket, Fund, Timestamp};
use fentan_engine::catalog::Catalog;
use fentan_engine::history::{AccountRow, Amounts, Details, HistoryError, Line, Period, Reading, Report, Six};
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Event, Record};
use fentan_engine::money::{Currency, write_minor};
use fentan_engine::names::{AccountId, Label};

/// Rows of one page.
const PAGE: usize = 1_000;

/// A page of a statement, the first with its head; and where the next begins.
pub(super) fn statement(
    reading: &Reading<'_>,
    account: &AccountId,
    query: &StatementQuery,
    first: bool,
    catalog: &Catalog,
) -> Result<(Vec<u8>, Option<Position>), Refused> {
    let row = reading.account(account.as_str())?.ok_or_else(|| unknown(account))?;
    let page = reading.statement(account.as_str(), &wanted(&StatementQuery { limit: PAGE, ..*query }))?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    if first {
        csv.write_record(head(&row, catalog)).map_err(unwritable)?;
    }
    let mut details = reading.details();
    for line in &page.lines {
        let cells = cells(&row, line, &mut details, catalog)?;
        csv.write_record(cells).map_err(unwritable)?;
    }
    Ok((csv.into_inner().map_err(unwritable)?, page.next))
}

fn unwritable(error: impl std::fmt::Display) -> HistoryError {
    HistoryError::Medium(format!("a row could not be written: {error}"))
}

const FACTS: [&str; 10] = ["seq", "at", "entry", "id", "by", "other", "rule", "order", "reason", "currency"];

fn head(row: &AccountRow, catalog: &Catalog) -> Vec<String> {
    let named = figures(row, &Amounts::default(), catalog);
    let mut head: Vec<String> = FACTS.map(str::to_owned).into();
    head.extend(named.iter().map(|(name, _)| format!("change_{name}")));
    head.extend(named.into_iter().map(|(name, _)| name));
    head.push("lines".into());
    head
}

/// A merchant's promoted part of each figure has columns of its own.
fn figures(row: &AccountRow, amounts: &Amounts, catalog: &Catalog) -> Vec<(String, i128)> {
    let mut named: Vec<(String, i128)> =
        named_figures(row.kind, amounts, catalog).into_iter().map(|(name, minor)| (name.to_owned(), minor)).collect();
    if row.kind == AccountKind::Merchant {
        named.extend(
            Bucket::ALL.map(|bucket| (format!("promoted_{}", bucket.word()), amounts.proceeds(bucket, Fund::Promoted))),
        );
    }
    named
}

fn cells(
    row: &AccountRow,
    line: &Line,
    details: &mut Details<'_>,
    catalog: &Catalog,
) -> Result<Vec<String>, HistoryError> {
    let (record, by) = details.record_and_caller(line.position)?.unzip();
    let detail = record.as_ref().map(|record| Detail::of(&row.name, record)).unwrap_or_default();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mut cells = vec![
        line.position.to_string(),
        moment(line.entry.at),
        line.entry.kind.word().into(),
        text(detail.id),
        text(by.flatten().as_ref().map(Label::as_str)),
        text(detail.other.map(|(_, other)| other.as_str())),
        detail.rule.map(|(rule, version)| format!("{rule}@{version}")).unwrap_or_default(),
        text(detail.order),
        text(detail.reason),
        row.currency.code().into(),
    ];
    for amounts in [&line.change, &line.entry.after] {
        cells.extend(figures(row, amounts, catalog).into_iter().map(|(_, minor)| money(minor, row.currency)));
    }
    cells.push(record.as_ref().map(|record| lines(record, catalog)).unwrap_or_default());
    Ok(cells)
}

/// `lot:sub:amount`, one after the other.
fn lines(record: &Record, catalog: &Catalog) -> String {
    let one = |lot: &str, sub, minor: i64| {
        format!("{lot}:{}:{}", catalog.sub_name(sub), money(i128::from(minor), record.currency))
    };
    let lines: Vec<String> = match &record.event {
        Event::ToppedUp { granted, .. } | Event::TopUpConfirmed { granted, .. } => {
            let lot = match &record.command {
                fentan_engine::ledger::Command::ConfirmTopUp(ask) => ask.top_up.as_str(),
                _ => record.id.as_str(),
            };
            granted.grants.iter().map(|grant| one(lot, grant.sub, grant.amount)).collect()
        }
        event => event
            .taken()
            .map(|taken| taken.iter().map(|(lot, sub, minor)| one(lot.as_str(), sub, minor)).collect())
            .unwrap_or_default(),
    };
    lines.join(" ")
}

/// A report: a row for each currency and group.
pub(super) fn finance(report: &Report, query: &FinanceQuery) -> Result<Vec<u8>, HistoryError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut head = vec!["currency".to_owned(), "group".to_owned()];
    let columns: &[&str] = if query.from.is_some() { &["opening_", "closing_", "change_"] } else { &[""] };
    for column in columns {
        head.extend(Six::NAMES.map(|name| format!("{column}{name}")));
    }
    head.push("tied".into());
    csv.write_record(&head).map_err(unwritable)?;
    for currency in &report.currencies {
        let tied = currency.differences.is_empty();
        let mut row = |group: &str, period: &Period| {
            let mut cells = vec![currency.currency.code().to_owned(), group.to_owned()];
            let parts = if query.from.is_some() {
                vec![period.opening, period.closing, period.change()]
            } else {
                vec![period.closing]
            };
            cells.extend(parts.iter().flat_map(Six::values).map(|minor| money(minor, currency.currency)));
            cells.push(tied.to_string());
            csv.write_record(&cells).map_err(unwritable)
        };
        for (name, period) in &currency.groups {
            row(name.as_ref().map_or("", |name| name.as_str()), period)?;
        }
        row("total", &currency.total)?;
    }
    csv.into_inner().map_err(unwritable)
}

fn money(minor: i128, currency: Currency) -> String {
    let mut text = Vec::new();
    write_minor(&mut text, minor, currency.exponent());
    String::from_utf8_lossy(&text).into_owned()
}

fn moment(at: Timestamp) -> String {
    let mut text = Vec::new();
    time::write(&mut text, at);
    String::from_utf8_lossy(&text).trim_matches('"').to_owned()
}
