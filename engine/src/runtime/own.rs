//! What was found of the ledger's own accounts lately.
//!
//! Every top-up books in a channel and a promotion, and they are the same few: to make their names and hashes anew each
//! time would cost more than everything else about them.

use crate::accounts::SystemAccount;
use crate::money::Currency;

/// Something kept for each of the ledger's own accounts that were asked for lately.
pub(crate) struct OwnAccounts<T> {
    known: Vec<(SystemAccount, Currency, T)>,
    /// Who goes next.
    next: usize,
}

impl<T> Default for OwnAccounts<T> {
    fn default() -> Self {
        Self { known: Vec::new(), next: 0 }
    }
}

impl<T: Copy> OwnAccounts<T> {
    /// More than this are not kept: they are compared one by one.
    const MOST: usize = 16;

    /// What is kept of this account.
    pub(crate) fn find(&self, account: &SystemAccount, currency: Currency) -> Option<T> {
        let mut known = self.known.iter();
        known.find(|(known, of, _)| *of == currency && known == account).map(|(.., kept)| *kept)
    }

    /// Keeps this of an account that is not there; the one that came first goes when there is no room.
    pub(crate) fn keep(&mut self, account: SystemAccount, currency: Currency, kept: T) {
        if self.known.len() < Self::MOST {
            self.known.push((account, currency, kept));
        } else {
            self.known[self.next] = (account, currency, kept);
            self.next = (self.next + 1) % Self::MOST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Label;

    #[test]
    fn what_came_first_goes_first() {
        let channel = |n: usize| SystemAccount::Channel(Label::internal(&format!("c{n}")));
        let mut own = OwnAccounts::default();
        for n in 0..OwnAccounts::<usize>::MOST + 2 {
            assert_eq!(own.find(&channel(n), Currency::CNY), None);
            own.keep(channel(n), Currency::CNY, n);
            assert_eq!(own.find(&channel(n), Currency::CNY), Some(n));
        }
        let usd = Currency::new("USD", 2).unwrap();
        let known: Vec<_> = (0..4).map(|n| own.find(&channel(n), Currency::CNY)).collect();
        assert_eq!(known, [None, None, Some(2), Some(3)]);
        assert_eq!(own.find(&channel(2), usd), None);
    }
}
