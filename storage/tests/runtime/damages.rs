//! E6: `verify` finds what is damaged in the store though every checksum is right, and says what it is.

use crate::ledger::{
    Ledger, Told, account, clear, command, confirm, hold, id, major, open, pending, refund, spend, top_up,
    top_up_until, transfer,
};
use fentan_engine::accounts::{Bucket, Fund, Funding, Limits, Slice, SliceKind, Status, SubId, Totals, Wallet};
use fentan_engine::clearing::{Clearing, ConfirmLot, Document, ReceiverAsk, SplitProceeds};
use fentan_engine::ledger::{Command, Event, GivenBack, RefundPolicy, RefundTopUp, TopUpRefundState};
use fentan_engine::money::Currency;
use fentan_engine::names::Label;
use fentan_engine::runtime::Request;
use fentan_engine::runtime::verify::{Depth, Verification, verify};
use fentan_engine::store::{IdEntry, Image, Put, Store, StoredSlice};
use fentan_storage::simulated::{SimulatedDisk, SimulatedStore};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn take_back(name: &str, top_up: &str, policy: RefundPolicy, state: Option<TopUpRefundState>) -> Request {
    let ask = RefundTopUp { top_up: id(top_up), policy: Some(policy), amount: None, state };
    command(name, Command::RefundTopUp(ask))
}

/// A ledger in which everything stands that can be damaged, stopped behind a checkpoint.
fn ledger() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 2).unwrap();
    let confirm_lot =
        ConfirmLot { top_up: id("t-a"), account: account("ann"), row: None, amount: None, fee: 0, excess: 0 };
    let receivers = vec![ReceiverAsk { account: account("rider"), ratio: None, amount: Some(major("0.03")) }];
    let split = SplitProceeds {
        merchant: account("shop"),
        split: None,
        spend: None,
        amount: Some(major("0.30")),
        receivers,
        finish: false,
    };
    for request in [
        top_up("t-a", "ann", "100.00", "50.00"),
        top_up("t-a2", "ann", "20.00", "0.00"),
        clear("cl-1", Clearing::ConfirmLot(confirm_lot)),
        spend("s-1", "ann", "shop", "30.00"),
        spend("s-2", "ann", "cafe", "3.00"),
        refund("r-1", "s-1", "10.00"),
        hold("h-1", "ann", "6.00", i64::MAX - 1),
        pending(top_up("p-1", "ann", "7.00", "1.00")),
        top_up("t-b", "bob", "10.00", "2.00"),
        take_back("x-1", "t-b", RefundPolicy::Ratio, Some(TopUpRefundState::Requested)),
        top_up("t-c", "cid", "10.00", "0.00"),
        spend("s-3", "cid", "shop", "10.00"),
        take_back("x-2", "t-c", RefundPolicy::Forced, None),
        top_up_until("t-d", "dot", "5.00", "4.00", 5_000_000),
        top_up_until("t-e", "eve", "5.00", "4.00", i64::MAX - 1),
        transfer("m-1", "dot", "eve", "1.00"),
        pending(top_up("p-2", "eve", "1.00", "0.00")),
        confirm("c-2", "p-2"),
        open("o-1", "fay", "limited"),
        top_up("t-f", "fay", "9.00", "0.00"),
        spend("s-4", "fay", "shop", "1.00"),
        command("f-1", Command::Freeze(account("bob"))),
        command("f-2", Command::Freeze(account("cafe"))),
        clear("sp-1", Clearing::Split(Box::new(split))),
    ] {
        let told = ledger.ask(request.clone());
        let done = matches!(&told, Told::Recorded(record, ..) if !matches!(record.event, Event::Rejected(_)));
        assert!(done, "{request:?}: {told:?}");
    }
    ledger.clock.store(6_000_000, Ordering::Relaxed);
    assert_eq!(ledger.balance("dot"), 444, "the gift has expired");
    ledger.checkpoint();
    ledger.engine.shutdown();
    disk
}

fn verified(disk: &SimulatedDisk, depth: Depth) -> Verification {
    let (_, reader, store) = disk.open();
    let store: Arc<dyn Store> = Arc::new(store);
    verify(&store, &reader, depth, &mut |_| {}).unwrap()
}

/// Writes another image of a wallet, as of the same position.
fn wallet(store: &SimulatedStore, name: &str, change: impl FnOnce(&mut Wallet)) {
    let mut found = None;
    let of_it = &mut |hash, its: &str, as_of, bytes: &[u8]| {
        if its == name {
            found = Some((hash, as_of, Image::read::<Wallet>("it", bytes).unwrap()));
        }
        Ok(())
    };
    store.each_wallet(0..=u64::MAX, of_it).unwrap();
    let (hash, as_of, mut wallet) = found.unwrap();
    let before = wallet.clone();
    change(&mut wallet);
    assert_ne!(wallet, before, "{name} is damaged");
    store.write(&[Put::Wallet(hash, account(name), Image::of(as_of, &wallet))]).unwrap();
}

