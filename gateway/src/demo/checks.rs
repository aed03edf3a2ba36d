//! What was claimed, and whether it held.

use std::fmt::Display;

use super::screen::{self, Grid};

/// All checks so far, by chapter.
#[derive(Debug, Default)]
pub(super) struct Checks {
    chapter: String,
    done: Vec<Check>,
}

#[derive(Debug)]
struct Check {
    chapter: String,
    what: String,
    held: bool,
}

impl Checks {
    /// A chapter begins.
    pub(super) fn chapter(&mut self, number: u32, title: &str, about: &str) {
        screen::chapter(number, title, about);
        title.clone_into(&mut self.chapter);
    }

    /// Notes whether something held, and says so.
    pub(super) fn holds(&mut self, held: bool, what: impl Display) {
        screen::tick(held, &what);
        self.done.push(Check { chapter: self.chapter.clone(), what: what.to_string(), held });
    }

    /// Two figures must be the same; shows it once, or both.
    pub(super) fn same<T: PartialEq>(&mut self, what: &str, found: &T, expected: &T, show: impl Fn(&T) -> String) {
        if found == expected {
            self.holds(true, format!("{what}: {}", show(found)));
        } else {
            self.holds(false, format!("{what}: {}, expected {}", show(found), show(expected)));
        }
    }

    /// The demo could not go on.
    pub(super) fn failed(&mut self, why: &str) {
        self.holds(false, format!("could not go on: {why}"));
    }

    /// Writes the summary; `true` when all held.
    pub(super) fn summary(&self) -> bool {
        let failed = self.done.iter().filter(|check| !check.held).count();
        screen::caption("Summary");
        let mut grid = Grid::new(&["<", "<chapter", "<check"]);
        let mut before = "";
        for check in &self.done {
            let chapter = if check.chapter == before { "" } else { check.chapter.as_str() };
            before = &check.chapter;
            grid.row([if check.held { "✔" } else { "✘" }, chapter, check.what.as_str()]);
        }
        grid.print();
        let held = failed == 0 && !self.done.is_empty();
        let all = self.done.len();
        if held {
            screen::verdict(true, format!("all {all} checks held"));
        } else {
            screen::verdict(false, format!("{failed} of {all} checks failed"));
        }
        held
    }
}
