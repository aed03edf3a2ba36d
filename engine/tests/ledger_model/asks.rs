//! Random commands. They name wallets, merchants and what earlier commands made by number, so that most
//! of them mean something.

use crate::naive::Ledger;
use crate::order::{Gift, Order, Pay, Policy, Stage};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

const WALLETS: [&str; 4] = ["w-1", "w-2", "w-3", "p-1"];
/// The model's clock goes by hours, so that days and windows pass.
pub(crate) const HOUR: i64 = 3_600 * 1_000_000;
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

/// Where an amount is cut into order lines, in parts of 65,536; none when the order has no lines.
pub(crate) type Cuts = Option<Vec<u16>>;

/// Order lines that sum to the amount; to another when a cut is at nothing, which is wrong.
fn order_lines(amount: i128, cuts: &[u16]) -> Vec<(String, i128)> {
    let mut places: Vec<i128> = cuts.iter().map(|cut| amount * i128::from(*cut) / 65_536).collect();
    places.extend([0, amount]);
    places.sort_unstable();
    let pieces = places.windows(2).map(|ends| ends[1] - ends[0]).filter(|amount| *amount > 0);
    let wrong = i128::from(cuts.contains(&0));
    (0..).zip(pieces).map(|(at, amount)| (format!("l-{at}"), amount + if at == 0 { wrong } else { 0 })).collect()
}

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
        lines: Cuts,
    },
    Capture(u8, Part),
    Release(u8, Part),
    /// Of a spend, a part, or a part of one of its order lines.
    Refund(u8, Part, Option<u8>),
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
    let offer = select(vec!["spring", "third", "no_such_offer", "twice", "january", "little", "little"])
        .prop_map(|name| Gift::Offer(name.into()));
    prop_oneof![3 => Just(Gift::None), 6 => amount().prop_map(|minor| Gift::Amount(minor.into())), 4 => offer]
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
    (0..4_u8, 0..3_u8, amount(), of(0..RULES.len()), until, cuts()).prop_map(
        |(wallet, merchant, amount, rule, until, lines)| Ask::Spend { wallet, merchant, amount, rule, until, lines },
    )
}

fn cuts() -> impl Strategy<Value = Cuts> {
    let cut = prop_oneof![1 => Just(0_u16), 60 => 1..=u16::MAX];
    of(prop::collection::vec(cut, 0..9))
}

fn refund() -> impl Strategy<Value = Ask> {
    (any::<u8>(), part(), of(any::<u8>())).prop_map(|(nth, part, line)| Ask::Refund(nth, part, line))
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
        3 => (0..7_u8, 0..6_u8).prop_map(|(account, product)| Ask::Open(account, product)),
        12 => top_up(),
        4 => (any::<u8>(), says).prop_map(|(nth, says)| Ask::Confirm(nth, says)),
        2 => any::<u8>().prop_map(Ask::Fail),
        20 => pay(Just(None)),
        8 => pay((-2..300_i64).prop_map(Some)),
        6 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Capture(nth, part)),
        4 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Release(nth, part)),
        12 => refund(),
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
        6 => (0..2_u8, few(), rule(), cuts()).prop_map(|(wallet, amount, rule, lines)| Ask::Spend {
            wallet, merchant: 0, amount, rule, until: None, lines,
        }),
        6 => refund(),
        3 => take_back(),
    ]
}

/// Commands in two wallets with limits: small amounts, offers that are bounded, lots that end soon.
pub(crate) fn bounded() -> impl Strategy<Value = Ask> {
    let offer = select(vec!["twice", "twice", "january", "little"]).prop_map(|name| Gift::Offer(name.into()));
    let gift = prop_oneof![2 => offer, 1 => (1..900_i128).prop_map(Gift::Amount)];
    let top_up = (0..2_u8, 10..9_000_i64, gift, prop::bool::weighted(0.4), of(1..60_i64), of(1..60_i64)).prop_map(
        |(wallet, principal, gift, pending, ends, gift_ends)| Ask::TopUp {
            wallet,
            principal,
            gift,
            channel: 0,
            pending,
            ends,
            gift_ends,
        },
    );
    let few = || prop_oneof![1..=900_i64, 1..=8_000_i64];
    // The default rule, and two that restore.
    let rule = || select(vec![None, Some(1), Some(5)]);
    let pay = |until: BoxedStrategy<Option<i64>>| {
        (0..2_u8, few(), rule(), until, cuts()).prop_map(|(wallet, amount, rule, until, lines)| Ask::Spend {
            wallet,
            merchant: 0,
            amount,
            rule,
            until,
            lines,
        })
    };
    prop_oneof![
        6 => top_up,
        4 => any::<u8>().prop_map(|nth| Ask::Confirm(nth, Says::Right)),
        2 => any::<u8>().prop_map(Ask::Fail),
        6 => pay(Just(None).boxed()),
        4 => pay((1..40_i64).prop_map(Some).boxed()),
        3 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Capture(nth, part)),
        3 => (any::<u8>(), part()).prop_map(|(nth, part)| Ask::Release(nth, part)),
        6 => refund(),
        2 => (0..2_u8, few(), rule()).prop_map(|(from, amount, rule)| Ask::Transfer { from, to: 1 - from, amount, rule }),
        3 => (0..2_u8).prop_map(Ask::Expire),
    ]
}

/// A wallet of the product that has limits, and one with limits of its own.
pub(crate) fn limited_wallets() -> [Ask; 2] {
    [Ask::Open(0, 4), Ask::Open(1, 5)]
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
                let own = product == 5;
                let products = [None, Some("default"), Some("points"), Some("no_such_product"), Some("limited")];
                let product = products[usize::from(product).min(4)];
                let account = account(number);
                Order::Open { wallet: !account.starts_with('m'), account, product: product.map(Into::into), own }
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
                ends: ends.map(|after| now + after * HOUR),
                gift_ends: gift_ends.map(|after| now + after * HOUR),
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
            Self::Spend { wallet: from, merchant: to, amount, rule, until, lines } => {
                let lines = lines.map(|cuts| order_lines(amount.into(), &cuts)).unwrap_or_default();
                let pay = Pay {
                    wallet: wallet(from),
                    merchant: merchant(to),
                    amount: amount.into(),
                    rule: named(rule),
                    lines,
                };
                match until {
                    None => Order::Spend(pay),
                    Some(after) => Order::Hold(pay, now + after * HOUR),
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
            Self::Refund(number, part, line) => {
                let (spend, whole) = nth(&ledger.spend_ids(), number).cloned()?;
                let order = ledger.order_of(&spend);
                // Of a spend without order lines it is one that is not there, seldom.
                let named = match line {
                    Some(_) if order.is_empty() => None,
                    Some(255) => Some(("l-none".into(), whole)),
                    line => line.and_then(|line| nth(&order, line).cloned()),
                };
                let whole = named.as_ref().map_or(whole, |line| line.1);
                let unknown = order.is_empty() && line.is_some_and(|line| line < 8);
                let line = if unknown { Some("l-0".into()) } else { named.map(|line| line.0) };
                Order::Refund { spend, amount: part_of(whole, part), line }
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
