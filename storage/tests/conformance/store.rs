//! What holds of every account store (rule E6).

use crate::medium::{Medium, Parts};
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::store::{IdEntry, Image, Meta, Put, Store, StoredSlice, hash_ranges};
use std::ops::RangeInclusive;

fn name(n: impl std::fmt::Display) -> AccountId {
    AccountId::internal(&format!("account {n:>6}"))
}

fn image(as_of: u64) -> Image {
    Image { as_of, bytes: as_of.to_le_bytes().repeat(1 + usize::try_from(as_of % 7).unwrap()) }
}

/// A wallet whose name's hash is this number.
fn wallet(n: u64, image: Image) -> Put {
    Put::Wallet(n, name(n), image)
}

/// The wallet of the tests that need one.
fn one_wallet(image: Image) -> Put {
    Put::Wallet(W, name("w"), image)
}

/// The hash of its name: at the end of the range, where bounds are easily wrong.
const W: u64 = u64::MAX;

fn wallets(store: &dyn Store) -> Vec<(AccountId, Image)> {
    wallets_in(store, 0..=u64::MAX)
}

fn wallets_in(store: &dyn Store, hashes: RangeInclusive<u64>) -> Vec<(AccountId, Image)> {
    let mut found = Vec::new();
    store
        .each_wallet(hashes, &mut |_, name, as_of, bytes| {
            found.push((AccountId::internal(name), Image { as_of, bytes: bytes.to_vec() }));
            Ok(())
        })
        .unwrap();
    found
}

pub(crate) fn e6_a_new_store_has_a_meta_record(medium: &mut impl Medium) {
    let parts = medium.open();
    let meta = parts.store.meta().unwrap();
    assert_eq!((meta.checkpoint, meta.term), (0, 0));
    assert_ne!(meta.hash_key, [0; 16]);
    let parts = medium.crash(parts);
    assert_eq!(parts.store.meta().unwrap(), meta, "the hash key is made once");
}

pub(crate) fn e6_meta_is_durable_once_set(medium: &mut impl Medium) {
    let mut parts = medium.open();
    let hash_key = parts.store.meta().unwrap().hash_key;
    for n in 1..=4 {
        let meta = Meta { hash_key, checkpoint: 100 * n, term: n };
        parts.store.set_meta(meta).unwrap();
        assert_eq!(parts.store.meta().unwrap(), meta);
        parts = if n % 2 == 0 { medium.crash(parts) } else { medium.reopen(parts) };
        assert_eq!(parts.store.meta().unwrap(), meta);
    }
}

/// Of a spend with order lines.
fn by_rows() -> GivenBack {
    GivenBack { amount: i64::MAX, rows: [0, i64::MAX - 1, 1].into_iter().collect() }
}

/// One of each.
fn one_of_each() -> Vec<Put> {
    vec![
        one_wallet(image(3)),
        Put::Slice(2, name("m"), image(4)),
        Put::Totals(2, image(5)),
        Put::Refunded(1 << 90, 7, GivenBack::of(-8)),
        Put::Refunded(1 << 91, 8, by_rows()),
        Put::Document(1 << 92, image(6)),
        Put::Deadline(-9, name("w")),
    ]
}

fn assert_one_of_each(store: &dyn Store, there: bool) {
    let of = usize::from;
    assert_eq!(store.wallet(W, &name("w")).unwrap(), there.then(|| image(3)));
    assert_eq!(wallets(store).len(), of(there));
    let slices = [StoredSlice::Totals(2, image(5)), StoredSlice::Account(2, name("m"), image(4))];
    assert_eq!(store.slices().unwrap(), slices[..2 * of(there)]);
    assert_eq!(store.refunded(1 << 90).unwrap(), there.then_some((7, GivenBack::of(-8))));
    assert_eq!(store.refunded(1 << 91).unwrap(), there.then_some((8, by_rows())));
    assert_eq!(store.document(1 << 92).unwrap(), there.then(|| image(6)));
    let (mut refunded, mut documents) = (Vec::new(), Vec::new());
    let refund = &mut |spend, as_of, back| {
        refunded.push((spend, as_of, back));
        Ok(())
    };
    store.each_refunded(refund).unwrap();
    let both = [(1 << 90, 7, GivenBack::of(-8)), (1 << 91, 8, by_rows())];
    assert_eq!(refunded, if there { &both[..] } else { &[] });
    let document = &mut |id, as_of, bytes: &[u8]| {
        documents.push((id, Image { as_of, bytes: bytes.to_vec() }));
        Ok(())
    };
    store.each_document(document).unwrap();
    assert_eq!(documents, if there { vec![(1 << 92, image(6))] } else { vec![] });
    assert_eq!(store.deadlines().unwrap(), [(-9, name("w"))][..of(there)]);
}

