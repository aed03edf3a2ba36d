//! Refunds of spends, by their recorded lines (rule A4).

use super::{Context, has_room, money, not_closed, positive};
use crate::accounts::{Bucket, Fund, Proceeds, Wallet};
use crate::ledger::{Balances, Event, Parties, Refund, Reject, Taken};
use crate::names::AccountId;
use smallvec::SmallVec;

/// A spend as its record says it, and what was given back so far.
pub struct Spent<'a> {
    /// Who was paid.
    pub merchant: &'a AccountId,
    /// The lines.
    pub taken: &'a Taken,
    /// What refunds gave back so far.
    pub refunded: i64,
}

/// A decision, or what is missing in the merchant's slice to make it.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is returned; a box would cost more than the move"
)]
pub enum Decided {
    /// The refund.
    Event(Event),
    /// This slice of the merchant has too little; the others may have it.
    GatherFirst,
}

/// Gives a spend back, all that is left of it or part, to the lots it came from.
///
/// `slice` is what the deciding shard has of the merchant; when that is too little and `gathered` is
/// false the answer is [`Decided::GatherFirst`], so that a refund never overdraws the merchant and a
/// refund that one slice can pay asks no other shard (rule E3).
pub fn refund(
    ctx: Context<'_>,
    wallet: &Wallet,
    spent: &Spent<'_>,
    slice: Option<&Proceeds>,
    gathered: bool,
    ask: &Refund,
) -> Result<Decided, Reject> {
    let currency = wallet.currency;
    let amount = ask.amount.map(|amount| positive("amount", amount, currency)).transpose()?;
    not_closed(wallet.status, &wallet.id)?;
    let left = spent.taken.sum() - spent.refunded;
    if left == 0 && amount.is_none() {
        return Err(Reject::AlreadyDone { what: format!("the spend {}", ask.spend), state: "refunded".into() });
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err(Reject::RefundExceedsSpend {
            refundable: money(left, currency),
            requested: money(amount, currency),
        });
    }
    let refunded = spent.refunded + amount;
    let taken = spent.taken.piece(spent.refunded, refunded);
    let promoted = ctx.catalog.promoted();
    for fund in [Fund::Paid, Fund::Promoted] {
        let needed: i64 =
            taken.iter().filter(|(_, sub, _)| fund_of(promoted, sub.0) == fund).map(|(_, _, amount)| amount).sum();
        let has = slice.map_or(0, |proceeds| proceeds.get(Bucket::Unreconciled, fund));
        if i128::from(needed) <= has {
            continue;
        }
        if !gathered {
            return Ok(Decided::GatherFirst);
        }
        return Err(Reject::InsufficientFunds {
            payer: format!("the merchant {}", spent.merchant),
            available: money(i64::try_from(has).unwrap_or(i64::MAX), currency),
            requested: money(needed, currency),
        });
    }
    has_room(Some(wallet), &wallet.id, currency, amount, 0)?;
    let mut after = Balances::of(wallet);
    after.give(&taken);
    let parties = Parties { account: wallet.id.clone(), merchant: spent.merchant.clone() };
    Ok(Decided::Event(Event::Refunded {
        parties,
        taken,
        refunded,
        rows: SmallVec::new(),
        restore_until: None,
        repaid: Taken::default(),
        promoted,
        after,
    }))
}

/// Where the value of a sub-balance comes from.
pub(crate) const fn fund_of(promoted: u8, sub: u8) -> Fund {
    if promoted >> sub & 1 == 1 { Fund::Promoted } else { Fund::Paid }
}
