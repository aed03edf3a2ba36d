//! From a command to the accounts it names, and to the pure decision about them.

use super::ahead::Hashes;
use super::held::Places;
use super::request::Reply;
use super::step::{Reach, Step, Stop};
use super::table::Slot;
use super::{budget, clearing};
use crate::accounts::{AccountKind, Slice, Status, SystemAccount};
use crate::allocation::RefundToExpired;
use crate::ledger::decide::account::Found;
use crate::ledger::decide::{account, arrears, expiry, hold, refund, spend, top_up, top_up_refund, transfer};
use crate::ledger::{Command, Event, Granted, OpenAccount, OrderTable, Record, Refund, Reject, Spend, Transfer};
use crate::money::Currency;
use crate::names::{AccountId, CommandId};

/// What was decided.
pub(crate) struct Decision {
    pub(crate) event: Event,
    pub(crate) currency: Currency,
    /// The shard whose slices it is booked in.
    pub(crate) seat: usize,
    /// Where its accounts stand.
    pub(crate) places: Places,
}

impl From<(Event, Currency, usize)> for Decision {
    fn from((event, currency, seat): (Event, Currency, usize)) -> Self {
        Self { event, currency, seat, places: Places::default() }
    }
}

type Decided = Result<Decision, Stop>;

/// Decides a command.
pub(crate) fn decide<R: Reply>(step: &mut Step<'_, R>, id: &CommandId, command: &Command, hashes: &Hashes) -> Decided {
    match command {
        Command::OpenAccount(ask) => open(step, ask),
        Command::TopUp(ask) => {
            let hash = hashes.account.unwrap_or_else(|| step.shared.hashing.account(ask.account.as_str()));
            let (found, seat) = own_wallet_by(step, hash, &ask.account)?;
            if found.is_none() {
                not_sliced(step, seat, &ask.account)?;
            }
            let wallet = step.wallet_at(found);
            let (event, currency) = top_up::top_up(step.context(), wallet, ask)?;
            let event = arrears::repaying(event, id, wallet);
            budget::draw(step, seat, ask, &event, currency)?;
            let places = Places { wallet: found, wallet_hash: Some(hash), merchant: None };
            Ok(Decision { event, currency, seat, places })
        }
        Command::ConfirmTopUp(ask) => {
            let (found, seat) = top_up_s_wallet(step, &ask.top_up)?;
            let wallet = step.wallet_at(found).ok_or_else(|| unknown_top_up(&ask.top_up))?;
            Ok((top_up::confirm(step.context(), wallet, ask)?, wallet.currency, seat).into())
        }
        Command::FailTopUp(top_up) => {
            let (found, seat) = top_up_s_wallet(step, top_up)?;
            let wallet = step.wallet_at(found).ok_or_else(|| unknown_top_up(top_up))?;
            Ok((top_up::fail(wallet, top_up)?, wallet.currency, seat).into())
        }
        Command::Spend(ask) => spend_or_hold(step, ask, None, hashes),
        Command::Hold(ask, expires_at) => spend_or_hold(step, ask, Some(*expires_at), hashes),
        Command::Capture(ask) => {
            let HoldParties { found, merchant, seat, table } = hold_s_parties(step, &ask.hold)?;
            let wallet = step.wallet_at(found).ok_or_else(|| unknown_hold(&ask.hold))?;
            let slice = step.slice_at(seat, step.held.slice(seat, &merchant));
            Ok((hold::capture(step.context(), wallet, slice, table.as_deref(), ask)?, wallet.currency, seat).into())
        }
        Command::Release(ask) => {
            let HoldParties { found, seat, .. } = hold_s_parties(step, &ask.hold)?;
            let wallet = step.wallet_at(found).ok_or_else(|| unknown_hold(&ask.hold))?;
            Ok((hold::release(step.context(), wallet, ask)?, wallet.currency, seat).into())
        }
        Command::Refund(ask) => decide_refund(step, ask),
        Command::Transfer(ask) => decide_transfer(step, ask),
        Command::Freeze(account) => set_status(step, account, Status::Frozen),
        Command::Unfreeze(account) => set_status(step, account, Status::Open),
        Command::CloseAccount(account) => set_status(step, account, Status::Closed),
        Command::RefundTopUp(ask) => {
            let (granted, found, seat) = top_up_s_parties(step, &ask.top_up)?;
            let wallet = step.wallet_at(found).ok_or_else(|| unknown_top_up(&ask.top_up))?;
            Ok((top_up_refund::refund_top_up(step.context(), wallet, &granted, ask)?, wallet.currency, seat).into())
        }
        Command::Clear(ask) => clearing::decide(step, id, ask),
        Command::Expire(_) => Err(Reject::bad_request("op", "is the ledger's own").into()),
    }
}

