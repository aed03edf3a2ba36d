//! Channel statements (rule C3): refused with line and column, or rows that add up.

use crate::memory;
use fentan_statements::{Ask, Family, Flow, Refused, Row, RowKind, Summary, check};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::fmt::Display;
use std::io::{Cursor, Write as _};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// UnionPay's files carry the day and the merchant in their name.
const UNIONPAY: &str = "INN17071888ZM_898319849000018";
/// Pieces that are read at once, windows of packings, the longest line twice.
const SLACK: usize = 1 << 20;
/// What a byte of a file may become: numbers that are remembered, fields of a row. A packed file unpacks to at most about
/// a thousand times its length, but its rows would repeat, and then it is refused.
const A_BYTE: usize = 64;
/// What a refusal shows of a file, in bytes: eighty characters.
const SHOWN: usize = 80 * 4 + 3;

/// The first byte chooses the family, the second how the others are packed before they are read, or that they are
/// packed already; the third where a file that was accepted is cut.
pub(crate) fn body(bytes: &[u8]) -> bool {
    let [family, packing, cut, file @ ..] = bytes else { return false };
    let family = Family::ALL[usize::from(*family) % Family::ALL.len()];
    let plain = read(family, file);
    if is_packed(file) {
        return plain.is_ok();
    }
    match packing % 4 {
        1 => alike(&plain, &read(family, &gzip(file))),
        2 => alike(&plain, &read(family, &zipped(file))),
        _ => {}
    }
    if let Ok((_, rows)) = &plain {
        cut_short(family, file, file.len() * usize::from(*cut) / 256, rows);
    }
    plain.is_ok()
}

fn is_packed(file: &[u8]) -> bool {
    file.starts_with(b"PK") || file.starts_with(&[0x1f, 0x8b])
}

type Read = Result<(Summary, Vec<Row>), Refused>;

fn read(family: Family, file: &[u8]) -> Read {
    let read: Read = memory::within("a statement", SLACK + A_BYTE * file.len(), || {
        let name = if family == Family::UnionpayMerchant { UNIONPAY } else { "statement" };
        let mut checked = check(Cursor::new(file), &Ask::new(family, name), &mut |_, _| {})?;
        let rows = checked.rows()?.collect::<Result<Vec<_>, _>>().expect("what was checked is handed out");
        Ok((checked.summary().clone(), rows))
    });
    match &read {
        Ok((summary, rows)) => adds_up(family, summary, rows, file),
        Err(refused) => says_why(refused),
    }
    read
}

fn says_why(refused: &Refused) {
    assert!(!refused.expected.is_empty(), "{refused}");
    for shown in [&refused.expected, &refused.found] {
        assert!(shown.len() <= SHOWN, "a refusal repeats {} bytes of the file", shown.len());
    }
    assert!(refused.to_string().starts_with("the channel statement is refused ("));
}

fn adds_up(family: Family, summary: &Summary, rows: &[Row], file: &[u8]) {
    assert_eq!((summary.family, summary.sha256), (family, Sha256::digest(file).into()));
    let sum = |value: &dyn Fn(&Row) -> i64| rows.iter().map(|row| i128::from(value(row))).sum::<i128>();
    let of = |kind: RowKind| move |row: &Row| if row.kind == kind { row.amount } else { 0 };
    let count = |kind: RowKind| rows.iter().filter(|row| row.kind == kind).count() as i128;
    let net = |row: &Row| if row.flow == Flow::In { row.amount - row.fee } else { -row.amount - row.fee };
    let totals = summary.totals;
    for (what, said, found) in [
        ("rows", totals.rows, rows.len() as i128),
        ("payments", totals.payments, count(RowKind::Payment)),
        ("payment_amount", totals.payment_amount, sum(&of(RowKind::Payment))),
        ("refunds", totals.refunds, count(RowKind::Refund)),
        ("refund_amount", totals.refund_amount, sum(&of(RowKind::Refund))),
        ("fee", totals.fee, sum(&|row| row.fee)),
        ("net", totals.net, sum(&net)),
    ] {
        assert_eq!(i128::from(said), found, "{what}");
    }
    let mut line = 0;
    for row in rows {
        assert!(row.amount >= 0 && row.asked >= 0, "{row:?}");
        assert!(row.line > line && row.line <= summary.lines, "line {} after {line} of {}", row.line, summary.lines);
        line = row.line;
    }
    assert_eq!(summary.first_at_us, rows.iter().map(|row| row.at_us).min());
    assert_eq!(summary.last_at_us, rows.iter().map(|row| row.at_us).max());
}

/// A packed file is read as what is in it, or refused for the same reason at the same line.
fn alike(plain: &Read, packed: &Read) {
    match (plain, packed) {
        (Ok((plain, rows)), Ok((packed, packed_rows))) => {
            assert_eq!(rows, packed_rows);
            assert_eq!((plain.totals, plain.day, plain.lines), (packed.totals, packed.day, packed.lines));
        }
        (Err(plain), Err(packed)) => assert_eq!((plain.reason, plain.line), (packed.reason, packed.line)),
        (plain, packed) => panic!("plain: {:?}, packed: {:?}", plain.as_ref().err(), packed.as_ref().err()),
    }
}

/// A file that was cut is refused, or has lost nothing that is in its rows: ends of lines, zeros after a point. One
/// without a footer (UnionPay's) may have lost its last rows: only who knows their sums can see that.
fn cut_short(family: Family, file: &[u8], at: usize, whole: &[Row]) {
    let Ok((_, rows)) = read(family, &file[..at]) else { return };
    let same = if family == Family::UnionpayMerchant { whole.starts_with(&rows) } else { rows == whole };
    assert!(same, "{family} was cut at {at} and read; {:?} was lost", file[at..].escape_ascii().to_string());
}

fn told<T>(made: Result<T, impl Display>) -> T {
    made.unwrap_or_else(|error| panic!("writing to memory: {error}"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    told(encoder.write_all(bytes));
    told(encoder.finish())
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    told(writer.start_file("statement.csv", SimpleFileOptions::default()));
    told(writer.write_all(bytes));
    told(writer.finish()).into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type\n\
        2024-07-09T10:06:33+08:00,payment,o-1,c-1,,60.00,0.32,CNY,succeeded,app\n\
        2024-07-09T16:47:58+08:00,refund,o-1,c-1,r-1,50.00,-0.27,CNY,succeeded,app\n\
        #total,2,1,60.00,1,50.00,0.05\n";

    fn whole() -> (Summary, Vec<Row>) {
        read(Family::GenericCsv, FILE).expect("it is right")
    }

    #[test]
    #[should_panic(expected = "refund_amount")]
    fn a_sum_that_is_a_fen_off_is_seen() {
        let (summary, mut rows) = whole();
        rows[1].amount += 1;
        adds_up(Family::GenericCsv, &summary, &rows, FILE);
    }

    #[test]
    #[should_panic(expected = "was cut")]
    fn a_cut_that_loses_a_row_is_seen() {
        let (_, mut rows) = whole();
        rows.pop();
        // As if the reader had accepted a cut file with fewer rows than the whole one.
        cut_short(Family::GenericCsv, FILE, FILE.len(), &rows);
    }

    #[test]
    #[should_panic(expected = "packed")]
    fn a_packed_file_that_is_read_otherwise_is_seen() {
        let refused = read(Family::GenericCsv, &FILE[..100]);
        alike(&Ok(whole()), &refused);
    }
}
