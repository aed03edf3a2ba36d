//! Rows and orders that meet late (rule C4) are compared as those that meet at once: amount, fee, kind of trade.

use crate::recon::{File, MONTH_TERMS, import, in_days, items, kinds, line, proceeds, spend, today, top_up, work};
use crate::support::{Ledger, Server};
use serde_json::Value;

/// Terms under which fees and kinds of trade can differ.
fn serve(ledger: &Ledger) -> Server {
    let terms = ledger.path("channels.toml");
    let files =
        [include_str!("../../../config/products.toml"), include_str!("../../../config/rules.toml"), MONTH_TERMS];
    std::fs::write(&terms, files.concat()).unwrap();
    ledger.serve(&["--shards", "2", "--catalog", terms.to_str().unwrap()])
}

const LATE: [&str; 4] = ["good", "fee", "trade", "amount"];

fn book(server: &Server) {
    let mut client = server.client();
    for id in LATE {
        top_up(&mut client, id, &format!("w-{id}"), "10.00", "0.00");
        spend(&mut client, &format!("s-{id}"), &format!("w-{id}"), "m-1", "6.00");
    }
}

/// Their rows: one as it should be, one with a fee of 0.07 for 0.06, one of a kind that is not agreed, one of 9.99.
fn rows(file: File) -> File {
    let file = file.paid("o-good", 1_000).row("payment", "o-fee", "", 1_000, 7, "succeeded");
    file.paid("o-trade", 1_000).by("gift").paid("o-amount", 999)
}

/// What is so whichever side came first, and how it is resolved.
fn found(ledger: &Ledger, server: Server) {
    let open = items(&server, "");
    let expected = [("amount_mismatch", "o-amount"), ("fee_mismatch", "o-fee"), ("trade_type_mismatch", "o-trade")];
    assert_eq!(kinds(&open), expected.map(|(kind, order)| (kind.to_owned(), order.to_owned())), "{open:?}");
    assert!(open.iter().all(|item| item["state"] == "open"), "{open:?}");
    assert_eq!(line(&server, "channels"), "0.00", "every order has its row");
    assert_eq!(line(&server, "suspense"), "-0.02", "0.01 of the amount, and 0.01 of the fee");
    // 10.00 for each order and one more, less the 0.01; fees of 0.06 each and one of 0.07.
    assert_eq!((line(&server, "funds"), line(&server, "fee")), ("-49.68".into(), "-0.30".into()));
    assert_eq!(proceeds(&server, "m-1"), ["6.00", "18.00"], "all but the one with another amount are confirmed");
    let accept = r#"{"by":"ann","action":"resolve","resolution":"accept","reason":"the channel is right"}"#;
    for item in &open {
        assert_eq!(work(&server, item, accept)["state"], "resolved", "{item}");
    }
    assert_eq!((line(&server, "suspense"), line(&server, "fee")), ("0.00".into(), "-0.31".into()));
    assert_eq!(
        (line(&server, "write_off"), proceeds(&server, "m-1")),
        ("-0.01".into(), ["0.00", "24.00"].map(str::to_owned))
    );
    // Nothing of it is found once more.
    let mut client = server.client();
    top_up(&mut client, "after", "w-after", "10.00", "0.00");
    let last = import(&server, "&last=true", &File::new().paid("o-after", 1_000).text(&in_days(2)));
    assert_eq!(counts(&last), [1, 0, 0], "{last}");
    server.stop();
    ledger.verify();
}

fn counts(done: &Value) -> [u64; 3] {
    ["matched", "items", "waiting"].map(|name| done["tally"][name].as_u64().unwrap_or_else(|| panic!("{done}")))
}

#[test]
fn c4_a_row_that_waited_is_compared_as_one_that_did_not() {
    let ledger = Ledger::new();
    let server = serve(&ledger);
    let first = import(&server, "", &rows(File::new()).text(&today()));
    assert_eq!(counts(&first), [0, 0, 4], "{first}");
    book(&server);
    top_up(&mut server.client(), "next", "w-next", "10.00", "0.00");
    let second = import(&server, "", &File::new().paid("o-next", 1_000).text(&in_days(1)));
    assert_eq!(counts(&second), [1, 0, 0], "{second}");
    found(&ledger, server);
}

#[test]
fn c4_the_row_of_an_order_that_was_given_up_is_compared_as_any() {
    let ledger = Ledger::new();
    let server = serve(&ledger);
    book(&server);
    top_up(&mut server.client(), "next", "w-next", "10.00", "0.00");
    let first = import(&server, "&last=true", &File::new().paid("o-next", 1_000).text(&today()));
    assert_eq!(counts(&first), [1, 4, 0], "{first}");
    assert_eq!(items(&server, "kind=short").len(), 4);
    let second = import(&server, "", &rows(File::new()).text(&in_days(1)));
    assert_eq!(counts(&second), [3, 3, 0], "{second}");
    found(&ledger, server);
}

#[test]
fn c4_with_the_last_file_nothing_waits_any_longer() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    import(&server, "", &File::new().paid("o-nobody", 1_000).text(&today()));
    assert_eq!(items(&server, "state=waiting").len(), 1);
    import(&server, "&last=true", &File::new().paid("o-other", 1_000).text(&in_days(1)));
    let open = kinds(&items(&server, "state=open"));
    assert_eq!(open, [("long", "o-nobody"), ("long", "o-other")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    server.stop();
    ledger.verify();
}
