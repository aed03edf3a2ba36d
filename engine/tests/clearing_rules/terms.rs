//! C7: the shipped terms, terms of one merchant, and what terms are refused for.

use crate::{CALENDAR, SETTLEMENT, account, fen, percent, shipped_calendar};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::clearing::{FeeBounds, SettlementSpec, Terms, TermsBook};
use fentan_engine::money::{Currency, Major};

pub(crate) fn terms(text: &str) -> Result<TermsBook, Vec<String>> {
    let spec: SettlementSpec = toml::from_str(text).unwrap();
    let checked = TermsBook::from_spec(&spec, &[Currency::CNY]);
    checked.map_err(|errors| errors.0.iter().map(ToString::to_string).collect())
}

/// The terms for every merchant when the file says this.
pub(crate) fn every_merchant(keys: &str) -> Terms {
    terms(&format!("[[settlement]]\n{keys}")).unwrap().default_terms().clone()
}

#[test]
fn c7_the_shipped_terms_are_the_defaults() {
    let book = terms(SETTLEMENT).unwrap();
    let terms = book.of(&account("anybody"));
    assert_eq!(book.own().count(), 0);
    let plain = Terms { minimum: Major::ZERO, ..terms.clone() };
    assert_eq!(plain, Terms::default(), "the file shows every default");
    assert_eq!((terms.cycle_days, terms.fee_rate, terms.minimum_in(Currency::CNY)), (1, None, 0));
    assert_eq!((terms.split.max_ratio, terms.split.release_after_days), (percent("30"), 30));
    assert_eq!(terms.payout.as_str(), "bank");
}

#[test]
fn c7_what_the_shipped_file_shows_as_comments_is_accepted() {
    // Keys stand behind "# " and have a value; what explains them does not.
    let shown: String = SETTLEMENT
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .filter(|line| *line == "[[settlement]]" || line.contains(" = "))
        .fold(String::new(), |text, line| text + line + "\n");
    let book = terms(&shown).unwrap();
    let grocer = book.of(&account("corner-grocer"));
    assert_eq!((grocer.cycle_days, grocer.minimum_in(Currency::CNY)), (3, fen("100.00")));
    assert_eq!(grocer.fee_rate, Some(percent("0.6")), "as for every merchant");
    let bounds = FeeBounds { least: Some(fen("0.10")), most: Some(fen("50.00")) };
    assert_eq!(grocer.fee_bounds_in(Currency::CNY), bounds);
}

#[test]
fn c7_working_days_and_terms_are_files_of_the_catalog() {
    let files = [
        include_str!("../../../config/products.toml"),
        include_str!("../../../config/rules.toml"),
        include_str!("../../../config/merchants.toml"),
        include_str!("../../../config/offers.toml"),
        CALENDAR,
        SETTLEMENT,
    ];
    let mut whole = CatalogSpec::default();
    for file in files {
        whole.merge(toml::from_str(file).unwrap());
    }
    let catalog = Catalog::from_spec(&whole).unwrap();
    assert_eq!(catalog.calendar(), &shipped_calendar());
    assert_eq!(catalog.terms(&account("corner-grocer")), terms(SETTLEMENT).unwrap().default_terms());

    whole.merge(toml::from_str("[[settlement]]\naccount = \"m-1\"\nminimum = \"0.005\"\n").unwrap());
    whole.merge(toml::from_str("[[calendar_year]]\nyear = 2026\n").unwrap());
    let errors = Catalog::from_spec(&whole).unwrap_err().0;
    let places: Vec<_> = errors.iter().map(|error| (error.table, error.index, error.key)).collect();
    // The index of the entry and the key are what a line is found by.
    assert_eq!(places, [("calendar_year", Some(2), Some("year")), ("settlement", Some(1), Some("minimum"))]);
}

#[test]
fn c7_a_merchant_s_own_terms_stand_before_those_for_every_merchant() {
    let text = "[[settlement]]\naccount = \"m-1\"\ncycle_days = 0\npayout = \"wechat\"\nsplit_max_percent = \"50\"\n\
                [[settlement]]\ncycle_days = 7\nminimum = \"10.00\"\nfee_percent = \"0.38\"\n";
    let book = terms(text).unwrap();
    let (own, other) = (book.of(&account("m-1")), book.of(&account("m-2")));
    assert_eq!((own.cycle_days, own.payout.as_str(), own.split.max_ratio), (0, "wechat", percent("50")));
    assert_eq!((other.cycle_days, other.payout.as_str(), other.split.max_ratio), (7, "bank", percent("30")));
    for terms in [own, other] {
        assert_eq!((terms.minimum_in(Currency::CNY), terms.fee_rate), (fen("10.00"), Some(percent("0.38"))));
    }
    assert_eq!(book.own().count(), 1);
}

