//! Selectors, against a naive reading of the same table: every selector that fits is looked at, and every
//! pair compared.

use crate::{base, catalog, check, label};
use fentan_engine::catalog::{Catalog, Chosen};
use fentan_engine::names::{AccountId, Label};
use proptest::prelude::*;

/// A selector as a row: each key is a number, the rule a letter.
#[derive(Debug, Clone)]
struct Row {
    product: Option<u8>,
    merchant: Option<u8>,
    category: Option<u8>,
    tag: Option<u8>,
    window: (Option<i64>, Option<i64>),
    priority: i8,
    rule: u8,
}

#[derive(Debug, Clone)]
struct Ask {
    product: u8,
    merchant: u8,
    tags: Vec<u8>,
    now: i64,
}

const RULES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Merchants 0 to 4: a category each (4 has none), and a tag for the even ones.
const CATEGORIES: [Option<u8>; 5] = [Some(0), Some(0), Some(1), Some(1), None];

fn category(merchant: u8) -> Option<u8> {
    CATEGORIES[usize::from(merchant)]
}

fn merchant_tag(merchant: u8) -> Option<u8> {
    merchant.is_multiple_of(2).then_some(merchant / 2)
}

fn moment(day: i64) -> String {
    format!("2026-01-{:02}T00:00:00Z", day + 1)
}

fn at(day: i64) -> i64 {
    1_767_225_600_000_000 + day * 86_400_000_000
}

fn text(rows: &[Row]) -> String {
    let mut text = base();
    text += "[[product]]\nname = \"other\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"plain\"\n";
    for merchant in 0..5_u8 {
        text += &format!("[[merchant]]\naccount = \"m{merchant}\"\n");
        if let Some(category) = category(merchant) {
            text += &format!("category = \"c{category}\"\n");
        }
        text += &match merchant_tag(merchant) {
            Some(tag) => format!("tags = [\"t{tag}\"]\n"),
            None => "tags = [\"unused\"]\n".into(),
        };
    }
    for (number, row) in rows.iter().enumerate() {
        text += &format!(
            "[[choose]]\nname = \"{number}\"\nrule = \"{}\"\npriority = {}\n",
            RULES[usize::from(row.rule)],
            row.priority
        );
        let product = row.product.map(|product| ["card", "other"][usize::from(product)].to_owned());
        for (key, value) in [
            ("product", product),
            ("merchant", row.merchant.map(|n| format!("m{n}"))),
            ("category", row.category.map(|n| format!("c{n}"))),
            ("tag", row.tag.map(|n| format!("t{n}"))),
            ("effective_from", row.window.0.map(moment)),
            ("effective_until", row.window.1.map(moment)),
        ] {
            if let Some(value) = value {
                text += &format!("{key} = \"{value}\"\n");
            }
        }
    }
    text
}

fn keys(row: &Row) -> [Option<u8>; 4] {
    [row.product, row.merchant, row.category, row.tag]
}

fn more_specific(a: &Row, b: &Row) -> bool {
    let (a, b) = (keys(a), keys(b));
    let covers = a.iter().zip(&b).all(|(a, b)| b.is_none() || a == b);
    covers && a.iter().flatten().count() > b.iter().flatten().count()
}

fn fits(row: &Row, ask: &Ask) -> bool {
    let tags = || ask.tags.iter().copied().chain(merchant_tag(ask.merchant));
    row.product.is_none_or(|product| product == ask.product)
        && row.merchant.is_none_or(|merchant| merchant == ask.merchant)
        && row.category.is_none_or(|wanted| category(ask.merchant) == Some(wanted))
        && row.tag.is_none_or(|tag| tags().any(|other| other == tag))
        && row.window.0.is_none_or(|from| from <= ask.now)
        && row.window.1.is_none_or(|until| ask.now < until)
}

/// Every spend of a small world: what can be told apart can be told apart by one of these.
fn every_ask() -> Vec<Ask> {
    let mut asks = Vec::new();
    for product in 0..2 {
        for merchant in 0..5 {
            for tags in 0..8_u8 {
                for now in -1..6 {
                    let tags = (0..3).filter(|tag| tags >> tag & 1 == 1).collect();
                    asks.push(Ask { product, merchant, tags, now });
                }
            }
        }
    }
    asks
}

/// The rows that win a spend: more than one is an ambiguity.
fn winners(rows: &[Row], ask: &Ask) -> Vec<usize> {
    let fitting: Vec<usize> = (0..rows.len()).filter(|n| fits(&rows[*n], ask)).collect();
    let unbeaten = |n: &&usize| !fitting.iter().any(|other| more_specific(&rows[*other], &rows[**n]));
    let left: Vec<usize> = fitting.iter().filter(unbeaten).copied().collect();
    let best = left.iter().map(|n| rows[*n].priority).max();
    left.into_iter().filter(|n| Some(rows[*n].priority) == best).collect()
}

