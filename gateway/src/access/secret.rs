//! Tokens as text.
//!
//! `ftn_` and 64 hexadecimal digits: 256 random bits of the system's. Guessing one is hopeless, so a plain SHA-256 keeps
//! it as well as a slow hash would. The mark in front lets people and scanners of repositories see what it is.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What every token begins with.
const MARK: &str = "ftn_";
/// What every hash begins with.
const HASH_MARK: &str = "sha256:";

/// The hash of a token.
pub(crate) type Hash = [u8; 32];

/// A new token.
///
/// # Errors
/// When the system gives no random bytes.
pub(super) fn fresh() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{MARK}{}", hex(&bytes)))
}

/// The hash of a token's text.
pub(super) fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// A hash as it stands in the file.
pub(super) fn written(hash: &Hash) -> String {
    format!("{HASH_MARK}{}", hex(hash))
}

/// A hash as it stands in the file, read; `None` when it is none. The file may hold somebody's mistake, so what it holds
/// is not repeated.
pub(super) fn read(text: &str) -> Option<Hash> {
    let digits = text.strip_prefix(HASH_MARK)?.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(hash)
}

/// The text without any token in it, for messages about files that people write.
pub(super) fn struck(text: &str) -> String {
    let mut parts = text.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(MARK);
        out.push_str("...");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_new_each_time_and_its_hash_is_what_sha256sum_says() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        assert!(one.starts_with("ftn_") && one.len() == 68 && one != other);
        // printf ftn_ | sha256sum
        let known = "sha256:83819e3e926d5cac7c07bee74bbed5256918c830273e3cfd3470dd38ffa15118";
        assert_eq!(written(&hash("ftn_")), known);
        assert_eq!(read(&written(&hash(&one))), Some(hash(&one)));
        for wrong in ["", "sha256:", &one, &format!("sha256:{}", "g".repeat(64)), &format!("sha1:{}", "0".repeat(64))] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_token_is_left_in_a_message() {
        let token = fresh().unwrap();
        let text = format!("expected a list, found \"{token}\" and {token}");
        assert_eq!(struck(&text), "expected a list, found \"ftn_...\" and ftn_...");
        assert_eq!(struck("nothing here"), "nothing here");
    }
}
