//! Random commands of the clearing line. They name lots, merchants and documents by number, so that most of them mean
//! something.

use crate::desk::{Desk, account, id, label};
use crate::naive::Ledger;
use crate::sweep::{Asked, confirm_home, confirm_piece, file};
use fentan_engine::accounts::Bucket;
use fentan_engine::clearing::{
    Act, Clearing, CloseStatement, ConfirmLot, ConfirmPayout, ConfirmRefund, Difference, Document, FailPayout, Item,
    ItemState, OpenItem, ReceiverAsk, ReleaseSplit, Resolution, ReturnSplit, RowRef, SendPayout, Settle, SplitProceeds,
    Statement, Tally, WithdrawFunds, WorkItem,
};
use fentan_engine::ledger::{Event, TopUpRefund};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId};
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;

const MERCHANTS: [&str; 2] = ["m-1", "m-2"];
const WALLETS: [&str; 4] = ["w-1", "w-2", "w-3", "p-1"];

/// A command before it is known what there is.
#[derive(Debug, Clone)]
pub(crate) enum Chore {
    /// A row confirms a lot where it is at home.
    Confirm(u8),
    /// A lot in any wallet is confirmed, with any amount.
    ConfirmAny(u8, u8, Option<i64>),
    /// The service reads what is to be done for confirmed lots.
    Look,
    /// And does so much of it.
    Do(u8),
    ConfirmRefund(u8),
    Open(Difference, u8, ItemState),
    OpenAboutRefund(Difference, u8),
    Work(u8, Work),
    Split(u8, u8, bool),
    /// Of one spend.
    SplitSpend(u8, bool),
    ReleaseSplit(u8),
    ReturnSplit(u8),
    Settle(u8, u8),
    Send(u8),
    Paid(u8, bool),
    Withdraw(u8),
    Statement(u8, bool),
}

/// What is done about a difference.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Propose(u8, bool),
    Approve,
    Decline,
    Overdue,
    Arrived,
    Differs(Difference),
    Finish(bool),
    Assign,
}

/// What a channel's statements confirm, and the service's way from there.
pub(crate) fn reconciling() -> impl Strategy<Value = Chore> {
    prop_oneof![
        8 => any::<u8>().prop_map(Chore::Confirm),
        6 => Just(Chore::Look),
        6 => (1..4_u8).prop_map(Chore::Do),
        1 => (any::<u8>(), 0..5_u8, prop::option::of(0..20_000_i64)).prop_map(|(lot, wallet, amount)| {
            Chore::ConfirmAny(lot, wallet, amount)
        }),
    ]
}

/// All of the clearing line.
pub(crate) fn any_chore() -> impl Strategy<Value = Chore> {
    let kind = || select(Difference::ALL.to_vec());
    let state = prop_oneof![4 => Just(ItemState::Open), 1 => Just(ItemState::Waiting)];
    let work = prop_oneof![
        6 => (0..5_u8, any::<bool>()).prop_map(|(how, alone)| Work::Propose(how, alone)),
        2 => Just(Work::Approve),
        1 => Just(Work::Decline),
        1 => Just(Work::Overdue),
        1 => Just(Work::Arrived),
        2 => kind().prop_map(Work::Differs),
        3 => any::<bool>().prop_map(Work::Finish),
        1 => Just(Work::Assign),
    ];
    prop_oneof![
        20 => reconciling(),
        4 => any::<u8>().prop_map(Chore::ConfirmRefund),
        6 => (kind(), any::<u8>(), state).prop_map(|(kind, lot, state)| Chore::Open(kind, lot, state)),
        2 => (kind(), any::<u8>()).prop_map(|(kind, refund)| Chore::OpenAboutRefund(kind, refund)),
        10 => (any::<u8>(), work).prop_map(|(item, work)| Chore::Work(item, work)),
        4 => (0..2_u8, 1..101_u8, any::<bool>()).prop_map(|(shop, part, finish)| Chore::Split(shop, part, finish)),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(spend, finish)| Chore::SplitSpend(spend, finish)),
        2 => any::<u8>().prop_map(Chore::ReleaseSplit),
        2 => any::<u8>().prop_map(Chore::ReturnSplit),
        6 => (0..2_u8, 1..29_u8).prop_map(|(shop, day)| Chore::Settle(shop, day)),
        6 => any::<u8>().prop_map(Chore::Send),
        8 => (any::<u8>(), any::<bool>()).prop_map(|(settlement, paid)| Chore::Paid(settlement, paid)),
        2 => (1..101_u8).prop_map(Chore::Withdraw),
        6 => (0..3_u8, any::<bool>()).prop_map(|(statement, closes)| Chore::Statement(statement, closes)),
    ]
}

