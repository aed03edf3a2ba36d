//! Why a spend of the past was divided as it was (rule A7).
//!
//! Its account's earlier records make the wallet as it stood just before; the rule as it was divides the
//! spend again; both must give what stands in the record.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the explanation, from an account's records |
//! | `source.rs` | where these records come from: today a reading of the journal |
//! | `desk.rs` | the server's thread for it: no shard waits for a journal that is read |
//! | `program.rs` | `fentan explain` |
//!
//! Cost: one reading of the journal from its first record up to the spend, some 10 million records a minute;
//! records of other accounts are not decoded.

mod desk;
mod program;
mod source;

pub(crate) use desk::{Desk, Destination, Job};
pub(crate) use program::{ExplainArgs, run};
pub(crate) use source::{JournalScan, Records, SourceError};

use fentan_engine::accounts::Wallet;
use fentan_engine::allocation::Rule;
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::Position;
use fentan_engine::ledger::rebuild::change;
use fentan_engine::ledger::{Command, Event, Record, Rerun, Taken, Unexplained, rerun};
use fentan_engine::names::Label;
use std::sync::LazyLock;

/// A spend or capture, explained.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) record: Record,
    /// Its place in the journal.
    pub(crate) position: Position,
    /// What refunds have given back.
    pub(crate) refunded: i64,
    /// The token that asked for it, when that is known.
    pub(crate) by: Option<Label>,
    /// The hold it was captured from.
    pub(crate) hold: Option<HeldBefore>,
    /// The allocation once more, or why that cannot be.
    pub(crate) why: Result<Why, NoWhy>,
}

/// The allocation once more.
#[derive(Debug)]
pub(crate) struct Why {
    pub(crate) rerun: Rerun,
    /// How many of the account's records made the wallet.
    pub(crate) records: u64,
}

/// Why there is no explanation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoWhy {
    /// The allocation cannot be done again.
    Unexplained(Unexplained),
    /// The journal is longer than may be read for it: so many records.
    TooFar(u64),
    /// The journal begins at this record.
    Trimmed(Position),
}

/// The hold that a capture paid from.
#[derive(Debug)]
pub(crate) struct HeldBefore {
    pub(crate) record: Record,
    /// What releases had given back before the capture.
    pub(crate) released: i64,
}

impl Explained {
    /// The recorded lines.
    pub(crate) fn taken(&self) -> &Taken {
        static NONE: LazyLock<Taken> = LazyLock::new(Taken::default);
        self.record.event.taken().unwrap_or(&NONE)
    }

    /// The rule that divided it, as the records say.
    pub(crate) fn rule(&self) -> Option<String> {
        let divided = self.hold.as_ref().map_or(&self.record, |hold| &hold.record);
        match &divided.event {
            Event::Spent { rule, version, .. } | Event::Held { rule, version, .. } => Some(format!("{rule}@{version}")),
            _ => None,
        }
    }

    /// The client's order number.
    pub(crate) fn order(&self) -> Option<&str> {
        let divided = self.hold.as_ref().map_or(&self.record, |hold| &hold.record);
        match &divided.command {
            Command::Spend(ask) | Command::Hold(ask, _) => ask.order.as_ref().map(Label::as_str),
            _ => None,
        }
    }
}

/// Where the rule as it was is found.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// The rules in force.
    pub(crate) catalog: &'a Catalog,
    /// Versions that these no longer have.
    pub(crate) archived: &'a dyn Fn(&Label, u32) -> Option<Rule>,
}

/// Explains the spend or capture that `record` is.
///
/// # Errors
/// When the source fails. That too much would have to be read is no error: the answer says so.
pub(crate) fn explain(
    record: Record,
    position: Position,
    refunded: i64,
    rules: Rules<'_>,
    source: &dyn Records,
) -> Result<Explained, SourceError> {
    let mut past = Past { position, ..Past::default() };
    let Some(account) = record.account().cloned() else {
        let why = Err(NoWhy::Unexplained(Unexplained::NoAllocation));
        return Ok(Explained { record, position, refunded, by: None, hold: None, why });
    };
    let hold_id = match &record.command {
        Command::Capture(ask) => Some(ask.hold.clone()),
        _ => None,
    };
    let read = source.each(&account, &mut |position, each| {
        if each.id == record.id {
            past.position = position;
            return false;
        }
        if hold_id.as_ref() == Some(&each.id) && matches!(each.event, Event::Held { .. }) {
            past.hold = Some((each.clone(), past.wallet.clone(), past.records));
        }
        change(&mut past.wallet, &account, &each);
        past.records += u64::from(!matches!(each.event, Event::Rejected(_)));
        true
    });
    let position = past.position;
    let stopped = match read {
        Ok(()) => None,
        Err(SourceError::TooFar { limit }) => Some(NoWhy::TooFar(limit)),
        Err(SourceError::Trimmed { first }) => Some(NoWhy::Trimmed(first)),
        Err(error) => return Err(error),
    };
    let (why, hold) = match (stopped, hold_id) {
        (Some(stopped), _) => (Err(stopped), None),
        (None, None) => {
            let why = rerun(rules.catalog, rules.archived, past.wallet.as_ref(), &record);
            (why.map(|rerun| Why { rerun, records: past.records }).map_err(NoWhy::Unexplained), None)
        }
        (None, Some(_)) => captured(past, rules, &record),
    };
    Ok(Explained { record, position, refunded, by: None, hold, why })
}

/// What the account's records say, up to the one that is explained.
#[derive(Default)]
struct Past {
    position: Position,
    wallet: Option<Wallet>,
    records: u64,
    /// The hold's record, the wallet just before it, and how many records made that.
    hold: Option<(Record, Option<Wallet>, u64)>,
}

/// A capture: the hold's allocation once more, and the piece of its lines that was captured.
fn captured(past: Past, rules: Rules<'_>, record: &Record) -> (Result<Why, NoWhy>, Option<HeldBefore>) {
    let Some((hold, before, records)) = past.hold else {
        return (Err(NoWhy::Unexplained(Unexplained::NoWallet)), None);
    };
    let open = past.wallet.as_ref().and_then(|wallet| wallet.hold(&hold.id));
    let released = open.map_or(0, |open| open.released);
    let why = rerun(rules.catalog, rules.archived, before.as_ref(), &hold).map(|mut rerun| {
        let captured = record.event.taken().cloned().unwrap_or_default();
        let piece = rerun.taken.piece(released, (released + captured.sum()).min(rerun.taken.sum()));
        rerun.agrees &= open.is_some() && piece == captured;
        rerun.taken = piece;
        Why { rerun, records }
    });
    (why.map_err(NoWhy::Unexplained), Some(HeldBefore { record: hold, released }))
}
