//! A6: a bad file is refused, and says which entry and why.

use crate::model::check::a1;
use crate::model::engine::{CATALOG, engine_allocate_with};
use crate::model::purse::MLot;
use crate::model::rule::{MMethod, MRule};
use fentan_engine::catalog::{Catalog, CatalogSpec};

/// The entry and the message, or `None` when the catalog is accepted.
fn refused(text: &str) -> Option<(String, String)> {
    let spec: CatalogSpec = match toml::from_str(text) {
        Ok(spec) => spec,
        Err(error) => return Some(("toml".into(), error.to_string())),
    };
    let errors = Catalog::from_spec(&spec).err()?;
    Some((errors.0[0].entry().to_owned(), errors.to_string()))
}

/// Each addition to the good catalog is refused, names the entry and says the words.
#[track_caller]
fn check(table: &[(&str, &str, &str)]) {
    for (addition, entry, words) in table {
        let Some((named, said)) = refused(&format!("{CATALOG}\n{addition}")) else { panic!("accepted: {addition}") };
        assert!(said.contains(words), "{addition}\nsays {said:?}, not {words:?}");
        assert_eq!(named, *entry, "{addition}");
    }
}

/// Each body of a rule `r` is refused with these words.
#[track_caller]
fn check_rules(table: &[(&str, &str)]) {
    for (body, words) in table {
        check(&[(&format!("[[rule]]\nname = \"r\"\nversion = 1\n{body}"), "r", words)]);
    }
}

#[test]
fn the_good_catalog_is_accepted() {
    assert_eq!(refused(CATALOG), None);
}

#[test]
fn methods_and_the_keys_they_need() {
    check_rules(&[
        (
            "method = \"by_feeling\"",
            "lot_ratio, current_ratio, ordered, fixed_ratio or fixed_amount, not \"by_feeling\"",
        ),
        ("method = \"ordered\"", "order: is missing"),
        ("method = \"ordered\"\norder = []", "order: needs at least one sub-balance"),
        (
            "method = \"ordered\"\norder = [\"principal\", \"gold\"]",
            "there is no sub-balance \"gold\"; there are bonus, principal",
        ),
        ("method = \"ordered\"\norder = [\"bonus\", \"bonus\"]", "names bonus twice"),
        ("method = \"fixed_ratio\"", "weights: is missing"),
        ("method = \"fixed_ratio\"\nweights = {}", "weights: needs at least one sub-balance"),
        ("method = \"fixed_ratio\"\nweights = { principal = 0 }", "principal is from 1 to 1,000,000,000, not 0"),
        ("method = \"fixed_ratio\"\nweights = { principal = -1 }", "principal is from 1 to 1,000,000,000, not -1"),
        ("method = \"fixed_ratio\"\nweights = { principal = 1000000001 }", "not 1000000001"),
        ("method = \"fixed_ratio\"\nweights = { gold = 1 }", "weights: there is no sub-balance \"gold\""),
        ("method = \"fixed_amount\"", "sub_balance: is missing"),
        ("method = \"fixed_amount\"\nsub_balance = \"bonus\"", "at_most: is missing"),
        ("method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"5\"", "others: is missing"),
        (
            "method = \"fixed_amount\"\nsub_balance = \"gold\"\nat_most = \"5\"\nothers = [\"principal\"]",
            "sub_balance: there is no",
        ),
        (
            "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"-5\"\nothers = [\"principal\"]",
            "at_most: \"-5\": an amount",
        ),
        (
            "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"5\"\nfor_every = \"x\"\nothers = [\"principal\"]",
            "for_every: \"x\": an amount",
        ),
        (
            "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"5\"\nothers = [\"gold\"]",
            "others: there is no",
        ),
    ]);
}

