//! Commands of the clearing line: what they name is looked up here, as the runtime does it, and the engine decides.

use crate::desk::{Desk, RULES};
use fentan_engine::accounts::{Slice, Status, SystemAccount};
use fentan_engine::clearing::decide::{item, payout, reconcile, settle, split};
use fentan_engine::clearing::{Clearing, ConfirmLot, Document, Entry, ReleaseProceeds, SplitProceeds};
use fentan_engine::ledger::Reject;
use fentan_engine::ledger::decide::Context;
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId};

type Decided = Result<(Entry, Currency), Reject>;

impl Desk {
    /// Decides, without booking; what has ended in the wallet is taken out first.
    pub(crate) fn decide(&mut self, id: &CommandId, now: i64, ask: &Clearing) -> Result<Decided, String> {
        if let Clearing::ConfirmLot(ConfirmLot { account, .. })
        | Clearing::ReleaseProceeds(ReleaseProceeds { account, .. }) = ask
        {
            self.expire(account, now)?;
        }
        Ok(self.decided(id, now, ask))
    }

    fn decided(&self, id: &CommandId, now: i64, ask: &Clearing) -> Decided {
        let ctx = Context { catalog: &RULES, now };
        let document = |id: &CommandId| self.documents.get(id);
        let merchant = |id: &AccountId| self.whole(id);
        let entry = match ask {
            Clearing::ConfirmLot(ask) => return self.confirm_lot(ask),
            Clearing::ReleaseProceeds(ask) => return self.release_proceeds(ask),
            Clearing::OpenStatement(statement) => reconcile::open_statement(id, statement),
            Clearing::CloseStatement(ask) => reconcile::close_statement(document(&ask.statement), ask)?,
            Clearing::ConfirmRefund(ask) => return Ok((reconcile::confirm_refund(ask), ask.currency)),
            Clearing::OpenItem(ask) => return Ok((item::open(id, &ask.item)?, ask.item.currency)),
            Clearing::WorkItem(ask) => {
                let known = document(&ask.item);
                let currency = match known {
                    Some(Document::Item(item)) => item.currency,
                    _ => Currency::CNY,
                };
                let other = item::partner(known, ask).and_then(document);
                return Ok((item::work(known, other, ask, now)?, currency));
            }
            Clearing::Split(ask) => self.split(ctx, id, ask)?,
            Clearing::ReleaseSplit(ask) => split::release(document(&ask.split), ask)?,
            Clearing::ReturnSplit(ask) => {
                let owner = match document(&ask.split) {
                    Some(Document::Split(split)) => merchant(&split.merchant),
                    _ => None,
                };
                split::take_back(document(&ask.split), ask, merchant(&ask.receiver).as_ref(), owner.as_ref())?
            }
            Clearing::Settle(ask) => settle::settle(ctx, id, ask, merchant(&ask.merchant).as_ref())?,
            Clearing::SendPayout(ask) => {
                let documents: Vec<_> = ask.settlements.iter().map(|id| document(id).cloned()).collect();
                let status = |id: &AccountId| merchant(id).map_or(Status::Open, |slice| slice.status);
                payout::send(id, ask, &documents, status, now)?
            }
            Clearing::ConfirmPayout(ask) => payout::confirm(document(&ask.settlement), ask, now)?,
            Clearing::FailPayout(ask) => payout::fail(document(&ask.settlement), ask, now)?,
            Clearing::WithdrawFunds(ask) => payout::withdraw(ask, self.own(SystemAccount::Funds(ask.channel.clone())))?,
        };
        // Nothing but lots and orders has another currency in these histories.
        Ok((entry, Currency::CNY))
    }

    fn confirm_lot(&self, ask: &ConfirmLot) -> Decided {
        let books = &self.books;
        let unknown = || Reject::UnknownTopUp { top_up: ask.top_up.clone() };
        let (granted, owner) = books.granted.get(&ask.top_up).zip(books.homes.get(&ask.top_up)).ok_or_else(unknown)?;
        let unknown = || Reject::UnknownAccount { account: ask.account.clone() };
        let wallet = books.wallets.get(&ask.account).ok_or_else(unknown)?;
        Ok((reconcile::confirm_lot(wallet, granted, owner, ask)?, wallet.currency))
    }

    fn release_proceeds(&self, ask: &ReleaseProceeds) -> Decided {
        for share in &ask.shares {
            let unknown = || Reject::UnknownAccount { account: share.merchant.clone() };
            self.whole(&share.merchant).ok_or_else(unknown)?;
        }
        let wallet = self.books.wallets.get(&ask.account);
        let currency = wallet.map_or(Currency::CNY, |wallet| wallet.currency);
        Ok((reconcile::release_proceeds(wallet, ask)?, currency))
    }

    fn split(&self, ctx: Context<'_>, id: &CommandId, ask: &SplitProceeds) -> Result<Entry, Reject> {
        let receivers: Vec<_> = ask.receivers.iter().map(|receiver| self.whole(&receiver.account)).collect();
        let merchant = self.whole(&ask.merchant);
        let earlier = ask.split.as_ref().and_then(|id| self.documents.get(id));
        let of = match earlier {
            Some(Document::Split(split)) => split.spend.as_ref(),
            _ => ask.spend.as_ref(),
        };
        let spend = of.and_then(|id| {
            let spent = self.books.spends.get(id)?;
            let split = match self.documents.get(&split::of_spend(id)) {
                Some(Document::SplitSpend(split)) => Some(split.clone()),
                _ => None,
            };
            let (merchant, amount) = (spent.merchant.clone(), spent.taken.sum());
            let confirmed = spent.as_spent().confirmed(&self.books.wallets[&spent.wallet]);
            Some(split::SpendNow { merchant, amount, refunded: spent.refunded, confirmed, split })
        });
        let parties = split::Parties {
            merchant: merchant.as_ref(),
            receivers: &receivers,
            spend: spend.as_ref(),
            document: earlier,
        };
        split::split(ctx, id, ask, parties)
    }

    /// A merchant with all its slices.
    pub(crate) fn whole(&self, id: &AccountId) -> Option<Slice> {
        let [one, other] = self.books.merchants.get(id)?;
        let mut whole = one.clone();
        whole.merge(other);
        Some(whole)
    }
}