/// The same of a slice of an account: of the first that something is in.
fn slice(store: &SimulatedStore, name: &str, change: impl FnOnce(&mut Slice)) {
    for stored in store.slices().unwrap() {
        let StoredSlice::Account(number, id, image) = stored else { continue };
        let mut slice: Slice = Image::read("it", &image.bytes).unwrap();
        if id.as_str() == name && slice != slice.empty_like() {
            change(&mut slice);
            return store.write(&[Put::Slice(number, id, Image::of(image.as_of, &slice))]).unwrap();
        }
    }
    panic!("there is no {name}");
}

fn proceeds(store: &SimulatedStore, name: &str, change: impl Fn(&mut dyn FnMut(Bucket, Fund, i128))) {
    slice(store, name, |slice| {
        let SliceKind::Merchant(proceeds) = &mut slice.kind else { panic!("{name} is a merchant") };
        change(&mut |bucket, fund, minor| proceeds.add(bucket, fund, minor));
    });
}

/// Gives a part of a lot so much more, and the balance with it.
fn give(wallet: &mut Wallet, lot: usize, part: usize, minor: i64) {
    let part = &mut wallet.lots[lot].parts[part];
    part.left += minor;
    let sub = part.sub;
    wallet.available.add(sub, minor);
}

fn refunded(store: &SimulatedStore, change: impl Fn(&mut GivenBack)) {
    let mut all = Vec::new();
    let of_it = &mut |spend, as_of, back| {
        all.push((spend, as_of, back));
        Ok(())
    };
    store.each_refunded(of_it).unwrap();
    let (spend, as_of, mut back) = all.pop().unwrap();
    change(&mut back);
    store.write(&[Put::Refunded(spend, as_of, back)]).unwrap();
}

fn document(store: &SimulatedStore, change: impl Fn(&mut Document)) {
    let mut all = Vec::new();
    let of_it = &mut |id, as_of, bytes: &[u8]| {
        all.push((id, as_of, Image::read::<Document>("it", bytes).unwrap()));
        Ok(())
    };
    store.each_document(of_it).unwrap();
    let (id, as_of, mut document) = all.pop().unwrap();
    change(&mut document);
    store.write(&[Put::Document(id, Image::of(as_of, &document))]).unwrap();
}

fn chart(store: &SimulatedStore, change: impl FnOnce(&mut Totals)) {
    for stored in store.slices().unwrap() {
        let StoredSlice::Totals(number, image) = stored else { continue };
        let (mut totals, at): (Totals, i64) = Image::read("it", &image.bytes).unwrap();
        if totals.iter().next().is_some() {
            change(&mut totals);
            return store.write(&[Put::Totals(number, Image::of(image.as_of, &(totals, at)))]).unwrap();
        }
    }
    panic!("there is no chart");
}

fn an_id(store: &SimulatedStore, change: impl Fn(u64, IdEntry) -> (u64, IdEntry)) {
    let mut first = None;
    let of_it = &mut |hash, entry: IdEntry| {
        first = Some((hash, entry));
        false
    };
    store.each_id(0..=u64::MAX, of_it).unwrap();
    let (hash, entry) = first.map(|(hash, entry)| change(hash, entry)).unwrap();
    let mut bulk = store.bulk().unwrap();
    bulk.id(hash, entry).unwrap();
    bulk.finish().unwrap();
}

type Damage = fn(&SimulatedStore);

