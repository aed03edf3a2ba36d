//! The short way gives up or agrees with the general one.

use super::{glance, plain_batch, plain_line};
use crate::wire::parse::{Asked, Line, read_line};
use fentan_engine::runtime::Request;
use proptest::prelude::*;

const LIMIT: usize = 4;

/// What the general way reads, when it is nothing but requests of the engine.
fn general(line: &[u8]) -> Option<Vec<Request>> {
    let requests = match read_line(line, LIMIT) {
        Line::One(Ok(request)) => vec![Ok(request)],
        Line::Batch(requests) => requests,
        Line::Plain(_) | Line::One(Err(_)) | Line::Blank => return None,
    };
    requests
        .into_iter()
        .map(|request| match request {
            Ok(Asked::Engine(request)) => Some(request),
            Ok(Asked::History(..) | Asked::Auth(..)) | Err(_) => None,
        })
        .collect()
}

fn short(line: &[u8]) -> Option<Vec<Request>> {
    match plain_line(line) {
        Some(request) => Some(vec![request]),
        None => plain_batch(line, LIMIT),
    }
}

/// Whether the short way was taken; when it was, the general one must have read the same.
fn agree(line: &[u8]) -> bool {
    if let (Some(id), Some(requests)) = (glance(line), general(line)) {
        assert_eq!(id, requests[0].id.as_str(), "{:?}", String::from_utf8_lossy(line));
    }
    let short = short(line);
    if short.is_some() {
        assert_eq!(short, general(line), "{:?}", String::from_utf8_lossy(line));
    }
    short.is_some()
}

const SEEDS: &str = include_str!("seeds.txt");
/// Bytes that mean something to one of the two ways.
const ODD: &[u8] = b"\"\\{}[]:,.-0 \t\x0c\x00\x7f\x80\xe5nx";

#[test]
fn the_id_of_a_common_command_is_seen_at_a_glance_and_that_of_a_question_is_not() {
    for op in ["spend", "top_up", "hold", "capture", "release", "refund", "transfer"] {
        let line = format!(r#"{{"id":"a b-1","op":"{op}","whatever":"#);
        assert_eq!(glance(line.as_bytes()), Some("a b-1"), "{line}");
    }
    let long = format!(r#"{{"id":"{}","op":"spend"}}"#, "a".repeat(65));
    for line in [
        r#"{"id":"a","op":"balance"}"#,
        r#"{"id":"a","op":"auth","token":"x"}"#,
        r#"{"id":"a","op":"spender"}"#,
        r#"{"id":"","op":"spend"}"#,
        r#"{"id":"a"b","op":"spend"}"#,
        r#"{"id":"é","op":"spend"}"#,
        r#"{"op":"spend","id":"a"}"#,
        r#"[{"id":"a","op":"spend"}]"#,
        r#"{"id":"a"#,
        long.as_str(),
    ] {
        assert_eq!(glance(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn a_line_with_one_byte_changed_is_given_up_or_read_alike() {
    let (mut taken, mut changed) = (0, 0);
    for seed in SEEDS.lines() {
        taken += usize::from(agree(seed.as_bytes()));
        for at in 0..seed.len() {
            let (before, after) = (&seed.as_bytes()[..at], &seed.as_bytes()[at..]);
            agree(before);
            changed += usize::from(agree(&[before, &after[1..]].concat()));
            for odd in ODD {
                changed += usize::from(agree(&[before, &[*odd], after].concat()));
                changed += usize::from(agree(&[before, &[*odd], &after[1..]].concat()));
            }
        }
        // Every piece twice: fields that stand twice, objects behind one another.
        for comma in seed.match_indices(',').map(|(at, _)| at) {
            agree(format!("{}{}", &seed[..comma], &seed[1..]).as_bytes());
        }
    }
    assert_eq!(taken, 20, "the plain seeds are taken");
    assert!(changed > 1_000, "{changed}");
}

#[test]
fn a_batch_is_taken_up_to_its_limit() {
    let one = r#"{"id":"b","op":"balance","account":"ann"}"#;
    let batch = |n: usize| format!("[{}]", vec![one; n].join(","));
    for n in 1..=LIMIT {
        assert!(agree(batch(n).as_bytes()), "{n}");
    }
    assert!(!agree(batch(LIMIT + 1).as_bytes()), "the general way says that it is too long");
}

/// A name that a plain line may have.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z0-9_.:-]{1,24}", 1 => "[ !#-\\[\\]-~]{1,64}"]
}

fn amount() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u32..100_000, 0_u32..100).prop_map(|(whole, cents)| format!("{whole}.{cents:02}")),
        (0_u64..10_000_000_000).prop_map(|whole| whole.to_string()),
    ]
}

fn moment() -> impl Strategy<Value = String> {
    (0_i64..4_000_000_000_000_000).prop_map(crate::wire::time::text)
}

type Field = (&'static str, String);

/// A field that is there or not.
fn maybe(name: &'static str, value: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Vec<Field>> {
    proptest::option::of(value).prop_map(move |value| value.map(|value| (name, value)).into_iter().collect()).boxed()
}

fn needed(name: &'static str, value: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Vec<Field>> {
    value.prop_map(move |value| vec![(name, value)]).boxed()
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(words).prop_map(str::to_owned)
}

fn operation(op: &'static str, mut fields: Vec<BoxedStrategy<Vec<Field>>>) -> BoxedStrategy<Vec<Field>> {
    fields.push(needed("op", Just(op.to_owned())));
    fields.push(needed("id", name()));
    fields.prop_map(|fields| fields.concat()).boxed()
}

/// The fields of a request of the plain form.
fn fields() -> impl Strategy<Value = Vec<Field>> {
    let spend = || {
        vec![
            needed("account", name()),
            needed("merchant", name()),
            needed("amount", amount()),
            maybe("rule", name()),
            maybe("order", name()),
        ]
    };
    let funding = || maybe("funding", one_of(&["debit_card", "credit_card", "wallet", "unknown"]));
    let top_up = vec![
        needed("account", name()),
        needed("principal", amount()),
        maybe("bonus", amount()),
        maybe("offer", name()),
        maybe("channel", name()),
        maybe("channel_order", name()),
        funding(),
        maybe("expires_at", moment()),
        maybe("bonus_expires_at", moment()),
        maybe("state", one_of(&["pending", "confirmed"])),
    ];
    let refund = vec![
        needed("spend", name()),
        maybe("amount", amount()),
        maybe("line", name()),
        maybe("reason", "[ !#-\\[\\]-~]{0,256}"),
    ];
    prop_oneof![
        3 => operation("spend", spend()),
        2 => operation("top_up", top_up),
        2 => operation("refund", refund),
        1 => operation("balance", vec![needed("account", name())]),
        1 => operation("hold", [spend(), vec![maybe("expires_at", moment())]].concat()),
        1 => operation("capture", vec![needed("hold", name()), maybe("amount", amount())]),
        1 => operation("release", vec![needed("hold", name()), maybe("amount", amount())]),
        1 => operation("confirm_top_up", vec![needed("top_up", name()), maybe("amount", amount()), funding()]),
        1 => operation("transfer", vec![
            needed("from", name()), needed("to", name()), needed("amount", amount()), maybe("rule", name()),
        ]),
    ]
}

/// An object of these fields, with blanks wherever JSON allows them.
fn object(fields: &[(String, String)], blanks: &[&str]) -> String {
    let mut blank = blanks.iter().cycle();
    let mut next = || blank.next().copied().unwrap_or_default();
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}\"{name}\"{}:{}{value}{}", next(), next(), next(), next()))
        .collect();
    format!("{}{{{}}}{}", next(), fields.join(","), next())
}

