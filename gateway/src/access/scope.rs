//! Scopes: groups of operations that a token may have.
//!
//! Every operation of the engine and of the history has one scope, which the compiler sees to, and every path of the
//! HTTP door one need, which a test sees to: a path that is not in the list is not there for anybody.

use crate::history::HistoryAsk;
use fentan_engine::ledger::{Command, Query};
use fentan_engine::runtime::Body;

/// A group of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `spend`, `quote` of a spend, `hold`, `capture`, `release`.
    Spend,
    /// `refund`.
    Refund,
    /// `top_up`, `confirm_top_up`, `fail_top_up`, `refund_top_up`, and its quote.
    TopUp,
    /// `transfer`.
    Transfer,
    /// `open_account`, `freeze`, `unfreeze`, `close_account`.
    Account,
    /// Statements of channels, differences, splits, settlements, payouts.
    Clearing,
    /// Balances, statements of accounts, explanations, single spends, top-ups and holds, rules.
    Read,
    /// The change feed, `/v1/journal`: every record of everybody.
    Feed,
    /// Reload, trial balance, finance, webhooks, backups.
    Operate,
    /// `/metrics`.
    Metrics,
}

impl Scope {
    /// All, in the order in which they are told.
    pub(crate) const ALL: [Self; 10] = [
        Self::Spend,
        Self::Refund,
        Self::TopUp,
        Self::Transfer,
        Self::Account,
        Self::Clearing,
        Self::Read,
        Self::Feed,
        Self::Operate,
        Self::Metrics,
    ];

    /// The word in files, flags and answers.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Spend => "spend",
            Self::Refund => "refund",
            Self::TopUp => "top_up",
            Self::Transfer => "transfer",
            Self::Account => "account",
            Self::Clearing => "clearing",
            Self::Read => "read",
            Self::Feed => "feed",
            Self::Operate => "operate",
            Self::Metrics => "metrics",
        }
    }

    /// The scope of this word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    /// All words, for messages.
    pub(crate) fn words() -> String {
        Self::ALL.map(Self::word).join(", ")
    }

    /// Whether it looks at everybody's accounts: no prefix can hold it.
    pub(crate) const fn is_about_all(self) -> bool {
        matches!(self, Self::Clearing | Self::Feed | Self::Operate | Self::Metrics)
    }

    /// Of a request to the engine; `None` needs a token and no scope.
    pub(crate) const fn of(body: &Body) -> Option<Self> {
        Some(match body {
            Body::Command(command) => match command {
                Command::Spend(_) | Command::Hold(..) | Command::Capture(_) | Command::Release(_) => Self::Spend,
                Command::Refund(_) => Self::Refund,
                Command::TopUp(_) | Command::ConfirmTopUp(_) | Command::FailTopUp(_) | Command::RefundTopUp(_) => {
                    Self::TopUp
                }
                Command::Transfer(_) => Self::Transfer,
                Command::OpenAccount(_) | Command::Freeze(_) | Command::Unfreeze(_) | Command::CloseAccount(_) => {
                    Self::Account
                }
                Command::Clear(_) => Self::Clearing,
                // Nobody can send it.
                Command::Expire(_) => Self::Operate,
            },
            Body::Query(query) => match query {
                Query::Balance(_) | Query::Explain(..) | Query::Show(_) => Self::Read,
                Query::Quote(..) => Self::Spend,
                Query::QuoteTopUpRefund(_) => Self::TopUp,
                Query::Document(_) => Self::Clearing,
                Query::TrialBalance => Self::Operate,
                Query::Ping => return None,
            },
        })
    }

    /// Of a question to the history.
    pub(crate) const fn of_history(ask: &HistoryAsk) -> Self {
        match ask {
            HistoryAsk::Balance { .. } | HistoryAsk::Explain { .. } | HistoryAsk::Statement { .. } => Self::Read,
            HistoryAsk::Finance(_) => Self::Operate,
        }
    }
}

/// Some scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scopes(u16);

impl Scopes {
    pub(crate) const fn add(&mut self, scope: Scope) {
        self.0 |= 1 << scope as u16;
    }

    pub(crate) const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u16) != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

/// What a path of the HTTP door needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: whoever watches the process.
    Nothing,
    /// A token; each of its requests has a scope of its own.
    Token,
    /// A token with this scope.
    Scope(Scope),
}

