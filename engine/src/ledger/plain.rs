//! The bytes of a plain spend, written and read by hand.
//!
//! Nearly every record of a busy ledger is a spend without tags, order lines and limits. Written by hand it takes a
//! quarter of the instructions that the general way takes, to the same bytes; a property test holds the two together.
//! What is not plain goes the general way.

use super::{Balances, Command, Event, LotSet, Record, Spend, Taken, TakenLine};
use crate::accounts::{SUBS_MAX, SubId, Subs, Timestamp};
use crate::bytes::Reader;
use crate::money::{Currency, Major};
use crate::names::{AccountId, CommandId, Label, StoredId};
use smallvec::SmallVec;
use std::str::from_utf8;

/// The places of the variants in their enums, which the format fixes.
const SPEND: u8 = 4;
const SPENT: u8 = 7;

/// Room for all of a plain record but its names: each number takes ten bytes at the most, and so does a name's length.
const ROOM: usize = 384;
/// A record of more lots or lines is not plain.
const LOTS: usize = 4;

/// Appends the record if it is a plain spend; `false` when it is not.
pub(super) fn encode(record: &Record, out: &mut Vec<u8>) -> bool {
    let (Command::Spend(ask), Event::Spent { table: None, usage: None, rule, taken, after, .. }) =
        (&record.command, &record.event)
    else {
        return false;
    };
    if !ask.tags.is_empty() || !ask.lines.is_empty() || taken.lots.len() > LOTS || taken.lines.len() > 2 * LOTS {
        return false;
    }
    // Read from a damaged medium, perhaps: there are no more sub-balances, and it is not read back by hand.
    if after.subs.len() > SUBS_MAX {
        return false;
    }
    let label = |label: &Option<Label>| label.as_ref().map_or(0, |label| label.as_bytes().len());
    let names = record.id.as_bytes().len() + ask.account.as_bytes().len() + ask.merchant.as_bytes().len();
    let lots: usize = taken.lots.iter().map(|lot| lot.as_bytes().len()).sum();
    let names = names + label(&ask.rule) + label(&ask.order) + rule.as_bytes().len() + lots;
    let start = out.len();
    out.resize(start + names + ROOM, 0);
    let mut writer = Writer { buffer: &mut out[start..], at: 0 };
    let written = writer.record(record, ask);
    let end = if written.is_some() { writer.at } else { 0 };
    out.truncate(start + end);
    written.is_some()
}

struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

/// Each method gives `None` when there is no room.
impl Writer<'_> {
    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        *self.buffer.get_mut(self.at)? = byte;
        self.at += 1;
        Some(())
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.buffer.get_mut(self.at..self.at + bytes.len())?.copy_from_slice(bytes);
        self.at += bytes.len();
        Some(())
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    fn number(&mut self, mut number: u64) -> Option<()> {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80)?;
            number >>= 7;
        }
        self.byte(number as u8)
    }

    /// Zigzag: the sign is the lowest bit.
    #[inline]
    fn signed(&mut self, number: i64) -> Option<()> {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned())
    }

    #[inline]
    fn text(&mut self, text: &[u8]) -> Option<()> {
        self.number(text.len() as u64)?;
        self.bytes(text)
    }

    #[inline]
    fn id(&mut self, id: &CommandId) -> Option<()> {
        self.text(id.written().as_bytes())
    }

    fn label(&mut self, label: Option<&Label>) -> Option<()> {
        match label {
            None => self.byte(0),
            Some(label) => {
                self.byte(1)?;
                self.text(label.as_bytes())
            }
        }
    }

    fn record(&mut self, record: &Record, ask: &Spend) -> Option<()> {
        let Event::Spent { rule, version, taken, phase, promoted, reconciled, opens_merchant, after, .. } =
            &record.event
        else {
            return None;
        };
        self.id(&record.id)?;
        self.signed(record.at)?;
        self.bytes(&record.currency.to_bytes())?;
        self.number(u64::from(record.slice))?;
        self.byte(SPEND)?;
        self.text(ask.account.as_bytes())?;
        self.text(ask.merchant.as_bytes())?;
        let (digits, decimals) = ask.amount.to_parts();
        self.signed(digits)?;
        self.byte(decimals)?;
        self.label(ask.rule.as_ref())?;
        self.label(ask.order.as_ref())?;
        self.byte(0)?; // no tags
        self.byte(0)?; // no lines
        self.byte(SPENT)?;
        self.text(rule.as_bytes())?;
        self.number(u64::from(*version))?;
        self.number(taken.lots.len() as u64)?;
        for lot in &taken.lots {
            self.id(lot)?;
        }
        self.number(taken.lines.len() as u64)?;
        for line in &taken.lines {
            self.number(u64::from(line.lot))?;
            self.byte(line.sub.0)?;
            self.signed(line.amount)?;
        }
        match phase {
            None => self.byte(0)?,
            Some(phase) => {
                self.byte(1)?;
                self.signed(*phase)?;
            }
        }
        self.byte(0)?; // no table
        self.byte(0)?; // no usage
        self.byte(*promoted)?;
        self.number(reconciled.words().len() as u64)?;
        for word in reconciled.words() {
            self.number(*word)?;
        }
        self.byte(u8::from(*opens_merchant))?;
        self.number(after.subs.len() as u64)?;
        for (_, minor) in after.subs.iter() {
            self.signed(minor)?;
        }
        self.signed(after.held)?;
        self.signed(after.arrears)
    }
}

