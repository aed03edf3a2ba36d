//! The image of a plain wallet, read by hand.
//!
//! A start reads the images of all wallets. Nearly all are plain: a few lots, and nothing of what most wallets do not have.
//! Read by hand an image takes a third of what the general way takes, to the same wallet; a property test holds the two
//! together. What is not plain, or is damaged, goes the general way.

use super::{Funding, Lot, Part, QuietUntil, SUBS_MAX, Status, SubId, Subs, Wallet};
use crate::bytes::Reader;
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Interned, Label};
use crate::store::{Image, StoreError};
use smallvec::SmallVec;
use std::fmt::Display;

/// A wallet of more lots is not plain.
const LOTS: usize = 64;

/// Reads images of wallets, one after the other.
#[derive(Debug, Default)]
pub(crate) struct WalletImages {
    /// The last one's product: the next one's is the same, mostly, and finding it takes a lock that all readers share.
    product: Option<Interned>,
}

impl WalletImages {
    /// Reads the bytes of an image of `what`.
    ///
    /// # Errors
    /// As [`Image::read`].
    pub(crate) fn read(&mut self, what: impl Display, bytes: &[u8]) -> Result<Wallet, StoreError> {
        match self.plain(bytes) {
            Some(wallet) => Ok(wallet),
            None => Image::read(what, bytes),
        }
    }

    fn plain(&mut self, bytes: &[u8]) -> Option<Wallet> {
        let mut reader = Reader::new(bytes);
        let id = AccountId::internal(reader.str()?);
        let currency = Currency::from_bytes(reader.array()?);
        let status = match reader.byte()? {
            0 => Status::Open,
            1 => Status::Frozen,
            2 => Status::Closed,
            _ => return None,
        };
        let product = self.product(reader.text()?)?;
        let mut lots = SmallVec::new();
        for _ in 0..reader.small(LOTS)? {
            lots.push(lot(&mut reader)?);
        }
        let first_live = u32::try_from(reader.number()?).ok()?;
        let count = reader.small(SUBS_MAX)?;
        let available = Subs::from_list(reader.list(count, 0, Reader::signed)?);
        let (held, arrears) = (reader.signed()?, reader.signed()?);
        reader.is(0)?;
        let quiet_until = QuietUntil::default();
        reader.whole(Wallet {
            id,
            currency,
            status,
            product,
            lots,
            first_live,
            quiet_until,
            available,
            held,
            arrears,
            rare: None,
        })
    }

    fn product(&mut self, name: &[u8]) -> Option<Interned> {
        if let Some(known) = self.product
            && known.as_bytes() == name
        {
            return Some(known);
        }
        let product = Interned::new(&Label::internal(std::str::from_utf8(name).ok()?));
        Some(*self.product.insert(product))
    }
}

#[inline]
fn lot(reader: &mut Reader<'_>) -> Option<Lot> {
    let id = CommandId::stored(reader.id()?);
    let count = reader.small(SUBS_MAX)?;
    let none = Part { sub: SubId(0), weight: 0, granted: 0, left: 0, expires_at: 0 };
    let parts = reader.list(count, none, |reader| {
        Some(Part {
            sub: SubId(reader.byte()?),
            weight: reader.signed()?,
            granted: reader.signed()?,
            left: reader.signed()?,
            expires_at: reader.end()?,
        })
    })?;
    let funding = match reader.byte()? {
        0 => Funding::Unknown,
        1 => Funding::DebitCard,
        2 => Funding::CreditCard,
        3 => Funding::Wallet,
        _ => return None,
    };
    Some(Lot { id, parts, funding, reconciled: reader.flag()? })
}

#[cfg(test)]
mod tests {
    use super::super::{NEVER, Restored};
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = String> {
        "[ -~]{1,64}"
    }

