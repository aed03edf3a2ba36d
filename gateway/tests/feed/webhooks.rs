//! Webhooks: in order, signed, again until they are acknowledged, and none waits for another.

use crate::reader::records;
use crate::receiver::{Delivery, Does, Receiver, SECRET};
use crate::support::{Authority, Client, Ledger, Server, eventually, json};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};

/// A hook of the file: quick to try again.
pub(crate) fn hook(name: &str, address: SocketAddr, more: &str) -> String {
    format!(
        "[[webhook]]\nname = \"{name}\"\nurl = \"http://{address}/hook?key=hidden\"\nsecret_file = \"secret\"\n\
         retry_first_ms = 20\nretry_max_seconds = 1\n{more}\n"
    )
}

/// Starts a server with these hooks.
pub(crate) fn serve(ledger: &Ledger, hooks: &str, flags: &[&str]) -> Server {
    std::fs::write(ledger.path("secret"), format!("{SECRET}\n")).unwrap();
    let file = ledger.path("webhooks.toml");
    std::fs::write(&file, hooks).unwrap();
    let mut all = vec!["--webhooks", file.to_str().unwrap()];
    all.extend(flags);
    ledger.serve(&all)
}

pub(crate) fn top_ups(client: &mut Client, begin: u64, count: u64) {
    let lines: String = (begin..begin + count)
        .map(|n| format!("{{\"id\":\"t-{n}\",\"op\":\"top_up\",\"account\":\"w-{}\",\"principal\":\"1.00\"}}\n", n % 5))
        .collect();
    client.raw(lines.as_bytes());
    let answers = client.answers(usize::try_from(count).unwrap());
    assert!(answers.iter().all(|answer| answer["ok"] == true));
}

pub(crate) fn standing(server: &Server, name: &str) -> Value {
    let all = server.http().get("/v1/webhooks").json();
    let found = all["webhooks"].as_array().unwrap().iter().find(|hook| hook["name"] == name);
    found.unwrap_or_else(|| panic!("{all}")).clone()
}

pub(crate) fn post(server: &Server, path: &str, body: &str) -> (u16, Value) {
    let answer = server.http().exchange("POST", &format!("/v1/webhooks/{path}"), &[], body.as_bytes());
    (answer.status, answer.json())
}