pub(crate) fn e6_what_is_written_reads_back(medium: &mut impl Medium) {
    let Parts { store, .. } = medium.open();
    assert_one_of_each(&*store, false);
    store.write(&one_of_each()).unwrap();
    assert_one_of_each(&*store, true);
    assert_eq!(store.wallet(W, &name("x")).unwrap(), None);
    assert_eq!(store.wallet(0, &name("w")).unwrap(), None);
    assert_eq!(store.id(0).unwrap(), None);
    assert_eq!(store.refunded(1 << 100).unwrap(), None);
    assert_eq!(store.document(1 << 100).unwrap(), None);
    store.write(&[]).unwrap();
}

pub(crate) fn e6_the_later_image_counts(medium: &mut impl Medium) {
    let Parts { store, .. } = medium.open();
    for n in 1..500 {
        store.write(&[one_wallet(image(n)), Put::Totals(0, image(n)), Put::Refunded(1, n, GivenBack::of(1))]).unwrap();
    }
    // In one write as well.
    store.write(&[one_wallet(image(500)), one_wallet(image(501))]).unwrap();
    assert_eq!(store.wallet(W, &name("w")).unwrap(), Some(image(501)));
    assert_eq!(store.slices().unwrap(), [StoredSlice::Totals(0, image(499))]);
    assert_eq!(store.refunded(1).unwrap(), Some((499, GivenBack::of(1))));
}

pub(crate) fn e6_scans_are_in_order_and_whole(medium: &mut impl Medium) {
    let Parts { store, .. } = medium.open();
    let meta = store.meta().unwrap();
    // Out of order, in memory and in files.
    for n in 0..2_000_u64 {
        let n = n * 1_237 % 2_000;
        let at = i64::try_from(n).unwrap() - 1_000;
        let slice = u16::try_from(n % 300).unwrap();
        store.write(&[wallet(n, image(n)), Put::Deadline(at, name(n)), Put::Slice(slice, name(n), image(n))]).unwrap();
        if n % 500 == 0 {
            store.set_meta(meta).unwrap();
        }
    }
    let expected: Vec<_> = (0..2_000).map(|n| (name(n), image(n))).collect();
    assert!(wallets(&*store) == expected);
    assert!(wallets_in(&*store, 500..=899) == expected[500..900]);
    assert!(store.wallets_about().unwrap() >= 2_000);
    let expected: Vec<_> = (0..2_000).map(|n| (i64::from(n) - 1_000, name(n))).collect();
    assert!(store.deadlines().unwrap() == expected);
    let slices = store.slices().unwrap();
    assert_eq!(slices.len(), 2_000);
    assert!(slices.is_sorted_by_key(|slice| match slice {
        StoredSlice::Account(slice, id, _) => (*slice, Some(id.clone())),
        StoredSlice::Totals(slice, _) => (*slice, None),
    }));
}

pub(crate) fn e6_what_is_dropped_is_gone(medium: &mut impl Medium) {
    let parts = medium.open();
    let meta = parts.store.meta().unwrap();
    parts.store.write(&one_of_each()).unwrap();
    parts.store.set_meta(meta).unwrap();
    parts
        .store
        .write(&[Put::DropSlice(2, name("m")), Put::DropDeadline(-9, name("w")), Put::DropDeadline(-8, name("w"))])
        .unwrap();
    assert_eq!(parts.store.slices().unwrap(), [StoredSlice::Totals(2, image(5))]);
    parts.store.write(&[Put::DropTotals(2)]).unwrap();
    assert_eq!(parts.store.deadlines().unwrap(), []);
    parts.store.set_meta(meta).unwrap();
    let parts = medium.crash(parts);
    assert_eq!(parts.store.slices().unwrap(), []);
    assert_eq!(parts.store.deadlines().unwrap(), []);
    assert!(parts.store.wallet(W, &name("w")).unwrap().is_some());
}