fn nth<T>(all: impl IntoIterator<Item = T>, number: u8) -> Option<T> {
    let mut all: Vec<T> = all.into_iter().collect();
    if all.is_empty() {
        return None;
    }
    let at = usize::from(number) % all.len();
    Some(all.swap_remove(at))
}

/// Refunds of top-ups in the journal: the record, its currency, and what went back.
fn refunds(desk: &Desk) -> Vec<(CommandId, Currency, TopUpRefund)> {
    let records = desk.books.records().unwrap().into_iter();
    let refunded = |event: &Event| matches!(event, Event::TopUpRefunded { .. } | Event::TopUpRefundConfirmed { .. });
    let refunds = records.filter(|record| refunded(&record.event));
    refunds.filter_map(|record| Some((record.id, record.currency, record.event.top_up_refund()?.clone()))).collect()
}

impl Chore {
    /// The command, when there is what it would name; `number` is that of the step.
    pub(crate) fn asked(&self, desk: &Desk, naive: &Ledger, number: usize) -> Option<Asked> {
        let name = id(&format!("k-{number}"));
        let line = number as u64 + 1;
        let top_up = |number| nth(naive.top_up_ids(), number).map(|(top_up, _)| top_up);
        let home = |top_up: &str| desk.books.homes[&id(top_up)].to_string();
        let document = |kind: &str, number| {
            nth(desk.documents.iter().filter(|(_, document)| document.kind() == kind).map(|(id, _)| id.clone()), number)
        };
        let ask = match self.clone() {
            Self::Look | Self::Do(_) => return None,
            Self::Confirm(number) => {
                let lot = top_up(number)?;
                let piece = (lot.clone(), home(&lot));
                let known = desk.books.wallets.get(&account(&piece.1)).is_some_and(|w| w.lot(&id(&lot)).is_some());
                let asked = confirm_home(desk, &piece, line);
                // A row is booked once.
                return (known && !desk.answers.contains_key(&asked.0)).then_some(asked);
            }
            Self::ConfirmAny(number, wallet, amount) => {
                let wallet = WALLETS.get(usize::from(wallet)).map_or("w-none", |name| *name);
                let (_, ask) = confirm_piece(&(top_up(number).unwrap_or_else(|| "c-none".into()), wallet.into()));
                let Clearing::ConfirmLot(ask) = ask else { unreachable!("it confirms a piece") };
                // Something that is not right about it.
                Clearing::ConfirmLot(ConfirmLot { amount: Some(amount.unwrap_or(i64::MAX)), ..ask })
            }
            Self::ConfirmRefund(number) => {
                let (refund, currency, what) = nth(refunds(desk), number)?;
                let row = RowRef { file: label(&file(what.channel.as_str())), line };
                let (channel, amount) = (what.channel, what.refunded);
                Clearing::ConfirmRefund(ConfirmRefund { refund, channel, currency, row, amount, fee: -1 })
            }
            Self::Open(kind, number, state) => {
                let lot = top_up(number)?;
                let granted = &desk.books.granted[&id(&lot)];
                let account = desk.books.homes[&id(&lot)].clone();
                let booked = fentan_engine::clearing::decide::reconcile::paid_by(granted);
                let item = item(kind, granted.channel.as_str(), line);
                let item = Item { account: Some(account), ledger: Some(id(&lot)), booked: Some(booked), state, ..item };
                Clearing::OpenItem(Box::new(OpenItem { item }))
            }
            Self::OpenAboutRefund(kind, number) => {
                let (refund, currency, what) = nth(refunds(desk), number)?;
                let item = item(kind, what.channel.as_str(), line);
                let booked = Some(what.refunded);
                let item = Item { refund: true, ledger: Some(refund), booked, currency, ..item };
                Clearing::OpenItem(Box::new(OpenItem { item }))
            }
            Self::Work(number, work) => {
                let item = document("item", number)?;
                let act = match (&work, desk.documents.get(&item)) {
                    (Work::Differs(kind), Some(Document::Item(item))) => differs(*kind, item, &top_up(number)?, line),
                    _ => work.act(top_up(number)),
                };
                Clearing::WorkItem(WorkItem { item, by: work.by(), act })
            }
            Self::Split(shop, part, finish) => split(desk, MERCHANTS[usize::from(shop)], part, finish)?,
            Self::SplitSpend(number, finish) => split_spend(desk, number, finish)?,
            Self::ReleaseSplit(number) => Clearing::ReleaseSplit(ReleaseSplit { split: document("split", number)? }),
            Self::ReturnSplit(number) => {
                let (split, receiver) = (document("split", number)?, account("r-1"));
                Clearing::ReturnSplit(ReturnSplit { split, receiver, amount: None })
            }
            Self::Settle(shop, day) => settle(desk, MERCHANTS[usize::from(shop)], day, line),
            Self::Send(number) => {
                Clearing::SendPayout(SendPayout { settlements: vec![document("settlement", number)?] })
            }
            Self::Paid(number, true) => Clearing::ConfirmPayout(ConfirmPayout {
                settlement: document("settlement", number)?,
                by: label("bank"),
                reference: "r".into(),
            }),
            Self::Paid(number, false) => {
                Clearing::FailPayout(FailPayout { settlement: document("settlement", number)?, reason: "no".into() })
            }
            Self::Withdraw(amount) => Clearing::WithdrawFunds(WithdrawFunds {
                channel: label("wechat"),
                currency: Currency::CNY,
                amount: Major::from_minor(i64::from(amount) * 100, Currency::CNY),
                fee: None,
            }),
            Self::Statement(number, false) => Clearing::OpenStatement(Box::new(statement(number))),
            Self::Statement(number, true) => {
                let tally = Tally { matched: line, ..Tally::default() };
                Clearing::CloseStatement(CloseStatement { statement: document("statement", number)?, tally })
            }
        };
        Some((name, ask))
    }
}

