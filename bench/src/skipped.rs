//! Why a row was left out.

/// A row that was left out on purpose: no failure, and no figure.
#[derive(Debug)]
pub(crate) struct Skipped(String);

impl Skipped {
    /// Left out for this reason.
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "left out: {}", self.0)
    }
}

impl std::error::Error for Skipped {}
