//! `docs/statements.md` says what is true: its example is read, its words are all of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::path::Path;

use fentan_statements::{Family, Reason, RowStatus};

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/statements.md")).unwrap()
}

#[test]
fn c3_the_example_of_the_documented_csv_is_read() {
    let page = page();
    let example = page.split_once("```csv\n").unwrap().1.split_once("```").unwrap().0;
    let (summary, rows) = support::read(Family::GenericCsv, "", example.as_bytes());
    assert_eq!((summary.totals.rows, summary.totals.net), (2, 995));
    assert_eq!(rows[1].refund, "r-1");
}

#[test]
fn c3_the_page_has_every_family_and_every_word() {
    let page = page();
    for family in Family::ALL {
        assert!(page.contains(&format!("`{family}`")), "{family}");
        assert_eq!(family.word().parse(), Ok(family));
    }
    let refusals = page.split_once("## Refusals").unwrap().1;
    for word in Reason::ALL.map(Reason::word) {
        assert!(refusals.contains(&format!("`{word}`")), "{word}");
    }
    for status in RowStatus::ALL {
        assert!(page.contains(&format!("`{}`", status.word())), "{status:?}");
        assert_eq!(RowStatus::from_word(status.word()), Some(status));
    }
}
