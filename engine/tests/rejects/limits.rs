//! The most a wallet may hold, whichever way money comes in, and how many lots one spend may name.

use crate::model::engine::{CATALOG, catalog};
use crate::world::*;
use fentan_engine::accounts::{NEVER, SubId, Wallet};
use fentan_engine::ledger::decide::{Context, refund as refunds, top_up as top_ups, transfer as transfers};
use fentan_engine::ledger::{Event, Reject, Taken, TopUp};
use fentan_engine::money::MAX_BALANCE;

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
    let spent = refunds::Spent { merchant: &name, taken: &lines, refunded: 0 };
    let slice = proceeds(500, 900);
    let event = match refunds::refund(ctx(), &most(), &spent, Some(&slice), true, &refund(None)) {
        Ok(refunds::Decided::Event(event)) => Ok(event),
        Ok(refunds::Decided::GatherFirst) => panic!("the merchant has enough"),
        Err(reject) => Err(reject),
    };
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
    let text = format!("{CATALOG}\n[[offer]]\nname = \"hundredfold\"\ntier = [{{ from = \"1\", percent = \"10000\" }}]\n");
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
        Err(Reject::InsufficientFunds { payer, available, .. }) if payer == "the wallet" => assert_eq!(available, fen(30_000)),
        Err(Reject::InsufficientFunds { available, .. }) => assert_eq!(available, fen(22_000), "what the rule can take"),
        other => panic!("{other:?}"),
    }
}
