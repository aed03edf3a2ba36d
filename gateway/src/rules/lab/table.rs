//! The report as tables.

use super::figures::{Both, Line, of_day, of_merchant};
use super::moments::{Offset, date, show};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use fentan_engine::accounts::Timestamp;
use fentan_engine::catalog::Catalog;
use fentan_engine::lab::{CurrencyReport, Day, Figures, Report};
use fentan_engine::money::{Currency, write_minor};
use std::fmt::Write;

/// What the table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum By {
    /// Each day
    Day,
    /// Each merchant, those with the largest difference first
    Merchant,
    /// The whole period
    Total,
}

/// So many merchants are shown; a file has all of them.
const MERCHANTS_SHOWN: usize = 50;

/// The report as text.
pub(super) fn render(report: &Report, catalog: &Catalog, offset: Offset, by: By) -> String {
    let mut text = String::new();
    let mut say = |line: std::fmt::Arguments<'_>| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{line}");
    };
    let (from, to) = (edge(report.period.from, offset, "the beginning"), edge(report.period.to, offset, "the end"));
    say(format_args!("rule      {}@{}, for every spend, hold and transfer", report.rule, report.version));
    say(format_args!("period    from {from} to {to} (UTC{offset})"));
    say(format_args!("replayed  {} records, {} wallets", count(report.records), count(report.wallets as u64)));
    for of in &report.currencies {
        say(format_args!("\n{}", of.currency));
        for line in currency(of, catalog, by).lines() {
            say(format_args!("{}", line.trim_end()));
        }
        for line in remarks(of, by) {
            say(format_args!("{line}"));
        }
    }
    say(format_args!(""));
    if report.records == 0 {
        say(format_args!("nothing was recorded in this period"));
    } else if report.is_same() {
        say(format_args!("no difference: the lab's lines are the recorded ones"));
    }
    for fault in &report.faults {
        say(format_args!("FAULT     {fault}"));
    }
    if report.faults.is_empty() {
        say(format_args!("books     the recorded world's and the lab's balance; every wallet is the sum of its lots"));
    }
    text
}

fn edge(at: Timestamp, offset: Offset, open: &str) -> String {
    if at == Timestamp::MIN || at == Timestamp::MAX { open.to_owned() } else { show(at, offset) }
}

fn currency(of: &CurrencyReport, catalog: &Catalog, by: By) -> Table {
    let mut table = new_table(by);
    match by {
        By::Day => {
            for day in &of.days {
                rows(&mut table, of, &date(day.day), &day.figures, &of_day(of, day, catalog));
            }
        }
        By::Merchant => {
            for merchant in largest_first(of).into_iter().take(MERCHANTS_SHOWN) {
                let lines = of_merchant(of, &merchant.total, catalog);
                rows(&mut table, of, merchant.merchant.as_str(), &merchant.total, &lines);
            }
        }
        By::Total => {}
    }
    let mut lines = of_day(of, &of.total, catalog);
    if by == By::Merchant {
        for line in &mut lines {
            (line.left, line.breakage) = (None, None);
        }
    }
    rows(&mut table, of, "total", &of.total.figures, &lines);
    table
}

/// Merchants by how much of a sub-balance moved, the most first.
fn largest_first(of: &CurrencyReport) -> Vec<&fentan_engine::lab::MerchantReport> {
    let moved = |figures: &Figures| -> i128 {
        of.subs().map(|sub| (figures.used[1].get(sub) - figures.used[0].get(sub)).abs()).sum()
    };
    let mut merchants: Vec<_> = of.merchants.iter().collect();
    merchants.sort_by_key(|merchant| std::cmp::Reverse(moved(&merchant.total)));
    merchants
}

fn new_table(by: By) -> Table {
    let first = match by {
        By::Day => "day",
        By::Merchant => "merchant",
        By::Total => "",
    };
    let mut columns = vec![first, "spends", "other lines", "refused", "sub-balance", "used", "lab", "difference"];
    if by != By::Merchant {
        columns.extend(["left", "lab", "difference", "breakage", "lab", "difference"]);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(&columns);
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if n == 0 || n == 4 { CellAlignment::Left } else { CellAlignment::Right });
        column.set_padding((0, 2));
    }
    table
}

/// The rows of a group: the counts stand in the first.
fn rows(table: &mut Table, of: &CurrencyReport, name: &str, figures: &Figures, lines: &[Line<'_>]) {
    let counts = [figures.spends, figures.other_lines, figures.refused].map(count);
    for (n, line) in lines.iter().filter(|line| !line.sub.is_empty()).enumerate() {
        let mut row: Vec<String> = Vec::new();
        if n == 0 {
            row.push(name.to_owned());
            row.extend(counts.clone());
        } else {
            row.extend([const { String::new() }; 4]);
        }
        row.push(line.sub.to_owned());
        for both in [Some(line.used), line.left, line.breakage].into_iter().flatten() {
            row.extend(shown(both, of.currency));
        }
        table.add_row(row);
    }
}

fn shown([recorded, lab]: Both, currency: Currency) -> [String; 3] {
    let difference = lab - recorded;
    let sign = if difference > 0 { "+" } else { "" };
    [grouped(recorded, currency), grouped(lab, currency), format!("{sign}{}", grouped(difference, currency))]
}

/// What the table has no column for.
fn remarks(of: &CurrencyReport, by: By) -> Vec<String> {
    let Day { figures, refused_transfers, refused_transfer_amount, orphans, .. } = &of.total;
    let mut lines = Vec::new();
    let more = of.merchants.len().saturating_sub(MERCHANTS_SHOWN);
    if by == By::Merchant && more > 0 {
        lines.push(format!("and {} merchants more; --csv writes all of them", count(more as u64)));
    }
    if figures.refused > 0 {
        let amount = grouped(figures.refused_amount, of.currency);
        lines.push(format!("the rule could not pay {} spends and holds, {amount} in all", count(figures.refused)));
    }
    if *refused_transfers > 0 {
        let amount = grouped(*refused_transfer_amount, of.currency);
        lines.push(format!("the rule could not pay {} transfers, {amount} in all", count(*refused_transfers)));
    }
    if *orphans > 0 {
        lines.push(format!("{} captures, releases and refunds of what it could not pay fell away", count(*orphans)));
    }
    lines
}

/// An amount as files say it.
pub(super) fn money(minor: i128, currency: Currency) -> String {
    let mut text = Vec::with_capacity(24);
    write_minor(&mut text, minor, currency.exponent());
    String::from_utf8(text).unwrap_or_default()
}

/// An amount with its thousands apart.
fn grouped(minor: i128, currency: Currency) -> String {
    thousands(&money(minor, currency))
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    thousands(&number.to_string())
}

fn thousands(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, decimals) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = sign.to_owned();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + decimals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (minor, text) in
            [(0, "0.00"), (99_999, "999.99"), (-100_000, "-1,000.00"), (123_456_789_012, "1,234,567,890.12")]
        {
            assert_eq!(grouped(minor, Currency::CNY), text);
        }
        assert_eq!((count(999), count(1_000)), ("999".into(), "1,000".into()));
    }
}
