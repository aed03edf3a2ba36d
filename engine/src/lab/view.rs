//! Records read without copying: how each begins, and spends as far as the lab looks at them.
//!
//! Nearly all records are spends, and a spend's names need not be owned to be allocated again. The views have
//! the fields of [`Record`], [`Spend`](crate::ledger::Spend) and [`Event::Spent`](crate::ledger::Event::Spent), in
//! their order; a test reads records of every kind both ways.

use crate::accounts::{Counted, Timestamp};
use crate::ledger::{OrderTable, Record, TakenLine};
use crate::money::{Currency, Major};
use serde::Deserialize;
use smallvec::SmallVec;

/// The number of [`Command::Spend`](crate::ledger::Command::Spend) in a record.
const SPEND: u32 = 4;
/// The number of [`Command::Refund`](crate::ledger::Command::Refund) in a record.
const REFUND: u32 = 8;
/// The number of [`Event::Spent`](crate::ledger::Event::Spent) in a record.
const SPENT: u32 = 7;

/// How a record begins: its fields as far as the number of its command's variant.
#[derive(Deserialize)]
struct Head<'a> {
    id: &'a [u8],
    at: Timestamp,
    currency: Currency,
    _slice: u16,
    command: u32,
}

/// What was asked by a spend, and the number of its event's variant.
#[derive(Deserialize)]
struct Asked<'a> {
    account: &'a [u8],
    merchant: &'a [u8],
    _amount: Major,
    _rule: Option<&'a [u8]>,
    _order: Option<&'a [u8]>,
    _tags: SmallVec<[&'a [u8]; 0]>,
    #[serde(borrow)]
    lines: SmallVec<[Line<'a>; 0]>,
    event: u32,
}

/// An order line.
#[derive(Deserialize)]
struct Line<'a> {
    _id: &'a [u8],
    _amount: Major,
    _category: Option<&'a [u8]>,
}

/// What came of a spend, without what the wallet had afterwards.
#[derive(Deserialize)]
struct Came<'a> {
    _rule: &'a [u8],
    _version: u32,
    lots: SmallVec<[&'a [u8]; 1]>,
    lines: SmallVec<[TakenLine; 2]>,
    _phase: Option<i64>,
    _table: Option<OrderTable>,
    _usage: Option<Counted>,
    promoted: u8,
}

/// An accepted spend without order lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpentView<'a> {
    pub(super) id: &'a [u8],
    pub(super) at: Timestamp,
    pub(super) currency: Currency,
    pub(super) account: &'a [u8],
    pub(super) merchant: &'a [u8],
    /// The lots that paid.
    pub(super) lots: SmallVec<[&'a [u8]; 1]>,
    /// What they paid.
    pub(super) lines: SmallVec<[TakenLine; 2]>,
    /// Which sub-balances are promoted.
    pub(super) promoted: u8,
}

/// A record's head, and what stands behind it. Who asked for it stands before it, and is a name.
fn head(bytes: &[u8]) -> Result<(Head<'_>, &[u8]), postcard::Error> {
    postcard::take_from_bytes(Record::bare(bytes).ok_or(postcard::Error::DeserializeBadEncoding)?)
}

/// Whether a record's command is a refund.
pub(super) fn is_refund(bytes: &[u8]) -> Result<bool, postcard::Error> {
    Ok(head(bytes)?.0.command == REFUND)
}

