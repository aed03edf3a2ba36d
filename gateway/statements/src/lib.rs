//! Readers of channel statements (rule C3).
//!
//! A channel states once a day, in a file of its own, what it took and gave back. The ledger books
//! nothing from such a file before the whole of it has been checked: hash, layout, every field,
//! unique numbers, totals, footer. A truncated or inconsistent file is refused **whole**, with line and
//! column, what was expected and what was found ([`Refused`]).
//!
//! * [`check`] reads the file once and says yes or no; `progress` is called on the way.
//! * [`Checked::summary`] gives its sums, its day and its identity (SHA-256).
//! * [`Checked::rows`] reads it a second time and hands its rows out, normalised: [`Row`].
//! * [`fee_of`] and [`fee_mismatch`] are rule C5. A wrong fee does not refuse a file: it is a
//!   difference, found later.
//!
//! Families and their facts are in `docs/statements.md`. This crate knows no ledger and no clock.
//!
//! **Units.** Money is an integer of the currency's minor unit; `amount` is never negative, `fee` is
//! negative when given back. Times are microseconds since 1970; files say Beijing time.
//!
//! **Cost.** Both passes stream: memory does not grow with the file, but for about 55 bytes a row at most
//! while it is checked, to find numbers that repeat. Packed files are unpacked as they are read, twice.
//!
//! ```
//! use fentan_statements::{Family, check_bytes};
//!
//! let file = "\
//! time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type
//! 2024-07-09T10:06:33+08:00,payment,o-1,c-1,,60.00,0.32,CNY,succeeded,app
//! 2024-07-09T16:47:58+08:00,refund,o-1,c-1,r-1,50.00,-0.27,CNY,succeeded,app
//! #total,2,1,60.00,1,50.00,0.05
//! ";
//! let mut checked = check_bytes(Family::GenericCsv, "any.csv", file.as_bytes())?;
//! assert_eq!(checked.summary().totals.net, 995); // 60.00 - 50.00 - 0.05
//! let rows = checked.rows()?.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(rows[1].fee, -27);
//!
//! let cut = check_bytes(Family::GenericCsv, "any.csv", &file.as_bytes()[..160]);
//! assert!(cut.is_err());
//! # Ok::<(), fentan_statements::Refused>(())
//! ```

mod ask;
mod check;
mod family;
mod fee;
mod lines;
mod number;
mod reader;
mod refused;
mod row;
mod seen;
mod source;
mod split;
mod table;
mod time;

pub use ask::{Ask, Encoding, Expect, Summary, Totals};
pub use check::{Checked, Rows, check, check_bytes, check_file};
pub use family::{Family, UnknownFamily};
pub use fee::{fee_mismatch, fee_of};
pub use refused::{Column, Reason, Refused};
pub use row::{Flow, Row, RowKind, RowStatus};
