//! Payouts (付款): settlements are sent, and confirmed or failed one by one (rule C7). Money leaves `payable` only when
//! somebody says that it arrived: until then a payout that failed has nothing to undo.
//!
//! | a settlement is | may become | by |
//! |---|---|---|
//! | due | sent | `send_payout` |
//! | sent | paid | `confirm_payout` |
//! | sent | due | `fail_payout` |
//!
//! Beside them `withdraw_funds`: what channels keep for us arrives at the bank that pays.
//!
//! # Cost
//! Linear in the settlements of the payout, at most [`SETTLEMENTS_MAX`].

use super::{Decided, already, countable, unknown};
use crate::accounts::{Bucket, Fund, Status, SystemAccount, Timestamp};
use crate::clearing::{
    ConfirmPayout, Document, Entry, FailPayout, Failure, PaidOut, Payout, PayoutLine, PayoutState, Place, SendPayout,
    Settlement, WithdrawFunds,
};
use crate::ledger::Reject;
use crate::ledger::decide::{minor, not_frozen, positive};
use crate::money::Money;
use crate::names::{AccountId, CommandId};
use std::collections::BTreeSet;

/// The most settlements in one payout.
pub const SETTLEMENTS_MAX: usize = 1000;

/// A request to send, well formed: looked at before what it names is looked for.
pub fn form(ask: &SendPayout) -> Result<(), Reject> {
    let given = ask.settlements.len();
    if !(1..=SETTLEMENTS_MAX).contains(&given) {
        let reason = format!("a payout has 1 to {SETTLEMENTS_MAX} settlements, not {given}");
        return Err(Reject::bad_request("settlements", reason));
    }
    let mut seen = BTreeSet::new();
    match ask.settlements.iter().position(|id| !seen.insert(id)) {
        Some(twice) => Err(Reject::bad_request(format!("settlements[{twice}]"), "stands twice")),
        None => Ok(()),
    }
}

/// Settlements are sent. `documents` are those that it names, in order; `status` is that of a merchant.
pub fn send(
    id: &CommandId,
    ask: &SendPayout,
    documents: &[Option<Document>],
    status: impl Fn(&AccountId) -> Status,
    now: Timestamp,
) -> Decided {
    form(ask)?;
    let mut settlements = Vec::with_capacity(ask.settlements.len());
    for (number, id) in ask.settlements.iter().enumerate() {
        settlements.push((id, known(documents.get(number).and_then(Option::as_ref), id)?));
    }
    for (_, settlement) in &settlements {
        not_frozen(status(&settlement.merchant), &settlement.merchant)?;
    }
    let Some(currency) = settlements.first().map(|(_, first)| first.currency) else {
        return Err(Reject::bad_request("settlements", "are needed"));
    };
    if let Some((_, other)) = settlements.iter().find(|(_, settlement)| settlement.currency != currency) {
        return Err(Reject::CurrencyMismatch {
            account: other.merchant.clone(),
            is: other.currency.to_string(),
            needed: currency.to_string(),
        });
    }
    for (id, settlement) in &settlements {
        is(settlement, id, PayoutState::Due)?;
    }
    let total = countable(settlements.iter().map(|(_, one)| i128::from(one.net)).sum(), "payout", currency)?;
    let lines = settlements.iter().map(|(id, one)| PayoutLine {
        settlement: (*id).clone(),
        merchant: one.merchant.clone(),
        net: one.net,
    });
    let payout = Payout { settlements: lines.collect(), currency, total, sent_at: now };
    let mut entry = Entry::default().with(id, payout);
    for (of, mut settlement) in settlements {
        settlement.state = PayoutState::Sent;
        settlement.payout = Some(id.clone());
        entry = entry.with(of, settlement);
    }
    Ok(entry)
}

/// A settlement was paid out.
pub fn confirm(document: Option<&Document>, ask: &ConfirmPayout, now: Timestamp) -> Decided {
    if ask.reference.is_empty() {
        return Err(Reject::bad_request("reference", "is not empty"));
    }
    let mut settlement = known(document, &ask.settlement)?;
    is(&settlement, &ask.settlement, PayoutState::Sent)?;
    let mut entry = Entry::default();
    for (fund, minor) in Fund::ALL.into_iter().zip(settlement.funds) {
        let from = Place::Merchant(settlement.merchant.clone(), Bucket::Payable, fund);
        entry.pay(from, Place::System(SystemAccount::PaidOut(fund)), minor);
    }
    settlement.state = PayoutState::Paid;
    settlement.paid = Some(PaidOut { by: ask.by.clone(), reference: ask.reference.clone(), at: now });
    Ok(entry.with(&ask.settlement, settlement))
}

/// A settlement could not be paid out.
pub fn fail(document: Option<&Document>, ask: &FailPayout, now: Timestamp) -> Decided {
    if ask.reason.is_empty() {
        return Err(Reject::bad_request("reason", "is not empty"));
    }
    let mut settlement = known(document, &ask.settlement)?;
    is(&settlement, &ask.settlement, PayoutState::Sent)?;
    settlement.state = PayoutState::Due;
    settlement.failures.push(Failure { reason: ask.reason.clone(), at: now });
    Ok(Entry::default().with(&ask.settlement, settlement))
}

/// A channel's funds arrive at the bank. `balance` is that of its funds: a debit balance, below zero.
pub fn withdraw(ask: &WithdrawFunds, balance: i128) -> Decided {
    let amount = positive("amount", ask.amount, ask.currency)?;
    let fee = ask.fee.map_or(Ok(0), |fee| minor("fee", fee, ask.currency))?;
    let needed = i128::from(amount) + i128::from(fee);
    let there = -balance;
    if needed > there {
        return Err(Reject::InsufficientFunds {
            payer: SystemAccount::Funds(ask.channel.clone()).name(),
            available: Money { minor: countable(there, "funds", ask.currency)?, currency: ask.currency },
            requested: Money { minor: countable(needed, "funds", ask.currency)?, currency: ask.currency },
        });
    }
    let funds = Place::funds(&ask.channel);
    let mut entry = Entry::default();
    entry.pay(Place::System(SystemAccount::Bank), funds.clone(), amount);
    entry.pay(Place::FEE, funds, fee);
    Ok(entry)
}

/// The settlement that this is.
fn known(document: Option<&Document>, id: &CommandId) -> Result<Settlement, Reject> {
    match document {
        Some(Document::Settlement(settlement)) => Ok((**settlement).clone()),
        _ => Err(unknown("settlement", id)),
    }
}

/// Refuses a settlement that is elsewhere.
fn is(settlement: &Settlement, id: &CommandId, state: PayoutState) -> Result<(), Reject> {
    if settlement.state == state {
        return Ok(());
    }
    Err(already(format!("the settlement {id}"), settlement.state.word()))
}