/// An accepted spend without order lines, or `None` when the record is something else.
pub(super) fn spent(bytes: &[u8]) -> Result<Option<SpentView<'_>>, postcard::Error> {
    let (head, rest) = head(bytes)?;
    if head.command != SPEND {
        return Ok(None);
    }
    let (asked, rest) = postcard::take_from_bytes::<Asked<'_>>(rest)?;
    if asked.event != SPENT || !asked.lines.is_empty() {
        return Ok(None);
    }
    let (came, _) = postcard::take_from_bytes::<Came<'_>>(rest)?;
    Ok(Some(SpentView {
        id: head.id,
        at: head.at,
        currency: head.currency,
        account: asked.account,
        merchant: asked.merchant,
        lots: came.lots,
        lines: came.lines,
        promoted: came.promoted,
    }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::accounts::{AccountKind, Status};
    use crate::ledger::{Balances, Command, Event, OrderLine, Refund, Reject, Spend, Taken};
    use crate::names::{AccountId, CommandId, Label};

    fn label(text: &str) -> Label {
        Label::internal(text)
    }

    fn bytes(command: Command, event: Event) -> Vec<u8> {
        let id = CommandId::internal("an id of more than twenty-four bytes");
        let record = Record { id, at: -5, currency: Currency::CNY, slice: 300, command, event };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        bytes
    }

    /// A spend with everything that a spend can have.
    fn full() -> (Spend, Taken) {
        let amount = Major::from_minor(14_000, Currency::CNY);
        let line =
            |id: &str, category: Option<&str>| OrderLine { id: label(id), amount, category: category.map(label) };
        let spend = Spend {
            account: AccountId::internal("a wallet"),
            merchant: AccountId::internal("a merchant whose name is longer than others"),
            amount,
            rule: Some(label("by_lot")),
            order: Some(label("o-1")),
            tags: [label("one"), label("other")].into_iter().collect(),
            lines: [line("1", None), line("2", Some("food"))].into_iter().collect(),
        };
        let mut taken = Taken::default();
        for (lot, sub, minor) in [("t-1", 0, 5_000), ("t-1", 1, 8_000), ("t-2", 1, 1_000)] {
            taken.push(&CommandId::internal(lot), crate::accounts::SubId(sub), minor);
        }
        (spend, taken)
    }

    #[test]
    fn a_spend_is_read_as_the_record_says() {
        let (full, taken) = full();
        let full = Spend { lines: SmallVec::new(), ..full };
        let plain = Spend { rule: None, order: None, tags: SmallVec::new(), ..full.clone() };
        for (ask, has_all) in [(full, true), (plain, false)] {
            let usage = Counted { day: 7, spent: 9, moments: 2 };
            let event = Event::Spent {
                rule: label("by_lot"),
                version: 3,
                taken: taken.clone(),
                phase: has_all.then_some(70),
                table: None,
                usage: has_all.then(|| Box::new(usage)),
                promoted: 6,
                reconciled: crate::ledger::LotSet::default(),
                opens_merchant: has_all,
                after: Balances::default(),
            };
            let bytes = bytes(Command::Spend(ask.clone()), event);
            // With who asked for it before it, and without.
            let mut asked = Vec::new();
            Record::encode_by(&label("till-7"), &mut asked);
            asked.extend_from_slice(&bytes);
            let lots: SmallVec<[&[u8]; 1]> = taken.lots.iter().map(|lot| lot.as_str().as_bytes()).collect();
            let expected = SpentView {
                id: b"an id of more than twenty-four bytes",
                at: -5,
                currency: Currency::CNY,
                account: ask.account.as_str().as_bytes(),
                merchant: ask.merchant.as_str().as_bytes(),
                lots,
                lines: taken.lines.clone(),
                promoted: 6,
            };
            for bytes in [&bytes, &asked] {
                assert_eq!(spent(bytes).expect("a view").as_ref(), Some(&expected));
                assert!(!is_refund(bytes).expect("a head"));
            }
        }
    }

    #[test]
    fn only_accepted_spends_without_order_lines_are_read_so_and_only_refunds_are_refunds() {
        let (ask, taken) = full();
        let name = CommandId::internal("x");
        let refused = || Event::Rejected(Box::new(Reject::UnknownSpend { spend: name.clone() }));
        let refund = Refund { spend: name.clone(), amount: None, line: None, reason: None };
        let account = AccountId::internal("w");
        let lined = Event::Spent {
            rule: label("by_lot"),
            version: 3,
            taken: taken.clone(),
            phase: None,
            table: Some(Box::new(OrderTable::default())),
            usage: None,
            promoted: 6,
            reconciled: crate::ledger::LotSet::default(),
            opens_merchant: false,
            after: Balances::default(),
        };
        let set = Event::StatusSet { status: Status::Open, kind: AccountKind::Wallet };
        let held = Event::Held {
            rule: label("by_lot"),
            version: 1,
            taken,
            phase: None,
            table: None,
            usage: None,
            opens_merchant: false,
            after: Balances::default(),
        };
        for (command, event, is) in [
            (Command::Spend(ask.clone()), refused(), false),
            (Command::Spend(ask.clone()), lined, false),
            (Command::Hold(ask, 7), held, false),
            (Command::Refund(refund), refused(), true),
            (Command::Freeze(account.clone()), set, false),
            (Command::Expire(account), Event::Clearing(Box::default()), false),
        ] {
            let bytes = bytes(command, event);
            assert_eq!(spent(&bytes), Ok(None));
            assert_eq!(is_refund(&bytes), Ok(is));
        }
    }
}
