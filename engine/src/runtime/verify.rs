//! Verification: two ways to the same books.
//!
//! One way replays the journal from its first record into empty books. The other is what a start does:
//! images of the checkpoint and the tail. Both must agree on every wallet, every slice and every line of
//! the chart of accounts; the chain must be whole; and the figures must add up: each currency's lines to
//! zero, the wallets to the wallets' lines, the merchants to the merchants'.

use super::hashing::Hashing;
use super::held::{Held, Places};
use super::recovery::{RecoveryError, Room, each_record, recover};
use super::shard::Shard;
use crate::accounts::{Bucket, Chart, Fund, Slice, SliceKind, Totals, Wallet};
use crate::journal::{Chain, JournalReader, Position};
use crate::ledger::Event;
use crate::money::Currency;
use crate::names::AccountId;
use crate::store::{NoStore, Store, StoreError};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What verification looked at, and what it found wrong.
#[derive(Debug, Default)]
pub struct Verification {
    /// The journal's last position.
    pub end: Position,
    /// Batches whose hash and place were checked.
    pub batches: u64,

    /// Wallets that were compared.
    pub wallets: u64,
    /// Merchants and system accounts that were compared.
    pub sliced: u64,
    /// The checkpoint of the store.
    pub checkpoint: Position,
    /// What is wrong, in words; nothing when all is well.
    pub faults: Vec<String>,
}

/// More faults than this are counted, not told.
const FAULTS_TOLD: usize = 100;

impl Verification {
    fn fault(&mut self, fault: String) {
        if self.faults.len() < FAULTS_TOLD {
            self.faults.push(fault);
        }
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, replayed: &T, recovered: &T) {
        if replayed != recovered {
            self.fault(format!("{what}: replay gives {replayed:?}, the images give {recovered:?}"));
        }
    }
}

/// Verifies what `store` and `journal` hold. Changes nothing. `progress` is told the positions done.
///
/// # Errors
/// When the journal is damaged or broken (the message says where), or a medium fails.
pub fn verify(
    store: &Arc<dyn Store>,
    journal: &dyn JournalReader,
    progress: &mut dyn FnMut(Position),
) -> Result<Verification, RecoveryError> {
    let mut report = Verification::default();
    let meta = store.meta()?;
    report.checkpoint = meta.checkpoint;
    let hashing = Hashing::new(&meta.hash_key);
    let shards: Vec<Mutex<Shard>> = (0..SLICES).map(|n| Mutex::new(Shard::new(n))).collect();
    let nothing = NoStore;
    let mut books = Held {
        shards: shards.iter().map(Mutex::lock).collect(),
        count: usize::from(SLICES),
        hashing: &hashing,
        store: &nothing,
        images: None,
    };
    let mut last_batch = 0;
    let chain = each_record(journal, 1, &mut |position, record, batch| {
        if batch.number != last_batch {
            last_batch = batch.number;
            report.batches += 1;
            progress(position);
        }
        books.apply(&record, position, Places::default())?;
        if !adds_up(&record.event) {
            report.fault(format!("position {position}: the order lines and the lines do not add up"));
        }
        Ok(())
    })?;
    report.end = chain.unwrap_or(Chain::START).next_position - 1;
    // As many shards as slices can have: nothing is folded, so nothing is written.
    let room = Room { shards: usize::from(SLICES), wallets: 0, id_filter_bytes: 0, threads: 2 };
    let recovered = recover(store, journal, report.end, room, &mut |_, _| {})?;
    let mut images = Held {
        shards: recovered.shards.iter().map(Mutex::lock).collect(),
        count: usize::from(SLICES),
        hashing: &recovered.hashing,
        store: &**store,
        images: None,
    };
    compare_wallets(&mut report, &books, &mut images, store)?;
    compare_sliced(&mut report, &books, &images);
    compare_refunds(&mut report, &books, &mut images)?;
    compare_documents(&mut report, &books, &mut images)?;
    add_up(&mut report, &books);
    Ok(report)
}