#[test]
fn deliveries_are_in_order_signed_whole_and_bounded() {
    let receiver = Receiver::good();
    let ledger = Ledger::new();
    let server = serve(&ledger, &hook("erp", receiver.address, "batch_records = 40"), &["--shards", "2"]);
    let mut client = server.client();
    top_ups(&mut client, 0, 300);
    client.done(r#"{"id":"s","op":"spend","account":"w-1","merchant":"m","amount":"2.00"}"#);
    receiver.has(301);
    let expected = records(server.http, "from=1");
    let mut seen = Vec::new();
    for delivery in receiver.deliveries() {
        delivery.check_signature();
        let body = delivery.json();
        let (first, last) = delivery.span();
        assert_eq!((&body["webhook"], first), (&"erp".into(), seen.len() as u64 + 1));
        assert_eq!(delivery.seqs(), (first..=last).collect::<Vec<_>>());
        assert!(last - first < 40, "{first} {last}");
        assert_eq!(delivery.id, format!("erp-{first}-{last}"));
        seen.extend(body["records"].as_array().unwrap().clone());
    }
    assert_eq!(seen, expected, "the records are those of the feed");
    let stands = eventually("rest", || Some(standing(&server, "erp")).filter(|stands| stands["state"] == "idle"));
    assert_eq!((&stands["next"], &stands["lag"], &stands["records"]), (&302.into(), &0.into(), &301.into()));
    assert_eq!(stands["url"], format!("http://{}/hook", receiver.address), "what may be secret is not shown");
    let metrics = server.http().get("/metrics").body;
    assert!(metrics.contains("fentan_webhook_next_position{webhook=\"erp\"} 302"), "{metrics}");
    assert!(!server.log().contains(SECRET) && !server.log().contains("hidden"), "{}", server.log());
    // What was acknowledged is not sent again, and nothing is missing after a restart.
    let count = receiver.deliveries().len();
    server.stop();
    let server = serve(&ledger, &hook("erp", receiver.address, "batch_records = 40"), &[]);
    top_ups(&mut server.client(), 300, 1);
    receiver.has(302);
    assert_eq!(receiver.deliveries()[count..].iter().flat_map(Delivery::seqs).collect::<Vec<_>>(), [302]);
}

#[test]
fn whatever_goes_wrong_the_same_batch_comes_again_until_it_is_acknowledged() {
    let bad = [
        Does::Answer(500),
        Does::Redirect,
        Does::Close,
        Does::Answer(404),
        Does::Answer(302),
        Does::Answer(503),
        Does::Hang,
        Does::Answer(429),
    ];
    let receiver = Receiver::start(move |_, before| bad.get(before).copied().unwrap_or(Does::Answer(204)));
    let ledger = Ledger::new();
    let server = serve(&ledger, &hook("erp", receiver.address, "batch_records = 10\ntimeout_seconds = 1"), &[]);
    let mut client = server.client();
    top_ups(&mut client, 0, 5);
    eventually("a failure", || {
        let stands = standing(&server, "erp");
        (stands["last_error"].as_str()?.contains("redirects are not followed")).then_some(())
    });
    // More comes meanwhile: the batch that was begun stays as it is.
    top_ups(&mut client, 5, 50);
    receiver.has(55);
    let deliveries = receiver.deliveries();
    let (tries, rest) = deliveries.split_at(bad.len() + 1);
    for delivery in tries {
        delivery.check_signature();
        assert_eq!((&delivery.id, &delivery.body), (&tries[0].id, &tries[0].body));
    }
    assert_eq!(tries.last().unwrap().did, Does::Answer(204));
    for pair in tries.windows(2) {
        assert!(pair[1].at > pair[0].at);
    }
    assert!(rest.iter().all(|delivery| delivery.did == Does::Answer(204)));
    assert_eq!(receiver.acknowledged(), (1..=55).collect::<Vec<_>>(), "each once, in order");
    let stands = eventually("rest", || Some(standing(&server, "erp")).filter(|stands| stands["state"] == "idle"));
    assert_eq!((&stands["attempts"], &stands["last_error"]), (&0.into(), &Value::Null));
    let log = server.log();
    assert!(log.contains("was not acknowledged") && !log.contains(SECRET) && !log.contains("hidden"), "{log}");
}

#[test]
fn a_receiver_that_is_not_there_is_waited_for_and_delays_nobody() {
    let (good, hanging) = (Receiver::good(), Receiver::start(|_, _| Does::Hang));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let ledger = Ledger::new();
    let hooks = [
        hook("nobody", nobody, ""),
        hook("hanging", hanging.address, "timeout_seconds = 600"),
        hook("good", good.address, ""),
    ];
    let server = serve(&ledger, &hooks.concat(), &[]);
    let mut client = server.client();
    top_ups(&mut client, 0, 20);
    good.has(20);
    let dead = eventually("tries", || {
        let stands = standing(&server, "nobody");
        (stands["attempts"].as_u64()? >= 3 && stands["state"] == "retrying").then_some(stands)
    });
    assert_eq!((&dead["next"], &dead["lag"]), (&1.into(), &20.into()));
    assert!(dead["next_try_at"].is_string() && dead["last_error"].is_string(), "{dead}");
    assert!(!dead.to_string().contains("hidden") && !server.log().contains("hidden"), "{dead} {}", server.log());
    assert_eq!(standing(&server, "hanging")["state"], "sending");
    // It is there now, and gets everything from the first on.
    let late = Receiver::on(TcpListener::bind(nobody).unwrap(), |_, _| Does::Answer(200));
    late.has(20);
    assert_eq!(late.acknowledged(), (1..=20).collect::<Vec<_>>());
    // The one that hangs does not keep the server from ending.
    let begun = std::time::Instant::now();
    server.stop();
    assert!(begun.elapsed().as_secs() < 20);
}

#[test]
fn https_is_checked_against_the_authorities_that_are_named() {
    let authority = Authority::new();
    let (trusted, stranger) = (Receiver::tls(&authority), Receiver::tls(&authority));
    let ledger = Ledger::new();
    std::fs::write(ledger.path("ca.pem"), authority.certificate()).unwrap();
    let secure = |name: &str, address: SocketAddr, more: &str| {
        hook(name, address, more)
            .replace(&format!("http://{address}"), &format!("https://localhost:{}", address.port()))
    };
    let hooks = [
        secure("trusted", trusted.address, "ca_file = \"ca.pem\""),
        // The public authorities do not know it.
        secure("stranger", stranger.address, ""),
    ];
    let server = serve(&ledger, &hooks.concat(), &[]);
    top_ups(&mut server.client(), 0, 10);
    trusted.has(10);
    assert_eq!(trusted.acknowledged(), (1..=10).collect::<Vec<_>>());
    trusted.deliveries().iter().for_each(Delivery::check_signature);
    let refused = eventually("a no", || {
        let stands = standing(&server, "stranger");
        (stands["attempts"].as_u64()? >= 2).then_some(stands)
    });
    assert!(refused["last_error"].as_str().unwrap().contains("certificate"), "{refused}");
    assert!(stranger.deliveries().is_empty(), "nothing was sent to it");
}

#[test]
fn filters_and_where_to_begin() {
    let (spends, wallet, new) = (Receiver::good(), Receiver::good(), Receiver::good());
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    top_ups(&mut server.client(), 0, 30);
    server.stop();
    let hooks = [
        hook("spends", spends.address, "types = [\"spend\", \"rejected\"]"),
        hook("wallet", wallet.address, "accounts = [\"w-3\"]\nfrom = 12"),
        hook("new", new.address, "from = \"end\""),
    ]
    .concat();
    let server = serve(&ledger, &hooks, &[]);
    let mut client = server.client();
    client.done(r#"{"id":"s-1","op":"spend","account":"w-3","merchant":"m","amount":"1.00"}"#);
    let _ = client.ask(r#"{"id":"s-2","op":"spend","account":"w-1","merchant":"m","amount":"100.00"}"#);
    top_ups(&mut client, 30, 1);
    spends.has(32);
    new.has(33);
    wallet.has(31);
    assert_eq!(spends.acknowledged(), [31, 32]);
    assert_eq!(new.acknowledged(), [31, 32, 33]);
    // n of w-3 is 3, 8, 13, …; its position is one more.
    assert_eq!(wallet.acknowledged(), [14, 19, 24, 29, 31]);
    for name in ["spends", "wallet", "new"] {
        eventually("the end", || (standing(&server, name)["next"] == 34).then_some(()));
    }
    // What a filter has hidden is not looked at again.
    server.stop();
    let text = std::fs::read_to_string(ledger.path("data/webhooks/spends.json")).unwrap();
    let cursor = json(&text);
    assert_eq!((&cursor["next"], &cursor["sending"], &cursor["paused"]), (&json!(34), &Value::Null, &json!(false)));
}

#[test]
fn operators_rewind_pause_and_resume() {
    let receiver = Receiver::good();
    let ledger = Ledger::new();
    let hooks = hook("erp", receiver.address, "");
    let server = serve(&ledger, &hooks, &[]);
    let mut client = server.client();
    top_ups(&mut client, 0, 10);
    receiver.has(10);
    let (status, answer) = post(&server, "erp/pause", "");
    assert_eq!((status, &answer["webhook"]["state"]), (200, &"paused".into()), "{answer}");
    top_ups(&mut client, 10, 5);
    assert_eq!(post(&server, "erp/rewind", r#"{"from":8}"#).0, 200);
    server.stop();
    // Both are kept.
    let server = serve(&ledger, &hooks, &[]);
    let stands = standing(&server, "erp");
    assert_eq!((&stands["state"], &stands["next"], &stands["lag"]), (&"paused".into(), &8.into(), &8.into()));
    let before = receiver.deliveries().len();
    let program = |args: &[&str]| {
        let address = format!("http://{}", server.http);
        let output = ledger.run(&[&["webhook"], args, &["--server", &address]].concat());
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    assert_eq!(receiver.deliveries().len(), before, "nothing is sent while it is paused");
    let (code, said) = program(&["resume", "erp"]);
    assert!(code == Some(0) && said.contains("erp:"), "{said}");
    receiver.has(15);
    let again: Vec<u64> = receiver.deliveries()[before..].iter().flat_map(Delivery::seqs).collect();
    assert_eq!(again, (8..=15).collect::<Vec<_>>());
    let (code, said) = program(&["list"]);
    assert!(code == Some(0) && said.contains("idle"), "{said}");
    let (code, said) = program(&["rewind", "nobody", "--from", "1"]);
    assert!(code == Some(1) && said.contains("unknown_webhook"), "{said}");
    for (path, body, status, code) in [
        ("erp/rewind", r#"{"from":0}"#, 400, "bad_request"),
        ("erp/rewind", r#"{"from":17}"#, 422, "position_ahead"),
        ("erp/rewind", "", 400, "bad_request"),
        ("erp/rewind", r#"{"from":1,"to":2}"#, 400, "bad_request"),
        ("nobody/pause", "", 404, "unknown_webhook"),
    ] {
        let (got, answer) = post(&server, path, body);
        assert_eq!((got, answer["code"].as_str().unwrap()), (status, code), "{path} {body} {answer}");
    }
    // `end` skips what is there.
    assert_eq!(post(&server, "erp/rewind", r#"{"from":"end"}"#).1["webhook"]["next"], 16);
    // Deliveries verify with the program.
    let delivery = receiver.deliveries().pop().unwrap();
    let verify = |body: &str| {
        use std::io::Write;
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_fentan"))
            .args(["webhook", "verify", "--secret-file"])
            .arg(ledger.path("secret"))
            .args(["--signature", &delivery.signature])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        child.wait_with_output().unwrap().status.code()
    };
    assert_eq!(verify(&delivery.body), Some(0));
    assert_eq!(verify(&delivery.body.replace("1.00", "9.00")), Some(1));
}

#[test]
fn a_file_that_cannot_be_is_refused_before_anything_starts() {
    let ledger = Ledger::new();
    std::fs::write(ledger.path("secret"), "short").unwrap();
    let file = ledger.path("webhooks.toml");
    for (text, said) in [
        (hook("erp", "127.0.0.1:1".parse().unwrap(), ""), "shorter than 16 bytes"),
        ("[[webhook]]\nname = \"erp\"\nurl = \"http://example.com/\"\nsecret_env = \"PATH\"".into(), "https://"),
        ("[[webhook]]\nname = \"../erp\"\nurl = \"https://example.com/\"\nsecret_env = \"PATH\"".into(), "name"),
        ("[[webhooks]]".into(), "webhooks"),
    ] {
        std::fs::write(&file, text).unwrap();
        let log = ledger.refused_to_serve(&["--webhooks", file.to_str().unwrap()]);
        assert!(log.contains(said) && log.contains("webhooks.toml"), "{log}");
    }
}
