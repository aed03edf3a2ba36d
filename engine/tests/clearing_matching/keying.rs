//! The numbers of each channel, made into keys.

use fentan_engine::clearing::matching::{Key, Keying, Keys, Kind, Names};
use std::collections::BTreeSet;

fn keys(keying: Keying, kind: Kind, order: &str, refund: &str, channel_number: &str) -> Option<Keys> {
    keying.keys(&Names { kind, order, refund, channel_number })
}

fn key(keying: Keying, kind: Kind, order: &str, refund: &str, channel_number: &str) -> Option<Key> {
    keys(keying, kind, order, refund, channel_number).map(|keys| keys.key)
}

#[test]
fn c4_a_payment_is_known_by_our_order_number() {
    for keying in [Keying::Wechat, Keying::Alipay, Keying::Generic] {
        let by_order = keys(keying, Kind::Payment, "t-1", "", "");
        assert!(by_order.is_some_and(|keys| keys.fallback.is_none()));
        assert_eq!(by_order, keys(keying, Kind::Payment, "t-1", "r-1", "4200"), "{keying:?}");
        assert_ne!(by_order, keys(keying, Kind::Payment, "t-2", "", ""), "{keying:?}");
        assert_eq!(None, keys(keying, Kind::Payment, "", "r-1", "4200"), "{keying:?}");
    }
}

#[test]
fn c4_a_refund_is_known_by_its_own_number() {
    for keying in [Keying::Wechat, Keying::Generic] {
        let refund = keys(keying, Kind::Refund, "t-1", "r-1", "");
        assert_eq!(refund, keys(keying, Kind::Refund, "", "r-1", "5000"), "{keying:?}");
        assert_ne!(refund, keys(keying, Kind::Refund, "t-1", "r-2", ""), "{keying:?}");
        assert_eq!(None, keys(keying, Kind::Refund, "t-1", "", ""), "{keying:?}");
    }
    // Alipay's request number is unique within an order only.
    let refund = |order, request| key(Keying::Alipay, Kind::Refund, order, request, "");
    assert!(refund("t-1", "1").is_some());
    assert_ne!(refund("t-1", "1"), refund("t-2", "1"));
    assert_ne!(refund("t-1", "1"), refund("t-1", "2"));
    assert_ne!(refund("t-11", "2"), refund("t-1", "12"));
    assert_eq!(refund("t-1", ""), None);
    assert_eq!(refund("", "1"), None);
}

#[test]
fn c4_unionpay_is_known_by_the_query_id_and_our_order_stands_in() {
    for kind in [Kind::Payment, Kind::Refund] {
        let both = keys(Keying::Unionpay, kind, "t-1", "", "491707180000").unwrap();
        let ours = keys(Keying::Unionpay, kind, "t-1", "", "").unwrap();
        let theirs = keys(Keying::Unionpay, kind, "", "", "491707180000").unwrap();
        assert_eq!(both.key, theirs.key);
        assert_eq!(both.fallback, Some(ours.key));
        assert_eq!((ours.fallback, theirs.fallback), (None, None));
        assert_eq!(keys(Keying::Unionpay, kind, "", "r-1", ""), None);
        // A query id that looks like an order number is not one.
        assert_ne!(both.key, keys(Keying::Unionpay, kind, "491707180000", "", "").unwrap().key);
    }
}

#[test]
fn c4_keys_of_channels_and_kinds_differ() {
    let keyings = [Keying::Wechat, Keying::Alipay, Keying::Unionpay, Keying::Generic];
    let of = |kind| keyings.map(|keying| key(keying, kind, "1", "1", "1").unwrap());
    let all: BTreeSet<Key> = of(Kind::Payment).into_iter().chain(of(Kind::Refund)).collect();
    assert_eq!(all.len(), 8);
}

/// A key may stand in a file: it must mean the same for ever.
#[test]
fn c4_keys_never_change() {
    let wechat = key(Keying::Wechat, Kind::Payment, "20250601000000000000000000000001", "", "").unwrap();
    let alipay = key(Keying::Alipay, Kind::Refund, "t-1", "r-1", "").unwrap();
    assert_eq!(format!("{wechat:?} {alipay:?}"), "e31fd1b3e5ddecad918b28786f0c8106 a8d253fab75646e900797274822262c0");
    assert_eq!(Key::from_bits(wechat.to_bits()), wechat);
}
