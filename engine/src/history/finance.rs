//! The finance report (rule A10): the six numbers at a moment or over a period, by what finance asks for.

use super::codec::Dimensions;
use super::figures::{Six, chart, moves};
use super::index::{Added, Of, dimensions, each_row, figures_key, figures_of, no_lot};
use super::read::Reading;
use super::spans::{Span, Spans};
use super::store::{HistoryError, Table};
use crate::accounts::{Chart, Timestamp};
use crate::money::Currency;
use crate::names::{CommandId, Label};
use std::collections::BTreeMap;

/// What a report is broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The product of the wallet that was topped up.
    Product,
    /// The channel of the top-up.
    Channel,
    /// The offer of the top-up.
    Offer,
}

impl By {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Channel => "channel",
            Self::Offer => "offer",
        }
    }

    fn group(self, of: &Dimensions) -> Option<Label> {
        match self {
            Self::Product => Some(of.product.clone()),
            Self::Channel => Some(of.channel.clone()),
            Self::Offer => of.offer.clone(),
        }
    }
}

/// What is asked of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinanceAsk {
    /// The beginning of the period; `None` asks for a moment.
    pub from: Option<Timestamp>,
    /// Everything that was decided before this counts.
    pub to: Timestamp,
    /// The breakdown.
    pub by: Option<By>,
    /// Which sub-balances are promoted: bit n for sub-balance n.
    pub promoted: u8,
}

/// The six numbers at the begin and the end of a period. Of a moment, the begin is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// Before the period.
    pub opening: Six,
    /// After it.
    pub closing: Six,
}

impl Period {
    /// What the period changed.
    #[must_use]
    pub const fn change(&self) -> Six {
        self.closing.since(&self.opening)
    }
}

/// A number of which lots and chart of accounts say different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Which of [`Six::NAMES`].
    pub name: &'static str,
    /// What the lots sum to.
    pub by_lots: i128,
    /// What the chart of accounts says.
    pub by_chart: i128,
}

/// The report of a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyReport {
    /// The currency.
    pub currency: Currency,
    /// All of it.
    pub total: Period,
    /// The breakdown; `None` is what has no such thing.
    pub groups: Vec<(Option<Label>, Period)>,
    /// Where lots and the chart of accounts disagree: nowhere, or the report is not tied.
    pub differences: Vec<Difference>,
}

/// A finance report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// For each currency in which there ever was money.
    pub currencies: Vec<CurrencyReport>,
}

impl Report {
    /// Whether the six numbers, summed from the lines of the lots, are those of the chart of accounts.
    #[must_use]
    pub fn tied(&self) -> bool {
        self.currencies.iter().all(|currency| currency.differences.is_empty())
    }
}

/// What all records before a moment sum to.
#[derive(Default)]
struct Sums {
    lots: BTreeMap<u32, Six>,
    chart: BTreeMap<(Currency, Chart), i128>,
}

