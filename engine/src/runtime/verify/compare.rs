//! Replay against images, account by account.

use super::Verification;
use super::figures::lines;
use crate::accounts::{NEVER, Slice, Timestamp, Totals, Wallet};
use crate::names::AccountId;
use crate::runtime::held::Held;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;

pub(super) fn wallets<'h>(held: &'h Held<'_>) -> impl Iterator<Item = &'h Wallet> {
    held.shards.iter().flat_map(|shard| shard.wallets.iter().map(|(_, entry)| &entry.value))
}

pub(super) fn compare_wallets(
    report: &mut Verification,
    books: &Held<'_>,
    images: &Held<'_>,
    store: &dyn Store,
) -> Result<(), StoreError> {
    let hash_of = |wallet: &Wallet| images.hashing.account(wallet.id.as_str());
    let changed = |hash, name: &str| {
        let shard = images.peek(images.home_of(hash));
        shard.wallets.find(hash, name).and_then(|slot| shard.wallets.get(slot))
    };
    // Those that the tail has changed are in memory, the others only in the store: these are read in its order.
    let mut unchanged = 0_u64;
    for wallet in wallets(books) {
        match changed(hash_of(wallet), wallet.id.as_str()) {
            Some(image) => report.same(|| format!("wallet {}", wallet.id), wallet, image),
            None => unchanged += 1,
        }
    }
    store.each_wallet(0..=u64::MAX, &mut |hash, name, _, bytes| {
        let shard = books.peek(books.home_of(hash));
        let Some(wallet) = shard.wallets.find(hash, name).and_then(|slot| shard.wallets.get(slot)) else {
            report.fault(format!("wallet {name}: there is an image, and no record ever opened it"));
            return Ok(());
        };
        if changed(hash, name).is_none() {
            unchanged = unchanged.saturating_sub(1);
            match postcard::from_bytes::<Wallet>(bytes) {
                Ok(image) => report.same(|| format!("wallet {name}"), wallet, &image),
                Err(error) => report.fault(format!("wallet {name}: its image cannot be read: {error}")),
            }
        }
        Ok(())
    })?;
    if unchanged > 0 {
        for wallet in wallets(books).filter(|wallet| changed(hash_of(wallet), wallet.id.as_str()).is_none()) {
            if store.wallet(hash_of(wallet), &wallet.id)?.is_none() {
                report.fault(format!("wallet {}: replay has it, the images do not", wallet.id));
            }
        }
    }
    Ok(())
}

pub(super) fn sliced(held: &Held<'_>) -> BTreeMap<AccountId, Slice> {
    let mut whole: BTreeMap<AccountId, Slice> = BTreeMap::new();
    for (_, entry) in held.shards.iter().flat_map(|shard| shard.slices.iter()) {
        whole.entry(entry.value.id.clone()).or_insert_with(|| entry.value.empty_like()).merge(&entry.value);
    }
    whole
}

pub(super) fn totals(held: &Held<'_>) -> Totals {
    let mut whole = Totals::default();
    for shard in &held.shards {
        whole.merge(&shard.totals);
    }
    whole
}

pub(super) fn compare_sliced(report: &mut Verification, books: &Held<'_>, images: &Held<'_>) {
    let (replayed, recovered) = (sliced(books), sliced(images));
    for (id, slice) in &replayed {
        match recovered.get(id) {
            Some(image) => report.same(|| format!("account {id}"), slice, image),
            None => report.fault(format!("account {id}: replay has it, the images do not")),
        }
    }
    for id in recovered.keys().filter(|id| !replayed.contains_key(*id)) {
        report.fault(format!("account {id}: there is an image, and no record ever opened it"));
    }
    report.same(|| "chart of accounts".into(), &lines(&totals(books)), &lines(&totals(images)));
}

/// Each document of the clearing line.
pub(super) fn compare_documents(
    report: &mut Verification,
    books: &Held<'_>,
    images: &mut Held<'_>,
) -> Result<(), StoreError> {
    for shard in &books.shards {
        for (key, replayed) in &shard.documents {
            let recovered = images.document_by(usize::from(shard.number), *key)?;
            report.same(
                || format!("the document with the hash {key:032x}"),
                &Some(&replayed.document),
                &recovered.as_ref(),
            );
        }
    }
    Ok(())
}

/// What refunds gave back of each spend, and of each of its order lines.
pub(super) fn compare_refunds(
    report: &mut Verification,
    books: &Held<'_>,
    images: &mut Held<'_>,
) -> Result<(), StoreError> {
    for shard in &books.shards {
        for (spend, replayed) in &shard.refunds {
            let recovered = images.refunded(usize::from(shard.number), *spend)?;
            report.same(|| format!("refunds of the spend with the hash {spend:032x}"), &replayed.back, &recovered);
        }
    }
    Ok(())
}

/// That whatever is still to end in a wallet is in the list of what ends by itself.
pub(super) fn deadline(report: &mut Verification, wallet: &Wallet, images: &Held<'_>, last_at: Timestamp) {
    if wallet.first_live as usize > wallet.lots.len() {
        // Damaged, which is told elsewhere.
        return;
    }
    let ends = wallet.next_expiry();
    // What is due is taken out with the next look at the wallet as well.
    if ends == NEVER || ends <= last_at {
        return;
    }
    report.deadlines += 1;
    let home = images.home_of(images.hashing.account(wallet.id.as_str()));
    if !images.peek(home).deadlines.contains(&(ends, wallet.id.clone())) {
        report.fault(format!("wallet {}: something in it ends at {ends}, and no deadline says so", wallet.id));
    }
}
