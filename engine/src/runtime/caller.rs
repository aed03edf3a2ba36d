//! Who asks, and which accounts that one may name: the engine's side of access control.
//!
//! The gateway knows tokens; the engine knows whose a spend or a hold is. So what a request names is compared here: an
//! account by its name, and an id by the accounts of its record. Whoever may name all accounts costs nothing but his
//! name in the journal.

use super::request::{Body, Reply};
use super::step::{Step, Stop};
use crate::accounts::SystemAccount;
use crate::ledger::{Command, Query, Record, Reject};
use crate::names::{AccountId, CommandId, Label};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    name: Label,
    prefixes: Vec<String>,
}

impl Caller {
    /// A caller of this name, who may name accounts that begin with one of these prefixes; all accounts when there is
    /// none.
    #[must_use]
    pub const fn new(name: Label, prefixes: Vec<String>) -> Self {
        Self { name, prefixes }
    }

    /// The name, as it stands in the journal.
    #[must_use]
    pub const fn name(&self) -> &Label {
        &self.name
    }

    /// What its accounts begin with; empty when it may name all.
    #[must_use]
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    /// Whether only accounts of some prefixes may be named.
    #[must_use]
    pub const fn is_confined(&self) -> bool {
        !self.prefixes.is_empty()
    }

    /// Whether this account may be named. The ledger's own accounts belong to nobody, whatever they begin with.
    #[must_use]
    pub fn covers(&self, account: &AccountId) -> bool {
        let name = account.as_str();
        !self.is_confined()
            || (!SystemAccount::is_reserved(name) && self.prefixes.iter().any(|prefix| name.starts_with(&**prefix)))
    }

    /// Whether everyone whose money this record moved, or was to move, may be named. One that names nobody is not
    /// covered: whose it is is not known.
    fn covers_record(&self, record: &Record) -> bool {
        let others = match &record.command {
            Command::Transfer(ask) => Some(&ask.to),
            _ => record.merchant(),
        };
        record.account().is_some_and(|account| self.covers(account)) && others.is_none_or(|other| self.covers(other))
    }

    /// Looks at the accounts that a request names.
    ///
    /// # Errors
    /// [`Reject::Forbidden`] with the first that is not covered, or with the operation when it cannot be told whose
    /// accounts it is about.
    pub fn admits(&self, body: &Body) -> Result<(), Reject> {
        if !self.is_confined() {
            return Ok(());
        }
        let named: [Option<&AccountId>; 2] = match body {
            Body::Command(command) => match command {
                Command::OpenAccount(ask) => [Some(&ask.account), None],
                Command::TopUp(ask) => [Some(&ask.account), None],
                Command::Spend(ask) | Command::Hold(ask, _) => [Some(&ask.account), Some(&ask.merchant)],
                Command::Transfer(ask) => [Some(&ask.from), Some(&ask.to)],
                Command::Freeze(account) | Command::Unfreeze(account) | Command::CloseAccount(account) => {
                    [Some(account), None]
                }
                // By an id: see `Step::is_covered`.
                Command::ConfirmTopUp(_)
                | Command::FailTopUp(_)
                | Command::Capture(_)
                | Command::Release(_)
                | Command::Refund(_)
                | Command::RefundTopUp(_) => [None, None],
                Command::Clear(_) | Command::Expire(_) => return Err(self.cannot(command.op())),
            },
            Body::Query(query) => match query {
                Query::Balance(account) => [Some(account), None],
                Query::Quote(ask, _) => [Some(&ask.account), Some(&ask.merchant)],
                Query::Explain(..) | Query::QuoteTopUpRefund(_) | Query::Show(_) | Query::Ping => [None, None],
                Query::Document(_) => return Err(self.cannot("document")),
                Query::TrialBalance => return Err(self.cannot("trial_balance")),
            },
        };
        named.into_iter().flatten().try_for_each(|account| self.may_name(account))
    }

    /// Looks at one account.
    ///
    /// # Errors
    /// [`Reject::Forbidden`] when it is not covered.
    pub fn may_name(&self, account: &AccountId) -> Result<(), Reject> {
        if self.covers(account) {
            return Ok(());
        }
        refused();
        Err(Reject::Forbidden {
            token: self.name.clone(),
            scope: None,
            account: Some(account.clone()),
            reason: format!("the token {} may name accounts that begin with {} only", self.name, self.listed()),
        })
    }

    /// The no to an operation that looks at everybody's accounts.
    #[must_use]
    pub fn cannot(&self, operation: &str) -> Reject {
        refused();
        Reject::Forbidden {
            token: self.name.clone(),
            scope: None,
            account: None,
            reason: format!(
                "the token {} may name accounts that begin with {} only, and {operation} is about all",
                self.name,
                self.listed()
            ),
        }
    }

