//! English.

use super::{
    CapWords, Capture, ClampWords, LotWords, MethodWords, Named, RuleWhy, ShareWords, ShortWords, SpendStory,
    SplitWords, Tongue,
};
use fentan_engine::allocation::LotOrder;

/// The sentences in English.
pub(super) struct English;

/// The same with a capital letter, for the begin of a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const fn order_words(order: LotOrder) -> &'static str {
    match order {
        LotOrder::Fifo => "the oldest lot first",
        LotOrder::Lifo => "the newest lot first",
        LotOrder::ExpiringFirst => "the lot that expires soonest first",
        LotOrder::LargestFirst => "the lot with most left first",
        LotOrder::ProRata => "all lots together, in proportion to what is left of them",
    }
}

impl English {
    fn method(&self, method: &MethodWords) -> String {
        match method {
            MethodWords::LotRatio => "each lot pays by the ratio of its own top-up".into(),
            MethodWords::CurrentRatio => "the sub-balances pay in the ratio of what they hold at this moment".into(),
            MethodWords::Ordered(subs) => match subs.split_first() {
                Some((first, rest)) if !rest.is_empty() => format!("{first} pays first, then {}", rest.join(", then ")),
                _ => format!("{} pays", subs.join("")),
            },
            MethodWords::FixedRatio(weights) => {
                let weights: Vec<String> = weights.iter().map(|(name, weight)| format!("{name} {weight}")).collect();
                format!("the sub-balances pay in the fixed ratio {}", weights.join(" : "))
            }
            MethodWords::FixedAmount { sub, at_most, for_every, others } => {
                let per = for_every.as_ref().map_or_else(
                    || "a spend".to_owned(),
                    |every| format!("for every {every} of the spend, whole ones only"),
                );
                format!("{sub} pays at most {at_most} {per}; the rest comes from {}", self.list(others))
            }
        }
    }

    fn lines(&self, lines: &[Named]) -> String {
        let lines: Vec<String> = lines.iter().map(|line| self.named(line)).collect();
        self.list(&lines)
    }

    fn because(because: &CapWords) -> String {
        match because {
            CapWords::Amount(most) => format!("the rule caps it at {most}"),
            CapWords::Percent { percent, of, exact, down } if exact == down => {
                format!("the rule caps it at {percent}% of the spend, and {percent}% of {of} is {down}")
            }
            CapWords::Percent { percent, of, exact, down } => {
                format!(
                    "the rule caps it at {percent}% of the spend, and {percent}% of {of} is {exact}, rounded down {down}"
                )
            }
            CapWords::MinimumOrder(least) => format!("it pays only for spends of at least {least}"),
        }
    }
}

impl Tongue for English {
    fn sub(&self, name: &str) -> String {
        name.to_owned()
    }

