//! Images to sums: what the store and the tail hold, account by account, each against itself as it comes.

use super::figures::{Figures, set_aside};
use super::ids::Stored;
use super::records::{Said, code, pending, taken_back, wallet_place};
use super::scan::threads;
use super::sums::{Amounts, Key, Kind, Part, Sums};
use super::{Verification, compare};
use crate::accounts::{Bucket, Fund, Slice, SliceKind, Timestamp, Wallet, WalletImages};
use crate::clearing::Document;
use crate::ledger::{GivenBack, Taken};
use crate::names::CommandId;
use crate::runtime::held::Held;
use crate::store::{Image, Store, StoreError, hash_ranges};
use hashbrown::HashSet;
use parking_lot::Mutex;
use std::ops::RangeInclusive;

/// The images: those that the tail has changed, or that were read with it, are in memory; the others only in the store.
#[derive(Clone, Copy)]
pub(super) struct Images<'i> {
    pub(super) held: &'i Held<'i>,
    pub(super) store: &'i dyn Store,
    pub(super) key: &'i Key,
    pub(super) last_at: Timestamp,
}

/// What the images hold, all together.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) sums: Sums,
    pub(super) figures: Figures,
    pub(super) ids: Stored,
    /// What was looked at, and what is wrong in itself.
    report: Verification,
}

impl Kept {
    fn merge(&mut self, other: Self) {
        self.sums.merge(&other.sums);
        self.figures.merge(&other.figures);
        self.ids.merge(other.ids);
        self.report.merge(other.report);
    }
}

/// Ranges of hashes for each thread: more than one, because none of them takes as long as another.
const RANGES_A_THREAD: usize = 8;

/// Looks at all of them, by several threads: each takes the next range of hashes.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn look(images: Images<'_>, said: &Said, report: &mut Verification) -> Result<Kept, StoreError> {
    let threads = threads();
    let waiting = Mutex::new(hash_ranges(RANGES_A_THREAD * threads));
    let mut all = std::thread::scope(|scope| {
        let working: Vec<_> = (0..threads)
            .map(|number| {
                let waiting = &waiting;
                scope.spawn(move || {
                    let mut kept = Kept::default();
                    let next = || waiting.lock().next();
                    while let Some(hashes) = next() {
                        images.stored_wallets(&mut kept, hashes.clone())?;
                        kept.ids.read(images.store, hashes, &said.ids)?;
                    }
                    for shard in images.held.shards.iter().skip(number).step_by(threads) {
                        for (_, entry) in shard.wallets.iter() {
                            images.wallet(&mut kept, &entry.value);
                        }
                    }
                    Ok::<_, StoreError>(kept)
                })
            })
            .collect();
        let mut all = Kept::default();
        for thread in working {
            let stopped = |_| StoreError("a thread that looks at images has stopped".into());
            all.merge(thread.join().map_err(stopped)??);
        }
        Ok::<_, StoreError>(all)
    })?;
    images.slices(&mut all)?;
    images.refunds(&mut all)?;
    images.documents(&mut all)?;
    all.report.newest_image = all.report.newest_image.max(all.ids.newest());
    report.merge(std::mem::take(&mut all.report));
    Ok(all)
}

