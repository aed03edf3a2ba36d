//! C1's exception: a top-up that never arrived. What changes the wallet is one command of the customer line, a forced
//! refund that the service makes; the clearing commands around it change no wallet either.

use crate::desk::{Desk, account, id, label};
use crate::order::{Gift, Order, Pay, Policy, Stage};
use crate::sweep::{Sweep, Way, confirm_piece};
use fentan_engine::accounts::{Bucket, SubId, SystemAccount};
use fentan_engine::clearing::scan::{Order as Open, Paid, Span, open_orders};
use fentan_engine::clearing::{Act, Clearing, Difference, Document, Item, ItemState, OpenItem, Resolution, WorkItem};
use fentan_engine::ledger::TopUpRefund;
use fentan_engine::money::Currency;

const NOW: i64 = 1_000;

pub(crate) fn top_up(wallet: &str, principal: i128, gift: i128) -> Order {
    let (wallet, channel) = (wallet.into(), "wechat".into());
    Order::TopUp { wallet, principal, gift: Gift::Amount(gift), channel, pending: false, ends: None, gift_ends: None }
}

pub(crate) fn pay(wallet: &str, amount: i128) -> Pay {
    Pay { wallet: wallet.into(), merchant: "m-1".into(), amount, rule: Some("by_lot".into()), lines: Vec::new() }
}

fn forced(top_up: &str) -> Order {
    let policy = Some(Policy::Forced);
    Order::TakeBack { top_up: top_up.into(), policy, amount: None, stage: Stage::AtOnce }
}

/// The service's own command.
const TAKE_BACK: &str = "\u{1}w-take-back";

/// Lot 100.00 + 180.00, 140.00 spent by the lot's ratio: 50.00 and 90.00.
fn spent() -> Desk {
    let mut desk = Desk::new();
    desk.order("t-1", NOW, &top_up("w-1", 10_000, 18_000)).unwrap();
    desk.order("s-1", NOW, &Order::Spend(pay("w-1", 14_000))).unwrap();
    desk
}

fn short() -> Clearing {
    let item = Item {
        kind: Difference::Short,
        state: ItemState::Open,
        channel: label("wechat"),
        currency: Currency::CNY,
        row: None,
        order: "t-1".into(),
        channel_order: String::new(),
        refund: false,
        ledger: Some(id("t-1")),
        account: Some(account("w-1")),
        booked: Some(10_000),
        stated: None,
        fee: 0,
        excess: 0,
        found: String::new(),
        at: NOW,
        suspense: 0,
        owner: None,
        note: String::new(),
        proposal: None,
    };
    Clearing::OpenItem(Box::new(OpenItem { item }))
}

fn act(desk: &mut Desk, name: &str, act: Act) {
    let ask = Clearing::WorkItem(WorkItem { item: id("i-1"), by: label("ann"), act });
    desk.clear(&id(name), NOW, &ask).unwrap().unwrap();
}

fn propose(desk: &mut Desk, name: &str, resolution: Resolution) {
    act(desk, name, Act::Propose { resolution, reason: "seen".into(), approval_above: i64::MAX });
}

fn item(desk: &Desk) -> &Item {
    let Document::Item(item) = &desk.documents[&id("i-1")] else { panic!("it is an item") };
    item
}

/// Principal, bonus, arrears.
fn wallet(desk: &Desk) -> (i64, i64, i64) {
    let wallet = desk.wallet("w-1");
    (wallet.available.get(SubId::PRINCIPAL), wallet.available.get(SubId::BONUS), wallet.arrears)
}

fn gifts(desk: &Desk) -> i64 {
    let journal = desk.journal(1);
    let span = Span { from: 1, to: journal.end(), progress: &mut |_| {} };
    Paid::read(&journal, &std::iter::once(id("t-1")).collect(), span).unwrap().gifts()
}

