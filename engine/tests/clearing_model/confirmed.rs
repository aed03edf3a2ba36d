//! C2: the domain's example, and lots whose pieces went ways of their own.

use crate::desk::{Desk, account, id};
use crate::never_arrived::{pay, top_up};
use crate::order::Order;
use crate::sweep::{Sweep, Way, confirm_home};
use fentan_engine::accounts::Bucket;
use fentan_engine::ledger::Reject;

const NOW: i64 = 1_000;

fn confirm(desk: &mut Desk, lot: &str, wallet: &str) {
    let (name, ask) = confirm_home(desk, &(lot.into(), wallet.into()), 1);
    desk.clear(&name, NOW, &ask).unwrap().unwrap();
}

/// The service's way, stopped after so many commands.
fn release(desk: &mut Desk, stop: Option<usize>) {
    let ask = &mut |desk: &mut Desk, (name, ask): &crate::sweep::Asked| {
        desk.clear(name, NOW, ask)?.map_err(|reject: Reject| format!("{name}: {reject}"))
    };
    Sweep::new(Way::Right, 2).go(desk, stop, ask).unwrap();
}

/// Unreconciled and pending.
fn has(desk: &Desk) -> ([i128; 2], [i128; 2]) {
    (desk.has("m-1", Bucket::Unreconciled), desk.has("m-1", Bucket::Pending))
}

fn refund(spend: &str, amount: i128) -> Order {
    Order::Refund { spend: spend.into(), amount: Some(amount), line: None }
}

fn transfer(from: &str, to: &str, amount: i128) -> Order {
    Order::Transfer { from: from.into(), to: to.into(), amount, rule: Some("by_lot".into()) }
}

/// A spend of 300.00 is paid by t-1 with 280.00 and by t-2 with 20.00: 13.33 and 6.67.
#[test]
fn c2_what_a_confirmed_lot_pays_is_pending_at_once_and_the_rest_when_its_statement_comes() {
    let mut desk = Desk::new();
    desk.order("t-1", NOW, &top_up("w-1", 10_000, 18_000)).unwrap();
    desk.order("t-2", NOW, &top_up("w-1", 20_000, 10_000)).unwrap();
    confirm(&mut desk, "t-1", "w-1");
    desk.order("s-1", NOW, &Order::Spend(pay("w-1", 30_000))).unwrap();
    assert_eq!(has(&desk), ([1_333, 667], [10_000, 18_000]));
    confirm(&mut desk, "t-2", "w-1");
    assert_eq!(has(&desk), ([1_333, 667], [10_000, 18_000]), "what was paid before is released by itself");
    release(&mut desk, Some(0));
    assert_eq!(has(&desk), ([1_333, 667], [10_000, 18_000]));
    release(&mut desk, None);
    assert_eq!(has(&desk), ([0, 0], [11_333, 18_667]));
    release(&mut desk, None);
    assert_eq!(has(&desk), ([0, 0], [11_333, 18_667]), "once");
}

/// A refund comes out of where the money is: before the statement, between it and the release, after the release.
#[test]
fn c2_a_refund_takes_from_where_the_lot_s_money_goes_now() {
    for moment in 0..3 {
        let mut desk = Desk::new();
        desk.order("t-1", NOW, &top_up("w-1", 10_000, 18_000)).unwrap();
        desk.order("s-1", NOW, &Order::Spend(pay("w-1", 14_000))).unwrap();
        let back = |desk: &mut Desk| drop(desk.order("f-1", NOW, &refund("s-1", 2_800)).unwrap());
        if moment == 0 {
            back(&mut desk);
            assert_eq!(has(&desk), ([4_000, 7_200], [0, 0]));
        }
        confirm(&mut desk, "t-1", "w-1");
        if moment == 1 {
            back(&mut desk);
            assert_eq!(has(&desk), ([5_000, 9_000], [-1_000, -1_800]));
        }
        release(&mut desk, None);
        if moment == 2 {
            back(&mut desk);
        }
        assert_eq!(has(&desk), ([0, 0], [4_000, 7_200]), "moment {moment}");
    }
}

