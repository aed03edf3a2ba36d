//! Every no that the pure part can give: its code and operands, that it changes nothing, and which one is
//! answered when two apply. Beside them the refusals of bad rule files, and how commands differ.
//!
//! | file | holds |
//! |---|---|
//! | `world.rs` | a few accounts in every state |
//! | `table.rs` | each reject, from each decision that gives it |
//! | `back.rs` | refunds of top-ups, and wallets that owe |
//! | `precedence.rs` | two reasons at once |
//! | `limits.rs` | the most a wallet may hold, in money and in lots |
//! | `order_lines.rs` | order lines (A5) |
//! | `difference.rs` | the field in which two commands differ (W6) |
//! | `catalog.rs` | bad rules, products, offers and sub-balances (A6) |

#[path = "../model/mod.rs"]
mod model;

mod back;
mod catalog;
mod difference;
mod limits;
mod order_lines;
mod precedence;
mod table;
mod world;