/// Reads a record if it is a plain spend; `None` when it is not, or is damaged: the general way says which.
pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
    PlainSpend::read(bytes)?.into_record()
}

/// A plain spend as its bytes say it: no name is copied, and no id made text. For those that look at every record and keep none.
#[derive(Debug)]
pub(crate) struct PlainSpend<'b> {
    pub(crate) id: StoredId<'b>,
    pub(crate) at: Timestamp,
    pub(crate) currency: Currency,
    slice: u16,
    pub(crate) account: &'b [u8],
    pub(crate) merchant: &'b [u8],
    amount: Major,
    asked_rule: Option<&'b [u8]>,
    order: Option<&'b [u8]>,
    rule: &'b [u8],
    version: u32,
    pub(crate) lots: SmallVec<[StoredId<'b>; LOTS]>,
    pub(crate) lines: SmallVec<[TakenLine; 2]>,
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
        let spend = read_spend(&mut reader)?;
        reader.whole(spend)
    }

    #[inline]
    fn into_record(self) -> Option<Record> {
        let ask = Spend {
            account: AccountId::internal(from_utf8(self.account).ok()?),
            merchant: AccountId::internal(from_utf8(self.merchant).ok()?),
            amount: self.amount,
            rule: self.asked_rule.and_then(|rule| from_utf8(rule).ok()).map(Label::internal),
            order: self.order.and_then(|order| from_utf8(order).ok()).map(Label::internal),
            tags: SmallVec::new(),
            lines: SmallVec::new(),
        };
        let event = Event::Spent {
            rule: Label::internal(from_utf8(self.rule).ok()?),
            version: self.version,
            taken: Taken { lots: self.lots.into_iter().map(CommandId::stored).collect(), lines: self.lines },
            phase: self.phase,
            table: None,
            usage: None,
            promoted: self.promoted,
            reconciled: self.reconciled,
            opens_merchant: self.opens_merchant,
            after: self.after,
        };
        Some(Record {
            id: CommandId::stored(self.id),
            at: self.at,
            currency: self.currency,
            slice: self.slice,
            command: Command::Spend(ask),
            event,
        })
    }
}

/// A label that may be missing goes to `label`.
#[allow(clippy::inline_always, reason = "twice a record, and nearly always missing")]
#[inline(always)]
fn read_label<'b>(reader: &mut Reader<'b>, label: &mut Option<&'b [u8]>) -> Option<()> {
    if reader.flag()? {
        *label = Some(reader.text()?);
    }
    Some(())
}

