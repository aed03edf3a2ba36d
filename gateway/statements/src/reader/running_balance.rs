//! Does a list of changes with a balance after each follow from one balance to the next?
//!
//! A change is a step from the balance before it to the balance after it. Most bills list the changes
//! in order of time and some the other way round; changes of one second may stand in any order. So the
//! steps of one second are taken together: they must make one walk, whatever their order, and that walk
//! must go on from the one before. Steps make one walk when every balance is left as often as it is
//! entered, but for the first and the last, and all of them hang together. Should the times of a list
//! go both up and down, its order says nothing, and only the whole must make one walk.
//!
//! Memory: the steps of one second, and two numbers more at each place where the list does not go on.
//! A list of one change has nothing to follow from.

use std::collections::HashMap;

/// A row that does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    pub(super) line: u64,
    pub(super) expected: i64,
    pub(super) found: i64,
}

/// From one balance to another, by one change or by many.
#[derive(Debug, Clone, Copy)]
struct Walk {
    start: i64,
    end: i64,
}

/// The changes of one second.
#[derive(Debug, Default)]
struct Moment {
    at_us: i64,
    /// Line and change of the first.
    line: u64,
    change: i64,
    steps: Vec<Walk>,
}

/// Follows balances.
#[derive(Debug, Default)]
pub(super) struct RunningBalance {
    /// What was walked so far; one walk when everything follows.
    walks: Vec<Walk>,
    moment: Moment,
    /// Whether the moment is later than the one before it; `None` for the first.
    later: Option<bool>,
    /// Whether the times of the list went both up and down.
    both_ways: bool,
    /// The first row that did not go on.
    first_break: Option<Break>,
}

impl RunningBalance {
    /// Takes a change and the balance after it. `None` when the balance before does not fit.
    pub(super) fn change(&mut self, line: u64, at_us: i64, change: i64, after: i64) -> Option<()> {
        let step = Walk { start: after.checked_sub(change)?, end: after };
        if !self.moment.steps.is_empty() && self.moment.at_us != at_us {
            let later = at_us > self.moment.at_us;
            self.close();
            self.both_ways |= self.later.is_some_and(|before| before != later);
            self.later = Some(later);
        }
        if self.moment.steps.is_empty() {
            (self.moment.at_us, self.moment.line, self.moment.change) = (at_us, line, change);
        }
        self.moment.steps.push(step);
        Some(())
    }

    /// The row at which the balances stop following, if they do.
    pub(super) fn end(&mut self) -> Option<Break> {
        self.close();
        self.first_break.filter(|_| !self.both_ways || one_walk(&self.walks, None).is_none())
    }

    /// Joins the moment to what was walked before.
    fn close(&mut self) {
        let steps = std::mem::take(&mut self.moment.steps);
        let Some(first) = steps.first() else { return };
        let later = self.later.unwrap_or(true);
        let Some(last) = self.walks.last_mut() else {
            match one_walk(&steps, None) {
                Some(walk) => self.walks.push(walk),
                None => self.broken(first.end, first.end, &steps),
            }
            return;
        };
        let meeting = if later { last.end } else { last.start };
        match one_walk(&steps, Some(meeting)) {
            Some(walk) if later && walk.start == meeting => last.end = walk.end,
            Some(walk) if !later && walk.end == meeting => last.start = walk.start,
            _ => {
                let expected = if later { meeting.saturating_add(self.moment.change) } else { meeting };
                self.broken(expected, first.end, &steps);
            }
        }
    }

    fn broken(&mut self, expected: i64, found: i64, steps: &[Walk]) {
        self.first_break.get_or_insert(Break { line: self.moment.line, expected, found });
        self.walks.extend_from_slice(steps);
    }
}

/// The steps as one walk, each taken once, if they make one. Where they go in a circle, it begins at
/// `meeting` when that is on it.
fn one_walk(steps: &[Walk], meeting: Option<i64>) -> Option<Walk> {
    if let [step] = steps {
        return Some(*step);
    }
    let mut places: HashMap<i64, usize> = HashMap::new();
    let mut joined: Vec<usize> = Vec::new();
    let mut entered: Vec<(i64, i64)> = Vec::new();
    for step in steps {
        let [start, end] = [step.start, step.end].map(|balance| {
            *places.entry(balance).or_insert_with(|| {
                joined.push(joined.len());
                entered.push((balance, 0));
                joined.len() - 1
            })
        });
        entered[start].1 -= 1;
        entered[end].1 += 1;
        let (start, end) = (root(&mut joined, start), root(&mut joined, end));
        joined[start] = end;
    }
    let all = if joined.is_empty() { return None } else { root(&mut joined, 0) };
    if !(0..joined.len()).all(|place| root(&mut joined, place) == all) {
        return None;
    }
    let open = || entered.iter().filter(|(_, count)| *count != 0);
    let place_of = |wanted: i64| open().find(|(_, count)| *count == wanted).map(|(balance, _)| *balance);
    match (open().count(), place_of(-1), place_of(1)) {
        (0, ..) => {
            let begin = meeting.filter(|balance| places.contains_key(balance)).unwrap_or(entered[0].0);
            Some(Walk { start: begin, end: begin })
        }
        (2, Some(start), Some(end)) => Some(Walk { start, end }),
        _ => None,
    }
}

/// The place that stands for all that hang together with this one.
fn root(joined: &mut [usize], mut place: usize) -> usize {
    while joined[place] != place {
        joined[place] = joined[joined[place]];
        place = joined[place];
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(second, change, after)` a row; the line of the break.
    fn broken(rows: &[(i64, i64, i64)]) -> Option<u64> {
        let mut balance = RunningBalance::default();
        for (line, (at, change, after)) in (1..).zip(rows) {
            balance.change(line, *at, *change, *after)?;
        }
        balance.end().map(|broken| broken.line)
    }

    #[test]
    fn c3_balances_follow_with_time_and_against_it() {
        assert_eq!(broken(&[(1, 5, 15), (2, -3, 12), (3, 1, 13)]), None);
        assert_eq!(broken(&[(3, 1, 13), (2, -3, 12), (1, 5, 15)]), None);
    }

    #[test]
    fn c3_changes_of_one_second_may_stand_in_any_order() {
        assert_eq!(broken(&[(1, 5, 15), (2, 1, 13), (2, -3, 12), (3, 7, 20)]), None);
        // A circle within a second, entered where the walk is.
        assert_eq!(broken(&[(1, 5, 15), (2, -1, 15), (2, 1, 16), (3, 7, 22)]), None);
    }

    #[test]
    fn c3_a_balance_that_does_not_follow_is_found_at_its_row() {
        assert_eq!(broken(&[(1, 5, 15), (2, -3, 13), (3, 1, 13)]), Some(2));
        assert_eq!(broken(&[(1, -1, 21), (2, -1, 21), (3, 1, 22)]), Some(2));
        assert_eq!(broken(&[(1, 5, 15), (2, 1, 13), (2, -3, 11), (3, 7, 20)]), Some(2));
        assert_eq!(broken(&[(1, 5, 15), (1, 5, 30)]), Some(1));
    }

    #[test]
    fn c3_a_list_whose_times_go_both_ways_must_make_one_walk() {
        assert_eq!(broken(&[(2, -3, 12), (1, 5, 15), (3, 1, 13)]), None);
        assert_eq!(broken(&[(1, 5, 15), (3, 1, 13), (2, -3, 12)]), None);
        assert_eq!(broken(&[(1, 5, 15), (3, 1, 13), (2, -3, 11)]), Some(2));
    }
}
