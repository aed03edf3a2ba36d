//! A rule that is written down and read again is the same rule, in the words of its own time.

use crate::{base, catalog, check, label};
use fentan_engine::allocation::{RefundToExpired, Rule};
use fentan_engine::catalog::{Archived, CatalogSpec};

const SUB: &str = "[[sub_balance]]\nname = \"card\"\nnumber = 4\npromoted = true\n";

const RULES: [&str; 6] = [
    "method = \"lot_ratio\"\nlots = \"pro_rata\"\ndescription = \"words\"\n",
    "method = \"current_ratio\"\nminimum_order = \"1.50\"\nrefund_to_expired = { restore_days = 30 }\n",
    "method = \"ordered\"\norder = [\"card\", \"principal\"]\nspill = [\"bonus\"]\neffective_from = \"2027-01-01T00:00:00.000001+08:00\"\n",
    "method = \"fixed_ratio\"\nweights = { card = 3, principal = 5 }\nrefund_to_expired = \"forfeit\"\n",
    "method = \"fixed_amount\"\nsub_balance = \"card\"\nat_most = \"5\"\nfor_every = \"50.00\"\nothers = [\"principal\"]\n[[rule.caps]]\nsub_balance = \"card\"\npercent = \"33.333333\"\nminimum_order = \"2\"\namount = \"9.99\"\n",
    "method = \"lot_ratio\"\n[[rule.eligible]]\nsub_balance = \"card\"\nmerchants = [\"m 1\"]\ncategories = [\"c\"]\ntags = [\"t\"]\nnot_merchants = [\"x\"]\nnot_categories = [\"y\"]\nnot_tags = [\"z\"]\n",
];

#[test]
fn a6_a_rule_that_is_written_and_read_again_is_the_same() {
    for body in RULES {
        let catalog = catalog(&format!("{}{SUB}[[rule]]\nname = \"r\"\nversion = 1\n{body}", base()));
        let rule = catalog.rule_version(&label("r"), 1).unwrap();
        let text = toml::to_string(&catalog.to_archive(rule)).unwrap();
        let spec: CatalogSpec = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let archived = Archived::from_spec(&spec).unwrap();
        assert_eq!(archived.rule, *rule, "{text}");
        let card = catalog.sub("card").unwrap();
        assert_eq!((archived.rule.difference(rule), archived.sub_name(card)), (None, "card"));
    }
}

#[test]
fn a6_each_key_that_divides_differently_is_a_difference_and_words_are_none() {
    let good = "method = \"fixed_amount\"\nsub_balance = \"bonus\"\nat_most = \"5.00\"\nfor_every = \"50\"\nothers = [\"principal\"]\nminimum_order = \"1\"\ncaps = [{ sub_balance = \"bonus\", amount = \"9\", percent = \"50\" }]\neligible = [{ sub_balance = \"bonus\", tags = [\"t\"] }]\n";
    let read = |text: &str| -> Rule {
        let catalog = catalog(&format!("{}[[rule]]\nname = \"r\"\nversion = 1\n{text}", base()));
        catalog.rule_version(&label("r"), 1).unwrap().clone()
    };
    let rule = read(good);
    for (from, to, key) in [
        ("\"5.00\"", "\"5\"", None),
        ("\"50\"\nothers", "\"50.00\"\nothers", None),
        ("amount = \"9\"", "amount = \"9.00\"", None),
        ("percent = \"50\"", "percent = \"50.0\"", None),
        ("minimum_order = \"1\"", "minimum_order = \"1.0\"\ndescription = \"words\"\nlots = \"fifo\"", None),
        ("minimum_order = \"1\"", "minimum_order = \"1.0\"\nspill = \"reject\"\nrefund_to_expired = \"forfeit\"", None),
        ("\"5.00\"", "\"5.01\"", Some("method")),
        ("method", "lots = \"lifo\"\nmethod", Some("method")),
        ("amount = \"9\"", "amount = \"8\"", Some("caps")),
        ("[\"t\"]", "[\"u\"]", Some("eligible")),
        ("minimum_order = \"1\"", "minimum_order = \"2\"", Some("minimum_order")),
        ("minimum_order = \"1\"", "minimum_order = \"1\"\nspill = [\"bonus\"]", Some("spill")),
        ("method", "refund_to_expired = { restore_days = 1 }\nmethod", Some("refund_to_expired")),
        ("method", "effective_from = \"2027-01-01T00:00:00Z\"\nmethod", Some("effective_from")),
    ] {
        assert!(good.contains(from));
        let other = read(&good.replacen(from, to, 1));
        assert_eq!((rule.difference(&other), other.difference(&rule)), (key, key), "{to}");
    }
}

#[test]
fn a9_what_a_refund_gives_an_expired_lot_is_one_of_two() {
    let read = |text: &str| {
        let text = format!("{}[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\n{text}", base());
        check(&text).catalog.map(|catalog| catalog.rule_version(&label("r"), 1).unwrap().refund_to_expired)
    };
    assert_eq!(read(""), Ok(RefundToExpired::Forfeit));
    assert_eq!(read("refund_to_expired = \"forfeit\""), Ok(RefundToExpired::Forfeit));
    for days in [1, 30, 3_650] {
        let restore = read(&format!("refund_to_expired = {{ restore_days = {days} }}"));
        assert_eq!(restore, Ok(RefundToExpired::Restore { days }));
    }
    for wrong in [
        "\"restore\"",
        "{ restore_days = 0 }",
        "{ restore_days = -1 }",
        "{ restore_days = 3651 }",
        "{ restore_days = 99999 }",
    ] {
        let errors = read(&format!("refund_to_expired = {wrong}")).unwrap_err().to_string();
        assert!(
            errors.contains("refund_to_expired: is \"forfeit\" or { restore_days = N } with N from 1 to 3650"),
            "{errors}"
        );
    }
}
