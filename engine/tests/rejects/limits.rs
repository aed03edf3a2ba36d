//! The most a wallet may hold, whichever way money comes in, and how many lots one spend may name.

use crate::model::engine::{CATALOG, catalog};
use crate::world::*;
use fentan_engine::accounts::{Lot, MAX_LOTS, NEVER, SubId, Wallet};
use fentan_engine::allocation::RefundToExpired;
use fentan_engine::ledger::decide::{
    Context, refund as refunds, spend as spends, top_up as top_ups, transfer as transfers,
};
use fentan_engine::ledger::{Command, Event, Record, Reject, Taken, TopUp, TopUpState, effect};
use fentan_engine::money::{Currency, MAX_BALANCE};

fn most() -> Wallet {
    wallet(MAX_BALANCE - 1, 1)
}

fn holds_at_most_the_most(event: Result<Event, Reject>) {
    match event {
        Err(reject) => assert_eq!(reject.code(), "over_limit"),
        Ok(event) => {
            let after = event.after().expect("money moved");
            assert!(after.subs.sum() + after.held <= MAX_BALANCE, "{} is above {MAX_BALANCE}", after.subs.sum());
        }
    }
}

/// A spend, a top-up up to the most, and then a refund.
#[test]
fn a_refund_does_not_lift_a_wallet_above_the_most() {
    let (name, lines) = (account("m-1"), fourteen());
    let spent = refunds::Spent {
        merchant: &name,
        taken: &lines,
        refunded: 0,
        to_expired: RefundToExpired::Forfeit,
        table: None,
        rows: &[],
    };
    let event = refunds::refund(ctx(), &most(), &spent, &refund(None));
    holds_at_most_the_most(event);
}

/// A pending top-up counts when a transfer comes in, as it does when another top-up does.
#[test]
fn a_transfer_in_counts_what_is_on_its_way() {
    let mut to = empty("w-2", "default");
    let pending = waiting().rare.expect("a pending top-up");
    to.rare_mut().pending = pending.pending;
    to.rare_mut().pending[0].grants[0] = (SubId::PRINCIPAL, MAX_BALANCE - 500, NEVER);
    let full = transfers::transfer(ctx(), Some(&rich()), Some(&to), &transfer("w-2", "1.00"));
    assert_eq!(full.err().map(|reject| reject.code()), Some("over_limit"));
}

/// The same from its other end: a confirmation into a wallet that was filled meanwhile.
#[test]
fn a_confirmation_does_not_lift_a_wallet_above_the_most() {
    let mut wallet = most();
    wallet.rare = waiting().rare;
    holds_at_most_the_most(top_ups::confirm(ctx(), &wallet, &confirm("t-9", None)));
}

/// A gift that cannot be counted is refused, not forgotten.
#[test]
fn a_gift_beyond_what_can_be_counted_is_refused() {
    let text =
        format!("{CATALOG}\n[[offer]]\nname = \"hundredfold\"\ntier = [{{ from = \"1\", percent = \"10000\" }}]\n");
    let catalog = catalog(&text);
    let ask = TopUp { offer: Some(label("hundredfold")), ..top_up("10000000000000000.00") };
    let decided = top_ups::top_up(Context { catalog: &catalog, now: NOW }, None, &ask);
    assert!(decided.is_err(), "accepted: {decided:?}");
}

/// Lines name lots by a number of 16 bits. The last one is the last lot's, not everybody's.
#[test]
fn lines_of_more_lots_than_a_number_can_name_are_not_mixed_up() {
    let lots = (0..65_536).map(|number| id(&format!("t-{number}"))).collect();
    let mut taken = Taken { lots, ..Taken::default() };
    taken.push(&id("t-65535"), SubId::PRINCIPAL, 1);
    taken.push(&id("t-65536"), SubId::PRINCIPAL, 2);
    let lines: Vec<_> = taken.iter().map(|(lot, _, minor)| (lot.to_string(), minor)).collect();
    assert_eq!(lines, [("t-65535".to_string(), 1), ("t-65536".to_string(), 2)]);
}

/// "The wallet has" is followed by what the wallet has.
#[test]
fn a_wallet_that_has_too_little_says_what_it_has() {
    let ask = pay_by("400.00", "bonus_30_percent");
    let decided = fentan_engine::ledger::decide::spend::spend(ctx(), Some(&wallet(10_000, 20_000)), None, &ask);
    match decided {
        Err(Reject::InsufficientFunds { payer, available, .. }) if payer == "the wallet" => {
            assert_eq!(available, fen(30_000));
        }
        Err(Reject::InsufficientFunds { available, .. }) => {
            assert_eq!(available, fen(22_000), "what the rule can take");
        }
        other => panic!("{other:?}"),
    }
}

