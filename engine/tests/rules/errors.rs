//! Everything that a catalog is refused for, entry by entry; what it is only warned for.

use crate::{base, check};

/// Each addition to the good catalog has these errors, whole.
#[track_caller]
fn refused(table: &[(&str, &[&str])]) {
    for (addition, expected) in table {
        let errors = match check(&format!("{}{addition}", base())).catalog {
            Ok(_) => panic!("accepted: {addition}"),
            Err(errors) => errors.0.iter().map(ToString::to_string).collect::<Vec<_>>(),
        };
        assert_eq!(errors, *expected, "{addition}");
    }
}

/// Rule `r` with this body is refused with this reason.
#[track_caller]
fn refused_rule(table: &[(&str, &str)]) {
    for (body, reason) in table {
        refused(&[(&format!("[[rule]]\nname = \"r\"\nversion = 1\n{body}"), &[reason])]);
    }
}

#[test]
fn a6_versions_and_moments_rise_together() {
    let version = |number: u32, from: &str| {
        let from = if from.is_empty() { String::new() } else { format!("effective_from = \"{from}\"\n") };
        format!("[[rule]]\nname = \"v\"\nversion = {number}\nmethod = \"lot_ratio\"\n{from}")
    };
    let (early, late) = ("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    let of =
        |versions: &[(u32, &str)]| versions.iter().map(|(number, from)| version(*number, from)).collect::<String>();
    let later = "rule \"v\", effective_from: version 2 has to be in force later than version 1";
    refused(&[
        (&of(&[(1, ""), (2, "")]), &["rule \"v\", effective_from: version 2 needs one: version 1 is before it"]),
        (&of(&[(1, early), (2, "")]), &["rule \"v\", effective_from: version 2 needs one: version 1 is before it"]),
        (&of(&[(1, late), (2, early)]), &[later]),
        (&of(&[(2, early), (1, late)]), &[later]),
        (&of(&[(1, early), (2, early)]), &[later]),
        // The same moment, told from another place.
        (&of(&[(1, early), (2, "2027-01-01T08:00:00+08:00")]), &[later]),
        (&of(&[(1, ""), (1, early)]), &["rule \"v\", version: version 1 stands twice"]),
        (
            &of(&[(1, ""), (2, ""), (3, "2027-01-01")]),
            // Told as well: version 3 is left out, 1 and 2 are not.
            &[
                "rule \"v\", effective_from: is a moment with its offset, like 2027-01-01T00:00:00+08:00, not \"2027-01-01\"",
                "rule \"v\", effective_from: version 2 needs one: version 1 is before it",
            ],
        ),
    ]);
    for good in [of(&[(1, "")]), of(&[(1, early)]), of(&[(3, ""), (5, early), (9, late)]), of(&[(2, late), (1, early)])]
    {
        assert!(check(&format!("{}{good}", base())).catalog.is_ok(), "{good}");
    }
}

#[test]
fn a6_caps_that_never_bind_or_never_pay() {
    let never = "rule \"r\", caps: the rule never takes from bonus: this can never bind";
    let rejected = "rule \"r\", caps: with these caps and without spill every spend is rejected";
    let cap = |keys: &str| format!("caps = [{{ sub_balance = \"bonus\", {keys} }}]\n");
    let only = |method: &str, keys: &str| format!("{method}\n{}", cap(keys));
    let ordered = "method = \"ordered\"\norder = [\"bonus\"]";
    let both =
        "caps = [{ sub_balance = \"bonus\", percent = \"30\" }, { sub_balance = \"principal\", percent = \"60\" }]\n";
    refused_rule(&[
        (&only("method = \"ordered\"\norder = [\"principal\"]", "percent = \"30\""), never),
        (&only("method = \"fixed_ratio\"\nweights = { principal = 1 }", "amount = \"1\""), never),
        (&only(ordered, "percent = \"99.99\""), rejected),
        (&only(ordered, "amount = \"5\", minimum_order = \"5.01\""), rejected),
        (&format!("method = \"ordered\"\norder = [\"bonus\", \"principal\"]\n{both}"), rejected),
        (
            &format!("method = \"ordered\"\norder = [\"bonus\"]\nspill = [\"principal\"]\n{both}"),
            "rule \"r\", caps: with these caps every spend is rejected, even after spill",
        ),
        (&only("method = \"fixed_ratio\"\nweights = { principal = 1, bonus = 1 }", "percent = \"49\""), rejected),
        (&format!("minimum_order = \"9\"\n{}", only(ordered, "amount = \"8.99\"")), rejected),
        (
            "method = \"ordered\"\norder = [\"principal\"]\neligible = [{ sub_balance = \"bonus\", tags = [\"t\"] }]",
            "rule \"r\", eligible: the rule never takes from bonus: this can never bind",
        ),
    ]);
    for good in [
        only(ordered, "amount = \"5\""),
        only(ordered, "amount = \"5\", minimum_order = \"5\""),
        only("method = \"ordered\"\norder = [\"bonus\"]\nspill = [\"principal\"]", "percent = \"1\""),
        only("method = \"ordered\"\norder = [\"principal\"]\nspill = [\"bonus\"]", "percent = \"1\""),
        only("method = \"fixed_ratio\"\nweights = { principal = 1, bonus = 1 }", "percent = \"50\""),
        only("method = \"lot_ratio\"", "percent = \"1\""),
        format!("minimum_order = \"9\"\n{}", only(ordered, "amount = \"9\"")),
        format!("method = \"ordered\"\norder = [\"bonus\", \"principal\"]\n{}", both.replace("60", "70")),
    ] {
        let checked = check(&format!("{}[[rule]]\nname = \"r\"\nversion = 1\n{good}", base()));
        assert!(checked.catalog.is_ok(), "{good} {:?}", checked.catalog);
    }
}

#[test]
fn a2_eligibility_says_something_and_no_two_things() {
    let eligible = |keys: &str| format!("method = \"lot_ratio\"\neligible = [{{ {keys} }}]");
    refused_rule(&[
        (&eligible("sub_balance = \"bonus\""), "rule \"r\", eligible: names nothing that bonus may pay for or not"),
        (
            &eligible("sub_balance = \"gold\", tags = [\"t\"]"),
            "rule \"r\", eligible: there is no sub-balance \"gold\"; there are bonus, principal",
        ),
        (&eligible("sub_balance = \"bonus\", tags = [\"t\", \"t\"]"), "rule \"r\", eligible: names \"t\" twice"),
        (
            &eligible("sub_balance = \"bonus\", categories = [\"\"]"),
            "rule \"r\", eligible: \"\": a name is 1 to 64 printable ASCII characters",
        ),
        (
            &eligible("sub_balance = \"bonus\", merchants = [\"m\"], not_merchants = [\"m\"]"),
            "rule \"r\", eligible: names \"m\" as allowed and as not allowed",
        ),
    ]);
}

#[test]
fn a6_selectors_and_merchants() {
    let choose = |keys: &str| format!("[[choose]]\nname = \"s\"\n{keys}\n");
    let merchant = "[[merchant]]\naccount = \"m\"\ncategory = \"food\"\n";
    let future =
        "[[rule]]\nname = \"future\"\nversion = 1\nmethod = \"lot_ratio\"\neffective_from = \"2027-01-01T00:00:00Z\"\n";
    refused(&[
        (&choose("rule = \"nope\""), &["choose \"s\", rule: there is no rule \"nope\""]),
        (&choose("rule = \"a\"\nproduct = \"gold\""), &["choose \"s\", product: there is no product \"gold\""]),
        (
            &choose("rule = \"a\"\ntag = \"\""),
            &["choose \"s\", tag: \"\": a name is 1 to 64 printable ASCII characters"],
        ),
        (
            &choose(
                "rule = \"a\"\neffective_from = \"2027-01-01T00:00:00Z\"\neffective_until = \"2027-01-01T00:00:00Z\"",
            ),
            &["choose \"s\", effective_until: ends before it begins"],
        ),
        (
            &format!("{merchant}{}", choose("rule = \"a\"\nmerchant = \"m\"\ncategory = \"fun\"")),
            &["choose \"s\", category: the merchant \"m\" has the category \"food\": it never fits"],
        ),
        (
            &choose("rule = \"a\"\nmerchant = \"m\"\ncategory = \"fun\""),
            &["choose \"s\", category: the merchant \"m\" has no category: it never fits"],
        ),
        (
            &format!("{future}{}", choose("rule = \"future\"")),
            &["choose \"s\", effective_from: the rule \"future\" is not in force yet when this begins"],
        ),
        (
            &format!(
                "{}{}",
                choose("rule = \"a\"\ntag = \"x\""),
                choose("rule = \"a\"\nmerchant = \"x\"\npriority = 1")
            ),
            &["choose \"s\", name: stands twice"],
        ),
        (&format!("{merchant}{merchant}"), &["merchant \"m\", account: stands twice"]),
        ("[[merchant]]\naccount = \"m\"\n", &["merchant \"m\": has neither a category nor tags: that says nothing"]),
        (
            "[[merchant]]\naccount = \"\"\ntags = [\"t\"]\n",
            &["merchant \"\", account: a name is 1 to 64 printable ASCII characters"],
        ),
        (
            &format!("{future}[[product]]\nname = \"p\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"future\"\n"),
            &[
                "product \"p\", rule: no version of \"future\" is in force from the beginning: one has to be without effective_from",
            ],
        ),
        // What a selector may choose is counted in the currency of the product it chooses for.
        (
            "[[product]]\nname = \"p\"\ncurrency = \"PTS\"\ndecimals = 0\nrule = \"a\"\nmay_name_rules = []\n[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\nminimum_order = \"0.50\"\n[[choose]]\nname = \"s\"\nproduct = \"p\"\nrule = \"r\"\n",
            &["rule \"r\", minimum_order: \"0.50\" in PTS: the amount has 2 decimals, the currency has 0"],
        ),
    ]);
}

/// One error is told once: what rests on a wrong rule is not wrong for itself.
#[test]
fn a6_every_error_is_told_and_none_that_only_follows() {
    refused(&[(
        "[[rule]]\nname = \"r\"\nversion = 0\nmethod = \"ordered\"\norder = [\"gold\"]\nweights = { bonus = 1 }\n[[rule]]\nname = \"q\"\nversion = 1\nmethod = \"x\"\n[[product]]\nname = \"p\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"r\"\n[[choose]]\nname = \"s\"\nproduct = \"card\"\nrule = \"q\"\n",
        &[
            "rule \"r\", version: versions count from 1",
            "rule \"r\", order: there is no sub-balance \"gold\"; there are bonus, principal",
            "rule \"r\", weights: belongs to the method fixed_ratio, this rule's is ordered",
            "rule \"q\", method: is lot_ratio, current_ratio, ordered, fixed_ratio or fixed_amount, not \"x\"",
        ],
    )]);
}

#[test]
fn a6_warnings_name_what_is_hardly_meant() {
    let warnings = |text: &str| {
        let checked = check(text);
        assert!(checked.catalog.is_ok(), "{:?}", checked.catalog);
        checked.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warnings(&base()), [""; 0]);
    let strict =
        base().replace("rule = \"plain\"\n", "rule = \"plain\"\nmay_name_rules = [\"a\", \"b\", \"c\", \"d\"]\n");
    assert_eq!(
        warnings(&strict),
        ["rule \"e\", name: nobody can reach it: no product's rule, none may name it, no selector"]
    );
    assert_eq!(warnings(&format!("{strict}[[choose]]\nname = \"s\"\ntag = \"t\"\nrule = \"e\"\n")), [""; 0]);
    let eligible = "[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\neligible = [{ sub_balance = \"bonus\", categories = [\"fod\"] }]\n";
    let said = ["rule \"r\", eligible: no merchant has the category \"fod\"; only order lines can"];
    assert_eq!(warnings(&format!("{}{eligible}", base())), said);
    let choose = "[[choose]]\nname = \"s\"\ncategory = \"fod\"\nrule = \"a\"\n";
    assert_eq!(
        warnings(&format!("{}{choose}", base())),
        ["choose \"s\", category: no merchant has the category \"fod\": it fits nothing"]
    );
}
