//! The HTTP door: the same answers as over TCP, with statuses, and NDJSON streamed both ways.

use crate::support::{Http, Ledger, json, timeless};
use serde_json::Value;
use std::io::{BufReader, Read, Write};

#[test]
fn a_command_over_http_has_the_answer_it_has_over_tcp_and_a_status_by_its_code() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2", "--max-line-bytes", "4096"]);
    let http = server.http();
    let long = format!(r#"{{"id":"x","op":"{}"}}"#, "x".repeat(10_000_000));
    let table: &[(&str, u16, &str)] = &[
        (r#"{"id":"t-1","op":"top_up","account":"w","principal":"10.00"}"#, 200, ""),
        (r#"{"id":"t-1","op":"top_up","account":"w","principal":"10.00"}"#, 200, ""),
        (
            "{\n  \"id\": \"s-1\",\n  \"op\": \"spend\", \"account\": \"w\",\n  \"merchant\": \"m\", \"amount\": \"1.00\"\n}\n",
            200,
            "",
        ),
        (r#"{"id":"t-1","op":"top_up","account":"w","principal":"11.00"}"#, 409, "id_conflict"),
        (r#"{"id":"s-2","op":"spend","account":"w","merchant":"m","amount":"11.00"}"#, 422, "insufficient_funds"),
        (r#"{"id":"s-3","op":"spend","account":"nobody","merchant":"m","amount":"11.00"}"#, 404, "unknown_account"),
        (r#"{"id":"f-1","op":"refund","spend":"nothing"}"#, 404, "unknown_spend"),
        (r#"{"id":"o-1","op":"open_account","account":"w","kind":"wallet"}"#, 409, "account_exists"),
        (r#"{"id":"z-1","op":"freeze","account":"w"}"#, 200, ""),
        (r#"{"id":"z-2","op":"freeze","account":"w"}"#, 409, "already_done"),
        (r#"{"id":"z-3","op":"spend","account":"w","merchant":"m","amount":"1.00"}"#, 422, "account_frozen"),
        (r#"{"id":"x","op":"steal"}"#, 400, "bad_request"),
        ("hello", 400, "bad_request"),
        ("", 400, "bad_request"),
        (" \n ", 400, "bad_request"),
        ("[]", 400, "bad_request"),
        (&long, 413, "line_too_long"),
    ];
    for (body, status, code) in table {
        let response = http.post(body);
        let answer = response.json();
        assert_eq!((response.status, answer["code"].as_str().unwrap_or("")), (*status, *code), "{answer}");
        assert_eq!(response.header("content-type"), Some("application/json"));
    }
    // A batch is an exchange that went well, whatever its answers say.
    let batch = http
        .post(r#"[{"id":"p","op":"ping"},{"id":"z-3","op":"spend","account":"w","merchant":"m","amount":"1.00"},5]"#);
    assert_eq!(batch.status, 200);
    let answers = batch.json();
    assert_eq!(
        (&answers[0]["pong"], &answers[1]["replayed"], &answers[2]["code"]),
        (&true.into(), &true.into(), &"bad_request".into())
    );
    // The same command over the other door is the same command.
    let again = server.client().ask(r#"{"id":"s-2","op":"spend","account":"w","merchant":"m","amount":"11.00"}"#);
    assert_eq!((&again["code"], &again["replayed"]), (&"insufficient_funds".into(), &true.into()));
    server.assert_well();
}

#[test]
fn each_path_shows_what_there_is_and_404_what_there_is_not() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2"]);
    crate::scripts::run(&mut server, include_str!("scripts/story.txt"));
    let mut client = server.client();
    client.done(r#"{"id":"a/b c%","op":"top_up","account":"w/1 %","principal":"1.00"}"#);
    let http = server.http();
    let shown = |path: &str| {
        let response = http.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.json()
    };
    let over_tcp = client.done(r#"{"id":"w-1","op":"balance","account":"w-1"}"#);
    assert_eq!(timeless(shown("/v1/accounts/w-1")), timeless(over_tcp));
    assert_eq!(shown("/v1/accounts/w%2F1%20%25")["account"], "w/1 %");
    assert_eq!(shown("/v1/top_ups/a%2Fb%20c%25")["top_up"], "a/b c%");
    assert_eq!(shown("/v1/accounts/m-1")["balance"]["unreconciled"], "140.00");
    let spend = shown("/v1/spends/s-1");
    assert_eq!(
        (&spend["amount"], &spend["refunded"], &spend["rule"]),
        (&"140.00".into(), &"14.00".into(), &"by_lot@1".into())
    );
    assert_eq!(shown("/v1/spends/c-1")["refunded"], "42.00");
    assert_eq!(shown("/v1/holds/h-1")["state"], "ended");
    assert_eq!(shown("/v1/top_ups/t-1")["state"], "confirmed");
    let rules = shown("/v1/rules");
    assert_eq!(rules["rules"].as_array().unwrap().len(), 9);
    for rule in rules["rules"].as_array().unwrap() {
        let one = shown(&format!("/v1/rules/{}", rule["name"].as_str().unwrap()));
        assert_eq!((&one["method"], &one["version"]), (&rule["method"], &rule["version"]));
    }
    let trial = shown("/v1/trial_balance");
    assert_eq!(trial["currencies"]["CNY"]["debits"], trial["currencies"]["CNY"]["credits"]);
    assert_eq!(shown("/healthz")["alive"], true);
    assert_eq!(shown("/readyz")["ready"], true);
    let metrics = http.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    assert!(metrics.body.contains("fentan_journal_sync_seconds_count"), "{}", metrics.body);
    for (path, status, code) in [
        ("/v1/accounts/nobody", 404, "unknown_account"),
        ("/v1/spends/nothing", 404, "unknown_spend"),
        ("/v1/spends/t-1", 404, "unknown_spend"),
        // Refused: there is no such spend.
        ("/v1/spends/f-4", 404, "unknown_spend"),
        ("/v1/holds/s-1", 404, "unknown_hold"),
        ("/v1/top_ups/h-1", 404, "unknown_top_up"),
        ("/v1/rules/nothing", 404, "unknown_rule"),
        ("/v1/accounts/%E4%BA%8C", 400, "bad_request"),
        ("/v1/spends/%00", 400, "bad_request"),
        ("/v1/nothing", 404, "bad_request"),
        ("/v1/commands", 404, "bad_request"),
        ("/", 404, "bad_request"),
    ] {
        let response = http.get(path);
        assert_eq!((response.status, &response.json()["code"]), (status, &code.into()), "{path}: {}", response.body);
    }
}

/// A stream of NDJSON: requests go out as chunks, answers come in as chunks.
struct Stream {
    output: std::net::TcpStream,
    input: BufReader<std::net::TcpStream>,
    line: Vec<u8>,
}

impl Stream {
    fn open(http: &Http) -> Self {
        let mut output = http.open();
        let head = "POST /v1/commands HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
        output.write_all(head.as_bytes()).unwrap();
        let input = BufReader::new(output.try_clone().unwrap());
        Self { output, input, line: Vec::new() }
    }

    fn send(&mut self, text: &str) {
        write!(self.output, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    }

    fn head(&mut self) {
        let head = Http::head(&mut self.input);
        assert_eq!((head.status, head.header("content-type")), (200, Some("application/x-ndjson")));
    }

    /// The next answer; `None` at the end.
    fn answer(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.line.drain(..=end).collect();
                return Some(json(std::str::from_utf8(&line).unwrap()));
            }
            self.line.extend(Http::chunk(&mut self.input)?);
        }
    }
}

#[test]
fn ndjson_is_streamed_both_ways_and_late_lines_are_answered() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2", "--max-line-bytes", "4096"]);
    let mut stream = Stream::open(&server.http());
    stream.send("{\"id\":\"t-1\",\"op\":\"top_up\",\"account\":\"w\",\"principal\":\"10.00\"}\n");
    stream.head();
    assert_eq!(stream.answer().unwrap()["id"], "t-1");
    // Late, in pieces, a batch, nonsense, and the last line without its newline.
    stream.send("{\"id\":\"s-1\",\"op\":\"spend\",\"acc");
    stream.send("ount\":\"w\",\"merchant\":\"m\",\"amount\":\"1.00\"}\n\n{\"id\":\"f-1\",\"op\":\"refund\",\"spend\":\"s-1\"}\n");
    assert_eq!(stream.answer().unwrap()["id"], "s-1");
    assert_eq!(stream.answer().unwrap()["ok"], true);
    stream.send("nonsense\n");
    assert_eq!(stream.answer().unwrap()["code"], "bad_request");
    stream.send("[{\"id\":\"p-1\",\"op\":\"ping\"},{\"id\":\"p-2\",\"op\":\"ping\"}]\n{\"id\":\"b\",\"op\":\"balance\",\"account\":\"w\"}");
    assert_eq!(stream.answer().unwrap().as_array().unwrap().len(), 2);
    stream.output.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(stream.answer().unwrap()["balance"]["available"], "10.00");
    assert_eq!(stream.answer(), None);
    // A line that is too long, with its newline or without, ends the stream with its answer.
    for end in ["", "\n"] {
        let mut stream = Stream::open(&server.http());
        stream.send("{\"id\":\"p\",\"op\":\"ping\"}\n");
        stream.head();
        assert_eq!(stream.answer().unwrap()["pong"], true);
        stream.send(&format!("{}{end}", "x".repeat(5000)));
        assert_eq!(stream.answer().unwrap()["code"], "line_too_long");
        assert_eq!(stream.answer(), None);
    }
    // A client that goes away in the middle.
    let mut gone = Stream::open(&server.http());
    gone.send("{\"id\":\"half\",\"op\":\"top_up\",\"account\":\"half\",\"principal\":\"1.00\"}");
    drop(gone);
    server.assert_well();
    assert_eq!(server.client().ask(r#"{"id":"b","op":"balance","account":"half"}"#)["code"], "unknown_account");
}

/// A ping of this id, as a line.
fn ping(id: &str) -> String {
    format!("{{\"id\":\"{id}\",\"op\":\"ping\"}}\n")
}

#[test]
fn a_line_of_a_stream_that_is_not_whole_in_time_ends_it_with_a_word_and_a_silent_stream_goes_on() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--stall-seconds", "2"]);
    let (mut silent, mut stuck) = (Stream::open(&server.http()), Stream::open(&server.http()));
    for stream in [&mut silent, &mut stuck] {
        stream.send(&ping("p"));
        stream.head();
        assert_eq!(stream.answer().unwrap()["pong"], true);
    }
    stuck.send("{\"id\":\"half\",");
    std::thread::sleep(std::time::Duration::from_millis(1200));
    stuck.send("\"op\":");
    let told = stuck.answer().unwrap();
    assert_eq!((&told["id"], &told["code"]), (&Value::Null, &"bad_request".into()), "{told}");
    assert!(told["message"].as_str().unwrap().contains("not whole within 2 s"), "{told}");
    assert_eq!(stuck.answer(), None);
    silent.send(&ping("late"));
    assert_eq!(silent.answer().unwrap()["id"], "late");
}

#[test]
fn a_stream_that_the_server_ends_says_so_and_one_that_is_not_taken_is_broken_off() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--stall-seconds", "2", "--queue-ms", "0"]);
    let mut slow = Stream::open(&server.http());
    let output = slow.output.try_clone().unwrap();
    output.set_write_timeout(Some(std::time::Duration::from_secs(3))).unwrap();
    // Takes nothing until nothing is read from it any more.
    let sends = std::thread::spawn(move || {
        let lines: String = (0..500).map(|n| ping(&format!("{}-{n}", "x".repeat(50)))).collect();
        let piece = format!("{:x}\r\n{lines}\r\n", lines.len());
        let mut output = output;
        while output.write_all(piece.as_bytes()).is_ok() {}
    });
    sends.join().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let mut all = Vec::new();
    // A reset is an end as well.
    let _ = slow.input.read_to_end(&mut all);
    assert!(all.len() > 1000 && !all.ends_with(b"0\r\n\r\n"), "{} bytes are no whole", all.len());
    let mut open = Stream::open(&server.http());
    open.send(&ping("p"));
    open.head();
    assert_eq!(open.answer().unwrap()["pong"], true);
    server.terminate();
    let told = open.answer().unwrap();
    assert_eq!((&told["id"], &told["code"]), (&Value::Null, &"shutting_down".into()), "{told}");
    assert_eq!(open.answer(), None);
    drop(open);
    server.wait();
}

#[test]
fn ten_thousand_lines_of_one_stream_are_answered_once_each() {
    const LINES: usize = 10_000;
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let line = |n: usize| {
        format!("{{\"id\":\"t{n}\",\"op\":\"top_up\",\"account\":\"w{}\",\"principal\":\"0.01\"}}\n", n % 10)
    };
    let body: String = (0..LINES).map(line).collect();
    let response = server.http().post_as("application/x-ndjson", &body);
    let mut ids: Vec<String> =
        response.body.lines().map(|line| json(line)["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), LINES);
    assert_eq!(server.client().available("w3"), "10.00");
}

#[test]
fn bad_http_disturbs_nobody() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&[]);
    for bytes in [
        &b"hello\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/commands HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{\"id\":",
        b"POST /v1/commands HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/commands HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\0\xff\xfe\r\n\r\n",
    ] {
        let mut stream = server.http().open();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // An answer or a close, both are fine; a hang is not.
        let _ = stream.read(&mut [0; 1024]);
        server.assert_well();
    }
}
