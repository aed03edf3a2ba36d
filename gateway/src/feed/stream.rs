//! A feed that somebody reads over HTTP.
//!
//! Its state is one position. The next page is read when the HTTP server has taken the one before, which it does when
//! the client has taken what was sent: backpressure reaches the reading of the journal, and nothing piles up.

use super::ask::{AtEnd, FeedAsk, Form};
use super::body::{Body, Ended, pump};
use super::service::{FeedService, Slot};
use super::source::{FeedFault, Page, PageAsk};
use crate::wire::write::whole;
use bytes::Bytes;
use fentan_engine::journal::Position;
use fentan_engine::ledger::Reject;
use futures_util::Stream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A page ends when it has so many bytes.
const PAGE_BYTES: usize = 128 << 10;
/// A client that takes nothing for so long loses its place: there are only so many.
const STALLED: Duration = Duration::from_secs(120);
/// A client that has nothing to read hears something so often: so both sides notice when the other is gone.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Records that a filter has hidden move a client's cursor on so often, or after so many.
const MARK_EVERY: Duration = Duration::from_secs(1);
const MARK_RECORDS: u64 = 10_000;

/// Why a wait is over.
enum Woken {
    More,
    Closing,
    Late,
}

/// A feed.
pub(crate) struct Feed {
    service: Arc<FeedService>,
    ask: FeedAsk,
    /// The next position to look at.
    next: Position,
    /// The last position that is wanted.
    last: Position,
    /// The client has been told to be this far.
    told: Position,
    told_at: Instant,
    /// Since when nothing has come.
    quiet_since: Instant,
    left: u64,
    /// A page that was read before the first bytes were asked for.
    ready: Option<Page>,
    /// The client does not know yet where its feed begins.
    where_from: bool,
    closing: watch::Receiver<bool>,
    ended: bool,
    /// The server ended before the feed did.
    cut: bool,
    _slot: Slot,
}

impl Feed {
    /// Begins a feed; its first page is read, so that what cannot be is refused before anything is sent.
    ///
    /// # Errors
    /// When there are too many, or it cannot begin at this position.
    pub(crate) async fn open(
        service: &Arc<FeedService>,
        ask: FeedAsk,
        closing: watch::Receiver<bool>,
    ) -> Result<Self, FeedFault> {
        let slot = service.slot()?;
        let durable = service.source.durable();
        let (next, from_end) = (ask.from.unwrap_or(durable + 1), ask.from.is_none());
        if next > durable + 1 {
            return Err(Reject::PositionAhead { durable }.into());
        }
        let last = if ask.at_end == AtEnd::Stop { durable } else { Position::MAX };
        let now = Instant::now();
        let mut feed = Self {
            service: Arc::clone(service),
            next,
            last,
            told: next - 1,
            told_at: now,
            quiet_since: now,
            left: ask.limit.unwrap_or(u64::MAX),
            ask,
            ready: None,
            // Where the end was has to be told before anything else: who is cut off before the first record would come back
            // to another end, and miss what was between the two.
            where_from: from_end,
            closing,
            ended: false,
            cut: false,
            _slot: slot,
        };
        if next <= durable {
            feed.ready = Some(feed.read().await?);
        }
        Ok(feed)
    }

    /// The feed as the body of a response. A fault breaks it off: the client sees that it is not the end, and comes
    /// back to the position after the last that it has seen.
    pub(crate) fn into_stream(mut self) -> impl Stream<Item = std::io::Result<Bytes>> {
        let (sender, body) = Body::new();
        actix_web::rt::spawn(async move {
            if self.ask.form == Form::Sse && sender.send(Bytes::from_static(b"retry: 1000\n\n")).await.is_err() {
                return;
            }
            match pump(async || self.bytes().await, &sender, STALLED).await {
                Ended::Whole => sender.end(),
                Ended::Gone => {}
                Ended::Stalled => {
                    metrics::counter!("fentan_feeds_stalled_total").increment(1);
                    tracing::info!(position = self.next, "a feed whose client takes nothing was broken off");
                }
                Ended::Fault(FeedFault::Reject(Reject::ShuttingDown)) => {
                    tracing::info!(position = self.next, "a feed was cut off because the server stops");
                }
                Ended::Fault(fault) => tracing::error!(%fault, position = self.next, "a feed was broken off"),
            }
        });
        body.into_stream()
    }

    async fn read(&self) -> Result<Page, FeedFault> {
        let ask = PageAsk {
            from: self.next,
            last: self.last,
            filter: self.ask.filter.clone(),
            records: self.left,
            bytes: PAGE_BYTES,
            frame: self.ask.form.frame(),
        };
        self.service.page(ask).await
    }

