//! The shards whose locks a step holds, and what a record does to them.

use super::hashing::Hashing;
use super::prefetch::prefetch;
use super::shard::{DeadlineChange, Kept, Refunded, Shard};
use super::table::Slot;
use crate::accounts::{AccountKind, NEVER, Slice, Timestamp, Wallet, WalletImages};
use crate::clearing::{Document, Filed};
use crate::journal::Position;
use crate::ledger::{Command, Event, GivenBack, Record, effect};
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use crate::planted::{self, Planted};
use crate::store::{Image, Store, StoreError};
use hashbrown::HashMap;
use parking_lot::MutexGuard;
use smallvec::SmallVec;

/// The shards a step may touch: its own, the two of a cross-shard command, or all. Locks are taken in
/// rising order of number, so two steps never wait for each other.
pub(crate) struct Held<'a> {
    pub(crate) shards: Vec<MutexGuard<'a, Shard>>,
    /// How many shards the engine has.
    pub(crate) count: usize,
    pub(crate) hashing: &'a Hashing,
    pub(crate) store: &'a dyn Store,
    /// During recovery: what each image has already.
    pub(crate) images: Option<Images>,
}

/// Where a record's accounts stand, as far as its decision has found them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Places {
    /// The wallet: shard and slot.
    pub(crate) wallet: Option<(usize, Slot)>,
    /// The hash of its name, when the decision has looked for it: there is no such wallet then when it has no place.
    pub(crate) wallet_hash: Option<u64>,
    /// The merchant's slice in the shard that decided.
    pub(crate) merchant: Option<Slot>,
}

/// Up to which position each image is complete (see `store.rs`), by shard and slot; zero where there is none.
#[derive(Default)]
pub(crate) struct Images {
    wallets: Vec<Vec<Position>>,
    slices: Vec<Vec<Position>>,
    totals: HashMap<u16, Position>,
    pub(crate) refunds: HashMap<u128, Position>,
    pub(crate) documents: HashMap<u128, Position>,
    /// The latest of all positions that were told here.
    pub(crate) newest: Position,
}

impl Images {
    fn set(all: &mut Vec<Vec<Position>>, number: usize, slot: Slot, as_of: Position) {
        if all.len() <= number {
            all.resize_with(number + 1, Vec::new);
        }
        let slots = &mut all[number];
        let slot = slot as usize;
        if slots.len() <= slot {
            slots.resize((slot + 1).next_power_of_two(), 0);
        }
        slots[slot] = as_of;
    }

    fn get(all: &[Vec<Position>], number: usize, slot: Slot) -> Position {
        all.get(number).and_then(|slots| slots.get(slot as usize)).copied().unwrap_or(0)
    }

    /// The images of the wallets there, one slot after the other, are complete up to these positions.
    pub(crate) fn has_wallets(&mut self, number: usize, first: Slot, as_of: &[Position]) {
        let Some(last) = as_of.len().checked_sub(1) else { return };
        self.newest = as_of.iter().copied().fold(self.newest, Position::max);
        let (first, last) = (first as usize, first as usize + last);
        if let Ok(slot) = Slot::try_from(last) {
            // Makes room for all of them.
            Self::set(&mut self.wallets, number, slot, 0);
        }
        if let Some(room) = self.wallets.get_mut(number).and_then(|slots| slots.get_mut(first..=last)) {
            room.copy_from_slice(as_of);
        }
    }

    /// Asks for what [`Self::has_wallets`] was told of a wallet.
    fn prefetch(&self, number: usize, slot: Slot) {
        if let Some(as_of) = self.wallets.get(number).and_then(|slots| slots.get(slot as usize)) {
            prefetch(as_of);
        }
    }

    /// The image of the slice there is complete up to this position.
    pub(crate) fn has_slice(&mut self, number: usize, slot: Slot, as_of: Position) {
        self.newest = self.newest.max(as_of);
        Self::set(&mut self.slices, number, slot, as_of);
    }

    /// The image of the slice of the chart of accounts of this shard is complete up to this position.
    pub(crate) fn has_totals(&mut self, number: u16, as_of: Position) {
        self.newest = self.newest.max(as_of);
        self.totals.insert(number, as_of);
    }
}

