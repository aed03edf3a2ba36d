//! The stable reasons of a *no*.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $text:literal,)*) => {
        /// Why a command was rejected, as it stands in the answer's `code`.
        ///
        /// The list grows; a code this client does not know is kept as [`RejectCode::Other`].
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RejectCode {
            $($(#[$meta])* $variant,)*
            /// A code this version of the client does not know.
            Other(String),
        }

        impl RejectCode {
            /// Every code this version knows by name.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for RejectCode {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

codes! {
    /// The request cannot be read, or a field of it is wrong (`field` names it).
    BadRequest = "bad_request",
    /// The line is longer than the server takes; the connection is closed.
    LineTooLong = "line_too_long",
    /// No token was shown, or one that is not good.
    Unauthorized = "unauthorized",
    /// The token may not do this (`token`, and `scope` or `account`).
    Forbidden = "forbidden",
    /// Too much is waiting; `retry_after_ms` says when to come back. Nothing was recorded.
    Overloaded = "overloaded",
    /// The server is stopping and takes no more. Nothing was recorded.
    ShuttingDown = "shutting_down",
    /// The id was used before for something else (`field` names what differs).
    IdConflict = "id_conflict",
    /// There is no such account.
    UnknownAccount = "unknown_account",
    /// The account is frozen.
    AccountFrozen = "account_frozen",
    /// The account is closed.
    AccountClosed = "account_closed",
    /// There is no allocation rule of that name.
    UnknownRule = "unknown_rule",
    /// The product does not permit the rule.
    RuleNotPermitted = "rule_not_permitted",
    /// The wallet has less than is asked for (`available`, `requested`).
    InsufficientFunds = "insufficient_funds",
    /// A limit of the wallet would be passed.
    OverLimit = "over_limit",
    /// The accounts have different currencies.
    CurrencyMismatch = "currency_mismatch",
    /// There is no such spend.
    UnknownSpend = "unknown_spend",
    /// More would be given back than was spent.
    RefundExceedsSpend = "refund_exceeds_spend",
    /// There is no such top-up.
    UnknownTopUp = "unknown_top_up",
    /// The top-up is not confirmed yet.
    TopUpNotConfirmed = "top_up_not_confirmed",
    /// The amount differs from the one expected.
    AmountMismatch = "amount_mismatch",
    /// The hold has expired.
    HoldExpired = "hold_expired",
    /// What is asked for has happened already.
    AlreadyDone = "already_done",
    /// The account is of another kind.
    WrongKind = "wrong_kind",
    /// There is an account of this name already.
    AccountExists = "account_exists",
    /// There is no such product.
    UnknownProduct = "unknown_product",
    /// The product does not permit the operation.
    NotPermitted = "not_permitted",
    /// There is no such offer.
    UnknownOffer = "unknown_offer",
    /// There is no such hold.
    UnknownHold = "unknown_hold",
    /// More than is left of the hold.
    CaptureExceedsHold = "capture_exceeds_hold",
    /// Only an empty account can be closed.
    AccountNotEmpty = "account_not_empty",
    /// The wallet has as many lots as one can have.
    TooManyLots = "too_many_lots",
    /// The history is not indexed up to the moment asked for; `retry_after_ms` says when to come back.
    HistoryBehind = "history_behind",
    /// The server keeps no history.
    HistoryOff = "history_off",
    /// The rule divides only larger amounts.
    BelowMinimumOrder = "below_minimum_order",
    /// No refund of the top-up was requested.
    UnknownTopUpRefund = "unknown_top_up_refund",
    /// The refund was requested by another policy.
    PolicyMismatch = "policy_mismatch",
    /// More than can be refunded of the top-up.
    RefundExceedsTopUp = "refund_exceeds_top_up",
    /// The wallet owes and may not pay until it has repaid.
    InArrears = "in_arrears",
    /// The offer has not begun or has ended (`from`, `until`).
    OfferNotRunning = "offer_not_running",
    /// The wallet has had the offer as often as it may (`per_wallet`).
    OfferUsedUp = "offer_used_up",
    /// The offer has not as much left as the gift needs (`left`, `requested`).
    BudgetExhausted = "budget_exhausted",
    /// The wallet pays more often than it may (`spends`, `seconds`, `retry_after_ms`).
    TooManySpends = "too_many_spends",
    /// The spend has no such order line.
    UnknownOrderLine = "unknown_order_line",
    /// There is no such document of the clearing line (`kind`, `document`).
    UnknownDocument = "unknown_document",
    /// Nobody may agree with himself (`by`).
    SecondPersonNeeded = "second_person_needed",
    /// Receivers of a split would have more than the merchant's terms let them have (`maximum`, `requested`).
    SplitExceedsMaximum = "split_exceeds_maximum",
    /// More than the receiver has of the split (`returnable`, `requested`).
    ReturnExceedsSplit = "return_exceeds_split",
    /// The change feed was asked for records that are no longer kept (`first` is the first that is).
    PositionTrimmed = "position_trimmed",
    /// The change feed was asked for what comes after records that this ledger does not have (`durable`).
    PositionAhead = "position_ahead",
    /// There is no such webhook (`webhook`).
    UnknownWebhook = "unknown_webhook",
}

impl RejectCode {
    /// Whether the server keeps this answer under the command's id, so that a repeat gets it again.
    ///
    /// A business *no* is kept. What was refused before the ledger looked at it is not: the id
    /// stays free and the same request may be sent again.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        !matches!(
            self,
            Self::BadRequest
                | Self::LineTooLong
                | Self::Unauthorized
                | Self::Forbidden
                | Self::Overloaded
                | Self::ShuttingDown
                | Self::IdConflict
                | Self::HistoryBehind
                | Self::HistoryOff
                | Self::PositionTrimmed
                | Self::PositionAhead
                | Self::UnknownWebhook
        )
    }

    /// Whether the very same request may succeed later without anything else being done.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Overloaded | Self::ShuttingDown | Self::HistoryBehind)
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for RejectCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RejectCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|text| Self::from(text.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_code_survives_a_round_trip() {
        for code in RejectCode::KNOWN {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(&serde_json::from_str::<RejectCode>(&json).unwrap(), code);
            assert!(!matches!(RejectCode::from(code.as_str()), RejectCode::Other(_)));
        }
    }

    #[test]
    fn an_unknown_code_survives_a_round_trip() {
        let code: RejectCode = serde_json::from_str("\"moon_phase\"").unwrap();
        assert_eq!(code, RejectCode::Other("moon_phase".to_owned()));
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"moon_phase\"");
    }

    #[test]
    fn only_business_rejects_are_recorded() {
        assert!(RejectCode::InsufficientFunds.is_recorded());
        assert!(RejectCode::Other("new".to_owned()).is_recorded());
        assert!(!RejectCode::Overloaded.is_recorded());
    }
}
