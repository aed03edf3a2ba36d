//! What a user would pick instead, at the same work in the same run on the same disk.
//!
//! A spend is: find the wallet's lots, divide the amount by the lot's ratio with cumulative rounding (rule
//! A3), credit the merchant, record the spend with its lines, answer a repeated id with the first answer,
//! and be durable before the answer. Every peer does all of it ([`work`] holds its books to that afterwards)
//! in the way that is best for it. `docs/comparison.md` says what each was set up with, and what it does not do.

pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod tigerbeetle;
pub(crate) mod work;

use std::path::{Path, PathBuf};

/// A program on the path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file: &PathBuf| Path::is_file(file))
}
