//! Requests as bytes, written by hand.
//!
//! At hundreds of thousands of lines a second a general serialiser costs more than everything else
//! the client does. These lines are fixed text with a few fields in between. The tests hold them to
//! be, byte for byte, what [`fentan_protocol::Request`] serialises to.

use fentan_protocol::{Amount, BalanceQuery, Refund, Request, Spend, TopUp};

use crate::id::{Ids, tag};
use crate::scenario::Scenario;
use crate::workload::{Command, Op};

/// Channel that the load's top-ups name.
const CHANNEL: &str = "wechat";

/// Writes the requests of one run.
#[derive(Debug, Clone)]
pub struct Encoder {
    ids: Ids,
    decimals: u8,
    wallet_prefix: String,
    rule: Option<String>,
    /// What ends a spend after its amount: the rule, if any, and the brace.
    spend_tail: String,
}

impl Encoder {
    /// The requests of run number `run` of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario, run: u64) -> Self {
        let rule = scenario.spend.rule.clone();
        Self {
            ids: Ids::new(scenario.traffic.ids, run),
            decimals: scenario.currency_decimals,
            wallet_prefix: format!("w-{:08x}-", tag(run)),
            spend_tail: rule.as_ref().map_or_else(|| "\"}".to_owned(), |r| format!("\",\"rule\":\"{r}\"}}")),
            rule,
        }
    }

    /// The ids of the run.
    #[must_use]
    pub const fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Decimals of the currency.
    #[must_use]
    pub const fn decimals(&self) -> u8 {
        self.decimals
    }

    /// The account of wallet number `wallet`. It carries the run, so that every run has its own.
    #[must_use]
    pub fn wallet(&self, wallet: u32) -> String {
        format!("{}{wallet}", self.wallet_prefix)
    }

    /// Appends the request as one JSON object, without a line end.
    pub fn write(&self, command: &Command, connection: u32, counter: u64, out: &mut Vec<u8>) {
        match command.op {
            Op::Spend => {
                out.extend_from_slice(b"{\"op\":\"spend\",\"id\":\"");
                self.ids.write(connection, counter, out);
                self.write_account(command.wallet, out);
                out.extend_from_slice(b"\",\"merchant\":\"m-");
                out.extend_from_slice(itoa::Buffer::new().format(command.merchant).as_bytes());
                out.extend_from_slice(b"\",\"amount\":\"");
                self.write_amount(command.amount, out);
                out.extend_from_slice(self.spend_tail.as_bytes());
            }
            Op::TopUp => {
                out.extend_from_slice(b"{\"op\":\"top_up\",\"id\":\"");
                self.ids.write(connection, counter, out);
                self.write_account(command.wallet, out);
                out.extend_from_slice(b"\",\"principal\":\"");
                self.write_amount(command.amount, out);
                out.extend_from_slice(b"\",\"bonus\":\"");
                self.write_amount(command.bonus, out);
                out.extend_from_slice(b"\",\"channel\":\"");
                out.extend_from_slice(CHANNEL.as_bytes());
                out.extend_from_slice(b"\",\"channel_order\":\"");
                self.ids.write(connection, counter, out);
                out.extend_from_slice(b"\"}");
            }
            Op::Refund => {
                out.extend_from_slice(b"{\"op\":\"refund\",\"id\":\"");
                self.ids.write(connection, counter, out);
                out.extend_from_slice(b"\",\"spend\":\"");
                self.ids.write(connection, command.target, out);
                out.extend_from_slice(b"\",\"amount\":\"");
                self.write_amount(command.amount, out);
                out.extend_from_slice(b"\"}");
            }
            Op::Balance => {
                out.extend_from_slice(b"{\"op\":\"balance\",\"id\":\"");
                self.ids.write(connection, counter, out);
                self.write_account(command.wallet, out);
                out.extend_from_slice(b"\"}");
            }
        }
    }

    /// The same request as a typed value: what [`Encoder::write`] must agree with.
    #[must_use]
    pub fn request(&self, command: &Command, connection: u32, counter: u64) -> Request {
        let id = self.ids.text(connection, counter);
        let amount = |minor| Amount::from_minor(minor, self.decimals);
        let wallet = self.wallet(command.wallet);
        match command.op {
            Op::Spend => {
                let spend = Spend::new(id, wallet, format!("m-{}", command.merchant), amount(command.amount));
                match &self.rule {
                    Some(rule) => spend.with_rule(rule.as_str()).into(),
                    None => spend.into(),
                }
            }
            Op::TopUp => TopUp::new(id.clone(), wallet, amount(command.amount))
                .with_bonus(amount(command.bonus))
                .with_channel(CHANNEL)
                .with_channel_order(id)
                .into(),
            Op::Refund => {
                Refund::new(id, self.ids.text(connection, command.target)).with_amount(amount(command.amount)).into()
            }
            Op::Balance => BalanceQuery::new(id, wallet).into(),
        }
    }

    fn write_account(&self, wallet: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\",\"account\":\"");
        out.extend_from_slice(self.wallet_prefix.as_bytes());
        out.extend_from_slice(itoa::Buffer::new().format(wallet).as_bytes());
    }

    fn write_amount(&self, minor: i64, out: &mut Vec<u8>) {
        Amount::from_minor(minor, self.decimals).write_to(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IdStyle;
    use crate::workload::Workload;

    #[test]
    fn bytes_are_what_the_protocol_serialises_to() {
        let mut scenario = Scenario::load("promotion_peak").unwrap();
        scenario.wallets = 200;
        scenario.traffic.depth = 4;
        for (style, rule) in [(IdStyle::Random, None), (IdStyle::Ordered, Some("by_balance".to_owned()))] {
            scenario.traffic.ids = style;
            scenario.spend.rule = rule;
            let workload = Workload::new(&scenario);
            let encoder = Encoder::new(&scenario, 99);
            for n in 0..3000 {
                let command = workload.command(5, n);
                let mut out = Vec::new();
                encoder.write(&command, 5, n, &mut out);
                let typed = serde_json::to_string(&encoder.request(&command, 5, n)).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), typed);
            }
        }
    }
}