/// A hold pays when it is captured; what a transfer carried away pays from the other wallet.
#[test]
fn c2_holds_and_transferred_pieces_pay_by_what_is_known_when_they_pay() {
    let mut desk = Desk::new();
    desk.order("t-1", NOW, &top_up("w-1", 10_000, 18_000)).unwrap();
    desk.order("h-1", NOW, &Order::Hold(pay("w-1", 2_800), i64::MAX)).unwrap();
    desk.order("h-2", NOW, &Order::Hold(pay("w-1", 2_800), i64::MAX)).unwrap();
    desk.order("x-1", NOW, &transfer("w-1", "w-2", 5_600)).unwrap();
    desk.order("k-1", NOW, &Order::Capture { hold: "h-1".into(), amount: Some(1_400) }).unwrap();
    desk.order("s-1", NOW, &Order::Spend(pay("w-2", 2_800))).unwrap();
    assert_eq!(has(&desk), ([1_500, 2_700], [0, 0]));
    confirm(&mut desk, "t-1", "w-1");
    desk.order("k-2", NOW, &Order::Capture { hold: "h-2".into(), amount: None }).unwrap();
    desk.order("s-2", NOW, &Order::Spend(pay("w-2", 2_800))).unwrap();
    assert_eq!(has(&desk), ([2_500, 4_500], [1_000, 1_800]), "the piece in w-2 is not confirmed yet");
    for stop in 0..4 {
        release(&mut desk, Some(stop));
    }
    release(&mut desk, None);
    assert_eq!(has(&desk), ([0, 0], [3_500, 6_300]));
}

/// A wallet gets a piece from where the lot is confirmed, and then one from where it is not: what it has is confirmed,
/// and the service does not ask for that again.
#[test]
fn c2_a_piece_that_joins_a_confirmed_one_is_confirmed() {
    let mut desk = Desk::new();
    desk.order("t-1", NOW, &top_up("w-1", 10_000, 18_000)).unwrap();
    desk.order("x-1", NOW, &transfer("w-1", "w-2", 2_800)).unwrap();
    confirm(&mut desk, "t-1", "w-1");
    desk.order("x-2", NOW, &transfer("w-1", "w-3", 2_800)).unwrap();
    desk.order("x-3", NOW, &transfer("w-2", "w-3", 1_400)).unwrap();
    desk.order("s-1", NOW, &Order::Spend(pay("w-3", 4_200))).unwrap();
    desk.order("s-2", NOW, &Order::Spend(pay("w-2", 1_400))).unwrap();
    assert_eq!(has(&desk), ([500, 900], [1_500, 2_700]));
    release(&mut desk, None);
    assert_eq!(has(&desk), ([0, 0], [2_000, 3_600]));
    assert!(desk.wallet("w-2").lot(&id("t-1")).unwrap().reconciled);
    let asked = desk.answers.keys().filter(|name| name.as_str() == "confirm/t-1/w-3").count();
    assert_eq!((asked, desk.books.wallets.contains_key(&account("w-3"))), (0, true));
}

/// And the other way round: what comes from where it is confirmed joins a piece that is not, and waits with it.
#[test]
fn c2_a_piece_that_joins_one_that_waits_waits() {
    let mut desk = Desk::new();
    desk.order("t-1", NOW, &top_up("w-1", 10_000, 18_000)).unwrap();
    desk.order("x-1", NOW, &transfer("w-1", "w-2", 2_800)).unwrap();
    confirm(&mut desk, "t-1", "w-1");
    desk.order("x-2", NOW, &transfer("w-1", "w-2", 2_800)).unwrap();
    desk.order("s-1", NOW, &Order::Spend(pay("w-2", 5_600))).unwrap();
    assert_eq!(has(&desk), ([2_000, 3_600], [0, 0]));
    release(&mut desk, None);
    assert_eq!(has(&desk), ([0, 0], [2_000, 3_600]));
}
