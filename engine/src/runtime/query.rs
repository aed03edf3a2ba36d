//! Queries: what a step reads.

use super::clearing::document;
use super::decide::{gathered, merchant_slice, own_wallet, top_up_s_parties, unknown_top_up};
use super::request::{Found, LotView, MerchantView, QuoteView, Reply, TopUpStanding, WalletView};
use super::step::{Reach, Step, Stop};
use crate::accounts::{SliceKind, Totals, Wallet};
use crate::ledger::decide::{Context, limits, spend, top_up_refund};
use crate::ledger::{Balances, Command, Event, GivenBack, Lang, Query, QuoteTopUpRefund, Reject, Spend};
use crate::names::{AccountId, CommandId};

impl<R: Reply> Step<'_, R> {
    /// Finds what a query asks.
    pub(crate) fn query(&mut self, query: &Query) -> Result<Found, Stop> {
        match query {
            Query::Balance(account) => self.balance(account),
            Query::Quote(ask, lang) => self.quote(ask, *lang),
            Query::QuoteTopUpRefund(ask) => self.quote_top_up_refund(ask),
            Query::Explain(id, lang) => self.explain(id, *lang),
            Query::Show(id) => self.show(id),
            Query::Document(id) => Ok(Found::Document(document(self, id)?.map(Box::new))),
            Query::TrialBalance => self.trial(),
            Query::Ping => Ok(Found::Pong),
        }
    }

    fn balance(&mut self, account: &AccountId) -> Result<Found, Stop> {
        let (found, seat) = own_wallet(self, account)?;
        if let Some(wallet) = self.wallet_at(found) {
            return Ok(Found::Wallet(view(self.context(), wallet)));
        }
        // A merchant has a slice on every shard; a system account only where it was booked.
        if self.held.slice(seat, account).is_none() && !crate::accounts::SystemAccount::is_reserved(account.as_str()) {
            return Err(Reject::UnknownAccount { account: account.clone() }.into());
        }
        let whole = gathered(self, account)?.ok_or_else(|| Reject::UnknownAccount { account: account.clone() })?;
        Ok(match whole.kind {
            SliceKind::Merchant(proceeds) => Found::Merchant(MerchantView {
                account: whole.id,
                status: whole.status,
                currency: whole.currency,
                proceeds,
            }),
            SliceKind::System(balance) => Found::System { account: whole.id, currency: whole.currency, balance },
        })
    }

    fn quote(&mut self, ask: &Spend, lang: Lang) -> Result<Found, Stop> {
        let (found, seat) = own_wallet(self, &ask.account)?;
        let slot = merchant_slice(self, seat, &ask.merchant)?;
        let wallet = self.wallet_at(found);
        let quoted = spend::quote(self.context(), wallet, self.slice_at(seat, slot), ask)?;
        let result = quoted.plan.map(|plan| (plan.taken, plan.table, plan.after));
        Ok(Found::Quote(Box::new(QuoteView { lang, told: quoted.told, result })))
    }

    /// What is known of the spend here; the journal's reader does the rest, on another thread.
    fn explain(&mut self, id: &CommandId, lang: Lang) -> Result<Found, Stop> {
        let unknown = || Reject::UnknownSpend { spend: id.clone() };
        let (record, seq, by) = self.record_and_caller_of(id)?.ok_or_else(unknown)?;
        let spent = matches!(record.event, Event::Spent { .. } | Event::Captured { .. });
        let account = record.account().filter(|_| spent).cloned().ok_or_else(unknown)?;
        let (_, seat) = own_wallet(self, &account)?;
        let refunded = self.held.refunded(seat, self.shared.hashing.wide(id.as_str()))?.amount;
        Ok(Found::Explain { record: Box::new(record), seq, refunded, lang, by })
    }

    fn quote_top_up_refund(&mut self, ask: &QuoteTopUpRefund) -> Result<Found, Stop> {
        let (granted, found, _) = top_up_s_parties(self, &ask.top_up)?;
        let wallet = self.wallet_at(found).ok_or_else(|| unknown_top_up(&ask.top_up))?;
        let (chosen, all) = top_up_refund::quote(self.context(), wallet, &granted, ask)?;
        Ok(Found::TopUpRefundQuote {
            top_up: ask.top_up.clone(),
            currency: wallet.currency,
            lang: ask.lang,
            chosen,
            all,
        })
    }

    fn show(&mut self, id: &CommandId) -> Result<Found, Stop> {
        let Some((record, seq, by)) = self.record_and_caller_of(id)? else {
            return Err(Reject::UnknownSpend { spend: id.clone() }.into());
        };
        let (mut refunded, mut held, mut top_up, mut taken_back) = (GivenBack::default(), None, None, None);
        if let Some(account) = record.account().cloned() {
            let (found, seat) = own_wallet(self, &account)?;
            if matches!(record.event, Event::Spent { .. } | Event::Captured { .. }) {
                refunded = self.held.refunded(seat, self.shared.hashing.wide(id.as_str()))?;
            }
            if let Some(wallet) = self.wallet_at(found) {
                held = matches!(record.command, Command::Hold(..))
                    .then(|| wallet.hold(id).map_or(0, crate::accounts::Hold::amount));
                taken_back = wallet.taken_back(id).cloned().map(Box::new);
                top_up = matches!(record.event, Event::ToppedUp { .. } | Event::TopUpPlaced { .. }).then(|| {
                    if wallet.pending(id).is_some() {
                        TopUpStanding::Pending
                    } else if wallet.lot(id).is_some() {
                        TopUpStanding::Confirmed
                    } else {
                        TopUpStanding::Failed
                    }
                });
            }
        }
        Ok(Found::Shown { record: Box::new(record), seq, refunded, held, top_up, taken_back, by })
    }

    fn trial(&mut self) -> Result<Found, Stop> {
        if !self.held.has_all() {
            return Err(Stop::Wider(Reach::All));
        }
        let mut totals = Totals::default();
        for shard in &self.held.shards {
            totals.merge(&shard.totals);
        }
        Ok(Found::Trial(totals))
    }
}

fn view(context: Context<'_>, wallet: &Wallet) -> WalletView {
    let its = limits::in_force(context, wallet);
    let live = wallet.lots.iter().filter(|lot| lot.left() > 0);
    WalletView {
        account: wallet.id.clone(),
        status: wallet.status,
        currency: wallet.currency,
        product: wallet.product.label(),
        balances: Balances::of(wallet),
        limits: its.limits,
        spent_today: limits::spent_on(wallet, its.day(context.now)),
        lots: live.map(|lot| LotView { id: lot.id.clone(), funding: lot.funding, parts: lot.parts.to_vec() }).collect(),
    }
}
