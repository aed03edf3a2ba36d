//! A request as the line that asks for it: what a client would have to write.

use fentan_engine::accounts::{AccountKind, Funding, NEVER, Timestamp};
use fentan_engine::clearing::{Clearing, ReceiverAsk, SplitProceeds};
use fentan_engine::ledger::{
    Command, Lang, OpenAccount, OrderLine, Query, QuoteTopUpRefund, RefundPolicy, RefundTopUp, Spend, TopUp, TopUpState,
};
use fentan_engine::money::Major;
use fentan_engine::names::{AccountId, CommandId, Label, OWN};
use fentan_engine::runtime::{Body, Request};
use fentan_gateway::fuzzing::Asked;
use serde_json::{Map, Value, json};

/// The line, without its newline. `None` for what no line asks for.
pub(crate) fn line(asked: &Asked) -> Option<String> {
    let mut fields = Fields::default();
    let (id, op) = match asked {
        Asked::Auth(id, token) => {
            if let Some(id) = id {
                fields.text("id", id.as_str());
            }
            fields.text("op", "auth");
            fields.text("token", token);
            return Some(Value::Object(fields.0).to_string());
        }
        Asked::Engine(Request { id, body }) => (id, fields.body(body)?),
        Asked::Balance(id, account, at) => {
            fields.account("account", account);
            fields.moment("at", *at);
            (id, "balance")
        }
        Asked::Explain(id, account, at, lang) => {
            fields.account("account", account);
            if let Some(at) = at {
                fields.moment("at", *at);
            }
            fields.lang(*lang);
            (id, "explain")
        }
    };
    if fields.0.get("reference").is_some_and(|reference| *reference == id.as_str()) {
        // Whoever names no number of the bank's has that of the confirmation, even one that could not be named.
        fields.0.remove("reference");
    }
    fields.text("id", id.as_str());
    fields.text("op", op);
    Some(Value::Object(fields.0).to_string())
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.into(), value);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.put(name, Value::String(text.into()));
    }

    fn account(&mut self, name: &str, account: &AccountId) {
        self.text(name, account.as_str());
    }

    /// Documents that the ledger has named are shown without their mark.
    fn command(&mut self, name: &str, id: &CommandId) {
        self.text(name, id.as_str().trim_start_matches(OWN));
    }

    fn label(&mut self, name: &str, label: Option<&Label>) {
        if let Some(label) = label {
            self.text(name, label.as_str());
        }
    }

    fn amount(&mut self, name: &str, amount: Option<Major>) {
        if let Some(amount) = amount {
            self.text(name, &amount.to_string());
        }
    }

    fn moment(&mut self, name: &str, at: Timestamp) {
        let moment = jiff::Timestamp::from_microsecond(at).expect("what was read is a moment");
        self.text(name, &moment.to_string());
    }

    fn until(&mut self, name: &str, at: Option<Timestamp>) {
        if let Some(at) = at.filter(|at| *at != NEVER) {
            self.moment(name, at);
        }
    }

    fn lang(&mut self, lang: Lang) {
        self.text("lang", if lang == Lang::En { "en" } else { "zh" });
    }

    fn funding(&mut self, funding: Funding) {
        let word = match funding {
            Funding::DebitCard => "debit_card",
            Funding::CreditCard => "credit_card",
            Funding::Wallet => "wallet",
            Funding::Unknown => "unknown",
        };
        self.text("funding", word);
    }

    fn policy(&mut self, policy: Option<RefundPolicy>) {
        if let Some(policy) = policy {
            self.text("policy", policy.word());
        }
    }

    fn body(&mut self, body: &Body) -> Option<&'static str> {
        match body {
            Body::Command(command) => {
                self.asked(command)?;
                Some(command.op())
            }
            Body::Query(query) => self.query(query),
        }
    }

    fn query(&mut self, query: &Query) -> Option<&'static str> {
        Some(match query {
            Query::Balance(account) => {
                self.account("account", account);
                "balance"
            }
            Query::Quote(spend, lang) => {
                self.spend(spend);
                self.lang(*lang);
                "quote"
            }
            Query::QuoteTopUpRefund(QuoteTopUpRefund { top_up, policy, amount, lang }) => {
                self.command("top_up", top_up);
                self.policy(*policy);
                self.amount("amount", *amount);
                self.lang(*lang);
                "quote"
            }
            Query::Explain(spend, lang) => {
                self.command("spend", spend);
                self.lang(*lang);
                "explain"
            }
            Query::Ping => "ping",
            Query::Show(_) | Query::Document(_) | Query::TrialBalance => return None,
        })
    }

    fn asked(&mut self, command: &Command) -> Option<()> {
        match command {
            Command::OpenAccount(open) => self.open_account(open),
            Command::TopUp(top_up) => self.top_up(top_up),
            Command::ConfirmTopUp(ask) => {
                self.command("top_up", &ask.top_up);
                self.amount("amount", ask.amount);
                if let Some(funding) = ask.funding {
                    self.funding(funding);
                }
            }
            Command::FailTopUp(top_up) => self.command("top_up", top_up),
            Command::Spend(spend) => self.spend(spend),
            Command::Hold(spend, expires_at) => {
                self.spend(spend);
                self.until("expires_at", Some(*expires_at));
            }
            Command::Capture(ask) => {
                self.command("hold", &ask.hold);
                self.amount("amount", ask.amount);
            }
            Command::Release(ask) => {
                self.command("hold", &ask.hold);
                self.amount("amount", ask.amount);
            }
            Command::Refund(ask) => {
                self.command("spend", &ask.spend);
                self.amount("amount", ask.amount);
                self.label("line", ask.line.as_ref());
                if let Some(reason) = &ask.reason {
                    self.text("reason", reason);
                }
            }
            Command::Transfer(ask) => {
                self.account("from", &ask.from);
                self.account("to", &ask.to);
                self.amount("amount", Some(ask.amount));
                self.label("rule", ask.rule.as_ref());
            }
            Command::Freeze(account) | Command::Unfreeze(account) | Command::CloseAccount(account) => {
                self.account("account", account);
            }
            Command::RefundTopUp(RefundTopUp { top_up, policy, amount, state }) => {
                self.command("top_up", top_up);
                self.policy(*policy);
                self.amount("amount", *amount);
                if let Some(state) = state {
                    self.text("state", state.word());
                }
            }
            Command::Clear(ask) => self.clearing(ask)?,
            Command::Expire(_) => return None,
        }
        Some(())
    }

    fn spend(&mut self, spend: &Spend) {
        self.account("account", &spend.account);
        self.account("merchant", &spend.merchant);
        self.amount("amount", Some(spend.amount));
        self.label("rule", spend.rule.as_ref());
        self.label("order", spend.order.as_ref());
        if !spend.tags.is_empty() {
            self.put("tags", spend.tags.iter().map(Label::as_str).collect());
        }
        if !spend.lines.is_empty() {
            self.put("lines", spend.lines.iter().map(order_line).collect());
        }
    }

    fn top_up(&mut self, top_up: &TopUp) {
        self.account("account", &top_up.account);
        self.amount("principal", Some(top_up.principal));
        self.amount("bonus", top_up.bonus);
        self.label("offer", top_up.offer.as_ref());
        self.label("channel", top_up.channel.as_ref());
        self.label("channel_order", top_up.channel_order.as_ref());
        self.funding(top_up.funding);
        self.until("expires_at", top_up.expires_at);
        self.until("bonus_expires_at", top_up.bonus_expires_at);
        self.text("state", if top_up.state == TopUpState::Pending { "pending" } else { "confirmed" });
    }

    fn open_account(&mut self, open: &OpenAccount) {
        self.account("account", &open.account);
        self.text("kind", if open.kind == AccountKind::Wallet { "wallet" } else { "merchant" });
        self.label("currency", open.currency.as_ref());
        self.label("product", open.product.as_ref());
        if let Some(asked) = &open.limits {
            let mut limits = Self::default();
            limits.amount("maximum_balance", asked.maximum_balance);
            limits.amount("per_day", asked.per_day);
            if let Some(velocity) = asked.velocity {
                limits.put("velocity", json!({"spends": velocity.spends, "seconds": velocity.seconds}));
            }
            self.put("limits", Value::Object(limits.0));
        }
    }

    fn clearing(&mut self, ask: &Clearing) -> Option<()> {
        match ask {
            Clearing::Split(ask) => self.split(ask),
            Clearing::ReleaseSplit(ask) => self.command("split", &ask.split),
            Clearing::ReturnSplit(ask) => {
                self.command("split", &ask.split);
                self.account("receiver", &ask.receiver);
                self.amount("amount", ask.amount);
            }
            Clearing::SendPayout(ask) => {
                let shown = |id: &CommandId| id.as_str().trim_start_matches(OWN).to_owned();
                self.put("settlements", ask.settlements.iter().map(shown).collect());
            }
            Clearing::ConfirmPayout(ask) => {
                self.command("settlement", &ask.settlement);
                self.text("by", ask.by.as_str());
                self.text("reference", &ask.reference);
            }
            Clearing::FailPayout(ask) => {
                self.command("settlement", &ask.settlement);
                self.text("reason", &ask.reason);
            }
            Clearing::WithdrawFunds(ask) => {
                self.text("channel", ask.channel.as_str());
                self.text("currency", ask.currency.code());
                self.amount("amount", Some(ask.amount));
                self.amount("fee", ask.fee);
            }
            _ => return None,
        }
        Some(())
    }

    fn split(&mut self, ask: &SplitProceeds) {
        self.account("merchant", &ask.merchant);
        if let Some(split) = &ask.split {
            self.command("split", split);
        }
        if let Some(spend) = &ask.spend {
            self.command("spend", spend);
        }
        self.amount("amount", ask.amount);
        self.put("receivers", ask.receivers.iter().map(receiver).collect());
        self.put("finish", Value::Bool(ask.finish));
    }
}

fn order_line(line: &OrderLine) -> Value {
    let mut fields = Fields::default();
    fields.text("id", line.id.as_str());
    fields.amount("amount", Some(line.amount));
    fields.label("category", line.category.as_ref());
    Value::Object(fields.0)
}

fn receiver(receiver: &ReceiverAsk) -> Value {
    let mut fields = Fields::default();
    fields.account("account", &receiver.account);
    if let Some(ratio) = receiver.ratio {
        fields.text("ratio", &ratio.to_string());
    }
    fields.amount("amount", receiver.amount);
    Value::Object(fields.0)
}
