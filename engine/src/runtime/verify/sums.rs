//! Keyed sums: what records book, place by place, without keeping a place.
//!
//! A place is what holds an amount: a sub-balance of a lot, a bucket of a merchant, what a wallet owes. For each the
//! hash of its names, with a key that is drawn for this run alone, is a number of 128 bits, and a sum over a kind of
//! places is Σ amount × number, modulo 2¹²⁸. Records add what they book in any order; images add what they hold. When
//! every place holds what was booked in it the sums are equal. When places do not, they are equal in one of about 2⁶⁰
//! runs, however many differ and whatever they hold, because nobody can have made them for a key that is drawn
//! afterwards; a single amount that differs is never missed, because all numbers are odd.
//!
//! Cost: one keyed hash of the names and a few multiplications a place; 200 bytes of memory.

use siphasher::sip128::SipHasher13;
use std::hash::{BuildHasher, RandomState};

/// What is summed apart, so that a difference says where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Wallets, with currency, product and limits of their own.
    Wallets,
    /// What is left of each part of each lot.
    Lots,
    /// What each hold has set aside, by lots' parts.
    Holds,
    /// What each refund of a top-up that waits has set aside, by lots' parts.
    Waiting,
    /// What was taken back of each top-up.
    TakenBack,
    /// Top-ups on their way.
    Pending,
    /// What expired of each part of each lot.
    Expired,
    /// What each wallet owes.
    Arrears,
    /// Frozen and closed wallets and merchants.
    Statuses,
    /// Merchants, with their currency.
    Merchants,
    /// Each bucket of each merchant, by fund.
    Proceeds,
    /// Accounts of the ledger's own.
    Own,
    /// What refunds have given back of each spend.
    Refunds,
    /// Documents of the clearing line, as they stand.
    Documents,
}

impl Kind {
    pub(super) const ALL: [Self; 14] = [
        Self::Wallets,
        Self::Lots,
        Self::Holds,
        Self::Waiting,
        Self::TakenBack,
        Self::Pending,
        Self::Expired,
        Self::Arrears,
        Self::Statuses,
        Self::Merchants,
        Self::Proceeds,
        Self::Own,
        Self::Refunds,
        Self::Documents,
    ];

    /// In words, for who reads the report.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Wallets => "wallets that were opened",
            Self::Lots => "what is left of lots",
            Self::Holds => "what holds have set aside",
            Self::Waiting => "what waiting refunds of top-ups have set aside",
            Self::TakenBack => "what was taken back of top-ups",
            Self::Pending => "top-ups on their way",
            Self::Expired => "what expired",
            Self::Arrears => "arrears",
            Self::Statuses => "who is frozen or closed",
            Self::Merchants => "merchants that were opened",
            Self::Proceeds => "merchants' proceeds",
            Self::Own => "the ledger's own accounts",
            Self::Refunds => "what refunds gave back",
            Self::Documents => "documents",
        }
    }
}

/// Which of the amounts that stand in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part(usize);

impl Part {
    /// Of a place that holds one amount.
    pub(super) const ONE: Self = Self(256);
    /// Of a place that holds an amount of each sub-balance, and others.
    pub(super) const FIELDS: [Self; 3] = [Self(256), Self(257), Self(258)];
    const ALL: usize = 267;

    /// Of a sub-balance.
    pub(super) fn sub(number: u8) -> Self {
        Self(usize::from(number))
    }

    /// Of a merchant's buckets.
    pub(super) const fn bucket(bucket: crate::accounts::Bucket, fund: crate::accounts::Fund) -> Self {
        Self(259 + 2 * bucket as usize + fund as usize)
    }
}

/// A place's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(u128);

/// Amounts of one place, before its number is multiplied with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amounts(u128);