/// More slices than an engine can be configured to have.
const SLICES: u16 = 64;

fn wallets<'h>(held: &'h Held<'_>) -> impl Iterator<Item = &'h Wallet> {
    held.shards.iter().flat_map(|shard| shard.wallets.iter().map(|(_, entry)| &entry.value))
}

fn compare_wallets(
    report: &mut Verification,
    books: &Held<'_>,
    images: &mut Held<'_>,
    store: &Arc<dyn Store>,
) -> Result<(), StoreError> {
    for wallet in wallets(books) {
        report.wallets += 1;
        let found = images.wallet(&wallet.id)?;
        let image = found.and_then(|(number, slot)| images.peek(number).wallets.get(slot));
        match image {
            Some(image) => report.same(&format!("wallet {}", wallet.id), wallet, image),
            None => report.fault(format!("wallet {}: replay has it, the images do not", wallet.id)),
        }
    }
    let mut strangers = Vec::new();
    store.each_wallet(0..=u64::MAX, &mut |hash, name, _, _| {
        if books.peek(books.home_of(hash)).wallets.find(hash, name).is_none() {
            strangers.push(name.to_owned());
        }
        Ok(())
    })?;
    for id in strangers {
        report.fault(format!("wallet {id}: there is an image, and no record ever opened it"));
    }
    Ok(())
}

fn sliced(held: &Held<'_>) -> BTreeMap<AccountId, Slice> {
    let mut whole: BTreeMap<AccountId, Slice> = BTreeMap::new();
    for (_, entry) in held.shards.iter().flat_map(|shard| shard.slices.iter()) {
        whole.entry(entry.value.id.clone()).or_insert_with(|| entry.value.empty_like()).merge(&entry.value);
    }
    whole
}

fn totals(held: &Held<'_>) -> Totals {
    let mut whole = Totals::default();
    for shard in &held.shards {
        whole.merge(&shard.totals);
    }
    whole
}

fn compare_sliced(report: &mut Verification, books: &Held<'_>, images: &Held<'_>) {
    let (replayed, recovered) = (sliced(books), sliced(images));
    for (id, slice) in &replayed {
        report.sliced += 1;
        match recovered.get(id) {
            Some(image) => report.same(&format!("account {id}"), slice, image),
            None => report.fault(format!("account {id}: replay has it, the images do not")),
        }
    }
    for id in recovered.keys().filter(|id| !replayed.contains_key(*id)) {
        report.fault(format!("account {id}: there is an image, and no record ever opened it"));
    }
    let lines = |totals: &Totals| totals.iter().map(|(c, line, minor)| (c, *line, minor)).collect::<Vec<_>>();
    report.same("chart of accounts", &lines(&totals(books)), &lines(&totals(images)));
}

/// Each document of the clearing line.
fn compare_documents(report: &mut Verification, books: &Held<'_>, images: &mut Held<'_>) -> Result<(), StoreError> {
    for shard in &books.shards {
        for (key, replayed) in &shard.documents {
            let recovered = images.document_by(usize::from(shard.number), *key)?;
            report.same(
                &format!("the document with the hash {key:032x}"),
                &Some(&replayed.document),
                &recovered.as_ref(),
            );
        }
    }
    Ok(())
}

/// What refunds gave back of each spend, and of each of its order lines.
fn compare_refunds(report: &mut Verification, books: &Held<'_>, images: &mut Held<'_>) -> Result<(), StoreError> {
    for shard in &books.shards {
        for (spend, replayed) in &shard.refunds {
            let recovered = images.refunded(usize::from(shard.number), *spend)?;
            report.same(&format!("refunds of the spend with the hash {spend:032x}"), &replayed.back, &recovered);
        }
    }
    Ok(())
}

