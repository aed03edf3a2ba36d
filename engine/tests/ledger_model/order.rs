//! A command in plain values, for the naive ledger, and the same command as the engine's.

use crate::model::engine::small;
use fentan_engine::accounts::{AccountKind, Funding};
use fentan_engine::ledger::{
    Capture, Command, ConfirmTopUp, LimitsAsk, OpenAccount, OrderLine, Refund, RefundPolicy, RefundTopUp, Release,
    Spend, TopUp, TopUpRefundState, TopUpState, Transfer, Velocity,
};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};

/// What gift a top-up names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gift {
    None,
    Amount(i128),
    Offer(String),
}

/// By which policy a top-up is refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Ratio,
    PaidFirst,
    Unspent,
    Forced,
}

/// How far the refund of a top-up is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    AtOnce,
    Requested,
    Confirmed,
    Failed,
}

/// A payment order: of a spend or a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pay {
    pub(crate) wallet: String,
    pub(crate) merchant: String,
    pub(crate) amount: i128,
    pub(crate) rule: Option<String>,
    /// Order lines: id and amount.
    pub(crate) lines: Vec<(String, i128)>,
}

/// A command; amounts in the minor units of the wallet's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    Open {
        account: String,
        wallet: bool,
        product: Option<String>,
        /// With limits of its own: at most 1000.00, and twice in ten hours.
        own: bool,
    },
    TopUp {
        wallet: String,
        principal: i128,
        gift: Gift,
        channel: String,
        pending: bool,
        ends: Option<i64>,
        gift_ends: Option<i64>,
    },
    Confirm {
        top_up: String,
        amount: Option<i128>,
    },
    Fail {
        top_up: String,
    },
    Spend(Pay),
    Hold(Pay, i64),
    Capture {
        hold: String,
        amount: Option<i128>,
    },
    Release {
        hold: String,
        amount: Option<i128>,
    },
    Refund {
        spend: String,
        amount: Option<i128>,
        line: Option<String>,
    },
    Transfer {
        from: String,
        to: String,
        amount: i128,
        rule: Option<String>,
    },
    TakeBack {
        top_up: String,
        policy: Option<Policy>,
        amount: Option<i128>,
        stage: Stage,
    },
    Freeze(String),
    Unfreeze(String),
    Close(String),
    Expire(String),
}

fn account(name: &str) -> AccountId {
    AccountId::new(name).expect("a name")
}

fn id(name: &str) -> CommandId {
    CommandId::new(name).expect("a name")
}

fn label(name: &str) -> Label {
    Label::new(name).expect("a name")
}

impl Order {
    /// Its name.
    pub(crate) const fn op(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::TopUp { .. } => "top_up",
            Self::Confirm { .. } => "confirm",
            Self::Fail { .. } => "fail",
            Self::Spend(_) => "spend",
            Self::Hold(..) => "hold",
            Self::Capture { .. } => "capture",
            Self::Release { .. } => "release",
            Self::Refund { .. } => "refund",
            Self::Transfer { .. } => "transfer",
            Self::TakeBack { .. } => "take_back",
            Self::Freeze(_) => "freeze",
            Self::Unfreeze(_) => "unfreeze",
            Self::Close(_) => "close",
            Self::Expire(_) => "expire",
        }
    }

    /// As the engine's command; the currency says how amounts are written.
    pub(crate) fn command(&self, currency: Currency) -> Command {
        let major = |amount: i128| Major::from_minor(small(amount), currency);
        let order_line =
            |(name, amount): &(String, i128)| OrderLine { id: label(name), amount: major(*amount), category: None };
        let spend = |pay: &Pay| Spend {
            account: account(&pay.wallet),
            merchant: account(&pay.merchant),
            amount: major(pay.amount),
            rule: pay.rule.as_deref().map(label),
            order: None,
            tags: std::iter::empty().collect(),
            lines: pay.lines.iter().map(order_line).collect(),
        };
        match self {
            Self::Open { account: name, wallet, product, own } => Command::OpenAccount(OpenAccount {
                account: account(name),
                kind: if *wallet { AccountKind::Wallet } else { AccountKind::Merchant },
                currency: None,
                product: product.as_deref().map(label),
                limits: own.then(|| {
                    let velocity = Velocity { spends: 2, seconds: 36_000 };
                    let maximum = Major::from_minor(100_000, Currency::CNY);
                    Box::new(LimitsAsk { maximum_balance: Some(maximum), per_day: None, velocity: Some(velocity) })
                }),
            }),
            Self::TopUp { wallet, principal, gift, channel, pending, ends, gift_ends } => Command::TopUp(TopUp {
                account: account(wallet),
                principal: major(*principal),
                bonus: if let Gift::Amount(amount) = gift { Some(major(*amount)) } else { None },
                offer: if let Gift::Offer(name) = gift { Some(label(name)) } else { None },
                channel: Some(label(channel)),
                channel_order: None,
                funding: Funding::DebitCard,
                expires_at: *ends,
                bonus_expires_at: *gift_ends,
                state: if *pending { TopUpState::Pending } else { TopUpState::Confirmed },
            }),
            Self::Confirm { top_up, amount } => {
                Command::ConfirmTopUp(ConfirmTopUp { top_up: id(top_up), amount: amount.map(major), funding: None })
            }
            Self::Fail { top_up } => Command::FailTopUp(id(top_up)),
            Self::Spend(pay) => Command::Spend(spend(pay)),
            Self::Hold(pay, until) => Command::Hold(spend(pay), *until),
            Self::Capture { hold, amount } => Command::Capture(Capture { hold: id(hold), amount: amount.map(major) }),
            Self::Release { hold, amount } => Command::Release(Release { hold: id(hold), amount: amount.map(major) }),
            Self::Refund { spend, amount, line } => {
                let line = line.as_deref().map(label);
                Command::Refund(Refund { spend: id(spend), amount: amount.map(major), line, reason: None })
            }
            Self::Transfer { from, to, amount, rule } => Command::Transfer(Transfer {
                from: account(from),
                to: account(to),
                amount: major(*amount),
                rule: rule.as_deref().map(label),
            }),
            Self::TakeBack { top_up, policy, amount, stage } => Command::RefundTopUp(RefundTopUp {
                top_up: id(top_up),
                policy: policy.map(|policy| match policy {
                    Policy::Ratio => RefundPolicy::Ratio,
                    Policy::PaidFirst => RefundPolicy::PaidFirst,
                    Policy::Unspent => RefundPolicy::Unspent,
                    Policy::Forced => RefundPolicy::Forced,
                }),
                amount: amount.map(major),
                state: match stage {
                    Stage::AtOnce => None,
                    Stage::Requested => Some(TopUpRefundState::Requested),
                    Stage::Confirmed => Some(TopUpRefundState::Confirmed),
                    Stage::Failed => Some(TopUpRefundState::Failed),
                },
            }),
            Self::Freeze(name) => Command::Freeze(account(name)),
            Self::Unfreeze(name) => Command::Unfreeze(account(name)),
            Self::Close(name) => Command::CloseAccount(account(name)),
            Self::Expire(name) => Command::Expire(account(name)),
        }
    }
}