impl Amounts {
    pub(super) const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

fn next<const N: usize>(stream: &mut blake3::OutputReader) -> [u8; N] {
    let mut bytes = [0; N];
    stream.fill(&mut bytes);
    bytes
}

/// The key of a run.
pub(super) struct Key {
    bytes: SipHasher13,
    /// What each kind's hashes begin with.
    kinds: [Sip; Kind::ALL.len()],
    parts: Box<[u128; Part::ALL]>,
}

impl Key {
    /// A key that nobody has seen.
    pub(super) fn draw() -> Self {
        // Keyed by the operating system's random numbers.
        let random = RandomState::new();
        let mut stream = blake3::Hasher::new();
        for word in 0..8_u64 {
            stream.update(&random.hash_one(word).to_le_bytes());
        }
        let mut stream = stream.finalize_xof();
        let bytes = SipHasher13::new_with_key(&next(&mut stream));
        let mut word = || u64::from_le_bytes(next(&mut stream));
        let kinds = std::array::from_fn(|_| Sip::new(std::array::from_fn(|_| word())));
        let mut parts = Box::new([0; Part::ALL]);
        parts.fill_with(|| u128::from_le_bytes(next(&mut stream)) | 1);
        Self { bytes, kinds, parts }
    }

    /// The place of these names: at most four, each far shorter than 64 KiB.
    #[inline]
    pub(super) fn place<const N: usize>(&self, kind: Kind, names: [&[u8]; N]) -> Place {
        const { assert!(N <= 4, "the lengths of four fit into a word") };
        // With the lengths in front, and none of them zero, no two lists of names are the same words.
        let lengths = names.iter().fold(0_u64, |lengths, name| lengths << 16 | (name.len() as u64 + 1));
        let mut state = self.kinds[kind as usize].clone();
        state.take(lengths);
        for name in names {
            state.take_name(name);
        }
        Place(state.finish() | 1)
    }

    /// A number that stands for these bytes.
    pub(super) fn content(&self, bytes: &[u8]) -> i128 {
        self.bytes.hash(bytes).as_u128().cast_signed() | 1
    }

    #[inline]
    pub(super) fn amount(&self, part: Part, amount: i128) -> Amounts {
        let mut amounts = Amounts::default();
        self.add(&mut amounts, part, amount);
        amounts
    }

    #[inline]
    pub(super) fn add(&self, amounts: &mut Amounts, part: Part, amount: i128) {
        amounts.0 = amounts.0.wrapping_add(self.parts[part.0].wrapping_mul(amount.cast_unsigned()));
    }
}

/// SipHash-1-3 of 128 bits over words instead of bytes, so that names need not be copied together first. Its key is
/// all of its state: what kinds share is nothing.
#[derive(Clone)]
struct Sip([u64; 4]);

impl Sip {
    const fn new(state: [u64; 4]) -> Self {
        Self(state)
    }

    #[inline]
    fn round(&mut self) {
        let [a, b, c, d] = &mut self.0;
        *a = a.wrapping_add(*b);
        *c = c.wrapping_add(*d);
        *b = b.rotate_left(13) ^ *a;
        *d = d.rotate_left(16) ^ *c;
        *a = a.rotate_left(32).wrapping_add(*d);
        *c = c.wrapping_add(*b);
        *d = d.rotate_left(21) ^ *a;
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }

    #[inline]
    fn take(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.0[0] ^= word;
    }

    /// The last word of a name overlaps the one before it; its length was taken in already.
    #[inline]
    fn take_name(&mut self, name: &[u8]) {
        let (words, rest) = name.as_chunks();
        for word in words {
            self.take(u64::from_le_bytes(*word));
        }
        if rest.is_empty() {
            return;
        }
        let last = name.last_chunk().map(|word| u64::from_le_bytes(*word));
        self.take(last.unwrap_or_else(|| rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))));
    }

    #[inline]
    fn finish(mut self) -> u128 {
        let mut half = |(at, mark): (usize, u64)| {
            self.0[at] ^= mark;
            (0..3).for_each(|_| self.round());
            u128::from(self.0[0] ^ self.0[1] ^ self.0[2] ^ self.0[3])
        };
        half((2, 0xee)) | half((1, 0xdd)) << 64
    }
}

/// The sums, kind by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums([u128; Kind::ALL.len()]);

impl Sums {
    #[inline]
    pub(super) fn add(&mut self, kind: Kind, place: Place, amounts: Amounts) {
        let sum = &mut self.0[kind as usize];
        *sum = sum.wrapping_add(place.0.wrapping_mul(amounts.0));
    }

