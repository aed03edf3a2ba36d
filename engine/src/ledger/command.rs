//! What can be asked of the ledger.

use crate::accounts::{AccountKind, Funding, NEVER, Timestamp};
use crate::clearing::Clearing;
use crate::money::Major;
use crate::names::{AccountId, CommandId, Label};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Opens an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAccount {
    /// The account.
    pub account: AccountId,
    /// Wallet or merchant.
    pub kind: AccountKind,
    /// Its currency's code; the product's when not given.
    pub currency: Option<Label>,
    /// Its product; the default product when not given.
    pub product: Option<Label>,
    /// A wallet's own limits; they stand in for those of its product (rule W5).
    pub limits: Option<Box<LimitsAsk>>,
}

/// The limits of a wallet as a command names them (rule W5). What is not named is the product's matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsAsk {
    /// The most the wallet may hold.
    pub maximum_balance: Option<Major>,
    /// The most it may spend on one day.
    pub per_day: Option<Major>,
    /// How often it may spend.
    pub velocity: Option<Velocity>,
}

/// How often a wallet may spend: so many times in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Velocity {
    /// The most spends and holds.
    pub spends: u32,
    /// In any window of this length.
    pub seconds: u32,
}

/// Whether a top-up's money is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TopUpState {
    /// The channel's word is awaited.
    Pending,
    /// It is there.
    #[default]
    Confirmed,
}

/// Puts money into a wallet (rule W1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// The wallet; opened when it is not there.
    pub account: AccountId,
    /// What was paid.
    pub principal: Major,
    /// The gift, when the client says it.
    pub bonus: Option<Major>,
    /// The offer that says the gift.
    pub offer: Option<Label>,
    /// The payment channel.
    pub channel: Option<Label>,
    /// The channel's order number.
    pub channel_order: Option<Label>,
    /// How it was paid.
    pub funding: Funding,
    /// When the principal ends.
    pub expires_at: Option<Timestamp>,
    /// When the gift ends; as the principal when not given.
    pub bonus_expires_at: Option<Timestamp>,
    /// Whether the money is there.
    pub state: TopUpState,
}

impl TopUp {
    /// When principal and gift end.
    #[must_use]
    pub fn expiries(&self) -> (Timestamp, Timestamp) {
        let principal = self.expires_at.unwrap_or(NEVER);
        (principal, self.bonus_expires_at.unwrap_or(principal))
    }
}

/// The channel's word on a pending top-up: the money is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmTopUp {
    /// The top-up.
    pub top_up: CommandId,
    /// What the channel says was paid.
    pub amount: Option<Major>,
    /// How it was paid, when the channel knows better.
    pub funding: Option<Funding>,
}

/// Pays a merchant from a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// The wallet.
    pub account: AccountId,
    /// Who is paid; opened when it is not there.
    pub merchant: AccountId,
    /// How much.
    pub amount: Major,
    /// The rule, when the spend names one.
    pub rule: Option<Label>,
    /// The client's order number.
    pub order: Option<Label>,
    /// The client's tags.
    pub tags: SmallVec<[Label; 0]>,
    /// What was bought, line by line; empty when the client does not say (rule A5).
    pub lines: SmallVec<[OrderLine; 0]>,
}

/// A line of an order (rule A5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Its name, unique in the order.
    pub id: Label,
    /// What it costs.
    pub amount: Major,
    /// What kind of goods it is, for rules that tell kinds apart.
    pub category: Option<Label>,
}

/// Pays out a hold, all or part; what is not captured is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The hold.
    pub hold: CommandId,
    /// How much; all when not given.
    pub amount: Option<Major>,
}

/// Gives a hold back, all or part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The hold.
    pub hold: CommandId,
    /// How much; all when not given.
    pub amount: Option<Major>,
}

/// Gives a spend back, all or part, by its recorded lines (rule A4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The spend, or the capture that became one.
    pub spend: CommandId,
    /// How much; all that is left when not given.
    pub amount: Option<Major>,
    /// The order line that is given back; the whole spend when not given (rule A5).
    pub line: Option<Label>,
    /// Why, in the client's words.
    pub reason: Option<String>,
}

/// What of a top-up is given back, and who bears what is missing (rule W3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundPolicy {
    /// What was paid, less the paid share of what was consumed.
    Ratio,
    /// What was paid, less all that was consumed.
    PaidFirst,
    /// What is left of the lot's principal as it was allocated.
    Unspent,
    /// All that was paid: the channel has taken the money back already.
    Forced,
}

