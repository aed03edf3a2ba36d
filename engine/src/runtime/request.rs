//! What goes into the engine and what comes out.

use super::Caller;
use crate::accounts::{Funding, Limits, Proceeds, Status, TakenBack};
use crate::accounts::{Timestamp, Totals};
use crate::catalog::Catalog;
use crate::clearing::Document;
use crate::journal::Position;
use crate::ledger::decide::top_up_refund::PolicyQuote;
use crate::ledger::{Balances, Command, GivenBack, Lang, OrderTable, Query, Record, Reject, Taken, Told};
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use std::sync::Arc;

/// What a request asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Something that may change the books.
    Command(Command),
    /// Something that does not.
    Query(Query),
}

impl Body {
    /// The id of an earlier command that this one is about, when it names its account by that alone.
    #[must_use]
    pub fn refers_to(&self) -> Option<&CommandId> {
        match self {
            Self::Command(Command::ConfirmTopUp(ask)) => Some(&ask.top_up),
            Self::Command(Command::FailTopUp(id)) | Self::Query(Query::Show(id) | Query::Explain(id, _)) => Some(id),
            Self::Command(Command::RefundTopUp(ask)) => Some(&ask.top_up),
            Self::Query(Query::QuoteTopUpRefund(ask)) => Some(&ask.top_up),
            Self::Command(Command::Capture(ask)) => Some(&ask.hold),
            Self::Command(Command::Release(ask)) => Some(&ask.hold),
            Self::Command(Command::Refund(ask)) => Some(&ask.spend),
            Self::Command(_) | Self::Query(_) => None,
        }
    }

    /// Whether later requests can be about this one by its id alone.
    #[must_use]
    pub const fn can_be_referred_to(&self) -> bool {
        let Self::Command(command) = self else { return false };
        matches!(command, Command::TopUp(_) | Command::Spend(_) | Command::Hold(..) | Command::Capture(_))
    }
}

/// A request, checked for form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The client's id.
    pub id: CommandId,
    /// What it asks.
    pub body: Body,
}

/// What a request came to.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// A record, of this command or, when `replayed`, of the first one with its id.
    Recorded {
        /// The record.
        record: &'a Record,
        /// Whether it was there before.
        replayed: bool,
    },
    /// What a query found.
    Found {
        /// The client's id.
        id: &'a CommandId,
        /// When.
        at: Timestamp,
        /// What.
        found: &'a Found,
    },
    /// No, and nothing is remembered.
    Refused {
        /// The client's id.
        id: &'a CommandId,
        /// Why.
        reject: &'a Reject,
    },
}

/// The position that an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seq {
    /// Of a record that was there before.
    Known(Position),
    /// Of a record of the step under way: its number among them. [`Reply::place`] says where they begin.
    Fresh(u32),
    /// Where the books stand when the step has ended.
    AsOf,
}

impl Seq {
    /// The position, when the step's records begin at `first` and the books then stand at `as_of`.
    #[must_use]
    pub fn resolve(self, first: Position, as_of: Position) -> Position {
        match self {
            Self::Known(position) => position,
            Self::Fresh(number) => first + u64::from(number),
            Self::AsOf => as_of,
        }
    }
}

/// What a query found.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it lives for one answer, on the stack")]
pub enum Found {
    /// A wallet.
    Wallet(WalletView),
    /// A merchant, all slices together.
    Merchant(MerchantView),
    /// A system account, all slices together.
    System {
        /// The account.
        account: AccountId,
        /// Its currency.
        currency: Currency,
        /// Its balance in minor units; credits are positive.
        balance: i128,
    },
    /// What a spend would be split into.
    Quote(Box<QuoteView>),
    /// A spend or capture that is to be explained.
    Explain {
        /// The record.
        record: Box<Record>,
        /// Its position.
        seq: Seq,
        /// What refunds have given back of it.
        refunded: i64,
        /// In which language.
        lang: Lang,
        /// Who asked for it, when that is known.
        by: Option<Label>,
    },
    /// What the refund of a top-up would give.
    TopUpRefundQuote {
        /// The top-up.
        top_up: CommandId,
        /// The wallet's currency.
        currency: Currency,
        /// In which language.
        lang: Lang,
        /// By the policy that was named, or the product's.
        chosen: PolicyQuote,
        /// By each policy, when neither policy nor amount was named.
        all: Vec<PolicyQuote>,
    },
    /// A record by its id.
    Shown {
        /// The record.
        record: Box<Record>,
        /// Its position.
        seq: Seq,
        /// What refunds have given back of it.
        refunded: GivenBack,
        /// Whether it is a hold that is open, with what is left of it.
        held: Option<i64>,
        /// In which state a top-up is.
        top_up: Option<TopUpStanding>,
        /// What was taken back of a top-up.
        taken_back: Option<Box<TakenBack>>,
        /// Who asked for it, when that is known.
        by: Option<Label>,
    },
    /// A document of the clearing line, if there is one.
    Document(Option<Box<Document>>),
    /// The chart of accounts.
    Trial(Totals),
    /// Alive.
    Pong,
}

