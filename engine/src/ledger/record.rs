//! A record of the journal: what was asked and what happened.

use super::{Command, Event};
use crate::accounts::Timestamp;
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use serde::{Deserialize, Serialize};

/// One accepted (or remembered) command with its result. It says all that replay needs, and all that the
/// answer showed.
///
/// Encoded with postcard: variable-length integers, length-prefixed text, fields in this order; an enum
/// is its variant's number, so variants are only ever added at the end. The journal batch's format
/// version covers it. Who asked for a record stands before it ([`Record::encode_by`]), when somebody did whom the
/// server knows.
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

/// The first byte of a record that says who asked for it. A record that does not begins with the length of its id, which
/// is never zero.
const BY: u8 = 0;

/// The name before a record, and the record.
fn split_by(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [BY, length, rest @ ..] = bytes else { return None };
    rest.split_at_checked(usize::from(*length))
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

    /// Appends who asked for the record that comes right behind: a byte of zero and a length, then the name. A ledger
    /// without access control has none of it.
    pub fn encode_by(by: &Label, out: &mut Vec<u8>) {
        // A name has at most 64 bytes.
        let length = u8::try_from(by.as_bytes().len()).unwrap_or(u8::MAX);
        out.extend_from_slice(&[BY, length]);
        out.extend_from_slice(&by.as_bytes()[..usize::from(length)]);
    }

    /// Who asked for the encoded record, when that was written down.
    #[must_use]
    pub fn asked_by(bytes: &[u8]) -> Option<Label> {
        let (by, _) = split_by(bytes)?;
        Label::new(std::str::from_utf8(by).ok()?).ok()
    }

    /// The record's bytes without who asked for it. `None` when that is cut off or no name, or stands there twice: such
    /// bytes are no record.
    #[must_use]
    pub fn bare(bytes: &[u8]) -> Option<&[u8]> {
        if bytes.first() != Some(&BY) {
            return Some(bytes);
        }
        Self::asked_by(bytes)?;
        split_by(bytes).map(|(_, record)| record).filter(|record| record.first() != Some(&BY))
    }

    /// Reads a record back. Who asked for it is [`Record::asked_by`].
    ///
    /// # Errors
    /// When the bytes are not exactly one record.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let fail = |reason: String| RecordError { length: bytes.len(), reason };
        let Some(bare) = Self::bare(bytes) else {
            return Err(fail("who asked for it is no name, or stands there twice".into()));
        };
        if let Some(record) = super::plain::decode(bare) {
            return Ok(record);
        }
        match postcard::take_from_bytes(bare) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_stands_before_the_record_and_changes_nothing_of_it() {
        let record = Record {
            id: CommandId::internal("f-1"),
            at: 7,
            currency: Currency::CNY,
            slice: 3,
            command: Command::Freeze(AccountId::internal("ann")),
            event: Event::Rejected(Box::new(crate::ledger::Reject::UnknownAccount {
                account: AccountId::internal("ann"),
            })),
        };
        let mut plain = Vec::new();
        record.encode(&mut plain);
        assert_eq!((Record::asked_by(&plain), Record::bare(&plain)), (None, Some(&*plain)));
        for name in ["a", "till-7", &"x".repeat(64)] {
            let mut bytes = Vec::new();
            Record::encode_by(&Label::internal(name), &mut bytes);
            record.encode(&mut bytes);
            assert_eq!(Record::asked_by(&bytes), Some(Label::internal(name)));
            assert_eq!(Record::bare(&bytes), Some(&*plain));
            assert_eq!(Record::decode(&bytes).as_ref(), Ok(&record));
            let cut = &bytes[..=name.len()];
            assert!(Record::decode(cut).is_err(), "a name that is cut off is no record");
            assert_eq!(Record::bare(cut), None, "nor is it one without its name");
            let twice = [&bytes[..2 + name.len()], &*bytes].concat();
            assert!(Record::decode(&twice).is_err(), "who asked stands there once");
        }
    }
}
