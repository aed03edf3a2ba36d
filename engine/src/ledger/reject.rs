//! Every business no, with its operands.

use crate::accounts::Timestamp;
use crate::money::Money;
use crate::names::{AccountId, CommandId, Label};
use serde::{Deserialize, Serialize};

/// A business no. The variants stand in order of precedence: when several apply, the first is answered. A
/// reason applies only when it can be told: an amount cannot have too many decimals for an account that is
/// not known, nor can a merchant lack money for a refund that exceeds its spend.
///
/// The codes ([`Reject::code`]) are stable; a reject's operands are fields of its answer. Journals hold a
/// variant's number, so a new variant goes to the end, and two that can apply together stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Reject {
    /// The request is malformed.
    #[error("{reason}")]
    BadRequest {
        /// The field that is wrong, as a path.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A line is longer than the limit.
    #[error("the line is longer than {limit} bytes")]
    LineTooLong {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The queue is full.
    #[error("the queue is full; try again in {retry_after_ms} ms")]
    Overloaded {
        /// When to try again, in milliseconds.
        retry_after_ms: u64,
    },
    /// The engine is going down.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// The id was used for another command.
    #[error("the id was used before with another {field}")]
    IdConflict {
        /// The first field that differs.
        field: String,
    },
    /// There is no such account.
    #[error("there is no account {account}")]
    UnknownAccount {
        /// The account.
        account: AccountId,
    },
    /// The account is of another kind.
    #[error("{account} is a {is}, not a {needed}")]
    WrongKind {
        /// The account.
        account: AccountId,
        /// What it is.
        is: String,
        /// What it would have to be.
        needed: String,
    },
    /// The account is there already.
    #[error("there is an account {account} already")]
    AccountExists {
        /// The account.
        account: AccountId,
    },
    /// No money may leave the account.
    #[error("{account} is frozen")]
    AccountFrozen {
        /// The account.
        account: AccountId,
    },
    /// The account has ended.
    #[error("{account} is closed")]
    AccountClosed {
        /// The account.
        account: AccountId,
    },
    /// Two currencies where one is needed.
    #[error("{account} is in {is}, {needed} is needed")]
    CurrencyMismatch {
        /// The account.
        account: AccountId,
        /// Its currency.
        is: String,
        /// The currency it would have to be in.
        needed: String,
    },
    /// There is no such product.
    #[error("there is no product {product}")]
    UnknownProduct {
        /// The product.
        product: Label,
    },
    /// There is no such rule.
    #[error("there is no rule {rule}")]
    UnknownRule {
        /// The rule.
        rule: Label,
    },
    /// The product does not let a spend name this rule.
    #[error("the product {product} does not permit the rule {rule}")]
    RuleNotPermitted {
        /// The rule.
        rule: Label,
        /// The product.
        product: Label,
    },
    /// The product does not permit this operation.
    #[error("the product {product} does not permit {operation}")]
    NotPermitted {
        /// The product.
        product: Label,
        /// The operation.
        operation: String,
    },
    /// There is no such offer.
    #[error("there is no offer {offer}")]
    UnknownOffer {
        /// The offer.
        offer: Label,
    },
    /// There is no such spend.
    #[error("there is no spend {spend}")]
    UnknownSpend {
        /// The spend.
        spend: CommandId,
    },
    /// There is no such top-up.
    #[error("there is no top-up {top_up}")]
    UnknownTopUp {
        /// The top-up.
        top_up: CommandId,
    },
    /// There is no such hold.
    #[error("there is no hold {hold}")]
    UnknownHold {
        /// The hold.
        hold: CommandId,
    },
    /// The top-up's money is not there.
    #[error("the top-up {top_up} is not confirmed")]
    TopUpNotConfirmed {
        /// The top-up.
        top_up: CommandId,
    },
    /// It ended by itself.
    #[error("the hold {hold} expired")]
    HoldExpired {
        /// The hold.
        hold: CommandId,
    },
    /// It was done before, by another command.
    #[error("{what} is {state} already")]
    AlreadyDone {
        /// What.
        what: String,
        /// In which state it is.
        state: String,
    },
    /// The channel says another amount than the order.
    #[error("the order is for {expected}, the channel says {given}")]
    AmountMismatch {
        /// What the order says.
        expected: Money,
        /// What the channel says.
        given: Money,
    },
    /// The wallet, or what the rule can take from it, is not enough.
    #[error("{payer} has {available}, {requested} is needed")]
    InsufficientFunds {
        /// Who has too little, in words.
        payer: String,
        /// What there is.
        available: Money,
        /// What is needed.
        requested: Money,
    },
    /// More than is left of the hold.
    #[error("the hold has {held} left, {requested} was asked")]
    CaptureExceedsHold {
        /// What is left.
        held: Money,
        /// What was asked.
        requested: Money,
    },
    /// More than is left of the spend.
    #[error("{refundable} is left to refund, {requested} was asked")]
    RefundExceedsSpend {
        /// What is left.
        refundable: Money,
        /// What was asked.
        requested: Money,
    },
    /// A limit of the account or the ledger.
    #[error("the {limit} is {allowed}, this would make {requested}")]
    OverLimit {
        /// Which limit.
        limit: String,
        /// Its value.
        allowed: Money,
        /// What it would be.
        requested: Money,
    },
    /// Only an empty account can be closed.
    #[error("{account} is not empty")]
    AccountNotEmpty {
        /// The account.
        account: AccountId,
    },
    /// The wallet has as many lots as a wallet may have.
    #[error("{account} would have more than {limit} lots")]
    TooManyLots {
        /// The wallet.
        account: AccountId,
        /// The most lots.
        limit: u64,
    },
    /// The rule divides only larger amounts.
    #[error("the rule {rule} is for {minimum} and more, {requested} was asked")]
    BelowMinimumOrder {
        /// The rule.
        rule: Label,
        /// The least amount it divides.
        minimum: Money,
        /// What was asked.
        requested: Money,
    },
    /// No refund of the top-up was requested.
    #[error("no refund of the top-up {top_up} was requested")]
    UnknownTopUpRefund {
        /// The top-up.
        top_up: CommandId,
    },
    /// The refund was requested by another policy.
    #[error("the refund was requested by {policy}, this names {named}")]
    PolicyMismatch {
        /// The policy of the request.
        policy: String,
        /// The policy that was named.
        named: String,
    },
    /// More than can be refunded of the top-up.
    #[error("{refundable} of the top-up can be refunded, {requested} was asked")]
    RefundExceedsTopUp {
        /// What can be refunded by the policy.
        refundable: Money,
        /// What was asked.
        requested: Money,
    },
    /// The wallet owes, and its product lets it pay nothing until it has repaid.
    #[error("{account} owes {arrears}")]
    InArrears {
        /// The wallet.
        account: AccountId,
        /// What it owes.
        arrears: Money,
    },
    /// The offer has not begun, or has ended.
    #[error("the offer {offer} does not run now")]
    OfferNotRunning {
        /// The offer.
        offer: Label,
        /// When it begins, if it has a begin.
        from: Option<Timestamp>,
        /// When it ends, if it has an end.
        until: Option<Timestamp>,
    },
    /// The wallet has had the offer as often as a wallet may.
    #[error("a wallet may have the offer {offer} {per_wallet} times, and this one has had it")]
    OfferUsedUp {
        /// The offer.
        offer: Label,
        /// How often a wallet may have it.
        per_wallet: u32,
    },
    /// The offer has given all that it may give, or nearly.
    #[error("the offer {offer} has {left} left, {requested} is needed")]
    BudgetExhausted {
        /// The offer.
        offer: Label,
        /// What is left in all.
        left: Money,
        /// What the gift needs.
        requested: Money,
    },
    /// The wallet pays more often than it may.
    #[error("the wallet may pay {spends} times in {seconds} seconds; try again in {retry_after_ms} ms")]
    TooManySpends {
        /// How often it may pay.
        spends: u32,
        /// In how long.
        seconds: u32,
        /// When the next payment may come, in milliseconds.
        retry_after_ms: u64,
    },
    /// The spend has no such order line.
    #[error("the spend {spend} has no order line {line}")]
    UnknownOrderLine {
        /// The spend.
        spend: CommandId,
        /// The order line's id.
        line: Label,
    },
    /// The history does not reach the moment yet.
    #[error("the history is indexed up to {indexed_to} of {durable}; try again in {retry_after_ms} ms")]
    HistoryBehind {
        /// What is indexed.
        indexed_to: u64,
        /// What is durable.
        durable: u64,
        /// When to try again, in milliseconds.
        retry_after_ms: u64,
    },
    /// The ledger keeps no history, or cannot read it.
    #[error("{reason}")]
    HistoryOff {
        /// Why.
        reason: String,
    },
    /// There is no such document of the clearing line.
    #[error("there is no {kind} {document}")]
    UnknownDocument {
        /// What was looked for: `item`, `statement`, `split`, `settlement`, `payout`.
        kind: String,
        /// Its id.
        document: CommandId,
    },
    /// Nobody may agree with himself.
    #[error("{by} has proposed it; somebody else has to agree")]
    SecondPersonNeeded {
        /// Who proposed and agreed.
        by: Label,
    },
    /// Receivers would have more of the order than the merchant's terms let them have.
    #[error("receivers may have {maximum} of it in all, this would make {requested}")]
    SplitExceedsMaximum {
        /// What they may have.
        maximum: Money,
        /// What they would have.
        requested: Money,
    },
    /// More than the receiver has of the split.
    #[error("{returnable} of the split can be returned, {requested} was asked")]
    ReturnExceedsSplit {
        /// What it has.
        returnable: Money,
        /// What was asked.
        requested: Money,
    },
    /// The change feed was asked for records that are no longer kept.
    #[error("the journal is kept from position {first} on; begin there, after a fresh look at the balances")]
    PositionTrimmed {
        /// The first position that is kept.
        first: u64,
    },
    /// The change feed was asked for what comes after records that this ledger does not have.
    #[error("the journal ends at position {durable}; whoever has read further has read another ledger's")]
    PositionAhead {
        /// The last position that is durable.
        durable: u64,
    },
    /// There is no such webhook.
    #[error("there is no webhook {webhook}")]
    UnknownWebhook {
        /// Its name.
        webhook: Label,
    },
    /// Nobody who is known asks.
    #[error("{reason}")]
    Unauthorized {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Who asks may not do it.
    #[error("{reason}")]
    Forbidden {
        /// Who asks: the token's name.
        token: Label,
        /// The scope that the token lacks.
        scope: Option<String>,
        /// The account that it may not name.
        account: Option<AccountId>,
        /// What is lacking.
        reason: String,
    },
    /// A browser asks for a page of another site, and nobody is asked who he is.
    #[error(
        "{header} is {named}: where no tokens are asked for, this server serves what is asked of 127.0.0.1 or localhost, and \
         not for pages of other sites; ask it by that name, or give it tokens (docs/access.md)"
    )]
    AnotherSite {
        /// The header that says so.
        header: String,
        /// What it names.
        named: String,
    },
}

