//! The steps of an allocation in the order in which they are told.

use super::figures::{exact, exact_part, fraction, money, percent, ratio};
use super::{
    CapWords, ClampWords, LotWords, MethodWords, Named, RuleWhy, ShareWords, ShortWords, SplitWords, Tongue, sub_name,
};
use fentan_engine::accounts::{Lot, SUBS_MAX, SubId};
use fentan_engine::allocation::{Clamp, Draw, LotOrder, Method, Rule, Share, Spill, Split, Step};
use fentan_engine::catalog::{Catalog, Chosen};
use fentan_engine::ledger::Told;
use fentan_engine::money::{Currency, Major};

/// Tells an allocation.
pub(crate) fn tell(told: &Told, catalog: &Catalog, tongue: &dyn Tongue) -> Vec<String> {
    let mut teller = Teller {
        told,
        catalog,
        tongue,
        open: told.amount,
        has: [0; SUBS_MAX],
        ceilings: [i64::MAX; SUBS_MAX],
        together: None,
        text: Vec::new(),
    };
    teller.all();
    teller.text
}

/// What was told so far, as far as a later sentence needs it.
struct Teller<'a> {
    told: &'a Told,
    catalog: &'a Catalog,
    tongue: &'a dyn Tongue,
    /// What nobody was asked for yet.
    open: i64,
    /// What each sub-balance has.
    has: [i64; SUBS_MAX],
    /// The most each may give.
    ceilings: [i64; SUBS_MAX],
    /// What all lots pay together, and what they have.
    together: Option<(i64, i64)>,
    text: Vec<String>,
}

