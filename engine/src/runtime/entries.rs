//! A record's entry, booked into the slices and the chart of accounts of the shard that decided it.

use super::held::Held;
use super::table::Slot;
use crate::accounts::{Chart, Fund, Proceeds, Slice, SliceKind, Status, SystemAccount};
use crate::journal::Position;
use crate::ledger::decide::refund::fund_of;
use crate::ledger::{Event, Granted, LotSet, PostTo, Posting, Record, Taken, postings, proceeds};
use crate::money::Currency;
use crate::names::AccountId;
use crate::store::StoreError;
use std::sync::atomic::Ordering;

impl Held<'_> {
    /// Books a record's entry into the slices and totals of the shard that decided it.
    pub(super) fn post(
        &mut self,
        record: &Record,
        position: Position,
        merchant: Option<Slot>,
    ) -> Result<(), StoreError> {
        if let Event::Spent { taken, promoted, reconciled, .. } = &record.event {
            return self.post_spend(record, (taken, *promoted, reconciled), position, merchant);
        }
        if let Event::ToppedUp { granted, repaid, .. } = &record.event {
            return self.post_top_up(record, granted, repaid, position);
        }
        let number = usize::from(record.slice);
        let totals = !self.totals_have(record.slice, position);
        let mut merchant = merchant;
        let mut result = Ok(());
        postings(record, |Posting { to, minor }| {
            if result.is_err() {
                return;
            }
            if totals {
                let shard = self.shard(number);
                shard.totals.add(record.currency, to.chart(), minor);
                shard.totals_dirty = true;
            }
            match to {
                PostTo::Wallet(_) | PostTo::Held(_) | PostTo::Arrears => {}
                PostTo::Merchant(bucket, fund) => {
                    let Some(id) = record.merchant() else { return };
                    merchant = merchant.or_else(|| self.slice(number, id));
                    result = self.change_slice(
                        (number, merchant),
                        || id.clone(),
                        position,
                        |slice| {
                            if let SliceKind::Merchant(proceeds) = &mut slice.kind {
                                proceeds.add(bucket, fund, minor);
                            }
                        },
                    );
                }
                PostTo::Named(id, bucket, fund) => {
                    let place = (number, self.slice(number, &id));
                    result = self.change_slice(
                        place,
                        || id,
                        position,
                        |slice| {
                            if let SliceKind::Merchant(proceeds) = &mut slice.kind {
                                proceeds.add(bucket, fund, minor);
                            }
                        },
                    );
                }
                PostTo::System(account) => {
                    result = self.post_to_system(number, &account, record.currency, minor, position);
                }
            }
        });
        result
    }

    /// The entry of a spend, which is nearly every entry, without a posting for each side of each line: the same sums as
    /// [`postings`] gives.
    fn post_spend(
        &mut self,
        record: &Record,
        (taken, promoted, reconciled): (&Taken, u8, &LotSet),
        position: Position,
        merchant: Option<Slot>,
    ) -> Result<(), StoreError> {
        let Some(id) = record.merchant() else { return Ok(()) };
        let number = usize::from(record.slice);
        let mut funds = Proceeds::default();
        let totals = !self.totals_have(record.slice, position);
        let shard = self.shard(number);
        shard.totals_dirty |= totals;
        let mut chart = totals.then(|| shard.totals.of(record.currency));
        for line in &taken.lines {
            let (bucket, fund) = (proceeds(reconciled.has(line.lot)), fund_of(promoted, line.sub.0));
            funds.add(bucket, fund, i128::from(line.amount));
            if let Some(chart) = &mut chart {
                chart.add(Chart::Wallets(line.sub), -i128::from(line.amount));
                chart.add(Chart::Merchants(bucket, fund), i128::from(line.amount));
            }
        }
        let merchant = merchant.or_else(|| self.slice(number, id));
        self.change_slice(
            (number, merchant),
            || id.clone(),
            position,
            |slice| {
                if let SliceKind::Merchant(proceeds) = &mut slice.kind {
                    proceeds.merge(&funds);
                }
            },
        )
    }

    /// The entry of a top-up, in the same way.
    fn post_top_up(
        &mut self,
        record: &Record,
        granted: &Granted,
        repaid: &Taken,
        position: Position,
    ) -> Result<(), StoreError> {
        let number = usize::from(record.slice);
        let totals = !self.totals_have(record.slice, position);
        let shard = self.shard(number);
        shard.totals_dirty |= totals;
        let mut chart = totals.then(|| shard.totals.of(record.currency));
        let (mut paid, mut gift) = (0, 0);
        for grant in &granted.grants {
            let minor = i128::from(grant.amount);
            let (source, sum) = match fund_of(granted.promoted, grant.sub.0) {
                Fund::Paid => (Chart::Channels, &mut paid),
                Fund::Promoted => (Chart::Promotions, &mut gift),
            };
            *sum += minor;
            if let Some(chart) = &mut chart {
                chart.add(source, -minor);
                chart.add(Chart::Wallets(grant.sub), minor);
            }
        }
        if let Some(chart) = &mut chart {
            for line in &repaid.lines {
                chart.add(Chart::Wallets(line.sub), -i128::from(line.amount));
                chart.add(Chart::Arrears, i128::from(line.amount));
            }
        }
        if paid != 0 {
            let channel = SystemAccount::Channel(granted.channel.clone());
            self.post_to_system(number, &channel, record.currency, -paid, position)?;
        }
        if gift != 0 {
            let promotion = SystemAccount::Promotion(granted.promotion.clone());
            self.post_to_system(number, &promotion, record.currency, -gift, position)?;
        }
        Ok(())
    }

    /// Books into the shard's slice of one of the ledger's own accounts; makes it when it is the first time.
    fn post_to_system(
        &mut self,
        number: usize,
        account: &SystemAccount,
        currency: Currency,
        minor: i128,
        position: Position,
    ) -> Result<(), StoreError> {
        let hashing = self.hashing;
        let shard = self.shard(number);
        if minor > 0 && matches!(account, SystemAccount::Promotion(_)) {
            shard.returns.fetch_add(1, Ordering::Release);
        }
        let slot = shard.own_accounts.find(account, currency).unwrap_or_else(|| {
            let id = account.account(currency);
            let hash = hashing.account(id.as_str());
            let slot = shard.slices.find(hash, id.as_str()).unwrap_or_else(|| {
                let status = Status::Open;
                shard.slices.insert(hash, Slice { id, currency, status, kind: SliceKind::System(0) })
            });
            shard.own_accounts.keep(account.clone(), currency, slot);
            slot
        });
        self.change_slice(
            (number, Some(slot)),
            || account.account(currency),
            position,
            |slice| {
                if let SliceKind::System(balance) = &mut slice.kind {
                    *balance += minor;
                }
            },
        )
    }

    /// Changes a slice, whose account is `named`.
    fn change_slice(
        &mut self,
        (number, slot): (usize, Option<Slot>),
        named: impl FnOnce() -> AccountId,
        position: Position,
        change: impl FnOnce(&mut Slice),
    ) -> Result<(), StoreError> {
        if slot.is_some_and(|slot| self.slice_has(number, slot, position)) {
            return Ok(());
        }
        let shard = self.shard(number);
        let Some(entry) = slot.and_then(|slot| shard.slices.entry_mut(slot)) else {
            // Money must not vanish because a slice is missing: every shard has one of every merchant.
            return Err(StoreError(format!(
                "shard {number} has no slice of {} to book the record at position {position} in",
                named()
            )));
        };
        change(&mut entry.value);
        entry.dirty = true;
        Ok(())
    }
}
