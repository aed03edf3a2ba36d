//! From what a file says of working days to a [`Calendar`], with everything that is wrong (rule C7).
//!
//! `config/calendar.toml` has an entry for each year. Each date stands in the entry of the year it is in, also when
//! a holiday goes over New Year, so that a year is complete or absent.

use super::calendar::{Calendar, UnlistedYears, is_weekend};
use crate::catalog::{CatalogError, CatalogErrors, fail};
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The longest holiday, in days: what is longer is a mistyped date.
const HOLIDAY_DAYS_MAX: usize = 31;

/// A calendar as files say it. Unknown keys are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSpec {
    /// `error` (the default) or `weekends`.
    pub unlisted_years: Option<String>,
    /// The years that are listed.
    #[serde(default)]
    pub calendar_year: Vec<YearSpec>,
}

/// A year of a calendar as a file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YearSpec {
    year: i16,
    #[serde(default)]
    holidays: Vec<HolidaySpec>,
    #[serde(default)]
    working_weekends: Vec<String>,
    #[serde(default, rename = "source")]
    _source: String,
}

/// A holiday as a file says it: one day, or the days `from` to `to`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolidaySpec {
    name: String,
    from: String,
    to: Option<String>,
}

/// The key that is wrong, and what is wrong with it.
type Wrong = (&'static str, String);

impl Calendar {
    /// Checks what the files say.
    ///
    /// # Errors
    /// Names each year's entry, the key, the date and what is wrong with it.
    pub fn from_spec(spec: &CalendarSpec) -> Result<Self, CatalogErrors> {
        let mut errors = Vec::new();
        let unlisted_years = match spec.unlisted_years.as_deref() {
            None | Some("error") => UnlistedYears::Error,
            Some("weekends") => UnlistedYears::Weekends,
            Some(other) => {
                errors.push(fail("unlisted_years", other, "is \"error\" or \"weekends\""));
                UnlistedYears::Error
            }
        };
        let (mut years, mut holidays, mut working) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (index, of_file) in spec.calendar_year.iter().enumerate() {
            let wrong = |(key, reason): Wrong| named(of_file, key, &reason).at(index);
            if !years.insert(of_file.year) {
                errors.push(wrong(("year", "stands twice".into())));
                continue;
            }
            let mut wrongs = of_file.holidays(&mut holidays);
            wrongs.extend(of_file.working_weekends(&holidays, &mut working));
            errors.extend(wrongs.into_iter().map(wrong));
        }
        if !errors.is_empty() {
            return Err(CatalogErrors(errors));
        }
        let (years, holidays) = (years.into_iter().collect(), holidays.into_iter().collect());
        Ok(Self { years, holidays, working_weekends: working.into_iter().collect(), unlisted_years })
    }
}

impl YearSpec {
    /// Puts its holidays to the others, and says what is wrong with them.
    fn holidays(&self, all: &mut BTreeSet<Date>) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        for holiday in &self.holidays {
            let days = holiday.days().and_then(|days| self.in_the_year(days));
            match days {
                Err(reason) => wrongs.push(("holidays", format!("{:?}: {reason}", holiday.name))),
                Ok(days) => {
                    let twice = days.iter().filter(|day| !all.insert(**day));
                    wrongs.extend(twice.map(|day| ("holidays", format!("{:?}: {day} stands twice", holiday.name))));
                }
            }
        }
        wrongs
    }

    /// Puts its working weekends to the others, and says what is wrong with them.
    fn working_weekends(&self, holidays: &BTreeSet<Date>, all: &mut BTreeSet<Date>) -> Vec<Wrong> {
        let add = |text: &String| {
            let day = self.in_the_year(vec![date(text)?])?[0];
            if !is_weekend(day) {
                return Err(format!(
                    "{day} is a {:?}: only a Saturday or a Sunday is a working weekend",
                    day.weekday()
                ));
            }
            if holidays.contains(&day) {
                return Err(format!("{day} is a holiday as well"));
            }
            if all.insert(day) { Ok(()) } else { Err(format!("{day} stands twice")) }
        };
        self.working_weekends.iter().map(add).filter_map(Result::err).map(|why| ("working_weekends", why)).collect()
    }

    /// The days, when all are in this year.
    fn in_the_year(&self, days: Vec<Date>) -> Result<Vec<Date>, String> {
        match days.iter().find(|day| day.year() != self.year) {
            None => Ok(days),
            Some(day) => Err(format!(
                "{day} is not in {}: a date stands in the [[calendar_year]] with year = {}",
                self.year,
                day.year()
            )),
        }
    }
}

impl HolidaySpec {
    fn days(&self) -> Result<Vec<Date>, String> {
        let from = date(&self.from)?;
        let to = self.to.as_ref().map_or(Ok(from), |to| date(to))?;
        if to < from {
            return Err(format!("it begins on {from} and ends before, on {to}"));
        }
        let days: Vec<Date> =
            from.series(jiff::Span::new().days(1)).take(HOLIDAY_DAYS_MAX + 1).take_while(|day| *day <= to).collect();
        if days.len() > HOLIDAY_DAYS_MAX {
            return Err(format!("{from} to {to} is longer than {HOLIDAY_DAYS_MAX} days"));
        }
        Ok(days)
    }
}

fn named(year: &YearSpec, key: &'static str, reason: &str) -> CatalogError {
    fail("calendar_year", &year.year.to_string(), reason).key(key)
}

/// A date like `2026-10-01`, and nothing else.
fn date(text: &str) -> Result<Date, String> {
    let read = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    read.ok_or_else(|| format!("{text:?} is no date like \"2026-10-01\""))
}
