//! The build side: what the ledger has booked for the channel, 48 bytes each.

use super::key::{Key, Keys, Kind};
use super::rules::Trade;
use crate::accounts::Timestamp;
use crate::money::Currency;

/// An order that the ledger has booked and no channel statement has confirmed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booked {
    /// By which it is found.
    pub keys: Keys,
    /// A top-up, or the refund of one.
    pub kind: Kind,
    /// In minor units; positive for both kinds.
    pub amount: i64,
    /// The fee that the contract gives (C5), negative on refunds; `None` is not compared.
    pub fee: Option<i64>,
    /// Of amount and fee.
    pub currency: Currency,
    /// When it was booked.
    pub at_us: Timestamp,
    /// The trade type it was booked with.
    pub trade: Trade,
    /// Its position in the journal. No two orders share it.
    pub reference: u64,
}

/// Why no more can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Too many orders in one run.
    #[error("more than {} keys of orders in one run", u32::MAX - 1)]
    Orders,
    /// Too many currencies in one channel.
    #[error("more than {} currencies in one channel", u16::MAX)]
    Currencies,
}

/// What rows have done to an order so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// No row has found it.
    Free,
    /// A row that moved no money has.
    Tried,
    /// A row that moved money has. It is open no more.
    Taken,
}

/// The lowest two bits of [`Record::flags`] are the stage.
const STAGE: u8 = 0b11;
/// Its `fee` is a fee.
const FEE: u8 = 1 << 2;
/// Its `fee` is the place of one in [`Orders::wide`].
const WIDE: u8 = 1 << 3;
/// Other orders have its key; or its fallback.
pub(super) const SHARED: u8 = 1 << 4;
pub(super) const FALLBACK_SHARED: u8 = 1 << 5;

/// An order, packed.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// With the kind in it.
    pub(super) key: u128,
    pub(super) amount: i64,
    pub(super) at_us: Timestamp,
    pub(super) reference: u64,
    fee: u32,
    currency: u16,
    trade: u8,
    /// Last, so that asking for the first and the last field asks for all of it.
    pub(super) flags: u8,
}

impl Record {
    pub(super) fn stage(&self) -> Stage {
        match self.flags & STAGE {
            0 => Stage::Free,
            1 => Stage::Tried,
            _ => Stage::Taken,
        }
    }

    pub(super) fn set_stage(&mut self, stage: Stage) {
        self.flags = self.flags & !STAGE | stage as u8;
    }

    pub(super) const fn trade(&self) -> Trade {
        Trade(self.trade)
    }
}

/// The booked orders of one channel.
#[derive(Debug, Default)]
pub struct Orders {
    pub(super) records: Vec<Record>,
    /// Fallbacks, and beside each its order. In the order of orders.
    pub(super) fallback_keys: Vec<u128>,
    pub(super) fallback_of: Vec<u32>,
    /// Fees that 32 bits do not hold.
    wide: Vec<i64>,
    currencies: Vec<Currency>,
}

impl Orders {
    /// Room for so many without growing.
    #[must_use]
    pub fn with_capacity(orders: usize) -> Self {
        Self { records: Vec::with_capacity(orders), ..Self::default() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Adds an order.
    ///
    /// # Errors
    /// When it is full; then nothing has changed.
    pub fn book(&mut self, order: &Booked) -> Result<(), Full> {
        let key = order.keys.key.of_kind(order.kind);
        let fallback = order.keys.fallback.map(|fallback| fallback.of_kind(order.kind)).filter(|other| *other != key);
        let entries = self.entries() + 1 + usize::from(fallback.is_some());
        let number = u32::try_from(self.len()).map_err(|_| Full::Orders)?;
        if u32::try_from(entries).map_or(true, |entries| entries == u32::MAX) {
            return Err(Full::Orders);
        }
        let currency = self.currency_number(order.currency)?;
        let mut flags = Stage::Free as u8;
        let mut fee = 0;
        if let Some(expected) = order.fee {
            flags |= FEE;
            fee = i32::try_from(expected).map_or_else(
                |_| {
                    flags |= WIDE;
                    self.wide.push(expected);
                    // There are no more of them than orders.
                    u32::try_from(self.wide.len() - 1).map_err(|_| Full::Orders)
                },
                |fee| Ok(fee.cast_unsigned()),
            )?;
        }
        if let Some(fallback) = fallback {
            self.fallback_keys.push(fallback);
            self.fallback_of.push(number);
        }
        let &Booked { amount, at_us, reference, trade: Trade(trade), .. } = order;
        self.records.push(Record { key, amount, at_us, reference, fee, currency, trade, flags });
        Ok(())
    }

    fn currency_number(&mut self, currency: Currency) -> Result<u16, Full> {
        let found = self.currencies.iter().position(|known| *known == currency);
        let number = u16::try_from(found.unwrap_or(self.currencies.len())).map_err(|_| Full::Currencies)?;
        if found.is_none() {
            self.currencies.push(currency);
        }
        Ok(number)
    }

    /// Keys and fallbacks.
    pub(super) fn entries(&self) -> usize {
        self.records.len() + self.fallback_keys.len()
    }

    pub(super) fn fee(&self, record: &Record) -> Option<i64> {
        if record.flags & WIDE != 0 {
            self.wide.get(record.fee as usize).copied()
        } else {
            (record.flags & FEE != 0).then(|| i64::from(record.fee.cast_signed()))
        }
    }

    pub(super) fn currency(&self, record: &Record) -> Currency {
        self.currencies[usize::from(record.currency)]
    }

    pub(super) fn key(record: &Record) -> (Key, Kind) {
        Key::split(record.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c4_an_order_takes_48_bytes() {
        assert_eq!(size_of::<Record>(), 48);
    }

    #[test]
    fn c4_fees_of_every_size_come_back() {
        let fees = [None, Some(0), Some(-23), Some(i64::from(i32::MAX)), Some(1 << 31), Some(i64::MIN), Some(i64::MAX)];
        let mut orders = Orders::default();
        let keys = Keys { key: Key::from_bits(8), fallback: None };
        for fee in fees {
            let (kind, trade, currency) = (Kind::Refund, Trade(3), Currency::CNY);
            orders.book(&Booked { keys, kind, amount: 1, fee, currency, at_us: 0, trade, reference: 0 }).unwrap();
        }
        let back: Vec<_> = orders.records.iter().map(|record| orders.fee(record)).collect();
        assert_eq!(back, fees);
        assert_eq!(Orders::key(&orders.records[0]), (Key::from_bits(8), Kind::Refund));
    }
}
