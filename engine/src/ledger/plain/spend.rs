//! A plain spend.

use super::writer::{Writer, lots_length};
use super::{Head, PlainTaken, is_plain, label_of, length, read_amount, read_balances, variant};
use crate::accounts::Timestamp;
use crate::bytes::Reader;
use crate::ledger::{Balances, Command, Event, LotSet, Record, Spend, TakenLine};
use crate::money::{Currency, Major};
use crate::names::{AccountId, StoredId};
use smallvec::SmallVec;
use std::str::from_utf8;

/// Appends the record, whose command this is, if it is plain; `false` when it is not.
pub(super) fn encode(record: &Record, ask: &Spend, out: &mut Vec<u8>) -> bool {
    let Event::Spent { table: None, usage: None, rule, taken, after, .. } = &record.event else { return false };
    if !ask.tags.is_empty() || !ask.lines.is_empty() || !is_plain(after) {
        return false;
    }
    let names = record.id.as_bytes().len() + ask.account.as_bytes().len() + ask.merchant.as_bytes().len();
    let labels = length(ask.rule.as_ref()) + length(ask.order.as_ref()) + rule.as_bytes().len();
    Writer::append(out, names + labels + lots_length(taken), |writer| write(writer, record, ask))
}

fn write(to: &mut Writer<'_>, record: &Record, ask: &Spend) -> Option<()> {
    let Event::Spent { rule, version, taken, phase, promoted, reconciled, opens_merchant, after, .. } = &record.event
    else {
        return None;
    };
    to.head(record)?;
    to.byte(variant::SPEND)?;
    to.text(ask.account.as_bytes())?;
    to.text(ask.merchant.as_bytes())?;
    to.amount(ask.amount)?;
    to.label(ask.rule.as_ref())?;
    to.label(ask.order.as_ref())?;
    to.byte(0)?; // no tags
    to.byte(0)?; // no lines
    to.byte(variant::SPENT)?;
    to.text(rule.as_bytes())?;
    to.number(u64::from(*version))?;
    to.taken(taken)?;
    to.option(*phase, Writer::signed)?;
    to.byte(0)?; // no table
    to.byte(0)?; // no usage
    to.byte(*promoted)?;
    to.number(reconciled.words().len() as u64)?;
    for word in reconciled.words() {
        to.number(*word)?;
    }
    to.byte(u8::from(*opens_merchant))?;
    to.balances(after)
}

/// A plain spend as its bytes say it: no name is copied, and no id made text. For those that look at every record and keep none.
#[derive(Debug)]
pub(crate) struct PlainSpend<'b> {
    head: Head<'b>,
    pub(crate) account: &'b [u8],
    pub(crate) merchant: &'b [u8],
    amount: Major,
    asked_rule: Option<&'b [u8]>,
    order: Option<&'b [u8]>,
    rule: &'b [u8],
    version: u32,
    taken: PlainTaken<'b>,
    phase: Option<i64>,
    pub(crate) promoted: u8,
    pub(crate) reconciled: LotSet,
    pub(crate) opens_merchant: bool,
    after: Balances,
}

impl<'b> PlainSpend<'b> {
    /// Reads it; `None` when it is another record, or is damaged. Cost: a third of [`Record::decode`].
    #[inline]
    pub(crate) fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let head = Head::read(&mut reader)?;
        reader.is(variant::SPEND)?;
        let spend = read(head, &mut reader)?;
        reader.whole(spend)
    }

    /// Its id.
    pub(crate) fn id(&self) -> StoredId<'b> {
        self.head.id
    }

    /// When it was decided.
    pub(crate) fn at(&self) -> Timestamp {
        self.head.at
    }

    /// The currency of its amounts.
    pub(crate) fn currency(&self) -> Currency {
        self.head.currency
    }

    /// The lots of its lines.
    pub(crate) fn lots(&self) -> &[StoredId<'b>] {
        &self.taken.lots
    }

    /// Its lines.
    pub(crate) fn lines(&self) -> &[TakenLine] {
        &self.taken.lines
    }

    #[inline]
    pub(super) fn into_record(self) -> Option<Record> {
        let ask = Spend {
            account: AccountId::internal(from_utf8(self.account).ok()?),
            merchant: AccountId::internal(from_utf8(self.merchant).ok()?),
            amount: self.amount,
            rule: self.asked_rule.and_then(label_of),
            order: self.order.and_then(label_of),
            tags: SmallVec::new(),
            lines: SmallVec::new(),
        };
        let event = Event::Spent {
            rule: label_of(self.rule)?,
            version: self.version,
            taken: self.taken.into_taken(),
            phase: self.phase,
            table: None,
            usage: None,
            promoted: self.promoted,
            reconciled: self.reconciled,
            opens_merchant: self.opens_merchant,
            after: self.after,
        };
        Some(self.head.of(Command::Spend(ask), event))
    }
}

/// What stands behind the command's variant.
#[inline]
pub(super) fn read<'b>(head: Head<'b>, reader: &mut Reader<'b>) -> Option<PlainSpend<'b>> {
    let (account, merchant) = (reader.text()?, reader.text()?);
    let amount = read_amount(reader)?;
    let (asked_rule, order) = (reader.option(Reader::text)?, reader.option(Reader::text)?);
    reader.is(0)?; // no tags
    reader.is(0)?; // no lines
    reader.is(variant::SPENT)?;
    let rule = reader.text()?;
    let version = u32::try_from(reader.number()?).ok()?;
    let taken = PlainTaken::read(reader)?;
    let phase = reader.option(Reader::signed)?;
    reader.is(0)?; // no table
    reader.is(0)?; // no usage
    let promoted = reader.byte()?;
    let count = reader.small(1)?;
    let reconciled = LotSet::from_words(reader.list(count, 0, Reader::number)?);
    let opens_merchant = reader.flag()?;
    let after = read_balances(reader)?;
    Some(PlainSpend {
        head,
        account,
        merchant,
        amount,
        asked_rule,
        order,
        rule,
        version,
        taken,
        phase,
        promoted,
        reconciled,
        opens_merchant,
        after,
    })
}
