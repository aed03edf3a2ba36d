//! Answers as bytes, read as far as needed.
//!
//! The load needs four facts of an answer: which request it answers, yes or no, the journal position
//! and, of a reject, the code. This walks over the top-level fields of one JSON object, takes those,
//! and steps over everything else without looking inside. What it does not understand it does not
//! guess: it says so, and the caller reads the line with the full parser ([`owned`]).
//!
//! `head` is quicker still: it knows in which order the server writes the fields, and looks at
//! nothing else. [`stream`] takes a connection's bytes apart as they come.

pub mod stream;

use fentan_protocol::Answer;
use memchr::{memchr, memchr2};

/// The facts of one answer, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scan<'a> {
    /// The request's id; empty when the answer has none.
    pub id: &'a [u8],
    /// Whether the command was done.
    pub ok: bool,
    /// The journal position.
    pub seq: Option<u64>,
    /// Whether it is a first answer given again.
    pub replayed: bool,
    /// The reject's code; empty for a success.
    pub code: &'a [u8],
    /// The hint of `overloaded`, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The whole object.
    pub raw: &'a [u8],
}

/// Reads the object at the start of `bytes`; gives the facts and the number of bytes it takes.
///
/// `None` when the bytes are not a JSON object of the answers' shape (also when a needed string is
/// escaped: ids and codes never are).
#[must_use]
pub fn object(bytes: &[u8]) -> Option<(Scan<'_>, usize)> {
    let mut scan = Scan::default();
    let mut seen_ok = false;
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    let start = at;
    at = skip_space(bytes, at + 1);
    loop {
        let (key, after) = string(bytes, at)?;
        at = skip_space(bytes, after);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(bytes, at + 1);
        match key {
            b"id" if bytes.get(at) == Some(&b'"') => (scan.id, at) = plain_string(bytes, at)?,
            b"code" => (scan.code, at) = plain_string(bytes, at)?,
            b"ok" => {
                (scan.ok, at) = boolean(bytes, at)?;
                seen_ok = true;
            }
            b"replayed" => (scan.replayed, at) = boolean(bytes, at)?,
            b"seq" => {
                let (seq, after) = number(bytes, at)?;
                (scan.seq, at) = (Some(seq), after);
            }
            b"retry_after_ms" => {
                let (retry, after) = number(bytes, at)?;
                (scan.retry_after_ms, at) = (Some(retry), after);
            }
            _ => at = skip_value(bytes, at)?,
        }
        at = skip_space(bytes, at);
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b'}' if seen_ok => {
                scan.raw = &bytes[start..=at];
                return Some((scan, at + 1));
            }
            _ => return None,
        }
    }
}