/// A key that the method does not read would be a promise that is not kept.
#[test]
fn keys_of_another_method() {
    check_rules(&[
        (
            "method = \"lot_ratio\"\norder = [\"bonus\"]",
            "order: belongs to the method ordered, this rule's is lot_ratio",
        ),
        ("method = \"lot_ratio\"\nweights = { bonus = 1 }", "weights: belongs to the method fixed_ratio"),
        ("method = \"current_ratio\"\nsub_balance = \"bonus\"", "sub_balance: belongs to the method fixed_amount"),
        ("method = \"current_ratio\"\nat_most = \"5\"", "at_most: belongs to the method fixed_amount"),
        ("method = \"current_ratio\"\nfor_every = \"5\"", "for_every: belongs to the method fixed_amount"),
        ("method = \"current_ratio\"\nothers = [\"bonus\"]", "others: belongs to the method fixed_amount"),
    ]);
    check(&[
        ("[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\ncolour = 1", "toml", "unknown field `colour`"),
        (
            "[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\nlots = \"oldest\"",
            "toml",
            "unknown variant `oldest`",
        ),
        ("[[rule]]\nname = \"r\"\nmethod = \"lot_ratio\"", "toml", "missing field `version`"),
        (
            "[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", share = 1 }]",
            "toml",
            "unknown field `share`",
        ),
    ]);
}

#[test]
fn caps_and_spill() {
    check_rules(&[
        ("method = \"lot_ratio\"\nspill = \"maybe\"", "spill: is \"reject\" or a list of sub-balances, not \"maybe\""),
        ("method = \"lot_ratio\"\nspill = []", "spill: needs at least one sub-balance"),
        ("method = \"lot_ratio\"\nspill = [\"gold\"]", "spill: there is no sub-balance \"gold\""),
        ("method = \"lot_ratio\"\nspill = [\"bonus\", \"principal\", \"bonus\"]", "spill: names bonus twice"),
        ("method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\" }]", "the cap on bonus bounds nothing"),
        (
            "method = \"lot_ratio\"\ncaps = [{ sub_balance = \"gold\", amount = \"1\" }]",
            "caps: there is no sub-balance \"gold\"",
        ),
        ("method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", amount = \"1.\" }]", "caps: \"1.\": an amount"),
        (
            "method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", percent = \"100\" }]",
            "percent is above 0 and below 100, not 100",
        ),
        (
            "method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", percent = \"-1\" }]",
            "percent is above 0 and below 100, not -1",
        ),
        (
            "method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", minimum_order = \"x\" }]",
            "caps: \"x\": an amount",
        ),
    ]);
}

/// `Rule::from_spec` promises it: "a cap that can never bind or never pay".
#[test]
fn caps_that_never_pay() {
    check_rules(&[
        ("method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", percent = \"0\" }]", "caps"),
        ("method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", amount = \"0.00\" }]", "caps"),
        ("method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", minimum_order = \"0\" }]", "caps"),
        ("method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"0.00\"\nothers = [\"principal\"]", "at_most"),
    ]);
}

/// With more decimals a percentage of an amount would not always be exact.
#[test]
fn percentages_with_too_many_decimals() {
    check_rules(&[(
        "method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", percent = \"33.3333333\" }]",
        "caps: percent has at most 6 decimals, not 7",
    )]);
    let offer = "[[offer]]\nname = \"o\"\ntier = [{ from = \"1\", percent = \"33.3333333\" }]";
    check(&[(offer, "o", "percent has at most 6 decimals, not 7")]);
    let exact = CATALOG.replace("percent = \"30\"", "percent = \"33.333333\"").replace("\"33.3\"", "\"33.3000000\"");
    assert_eq!(refused(&exact), None);
}

