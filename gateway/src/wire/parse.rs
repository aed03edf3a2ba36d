//! Fields to checked requests.
//!
//! Every field of the object must be one that the operation knows, once, and of the right form; the first
//! that is not is named. What needs the books (the currency's decimals, the account) is the engine's
//! matter.

use super::fast::plain_batch;
use super::json::{self, Element, Fields, Value};
use super::order_lines::order_lines;
use super::time;
use crate::history::HistoryAsk;
use crate::words;
use fentan_engine::accounts::{AccountKind, Funding, NEVER, Timestamp};
use fentan_engine::ledger::{
    Capture, Command, ConfirmTopUp, Lang, OpenAccount, Query, QuoteTopUpRefund, Refund, RefundPolicy, RefundTopUp,
    Reject, Release, Spend, TopUp, TopUpRefundState, TopUpState, Transfer,
};
use fentan_engine::money::Major;
use fentan_engine::names::{AccountId, CommandId, Label, NAME_MAX};
use fentan_engine::runtime::{Body, Request};
use smallvec::SmallVec;
use std::borrow::Cow;

/// A request that could not be read, and its id as far as one could be found.
#[derive(Debug)]
pub(crate) struct Malformed {
    /// The id, as it was given; not necessarily a valid one, but never a long one.
    pub(crate) id: Option<String>,
    /// What is wrong.
    pub(crate) reject: Reject,
}

/// A request for the engine, or for the history beside it.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The engine's.
    Engine(Request),
    /// The history's.
    History(CommandId, HistoryAsk),
    /// A connection shows its token; the id may be missing.
    Auth(Option<CommandId>, Token),
}

