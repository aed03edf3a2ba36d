//! Refunds of top-ups (W3) and arrears, from the domain's text.

use super::{Answer, Ledger, Line, Reasons, Sources, Status, Wallet, only, sum, unless, when};
use crate::model::exact::{ceiling, floor, half_up};
use crate::model::purse::MLot;
use crate::order::{Policy, Stage};

/// A refund that waits for the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) policy: Option<Policy>,
    pub(crate) lines: Vec<Line>,
    pub(crate) refunded: i128,
}

/// What was taken back of a top-up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Back {
    pub(crate) refunded: i128,
    pub(crate) cancelled: i128,
    pub(crate) arrears: i128,
    /// Principal and bonus.
    pub(crate) taken: [i128; 2],
    pub(crate) open: Option<Waiting>,
    /// Whether the last was confirmed, its policy, and what it was to refund.
    pub(crate) ended: Option<(bool, Option<Policy>, i128)>,
}

impl Back {
    /// For a comparison that leaves the policies to the answers.
    pub(crate) fn without_policies(&self) -> Self {
        let mut plain = self.clone();
        plain.open.iter_mut().for_each(|open| open.policy = None);
        plain.ended.iter_mut().for_each(|ended| ended.1 = None);
        plain
    }

    fn is_refunded(&self) -> bool {
        self.refunded + self.taken[0] + self.taken[1] > 0 || self.ended.is_some_and(|(confirmed, ..)| confirmed)
    }
}

/// A lot before a refund: principal and bonus.
struct Before {
    brought: [i128; 2],
    left: [i128; 2],
    used: i128,
    expired_principal: i128,
}

impl Before {
    fn of(wallet: &Wallet, lot: &MLot, waiting: &[Line]) -> Self {
        let by_sub = |of: &dyn Fn(u8) -> i128| [of(0), of(1)];
        let brought = |sub| lot.parts.iter().filter(|part| part.sub == sub).map(|part| part.weight).sum();
        let waits = |sub| waiting.iter().filter(|line| line.1 == sub).map(|line| line.2).sum::<i128>();
        let used = |sub| wallet.used.get(&(lot.id.clone(), sub)).copied().unwrap_or(0);
        Self {
            brought: by_sub(&brought),
            left: by_sub(&|sub| lot.left_of(sub) + waits(sub)),
            used: used(0) + used(1),
            expired_principal: wallet.expired.get(&(lot.id.clone(), 0)).copied().unwrap_or(0),
        }
    }

    fn refundable(&self, policy: Policy, refunded: i128) -> i128 {
        let [paid, bonus] = self.brought;
        let left = self.left[0] + self.left[1];
        match policy {
            Policy::Forced => (paid - refunded).max(0),
            Policy::Unspent => self.left[0].min(paid - refunded).max(0),
            Policy::PaidFirst => (paid - self.used - self.expired_principal - refunded).max(0).min(left),
            Policy::Ratio => {
                let exact = half_up(paid + bonus - self.used, paid, paid + bonus);
                (exact - self.expired_principal - refunded).max(0).min(left)
            }
        }
    }

    /// What of principal and bonus a refund of this much takes.
    fn takes(&self, policy: Policy, back: &Back, amount: i128, refundable: i128) -> [i128; 2] {
        if amount == refundable {
            return self.left;
        }
        let part = |sub: usize| {
            let without = self.left[sub] + back.taken[sub];
            let target = half_up(without, back.refunded + amount, back.refunded + refundable) - back.taken[sub];
            let own = (floor(self.left[sub], amount, refundable), ceiling(self.left[sub], amount, refundable));
            target.max(own.0).min(own.1)
        };
        let principal = if policy == Policy::Forced { amount.min(self.left[0]) } else { part(0) };
        [principal, part(1)]
    }
}

impl Ledger {
    /// What comes in repays: principal only.
    pub(super) fn repay(&mut self, wallet: &str, lines: &[Line]) {
        for (lot, sub, amount) in lines {
            let owed = self.wallet(wallet).arrears;
            let repaid = if *sub == 0 { owed.min(*amount) } else { 0 };
            if repaid > 0 {
                self.take(wallet, &[(lot.clone(), *sub, repaid)], None);
                self.wallet(wallet).arrears -= repaid;
            }
        }
    }

    pub(super) fn take_back(&mut self, id: &str, policy: Option<Policy>, amount: Option<i128>, stage: Stage) -> Answer {
        let name = Self::home(&self.top_ups, id);
        match stage {
            Stage::AtOnce | Stage::Requested => self.begin(&name, id, policy, amount, stage == Stage::Requested),
            Stage::Confirmed | Stage::Failed => self.end(&name, id, policy, amount, stage == Stage::Confirmed),
        }
    }

