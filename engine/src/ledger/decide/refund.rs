//! Refunds of spends, by their recorded lines (rule A4), and of single order lines (rule A5).

use super::arrears::repay;
use super::expiry::restore_until;
use super::{Context, has_room, money, not_closed, positive};
use crate::accounts::{Fund, Wallet};
use crate::allocation::RefundToExpired;
use crate::ledger::{Balances, Event, LotSet, OrderRow, OrderTable, Parties, Refund, Reject, Taken};
use crate::names::AccountId;
use crate::planted::{self, Planted};
use smallvec::SmallVec;

/// A spend as its record says it, and what was given back so far.
pub struct Spent<'a> {
    /// Who was paid.
    pub merchant: &'a AccountId,
    /// The lines.
    pub taken: &'a Taken,
    /// What refunds gave back so far.
    pub refunded: i64,
    /// What its rule does with what comes back to a part that has expired.
    pub to_expired: RefundToExpired,
    /// The order lines by sub-balances, when the spend has order lines.
    pub table: Option<&'a OrderTable>,
    /// What refunds gave back so far of each order line; may be empty when that is nothing.
    pub rows: &'a [i64],
}

impl Spent<'_> {
    /// What refunds gave back of an order line.
    fn row(&self, number: usize) -> i64 {
        self.rows.get(number).copied().unwrap_or(0)
    }

    /// The order line that a refund names, with its number.
    pub(crate) fn order_line(&self, ask: &Refund) -> Result<Option<(usize, &OrderRow)>, Reject> {
        let Some(line) = &ask.line else { return Ok(None) };
        let number = self.table.and_then(|table| table.find(line));
        let found = number.zip(self.table).map(|(number, table)| (number, &table.rows[number]));
        found.map(Some).ok_or_else(|| Reject::UnknownOrderLine { spend: ask.spend.clone(), line: line.clone() })
    }

    /// What is left of the spend, or of this order line of it.
    pub(crate) fn left(&self, line: Option<(usize, &OrderRow)>) -> i64 {
        match line {
            None => self.taken.sum() - self.refunded,
            Some((number, row)) => row.amount() - self.row(number),
        }
    }

    /// What of the part that no refund has given back is of lots that a channel statement has confirmed, as the wallet
    /// that paid knows it: it is the merchant's to settle (rule C2), when the statement is booked to its end.
    #[must_use]
    pub fn confirmed(&self, wallet: &Wallet) -> i64 {
        let (rest, _) = self.give_back(None, self.left(None));
        let confirmed = LotSet::reconciled(wallet, &rest.lots);
        rest.lines.iter().filter(|line| confirmed.has(line.lot)).map(|line| line.amount).sum()
    }

    /// The lines that giving back `amount` restores, of one order line or of what is left of all; and what has
    /// been given back of each order line then.
    pub(crate) fn give_back(&self, line: Option<usize>, amount: i64) -> (Taken, SmallVec<[i64; 0]>) {
        let Some(table) = self.table else {
            let from = if planted::is(Planted::RefundAlone) { 0 } else { self.refunded };
            return (self.taken.piece(from, from + amount), SmallVec::new());
        };
        let mut rows: SmallVec<[i64; 0]> = (0..table.rows.len()).map(|number| self.row(number)).collect();
        if let Some(number) = line {
            rows[number] += amount;
        } else {
            let more = table.spread(|number| self.row(number), amount);
            rows.iter_mut().zip(more).for_each(|(row, more)| *row += more);
        }
        (table.piece(self.taken, |number| self.row(number), |number| rows[number]), rows)
    }
}

/// Gives a spend or one of its order lines back, all that is left of it or part, to the lots it came from.
///
/// What the merchant has by now is not looked at: it got the spend, and all refunds of a spend give no more than that.
/// What it has been paid out meanwhile it owes (rule C7, carry-over); a customer's refund never waits for the clearing
/// line (rule C1).
pub fn refund(ctx: Context<'_>, wallet: &Wallet, spent: &Spent<'_>, ask: &Refund) -> Result<Event, Reject> {
    let currency = wallet.currency;
    let amount = ask.amount.map(|amount| positive("amount", amount, currency)).transpose()?;
    not_closed(wallet.status, &wallet.id)?;
    let line = spent.order_line(ask)?;
    let left = spent.left(line);
    if left == 0 && amount.is_none() {
        let of = line.map(|(_, row)| format!("the order line {} of ", row.line)).unwrap_or_default();
        return Err(Reject::AlreadyDone { what: format!("{of}the spend {}", ask.spend), state: "refunded".into() });
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err(Reject::RefundExceedsSpend {
            refundable: money(left, currency),
            requested: money(amount, currency),
        });
    }
    let refunded = spent.refunded + amount;
    let (taken, rows) = spent.give_back(line.map(|(number, _)| number), amount);
    let promoted = ctx.catalog.promoted();
    has_room(Some(wallet), &wallet.id, currency, amount, 0)?;
    let mut after = Balances::of(wallet);
    after.give(&taken);
    let repaid = repay(wallet.arrears, promoted, &taken);
    after.repay(&repaid);
    let parties = Parties { account: wallet.id.clone(), merchant: spent.merchant.clone() };
    let reconciled = LotSet::reconciled(wallet, &taken.lots);
    Ok(Event::Refunded {
        parties,
        refunded,
        rows,
        restore_until: restore_until(ctx.now, wallet, &taken, spent.to_expired),
        taken,
        repaid,
        promoted,
        reconciled,
        after,
    })
}

/// Where the value of a sub-balance comes from.
pub(crate) const fn fund_of(promoted: u8, sub: u8) -> Fund {
    if promoted >> sub & 1 == 1 { Fund::Promoted } else { Fund::Paid }
}
