//! Clients that mean it no good, and those who work beside them.
//!
//! An attack stands for clients on other machines: its threads run when nobody else wants the processor, so that
//! what is seen beside it is the server's work for it and not that of the attackers themselves.

mod attack;
mod others;

pub(crate) use attack::ATTACKS;
pub(crate) use others::{Latencies, Others};
