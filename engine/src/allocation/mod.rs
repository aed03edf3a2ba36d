//! Allocation (分摊): which lots and sub-balances pay for a spend. The heart of the ledger.
//!
//! [`allocate`] is a pure function of a [`Rule`], the wallet's lots, the amount and the rule's rounding
//! state; the ledger journals what it returns and never computes it again. What it guarantees (rule A1):
//! every [`Draw`] is more than zero and never more than what is there, and the draws sum to the amount,
//! or there is a [`Shortfall`] and nothing else.
//!
//! # How it works
//! Methods are of two shapes:
//!
//! * [`Method::LotRatio`] looks at *lots* first: which lots pay how much (`order`), then each lot's amount
//!   is divided over its parts in the ratio of its own top-up (`lot_ratio.rs`).
//! * All others look at *sub-balances* first: `wish.rs` says how much each sub-balance should give, then
//!   each draws its amount from its lots in order.
//!
//! Caps bound what a sub-balance may give to one spend, whichever method. What a sub-balance cannot give
//! is filled by the sub-balances that the rule's [`Spill`] names, in their order.
//!
//! All division is by [`apportion`]: nested rounding that never drifts and never takes back (rules A3,
//! A4). [`table`] lays a result out over the lines of an order (rule A5). What is claimed of all this is
//! proved in `docs/allocation.md`.
//!
//! # Cost
//! Linear in the live lots, for each sub-balance that draws; no heap below five draws. One lot of two parts
//! costs one 64-bit division. A `lot_ratio` rule without caps looks at no lot that does not pay.

mod apportion;
mod explain;
mod lot_ratio;
mod order;
mod rule;
mod table;
mod tree;
mod wish;

pub(crate) use apportion::floor_and_ceiling;
pub use apportion::{apportion, share_of};
pub use explain::{Clamp, Group, Share, Split, Step};
pub(crate) use rule::moment;
pub use rule::{
    Cap, Eligible, Labels, LotOrder, Method, Occasion, RefundToExpired, Rule, RuleError, RuleSpec, Spill, SubNames,
};
pub use table::{Table, table, table_within};

use crate::accounts::{Lot, SUBS_MAX, SubId};
use crate::money::Currency;
use explain::{Deaf, Listener};
use smallvec::SmallVec;

/// One amount taken from one part of one lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Index of the lot in the wallet.
    pub lot: u32,
    /// The sub-balance.
    pub sub: SubId,
    /// Minor units, more than zero.
    pub amount: i64,
}

/// The draws in the order in which they were taken; equal (lot, sub) pairs are one.
pub type Draws = SmallVec<[Draw; 4]>;

/// What allocation looks at.
#[derive(Debug, Clone, Copy)]
pub struct Purse<'a> {
    /// The wallet's lots.
    pub lots: &'a [Lot],
    /// Index of the first lot that has something left.
    pub first_live: usize,
    /// The wallet's currency; amounts in rules are in major units.
    pub currency: Currency,
    /// The rounding state of a [`Method::FixedRatio`] rule in this wallet.
    pub phase: i64,
    /// The most each sub-balance may give, by what the spend is for ([`Rule::most`]); `None` is no bound.
    pub most: Option<&'a [i64; SUBS_MAX]>,
}

/// The rule cannot pay the amount from this wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortfall {
    /// The most the rule could have found for this amount, in minor units.
    pub payable: i64,
}

/// What an allocation says besides the draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The draws.
    pub draws: Draws,
    /// The new rounding state, for a rule that has one.
    pub phase: Option<i64>,
}

/// An amount for each sub-balance, by number.
pub(crate) type BySub = [i64; SUBS_MAX];

/// Divides `amount` over the lots by `rule`.
///
/// # Errors
/// [`Shortfall`] when the rule cannot find the whole amount.
pub fn allocate(rule: &Rule, purse: Purse<'_>, amount: i64) -> Result<Allocation, Shortfall> {
    run(rule, purse, amount, &mut Deaf)
}

/// Like [`allocate`], and tells each step (rule A7).
pub fn allocate_explained(rule: &Rule, purse: Purse<'_>, amount: i64) -> (Result<Allocation, Shortfall>, Vec<Step>) {
    let mut steps = Vec::new();
    let result = run(rule, purse, amount, &mut steps);
    (result, steps)
}