impl RefundPolicy {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Ratio, Self::PaidFirst, Self::Unspent, Self::Forced];

    /// The word on the wire and in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::PaidFirst => "paid_first",
            Self::Unspent => "unspent",
            Self::Forced => "forced",
        }
    }

    /// The policy of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.word() == word)
    }
}

/// How far the refund of a top-up is (rule W3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TopUpRefundState {
    /// Asked of the channel: the value is frozen.
    Requested,
    /// The channel has paid it back.
    Confirmed,
    /// The channel did not pay it back.
    Failed,
}

impl TopUpRefundState {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
        }
    }
}

/// Gives a top-up back through its channel, all or part (rule W3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundTopUp {
    /// The top-up.
    pub top_up: CommandId,
    /// By which policy; the product's when not given.
    pub policy: Option<RefundPolicy>,
    /// How much of what was paid; all that can be refunded when not given.
    pub amount: Option<Major>,
    /// How far it is; requested and confirmed at once when not given.
    pub state: Option<TopUpRefundState>,
}

/// Asks what the refund of a top-up would give (rule W3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteTopUpRefund {
    /// The top-up.
    pub top_up: CommandId,
    /// By which policy; by each of them when not given.
    pub policy: Option<RefundPolicy>,
    /// How much of what was paid; all that can be refunded when not given.
    pub amount: Option<Major>,
    /// In which language it is told.
    pub lang: Lang,
}

/// Moves value between wallets; lots travel with their ratio and expiry (rule W4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// From this wallet.
    pub from: AccountId,
    /// To this one; opened when it is not there.
    pub to: AccountId,
    /// How much.
    pub amount: Major,
    /// The rule that says which lots travel.
    pub rule: Option<Label>,
}

/// What can be asked that may change the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Open an account.
    OpenAccount(OpenAccount),
    /// Put money into a wallet.
    TopUp(TopUp),
    /// A pending top-up's money is there.
    ConfirmTopUp(ConfirmTopUp),
    /// A pending top-up's money will not come.
    FailTopUp(CommandId),
    /// Pay a merchant.
    Spend(Spend),
    /// Set an amount aside for a merchant, until a moment.
    Hold(Spend, Timestamp),
    /// Pay out a hold.
    Capture(Capture),
    /// Give a hold back.
    Release(Release),
    /// Give a spend back.
    Refund(Refund),
    /// Move value between wallets.
    Transfer(Transfer),
    /// Let no money leave an account.
    Freeze(AccountId),
    /// Let it leave again.
    Unfreeze(AccountId),
    /// End an empty account.
    CloseAccount(AccountId),
    /// The ledger's own: what has ended by itself in a wallet (rule A9, expired holds).
    Expire(AccountId),
    /// Something of the clearing line.
    Clear(Box<Clearing>),
    /// Give a top-up back.
    RefundTopUp(RefundTopUp),
}

/// The language of an answer's words. The ledger has no words; it hands this through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// What can be asked that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// An account's balance.
    Balance(AccountId),
    /// What a spend would be split into, and why (rule A7).
    Quote(Spend, Lang),
    /// Why the spend or capture of this id was divided as it was (rule A7).
    Explain(CommandId, Lang),
    /// What the refund of a top-up would give (rule W3).
    QuoteTopUpRefund(QuoteTopUpRefund),
    /// The spend, top-up or hold that this id made.
    Show(CommandId),
    /// A document of the clearing line.
    Document(CommandId),
    /// The chart of accounts and whether it balances.
    TrialBalance,
    /// Nothing; an answer says that the ledger is alive.
    Ping,
}

