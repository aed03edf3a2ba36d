//! Which version is in force.

use crate::{base, catalog, label};
use fentan_engine::catalog::{Catalog, Chosen, NotChosen};

const NEW_YEAR: i64 = 1_798_732_800_000_000;

fn three() -> Catalog {
    let mut text = base();
    // The order of the files does not matter.
    for (version, from) in [(7, "2028-01-01T00:00:00+08:00"), (2, "2026-12-31T16:00:00Z")] {
        text += &format!(
            "[[rule]]\nname = \"plain\"\nversion = {version}\nmethod = \"current_ratio\"\neffective_from = \"{from}\"\n"
        );
    }
    text += "[[rule]]\nname = \"later\"\nversion = 1\nmethod = \"lot_ratio\"\neffective_from = \"2027-01-01T00:00:00+08:00\"\n";
    catalog(&text)
}

#[test]
fn a6_the_version_in_force_is_the_latest_that_has_begun() {
    let catalog = three();
    let year = 365 * 86_400_000_000;
    for (now, version) in [
        (i64::MIN, 1),
        (0, 1),
        (NEW_YEAR - 1, 1),
        (NEW_YEAR, 2),
        (NEW_YEAR + 1, 2),
        (NEW_YEAR + year - 1, 2),
        (NEW_YEAR + year, 7),
        (i64::MAX, 7),
    ] {
        let occasion = catalog.occasion(None, &[]);
        let product = catalog.default_product();
        let (rule, chosen) = catalog.choose(product, None, &occasion, now).unwrap();
        assert_eq!((rule.version, chosen), (version, Chosen::Product), "{now}");
        let (rule, chosen) = catalog.choose(product, Some(&label("plain")), &occasion, now).unwrap();
        assert_eq!((rule.version, chosen), (version, Chosen::Named), "{now}");
        assert_eq!(catalog.rule_in_force(&label("plain"), now).unwrap().version, version);
    }
    for version in [1, 2, 7] {
        assert_eq!(catalog.rule_version(&label("plain"), version).unwrap().version, version);
    }
    assert_eq!(catalog.rule_version(&label("plain"), 3), None);
}

#[test]
fn a6_a_rule_that_has_not_begun_is_unknown_until_it_does() {
    let catalog = three();
    let named = |now| {
        let occasion = catalog.occasion(None, &[]);
        catalog.choose(catalog.default_product(), Some(&label("later")), &occasion, now).map(|(rule, _)| rule.version)
    };
    assert_eq!(named(NEW_YEAR - 1), Err(NotChosen::Unknown));
    assert_eq!(named(NEW_YEAR), Ok(1));
}
