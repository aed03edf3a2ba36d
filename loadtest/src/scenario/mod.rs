//! Scenarios: what a load run does, as a commented TOML file.
//!
//! A scenario is data that a finance person and an engineer can both read. It is checked as a whole
//! before anything is sent; what is wrong is said with the file and the field. The shipped ones
//! (`config/loads/`) are built into the program and can be named without their path.

mod shipped;
mod traffic;
mod validate;

pub use shipped::{SHIPPED, shipped_names};
pub use traffic::{Mode, Traffic, WhenFull};
pub use validate::IN_FLIGHT_MAX;

use std::path::Path;

use fentan_protocol::Amount;
use serde::{Deserialize, Serialize};

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Neither a file nor the name of a shipped scenario.
    #[error("{file}: {source}; a scenario is a file, or one of {}", shipped_names())]
    Missing {
        /// What was asked for.
        file: String,
        /// What the file system says.
        source: std::io::Error,
    },
    /// Not TOML, an unknown field, or a value of the wrong type.
    #[error("{file}: {source}")]
    Syntax {
        /// The scenario's file or name.
        file: String,
        /// Line, column and reason.
        source: Box<toml::de::Error>,
    },
    /// A field whose value makes no sense.
    #[error("{file}: `{field}` {reason}")]
    Field {
        /// The scenario's file or name.
        file: String,
        /// The field, with its table.
        field: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

/// Shares of the operations, in percent; together 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Spends.
    pub spend: u32,
    /// Top-ups.
    #[serde(default)]
    pub top_up: u32,
    /// Refunds of earlier spends, half of them partial.
    #[serde(default)]
    pub refund: u32,
    /// Balance reads.
    #[serde(default)]
    pub balance: u32,
}

/// One top-up: what is paid and what is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUpTerms {
    /// Money paid, in major units.
    pub principal: Amount,
    /// The gift, in major units.
    pub bonus: Amount,
    /// The offer that gives it, which then has to give exactly that. Top-ups under load only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Payment channels that the top-ups go through in turn. Top-ups under load only.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub channels: u32,
}

/// What spends look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpendTerms {
    /// The smallest spend, in major units.
    pub min: Amount,
    /// The largest spend, in major units; amounts are even between the two.
    pub max: Amount,
    /// The allocation rule every spend names; the wallet's product decides when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

const fn one() -> u32 {
    1
}

const fn two() -> u8 {
    2
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_one(lots: &u32) -> bool {
    *lots == 1
}

/// A load run, completely described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, for reports.
    pub name: String,
    /// What it stands for, for people.
    #[serde(default)]
    pub about: String,
    /// Wallets; each is topped up before the load.
    pub wallets: u32,
    /// Top-ups, and with them lots, that every wallet gets before the load.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub lots_per_wallet: u32,
    /// Merchants.
    pub merchants: u32,
    /// Zipf exponent of the merchants' popularity: 0 is even, 1 gives the first of 1,000 about 13%.
    pub merchant_skew: f64,
    /// Decimals of the currency.
    #[serde(default = "two")]
    pub currency_decimals: u8,
    /// Start of everything random; the same seed asks for the same things.
    pub seed: u64,
    /// Acknowledged spends per second that are the bar to reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar_per_second: Option<u64>,
    /// Shares of the operations.
    pub mix: Mix,
    /// The top-up every wallet gets before the load.
    pub prepare: TopUpTerms,
    /// Top-ups during the load; as `prepare` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up: Option<TopUpTerms>,
    /// What spends look like.
    pub spend: SpendTerms,
    /// How requests travel.
    pub traffic: Traffic,
}

