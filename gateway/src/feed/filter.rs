//! Which lines somebody wants.

use super::chunk::{Chunk, Line};
use crate::wire::TYPES;
use fentan_engine::ledger::Reject;

/// Most words of a filter.
const WORDS_MAX: usize = 64;

/// A filter; the empty one lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// One of these types; empty: any.
    types: Vec<&'static str>,
    /// An account that one of these is, or begins with; empty: any.
    accounts: Vec<Account>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    /// As it stands in a line.
    text: Vec<u8>,
    /// Whether a name only has to begin with it.
    begins: bool,
}

impl Filter {
    /// Reads lists of words with commas between them, as they stand in a URL.
    pub(crate) fn parse(types: Option<&str>, account: Option<&str>) -> Result<Self, Reject> {
        let words = |text: Option<&str>| -> Vec<String> {
            text.into_iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()
        };
        Self::new(&words(types), &words(account))
    }

    /// A filter of these words.
    pub(crate) fn new(types: &[String], accounts: &[String]) -> Result<Self, Reject> {
        for (field, words) in [("types", types), ("account", accounts)] {
            if words.len() > WORDS_MAX {
                return Err(Reject::bad_request(field, format!("has at most {WORDS_MAX} words")));
            }
        }
        let types = types.iter().map(|word| {
            let known = TYPES.iter().find(|known| *known == word);
            known.copied().ok_or_else(|| {
                let reason = format!("there is no type {word:?}; there are {}", TYPES.join(", "));
                Reject::bad_request("types", reason)
            })
        });
        let accounts = accounts.iter().map(|word| {
            let (name, begins) = word.strip_suffix('*').map_or((word.as_str(), false), |name| (name, true));
            let names_one = fentan_engine::names::is_name(name) || (begins && name.is_empty());
            if !names_one {
                let reason = "is a name or a beginning with a * behind it, several with commas between them";
                return Err(Reject::bad_request("account", reason));
            }
            let mut text = Vec::new();
            crate::wire::write::inside(&mut text, name);
            Ok(Account { text, begins })
        });
        Ok(Self { types: types.collect::<Result<_, _>>()?, accounts: accounts.collect::<Result<_, _>>()? })
    }

    /// A number that is another for another filter; 0 for the empty one.
    pub(super) fn fingerprint(&self) -> u32 {
        if *self == Self::default() {
            return 0;
        }
        let mut words: Vec<(u8, &[u8])> = self.types.iter().map(|word| (b't', word.as_bytes())).collect();
        words.extend(self.accounts.iter().map(|account| (if account.begins { b'b' } else { b'a' }, &account.text[..])));
        // The order in which they are named changes nothing.
        words.sort_unstable();
        words.dedup();
        let mut hasher = blake3::Hasher::new();
        for (kind, word) in words {
            hasher.update(&[kind]).update(&(word.len() as u64).to_le_bytes()).update(word);
        }
        let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
        u32::from_le_bytes([a, b, c, d]).max(1)
    }

    /// Whether it wants this line.
    pub(super) fn wants(&self, chunk: &Chunk, line: &Line) -> bool {
        let is = |account: &Account, name: &[u8]| {
            if account.begins { name.starts_with(&account.text) } else { name == account.text }
        };
        (self.types.is_empty() || self.types.contains(&line.kind))
            && (self.accounts.is_empty()
                || chunk.names(line).any(|name| self.accounts.iter().any(|account| is(account, name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_filters_apart_and_not_the_order_of_their_words() {
        let of = |types, account| Filter::parse(types, account).unwrap().fingerprint();
        assert_eq!(of(None, None), 0);
        assert_eq!(of(Some("spend,refund"), Some("a,b*")), of(Some("refund,spend"), Some("b*,a,a")));
        let all = [
            of(None, None),
            of(Some("spend"), None),
            of(Some("spend,refund"), None),
            of(None, Some("spend")),
            of(None, Some("spend*")),
            of(None, Some("a,b")),
            of(None, Some("ab")),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(!all[..n].contains(one), "{all:?}");
        }
    }

    #[test]
    fn a_word_that_is_none_names_its_field() {
        for (types, account, field) in [
            (Some("spend,spent"), None, "types"),
            (Some(""), None, "types"),
            (None, Some(""), "account"),
            (None, Some("a,,b"), "account"),
            (None, Some("木"), "account"),
        ] {
            match Filter::parse(types, account) {
                Err(Reject::BadRequest { field: named, .. }) => assert_eq!(named, field),
                other => panic!("{types:?} {account:?} {other:?}"),
            }
        }
        assert!(Filter::parse(Some("spend,rejected"), Some("ann,shop-*,*")).is_ok());
        assert_eq!(Filter::parse(None, None), Ok(Filter::default()));
    }
}
