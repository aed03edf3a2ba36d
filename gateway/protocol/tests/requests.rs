//! Every request serialises to exactly the contract's JSON, and reads back to itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use fentan_protocol::{
    AccountKind, Amount, BalanceQuery, Capture, CloseAccount, ConfirmTopUp, FailTopUp, Freeze, Hold, OpenAccount,
    OrderLine, Ping, Refund, RefundTopUp, Release, Request, Spend, TopUp, TopUpState, Transfer, Unfreeze,
};

fn check(request: impl Into<Request>, wire: &str) {
    let request = request.into();
    assert_eq!(serde_json::to_string(&request).unwrap(), wire);
    assert_eq!(serde_json::from_str::<Request>(wire).unwrap(), request);
    assert!(wire.contains(&format!("\"id\":\"{}\"", request.id())));
}

fn cny(minor: i64) -> Amount {
    Amount::from_minor(minor, 2)
}

#[test]
fn accounts() {
    check(
        OpenAccount::new("o-1", "alice", AccountKind::Wallet).with_currency("CNY").with_product("default"),
        r#"{"op":"open_account","id":"o-1","account":"alice","kind":"wallet","currency":"CNY","product":"default"}"#,
    );
    check(Freeze::new("f", "a"), r#"{"op":"freeze","id":"f","account":"a"}"#);
    check(Unfreeze::new("f", "a"), r#"{"op":"unfreeze","id":"f","account":"a"}"#);
    check(CloseAccount::new("f", "a"), r#"{"op":"close_account","id":"f","account":"a"}"#);
    check(BalanceQuery::new("b", "a"), r#"{"op":"balance","id":"b","account":"a"}"#);
    check(
        BalanceQuery::new("b", "a").with_at("2026-11-22T10:00:00Z"),
        r#"{"op":"balance","id":"b","account":"a","at":"2026-11-22T10:00:00Z"}"#,
    );
    check(Ping::new("p"), r#"{"op":"ping","id":"p"}"#);
}

#[test]
fn top_ups() {
    check(
        TopUp::new("t-1", "alice", cny(10_000)).with_bonus(cny(18_000)).with_channel("wechat").with_channel_order("c"),
        r#"{"op":"top_up","id":"t-1","account":"alice","principal":"100.00","bonus":"180.00","channel":"wechat","channel_order":"c"}"#,
    );
    check(
        TopUp::new("t-2", "alice", cny(1)).with_state(TopUpState::Pending),
        r#"{"op":"top_up","id":"t-2","account":"alice","principal":"0.01","state":"pending"}"#,
    );
    check(
        ConfirmTopUp::new("c", "t-2").with_amount(cny(1)),
        r#"{"op":"confirm_top_up","id":"c","top_up":"t-2","amount":"0.01"}"#,
    );
    check(FailTopUp::new("c", "t-2"), r#"{"op":"fail_top_up","id":"c","top_up":"t-2"}"#);
    check(
        RefundTopUp::new("r", "t-1").with_policy("ratio"),
        r#"{"op":"refund_top_up","id":"r","top_up":"t-1","policy":"ratio"}"#,
    );
}

#[test]
fn spends_and_what_follows_them() {
    let spend = Spend::new("s-1", "alice", "shop", cny(14_000));
    check(spend.clone(), r#"{"op":"spend","id":"s-1","account":"alice","merchant":"shop","amount":"140.00"}"#);
    check(
        spend.clone().with_rule("by_lot").with_lines([OrderLine::new("1", cny(14_000)).with_category("tea")]),
        r#"{"op":"spend","id":"s-1","account":"alice","merchant":"shop","amount":"140.00","rule":"by_lot","lines":[{"id":"1","amount":"140.00","category":"tea"}]}"#,
    );
    check(
        Hold::new(spend).with_expires_at("2026-11-22T10:00:00Z"),
        r#"{"op":"hold","id":"s-1","account":"alice","merchant":"shop","amount":"140.00","expires_at":"2026-11-22T10:00:00Z"}"#,
    );
    check(Capture::new("c", "h").with_amount(cny(5)), r#"{"op":"capture","id":"c","hold":"h","amount":"0.05"}"#);
    check(Release::new("c", "h"), r#"{"op":"release","id":"c","hold":"h"}"#);
    check(
        Refund::new("r-1", "s-1").with_amount(cny(100)).with_reason("cold"),
        r#"{"op":"refund","id":"r-1","spend":"s-1","amount":"1.00","reason":"cold"}"#,
    );
    check(Transfer::new("x", "a", "b", cny(100)), r#"{"op":"transfer","id":"x","from":"a","to":"b","amount":"1.00"}"#);
}