    fn list(&self, items: &[String]) -> String {
        match items {
            [] => "nothing".into(),
            [one] => one.clone(),
            [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
        }
    }

    fn named(&self, named: &Named) -> String {
        match &named.lot {
            None => format!("{} {}", named.name, named.amount),
            Some(lot) => format!("{} {} of lot {lot}", named.name, named.amount),
        }
    }

    fn rule(&self, rule: &str, why: &RuleWhy, method: &MethodWords, order: LotOrder) -> String {
        let why = match why {
            RuleWhy::Named => "named by the spend".to_owned(),
            RuleWhy::Selector(selector) => format!("chosen by the selector {selector}"),
            RuleWhy::Product(product) => format!("the own rule of the product {product}"),
            RuleWhy::Recorded => "as the record says; today another one would be taken".to_owned(),
        };
        format!("Rule {rule}, {why}: {}; {}.", self.method(method), order_words(order))
    }

    fn available(&self, subs: &[Named], all: &str, amount: &str) -> String {
        match subs {
            [] => format!("The wallet has nothing to spend; {amount} is to be paid."),
            [one] => format!("The wallet has {}; {amount} is to be paid.", self.named(one)),
            subs => {
                let subs: Vec<String> = subs.iter().map(|sub| self.named(sub)).collect();
                format!("The wallet has {}, {all} in all; {amount} is to be paid.", self.list(&subs))
            }
        }
    }

    fn capped(&self, sub: &str, at_most: &str, because: &[CapWords]) -> String {
        let because: Vec<String> = because.iter().map(Self::because).collect();
        let why = if because.is_empty() { String::new() } else { format!(": {}", because.join("; ")) };
        format!("{} may give at most {at_most} to this spend{why}.", capital(sub))
    }

    fn ineligible(&self, sub: &str, most: Option<&str>) -> String {
        let sub = capital(sub);
        most.map_or_else(
            || format!("{sub} may not pay for this."),
            |most| format!("{sub} may pay for at most {most} of this."),
        )
    }

    fn below_minimum(&self, least: &str) -> String {
        format!("But the rule divides only spends of at least {least}, so nothing is paid.")
    }

    fn pro_rata(&self, sub: Option<&str>, amount: &str, left: &str) -> String {
        let of = sub.map_or_else(String::new, |sub| format!(" of {sub}"));
        format!(
            "All lots pay {amount}{of} together, in proportion to what each has left{of}; together they have {left}."
        )
    }

    fn lot_pays(&self, lot: &LotWords) -> String {
        let LotWords { lot: id, topped_up, ratio, came, consumed, left, pays, exact } = lot;
        let topped_up: Vec<String> = topped_up.iter().map(|part| self.named(part)).collect();
        let ratio = ratio.as_ref().map_or_else(String::new, |ratio| format!(", ratio {ratio}"));
        let came = came.as_ref().map_or_else(String::new, |came| format!(", of which {came} came into this wallet"));
        let exact = exact.as_ref().map_or_else(String::new, |exact| format!(" (exact share {exact})"));
        format!(
            "Lot {id}, topped up with {}{ratio}{came}: consumed so far {consumed}, left {left}. It pays {pays}{exact}.",
            topped_up.join(" + ")
        )
    }

    fn split(&self, split: &SplitWords) -> String {
        let SplitWords {
            first, second, amount, fraction, exact, given, exact_target, target, stood, paid, rest, ..
        } = split;
        if split.whole {
            return format!(
                "Exact share of {first}: {amount} × {fraction} = {exact}. Nothing is rounded: {first} gives {paid}, {second} {rest}."
            );
        }
        let ideal = format!(
            "Exact share of {first}: {amount} × {fraction} = {exact}. With this spend the lot has given {given}; {first}'s exact \
             part of that is {exact_target}, rounded {target}. It had given {stood}"
        );
        match &split.clamp {
            None => format!("{ideal}, so {first} gives {paid} and {second} the rest, {rest}."),
            Some(ClampWords::OwnShare) => format!(
                "{ideal}: the lot is out of its ratio. One spend does not make up for earlier ones, so {first} gives its own \
                 share, rounded towards the ratio, {paid}, and {second} the rest, {rest}."
            ),
            Some(ClampWords::RanOut { group, left }) => {
                format!("{ideal}. But {group} has only {left} left in the lot: {first} gives {paid}, {second} {rest}.")
            }
        }
    }

    fn cut(&self, sub: &str, lot: &str, amount: &str) -> String {
        format!("The bound on {sub} takes {amount} of it back from lot {lot}; that stays open.")
    }

    fn share(&self, share: &ShareWords) -> String {
        let ShareWords { sub, of, fraction, exact, share: rounded, whole, phase } = share;
        let ideal = format!("Exact share of {sub}: {of} × {fraction} = {exact}");
        let phase = phase.map_or_else(String::new, |(at, of)| {
            format!(
                " (the rule goes on where earlier spends stopped, at unit {at} of {of}, so that rounding never adds up)"
            )
        });
        if *whole { format!("{ideal}.") } else { format!("{ideal}, rounded {rounded}{phase}.") }
    }

    fn wants(&self, sub: &str, amount: &str, all: bool, open: Option<&str>) -> String {
        let all = if all { ", all it can" } else { "" };
        let open = open.map_or_else(|| "nothing stays open".to_owned(), |open| format!("{open} stays open"));
        format!("{} gives {amount}{all}; {open}.", capital(sub))
    }

    fn spilled(&self, sub: &str, amount: &str) -> String {
        format!("{} fills {amount} of what stayed open.", capital(sub))
    }

    fn result(&self, lines: &[Named], sum: &str) -> String {
        format!("Result: {}; together {sum}.", self.lines(lines))
    }

    fn short(&self, payable: &str, amount: &str, missing: &str) -> String {
        format!("The rule finds only {payable} of {amount}: {missing} is missing, so nothing is paid.")
    }

    fn short_sub(&self, short: &ShortWords) -> String {
        match short {
            ShortWords::All(named) => format!("{} would give all it has, {}.", capital(&named.name), named.amount),
            ShortWords::Capped(named) => format!("{} would give all it may, {}.", capital(&named.name), named.amount),
            ShortWords::NotAsked { name, more } => {
                format!("{} has {more} more, but the rule does not take it for this.", capital(name))
            }
        }
    }

    fn short_spill(&self, spill: &[String]) -> String {
        if spill.is_empty() {
            "By the rule no sub-balance fills what another cannot give (spill: reject).".into()
        } else {
            format!("What one cannot give is filled by {}; they have no more to give.", spill.join(", then "))
        }
    }

    fn spent(&self, story: &SpendStory) -> String {
        let SpendStory { spend, account, merchant, amount, currency, order, at } = story;
        let order = order.as_ref().map_or_else(String::new, |order| format!(" for order {order}"));
        format!("Spend {spend}: {account} paid {merchant} {amount} {currency}{order} at {at}.")
    }

    fn captured(&self, capture: &Capture) -> String {
        let Capture { hold, held, at, released, captured, to } = capture;
        format!(
            "It was captured from hold {hold}, which set {held} aside at {at} and fixed the lines. {released} of the hold had been \
             released before; the capture pays {captured}, from {released} to {to} of it, in proportion to its lines."
        )
    }

    fn asked_by(&self, token: &str) -> String {
        format!("It was asked for with the token {token}.")
    }

    fn refunded(&self, refunded: Option<(&str, &str)>) -> String {
        refunded.map_or_else(
            || "Nothing of it has been refunded.".to_owned(),
            |(back, left)| format!("Refunds have given back {back} so far, by these lines; {left} is left of it."),
        )
    }

    fn recorded(&self, rule: Option<&str>, lines: &[Named]) -> String {
        let rule = rule.map_or_else(String::new, |rule| format!(" under {rule}"));
        format!("Recorded{rule}: {}.", self.lines(lines))
    }

    fn rebuilt(&self, records: u64, hold: bool) -> String {
        let records = if records == 1 { "1 record".to_owned() } else { format!("{records} records") };
        let before = if hold { "just before the hold" } else { "just before" };
        format!("The wallet {before}, made again from {records} of its account, and the rule as it was, give:")
    }

    fn agrees(&self, agrees: bool, now: &[Named]) -> String {
        if agrees {
            "The record and the rule agree.".into()
        } else if now.is_empty() {
            "The record and the rule do NOT agree: the rule finds too little in the wallet.".into()
        } else {
            format!("The record and the rule do NOT agree: the rule gives {}.", self.lines(now))
        }
    }

    fn rule_gone(&self, rule: &str) -> String {
        format!(
            "The steps cannot be told: the rules in force no longer have {rule}. The recorded lines are what counts."
        )
    }

    fn no_wallet(&self) -> String {
        "The steps cannot be told: the account's earlier records do not make its wallet. The recorded lines are what counts."
            .into()
    }

    fn too_far(&self, limit: u64) -> String {
        format!(
            "The steps cannot be told here: the journal would be read from its first record, and this server reads at most \
             {limit} records for an explanation (explain_records). `fentan explain` reads all of them."
        )
    }

    fn trimmed(&self, first: u64) -> String {
        format!("The steps cannot be told: the journal begins at record {first}, the earlier ones are no longer there.")
    }
}
