//! Money out of wallets, and back: spends, holds, refunds, transfers.

use super::order_lines::captured;
use super::{
    Answer, Hold, Ledger, Line, Made, Merchant, Plan, Reasons, Spent, Status, Wallet, only, sum, unless, when,
};
use crate::asks::HOUR;
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
    fn plan(&self, now: i64, pay: &Pay) -> Result<Plan, Reasons> {
        let mut reasons = Reasons::new();
        let order: i128 = pay.lines.iter().map(|line| line.1).sum();
        when(&mut reasons, !pay.lines.is_empty() && order != pay.amount, "bad_request");
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
        wallet.may_pay(&mut reasons, now, pay.amount);
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

    fn pay_out(
        &mut self,
        id: &str,
        wallet: &str,
        merchant: &str,
        lines: &[Line],
        rule: String,
        order: Vec<(String, i128)>,
    ) {
        self.merchants.get_mut(merchant).expect("the merchant is there").add(lines, 1);
        self.spends.push(Spent {
            id: id.into(),
            wallet: wallet.into(),
            merchant: merchant.into(),
            lines: lines.to_vec(),
            refunded: 0,
            rule,
            given: vec![0; order.len()],
            order,
            // As the engine will say.
            cells: Vec::new(),
        });
    }

    /// The rule of a payment.
    fn rule_of(&self, pay: &Pay) -> String {
        let own = if self.in_points(&pay.wallet) { "principal_first" } else { "by_lot" };
        pay.rule.clone().unwrap_or_else(|| own.into())
    }

    pub(super) fn spend(&mut self, id: &str, now: i64, pay: &Pay) -> Answer {
        let (lines, phase) = self.plan(now, pay)?;
        self.take(&pay.wallet, &lines, phase);
        self.wallet(&pay.wallet).pays(now, pay.amount, None);
        self.meet(pay);
        self.pay_out(id, &pay.wallet, &pay.merchant, &lines, self.rule_of(pay), pay.lines.clone());
        Ok(lines)
    }

    pub(super) fn hold(&mut self, id: &str, now: i64, pay: &Pay, until: i64) -> Answer {
        let plan = self.plan(now, pay);
        let mut reasons = plan.as_ref().err().cloned().unwrap_or_default();
        when(&mut reasons, until <= now, "bad_request");
        unless(reasons)?;
        let (lines, phase) = plan?;
        self.take(&pay.wallet, &lines, phase);
        self.meet(pay);
        let (merchant, rule) = (pay.merchant.clone(), self.rule_of(pay));
        let order = pay.lines.clone();
        let hold = Hold { id: id.into(), merchant, lines: lines.clone(), order, released: 0, ends: until, rule };
        self.wallet(&pay.wallet).pays(now, pay.amount, Some(id));
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
        there.gives_back(&hold.id, sum(&rest));
        self.pay_out(id, &wallet, &hold.merchant, &lines, hold.rule, captured(&hold.order, amount));
        if !rest.is_empty() {
            self.expire_at_once(now, &wallet);
        }
        Ok(lines)
    }

    pub(super) fn release(&mut self, now: i64, hold: &str, amount: Option<i128>) -> Answer {
        let (name, hold, amount) = self.open_hold(now, hold, amount)?;
        let lines = piece(&hold.lines, hold.released, hold.released + amount);
        let wallet = self.wallet(&name);
        wallet.give(&lines);
        wallet.gives_back(&hold.id, amount);
        wallet.holds.iter_mut().filter(|other| other.id == hold.id).for_each(|hold| hold.released += amount);
        wallet.holds.retain(|hold| hold.left() > 0);
        self.expire_at_once(now, &name);
        Ok(lines)
    }

    pub(super) fn refund(&mut self, now: i64, id: &str, amount: Option<i128>, line: Option<&str>) -> Answer {
        let at = self.spends.iter().position(|spent| spent.id == id).expect("an order names a spend");
        let spent = self.spends[at].clone();
        let at_line = line.and_then(|line| spent.order.iter().position(|there| there.0 == line));
        let left = match at_line {
            Some(at) => spent.order[at].1 - spent.given[at],
            None => sum(&spent.lines) - spent.refunded,
        };
        let mut reasons = Reasons::new();
        when(&mut reasons, line.is_some() && at_line.is_none(), "unknown_order_line");
        when(&mut reasons, amount == Some(0), "bad_request");
        when(&mut reasons, self.wallets[&spent.wallet].status == Status::Closed, "account_closed");
        if line.is_none() || at_line.is_some() {
            when(&mut reasons, left == 0 && amount.is_none(), "already_done");
            when(&mut reasons, amount.is_some_and(|amount| amount > left), "refund_exceeds_spend");
        }
        unless(reasons)?;
        let amount = amount.unwrap_or(left);
        let to = spent.refunded + amount;
        let given = spent.given_after(at_line, amount);
        let lines =
            if spent.order.is_empty() { piece(&spent.lines, spent.refunded, to) } else { spent.restores(&given) };
        self.spends[at].refunded = to;
        self.spends[at].given = given;
        let days = match spent.rule.as_str() {
            "by_lot_expiring_first" => Some(2),
            "bonus_first" => Some(9),
            _ => None,
        };
        let wallet = self.wallet(&spent.wallet);
        for (lot, sub, _) in &lines {
            let lot = wallet.lots.iter_mut().find(|there| there.id == *lot).expect("a line names a lot");
            if let Some(days) = days {
                lot.revive(*sub, now, now + days * 24 * HOUR);
            }
        }
        wallet.give(&lines);
        self.repay(&spent.wallet, &lines);
        self.merchants.get_mut(&spent.merchant).expect("the merchant is there").add(&lines, -1);
        self.expire_at_once(now, &spent.wallet);
        Ok(lines)
    }

    pub(super) fn transfer(&mut self, now: i64, from: &str, to: &str, amount: i128, rule: Option<&str>) -> Answer {
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
        sender.may_pay(&mut reasons, now, amount);
        // A wallet that is opened by it is of the sender's product, without limits of its own.
        let opened = Wallet { limited: sender.limited, ..Wallet::default() };
        let receiver = self.wallets.get(to).cloned().unwrap_or_else(|| opened.clone());
        when(&mut reasons, !receiver.has_room(amount), "over_limit");
        unless(reasons)?;
        let (lines, phase) = plan.ok_or_else(|| only("insufficient_funds"))?;
        let lots = sender.lots.clone();
        self.take(from, &lines, phase);
        self.wallet(from).pays(now, amount, None);
        let receiver = self.wallets.entry(to.into()).or_insert(opened);
        for lot in travelling(&lots, &lines) {
            let Some(here) = receiver.lots.iter_mut().find(|here| here.id == lot.id) else {
                receiver.lots.push(lot);
                continue;
            };
            // What lives longer where it comes from lives as long here.
            for part in lot.parts.iter().filter(|part| lines.iter().any(|l| l.0 == lot.id && l.1 == part.sub)) {
                let own = here.part_mut(part.sub);
                own.revived |= part.ends > own.ends;
                own.ends = own.ends.max(part.ends);
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
    let empty = |part: &MPart| MPart { consumed: 0, left: 0, revived: false, ..part.clone() };
    ids.into_iter()
        .map(|id| {
            let lot = lots.iter().find(|lot| lot.id == *id).expect("a line names a lot");
            MLot { id: id.clone(), parts: lot.parts.iter().map(empty).collect() }
        })
        .collect()
}
