//! Deep and wide JSON, and ids that are made to collide.

use crate::beside::{MIB, beside};

#[test]
fn deep_and_wide_json_is_refused_by_both_doors_alone_and_in_a_batch() {
    beside(&["--shards", "1"], |server, _| {
        let before = server.memory();
        let deep = 1_000_000;
        let open_and_closed = |open: &str, close: &str| format!("{}1{}", open.repeat(deep), close.repeat(deep));
        let inside = |value: &str| format!(r#"{{"id":"x","op":"spend","account":{value}}}"#);
        let ping = r#"{"id":"p","op":"ping"}"#;
        let mut texts = vec![
            "[".repeat(deep),
            r#"{"a":"#.repeat(deep / 2),
            open_and_closed("[", "]"),
            format!("{}1{}", r#"{"a":"#.repeat(deep / 2), "}".repeat(deep / 2)),
            inside(&open_and_closed("[", "]")),
            inside(&"[".repeat(deep)),
            format!("[{ping},{},{ping}]", inside(&open_and_closed("[", "]"))),
            format!(r#"{{"id":"x","op":"spend",{}"y":1}}"#, r#""x":1,"#.repeat(deep / 4)),
            format!("[{}1]", "1,".repeat(deep)),
            format!(r#"{{"id":"x","op":"spend","lines":[{}1]}}"#, "1,".repeat(deep)),
        ];
        texts.push(format!(r#"{{"id":"{}"}}"#, "x".repeat(deep)));
        let mut client = server.client();
        for text in &texts {
            let start: String = text.chars().take(40).collect();
            let over_tcp = client.ask(text);
            let over_http = server.http().post(text).json();
            for answer in [over_tcp, over_http] {
                let noes: Vec<_> = match answer.as_array() {
                    Some(answers) => answers.iter().filter(|answer| answer["ok"] == false).cloned().collect(),
                    None => vec![answer.clone()],
                };
                assert!(!noes.is_empty(), "{start}");
                assert!(noes.iter().all(|answer| answer["code"] == "bad_request"), "{start}: {answer}");
            }
            assert_eq!(client.ask(ping)["pong"], true, "the connection goes on");
        }
        let more = server.most_memory() - before;
        assert!(more < 200 * MIB, "{} MiB more", more / MIB);
    });
}

/// What these cost is counted by `engine/src/runtime/ids/table.rs`; here they are told apart.
#[test]
fn w6_ids_that_are_alike_are_told_apart() {
    beside(&["--shards", "2"], |server, _| {
        let mut client = server.client();
        client.done(r#"{"id":"t","op":"top_up","account":"alike","principal":"1000.00"}"#);
        let head = "x".repeat(58);
        for part in 0..20 {
            let ids: Vec<String> = (0..500).map(|n| format!("{head}{:06}", part * 500 + n)).collect();
            let lines = ids.iter().map(|id| {
                format!(r#"{{"id":"{id}","op":"spend","account":"alike","merchant":"m","amount":"0.01"}}"#) + "\n"
            });
            client.raw(lines.collect::<String>().as_bytes());
            for (id, answer) in ids.iter().zip(client.answers(500)) {
                assert_eq!(
                    (answer["id"].as_str(), &answer["ok"], answer.get("replayed")),
                    (Some(&**id), &true.into(), None)
                );
            }
        }
        assert_eq!(client.available("alike"), "900.00");
    });
}
