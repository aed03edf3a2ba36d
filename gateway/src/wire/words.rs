//! The steps of a quote in words that a finance person reads (rule A7).

use fentan_engine::accounts::SubId;
use fentan_engine::allocation::Step;
use fentan_engine::catalog::{Catalog, Chosen};
use fentan_engine::money::{Currency, Money};
use fentan_engine::names::{CommandId, Label};

/// Why this rule, as a sentence.
pub(crate) fn chosen(chosen: Chosen, rule: &Label, version: u32, catalog: &Catalog, product: &Label) -> String {
    match chosen {
        Chosen::Named => format!("The spend names the rule {rule}@{version}."),
        Chosen::Selector(number) => {
            let name = catalog.selector(number).map_or("?", |selector| selector.name.as_str());
            format!("The selector {name} chooses the rule {rule}@{version}.")
        }
        Chosen::Product => format!("{rule}@{version} is the rule of the product {product}."),
    }
}

/// One step, as a sentence.
pub(crate) fn step(step: &Step, lots: &[CommandId], catalog: &Catalog, currency: Currency) -> String {
    let money = |minor: i64| Money { minor, currency };
    let name = |sub: &SubId| catalog.sub_name(*sub).to_owned();
    let lot = |index: u32| lots.get(index as usize).map_or("?", CommandId::as_str);
    match step {
        Step::Available { sub, minor } => format!("The wallet has {} of {}.", money(*minor), name(sub)),
        Step::Capped { sub, ceiling } => format!("For this spend, {} may give at most {}.", name(sub), money(*ceiling)),
        Step::Ineligible { sub, most: 0 } => format!("{} may not pay for this.", name(sub)),
        Step::Ineligible { sub, most } => format!("{} may pay for at most {} of this.", name(sub), money(*most)),
        Step::LotPays { lot: index, minor, left } => {
            format!(
                "Lot {} has {} left and pays {}, by the ratio of its own top-up.",
                lot(*index),
                money(*left),
                money(*minor)
            )
        }
        Step::Wants { sub, minor } => format!("The rule takes {} from {}.", money(*minor), name(sub)),
        Step::Spilled { sub, minor } => {
            format!("{} fills {} that another sub-balance could not give.", name(sub), money(*minor))
        }
        Step::Drew(draw) => format!("{} comes from {} of lot {}.", money(draw.amount), name(&draw.sub), lot(draw.lot)),
        Step::Short { payable } => format!("The rule finds only {} in this wallet.", money(*payable)),
    }
}
