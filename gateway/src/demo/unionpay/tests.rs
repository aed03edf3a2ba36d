//! The reader on the sample, on cut copies and on damaged ones.

use super::*;
use jiff::civil::date;

/// Bytes of a row with its line feed.
const LINE: usize = ROW_BYTES + 1;

fn read(bytes: &[u8]) -> Result<MerchantFile, ReadError> {
    MerchantFile::read(SAMPLE_NAME, bytes)
}

/// The first three rows, with `new` written over `field` of line 2.
fn damaged(field: Field, new: &[u8]) -> Vec<u8> {
    let mut bytes = SAMPLE[..3 * LINE].to_vec();
    bytes[LINE + field.column() - 1..][..new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn the_sample_is_read_whole_and_its_totals_hold() {
    let file = read(SAMPLE).unwrap();
    file.check(&SAMPLE_TOTALS).unwrap();
    assert_eq!(file.totals(), Some(SAMPLE_TOTALS));
    assert_eq!(file.merchant, "898319849000018");
    assert!(file.rows.iter().all(|row| row.fee == 24));
    let first = file.rows.iter().map(|row| row.time).min();
    let last = file.rows.iter().map(|row| row.time).max();
    assert_eq!(first, Some(date(2017, 7, 17).at(23, 2, 1, 0)));
    assert_eq!(last, Some(date(2017, 7, 18).at(23, 1, 56, 0)));
}

#[test]
fn texts_are_decoded_after_slicing() {
    let row = &read(SAMPLE).unwrap().rows[1];
    let expected = Row {
        line: 2,
        trace: "028804".to_owned(),
        time: date(2017, 7, 18).at(2, 43, 52, 0),
        amount: 1_443_600,
        fee: 24,
        net: 1_443_576,
        query_id: "201707180243520288048".to_owned(),
        order_id: "20170718024352543740924".to_owned(),
        text: "账户充值".to_owned(),
    };
    assert_eq!(row, &expected);
}

#[test]
fn trace_numbers_repeat_and_query_ids_do_not() {
    let rows = read(SAMPLE).unwrap().rows;
    let count = |key: fn(&Row) -> &str| rows.iter().map(key).collect::<std::collections::HashSet<_>>().len();
    assert_eq!(count(|row| &row.trace), 1_189);
    assert_eq!(count(|row| &row.query_id), 1_207);
    assert_eq!(count(|row| &row.order_id), 1_207);
}

#[test]
fn a_file_cut_in_a_row_is_refused_with_the_place() {
    for (cut, found) in [(1, 1), (606, 606)] {
        let error = read(&SAMPLE[..2 * LINE + cut]).unwrap_err();
        assert_eq!(error, ReadError::Length { line: 3, found });
        assert!(error.to_string().starts_with(&format!("line 3, column {}:", cut + 1)), "{error}");
    }
    assert_eq!(read(&SAMPLE[..2 * LINE - 1]), Err(ReadError::Unfinished { line: 2 }));
}

#[test]
fn a_file_cut_between_rows_is_refused_by_its_totals() {
    let file = read(&SAMPLE[..1_206 * LINE]).unwrap();
    let error = file.check(&SAMPLE_TOTALS).unwrap_err();
    assert_eq!(error, ReadError::Total { line: 1_206, what: "number", expected: 1_207, found: 1_206 });
    let empty = read(b"").unwrap();
    assert!(matches!(empty.check(&SAMPLE_TOTALS), Err(ReadError::Total { line: 0, .. })));
}

#[test]
fn a_row_too_many_bytes_is_refused() {
    let mut bytes = SAMPLE[..LINE].to_vec();
    bytes.insert(40, b'0');
    assert_eq!(read(&bytes), Err(ReadError::Length { line: 1, found: 608 }));
}

#[test]
fn carriage_returns_are_no_harm() {
    let mut bytes = SAMPLE[..ROW_BYTES].to_vec();
    bytes.extend_from_slice(b"\r\n");
    assert_eq!(read(&bytes).unwrap().rows.len(), 1);
}

#[test]
fn a_shifted_column_is_refused_at_its_blank() {
    let error = read(&damaged(Field::Trace, b"1234567")).unwrap_err();
    assert_eq!(error, ReadError::Blank { line: 2, column: 35, found: b'7' });
}

#[test]
fn damaged_fields_are_refused_with_line_and_column() {
    let table: &[(Field, &[u8], &str)] = &[
        (Field::Kind, b"S30", "line 2, column 1: kind of row"),
        (Field::Time, b"0230", "line 2, column 36: time"),
        (Field::Time, b"07182460", "line 2, column 36: time"),
        (Field::Time, b"+7", "line 2, column 36: time"),
        (Field::Amount, b"0000.", "line 2, column 67: amount"),
        (Field::Amount, b"+", "line 2, column 67: amount"),
        (Field::Amount, b"000001443601", "line 2, column 181: amount 1443601 - fee 24 is not net 1443576"),
        (Field::QueryId, b"                     ", "line 2, column 88: query id"),
        (Field::OrderId, b"2017\"", "line 2, column 113: order id"),
        (Field::Fee, b"X", "line 2, column 167: fee"),
        (Field::Fee, b"C", "line 2, column 181: amount 1443600 - fee -24"),
        (Field::Net, b"D", "line 2, column 181: amount 1443600 - fee 24 is not net -1443576"),
        (Field::Merchant, b"0", "line 2, column 294: merchant"),
        (Field::Text, b"\xff", "line 2, column 398: text"),
    ];
    for (field, new, expected) in table {
        let error = read(&damaged(*field, new)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}\nexpected {expected}");
    }
}

#[test]
fn one_fen_more_that_agrees_in_its_row_is_seen_by_the_totals() {
    let mut bytes = SAMPLE.to_vec();
    bytes[LINE + Field::Amount.column() - 1..][..12].copy_from_slice(b"000001443601");
    bytes[LINE + Field::Net.column() - 1..][..13].copy_from_slice(b"C000001443577");
    let error = read(&bytes).unwrap().check(&SAMPLE_TOTALS).unwrap_err();
    assert_eq!(error, ReadError::Total { line: 1_207, what: "amount", expected: 4_727_546_394, found: 4_727_546_395 });
}

#[test]
fn a_payment_twice_is_refused() {
    let bytes = [&SAMPLE[..2 * LINE], &SAMPLE[..LINE]].concat();
    let query_id = "201707182159160056078".to_owned();
    assert_eq!(read(&bytes), Err(ReadError::Repeated { line: 3, first: 1, query_id }));
}

#[test]
fn the_name_must_say_day_and_merchant() {
    for name in ["", "INN17071888ZM_", "INN1707188ZM_898319849000018", "INN17071888ZM_89831984900001X", "x.txt"] {
        assert_eq!(MerchantFile::read(name, b""), Err(ReadError::Name { name: name.to_owned() }));
    }
}

#[test]
fn a_file_of_new_year_begins_in_the_year_before() {
    let mut bytes = SAMPLE[..2 * LINE].to_vec();
    bytes[Field::Time.column() - 1..][..10].copy_from_slice(b"1231230201");
    bytes[LINE + Field::Time.column() - 1..][..10].copy_from_slice(b"0101000000");
    let file = MerchantFile::read("INN18010188ZM_898319849000018", &bytes).unwrap();
    assert_eq!(file.rows[0].time, date(2017, 12, 31).at(23, 2, 1, 0));
    assert_eq!(file.rows[1].time, date(2018, 1, 1).at(0, 0, 0, 0));
}
