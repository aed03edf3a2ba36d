//! Why a file is refused, and what to do about it.
//!
//! A file is refused as a whole, whatever the reason: one that is half right books nothing (rule C3).
//! The refusal carries where (line and column), what was expected and what stands there, and says in
//! its last clause what to do.

use std::fmt;

/// The longest piece of a file that a refusal shows, in characters.
const SHOWN: usize = 80;

/// The kind of a refusal; its word is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The file cannot be read from its medium.
    Unreadable,
    /// There is nothing in it.
    Empty,
    /// It ends too early.
    Truncated,
    /// The hash is not the one the channel gave.
    Hash,
    /// The gzip or zip packing is broken, or does not hold one statement.
    Packing,
    /// Bytes that are no text of the encoding.
    Encoding,
    /// A byte that no text has.
    Nul,
    /// A line longer than any real one.
    LongLine,
    /// A column that must be there is not, or stands there twice.
    Header,
    /// A row has more or fewer columns than it must.
    Columns,
    /// A field that must have a value is empty or has another form.
    Field,
    /// Not a number, or one that does not fit.
    Number,
    /// A sign where none belongs.
    Sign,
    /// More decimals than the currency has.
    Decimals,
    /// Not a time.
    Time,
    /// A word that is not known.
    Word,
    /// A number that must be unique stands in the file twice.
    Duplicate,
    /// Amount, fee and net of a row do not agree.
    Arithmetic,
    /// The running balance does not follow.
    Balance,
    /// The rows do not add up to what the file, or the caller, says.
    Total,
    /// Something stands where it does not belong, after the footer for example.
    Footer,
    /// The file's name does not say what it must.
    Name,
    /// The channel answered with an error instead of a file.
    Channel,
    /// The file is not the one that was checked.
    Changed,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 24] = [
        Self::Unreadable,
        Self::Empty,
        Self::Truncated,
        Self::Hash,
        Self::Packing,
        Self::Encoding,
        Self::Nul,
        Self::LongLine,
        Self::Header,
        Self::Columns,
        Self::Field,
        Self::Number,
        Self::Sign,
        Self::Decimals,
        Self::Time,
        Self::Word,
        Self::Duplicate,
        Self::Arithmetic,
        Self::Balance,
        Self::Total,
        Self::Footer,
        Self::Name,
        Self::Channel,
        Self::Changed,
    ];

    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Hash => "hash",
            Self::Packing => "packing",
            Self::Encoding => "encoding",
            Self::Nul => "nul",
            Self::LongLine => "long_line",
            Self::Header => "header",
            Self::Columns => "columns",
            Self::Field => "field",
            Self::Number => "number",
            Self::Sign => "sign",
            Self::Decimals => "decimals",
            Self::Time => "time",
            Self::Word => "word",
            Self::Duplicate => "duplicate",
            Self::Arithmetic => "arithmetic",
            Self::Balance => "balance",
            Self::Total => "total",
            Self::Footer => "footer",
            Self::Name => "name",
            Self::Channel => "channel",
            Self::Changed => "changed",
        }
    }

    /// What to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unreadable => "check the file and its permissions, then load it again",
            Self::Empty | Self::Truncated | Self::Hash | Self::Packing | Self::Nul | Self::Total | Self::Balance => {
                "download the file again; when it stays so, ask the channel"
            }
            Self::Encoding | Self::LongLine => {
                "load the file as the channel sent it, not saved again by another program"
            }
            Self::Header | Self::Columns | Self::Footer => {
                "check that the family is the right one and that nobody edited the file"
            }
            Self::Field | Self::Number | Self::Sign | Self::Decimals | Self::Time | Self::Word => {
                "load the file as the channel sent it; when it is, this reader must learn the new form"
            }
            Self::Duplicate | Self::Arithmetic => "ask the channel; nothing of the file was booked",
            Self::Name => "give the file the name the channel gave it",
            Self::Channel => "ask the channel again later, or correct the request",
            Self::Changed => "check the file again",
        }
    }
}

/// Where in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// The line, or the file, as a whole.
    Whole,
    /// The column of this name.
    Name(String),
    /// The byte of the line, from 1.
    Byte(u64),
}

/// The file is refused whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// The kind.
    pub reason: Reason,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// Where in the line.
    pub column: Column,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Refused {
    /// A refusal without details.
    pub(crate) fn at(reason: Reason, line: u64) -> Self {
        Self { reason, line, column: Column::Whole, expected: String::new(), found: String::new() }
    }

    pub(crate) fn column(mut self, name: &str) -> Self {
        self.column = Column::Name(name.to_owned());
        self
    }

    /// `index` counts from 0.
    pub(crate) fn byte(mut self, index: usize) -> Self {
        self.column = Column::Byte(u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1));
        self
    }

    pub(crate) fn expected(mut self, what: impl fmt::Display) -> Self {
        self.expected = what.to_string();
        self
    }

    /// What was found, cut to a length that fits a log line.
    pub(crate) fn found(mut self, what: impl fmt::Display) -> Self {
        let whole = what.to_string();
        self.found = whole.chars().take(SHOWN).collect();
        if self.found.len() < whole.len() {
            self.found.push('…');
        }
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the channel statement is refused ({})", self.reason.word())?;
        if self.line > 0 {
            write!(f, ", line {}", self.line)?;
        }
        match &self.column {
            Column::Whole => {}
            Column::Name(name) => write!(f, ", column {name}")?,
            Column::Byte(byte) => write!(f, ", byte {byte}")?,
        }
        write!(f, ": expected {}, found {:?}; {}", self.expected, self.found, self.reason.advice())
    }
}