/// What is damaged, a word of what is said, and how.
const DAMAGES: &[(&str, &str, Damage)] = &[
    ("a balance", "wallet ann: its lots have", |s| wallet(s, "ann", |w| w.available.add(SubId(0), 1))),
    ("a balance and its lot", "what is left of lots", |s| wallet(s, "ann", |w| give(w, 0, 0, 1))),
    ("the lots of one wallet, one for the other", "what is left of lots", |s| {
        wallet(s, "ann", |w| {
            give(w, 0, 0, -100);
            give(w, 1, 0, 100);
        });
    }),
    ("a lot's parts, one for the other", "what is left of lots", |s| {
        wallet(s, "ann", |w| {
            give(w, 0, 0, -100);
            give(w, 0, 1, 100);
        });
    }),
    ("two wallets, one for the other", "what is left of lots", |s| {
        wallet(s, "ann", |w| give(w, 0, 0, -100));
        wallet(s, "fay", |w| give(w, 0, 0, 100));
    }),
    ("a lot's name", "what is left of lots", |s| wallet(s, "ann", |w| w.lots[0].id = id("t-z"))),
    ("a lot that counts as used up", "count as used up", |s| wallet(s, "ann", |w| w.first_live = 2)),
    ("a lot that is gone", "and one is not or not there", |s| wallet(s, "cid", |w| w.lots.clear())),
    ("what a hold gave back", "never set aside as much", |s| {
        wallet(s, "ann", |w| w.rare_mut().holds[0].released = 601);
    }),
    ("what is set aside", "set 600 aside", |s| wallet(s, "ann", |w| w.held -= 1)),
    ("a hold", "what holds have set aside", |s| {
        wallet(s, "ann", |w| {
            w.rare_mut().holds[0].released += 100;
            w.held -= 100;
        });
    }),
    ("a hold's name", "what holds have set aside", |s| {
        wallet(s, "ann", |w| w.rare_mut().holds[0].id = id("h-9"));
    }),
    ("a top-up on its way", "top-ups on their way", |s| {
        wallet(s, "ann", |w| w.rare_mut().pending[0].grants[0].1 += 1);
    }),
    ("a top-up on its way that is gone", "top-ups on their way", |s| {
        wallet(s, "ann", |w| w.rare_mut().pending.clear());
    }),
    ("a refund of a top-up that waits", "waiting refunds", |s| {
        wallet(s, "bob", |w| {
            let open = w.rare_mut().taken_back[0].open.as_mut().unwrap();
            open.taken.lines[0].amount -= 5;
            w.held -= 5;
        });
    }),
    ("what was taken back", "taken back", |s| wallet(s, "cid", |w| w.rare_mut().taken_back[0].refunded += 1)),
    ("what is owed", "arrears", |s| wallet(s, "cid", |w| w.arrears -= 1)),
    ("what expired", "what expired", |s| wallet(s, "dot", |w| w.rare_mut().expired[0].amount += 1)),
    ("a frozen wallet", "frozen or closed", |s| wallet(s, "bob", |w| w.status = Status::Open)),
    ("an open wallet", "frozen or closed", |s| wallet(s, "ann", |w| w.status = Status::Closed)),
    ("a product", "wallets that were opened", |s| {
        wallet(s, "fay", |w| w.product = Label::new("default").unwrap().into());
    }),
    ("a currency", "wallets that were opened", |s| wallet(s, "fay", |w| w.currency = Currency::new("USD", 2).unwrap())),
    ("limits", "wallets that were opened", |s| {
        wallet(s, "fay", |w| w.rare_mut().limits = Some(Box::new(Limits { per_day: Some(1), ..Limits::default() })));
    }),
    ("an image under another name", "its key is not that of", |s| wallet(s, "fay", |w| w.id = account("ann"))),
    ("a wallet where no name of it belongs", "its key is not that of", |s| {
        let name = account("zoe");
        let wallet = Wallet::new(name.clone(), Currency::CNY, Label::new("default").unwrap());
        let mut hash = None;
        s.each_wallet(0..=u64::MAX, &mut |at, _, _, _| {
            hash = Some(at);
            Ok(())
        })
        .unwrap();
        s.write(&[Put::Wallet(hash.unwrap() ^ 1, name, Image::of(1, &wallet))]).unwrap();
    }),
    ("bytes of an image", "cannot be read", |s| {
        let mut found = None;
        s.each_wallet(0..=u64::MAX, &mut |hash, name, as_of, bytes| {
            found = Some(Put::Wallet(hash, account(name), Image { as_of, bytes: bytes[1..].to_vec() }));
            Ok(())
        })
        .unwrap();
        s.write(&[found.unwrap()]).unwrap();
    }),
    ("a merchant", "merchants' proceeds", |s| proceeds(s, "shop", |add| add(Bucket::Pending, Fund::Paid, 1))),
    ("a merchant's buckets, one for the other", "merchants' proceeds", |s| {
        proceeds(s, "shop", |add| {
            add(Bucket::Pending, Fund::Paid, -7);
            add(Bucket::Unreconciled, Fund::Paid, 7);
        });
    }),
    ("a merchant's funds, one for the other", "merchants' proceeds", |s| {
        proceeds(s, "shop", |add| {
            add(Bucket::Pending, Fund::Paid, -7);
            add(Bucket::Pending, Fund::Promoted, 7);
        });
    }),
    ("two merchants, one for the other", "merchants' proceeds", |s| {
        proceeds(s, "shop", |add| add(Bucket::Pending, Fund::Paid, -7));
        proceeds(s, "cafe", |add| add(Bucket::Pending, Fund::Paid, 7));
    }),
    ("a merchant nobody opened", "merchants that were opened", |s| {
        let slice = Slice::merchant(account("zoo"), Currency::CNY);
        s.write(&[Put::Slice(0, account("zoo"), Image::of(1, &slice))]).unwrap();
    }),
    ("a channel", "the ledger's own accounts", |s| {
        slice(s, "channel:unnamed:CNY", |slice| slice.kind = SliceKind::System(-1));
    }),
    ("the chart of accounts", "chart of accounts", |s| {
        chart(s, |totals| {
            let lines: Vec<_> = totals.iter().map(|(_, line, _)| *line).take(2).collect();
            totals.add(Currency::CNY, lines[0], 1);
            totals.add(Currency::CNY, lines[1], -1);
        });
    }),
    ("the chart out of balance", "do not balance", |s| {
        chart(s, |totals| {
            let line = totals.iter().map(|(_, line, _)| *line).next().unwrap();
            totals.add(Currency::CNY, line, 1);
        });
    }),
    ("what a refund gave back", "what refunds gave back", |s| refunded(s, |back| back.amount -= 1)),
    ("what order lines got back", "its order lines got", |s| refunded(s, |back| back.rows.push(1))),
    ("a document", "documents", |s| {
        document(s, |document| {
            let Document::Split(split) = document else { panic!("{document:?}") };
            split.merchant = account("cafe");
        });
    }),
    ("where an id's record is", "is not in the store", |s| {
        an_id(s, |hash, entry| (hash, IdEntry::new(entry.position() ^ 1, entry.account())));
    }),
    ("an id that no record has", "no record does", |s| {
        an_id(s, |hash, entry| (hash ^ 1, IdEntry::new(entry.position(), entry.account())));
    }),
    ("an id after the checkpoint that no record has", "no record does", |s| {
        an_id(s, |hash, entry| (hash ^ 1, IdEntry::new(1 << 30, entry.account())));
    }),
    ("a deadline", "no deadline says so", |s| {
        let (at, of) = s.deadlines().unwrap().into_iter().rfind(|(_, of)| of.as_str() == "ann").unwrap();
        s.write(&[Put::DropDeadline(at, of)]).unwrap();
    }),
];