impl Held<'_> {
    /// Which shard owns a name's wallet.
    pub(crate) fn home_of(&self, hash: u64) -> usize {
        shard_of(hash, self.count)
    }

    /// Whether the lock of this shard is held.
    pub(crate) fn has(&self, number: usize) -> bool {
        self.shards.iter().any(|shard| usize::from(shard.number) == number)
    }

    /// Whether all locks are held.
    pub(crate) fn has_all(&self) -> bool {
        self.shards.len() >= self.count
    }

    /// Where a shard is among those that are held.
    fn at(&self, number: usize) -> Option<usize> {
        // All of them are in the order of their numbers.
        if self.shards.len() > 2 && self.shards.get(number).is_some_and(|shard| usize::from(shard.number) == number) {
            return Some(number);
        }
        self.shards.iter().position(|shard| usize::from(shard.number) == number)
    }

    /// A held shard. The caller has made sure that it is held; the first one stands in otherwise.
    pub(crate) fn shard(&mut self, number: usize) -> &mut Shard {
        let at = self.at(number);
        debug_assert!(at.is_some(), "shard {number} is held");
        &mut self.shards[at.unwrap_or(0)]
    }

    /// The same, to look at.
    pub(crate) fn peek(&self, number: usize) -> &Shard {
        let at = self.at(number);
        debug_assert!(at.is_some(), "shard {number} is held");
        &self.shards[at.unwrap_or(0)]
    }

    /// Asks for the entry of the index that a look for this wallet reads first.
    pub(crate) fn prefetch_index(&self, hash: u64) {
        self.peek(self.home_of(hash)).wallets.prefetch_index(hash);
    }

    /// Asks for the wallet that most probably has this hash, and for what its image has.
    pub(crate) fn prefetch_wallet(&self, hash: u64) {
        let home = self.home_of(hash);
        if let Some(slot) = self.peek(home).wallets.prefetch_value(hash)
            && let Some(images) = &self.images
        {
            images.prefetch(home, slot);
        }
    }

    /// A wallet's slot; it comes back from the store when it was put away.
    pub(crate) fn wallet(&mut self, id: &AccountId) -> Result<Option<(usize, Slot)>, StoreError> {
        self.wallet_by(self.hashing.account(id.as_str()), id)
    }

    /// The same, when the hash of its name is known.
    pub(crate) fn wallet_by(&mut self, hash: u64, id: &AccountId) -> Result<Option<(usize, Slot)>, StoreError> {
        let home = self.home_of(hash);
        if let Some(slot) = self.shard(home).resident(hash, id) {
            return Ok(Some((home, slot)));
        }
        if !self.shard(home).some_put_away {
            return Ok(None);
        }
        let Some(image) = self.store.wallet(hash, id)? else { return Ok(None) };
        let wallet = WalletImages::default().read(format_args!("the wallet {id}"), &image.bytes)?;
        let slot = self.shard(home).wallets.insert(hash, wallet);
        if let Some(images) = &mut self.images {
            images.has_wallets(home, slot, &[image.as_of]);
        }
        metrics::counter!("fentan_wallets_brought_back_total").increment(1);
        Ok(Some((home, slot)))
    }

    /// A slice's slot on a held shard.
    pub(crate) fn slice(&self, number: usize, id: &AccountId) -> Option<Slot> {
        self.slice_by(self.hashing.account(id.as_str()), number, id)
    }

    /// The same, when the hash of its name is known.
    pub(crate) fn slice_by(&self, hash: u64, number: usize, id: &AccountId) -> Option<Slot> {
        self.peek(number).slices.find(hash, id.as_str())
    }

    /// What refunds have given back of a spend so far.
    pub(crate) fn refunded(&mut self, number: usize, spend: u128) -> Result<GivenBack, StoreError> {
        if let Some(refunded) = self.shard(number).refunds.get(&spend) {
            return Ok(refunded.back.clone());
        }
        Ok(self.store.refunded(spend)?.map(|(_, back)| back).unwrap_or_default())
    }

    /// Changes the books by a record: wallets, slices, totals and what hangs on them. Live and in replay
    /// this is the same code; in replay an image that has the record already is left alone.
    ///
    /// `places` spares a second look for what the decision has found already.
    pub(crate) fn apply(&mut self, record: &Record, position: Position, places: Places) -> Result<(), StoreError> {
        match (&record.event, &record.command) {
            (Event::Rejected(_), _) => return Ok(()),
            (Event::Opened { kind: AccountKind::Wallet, product, limits }, Command::OpenAccount(open)) => {
                self.open_wallet(&open.account, record.currency, product)?;
                if limits.is_some() {
                    self.change_wallet(&open.account, record, position, None)?;
                }
            }
            (Event::Opened { .. }, Command::OpenAccount(open)) => self.open_merchant(&open.account, record.currency),
            (Event::StatusSet { status, kind: AccountKind::Merchant | AccountKind::System }, _) => {
                for number in 0..self.shards.len() {
                    self.set_slice_status(number, record, *status, position);
                }
            }
            (Event::Clearing(entry), _) => {
                for merchant in &entry.opens {
                    self.open_merchant(merchant, record.currency);
                }
                if let Some(confirmed) = &entry.confirms {
                    self.change_wallet(&confirmed.account, record, position, places.wallet)?;
                }
                for filed in &entry.documents {
                    self.file(filed, position)?;
                }
            }
            _ => self.apply_to_wallets(record, position, places)?,
        }
        if let Event::Spent { opens_merchant: true, .. } | Event::Held { opens_merchant: true, .. } = &record.event
            && let Some(merchant) = record.merchant()
        {
            self.open_merchant(merchant, record.currency);
        }
        self.post(record, position, places.merchant)?;
        if let (Event::Refunded { refunded, rows, .. }, Command::Refund(refund)) = (&record.event, &record.command) {
            let back = GivenBack { amount: *refunded, rows: rows.clone() };
            self.note_refunded(record, self.hashing.wide(refund.spend.as_str()), back, position)?;
        }
        Ok(())
    }

    fn apply_to_wallets(&mut self, record: &Record, position: Position, places: Places) -> Result<(), StoreError> {
        let Some(account) = record.account() else { return Ok(()) };
        let opens = match &record.event {
            Event::ToppedUp { opens, .. } | Event::TopUpPlaced { opens, .. } => opens.as_ref(),
            _ => None,
        };
        let place = match (opens, places.wallet_hash) {
            (Some(product), Some(hash)) if places.wallet.is_none() => {
                Some(self.new_wallet(hash, account, record.currency, product))
            }
            (Some(product), _) => Some(self.open_wallet(account, record.currency, product)?),
            (None, _) => places.wallet,
        };
        self.change_wallet(account, record, position, place)?;
        if let (Event::Transferred { opens, .. }, Command::Transfer(transfer)) = (&record.event, &record.command) {
            if let Some(product) = opens {
                self.open_wallet(&transfer.to, record.currency, product)?;
            }
            self.change_wallet(&transfer.to, record, position, None)?;
            let home = |id: &AccountId| self.home_of(self.hashing.account(id.as_str()));
            if planted::is(Planted::CreditTwice) && home(&transfer.from) != home(&transfer.to) {
                self.change_wallet(&transfer.to, record, position, None)?;
            }
        }
        Ok(())
    }

    fn change_wallet(
        &mut self,
        id: &AccountId,
        record: &Record,
        position: Position,
        place: Option<(usize, Slot)>,
    ) -> Result<(), StoreError> {
        let place = if place.is_some() { place } else { self.wallet(id)? };
        let Some((home, slot)) = place else {
            return Err(StoreError(format!(
                "the journal names the wallet {id} at position {position}, and there is none"
            )));
        };
        let has_it = self.images.as_ref().is_some_and(|images| position <= Images::get(&images.wallets, home, slot));
        let shard = self.shard(home);
        // Deadlines are stored with a checkpoint, not with the wallet's image.
        for at in ends(record) {
            if shard.deadlines.insert((at, id.clone())) {
                shard.deadline_changes.push((DeadlineChange::Came, at, id.clone()));
            }
        }
        if has_it {
            return Ok(());
        }
        if let Some(entry) = shard.wallets.entry_mut(slot) {
            effect(record, &mut entry.value);
        }
        shard.touch_wallet(slot);
        Ok(())
    }

    /// Where the wallet is that a record opens. In replay its image may be there already, and then it is complete up to the
    /// record at least.
    fn open_wallet(
        &mut self,
        id: &AccountId,
        currency: Currency,
        product: &Label,
    ) -> Result<(usize, Slot), StoreError> {
        let hash = self.hashing.account(id.as_str());
        match self.wallet_by(hash, id)? {
            Some(place) => Ok(place),
            None => Ok(self.new_wallet(hash, id, currency, product)),
        }
    }

    /// A wallet that is known not to be there.
    fn new_wallet(&mut self, hash: u64, id: &AccountId, currency: Currency, product: &Label) -> (usize, Slot) {
        let home = self.home_of(hash);
        let shard = self.shard(home);
        debug_assert!(shard.wallets.find(hash, id.as_str()).is_none(), "the wallet {id} is there");
        let slot = shard.wallets.insert(hash, Wallet::new(id.clone(), currency, product.clone()));
        shard.touch_wallet(slot);
        (home, slot)
    }

    /// A merchant has a slice on every shard, so that every shard knows the name and its status.
    pub(crate) fn open_merchant(&mut self, id: &AccountId, currency: Currency) {
        self.open_slices(&Slice::merchant(id.clone(), currency));
    }

    pub(crate) fn open_slices(&mut self, like: &Slice) {
        let hash = self.hashing.account(like.id.as_str());
        for shard in &mut self.shards {
            if shard.slices.find(hash, like.id.as_str()).is_none() {
                let slot = shard.slices.insert(hash, like.empty_like());
                if let Some(entry) = shard.slices.entry_mut(slot) {
                    entry.dirty = true;
                }
            }
        }
    }

    fn set_slice_status(&mut self, at: usize, record: &Record, status: crate::accounts::Status, position: Position) {
        let Some(account) = record.account() else { return };
        let hash = self.hashing.account(account.as_str());
        let number = usize::from(self.shards[at].number);
        let Some(slot) = self.shards[at].slices.find(hash, account.as_str()) else { return };
        if self.slice_has(number, slot, position) {
            return;
        }
        if let Some(entry) = self.shards[at].slices.entry_mut(slot) {
            entry.value.status = status;
            entry.dirty = true;
        }
    }

    pub(super) fn slice_has(&self, number: usize, slot: Slot, position: Position) -> bool {
        self.images.as_ref().is_some_and(|images| position <= Images::get(&images.slices, number, slot))
    }

    pub(super) fn totals_have(&self, number: u16, position: Position) -> bool {
        self.images.as_ref().is_some_and(|images| images.totals.get(&number).is_some_and(|as_of| position <= *as_of))
    }

    /// The document that this id opened, as it stands.
    pub(crate) fn document(&mut self, id: &CommandId) -> Result<Option<Document>, StoreError> {
        let home = self.home_of(self.hashing.account(id.as_str()));
        self.document_by(home, self.hashing.wide(id.as_str()))
    }

    /// The same, by the hash of its id.
    pub(crate) fn document_by(&mut self, home: usize, key: u128) -> Result<Option<Document>, StoreError> {
        if let Some(kept) = self.shard(home).documents.get(&key) {
            return Ok(Some(kept.document.clone()));
        }
        let Some(image) = self.store.document(key)? else { return Ok(None) };
        Image::read(format_args!("the document {key:032x}"), &image.bytes).map(Some)
    }

    /// A document stands otherwise now.
    fn file(&mut self, filed: &Filed, position: Position) -> Result<(), StoreError> {
        let key = self.hashing.wide(filed.id.as_str());
        if let Some(images) = &mut self.images {
            if !images.documents.contains_key(&key) {
                let as_of = self.store.document(key)?.map_or(0, |image| image.as_of);
                images.documents.insert(key, as_of);
            }
            if images.documents.get(&key).is_some_and(|as_of| position <= *as_of) {
                return Ok(());
            }
        }
        let home = self.home_of(self.hashing.account(filed.id.as_str()));
        self.shard(home).documents.insert(key, Kept { document: filed.document.clone(), dirty: true });
        Ok(())
    }

    fn note_refunded(
        &mut self,
        record: &Record,
        spend: u128,
        back: GivenBack,
        position: Position,
    ) -> Result<(), StoreError> {
        if let Some(images) = &mut self.images {
            if !images.refunds.contains_key(&spend) {
                let as_of = self.store.refunded(spend)?.map_or(0, |(as_of, _)| as_of);
                images.refunds.insert(spend, as_of);
            }
            if images.refunds.get(&spend).is_some_and(|as_of| position <= *as_of) {
                return Ok(());
            }
        }
        let home = record.account().map_or(0, |id| self.home_of(self.hashing.account(id.as_str())));
        self.shard(home).refunds.insert(spend, Refunded { back, dirty: true });
        Ok(())
    }
}

