//! What the tests share: the sample files, and files packed as channels pack them.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part of it, and stops where it cannot go on")]

use std::io::Write as _;
use std::path::Path;

use fentan_statements::{Family, Refused, Row, Summary, check_bytes};
use sha1::Digest as _;

/// A sample file.
pub(crate) fn bill(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bills").join(name)).unwrap()
}

/// A sample file's text.
pub(crate) fn text(name: &str) -> String {
    String::from_utf8(bill(name)).unwrap()
}

/// What is known of a file that is whole, and its rows.
pub(crate) fn read(family: Family, name: &str, bytes: &[u8]) -> (Summary, Vec<Row>) {
    let mut checked = check_bytes(family, name, bytes).unwrap_or_else(|refused| panic!("{refused}"));
    let rows = checked.rows().unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    (checked.summary().clone(), rows)
}

/// The rows of a file that is whole.
pub(crate) fn rows(family: Family, name: &str, bytes: &[u8]) -> Vec<Row> {
    read(family, name, bytes).1
}

/// Why a file is refused.
pub(crate) fn refused(family: Family, name: &str, bytes: &[u8]) -> Refused {
    match check_bytes(family, name, bytes) {
        Ok(checked) => panic!("accepted: {:?}", checked.summary()),
        Err(refused) => refused,
    }
}

/// A gzip stream.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip whose names are GBK, as Alipay's are.
pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in entries {
        let name = encoding_rs::GBK.encode(name).0;
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let start = u32::try_from(file.len()).unwrap();
        let mut common = Vec::new();
        for half in [20_u16, 0, 8, 0, 0x21] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc.sum(), u32::try_from(packed.len()).unwrap(), u32::try_from(bytes.len()).unwrap()] {
            common.extend(word.to_le_bytes());
        }
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(&*name);
        file.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(&*name);
    }
    let (count, start) = (u16::try_from(entries.len()).unwrap(), u32::try_from(file.len()).unwrap());
    file.extend(&directory);
    file.extend(b"PK\x05\x06\x00\x00\x00\x00");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}

/// The SHA-1 of bytes, in hexadecimal.
pub(crate) fn sha1(bytes: &[u8]) -> String {
    let number = sha1::Sha1::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    assert_eq!(number.len(), 40);
    number
}

/// The fund-flow sample with a third row, made here so that its sums hold: the real one was cut.
pub(crate) fn whole_fund_flow() -> String {
    let made = "`2021-02-01 15:00:00,`4200000900202102010000000001,`4200000900202102010000000001,`交易,`交易,`收入,\
                `0.01,`0.22,`system,`made for this test,`S20210201150000000001\n资金流水总笔数";
    text("wechat/fundflow_v3_BASIC_20210201.truncated_2_of_3.csv").replace("资金流水总笔数", made)
}

/// A file in the documented CSV.
pub(crate) const GENERIC: &str = "\
time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type
2024-07-09T10:06:33+08:00,payment,o-1,c-1,,60.00,0.32,CNY,succeeded,app
2024-07-09T16:47:58+08:00,refund,o-1,c-1,r-1,50.00,-0.27,CNY,succeeded,app
2024-07-09T17:00:00+08:00,payment,\"o,2\",c-2,,1.50,0.01,CNY,succeeded,app
#total,3,2,61.50,1,50.00,0.06
";