/// `w-1` with this many lots of 0.01 of principal, the first of them used up.
fn many_lots(count: usize) -> Wallet {
    let one = wallet(1, 0).lots[0].parts[0];
    let mut wallet = empty("w-1", "default");
    for number in 0..count {
        let mut part = one;
        part.left = i64::from(number > 0);
        wallet.available.add(part.sub, part.left);
        wallet.lots.push(Lot { id: id(&format!("many-{number}")), ..lot_of(part) });
    }
    wallet.first_live = 1;
    wallet
}

fn lot_of(part: fentan_engine::accounts::Part) -> Lot {
    Lot { parts: std::iter::once(part).collect(), ..wallet(1, 1).lots[0].clone() }
}

fn too_many(name: &str) -> Reject {
    Reject::TooManyLots { account: account(name), limit: MAX_LOTS as u64 }
}

/// Every lot counts, used up or not, and so does one that is on its way.
#[test]
fn a_wallet_has_at_most_so_many_lots() {
    let pending = TopUp { state: TopUpState::Pending, ..top_up("1.00") };
    for ask in [top_up("1.00"), pending] {
        let decide = |wallet: &Wallet| top_ups::top_up(ctx(), Some(wallet), &ask);
        assert_eq!(decide(&many_lots(MAX_LOTS)).err(), Some(too_many("w-1")));
        let mut almost = many_lots(MAX_LOTS - 1);
        decide(&almost).expect("the last lot");
        almost.rare = waiting().rare;
        assert_eq!(decide(&almost).err(), Some(too_many("w-1")), "with one on its way");
        top_ups::confirm(ctx(), &almost, &confirm("t-9", None)).expect("its place is kept");
    }
}

/// A transfer brings lots; pieces of lots that are there already are no new ones.
#[test]
fn a_transfer_in_counts_the_lots_that_are_new() {
    let mut full = many_lots(MAX_LOTS);
    full.id = account("w-2");
    let decide = |to: &Wallet| transfers::transfer(ctx(), Some(&rich()), Some(to), &transfer("w-2", "1.00"));
    assert_eq!(decide(&full).err(), Some(too_many("w-2")));
    full.lots[7].id = id("t-1");
    decide(&full).expect("a piece of a lot that is there");
}

/// The balance comes before the lots, as the variants stand.
#[test]
fn the_most_that_a_wallet_may_hold_comes_before_its_lots() {
    let mut full = many_lots(MAX_LOTS);
    full.held = MAX_BALANCE;
    let reject = top_ups::top_up(ctx(), Some(&full), &top_up("1.00")).err();
    assert_eq!(reject.map(|reject| reject.code()), Some("over_limit"));
}

/// A refund brings no lot and is not stopped by a wallet that has more of them than there may be today.
#[test]
fn lots_are_no_reason_against_a_refund() {
    let (name, lines) = (account("m-1"), fourteen());
    let spent = refunds::Spent {
        merchant: &name,
        taken: &lines,
        refunded: 0,
        to_expired: RefundToExpired::Forfeit,
        table: None,
        rows: &[],
    };
    let decided = refunds::refund(ctx(), &many_lots(MAX_LOTS + 1), &spent, &refund(None));
    assert!(decided.is_ok(), "{:?}", decided.err());
}

/// One spend that takes from as many lots as there can be, and its way to another wallet.
#[test]
fn a_spend_names_every_lot_it_takes_from() {
    let mut from = many_lots(MAX_LOTS);
    let event = spends::spend(ctx(), Some(&from), None, &pay_by("99.99", "bonus_first")).expect("there is enough");
    let taken = event.taken().expect("lines").clone();
    assert_eq!((taken.lots.len(), taken.lines.len(), taken.sum()), (9_999, 9_999, 9_999));
    assert!(
        taken.iter().zip(1..).all(|((lot, _, minor), number)| lot.as_str() == format!("many-{number}") && minor == 1)
    );
    let half = taken.piece(0, 5_000);
    assert_eq!(half.sum(), 5_000);
    assert_eq!(half.lots.len(), half.lines.len());
    let record = |command, event| Record { id: id("s-1"), at: NOW, currency: Currency::CNY, slice: 0, command, event };
    let mut paid = from.clone();
    effect(&record(Command::Spend(pay("99.99")), event), &mut paid);
    assert_eq!((paid.available.sum(), paid.first_live as usize), (0, MAX_LOTS));

    let ask = transfer("w-2", "99.99");
    let event = transfers::transfer(ctx(), Some(&from), None, &ask).expect("there is enough");
    let moved = record(Command::Transfer(ask), event);
    let mut to = empty("w-2", "default");
    effect(&moved, &mut from);
    effect(&moved, &mut to);
    assert_eq!((from.available.sum(), to.available.sum(), to.lots.len()), (0, 9_999, 9_999));
    assert_eq!((to.lots[0].id.clone(), to.lots[9_998].id.clone()), (id("many-1"), id("many-9999")));
}
