//! The figures, put together.

use super::tally::{Books, Days, Paid};
use super::world::{Lab, Wallets};
use super::{Period, tally::Moved};
use crate::accounts::{SUBS_MAX, SubId};
use crate::money::Currency;
use crate::names::{AccountId, Label};
use smallvec::SmallVec;

/// Which world a figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// As it was: what the journal records.
    Recorded,
    /// As the lab's rule would have made it.
    Lab,
}

/// An amount in minor units for each sub-balance.
#[derive(Debug, Clone, Default)]
pub struct Amounts(SmallVec<[i128; 2]>);

impl Amounts {
    /// The amount of a sub-balance.
    #[must_use]
    pub fn get(&self, sub: SubId) -> i128 {
        self.0.get(sub.index()).copied().unwrap_or(0)
    }

    /// The sum over all sub-balances.
    #[must_use]
    pub fn sum(&self) -> i128 {
        self.0.iter().sum()
    }

    pub(super) fn add(&mut self, sub: SubId, minor: i128) {
        if self.0.len() <= sub.index() {
            self.0.resize(sub.index() + 1, 0);
        }
        self.0[sub.index()] += minor;
    }

    fn merge(&mut self, other: &Self, sign: i128) {
        for (sub, minor) in (0_u8..).map(SubId).zip(&other.0) {
            self.add(sub, sign * minor);
        }
    }
}

impl PartialEq for Amounts {
    /// A sub-balance that was never touched has zero.
    fn eq(&self, other: &Self) -> bool {
        (0..SUBS_MAX).all(|n| self.0.get(n).unwrap_or(&0) == other.0.get(n).unwrap_or(&0))
    }
}

impl Eq for Amounts {}

/// The figures of a day, a merchant or all; pairs are by [`World`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Spends and captures that the ledger paid.
    pub spends: u64,
    /// Of these, how many have other lines in the lab.
    pub other_lines: u64,
    /// Spends and holds that the rule could not pay.
    pub refused: u64,
    /// What they were for.
    pub refused_amount: i128,
    /// What merchants got, refunds taken off.
    pub used: [Amounts; 2],
    /// Of [`Figures::used`], what refunds took off.
    pub given_back: [Amounts; 2],
}

impl Figures {
    fn add(&mut self, paid: &Paid) {
        self.spends += paid.spends;
        self.other_lines += paid.other;
        self.refused += paid.refused;
        self.refused_amount += paid.refused_amount;
        for world in 0..2 {
            self.used[world].merge(&paid.taken[world], 1);
            self.used[world].merge(&paid.given_back[world], -1);
            self.given_back[world].merge(&paid.given_back[world], 1);
        }
    }
}

/// One day of a currency, or all of the period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    /// The number of the day, from 1970-01-01.
    pub day: i64,
    /// What all merchants got.
    pub figures: Figures,
    /// What wallets have at its end, held or not.
    pub left: [Amounts; 2],
    /// What expired.
    pub breakage: [Amounts; 2],
    /// Transfers that the rule could not pay.
    pub refused_transfers: u64,
    /// What they were for.
    pub refused_transfer_amount: i128,
    /// Captures, releases and refunds of what the rule could not pay: they did not happen in the lab.
    pub orphans: u64,
}

/// One merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantReport {
    /// Its name.
    pub merchant: AccountId,
    /// Its days.
    pub days: Vec<(i64, Figures)>,
    /// All of them.
    pub total: Figures,
}

/// All of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyReport {
    /// The currency.
    pub currency: Currency,
    /// Which sub-balances promotions fund: bit n for sub-balance n.
    pub promoted: u8,
    /// What wallets had when the period began.
    pub opening: Amounts,
    /// Its days, each on which something happened.
    pub days: Vec<Day>,
    /// Its merchants, by name.
    pub merchants: Vec<MerchantReport>,
    /// The period.
    pub total: Day,
}

/// What would have been different (rule A8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The rule.
    pub rule: Label,
    /// Its version.
    pub version: u32,
    /// The period.
    pub period: Period,
    /// Records of the period.
    pub records: u64,
    /// Wallets that there were by its end.
    pub wallets: usize,
    /// Currencies in the order of their first records.
    pub currencies: Vec<CurrencyReport>,
    /// What does not balance, in words; nothing when all is well.
    pub faults: Vec<String>,
}

impl CurrencyReport {
    /// The sub-balances that appear in some figure, by number.
    pub fn subs(&self) -> impl Iterator<Item = SubId> + '_ {
        let seen = |sub: SubId| {
            let days = self.days.iter().chain([&self.total]);
            let worlds = |of: &[Amounts; 2]| of.iter().any(|amounts| amounts.get(sub) != 0);
            self.opening.get(sub) != 0
                || days.into_iter().any(|day| {
                    worlds(&day.left)
                        || worlds(&day.breakage)
                        || worlds(&day.figures.used)
                        || worlds(&day.figures.given_back)
                })
        };
        (0_u8..).take(SUBS_MAX).map(SubId).filter(move |sub| sub.0 < 2 || seen(*sub))
    }
}

