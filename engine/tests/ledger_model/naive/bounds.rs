//! What bounds wallets and offers: limits (W5), periods, counts and budgets (W1).

use super::{Ledger, Reasons, Wallet, when};
use crate::asks::HOUR;
use crate::model::purse::total;

/// The day of a moment in Beijing.
fn day(at: i64) -> i64 {
    (at + 8 * HOUR).div_euclid(24 * HOUR)
}

impl Wallet {
    /// The wallet's own limits stand before its product's.
    fn maximum(&self) -> Option<i128> {
        if self.own_limits { Some(100_000) } else { self.limited.then_some(40_000) }
    }

    fn velocity(&self) -> Option<usize> {
        if self.own_limits { Some(2) } else { self.limited.then_some(3) }
    }

    /// Whether so much more fits in.
    pub(super) fn has_room(&self, more: i128) -> bool {
        let placed: i128 = self.placed.iter().flat_map(|placed| &placed.lot.parts).map(|part| part.left).sum();
        self.maximum().is_none_or(|maximum| total(&self.lots) + self.held() + placed + more <= maximum)
    }

    /// What is against a payment.
    pub(super) fn may_pay(&self, reasons: &mut Reasons, now: i64, amount: i128) {
        let today: i128 = self.paid.iter().filter(|(at, ..)| day(*at) == day(now)).map(|(_, amount, _)| amount).sum();
        when(reasons, self.limited && today + amount > 15_000, "over_limit");
        let lately = self.paid.iter().filter(|(at, ..)| now - at < 10 * HOUR).count();
        when(reasons, self.velocity().is_some_and(|most| lately >= most), "too_many_spends");
    }

    pub(super) fn pays(&mut self, now: i64, amount: i128, hold: Option<&str>) {
        if self.limited || self.own_limits {
            self.paid.push((now, amount, hold.map(Into::into)));
        }
    }

    /// What a hold gave back was not spent.
    pub(super) fn gives_back(&mut self, hold: &str, amount: i128) {
        for paid in self.paid.iter_mut().filter(|(.., of)| of.as_deref() == Some(hold)) {
            paid.1 -= amount;
        }
    }
}

impl Ledger {
    /// What is against a gift.
    pub(super) fn offer_says(&self, reasons: &mut Reasons, wallet: &str, offer: &str, gift: i128, now: i64) {
        // From the fourth of January 1970 until before the first of February, in Beijing.
        let runs = offer != "january" || (3..31).contains(&day(now));
        when(reasons, !runs, "offer_not_running");
        let uses = self.wallets.get(wallet).and_then(|wallet| wallet.uses.get(offer)).copied().unwrap_or(0);
        when(reasons, offer == "twice" && gift > 0 && uses >= 2, "offer_used_up");
        let given: i128 = self.own.get(&(false, "promotion:little".into())).map_or(0, |balance| -balance);
        when(reasons, offer == "little" && gift > 0 && given + gift > 6_000, "budget_exhausted");
    }
}