impl Command {
    /// The operation's name on the wire.
    #[must_use]
    pub const fn op(&self) -> &'static str {
        match self {
            Self::OpenAccount(_) => "open_account",
            Self::TopUp(_) => "top_up",
            Self::ConfirmTopUp(_) => "confirm_top_up",
            Self::FailTopUp(_) => "fail_top_up",
            Self::Spend(_) => "spend",
            Self::Hold(..) => "hold",
            Self::Capture(_) => "capture",
            Self::Release(_) => "release",
            Self::Refund(_) => "refund",
            Self::Transfer(_) => "transfer",
            Self::Freeze(_) => "freeze",
            Self::Unfreeze(_) => "unfreeze",
            Self::CloseAccount(_) => "close_account",
            Self::Expire(_) => "expire",
            Self::Clear(ask) => ask.op(),
            Self::RefundTopUp(_) => "refund_top_up",
        }
    }

    /// The first field in which two commands differ, by its name on the wire (rule W6).
    ///
    /// Amounts are compared as money: `"1.5"` is `"1.50"`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        use Command as C;
        match (self, other) {
            (C::OpenAccount(a), C::OpenAccount(b)) => first(&[
                ("account", a.account == b.account),
                ("kind", a.kind == b.kind),
                ("currency", a.currency == b.currency),
                ("product", a.product == b.product),
                ("limits", same_limits(a.limits.as_deref(), b.limits.as_deref())),
            ]),
            (C::TopUp(a), C::TopUp(b)) => first(&[
                ("account", a.account == b.account),
                ("principal", a.principal.same_value(b.principal)),
                ("bonus", same_amount(a.bonus, b.bonus)),
                ("offer", a.offer == b.offer),
                ("channel", a.channel == b.channel),
                ("channel_order", a.channel_order == b.channel_order),
                ("funding", a.funding == b.funding),
                ("expires_at", a.expires_at == b.expires_at),
                ("bonus_expires_at", a.bonus_expires_at == b.bonus_expires_at),
                ("state", a.state == b.state),
            ]),
            (C::ConfirmTopUp(a), C::ConfirmTopUp(b)) => first(&[
                ("top_up", a.top_up == b.top_up),
                ("amount", same_amount(a.amount, b.amount)),
                ("funding", a.funding == b.funding),
            ]),
            (C::FailTopUp(a), C::FailTopUp(b)) => first(&[("top_up", a == b)]),
            (C::Spend(a), C::Spend(b)) => spend_difference(a, b),
            (C::Hold(a, a_until), C::Hold(b, b_until)) => {
                spend_difference(a, b).or_else(|| first(&[("expires_at", a_until == b_until)]))
            }
            (C::Capture(a), C::Capture(b)) => {
                first(&[("hold", a.hold == b.hold), ("amount", same_amount(a.amount, b.amount))])
            }
            (C::Release(a), C::Release(b)) => {
                first(&[("hold", a.hold == b.hold), ("amount", same_amount(a.amount, b.amount))])
            }
            (C::Refund(a), C::Refund(b)) => first(&[
                ("spend", a.spend == b.spend),
                ("amount", same_amount(a.amount, b.amount)),
                ("line", a.line == b.line),
                ("reason", a.reason == b.reason),
            ]),
            (C::Transfer(a), C::Transfer(b)) => first(&[
                ("from", a.from == b.from),
                ("to", a.to == b.to),
                ("amount", a.amount.same_value(b.amount)),
                ("rule", a.rule == b.rule),
            ]),
            (C::RefundTopUp(a), C::RefundTopUp(b)) => first(&[
                ("top_up", a.top_up == b.top_up),
                ("policy", a.policy == b.policy),
                ("amount", same_amount(a.amount, b.amount)),
                ("state", a.state == b.state),
            ]),
            (C::Freeze(a), C::Freeze(b))
            | (C::Unfreeze(a), C::Unfreeze(b))
            | (C::CloseAccount(a), C::CloseAccount(b))
            | (C::Expire(a), C::Expire(b)) => first(&[("account", a == b)]),
            (C::Clear(a), C::Clear(b)) => a.difference(b),
            _ => Some("op"),
        }
    }
}

fn spend_difference(a: &Spend, b: &Spend) -> Option<&'static str> {
    first(&[
        ("account", a.account == b.account),
        ("merchant", a.merchant == b.merchant),
        ("amount", a.amount.same_value(b.amount)),
        ("rule", a.rule == b.rule),
        ("order", a.order == b.order),
        ("tags", a.tags == b.tags),
        ("lines", same_lines(&a.lines, &b.lines)),
    ])
}

fn same_lines(a: &[OrderLine], b: &[OrderLine]) -> bool {
    let same =
        |(a, b): (&OrderLine, &OrderLine)| a.id == b.id && a.category == b.category && a.amount.same_value(b.amount);
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn same_limits(a: Option<&LimitsAsk>, b: Option<&LimitsAsk>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            same_amount(a.maximum_balance, b.maximum_balance)
                && same_amount(a.per_day, b.per_day)
                && a.velocity == b.velocity
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn same_amount(a: Option<Major>, b: Option<Major>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same_value(b),
        (None, None) => true,
        _ => false,
    }
}

fn first(fields: &[(&'static str, bool)]) -> Option<&'static str> {
    fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
}
