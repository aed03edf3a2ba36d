//! Money out of wallets, and back: spends, holds, refunds, transfers.

use super::{
    Answer, Hold, Ledger, Line, Made, Merchant, Plan, Reasons, Spent, Status, Wallet, only, sum, unless, when,
};
use crate::model::allocate::allocate;
use crate::model::exact::nested;
use crate::model::purse::{MLot, MPart};
use crate::order::Pay;

/// What giving back the units from..to of these lines restores.
fn piece(lines: &[Line], from: i128, to: i128) -> Vec<Line> {
    let amounts: Vec<i128> = lines.iter().map(|line| line.2).collect();
    let (before, after) = (nested(from, &amounts), nested(to, &amounts));
    let gives = lines.iter().zip(before.iter().zip(&after)).map(|((lot, sub, _), (b, a))| (lot.clone(), *sub, a - b));
    gives.filter(|line| line.2 > 0).collect()
}

impl Ledger {
    /// The lines of a payment and what the rule remembers, or every reason against it.
    fn plan(&self, pay: &Pay) -> Result<Plan, Reasons> {
        let mut reasons = Reasons::new();
        let Some(wallet) = self.wallets.get(&pay.wallet) else {
            when(&mut reasons, pay.amount == 0, "bad_request");
            reasons.insert("unknown_account");
            return Err(reasons);
        };
        if let Some(merchant) = self.merchants.get(&pay.merchant) {
            when(&mut reasons, merchant.status == Status::Frozen, "account_frozen");
            when(&mut reasons, merchant.status == Status::Closed, "account_closed");
            when(&mut reasons, merchant.points != wallet.points, "currency_mismatch");
        }
        let lines = self.divide(wallet, pay.amount, pay.rule.as_deref(), &mut reasons);
        unless(reasons)?;
        Ok(lines.expect("without a reason there are lines"))
    }

    /// The part of a plan that spends and transfers share.
    fn divide(&self, wallet: &Wallet, amount: i128, named: Option<&str>, reasons: &mut Reasons) -> Option<Plan> {
        when(reasons, amount == 0, "bad_request");
        when(reasons, wallet.status == Status::Frozen, "account_frozen");
        when(reasons, wallet.status == Status::Closed, "account_closed");
        let name = named.unwrap_or(if wallet.points { "principal_first" } else { "by_lot" });
        let Some(rule) = self.rules.iter().find(|rule| rule.name == name) else {
            reasons.insert("unknown_rule");
            return None;
        };
        when(reasons, wallet.points && !["by_lot", "principal_first"].contains(&name), "rule_not_permitted");
        let phase = wallet.phases.get(name).copied().unwrap_or(0);
        // A wallet of points that owes pays nothing.
        when(reasons, wallet.points && wallet.arrears > 0, "in_arrears");
        match allocate(rule, &wallet.lots, phase, amount) {
            Err(_) => {
                reasons.insert("insufficient_funds");
                None
            }
            Ok(divided) => {
                let line = |(lot, sub, minor): (usize, u8, i128)| (wallet.lots[lot].id.clone(), sub, minor);
                let phase = divided.phase.map(|phase| (name.to_owned(), phase));
                Some((divided.lines.into_iter().map(line).collect(), phase))
            }
        }
    }

    pub(super) fn take(&mut self, wallet: &str, lines: &[Line], phase: Option<(String, i128)>) {
        let wallet = self.wallet(wallet);
        for (lot, sub, amount) in lines {
            wallet.lots.iter_mut().find(|there| there.id == *lot).expect("a line names a lot").take(*sub, *amount);
            *wallet.used.entry((lot.clone(), *sub)).or_default() += amount;
        }
        if let Some((rule, phase)) = phase {
            wallet.phases.insert(rule, phase);
            wallet.phases.retain(|_, phase| *phase != 0);
        }
    }

    fn meet(&mut self, pay: &Pay) {
        let points = self.in_points(&pay.wallet);
        self.merchants.entry(pay.merchant.clone()).or_default().points = points;
    }

    fn pay_out(&mut self, id: &str, wallet: &str, merchant: &str, lines: &[Line]) {
        self.merchants.get_mut(merchant).expect("the merchant is there").add(lines, 1);
        self.spends.push(Spent {
            id: id.into(),
            wallet: wallet.into(),
            merchant: merchant.into(),
            lines: lines.to_vec(),
            refunded: 0,
        });
    }

    pub(super) fn spend(&mut self, id: &str, pay: &Pay) -> Answer {
        let (lines, phase) = self.plan(pay)?;
        self.take(&pay.wallet, &lines, phase);
        self.meet(pay);
        self.pay_out(id, &pay.wallet, &pay.merchant, &lines);
        Ok(lines)
    }

    pub(super) fn hold(&mut self, id: &str, now: i64, pay: &Pay, until: i64) -> Answer {
        let plan = self.plan(pay);
        let mut reasons = plan.as_ref().err().cloned().unwrap_or_default();
        when(&mut reasons, until <= now, "bad_request");
        unless(reasons)?;
        let (lines, phase) = plan?;
        self.take(&pay.wallet, &lines, phase);
        self.meet(pay);
        let hold =
            Hold { id: id.into(), merchant: pay.merchant.clone(), lines: lines.clone(), released: 0, ends: until };
        self.wallet(&pay.wallet).holds.push(hold);
        self.holds.push(Made { id: id.into(), wallet: pay.wallet.clone(), size: sum(&lines) });
        Ok(lines)
    }

