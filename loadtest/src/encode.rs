//! Requests as bytes, written by hand.
//!
//! At hundreds of thousands of lines a second a general serialiser costs more than everything else
//! the client does. These lines are fixed text with a few fields in between; a spend, of which there
//! are most, is a template that is copied and written over. The tests hold them to be, byte for byte,
//! what [`fentan_protocol::Request`] serialises to.

use fentan_protocol::{Amount, BalanceQuery, Refund, Request, Spend, TopUp};

use crate::digits::{self, Chunk};
use crate::id::{Ids, tag};
use crate::scenario::Scenario;
use crate::workload::{Command, Op};

/// Channel that the load's top-ups name.
const CHANNEL: &str = "wechat";

/// Where the id stands in a spend.
const SPEND_ID_AT: usize = SPEND_START.len();
/// How a spend begins.
const SPEND_START: &[u8; 20] = b"{\"op\":\"spend\",\"id\":\"";
/// What is between a spend's wallet and its merchant's number.
const BEFORE_MERCHANT: &[u8; 16] = b"\",\"merchant\":\"m-";
/// What is between merchant and amount.
const BEFORE_AMOUNT: &[u8; 12] = b"\",\"amount\":\"";
/// Room that is enough for what follows the wallet's prefix in a spend, as chunks.
const SPEND_ROOM: usize = 128;

/// Writes the requests of one run.
#[derive(Debug, Clone)]
pub struct Encoder {
    ids: Ids,
    decimals: u8,
    wallet_prefix: String,
    rule: Option<String>,
    top_up: TopUpText,
    /// A spend to the wallet's prefix, with room for the rest.
    spend: Vec<u8>,
    /// Where the wallet's number stands in it.
    spend_wallet_at: usize,
    /// What ends a spend after its amount: the rule, if any, and the brace.
    spend_tail: String,
}

/// What top-ups say beside wallet and amounts. Those before the load say it in the plain way.
#[derive(Debug, Clone)]
struct TopUpText {
    /// The offer that gives the bonus, which is not named then.
    offer: Option<String>,
    /// Channels that they go through in turn.
    channels: u64,
}

impl Encoder {
    /// The requests of run number `run` of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario, run: u64) -> Self {
        let rule = scenario.spend.rule.clone();
        let ids = Ids::new(scenario.traffic.ids, run);
        let wallet_prefix = format!("w-{:08x}-", tag(run));
        let mut spend = SPEND_START.to_vec();
        spend.resize(SPEND_ID_AT + ids.length(), b'0');
        spend.extend_from_slice(b"\",\"account\":\"");
        spend.extend_from_slice(wallet_prefix.as_bytes());
        let spend_wallet_at = spend.len();
        spend.resize(spend_wallet_at + SPEND_ROOM, b' ');
        let terms = scenario.top_up_terms();
        Self {
            ids,
            decimals: scenario.currency_decimals,
            wallet_prefix,
            top_up: TopUpText { offer: terms.offer.clone(), channels: u64::from(terms.channels) },
            spend,
            spend_wallet_at,
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
            Op::Spend => self.write_spend(command, connection, counter, out),
            Op::TopUp => {
                out.extend_from_slice(b"{\"op\":\"top_up\",\"id\":\"");
                self.ids.write(connection, counter, out);
                self.write_account(command.wallet, out);
                out.extend_from_slice(b"\",\"principal\":\"");
                self.write_amount(command.amount, out);
                if let Some(offer) = self.offer(command) {
                    out.extend_from_slice(b"\",\"offer\":\"");
                    out.extend_from_slice(offer.as_bytes());
                } else {
                    out.extend_from_slice(b"\",\"bonus\":\"");
                    self.write_amount(command.bonus, out);
                }
                out.extend_from_slice(b"\",\"channel\":\"");
                out.extend_from_slice(CHANNEL.as_bytes());
                if let Some(number) = self.channel_number(command, counter) {
                    out.push(b'-');
                    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                }
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
            Op::TopUp => {
                let top_up = TopUp::new(id.clone(), wallet, amount(command.amount));
                let top_up = match self.offer(command) {
                    Some(offer) => top_up.with_offer(offer),
                    None => top_up.with_bonus(amount(command.bonus)),
                };
                let channel = match self.channel_number(command, counter) {
                    Some(number) => format!("{CHANNEL}-{number}"),
                    None => CHANNEL.to_owned(),
                };
                top_up.with_channel(channel).with_channel_order(id).into()
            }
            Op::Refund => {
                Refund::new(id, self.ids.text(connection, command.target)).with_amount(amount(command.amount)).into()
            }
            Op::Balance => BalanceQuery::new(id, wallet).into(),
        }
    }

