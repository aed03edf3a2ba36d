//! An item and the accounts that it books on; every entry balances, and suspense is what items say.

use fentan_engine::accounts::SystemAccount;
use fentan_engine::clearing::decide::item::{open, work};
use fentan_engine::clearing::{
    Act, Clearing, Difference, Document, Entry, Item, ItemState, OpenItem, Resolution, RowRef, WorkItem,
};
use fentan_engine::ledger::{Command, Event, PostTo, Record, Reject, postings};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use std::collections::BTreeMap;

const NOW: i64 = 1_795_341_600_000_000;

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(crate) fn id(text: &str) -> CommandId {
    CommandId::new(text).unwrap()
}

/// What the accounts have, by short names; zeros are left out.
pub(crate) type Books = BTreeMap<&'static str, i128>;

/// The accounts of a table's row.
pub(crate) fn books(all: &[(&'static str, i128)]) -> Books {
    all.iter().copied().filter(|(_, minor)| *minor != 0).collect()
}

/// A difference of 100.00 that the ledger booked, 90.00 that the channel says, and a fee of 0.60, of which 0.10 is too
/// much: of these the ones that its kind has.
pub(crate) fn item(kind: Difference) -> Item {
    let has = |kinds: &[Difference]| kinds.contains(&kind);
    let ledger = !has(&[Difference::Long, Difference::Duplicate, Difference::Chargeback]);
    let same = has(&[Difference::Fee, Difference::TradeType]);
    Item {
        kind,
        state: ItemState::Open,
        channel: label("wechat"),
        currency: Currency::CNY,
        row: (kind != Difference::Short).then(|| RowRef { file: label("f-1"), line: 7 }),
        order: "o-1".into(),
        channel_order: String::new(),
        refund: kind == Difference::Chargeback,
        ledger: ledger.then(|| id("t-1")),
        account: ledger.then(|| AccountId::new("w-1").unwrap()),
        booked: ledger.then_some(10_000),
        stated: match kind {
            Difference::Short | Difference::Status | Difference::Currency => None,
            _ if same => Some(10_000),
            _ => Some(9_000),
        },
        fee: if has(&[Difference::Short, Difference::Status, Difference::Currency]) { 0 } else { 60 },
        excess: if kind == Difference::Fee { 10 } else { 0 },
        found: String::new(),
        at: NOW,
        suspense: 0,
        owner: None,
        note: String::new(),
        proposal: None,
    }
}

/// The channel has the money of a top-up that is pending.
pub(crate) fn pending() -> Item {
    Item { booked: None, stated: Some(10_000), fee: 60, ..item(Difference::Status) }
}

/// The same about the refund of a top-up.
pub(crate) fn of_refund(item: Item) -> Item {
    Item { refund: true, account: None, ledger: item.ledger.map(|_| id("r-1")), fee: -item.fee, ..item }
}

/// The item under way.
pub(crate) struct Desk {
    pub(crate) item: Item,
    pub(crate) accounts: Books,
    /// What the item's lot or refund has put into suspense before the item was there.
    count: u32,
}

fn short(account: &SystemAccount) -> &'static str {
    match account {
        SystemAccount::Channel(_) => "channel",
        SystemAccount::Funds(_) => "funds",
        SystemAccount::Suspense => "suspense",
        SystemAccount::Fee => "fee",
        SystemAccount::WriteOff => "write_off",
        SystemAccount::Promotion(_) => "promotion",
        other => panic!("a difference has nothing to do with {other:?}"),
    }
}

impl Desk {
    /// The item is found.
    pub(crate) fn open(item: Item) -> Self {
        Self::open_with(item, &[])
    }

    /// The item is found; the accounts have so much.
    pub(crate) fn open_with(item: Item, accounts: &[(&'static str, i128)]) -> Self {
        let mut desk = Self { item: item.clone(), accounts: books(accounts), count: 0 };
        let entry = open(&id("i-1"), &item).unwrap();
        desk.book(Clearing::OpenItem(Box::new(OpenItem { item })), entry);
        desk
    }

    /// Does something, or says why not; nothing changes then.
    pub(crate) fn act(&mut self, by: &str, act: Act) -> Result<(), Reject> {
        let ask = WorkItem { item: id("i-1"), by: label(by), act };
        let entry = work(Some(&Document::Item(Box::new(self.item.clone()))), None, &ask, NOW)?;
        self.book(Clearing::WorkItem(ask), entry);
        Ok(())
    }

    pub(crate) fn propose(&mut self, resolution: Resolution, approval_above: i64) -> Result<(), Reject> {
        self.act("ann", Act::Propose { resolution, reason: "seen".into(), approval_above })
    }

    /// Brings the item into a state, or leaves it where it is when its kind has no way there.
    pub(crate) fn to(item: Item, state: ItemState) -> Option<Self> {
        let first = if state == ItemState::Waiting { ItemState::Waiting } else { ItemState::Open };
        let mut desk = Self::open(Item { state: first, ..item });
        let ways = [Resolution::WriteOff, Resolution::Accept, Resolution::Rematch(id("t-2")), Resolution::NeverArrived];
        match state {
            ItemState::Waiting | ItemState::Open => {}
            ItemState::Proposed => {
                ways.into_iter().find(|way| desk.propose(way.clone(), -1).is_ok())?;
            }
            ItemState::Acting | ItemState::Resolved => {
                ways.into_iter().find(|way| desk.propose(way.clone(), i64::MAX).is_ok())?;
                if state == ItemState::Resolved && desk.item.state == ItemState::Acting {
                    desk.finish(0, 0).ok()?;
                }
            }
            ItemState::Suspended => {
                desk.propose(Resolution::NeverArrived, i64::MAX).ok()?;
                desk.finish(9_000, 5_000).ok()?;
            }
        }
        (desk.item.state == state).then_some(desk)
    }

    /// What followed is booked.
    pub(crate) fn finish(&mut self, gift: i64, owed: i64) -> Result<(), Reject> {
        self.act("fentan", Act::Finish { gift, promotion: (gift > 0).then(|| label("spring")), owed })
    }

    pub(crate) fn has(&self, account: &str) -> i128 {
        self.accounts.get(account).copied().unwrap_or(0)
    }

    fn book(&mut self, ask: Clearing, entry: Entry) {
        self.count += 1;
        let record = Record {
            id: id(&format!("c-{}", self.count)),
            at: NOW,
            currency: Currency::CNY,
            slice: 0,
            command: Command::Clear(Box::new(ask)),
            event: Event::Clearing(Box::new(entry)),
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let read = Record::decode(&bytes).unwrap();
        assert_eq!(read, record, "a journal gives back what was written");
        let Event::Clearing(entry) = &read.event else { panic!("it is an entry") };
        assert!(entry.confirms.is_none() && entry.opens.is_empty(), "an item changes no wallet (rule C1)");
        let mut sum = 0;
        let before = self.has("suspense");
        postings(&read, |posting| {
            sum += posting.minor;
            let PostTo::System(account) = posting.to else { panic!("an item books on {:?}", posting.to) };
            *self.accounts.entry(short(&account)).or_default() += posting.minor;
        });
        assert_eq!(sum, 0, "the entry balances");
        self.accounts.retain(|_, minor| *minor != 0);
        let [filed] = entry.documents.as_slice() else { panic!("an item is one document") };
        let Document::Item(item) = &filed.document else { panic!("it is an item") };
        // Of a payment the record that confirmed its lot has put an excess fee into suspense already.
        let brought =
            if self.count == 1 && !item.refund && item.booked.is_some() { -i128::from(item.excess) } else { 0 };
        let stood = if self.count == 1 { 0 } else { i128::from(self.item.suspense) };
        assert_eq!(
            self.has("suspense") - before + brought,
            i128::from(item.suspense) - stood,
            "what the item says of suspense is what it has moved there"
        );
        assert!(item.state != ItemState::Resolved || item.suspense == 0, "nothing of a resolved item is in suspense");
        self.item = (**item).clone();
    }
}