impl Teller<'_> {
    fn all(&mut self) {
        let told = self.told;
        self.say(self.rule());
        for step in &told.steps {
            match step {
                Step::Available { sub, minor } => self.has[sub.index()] = *minor,
                Step::Capped { sub, ceiling: most } | Step::Ineligible { sub, most } => {
                    let ceiling = &mut self.ceilings[sub.index()];
                    *ceiling = (*ceiling).min(*most);
                }
                _ => {}
            }
        }
        self.say(self.available());
        for step in &told.steps {
            self.step(step);
        }
        let lines: Vec<Named> = told.steps.iter().filter_map(|step| self.line(step)).collect();
        if !lines.is_empty() {
            self.say(self.tongue.result(&lines, &self.money(told.amount)));
        }
        let least = told.rule.minimum_order(told.currency);
        if told.amount < least {
            self.say(self.tongue.below_minimum(&self.money(least)));
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            // Told together, before and after everything else.
            Step::Available { .. } | Step::Drew(_) => {}
            Step::Capped { sub, ceiling } => self.say(self.capped(*sub, *ceiling)),
            Step::Ineligible { sub, most } => {
                let most = (*most > 0).then(|| self.money(*most));
                self.say(self.tongue.ineligible(&self.name(*sub), most.as_deref()));
            }
            Step::ProRata { sub, minor, left } => {
                self.together = Some((*minor, *left));
                let sub = sub.map(|sub| self.name(sub));
                self.say(self.tongue.pro_rata(sub.as_deref(), &self.money(*minor), &self.money(*left)));
            }
            Step::LotPays { lot, minor, left } => {
                if let Some(found) = self.told.lots.get(lot) {
                    self.say(self.tongue.lot_pays(&self.lot_words(found, *minor, *left)));
                }
            }
            Step::Split(split) => self.say(self.tongue.split(&self.split_words(split))),
            Step::Cut(draw) => {
                let (name, lot) = (self.name(draw.sub), self.lot(draw.lot));
                self.say(self.tongue.cut(&name, &lot, &self.money(draw.amount)));
            }
            Step::Share(share) => self.say(self.tongue.share(&self.share_words(share))),
            Step::Wants { sub, minor } => {
                self.open -= minor;
                let all = *minor == self.has[sub.index()].min(self.ceilings[sub.index()]);
                let open = (self.open > 0).then(|| self.money(self.open));
                self.say(self.tongue.wants(&self.name(*sub), &self.money(*minor), all, open.as_deref()));
            }
            Step::Spilled { sub, minor } => {
                self.say(self.tongue.spilled(&self.name(*sub), &self.money(*minor)));
            }
            Step::Short { payable, given } => self.short(*payable, given),
        }
    }

    fn say(&mut self, sentence: String) {
        self.text.push(sentence);
    }

    fn money(&self, minor: i64) -> String {
        money(minor, self.told.currency)
    }

    fn name(&self, sub: SubId) -> String {
        sub_name(self.tongue, self.catalog, sub)
    }

    fn names(&self, subs: &[SubId]) -> Vec<String> {
        subs.iter().map(|sub| self.name(*sub)).collect()
    }

    fn group(&self, subs: &[SubId]) -> String {
        self.tongue.list(&self.names(subs))
    }

    fn named(&self, sub: SubId, minor: i64) -> Named {
        Named { name: self.name(sub), amount: self.money(minor), lot: None }
    }

    fn lot(&self, at: u32) -> String {
        self.told.lots.get(&at).map_or_else(|| "?".to_owned(), |lot| lot.id.to_string())
    }

    fn line(&self, step: &Step) -> Option<Named> {
        let Step::Drew(Draw { lot, sub, amount }) = step else { return None };
        Some(Named { lot: Some(self.lot(*lot)), ..self.named(*sub, *amount) })
    }

    fn rule(&self) -> String {
        let Told { rule, chosen, selector, product, currency, .. } = self.told;
        let name = rule_version(rule);
        let why = match (chosen, selector) {
            (Some(Chosen::Named), _) => RuleWhy::Named,
            (Some(Chosen::Selector(_)), Some(selector)) => RuleWhy::Selector(selector.to_string()),
            (Some(Chosen::Product), _) => RuleWhy::Product(product.to_string()),
            _ => RuleWhy::Recorded,
        };
        let (method, order) = self.method(rule, *currency);
        self.tongue.rule(&name, &why, &method, order)
    }

    fn method(&self, rule: &Rule, currency: Currency) -> (MethodWords, LotOrder) {
        let amount = |amount: &Major| money(amount.minor_down(currency), currency);
        match &rule.method {
            Method::LotRatio { order } => (MethodWords::LotRatio, *order),
            Method::CurrentRatio { order } => (MethodWords::CurrentRatio, *order),
            Method::Ordered { subs, order } => (MethodWords::Ordered(self.names(subs)), *order),
            Method::FixedRatio { weights, order } => {
                let weights = weights.iter().map(|(sub, weight)| (self.name(*sub), *weight));
                (MethodWords::FixedRatio(weights.collect()), *order)
            }
            Method::FixedAmount { sub, at_most, for_every, others, order } => {
                let method = MethodWords::FixedAmount {
                    sub: self.name(*sub),
                    at_most: amount(at_most),
                    for_every: for_every.as_ref().map(amount),
                    others: self.names(others),
                };
                (method, *order)
            }
        }
    }

    fn available(&self) -> String {
        let subs = (0_u8..).map(SubId).zip(self.has).filter(|(_, minor)| *minor > 0);
        let subs: Vec<Named> = subs.map(|(sub, minor)| self.named(sub, minor)).collect();
        let all = self.has.iter().sum();
        self.tongue.available(&subs, &self.money(all), &self.money(self.told.amount))
    }

    fn capped(&self, sub: SubId, ceiling: i64) -> String {
        let (amount, currency) = (self.told.amount, self.told.currency);
        let mut because = Vec::new();
        for cap in self.told.rule.caps.iter().filter(|cap| cap.sub == sub) {
            if let Some(least) = cap.minimum_order.map(|least| least.minor_down(currency))
                && amount < least
            {
                because.push(CapWords::MinimumOrder(self.money(least)));
            }
            if let Some(most) = cap.amount.map(|most| most.minor_down(currency)) {
                because.push(CapWords::Amount(self.money(most)));
            }
            if let Some(share) = cap.share {
                because.push(CapWords::Percent {
                    percent: percent(share),
                    of: self.money(amount),
                    exact: exact_part(share, amount, currency),
                    down: self.money(fentan_engine::money::share_down(share, amount)),
                });
            }
        }
        self.tongue.capped(&self.name(sub), &self.money(ceiling), &because)
    }

    fn lot_words(&self, lot: &Lot, pays: i64, left: i64) -> LotWords {
        let weights: Vec<i64> = lot.parts.iter().map(|part| part.weight).collect();
        let came: i64 = lot.parts.iter().map(|part| part.granted).sum();
        let share = self.together.map(|(minor, all)| (i128::from(minor) * i128::from(left), i128::from(all)));
        LotWords {
            lot: lot.id.to_string(),
            topped_up: lot.parts.iter().map(|part| self.named(part.sub, part.weight)).collect(),
            ratio: (weights.len() > 1).then(|| ratio(&weights)),
            came: (came != weights.iter().sum::<i64>()).then(|| self.money(came)),
            consumed: self.money(came - left),
            left: self.money(left),
            pays: self.money(pays),
            exact: share.map(|share| exact(share, self.told.currency)),
        }
    }

    fn split_words(&self, split: &Split) -> SplitWords {
        let whole = i128::from(split.first.weight) + i128::from(split.second.weight);
        let (numerator, denominator) = split.exact_target();
        let (first, second) = (self.group(&split.first.subs), self.group(&split.second.subs));
        let clamp = split.clamp().map(|clamp| match clamp {
            Clamp::OwnShare => ClampWords::OwnShare,
            Clamp::FirstRanOut => ClampWords::RanOut { group: first.clone(), left: self.money(split.first.left) },
            Clamp::SecondRanOut => ClampWords::RanOut { group: second.clone(), left: self.money(split.second.left) },
        });
        let (own, of) = split.exact();
        SplitWords {
            amount: self.money(split.minor),
            fraction: fraction(i128::from(split.first.weight), whole),
            exact: exact((own, of), self.told.currency),
            given: self.money(split.consumed() + split.minor),
            exact_target: exact((numerator, denominator), self.told.currency),
            target: self.money(split.target),
            stood: self.money(split.first.consumed),
            paid: self.money(split.paid),
            rest: self.money(split.rest()),
            whole: clamp.is_none() && own % of.max(1) == 0 && own / of.max(1) == i128::from(split.paid),
            clamp,
            first,
            second,
        }
    }

    fn share_words(&self, share: &Share) -> ShareWords {
        let (numerator, denominator) = share.exact();
        ShareWords {
            sub: self.name(share.sub),
            of: self.money(share.of),
            fraction: fraction(i128::from(share.weight), i128::from(share.whole)),
            exact: exact((numerator, denominator), self.told.currency),
            share: self.money(share.minor),
            whole: numerator == i128::from(share.minor) * denominator,
            phase: (share.phase > 0).then_some((share.phase, share.whole)),
        }
    }

    fn short(&mut self, payable: i64, given: &[(SubId, i64)]) {
        let (payable, amount) = (payable, self.told.amount);
        let missing = self.money(amount.saturating_sub(payable));
        self.say(self.tongue.short(&self.money(payable), &self.money(amount), &missing));
        for (sub, has) in (0_u8..).map(SubId).zip(self.has).filter(|(_, has)| *has > 0) {
            let gave = given.iter().find(|(of, _)| *of == sub).map_or(0, |(_, minor)| *minor);
            let named = self.named(sub, gave);
            let words = if gave == has {
                ShortWords::All(named)
            } else if gave >= self.ceilings[sub.index()] {
                ShortWords::Capped(named)
            } else {
                ShortWords::NotAsked { name: named.name, more: self.money(has - gave) }
            };
            self.say(self.tongue.short_sub(&words));
        }
        let spill = match &self.told.rule.spill {
            Spill::Reject => Vec::new(),
            Spill::Into(subs) => self.names(subs),
        };
        self.say(self.tongue.short_spill(&spill));
    }
}

/// A rule with its version: `by_lot@3`.
pub(crate) fn rule_version(rule: &Rule) -> String {
    format!("{}@{}", rule.name, rule.version)
}
