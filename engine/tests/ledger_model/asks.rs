//! Random commands. They name wallets, merchants and what earlier commands made by number, so that most
//! of them mean something.

use crate::naive::Ledger;
use crate::order::{Gift, Order, Pay, Policy, Stage};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

const WALLETS: [&str; 4] = ["w-1", "w-2", "w-3", "p-1"];
const MERCHANTS: [&str; 3] = ["m-1", "m-2", "m-points"];
const RULES: [&str; 11] = [
    "by_lot",
    "by_lot_expiring_first",
    "by_lot_pro_rata",
    "by_balance",
    "principal_first",
    "bonus_first",
    "fixed_100_80",
    "bonus_5_per_spend",
    "bonus_30_percent",
    "by_lot",
    "no_such_rule",
];

/// An account by number: a wallet or a merchant.
fn account(number: u8) -> String {
    let all: Vec<&str> = WALLETS.into_iter().chain(MERCHANTS).collect();
    all[usize::from(number) % all.len()].into()
}

/// The amount a callback says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Says {
    Nothing,
    Right,
    More(u8),
}

/// A part of what an earlier command moved, in hundredths of it; `None` leaves the amount out.
type Part = Option<u8>;

/// A command before it is known what there is.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Open(u8, u8),
    TopUp {
        wallet: u8,
        principal: i64,
        gift: Gift,
        channel: u8,
        pending: bool,
        ends: Option<i64>,
        gift_ends: Option<i64>,
    },
    Confirm(u8, Says),
    Fail(u8),
    Spend {
        wallet: u8,
        merchant: u8,
        amount: i64,
        rule: Option<usize>,
        until: Option<i64>,
    },
    Capture(u8, Part),
    Release(u8, Part),
    Refund(u8, Part),
    Transfer {
        from: u8,
        to: u8,
        amount: i64,
        rule: Option<usize>,
    },
    TakeBack {
        nth: u8,
        policy: Option<Policy>,
        part: Part,
        stage: Stage,
        /// The channel's word names an amount and a policy, right or wrong.
        names: bool,
    },
    Freeze(u8),
    Unfreeze(u8),
    Close(u8),
    Expire(u8),
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![1 => 0..=3_i64, 4 => 1..=3_000_i64, 4 => 1..=20_000_i64]
}

fn gift() -> impl Strategy<Value = Gift> {
    let offer = select(vec!["spring", "third", "no_such_offer"]).prop_map(|name| Gift::Offer(name.into()));
    prop_oneof![3 => Just(Gift::None), 6 => amount().prop_map(|minor| Gift::Amount(minor.into())), 2 => offer]
}

fn top_up() -> impl Strategy<Value = Ask> {
    // Moments that follow now by so much; the past as well, seldom.
    let ends = || of(prop_oneof![1 => -5..=0_i64, 12 => 1..800_i64]);
    (0..4_u8, amount(), gift(), 0..2_u8, prop::bool::weighted(0.3), ends(), ends()).prop_map(
        |(wallet, principal, gift, channel, pending, ends, gift_ends)| Ask::TopUp {
            wallet,
            principal,
            gift,
            channel,
            pending,
            ends,
            gift_ends,
        },
    )
}

fn pay(until: impl Strategy<Value = Option<i64>>) -> impl Strategy<Value = Ask> {
    (0..4_u8, 0..3_u8, amount(), of(0..RULES.len()), until)
        .prop_map(|(wallet, merchant, amount, rule, until)| Ask::Spend { wallet, merchant, amount, rule, until })
}

fn part() -> impl Strategy<Value = Part> {
    of(0..=120_u8)
}

fn take_back() -> impl Strategy<Value = Ask> {
    let policy = || select(vec![Policy::Ratio, Policy::PaidFirst, Policy::Unspent, Policy::Forced]);
    let stage = || {
        prop_oneof![
            3 => Just(Stage::AtOnce), 3 => Just(Stage::Requested), 3 => Just(Stage::Confirmed), 1 => Just(Stage::Failed)
        ]
    };
    (any::<u8>(), of(policy()), of(0..=110_u8), stage(), prop::bool::weighted(0.2))
        .prop_map(|(nth, policy, part, stage, names)| Ask::TakeBack { nth, policy, part, stage, names })
}

/// Any command.
pub(crate) fn ask() -> impl Strategy<Value = Ask> {
    let says = prop_oneof![1 => Just(Says::Nothing), 3 => Just(Says::Right), 1 => any::<u8>().prop_map(Says::More)];
    let transfer = (0..4_u8, 0..4_u8, amount(), of(0..RULES.len()))
        .prop_map(|(from, to, amount, rule)| Ask::Transfer { from, to, amount, rule });
    prop_oneof![
        2 => (0..7_u8, 0..4_u8).prop_map(|(account, product)| Ask::Open(account, product)),
        12 => top_up(),
        4 => (any::<u8>(), says).prop_map(|(nth, says)| Ask::Confirm(nth, says)),
        2 => any::<u8>().prop_map(Ask::Fail),
        20 => pay(Just(None)),
        8 => pay((-2..300_i64).prop_map(Some)),
        6 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Capture(nth, part)),
        4 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Release(nth, part)),
        12 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Refund(nth, part)),
        8 => transfer,
        14 => take_back(),
        1 => (0..7_u8).prop_map(Ask::Freeze),
        2 => (0..7_u8).prop_map(Ask::Unfreeze),
        1 => (0..7_u8).prop_map(Ask::Close),
        3 => (0..4_u8).prop_map(Ask::Expire),
    ]
}