    fn begin(&mut self, name: &str, id: &str, named: Option<Policy>, amount: Option<i128>, wait: bool) -> Answer {
        let wallet = &self.wallets[name];
        let policy = named.unwrap_or(if wallet.points { Policy::PaidFirst } else { Policy::Ratio });
        let forced = policy == Policy::Forced;
        let back = wallet.backs.get(id).cloned().unwrap_or_default();
        let mut reasons = Reasons::new();
        when(&mut reasons, amount == Some(0) || forced && wait, "bad_request");
        when(&mut reasons, !forced && wallet.status == Status::Frozen, "account_frozen");
        when(&mut reasons, !forced && wallet.status == Status::Closed, "account_closed");
        when(&mut reasons, !forced && back.open.is_some(), "already_done");
        let Some(lot) = wallet.lots.iter().find(|lot| lot.id == id) else {
            reasons.insert("top_up_not_confirmed");
            return Err(reasons);
        };
        let waiting = back.open.as_ref().map(|open| open.lines.clone()).unwrap_or_default();
        let before = Before::of(wallet, lot, &waiting);
        let refundable = before.refundable(policy, back.refunded);
        let nothing = refundable == 0 && before.left == [0, 0];
        when(&mut reasons, nothing && amount.is_none() && back.is_refunded(), "already_done");
        when(&mut reasons, amount.is_some_and(|amount| amount > refundable), "refund_exceeds_top_up");
        unless(reasons)?;

        let refunded = amount.unwrap_or(refundable);
        let takes = before.takes(policy, &back, refunded, refundable);
        let lines: Vec<Line> = [0, 1]
            .map(|sub: u8| (id.to_owned(), sub, takes[usize::from(sub)]))
            .into_iter()
            .filter(|line| line.2 > 0)
            .collect();
        let there = self.wallet(name);
        let lot = there.lots.iter_mut().find(|lot| lot.id == id).expect("the lot is there");
        for (_, sub, amount) in &waiting {
            lot.give(*sub, *amount);
        }
        for (_, sub, amount) in &lines {
            lot.take(*sub, *amount);
        }
        let back = there.backs.entry(id.into()).or_default();
        let called_off = back.open.take();
        if wait {
            back.open = Some(Waiting { policy: Some(policy), lines: lines.clone(), refunded });
            return Ok(lines);
        }
        if let Some(open) = called_off {
            back.ended = Some((false, open.policy, open.refunded));
        } else if !forced {
            back.ended = Some((true, Some(policy), refunded));
        }
        let mut missing = if forced { (refunded - takes[0]).max(0) } else { 0 };
        let from_others = if self.in_points(name) { self.take_other_lots(name, id, missing) } else { 0 };
        missing -= from_others;
        self.wallet(name).arrears += missing;
        self.wallet(name).backs.get_mut(id).expect("a refund").arrears += missing;
        self.settle(name, id, &lines, refunded, from_others + missing);
        Ok(lines)
    }

    /// Takes principal of other lots, oldest first.
    fn take_other_lots(&mut self, name: &str, id: &str, missing: i128) -> i128 {
        let mut found = Vec::new();
        for lot in self.wallets[name].lots.iter().filter(|lot| lot.id != id) {
            let amount = lot.left_of(0).min(missing - sum(&found));
            if amount > 0 {
                found.push((lot.id.clone(), 0, amount));
            }
        }
        self.take(name, &found, None);
        sum(&found)
    }

    /// The lot gave the lines, others gave `besides`; the channel gets what is refunded, and the promotion
    /// gets or pays the rest.
    fn settle(&mut self, name: &str, id: &str, lines: &[Line], refunded: i128, besides: i128) {
        let points = self.in_points(name);
        let Sources { channel, promotion } = self.sources[id].clone();
        self.book(points, &format!("channel:{channel}"), refunded);
        self.book(points, &format!("promotion:{promotion}"), sum(lines) + besides - refunded);
        let back = self.wallet(name).backs.get_mut(id).expect("a refund");
        back.refunded += refunded;
        for (_, sub, amount) in lines {
            back.taken[usize::from(*sub)] += amount;
            back.cancelled += if *sub == 1 { *amount } else { 0 };
        }
    }

    fn end(&mut self, name: &str, id: &str, named: Option<Policy>, amount: Option<i128>, confirmed: bool) -> Answer {
        let mut reasons = Reasons::new();
        when(&mut reasons, amount == Some(0), "bad_request");
        let Some(back) = self.wallets[name].backs.get(id).cloned() else {
            reasons.insert("unknown_top_up_refund");
            return Err(reasons);
        };
        let said = |refunded: i128, policy: Option<Policy>, reasons: &mut Reasons| {
            when(reasons, amount.is_some_and(|amount| amount != refunded), "amount_mismatch");
            when(reasons, named.is_some() && named != policy, "policy_mismatch");
        };
        let Some(open) = back.open else {
            let Some((was, policy, refunded)) = back.ended else {
                reasons.insert("unknown_top_up_refund");
                return Err(reasons);
            };
            when(&mut reasons, was != confirmed, "already_done");
            if was == confirmed {
                said(refunded, policy, &mut reasons);
            }
            unless(reasons)?;
            return Ok(Vec::new());
        };
        said(open.refunded, open.policy, &mut reasons);
        unless(reasons)?;
        let there = self.wallet(name);
        let back = there.backs.get_mut(id).ok_or_else(|| only("unknown_top_up_refund"))?;
        back.open = None;
        back.ended = Some((confirmed, open.policy, open.refunded));
        if confirmed {
            self.settle(name, id, &open.lines, open.refunded, 0);
        } else {
            let lot = there.lots.iter_mut().find(|lot| lot.id == id).expect("the lot is there");
            for (_, sub, amount) in &open.lines {
                lot.give(*sub, *amount);
            }
            self.repay(name, &open.lines);
        }
        Ok(open.lines)
    }
}
