//! What a reload may not change while wallets rely on it.

use super::Catalog;
use super::error::{CatalogError, fail};

impl Catalog {
    /// Why `next` may not take this catalog's place in a running engine: wallets and journals hold a
    /// product's currency and a sub-balance's number, and answers under way name them. Empty when it may.
    #[must_use]
    pub fn hinders(&self, next: &Self) -> Vec<CatalogError> {
        let mut errors = Vec::new();
        for product in self.products.values() {
            let wrong = |reason: &str| fail("product", product.name.as_str(), reason);
            match next.products.get(&product.name) {
                None => errors.push(wrong("is in use: a reload cannot take it away")),
                Some(other) if other.currency != product.currency => {
                    let (code, decimals) = (product.currency.code(), product.currency.exponent());
                    let reason =
                        format!("its currency is {code} with {decimals} decimals: a reload cannot change that");
                    errors.push(wrong(&reason).key("currency"));
                }
                Some(_) => {}
            }
        }
        for (sub, name) in self.subs() {
            let wrong = |reason: &str| fail("sub_balance", name, reason);
            match next.sub(name) {
                None => errors.push(wrong("is in use: a reload cannot take it away")),
                Some(other) if other != sub => {
                    let reason = format!("its number is {}: a reload cannot change that", sub.0);
                    errors.push(wrong(&reason).key("number"));
                }
                Some(_) if (self.promoted ^ next.promoted) >> sub.0 & 1 == 1 => {
                    let funded = if self.promoted >> sub.0 & 1 == 1 { "fund" } else { "do not fund" };
                    let reason = format!("promotions {funded} it: a reload cannot change that");
                    errors.push(wrong(&reason).key("promoted"));
                }
                Some(_) => {}
            }
        }
        errors
    }
}
