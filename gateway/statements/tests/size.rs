//! A large file is read as a stream. The rate is printed by
//! `cargo test --release -p fentan-statements --test size -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use fentan_statements::{Ask, Family, check_file};

/// Writes a WeChat bill of so many payments of 1.00.
fn write_bill(path: &std::path::Path, rows: u64) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    let sample = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/bills/wechat/trade_v3_ALL_20240709.truncated_2_of_29.csv"),
    )
    .unwrap();
    let lines: Vec<&str> = sample.lines().collect();
    writeln!(out, "{}", lines[0]).unwrap();
    let (before, rest) = lines[2].split_once("4200002360202407091150650780").unwrap();
    let rest = rest.replace("60.00", "1.00").replace("0.32000", "0.01000");
    let mut line = String::new();
    for row in 0..rows {
        line.clear();
        write!(line, "{before}42000023602024{row:014}{rest}").unwrap();
        writeln!(out, "{line}").unwrap();
    }
    let (yuan, fee) = (rows, rows / 100);
    writeln!(out, "{}", lines[3]).unwrap();
    writeln!(out, "`{rows},`{yuan}.00,`0.00,`0.00,`{fee}.{:02}000,`{yuan}.00,`0.00", rows % 100).unwrap();
}

fn read(rows: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bill.csv");
    write_bill(&path, rows);
    let begun = Instant::now();
    let ask = Ask::new(Family::WechatTrade, "bill.csv");
    let mut checked = check_file(&path, &ask, &mut |_, _| {}).unwrap();
    let checked_in = begun.elapsed();
    let begun = Instant::now();
    let mut sum = 0;
    for row in checked.rows().unwrap() {
        sum += row.unwrap().amount;
    }
    assert_eq!(u64::try_from(sum).unwrap(), rows * 100);
    println!(
        "{rows} rows, {} bytes: checked in {checked_in:?}, handed out in {:?}",
        path.metadata().unwrap().len(),
        begun.elapsed()
    );
}

#[test]
fn c3_a_bill_of_twenty_thousand_rows_is_checked_and_handed_out() {
    read(20_000);
}

#[test]
#[ignore = "measures"]
fn rate_of_two_million_rows() {
    read(2_000_000);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    }
}
