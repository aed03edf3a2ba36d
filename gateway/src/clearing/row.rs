//! A row of a statement as the matching sees it, and a difference that it makes.
//!
//! A top-up is known to its channel by one number: its `channel_order`, or its own id when it has none; which of the two
//! numbers of a row that is, ours or the channel's, is the client's choice. So a row is looked for by both, the
//! channel's first for `UnionPay`, whose files mostly have no other, and ours first for all others.

use fentan_engine::clearing::matching::{Booked, Key, Keying, Keys, Kind, Names, Seen, Status, Trade, Trades};
use fentan_engine::clearing::scan::{Order, short_of};
use fentan_engine::clearing::{ChannelTerms, Difference, Item, ItemState, RowRef, fee};
use fentan_engine::money::Currency;
use fentan_engine::names::Label;
use fentan_statements::{Family, Row, RowKind, RowStatus, fee_mismatch};

/// A word that is none of those that are agreed.
const OTHER_TRADE: u8 = u8::MAX;

/// How rows of a channel are read.
pub(super) struct Reader<'a> {
    pub(super) family: Family,
    pub(super) channel: &'a Label,
    pub(super) terms: &'a ChannelTerms,
    pub(super) currency: Currency,
}

fn by_order(kind: Kind, number: &str) -> Option<Key> {
    let names = Names { kind, order: number, refund: number, channel_number: "" };
    Keying::Generic.keys(&names).map(|keys| keys.key)
}

fn by_request(order: &str, refund: &str) -> Option<Key> {
    let names = Names { kind: Kind::Refund, order, refund, channel_number: "" };
    Keying::Alipay.keys(&names).map(|keys| keys.key)
}

fn both(first: Option<Key>, second: Option<Key>) -> Option<Keys> {
    match (first, second) {
        (Some(key), fallback) => Some(Keys { key, fallback }),
        (None, Some(key)) => Some(Keys { key, fallback: None }),
        (None, None) => None,
    }
}

