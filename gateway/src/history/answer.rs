//! Answers of the history as JSON.

use super::ask::{FinanceQuery, HistoryAsk, Order, StatementQuery, write_cursor};
use super::service::Refused;
use super::words;
use crate::wire::answer::{funding, head, line, lines, rule_name};
use crate::wire::write::{amount, field, flag, key, moment, number, text};
use fentan_engine::accounts::{AccountKind, Bucket, Fund, NEVER, Timestamp};
use fentan_engine::catalog::Catalog;
use fentan_engine::history::{
    AccountRow, Amounts, CurrencyReport, Details, Explained, FinanceAsk, Flow, Line, LotStory, PastBalance, Period,
    Reading, Report, Six, Wanted,
};
use fentan_engine::ledger::Lang;
use fentan_engine::ledger::{Command, Event, Record, Reject};
use fentan_engine::money::{Currency, write_minor};
use fentan_engine::names::{AccountId, CommandId, Label};

/// Writes the answer, one object without a newline.
pub(super) fn write(
    id: &CommandId,
    ask: &HistoryAsk,
    reading: &Reading<'_>,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::with_capacity(1024);
    head(&mut out, id.as_str());
    out.extend_from_slice(b",\"ok\":true");
    match ask {
        HistoryAsk::Balance { account, at } => {
            let past = reading.balance_at(account.as_str(), *at)?.ok_or_else(|| unknown(account))?;
            number(&mut out, "seq", past.position);
            moment(&mut out, "at", *at);
            past_balance(&mut out, &past, catalog);
        }
        HistoryAsk::Explain { account, at, lang } => {
            explain(&mut out, account, at.unwrap_or(now), *lang, reading, catalog)?;
        }
        HistoryAsk::Statement { account, query } => statement(&mut out, account, query, reading, catalog)?,
        HistoryAsk::Finance(query) => {
            let report = report(reading, query, catalog, now)?;
            finance(&mut out, &report, query, now);
        }
    }
    number(&mut out, "indexed_to", reading.meta.indexed_to);
    out.push(b'}');
    Ok(out)
}

pub(super) fn unknown(account: &AccountId) -> Refused {
    Refused::Reject(Reject::UnknownAccount { account: account.clone() })
}

fn past_balance(out: &mut Vec<u8>, past: &PastBalance, catalog: &Catalog) {
    let AccountRow { kind, currency, .. } = past.account;
    field(out, "account", past.account.name.as_str());
    field(out, "kind", kind.word());
    if kind != AccountKind::System {
        field(out, "status", past.status.word());
    }
    field(out, "currency", currency.code());
    if let Some(product) = &past.account.product {
        field(out, "product", product.as_str());
    }
    figures(out, "balance", kind, &past.amounts, catalog, currency);
    if kind == AccountKind::Merchant {
        promoted(out, "promoted", &past.amounts, currency);
    }
}

/// The names and values of an account's figures.
pub(super) fn named_figures<'c>(kind: AccountKind, amounts: &Amounts, catalog: &'c Catalog) -> Vec<(&'c str, i128)> {
    let both = |bucket| amounts.proceeds(bucket, Fund::Paid) + amounts.proceeds(bucket, Fund::Promoted);
    match kind {
        AccountKind::Wallet => {
            let mut named =
                vec![("available", amounts.available()), ("held", amounts.held()), ("arrears", amounts.arrears())];
            named.extend(catalog.subs().map(|(sub, name)| (name, amounts.sub(sub))));
            named
        }
        AccountKind::Merchant => {
            let mut named = vec![("available", both(Bucket::Payable))];
            named.extend(Bucket::ALL.map(|bucket| (bucket.word(), both(bucket))));
            named
        }
        AccountKind::System => vec![("available", amounts.system())],
    }
}

fn figures(out: &mut Vec<u8>, name: &str, kind: AccountKind, amounts: &Amounts, catalog: &Catalog, currency: Currency) {
    key(out, name);
    object(out, &named_figures(kind, amounts, catalog), currency);
}