/// A token as a client sent it: never shown.
pub(crate) struct Token(pub(crate) String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A line: one request, or a batch.
#[derive(Debug)]
pub(crate) enum Line {
    /// One.
    One(Result<Asked, Malformed>),
    /// A batch, answered by one array.
    Batch(Vec<Result<Asked, Malformed>>),
    /// A batch of plain requests, all the engine's.
    Plain(Vec<Request>),
    /// Nothing but blanks.
    Blank,
}

/// The operation that shows a token.
const AUTH: &str = "auth";
/// The most tags a spend may have.
const MAX_TAGS: usize = 16;
/// The longest reason of a refund, in bytes.
pub(super) const MAX_REASON: usize = 256;
/// The longest id that an answer repeats, in bytes; a longer one is not valid anyway.
const SHOWN_ID: usize = 256;

/// The start of what a client wrote, for a message: nothing of a client's is repeated at any length.
pub(super) fn excerpt(text: &str) -> String {
    let start: String = text.chars().take(NAME_MAX).collect();
    if start.len() < text.len() { format!("{start:?}...") } else { format!("{start:?}") }
}

/// Reads a line. What [`plain_line`](super::plain_line) can read it reads faster.
pub(crate) fn parse_line(line: &[u8], max_batch: usize) -> Line {
    match plain_batch(line, max_batch) {
        Some(requests) => Line::Plain(requests),
        None => read_line(line, max_batch),
    }
}

/// Reads a line the general way, which says what is wrong with it.
pub(crate) fn read_line(line: &[u8], max_batch: usize) -> Line {
    let line = line.trim_ascii();
    let malformed = |error: serde_json::Error| Malformed { id: None, reject: Reject::bad_request("request", error) };
    match line.first() {
        None => Line::Blank,
        Some(b'[') => match json::batch(line, max_batch) {
            Ok(batch) if batch.count == 0 => {
                Line::One(Err(Malformed { id: None, reject: Reject::bad_request("request", "the batch is empty") }))
            }
            Ok(batch) if batch.count > max_batch => {
                let reason = format!("the batch has {} requests, the limit is {max_batch}", batch.count);
                Line::One(Err(Malformed { id: None, reject: Reject::bad_request("request", reason) }))
            }
            Ok(batch) => Line::Batch(batch.first.into_iter().map(element).collect()),
            Err(error) => Line::One(Err(malformed(error))),
        },
        Some(_) => Line::One(serde_json::from_slice::<Element<'_>>(line).map_err(malformed).and_then(element)),
    }
}

fn element(element: Element<'_>) -> Result<Asked, Malformed> {
    match element {
        Element::Object(fields) => request(fields),
        Element::Other(kind) => Err(Malformed {
            id: None,
            reject: Reject::bad_request("request", format!("a request is an object, not {kind}")),
        }),
    }
}

fn request(fields: Fields<'_>) -> Result<Asked, Malformed> {
    let mut fields = Taker::new(fields);
    let result = read(&mut fields);
    let id = fields.id.take();
    result.map_err(|reject| Malformed { id, reject })
}

fn read(fields: &mut Taker<'_>) -> Result<Asked, Reject> {
    // The id first, so that every other complaint can carry it.
    let id = fields.text("id");
    fields.id = id.as_ref().ok().and_then(Option::as_deref).filter(|id| id.len() <= SHOWN_ID).map(str::to_owned);
    if fields.fields.too_many {
        return Err(Reject::bad_request("request", format!("has more than {} fields", json::KEPT_FIELDS)));
    }
    let id = id?.map(|id| CommandId::new(&id).map_err(|error| Reject::bad_request("id", error))).transpose()?;
    let op = fields.text("op");
    if let Ok(Some(op)) = &op
        && op == AUTH
    {
        let token = Token(fields.needed("token")?.into_owned());
        fields.finish(op)?;
        return Ok(Asked::Auth(id, token));
    }
    let id = id.ok_or_else(|| Reject::bad_request("id", "is missing"))?;
    let op = op?.ok_or_else(|| Reject::bad_request("op", "is missing"))?;
    if let Some(ask) = history(fields, &op)? {
        fields.finish(&op)?;
        return Ok(Asked::History(id, ask));
    }
    let body = body(fields, &id, &op)?;
    fields.finish(&op)?;
    Ok(Asked::Engine(Request { id, body }))
}

/// What the history answers: the past, and where a balance came from.
fn history(fields: &mut Taker<'_>, op: &str) -> Result<Option<HistoryAsk>, Reject> {
    Ok(match op {
        "balance" => {
            let Some(at) = fields.time("at")? else { return Ok(None) };
            Some(HistoryAsk::Balance { account: fields.account("account")?, at })
        }
        "explain" if fields.has("account") => Some(HistoryAsk::Explain {
            account: fields.account("account")?,
            at: fields.time("at")?,
            lang: fields.lang()?,
        }),
        _ => None,
    })
}

fn body(fields: &mut Taker<'_>, id: &CommandId, op: &str) -> Result<Body, Reject> {
    let command = match op {
        "spend" => Command::Spend(spend(fields)?),
        "top_up" => Command::TopUp(top_up(fields)?),
        "refund" => Command::Refund(refund(fields)?),
        "balance" => return Ok(Body::Query(Query::Balance(fields.account("account")?))),
        "hold" => Command::Hold(spend(fields)?, fields.time("expires_at")?.unwrap_or(NEVER)),
        "capture" => Command::Capture(Capture { hold: fields.command("hold")?, amount: fields.amount("amount")? }),
        "release" => Command::Release(Release { hold: fields.command("hold")?, amount: fields.amount("amount")? }),
        "confirm_top_up" => Command::ConfirmTopUp(ConfirmTopUp {
            top_up: fields.command("top_up")?,
            amount: fields.amount("amount")?,
            funding: fields.funding()?,
        }),
        "fail_top_up" => Command::FailTopUp(fields.command("top_up")?),
        "transfer" => Command::Transfer(Transfer {
            from: fields.account("from")?,
            to: fields.account("to")?,
            amount: fields.needed_amount("amount")?,
            rule: fields.label("rule")?,
        }),
        "open_account" => Command::OpenAccount(open_account(fields)?),
        "freeze" => Command::Freeze(fields.account("account")?),
        "unfreeze" => Command::Unfreeze(fields.account("account")?),
        "close_account" => Command::CloseAccount(fields.account("account")?),
        "refund_top_up" => Command::RefundTopUp(refund_top_up(fields)?),
        "quote" if fields.has("top_up") => {
            return Ok(Body::Query(Query::QuoteTopUpRefund(QuoteTopUpRefund {
                top_up: fields.command("top_up")?,
                policy: fields.policy()?,
                amount: fields.amount("amount")?,
                lang: fields.lang()?,
            })));
        }
        "quote" => {
            let lang = fields.lang()?;
            return Ok(Body::Query(Query::Quote(spend(fields)?, lang)));
        }
        "explain" => {
            let lang = fields.lang()?;
            return Ok(Body::Query(Query::Explain(fields.command("spend")?, lang)));
        }
        "ping" => return Ok(Body::Query(Query::Ping)),
        other => {
            if let Some(ask) = super::clearing_asks::read(fields, id, other)? {
                return Ok(Body::Command(Command::Clear(Box::new(ask))));
            }
            let known = "open_account, top_up, confirm_top_up, fail_top_up, spend, quote, explain, hold, capture, release, refund, \
                         refund_top_up, transfer, freeze, unfreeze, close_account, balance, split, release_split, \
                         return_split, send_payout, confirm_payout, fail_payout, withdraw_funds, auth, ping";
            return Err(Reject::bad_request(
                "op",
                format!("there is no operation {}; there are {known}", excerpt(other)),
            ));
        }
    };
    Ok(Body::Command(command))
}

fn spend(fields: &mut Taker<'_>) -> Result<Spend, Reject> {
    Ok(Spend {
        account: fields.account("account")?,
        merchant: fields.account("merchant")?,
        amount: fields.needed_amount("amount")?,
        rule: fields.label("rule")?,
        order: fields.label("order")?,
        tags: fields.tags()?,
        lines: order_lines(fields.take("lines"))?,
    })
}

fn top_up(fields: &mut Taker<'_>) -> Result<TopUp, Reject> {
    Ok(TopUp {
        account: fields.account("account")?,
        principal: fields.needed_amount("principal")?,
        bonus: fields.amount("bonus")?,
        offer: fields.label("offer")?,
        channel: fields.label("channel")?,
        channel_order: fields.label("channel_order")?,
        funding: fields.funding()?.unwrap_or_default(),
        expires_at: fields.time("expires_at")?,
        bonus_expires_at: fields.time("bonus_expires_at")?,
        state: match fields.text("state")?.as_deref() {
            None | Some("confirmed") => TopUpState::Confirmed,
            Some("pending") => TopUpState::Pending,
            Some(other) => {
                return Err(Reject::bad_request("state", format!("is pending or confirmed, not {}", excerpt(other))));
            }
        },
    })
}

fn refund(fields: &mut Taker<'_>) -> Result<Refund, Reject> {
    let reason = fields.text("reason")?.map(Cow::into_owned);
    if reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON) {
        return Err(Reject::bad_request("reason", format!("is longer than {MAX_REASON} bytes")));
    }
    Ok(Refund {
        spend: fields.command("spend")?,
        amount: fields.amount("amount")?,
        line: fields.label("line")?,
        reason,
    })
}

fn refund_top_up(fields: &mut Taker<'_>) -> Result<RefundTopUp, Reject> {
    Ok(RefundTopUp {
        top_up: fields.command("top_up")?,
        policy: fields.policy()?,
        amount: fields.amount("amount")?,
        state: match fields.text("state")?.as_deref() {
            None => None,
            Some("requested") => Some(TopUpRefundState::Requested),
            Some("confirmed") => Some(TopUpRefundState::Confirmed),
            Some("failed") => Some(TopUpRefundState::Failed),
            Some(other) => {
                let reason = format!("is requested, confirmed or failed, not {}", excerpt(other));
                return Err(Reject::bad_request("state", reason));
            }
        },
    })
}

fn open_account(fields: &mut Taker<'_>) -> Result<OpenAccount, Reject> {
    let limits = super::limits::read(fields.take("limits"))?;
    let kind = match &*fields.needed("kind")? {
        "wallet" => AccountKind::Wallet,
        "merchant" => AccountKind::Merchant,
        other => return Err(Reject::bad_request("kind", format!("is wallet or merchant, not {}", excerpt(other)))),
    };
    Ok(OpenAccount {
        account: fields.account("account")?,
        kind,
        currency: fields.label("currency")?,
        product: fields.label("product")?,
        limits,
    })
}

/// A text that may be missing; `null` is missing. `name` says the field's name.
pub(super) fn text_of(name: impl FnOnce() -> String, value: Option<Value<'_>>) -> Result<Option<Cow<'_, str>>, Reject> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(other) => Err(Reject::bad_request(name(), format!("is a string, not {}", other.kind()))),
    }
}