#[test]
fn c1_a_top_up_that_never_arrived_is_taken_back_by_one_forced_refund() {
    let mut desk = spent();
    let promotion = desk.books.granted[&id("t-1")].promotion.clone();
    let own = |desk: &Desk| {
        let accounts = [
            SystemAccount::Channel(label("wechat")),
            SystemAccount::Promotion(promotion.clone()),
            SystemAccount::Suspense,
            SystemAccount::WriteOff,
        ];
        accounts.map(|account| desk.own(account))
    };
    desk.clear(&id("i-1"), NOW, &short()).unwrap().unwrap();
    propose(&mut desk, "k-1", Resolution::NeverArrived);
    assert_eq!(item(&desk).state, ItemState::Acting);
    assert_eq!(wallet(&desk), (5_000, 9_000, 0), "the clearing line alone changes no wallet");
    assert_eq!(own(&desk), [-10_000, -18_000, 0, 0]);

    desk.order(TAKE_BACK, NOW, &forced("t-1")).unwrap();
    assert_eq!(wallet(&desk), (0, 0, 5_000));
    assert_eq!(own(&desk), [0, -9_000, 0, 0]);

    let gift = gifts(&desk);
    assert_eq!(gift, 9_000, "the bonus that was consumed");
    act(&mut desk, "k-2", Act::Finish { gift, promotion: Some(promotion.clone()), owed: 5_000 });
    assert_eq!((item(&desk).state, item(&desk).suspense), (ItemState::Suspended, -9_000));
    assert_eq!(own(&desk), [0, 0, -9_000, 0]);
    assert_eq!(desk.has("m-1", Bucket::Unreconciled), [5_000, 9_000], "the merchant waits");

    propose(&mut desk, "k-3", Resolution::WriteOff);
    assert_eq!(own(&desk), [0, 0, 0, -9_000]);
    let (name, confirm) = confirm_piece(&("t-1".into(), "w-1".into()));
    desk.clear(&name, NOW, &confirm).unwrap().unwrap();
    let ended = Sweep::new(Way::Right, 2)
        .go(&mut desk, None, &mut |desk, (name, ask)| desk.clear(name, NOW, ask)?.map_err(|reject| reject.to_string()));
    assert_eq!(ended, Ok(true));
    act(&mut desk, "k-4", Act::Finish { gift: 0, promotion: None, owed: 0 });
    assert_eq!(item(&desk).state, ItemState::Resolved);
    assert_eq!(desk.has("m-1", Bucket::Pending), [5_000, 9_000]);
    assert_eq!(desk.has("m-1", Bucket::Unreconciled), [0, 0]);
    assert_eq!((wallet(&desk), own(&desk)), ((0, 0, 5_000), [0, 0, 0, -9_000]));

    // What the wallet owes comes in with the next money, and the channel's account says so.
    desk.order("t-2", NOW, &top_up("w-1", 6_000, 0)).unwrap();
    assert_eq!(wallet(&desk), (1_000, 0, 0));
}

#[test]
fn c1_without_the_clearing_commands_the_forced_refund_gives_the_same_wallet() {
    let mut desk = spent();
    desk.order(TAKE_BACK, NOW, &forced("t-1")).unwrap();
    assert_eq!(wallet(&desk), (0, 0, 5_000));
    assert_eq!(wallet(&spent()), (5_000, 9_000, 0), "and without it the wallet has what it had");
}

/// No statement will have a row for what the ledger takes back; for what a client takes back, it will.
#[test]
fn c4_what_the_ledger_takes_back_is_no_order() {
    let orders = |name: &str| {
        let mut desk = spent();
        desk.clear(&id("i-1"), NOW, &short()).unwrap().unwrap();
        desk.order(name, NOW, &forced("t-1")).unwrap();
        let journal = desk.journal(3);
        let span = Span { from: 1, to: journal.end(), progress: &mut |_| {} };
        open_orders(&journal, (&label("wechat"), &label("f-1")), span).unwrap().orders
    };
    assert_eq!(orders(TAKE_BACK), Vec::<Open>::new());
    let by_client: Vec<_> = orders("r-1").into_iter().map(|order| (order.id, order.refund, order.amount)).collect();
    assert_eq!(by_client, [(id("r-1"), true, 10_000)]);
}

/// A forced refund takes the place of one that waits, and is known to the channel by its own number.
#[test]
fn c4_a_forced_refund_has_its_own_number() {
    let mut desk = Desk::new();
    desk.order("t-1", NOW, &top_up("w-1", 10_000, 0)).unwrap();
    let part = Some(4_000);
    let asked = Order::TakeBack { top_up: "t-1".into(), policy: None, amount: part, stage: Stage::Requested };
    desk.order("r-1", NOW, &asked).unwrap();
    desk.order("r-2", NOW, &forced("t-1")).unwrap();
    let records = desk.books.records().unwrap();
    let refunded: Option<&TopUpRefund> = records.last().and_then(|record| record.event.top_up_refund());
    assert_eq!(refunded.map(|refund| refund.refunded), Some(10_000));
    let journal = desk.journal(3);
    let span = Span { from: 1, to: journal.end(), progress: &mut |_| {} };
    let open = open_orders(&journal, (&label("wechat"), &label("f-1")), span).unwrap();
    let numbers: Vec<_> = open.orders.iter().map(|order| (order.number.as_str(), order.refund)).collect();
    assert_eq!(numbers, [("t-1", false), ("r-2", true)]);
}

/// The channel knows a refund by the command that asked for it. When that one is before the span, it is said.
#[test]
fn c4_a_refund_that_was_asked_for_before_the_span_is_told() {
    let mut desk = Desk::new();
    desk.order("t-1", NOW, &top_up("w-1", 10_000, 0)).unwrap();
    let part = |stage| Order::TakeBack { top_up: "t-1".into(), policy: None, amount: Some(4_000), stage };
    desk.order("r-1", NOW, &part(Stage::Requested)).unwrap();
    desk.order("r-2", NOW, &part(Stage::Confirmed)).unwrap();
    let journal = desk.journal(3);
    let found = |from| {
        let span = Span { from, to: journal.end(), progress: &mut |_| {} };
        let open = open_orders(&journal, (&label("wechat"), &label("f-1")), span).unwrap();
        let refunds = open.orders.iter().filter(|order| order.refund);
        (refunds.map(|order| order.number.as_str().to_owned()).collect::<Vec<_>>(), open.asked_before)
    };
    assert_eq!(found(1), (vec!["r-1".to_owned()], Vec::new()));
    assert_eq!(found(3), (vec!["r-2".to_owned()], vec![(3, id("t-1"))]));
}
