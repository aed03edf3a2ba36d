//! The model's values as the engine's.

use super::allocate::{Divided, Line};
use super::purse::{MLot, MPart};
use super::rule::{MCap, MMethod, MOrder, MRule};
use fentan_engine::accounts::{Funding, Lot, Part, SubId};
use fentan_engine::allocation::{Cap, Draw, LotOrder, Method, Purse, Rule, Spill, allocate};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{CommandId, Label};
use rust_decimal::Decimal;

/// Products, the shipped rules and two offers.
pub(crate) const CATALOG: &str = include_str!("catalog.toml");

/// The catalog of a TOML text.
pub(crate) fn catalog(text: &str) -> Catalog {
    let spec: CatalogSpec = toml::from_str(text).expect("the catalog is TOML");
    Catalog::from_spec(&spec).expect("the catalog is right")
}

pub(crate) fn small(amount: i128) -> i64 {
    i64::try_from(amount).expect("the model's amounts fit in 64 bits")
}

pub(crate) fn major(amount: i128) -> Major {
    Major::from_minor(small(amount), Currency::CNY)
}

pub(crate) fn part(part: &MPart) -> Part {
    Part {
        sub: SubId(part.sub),
        weight: small(part.weight),
        granted: small(part.left + part.consumed),
        left: small(part.left),
        expires_at: part.ends,
    }
}

pub(crate) fn lot(lot: &MLot) -> Lot {
    Lot {
        id: CommandId::internal(&lot.id),
        parts: lot.parts.iter().map(part).collect(),
        funding: Funding::Unknown,
        reconciled: false,
    }
}

fn subs(subs: &[u8]) -> Vec<SubId> {
    subs.iter().copied().map(SubId).collect()
}

fn cap(cap: &MCap) -> Cap {
    Cap {
        sub: SubId(cap.sub),
        amount: cap.amount.map(major),
        share: cap.millionths.map(|millionths| Decimal::new(small(millionths), 6)),
        minimum_order: cap.minimum.map(major),
    }
}

pub(crate) fn rule(rule: &MRule) -> Rule {
    let order = match rule.order {
        MOrder::Fifo => LotOrder::Fifo,
        MOrder::Lifo => LotOrder::Lifo,
        MOrder::ExpiringFirst => LotOrder::ExpiringFirst,
        MOrder::LargestFirst => LotOrder::LargestFirst,
        MOrder::ProRata => LotOrder::ProRata,
    };
    let method = match &rule.method {
        MMethod::LotRatio => Method::LotRatio { order },
        MMethod::CurrentRatio => Method::CurrentRatio { order },
        MMethod::Ordered(names) => Method::Ordered { subs: subs(names), order },
        MMethod::FixedRatio(weights) => {
            let weights = weights.iter().map(|(sub, weight)| (SubId(*sub), small(*weight))).collect();
            Method::FixedRatio { weights, order }
        }
        MMethod::FixedAmount { sub, at_most, for_every, others } => Method::FixedAmount {
            sub: SubId(*sub),
            at_most: major(*at_most),
            for_every: for_every.map(major),
            others: subs(others),
            order,
        },
    };
    Rule {
        caps: rule.caps.iter().map(cap).collect(),
        spill: rule.spill.as_ref().map_or(Spill::Reject, |names| Spill::Into(subs(names))),
        ..Rule::plain(Label::internal(&rule.name), method)
    }
}

/// What the engine makes of the same purse and rule.
pub(crate) fn engine_allocate(model: &MRule, lots: &[MLot], phase: i128, amount: i128) -> Result<Divided, i128> {
    let live = lots.iter().take_while(|lot| lot.left() == 0).count();
    engine_allocate_with(&rule(model), lots, live, phase, amount)
}

/// The same with a rule of the engine's own.
pub(crate) fn engine_allocate_with(
    rule: &Rule,
    lots: &[MLot],
    first_live: usize,
    phase: i128,
    amount: i128,
) -> Result<Divided, i128> {
    let lots: Vec<Lot> = lots.iter().map(lot).collect();
    let purse = Purse { lots: &lots, first_live, currency: Currency::CNY, phase: small(phase), most: None };
    match allocate(rule, purse, small(amount)) {
        Ok(allocation) => {
            let to_line = |draw: &Draw| -> Line { (draw.lot as usize, draw.sub.0, i128::from(draw.amount)) };
            Ok(Divided {
                lines: allocation.draws.iter().map(to_line).collect(),
                phase: allocation.phase.map(i128::from),
            })
        }
        Err(shortfall) => Err(i128::from(shortfall.payable)),
    }
}