    #[inline]
    pub(super) fn take(&mut self, kind: Kind, place: Place, amounts: Amounts) {
        let sum = &mut self.0[kind as usize];
        *sum = sum.wrapping_sub(place.0.wrapping_mul(amounts.0));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.wrapping_add(theirs);
        }
    }

    /// The kinds in which two differ.
    pub(super) fn differing(&self, other: &Self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(|kind| self.0[*kind as usize] != other.0[*kind as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_hashed_as_siphash_hashes_their_bytes() {
        let (low, high) = (0x0706_0504_0302_0100_u64, 0x0f0e_0d0c_0b0a_0908_u64);
        let bytes: Vec<u8> = (0..64).collect();
        let key: [u8; 16] = std::array::from_fn(|n| u8::try_from(n).expect("sixteen"));
        for words in 0..=8 {
            let mut sip = Sip::new([
                low ^ 0x736f_6d65_7073_6575,
                high ^ 0x646f_7261_6e64_6f6d ^ 0xee,
                low ^ 0x6c79_6765_6e65_7261,
                high ^ 0x7465_6462_7974_6573,
            ]);
            let bytes = &bytes[..8 * words];
            sip.take_name(bytes);
            sip.take((bytes.len() as u64) << 56);
            assert_eq!(sip.finish(), SipHasher13::new_with_key(&key).hash(bytes).as_u128(), "{words} words");
        }
    }

    #[test]
    fn no_two_lists_of_names_have_one_place() {
        let key = Key::draw();
        let text = [b'a'; 80];
        let mut places = std::collections::HashSet::new();
        let mut lists = 0;
        for kind in [Kind::Lots, Kind::Holds] {
            for one in 0..40 {
                places.insert(key.place(kind, [&text[..one]]));
                places.extend((0..40).map(|other| key.place(kind, [&text[..one], &text[..other]])));
                lists += 41;
            }
            // Each letter counts, in the overlapping words at the end as well.
            for length in 1..40 {
                for at in 0..length {
                    let mut other = text;
                    other[at] = b'b';
                    places.insert(key.place(kind, [&other[..length]]));
                    lists += 1;
                }
            }
        }
        assert_eq!(places.len(), lists);
    }

    #[test]
    fn a_sum_does_not_depend_on_the_order_and_shows_every_move() {
        let key = Key::draw();
        let places = [b"ann", b"bob", b"cid"].map(|name| key.place(Kind::Lots, [name]));
        let booked = [(0, 0, 500), (1, 1, -7), (2, 0, i64::MAX), (0, 0, -200), (1, 0, i64::MIN)];
        let sum = |booked: &mut dyn Iterator<Item = &(usize, u8, i64)>| {
            let mut sums = Sums::default();
            for (place, sub, amount) in booked {
                sums.add(Kind::Lots, places[*place], key.amount(Part::sub(*sub), i128::from(*amount)));
            }
            sums
        };
        let all = sum(&mut booked.iter());
        assert_eq!(sum(&mut booked.iter().rev()), all);
        let pieces = [(0, 0, 300), (1, 1, -7), (2, 0, i64::MAX - 1), (2, 0, 1), (1, 0, i64::MIN)];
        assert_eq!(sum(&mut pieces.iter()), all, "amounts of one place count together");
        for (what, other) in [
            ("another place", [(2, 0, 500), (1, 1, -7), (2, 0, i64::MAX), (0, 0, -200), (1, 0, i64::MIN)]),
            ("another part", [(0, 1, 500), (1, 1, -7), (2, 0, i64::MAX), (0, 0, -200), (1, 0, i64::MIN)]),
            ("one more", [(0, 0, 501), (1, 1, -7), (2, 0, i64::MAX), (0, 0, -200), (1, 0, i64::MIN)]),
            ("one for the other", [(0, 0, 501), (1, 1, -7), (2, 0, i64::MAX - 1), (0, 0, -200), (1, 0, i64::MIN)]),
        ] {
            let other = sum(&mut other.iter());
            assert_eq!(other.differing(&all).collect::<Vec<_>>(), [Kind::Lots], "{what}");
        }
        let mut taken = all;
        taken.take(Kind::Lots, places[0], key.amount(Part::sub(0), 300));
        taken.add(Kind::Lots, places[0], key.amount(Part::sub(0), 300));
        assert_eq!(taken, all);
        assert_eq!(Kind::ALL.map(|kind| kind as usize), std::array::from_fn(|n| n), "each kind has its own sum");
    }
}