fn promoted(out: &mut Vec<u8>, name: &str, amounts: &Amounts, currency: Currency) {
    key(out, name);
    object(out, &Bucket::ALL.map(|bucket| (bucket.word(), amounts.proceeds(bucket, Fund::Promoted))), currency);
}

fn object(out: &mut Vec<u8>, named: &[(&str, i128)], currency: Currency) {
    for (n, (name, minor)) in named.iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"{\"" } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":\"");
        write_minor(out, *minor, currency.exponent());
        out.push(b'"');
    }
    out.push(b'}');
}

/// The entries that a query wants.
pub(super) fn wanted(query: &StatementQuery) -> Wanted {
    Wanted {
        from: query.from.unwrap_or(Timestamp::MIN),
        to: query.to.unwrap_or(Timestamp::MAX),
        newest_first: query.order == Order::Newest,
        cursor: query.cursor,
        up_to: query.up_to.unwrap_or(u64::MAX),
        limit: query.limit,
    }
}

fn statement(
    out: &mut Vec<u8>,
    account: &AccountId,
    query: &StatementQuery,
    reading: &Reading<'_>,
    catalog: &Catalog,
) -> Result<(), Refused> {
    let row = reading.account(account.as_str())?.ok_or_else(|| unknown(account))?;
    let page = reading.statement(account.as_str(), &wanted(query))?;
    field(out, "account", account.as_str());
    field(out, "kind", row.kind.word());
    field(out, "currency", row.currency.code());
    field(out, "order", query.order.word());
    key(out, "entries");
    out.push(b'[');
    let mut details = reading.details();
    for (n, line) in page.lines.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        entry(out, &row, line, &mut details, catalog)?;
    }
    out.push(b']');
    if let Some(next) = page.next {
        field(out, "next_cursor", write_cursor(query.order, next));
    }
    Ok(())
}

fn entry(
    out: &mut Vec<u8>,
    row: &AccountRow,
    line: &Line,
    details: &mut Details<'_>,
    catalog: &Catalog,
) -> Result<(), Refused> {
    let AccountRow { kind, currency, .. } = *row;
    out.extend_from_slice(b"{\"seq\":");
    out.extend_from_slice(line.position.to_string().as_bytes());
    moment(out, "at", line.entry.at);
    field(out, "entry", line.entry.kind.word());
    figures(out, "change", kind, &line.change, catalog, currency);
    figures(out, "balance", kind, &line.entry.after, catalog, currency);
    if kind == AccountKind::Merchant {
        promoted(out, "promoted_change", &line.change, currency);
        promoted(out, "promoted", &line.entry.after, currency);
    }
    if let Some((record, by)) = details.record_and_caller(line.position)? {
        detail(out, &row.name, &record, catalog);
        if let Some(by) = by {
            field(out, "by", by.as_str());
        }
    }
    out.push(b'}');
    Ok(())
}

/// What of a record belongs to the entry of an account, beside its figures.
#[derive(Default)]
pub(super) struct Detail<'r> {
    /// What the ledger did by itself has no id of a client's.
    pub(super) id: Option<&'r str>,
    /// The other account, and the name of the field for it.
    pub(super) other: Option<(&'static str, &'r AccountId)>,
    pub(super) rule: Option<(&'r str, u32)>,
    pub(super) order: Option<&'r str>,
    pub(super) reason: Option<&'r str>,
}

