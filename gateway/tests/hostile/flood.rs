//! Floods of what is refused.

use crate::beside::{MIB, beside};
use crate::support::Client;
use std::io::Write;

/// What is sent, again and again, and the code of its answer.
const NOES: [(&str, &str); 8] = [
    (r#"{"id":"ID","op":"spend","account":"poor","merchant":"m","amount":"5.00"}"#, "insufficient_funds"),
    (r#"{"id":"ID","op":"spend","account":"nobody","merchant":"m","amount":"5.00"}"#, "unknown_account"),
    (r#"{"id":"ID","op":"refund","spend":"none"}"#, "unknown_spend"),
    (r#"{"id":"ID","op":"spend","account":"poor","merchant":"m","amount":5}"#, "bad_request"),
    (r#"{"id":"ID","op":"fly"}"#, "bad_request"),
    ("not JSON", "bad_request"),
    (r#"{"id":"taken","op":"spend","account":"poor","merchant":"m","amount":"5.00"}"#, "id_conflict"),
    (r#"{"id":"ID","op":"explain","spend":"none"}"#, "unknown_spend"),
];
const EACH: usize = 1_000;
const CLIENTS: usize = 4;

#[test]
fn a_flood_of_noes_gets_each_its_own_no_and_holds_up_nobody() {
    beside(&["--shards", "1"], |server, _| {
        server.client().done(r#"{"id":"taken","op":"top_up","account":"poor","principal":"1.00"}"#);
        let before = server.memory();
        let address = server.tcp;
        let floods: Vec<_> = (0..CLIENTS).map(|c| std::thread::spawn(move || flood(address, c))).collect();
        for flood in floods {
            flood.join().unwrap();
        }
        assert_eq!(server.client().available("poor"), "1.00");
        let more = server.memory().saturating_sub(before);
        assert!(more < 100 * MIB, "{} MiB more", more / MIB);
    });
}

fn flood(address: std::net::SocketAddr, c: usize) {
    let mut client = Client::connect(address);
    let mut output = client.stream.try_clone().unwrap();
    let no = move |n, k: usize, line: &str| line.replace("ID", &format!("no-{c}-{n}-{k}")) + "\n";
    let round = |n| NOES.iter().enumerate().map(move |(k, (line, _))| no(n, k, line));
    let lines: Vec<String> = (0..EACH).flat_map(round).collect();
    let total = lines.len();
    let sending = std::thread::spawn(move || {
        lines.chunks(100).for_each(|part| output.write_all(part.concat().as_bytes()).unwrap());
    });
    let mut codes = std::collections::BTreeMap::new();
    for answer in client.answers(total) {
        assert_eq!(answer["ok"], false, "{answer}");
        *codes.entry(answer["code"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    sending.join().unwrap();
    for (code, count) in codes {
        let expected = NOES.iter().filter(|(_, no)| *no == code).count() * EACH;
        assert_eq!(count, expected, "{code}");
    }
}