/// A wallet and its shard, after what ended by itself was taken out of it.
pub(crate) fn own_wallet<R: Reply>(
    step: &mut Step<'_, R>,
    id: &AccountId,
) -> Result<(Option<(usize, Slot)>, usize), Stop> {
    own_wallet_by(step, step.shared.hashing.account(id.as_str()), id)
}

/// The same, when the hash of its name is known.
pub(crate) fn own_wallet_by<R: Reply>(
    step: &mut Step<'_, R>,
    hash: u64,
    id: &AccountId,
) -> Result<(Option<(usize, Slot)>, usize), Stop> {
    let seat = step.held.home_of(hash);
    if !step.held.has(seat) {
        return Err(Stop::Wider(Reach::Also(seat)));
    }
    let found = step.held.wallet_by(hash, id)?;
    expire(step, found, seat)?;
    Ok((found, seat))
}

/// Books what has ended in a wallet by itself (rules A9, W2).
pub(crate) fn expire<R: Reply>(step: &mut Step<'_, R>, found: Option<(usize, Slot)>, seat: usize) -> Result<(), Stop> {
    let Some(wallet) = step.wallet_at(found) else { return Ok(()) };
    if let Some(event) = expiry::expire(step.now, wallet) {
        let (account, currency) = (wallet.id.clone(), wallet.currency);
        step.internal(Command::Expire(account), event, currency, seat)?;
    }
    Ok(())
}

/// A name is a wallet's or a merchant's, never both.
fn not_sliced<R: Reply>(step: &Step<'_, R>, seat: usize, id: &AccountId) -> Result<(), Stop> {
    if SystemAccount::is_reserved(id.as_str()) {
        return Err(wrong_kind(id, AccountKind::System, "wallet").into());
    }
    match step.slice_at(seat, step.held.slice(seat, id)) {
        Some(slice) if slice.proceeds().is_some() => Err(wrong_kind(id, AccountKind::Merchant, "wallet").into()),
        _ => Ok(()),
    }
}

pub(crate) fn wrong_kind(id: &AccountId, is: AccountKind, needed: &str) -> Reject {
    Reject::WrongKind { account: id.clone(), is: is.word().into(), needed: needed.into() }
}

fn open<R: Reply>(step: &mut Step<'_, R>, ask: &OpenAccount) -> Decided {
    if ask.kind == AccountKind::Merchant && !step.held.has_all() {
        return Err(Stop::Wider(Reach::All));
    }
    let (found, seat) = own_wallet(step, &ask.account)?;
    let found = match step.wallet_at(found) {
        Some(wallet) => Found::Wallet(wallet),
        None => step.slice_at(seat, step.held.slice(seat, &ask.account)).map_or(Found::Nothing, Found::Sliced),
    };
    let (event, currency) = account::open(step.context(), found, ask)?;
    Ok((event, currency, seat).into())
}

fn set_status<R: Reply>(step: &mut Step<'_, R>, id: &AccountId, status: Status) -> Decided {
    let (found, seat) = own_wallet(step, id)?;
    if let Some(wallet) = step.wallet_at(found) {
        let (event, currency) = account::set_status(Found::Wallet(wallet), id, status)?;
        return Ok((event, currency, seat).into());
    }
    if step.held.slice(seat, id).is_none() {
        return Err(Reject::UnknownAccount { account: id.clone() }.into());
    }
    let whole = gathered(step, id)?;
    let (event, currency) = account::set_status(whole.as_ref().map_or(Found::Nothing, Found::Sliced), id, status)?;
    Ok((event, currency, seat).into())
}

