//! The steps of an allocation as data, and the words beside them (rule A7).
//!
//! Each step is an object with `op`. Amounts are decimal strings, exact shares fractions in lowest terms with
//! the decimal beside them, weights whole numbers.

use super::answer::sub_amounts;
use super::write::{amount, field, key, number, text};
use crate::words::figures::{exact, major_fraction, percent};
use crate::words::{self, rule_version};
use fentan_engine::accounts::SubId;
use fentan_engine::allocation::{Clamp, Draw, Group, LotOrder, Method, Share, Split, Step};
use fentan_engine::catalog::{Catalog, Chosen};
use fentan_engine::ledger::{Lang, Told};

/// Appends `,"steps":[…],"text":[…]`.
pub(super) fn steps_and_text(out: &mut Vec<u8>, told: &Told, lang: Lang, catalog: &Catalog) {
    steps(out, told, catalog);
    strings(out, "text", &words::tell(told, catalog, words::tongue(lang)));
}

/// Appends `,"name":["…",…]`.
pub(super) fn strings(out: &mut Vec<u8>, name: &str, values: &[String]) {
    key(out, name);
    list(out, values, |out, value| text(out, value));
}

/// Appends `,"steps":[…]`.
pub(super) fn steps(out: &mut Vec<u8>, told: &Told, catalog: &Catalog) {
    key(out, "steps");
    out.extend_from_slice(b"[{\"op\":\"rule\"");
    let writer = Writer { told, catalog };
    writer.rule(out);
    for step in &told.steps {
        out.extend_from_slice(b"},{\"op\":");
        text(out, op(step));
        writer.step(out, step);
    }
    out.extend_from_slice(b"}]");
}

const fn op(step: &Step) -> &'static str {
    match step {
        Step::Available { .. } => "available",
        Step::Capped { .. } => "capped",
        Step::Ineligible { .. } => "ineligible",
        Step::ProRata { .. } => "pro_rata",
        Step::LotPays { .. } => "lot_pays",
        Step::Split(_) => "split",
        Step::Cut(_) => "cut",
        Step::Share(_) => "share",
        Step::Wants { .. } => "wants",
        Step::Spilled { .. } => "spilled",
        Step::Drew(_) => "drew",
        Step::Short { .. } => "short",
    }
}

struct Writer<'a> {
    told: &'a Told,
    catalog: &'a Catalog,
}

