//! Does a scenario make sense? Checked as a whole, before anything is sent.

use fentan_protocol::Amount;

use super::{Mode, Scenario, ScenarioError, WhenFull};

/// Requests that may be in flight over all connections, at most; memory grows with it.
pub const IN_FLIGHT_MAX: u64 = 4_000_000;

/// The most lots a wallet gets before the load.
const LOTS_MAX: u32 = 1_000;

/// Largest amount of a scenario in minor units; far below `i64`, so that the sum of a wallet over a
/// long run stays in range.
const MINOR_MAX: i64 = 1_000_000_000_000_000;

impl Scenario {
    /// Checks every field; `file` is for messages.
    ///
    /// # Errors
    /// [`ScenarioError::Field`] for the first field that makes no sense.
    pub fn validate(&self, file: &str) -> Result<(), ScenarioError> {
        let check = |good: bool, field: &'static str, reason: String| {
            if good { Ok(()) } else { Err(ScenarioError::Field { file: file.to_owned(), field, reason }) }
        };
        let traffic = &self.traffic;
        check(self.wallets > 0, "wallets", "must be at least 1".to_owned())?;
        check(
            (1..=LOTS_MAX).contains(&self.lots_per_wallet),
            "lots_per_wallet",
            format!("is {}, must be 1 to {LOTS_MAX}", self.lots_per_wallet),
        )?;
        check(
            (1..=1_000_000).contains(&self.merchants),
            "merchants",
            format!("is {}, must be 1 to 1,000,000", self.merchants),
        )?;
        check(
            self.merchant_skew.is_finite() && (0.0..=10.0).contains(&self.merchant_skew),
            "merchant_skew",
            format!("is {}, must be 0 to 10", self.merchant_skew),
        )?;
        check(self.currency_decimals <= 6, "currency_decimals", "must be 0 to 6".to_owned())?;
        let mix = self.mix;
        let sum = [mix.spend, mix.top_up, mix.refund, mix.balance].iter().map(|p| u64::from(*p)).sum::<u64>();
        check(sum == 100, "mix", format!("adds up to {sum} percent, must be 100"))?;
        check(
            mix.refund == 0 || mix.spend > 0,
            "mix.refund",
            "needs spends to refund: set mix.spend above 0".to_owned(),
        )?;
        self.validate_amounts(&check)?;
        check(
            (1..=65_535).contains(&traffic.connections),
            "traffic.connections",
            format!("is {}, must be 1 to 65,535", traffic.connections),
        )?;
        check(traffic.depth > 0, "traffic.depth", "must be at least 1".to_owned())?;
        check(
            (1..=100_000).contains(&traffic.batch),
            "traffic.batch",
            format!("is {}, must be 1 to 100,000", traffic.batch),
        )?;
        let in_flight =
            u64::from(traffic.connections) * u64::from(traffic.depth).saturating_mul(u64::from(traffic.batch));
        check(
            in_flight <= IN_FLIGHT_MAX,
            "traffic.depth",
            format!("connections x depth x batch is {in_flight} requests in flight, at most {IN_FLIGHT_MAX}"),
        )?;
        self.validate_timetable(&check)?;
        check((1..=86_400).contains(&traffic.duration_s), "traffic.duration_s", "must be 1 to 86,400".to_owned())?;
        check((1..=3600).contains(&traffic.drain_s), "traffic.drain_s", "must be 1 to 3,600".to_owned())?;
        match traffic.mode {
            Mode::Open => check(
                traffic.rate_per_second.is_some_and(|r| (1..=100_000_000).contains(&r)),
                "traffic.rate_per_second",
                "must be given for mode \"open\", 1 to 100,000,000".to_owned(),
            )?,
            Mode::Closed => check(
                traffic.rate_per_second.is_none() && traffic.ramp_from_per_second.is_none() && traffic.ramp_s == 0,
                "traffic.rate_per_second",
                "and the ramp belong to mode \"open\"; a closed loop goes as fast as answers come".to_owned(),
            )?,
        }
        check(
            traffic.ramp_from_per_second.is_some() == (traffic.ramp_s > 0),
            "traffic.ramp_s",
            "and ramp_from_per_second need each other".to_owned(),
        )
    }

    /// What belongs to open mode only.
    fn validate_timetable(
        &self,
        check: &impl Fn(bool, &'static str, String) -> Result<(), ScenarioError>,
    ) -> Result<(), ScenarioError> {
        let traffic = &self.traffic;
        let open = traffic.mode == Mode::Open;
        let only_open = |field: &str| format!("{field} belongs to mode \"open\"");
        check(open || traffic.when_full == WhenFull::Wait, "traffic.when_full", only_open("other than \"wait\""))?;
        check(
            traffic.burst == 1 || (open && (1..=10_000).contains(&traffic.burst)),
            "traffic.burst",
            only_open("other than 1, and at most 10,000,"),
        )?;
        check(
            traffic.rate_percent == 100 || (open && (1..=10_000).contains(&traffic.rate_percent)),
            "traffic.rate_percent",
            only_open("other than 100, and 1 to 10,000,"),
        )
    }

    fn validate_amounts(
        &self,
        check: &impl Fn(bool, &'static str, String) -> Result<(), ScenarioError>,
    ) -> Result<(), ScenarioError> {
        let figures = [
            ("prepare.principal", Some(self.prepare.principal), 1),
            ("prepare.bonus", Some(self.prepare.bonus), 0),
            ("top_up.principal", self.top_up.as_ref().map(|t| t.principal), 1),
            ("top_up.bonus", self.top_up.as_ref().map(|t| t.bonus), 0),
            ("spend.min", Some(self.spend.min), 1),
            ("spend.max", Some(self.spend.max), 1),
        ];
        for (field, amount, least) in figures {
            let Some(amount) = amount else { continue };
            let minor = amount.minor_at(self.currency_decimals);
            check(
                minor.as_ref().is_ok_and(|m| (least..=MINOR_MAX).contains(m)),
                field,
                match minor {
                    Err(error) => format!("is \"{amount}\": {error}"),
                    Ok(_) => format!("is \"{amount}\", must be {least} to {MINOR_MAX} minor units"),
                },
            )?;
        }
        let minor = |a: Amount| a.minor_at(self.currency_decimals).unwrap_or(0);
        check(
            minor(self.spend.min) <= minor(self.spend.max),
            "spend.max",
            format!("is \"{}\", below spend.min \"{}\"", self.spend.max, self.spend.min),
        )?;
        check(
            self.prepare.offer.is_none() && self.prepare.channels == 1,
            "prepare.offer",
            "and channels are of the top-ups under load: name them in [top_up]".to_owned(),
        )?;
        let terms = self.top_up_terms();
        check(
            (1..=10_000).contains(&terms.channels),
            "top_up.channels",
            format!("is {}, must be 1 to 10,000", terms.channels),
        )?;
        let offer = terms.offer.as_deref().unwrap_or("x");
        check(is_name(offer), "top_up.offer", format!("is \"{offer}\", {A_NAME}"))?;
        let rule = self.spend.rule.as_deref().unwrap_or("by_lot");
        check(is_name(rule), "spend.rule", format!("is \"{rule}\", {A_NAME}"))
    }
}

/// What [`is_name`] asks for.
const A_NAME: &str = "must be 1 to 64 printable ASCII characters without quotes or backslashes";

/// Whether a name can stand in a request as it is.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\')
}
