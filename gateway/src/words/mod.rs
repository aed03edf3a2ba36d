//! Words that finance people read, in English and Chinese (rule A7).
//!
//! | file | idea |
//! |---|---|
//! | `figures.rs` | amounts, exact decimals, fractions and ratios, the same in every language |
//! | `story.rs` | the steps of an allocation in the order in which they are told |
//! | `spend.rs` | a spend that happened: what stands in its record, then its story |
//! | `top_up_refund.rs` | how the refund of a top-up is found |
//! | `en.rs`, `zh.rs` | one sentence a function, one file a language |
//!
//! A story decides *what* is told, a [`Tongue`] only how it is said: no sentence is put together anywhere
//! else. Nothing here is on the way of a spend.

mod en;
pub(crate) mod figures;
mod spend;
mod story;
mod top_up_refund;
mod zh;

pub(crate) use spend::{Capture, SpendStory, tell_spend, unexplained};
pub(crate) use story::{rule_version, tell};
pub(crate) use top_up_refund::tell_refund;

use fentan_engine::accounts::SubId;
use fentan_engine::allocation::LotOrder;
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::{Lang, Reject};

/// The language of this word on the wire.
pub(crate) fn lang(word: &str) -> Option<Lang> {
    match word {
        "en" => Some(Lang::En),
        "zh" => Some(Lang::Zh),
        _ => None,
    }
}

/// The language of a field or parameter, English when it is missing.
pub(crate) fn parse_wire(word: Option<&str>) -> Result<Lang, Reject> {
    let Some(word) = word else { return Ok(Lang::default()) };
    lang(word).ok_or_else(|| Reject::bad_request("lang", LANGS))
}

/// The word of a language on the wire.
pub(crate) const fn word(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Zh => "zh",
    }
}

/// A flag's language.
pub(crate) fn parse_flag(word: &str) -> Result<Lang, String> {
    lang(word).ok_or_else(|| LANGS.to_owned())
}

/// What is wrong with a language that is none.
pub(crate) const LANGS: &str = "is en or zh";

/// The sentences of a language.
pub(crate) fn tongue(lang: Lang) -> &'static dyn Tongue {
    match lang {
        Lang::En => &en::English,
        Lang::Zh => &zh::Chinese,
    }
}

/// A sub-balance's name as people say it.
pub(crate) fn sub_name(tongue: &dyn Tongue, catalog: &Catalog, sub: SubId) -> String {
    tongue.sub(catalog.sub_name(sub))
}

/// An amount of something: `principal 50.00`.
pub(crate) struct Named {
    /// A sub-balance, as people say it.
    pub(crate) name: String,
    /// How much.
    pub(crate) amount: String,
    /// The lot it is of, where that is said.
    pub(crate) lot: Option<String>,
}

/// Why a rule was taken.
pub(crate) enum RuleWhy {
    /// The spend names it.
    Named,
    /// This selector chose it.
    Selector(String),
    /// It is the own rule of this product.
    Product(String),
    /// The record says so; today another one would be taken.
    Recorded,
}

/// How a rule divides.
pub(crate) enum MethodWords {
    /// `lot_ratio`.
    LotRatio,
    /// `current_ratio`.
    CurrentRatio,
    /// `ordered`: these, one after the other.
    Ordered(Vec<String>),
    /// `fixed_ratio`: names with their weights.
    FixedRatio(Vec<(String, i64)>),
    /// `fixed_amount`.
    FixedAmount { sub: String, at_most: String, for_every: Option<String>, others: Vec<String> },
}

/// Why a cap binds.
pub(crate) enum CapWords {
    /// It is an amount.
    Amount(String),
    /// It is a share of the spend: percent, of what, exactly, rounded down.
    Percent { percent: String, of: String, exact: String, down: String },
    /// The spend is below the least that the sub-balance pays for.
    MinimumOrder(String),
}

/// A lot that pays.
pub(crate) struct LotWords {
    pub(crate) lot: String,
    /// What its top-up brought, for each sub-balance.
    pub(crate) topped_up: Vec<Named>,
    /// The ratio of these in the smallest whole numbers; none for one sub-balance.
    pub(crate) ratio: Option<String>,
    /// What came into this wallet of it, when that is another amount.
    pub(crate) came: Option<String>,
    pub(crate) consumed: String,
    pub(crate) left: String,
    pub(crate) pays: String,
    /// Its exact share, when all lots pay together.
    pub(crate) exact: Option<String>,
}

/// What two groups of a lot's parts pay.
pub(crate) struct SplitWords {
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) amount: String,
    /// The first group's part of the ratio: `5/14`.
    pub(crate) fraction: String,
    /// The first group's exact share of this amount.
    pub(crate) exact: String,
    /// What both have given with this spend.
    pub(crate) given: String,
    /// Where the first group would stand exactly.
    pub(crate) exact_target: String,
    /// The same, rounded half up.
    pub(crate) target: String,
    /// Where it stood before.
    pub(crate) stood: String,
    pub(crate) paid: String,
    pub(crate) rest: String,
    /// Whether the target is exact and what is paid as well.
    pub(crate) whole: bool,
    pub(crate) clamp: Option<ClampWords>,
}

