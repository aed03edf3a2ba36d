//! On which tree nested rounding rounds: how a list of weights is cut in two, and each part again.
//!
//! Every node of the tree rounds once, and the weights below share the node's error in their ratio. So a
//! weight is off by at most `½·(1 + Σ w/w(N))`, over the nodes N above it but the first: what is heavy must
//! stand near the top, or be with others of its size.
//!
//! * Up to four weights are cut in the middle of the list, and each half in its middle: off by less than 1.
//! * More are cut in the middle until no part has more than four; what is then in a part is ordered by
//!   weight and cut by it, see [`arrange`]: up to eight weights are off by less than 41/32.
//!
//! Both bounds are proved in `docs/allocation.md`. The tree depends on the weights alone, never on the
//! amount: that is what makes the shares monotone and independent of the path.

use std::cmp::Reverse;

/// Up to how many weights are one part.
pub(super) const FEW: usize = 4;

/// Where a list is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// In the middle; the first half has one more if the count is odd.
    Middle,
    /// After the first, and so on in the rest.
    First,
}

/// The two sides of a list that has two weights at least, each with the cut that follows.
pub(super) fn cut<T>(list: &mut [T], cut: Cut, weight: impl Fn(&T) -> i64) -> [(&mut [T], Cut); 2] {
    let count = list.len();
    let at = match cut {
        Cut::Middle => count.div_ceil(2),
        Cut::First => 1,
    };
    let (first, second) = list.split_at_mut(at);
    if count <= FEW {
        return [(first, cut), (second, cut)];
    }
    let (first_cut, second_cut) = (arrange(first, &weight), arrange(second, &weight));
    [(first, first_cut), (second, second_cut)]
}

/// Orders a part of up to four by weight, the heaviest first and equal ones as they stood, and says where
/// it is cut. With the weights h ≥ b ≥ c ≥ d:
///
/// * `h | b c`, as h stands high and b and c have at least twice the weight above them;
/// * `h b | c d` where h is at most half of the four;
/// * else `h | d | b c` where c is more than 3/8 of b + c + d, so that b and c are of a size,
/// * and `h | b | c d` where it is not.
fn arrange<T>(part: &mut [T], weight: impl Fn(&T) -> i64) -> Cut {
    if part.len() > FEW {
        return Cut::Middle;
    }
    part.sort_by_key(|item| Reverse(weight(item)));
    let of = |at: usize| i128::from(weight(&part[at]));
    if part.len() < FEW {
        return Cut::First;
    }
    let (heaviest, third, rest) = (of(0), of(2), of(1) + of(2) + of(3));
    if heaviest <= rest {
        return Cut::Middle;
    }
    if 8 * third > 3 * rest {
        part[1..].rotate_right(1);
    }
    Cut::First
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(weights: &[i64]) -> (Vec<i64>, Cut) {
        let mut weights = weights.to_vec();
        let cut = arrange(&mut weights, |weight| *weight);
        (weights, cut)
    }

    #[test]
    fn a_part_is_cut_by_its_weights() {
        assert_eq!(arranged(&[2, 3, 5]), (vec![5, 3, 2], Cut::First));
        assert_eq!(arranged(&[1, 6, 2, 3]), (vec![6, 3, 2, 1], Cut::Middle));
        assert_eq!(arranged(&[1, 9, 2, 5]), (vec![9, 5, 2, 1], Cut::First));
        assert_eq!(arranged(&[1, 20, 4, 5]), (vec![20, 1, 5, 4], Cut::First));
        assert_eq!(arranged(&[1, 2, 3, 4, 5]), (vec![1, 2, 3, 4, 5], Cut::Middle));
    }
}