#[test]
fn c2_a_merchant_bears_nothing_of_gifts_unless_its_terms_say_so() {
    let text = "[[settlement]]\nbears_bonus = \"33.3\"\n[[settlement]]\naccount = \"m-1\"\nbears_bonus = \"0\"\n";
    let book = terms(text).unwrap();
    assert_eq!(book.of(&account("m-2")).bears_bonus, percent("33.3"));
    assert_eq!(book.of(&account("m-1")).bears_bonus, percent("0"));
    assert_eq!(terms("").unwrap().default_terms().bears_bonus, percent("0"));
    // 33.3% of 1.50 are 0.4995: half up; never more than is left beside the fee, and nothing of a negative amount.
    let every = book.of(&account("m-2"));
    assert_eq!(every.borne(fen("1.50"), fen("9.00")), fen("0.50"));
    assert_eq!(every.borne(fen("1.50"), fen("0.20")), fen("0.20"));
    assert_eq!((every.borne(fen("-1.50"), fen("9.00")), every.borne(fen("1.50"), fen("-0.01"))), (0, 0));
}

#[test]
fn c7_bad_terms_are_refused_with_the_entry_and_the_key() {
    let table = [
        ("cycle_days = 31", "cycle_days: is from 0 to 30 working days, not 31"),
        ("fee_percent = \"100.5\"", "fee_percent: is from 0% to 100%, not 100.5%"),
        ("fee_percent = \"-1\"", "fee_percent: is from 0% to 100%, not -1%"),
        ("fee_percent = \"0.0000001\"", "fee_percent: percent has at most 6 decimals, not 7"),
        ("fee_min = \"0.10\"\nminimum = \"1.00\"", "fee_min: bounds a fee, and there is no fee_percent"),
        (
            "fee_percent = \"1\"\nfee_min = \"0.10\"",
            "fee_min: is above minimum: a settlement could cost more than it is",
        ),
        (
            "fee_percent = \"1\"\nfee_min = \"2.00\"\nfee_max = \"1.00\"\nminimum = \"5.00\"",
            "fee_min: is above fee_max",
        ),
        ("minimum = \"1.005\"", "minimum: \"1.005\" in CNY: the amount has 3 decimals, the currency has 2"),
        (
            "minimum = \"-1\"",
            "minimum: \"-1\": an amount is a decimal string like \"12.34\": digits, at most one point, no sign, no \
             exponent",
        ),
        ("bears_bonus = \"101\"", "bears_bonus: is from 0% to 100%, not 101%"),
        ("bears_bonus = \"0.0000001\"", "bears_bonus: percent has at most 6 decimals, not 7"),
        ("split_max_percent = \"101\"", "split_max_percent: is from 0% to 100%, not 101%"),
        ("split_release_days = 0", "split_release_days: is from 1 to 365 days, not 0"),
        ("payout = \"\"", "payout: a name is 1 to 64 printable ASCII characters"),
    ];
    for (keys, said) in table {
        let expected = |entry: &str| Err(vec![format!("settlement \"{entry}\", {said}")]);
        assert_eq!(terms(&format!("[[settlement]]\n{keys}\n")), expected("every merchant"), "{keys}");
        assert_eq!(terms(&format!("[[settlement]]\naccount = \"m-1\"\n{keys}\n")), expected("m-1"), "{keys}");
    }
    let twice = |entry: &str| terms(&format!("[[settlement]]\n{entry}[[settlement]]\n{entry}"));
    assert_eq!(twice(""), Err(vec!["settlement \"every merchant\", account: a second entry without one".into()]));
    assert_eq!(twice("account = \"m-1\"\n"), Err(vec!["settlement \"m-1\", account: stands twice".into()]));
}

#[test]
fn c7_what_follows_from_a_wrong_entry_for_every_merchant_is_not_told_again() {
    let text = "[[settlement]]\nminimum = \"1.005\"\n[[settlement]]\naccount = \"m-1\"\ncycle_days = 2\n";
    assert_eq!(terms(text).unwrap_err().len(), 1);
}