    fn listed(&self) -> String {
        let quoted: Vec<String> = self.prefixes.iter().map(|prefix| format!("{prefix:?}")).collect();
        quoted.join(" or ")
    }
}

/// Counts what a prefix has refused.
fn refused() {
    metrics::counter!("fentan_access_refused_total", "reason" => "prefix").increment(1);
}

impl<R: Reply> Step<'_, R> {
    /// Whether the caller may ask this: the accounts it names, and those of the id it names. What belongs to others is
    /// answered as what is not there, and neither is remembered: an answer does not tell the two apart.
    #[inline]
    pub(super) fn is_admitted(&self, body: &Body) -> Result<(), Stop> {
        match &self.caller {
            Some(caller) if caller.is_confined() => self.is_covered(caller, body),
            _ => Ok(()),
        }
    }

    fn is_covered(&self, caller: &Caller, body: &Body) -> Result<(), Stop> {
        caller.admits(body)?;
        let Some(id) = body.refers_to() else { return Ok(()) };
        match self.record_of(id)? {
            Some((record, _)) if caller.covers_record(&record) => Ok(()),
            _ => Err(unknown(body, id.clone()).into()),
        }
    }

    /// What an id conflict may say: of others' commands nothing but that the id is taken.
    pub(super) fn conflict(&self, record: &Record, field: &str) -> Reject {
        let tells = self.caller.as_ref().is_none_or(|caller| !caller.is_confined() || caller.covers_record(record));
        Reject::IdConflict { field: if tells { field } else { "id" }.into() }
    }
}

/// That there is nothing of this id, as the operation says it.
fn unknown(body: &Body, id: CommandId) -> Reject {
    match body {
        Body::Command(Command::ConfirmTopUp(_) | Command::FailTopUp(_) | Command::RefundTopUp(_))
        | Body::Query(Query::QuoteTopUpRefund(_)) => Reject::UnknownTopUp { top_up: id },
        Body::Command(Command::Capture(_) | Command::Release(_)) => Reject::UnknownHold { hold: id },
        _ => Reject::UnknownSpend { spend: id },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Capture, Lang, Transfer};

    fn account(name: &str) -> AccountId {
        AccountId::internal(name)
    }

    fn caller(prefixes: &[&str]) -> Caller {
        Caller::new(Label::internal("till"), prefixes.iter().map(|prefix| (*prefix).to_owned()).collect())
    }

    #[test]
    fn a_prefix_covers_what_begins_with_it_and_nothing_of_the_ledgers_own() {
        let confined = caller(&["shop1:", "c", "f"]);
        for (name, covered) in [
            ("shop1:ann", true),
            ("shop1:", true),
            ("shop1", false),
            ("shop11:ann", false),
            ("Shop1:ann", false),
            ("cafe", true),
            ("channel:wechat:CNY", false),
            ("fee", false),
            ("fee:CNY", false),
            ("fees", true),
        ] {
            assert_eq!(confined.covers(&account(name)), covered, "{name}");
            assert!(caller(&[]).covers(&account(name)), "{name}");
        }
    }

    #[test]
    fn every_account_that_a_request_names_counts_and_what_is_about_all_is_not_for_a_tenant() {
        let transfer = |from: &str, to: &str| {
            let amount = crate::money::Major::from_minor(1, crate::money::Currency::CNY);
            Body::Command(Command::Transfer(Transfer { from: account(from), to: account(to), amount, rule: None }))
        };
        let id = CommandId::internal("x");
        let confined = caller(&["a"]);
        for (body, admitted) in [
            (transfer("a1", "a2"), true),
            (transfer("a1", "b2"), false),
            (transfer("b1", "a2"), false),
            (Body::Command(Command::Freeze(account("b"))), false),
            (Body::Query(Query::Balance(account("a"))), true),
            (Body::Query(Query::TrialBalance), false),
            (Body::Query(Query::Document(id.clone())), false),
            (Body::Query(Query::Ping), true),
            // Whose these are is told by their records.
            (Body::Query(Query::Explain(id.clone(), Lang::En)), true),
            (Body::Command(Command::Capture(Capture { hold: id, amount: None })), true),
        ] {
            let result = confined.admits(&body);
            assert_eq!(result.is_ok(), admitted, "{body:?}");
            assert!(result.is_ok() || matches!(result, Err(Reject::Forbidden { .. })));
            assert_eq!(caller(&[]).admits(&body), Ok(()));
        }
    }
}
