//! The bytes of plain records, written and read by hand.
//!
//! Nearly every record of a busy ledger is a spend without tags, order lines and limits, or a top-up whose money is
//! there. Written by hand they take a quarter of the instructions that the general way takes, to the same bytes; property
//! tests hold the two together. What is not plain goes the general way.

mod spend;
#[cfg(test)]
mod tests;
mod top_up;
mod writer;

use super::{Balances, Command, Event, Record, Taken, TakenLine};
use crate::accounts::{SUBS_MAX, SubId, Subs, Timestamp};
use crate::bytes::Reader;
use crate::money::{Currency, Major};
use crate::names::{CommandId, Label, StoredId};
use smallvec::SmallVec;
use std::str::from_utf8;

pub(crate) use spend::PlainSpend;

/// The places of the variants in their enums, which the format fixes.
mod variant {
    pub(super) const TOP_UP: u8 = 1;
    pub(super) const SPEND: u8 = 4;
    pub(super) const TOPPED_UP: u8 = 2;
    pub(super) const SPENT: u8 = 7;
}

/// A record of more lots or lines is not plain.
const LOTS: usize = 4;
const LINES: usize = 2 * LOTS;

/// Appends the record if it is a plain one; `false` when it is not.
pub(super) fn encode(record: &Record, out: &mut Vec<u8>) -> bool {
    match (&record.command, &record.event) {
        (Command::Spend(ask), Event::Spent { .. }) => spend::encode(record, ask, out),
        (Command::TopUp(ask), Event::ToppedUp { .. }) => top_up::encode(record, ask, out),
        _ => false,
    }
}

/// Reads a record if it is a plain one; `None` when it is not, or is damaged: the general way says which.
pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
    let mut reader = Reader::new(bytes);
    let head = Head::read(&mut reader)?;
    let record = match reader.byte()? {
        variant::SPEND => spend::read(head, &mut reader)?.into_record()?,
        variant::TOP_UP => top_up::read(head, &mut reader)?,
        _ => return None,
    };
    reader.whole(record)
}

/// What every record begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'b> {
    pub(crate) id: StoredId<'b>,
    pub(crate) at: Timestamp,
    pub(crate) currency: Currency,
    slice: u16,
}

#[allow(clippy::inline_always, reason = "once a record; as calls a tenth more instructions")]
impl<'b> Head<'b> {
    #[inline(always)]
    fn read(reader: &mut Reader<'b>) -> Option<Self> {
        let id = reader.id()?;
        let at = reader.signed()?;
        let currency = Currency::from_bytes(reader.array()?);
        let slice = u16::try_from(reader.number()?).ok()?;
        Some(Self { id, at, currency, slice })
    }

    fn of(self, command: Command, event: Event) -> Record {
        Record {
            id: CommandId::stored(self.id),
            at: self.at,
            currency: self.currency,
            slice: self.slice,
            command,
            event,
        }
    }
}

/// How many bytes a name that may be missing has.
fn length(label: Option<&Label>) -> usize {
    label.map_or(0, |label| label.as_bytes().len())
}

/// Whether the wallet's figures are read back by hand: there are no more sub-balances, but they may come from a damaged
/// medium.
fn is_plain(after: &Balances) -> bool {
    after.subs.len() <= SUBS_MAX
}

fn label_of(bytes: &[u8]) -> Option<Label> {
    from_utf8(bytes).ok().map(Label::internal)
}

/// The lines of a record, with their lots named as they are written down.
#[derive(Debug)]
struct PlainTaken<'b> {
    lots: SmallVec<[StoredId<'b>; LOTS]>,
    lines: SmallVec<[TakenLine; 2]>,
}

#[allow(clippy::inline_always, reason = "once a record; as a call a tenth more instructions")]
impl<'b> PlainTaken<'b> {
    #[inline(always)]
    fn read(reader: &mut Reader<'b>) -> Option<Self> {
        let count = reader.small(LOTS)?;
        let lots = reader.list(count, StoredId::NONE, Reader::id)?;
        let count = reader.small(LINES)?;
        let lines = reader.list(count, TakenLine { lot: 0, sub: SubId(0), amount: 0 }, |reader| {
            let lot = u32::try_from(reader.number()?).ok()?;
            Some(TakenLine { lot, sub: SubId(reader.byte()?), amount: reader.signed()? })
        })?;
        Some(Self { lots, lines })
    }

    fn into_taken(self) -> Taken {
        Taken { lots: self.lots.into_iter().map(CommandId::stored).collect(), lines: self.lines }
    }
}

#[allow(clippy::inline_always, reason = "once a record; as a call a tenth more instructions")]
#[inline(always)]
fn read_balances(reader: &mut Reader<'_>) -> Option<Balances> {
    let count = reader.small(SUBS_MAX)?;
    let subs = Subs::from_list(reader.list(count, 0, Reader::signed)?);
    Some(Balances { subs, held: reader.signed()?, arrears: reader.signed()? })
}

#[allow(clippy::inline_always, reason = "once a record; as a call a tenth more instructions")]
#[inline(always)]
fn read_amount(reader: &mut Reader<'_>) -> Option<Major> {
    Some(Major::from_parts(reader.signed()?, reader.byte()?))
}