impl Writer<'_> {
    fn rule(&self, out: &mut Vec<u8>) {
        let rule = &self.told.rule;
        field(out, "rule", rule_version(rule));
        let chosen = match self.told.chosen {
            Some(Chosen::Named) => "named",
            Some(Chosen::Selector(_)) => "selector",
            Some(Chosen::Product) => "product",
            None => "recorded",
        };
        field(out, "chosen", chosen);
        if let Some(selector) = &self.told.selector {
            field(out, "selector", selector.as_str());
        }
        let (method, order) = method(&rule.method);
        field(out, "method", method);
        field(out, "lots", lot_order(order));
        self.amount(out, "amount", self.told.amount);
    }

    fn step(&self, out: &mut Vec<u8>, step: &Step) {
        match step {
            Step::Available { sub, minor } | Step::Wants { sub, minor } | Step::Spilled { sub, minor } => {
                self.sub(out, *sub);
                self.amount(out, "amount", *minor);
            }
            Step::Capped { sub, ceiling } => {
                self.sub(out, *sub);
                self.amount(out, "at_most", *ceiling);
                self.caps(out, *sub);
            }
            Step::Ineligible { sub, most } => {
                self.sub(out, *sub);
                self.amount(out, "at_most", *most);
            }
            Step::ProRata { sub, minor, left } => {
                if let Some(sub) = sub {
                    self.sub(out, *sub);
                }
                self.amount(out, "amount", *minor);
                self.amount(out, "left", *left);
            }
            Step::LotPays { lot, minor, left } => self.lot_pays(out, *lot, *minor, *left),
            Step::Split(split) => self.split(out, split),
            Step::Cut(draw) | Step::Drew(draw) => self.draw(out, draw),
            Step::Share(share) => self.share(out, share),
            Step::Short { payable, given } => {
                self.amount(out, "payable", *payable);
                self.amount(out, "missing", self.told.amount - payable);
                key(out, "given");
                sub_amounts(out, given.iter().copied(), self.catalog, self.told.currency);
            }
        }
    }

    fn caps(&self, out: &mut Vec<u8>, sub: SubId) {
        for cap in self.told.rule.caps.iter().filter(|cap| cap.sub == sub) {
            if let Some(most) = cap.amount {
                field(out, "cap", most.to_string());
            }
            if let Some(share) = cap.share {
                field(out, "percent", percent(share));
            }
            if let Some(least) = cap.minimum_order {
                field(out, "minimum_order", least.to_string());
            }
        }
    }

    fn lot_pays(&self, out: &mut Vec<u8>, at: u32, minor: i64, left: i64) {
        self.lot(out, at);
        self.amount(out, "amount", minor);
        let Some(lot) = self.told.lots.get(&at) else { return };
        let came: i64 = lot.parts.iter().map(|part| part.granted).sum();
        self.amount(out, "consumed", came - left);
        self.amount(out, "left", left);
        key(out, "ratio");
        let weights = lot.parts.iter().map(|part| (part.sub, part.weight));
        sub_amounts(out, weights, self.catalog, self.told.currency);
    }

    fn split(&self, out: &mut Vec<u8>, split: &Split) {
        self.lot(out, split.lot);
        self.amount(out, "amount", split.minor);
        self.group(out, "first", &split.first, split.paid);
        self.group(out, "second", &split.second, split.rest());
        self.exact(out, "exact", split.exact());
        self.exact(out, "exact_target", split.exact_target());
        self.amount(out, "target", split.target);
        if let Some(clamp) = split.clamp() {
            let word = match clamp {
                Clamp::OwnShare => "own_share",
                Clamp::FirstRanOut => "first_ran_out",
                Clamp::SecondRanOut => "second_ran_out",
            };
            field(out, "clamp", word);
        }
    }

    fn group(&self, out: &mut Vec<u8>, name: &str, group: &Group, pays: i64) {
        key(out, name);
        out.extend_from_slice(b"{\"subs\":");
        list(out, &group.subs, |out, sub| text(out, self.catalog.sub_name(*sub)));
        self.amount(out, "weight", group.weight);
        self.amount(out, "consumed", group.consumed);
        self.amount(out, "left", group.left);
        self.amount(out, "pays", pays);
        out.push(b'}');
    }

    fn share(&self, out: &mut Vec<u8>, share: &Share) {
        self.sub(out, share.sub);
        self.amount(out, "of", share.of);
        number(out, "weight", share.weight.unsigned_abs());
        number(out, "weights", share.whole.unsigned_abs());
        if share.phase > 0 {
            number(out, "phase", share.phase.unsigned_abs());
        }
        self.exact(out, "exact", share.exact());
        self.amount(out, "amount", share.minor);
    }

    fn draw(&self, out: &mut Vec<u8>, draw: &Draw) {
        self.lot(out, draw.lot);
        self.sub(out, draw.sub);
        self.amount(out, "amount", draw.amount);
    }

    fn lot(&self, out: &mut Vec<u8>, at: u32) {
        if let Some(lot) = self.told.lots.get(&at) {
            field(out, "lot", lot.id.as_str());
        }
    }

    fn sub(&self, out: &mut Vec<u8>, sub: SubId) {
        field(out, "sub", self.catalog.sub_name(sub));
    }

    fn amount(&self, out: &mut Vec<u8>, name: &str, minor: i64) {
        amount(out, name, i128::from(minor), self.told.currency);
    }

    /// A fraction, and the same as a decimal.
    fn exact(&self, out: &mut Vec<u8>, name: &str, parts: (i128, i128)) {
        field(out, name, major_fraction(parts, self.told.currency));
        field(out, &format!("{name}_decimal"), exact(parts, self.told.currency));
    }
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut item: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (n, each) in items.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        item(out, each);
    }
    out.push(b']');
}

/// A method's and an order's words on the wire.
const fn method(method: &Method) -> (&'static str, LotOrder) {
    match method {
        Method::LotRatio { order } => ("lot_ratio", *order),
        Method::CurrentRatio { order } => ("current_ratio", *order),
        Method::Ordered { order, .. } => ("ordered", *order),
        Method::FixedRatio { order, .. } => ("fixed_ratio", *order),
        Method::FixedAmount { order, .. } => ("fixed_amount", *order),
    }
}

/// A lot order's word on the wire.
pub(super) const fn lot_order(order: LotOrder) -> &'static str {
    match order {
        LotOrder::Fifo => "fifo",
        LotOrder::Lifo => "lifo",
        LotOrder::ExpiringFirst => "expiring_first",
        LotOrder::LargestFirst => "largest_first",
        LotOrder::ProRata => "pro_rata",
    }
}