    /// A spend: the template, then id, wallet, merchant and amount written over it as chunks, each over
    /// what the one before it had too much.
    fn write_spend(&self, command: &Command, connection: u32, counter: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.spend);
        let line = &mut out[start..];
        self.ids.write_over(connection, counter, &mut line[SPEND_ID_AT..]);
        let mut at = self.spend_wallet_at;
        at += put(&mut line[at..], &number(command.wallet));
        line[at..at + BEFORE_MERCHANT.len()].copy_from_slice(BEFORE_MERCHANT);
        at += BEFORE_MERCHANT.len();
        at += put(&mut line[at..], &number(command.merchant));
        line[at..at + BEFORE_AMOUNT.len()].copy_from_slice(BEFORE_AMOUNT);
        at += BEFORE_AMOUNT.len();
        let amount = u64::try_from(command.amount).ok().filter(|_| self.decimals == 2).and_then(digits::amount);
        if let Some(amount) = amount {
            at += put(&mut line[at..], &amount);
            out.truncate(start + at);
        } else {
            out.truncate(start + at);
            self.write_amount(command.amount, out);
        }
        out.extend_from_slice(self.spend_tail.as_bytes());
    }

    /// The offer that a top-up of the load names.
    fn offer(&self, command: &Command) -> Option<&str> {
        self.top_up.offer.as_deref().filter(|_| !command.prepares)
    }

    /// The number of the channel that a top-up of the load names, when there are several.
    fn channel_number(&self, command: &Command, counter: u64) -> Option<u64> {
        (self.top_up.channels > 1 && !command.prepares).then(|| counter % self.top_up.channels)
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

/// Writes a chunk over the start of `line`; gives how much of it counts.
fn put(line: &mut [u8], chunk: &Chunk) -> usize {
    line[..chunk.bytes.len()].copy_from_slice(&chunk.bytes);
    chunk.len
}

/// Digits of any number of a wallet or merchant.
fn number(value: u32) -> Chunk {
    digits::number(u64::from(value)).unwrap_or_else(|| {
        let mut chunk = Chunk { bytes: [b' '; 16], len: 0 };
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(value).as_bytes();
        chunk.len = text.len();
        chunk.bytes[..text.len()].copy_from_slice(text);
        chunk
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IdStyle;
    use crate::workload::Workload;

    /// Every command of a stretch, as bytes and by the protocol's types.
    fn held_to_the_protocol(scenario: &Scenario) {
        let workload = Workload::new(scenario);
        let encoder = Encoder::new(scenario, 99);
        let mut out = Vec::new();
        for n in 0..3000 {
            let command = workload.command(5, n);
            out.clear();
            encoder.write(&command, 5, n, &mut out);
            let typed = serde_json::to_string(&encoder.request(&command, 5, n)).unwrap();
            assert_eq!(std::str::from_utf8(&out).unwrap(), typed);
        }
    }

    #[test]
    fn bytes_are_what_the_protocol_serialises_to() {
        let mut scenario = Scenario::load("promotion_peak").unwrap();
        scenario.wallets = 200;
        scenario.traffic.depth = 4;
        for (style, rule) in [(IdStyle::Random, None), (IdStyle::Ordered, Some("by_balance".to_owned()))] {
            scenario.traffic.ids = style;
            scenario.spend.rule = rule;
            held_to_the_protocol(&scenario);
        }
    }

    #[test]
    fn odd_figures_are_written_like_all_others() {
        let mut scenario = Scenario::load("promotion_peak").unwrap();
        scenario.wallets = u32::MAX;
        scenario.traffic.connections = 65_535;
        scenario.spend.max = Amount::from_minor(900_000_000_000_000, 2);
        held_to_the_protocol(&scenario);
        scenario.currency_decimals = 3;
        held_to_the_protocol(&scenario);
    }

    #[test]
    fn top_ups_name_offer_and_channel_only_under_load() {
        let mut scenario = Scenario::load("hot_channel").unwrap();
        scenario.wallets = 200;
        held_to_the_protocol(&scenario);
        let mut terms = scenario.top_up_terms().clone();
        terms.channels = 64;
        scenario.top_up = Some(terms);
        held_to_the_protocol(&scenario);
        let (workload, encoder) = (Workload::new(&scenario), Encoder::new(&scenario, 1));
        let text = |n| serde_json::to_string(&encoder.request(&workload.command(0, n), 0, n)).unwrap();
        assert!(text(0).contains("\"bonus\"") && text(0).contains("\"wechat\""), "{}", text(0));
        assert!(text(1000).contains("\"offer\"") && text(1000).contains("\"wechat-40\""), "{}", text(1000));
    }
}