impl<'r> Detail<'r> {
    pub(super) fn of(account: &AccountId, record: &'r Record) -> Self {
        let own = record.account() == Some(account);
        let other = match (&record.command, own) {
            (Command::Transfer(ask), true) => Some(("to", &ask.to)),
            (Command::Transfer(ask), false) => Some(("from", &ask.from)),
            (_, true) => record.merchant().map(|merchant| ("merchant", merchant)),
            (_, false) => record.account().map(|wallet| ("wallet", wallet)),
        };
        let rule = match &record.event {
            Event::Spent { rule, version, .. }
            | Event::Held { rule, version, .. }
            | Event::Transferred { rule, version, .. } => Some((rule.as_str(), *version)),
            _ => None,
        };
        let (mut order, mut reason) = (None, None);
        match &record.command {
            Command::Spend(ask) | Command::Hold(ask, _) => order = ask.order.as_ref().map(Label::as_str),
            Command::TopUp(ask) => order = ask.channel_order.as_ref().map(Label::as_str),
            Command::Refund(ask) => reason = ask.reason.as_deref(),
            _ => {}
        }
        // Its first character is none that a client can send.
        let id = Some(record.id.as_str()).filter(|id| !id.starts_with('\u{1}'));
        Self { id, other, rule, order, reason }
    }
}

fn detail(out: &mut Vec<u8>, account: &AccountId, record: &Record, catalog: &Catalog) {
    let detail = Detail::of(account, record);
    if let Some(id) = detail.id {
        field(out, "id", id);
    }
    if let Some((name, other)) = detail.other {
        field(out, name, other.as_str());
    }
    if let Some((rule, version)) = detail.rule {
        rule_name(out, rule, version);
    }
    if let Some(order) = detail.order {
        field(out, "order", order);
    }
    if let Some(reason) = detail.reason {
        field(out, "reason", reason);
    }
    match (&record.event, &record.command) {
        (Event::ToppedUp { granted, .. }, _) => grants(out, record.id.as_str(), granted, record.currency, catalog),
        (Event::TopUpConfirmed { granted, .. }, Command::ConfirmTopUp(ask)) => {
            grants(out, ask.top_up.as_str(), granted, record.currency, catalog);
        }
        (event, _) => {
            if let Some(taken) = event.taken() {
                lines(out, taken, catalog, record.currency);
            }
        }
    }
}

fn grants(
    out: &mut Vec<u8>,
    lot: &str,
    granted: &fentan_engine::ledger::Granted,
    currency: Currency,
    catalog: &Catalog,
) {
    key(out, "lines");
    out.push(b'[');
    for (n, grant) in granted.grants.iter().enumerate() {
        line(out, n, lot, catalog.sub_name(grant.sub), grant.amount, currency);
    }
    out.push(b']');
}

/// A wallet's balance with its lots, explained.
pub(super) fn explained(reading: &Reading<'_>, account: &AccountId, at: Timestamp) -> Result<Explained, Refused> {
    let row = reading.account(account.as_str())?.ok_or_else(|| unknown(account))?;
    if row.kind != AccountKind::Wallet {
        let (is, needed) = (row.kind.word().into(), AccountKind::Wallet.word().into());
        return Err(Refused::Reject(Reject::WrongKind { account: account.clone(), is, needed }));
    }
    reading.explain(account.as_str(), at)?.ok_or_else(|| unknown(account))
}

fn explain(
    out: &mut Vec<u8>,
    account: &AccountId,
    at: Timestamp,
    lang: Lang,
    reading: &Reading<'_>,
    catalog: &Catalog,
) -> Result<(), Refused> {
    let explained = explained(reading, account, at)?;
    let currency = explained.balance.account.currency;
    number(out, "seq", explained.balance.position);
    moment(out, "at", at);
    past_balance(out, &explained.balance, catalog);
    key(out, "lots");
    out.push(b'[');
    for (n, story) in explained.lots.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        lot(out, story, catalog, currency);
    }
    out.push(b']');
    number(out, "entries", explained.entries);
    if explained.missing > 0 {
        number(out, "missing", explained.missing);
    }
    flag(out, "tied", explained.tied());
    field(out, "lang", crate::words::word(lang));
    key(out, "text");
    out.push(b'[');
    for (n, sentence) in words::explained(&explained, catalog, lang).iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        text(out, sentence);
    }
    out.push(b']');
    Ok(())
}