fn blanks() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(&["", "", "", " ", "\t", "  ", "\r\n"][..]), 1..8)
}

/// Lines of the plain form: fields in any order, blanks anywhere.
fn plain() -> impl Strategy<Value = String> {
    (fields().prop_shuffle(), blanks()).prop_map(|(fields, blanks)| {
        let quoted: Vec<_> = fields.into_iter().map(|(name, value)| (name.into(), format!("\"{value}\""))).collect();
        object(&quoted, &blanks)
    })
}

/// Values that the short way must not read, or not as something else.
fn odd_value() -> impl Strategy<Value = String> {
    prop_oneof![
        one_of(&[
            "null",
            "true",
            "12",
            "12.34",
            "-1",
            "[]",
            "{}",
            "[\"a\"]",
            "\"\"",
            "\"\\u0061\"",
            "\"a\\\"b\"",
            "\"木\"",
            "\"-1\"",
            "\"1e3\"",
            "\"007\"",
            "\"1.\"",
            "\"a\u{7f}\"",
            "\"never\"",
            "\"2026-11-22T10:00:00Z\"",
            "\"spend\"",
        ]),
        "\"[a-z]{60,70}\"",
        "\"[ -~]{0,9}\"",
        "[0-9]{1,25}",
    ]
}

/// Lines that are nearly of the plain form.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<proptest::sample::Index>(), 0_u8..6, odd_value(), name());
    let cut = (any::<proptest::sample::Index>(), 0_u8..4, any::<u8>());
    (fields().prop_shuffle(), proptest::collection::vec(change, 0..3), blanks(), cut).prop_map(
        |(fields, changes, blanks, (place, how, byte))| {
            let mut quoted: Vec<(String, String)> =
                fields.into_iter().map(|(name, value)| (name.into(), format!("\"{value}\""))).collect();
            for (at, how, value, name) in changes {
                let at = at.index(quoted.len());
                match how {
                    0 | 1 => quoted[at].1 = value,
                    2 => quoted.push((quoted[at].0.clone(), value)),
                    3 if quoted.len() > 1 => drop(quoted.remove(at)),
                    4 => quoted[at].0 = name,
                    _ => quoted.push(("at".into(), value)),
                }
            }
            let mut line = object(&quoted, &blanks).into_bytes();
            let place = place.index(line.len());
            match how {
                0 => line.truncate(place),
                1 => line[place] = byte,
                _ => {}
            }
            line
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_plain_form_is_taken_and_read_as_the_general_way_reads_it(line in plain()) {
        prop_assert!(agree(line.as_bytes()), "{}", line);
    }

    #[test]
    fn batches_of_the_plain_form_are_taken(lines in proptest::collection::vec(plain(), 1..=LIMIT)) {
        let batch = format!("[{}]", lines.join(","));
        prop_assert!(agree(batch.as_bytes()), "{}", batch);
    }

    #[test]
    fn whatever_is_nearly_plain_is_given_up_or_read_alike(line in nearly()) {
        agree(&line);
    }

    #[test]
    fn a_batch_with_an_element_that_is_nearly_plain_is_given_up_or_read_alike(
        lines in proptest::collection::vec(plain(), 0..LIMIT), odd in nearly(),
    ) {
        let comma = if lines.is_empty() { "" } else { "," };
        let batch = [format!("[{}{comma}", lines.join(",")).as_bytes(), &odd, b"]"].concat();
        agree(&batch);
    }
}
