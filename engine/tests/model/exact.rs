//! Rounding, exactly. Amounts are at most 2^62, so every product here fits in 128 bits with room.

/// `amount · part / whole` rounded half up.
pub(crate) fn half_up(amount: i128, part: i128, whole: i128) -> i128 {
    (2 * amount * part + whole).div_euclid(2 * whole)
}

/// `amount · part / whole` rounded down.
pub(crate) fn floor(amount: i128, part: i128, whole: i128) -> i128 {
    (amount * part).div_euclid(whole)
}

/// `amount · part / whole` rounded up.
pub(crate) fn ceiling(amount: i128, part: i128, whole: i128) -> i128 {
    -(-(amount * part)).div_euclid(whole)
}

/// Whether `got` is at most `halves`/2 away from `amount · part / whole`, compared as fractions.
pub(crate) fn within_halves(got: i128, amount: i128, part: i128, whole: i128, halves: i128) -> bool {
    2 * (got * whole - amount * part).abs() <= halves * whole
}

/// Nested rounding of `units` over `weights`: cut the list in the middle (the first half has one more),
/// round the first half's share half up, give the rest to the second, and go on in each.
pub(crate) fn nested(units: i128, weights: &[i128]) -> Vec<i128> {
    if weights.len() < 2 {
        return vec![units; weights.len()];
    }
    let whole: i128 = weights.iter().sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let (first, second) = weights.split_at(weights.len() - weights.len() / 2);
    let to_first = half_up(units, first.iter().sum(), whole);
    let mut shares = nested(to_first, first);
    shares.extend(nested(units - to_first, second));
    shares
}

/// How many times a list of this length can be halved: the number of roundings on the way to a share.
pub(crate) fn levels(mut length: usize) -> i128 {
    let mut levels = 0;
    while length > 1 {
        length -= length / 2;
        levels += 1;
    }
    levels
}