/// An amount that may be missing.
pub(super) fn amount_of(name: impl FnOnce() -> String, value: Option<Value<'_>>) -> Result<Option<Major>, Reject> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => {
            Major::parse(text.as_bytes()).map(Some).map_err(|error| Reject::bad_request(name(), error))
        }
        Some(Value::Whole(_) | Value::Number) => Err(Reject::bad_request(
            name(),
            "an amount is a decimal string like \"12.34\", not a number: numbers lose cents",
        )),
        Some(other) => Err(Reject::bad_request(name(), format!("is a decimal string, not {}", other.kind()))),
    }
}

/// Takes fields out one by one; what is left over at the end is unknown.
pub(super) struct Taker<'a> {
    fields: Fields<'a>,
    id: Option<String>,
}

impl<'a> Taker<'a> {
    const fn new(fields: Fields<'a>) -> Self {
        Self { fields, id: None }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        // A name whose value is gone was taken before; one that stands twice is taken once.
        self.fields.first.iter_mut().find(|(key, _)| key == name).and_then(|(_, value)| value.take())
    }

    /// Whether a field is there; `null` is missing.
    fn has(&self, name: &str) -> bool {
        self.fields.first.iter().any(|(key, value)| key == name && !matches!(value, None | Some(Value::Null)))
    }

