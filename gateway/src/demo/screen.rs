//! What the demo writes: headings, paragraphs, tables. `anstream` takes the colours out when standard
//! output is no terminal or `NO_COLOR` is set.

use std::fmt::Display;

use anstream::println;
use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

const HEAD: Style = AnsiColor::Cyan.on_default().bold();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Columns of text a paragraph may take.
const WIDTH: usize = 96;

/// The first line.
pub(super) fn title(text: &str) {
    println!("{STRONG}{text}{STRONG:#}");
}

/// A chapter's heading, and what it shows.
pub(super) fn chapter(number: u32, title: &str, about: &str) {
    println!("\n{HEAD}{number}  {title}{HEAD:#}");
    say(about);
}

/// A paragraph.
pub(super) fn say(text: &str) {
    for line in wrapped(text) {
        println!("   {line}");
    }
}

/// A line that matters less: a program that runs, its output.
pub(super) fn faint(text: impl Display) {
    println!("   {FAINT}{text}{FAINT:#}");
}

/// A line over a table.
pub(super) fn caption(text: impl Display) {
    println!("\n   {STRONG}{text}{STRONG:#}");
}

/// A claim that was checked.
pub(super) fn tick(held: bool, text: impl Display) {
    if held {
        println!("   {GOOD}✔{GOOD:#} {text}");
    } else {
        println!("   {BAD}✘ {text}{BAD:#}");
    }
}

/// The last line.
pub(super) fn verdict(held: bool, text: impl Display) {
    let style = if held { GOOD.bold() } else { BAD };
    println!("\n   {style}{text}{style:#}");
}

/// A table: `columns` begin with `<` or `>` for the side they lean to.
pub(super) struct Grid {
    table: Table,
    /// The last row is a sum.
    sum: bool,
}

impl Grid {
    /// An empty table.
    pub(super) fn new(columns: &[impl AsRef<str>]) -> Self {
        let columns = || columns.iter().map(AsRef::as_ref);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns().map(|column: &str| column.trim_start_matches(['<', '>'])));
        for (column, name) in table.column_iter_mut().zip(columns()) {
            let right = name.starts_with('>');
            column.set_cell_alignment(if right { CellAlignment::Right } else { CellAlignment::Left });
            column.set_padding((0, 3));
        }
        Self { table, sum: false }
    }

    /// Adds a row.
    pub(super) fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.table.add_row(cells.into_iter().map(Into::into).collect::<Vec<String>>());
    }

    /// Adds the row that sums up the others.
    pub(super) fn sum<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.row(cells);
        self.sum = true;
    }

    /// Writes it.
    pub(super) fn print(&self) {
        let lines: Vec<_> = self.table.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            let line = line.trim_end();
            let style = if n == 0 {
                FAINT
            } else if self.sum && n + 1 == lines.len() {
                STRONG
            } else {
                Style::new()
            };
            println!("     {style}{line}{style:#}");
        }
    }
}

/// A text broken at blanks.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_broken_at_blanks() {
        let text = "word ".repeat(40);
        let lines = wrapped(&text);
        assert_eq!(lines.join(" "), text.trim_end());
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= WIDTH));
    }
}
