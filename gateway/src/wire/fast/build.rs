//! Fields to a request.

use super::fields::{Field, Fields, Set};
use crate::wire::parse::MAX_REASON;
use crate::wire::time;
use fentan_engine::accounts::{Funding, NEVER, Timestamp};
use fentan_engine::ledger::{
    Capture, Command, ConfirmTopUp, Query, Refund, Release, Spend, TopUp, TopUpState, Transfer,
};
use fentan_engine::money::Major;
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_engine::runtime::{Body, Request};
use smallvec::SmallVec;

/// What is there or missing; the outer `None` gives the line up.
type Maybe<T> = Option<Option<T>>;

/// The request that these fields make.
#[inline]
pub(super) fn request(fields: &Fields<'_>) -> Option<Request> {
    let body = body(fields)?;
    Some(Request { id: command(fields, Field::Id)?, body })
}

#[inline]
fn body(fields: &Fields<'_>) -> Option<Body> {
    use Field as F;
    let command = match fields.text(F::Op) {
        "spend" => {
            const NEEDED: Set = Set::of(&[F::Id, F::Op, F::Account, F::Merchant, F::Amount]);
            check(fields, NEEDED, Set::of(&[F::Rule, F::Order]))?;
            Command::Spend(spend(fields)?)
        }
        "top_up" => {
            const NEEDED: Set = Set::of(&[F::Id, F::Op, F::Account, F::Principal]);
            const OPTIONAL: Set = Set::of(&[
                F::Bonus,
                F::Offer,
                F::Channel,
                F::ChannelOrder,
                F::Funding,
                F::State,
                F::ExpiresAt,
                F::BonusExpiresAt,
            ]);
            check(fields, NEEDED, OPTIONAL)?;
            Command::TopUp(top_up(fields)?)
        }
        "refund" => {
            check(fields, Set::of(&[F::Id, F::Op, F::Spend]), Set::of(&[F::Amount, F::Line, F::Reason]))?;
            Command::Refund(refund(fields)?)
        }
        "balance" => {
            check(fields, Set::of(&[F::Id, F::Op, F::Account]), Set::of(&[]))?;
            return Some(Body::Query(Query::Balance(account(fields, F::Account)?)));
        }
        "hold" => {
            const NEEDED: Set = Set::of(&[F::Id, F::Op, F::Account, F::Merchant, F::Amount]);
            check(fields, NEEDED, Set::of(&[F::Rule, F::Order, F::ExpiresAt]))?;
            Command::Hold(spend(fields)?, moment(fields, F::ExpiresAt)?.unwrap_or(NEVER))
        }
        "capture" => {
            check(fields, Set::of(&[F::Id, F::Op, F::Hold]), Set::of(&[F::Amount]))?;
            Command::Capture(Capture { hold: command(fields, F::Hold)?, amount: maybe_amount(fields, F::Amount)? })
        }
        "release" => {
            check(fields, Set::of(&[F::Id, F::Op, F::Hold]), Set::of(&[F::Amount]))?;
            Command::Release(Release { hold: command(fields, F::Hold)?, amount: maybe_amount(fields, F::Amount)? })
        }
        "confirm_top_up" => {
            check(fields, Set::of(&[F::Id, F::Op, F::TopUp]), Set::of(&[F::Amount, F::Funding]))?;
            Command::ConfirmTopUp(ConfirmTopUp {
                top_up: command(fields, F::TopUp)?,
                amount: maybe_amount(fields, F::Amount)?,
                funding: funding(fields)?,
            })
        }
        "transfer" => {
            check(fields, Set::of(&[F::Id, F::Op, F::From, F::To, F::Amount]), Set::of(&[F::Rule]))?;
            Command::Transfer(Transfer {
                from: account(fields, F::From)?,
                to: account(fields, F::To)?,
                amount: amount(fields, F::Amount)?,
                rule: label(fields, F::Rule)?,
            })
        }
        _ => return None,
    };
    Some(Body::Command(command))
}

#[inline]
fn check(fields: &Fields<'_>, needed: Set, optional: Set) -> Option<()> {
    fields.are(needed, optional).then_some(())
}

#[inline]
fn spend(fields: &Fields<'_>) -> Option<Spend> {
    Some(Spend {
        account: account(fields, Field::Account)?,
        merchant: account(fields, Field::Merchant)?,
        amount: amount(fields, Field::Amount)?,
        rule: label(fields, Field::Rule)?,
        order: label(fields, Field::Order)?,
        tags: SmallVec::new(),
        lines: SmallVec::new(),
    })
}

fn top_up(fields: &Fields<'_>) -> Option<TopUp> {
    Some(TopUp {
        account: account(fields, Field::Account)?,
        principal: amount(fields, Field::Principal)?,
        bonus: maybe_amount(fields, Field::Bonus)?,
        offer: label(fields, Field::Offer)?,
        channel: label(fields, Field::Channel)?,
        channel_order: label(fields, Field::ChannelOrder)?,
        funding: funding(fields)?.unwrap_or_default(),
        expires_at: moment(fields, Field::ExpiresAt)?,
        bonus_expires_at: moment(fields, Field::BonusExpiresAt)?,
        state: match fields.maybe(Field::State) {
            None | Some("confirmed") => TopUpState::Confirmed,
            Some("pending") => TopUpState::Pending,
            Some(_) => return None,
        },
    })
}

fn refund(fields: &Fields<'_>) -> Option<Refund> {
    let reason = fields.maybe(Field::Reason);
    if reason.is_some_and(|reason| reason.len() > MAX_REASON) {
        return None;
    }
    Some(Refund {
        spend: command(fields, Field::Spend)?,
        amount: maybe_amount(fields, Field::Amount)?,
        line: label(fields, Field::Line)?,
        reason: reason.map(str::to_owned),
    })
}

#[inline]
fn account(fields: &Fields<'_>, field: Field) -> Option<AccountId> {
    AccountId::new(fields.text(field)).ok()
}

#[inline]
fn command(fields: &Fields<'_>, field: Field) -> Option<CommandId> {
    CommandId::new(fields.text(field)).ok()
}

#[inline]
fn amount(fields: &Fields<'_>, field: Field) -> Option<Major> {
    Major::parse(fields.text(field).as_bytes()).ok()
}

/// `Some` of nothing when the field is not there; `None` when it is wrong.
#[inline]
fn maybe<'a, T>(fields: &Fields<'a>, field: Field, read: impl FnOnce(&'a str) -> Option<T>) -> Maybe<T> {
    match fields.maybe(field) {
        None => Some(None),
        Some(text) => read(text).map(Some),
    }
}

#[inline]
fn label(fields: &Fields<'_>, field: Field) -> Maybe<Label> {
    maybe(fields, field, |text| Label::new(text).ok())
}

#[inline]
fn maybe_amount(fields: &Fields<'_>, field: Field) -> Maybe<Major> {
    maybe(fields, field, |text| Major::parse(text.as_bytes()).ok())
}

fn moment(fields: &Fields<'_>, field: Field) -> Maybe<Timestamp> {
    maybe(fields, field, |text| time::parse(text).ok())
}

fn funding(fields: &Fields<'_>) -> Maybe<Funding> {
    maybe(fields, Field::Funding, |word| match word {
        "debit_card" => Some(Funding::DebitCard),
        "credit_card" => Some(Funding::CreditCard),
        "wallet" => Some(Funding::Wallet),
        "unknown" => Some(Funding::Unknown),
        _ => None,
    })
}
