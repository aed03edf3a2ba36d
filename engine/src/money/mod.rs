//! Money: integer minor units inside, decimal strings outside.
//!
//! * [`Currency`] is a code and the number of decimals it has.
//! * [`Major`] is a decimal string as a client wrote it, before it is known in which currency.
//! * [`Money`] is an exact amount of minor units together with its currency, for messages and rejects.
//! * `percent.rs` reads percentages and applies them.
//!
//! Inside the ledger an amount is an `i64` of minor units (fen for CNY); sums over many accounts are
//! `i128`. Nothing is rounded that was not asked for: a string with more decimals than the currency has is
//! refused. What rounds down says so in its name.

mod currency;
mod major;
mod percent;
mod print;

pub use currency::{Currency, CurrencyError};
pub use major::{AmountError, Major};
pub use percent::{PERCENT_DECIMALS, PercentError, share_down, share_of_percent};
pub use print::{Money, write_minor};

/// The most one wallet may hold, in minor units, with what is set aside and what is on its way: a quarter
/// of the `i64` range, so that the sum of a wallet's sub-balances, holds and arrears can never overflow.
pub const MAX_BALANCE: i64 = i64::MAX / 4;
