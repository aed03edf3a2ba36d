//! Matching (rule C4): a checked channel statement against what the ledger has booked for that channel.
//!
//! A hash join. Build side: the booked orders of one channel that are not reconciled yet, top-ups and refunds of
//! top-ups ([`Orders`]). Probe side: first the rows of earlier channel statements that still wait, then the rows of
//! this one, as a stream ([`Matcher`]). Each row has one [`Outcome`], and each order that no row has found is one
//! [`Leftover`].
//!
//! ```
//! use fentan_engine::clearing::matching::{Booked, Keying, Kind, Matcher, Names, Orders, Outcome, Rules, Seen, Status};
//! use fentan_engine::clearing::matching::Trade;
//! use fentan_engine::money::Currency;
//!
//! let names = Names { kind: Kind::Payment, order: "t-1", ..Names::default() };
//! let keys = Keying::Wechat.keys(&names).expect("it has an order number");
//! let mut orders = Orders::with_capacity(1);
//! orders
//!     .book(&Booked {
//!         keys, kind: Kind::Payment, amount: 10_000, fee: Some(60), currency: Currency::CNY, at_us: 0,
//!         trade: Trade::UNKNOWN, reference: 7,
//!     })
//!     .expect("there is room");
//! let day = 86_400_000_000;
//! let mut matcher = Matcher::new(orders, Rules { end_us: day, today_us: 2 * day, ..Rules::default() });
//! let outcome = matcher.seen(&Seen {
//!     keys, kind: Kind::Payment, amount: 10_000, fee: Some(60), status: Status::Succeeded, currency: Currency::CNY,
//!     trade: Trade::UNKNOWN, at_us: 5, line: 1,
//! });
//! assert!(matches!(outcome, Outcome::Matched(pair) if pair.reference == 7));
//! assert_eq!(matcher.finish().leftovers.len(), 0);
//! ```
//!
//! ## Which order a row finds
//!
//! A key is 128 bits of a hash of a number that both sides know ([`Keying`]). Row and order may each have a second key,
//! the *fallback*: it stands in for a number that the other side may not have. So a row finds an order
//!
//! | | the row's | is the order's |
//! |---|---|---|
//! | 1 | key | key |
//! | 2 | key | fallback |
//! | 3 | fallback | key |
//!
//! and never by two fallbacks: two that both carry the channel's number, and not the same, are two payments. The first
//! line of the table that has an open order decides. Among its orders: one of the same currency and amount; then one
//! that no failed row has found; then the oldest. An order is open until a row that succeeded has taken it.
//!
//! ## What a row can be
//!
//! In this order:
//!
//! 1. It finds an open order: [`Outcome::Matched`], or [`Outcome::Mismatched`] with all that is not equal.
//! 2. It moved no money (failed, closed, in progress) and no open order waits for it: [`Outcome::NoMoney`]. Nobody
//!    booked it, so it is no difference.
//! 3. Its key was in an earlier row; or it is a payment, and shares a key with an order that another row pays or
//!    another channel number has paid: [`Outcome::Duplicate`], a second payment of one order. (Refunds share an order's
//!    number and are still several, so a refund repeats only what has its very key.)
//! 4. The ledger does not know it. It waits in the pool ([`Outcome::Waiting`]); when the pool's days are over it is
//!    [`Outcome::Long`] (长款) or, for a refund, [`Outcome::Chargeback`].
//!
//! An order that is left over waits in the pool or is short (短款). [`Rules`] says where the pool ends, on either side.
//!
//! ## Same inputs, same results
//!
//! The outcome is a function of the set of orders, the rows in their order, and the rules; the order in which orders
//! were booked and [`Rules::seed`] change nothing. Rows answer in the order of rows, leftovers by moment and reference.
//! So a run that was interrupted is resumed by running it again: what the consumer has already booked it skips, by
//! line and reference. Nothing here knows a clock, a file or a thread.
//!
//! ## Cost
//!
//! Linear in orders and rows. An order takes 48 bytes and 5 1/3 in the index, with a fallback 25 1/3 more. A row that
//! no order has by the key of both takes about 20 bytes until the end. What it takes in time is in `docs/performance.md`.
//! Orders that share one key, which the ledger does not book but a mistake may, are kept apart, in the logarithm of
//! their number each. The index is keyed by the seed, so nobody who chooses order numbers can aim at a place in it.
//!
//! | file | holds |
//! |---|---|
//! | `key.rs` | [`Key`], and what it is made of for each channel |
//! | `order.rs`, `row.rs` | the two sides: [`Booked`], [`Seen`] |
//! | `rules.rs` | [`Rules`]: the pool, the trade types allowed |
//! | `outcome.rs` | [`Outcome`], [`Leftover`], [`Difference`] |
//! | `index.rs`, `same.rs` | the hash table; orders that share a key |
//! | `find.rs` | which order a row finds |
//! | `matcher.rs`, `stream.rs` | [`Matcher`]: a row, many rows |
//! | `tally.rs` | [`Tally`]: counts and sums |

mod find;
mod index;
mod key;
mod matcher;
mod order;
mod outcome;
mod row;
mod rules;
mod same;
mod stream;
mod tally;

pub use key::{Key, Keying, Keys, Kind, Names};
pub use matcher::{Finished, Leftovers, Matcher};
pub use order::{Booked, Full, Orders};
pub use outcome::{Difference, Leftover, Mismatches, Outcome, Pair};
pub use row::{Seen, Status};
pub use rules::{Rules, Trade, Trades};
pub use tally::{Label, Sum, Tally};