/// A sliced account, all slices together. Needs all shards.
pub(crate) fn gathered<R: Reply>(step: &Step<'_, R>, id: &AccountId) -> Result<Option<Slice>, Stop> {
    if !step.held.has_all() {
        return Err(Stop::Wider(Reach::All));
    }
    let mut whole: Option<Slice> = None;
    for number in 0..step.held.count {
        let Some(slice) = step.slice_at(number, step.held.slice(number, id)) else { continue };
        whole.get_or_insert_with(|| slice.empty_like()).merge(slice);
    }
    Ok(whole)
}

/// The merchant's slice. A merchant that is named for the first time is looked for among the wallets, and
/// is opened on all shards by the event, so all are needed once.
pub(crate) fn merchant_slice<R: Reply>(
    step: &mut Step<'_, R>,
    seat: usize,
    merchant: &AccountId,
) -> Result<Option<Slot>, Stop> {
    if let Some(slot) = step.held.slice(seat, merchant) {
        return Ok(Some(slot));
    }
    if SystemAccount::is_reserved(merchant.as_str()) {
        return Err(wrong_kind(merchant, AccountKind::System, "merchant").into());
    }
    if !step.held.has_all() {
        return Err(Stop::Wider(Reach::All));
    }
    match step.held.wallet(merchant)? {
        Some(_) => Err(wrong_kind(merchant, AccountKind::Wallet, "merchant").into()),
        None => Ok(None),
    }
}

fn spend_or_hold<R: Reply>(step: &mut Step<'_, R>, ask: &Spend, hold_until: Option<i64>, hashes: &Hashes) -> Decided {
    let hash = hashes.account.unwrap_or_else(|| step.shared.hashing.account(ask.account.as_str()));
    let (found, seat) = own_wallet_by(step, hash, &ask.account)?;
    // A spend that is refused opens no merchant, so an unknown wallet comes first.
    if found.is_none() {
        not_sliced(step, seat, &ask.account)?;
        return Err(Reject::UnknownAccount { account: ask.account.clone() }.into());
    }
    let known = hashes.merchant.and_then(|hash| step.held.slice_by(hash, seat, &ask.merchant));
    let merchant_slot = if known.is_some() { known } else { merchant_slice(step, seat, &ask.merchant)? };
    let (wallet, merchant) = (step.wallet_at(found), step.slice_at(seat, merchant_slot));
    let event = match hold_until {
        None => spend::spend(step.context(), wallet, merchant, ask)?,
        Some(until) => spend::hold(step.context(), wallet, merchant, ask, until)?,
    };
    let currency = wallet.map_or(Currency::CNY, |wallet| wallet.currency);
    let places = Places { wallet: found, wallet_hash: Some(hash), merchant: merchant_slot };
    Ok(Decision { event, currency, seat, places })
}

pub(crate) fn unknown_top_up(top_up: &CommandId) -> Reject {
    Reject::UnknownTopUp { top_up: top_up.clone() }
}

fn top_up_s_wallet<R: Reply>(
    step: &mut Step<'_, R>,
    top_up: &CommandId,
) -> Result<(Option<(usize, Slot)>, usize), Stop> {
    top_up_s_parties(step, top_up).map(|(_, found, seat)| (found, seat))
}

type TopUpParties = (Granted, Option<(usize, Slot)>, usize);

/// What a top-up's record says it grants, and by whom; its wallet; and that wallet's shard.
pub(crate) fn top_up_s_parties<R: Reply>(step: &mut Step<'_, R>, top_up: &CommandId) -> Result<TopUpParties, Stop> {
    let (granted, account) = top_up_s_record(step, top_up)?;
    let (found, seat) = own_wallet(step, &account)?;
    Ok((granted, found, seat))
}

/// What a top-up's record says it grants, and by whom; and the wallet that got it.
pub(crate) fn top_up_s_record<R: Reply>(step: &Step<'_, R>, top_up: &CommandId) -> Result<(Granted, AccountId), Stop> {
    match step.record_of(top_up)? {
        Some((
            Record {
                command: Command::TopUp(ask),
                event: Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. },
                ..
            },
            _,
        )) => Ok((granted, ask.account)),
        _ => Err(unknown_top_up(top_up).into()),
    }
}

