//! Nested rounding: dividing an amount so that nothing drifts and nothing is taken back.
//!
//! [`apportion`] divides `amount` over weights on a binary tree of them: each node rounds its first side's
//! share half-up and leaves the rest to the second. The tree is a function of the weights (`tree.rs`). For a
//! fixed list of weights it is
//!
//! * exact: the shares sum to the amount;
//! * house-monotone: one unit more never makes any share smaller, because `round(x·l/t)` grows by 0 or 1
//!   when `x` grows by 1, and so does `x − round(x·l/t)`;
//! * bounded: for `amount ≤ Σ weights` no share exceeds its weight, and the full amount gives exactly the
//!   weights back;
//! * close: a share is off its exact value by at most 1/2 for two weights, by less than 1 for up to four and
//!   less than 41/32 for up to eight.
//!
//! Rounding every share on its own has none of the first two, and the method of the largest remainder
//! lacks the second: that is why it is not used. The proofs are in `docs/allocation.md`.
//!
//! # Cost
//! One division for each weight but the last; the sums are O(n log n).

use super::tree::{Cut, cut};
use smallvec::SmallVec;

/// `round(amount · part / whole)`, halves up. Exact for all non-negative inputs with `part ≤ whole`.
///
/// One 64-bit division when the product fits, else one of 128 bits.
#[must_use]
pub fn share_of(amount: i64, part: i64, whole: i64) -> i64 {
    debug_assert!(amount >= 0 && part >= 0 && part <= whole, "{amount} x {part} / {whole}");
    if whole <= 0 {
        return 0;
    }
    let (a, p, w) = (amount.unsigned_abs(), part.unsigned_abs(), whole.unsigned_abs());
    let rounded = match a.checked_mul(p).and_then(|product| product.checked_add(w / 2)) {
        Some(product) => product / w,
        None => narrow((u128::from(a) * u128::from(p) + u128::from(w / 2)) / u128::from(w)),
    };
    i64::try_from(rounded).unwrap_or(i64::MAX)
}

/// `amount · part / whole`, rounded down and up.
#[must_use]
pub(crate) fn floor_and_ceiling(amount: i64, part: i64, whole: i64) -> (i64, i64) {
    if whole <= 0 {
        return (0, 0);
    }
    let (a, p, w) = (amount.unsigned_abs(), part.unsigned_abs(), whole.unsigned_abs());
    let (floor, exact) = if let Some(product) = a.checked_mul(p) {
        (product / w, product % w == 0)
    } else {
        let product = u128::from(a) * u128::from(p);
        (narrow(product / u128::from(w)), product % u128::from(w) == 0)
    };
    let floor = i64::try_from(floor).unwrap_or(i64::MAX);
    (floor, floor + i64::from(!exact))
}

fn narrow(quotient: u128) -> u64 {
    u64::try_from(quotient).unwrap_or(u64::MAX)
}

/// Divides `amount` over `weights` by nested rounding; zero weights get nothing.
///
/// The sum of the weights must fit in an `i64`; when it is zero, all shares are zero.
#[must_use]
pub fn apportion(amount: i64, weights: &[i64]) -> SmallVec<[i64; 8]> {
    let whole = weights.iter().sum();
    if let [first, _] = weights {
        let first = share_of(amount, *first, whole);
        let second = if whole > 0 { amount - first } else { 0 };
        return SmallVec::from_buf_and_len([first, second, 0, 0, 0, 0, 0, 0], 2);
    }
    let mut shares = SmallVec::from_elem(0, weights.len());
    if whole == 0 {
        return shares;
    }
    let mut leaves: SmallVec<[Leaf; 8]> = SmallVec::new();
    for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
        leaves.push(Leaf { at, weight: *weight });
    }
    divide(amount, &mut leaves, whole, Cut::Middle, &mut shares);
    shares
}

/// A weight and where it stands.
struct Leaf {
    at: usize,
    weight: i64,
}

fn divide(amount: i64, leaves: &mut [Leaf], whole: i64, how: Cut, shares: &mut [i64]) {
    if let [leaf] = leaves {
        shares[leaf.at] = amount;
        return;
    }
    if amount == 0 || leaves.is_empty() {
        return;
    }
    let [(first, first_cut), (second, second_cut)] = cut(leaves, how, |leaf| leaf.weight);
    let first_whole: i64 = first.iter().map(|leaf| leaf.weight).sum();
    let first_amount = share_of(amount, first_whole, whole);
    divide(first_amount, first, first_whole, first_cut, shares);
    divide(amount - first_amount, second, whole - first_whole, second_cut, shares);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_up_and_products_past_64_bits_are_exact() {
        assert_eq!(share_of(1, 1, 2), 1);
        assert_eq!(share_of(1, 100, 280), 0);
        assert_eq!(share_of(2, 100, 280), 1);
        assert_eq!(share_of(i64::MAX, i64::MAX, i64::MAX), i64::MAX);
        assert_eq!(share_of(i64::MAX, 1, i64::MAX), 1);
        assert_eq!(share_of(i64::MAX - 1, 1, 2), i64::MAX / 2);
        assert_eq!(share_of(5, 0, 0), 0);
        assert_eq!(floor_and_ceiling(7, 1, 2), (3, 4));
        assert_eq!(floor_and_ceiling(8, 1, 2), (4, 4));
    }

    #[test]
    fn a_zero_weight_gets_nothing() {
        assert_eq!(apportion(7, &[0, 1, 0, 2])[0], 0);
        assert_eq!(apportion(7, &[0, 1, 0, 2])[2], 0);
        assert!(apportion(7, &[0, 0]).iter().all(|s| *s == 0));
    }
}