fn run(rule: &Rule, purse: Purse<'_>, amount: i64, listener: &mut impl Listener) -> Result<Allocation, Shortfall> {
    let mut draws = Draws::new();
    let phase = match &rule.method {
        // What stays open then is in no lot: nothing is cut and nothing can fill.
        Method::LotRatio { order } if !listener.listens() && !bounded(rule, purse) => {
            lot_ratio::draw(*order, purse, amount, &mut draws, listener);
            None
        }
        method => draw_bounded(method, rule, purse, amount, &mut draws, listener),
    };
    // What was drawn decides, not what was meant to be: whatever a rule says, wrong lines never get out.
    let payable = draws.iter().map(|draw| draw.amount).sum();
    if payable != amount {
        listener.hear(|| Step::Short { payable, given: given(&draws) });
        return Err(Shortfall { payable });
    }
    for draw in &draws {
        listener.hear(|| Step::Drew(*draw));
    }
    Ok(Allocation { draws, phase })
}

/// Whether anything but what is there bounds a sub-balance.
fn bounded(rule: &Rule, purse: Purse<'_>) -> bool {
    !rule.caps.is_empty() || purse.most.is_some()
}

/// Draws within what each sub-balance may give, and lets others fill; the new rounding state.
fn draw_bounded(
    method: &Method,
    rule: &Rule,
    purse: Purse<'_>,
    amount: i64,
    draws: &mut Draws,
    listener: &mut impl Listener,
) -> Option<i64> {
    let available = available(purse);
    let mut ceilings = if rule.caps.is_empty() { available } else { rule.ceilings(&available, amount, purse.currency) };
    if listener.listens() {
        tell_bounds(&available, &ceilings, purse, amount, listener);
    }
    for (ceiling, most) in ceilings.iter_mut().zip(purse.most.into_iter().flatten()) {
        *ceiling = (*ceiling).min(*most);
    }
    let (rest, phase) = if let Method::LotRatio { order } = method {
        let open = lot_ratio::draw(*order, purse, amount, draws, listener);
        (open + lot_ratio::cut_back(&ceilings, draws, listener), None)
    } else {
        let wish = wish::wish(method, rule, purse, &available, &ceilings, amount, listener);
        for (sub, minor) in wish.order {
            if minor > 0 {
                listener.hear(|| Step::Wants { sub, minor });
                tell_pro_rata(rule, purse, sub, minor, draws, listener);
                draw_sub(rule.order(), purse, sub, minor, draws);
            }
        }
        (wish.rest, wish.phase)
    };
    spill(rule, purse, &ceilings, rest, draws, listener);
    phase
}

/// Tells what each sub-balance has, and what its caps and what the spend is for leave of it.
fn tell_bounds(available: &BySub, ceilings: &BySub, purse: Purse<'_>, amount: i64, listener: &mut impl Listener) {
    for (sub, ceiling) in (0_u8..).map(SubId).zip(ceilings.iter().copied()) {
        let has = available[sub.index()];
        if has > 0 {
            listener.hear(|| Step::Available { sub, minor: has });
        }
        if ceiling < has {
            listener.hear(|| Step::Capped { sub, ceiling });
        }
        let most = purse.most.map_or(i64::MAX, |most| most[sub.index()]);
        if most < has && most < amount {
            listener.hear(|| Step::Ineligible { sub, most });
        }
    }
}

fn available(purse: Purse<'_>) -> BySub {
    let mut sums = BySub::default();
    for part in purse.lots[purse.first_live..].iter().flat_map(|lot| &lot.parts) {
        sums[part.sub.index()] += part.left;
    }
    sums
}

/// What each sub-balance gives.
fn given(draws: &Draws) -> SmallVec<[(SubId, i64); 4]> {
    let of = |sub: SubId| (sub, draws.iter().filter(|draw| draw.sub == sub).map(|draw| draw.amount).sum());
    (0_u8..).take(SUBS_MAX).map(|number| of(SubId(number))).filter(|(_, minor)| *minor > 0).collect()
}

