//! A record of the journal: what was asked and what happened.

use super::{Command, Event};
use crate::accounts::Timestamp;
use crate::money::Currency;
use crate::names::{AccountId, CommandId};
use serde::{Deserialize, Serialize};

/// One accepted (or remembered) command with its result. It says all that replay needs, and all that the
/// answer showed.
///
/// Encoded with postcard: variable-length integers, length-prefixed text, fields in this order; an enum
/// is its variant's number, so variants are only ever added at the end. The journal batch's format
/// version covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The client's id.
    pub id: CommandId,
    /// When it was decided.
    pub at: Timestamp,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The slice its merchant and system postings belong to.
    pub slice: u16,
    /// What was asked.
    pub command: Command,
    /// What happened.
    pub event: Event,
}

/// A record's bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a record of {length} bytes cannot be read: {reason}")]
pub struct RecordError {
    /// How long it is.
    pub length: usize,
    /// What is wrong.
    pub reason: String,
}

impl Record {
    /// Appends the encoded record. Cost: about 40 ns for a spend of one lot.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if super::plain::encode(self, out) {
            return;
        }
        // Writing to a vector cannot fail, and every type here can be serialised.
        if let Err(error) = postcard::to_io(self, &mut *out) {
            unreachable!("a record can always be encoded: {error}");
        }
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When the bytes are not exactly one record.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if let Some(record) = super::plain::decode(bytes) {
            return Ok(record);
        }
        let fail = |reason: String| RecordError { length: bytes.len(), reason };
        match postcard::take_from_bytes(bytes) {
            Ok((record, [])) => Ok(record),
            Ok((_, rest)) => Err(fail(format!("{} bytes are left over", rest.len()))),
            Err(error) => Err(fail(error.to_string())),
        }
    }

    /// The wallet this record is about: the paying one of a transfer.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match &self.event {
            Event::TopUpConfirmed { account, .. }
            | Event::TopUpFailed { account, .. }
            | Event::TopUpUnchanged { account, .. }
            | Event::Released { account, .. }
            | Event::TopUpRefunded { account, .. }
            | Event::TopUpRefundRequested { account, .. }
            | Event::TopUpRefundConfirmed { account, .. }
            | Event::TopUpRefundFailed { account, .. }
            | Event::TopUpRefundUnchanged { account, .. } => return Some(account),
            Event::Captured { parties, .. } | Event::Refunded { parties, .. } => return Some(&parties.account),
            _ => {}
        }
        match &self.command {
            Command::OpenAccount(open) => Some(&open.account),
            Command::TopUp(top_up) => Some(&top_up.account),
            Command::Spend(spend) | Command::Hold(spend, _) => Some(&spend.account),
            Command::Transfer(transfer) => Some(&transfer.from),
            Command::Freeze(account)
            | Command::Unfreeze(account)
            | Command::CloseAccount(account)
            | Command::Expire(account) => Some(account),
            Command::Clear(ask) => ask.account(),
            Command::ConfirmTopUp(_)
            | Command::FailTopUp(_)
            | Command::Capture(_)
            | Command::Release(_)
            | Command::Refund(_)
            | Command::RefundTopUp(_) => None,
        }
    }

    /// The merchant this record is about.
    #[must_use]
    pub fn merchant(&self) -> Option<&AccountId> {
        match (&self.command, &self.event) {
            (_, Event::Captured { parties, .. } | Event::Refunded { parties, .. }) => Some(&parties.merchant),
            (Command::Spend(spend) | Command::Hold(spend, _), _) => Some(&spend.merchant),
            _ => None,
        }
    }
}