impl Reject {
    /// A malformed request.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "errors and texts are passed as they come")]
    pub fn bad_request(field: impl Into<String>, reason: impl ToString) -> Self {
        Self::BadRequest { field: field.into(), reason: reason.to_string() }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest { .. } => "bad_request",
            Self::LineTooLong { .. } => "line_too_long",
            Self::Overloaded { .. } => "overloaded",
            Self::ShuttingDown => "shutting_down",
            Self::IdConflict { .. } => "id_conflict",
            Self::UnknownAccount { .. } => "unknown_account",
            Self::WrongKind { .. } => "wrong_kind",
            Self::AccountExists { .. } => "account_exists",
            Self::AccountFrozen { .. } => "account_frozen",
            Self::AccountClosed { .. } => "account_closed",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::UnknownProduct { .. } => "unknown_product",
            Self::UnknownRule { .. } => "unknown_rule",
            Self::RuleNotPermitted { .. } => "rule_not_permitted",
            Self::NotPermitted { .. } => "not_permitted",
            Self::UnknownOffer { .. } => "unknown_offer",
            Self::UnknownSpend { .. } => "unknown_spend",
            Self::UnknownTopUp { .. } => "unknown_top_up",
            Self::UnknownHold { .. } => "unknown_hold",
            Self::TopUpNotConfirmed { .. } => "top_up_not_confirmed",
            Self::HoldExpired { .. } => "hold_expired",
            Self::AlreadyDone { .. } => "already_done",
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::CaptureExceedsHold { .. } => "capture_exceeds_hold",
            Self::RefundExceedsSpend { .. } => "refund_exceeds_spend",
            Self::OverLimit { .. } => "over_limit",
            Self::AccountNotEmpty { .. } => "account_not_empty",
            Self::TooManyLots { .. } => "too_many_lots",
            Self::HistoryBehind { .. } => "history_behind",
            Self::HistoryOff { .. } => "history_off",
            Self::BelowMinimumOrder { .. } => "below_minimum_order",
            Self::UnknownTopUpRefund { .. } => "unknown_top_up_refund",
            Self::PolicyMismatch { .. } => "policy_mismatch",
            Self::RefundExceedsTopUp { .. } => "refund_exceeds_top_up",
            Self::InArrears { .. } => "in_arrears",
            Self::OfferNotRunning { .. } => "offer_not_running",
            Self::OfferUsedUp { .. } => "offer_used_up",
            Self::BudgetExhausted { .. } => "budget_exhausted",
            Self::TooManySpends { .. } => "too_many_spends",
            Self::UnknownOrderLine { .. } => "unknown_order_line",
            Self::UnknownDocument { .. } => "unknown_document",
            Self::SecondPersonNeeded { .. } => "second_person_needed",
            Self::SplitExceedsMaximum { .. } => "split_exceeds_maximum",
            Self::ReturnExceedsSplit { .. } => "return_exceeds_split",
            Self::PositionTrimmed { .. } => "position_trimmed",
            Self::PositionAhead { .. } => "position_ahead",
            Self::UnknownWebhook { .. } => "unknown_webhook",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } | Self::AnotherSite { .. } => "forbidden",
        }
    }

    /// Whether the reject is the command's result, journalled and given again for the same id (rule W6).
    /// The others say that the command was not looked at; its id is still free.
    #[must_use]
    pub const fn is_remembered(&self) -> bool {
        !matches!(
            self,
            Self::BadRequest { .. }
                | Self::LineTooLong { .. }
                | Self::Overloaded { .. }
                | Self::ShuttingDown
                | Self::IdConflict { .. }
                | Self::HistoryBehind { .. }
                | Self::HistoryOff { .. }
                | Self::PositionTrimmed { .. }
                | Self::PositionAhead { .. }
                | Self::UnknownWebhook { .. }
                | Self::Unauthorized { .. }
                | Self::Forbidden { .. }
                | Self::AnotherSite { .. }
        )
    }
}