    /// The next bytes; `None` at the end.
    async fn bytes(&mut self) -> Result<Option<Bytes>, FeedFault> {
        if std::mem::take(&mut self.where_from) {
            let mut bytes = Vec::new();
            self.mark(&mut bytes);
            return Ok(Some(Bytes::from(bytes)));
        }
        while !self.ended {
            if self.next > self.last || self.left == 0 {
                return Ok(self.finish());
            }
            if *self.closing.borrow() || self.closing.has_changed().is_err() {
                return self.cut();
            }
            if self.ready.is_some() || self.next <= self.service.source.durable() {
                let page = match self.ready.take() {
                    Some(page) => page,
                    None => match self.read().await {
                        Err(FeedFault::Reject(Reject::ShuttingDown)) => return self.cut(),
                        page => page?,
                    },
                };
                if let Some(bytes) = self.take(page) {
                    return Ok(Some(bytes));
                }
            } else if let Some(bytes) = self.wait().await {
                return Ok(Some(bytes));
            }
        }
        if self.cut { Err(Reject::ShuttingDown.into()) } else { Ok(None) }
    }

    /// What a page has to say.
    fn take(&mut self, page: Page) -> Option<Bytes> {
        let mut bytes = page.bytes;
        self.next = page.next;
        self.left -= page.records;
        if let Some(shown) = page.shown {
            (self.told, self.told_at, self.quiet_since) = (shown, Instant::now(), Instant::now());
        }
        if self.hidden() >= MARK_RECORDS || (self.hidden() > 0 && self.told_at.elapsed() >= MARK_EVERY) {
            self.mark(&mut bytes);
        }
        (!bytes.is_empty()).then(|| Bytes::from(bytes))
    }

    /// How many records a filter has hidden since the client was told something.
    const fn hidden(&self) -> u64 {
        self.next - 1 - self.told
    }

    /// Waits for something new; says something when it is time to.
    async fn wait(&mut self) -> Option<Bytes> {
        let due = self.told_at + if self.hidden() > 0 { MARK_EVERY } else { HEARTBEAT };
        let over = match self.ask.at_end {
            AtEnd::Wait(patience) => Some(self.quiet_since + patience),
            AtEnd::Stop | AtEnd::Follow => None,
        };
        let until = over.map_or(due, |over| over.min(due));
        let left = until.saturating_duration_since(Instant::now());
        let woken = tokio::select! {
            () = self.service.tail.passes(self.next - 1) => Woken::More,
            _ = self.closing.wait_for(|closing| *closing) => Woken::Closing,
            () = tokio::time::sleep(left) => Woken::Late,
        };
        match woken {
            // Whether the server stops is looked at before anything else is done.
            Woken::More | Woken::Closing => return None,
            Woken::Late => {}
        }
        if over.is_some_and(|over| Instant::now() >= over) {
            return self.finish();
        }
        let mut bytes = Vec::new();
        self.mark(&mut bytes);
        Some(Bytes::from(bytes))
    }

    /// The end that the server comes to before the feed. A feed that would have ended by itself must not look whole; of
    /// one that only follows, any end is the server's.
    fn cut(&mut self) -> Result<Option<Bytes>, FeedFault> {
        self.cut = self.ask.at_end != AtEnd::Follow || self.ask.limit.is_some();
        match self.finish() {
            Some(bytes) => Ok(Some(bytes)),
            None if self.cut => Err(Reject::ShuttingDown.into()),
            None => Ok(None),
        }
    }

    /// The end: the client's cursor is moved past what was hidden.
    fn finish(&mut self) -> Option<Bytes> {
        self.ended = true;
        if self.hidden() == 0 {
            return None;
        }
        let mut bytes = Vec::new();
        self.mark(&mut bytes);
        Some(Bytes::from(bytes))
    }

    /// Says that everything up to here has been looked at.
    fn mark(&mut self, bytes: &mut Vec<u8>) {
        let position = self.next - 1;
        (self.told, self.told_at) = (position, Instant::now());
        let restored = self.service.source.restored.map(|restored| restored.field()).unwrap_or_default();
        match self.ask.form {
            Form::Ndjson => {
                bytes.extend_from_slice(b"{\"seq\":");
                whole(bytes, position);
                bytes.extend_from_slice(b",\"type\":\"mark\"");
                bytes.extend_from_slice(restored.as_bytes());
                bytes.extend_from_slice(b"}\n");
            }
            // An event without data moves the browser's cursor and calls nobody.
            Form::Sse => {
                bytes.extend_from_slice(b": mark\nid: ");
                whole(bytes, position);
                bytes.extend_from_slice(b"\n\n");
            }
        }
    }
}
