//! The signature of a delivery: `t=<seconds>,v1=<hex of HMAC-SHA256(secret, t "." body)>`.
//!
//! The moment is signed with the body, so that an old delivery cannot be sent again as a new one.

use super::config::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;

/// The header that carries it.
pub(super) const HEADER: &str = "fentan-signature";

fn mac(secret: &Secret, at: &str, body: &[u8]) -> Hmac<Sha256> {
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.bytes()) else {
        unreachable!("a key may have any length");
    };
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

/// The header's value for a body that is sent at this second.
pub(super) fn signature(secret: &Secret, at: i64, body: &[u8]) -> String {
    let digest = mac(secret, &at.to_string(), body).finalize().into_bytes();
    let mut header = format!("t={at},v1=");
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}

/// What is wrong with a signature.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("the signature is not of the form t=…,v1=…")]
    Form,
    #[error("the body was not signed with this secret, or was changed")]
    Forged,
    #[error("it was signed {0} seconds from now, more than may be")]
    Old(u64),
}

/// Checks a header. More than one `v1` may stand there; one has to fit.
pub(super) fn check(secret: &Secret, header: &str, body: &[u8], now: i64, tolerance: u64) -> Result<i64, Wrong> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let at = parts().find(|(key, _)| *key == "t").map(|(_, at)| at).ok_or(Wrong::Form)?;
    let second: i64 = at.parse().map_err(|_| Wrong::Form)?;
    let digests: Vec<Vec<u8>> = parts().filter(|(key, _)| *key == "v1").filter_map(|(_, hex)| bytes(hex)).collect();
    if digests.is_empty() {
        return Err(Wrong::Form);
    }
    // Compared in constant time.
    if !digests.iter().any(|digest| mac(secret, at, body).verify_slice(digest).is_ok()) {
        return Err(Wrong::Forged);
    }
    let off = now.abs_diff(second);
    if off > tolerance { Err(Wrong::Old(off)) } else { Ok(second) }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new("0123456789abcdef").unwrap()
    }

    /// As OpenSSL says: `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef`.
    #[test]
    fn a_signature_is_the_one_that_other_tools_make() {
        let header = signature(&secret(), 1_700_000_000, b"{\"a\":1}");
        assert_eq!(header, "t=1700000000,v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23");
    }

    #[test]
    fn every_change_is_seen() {
        let (now, body) = (1_700_000_000, b"{\"a\":1}");
        let header = signature(&secret(), now, body);
        assert_eq!(check(&secret(), &header, body, now + 300, 300), Ok(now));
        assert_eq!(check(&secret(), &format!("{header},v1=00"), body, now, 300), Ok(now));
        assert_eq!(check(&secret(), &header, body, now + 301, 300), Err(Wrong::Old(301)));
        assert_eq!(check(&secret(), &header, b"{\"a\":2}", now, 300), Err(Wrong::Forged));
        assert_eq!(
            check(&Secret::new("another secret, as long").unwrap(), &header, body, now, 300),
            Err(Wrong::Forged)
        );
        let later = header.replace("t=1700000000", "t=1700000100");
        assert_eq!(check(&secret(), &later, body, now, 300), Err(Wrong::Forged));
        for bad in ["", "v1=00", "t=x,v1=00", "t=1", "t=1,v1=0", "t=1,v1=zz"] {
            assert_eq!(check(&secret(), bad, body, now, 300), Err(Wrong::Form), "{bad}");
        }
    }
}