pub(crate) fn e6_everything_written_before_meta_is_durable(medium: &mut impl Medium) {
    let parts = medium.open();
    let meta = Meta { checkpoint: 1, ..parts.store.meta().unwrap() };
    parts.store.write(&one_of_each()).unwrap();
    parts.store.set_meta(meta).unwrap();
    let parts = medium.crash(parts);
    assert_one_of_each(&*parts.store, true);
    assert!(parts.store.wallets_about().unwrap() >= 1, "rather too many than too few");
    let parts = medium.reopen(parts);
    assert_one_of_each(&*parts.store, true);
    assert!(parts.store.wallets_about().unwrap() >= 1);
}

pub(crate) fn e6_a_write_is_never_torn(medium: &mut impl Medium) {
    let mut parts = medium.open();
    let mut written = 0_u64;
    for life in 0..6 {
        for _ in 0..400 * life {
            // All of one write carry one number; some 15 KiB a write, so that memtables fill and are flushed.
            written += 1;
            let big = Image { as_of: written, bytes: vec![7; 15_000] };
            let puts = [
                Put::Slice(0, name("a"), image(written)),
                Put::Slice(1, name("a"), image(written)),
                Put::Totals(0, image(written)),
                one_wallet(big),
                Put::Refunded(1, written, GivenBack::of(1)),
                Put::Document(1, image(written)),
            ];
            parts.store.write(&puts).unwrap();
        }
        parts = medium.crash(parts);
        let mut numbers: Vec<_> = parts.store.slices().unwrap().into_iter().map(|slice| as_of(&slice)).collect();
        numbers.extend(parts.store.wallet(W, &name("w")).unwrap().map(|image| image.as_of));
        numbers.extend(parts.store.refunded(1).unwrap().map(|(position, _)| position));
        numbers.extend(parts.store.document(1).unwrap().map(|image| image.as_of));
        assert!(numbers.is_empty() || numbers.len() == 6, "life {life}: {numbers:?}");
        assert!(numbers.iter().all(|n| *n == numbers[0] && *n <= written), "life {life}: {numbers:?}");
    }
}

fn as_of(slice: &StoredSlice) -> u64 {
    let (StoredSlice::Account(_, _, image) | StoredSlice::Totals(_, image)) = slice;
    image.as_of
}

fn ids(store: &dyn Store) -> Vec<u64> {
    let mut found = Vec::new();
    store
        .each_id(0..=u64::MAX, &mut |hash, entry| {
            assert_eq!(store.id(hash).unwrap(), Some(entry));
            found.push(hash);
            true
        })
        .unwrap();
    assert!(found.is_sorted(), "in the order of hashes");
    found
}