/// Whether some spend fits two rows between which nothing decides.
fn undecided(rows: &[Row], asks: &[Ask]) -> bool {
    let mut pairs = (0..rows.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
    pairs.any(|(a, b)| {
        let (a, b) = (&rows[a], &rows[b]);
        a.priority == b.priority
            && !more_specific(a, b)
            && !more_specific(b, a)
            && asks.iter().any(|ask| fits(a, ask) && fits(b, ask))
    })
}

fn chosen(catalog: &Catalog, ask: &Ask) -> (String, Chosen) {
    let merchant = AccountId::new(&format!("m{}", ask.merchant)).unwrap();
    let tags: Vec<Label> = ask.tags.iter().map(|tag| label(&format!("t{tag}"))).collect();
    let product = catalog.product(&label(["card", "other"][usize::from(ask.product)]));
    let occasion = catalog.occasion(Some(&merchant), &tags);
    let (rule, why) = catalog.choose(product, None, &occasion, at(ask.now)).unwrap();
    (rule.name.to_string(), why)
}

fn row() -> impl Strategy<Value = Row> {
    let some = |most: u8| proptest::option::weighted(0.4, 0..most);
    let day = || proptest::option::weighted(0.3, 0..5_i64);
    let keys = (some(2), some(5), some(2), some(3));
    (keys, day(), day(), -1..3_i8, 0..5_u8).prop_map(
        |((product, merchant, category_key, tag), from, until, priority, rule)| {
            // What could never fit is refused for itself, and is another test's matter.
            let category_key = category_key.filter(|wanted| merchant.is_none_or(|m| category(m) == Some(*wanted)));
            let until = until.filter(|until| from.is_none_or(|from| from < *until));
            Row { product, merchant, category: category_key, tag, window: (from, until), priority, rule }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A table is accepted exactly when no spend leaves two of its selectors undecided, and then every spend
    /// gets the rule of the one that wins.
    #[test]
    fn a6_selectors_choose_as_a_naive_reading_does(rows in proptest::collection::vec(row(), 1..6)) {
        let asks = every_ask();
        let checked = check(&text(&rows));
        prop_assert_eq!(checked.catalog.is_err(), undecided(&rows, &asks), "{}", text(&rows));
        let Ok(catalog) = checked.catalog else { return Ok(()) };
        for ask in &asks {
            let winners = winners(&rows, ask);
            prop_assert!(winners.len() < 2);
            let expected = match winners.first() {
                Some(number) => (RULES[usize::from(rows[*number].rule)].to_owned(), Chosen::Selector(u32::try_from(*number).unwrap())),
                None => ("plain".to_owned(), Chosen::Product),
            };
            prop_assert_eq!(chosen(&catalog, ask), expected, "{:?}\n{}", ask, text(&rows));
        }
    }
}

#[test]
fn a6_two_selectors_that_nothing_decides_between_are_refused_and_both_are_named() {
    let select = |name: &str, keys: &str| format!("[[choose]]\nname = \"{name}\"\nrule = \"a\"\n{keys}\n");
    let merchant = "[[merchant]]\naccount = \"m\"\ncategory = \"food\"\n";
    let undecided = [
        ("", ""),
        ("merchant = \"m\"", "merchant = \"m\""),
        // Neither names all that the other names.
        ("merchant = \"m\"", "category = \"food\""),
        ("category = \"food\"", "tag = \"x\""),
        // A spend may carry both tags.
        ("tag = \"x\"", "tag = \"y\""),
        ("merchant = \"m\"\ntag = \"x\"", "merchant = \"m\"\ntag = \"y\""),
        ("effective_until = \"2027-01-02T00:00:00Z\"", "effective_from = \"2027-01-01T00:00:00Z\""),
    ];
    for (first, second) in undecided {
        let text = |more: &str| {
            format!("{}{merchant}{}{}", base(), select("one", first), select("two", &format!("{second}\n{more}")))
        };
        let errors = check(&text("")).catalog.unwrap_err().to_string();
        assert!(errors.starts_with("choose \"two\": and \"one\" can both fit one spend"), "{first} {second}: {errors}");
        catalog(&text("priority = 1"));
    }
    let decided = [
        ("merchant = \"m\"", "merchant = \"n\""),
        ("category = \"food\"", "category = \"fun\""),
        // The merchant's category is another one.
        ("merchant = \"m\"", "category = \"fun\""),
        ("merchant = \"unnamed\"", "category = \"food\""),
        ("tag = \"x\"", "tag = \"x\"\nmerchant = \"m\""),
        ("", "product = \"card\""),
        ("effective_until = \"2027-01-01T00:00:00Z\"", "effective_from = \"2027-01-01T00:00:00Z\""),
    ];
    for (first, second) in decided {
        catalog(&format!("{}{merchant}{}{}", base(), select("one", first), select("two", second)));
    }
}

/// A look-up, not a scan: the time of a choice does not grow with the merchants. Counted, not timed: the
/// right one of many is found, also for a merchant that none names.
#[test]
fn a6_one_of_thousands_of_merchants_is_found() {
    let mut text = base();
    for merchant in 0..3_000 {
        let rule = RULES[merchant % 5];
        text += &format!("[[choose]]\nname = \"s{merchant}\"\nmerchant = \"m{merchant}\"\nrule = \"{rule}\"\n");
    }
    text += "[[choose]]\nname = \"all\"\nrule = \"plain\"\n";
    let catalog = catalog(&text);
    for (merchant, expected) in [("m0", "a"), ("m1777", "c"), ("m2999", "e"), ("m3000", "plain")] {
        let merchant = AccountId::new(merchant).unwrap();
        let occasion = catalog.occasion(Some(&merchant), &[]);
        let (rule, _) = catalog.choose(catalog.default_product(), None, &occasion, 0).unwrap();
        assert_eq!(rule.name.as_str(), expected);
    }
}
