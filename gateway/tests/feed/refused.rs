//! What is no place to begin, and what is no question, is said with its name.

use crate::reader::Reader;
use crate::support::{Ledger, json};

#[test]
fn e6_a_position_that_is_not_there_and_a_wrong_parameter_are_named() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    for n in 0..3 {
        client.done(&format!(r#"{{"id":"t-{n}","op":"top_up","account":"a","principal":"1.00"}}"#));
    }
    for (query, status, code, field) in [
        ("from=5", 422, "position_ahead", ""),
        ("from=18446744073709551614", 422, "position_ahead", ""),
        ("from=5&follow=true", 422, "position_ahead", ""),
        ("from=0", 400, "bad_request", "from"),
        ("from=-1", 400, "bad_request", "from"),
        ("from=1.0", 400, "bad_request", "from"),
        ("from=18446744073709551615", 400, "bad_request", "from"),
        ("from=99999999999999999999", 400, "bad_request", "from"),
        ("from=first", 400, "bad_request", "from"),
        ("from=", 400, "bad_request", "from"),
        ("from=1&from=2", 400, "bad_request", "from"),
        ("limit=0", 400, "bad_request", "limit"),
        ("wait=forever", 400, "bad_request", "wait"),
        ("wait=1&follow=true", 400, "bad_request", "wait"),
        ("follow=1", 400, "bad_request", "follow"),
        ("types=spends", 400, "bad_request", "types"),
        ("account=", 400, "bad_request", "account"),
        ("since=1", 400, "bad_request", "since"),
    ] {
        let refused = Reader::try_open(server.http, query, &[]).unwrap();
        let answer = json(&refused.refusal);
        assert_eq!((refused.status, answer["code"].as_str().unwrap()), (status, code), "{query} {answer}");
        assert_eq!(answer["field"].as_str().unwrap_or_default(), field, "{query} {answer}");
        if code == "position_ahead" {
            assert_eq!(answer["durable"], 3, "{query} {answer}");
        }
    }
    // The end itself is a place.
    assert_eq!(Reader::open(server.http, "from=4").lines(), Vec::<String>::new());
}
