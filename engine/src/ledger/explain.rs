//! Why a spend was divided as it was: the same allocation again, with its steps (rule A7).
//!
//! Pure. The record says what happened; the wallet as it stood before ([`super::rebuild`]) and the rule as it
//! was say why. Both must give the same lines: [`Rerun::agrees`].

use super::decide::spend::Ready;
use super::{Balances, Command, Event, Record, Spend, Taken};
use crate::accounts::{Lot, Wallet};
use crate::allocation::{Rule, Step, allocate_explained};
use crate::catalog::{Catalog, Chosen};
use crate::money::Currency;
use crate::names::Label;
use std::collections::BTreeMap;

/// The lots that steps speak of, by their index in the wallet.
pub type LotsOfSteps = BTreeMap<u32, Lot>;

/// An allocation told step by step, with what the steps speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The rule.
    pub rule: Rule,
    /// Why this rule; `None` when today another one would be taken.
    pub chosen: Option<Chosen>,
    /// The selector that chose it.
    pub selector: Option<Label>,
    /// The product of the wallet.
    pub product: Label,
    /// What was to be paid, in minor units.
    pub amount: i64,
    /// Their currency.
    pub currency: Currency,
    /// The steps.
    pub steps: Vec<Step>,
    /// The lots as they stood before.
    pub lots: LotsOfSteps,
}

impl Told {
    /// Of steps over this wallet.
    pub(crate) fn new(
        catalog: &Catalog,
        wallet: &Wallet,
        rule: &Rule,
        chosen: Option<Chosen>,
        amount: i64,
        steps: Vec<Step>,
    ) -> Self {
        let selector = match chosen {
            Some(Chosen::Selector(number)) => catalog.selector(number).map(|selector| selector.name.clone()),
            _ => None,
        };
        let named = steps.iter().filter_map(|step| match step {
            Step::LotPays { lot, .. } => Some(*lot),
            Step::Split(split) => Some(split.lot),
            Step::Drew(draw) | Step::Cut(draw) => Some(draw.lot),
            _ => None,
        });
        let lots = named.filter_map(|at| Some((at, wallet.lots.get(at as usize)?.clone()))).collect();
        Self {
            rule: rule.clone(),
            chosen,
            selector,
            product: wallet.product.label(),
            amount,
            currency: wallet.currency,
            steps,
            lots,
        }
    }
}

/// A recorded allocation, done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// The steps.
    pub told: Told,
    /// Whether lines, rounding state and the wallet's figures afterwards are those of the record.
    pub agrees: bool,
    /// The lines it gives now; none when it finds too little.
    pub taken: Taken,
}

/// Why a recorded allocation cannot be done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexplained {
    /// The catalog no longer has this version of the rule.
    RuleGone {
        /// The rule.
        rule: Label,
        /// The version that divided it.
        version: u32,
    },
    /// The records before it do not make its wallet.
    NoWallet,
    /// The record divides nothing.
    NoAllocation,
}

/// Divides a recorded spend or hold again: `before` is its wallet as it stood just before, `archived` finds
/// versions of rules that the catalog no longer has.
///
/// # Errors
/// See [`Unexplained`].
pub fn rerun(
    catalog: &Catalog,
    archived: &dyn Fn(&Label, u32) -> Option<Rule>,
    before: Option<&Wallet>,
    record: &Record,
) -> Result<Rerun, Unexplained> {
    let (Command::Spend(ask) | Command::Hold(ask, _), Some(recorded)) = (&record.command, Recorded::of(record)) else {
        return Err(Unexplained::NoAllocation);
    };
    let before = before.ok_or(Unexplained::NoWallet)?;
    let rule = (catalog.rule_version(recorded.rule, recorded.version).cloned())
        .or_else(|| archived(recorded.rule, recorded.version))
        .ok_or_else(|| Unexplained::RuleGone { rule: recorded.rule.clone(), version: recorded.version })?;
    let amount = recorded.taken.sum();
    let occasion = catalog.occasion(Some(&ask.merchant), &ask.tags);
    let product = catalog.product(&before.product);
    let chosen = match catalog.choose(product, ask.rule.as_ref(), &occasion, record.at) {
        Ok((now, chosen)) if now.name == rule.name && now.version == rule.version => Some(chosen),
        _ => ask.rule.is_some().then_some(Chosen::Named),
    };
    let ready = Ready::by(&rule, chosen.unwrap_or(Chosen::Product), before, amount, &occasion, &ask.lines);
    let (result, steps) = allocate_explained(&rule, ready.purse(), amount);
    let told = Told::new(catalog, before, &rule, chosen, amount, steps);
    Ok(match ready.finish(result) {
        Ok(mut plan) => {
            if matches!(record.event, Event::Held { .. }) {
                plan.after.held += amount;
            }
            let same = plan.taken == *recorded.taken && plan.phase == recorded.phase && plan.after == *recorded.after;
            Rerun { told, agrees: same && asked(ask, before) == Some(amount), taken: plan.taken }
        }
        Err(_) => Rerun { told, agrees: false, taken: Taken::default() },
    })
}

/// What a record says of an allocation.
struct Recorded<'r> {
    rule: &'r Label,
    version: u32,
    taken: &'r Taken,
    phase: Option<i64>,
    after: &'r Balances,
}

impl<'r> Recorded<'r> {
    fn of(record: &'r Record) -> Option<Self> {
        match &record.event {
            Event::Spent { rule, version, taken, phase, after, .. }
            | Event::Held { rule, version, taken, phase, after, .. } => {
                Some(Self { rule, version: *version, taken, phase: *phase, after })
            }
            _ => None,
        }
    }
}

/// What was asked for, in minor units.
fn asked(ask: &Spend, wallet: &Wallet) -> Option<i64> {
    ask.amount.minor(wallet.currency).ok()
}