    fn signed() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -200_i64..20_000, Just(NEVER), Just(i64::MIN)]
    }

    fn part() -> impl Strategy<Value = Part> {
        (any::<u8>(), signed(), signed(), signed(), signed()).prop_map(|(sub, weight, granted, left, expires_at)| {
            Part { sub: SubId(sub), weight, granted, left, expires_at }
        })
    }

    fn some_lot() -> impl Strategy<Value = Lot> {
        let funding = prop_oneof![
            Just(Funding::Unknown),
            Just(Funding::DebitCard),
            Just(Funding::CreditCard),
            Just(Funding::Wallet)
        ];
        (name(), prop::collection::vec(part(), 0..SUBS_MAX + 2), funding, any::<bool>()).prop_map(
            |(id, parts, funding, reconciled)| Lot {
                id: CommandId::internal(&id),
                parts: parts.into(),
                funding,
                reconciled,
            },
        )
    }

    fn wallet() -> impl Strategy<Value = Wallet> {
        let status = prop_oneof![Just(Status::Open), Just(Status::Frozen), Just(Status::Closed)];
        // Products are kept for the life of the process, so there are few.
        let product = prop_oneof![Just("default"), Just("gold"), Just("a product with a very long name indeed")];
        let lots = prop_oneof![prop::collection::vec(some_lot(), 0..3), prop::collection::vec(some_lot(), 62..67)];
        let subs = prop::collection::vec(signed(), 0..SUBS_MAX + 2);
        let rare = prop_oneof![3 => Just(false), 1 => Just(true)];
        (name(), status, product, lots, any::<u32>(), subs, (signed(), signed()), rare).prop_map(
            |(id, status, product, lots, first_live, subs, (held, arrears), rare)| {
                let mut wallet = Wallet::new(AccountId::internal(&id), Currency::CNY, Label::internal(product));
                (wallet.status, wallet.lots, wallet.first_live) = (status, lots.into(), first_live);
                (wallet.available, wallet.held, wallet.arrears) = (Subs::from_list(subs.into()), held, arrears);
                if rare {
                    let lot = CommandId::internal("t-1");
                    wallet.rare_mut().restored.push(Restored { lot, sub: SubId(1) });
                }
                wallet
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn e6_an_image_read_by_hand_is_the_wallet_of_the_general_way(wallet in wallet()) {
            let bytes = Image::of(1, &wallet).bytes;
            let mut images = WalletImages::default();
            if let Some(read) = images.plain(&bytes) {
                prop_assert_eq!(&read, &wallet);
            }
            prop_assert_eq!(images.read("it", &bytes).unwrap(), wallet);
        }

        /// What is read by hand is what the general way reads, whatever the bytes.
        #[test]
        fn e6_no_damaged_image_is_read_by_hand_otherwise(
            wallet in wallet(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = Image::of(1, &wallet).bytes;
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let cut = &bytes[..cut.index(bytes.len())];
            for bytes in [&*bytes, cut] {
                if let Some(read) = WalletImages::default().plain(bytes) {
                    prop_assert_eq!(read, Image::read::<Wallet>("it", bytes).unwrap());
                }
            }
        }
    }

    #[test]
    fn e6_an_ordinary_wallet_is_read_by_hand() {
        let mut wallet = Wallet::new(AccountId::internal("ann"), Currency::CNY, Label::internal("default"));
        let part = |sub, granted| Part { sub, weight: granted, granted, left: granted - 7, expires_at: NEVER };
        let parts = [part(SubId::PRINCIPAL, 10_000), part(SubId::BONUS, 18_000)];
        for id in ["t-1", "a-top-up-with-a-name-that-is-longer-than-38-bytes"] {
            let id = CommandId::internal(id);
            wallet.lots.push(Lot { id, parts: parts.into(), funding: Funding::Unknown, reconciled: false });
        }
        wallet.available = Subs::from_list(SmallVec::from_slice(&[19_986, 35_986]));
        assert_eq!(WalletImages::default().plain(&Image::of(1, &wallet).bytes), Some(wallet));
    }
}