impl Report {
    pub(super) fn of(lab: Lab<'_>) -> Self {
        let mut faults = Vec::new();
        let mut currencies: Vec<CurrencyReport> =
            lab.tally.books.iter().map(|books| currency(books, &mut faults)).collect();
        for merchant in &lab.tally.merchants {
            let days = figures(&merchant.days);
            let mut total = Figures::default();
            merchant.days.0.iter().for_each(|(_, paid)| total.add(paid));
            let Some(of) = currencies.iter_mut().find(|of| of.currency == merchant.currency) else { continue };
            for (number, paid) in &merchant.days.0 {
                of.total.figures.add(paid);
                // A merchant's record is a record of its currency on the same day.
                if let Ok(at) = of.days.binary_search_by_key(number, |day| day.day) {
                    of.days[at].figures.add(paid);
                }
            }
            of.merchants.push(MerchantReport { merchant: merchant.id.clone(), days, total });
        }
        for of in &mut currencies {
            of.merchants.sort_by(|a, b| a.merchant.cmp(&b.merchant));
            check_wallets(of, &lab.wallets, &mut faults);
        }
        Self {
            rule: lab.rule.name,
            version: lab.rule.version,
            period: lab.period,
            records: lab.records,
            wallets: lab.wallets.seats.len(),
            currencies,
            faults,
        }
    }

    /// Whether the lab's world is the recorded one, to the last figure.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.currencies.iter().all(|of| {
            let total = &of.total;
            let same = |of: &[Amounts; 2]| of[0] == of[1];
            total.figures.refused == 0
                && total.refused_transfers == 0
                && total.orphans == 0
                && of.days.iter().all(|day| same(&day.left) && same(&day.breakage))
                && of
                    .merchants
                    .iter()
                    .flat_map(|merchant| &merchant.days)
                    .all(|(_, figures)| figures.other_lines == 0 && same(&figures.used) && same(&figures.given_back))
        })
    }
}

fn figures(days: &Days<Paid>) -> Vec<(i64, Figures)> {
    let figures = |paid: &Paid| {
        let mut figures = Figures::default();
        figures.add(paid);
        figures
    };
    days.0.iter().map(|(day, paid)| (*day, figures(paid))).collect()
}

/// The days of a currency, without its merchants' figures.
fn currency(books: &Books, faults: &mut Vec<String>) -> CurrencyReport {
    let mut left = [books.opening.clone(), books.opening.clone()];
    let mut total = Day { left: left.clone(), ..Day::default() };
    let mut days = Vec::with_capacity(books.days.0.len());
    let mut rest = [books.opening_rest; 2];
    for (number, moved) in &books.days.0 {
        let Moved { breakage, refused_transfers, refused_transfer_amount, orphans, .. } = moved;
        for world in 0..2 {
            left[world].merge(&moved.left[world], 1);
            rest[world] += moved.rest[world];
            total.breakage[world].merge(&breakage[world], 1);
        }
        total.refused_transfers += refused_transfers;
        total.refused_transfer_amount += refused_transfer_amount;
        total.orphans += orphans;
        days.push(Day {
            day: *number,
            figures: Figures::default(),
            left: left.clone(),
            breakage: breakage.clone(),
            refused_transfers: *refused_transfers,
            refused_transfer_amount: *refused_transfer_amount,
            orphans: *orphans,
        });
        total.day = *number;
    }
    for (world, (left, rest)) in ["recorded", "lab's"].iter().zip(left.iter().zip(rest)) {
        if left.sum() + rest != 0 {
            let sum = left.sum();
            faults.push(format!("the {world} books in {}: wallets have {sum}, all others {rest}", books.currency));
        }
    }
    total.left = left;
    CurrencyReport {
        currency: books.currency,
        promoted: books.promoted,
        opening: books.opening.clone(),
        days,
        merchants: Vec::new(),
        total,
    }
}

/// Every wallet of the lab against its lots, and all of them against the sums of what was booked.
fn check_wallets(of: &CurrencyReport, wallets: &Wallets, faults: &mut Vec<String>) {
    let mut has = Amounts::default();
    for wallet in wallets.seats.iter().map(|seat| &seat.wallet).filter(|wallet| wallet.currency == of.currency) {
        let mut lots = [0_i128; SUBS_MAX];
        for part in wallet.lots.iter().flat_map(|lot| &lot.parts) {
            lots[part.sub.index()] += i128::from(part.left);
            if part.left < 0 && faults.len() < FAULTS_TOLD {
                faults.push(format!("wallet {}: a lot has {} left", wallet.id, part.left));
            }
        }
        for (sub, minor) in wallet.available.iter() {
            has.add(sub, i128::from(minor));
            if lots[sub.index()] != i128::from(minor) && faults.len() < FAULTS_TOLD {
                faults.push(format!("wallet {}: its lots and its balance differ in sub-balance {}", wallet.id, sub.0));
            }
        }
        for hold in wallet.rare.iter().flat_map(|rare| &rare.holds) {
            for (_, sub, minor) in hold.taken.piece(hold.released, hold.taken.sum()).iter() {
                has.add(sub, i128::from(minor));
            }
        }
        for refund in wallet.open_refunds() {
            for (_, sub, minor) in refund.taken.iter() {
                has.add(sub, i128::from(minor));
            }
        }
    }
    if has != of.total.left[World::Lab as usize] {
        faults.push(format!("wallets in {}: they hold {has:?}, booked was {:?}", of.currency, of.total.left[1]));
    }
}

/// More faults than this are not told.
const FAULTS_TOLD: usize = 100;
