//! Who is asked for how often: merchants by Zipf's law, drawn in constant time.
//!
//! An alias table (Walker, Vose): every merchant has a column of the same width, filled with itself
//! and, where that does not suffice, with one other. A draw picks a column and a height in it.
#![expect(clippy::float_arithmetic, reason = "likelihoods; no money here")]

use crate::draws::Draws;

/// Likelihood that a column keeps its own, as a share of 2^32.
const WHOLE: f64 = 4_294_967_296.0;

/// One column of the table.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// Up to this height it is the column's own.
    own_to: u32,
    /// Above, it is this one.
    other: u32,
}

/// How often each of a number of things is drawn.
#[derive(Debug, Clone)]
pub struct Popularity {
    columns: Vec<Column>,
}

impl Popularity {
    /// Numbers `0..count`, number `k` with a weight of `(k + 1)^-skew`.
    ///
    /// `skew` is finite and not negative; memory and time grow with `count`.
    #[must_use]
    pub fn zipf(count: u32, skew: f64) -> Self {
        let weights: Vec<f64> = (1..=count).map(|k| f64::from(k).powf(-skew)).collect();
        let mean = weights.iter().sum::<f64>() / f64::from(count.max(1));
        let mut share: Vec<f64> = weights.into_iter().map(|weight| weight / mean).collect();
        let mut columns: Vec<Column> = (0..count).map(|own| Column { own_to: u32::MAX, other: own }).collect();
        // Who has less than a column and who has more. The last of the rich fills up the last of the poor.
        let (mut poor, mut rich): (Vec<u32>, Vec<u32>) = (0..count).partition(|k| share[place(*k)] < 1.0);
        while let (Some(less), Some(more)) = (poor.pop(), rich.last().copied()) {
            columns[place(less)] = Column { own_to: height(share[place(less)]), other: more };
            share[place(more)] -= 1.0 - share[place(less)];
            if share[place(more)] < 1.0 {
                rich.pop();
                poor.push(more);
            }
        }
        Self { columns }
    }

    /// One of the numbers; 0 when there are none.
    pub fn draw(&self, draws: &mut Draws) -> u32 {
        // The product's upper half is the column; its lower half is even between columns, and so the height.
        let wide = u128::from(draws.next()) * self.columns.len() as u128;
        let own = u32::try_from(wide >> 64).unwrap_or(0);
        let at = u32::try_from((wide >> 32) & 0xffff_ffff).unwrap_or(0);
        match self.columns.get(place(own)) {
            Some(column) if at > column.own_to => column.other,
            _ => own,
        }
    }
}

fn place(k: u32) -> usize {
    usize::try_from(k).unwrap_or(usize::MAX)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share below one of 2^32")]
fn height(share: f64) -> u32 {
    (share * WHOLE) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(popularity: &Popularity, count: usize) -> Vec<u32> {
        let mut times = vec![0_u32; count];
        for n in 0..1_000_000 {
            times[place(popularity.draw(&mut Draws::of(3, 0, n)))] += 1;
        }
        times
    }

    #[test]
    fn everyone_is_drawn_as_often_as_zipf_says() {
        for (count, skew) in [(1, 1.0), (2, 0.0), (7, 2.5), (1000, 1.0), (1000, 0.0)] {
            let times = drawn(&Popularity::zipf(count, skew), place(count));
            let sum: f64 = (1..=count).map(|k| f64::from(k).powf(-skew)).sum();
            for (k, times) in (1..=count).zip(times) {
                let expected = 1e6 * f64::from(k).powf(-skew) / sum;
                // Six standard deviations of a count.
                let bound = 6.0 * expected.sqrt() + 1.0;
                assert!((f64::from(times) - expected).abs() < bound, "{k} of {count}: {times}, expected {expected}");
            }
        }
    }
}