    /// The wallet, the hold and how much of it is meant, or every reason against it.
    fn open_hold(&self, now: i64, id: &str, amount: Option<i128>) -> Result<(String, Hold, i128), Reasons> {
        let wallet = Self::home(&self.holds, id);
        let mut reasons = Reasons::new();
        when(&mut reasons, amount == Some(0), "bad_request");
        when(&mut reasons, self.wallets[&wallet].status == Status::Closed, "account_closed");
        let Some(hold) = self.wallets[&wallet].holds.iter().find(|hold| hold.id == id).cloned() else {
            reasons.insert("already_done");
            return Err(reasons);
        };
        when(&mut reasons, hold.ends <= now, "hold_expired");
        let amount = amount.unwrap_or(hold.left());
        when(&mut reasons, amount > hold.left(), "capture_exceeds_hold");
        unless(reasons)?;
        Ok((wallet, hold, amount))
    }

    /// The merchant of an open hold.
    fn paid_by(&self, hold: &str) -> Option<&Merchant> {
        let wallet = &self.wallets[&Self::home(&self.holds, hold)];
        let hold = wallet.holds.iter().find(|open| open.id == hold)?;
        self.merchants.get(&hold.merchant)
    }

    pub(super) fn capture(&mut self, id: &str, now: i64, hold: &str, amount: Option<i128>) -> Answer {
        let asked = self.open_hold(now, hold, amount);
        let mut reasons = asked.as_ref().err().cloned().unwrap_or_default();
        when(
            &mut reasons,
            self.paid_by(hold).is_some_and(|merchant| merchant.status == Status::Closed),
            "account_closed",
        );
        unless(reasons)?;
        let (wallet, hold, amount) = asked?;
        let lines = piece(&hold.lines, hold.released, hold.released + amount);
        let rest = piece(&hold.lines, hold.released + amount, sum(&hold.lines));
        let there = self.wallet(&wallet);
        there.holds.retain(|other| other.id != hold.id);
        there.give(&rest);
        self.pay_out(id, &wallet, &hold.merchant, &lines);
        Ok(lines)
    }

    pub(super) fn release(&mut self, now: i64, hold: &str, amount: Option<i128>) -> Answer {
        let (wallet, hold, amount) = self.open_hold(now, hold, amount)?;
        let lines = piece(&hold.lines, hold.released, hold.released + amount);
        let wallet = self.wallet(&wallet);
        wallet.give(&lines);
        wallet.holds.iter_mut().filter(|other| other.id == hold.id).for_each(|hold| hold.released += amount);
        wallet.holds.retain(|hold| hold.left() > 0);
        Ok(lines)
    }

    pub(super) fn refund(&mut self, id: &str, amount: Option<i128>) -> Answer {
        let at = self.spends.iter().position(|spent| spent.id == id).expect("an order names a spend");
        let spent = self.spends[at].clone();
        let left = sum(&spent.lines) - spent.refunded;
        let mut reasons = Reasons::new();
        when(&mut reasons, amount == Some(0), "bad_request");
        when(&mut reasons, self.wallets[&spent.wallet].status == Status::Closed, "account_closed");
        when(&mut reasons, left == 0 && amount.is_none(), "already_done");
        when(&mut reasons, amount.is_some_and(|amount| amount > left), "refund_exceeds_spend");
        unless(reasons)?;
        let to = spent.refunded + amount.unwrap_or(left);
        let lines = piece(&spent.lines, spent.refunded, to);
        self.spends[at].refunded = to;
        self.wallet(&spent.wallet).give(&lines);
        self.repay(&spent.wallet, &lines);
        self.merchants.get_mut(&spent.merchant).expect("the merchant is there").add(&lines, -1);
        Ok(lines)
    }

    pub(super) fn transfer(&mut self, from: &str, to: &str, amount: i128, rule: Option<&str>) -> Answer {
        let mut reasons = Reasons::new();
        when(&mut reasons, from == to, "bad_request");
        when(&mut reasons, amount == 0, "bad_request");
        let Some(sender) = self.wallets.get(from) else {
            reasons.insert("unknown_account");
            return Err(reasons);
        };
        if let Some(receiver) = self.wallets.get(to) {
            when(&mut reasons, receiver.status == Status::Closed, "account_closed");
            when(&mut reasons, receiver.points != sender.points, "currency_mismatch");
        }
        when(&mut reasons, sender.points, "not_permitted");
        let plan = self.divide(sender, amount, rule, &mut reasons);
        unless(reasons)?;
        let (lines, phase) = plan.ok_or_else(|| only("insufficient_funds"))?;
        let lots = sender.lots.clone();
        self.take(from, &lines, phase);
        let receiver = self.wallets.entry(to.into()).or_default();
        for lot in travelling(&lots, &lines) {
            if !receiver.lots.iter().any(|here| here.id == lot.id) {
                receiver.lots.push(lot);
            }
        }
        receiver.give(&lines);
        self.repay(to, &lines);
        Ok(lines)
    }
}

/// The lots that travel, in the order in which they were taken, as they would arrive with nothing in them:
/// id, ratio and expiry.
fn travelling(lots: &[MLot], lines: &[Line]) -> Vec<MLot> {
    let mut ids: Vec<&String> = Vec::new();
    for (id, _, _) in lines {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let empty = |part: &MPart| MPart { consumed: 0, left: 0, ..part.clone() };
    ids.into_iter()
        .map(|id| {
            let lot = lots.iter().find(|lot| lot.id == *id).expect("a line names a lot");
            MLot { id: id.clone(), parts: lot.parts.iter().map(empty).collect() }
        })
        .collect()
}
