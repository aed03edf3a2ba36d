//! `fentan recon check`: whether a channel's file is whole, without a server.

use crate::client::bar;
use crate::wire::clearing::signed;
use anyhow::{Context, Result};
use clap::Args;
use fentan_engine::money::{Currency, Major, Money};
use fentan_statements::{Ask, Expect, Family, check_file};
use std::path::Path;

/// What a file has to come to, as far as it is known from elsewhere. It is the only guard against a file without a
/// footer that was cut between two rows.
#[derive(Debug, Default, Args)]
pub(crate) struct Expected {
    /// How many rows it must have
    #[arg(long)]
    pub(crate) rows: Option<i64>,
    /// What its payments must sum to
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) payment_amount: Option<String>,
    /// What its refunds must sum to
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) refund_amount: Option<String>,
    /// What its fees must sum to; what refunds gave back is taken off
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) fee: Option<String>,
    /// What the account at the channel must have gained
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) net: Option<String>,
}

impl Expected {
    /// The same for a server.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let rows = self.rows.map(|rows| rows.to_string());
        let given = [
            ("rows", &rows),
            ("payment_amount", &self.payment_amount),
            ("refund_amount", &self.refund_amount),
            ("fee", &self.fee),
            ("net", &self.net),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    fn expect(&self, currency: Currency) -> Result<Expect> {
        let amount = |flag: &'static str, text: &Option<String>| {
            let read = |text: &String| -> Result<i64> { Ok(Major::parse(text.as_bytes())?.minor(currency)?) };
            text.as_ref().map(|text| read(text).with_context(|| format!("{flag} {text}"))).transpose()
        };
        let sum = |flag: &'static str, text: &Option<String>| {
            let read = |text: &String| signed(text, currency).with_context(|| format!("{flag} {text}"));
            text.as_ref().map(read).transpose()
        };
        Ok(Expect {
            rows: self.rows,
            payment_amount: amount("--payment-amount", &self.payment_amount)?,
            refund_amount: amount("--refund-amount", &self.refund_amount)?,
            fee: sum("--fee", &self.fee)?,
            net: sum("--net", &self.net)?,
        })
    }
}

/// Reads a file and says whether it is whole.
///
/// # Errors
/// When what it has to come to is no amount.
pub(super) fn check(file: &Path, family: Family, sha1: Option<&str>, expected: &Expected) -> Result<bool> {
    let currency = Currency::CNY;
    let name = name_of(file);
    let expect = Some(expected.expect(currency)?);
    let ask = Ask { sha1, expect, ..Ask::new(family, &name) };
    let bar = bar("check");
    let mut progress = |done: u64, of: u64| {
        bar.set_length(of);
        bar.set_position(done);
    };
    let checked = check_file(file, &ask, &mut progress);
    bar.finish_and_clear();
    let whole = match checked {
        Ok(checked) => {
            let totals = &checked.summary().totals;
            let yuan = |minor: i64| Money { minor, currency }.to_string();
            println!(
                "{name}: whole. {} rows: {} payments {}, {} refunds {}, fees {}, net {}",
                totals.rows,
                totals.payments,
                yuan(totals.payment_amount),
                totals.refunds,
                yuan(totals.refund_amount),
                yuan(totals.fee),
                yuan(totals.net)
            );
            true
        }
        Err(refused) => {
            eprintln!("{name}: refused whole, nothing of it would be booked. {refused}");
            false
        }
    };
    Ok(whole)
}

/// A file's own name.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