/// What is refused names the key, and only products that may use the rule count.
#[test]
fn amounts_are_in_the_currency_of_the_products_that_may_use_the_rule() {
    let rule = |keys: &str| format!("[[rule]]\nname = \"r\"\nversion = 1\n{keys}");
    let fixed = |keys: &str| {
        rule(&format!("method = \"fixed_amount\"\nsub_balance = \"bonus\"\nothers = [\"principal\"]\n{keys}"))
    };
    check(&[
        (
            &fixed("at_most = \"5.001\""),
            "r",
            "at_most: \"5.001\" in CNY: the amount has 3 decimals, the currency has 2",
        ),
        (&fixed("at_most = \"5\"\nfor_every = \"0.001\""), "r", "for_every: \"0.001\" in CNY"),
        (
            &rule("method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", minimum_order = \"5.001\" }]"),
            "r",
            "caps: \"5.001\" in CNY",
        ),
        (&fixed("at_most = \"92233720368547759\""), "r", "at_most: \"92233720368547759\" in CNY: the amount is larger"),
    ]);
    let points = |may: &str| {
        let product =
            "[[product]]\nname = \"p\"\ncurrency = \"PTS\"\ndecimals = 0\nrule = \"by_lot\"\nmay_name_rules = ";
        format!("{}\n{product}[{may}]", fixed("at_most = \"5.00\""))
    };
    assert_eq!(refused(&format!("{CATALOG}\n{}", points(""))), None, "points may not name it");
    check(&[(&points("\"r\""), "r", "at_most: \"5.00\" in PTS: the amount has 2 decimals, the currency has 0")]);
}

/// An offer's amounts are all in one currency that some product has.
/// Periods, counts, budgets and products of offers (W1).
#[test]
fn offers_that_are_bounded() {
    let offer = |more: &str| format!("[[offer]]\nname = \"o\"\ntier = [{{ from = \"5\", bonus = \"1\" }}]\n{more}");
    let period = |from: &str, until: &str| offer(&format!("from = \"{from}\"\nuntil = \"{until}\""));
    check(&[
        (&offer("from = \"2026-11-11\""), "o", "from: is a moment like"),
        (&offer("until = \"tomorrow\""), "o", "until: is a moment like"),
        (&period("2026-11-11T00:00:00Z", "2026-11-11T08:00:00+08:00"), "o", "is after `from`"),
        (&offer("per_wallet = 0"), "o", "per_wallet: is at least 1"),
        (&offer("products = []"), "o", "name at least one"),
        (&offer("products = [\"nope\"]"), "o", "there is no product \"nope\""),
        (&offer("budget = \"100\""), "o", "for products of one currency"),
        (&offer("budget = \"0\"\nproducts = [\"default\"]"), "o", "more than zero"),
        (&offer("budget = \"1.001\"\nproducts = [\"default\"]"), "o", "3 decimals"),
        (&offer("budget = \"-1\"\nproducts = [\"default\"]"), "o", "\"-1\": an amount"),
        (&offer("").replace("\"o\"", "\"unnamed\""), "unnamed", "gifts that no offer gives"),
    ]);
    assert_eq!(refused(&format!("{CATALOG}\n{}", offer("budget = \"1\"\nproducts = [\"points\"]"))), None);
}

/// Limits of products (W5).
#[test]
fn limits_of_products() {
    let product = |limits: &str| {
        format!(
            "[[product]]\nname = \"p\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"by_lot\"\n[product.limits]\n{limits}"
        )
    };
    check(&[
        (&product("per_day = \"1.234\""), "p", "limits: per_day: the amount has 3 decimals"),
        (&product("maximum_balance = \"-1\""), "p", "maximum_balance: an amount"),
        (&product("velocity = { spends = 0, seconds = 1 }"), "p", "velocity.spends is from 1 to 1000"),
        (&product("velocity = { spends = 1001, seconds = 1 }"), "p", "velocity.spends is from 1 to 1000"),
        (&product("velocity = { spends = 1, seconds = 0 }"), "p", "velocity.seconds is from 1"),
        (&product("velocity = { spends = 1 }"), "toml", "missing field `seconds`"),
        (&product("utc_offset = \"8\""), "p", "utc_offset is like \"+08:00\""),
        (&product("per_week = \"1\""), "toml", "unknown field `per_week`"),
    ]);
}

