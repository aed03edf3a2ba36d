//! What can be asked of the history.

use crate::wire::time;
use fentan_engine::accounts::Timestamp;
use fentan_engine::history::By;
use fentan_engine::journal::Position;
use fentan_engine::ledger::Lang;
use fentan_engine::ledger::Reject;
use fentan_engine::names::AccountId;
use serde::Deserialize;

/// Entries of a page when nothing is said, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// Whether a statement begins with the oldest or the newest entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Oldest,
    Newest,
}

impl Order {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Oldest => "oldest",
            Self::Newest => "newest",
        }
    }
}

/// Which part of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StatementQuery {
    /// From this moment on.
    pub(crate) from: Option<Timestamp>,
    /// Before this moment.
    pub(crate) to: Option<Timestamp>,
    pub(crate) order: Order,
    /// The position that the page before ended with.
    pub(crate) cursor: Option<Position>,
    /// Up to this position: what is booked later is no longer part of it.
    pub(crate) up_to: Option<Position>,
    pub(crate) limit: usize,
}

/// Which report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinanceQuery {
    /// Of this moment, itself included.
    pub(crate) at: Option<Timestamp>,
    /// Or of the period from here ...
    pub(crate) from: Option<Timestamp>,
    /// ... to before here.
    pub(crate) to: Option<Timestamp>,
    pub(crate) by: Option<By>,
}

/// A question.
#[derive(Debug, Clone)]
pub(crate) enum HistoryAsk {
    /// What an account had at a moment.
    Balance { account: AccountId, at: Timestamp },
    /// Where a wallet's balance came from.
    Explain { account: AccountId, at: Option<Timestamp>, lang: Lang },
    /// A page of an account's statement.
    Statement { account: AccountId, query: StatementQuery },
    /// The six numbers.
    Finance(FinanceQuery),
}

impl HistoryAsk {
    /// The last moment that the answer is about; `None` when it is about all that there is.
    pub(super) const fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Balance { at, .. } => Some(*at),
            Self::Explain { at, .. } => *at,
            Self::Statement { query, .. } => before(query.to),
            Self::Finance(query) => match query.at {
                Some(at) => Some(at),
                None => before(query.to),
            },
        }
    }

    /// The field that names it.
    pub(super) const fn field(&self) -> &'static str {
        match self {
            Self::Balance { .. } | Self::Explain { .. } | Self::Finance(FinanceQuery { at: Some(_), .. }) => "at",
            Self::Statement { .. } | Self::Finance(_) => "to",
        }
    }
}

const fn before(to: Option<Timestamp>) -> Option<Timestamp> {
    match to {
        Some(to) => Some(to.saturating_sub(1)),
        None => None,
    }
}

/// A statement's parameters as a URL has them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementParams {
    pub(crate) cursor: Option<String>,
    limit: Option<String>,
    from: Option<String>,
    to: Option<String>,
    order: Option<String>,
    pub(crate) format: Option<String>,
}

impl StatementQuery {
    /// Checks the parameters.
    pub(crate) fn from_params(params: &StatementParams) -> Result<Self, Reject> {
        let order = match params.order.as_deref() {
            None | Some("oldest") => Order::Oldest,
            Some("newest") => Order::Newest,
            Some(_) => return Err(Reject::bad_request("order", "is oldest or newest")),
        };
        let limit = match params.limit.as_deref().map(str::parse) {
            None => PAGE,
            Some(Ok(limit)) if (1..=PAGE_MAX).contains(&limit) => limit,
            Some(_) => return Err(Reject::bad_request("limit", format!("is a number from 1 to {PAGE_MAX}"))),
        };
        let (from, to) = (moment("from", params.from.as_deref())?, moment("to", params.to.as_deref())?);
        period(from, to)?;
        let cursor = params.cursor.as_deref().map(|text| read_cursor(text, order)).transpose()?;
        Ok(Self { from, to, order, cursor, up_to: None, limit })
    }
}

/// A report's parameters as a URL has them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinanceParams {
    pub(crate) at: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) by: Option<String>,
    pub(crate) format: Option<String>,
}

impl FinanceQuery {
    /// Checks the parameters.
    pub(crate) fn from_params(params: &FinanceParams) -> Result<Self, Reject> {
        let of = |name, text: &Option<String>| moment(name, text.as_deref());
        let (at, from, to) = (of("at", &params.at)?, of("from", &params.from)?, of("to", &params.to)?);
        if at.is_some() && (from.is_some() || to.is_some()) {
            return Err(Reject::bad_request("at", "a report is of a moment or of a period, not both"));
        }
        if to.is_some() && from.is_none() {
            return Err(Reject::bad_request("from", "is missing: a period has a begin"));
        }
        period(from, to)?;
        let by = match params.by.as_deref() {
            None => None,
            Some("product") => Some(By::Product),
            Some("channel") => Some(By::Channel),
            Some("offer") => Some(By::Offer),
            Some(_) => return Err(Reject::bad_request("by", "is product, channel or offer")),
        };
        Ok(Self { at, from, to, by })
    }
}

/// A moment that may be missing.
pub(crate) fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Reject> {
    text.map(|text| time::parse(text).map_err(|reason| Reject::bad_request(name, reason))).transpose()
}

fn period(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(), Reject> {
    match (from, to) {
        (Some(from), Some(to)) if from >= to => Err(Reject::bad_request("to", "is not after from")),
        _ => Ok(()),
    }
}

/// A cursor: the order and the position that a page ended with. What is booked later stands behind every
/// cursor of an oldest-first statement and before every one of a newest-first, so pages never shift.
pub(super) fn write_cursor(order: Order, position: Position) -> String {
    let mark = match order {
        Order::Oldest => 'o',
        Order::Newest => 'n',
    };
    format!("{mark}{position:x}")
}

fn read_cursor(text: &str, order: Order) -> Result<Position, Reject> {
    let bad = || Reject::bad_request("cursor", "is not one that this statement gave, in this order");
    let position = u64::from_str_radix(text.get(1..).ok_or_else(bad)?, 16).map_err(|_| bad())?;
    if write_cursor(order, position) == text { Ok(position) } else { Err(bad()) }
}
