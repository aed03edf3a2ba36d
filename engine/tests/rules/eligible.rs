//! What a sub-balance may pay for (A2).

use crate::{base, catalog, label};
use fentan_engine::accounts::{Funding, Lot, NEVER, Part, SubId};
use fentan_engine::allocation::{Occasion, Purse, Rule, Step, allocate, allocate_explained};
use fentan_engine::catalog::Catalog;
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};

const MERCHANTS: &str = "[[merchant]]\naccount = \"grocer\"\ncategory = \"food\"\ntags = [\"partner\"]\n[[merchant]]\naccount = \"bar\"\ncategory = \"drink\"\n";

fn with(rule: &str) -> Catalog {
    catalog(&format!("{}{MERCHANTS}[[rule]]\nname = \"r\"\nversion = 1\n{rule}", base()))
}

fn rule(catalog: &Catalog) -> &Rule {
    catalog.rule_version(&label("r"), 1).unwrap()
}

fn bonus_may_pay(catalog: &Catalog, merchant: Option<&str>, tags: &[&str], line: Option<&str>) -> bool {
    let merchant = merchant.map(|name| AccountId::new(name).unwrap());
    let tags: Vec<Label> = tags.iter().map(|tag| label(tag)).collect();
    let line = line.map(label);
    let allowed = rule(catalog).allowed(&catalog.occasion(merchant.as_ref(), &tags), line.as_ref());
    assert_eq!(allowed | 2, u8::MAX, "only bonus is bound");
    allowed & 2 != 0
}