/// Tells over what the lots' shares of `minor` are taken, when they pay together.
fn tell_pro_rata(rule: &Rule, purse: Purse<'_>, sub: SubId, minor: i64, draws: &Draws, listener: &mut impl Listener) {
    if rule.order() == LotOrder::ProRata {
        listener.hear(|| {
            let drawn: i64 = draws.iter().filter(|draw| draw.sub == sub).map(|draw| draw.amount).sum();
            Step::ProRata { sub: Some(sub), minor, left: available(purse)[sub.index()] - drawn }
        });
    }
}

/// Lets the rule's other sub-balances fill `rest`, as far as they can.
fn spill(
    rule: &Rule,
    purse: Purse<'_>,
    ceilings: &BySub,
    mut rest: i64,
    draws: &mut Draws,
    listener: &mut impl Listener,
) {
    let Spill::Into(order) = &rule.spill else { return };
    for sub in order {
        if rest == 0 {
            break;
        }
        let given: i64 = draws.iter().filter(|d| d.sub == *sub).map(|d| d.amount).sum();
        let more = rest.min(ceilings[sub.index()] - given);
        if more > 0 {
            listener.hear(|| Step::Spilled { sub: *sub, minor: more });
            tell_pro_rata(rule, purse, *sub, more, draws, listener);
            draw_sub(rule.order(), purse, *sub, more, draws);
            rest -= more;
        }
    }
}

/// Takes `minor` of one sub-balance from its lots, in order, beside what is drawn already; less when there
/// is less.
fn draw_sub(order: LotOrder, purse: Purse<'_>, sub: SubId, minor: i64, draws: &mut Draws) {
    if draws.iter().any(|draw| draw.sub == sub) {
        let before = Drawn::of(purse, sub, draws);
        draw_beside(order, purse, sub, minor, draws, |lot| before.place(lot));
    } else {
        draw_beside(order, purse, sub, minor, draws, |_| None);
    }
}

/// [`draw_sub`], where `place` says at which place of the draws a lot's draw of this sub-balance stands.
fn draw_beside(
    order: LotOrder,
    purse: Purse<'_>,
    sub: SubId,
    minor: i64,
    draws: &mut Draws,
    place: impl Fn(u32) -> Option<usize>,
) {
    let left = |lot: u32, draws: &Draws| {
        let part = purse.lots[lot as usize].parts.iter().find(|part| part.sub == sub);
        part.map_or(0, |part| part.left) - place(lot).map_or(0, |at| draws[at].amount)
    };
    let draw = |lot: u32, amount: i64, draws: &mut Draws| match place(lot) {
        Some(at) => draws[at].amount += amount,
        None => draws.push(Draw { lot, sub, amount }),
    };
    if order == LotOrder::ProRata {
        let each_left = order::each_left(purse, |lot| left(lot, draws));
        for (lot, amount) in order::pro_rata(purse, &each_left, minor) {
            draw(lot, amount, draws);
        }
        return;
    }
    let mut rest = minor;
    order::each_lot(order, purse, |lot| {
        let amount = rest.min(left(lot, draws));
        if amount > 0 {
            draw(lot, amount, draws);
            rest -= amount;
        }
        rest > 0
    });
}

/// Where the draws of one sub-balance stand, by lot: a draw of the same lot and sub-balance grows, so that
/// each pair is one line.
struct Drawn {
    first: u32,
    /// For each live lot the place of its draw, or [`Self::NONE`].
    places: SmallVec<[u32; 8]>,
}

impl Drawn {
    const NONE: u32 = u32::MAX;

    fn of(purse: Purse<'_>, sub: SubId, draws: &Draws) -> Self {
        let live = order::live(purse);
        let mut places = SmallVec::from_elem(Self::NONE, live.len());
        for (place, draw) in (0_u32..).zip(draws).filter(|(_, draw)| draw.sub == sub) {
            places[(draw.lot - live.start) as usize] = place;
        }
        Self { first: live.start, places }
    }

    /// Where this lot's draw stands.
    fn place(&self, lot: u32) -> Option<usize> {
        let place = self.places[(lot - self.first) as usize];
        (place != Self::NONE).then_some(place as usize)
    }
}