fn unknown_hold(hold: &CommandId) -> Reject {
    Reject::UnknownHold { hold: hold.clone() }
}

/// Who takes part in a hold, and its order lines by sub-balances.
struct HoldParties {
    found: Option<(usize, Slot)>,
    merchant: AccountId,
    seat: usize,
    table: Option<Box<OrderTable>>,
}

fn hold_s_parties<R: Reply>(step: &mut Step<'_, R>, hold: &CommandId) -> Result<HoldParties, Stop> {
    let record = step.record_of(hold)?;
    let Some((Record { command: Command::Hold(ask, expires_at), event: Event::Held { table, .. }, .. }, _)) = record
    else {
        return Err(unknown_hold(hold).into());
    };
    let seat = step.held.home_of(step.shared.hashing.account(ask.account.as_str()));
    if step.held.has(seat) {
        // A hold that ended by itself is told apart from one that was captured or released: it is looked
        // at before what has ended is taken out.
        let found = step.held.wallet(&ask.account)?;
        let open = step.wallet_at(found).is_some_and(|wallet| wallet.hold(hold).is_some());
        if open && expires_at <= step.now {
            expire(step, found, seat)?;
            return Err(Reject::HoldExpired { hold: hold.clone() }.into());
        }
    }
    let (found, seat) = own_wallet(step, &ask.account)?;
    Ok(HoldParties { found, merchant: ask.merchant, seat, table })
}

fn decide_refund<R: Reply>(step: &mut Step<'_, R>, ask: &Refund) -> Decided {
    let unknown = || Reject::UnknownSpend { spend: ask.spend.clone() };
    let (record, _) = step.record_of(&ask.spend)?.ok_or_else(unknown)?;
    let (taken, table) = match &record.event {
        Event::Spent { taken, table, .. } | Event::Captured { taken, table, .. } => (taken, table.as_deref()),
        _ => return Err(unknown().into()),
    };
    let (Some(account), Some(merchant)) = (record.account(), record.merchant()) else { return Err(unknown().into()) };
    let (found, seat) = own_wallet(step, account)?;
    let back = step.held.refunded(seat, step.shared.hashing.wide(ask.spend.as_str()))?;
    let to_expired = to_expired(step, &record)?;
    let spent = refund::Spent { merchant, taken, refunded: back.amount, to_expired, table, rows: &back.rows };
    let wallet = step.wallet_at(found).ok_or_else(unknown)?;
    Ok((refund::refund(step.context(), wallet, &spent, ask)?, wallet.currency, seat).into())
}

/// What the rule of a spend, or of the hold that became one, does with what comes back to a part that has
/// expired; nothing is restored when that version of the rule is gone (rule A9).
fn to_expired<R: Reply>(step: &Step<'_, R>, spend: &Record) -> Result<RefundToExpired, Stop> {
    let hold = match &spend.command {
        Command::Capture(ask) => step.record_of(&ask.hold)?.map(|(record, _)| record),
        _ => None,
    };
    Ok(match &hold.as_ref().unwrap_or(spend).event {
        Event::Spent { rule, version, .. } | Event::Held { rule, version, .. } => {
            step.catalog.refund_to_expired(rule, *version)
        }
        _ => RefundToExpired::Forfeit,
    })
}

fn decide_transfer<R: Reply>(step: &mut Step<'_, R>, ask: &Transfer) -> Decided {
    let (from, seat) = own_wallet(step, &ask.from)?;
    let (to, to_seat) = own_wallet(step, &ask.to)?;
    not_sliced(step, seat, &ask.from)?;
    not_sliced(step, to_seat, &ask.to)?;
    let wallet = step.wallet_at(from);
    let event = transfer::transfer(step.context(), wallet, step.wallet_at(to), ask)?;
    Ok((event, wallet.map_or(Currency::CNY, |wallet| wallet.currency), seat).into())
}
