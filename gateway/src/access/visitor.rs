//! Who is on a connection, or behind an exchange of the HTTP door.

use super::gate::{Admitted, Gate, Grant, unauthorized};
use super::scope::Scope;
use crate::history::HistoryAsk;
use crate::rules::now;
use crate::wire::moment;
use crate::wire::write::{field, key, text};
use fentan_engine::clearing::Clearing;
use fentan_engine::ledger::{Command, Reject};
use fentan_engine::names::{AccountId, Label};
use fentan_engine::runtime::{Body, Caller};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection may be there without a token.
const WITHIN: Duration = Duration::from_secs(5);
/// After so many lines that were refused for want of a token, a connection is closed.
const STRIKES: u32 = 8;
/// How long a connection waits after a token that is not good, before it is read again.
const PENALTY: Duration = Duration::from_millis(250);

/// Who asks.
#[derive(Clone, Default)]
pub(crate) struct Visitor {
    /// `None` when everybody may everything.
    at: Option<Arc<Gate>>,
    /// What its token may do.
    grant: Option<Arc<Grant>>,
    /// The gate's reading that said so.
    reading: u64,
    /// Its token is in a header, and no line takes the place of that.
    over_http: bool,
    /// Lines that were refused for want of a token.
    strikes: u32,
    /// Whether the last token was not good.
    failed: bool,
    /// Since when nobody known is there.
    since: Option<Instant>,
}

impl Visitor {
    /// Nobody known yet: a new connection.
    pub(crate) fn stranger(gate: Option<&Arc<Gate>>) -> Self {
        let since = gate.map(|_| Instant::now());
        Self { at: gate.cloned(), since, ..Self::default() }
    }

    /// Behind an exchange over HTTP, without a token.
    pub(crate) fn over_http(gate: Option<&Arc<Gate>>) -> Self {
        Self { over_http: true, ..Self::stranger(gate) }
    }

    /// Whoever showed this token over HTTP, just now.
    pub(crate) fn with(gate: &Arc<Gate>, admitted: Admitted) -> Self {
        let Admitted { grant, reading } = admitted;
        Self { at: Some(Arc::clone(gate)), reading, grant: Some(grant), over_http: true, ..Self::default() }
    }

    /// Whether it may ask this of the engine, as far as scopes go.
    #[inline]
    pub(crate) fn may(&self, body: &Body) -> bool {
        match (&self.at, &self.grant) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(grant)) => Scope::of(body).is_none_or(|scope| grant.scopes.has(scope)),
        }
    }

    /// Whether it may see every record of everybody.
    pub(crate) fn may_follow(&self) -> bool {
        match (&self.at, &self.grant) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(grant)) => grant.scopes.has(Scope::Feed) && !grant.caller.is_confined(),
        }
    }

    /// Whether a token is needed and none is there.
    pub(crate) const fn is_stranger(&self) -> bool {
        self.at.is_some() && self.grant.is_none()
    }

    /// Whether a token can only be in a header.
    pub(crate) const fn is_over_http(&self) -> bool {
        self.over_http
    }

    /// Looks again whether the token is good, before what a read brought is taken in.
    pub(crate) fn renew(&mut self) {
        let (Some(gate), Some(grant)) = (&self.at, &self.grant) else { return };
        let reading = gate.reading();
        if reading == self.reading && grant.expires_at.is_none() {
            return;
        }
        self.reading = reading;
        self.grant = gate.admit_hash(&grant.hash, now()).ok().map(|admitted| admitted.grant);
        if self.grant.is_none() {
            self.since = Some(Instant::now());
        }
    }

    /// Takes a token and writes the answer.
    pub(crate) fn authenticate(&mut self, id: Option<&str>, token: &str, out: &mut Vec<u8>) {
        let result = match self.at.as_ref().map(|gate| gate.admit(token, now())) {
            None => Ok(None),
            Some(Ok(Admitted { grant, reading })) => {
                self.reading = reading;
                (self.strikes, self.since) = (0, None);
                self.grant = Some(Arc::clone(&grant));
                Ok(Some(grant))
            }
            Some(Err(reject)) => {
                self.grant = None;
                self.since.get_or_insert_with(Instant::now);
                self.strikes += 1;
                self.failed = true;
                Err(reject)
            }
        };
        match result {
            Ok(grant) => welcome(out, id, grant.as_deref()),
            Err(reject) => crate::wire::write_refusal(out, id, &reject),
        }
    }

    /// When a connection without a token ends.
    pub(crate) fn overdue(&self) -> Option<Instant> {
        self.since.map(|since| since + WITHIN)
    }

    /// The no to a connection that is overdue.
    pub(crate) fn too_late() -> Reject {
        let seconds = WITHIN.as_secs();
        unauthorized("missing", format!("no token came within {seconds} s; {HOW}"))
    }

    /// Whether so much was refused that the connection ends.
    pub(crate) const fn is_out(&self) -> bool {
        self.strikes >= STRIKES
    }

    /// Whether a token was not good and has not been paid for.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    /// How long nothing is read, after a token that is not good.
    pub(crate) fn penalty(&mut self) -> Option<Duration> {
        std::mem::take(&mut self.failed).then_some(PENALTY)
    }

    /// Why a request to the engine is not taken in. Whose accounts it names is looked at by the engine. The name of a
    /// person who answers for it is put in where it was left out.
    #[inline]
    pub(crate) fn refuses(&mut self, body: &mut Body) -> Option<Reject> {
        if !self.may(body) {
            return self.looks(Scope::of(body)).err();
        }
        match body {
            Body::Command(Command::Clear(ask)) => self.signs_for(ask).err(),
            _ => None,
        }
    }

    /// Sees to it that a command of the clearing line names who sent it, where it names anybody.
    fn signs_for(&self, ask: &mut Clearing) -> Result<(), Reject> {
        // Nobody sends a `WorkItem` itself: the HTTP door makes it, and asks for the name there.
        if let Clearing::ConfirmPayout(ask) = ask {
            ask.by = self.signs(Some(ask.by.as_str()).filter(|by| !by.is_empty()))?;
        }
        Ok(())
    }

    /// The name of the person who does this: the token's, so that nobody acts under two names or under another's.
    /// Without access control it is what the request says.
    ///
    /// # Errors
    /// [`Reject::BadRequest`] of `by`, when it is another name than the token's, or missing where no token says it.
    pub(crate) fn signs(&self, by: Option<&str>) -> Result<Label, Reject> {
        let given = by.map(Label::new).transpose().map_err(|error| Reject::bad_request("by", error))?;
        match (self.caller(), given) {
            (None, Some(by)) => Ok(by),
            (None, None) => Err(Reject::bad_request("by", "is missing")),
            (Some(caller), None) => Ok(caller.name().clone()),
            (Some(caller), Some(by)) if by == *caller.name() => Ok(by),
            (Some(caller), Some(by)) => {
                let name = caller.name();
                let reason = format!(
                    "is {by}, and the token is {name}'s: leave by out or say {name}; {by} acts with a token of that name"
                );
                Err(Reject::bad_request("by", reason))
            }
        }
    }

    /// Why a question to the history is not taken in.
    pub(crate) fn refuses_history(&mut self, ask: &HistoryAsk) -> Option<Reject> {
        let look = |visitor: &mut Self| {
            visitor.looks(Some(Scope::of_history(ask)))?;
            match (ask, visitor.caller()) {
                (
                    HistoryAsk::Balance { account, .. }
                    | HistoryAsk::Explain { account, .. }
                    | HistoryAsk::Statement { account, .. },
                    Some(caller),
                ) => caller.may_name(account),
                (HistoryAsk::Finance(_), Some(caller)) if caller.is_confined() => Err(caller.cannot("finance")),
                (_, None) | (HistoryAsk::Finance(_), Some(_)) => Ok(()),
            }
        };
        look(self).err()
    }

    /// Whether it may name this account.
    ///
    /// # Errors
    /// [`Reject::Forbidden`].
    pub(crate) fn may_name(&self, account: &AccountId) -> Result<(), Reject> {
        self.caller().map_or(Ok(()), |caller| caller.may_name(account))
    }

    /// Who asks, for the engine.
    pub(crate) fn caller(&self) -> Option<&Arc<Caller>> {
        self.grant.as_deref().map(Grant::caller)
    }

    fn looks(&mut self, scope: Option<Scope>) -> Result<(), Reject> {
        if self.at.is_none() {
            return Ok(());
        }
        match (&self.grant, scope) {
            (None, _) => {
                self.strikes += 1;
                let how = if self.over_http { "it is in the header Authorization" } else { HOW };
                Err(unauthorized("missing", format!("a token is needed; {how}")))
            }
            (Some(_), None) => Ok(()),
            (Some(grant), Some(scope)) => grant.needs(scope),
        }
    }
}

