//! Money into wallets, what ends by itself, and the life of accounts.

use super::{Answer, Ledger, Made, Placed, Sources, Status, Wallet, only, unless, when};
use crate::model::exact::floor;
use crate::model::purse::{MLot, MPart, NEVER};
use crate::order::{Gift, Order};
use std::collections::BTreeSet;

/// What an offer gives: `spring` 180.00 from 100.00 and 1000.00 from 500.00, `third` 33.3% from 0.03.
fn offer(name: &str, principal: i128) -> Option<i128> {
    match name {
        "spring" => Some(if principal >= 50_000 {
            100_000
        } else if principal >= 10_000 {
            18_000
        } else {
            0
        }),
        "twice" => Some(if principal >= 10 { 50 } else { 0 }),
        "january" => Some(if principal >= 10 { floor(principal, 20, 100) } else { 0 }),
        "little" => Some(if principal >= 100 { floor(principal, 30, 100) } else { 0 }),
        "third" => Some(if principal >= 3 { floor(principal, 333, 1_000) } else { 0 }),
        _ => None,
    }
}

impl Ledger {
    pub(super) fn top_up(&mut self, id: &str, now: i64, order: &Order) -> Answer {
        let Order::TopUp { wallet: name, principal, gift, channel, pending, ends, gift_ends } = order else {
            unreachable!("a top-up");
        };
        let mut reasons = BTreeSet::new();
        let (bonus, promotion) = match gift {
            Gift::None => (0, "unnamed"),
            Gift::Amount(amount) => (*amount, "unnamed"),
            Gift::Offer(offered) => (offer(offered, *principal).unwrap_or(0), offered.as_str()),
        };
        when(&mut reasons, matches!(gift, Gift::Offer(name) if offer(name, *principal).is_none()), "unknown_offer");
        when(&mut reasons, principal + bonus == 0, "bad_request");
        let ends = ends.unwrap_or(NEVER);
        let gift_ends = gift_ends.unwrap_or(ends);
        when(&mut reasons, ends <= now || gift_ends <= now, "bad_request");
        when(
            &mut reasons,
            self.wallets.get(name).is_some_and(|wallet| wallet.status == Status::Closed),
            "account_closed",
        );
        let its = self.wallets.get(name);
        when(&mut reasons, !its.cloned().unwrap_or_default().has_room(principal + bonus), "over_limit");
        self.offer_says(&mut reasons, name, promotion, bonus, now);
        unless(reasons)?;

        let part = |(sub, weight, ends)| MPart { sub, weight, consumed: 0, left: weight, ends, revived: false };
        let parts = [(0, *principal, ends), (1, bonus, gift_ends)].into_iter().filter(|part| part.1 > 0).map(part);
        let placed = Placed {
            lot: MLot { id: id.into(), parts: parts.collect() },
            channel: channel.clone(),
            promotion: promotion.into(),
            gift: bonus,
        };
        self.wallets.entry(name.clone()).or_default();
        self.top_ups.push(Made { id: id.into(), wallet: name.clone(), size: *principal });
        self.sources.insert(id.into(), Sources { channel: channel.clone(), promotion: promotion.into() });
        if promotion == "twice" && bonus > 0 {
            *self.wallet(name).uses.entry(promotion.into()).or_default() += 1;
        }
        let points = self.in_points(name);
        self.book(points, &format!("promotion:{promotion}"), -bonus);
        if *pending {
            self.book(points, &format!("promised:{promotion}"), bonus);
            self.wallet(name).placed.push(placed);
        } else {
            self.arrive(name, placed);
        }
        Ok(Vec::new())
    }

    fn arrive(&mut self, wallet: &str, placed: Placed) {
        let points = self.in_points(wallet);
        for part in placed.lot.parts.iter().filter(|part| part.sub == 0) {
            self.book(points, &format!("channel:{}", placed.channel), -part.left);
        }
        let lines: Vec<_> = placed.lot.parts.iter().map(|part| (placed.lot.id.clone(), part.sub, part.left)).collect();
        self.wallet(wallet).lots.push(placed.lot);
        self.repay(wallet, &lines);
    }

    pub(super) fn confirm(&mut self, now: i64, id: &str, amount: Option<i128>) -> Answer {
        let name = Self::home(&self.top_ups, id);
        let ordered = self.top_ups.iter().find(|made| made.id == id).map_or(0, |made| made.size);
        let wallet = &self.wallets[&name];
        let at = wallet.placed.iter().position(|placed| placed.lot.id == id);
        let arrived = wallet.lots.iter().any(|lot| lot.id == id);
        let mut reasons = BTreeSet::new();
        // What has arrived already does not come in again, so a closed wallet is no reason against it (W1).
        when(&mut reasons, wallet.status == Status::Closed && !arrived, "account_closed");
        when(&mut reasons, at.is_none() && !arrived, "already_done");
        when(&mut reasons, amount.is_some_and(|amount| amount != ordered), "amount_mismatch");
        unless(reasons)?;
        if let Some(at) = at {
            let placed = self.wallet(&name).placed.remove(at);
            let points = self.in_points(&name);
            self.book(points, &format!("promised:{}", placed.promotion), -placed.gift);
            self.arrive(&name, placed);
            self.expire_at_once(now, &name);
        }
        Ok(Vec::new())
    }