#[test]
fn offers_that_no_currency_can_count() {
    check(&[
        (
            "[[offer]]\nname = \"o\"\ntier = [{ from = \"0.001\", bonus = \"1\" }]",
            "o",
            "from \"0.001\" in CNY: the amount has 3 decimals",
        ),
        ("[[offer]]\nname = \"o\"\ntier = [{ from = \"1\", bonus = \"1.001\" }]", "o", "bonus \"1.001\" in CNY"),
    ]);
    assert_eq!(
        refused(&format!("{CATALOG}\n[[offer]]\nname = \"o\"\ntier = [{{ from = \"5\", bonus = \"1\" }}]")),
        None
    );
}

/// A threshold of nothing would be no threshold.
#[test]
fn a_threshold_of_nothing() {
    let body = "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"5\"\nfor_every = \"0.00\"\nothers = [\"principal\"]";
    check_rules(&[(body, "for_every")]);
}

/// An amount that no product's currency can count would bound nothing: a cap of 5.001 yuan would be none.
#[test]
fn amounts_that_the_currency_cannot_count() {
    let product = |rule: &str| {
        format!("[[product]]\nname = \"p\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"{rule}\"\nmay_name_rules = []\n")
    };
    for body in [
        "method = \"lot_ratio\"\ncaps = [{ sub_balance = \"bonus\", amount = \"5.001\" }]",
        "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"5.001\"\nothers = [\"principal\"]",
    ] {
        let text = format!("{CATALOG}\n[[rule]]\nname = \"r\"\nversion = 1\n{body}\n{}", product("r"));
        assert!(refused(&text).is_some(), "accepted: {body}");
    }
}

/// A `fixed_amount` rule whose others name its own sub-balance would count that sub-balance twice, and a
/// spend would take less than it says (A1).
#[test]
fn others_that_name_the_bounded_sub_balance() {
    let own = MMethod::FixedAmount { sub: 1, at_most: 500, for_every: None, others: vec![1, 0] };
    let own = MRule::plain("r", own);
    let lots = [MLot::fresh("t-1", &[(0, 1_000), (1, 1_000)])];
    let outcome =
        std::panic::catch_unwind(|| engine_allocate_with(&crate::model::engine::rule(&own), &lots, 0, 0, 1_200));
    let exact = outcome.map_err(|_| String::from("panicked")).and_then(|outcome| a1(&own, &lots, 1_200, &outcome));
    let body =
        "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"5\"\nothers = [\"bonus\", \"principal\"]";
    let text = format!("{CATALOG}\n[[rule]]\nname = \"r\"\nversion = 1\n{body}");
    assert!(refused(&text).is_some() || exact.is_ok(), "accepted, and breaks A1: {exact:?}");
}

#[test]
fn names_and_versions() {
    check(&[
        ("[[rule]]\nname = \"\"\nversion = 1\nmethod = \"lot_ratio\"", "", "1 to 64 printable ASCII"),
        ("[[rule]]\nname = \"by_lot\"\nversion = 1\nmethod = \"lot_ratio\"", "by_lot", "version 1 stands twice"),
        ("[[rule]]\nname = \"r\"\nversion = 0\nmethod = \"lot_ratio\"", "r", "versions count from 1"),
    ]);
}

