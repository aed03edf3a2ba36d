//! Alipay details that are refused.

use fentan_statements::Family;

use crate::support::{bill, text, zip};
use crate::{hold, with};

#[test]
fn c3_an_alipay_detail_is_refused_with_line_and_column() {
    let detail = text("alipay/trade_20190916.utf8.csv");
    let with = |from: &str, to: &str| with(&detail, from, to);
    hold(
        Family::AlipayDetail,
        "",
        &[
            ("count", with("6笔", "5笔"), "total | 17 | 交易合计 | 5 | 6"),
            ("amount", with("共0.06元", "共0.07元"), "total | 17 | 商家实收共 | 0.07 | 0.06"),
            ("discount", with("商家优惠共0.00元", "商家优惠共0.01元"), "total | 17 | 商家优惠共 | 0.01 | 0.00"),
            ("refunds", with("4笔", "3笔"), "total | 18 | 退款合计 | 3 | 4"),
            ("refund amount", with("共-0.04元", "共-0.05元"), "total | 18 | 商家实收退款共 | -0.05 | -0.04"),
            (
                "footer's form",
                with("6笔，", "6笔,"),
                "footer | 17 | - | #交易合计：…笔，商家实收共…元，商家优惠共…元 | #交易合计：6笔,商家实收共*",
            ),
            (
                "another title",
                with("业务明细查询", "账务明细查询"),
                "footer | 1 | - | #支付宝业务明细查询 | #支付宝账务明细查询",
            ),
            ("kind", with("交易\t", "充值\t"), "word | 6 | 业务类型 | 交易 or 退款 | 充值"),
            (
                "sign of a refund",
                with("-0.01,-0.01", "0.01,-0.01"),
                "sign | 7 | 订单金额（元） | a negative amount in a refund | 0.01",
            ),
            (
                "sign of a payment",
                with(",0.01,0.01,", ",0.01,-0.01,"),
                "sign | 6 | 商家实收（元） | a positive amount in a payment | -0.01",
            ),
            (
                "a payment twice",
                with("2019091622001458860513822558", "2019091622001458860515315453"),
                "duplicate | 8 | 支付宝交易号 | a number not seen before | 2019091622001458860515315453",
            ),
            ("columns", with("下单测试,2019", "下单,测试,2019"), "columns | 6 | - | 25 columns | 26 columns"),
            (
                "open quotation mark",
                with("下单测试,2019", "\"下单测试,2019"),
                "columns | 6 | - | one row of fields, quotation marks closed | *",
            ),
            (
                "a row after the table",
                with("#交易合计", "row\n#交易合计"),
                "footer | 17 | - | no row after the end of the table | row",
            ),
            (
                "after the footer",
                [detail.as_bytes(), b"#more\n"].concat(),
                "footer | 20 | - | nothing after the time of export | #more",
            ),
            (
                "no time of export",
                with("#导出时间：[2019年09月17日 05:46:49]\n", ""),
                "truncated | 18 | - | the footer, with 交易合计, 退款合计 and 导出时间 | the end of the file",
            ),
        ],
    );
}

#[test]
fn c3_bytes_that_are_no_gbk_and_zips_of_other_things_are_refused() {
    let gbk = bill("alipay/trade_20190916.gbk.csv");
    // Line 6 is the first row; the product's name begins with the two bytes of 下.
    let line_6: usize = gbk.split_inclusive(|byte| *byte == b'\n').take(5).map(<[u8]>::len).sum();
    let name = line_6 + gbk[line_6..].windows(2).position(|pair| pair == [0xcf, 0xc2]).unwrap();
    let mut broken = gbk.clone();
    broken[name] = 0xff;
    let one = "one statement in the zip, with or without its 汇总";
    hold(
        Family::AlipayDetail,
        "",
        &[
            ("cut in a GBK character", gbk[..=name].to_vec(), "truncated | 6 | - | GBK text | *"),
            ("no GBK", broken, "encoding | 6 | - | GBK text | *"),
            (
                "two statements in a zip",
                zip(&[("a.csv", b"a"), ("b.csv", b"b")]),
                &format!("packing | 0 | - | {one} | a.csv, b.csv"),
            ),
            ("none in a zip", zip(&[("汇总.csv", b"a")]), &format!("packing | 0 | - | {one} | none")),
        ],
    );
}
