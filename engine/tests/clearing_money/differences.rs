//! W6: the field in which two commands with one id differ; and by which name a command finds its shard.

use crate::world::*;
use fentan_engine::clearing::{
    Clearing, ConfirmPayout, ReleaseSplit, Settle, SettlementLine, SplitProceeds, WithdrawFunds,
};
use fentan_engine::money::Currency;

fn split(ask: SplitProceeds) -> Clearing {
    Clearing::Split(Box::new(ask))
}

fn settle(ask: Settle) -> Clearing {
    Clearing::Settle(Box::new(ask))
}

#[test]
fn w6_two_commands_with_one_id_differ_in_a_field() {
    let a_split = || new_split("1.00", &[("r-1", "1%")]);
    let a_run = || run("2026-11-27", "1.00", "0.00");
    let returned = |split: &str, receiver: &str, amount| Clearing::ReturnSplit(return_of(split, receiver, amount));
    let confirm = |ask: ConfirmPayout| Clearing::ConfirmPayout(ask);
    let fail = |settlement: &str, reason: &str| Clearing::FailPayout(failed(settlement, reason));
    let withdraw = |ask: WithdrawFunds| Clearing::WithdrawFunds(ask);
    let points = Currency::new("PTS", 0).unwrap();
    let line = SettlementLine { what: label("spend"), count: 1, amount: 1 };
    let released = |split: &str| Clearing::ReleaseSplit(ReleaseSplit { split: id(split) });
    let a_release = released("sp-1");
    let a_return = returned("sp-1", "r-1", None);
    let a_payout = Clearing::SendPayout(send(&["se-1"]));
    let table = [
        (split(a_split()), split(SplitProceeds { merchant: account("m-2"), ..a_split() }), "merchant"),
        (split(a_split()), split(SplitProceeds { split: Some(id("x")), ..a_split() }), "split"),
        (split(a_split()), split(SplitProceeds { spend: Some(id("x")), ..a_split() }), "spend"),
        (split(a_split()), split(SplitProceeds { amount: None, ..a_split() }), "amount"),
        (split(a_split()), split(SplitProceeds { receivers: Vec::new(), ..a_split() }), "receivers"),
        (split(a_split()), split(SplitProceeds { finish: false, ..a_split() }), "finish"),
        (a_release.clone(), released("sp-2"), "split"),
        (a_release.clone(), a_return.clone(), "op"),
        (a_return.clone(), returned("sp-2", "r-1", None), "split"),
        (a_return.clone(), returned("sp-1", "r-2", None), "receiver"),
        (a_return, returned("sp-1", "r-1", Some("1.00")), "amount"),
        (settle(a_run()), settle(Settle { merchant: account("m-2"), ..a_run() }), "merchant"),
        (settle(a_run()), settle(Settle { currency: points, ..a_run() }), "currency"),
        (settle(a_run()), settle(run("2026-11-28", "1.00", "0.00")), "run_day"),
        (settle(a_run()), settle(Settle { cutoff: 1, ..a_run() }), "cutoff"),
        (settle(a_run()), settle(run("2026-11-27", "2.00", "0.00")), "at_cutoff_paid"),
        (settle(a_run()), settle(run("2026-11-27", "1.00", "1.00")), "at_cutoff_promoted"),
        (settle(a_run()), settle(Settle { lines: vec![line], ..a_run() }), "lines"),
        (settle(a_run()), settle(Settle { from: 2, ..a_run() }), "from"),
        (settle(a_run()), settle(Settle { to: 10, ..a_run() }), "to"),
        (a_payout, Clearing::SendPayout(send(&["se-2"])), "settlements"),
        (confirm(confirmed("se-1")), confirm(confirmed("se-2")), "settlement"),
        (confirm(confirmed("se-1")), confirm(ConfirmPayout { by: label("me"), ..confirmed("se-1") }), "by"),
        (
            confirm(confirmed("se-1")),
            confirm(ConfirmPayout { reference: "r-2".into(), ..confirmed("se-1") }),
            "reference",
        ),
        (fail("se-1", "a"), fail("se-2", "a"), "settlement"),
        (fail("se-1", "a"), fail("se-1", "b"), "reason"),
        (
            withdraw(withdrawal("1.00", None)),
            withdraw(WithdrawFunds { channel: label("alipay"), ..withdrawal("1.00", None) }),
            "channel",
        ),
        (
            withdraw(withdrawal("1.00", None)),
            withdraw(WithdrawFunds { currency: points, ..withdrawal("1.00", None) }),
            "currency",
        ),
        (withdraw(withdrawal("1.00", None)), withdraw(withdrawal("2.00", None)), "amount"),
        (withdraw(withdrawal("1.00", None)), withdraw(withdrawal("1.00", Some("0.10"))), "fee"),
    ];
    for (one, other, field) in table {
        assert_eq!(one.difference(&one), None, "{one:?}");
        assert_eq!(one.difference(&other), Some(field), "{one:?}");
    }
}

#[test]
fn w6_a_run_that_is_run_again_is_the_same_settlement() {
    let first = settle(run("2026-11-27", "1.00", "0.00"));
    let later = Settle { settled_since: 100, carried_in: 7, ..run("2026-11-27", "1.00", "0.00") };
    assert_eq!(first.difference(&settle(later)), None, "what was settled since is read when it is run");
}

#[test]
fn e1_what_names_a_document_is_decided_where_it_lives() {
    let table = [
        (split(new_split("1.00", &[("r-1", "1%")])), "split", None),
        (Clearing::ReleaseSplit(ReleaseSplit { split: id("sp-1") }), "release_split", Some("sp-1")),
        (Clearing::ReturnSplit(return_of("sp-1", "r-1", None)), "return_split", Some("sp-1")),
        (settle(run("2026-11-27", "1.00", "0.00")), "settle", None),
        (Clearing::SendPayout(send(&["se-1"])), "send_payout", None),
        (Clearing::ConfirmPayout(confirmed("se-1")), "confirm_payout", Some("se-1")),
        (Clearing::FailPayout(failed("se-1", "x")), "fail_payout", Some("se-1")),
        (Clearing::WithdrawFunds(withdrawal("1.00", None)), "withdraw_funds", None),
    ];
    for (ask, op, seat) in table {
        assert_eq!((ask.op(), ask.seat()), (op, seat));
        assert_eq!(ask.account(), None, "no wallet is touched (rule C1)");
    }
}