/// What a spend would be split into, or what is short, and each step on the way.
#[derive(Debug)]
pub struct QuoteView {
    /// In which language.
    pub lang: Lang,
    /// The steps.
    pub told: Told,
    /// The lines, the order lines by sub-balances and the wallet afterwards, or why there are none.
    pub result: Result<(Taken, Option<Box<OrderTable>>, Balances), Reject>,
}

/// In which state a top-up is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopUpStanding {
    /// Its channel's word is awaited.
    Pending,
    /// Its money is there.
    Confirmed,
    /// Its money will not come.
    Failed,
}

/// A wallet as a query shows it.
#[derive(Debug)]
pub struct WalletView {
    /// Its name.
    pub account: AccountId,
    /// Its status.
    pub status: Status,
    /// Its currency.
    pub currency: Currency,
    /// Its product.
    pub product: Label,
    /// Its figures.
    pub balances: Balances,
    /// The limits in force.
    pub limits: Limits,
    /// What they have counted today.
    pub spent_today: i64,
    /// Its lots that have something left, oldest first.
    pub lots: Vec<LotView>,
}

/// A lot as a query shows it.
#[derive(Debug)]
pub struct LotView {
    /// The top-up.
    pub id: CommandId,
    /// How it was paid.
    pub funding: Funding,
    /// Sub-balance, what came in, what is left, when it ends.
    pub parts: Vec<crate::accounts::Part>,
}

/// A merchant as a query shows it.
#[derive(Debug)]
pub struct MerchantView {
    /// Its name.
    pub account: AccountId,
    /// Its status.
    pub status: Status,
    /// Its currency.
    pub currency: Currency,
    /// Its money.
    pub proceeds: Proceeds,
}

/// Where the answers of a [`Parcel`] go.
///
/// The engine calls [`Reply::put`] once for each request, in the parcel's order, as soon as it is decided;
/// [`Reply::place`] when the records of that step have their positions; and [`Reply::release`] when the answers
/// may leave, which is when everything they rest on is durable (rule E2). A reply that is dropped without
/// release must let nothing out.
pub trait Reply: Send + 'static {
    /// One more answer. It may be written down, not sent; its position may not be known yet.
    fn put(&mut self, answer: Answer<'_>);
    /// Of the answers put since the last call, [`Seq::Fresh`] is counted from `first`, and [`Seq::AsOf`] is
    /// `as_of`.
    fn place(&mut self, first: Position, as_of: Position);
    /// All answers may leave.
    fn release(self);
    /// Who asks; `None` for the server itself, whose requests are done in the order in which they came among all
    /// others.
    fn client(&self) -> Option<Client> {
        None
    }
}

/// Who asks: one connection, or one exchange. Clients share a shard fairly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its own as long as one of its requests is in the engine.
    pub key: u64,
    /// How many requests it has that are not answered, those of the parcel with them.
    pub unanswered: usize,
    /// The parcel is of a batch, whose answers come together: a long job, asked for as one.
    pub batch: bool,
}

/// An answer on its way to a [`Reply`].
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// What it came to.
    pub outcome: Outcome<'a>,
    /// The position it shows. A record that a query shows has its own ([`Found::Shown`]).
    pub seq: Seq,
    /// Names of sub-balances.
    pub catalog: &'a Arc<Catalog>,
}

/// The requests that one read of a connection brought for one shard, and where their answers go.
pub struct Parcel<R> {
    /// The requests, in order.
    pub requests: Vec<Request>,
    /// Their answers' way.
    pub reply: R,
    /// Who asks; `None` when that is not asked for, and everybody may everything.
    pub caller: Option<Arc<Caller>>,
}