/// Whether what a record says of order lines sums to what it says of lots.
fn adds_up(event: &Event) -> bool {
    match event {
        Event::Spent { table: Some(table), taken, .. }
        | Event::Held { table: Some(table), taken, .. }
        | Event::Captured { table: Some(table), taken, .. } => table.adds_up(taken),
        Event::Refunded { rows, refunded, .. } => rows.is_empty() || rows.iter().sum::<i64>() == *refunded,
        _ => true,
    }
}

/// The figures against one another.
fn add_up(report: &mut Verification, books: &Held<'_>) {
    let whole = totals(books);
    for (currency, minor) in whole.imbalance() {
        report.fault(format!("the books in {currency} do not balance: they sum to {minor} minor units"));
    }
    let mut sums: BTreeMap<(Currency, Chart), i128> = BTreeMap::new();
    for wallet in wallets(books) {
        for (sub, minor) in wallet.available.iter() {
            *sums.entry((wallet.currency, Chart::Wallets(sub))).or_default() += i128::from(minor);
            let lots: i64 =
                wallet.lots.iter().flat_map(|lot| &lot.parts).filter(|p| p.sub == sub).map(|p| p.left).sum();
            if lots != minor {
                report.fault(format!(
                    "wallet {}: its lots have {lots} of sub-balance {}, its balance says {minor}",
                    wallet.id, sub.0
                ));
            }
        }
        *sums.entry((wallet.currency, Chart::Arrears)).or_default() -= i128::from(wallet.arrears);
        for refund in wallet.open_refunds() {
            for (_, sub, minor) in refund.taken.iter() {
                *sums.entry((wallet.currency, Chart::Held(sub))).or_default() += i128::from(minor);
            }
        }
        for hold in wallet.rare.iter().flat_map(|rare| &rare.holds) {
            for (_, sub, minor) in hold.taken.piece(hold.released, hold.taken.sum()).iter() {
                *sums.entry((wallet.currency, Chart::Held(sub))).or_default() += i128::from(minor);
            }
        }
    }
    for slice in sliced(books).values() {
        match &slice.kind {
            SliceKind::Merchant(proceeds) => {
                for bucket in Bucket::ALL {
                    for fund in [Fund::Paid, Fund::Promoted] {
                        *sums.entry((slice.currency, Chart::Merchants(bucket, fund))).or_default() +=
                            proceeds.get(bucket, fund);
                    }
                }
            }
            SliceKind::System(minor) => {
                let line = match slice.id.as_str() {
                    id if id.starts_with("channel:") => Chart::Channels,
                    id if id.starts_with("promotion:") => Chart::Promotions,
                    id if id.starts_with("fee:") => Chart::Fee,
                    id if id.starts_with("suspense:") => Chart::Suspense,
                    id if id.starts_with("promised:") => Chart::Promised,
                    id if id.starts_with("funds:") => Chart::Funds,
                    id if id.starts_with("bank:") => Chart::Bank,
                    id if id.starts_with("write_off:") => Chart::WriteOff,
                    id if id.starts_with("paid_out:paid:") => Chart::PaidOut(Fund::Paid),
                    id if id.starts_with("paid_out:promoted:") => Chart::PaidOut(Fund::Promoted),
                    id if id.starts_with("merchant_fee:paid:") => Chart::MerchantFees(Fund::Paid),
                    id if id.starts_with("merchant_fee:promoted:") => Chart::MerchantFees(Fund::Promoted),
                    id if id.starts_with("merchant_bonus:") => Chart::MerchantBonus,
                    _ => Chart::Breakage,
                };
                *sums.entry((slice.currency, line)).or_default() += minor;
            }
        }
    }
    sums.retain(|_, minor| *minor != 0);
    let charted: BTreeMap<(Currency, Chart), i128> = whole.iter().map(|(c, line, minor)| ((c, *line), minor)).collect();
    if sums != charted {
        report.fault(format!("the accounts do not add up to the chart of accounts: {sums:?} against {charted:?}"));
    }
}