impl Work {
    fn by(&self) -> fentan_engine::names::Label {
        label(if matches!(self, Self::Approve | Self::Decline) { "bob" } else { "ann" })
    }

    fn act(&self, other: Option<String>) -> Act {
        match self {
            Self::Propose(how, alone) => Act::Propose {
                resolution: match how {
                    0 => Resolution::WriteOff,
                    1 => Resolution::Reverse,
                    2 => Resolution::Rematch(id(&other.unwrap_or_default())),
                    3 => Resolution::NeverArrived,
                    _ => Resolution::Accept,
                },
                reason: "seen".into(),
                approval_above: if *alone { i64::MAX } else { 0 },
            },
            Self::Approve => Act::Approve,
            Self::Decline => Act::Decline("no".into()),
            Self::Overdue | Self::Differs(_) => Act::Overdue,
            Self::Arrived => Act::Arrived { row: RowRef { file: label("f-late"), line: 1 }, amount: 100, fee: 0 },
            Self::Finish(false) => Act::Finish { gift: 0, promotion: None, owed: 0 },
            // Of a promotion without a budget: what a promotion gets back is to give again.
            Self::Finish(true) => Act::Finish { gift: 7, promotion: Some(label("spring")), owed: 3 },
            Self::Assign => Act::Assign(label("carl")),
        }
    }
}