impl Reader<'_> {
    /// A row as the matching sees it; `None` when it is neither payment nor refund, or has no number.
    pub(super) fn seen(&self, row: &Row) -> Option<Seen> {
        let kind = kind_of(row)?;
        let keys = self.keys(kind, (&row.order, &row.channel_order), (&row.refund, &row.channel_refund))?;
        Some(Seen {
            keys,
            kind,
            amount: row.asked,
            fee: Some(cost(row)),
            status: match row.status {
                RowStatus::Succeeded => Status::Succeeded,
                RowStatus::Failed | RowStatus::Abnormal => Status::Failed,
                RowStatus::Closed => Status::Closed,
                RowStatus::Processing => Status::Processing,
            },
            currency: currency_of(row, self.currency),
            trade: self.trade(&row.trade_type),
            at_us: row.at_us,
            line: row.line,
        })
    }

    fn keys(&self, kind: Kind, (order, channel): (&str, &str), (refund, back): (&str, &str)) -> Option<Keys> {
        match (kind, self.family) {
            (Kind::Payment, Family::UnionpayMerchant | Family::AcquirerTable) => {
                both(by_order(kind, channel), by_order(kind, order))
            }
            (Kind::Payment, _) => both(by_order(kind, order), by_order(kind, channel)),
            (Kind::Refund, Family::AlipayDetail) => both(by_request(order, refund), by_order(kind, refund)),
            (Kind::Refund, _) => both(by_order(kind, refund), by_order(kind, back)),
        }
    }

    /// A row that waits in the pool. Of a refund it has only the refund's numbers, and knows its order by these.
    pub(super) fn waiting(&self, item: &Item) -> Option<Seen> {
        let (kind, numbers) =
            (if item.refund { Kind::Refund } else { Kind::Payment }, (&item.order, &item.channel_order));
        let keys = match (kind, self.family) {
            (Kind::Refund, Family::AlipayDetail) => both(by_order(kind, numbers.0), None)?,
            _ => self.keys(kind, (numbers.0, numbers.1), (numbers.0, numbers.1))?,
        };
        Some(Seen {
            keys,
            kind,
            amount: item.stated?,
            fee: Some(item.fee),
            status: Status::Succeeded,
            currency: item.currency,
            trade: self.trade(&item.found),
            at_us: item.at,
            line: item.row.as_ref().map_or(0, |row| row.line),
        })
    }

    /// An order as the matching sees it.
    pub(super) fn booked(&self, order: &Order) -> Option<Booked> {
        let kind = if order.refund { Kind::Refund } else { Kind::Payment };
        let number = order.number.as_str();
        let keys = match (&order.of, self.family) {
            // A row that waited has only the refund's number.
            (Some(of), Family::AlipayDetail) => both(by_request(of.as_str(), number), by_order(kind, number)),
            _ => both(by_order(kind, number), None),
        };
        Some(Booked {
            keys: keys?,
            kind,
            amount: order.amount,
            fee: self.fee(order.refund, order.amount),
            currency: order.currency,
            at_us: order.at,
            trade: Trade::UNKNOWN,
            reference: order.position,
        })
    }

    /// An order that was given up, as the matching sees it, under a number of its own.
    pub(super) fn given_up(&self, item: &Item, reference: u64) -> Option<Booked> {
        let kind = if item.refund { Kind::Refund } else { Kind::Payment };
        let keys = both(by_order(kind, &item.order), None)?;
        let amount = item.booked?;
        let (fee, currency, at_us) = (self.fee(item.refund, amount), item.currency, item.at);
        Some(Booked { keys, kind, amount, fee, currency, at_us, trade: Trade::UNKNOWN, reference })
    }

    /// The fee that is agreed.
    fn fee(&self, refund: bool, amount: i64) -> Option<i64> {
        let signed = if refund { -amount } else { amount };
        self.terms.fee_rate.map(|rate| fee(signed, rate))
    }

    /// Where no fee is agreed: what the channel would keep by the rate that the row says, if it shows another fee.
    pub(super) fn rated(&self, row: &Row) -> Option<i64> {
        if self.terms.fee_rate.is_some() {
            return None;
        }
        fee_mismatch(row).map(|(expected, shown)| cost(row) - shown + expected)
    }

    fn trade(&self, word: &str) -> Trade {
        if self.terms.trade_types.is_empty() || word.is_empty() {
            return Trade::UNKNOWN;
        }
        let known = self.terms.trade_types.iter().position(|known| known.as_str() == word);
        Trade(known.and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(OTHER_TRADE))
    }

    /// The kinds of trade that are agreed.
    pub(super) fn trades(&self) -> Trades {
        if self.terms.trade_types.is_empty() {
            return Trades::ALL;
        }
        Trades::only((1..OTHER_TRADE).take(self.terms.trade_types.len()).map(Trade))
    }

    /// A difference about a row, with nothing of the ledger in it yet.
    pub(super) fn item(&self, kind: Difference, state: ItemState, row: &Row, file: &Label) -> Item {
        let refund = row.kind == RowKind::Refund;
        let (order, channel_order) = if refund && (!row.refund.is_empty() || !row.channel_refund.is_empty()) {
            (&row.refund, &row.channel_refund)
        } else {
            (&row.order, &row.channel_order)
        };
        Item {
            kind,
            state,
            channel: self.channel.clone(),
            currency: currency_of(row, self.currency),
            row: Some(RowRef { file: file.clone(), line: row.line }),
            order: order.clone(),
            channel_order: channel_order.clone(),
            refund,
            ledger: None,
            account: None,
            booked: None,
            stated: None,
            fee: 0,
            excess: 0,
            found: String::new(),
            at: row.at_us,
            suspense: 0,
            owner: None,
            note: String::new(),
            proposal: None,
        }
    }

    /// A difference about an order that no row has found.
    pub(super) fn short(&self, order: &Order, file: &Label) -> Item {
        Item {
            kind: Difference::Short,
            state: ItemState::Open,
            channel: self.channel.clone(),
            currency: order.currency,
            row: None,
            order: order.number.as_str().to_owned(),
            channel_order: String::new(),
            refund: order.refund,
            ledger: Some(order.booked_by.clone()),
            account: (!order.refund).then(|| order.account.clone()),
            booked: Some(order.amount),
            stated: None,
            fee: 0,
            excess: 0,
            found: short_of(file),
            at: order.at,
            suspense: 0,
            owner: None,
            note: String::new(),
            proposal: None,
        }
    }
}

fn kind_of(row: &Row) -> Option<Kind> {
    match row.kind {
        RowKind::Payment => Some(Kind::Payment),
        RowKind::Refund => Some(Kind::Refund),
        RowKind::Other { .. } => None,
    }
}

/// What the channel kept of a payment, or gave back of a refund (negative): its fee, and discounts that the merchant
/// pays.
pub(super) fn cost(row: &Row) -> i64 {
    let discount = row.asked.saturating_sub(row.amount);
    if row.kind == RowKind::Refund { row.fee.saturating_sub(discount) } else { row.fee.saturating_add(discount) }
}

/// The currency that a row says, when it is another than the channel's: with as many decimals.
fn currency_of(row: &Row, channel: Currency) -> Currency {
    if row.currency.is_empty() || row.currency == channel.code() {
        return channel;
    }
    Currency::new(&row.currency, channel.exponent()).unwrap_or(channel)
}
