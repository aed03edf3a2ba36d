//! Where a webhook stands: shared by the thread that delivers and by those who look and change it.

use super::config::Hook;
use super::cursor::{Cursor, CursorFile};
use crate::feed::{FeedFault, Source};
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
    inner: Mutex<Inner>,
}

impl Place {
    /// As the file says, or where the configuration says that it begins.
    pub(super) fn open(hook: &Hook, file: CursorFile, source: &Source) -> Result<Self> {
        let cursor = if let Some(cursor) = file.read()? {
            cursor
        } else {
            let next = hook.from.unwrap_or(source.durable() + 1);
            let cursor = Cursor { next, sending: None, paused: false };
            file.write(&cursor)?;
            cursor
        };
        let inner = Mutex::new(Inner { cursor, kept: cursor, changes: 0, course: Course::default() });
        Ok(Self { name: hook.name.clone(), url: hook.shown_url(), file, inner })
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
            Change::Resume => cursor.paused = false,
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
            "last_error": course.last_error,
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