#[inline]
fn read_spend<'b>(reader: &mut Reader<'b>) -> Option<PlainSpend<'b>> {
    let id = reader.id()?;
    let at = reader.signed()?;
    let currency = Currency::from_bytes(reader.array()?);
    let slice = u16::try_from(reader.number()?).ok()?;
    reader.is(SPEND)?;
    let (account, merchant) = (reader.text()?, reader.text()?);
    let amount = Major::from_parts(reader.signed()?, reader.byte()?);
    let (mut asked_rule, mut order) = (None, None);
    read_label(reader, &mut asked_rule)?;
    read_label(reader, &mut order)?;
    reader.is(0)?;
    reader.is(0)?;
    reader.is(SPENT)?;
    let rule = reader.text()?;
    let version = u32::try_from(reader.number()?).ok()?;
    let count = reader.small(LOTS)?;
    let lots = reader.list(count, StoredId::NONE, Reader::id)?;
    let count = reader.small(2 * LOTS)?;
    let lines = reader.list(count, TakenLine { lot: 0, sub: SubId(0), amount: 0 }, |reader| {
        let lot = u32::try_from(reader.number()?).ok()?;
        Some(TakenLine { lot, sub: SubId(reader.byte()?), amount: reader.signed()? })
    })?;
    let phase = if reader.flag()? { Some(reader.signed()?) } else { None };
    reader.is(0)?;
    reader.is(0)?;
    let promoted = reader.byte()?;
    let count = reader.small(1)?;
    let reconciled = LotSet::from_words(reader.list(count, 0, Reader::number)?);
    let opens_merchant = reader.flag()?;
    let count = reader.small(SUBS_MAX)?;
    let subs = Subs::from_list(reader.list(count, 0, Reader::signed)?);
    let after = Balances { subs, held: reader.signed()?, arrears: reader.signed()? };
    Some(PlainSpend {
        id,
        at,
        currency,
        slice,
        account,
        merchant,
        amount,
        asked_rule,
        order,
        rule,
        version,
        lots,
        lines,
        phase,
        promoted,
        reconciled,
        opens_merchant,
        after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = String> {
        "[ -~]{1,64}"
    }

    fn signed() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -200_i64..200, Just(i64::MAX), Just(i64::MIN)]
    }

    fn spent() -> impl Strategy<Value = Event> {
        let line =
            (any::<u32>(), 0_u8..8, signed()).prop_map(|(lot, sub, amount)| TakenLine { lot, sub: SubId(sub), amount });
        let taken =
            (prop::collection::vec(name(), 0..6), prop::collection::vec(line, 0..10)).prop_map(|(lots, lines)| Taken {
                lots: lots.iter().map(|lot| CommandId::internal(lot)).collect(),
                lines: lines.into_iter().collect(),
            });
        let after =
            (prop::collection::vec(signed(), 0..SUBS_MAX + 2), signed(), signed()).prop_map(|(subs, held, arrears)| {
                Balances { subs: Subs::from_list(subs.into_iter().collect()), held, arrears }
            });
        let reconciled = prop::collection::vec(any::<u64>(), 0..3).prop_map(|words| LotSet::from_words(words.into()));
        let flags = (any::<u8>(), any::<bool>());
        (name(), any::<u32>(), taken, prop::option::of(signed()), flags, reconciled, after).prop_map(
            |(rule, version, taken, phase, (promoted, opens_merchant), reconciled, after)| Event::Spent {
                rule: Label::internal(&rule),
                version,
                taken,
                phase,
                table: None,
                usage: None,
                promoted,
                reconciled,
                opens_merchant,
                after,
            },
        )
    }

    fn spend() -> impl Strategy<Value = Command> {
        let option = || prop::option::of(name());
        let tags = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(name(), 1..3)];
        (name(), name(), signed(), any::<u8>(), option(), option(), tags).prop_map(
            |(account, merchant, digits, decimals, rule, order, tags)| {
                Command::Spend(Spend {
                    account: AccountId::internal(&account),
                    merchant: AccountId::internal(&merchant),
                    amount: Major::from_parts(digits, decimals),
                    rule: rule.map(|rule| Label::internal(&rule)),
                    order: order.map(|order| Label::internal(&order)),
                    tags: tags.iter().map(|tag| Label::internal(tag)).collect(),
                    lines: SmallVec::new(),
                })
            },
        )
    }

    fn record() -> impl Strategy<Value = Record> {
        (name(), signed(), any::<u16>(), spend(), spent()).prop_map(|(id, at, slice, command, event)| Record {
            id: CommandId::internal(&id),
            at,
            currency: Currency::CNY,
            slice,
            command,
            event,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn e6_a_record_written_by_hand_has_the_bytes_of_the_general_way(record in record()) {
            let general = postcard::to_allocvec(&record).unwrap();
            let mut by_hand = Vec::new();
            if encode(&record, &mut by_hand) {
                prop_assert_eq!(&by_hand, &general);
                // A number of ten bytes is read the general way.
                if let Some(read) = decode(&by_hand) {
                    prop_assert_eq!(&read, &record);
                }
            }
            prop_assert_eq!(Record::decode(&general).unwrap(), record);
        }

        /// What is read by hand is what the general way reads, whatever the bytes.
        #[test]
        fn e6_no_damage_is_read_by_hand_otherwise(record in record(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = postcard::to_allocvec(&record).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Some(read) = decode(&bytes) {
                let (general, rest) = postcard::take_from_bytes::<Record>(&bytes).unwrap();
                prop_assert!(rest.is_empty());
                prop_assert_eq!(read, general);
            }
        }
    }

    #[test]
    fn e6_an_ordinary_spend_is_written_and_read_by_hand() {
        let mut taken = Taken::default();
        taken.push(&CommandId::internal("t-1"), SubId(0), 500);
        taken.push(&CommandId::internal("t-1"), SubId(1), 900);
        let record = Record {
            id: CommandId::internal("s-1"),
            at: 1_764_230_400_000_000,
            currency: Currency::CNY,
            slice: 0,
            command: Command::Spend(Spend {
                account: AccountId::internal("alice"),
                merchant: AccountId::internal("coffee-shop"),
                amount: Major::from_parts(1_400, 2),
                rule: None,
                order: None,
                tags: SmallVec::new(),
                lines: SmallVec::new(),
            }),
            event: Event::Spent {
                rule: Label::internal("by_lot"),
                version: 1,
                taken,
                phase: None,
                table: None,
                usage: None,
                promoted: 2,
                reconciled: LotSet::default(),
                opens_merchant: false,
                after: Balances { subs: Subs::from_list(SmallVec::from_slice(&[9_500, 17_100])), held: 0, arrears: 0 },
            },
        };
        let mut bytes = Vec::new();
        assert!(encode(&record, &mut bytes));
        assert_eq!(decode(&bytes), Some(record));
    }
}