impl Scenario {
    /// Reads a scenario: a file, or the name of a shipped one. It is not validated yet, so that
    /// flags may still override fields; see [`Scenario::validate`].
    ///
    /// # Errors
    /// [`ScenarioError::Missing`] and [`ScenarioError::Syntax`].
    pub fn load(file: &str) -> Result<Self, ScenarioError> {
        let text = match std::fs::read_to_string(Path::new(file)) {
            Ok(text) => text,
            Err(source) => match SHIPPED.iter().find(|(name, _)| *name == file) {
                Some((_, text)) => (*text).to_owned(),
                None => {
                    return Err(ScenarioError::Missing { file: file.to_owned(), source });
                }
            },
        };
        Self::parse(file, &text)
    }

    /// Reads a scenario's text; `file` is for messages.
    ///
    /// # Errors
    /// [`ScenarioError::Syntax`].
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|source| ScenarioError::Syntax { file: file.to_owned(), source: Box::new(source) })
    }

    /// Top-ups during the load.
    #[must_use]
    pub fn top_up_terms(&self) -> &TopUpTerms {
        self.top_up.as_ref().unwrap_or(&self.prepare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str) -> Scenario {
        Scenario::load(name).unwrap()
    }

    #[test]
    fn the_shipped_scenarios_are_valid() {
        for (name, _) in SHIPPED {
            let scenario = shipped(name);
            scenario.validate(name).unwrap();
            assert_eq!(scenario.name, name);
        }
    }

    #[test]
    fn a_scenario_survives_json() {
        let scenario = shipped("promotion_peak");
        let json = serde_json::to_string(&scenario).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
    }

    fn text_of(name: &str) -> &'static str {
        SHIPPED.iter().find(|(shipped, _)| *shipped == name).unwrap().1
    }

    #[test]
    fn every_file_of_the_folder_is_shipped() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/loads");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let mut names: Vec<_> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        files.sort();
        names.sort();
        assert_eq!(files, names);
    }

    fn refused(change: impl FnOnce(&mut Scenario)) -> String {
        let mut scenario = shipped("one_spend");
        change(&mut scenario);
        scenario.validate("x.toml").unwrap_err().to_string()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let offer = |s: &mut Scenario| s.prepare.offer = Some("x".to_owned());
        let skip = |s: &mut Scenario| s.traffic.when_full = WhenFull::Skip;
        let cases: [(String, &str); 13] = [
            (refused(offer), "`prepare.offer`"),
            (refused(skip), "`traffic.when_full`"),
            (refused(|s| s.traffic.burst = 2), "`traffic.burst`"),
            (refused(|s| s.traffic.rate_percent = 50), "`traffic.rate_percent`"),
            (refused(|s| s.wallets = 0), "x.toml: `wallets`"),
            (refused(|s| s.mix.spend = 99), "x.toml: `mix` adds up to 99"),
            (refused(|s| s.merchant_skew = f64::NAN), "`merchant_skew`"),
            (refused(|s| s.traffic.depth = u32::MAX), "`traffic.depth`"),
            (refused(|s| s.traffic.mode = Mode::Open), "`traffic.rate_per_second`"),
            (refused(|s| s.traffic.rate_per_second = Some(5)), "`traffic.rate_per_second`"),
            (refused(|s| s.spend.min = Amount::from_minor(1, 3)), "`spend.min`"),
            (refused(|s| s.spend.max = Amount::from_minor(0, 2)), "`spend.max`"),
            (refused(|s| s.spend.rule = Some("a\"b".to_owned())), "`spend.rule`"),
        ];
        for (message, expected) in cases {
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn unknown_fields_and_missing_files_are_named() {
        let text = text_of("one_spend").replace("wallets =", "walets =");
        let message = Scenario::parse("y.toml", &text).unwrap_err().to_string();
        assert!(message.contains("y.toml") && message.contains("walets"), "{message}");
        let message = Scenario::load("nowhere.toml").unwrap_err().to_string();
        assert!(message.contains("nowhere.toml") && message.contains("promotion_peak"), "{message}");
    }

    #[test]
    fn a_float_amount_is_refused() {
        let text = text_of("one_spend").replace("min = \"", "min = 0.5 # \"");
        assert!(Scenario::parse("y.toml", &text).is_err());
    }
}