#[test]
fn a2_merchants_categories_and_tags_say_what_a_sub_balance_may_pay_for() {
    type Case<'c> = (Option<&'c str>, &'c [&'c str], Option<&'c str>, bool);
    let grocer = Some("grocer");
    let table: [(&str, &[Case<'_>]); 7] = [
        (
            "merchants = [\"grocer\"]",
            &[(grocer, &[], None, true), (Some("bar"), &[], None, false), (None, &[], None, false)],
        ),
        (
            "categories = [\"food\"]",
            &[
                (grocer, &[], None, true),
                (Some("bar"), &[], None, false),
                (Some("unnamed"), &[], None, false),
                // An order line's own category counts instead of its merchant's.
                (grocer, &[], Some("drink"), false),
                (Some("bar"), &[], Some("food"), true),
                (Some("unnamed"), &[], Some("food"), true),
            ],
        ),
        (
            "tags = [\"partner\", \"lunch\"]",
            &[(grocer, &[], None, true), (Some("bar"), &[], None, false), (Some("bar"), &["x", "lunch"], None, true)],
        ),
        // Any of what is named suffices.
        (
            "merchants = [\"bar\"]\ntags = [\"lunch\"]",
            &[(Some("bar"), &[], None, true), (grocer, &["lunch"], None, true), (grocer, &[], None, false)],
        ),
        (
            "not_categories = [\"drink\"]",
            &[(Some("bar"), &[], None, false), (grocer, &[], None, true), (None, &[], None, true)],
        ),
        (
            "categories = [\"food\"]\nnot_tags = [\"partner\"]",
            &[(grocer, &[], None, false), (Some("bar"), &[], Some("food"), true)],
        ),
        // Two entries both have to permit.
        (
            "not_merchants = [\"bar\"]\n[[rule.eligible]]\nsub_balance = \"bonus\"\ntags = [\"lunch\"]",
            &[(grocer, &[], None, false), (grocer, &["lunch"], None, true), (Some("bar"), &["lunch"], None, false)],
        ),
    ];
    for (keys, cases) in table {
        let catalog = with(&format!("method = \"lot_ratio\"\n[[rule.eligible]]\nsub_balance = \"bonus\"\n{keys}\n"));
        for (merchant, tags, line, may) in cases {
            assert_eq!(bonus_may_pay(&catalog, *merchant, tags, *line), *may, "{keys}: {merchant:?} {tags:?} {line:?}");
        }
    }
}

fn lot(principal: i64, bonus: i64) -> Lot {
    let part = |sub, left| Part { sub, weight: left, granted: left, left, expires_at: NEVER };
    let parts = [part(SubId::PRINCIPAL, principal), part(SubId::BONUS, bonus)];
    Lot {
        id: CommandId::internal("t"),
        parts: parts.into_iter().collect(),
        funding: Funding::Unknown,
        reconciled: false,
    }
}

/// Principal and bonus of a spend by a rule whose bonus may pay for at most `most`.
fn split(rule: &Rule, most: i64, amount: i64) -> Result<(i64, i64), i64> {
    let lots = [lot(10_000, 18_000)];
    let mut bounds = [i64::MAX; 8];
    bounds[1] = most;
    let purse = Purse { lots: &lots, first_live: 0, currency: Currency::CNY, phase: 0, most: Some(&bounds) };
    let (told, steps) = allocate_explained(rule, purse, amount);
    let quiet = allocate(rule, purse, amount);
    assert_eq!(quiet, told);
    let bound = steps.contains(&Step::Ineligible { sub: SubId::BONUS, most });
    assert_eq!(bound, most < 18_000 && most < amount, "{steps:?}");
    let sum = |draws: &[fentan_engine::allocation::Draw], sub| {
        draws.iter().filter(|draw| draw.sub == sub).map(|draw| draw.amount).sum::<i64>()
    };
    told.map(|done| (sum(&done.draws, SubId::PRINCIPAL), sum(&done.draws, SubId::BONUS)))
        .map_err(|shortfall| shortfall.payable)
}

#[test]
fn a2_every_method_keeps_to_what_a_sub_balance_may_pay_for() {
    let methods = [
        "method = \"lot_ratio\"",
        "method = \"lot_ratio\"\nlots = \"pro_rata\"",
        "method = \"current_ratio\"",
        "method = \"ordered\"\norder = [\"bonus\", \"principal\"]",
        "method = \"ordered\"\norder = [\"principal\", \"bonus\"]",
        "method = \"fixed_ratio\"\nweights = { principal = 1, bonus = 1 }",
        "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"50.00\"\nothers = [\"principal\"]",
    ];
    for method in methods {
        let catalog = with(&format!("{method}\nspill = [\"principal\", \"bonus\"]\n"));
        let rule = rule(&catalog);
        for amount in [1, 99, 4_000, 9_999, 10_000] {
            for most in [0, 1, 50, 3_000, amount, 30_000] {
                let (principal, bonus) = split(rule, most, amount).unwrap();
                assert!(bonus <= most && principal + bonus == amount, "{method} {amount} {most}: {principal} {bonus}");
            }
        }
        assert_eq!(split(rule, 0, 10_001), Err(10_000), "{method}");
        assert_eq!(split(rule, 700, 10_701), Err(10_700), "{method}");
    }
}

#[test]
fn a2_without_spill_what_is_not_allowed_rejects() {
    let catalog = with("method = \"lot_ratio\"\n");
    assert_eq!(split(rule(&catalog), 0, 2_800), Err(1_000));
    assert_eq!(split(rule(&catalog), 1_800, 2_800), Ok((1_000, 1_800)));
}

#[test]
fn a2_of_an_order_a_sub_balance_pays_for_the_lines_it_may_pay_for() {
    let catalog = with("method = \"lot_ratio\"\n[[rule.eligible]]\nsub_balance = \"bonus\"\ncategories = [\"food\"]\n");
    let grocer = AccountId::new("grocer").unwrap();
    let occasion = catalog.occasion(Some(&grocer), &[]);
    let (food, drink) = (label("food"), label("drink"));
    let lines = [(500, Some(&food)), (300, Some(&drink)), (200, None)];
    let most = rule(&catalog).most_of_lines(&occasion, lines).unwrap();
    assert_eq!((most[0], most[1]), (1_000, 700), "a line without a category has its merchant's");
    let elsewhere = rule(&catalog).most_of_lines(&Occasion::default(), lines).unwrap();
    assert_eq!((elsewhere[0], elsewhere[1]), (1_000, 500));
    let huge = [(i64::MAX, Some(&food)), (i64::MAX, Some(&food))];
    assert_eq!(rule(&catalog).most_of_lines(&occasion, huge).unwrap()[1], i64::MAX);
    assert_eq!(catalog.default_product().rule.in_force_or_first(0).most(&occasion), None, "nothing is bound");
    assert_eq!(rule(&catalog).most(&occasion).unwrap(), [i64::MAX; 8]);
    assert_eq!(rule(&catalog).most(&Occasion::default()).unwrap()[1], 0);
}