    pub(super) fn fail(&mut self, id: &str) -> Answer {
        let name = Self::home(&self.top_ups, id);
        let wallet = self.wallet(&name);
        if wallet.lots.iter().any(|lot| lot.id == id) {
            return Err(only("already_done"));
        }
        let Some(at) = wallet.placed.iter().position(|placed| placed.lot.id == id) else { return Ok(Vec::new()) };
        let Placed { promotion, gift, .. } = wallet.placed.remove(at);
        if let Some(uses) = wallet.uses.get_mut(&promotion).filter(|_| gift > 0) {
            *uses -= 1;
        }
        wallet.uses.retain(|_, uses| *uses > 0);
        let points = wallet.points;
        self.book(points, &format!("promised:{promotion}"), -gift);
        self.book(points, &format!("promotion:{promotion}"), gift);
        Ok(Vec::new())
    }

    /// Holds end first and give back; then what has ended of each lot goes to breakage. Nothing due is
    /// no command at all: it answers as if refused.
    pub(super) fn expire(&mut self, now: i64, name: &str) -> Answer {
        let nothing = || only("nothing_due");
        let points = self.in_points(name);
        let wallet = self.wallets.get_mut(name).ok_or_else(nothing)?;
        let (ended, open): (Vec<_>, Vec<_>) = wallet.holds.drain(..).partition(|hold| hold.ends <= now);
        wallet.holds = open;
        for hold in &ended {
            let amounts: Vec<i128> = hold.lines.iter().map(|line| line.2).collect();
            let back = crate::model::exact::nested(hold.released, &amounts);
            let rest: Vec<_> = hold
                .lines
                .iter()
                .zip(back)
                .map(|((lot, sub, amount), back)| (lot.clone(), *sub, amount - back))
                .collect();
            wallet.give(&rest);
            wallet.gives_back(&hold.id, super::sum(&rest));
        }
        let mut lines = Vec::new();
        for lot in &mut wallet.lots {
            for at in 0..lot.parts.len() {
                let MPart { sub, left, ends, .. } = lot.parts[at].clone();
                if ends <= now && left > 0 {
                    lot.take(sub, left);
                    *wallet.expired.entry((lot.id.clone(), sub)).or_default() += left;
                    lines.push((lot.id.clone(), sub, left));
                }
            }
        }
        if ended.is_empty() && lines.is_empty() {
            return Err(nothing());
        }
        self.book(points, "breakage", super::sum(&lines));
        Ok(lines)
    }

    /// What came back to something that has ended ends again with the command that brought it.
    pub(super) fn expire_at_once(&mut self, now: i64, name: &str) {
        let before = Box::new(Self { at_once: None, ..self.clone() });
        // Nothing due is nothing to do.
        if let Ok(lines) = self.expire(now, name) {
            self.at_once = Some((before, lines));
        }
    }

    pub(super) fn open(&mut self, account: &str, is_wallet: bool, product: Option<&str>, own: bool) -> Answer {
        let mut reasons = BTreeSet::new();
        when(&mut reasons, own && !is_wallet, "bad_request");
        let there = self.wallets.contains_key(account) || self.merchants.contains_key(account);
        when(&mut reasons, there, "account_exists");
        when(&mut reasons, product == Some("no_such_product"), "unknown_product");
        unless(reasons)?;
        let points = product == Some("points");
        if is_wallet {
            self.wallets.insert(
                account.into(),
                Wallet { points, limited: product == Some("limited"), own_limits: own, ..Wallet::default() },
            );
        } else {
            self.merchants.entry(account.into()).or_default().points = points;
        }
        Ok(Vec::new())
    }

    pub(super) fn set_status(&mut self, account: &str, status: Status) -> Answer {
        let (now, empty) = match (self.wallets.get_mut(account), self.merchants.get_mut(account)) {
            (Some(wallet), _) => {
                let empty = wallet.is_empty();
                (&mut wallet.status, empty)
            }
            (None, Some(merchant)) => (&mut merchant.status, merchant.paid == 0 && merchant.promoted == 0),
            (None, None) => return Err(only("unknown_account")),
        };
        let mut reasons = BTreeSet::new();
        when(&mut reasons, *now == Status::Closed, "account_closed");
        when(&mut reasons, *now == status && status != Status::Closed, "already_done");
        when(&mut reasons, status == Status::Closed && !empty, "account_not_empty");
        unless(reasons)?;
        *now = status;
        Ok(Vec::new())
    }
}
