//! Accounts: open, freeze, unfreeze, close (rule W5).

use super::{Context, limits};
use crate::accounts::{AccountKind, Limits, Slice, SliceKind, Status, SystemAccount, Wallet};
use crate::catalog::Product;
use crate::ledger::{Event, OpenAccount, Reject};
use crate::money::Currency;
use crate::names::AccountId;

/// What there is under a name.
#[derive(Clone, Copy)]
pub enum Found<'a> {
    /// A wallet.
    Wallet(&'a Wallet),
    /// A merchant or system account, all slices together.
    Sliced(&'a Slice),
    /// Nothing.
    Nothing,
}

/// Opens a wallet or a merchant.
pub fn open(ctx: Context<'_>, found: Found<'_>, ask: &OpenAccount) -> Result<(Event, Currency), Reject> {
    if ask.kind == AccountKind::System || SystemAccount::is_reserved(ask.account.as_str()) {
        return Err(Reject::bad_request("kind", "system accounts are the ledger's own"));
    }
    // A merchant may be paid in any currency that wallets can have.
    let named = ask.currency.as_ref().filter(|_| ask.kind == AccountKind::Merchant);
    if let Some(code) = named.filter(|code| ctx.catalog.currency(code.as_str()).is_none()) {
        return Err(Reject::bad_request("currency", format!("no product has the currency {code}")));
    }
    let product = match &ask.product {
        None => Ok(ctx.catalog.default_product()),
        Some(name) => ctx.catalog.find_product(name).ok_or_else(|| Reject::UnknownProduct { product: name.clone() }),
    };
    let limits = own_limits(ctx, product.as_ref().ok().copied(), ask)?;
    if !matches!(found, Found::Nothing) {
        return Err(Reject::AccountExists { account: ask.account.clone() });
    }
    let product = product?;
    let currency = named.and_then(|code| ctx.catalog.currency(code.as_str())).unwrap_or(product.currency);
    if let Some(code) = ask.currency.as_ref().filter(|code| code.as_str() != currency.code()) {
        return Err(Reject::CurrencyMismatch {
            account: ask.account.clone(),
            is: currency.to_string(),
            needed: code.to_string(),
        });
    }
    Ok((Event::Opened { kind: ask.kind, product: product.name.clone(), limits }, currency))
}

/// The limits that are asked for, if there are any (rule W5). A product that is not there is a no of its own;
/// till then the default product's currency says how amounts are counted.
fn own_limits(ctx: Context<'_>, product: Option<&Product>, ask: &OpenAccount) -> Result<Option<Box<Limits>>, Reject> {
    let Some(asked) = &ask.limits else { return Ok(None) };
    if ask.kind != AccountKind::Wallet {
        return Err(Reject::bad_request("limits", "only wallets have limits"));
    }
    let currency = product.unwrap_or_else(|| ctx.catalog.default_product()).currency;
    let own = limits::asked(asked, currency)?;
    Ok((!own.is_none()).then(|| Box::new(own)))
}

/// Sets an account's status: freeze, unfreeze or close. Setting what is set already is a reject, so that
/// an operator sees that somebody was there before.
pub fn set_status(found: Found<'_>, account: &AccountId, status: Status) -> Result<(Event, Currency), Reject> {
    let (now, currency, kind, empty) = match found {
        Found::Nothing => return Err(Reject::UnknownAccount { account: account.clone() }),
        Found::Wallet(wallet) => (wallet.status, wallet.currency, AccountKind::Wallet, wallet.is_settled()),
        Found::Sliced(slice) => match &slice.kind {
            SliceKind::Merchant(proceeds) => (slice.status, slice.currency, AccountKind::Merchant, proceeds.is_zero()),
            SliceKind::System(_) => {
                return Err(Reject::WrongKind {
                    account: account.clone(),
                    is: "system".into(),
                    needed: "wallet or merchant".into(),
                });
            }
        },
    };
    if now == Status::Closed {
        return Err(Reject::AccountClosed { account: account.clone() });
    }
    if now == status {
        return Err(Reject::AlreadyDone { what: format!("the account {account}"), state: status.word().into() });
    }
    if status == Status::Closed && !empty {
        return Err(Reject::AccountNotEmpty { account: account.clone() });
    }
    Ok((Event::StatusSet { status, kind }, currency))
}