/// How a connection shows its token.
const HOW: &str = "the first line of a connection is {\"op\":\"auth\",\"token\":\"ftn_...\"}";

/// The answer to a token that is good.
fn welcome(out: &mut Vec<u8>, id: Option<&str>, grant: Option<&Grant>) {
    out.extend_from_slice(b"{\"id\":");
    match id {
        Some(id) => text(out, id),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"ok\":true");
    match grant {
        // Nothing was asked for; a client that shows a token everywhere goes on.
        None => field(out, "access", "off"),
        Some(grant) => {
            field(out, "access", "on");
            field(out, "token", grant.name());
            list(out, "scopes", grant.scopes.iter().map(Scope::word));
            list(out, "prefixes", grant.caller.prefixes().iter().map(String::as_str));
            if let Some(at) = grant.expires_at {
                field(out, "expires_at", moment(at));
            }
        }
    }
    out.push(b'}');
}

fn list<'t>(out: &mut Vec<u8>, name: &str, words: impl Iterator<Item = &'t str>) {
    key(out, name);
    out.push(b'[');
    for (n, word) in words.enumerate() {
        if n > 0 {
            out.push(b',');
        }
        text(out, word);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use fentan_engine::ledger::Query;

    #[test]
    fn c4_without_access_control_a_person_is_who_the_request_says() {
        let visitor = Visitor::stranger(None);
        assert_eq!(visitor.signs(Some("ann")), Ok(Label::internal("ann")));
        for (by, reason) in [(None, "is missing"), (Some(""), "")] {
            let told = visitor.signs(by);
            let named =
                matches!(&told, Err(Reject::BadRequest { field, reason: is }) if field == "by" && is.contains(reason));
            assert!(named, "{told:?}");
        }
    }

    #[test]
    fn a_token_that_is_taken_out_between_the_look_and_the_request_is_not_good() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.toml");
        let hash = super::super::secret::written(&super::super::secret::hash("ftn_x"));
        let text = format!("[[token]]\nname = \"a\"\nhash = \"{hash}\"\nscopes = [\"read\"]\n");
        std::fs::write(&file, text).unwrap();
        let gate = Arc::new(Gate::open(file.clone()).unwrap());
        let admitted = gate.admit("ftn_x", now()).unwrap();
        std::fs::write(&file, "").unwrap();
        gate.reload();
        let mut visitor = Visitor::with(&gate, admitted);
        let ping = Body::Query(Query::Ping);
        assert!(visitor.may(&ping), "nobody has looked again");
        visitor.renew();
        assert!(!visitor.may(&ping) && visitor.is_stranger());
    }
}