impl Reading<'_> {
    /// The six numbers (rule A10).
    pub fn finance(&self, ask: &FinanceAsk) -> Result<Report, HistoryError> {
        let known: BTreeMap<u32, Dimensions> = dimensions(&*self.view)?.into_iter().collect();
        let closing = self.sums_before(ask.to)?;
        let opening = ask.from.map(|from| self.sums_before(from)).transpose()?.unwrap_or_default();
        let mut currencies: BTreeMap<Currency, CurrencyReport> = BTreeMap::new();
        let empty = |currency| CurrencyReport {
            currency,
            total: Period::default(),
            groups: Vec::new(),
            differences: Vec::new(),
        };
        let mut groups: BTreeMap<(Currency, Option<Label>), Period> = BTreeMap::new();
        for (sums, at_end) in [(&opening, false), (&closing, true)] {
            for (number, six) in &sums.lots {
                let of = known.get(number).ok_or_else(|| HistoryError::Damaged("dimensions are missing".into()))?;
                let report = currencies.entry(of.currency).or_insert_with(|| empty(of.currency));
                add(&mut report.total, at_end, six);
                if let Some(by) = ask.by {
                    add(groups.entry((of.currency, by.group(of))).or_default(), at_end, six);
                }
            }
        }
        for currency in closing.chart.keys().map(|(currency, _)| *currency) {
            currencies.entry(currency).or_insert_with(|| empty(currency));
        }
        for ((currency, group), period) in groups {
            if let Some(report) = currencies.get_mut(&currency) {
                report.groups.push((group, period));
            }
        }
        for report in currencies.values_mut() {
            let total = report.total;
            for (sums, six) in [(&opening, total.opening), (&closing, total.closing)] {
                let by_chart = sums.by_chart(report.currency, ask.promoted);
                for ((name, by_lots), by_chart) in Six::NAMES.into_iter().zip(six.values()).zip(by_chart.values()) {
                    if by_lots != by_chart {
                        report.differences.push(Difference { name, by_lots, by_chart });
                    }
                }
            }
        }
        Ok(Report { currencies: currencies.into_values().collect() })
    }

    /// What each line of the chart of accounts had before a moment.
    pub fn chart_before(&self, end: Timestamp) -> Result<BTreeMap<(Currency, Chart), i128>, HistoryError> {
        let mut chart = self.sums_before(end)?.chart;
        chart.retain(|_, minor| *minor != 0);
        Ok(chart)
    }

    fn sums_before(&self, end: Timestamp) -> Result<Sums, HistoryError> {
        let mut sums = Sums::default();
        // Later than everything that is indexed is as late as can be: no record has to be read.
        let end = end.min(self.meta.latest.saturating_add(1));
        let before = Spans::new(self.meta.day_offset).before(end);
        self.add_spans(&mut sums, Span::Day, 0, before.days)?;
        self.add_spans(&mut sums, Span::Quarter, before.first_quarter, before.end_quarter)?;
        let known: BTreeMap<u32, u8> =
            dimensions(&*self.view)?.into_iter().map(|(number, of)| (number, of.promoted)).collect();
        self.records_between(before.rest, end, &mut |record| {
            let mut result = Ok(());
            moves(record, |lot, sub, minor, what| match self.dimensions_of(lot, &known) {
                Ok((number, promoted)) => {
                    what.add_to(sums.lots.entry(number).or_default(), promoted, sub, minor);
                }
                Err(error) => result = Err(error),
            });
            chart(record, |currency, line, minor| *sums.chart.entry((currency, line)).or_default() += minor);
            result
        })?;
        Ok(sums)
    }

    fn add_spans(&self, sums: &mut Sums, span: Span, from: u32, to: u32) -> Result<(), HistoryError> {
        let (from, to) = (figures_key(span, from, None), figures_key(span, to, None));
        if from >= to {
            return Ok(());
        }
        each_row(&*self.view, Table::Figures, &from, &to, &mut |key, value| {
            let of = figures_of(key)?;
            match (Added::decode(&of, value)?, of) {
                (Added::Six(six), Of::Dimensions(number)) => sums.lots.entry(number).or_default().add(&six),
                (Added::Line(minor), Of::Line(currency, line)) => {
                    *sums.chart.entry((currency, line)).or_default() += minor;
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn dimensions_of(&self, lot: &CommandId, known: &BTreeMap<u32, u8>) -> Result<(u32, u8), HistoryError> {
        let row = self.lot(lot)?.ok_or_else(|| no_lot(lot))?;
        Ok((row.dimensions, known.get(&row.dimensions).copied().unwrap_or(0)))
    }
}

impl Sums {
    fn by_chart(&self, currency: Currency, promoted: u8) -> Six {
        let mut six = Six::default();
        for ((_, line), minor) in self.chart.iter().filter(|((of, _), _)| *of == currency) {
            six.add_line(line, promoted, *minor);
        }
        six
    }
}

fn add(period: &mut Period, at_end: bool, six: &Six) {
    if at_end {
        period.closing.add(six);
    } else {
        period.opening.add(six);
    }
}