#[test]
fn products() {
    let product = |name: &str, currency: &str, decimals: u8, rule: &str, more: &str| {
        format!(
            "[[product]]\nname = \"{name}\"\ncurrency = \"{currency}\"\ndecimals = {decimals}\nrule = \"{rule}\"\n{more}"
        )
    };
    check(&[
        (&product("p", "yuan", 2, "by_lot", ""), "p", "three capital letters, not \"yuan\""),
        (&product("p", "CNY", 7, "by_lot", ""), "p", "at most 6 decimals, not 7"),
        (&product("p", "CNY", 2, "nope", ""), "p", "there is no rule \"nope\""),
        (&product("p", "CNY", 2, "by_lot", "may_name_rules = [\"nope\"]"), "p", "there is no rule \"nope\""),
        (&product("p", "CNY", 2, "by_lot", "refund_policy = \"all\""), "p", "is ratio, paid_first or unspent"),
        (&product("p", "CNY", 2, "by_lot", "refund_policy = \"forced\""), "p", "cannot be forced"),
        (&product("default", "CNY", 2, "by_lot", ""), "default", "stands twice"),
        (&product("分", "CNY", 2, "by_lot", ""), "分", "1 to 64 printable ASCII"),
        (&product("p", "CNY", 2, "by_lot", "colour = 1"), "toml", "unknown field `colour`"),
    ]);
    let text = CATALOG.replace("default_product = \"default\"", "default_product = \"nope\"");
    let (entry, said) = refused(&text).expect("there is no such product");
    assert_eq!(entry, "nope");
    assert!(said.contains("is the default product, and there is none of that name"), "{said}");
}

/// One code with two numbers of decimals would be two currencies of one name.
#[test]
fn one_currency_code_has_one_number_of_decimals() {
    let other = "[[product]]\nname = \"p\"\ncurrency = \"CNY\"\ndecimals = 3\nrule = \"by_lot\"\n";
    assert!(refused(&format!("{CATALOG}\n{other}")).is_some(), "accepted");
}

#[test]
fn offers() {
    let offer = |tiers: &str| format!("[[offer]]\nname = \"o\"\ntier = [{tiers}]");
    check(&[
        (&offer(""), "o", "there is at least one"),
        (&offer("{ from = \"5\", bonus = \"1\" }, { from = \"4\", bonus = \"2\" }"), "o", "rising order of `from`"),
        (&offer("{ from = \"5\", bonus = \"1\" }, { from = \"5.00\", bonus = \"2\" }"), "o", "rising order of `from`"),
        (&offer("{ from = \"5\" }"), "o", "gives a bonus or a percent, one of them"),
        (&offer("{ from = \"5\", bonus = \"1\", percent = \"1\" }"), "o", "gives a bonus or a percent, one of them"),
        (&offer("{ from = \"5\", percent = \"0\" }"), "o", "above 0 and at most 10,000, not 0"),
        (&offer("{ from = \"5\", percent = \"10000.1\" }"), "o", "at most 10,000, not 10000.1"),
        (&offer("{ from = \"-5\", bonus = \"1\" }"), "o", "\"-5\": an amount"),
        (&offer("{ from = \"5\", bonus = \"1e3\" }"), "o", "\"1e3\": an amount"),
        ("[[offer]]\nname = \"spring\"\ntier = [{ from = \"1\", bonus = \"1\" }]", "spring", "stands twice"),
    ]);
}

#[test]
fn sub_balances() {
    let sub =
        |name: &str, number: u8| format!("[[sub_balance]]\nname = \"{name}\"\nnumber = {number}\npromoted = true");
    check(&[
        (&sub("held", 2), "held", "not a word of the balance"),
        (&sub("available", 2), "available", "not a word of the balance"),
        (&sub("Gift", 2), "Gift", "lower-case letters"),
        (&sub("", 2), "", "lower-case letters"),
        (&sub("gift", 1), "gift", "a number is from 2 to 7"),
        (&sub("gift", 8), "gift", "a number is from 2 to 7"),
        (&sub("bonus", 2), "bonus", "stands twice"),
        (&format!("{}\n{}", sub("gift", 2), sub("card", 2)), "card", "its own"),
        (&format!("{}\n{}", sub("gift", 2), sub("gift", 3)), "gift", "stands twice"),
    ]);
}

/// A percentage may be written as a number or as text; both are exact.
#[test]
fn a_percentage_is_a_number_or_text() {
    let text = CATALOG.replace("percent = \"30\"", "percent = 30").replace("percent = \"33.3\"", "percent = 33.3");
    assert_eq!(refused(&text), None);
}
