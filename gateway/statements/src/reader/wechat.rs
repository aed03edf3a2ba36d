//! What WeChat's bills have in common: a header, rows whose fields begin with a back-tick, a second
//! header that begins with a known name, and one row of sums. Instead of a bill the channel may answer
//! with an error in XML; `No Bill Exist` is a day without payments.

use crate::ask::Encoding;
use crate::lines::{Decoder, Line};
use crate::reader::Machine;
use crate::refused::{Reason, Refused};
use crate::row::Row;
use crate::split;
use crate::table::{Fields, Header};
use std::fmt::Debug;

/// The answer for a day without payments.
const EMPTY_DAY: &str = "No Bill Exist";

/// The longest error answer that is kept, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where in the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Start,
    Rows,
    Sums,
    Done,
    Answer,
}

/// What a line is.
#[derive(Debug)]
enum Part<'l> {
    /// The names of the columns.
    Header(Vec<&'l str>),
    /// A row.
    Row(Vec<&'l str>),
    /// The names of the sums.
    SumsHeader(Vec<&'l str>),
    /// The sums.
    Sums(Vec<&'l str>),
    /// Nothing to do.
    Nothing,
}

/// What one kind of bill makes of the lines.
pub(super) trait Bill: Debug + Send {
    /// Where its columns are.
    type Columns: Debug + Send;
    /// The name that the header of the sums begins with.
    const SUMS: &'static str;

    /// Finds the columns.
    fn columns(header: &Header) -> Result<Self::Columns, Refused>;

    /// Reads a row.
    fn row(&mut self, fields: &Fields<'_>, columns: &Self::Columns) -> Result<Row, Refused>;

    /// Compares the bill's sums with those of the rows.
    fn check_sums(&self, fields: &Fields<'_>, names: &Header) -> Result<(), Refused>;

    /// What else holds of a whole bill.
    fn end(&mut self) -> Result<(), Refused> {
        Ok(())
    }
}

/// Reads a bill: the layout, which all kinds have, and what one kind makes of it.
#[derive(Debug)]
pub(super) struct Wechat<B: Bill> {
    layout: Layout,
    decimals: u8,
    columns: Option<(Header, B::Columns)>,
    names: Option<Header>,
    bill: B,
}

impl<B: Bill> Wechat<B> {
    pub(super) fn new(decimals: u8, bill: B) -> Self {
        Self { layout: Layout::new(B::SUMS), decimals, columns: None, names: None, bill }
    }
}

impl<B: Bill> Machine for Wechat<B> {
    fn line(&mut self, line: Line<'_>) -> Result<Option<Row>, Refused> {
        // Always UTF-8.
        let text = Decoder::utf8().text(line)?;
        let missing = |expected: &str, found| Refused::at(Reason::Header, line.number).expected(expected).found(found);
        match self.layout.part(line.number, &text)? {
            Part::Header(names) => {
                let header = Header::new(line.number, names)?;
                let columns = B::columns(&header)?;
                self.columns = Some((header, columns));
            }
            Part::Row(fields) => {
                let (header, columns) = self.columns.as_ref().ok_or_else(|| missing("a header first", "a row"))?;
                let fields = Fields::new(line.number, self.decimals, fields, header)?;
                return self.bill.row(&fields, columns).map(Some);
            }
            Part::SumsHeader(names) => self.names = Some(Header::new(line.number, names)?),
            Part::Sums(fields) => {
                let names = self.names.as_ref().ok_or_else(|| missing("the names of the sums", "the sums"))?;
                let fields = Fields::new(line.number, self.decimals, fields, names)?;
                self.bill.check_sums(&fields, names)?;
            }
            Part::Nothing => {}
        }
        Ok(None)
    }

    fn end(&mut self, last: u64) -> Result<(), Refused> {
        self.layout.end(last)?;
        self.bill.end()
    }

    fn encoding(&self) -> Encoding {
        Encoding::Utf8
    }
}

/// Follows the layout.
#[derive(Debug)]
struct Layout {
    phase: Phase,
    /// The name that the header of the sums begins with.
    sums: &'static str,
    answer: String,
}

impl Layout {
    fn new(sums: &'static str) -> Self {
        Self { phase: Phase::Start, sums, answer: String::new() }
    }

    /// Takes the next line.
    fn part<'l>(&mut self, line: u64, text: &'l str) -> Result<Part<'l>, Refused> {
        match self.phase {
            Phase::Start if text.trim_start().starts_with("<xml") => {
                self.phase = Phase::Answer;
                self.keep(line, text)?;
                Ok(Part::Nothing)
            }
            Phase::Start => {
                self.phase = Phase::Rows;
                Ok(Part::Header(text.split(',').collect()))
            }
            Phase::Rows => {
                if text.split(',').next() == Some(self.sums) {
                    self.phase = Phase::Sums;
                    return Ok(Part::SumsHeader(text.split(',').collect()));
                }
                let expected = || format!("a row that begins with a back-tick, or {}", self.sums);
                split::back_ticked(text)
                    .map(Part::Row)
                    .ok_or_else(|| Refused::at(Reason::Columns, line).expected(expected()).found(text))
            }
            Phase::Sums => {
                self.phase = Phase::Done;
                split::back_ticked(text).map(Part::Sums).ok_or_else(|| {
                    Refused::at(Reason::Columns, line).expected("sums that begin with a back-tick").found(text)
                })
            }
            Phase::Done if text.trim().is_empty() => Ok(Part::Nothing),
            Phase::Done => Err(Refused::at(Reason::Footer, line).expected("nothing after the sums").found(text)),
            Phase::Answer => {
                self.keep(line, text)?;
                Ok(Part::Nothing)
            }
        }
    }

    /// Whether the bill was whole.
    fn end(&self, last: u64) -> Result<(), Refused> {
        match self.phase {
            Phase::Done => Ok(()),
            Phase::Answer => self.answered(last),
            Phase::Start | Phase::Rows | Phase::Sums => Err(Refused::at(Reason::Truncated, last)
                .expected(format_args!("the sums that begin with {}", self.sums))
                .found("the end of the file")),
        }
    }

    fn keep(&mut self, line: u64, text: &str) -> Result<(), Refused> {
        if self.answer.len() + text.len() > ANSWER_BYTES_MAX {
            return Err(Refused::at(Reason::Channel, line).expected("a bill").found("a long XML document"));
        }
        self.answer.push_str(text);
        self.answer.push('\n');
        Ok(())
    }

    /// The channel's error answer.
    fn answered(&self, last: u64) -> Result<(), Refused> {
        if !self.answer.trim_end().ends_with("</xml>") {
            return Err(Refused::at(Reason::Truncated, last).expected("</xml>").found("the end of the file"));
        }
        let message = element(&self.answer, "return_msg").unwrap_or_default();
        if message == EMPTY_DAY {
            return Ok(());
        }
        let detail = element(&self.answer, "err_code_des").filter(|text| !text.is_empty()).unwrap_or(message);
        Err(Refused::at(Reason::Channel, 1).column("return_msg").expected("a bill").found(detail))
    }
}

/// The text of an element without children; the channel wraps it in CDATA.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let rest = xml.split_once(&format!("<{name}>"))?.1;
    let text = rest.split_once(&format!("</{name}>"))?.0.trim();
    Some(text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text))
}
