//! Files that are refused for what they are as a whole.

use std::cell::RefCell;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

use fentan_statements::{Ask, Expect, Family, check};

use crate::support::{self, bill, gzip, refused, text, zip};
use crate::{UNIONPAY, hold, short, with};

#[test]
fn c3_a_wrong_hash_refuses_the_file_and_says_both() {
    let bytes = bill("wechat/trade_v2_ALL_20180821.csv");
    let given = "79bb0f45fc4c42234a918000b2668d689e2bde04";
    for packed in [bytes.clone(), gzip(&bytes)] {
        let ask = Ask { sha1: Some(given), ..Ask::new(Family::WechatTrade, "") };
        let refused = check(Cursor::new(packed), &ask, &mut |_, _| {}).err().unwrap();
        assert_eq!(short(&refused), format!("hash | 0 | - | {given} | {}", support::sha1(&bytes)));
    }
    let ask = Ask { sha1: Some("79bb"), ..Ask::new(Family::WechatTrade, "") };
    let refused = check(Cursor::new(bytes), &ask, &mut |_, _| {}).err().unwrap();
    assert_eq!(short(&refused), "hash | 0 | - | a SHA-1 of 40 hexadecimal digits | 79bb");
}

#[test]
fn c3_totals_that_the_caller_knows_find_a_cut_between_two_rows() {
    let whole = bill("unionpay/INN17071888ZM_898319849000018");
    let cut = &whole[..whole.len() - 608];
    let expected = [
        (Expect { rows: Some(1_207), ..Expect::default() }, "total | 1206 | rows | 1207 | 1206"),
        (Expect { fee: Some(28_968), ..Expect::default() }, "total | 1206 | fee | 289.68 | 289.44"),
    ];
    for (expect, refusal) in expected {
        let ask = Ask { expect: Some(expect), ..Ask::new(Family::UnionpayMerchant, UNIONPAY) };
        let refused = check(Cursor::new(cut), &ask, &mut |_, _| {}).err().unwrap();
        assert_eq!(short(&refused), refusal);
    }
}

#[test]
fn c3_a_refusal_says_where_what_and_what_to_do() {
    let bytes = with(&text("wechat/trade_v2_ALL_20151028.csv"), "`6,`1.73", "`7,`1.73");
    assert_eq!(
        refused(Family::WechatTrade, "", &bytes).to_string(),
        "the channel statement is refused (total), line 9, column 总交易单数: expected 7, found \"6\"; \
         download the file again; when it stays so, ask the channel"
    );
}

#[test]
fn c3_broken_packing_is_refused() {
    let plain = bill("wechat/trade_v2_ALL_20180821.csv");
    let mut packed = gzip(&plain);
    let last = packed.len() - 1;
    let cut = packed[..packed.len() / 2].to_vec();
    let longer = [packed.as_slice(), b"more"].concat();
    packed[last] ^= 1;
    let archive = zip(&[("a.csv", &bill("alipay/trade_20190916.gbk.csv"))]);
    let cut_archive = archive[..archive.len() - 30].to_vec();
    hold(
        Family::WechatTrade,
        "",
        &[
            ("gzip's length", packed, "packing | 7 | - | a whole gzip stream | *"),
            ("more after gzip", longer, "packing | 7 | - | a whole gzip stream | *"),
            ("gzip cut", cut, "packing | *"),
        ],
    );
    hold(Family::AlipayDetail, "", &[("zip cut", cut_archive, "packing | 0 | - | a whole zip | *")]);
}

/// A file that changes under the reader's hands.
#[derive(Clone)]
struct Shared(Rc<RefCell<Cursor<Vec<u8>>>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().read(buffer)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.borrow_mut().seek(to)
    }
}

#[test]
fn c3_a_file_changed_after_its_check_gives_no_row() {
    let file = Shared(Rc::new(RefCell::new(Cursor::new(bill("wechat/trade_v2_ALL_20180821.csv")))));
    let mut checked = check(file.clone(), &Ask::new(Family::WechatTrade, ""), &mut |_, _| {}).unwrap();
    assert_eq!(checked.rows().unwrap().count(), 3);
    assert_eq!(checked.rows().unwrap().count(), 3, "as often as wanted");
    let last = file.0.borrow().get_ref().len() - 10;
    file.0.borrow_mut().get_mut()[last] ^= 1;
    let refused = checked.rows().err().unwrap();
    assert_eq!(short(&refused), "changed | 0 | - | the file that was checked | another one");
}

#[test]
fn c3_progress_only_grows_and_ends_at_the_whole() {
    let bytes = bill("unionpay/INN17071888ZM_898319849000018");
    let ask = Ask::new(Family::UnionpayMerchant, UNIONPAY);
    let mut seen = vec![(0, 0)];
    check(Cursor::new(&bytes), &ask, &mut |done, all| seen.push((done, all))).unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{seen:?}");
    assert!(seen.len() > 10, "{seen:?}");
    assert_eq!(seen.last().map(|(done, all)| done == all), Some(true));
}