/// What kept a group from its target.
pub(crate) enum ClampWords {
    /// The lot is out of its ratio.
    OwnShare,
    /// This group has only so much left.
    RanOut { group: String, left: String },
}

/// A sub-balance's share in proportion.
pub(crate) struct ShareWords {
    pub(crate) sub: String,
    pub(crate) of: String,
    /// Its part of the weights: `5/9`.
    pub(crate) fraction: String,
    pub(crate) exact: String,
    pub(crate) share: String,
    /// Whether nothing was rounded.
    pub(crate) whole: bool,
    /// Where the rule goes on, of how many units, when earlier spends stopped inside a cycle.
    pub(crate) phase: Option<(i64, i64)>,
}

/// What a sub-balance did about what is short.
pub(crate) enum ShortWords {
    /// It gave all it has.
    All(Named),
    /// It gave all that a cap lets through.
    Capped(Named),
    /// It has more, and the rule does not ask it for that.
    NotAsked { name: String, more: String },
}

/// The sentences. Amounts come as decimal strings, names as people say them.
pub(crate) trait Tongue: Sync {
    /// A sub-balance of this name on the wire.
    fn sub(&self, name: &str) -> String;
    /// A list: `a, b and c`.
    fn list(&self, items: &[String]) -> String;
    /// An amount of a sub-balance, with its lot where that is said.
    fn named(&self, named: &Named) -> String;
    /// Which rule divides, why that one, and how: the first sentence of a story.
    fn rule(&self, rule: &str, why: &RuleWhy, method: &MethodWords, order: LotOrder) -> String;
    /// What the wallet has and what is to be paid.
    fn available(&self, subs: &[Named], all: &str, amount: &str) -> String;
    /// A sub-balance may not give more than this.
    fn capped(&self, sub: &str, at_most: &str, because: &[CapWords]) -> String;
    /// A sub-balance may not pay for this, or only for so much of it.
    fn ineligible(&self, sub: &str, most: Option<&str>) -> String;
    /// The rule divides only larger spends.
    fn below_minimum(&self, least: &str) -> String;
    /// All lots pay together; `sub` when they pay of one sub-balance only.
    fn pro_rata(&self, sub: Option<&str>, amount: &str, left: &str) -> String;
    /// A lot and what it pays.
    fn lot_pays(&self, lot: &LotWords) -> String;
    /// What two groups of a lot's parts pay.
    fn split(&self, split: &SplitWords) -> String;
    /// A cap takes back what a lot was to give.
    fn cut(&self, sub: &str, lot: &str, amount: &str) -> String;
    /// A share in proportion.
    fn share(&self, share: &ShareWords) -> String;
    /// A sub-balance gives so much; `all`: it is all it can. What is still open then.
    fn wants(&self, sub: &str, amount: &str, all: bool, open: Option<&str>) -> String;
    /// A sub-balance fills what others could not give.
    fn spilled(&self, sub: &str, amount: &str) -> String;
    /// The lines.
    fn result(&self, lines: &[Named], sum: &str) -> String;
    /// What is short.
    fn short(&self, payable: &str, amount: &str, missing: &str) -> String;
    /// What a sub-balance did about it.
    fn short_sub(&self, short: &ShortWords) -> String;
    /// Who may fill what is open; nobody when the rule has no spill.
    fn short_spill(&self, spill: &[String]) -> String;

    /// What was paid, by whom, to whom and when.
    fn spent(&self, story: &SpendStory) -> String;
    /// Who asked for it.
    fn asked_by(&self, token: &str) -> String;
    /// What it was captured from.
    fn captured(&self, capture: &Capture) -> String;
    /// What was given back of it so far, and what is left; none of both when nothing was.
    fn refunded(&self, refunded: Option<(&str, &str)>) -> String;
    /// The recorded lines.
    fn recorded(&self, rule: Option<&str>, lines: &[Named]) -> String;
    /// What the steps that follow are of; `hold`: of the hold that a spend was captured from.
    fn rebuilt(&self, records: u64, hold: bool) -> String;
    /// Whether the rule gives the recorded lines today as well.
    fn agrees(&self, agrees: bool, now: &[Named]) -> String;
    /// The rule's version is gone.
    fn rule_gone(&self, rule: &str) -> String;
    /// The account's earlier records do not make its wallet.
    fn no_wallet(&self) -> String;
    /// The journal is too long to be read for it.
    fn too_far(&self, limit: u64) -> String;
    /// The journal's first records are no longer there.
    fn trimmed(&self, first: u64) -> String;
}
