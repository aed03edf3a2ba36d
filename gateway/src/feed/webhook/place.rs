//! Where a webhook stands: shared by the thread that delivers and by those who look and change it.

use super::config::Hook;
use super::cursor::{Cursor, CursorFile};
use crate::feed::{FeedFault, Restored, Source};
use crate::wire::moment;
use anyhow::Result;
use fentan_engine::journal::{JournalError, Position};
use fentan_engine::ledger::Reject;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Begins here; `None` is the journal's end.
    Rewind(Option<Position>),
    Pause,
    Resume,
}

/// What the thread is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Doing {
    /// Everything there is was delivered.
    #[default]
    Idle,
    /// A try is under way.
    Sending,
    /// A try failed; the next comes later.
    Retrying,
    /// It cannot go on until somebody does something.
    Stuck,
}

/// How deliveries went since the start.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) doing: Doing,
    /// Tries of the batch under way.
    pub(super) attempts: u32,
    pub(super) last_error: Option<String>,
    pub(super) next_try_at: Option<i64>,
    pub(super) delivered_at: Option<i64>,
    pub(super) batches: u64,
    pub(super) records: u64,
}

/// What is under the lock.
struct Inner {
    cursor: Cursor,
    /// What the file says.
    kept: Cursor,
    /// Counts the changes of operators: what was begun before one does not count after it.
    changes: u64,
    course: Course,
}

/// Where a webhook stands.
pub(super) struct Place {
    pub(super) name: String,
    url: String,
    file: CursorFile,
    restored: Option<Restored>,
    inner: Mutex<Inner>,
}

impl Place {
    /// As the file says, or where the configuration says that it begins.
    ///
    /// Of a restored ledger a cursor that was not written after that is none: a receiver may have records that are in this
    /// ledger no more, and would skip those that have their positions now. So nothing is sent before somebody says where
    /// to go on.
    pub(super) fn open(hook: &Hook, file: CursorFile, source: &Source) -> Result<Self> {
        let restored = source.restored.map(|restored| restored.at);
        let filter = hook.filter.fingerprint();
        let found = file.read()?;
        let mut cursor = found.unwrap_or_else(|| {
            let next = hook.from.unwrap_or(source.durable() + 1);
            Cursor { next, sending: None, paused: false, held: false, restored: None, filter }
        });
        if cursor.restored != restored {
            cursor = Cursor { sending: None, paused: true, held: true, restored, ..cursor };
        }
        if cursor.filter != filter {
            // Read again through this filter the batch would be another one.
            cursor = Cursor { sending: None, filter, ..cursor };
        }
        if found != Some(cursor) {
            file.write(&cursor)?;
        }
        let inner = Mutex::new(Inner { cursor, kept: cursor, changes: 0, course: Course::default() });
        let place = Self { name: hook.name.clone(), url: hook.shown_url(), file, inner, restored: source.restored };
        if cursor.held {
            tracing::warn!(webhook = hook.name, "{}", place.held());
        }
        Ok(place)
    }

    /// Why it is held, and what to do.
    fn held(&self) -> String {
        let Some(Restored { at, position }) = self.restored else { return String::new() };
        format!(
            "paused: the ledger was restored to position {position} at {}, and this webhook was not told since where to go on. \
             What its receiver has after that position is in this ledger no more; let it forget that, then \
             `fentan webhook rewind {} --from N`, N being one more than the last position that it has, {} at most, \
             and `fentan webhook resume {}`",
            moment(at),
            self.name,
            position + 1,
            self.name
        )
    }

    /// The cursor, and how often operators have changed it.
    pub(super) fn cursor(&self) -> (Cursor, u64) {
        let inner = self.inner.lock();
        (inner.cursor, inner.changes)
    }

    /// Whether nobody has changed it since.
    pub(super) fn is_unchanged(&self, since: u64) -> bool {
        self.inner.lock().changes == since
    }

    /// Moves the cursor; `keep` writes it down. Nothing happens when an operator has changed it since.
    pub(super) fn go(&self, since: u64, to: Cursor, keep: bool) -> std::io::Result<()> {
        let mut inner = self.inner.lock();
        if inner.changes != since {
            return Ok(());
        }
        inner.cursor = to;
        if keep && inner.kept != to {
            self.file.write(&to)?;
            inner.kept = to;
        }
        Ok(())
    }

    /// How far the file is behind.
    pub(super) fn behind(&self) -> u64 {
        let inner = self.inner.lock();
        inner.cursor.next - inner.kept.next.min(inner.cursor.next)
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Course)) {
        note(&mut self.inner.lock().course);
    }

    /// Does what an operator wants, durably.
    pub(super) fn change(&self, change: Change, source: &Source) -> Result<(), FeedFault> {
        let mut inner = self.inner.lock();
        let mut cursor = inner.cursor;
        match change {
            Change::Rewind(from) => {
                let next = from.unwrap_or(source.durable() + 1);
                source.check(next)?;
                (cursor.next, cursor.sending) = (next, None);
            }
            Change::Pause => cursor.paused = true,
            Change::Resume => (cursor.paused, cursor.held) = (false, false),
        }
        let failed = |error: std::io::Error| JournalError::Medium(format!("the cursor cannot be written: {error}"));
        self.file.write(&cursor).map_err(failed)?;
        (inner.cursor, inner.kept) = (cursor, cursor);
        inner.changes += 1;
        let course = &mut inner.course;
        (course.doing, course.attempts, course.next_try_at) = (Doing::Idle, 0, None);
        Ok(())
    }

    /// As it is shown.
    pub(super) fn standing(&self, durable: Position) -> Value {
        let inner = self.inner.lock();
        let (cursor, course) = (&inner.cursor, &inner.course);
        let state = match course.doing {
            _ if cursor.paused => "paused",
            Doing::Idle => "idle",
            Doing::Sending => "sending",
            Doing::Retrying => "retrying",
            Doing::Stuck => "stuck",
        };
        json!({
            "name": self.name,
            "url": self.url,
            "state": state,
            "next": cursor.next,
            "lag": (durable + 1).saturating_sub(cursor.next),
            "attempts": course.attempts,
            "last_error": if cursor.held { Some(self.held()) } else { course.last_error.clone() },
            "next_try_at": course.next_try_at.map(moment),
            "delivered_at": course.delivered_at.map(moment),
            "batches": course.batches,
            "records": course.records,
        })
    }
}

/// Why a fault keeps a webhook from going on, in words.
pub(super) fn why(fault: &FeedFault) -> String {
    let remedy = match fault {
        FeedFault::Reject(Reject::PositionTrimmed { .. } | Reject::PositionAhead { .. }) => {
            "; rewind it to a position that is there (fentan webhook rewind)"
        }
        _ => "",
    };
    format!("{fault}{remedy}")
}
