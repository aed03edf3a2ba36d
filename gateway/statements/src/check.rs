//! Checking a file as a whole, and handing its rows out afterwards.
//!
//! The first pass reads everything: hash, layout, every field, unique numbers, totals, footer. Only
//! when it says yes is there a [`Checked`], and only a `Checked` has rows. They come from a second
//! pass over the same file, whose identity is compared first and whose totals are compared again, so
//! a file of any size is read with the same memory. What the first pass keeps per row is sixteen
//! bytes, for unique numbers.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use crate::ask::{Ask, Expect, Summary, Totals};
use crate::family::Family;
use crate::lines::Lines;
use crate::number;
use crate::reader::{self, Machine};
use crate::refused::{Reason, Refused};
use crate::row::Row;
use crate::source::{self, Content, Packing};
use crate::time;

/// Lines between two reports of progress.
const PROGRESS_LINES: u64 = 1_024;

/// A file that was checked whole.
#[derive(Debug)]
pub struct Checked<S> {
    source: S,
    packing: Packing,
    file_name: String,
    decimals: u8,
    summary: Summary,
}

/// Checks the whole file; nothing of it may be used before this says yes.
///
/// `progress` gets bytes done and bytes in all; both count the file twice, once for its identity and
/// once for its content.
pub fn check<S: Read + Seek>(
    mut source: S,
    ask: &Ask<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked<S>, Refused> {
    if ask.decimals > number::DECIMALS_MAX {
        return Err(Refused::at(Reason::Decimals, 0)
            .expected(format_args!("a currency of at most {} decimals", number::DECIMALS_MAX))
            .found(ask.decimals));
    }
    let (sha256, length) = source::identity(&mut source, progress)?;
    if length == 0 {
        return Err(Refused::at(Reason::Empty, 0).expected("a statement").found("an empty file"));
    }
    let packing = source::packing(&mut source)?;
    let mut pass = Pass::open(&mut source, &packing, ask, true)?;
    while pass.next_row(&mut |done| progress(length.saturating_add(done), length.saturating_mul(2)))?.is_some() {}
    let summary = pass.summary(ask.family, sha256);
    if let Some(expect) = &ask.expect {
        compare(expect, &summary, ask.decimals)?;
    }
    progress(length.saturating_mul(2), length.saturating_mul(2));
    Ok(Checked { source, packing, file_name: ask.file_name.to_owned(), decimals: ask.decimals, summary })
}

/// The same for a file on disk.
pub fn check_file(path: &Path, ask: &Ask<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<Checked<File>, Refused> {
    let file = File::open(path).map_err(|error| source::unreadable(&error))?;
    check(file, ask, progress)
}

/// The same for bytes, in yuan, with nothing known beforehand. It never panics, whatever the bytes.
pub fn check_bytes<'b>(family: Family, file_name: &str, bytes: &'b [u8]) -> Result<Checked<Cursor<&'b [u8]>>, Refused> {
    check(Cursor::new(bytes), &Ask::new(family, file_name), &mut |_, _| {})
}

impl<S: Read + Seek> Checked<S> {
    /// What the file sums up to.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The rows, in the order of the file. An error ends them: the file was changed after it was
    /// checked, or its medium fails. What was handed out before belongs to no statement then.
    pub fn rows(&mut self) -> Result<Rows<'_, S>, Refused> {
        let (sha256, _) = source::identity(&mut self.source, &mut |_, _| {})?;
        if sha256 != self.summary.sha256 {
            return Err(changed());
        }
        let ask = Ask {
            family: self.summary.family,
            file_name: &self.file_name,
            sha1: None,
            expect: None,
            decimals: self.decimals,
        };
        let pass = Pass::open(&mut self.source, &self.packing, &ask, false)?;
        Ok(Rows { pass: Some(pass), totals: self.summary.totals })
    }
}

fn changed() -> Refused {
    Refused::at(Reason::Changed, 0).expected("the file that was checked").found("another one")
}

/// The rows of a checked file.
pub struct Rows<'a, S> {
    /// `None` after the last row and after an error.
    pass: Option<Pass<'a, S>>,
    totals: Totals,
}

impl<S: Read + Seek> Iterator for Rows<'_, S> {
    type Item = Result<Row, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        let pass = self.pass.as_mut()?;
        match pass.next_row(&mut |_| {}) {
            Ok(Some(row)) => Some(Ok(row)),
            Ok(None) => {
                let same = pass.tally.totals == self.totals;
                self.pass = None;
                (!same).then(|| Err(changed()))
            }
            Err(refused) => {
                self.pass = None;
                Some(Err(refused))
            }
        }
    }
}