/// Reads the answers of one line (an object or an array of objects) and hands each to `take`.
///
/// Falls back to the full parser where the quick one does not understand.
///
/// # Errors
/// The JSON error of a line that is no answer at all.
pub fn line(bytes: &[u8], mut take: impl FnMut(Scan<'_>)) -> Result<(), serde_json::Error> {
    let start = skip_space(bytes, 0);
    if bytes.get(start) != Some(&b'[') {
        if let Some((scan, _)) = object(bytes) {
            take(scan);
            return Ok(());
        }
        let answer: Answer = serde_json::from_slice(bytes)?;
        take(Scan { raw: bytes, ..owned(&answer) });
        return Ok(());
    }
    elements(&bytes[start + 1..], take)
}

/// As [`line`], of an array whose opening bracket, and perhaps some elements, have been read.
fn elements(bytes: &[u8], mut take: impl FnMut(Scan<'_>)) -> Result<(), serde_json::Error> {
    let mut at = skip_space(bytes, 0);
    while let Some((scan, used)) = object(&bytes[at..]) {
        take(scan);
        at = skip_space(bytes, at + used);
        match bytes.get(at) {
            Some(b',') => at = skip_space(bytes, at + 1),
            Some(b']') => return Ok(()),
            _ => break,
        }
    }
    if bytes.get(at) == Some(&b']') {
        return Ok(());
    }
    // The rest of an array that went odd in the middle, as an array of its own.
    let mut rest = vec![b'['];
    rest.extend_from_slice(bytes[at..].trim_ascii_start().strip_prefix(b",").unwrap_or(&bytes[at..]));
    for answer in serde_json::from_slice::<Vec<Answer>>(&rest)? {
        let raw = serde_json::to_vec(&answer)?;
        take(Scan { raw: &raw, ..owned(&answer) });
    }
    Ok(())
}

/// The id and the journal position of an answer `ok` that starts as the server writes it, and the place
/// after them. `id_bytes` is the length of the load's ids; ids of another length are left to [`object`].
fn head(bytes: &[u8], id_bytes: usize) -> Option<(&[u8], u64, usize)> {
    const BEFORE: &[u8; 7] = b"{\"id\":\"";
    const BETWEEN: &[u8; 18] = b"\",\"ok\":true,\"seq\":";
    let id_end = BEFORE.len() + id_bytes;
    let seq_at = id_end + BETWEEN.len();
    if bytes.get(..BEFORE.len())? != BEFORE || bytes.get(id_end..seq_at)? != BETWEEN {
        return None;
    }
    let (seq, after) = number(bytes, seq_at)?;
    matches!(bytes.get(after), Some(b',' | b'}')).then_some((&bytes[BEFORE.len()..id_end], seq, after))
}

/// An answer `ok` whose [`head`] was read; `raw` is all of it.
fn acknowledged<'a>(id: &'a [u8], seq: u64, raw: &'a [u8]) -> Scan<'a> {
    // The server says it last.
    let replayed = raw.ends_with(b",\"replayed\":true}");
    Scan { id, ok: true, seq: Some(seq), replayed, raw, ..Scan::default() }
}

/// The same facts of an answer that the full parser read; `raw` stays empty.
#[must_use]
pub fn owned(answer: &Answer) -> Scan<'_> {
    Scan {
        id: answer.id.as_deref().unwrap_or("").as_bytes(),
        ok: answer.ok,
        seq: answer.seq,
        replayed: answer.replayed,
        code: answer.code.as_ref().map_or("", |c| c.as_str()).as_bytes(),
        retry_after_ms: answer.retry_after_ms,
        raw: b"",
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The string at `at`, escapes and all, and the place after its closing quote.
fn string(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let start = at + 1;
    let mut from = start;
    loop {
        let hit = from + memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[hit] == b'"' {
            return Some((&bytes[start..hit], hit + 1));
        }
        from = hit + 2;
    }
}

/// As [`string`], but only when nothing in it is escaped.
fn plain_string(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let (text, after) = string(bytes, at)?;
    if memchr(b'\\', text).is_some() { None } else { Some((text, after)) }
}

fn boolean(bytes: &[u8], at: usize) -> Option<(bool, usize)> {
    let rest = &bytes[at..];
    if rest.starts_with(b"true") {
        Some((true, at + 4))
    } else if rest.starts_with(b"false") {
        Some((false, at + 5))
    } else {
        None
    }
}

fn number(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let start = at;
    let mut value: u64 = 0;
    while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        at += 1;
    }
    if at == start || matches!(bytes.get(at), Some(b'.' | b'e' | b'E')) { None } else { Some((value, at)) }
}

/// The place after the value at `at`, whatever it is.
fn skip_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string(bytes, at).map(|(_, after)| after),
        b'{' | b'[' => {
            let mut depth = 0_u32;
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = string(bytes, at)?.1;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            while !matches!(bytes.get(at)?, b',' | b'}' | b']') {
                at += 1;
            }
            Some(at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEND: &str = r#"{"id":"s-1","ok":true,"seq":1207,"at":"2026-11-22T10:00:00.000123Z","spend":"s-1","rule":"by_lot@3","lines":[{"lot":"t}-1","sub":"principal","amount":"50.00"},{"lot":"t-1","sub":"bonus","amount":"90.00"}],"balance":{"available":"140.00","held":"0.00","arrears":"0.00"},"replayed":true}"#;
    const REJECT: &str = r#"{"id":"s-2","ok":false,"code":"insufficient_funds","message":"the \"wallet\" {has] 140.00\\","available":"140.00","requested":"200.00"}"#;

    fn all(text: &str) -> Vec<(String, bool, Option<u64>, bool, String)> {
        let mut found = Vec::new();
        line(text.as_bytes(), |s| {
            let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
            found.push((text(s.id), s.ok, s.seq, s.replayed, text(s.code)));
        })
        .unwrap();
        found
    }

    #[test]
    fn the_facts_are_found_and_the_length_is_right() {
        let (scan, used) = object(SPEND.as_bytes()).unwrap();
        assert_eq!((scan.id, scan.ok, scan.seq, scan.replayed), (&b"s-1"[..], true, Some(1207), true));
        assert_eq!(used, SPEND.len());
        let (scan, used) = object(REJECT.as_bytes()).unwrap();
        assert_eq!((scan.id, scan.ok, scan.code), (&b"s-2"[..], false, &b"insufficient_funds"[..]));
        assert_eq!(used, REJECT.len());
    }

    #[test]
    fn it_agrees_with_the_full_parser() {
        for text in
            [SPEND, REJECT, r#" { "ok" : false , "id":null, "code":"bad_request","x":[1.5,{"y":"]"}],"z":-1e3 } "#]
        {
            let answer: Answer = serde_json::from_str(text).unwrap();
            let (scan, _) = object(text.as_bytes()).unwrap();
            assert_eq!(Scan { raw: b"", ..scan }, owned(&answer));
            assert_eq!(all(text)[0].1, answer.ok);
        }
    }

    #[test]
    fn arrays_are_taken_apart() {
        let text = format!("[{SPEND}, {REJECT},{SPEND}]");
        let found = all(&text);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1].4, "insufficient_funds");
        assert!(all("[]").is_empty());
    }

    #[test]
    fn odd_answers_go_to_the_full_parser() {
        let odd = r#"{"id":"a\u002db","ok":true,"seq":3}"#;
        assert!(object(odd.as_bytes()).is_none());
        assert_eq!(all(odd)[0].0, "a-b");
        let found = all(&format!("[{SPEND},{odd},{REJECT}]"));
        assert_eq!(found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["s-1", "a-b", "s-2"]);
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_panic() {
        for text in [
            "",
            "{",
            "{}",
            "[",
            "{\"ok\":tru",
            "{\"id\":\"",
            "nonsense",
            "[{\"ok\":true}",
            "{\"seq\":99999999999999999999999,\"ok\":true}",
        ] {
            assert!(line(text.as_bytes(), |_| {}).is_err(), "{text}");
        }
        for cut in 0..SPEND.len() {
            assert!(object(&SPEND.as_bytes()[..cut]).is_none());
        }
    }
}
