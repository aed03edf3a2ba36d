//! Files of the catalog: what is in the built-in ones, and where errors are.

use super::*;

const PRODUCT: &str = "[[product]]\nname = \"default\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"r\"\n";

fn errors(files: &[(&str, &str)]) -> Vec<String> {
    let texts = files.iter().map(|(path, text)| Text { path: path.into(), text: (*text).to_owned() }).collect();
    match together(texts) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a6_the_built_in_catalog_has_the_promised_rules() {
    let loaded = load(&[]).unwrap();
    let rules: Vec<_> = loaded.catalog.rules().map(|rule| format!("{}@{}", rule.name, rule.version)).collect();
    assert_eq!(
        rules,
        [
            "bonus_30_percent@1",
            "bonus_5_per_spend@1",
            "bonus_first@1",
            "by_balance@1",
            "by_lot@1",
            "by_lot_expiring_first@1",
            "by_lot_pro_rata@1",
            "fixed_100_80@1",
            "principal_first@1"
        ]
    );
    assert_eq!(loaded.catalog.default_product().rule.name().as_str(), "by_lot");
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a6_a_bad_file_is_refused_with_file_line_column_and_reason() {
    let rule = "[[rule]]\nname = \"r\"\nversion = 1\n";
    let table = [
        (
            "method = \"ordered\"\norder = [\"gold\"]\n",
            "x.toml:5:1: rule \"r\", order: there is no sub-balance \"gold\"",
        ),
        ("method = \"fifo\"\n", "x.toml:4:1: rule \"r\", method: is lot_ratio, current_ratio, ordered"),
        ("method = \"lot_ratio\"\nlot = \"fifo\"\n", "x.toml:5:1: unknown field `lot`"),
        ("method = \"lot_ratio\"\nspill = [\"gold\"]\n", "x.toml:5:1: rule \"r\", spill: there is no sub-balance"),
        ("", "x.toml:1:1: missing field `method`"),
        ("method = \"lot_ratio\"\nversion = 2\n", "x.toml:5:1: duplicate key"),
        (
            "method = \"lot_ratio\"\neffective_from = 2027-01-01T00:00:00\n",
            "x.toml:5:1: rule \"r\", effective_from: is a moment with its offset",
        ),
        (
            "method = \"lot_ratio\"\nrefund_to_expired = \"keep\"\n",
            "x.toml:5:1: rule \"r\", refund_to_expired: is \"forfeit\" or",
        ),
        (
            "method = \"lot_ratio\"\nrefund_to_expired = { restore_days = 0 }\n",
            "x.toml:5:1: rule \"r\", refund_to_expired: is",
        ),
        ("method = \"lot_ratio\"\nrefund_to_expired = { restore_days = 3651 }\n", "not 3651"),
        ("method = \"lot_ratio\"\nminimum_order = \"0.00\"\n", "x.toml:5:1: rule \"r\", minimum_order: \"0.00\""),
        (
            "method = \"lot_ratio\"\n\n[[rule.eligible]]\nsub_balance = \"bonus\"\n",
            "x.toml:6:8: rule \"r\", eligible: names nothing",
        ),
        (
            "method = \"lot_ratio\"\n\n[[rule.caps]]\nsub_balance = \"bonus\"\n",
            "x.toml:6:8: rule \"r\", caps: the cap on bonus bounds nothing",
        ),
    ];
    for (rest, said) in table {
        let found = errors(&[("p.toml", PRODUCT), ("x.toml", &format!("{rule}{rest}"))]);
        assert!(found.len() == 1 && found[0].contains(said), "{rest}\nsays {found:?}\nnot  {said:?}");
    }
    for (text, place) in
        [("[[rule]\n", "x.toml:1:"), ("[rule]\nname = \"r\"\n", "x.toml:1:"), ("colour = 1\n", "x.toml:1:")]
    {
        let found = errors(&[("p.toml", PRODUCT), ("x.toml", text)]);
        assert!(!found.is_empty() && found[0].starts_with(place), "{text} {found:?}");
    }
}

#[test]
fn a6_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_files() {
    let rules = "\
[[rule]]
name = \"r\"
version = 1
method = \"ordered\"
order = [\"gold\"]
spill = [\"silver\"]

[[rule]]
name = \"s\"
version = 0
method = \"lot_ratio\"

[[rule]]
name = \"t\"
version = 1
method = \"lot_ratio\"

[[rule]]
name = \"t\"
version = 2
method = \"lot_ratio\"
";
    let choose = "[[choose]]\nname = \"c\"\nrule = \"nope\"\n\n[[choose]]\nname = \"d\"\nrule = \"r\"\n";
    let found = errors(&[("p.toml", PRODUCT), ("r.toml", rules), ("s.toml", choose)]);
    let said = [
        "r.toml:5:1: rule \"r\", order: there is no sub-balance \"gold\"; there are bonus, principal",
        "r.toml:6:1: rule \"r\", spill: there is no sub-balance \"silver\"; there are bonus, principal",
        "r.toml:10:1: rule \"s\", version: versions count from 1",
        "r.toml:19:1: rule \"t\", effective_from: version 2 needs one: version 1 is before it",
        "s.toml:3:1: choose \"c\", rule: there is no rule \"nope\"",
    ];
    assert_eq!(found, said);
    // What cannot be read hides what cannot be, but not what else cannot be read.
    let unreadable = "[[rule]]\nname = \"r\"\nversoin = 1\n\n[[rule]]\nname = \"s\"\nversion = \"one\"\n";
    let found = errors(&[("p.toml", PRODUCT), ("r.toml", unreadable)]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("r.toml:3:1: unknown field `versoin`"), "{found:?}");
    assert!(found[1].starts_with("r.toml:7:11: invalid type"), "{found:?}");
}

#[test]
fn a6_a_moment_may_stand_with_quotes_or_without() {
    let rule = |moment: &str| {
        format!(
            "[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\n[[rule]]\nname = \"r\"\nversion = 2\nmethod = \"current_ratio\"\neffective_from = {moment}\n"
        )
    };
    let load = |moment: &str| {
        let texts = [("p.toml", PRODUCT.to_owned()), ("r.toml", rule(moment))];
        together(texts.into_iter().map(|(path, text)| Text { path: path.into(), text }).collect()).unwrap().catalog
    };
    assert_eq!(load("2027-01-01T00:00:00+08:00"), load("\"2026-12-31T16:00:00Z\""));
}

#[test]
fn a6_the_default_product_is_found_where_it_is_named() {
    let rule = "[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\n";
    let text = format!("# first\ndefault_product = \"gold\"\n{PRODUCT}{rule}");
    let said = "p.toml:2:1: default_product \"gold\": is the default product, and there is none of that name";
    assert_eq!(errors(&[("p.toml", &text)]), [said]);
}