/// A last line without a line feed that has not the form it must was cut; what does not add up in it is
/// said as it is.
fn cut(mut refused: Refused) -> Refused {
    if !matches!(refused.reason, Reason::Total | Reason::Arithmetic | Reason::Duplicate | Reason::Channel) {
        refused.reason = Reason::Truncated;
    }
    refused
}

/// Sums of the rows so far.
#[derive(Debug, Default)]
struct Tally {
    totals: Totals,
    first_at_us: Option<i64>,
    last_at_us: Option<i64>,
}

/// One pass over a file.
struct Pass<'a, S> {
    lines: Lines<'a, S>,
    machine: Box<dyn Machine>,
    sha1: Option<String>,
    tally: Tally,
}

impl<'a, S: Read + Seek> Pass<'a, S> {
    fn open(source: &'a mut S, packing: &Packing, ask: &Ask<'_>, unique: bool) -> Result<Self, Refused> {
        let sha1 = ask.sha1.map(|given| given.trim().to_ascii_lowercase());
        if let Some(given) = &sha1
            && (given.len() != 40 || !given.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(Refused::at(Reason::Hash, 0).expected("a SHA-1 of 40 hexadecimal digits").found(given));
        }
        let machine = reader::machine(ask, unique)?;
        let lines = Lines::new(Content::open(source, packing)?, sha1.is_some());
        Ok(Self { lines, machine, sha1, tally: Tally::default() })
    }

    /// The next row; at the end the file as a whole is checked.
    fn next_row(&mut self, progress: &mut dyn FnMut(u64)) -> Result<Option<Row>, Refused> {
        loop {
            let done = self.lines.done();
            let Some(line) = self.lines.read()? else {
                self.end()?;
                return Ok(None);
            };
            if line.number % PROGRESS_LINES == 0 {
                progress(done);
            }
            let (number, ended) = (line.number, line.ended);
            let read = self.machine.line(line).map_err(|refused| if ended { refused } else { cut(refused) })?;
            let Some(row) = read else { continue };
            self.tally.totals = self.tally.totals.with(&row).ok_or_else(|| {
                Refused::at(Reason::Number, number).expected("sums that fit 64 bits").found("a larger one")
            })?;
            self.tally.first_at_us = Some(self.tally.first_at_us.map_or(row.at_us, |at| at.min(row.at_us)));
            self.tally.last_at_us = Some(self.tally.last_at_us.map_or(row.at_us, |at| at.max(row.at_us)));
            return Ok(Some(row));
        }
    }

    fn end(&mut self) -> Result<(), Refused> {
        if self.lines.number() == 0 {
            return Err(Refused::at(Reason::Empty, 0).expected("a statement").found("no lines"));
        }
        let found = self.lines.sha1();
        if let (Some(expected), Some(found)) = (&self.sha1, found)
            && *expected != found
        {
            return Err(Refused::at(Reason::Hash, 0).expected(expected).found(found));
        }
        self.machine.end(self.lines.number())
    }

    fn summary(&self, family: Family, sha256: [u8; 32]) -> Summary {
        let Tally { totals, first_at_us, last_at_us } = self.tally;
        let one_day = || {
            let (first, last) = (time::day_of(first_at_us?)?, time::day_of(last_at_us?)?);
            (first == last).then_some(first)
        };
        let day = self.machine.day().or_else(one_day);
        let (encoding, lines) = (self.machine.encoding(), self.lines.number());
        Summary { family, totals, day, first_at_us, last_at_us, sha256, encoding, lines }
    }
}

/// Compares with what the caller knows.
fn compare(expect: &Expect, summary: &Summary, decimals: u8) -> Result<(), Refused> {
    let totals = &summary.totals;
    for (name, expected, found, decimals) in [
        ("rows", expect.rows, totals.rows, 0),
        ("payment_amount", expect.payment_amount, totals.payment_amount, decimals),
        ("refund_amount", expect.refund_amount, totals.refund_amount, decimals),
        ("fee", expect.fee, totals.fee, decimals),
        ("net", expect.net, totals.net, decimals),
    ] {
        if let Some(expected) = expected {
            crate::table::same_total(summary.lines, name, expected, found, decimals)?;
        }
    }
    Ok(())
}
