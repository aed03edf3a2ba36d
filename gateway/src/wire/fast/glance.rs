//! The id of a line that is not going to be done.
//!
//! Under overload most lines are refused, and what a refusal needs of a line is its id. Reading all of it costs five times
//! as much, which the shards then do not get.

use fentan_engine::names::NAME_MAX;

/// What is asked by the hundred thousand. A question may be the history's, which is not overloaded with the engine.
const COMMANDS: [&str; 7] = ["spend", "top_up", "hold", "capture", "release", "refund", "transfer"];

/// The id of a line that asks for a common command and begins as clients write it, `{"id":"…","op":"…"`; `None` for any
/// other. The rest of the line is not looked at: it may be no request at all.
pub(crate) fn glance(line: &[u8]) -> Option<&str> {
    let (id, rest) = plain(line.strip_prefix(b"{\"id\":\"")?, NAME_MAX)?;
    let (op, _) = plain(rest.strip_prefix(b",\"op\":\"")?, NAME_MAX)?;
    COMMANDS.contains(&op).then_some(id)
}

/// The text up to the next quotation mark, of so many bytes at most, and what is behind that: printable ASCII without an
/// escape.
fn plain(bytes: &[u8], most: usize) -> Option<(&str, &[u8])> {
    let end = bytes.iter().take(most + 1).position(|byte| *byte == b'"')?;
    let text = &bytes[..end];
    let is_plain = !text.is_empty() && text.iter().all(|byte| (0x20..=0x7e).contains(byte) && *byte != b'\\');
    is_plain.then(|| Some((std::str::from_utf8(text).ok()?, &bytes[end + 1..]))).flatten()
}