#[test]
fn e6_every_damage_of_an_amount_or_an_index_is_found_and_named() {
    let disk = ledger();
    for depth in [Depth::Sums, Depth::Replay] {
        let report = verified(&disk, depth);
        assert_eq!((report.faults, report.replayed), (vec![], depth == Depth::Replay));
        assert!(report.documents > 0 && report.deadlines > 0 && report.ids > 20, "{}", report.ids);
        for (what, word, damage) in DAMAGES {
            let damaged = disk.copy();
            damage(&damaged.open().2);
            let faults = verified(&damaged, depth).faults;
            assert!(faults.iter().any(|fault| fault.contains(word)), "{what}: {word:?} is not in {faults:#?}");
        }
    }
}

/// Sums say that something differs; the replay behind them says whose it is.
#[test]
fn e6_a_replay_behind_the_sums_names_the_account() {
    let disk = ledger();
    for (damage, name) in [
        ((|s| wallet(s, "ann", |w| give(w, 0, 0, 1))) as Damage, "wallet ann: the records give"),
        (|s| wallet(s, "cid", |w| w.arrears -= 1), "wallet cid: the records give"),
        (|s| proceeds(s, "shop", |add| add(Bucket::Pending, Fund::Paid, 1)), "account shop: the records give"),
        (|s| refunded(s, |back| back.amount -= 1), "refunds of the spend"),
    ] {
        let damaged = disk.copy();
        damage(&damaged.open().2);
        let report = verified(&damaged, Depth::Sums);
        assert!(report.replayed && report.faults.iter().any(|fault| fault.contains(name)), "{name}: {report:#?}");
    }
}

/// `docs/backup.md` says what these are.
#[test]
fn e6_what_is_no_amount_is_found_by_a_replay_alone() {
    let disk = ledger();
    let unseen: [(&str, Damage); 6] = [
        ("when a part ends", |s| wallet(s, "ann", |w| w.lots[0].parts[0].expires_at -= 1)),
        ("a lot's ratio", |s| wallet(s, "ann", |w| w.lots[0].parts[0].weight += 1)),
        ("how it was paid", |s| wallet(s, "ann", |w| w.lots[0].funding = Funding::CreditCard)),
        ("whether a statement confirmed it", |s| wallet(s, "ann", |w| w.lots[0].reconciled ^= true)),
        ("a lot that is used up", |s| {
            wallet(s, "cid", |w| {
                w.lots.clear();
                w.first_live = 0;
            });
        }),
        ("what limits have counted", |s| wallet(s, "fay", |w| w.rare_mut().usage = None)),
    ];
    for (what, damage) in unseen {
        let damaged = disk.copy();
        damage(&damaged.open().2);
        assert!(!verified(&damaged, Depth::Replay).faults.is_empty(), "{what}");
        let sums = verified(&damaged, Depth::Sums);
        let told = sums.faults.iter().all(|fault| fault.contains("no deadline"));
        assert!(told, "{what} is seen by sums: say so in docs/backup.md: {:?}", sums.faults);
    }
}