    /// A text that may be missing; `null` is missing.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Reject> {
        text_of(|| name.to_owned(), self.take(name))
    }

    pub(super) fn needed(&mut self, name: &str) -> Result<Cow<'a, str>, Reject> {
        self.text(name)?.ok_or_else(|| Reject::bad_request(name, "is missing"))
    }

    pub(super) fn account(&mut self, name: &str) -> Result<AccountId, Reject> {
        let text = self.needed(name)?;
        AccountId::new(&text).map_err(|error| Reject::bad_request(name, error))
    }

    pub(super) fn command(&mut self, name: &str) -> Result<CommandId, Reject> {
        let text = self.needed(name)?;
        CommandId::new(&text).map_err(|error| Reject::bad_request(name, error))
    }

    pub(super) fn label(&mut self, name: &str) -> Result<Option<Label>, Reject> {
        let text = self.text(name)?;
        text.map(|text| Label::new(&text).map_err(|error| Reject::bad_request(name, error))).transpose()
    }

    pub(super) fn amount(&mut self, name: &str) -> Result<Option<Major>, Reject> {
        amount_of(|| name.to_owned(), self.take(name))
    }

    pub(super) fn needed_amount(&mut self, name: &str) -> Result<Major, Reject> {
        self.amount(name)?.ok_or_else(|| Reject::bad_request(name, "is missing"))
    }

    fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Reject> {
        let text = self.text(name)?;
        text.map(|text| time::parse(&text).map_err(|reason| Reject::bad_request(name, reason))).transpose()
    }

    fn funding(&mut self) -> Result<Option<Funding>, Reject> {
        Ok(match self.text("funding")?.as_deref() {
            None => None,
            Some("debit_card") => Some(Funding::DebitCard),
            Some("credit_card") => Some(Funding::CreditCard),
            Some("wallet") => Some(Funding::Wallet),
            Some("unknown") => Some(Funding::Unknown),
            Some(other) => {
                let reason = format!("is debit_card, credit_card, wallet or unknown, not {}", excerpt(other));
                return Err(Reject::bad_request("funding", reason));
            }
        })
    }

    fn policy(&mut self) -> Result<Option<RefundPolicy>, Reject> {
        let Some(word) = self.text("policy")? else { return Ok(None) };
        RefundPolicy::of_word(&word).map(Some).ok_or_else(|| {
            let reason = format!("is ratio, paid_first, unspent or forced, not {}", excerpt(&word));
            Reject::bad_request("policy", reason)
        })
    }

    fn lang(&mut self) -> Result<Lang, Reject> {
        let Some(word) = self.text("lang")? else { return Ok(Lang::default()) };
        words::lang(&word)
            .ok_or_else(|| Reject::bad_request("lang", format!("{}, not {}", words::LANGS, excerpt(&word))))
    }

    fn tags(&mut self) -> Result<SmallVec<[Label; 0]>, Reject> {
        let list = match self.take("tags") {
            None | Some(Value::Null) => return Ok(SmallVec::new()),
            Some(Value::List(list)) => list,
            Some(other) => {
                return Err(Reject::bad_request("tags", format!("is a list of strings, not {}", other.kind())));
            }
        };
        if list.count > MAX_TAGS {
            return Err(Reject::bad_request("tags", format!("has {} tags, the limit is {MAX_TAGS}", list.count)));
        }
        let tag = |(n, value)| match value {
            Value::Text(text) => Label::new(&text).map_err(|error| Reject::bad_request(format!("tags[{n}]"), error)),
            other => Err(Reject::bad_request(format!("tags[{n}]"), format!("is a string, not {}", other.kind()))),
        };
        list.first.into_iter().enumerate().map(tag).collect()
    }

    /// Whatever was not taken should not be there.
    fn finish(&self, op: &str) -> Result<(), Reject> {
        let fields = &self.fields.first;
        let Some((name, _)) = fields.iter().find(|(_, value)| value.is_some()) else { return Ok(()) };
        let twice = fields.iter().any(|(key, value)| key == name && value.is_none());
        let reason = if twice { "stands twice".to_owned() } else { format!("{op} has no field of this name") };
        // The name is the client's own text: shown, but not at any length.
        Err(Reject::bad_request(name.chars().take(NAME_MAX).collect::<String>(), reason))
    }
}