/// The shard of a name's hash, by its highest 24 bits: each shard has one range of hashes, so what the shards write in
/// the order of hashes does not overlap.
pub(crate) const fn shard_of(hash: u64, count: usize) -> usize {
    // Below the number of shards, which is small.
    #[allow(clippy::cast_possible_truncation, reason = "below the number of shards")]
    {
        (((hash >> 40) * count as u64) >> 24) as usize
    }
}

/// The moments at which what a record brought ends by itself.
fn ends(record: &Record) -> impl Iterator<Item = Timestamp> {
    let mut ends = SmallVec::<[Timestamp; 2]>::new();
    match (&record.event, &record.command) {
        (Event::ToppedUp { granted, .. } | Event::TopUpConfirmed { granted, .. }, _) => {
            ends.extend(granted.grants.iter().map(|grant| grant.expires_at));
        }
        (Event::Transferred { parts, .. }, _) => ends.extend(parts.iter().map(|part| part.expires_at)),
        (Event::Held { .. }, Command::Hold(_, expires_at)) => ends.push(*expires_at),
        // What comes back may have ended while it was set aside.
        (Event::TopUpRefundFailed { .. } | Event::TopUpRefunded { .. }, _) => ends.push(record.at),
        (Event::Refunded { restore_until: Some(until), .. }, _) => ends.push(*until),
        _ => {}
    }
    ends.into_iter().filter(|at| *at != NEVER)
}