impl Images<'_> {
    fn stored_wallets(&self, kept: &mut Kept, hashes: RangeInclusive<u64>) -> Result<(), StoreError> {
        let held = self.held;
        let mut images = WalletImages::default();
        self.store.each_wallet(hashes, &mut |hash, name, as_of, bytes| {
            kept.report.newest_image = kept.report.newest_image.max(as_of);
            if held.peek(held.home_of(hash)).wallets.find(hash, name).is_some() {
                return Ok(());
            }
            match images.read(format_args!("the wallet {name}"), bytes) {
                Ok(wallet) if wallet.id.as_str() == name && held.hashing.account(name) == hash => {
                    self.wallet(kept, &wallet);
                }
                Ok(wallet) => {
                    kept.report.fault(format!("wallet {name}: its key is not that of the wallet {}", wallet.id));
                }
                Err(StoreError(reason)) => kept.report.fault(format!("wallet {name}: {reason}")),
            }
            Ok(())
        })
    }

    fn wallet(&self, kept: &mut Kept, wallet: &Wallet) {
        kept.report.wallets += 1;
        kept.figures.wallet(wallet, |fault| kept.report.fault(format!("wallet {}: {fault}", wallet.id)));
        compare::deadline(&mut kept.report, wallet, self.held, self.last_at);
        let (key, id) = (self.key, wallet.id.as_bytes());
        let rare = wallet.rare.as_deref();
        let own_limits = rare.and_then(|rare| rare.limits.as_deref());
        let place = wallet_place(key, &wallet.id, (wallet.currency, &wallet.product), own_limits);
        kept.sums.add(Kind::Wallets, place, key.amount(Part::ONE, 1));
        for lot in &wallet.lots {
            let mut amounts = Amounts::default();
            for part in &lot.parts {
                key.add(&mut amounts, Part::sub(part.sub.0), i128::from(part.left));
            }
            if !amounts.is_zero() {
                kept.sums.add(Kind::Lots, key.place(Kind::Lots, [id, lot.id.written().as_bytes()]), amounts);
            }
        }
        if wallet.arrears != 0 {
            let owed = key.amount(Part::ONE, i128::from(wallet.arrears));
            kept.sums.add(Kind::Arrears, key.place(Kind::Arrears, [id]), owed);
        }
        if code(wallet.status) != 0 {
            let status = key.amount(Part::ONE, code(wallet.status));
            kept.sums.add(Kind::Statuses, key.place(Kind::Statuses, [id]), status);
        }
        let Some(rare) = rare else { return };
        for hold in &rare.holds {
            self.aside(kept, Kind::Holds, (id, &hold.id), &set_aside(hold));
        }
        for top_up in &rare.pending {
            let grants = top_up.grants.iter().map(|(sub, amount, _)| (sub.0, *amount));
            let (place, amounts) = pending(key, id, &top_up.id, grants);
            kept.sums.add(Kind::Pending, place, amounts);
        }
        for back in &rare.taken_back {
            let taken = back.taken.iter().map(|(sub, amount)| (sub.0, amount));
            let fields = [back.refunded, back.cancelled, back.arrears];
            let (place, amounts) = taken_back(key, id, &back.top_up, fields, taken);
            kept.sums.add(Kind::TakenBack, place, amounts);
            if let Some(open) = &back.open {
                self.aside(kept, Kind::Waiting, (id, &back.top_up), &open.taken);
            }
        }
        for part in &rare.expired {
            let amounts = key.amount(Part::sub(part.sub.0), i128::from(part.amount));
            kept.sums.add(Kind::Expired, key.place(Kind::Expired, [id, part.lot.written().as_bytes()]), amounts);
        }
    }

    /// What a hold or a waiting refund has set aside.
    fn aside(&self, kept: &mut Kept, kind: Kind, (wallet, of): (&[u8], &CommandId), taken: &Taken) {
        for (lot, sub, amount) in taken.iter() {
            let place = self.key.place(kind, [wallet, of.as_bytes(), lot.written().as_bytes()]);
            kept.sums.add(kind, place, self.key.amount(Part::sub(sub.0), i128::from(amount)));
        }
    }

    /// Merchants and the ledger's own accounts, each with all its slices together.
    fn slices(&self, kept: &mut Kept) -> Result<(), StoreError> {
        for slice in compare::sliced(self.held).values() {
            kept.report.sliced += 1;
            kept.figures.slice(slice);
            self.slice(kept, slice);
        }
        for slice in self.store.slices()? {
            kept.report.newest_image = kept.report.newest_image.max(slice.as_of());
        }
        Ok(())
    }

    fn slice(&self, kept: &mut Kept, slice: &Slice) {
        let (key, id) = (self.key, slice.id.as_bytes());
        match &slice.kind {
            SliceKind::Merchant(proceeds) => {
                let place = key.place(Kind::Merchants, [id, &slice.currency.to_bytes()]);
                kept.sums.add(Kind::Merchants, place, key.amount(Part::ONE, 1));
                let mut has = Amounts::default();
                for (bucket, fund) in Bucket::ALL.into_iter().flat_map(|bucket| Fund::ALL.map(|fund| (bucket, fund))) {
                    key.add(&mut has, Part::bucket(bucket, fund), proceeds.get(bucket, fund));
                }
                kept.sums.add(Kind::Proceeds, key.place(Kind::Proceeds, [id]), has);
                let status = key.amount(Part::ONE, code(slice.status));
                kept.sums.add(Kind::Statuses, key.place(Kind::Statuses, [id]), status);
            }
            SliceKind::System(minor) => {
                kept.sums.add(Kind::Own, key.place(Kind::Own, [id]), key.amount(Part::ONE, *minor));
            }
        }
    }

    fn refunds(&self, kept: &mut Kept) -> Result<(), StoreError> {
        let mut changed = HashSet::new();
        for (spend, refunded) in self.held.shards.iter().flat_map(|shard| &shard.refunds) {
            changed.insert(*spend);
            self.refund(kept, *spend, &refunded.back);
        }
        self.store.each_refunded(&mut |spend, as_of, back| {
            kept.report.newest_image = kept.report.newest_image.max(as_of);
            if !changed.contains(&spend) {
                self.refund(kept, spend, &back);
            }
            Ok(())
        })
    }

    fn refund(&self, kept: &mut Kept, spend: u128, back: &GivenBack) {
        let place = self.key.place(Kind::Refunds, [&spend.to_le_bytes()]);
        kept.sums.add(Kind::Refunds, place, self.key.amount(Part::ONE, i128::from(back.amount)));
        let rows: i128 = back.rows.iter().map(|row| i128::from(*row)).sum();
        if !back.rows.is_empty() && rows != i128::from(back.amount) {
            kept.report.fault(format!(
                "refunds of the spend with the hash {spend:032x}: its order lines got {rows} back, it got {}",
                back.amount
            ));
        }
    }

    fn documents(&self, kept: &mut Kept) -> Result<(), StoreError> {
        let mut changed = HashSet::new();
        let add = |kept: &mut Kept, id: u128, document: &Document| {
            kept.report.documents += 1;
            let place = self.key.place(Kind::Documents, [&id.to_le_bytes()]);
            let content = self.key.content(&Image::of(0, document).bytes);
            kept.sums.add(Kind::Documents, place, self.key.amount(Part::ONE, content));
        };
        for (id, document) in self.held.shards.iter().flat_map(|shard| &shard.documents) {
            changed.insert(*id);
            add(kept, *id, &document.document);
        }
        self.store.each_document(&mut |id, as_of, bytes| {
            kept.report.newest_image = kept.report.newest_image.max(as_of);
            if changed.contains(&id) {
                return Ok(());
            }
            match Image::read(format_args!("the document {id:032x}"), bytes) {
                Ok(document) => add(kept, id, &document),
                Err(StoreError(reason)) => kept.report.fault(reason),
            }
            Ok(())
        })
    }
}