/// What a checkpoint writes in bulk is there as a whole once it is finished, and stands in for what was there before.
pub(crate) fn e6_a_bulk_is_there_once_it_is_finished(medium: &mut impl Medium) {
    const MANY: u64 = 5_000;
    let mut parts = medium.open();
    let meta = parts.store.meta().unwrap();
    for life in 1..=6 {
        let spread = |n: u64| n * (u64::MAX / MANY);
        // Through memory as well: half of what the bulk brings, and something of its own.
        for n in 0..MANY / 2 {
            parts.store.write(&[Put::Wallet(spread(n), name(n), image(life * 10))]).unwrap();
        }
        parts.store.write(&[one_wallet(image(life))]).unwrap();
        let mut bulk = parts.store.bulk().unwrap();
        for n in 0..MANY {
            // Two parts, with their own ranges.
            bulk.wallet(usize::from(n >= MANY / 2), spread(n), &name(n), &image(life * 10 + 1)).unwrap();
        }
        for n in 0..MANY {
            bulk.id(spread(n) + life, IdEntry::new(n + life, spread(n))).unwrap();
        }
        let before = if life == 1 { None } else { Some(IdEntry::new(MANY + life - 2, spread(MANY - 1))) };
        assert_eq!(parts.store.id(spread(MANY - 1) + life - 1).unwrap(), before);
        assert_eq!(parts.store.id(spread(3) + life).unwrap(), None, "not before it is finished");
        bulk.finish().unwrap();
        let check = |store: &dyn Store| {
            for n in (0..MANY).step_by(97) {
                assert_eq!(store.wallet(spread(n), &name(n)).unwrap(), Some(image(life * 10 + 1)), "life {life}, {n}");
                assert_eq!(store.id(spread(n) + life).unwrap(), Some(IdEntry::new(n + life, spread(n))));
            }
            assert_eq!(wallets(store).len() as u64, MANY + 1);
            assert_eq!(ids(store).len() as u64, MANY * life);
            let mut in_ranges = 0;
            for hashes in hash_ranges(16) {
                store
                    .each_id(hashes, &mut |_, _| {
                        in_ranges += 1;
                        true
                    })
                    .unwrap();
            }
            assert_eq!(in_ranges, MANY * life, "each is in one range");
        };
        check(&*parts.store);
        parts.store.set_meta(Meta { checkpoint: life, ..meta }).unwrap();
        check(&*parts.store);
        parts = if life % 2 == 0 { medium.crash(parts) } else { medium.reopen(parts) };
        check(&*parts.store);
        assert_eq!(parts.store.wallet(W, &name("w")).unwrap(), Some(image(life)));
    }
    // One that is dropped was never there, and does not hinder the next.
    let mut bulk = parts.store.bulk().unwrap();
    bulk.wallet(0, 1, &name("dropped"), &image(1)).unwrap();
    drop(bulk);
    let mut bulk = parts.store.bulk().unwrap();
    bulk.wallet(0, 2, &name("kept"), &image(2)).unwrap();
    bulk.finish().unwrap();
    assert_eq!(parts.store.wallet(1, &name("dropped")).unwrap(), None);
    assert_eq!(parts.store.wallet(2, &name("kept")).unwrap(), Some(image(2)));
    // Nothing at all is no matter.
    parts.store.bulk().unwrap().finish().unwrap();
}

pub(crate) fn e6_ids_are_visited_until_the_visitor_stops(medium: &mut impl Medium) {
    let Parts { store, .. } = medium.open();
    let mut bulk = store.bulk().unwrap();
    for hash in [0, 1, 1 << 63, u64::MAX] {
        bulk.id(hash, IdEntry::new(7, 0)).unwrap();
    }
    bulk.finish().unwrap();
    assert_eq!(ids(&*store), [0, 1, 1 << 63, u64::MAX]);
    for (hashes, expected) in [
        (0..=0, &[0][..]),
        (1..=1 << 63, &[1, 1 << 63]),
        (2..=3, &[]),
        (9..=u64::MAX, &[1 << 63, u64::MAX]),
        (1 << 63..=u64::MAX, &[1 << 63, u64::MAX]),
    ] {
        let mut found = Vec::new();
        store
            .each_id(hashes.clone(), &mut |hash, _| {
                found.push(hash);
                true
            })
            .unwrap();
        assert_eq!(found, expected, "{hashes:?}");
    }
    let mut visited = 0;
    store
        .each_id(0..=u64::MAX, &mut |_, _| {
            visited += 1;
            visited < 2
        })
        .unwrap();
    assert_eq!(visited, 2);
}

pub(crate) fn e6_readers_and_writers_work_at_the_same_time(medium: &mut impl Medium) {
    let Parts { store, .. } = medium.open();
    let store = &*store;
    let meta = store.meta().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..2_u16 {
            scope.spawn(move || {
                for n in 1..=300 {
                    store.write(&[Put::Slice(writer, name("a"), image(n)), wallet(writer.into(), image(n))]).unwrap();
                }
            });
        }
        scope.spawn(move || {
            for n in 1..=5 {
                store.set_meta(Meta { checkpoint: n, ..meta }).unwrap();
            }
        });
        scope.spawn(move || {
            let mut last = 0;
            while last < 300 {
                let now = store.wallet(0, &name(0)).unwrap().map_or(0, |image| image.as_of);
                assert!(now >= last);
                last = now;
            }
        });
    });
    assert_eq!(wallets(store), [(name(0), image(300)), (name(1), image(300))]);
    assert_eq!(store.meta().unwrap().checkpoint, 5);
}
