//! All figures as CSV: one row for each group and sub-balance, and one for all sub-balances of a group.
//!
//! `scope` says what a group is: `opening`, `day_merchant`, `day`, `merchant` or `total`. Each scope by itself adds
//! up to the period (but for `left`, which is no flow); so do the rows with a `sub_balance`, and those without. What a
//! row cannot say is empty.

use super::figures::{Both, Line, of_day, of_merchant};
use super::moments::date;
use super::table::money;
use fentan_engine::catalog::Catalog;
use fentan_engine::lab::{CurrencyReport, Day, Figures, Report};
use fentan_engine::money::Currency;
use std::path::Path;

const HEADER: [&str; 22] = [
    "scope",
    "currency",
    "day",
    "merchant",
    "sub_balance",
    "fund",
    "spends",
    "other_lines",
    "refused",
    "refused_amount",
    "used_recorded",
    "used_lab",
    "used_difference",
    "given_back_recorded",
    "given_back_lab",
    "given_back_difference",
    "left_recorded",
    "left_lab",
    "left_difference",
    "breakage_recorded",
    "breakage_lab",
    "breakage_difference",
];

/// Writes the file.
pub(super) fn write(report: &Report, catalog: &Catalog, path: &Path) -> Result<(), csv::Error> {
    let mut out = csv::Writer::from_path(path)?;
    out.write_record(HEADER)?;
    for of in &report.currencies {
        let mut sheet = Sheet { out: &mut out, currency: of.currency };
        sheet.group("opening", "", "", None, &opening(of, catalog))?;
        for merchant in &of.merchants {
            for (day, figures) in &merchant.days {
                let lines = of_merchant(of, figures, catalog);
                sheet.group("day_merchant", &date(*day), merchant.merchant.as_str(), Some(figures), &lines)?;
            }
        }
        for day in &of.days {
            sheet.group("day", &date(day.day), "", Some(&day.figures), &of_day(of, day, catalog))?;
        }
        for merchant in &of.merchants {
            let lines = of_merchant(of, &merchant.total, catalog);
            sheet.group("merchant", "", merchant.merchant.as_str(), Some(&merchant.total), &lines)?;
        }
        sheet.group("total", "", "", Some(&of.total.figures), &of_day(of, &of.total, catalog))?;
    }
    Ok(out.flush()?)
}

/// What wallets had when the period began.
fn opening<'a>(of: &CurrencyReport, catalog: &'a Catalog) -> Vec<Line<'a>> {
    let day = Day { left: [of.opening.clone(), of.opening.clone()], ..Day::default() };
    of_day(of, &day, catalog)
}

struct Sheet<'a> {
    out: &'a mut csv::Writer<std::fs::File>,
    currency: Currency,
}

impl Sheet<'_> {
    fn group(
        &mut self,
        scope: &str,
        day: &str,
        merchant: &str,
        figures: Option<&Figures>,
        lines: &[Line<'_>],
    ) -> Result<(), csv::Error> {
        for line in lines {
            let mut row = [scope, self.currency.code(), day, merchant, line.sub, line.fund].map(str::to_owned).to_vec();
            match figures.filter(|_| line.sub.is_empty()) {
                Some(figures) => {
                    row.extend([figures.spends, figures.other_lines, figures.refused].map(|n| n.to_string()));
                    row.push(money(figures.refused_amount, self.currency));
                }
                None => row.extend([const { String::new() }; 4]),
            }
            let flows = figures.is_some();
            self.both(&mut row, flows.then_some(line.used));
            self.both(&mut row, flows.then_some(line.given_back));
            self.both(&mut row, line.left);
            self.both(&mut row, line.breakage.filter(|_| flows));
            self.out.write_record(&row)?;
        }
        Ok(())
    }

    fn both(&self, row: &mut Vec<String>, both: Option<Both>) {
        match both {
            Some([recorded, lab]) => {
                row.extend([recorded, lab, lab - recorded].map(|minor| money(minor, self.currency)));
            }
            None => row.extend([const { String::new() }; 3]),
        }
    }
}