/// A row and the order of a top-up have met late, and are not equal.
fn differs(kind: Difference, item: &Item, top_up: &str, line: u64) -> Act {
    let same = matches!(kind, Difference::Fee | Difference::TradeType);
    let row = item.row.clone().unwrap_or(RowRef { file: label(&file(item.channel.as_str())), line });
    let ledger = item.ledger.clone().or_else(|| Some(id(top_up)));
    let (booked, stated) = (Some(100), Some(if same { 100 } else { 90 }));
    Act::Differs(Box::new(Item { kind, row: Some(row), ledger, booked, stated, fee: 1, excess: 0, ..item.clone() }))
}

fn item(kind: Difference, channel: &str, line: u64) -> Item {
    let one_sided = matches!(kind, Difference::Short | Difference::Status);
    Item {
        kind,
        state: ItemState::Open,
        channel: label(channel),
        currency: Currency::CNY,
        row: (kind != Difference::Short).then(|| RowRef { file: label(&file(channel)), line }),
        order: "o".into(),
        channel_order: String::new(),
        refund: kind == Difference::Chargeback,
        ledger: None,
        account: None,
        booked: None,
        stated: (!one_sided).then_some(90),
        fee: i64::from(!one_sided),
        excess: 0,
        found: String::new(),
        at: 0,
        suspense: 0,
        owner: None,
        note: String::new(),
        proposal: None,
    }
}

fn split(desk: &Desk, shop: &str, part: u8, finish: bool) -> Option<Clearing> {
    let pending: i128 = desk.has(shop, Bucket::Pending).iter().sum();
    let basis = i64::try_from(pending * i128::from(part) / 100).ok().filter(|basis| *basis > 0)?;
    let amount = Some(Major::from_minor(basis, Currency::CNY));
    let (merchant, receivers) = (account(shop), a_tenth());
    Some(Clearing::Split(Box::new(SplitProceeds { merchant, split: None, spend: None, amount, receivers, finish })))
}

fn split_spend(desk: &Desk, number: u8, finish: bool) -> Option<Clearing> {
    let (spend, merchant) =
        nth(desk.books.spends.iter().map(|(id, spend)| (id.clone(), spend.merchant.clone())), number)?;
    let (spend, receivers) = (Some(spend), a_tenth());
    Some(Clearing::Split(Box::new(SplitProceeds { merchant, split: None, spend, amount: None, receivers, finish })))
}

fn a_tenth() -> Vec<ReceiverAsk> {
    vec![ReceiverAsk { account: account("r-1"), ratio: Some(Decimal::from(10)), amount: None }]
}

fn settle(desk: &Desk, shop: &str, day: u8, to: u64) -> Clearing {
    let [paid, promoted] = desk.has(shop, Bucket::Pending).map(|minor| i64::try_from(minor).unwrap());
    Clearing::Settle(Box::new(Settle {
        merchant: AccountId::internal(shop),
        currency: Currency::CNY,
        run_day: label(&format!("2026-11-{day:02}")),
        cutoff: 0,
        at_cutoff_paid: paid,
        at_cutoff_promoted: promoted,
        settled_since: 0,
        carried_in: 0,
        lines: Vec::new(),
        from: 1,
        to,
    }))
}

fn statement(number: u8) -> Statement {
    let name = format!("day-{number}");
    Statement {
        file: label(&name),
        name,
        channel: label("wechat"),
        family: label("wechat_trade"),
        currency: Currency::CNY,
        day: label("2026-11-26"),
        until: 0,
        rows: 1,
        payments: 1,
        payment_amount: 100,
        refunds: 0,
        refund_amount: 0,
        fee: 1,
        tally: None,
    }
}
