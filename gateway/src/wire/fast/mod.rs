//! The short way from a line to a request.
//!
//! Nearly every line is a flat object of plain strings: no escape, no number, no list. Such a line is read in
//! one pass, its strings borrowed until they become names and amounts, and nothing is put together in between.
//! Whatever is not fully understood (an unknown field, one that stands twice, a bad amount, a name that is too
//! long) gives `None`, and the general way ([`super::parse`]) reads the line from its start: so what is wrong
//! with a line is found and said in one place.
//!
//! | file | holds |
//! |---|---|
//! | `scan.rs` | steps over the text, eight bytes at a time |
//! | `fields.rs` | the fields of an object, by name |
//! | `build.rs` | fields to a request |
//! | `glance.rs` | the id alone, of a line that is refused anyway |

mod build;
mod fields;
mod glance;
mod scan;
#[cfg(test)]
mod tests;

use fentan_engine::runtime::Request;
use fields::Fields;
pub(crate) use glance::glance;
use scan::Scanner;

/// The most requests for which room is made before they are read.
const ROOM: usize = 1 << 14;

/// The request of a plain line; `None` when the general way has to read it.
#[inline]
pub(crate) fn plain_line(line: &[u8]) -> Option<Request> {
    let mut scanner = Scanner::new(std::str::from_utf8(line).ok()?);
    let request = build::request(&Fields::read(&mut scanner)?)?;
    scanner.is_at_end().then_some(request)
}

/// The requests of a batch of plain objects, at most `limit` of them; `None` when the general way has to read it.
pub(super) fn plain_batch(line: &[u8], limit: usize) -> Option<Vec<Request>> {
    if line.trim_ascii_start().first() != Some(&b'[') {
        return None;
    }
    let mut scanner = Scanner::new(std::str::from_utf8(line).ok()?);
    scanner.expect(b'[')?;
    let mut requests = Vec::new();
    loop {
        if requests.len() == limit {
            return None;
        }
        let request = build::request(&Fields::read(&mut scanner)?)?;
        if requests.is_empty() {
            // The others will be about as long as the first.
            requests.reserve((line.len() / scanner.at() + 1).min(limit).min(ROOM));
        }
        requests.push(request);
        if !scanner.more(b']')? {
            break;
        }
    }
    scanner.is_at_end().then_some(requests)
}
