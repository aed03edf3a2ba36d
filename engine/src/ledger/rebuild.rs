//! A wallet as it stood at a moment of the past, made again from its records.
//!
//! Pure: a fold of [`effect`] over the records that changed the wallet, which is what recovery does with the
//! journal's tail. Cost: that of applying the records; the reader who finds them costs more.

use super::{Command, Event, Record, effect};
use crate::accounts::{AccountKind, Wallet};
use crate::names::{AccountId, Label};

/// Whether a record can change this wallet: it is the paying one, or the receiving one of a transfer.
#[must_use]
pub fn concerns(record: &Record, account: &AccountId) -> bool {
    record.account() == Some(account) || matches!(&record.command, Command::Transfer(ask) if ask.to == *account)
}

/// The wallet that these records made, in their order; `None` when none of them opened it. Records of other
/// accounts are passed over.
pub fn rebuild<'r>(account: &AccountId, records: impl IntoIterator<Item = &'r Record>) -> Option<Wallet> {
    let mut wallet = None;
    for record in records {
        change(&mut wallet, account, record);
    }
    wallet
}

/// The same, one record at a time.
pub fn change(wallet: &mut Option<Wallet>, account: &AccountId, record: &Record) {
    if !concerns(record, account) || matches!(record.event, Event::Rejected(_)) {
        return;
    }
    if let (None, Some(product)) = (&wallet, opens(record, account)) {
        *wallet = Some(Wallet::new(account.clone(), record.currency, product.clone()));
    }
    if let Some(wallet) = wallet {
        effect(record, wallet);
    }
}

/// The product that a record opens this wallet with.
fn opens<'r>(record: &'r Record, account: &AccountId) -> Option<&'r Label> {
    match (&record.event, &record.command) {
        (Event::Opened { kind: AccountKind::Wallet, product, .. }, _) => Some(product),
        (Event::ToppedUp { opens, .. } | Event::TopUpPlaced { opens, .. }, _) => opens.as_ref(),
        (Event::Transferred { opens, .. }, Command::Transfer(ask)) if ask.to == *account => opens.as_ref(),
        _ => None,
    }
}
