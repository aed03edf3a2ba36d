//! The report's figures as lines that table and file share: one for each sub-balance of a group, one for all.

use fentan_engine::accounts::SubId;
use fentan_engine::catalog::Catalog;
use fentan_engine::lab::{Amounts, CurrencyReport, Day, Figures};

/// A figure in both worlds: as recorded, in the lab.
pub(super) type Both = [i128; 2];

/// One line.
pub(super) struct Line<'a> {
    /// The sub-balance's name, or nothing for all together.
    pub(super) sub: &'a str,
    /// `paid` or `promoted`, or nothing for all together.
    pub(super) fund: &'static str,
    /// What merchants got, refunds taken off.
    pub(super) used: Both,
    /// What refunds took off.
    pub(super) given_back: Both,
    /// What wallets have at the end; `None` for a merchant.
    pub(super) left: Option<Both>,
    /// What expired; `None` for a merchant.
    pub(super) breakage: Option<Both>,
}

/// The lines of a day or the whole period.
pub(super) fn of_day<'a>(of: &CurrencyReport, day: &Day, catalog: &'a Catalog) -> Vec<Line<'a>> {
    lines(of, &day.figures, Some(day), catalog)
}

/// The lines of a merchant.
pub(super) fn of_merchant<'a>(of: &CurrencyReport, figures: &Figures, catalog: &'a Catalog) -> Vec<Line<'a>> {
    lines(of, figures, None, catalog)
}

fn lines<'a>(of: &CurrencyReport, figures: &Figures, day: Option<&Day>, catalog: &'a Catalog) -> Vec<Line<'a>> {
    let line = |sub: Option<SubId>| {
        let both = |amounts: &[Amounts; 2]| match sub {
            Some(sub) => [amounts[0].get(sub), amounts[1].get(sub)],
            None => [amounts[0].sum(), amounts[1].sum()],
        };
        Line {
            sub: sub.map_or("", |sub| catalog.sub_name(sub)),
            fund: sub.map_or("", |sub| if of.promoted >> sub.0 & 1 == 1 { "promoted" } else { "paid" }),
            used: both(&figures.used),
            given_back: both(&figures.given_back),
            left: day.map(|day| both(&day.left)),
            breakage: day.map(|day| both(&day.breakage)),
        }
    };
    of.subs().map(Some).chain([None]).map(line).collect()
}
