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

/// Whether `got` is less than one unit away from `amount · part / whole`, or just one.
pub(crate) fn within_one(got: i128, amount: i128, part: i128, whole: i128) -> bool {
    (got * whole - amount * part).abs() <= whole
}

/// A tree over some weights; a leaf is a weight's place in the list.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Leaf(usize),
    Node(Box<Tree>, Box<Tree>),
}

impl Tree {
    /// The places of its leaves.
    pub(crate) fn leaves(&self) -> Vec<usize> {
        match self {
            Self::Leaf(at) => vec![*at],
            Self::Node(first, second) => [first.leaves(), second.leaves()].concat(),
        }
    }
}

fn node(first: Tree, second: Tree) -> Tree {
    Tree::Node(Box::new(first), Box::new(second))
}

/// The tree of a list of weights, as the domain draws it: up to four are cut in the middle and again; more
/// are cut in the middle until no part has more than four, and those are cut by weight.
pub(crate) fn tree(weights: &[i128]) -> Tree {
    let list: Vec<(usize, i128)> = weights.iter().copied().enumerate().collect();
    if list.len() <= 4 { halves(&list) } else { in_the_middle(&list, part) }
}

fn halves(list: &[(usize, i128)]) -> Tree {
    in_the_middle(list, halves)
}

fn in_the_middle(list: &[(usize, i128)], each: fn(&[(usize, i128)]) -> Tree) -> Tree {
    if let [(at, _)] = list {
        return Tree::Leaf(*at);
    }
    let (first, second) = list.split_at(list.len() - list.len() / 2);
    node(each(first), each(second))
}

fn part(list: &[(usize, i128)]) -> Tree {
    if list.len() > 4 {
        return in_the_middle(list, part);
    }
    let mut sorted = list.to_vec();
    sorted.sort_by_key(|(at, weight)| (-weight, *at));
    let leaf = |at: usize| Tree::Leaf(sorted[at].0);
    let weight = |at: usize| sorted[at].1;
    match sorted.len() {
        1 => leaf(0),
        2 => node(leaf(0), leaf(1)),
        3 => node(leaf(0), node(leaf(1), leaf(2))),
        _ => {
            let rest = weight(1) + weight(2) + weight(3);
            if weight(0) <= rest {
                node(node(leaf(0), leaf(1)), node(leaf(2), leaf(3)))
            } else if 8 * weight(2) > 3 * rest {
                node(leaf(0), node(leaf(3), node(leaf(1), leaf(2))))
            } else {
                node(leaf(0), node(leaf(1), node(leaf(2), leaf(3))))
            }
        }
    }
}

/// Nested rounding of `units` over `weights`: weights of zero get nothing; on the tree of the others each
/// node gives its first side its share, rounded half up, and the rest to the second.
pub(crate) fn nested(units: i128, weights: &[i128]) -> Vec<i128> {
    let mut shares = vec![0; weights.len()];
    let there: Vec<usize> = (0..weights.len()).filter(|at| weights[*at] > 0).collect();
    if !there.is_empty() {
        let compact: Vec<i128> = there.iter().map(|at| weights[*at]).collect();
        give(units, &tree(&compact), &compact, &mut |leaf, units| shares[there[leaf]] = units);
    }
    shares
}

fn give(units: i128, tree: &Tree, weights: &[i128], to: &mut impl FnMut(usize, i128)) {
    match tree {
        Tree::Leaf(at) => to(*at, units),
        Tree::Node(first, second) => {
            let sum = |tree: &Tree| tree.leaves().iter().map(|at| weights[*at]).sum::<i128>();
            let to_first = half_up(units, sum(first), sum(first) + sum(second));
            give(to_first, first, weights, to);
            give(units - to_first, second, weights, to);
        }
    }
}

/// Whether `got` is as near to `amount · part / whole` as the domain promises of one of `count` weights: at
/// most 1/2 off for two, less than 1 for four, less than 41/32 for eight. Longer lists are cut in the
/// middle more often, and each cut adds at most half a unit.
pub(crate) fn near(got: i128, amount: i128, part: i128, whole: i128, count: usize) -> bool {
    let off = 64 * (got * whole - amount * part).abs();
    match count {
        0 | 1 => off == 0,
        2 => off <= 32 * whole,
        3 | 4 => off < 64 * whole,
        _ => {
            let cuts = (1..32).find(|cuts| count <= 4 << cuts).expect("no list is that long");
            off < (32 + (50 + 16 * (i128::from(cuts) - 1)).max(32 * i128::from(cuts))) * whole
        }
    }
}
