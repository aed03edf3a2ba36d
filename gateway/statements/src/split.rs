//! Lines to fields.
//!
//! Comma and TAB tables go through a CSV reader. WeChat's bills cannot: every field of a row begins
//! with a back-tick and nothing is quoted, so that a name may hold commas and quotation marks as they
//! are (`` `{"a":1,"b":2} ``). The only separator that holds is the pair `` ,` ``.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::refused::{Reason, Refused};

/// Fields that begin with a back-tick. `None` when the line does not begin with one.
pub(crate) fn back_ticked(text: &str) -> Option<Vec<&str>> {
    text.strip_prefix('`').map(|rest| rest.split(",`").collect())
}

/// A CSV reader for one line at a time: no field of these files holds a line feed.
#[derive(Debug)]
pub(crate) struct Delimited {
    reader: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl Delimited {
    pub(crate) fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, output: Vec::new(), ends: Vec::new() }
    }

    /// The fields of a line.
    pub(crate) fn split(&mut self, line: u64, text: &str) -> Result<Vec<&str>, Refused> {
        let wrong = |found: &str| {
            Refused::at(Reason::Columns, line).expected("one row of fields, quotation marks closed").found(found)
        };
        self.reader.reset();
        // A field is never longer than its line, and there are never more fields than bytes.
        self.output.resize(text.len() + 1, 0);
        self.ends.resize(text.len() + 2, 0);
        let (result, read, written, fields) =
            self.reader.read_record(text.as_bytes(), &mut self.output, &mut self.ends);
        if result != ReadRecordResult::InputEmpty || read != text.len() {
            return Err(wrong(text));
        }
        let (result, _, more, last) =
            self.reader.read_record(b"\n", &mut self.output[written..], &mut self.ends[fields..]);
        if result != ReadRecordResult::Record || more != 0 {
            return Err(wrong(text));
        }
        let mut start = 0;
        let mut split = Vec::with_capacity(fields + last);
        for end in &self.ends[..fields + last] {
            let field = self.output.get(start..*end).and_then(|bytes| std::str::from_utf8(bytes).ok());
            split.push(field.ok_or_else(|| wrong(text))?);
            start = *end;
        }
        Ok(split)
    }
}