/// Commands that move pieces of few lots between two wallets.
pub(crate) fn to_and_fro() -> impl Strategy<Value = Ask> {
    let few = || prop_oneof![1..=30_i64, 1..=400_i64];
    let top_up = (0..2_u8, few(), few()).prop_map(|(wallet, principal, gift)| Ask::TopUp {
        wallet,
        principal,
        gift: Gift::Amount(gift.into()),
        channel: 0,
        pending: false,
        ends: None,
        gift_ends: None,
    });
    let rule = || of(0..9_usize);
    prop_oneof![
        1 => top_up,
        6 => (0..2_u8, few(), rule()).prop_map(|(from, amount, rule)| Ask::Transfer { from, to: 1 - from, amount, rule }),
        6 => (0..2_u8, few(), rule()).prop_map(|(wallet, amount, rule)| Ask::Spend { wallet, merchant: 0, amount, rule, until: None }),
        6 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Refund(nth, part)),
        3 => take_back(),
    ]
}

fn nth<T>(all: &[T], number: u8) -> Option<&T> {
    all.get(usize::from(number) % all.len().max(1))
}

fn part_of(whole: i128, part: Part) -> Option<i128> {
    part.map(|part| whole * i128::from(part) / 100)
}

fn named(rule: Option<usize>) -> Option<String> {
    rule.map(|at| RULES[at].into())
}

impl Ask {
    /// The command, when there is what it would name.
    pub(crate) fn order(&self, ledger: &Ledger, now: i64) -> Option<Order> {
        let wallet = |number: u8| String::from(WALLETS[usize::from(number)]);
        let merchant = |number: u8| String::from(MERCHANTS[usize::from(number)]);
        Some(match self.clone() {
            Self::Open(number, product) => {
                let product = [None, Some("default"), Some("points"), Some("no_such_product")][usize::from(product)];
                let account = account(number);
                Order::Open { wallet: !account.starts_with('m'), account, product: product.map(Into::into) }
            }
            Self::TopUp { wallet: number, principal, gift, channel, pending, ends, gift_ends } => Order::TopUp {
                wallet: wallet(number),
                principal: principal.into(),
                // Offers are in yuan.
                gift: match gift {
                    Gift::Offer(_) if ledger.in_points(&wallet(number)) => Gift::None,
                    gift => gift,
                },
                channel: ["wechat", "alipay"][usize::from(channel)].into(),
                pending,
                ends: ends.map(|after| now + after),
                gift_ends: gift_ends.map(|after| now + after),
            },
            Self::Confirm(number, says) => {
                let (top_up, principal) = nth(&ledger.top_up_ids(), number).cloned()?;
                let amount = match says {
                    Says::Nothing => None,
                    Says::Right => Some(principal),
                    Says::More(more) => Some(principal + i128::from(more)),
                };
                Order::Confirm { top_up, amount }
            }
            Self::Fail(number) => Order::Fail { top_up: nth(&ledger.top_up_ids(), number)?.0.clone() },
            Self::Spend { wallet: from, merchant: to, amount, rule, until } => {
                let pay =
                    Pay { wallet: wallet(from), merchant: merchant(to), amount: amount.into(), rule: named(rule) };
                match until {
                    None => Order::Spend(pay),
                    Some(after) => Order::Hold(pay, now + after),
                }
            }
            Self::Capture(number, part) => {
                let (hold, whole) = nth(&ledger.hold_ids(), number).cloned()?;
                Order::Capture { hold, amount: part_of(whole, part) }
            }
            Self::Release(number, part) => {
                let (hold, whole) = nth(&ledger.hold_ids(), number).cloned()?;
                Order::Release { hold, amount: part_of(whole, part) }
            }
            Self::Refund(number, part) => {
                let (spend, whole) = nth(&ledger.spend_ids(), number).cloned()?;
                Order::Refund { spend, amount: part_of(whole, part) }
            }
            Self::Transfer { from, to, amount, rule } => {
                Order::Transfer { from: wallet(from), to: wallet(to), amount: amount.into(), rule: named(rule) }
            }
            Self::TakeBack { nth: number, policy, part, stage, names } => {
                let (top_up, principal) = nth(&ledger.top_up_ids(), number).cloned()?;
                let says = names || matches!(stage, Stage::AtOnce | Stage::Requested);
                let amount = part_of(principal, part).filter(|_| says);
                Order::TakeBack { top_up, policy: policy.filter(|_| says), amount, stage }
            }
            Self::Freeze(number) => Order::Freeze(account(number)),
            Self::Unfreeze(number) => Order::Unfreeze(account(number)),
            Self::Close(number) => Order::Close(account(number)),
            Self::Expire(number) => Order::Expire(wallet(number)),
        })
    }
}
