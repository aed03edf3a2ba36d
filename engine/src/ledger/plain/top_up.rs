//! A plain top-up: its money is there, and it brings no more than two sub-balances something.

use super::writer::{Writer, lots_length};
use super::{Head, PlainTaken, is_plain, label_of, length, read_amount, read_balances, variant};
use crate::accounts::{Funding, SubId};
use crate::bytes::Reader;
use crate::ledger::{Command, Event, Grant, Granted, Record, TopUp, TopUpState};
use crate::names::{AccountId, Label};
use std::str::from_utf8;

/// A top-up that brings more sub-balances something is not plain.
const GRANTS: usize = 2;

/// What [`Funding`] and [`TopUpState`] are written as: their places.
const FUNDINGS: [Funding; 4] = [Funding::Unknown, Funding::DebitCard, Funding::CreditCard, Funding::Wallet];
const STATES: [TopUpState; 2] = [TopUpState::Pending, TopUpState::Confirmed];

/// Appends the record, whose command this is, if it is plain; `false` when it is not.
pub(super) fn encode(record: &Record, ask: &TopUp, out: &mut Vec<u8>) -> bool {
    let Event::ToppedUp { opens, granted, repaid, after } = &record.event else { return false };
    if granted.grants.len() > GRANTS || !is_plain(after) {
        return false;
    }
    let names = record.id.as_bytes().len() + ask.account.as_bytes().len() + length(opens.as_ref());
    let asked = length(ask.offer.as_ref()) + length(ask.channel.as_ref()) + length(ask.channel_order.as_ref());
    let granted = granted.channel.as_bytes().len() + granted.promotion.as_bytes().len();
    Writer::append(out, names + asked + granted + lots_length(repaid), |writer| write(writer, record, ask))
}

fn write(to: &mut Writer<'_>, record: &Record, ask: &TopUp) -> Option<()> {
    let Event::ToppedUp { opens, granted, repaid, after } = &record.event else { return None };
    to.head(record)?;
    to.byte(variant::TOP_UP)?;
    to.text(ask.account.as_bytes())?;
    to.amount(ask.principal)?;
    to.option(ask.bonus, Writer::amount)?;
    to.label(ask.offer.as_ref())?;
    to.label(ask.channel.as_ref())?;
    to.label(ask.channel_order.as_ref())?;
    to.byte(ask.funding as u8)?;
    to.option(ask.expires_at, Writer::signed)?;
    to.option(ask.bonus_expires_at, Writer::signed)?;
    to.byte(ask.state as u8)?;
    to.byte(variant::TOPPED_UP)?;
    to.label(opens.as_ref())?;
    to.number(granted.grants.len() as u64)?;
    for grant in &granted.grants {
        to.byte(grant.sub.0)?;
        to.signed(grant.amount)?;
        to.end(grant.expires_at)?;
    }
    to.text(granted.channel.as_bytes())?;
    to.text(granted.promotion.as_bytes())?;
    to.byte(granted.promoted)?;
    to.byte(granted.funding as u8)?;
    to.option(granted.uses, |to, uses| to.number(u64::from(uses)))?;
    to.taken(repaid)?;
    to.balances(after)
}

fn read_funding(reader: &mut Reader<'_>) -> Option<Funding> {
    FUNDINGS.get(usize::from(reader.byte()?)).copied()
}

fn read_label(reader: &mut Reader<'_>) -> Option<Label> {
    label_of(reader.text()?)
}

fn read_granted(reader: &mut Reader<'_>) -> Option<Granted> {
    let count = reader.small(GRANTS)?;
    let grants = reader.list(count, Grant { sub: SubId(0), amount: 0, expires_at: 0 }, |reader| {
        Some(Grant { sub: SubId(reader.byte()?), amount: reader.signed()?, expires_at: reader.end()? })
    })?;
    Some(Granted {
        grants,
        channel: read_label(reader)?,
        promotion: read_label(reader)?,
        promoted: reader.byte()?,
        funding: read_funding(reader)?,
        uses: reader.option(|reader| u32::try_from(reader.number()?).ok())?,
    })
}

/// What stands behind the command's variant, as a record.
pub(super) fn read<'b>(head: Head<'b>, reader: &mut Reader<'b>) -> Option<Record> {
    let ask = TopUp {
        account: AccountId::internal(from_utf8(reader.text()?).ok()?),
        principal: read_amount(reader)?,
        bonus: reader.option(read_amount)?,
        offer: reader.option(read_label)?,
        channel: reader.option(read_label)?,
        channel_order: reader.option(read_label)?,
        funding: read_funding(reader)?,
        expires_at: reader.option(Reader::signed)?,
        bonus_expires_at: reader.option(Reader::signed)?,
        state: STATES.get(usize::from(reader.byte()?)).copied()?,
    };
    reader.is(variant::TOPPED_UP)?;
    let event = Event::ToppedUp {
        opens: reader.option(read_label)?,
        granted: read_granted(reader)?,
        repaid: PlainTaken::read(reader)?.into_taken(),
        after: read_balances(reader)?,
    };
    Some(head.of(Command::TopUp(ask), event))
}