fn lot(out: &mut Vec<u8>, story: &LotStory, catalog: &Catalog, currency: Currency) {
    out.extend_from_slice(b"{\"lot\":");
    text(out, story.lot.as_str());
    if let Some(origin) = &story.origin {
        number(out, "seq", origin.position);
        moment(out, "at", origin.at);
        field(out, "topped_up", origin.account.as_str());
        field(out, "channel", origin.channel.as_str());
        if let Some(order) = &origin.channel_order {
            field(out, "channel_order", order.as_str());
        }
        if let Some(offer) = &origin.offer {
            field(out, "offer", offer.as_str());
        }
        field(out, "funding", funding(origin.funding));
    }
    key(out, "parts");
    out.push(b'[');
    for (n, part) in story.parts.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{\"sub\":" } else { b"{\"sub\":" });
        text(out, catalog.sub_name(part.sub));
        for flow in Flow::ALL.into_iter().filter(|flow| part.flow(*flow) != 0) {
            amount(out, flow.word(), part.flow(flow), currency);
        }
        amount(out, "held", part.held, currency);
        amount(out, "left", part.left(), currency);
        if part.expires_at != NEVER {
            moment(out, "expires_at", part.expires_at);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// The report that a query asks for.
pub(super) fn report(
    reading: &Reading<'_>,
    query: &FinanceQuery,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Report, Refused> {
    let to = query.to.unwrap_or_else(|| query.at.unwrap_or(now).saturating_add(1));
    if query.from.is_some_and(|from| from >= to) {
        return Err(Refused::Reject(Reject::bad_request("from", "is in the future")));
    }
    let ask = FinanceAsk { from: query.from, to, by: query.by, promoted: catalog.promoted() };
    Ok(reading.finance(&ask)?)
}

fn finance(out: &mut Vec<u8>, report: &Report, query: &FinanceQuery, now: Timestamp) {
    if let Some(from) = query.from {
        moment(out, "from", from);
        moment(out, "to", query.to.unwrap_or(now));
    } else {
        moment(out, "at", query.at.unwrap_or(now));
    }
    if let Some(by) = query.by {
        field(out, "by", by.word());
    }
    flag(out, "tied", report.tied());
    key(out, "currencies");
    out.push(b'{');
    for (n, currency) in report.currencies.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        currency_report(out, currency, query);
    }
    out.push(b'}');
}

fn currency_report(out: &mut Vec<u8>, report: &CurrencyReport, query: &FinanceQuery) {
    let of_period = query.from.is_some();
    text(out, report.currency.code());
    out.push(b':');
    six(out, &report.total, of_period, report.currency);
    out.pop();
    if let Some(by) = query.by {
        key(out, "groups");
        out.push(b'[');
        for (n, (name, period)) in report.groups.iter().enumerate() {
            out.extend_from_slice(if n > 0 { b",{\"" } else { b"{\"" });
            out.extend_from_slice(by.word().as_bytes());
            out.extend_from_slice(b"\":");
            match name {
                Some(name) => text(out, name.as_str()),
                None => out.extend_from_slice(b"null"),
            }
            let mut figures = Vec::new();
            six(&mut figures, period, of_period, report.currency);
            figures[0] = b',';
            out.extend_from_slice(&figures);
        }
        out.push(b']');
    }
    key(out, "differences");
    out.push(b'[');
    for (n, difference) in report.differences.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{\"figure\":" } else { b"{\"figure\":" });
        text(out, difference.name);
        amount(out, "by_lots", difference.by_lots, report.currency);
        amount(out, "by_chart", difference.by_chart, report.currency);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// The six numbers of a moment, or those at the begin and the end of a period and their change.
fn six(out: &mut Vec<u8>, period: &Period, of_period: bool, currency: Currency) {
    let named = |six: &Six| Six::NAMES.into_iter().zip(six.values()).collect::<Vec<_>>();
    if !of_period {
        return object(out, &named(&period.closing), currency);
    }
    for (n, (name, six)) in
        [("opening", period.opening), ("closing", period.closing), ("change", period.change())].iter().enumerate()
    {
        out.extend_from_slice(if n == 0 { b"{\"" } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        object(out, &named(six), currency);
    }
    out.push(b'}');
}
