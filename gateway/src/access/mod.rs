//! Access control: who asks, what a token may do, and TLS.
//!
//! A token is 256 random bits. The file of tokens holds their SHA-256, their scopes and, for a tenant, the prefixes that
//! its accounts begin with; the token itself is shown once and kept nowhere. Both doors ask the same [`Gate`]. Without a
//! file of tokens there is no gate, everybody may everything, and the server listens on loopback only.
//!
//! | file | holds |
//! |---|---|
//! | `scope.rs` | groups of operations; each operation and each path has one |
//! | `tokens.rs` | the file of tokens, checked whole |
//! | `secret.rs` | tokens as text: made, hashed, and struck out of messages |
//! | `gate.rs` | which token is good now; reload |
//! | `visitor.rs` | who is on a connection or behind an exchange |
//! | `tls.rs` | certificates, for both doors |
//! | `start.rs` | what a server does not start without |
//! | `program.rs` | `fentan token …` |
//!
//! What a request names is compared with a token's prefixes in the engine ([`fentan_engine::runtime::Caller`]), which
//! knows whose a spend or a hold is.

mod gate;
mod program;
mod scope;
mod secret;
mod start;
mod tls;
mod tokens;
mod visitor;

pub(crate) use gate::{Admitted, Gate};
pub(crate) use program::{TokenCommand, run};
pub(crate) use scope::{Need, need_of};
pub(crate) use start::{Access, configure};
pub(crate) use tls::{Certificates, FIRST_BYTE};
pub(crate) use visitor::Visitor;