/// The paths, as the handlers name them. No two of one method fit one path and need different things; a test sees to
/// it.
const PATHS: &[(&str, &str, Need)] = &[
    ("GET", "/healthz", Need::Nothing),
    ("GET", "/readyz", Need::Nothing),
    ("POST", "/v1/commands", Need::Token),
    ("GET", "/openapi.json", Need::Scope(Scope::Read)),
    ("GET", "/v1/accounts/{account}", Need::Scope(Scope::Read)),
    ("GET", "/v1/accounts/{account}/statement", Need::Scope(Scope::Read)),
    ("GET", "/v1/accounts/{account}/explain", Need::Scope(Scope::Read)),
    ("GET", "/v1/spends/{id}", Need::Scope(Scope::Read)),
    ("GET", "/v1/spends/{id}/explain", Need::Scope(Scope::Read)),
    ("GET", "/v1/top_ups/{id}", Need::Scope(Scope::Read)),
    ("GET", "/v1/holds/{id}", Need::Scope(Scope::Read)),
    ("GET", "/v1/rules", Need::Scope(Scope::Read)),
    ("GET", "/v1/rules/{name}", Need::Scope(Scope::Read)),
    ("POST", "/v1/rules/reload", Need::Scope(Scope::Operate)),
    ("GET", "/v1/trial_balance", Need::Scope(Scope::Operate)),
    ("GET", "/v1/finance", Need::Scope(Scope::Operate)),
    ("GET", "/v1/journal", Need::Scope(Scope::Feed)),
    ("GET", "/v1/webhooks", Need::Scope(Scope::Operate)),
    ("POST", "/v1/webhooks/{name}/rewind", Need::Scope(Scope::Operate)),
    ("POST", "/v1/webhooks/{name}/pause", Need::Scope(Scope::Operate)),
    ("POST", "/v1/webhooks/{name}/resume", Need::Scope(Scope::Operate)),
    ("POST", "/v1/backups", Need::Scope(Scope::Operate)),
    ("GET", "/metrics", Need::Scope(Scope::Metrics)),
    ("POST", "/v1/statements", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/statements", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/statements/{id}", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/items", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/items/{id}", Need::Scope(Scope::Clearing)),
    ("POST", "/v1/items/{id}", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/cover", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/trace", Need::Scope(Scope::Clearing)),
    ("POST", "/v1/settlements/run", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/settlements", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/settlements/{id}", Need::Scope(Scope::Clearing)),
    ("POST", "/v1/payouts", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/payouts", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/payouts/{id}", Need::Scope(Scope::Clearing)),
    ("POST", "/v1/payouts/{id}/result", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/splits", Need::Scope(Scope::Clearing)),
    ("GET", "/v1/splits/{id}", Need::Scope(Scope::Clearing)),
];

/// What this path needs, and how it is named; `None` when there is no such path. The path is decoded as the server's
/// routes see it.
pub(crate) fn need_of(method: &str, path: &str) -> Option<(&'static str, Need)> {
    let fits = |(of, pattern, _): &&(&str, &'static str, Need)| *of == method && matches(pattern, path);
    PATHS.iter().find(fits).map(|(_, pattern, need)| (*pattern, *need))
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut words = path.split('/');
    let all = pattern.split('/').all(|wanted| {
        words.next().is_some_and(|word| if wanted.starts_with('{') { !word.is_empty() } else { word == wanted })
    });
    all && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What the handlers of `http/` name in their attributes.
    fn routes() -> BTreeSet<(String, String)> {
        let mut routes = BTreeSet::new();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http");
        for file in std::fs::read_dir(folder).expect("the sources").map(|entry| entry.expect("an entry").path()) {
            if file.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let source = std::fs::read_to_string(file).expect("a source");
            for line in source.lines() {
                for method in ["get", "post", "put", "delete", "patch", "head", "options", "route"] {
                    let Some(rest) = line.strip_prefix(&format!("#[{method}(\"")) else { continue };
                    let path = rest.split('"').next().expect("a path");
                    assert!(method != "route", "a route of several methods has no need of its own: {path}");
                    routes.insert((method.to_uppercase(), path.to_owned()));
                }
            }
        }
        routes
    }

    #[test]
    fn every_path_of_the_http_door_has_one_need_and_no_path_is_made_up() {
        let listed: Vec<(String, String)> = PATHS.iter().map(|(m, path, _)| ((*m).into(), (*path).into())).collect();
        let known: BTreeSet<_> = listed.iter().cloned().collect();
        assert_eq!(known.len(), listed.len(), "a path stands twice");
        assert_eq!(known, routes());
        assert!(known.len() > 30, "the sources were not found");
    }

    #[test]
    fn no_path_can_be_taken_for_another_that_needs_something_else() {
        for (method, path, need) in PATHS {
            for (other_method, other, other_need) in PATHS {
                let filled = other.split('/').map(|word| if word.starts_with('{') { "x" } else { word });
                let filled = filled.collect::<Vec<_>>().join("/");
                if method == other_method && matches(path, &filled) {
                    assert_eq!(need, other_need, "{method} {path} fits {other}");
                }
            }
        }
        assert_eq!(need_of("POST", "/v1/rules/reload").map(|found| found.1), Some(Need::Scope(Scope::Operate)));
        assert_eq!(need_of("GET", "/v1/rules/reload").map(|found| found.1), Some(Need::Scope(Scope::Read)));
        for (method, path) in [
            ("GET", "/"),
            ("GET", ""),
            ("GET", "/v1/accounts/"),
            ("GET", "/v1/accounts/a/"),
            ("GET", "/v1/accounts//explain"),
            ("PUT", "/v1/accounts/a"),
            ("get", "/healthz"),
            ("GET", "//healthz"),
            ("GET", "/healthz/"),
        ] {
            assert_eq!(need_of(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn every_scope_has_its_own_word_and_bit() {
        let mut scopes = Scopes::default();
        for scope in Scope::ALL {
            assert_eq!(Scope::of_word(scope.word()), Some(scope));
            assert!(!scopes.has(scope));
            scopes.add(scope);
            assert!(scopes.has(scope));
        }
        assert_eq!(scopes.iter().count(), Scope::ALL.len());
        assert_eq!(Scope::of_word("all"), None);
    }
}
