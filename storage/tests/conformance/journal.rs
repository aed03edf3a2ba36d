//! What holds of every journal (rule E6).

use crate::common::{Sealer, records};
use crate::medium::{Medium, Parts};
use fentan_engine::journal::{Append, Batch, Chain, ChainError, JournalError, seal};

pub(crate) fn e6_an_empty_journal_ends_before_position_one(medium: &mut impl Medium) {
    let mut parts = medium.open();
    assert_eq!(parts.journal.claim(1).unwrap(), Chain::START);
    assert_eq!(records(&*parts.reader, 1), []);
    assert_eq!(parts.reader.batch_at(0).unwrap(), None);
    assert_eq!(parts.reader.batch_at(1).unwrap(), None);
    parts.reader.trim(5).unwrap();
}

pub(crate) fn e6_what_is_committed_reads_back_in_order(medium: &mut impl Medium) {
    let Parts { mut journal, reader, .. } = medium.open();
    let mut sealer = Sealer::claim(&mut *journal, 1);
    let mut expected = Vec::new();
    for n in 0..200_u64 {
        let record = vec![u8::try_from(n % 251).unwrap(); usize::try_from(n * 997 % 40_000).unwrap()];
        sealer.commit(&mut *journal, &[&record]);
        expected.push((n + 1, record));
    }
    assert!(records(&*reader, 1) == expected);
    assert!(records(&*reader, 150) == expected[149..]);
}

pub(crate) fn e6_several_batches_of_one_append_are_all_there(medium: &mut impl Medium) {
    let Parts { mut journal, reader, .. } = medium.open();
    let mut sealer = Sealer::claim(&mut *journal, 1);
    sealer.commit(&mut *journal, &[b"a", b"b", b"c"]);
    sealer.commit(&mut *journal, &[]);
    sealer.commit(&mut *journal, &[b"d"]);
    let found = records(&*reader, 1);
    assert_eq!(found, [(1, b"a".to_vec()), (2, b"b".to_vec()), (3, b"c".to_vec()), (4, b"d".to_vec())]);
}

pub(crate) fn e6_an_append_elsewhere_is_refused_and_writes_nothing(medium: &mut impl Medium) {
    let Parts { mut journal, reader, .. } = medium.open();
    let mut sealer = Sealer::claim(&mut *journal, 1);
    sealer.commit(&mut *journal, &[b"a"]);
    let next = sealer.seal(&[b"b"]);
    for expected in [0, 1, 3, u64::MAX] {
        let appended = journal.append(expected, std::slice::from_ref(&next));
        assert!(
            matches!(appended, Append::Unknown(JournalError::Elsewhere { end: 1, expected: e }) if e == expected),
            "{appended:?}"
        );
    }
    assert_eq!(records(&*reader, 1).len(), 1);
    assert!(matches!(journal.append(2, &[next]), Append::Committed));
}

pub(crate) fn e6_a_batch_that_does_not_follow_is_refused_and_writes_nothing(medium: &mut impl Medium) {
    let Parts { mut journal, reader, .. } = medium.open();
    let mut sealer = Sealer::claim(&mut *journal, 2);
    sealer.commit(&mut *journal, &[b"a"]);
    let hash = sealer.end.last_hash;
    let record = [1, 0, 0, 0, b'x'];
    let wrong = [
        seal(2, 3, 2, 1, &record, &hash),
        seal(2, 1, 2, 1, &record, &hash),
        seal(2, 2, 3, 1, &record, &hash),
        seal(2, 2, 1, 1, &record, &hash),
        seal(1, 2, 2, 1, &record, &hash),
        seal(3, 2, 2, 1, &record, &hash),
        vec![0; 20],
    ];
    for (n, batch) in wrong.iter().enumerate() {
        let appended = journal.append(2, std::slice::from_ref(batch));
        assert!(matches!(appended, Append::Unknown(_)), "{n}: {appended:?}");
    }
    // Of several batches none counts when one does not follow.
    let good = sealer.seal(&[b"b"]);
    assert!(matches!(journal.append(2, &[good.clone(), good.clone()]), Append::Unknown(_)));
    assert_eq!(records(&*reader, 1).len(), 1);
    assert!(matches!(journal.append(2, &[good]), Append::Committed));
}

pub(crate) fn e6_nothing_is_appended_before_a_claim(medium: &mut impl Medium) {
    let Parts { mut journal, reader, .. } = medium.open();
    let batch = seal(1, 1, 1, 1, &[1, 0, 0, 0, b'x'], &[0; 32]);
    assert!(matches!(journal.append(1, &[batch]), Append::Unknown(_)));
    assert_eq!(records(&*reader, 1), []);
}

pub(crate) fn e6_a_writer_is_fenced_by_a_later_claim(medium: &mut impl Medium) {
    let Parts { mut journal, mut rival, reader, .. } = medium.open();
    let mut first = Sealer::claim(&mut *journal, 1);
    first.commit(&mut *journal, &[b"a"]);
    let mut second = Sealer::claim(&mut *rival, 4);
    assert_eq!(second.end, first.end);
    let appended = first.append(&mut *journal, &[b"lost"]);
    assert!(matches!(appended, Append::Fenced { term: 4 }), "{appended:?}");
    second.commit(&mut *rival, &[b"b"]);
    assert_eq!(records(&*reader, 1), [(1, b"a".to_vec()), (2, b"b".to_vec())]);
    // The first may come back with a higher term.
    let mut first = Sealer::claim(&mut *journal, 5);
    first.commit(&mut *journal, &[b"c"]);
    assert!(matches!(second.append(&mut *rival, &[b"lost"]), Append::Fenced { term: 5 }));
}

pub(crate) fn e6_a_term_is_claimed_once_and_only_upwards(medium: &mut impl Medium) {
    let Parts { mut journal, mut rival, .. } = medium.open();
    journal.claim(7).unwrap();
    for term in [0, 1, 6, 7] {
        let error = rival.claim(term).unwrap_err();
        assert!(matches!(error, JournalError::Broken { error: ChainError::Term { current: 7, .. }, .. }), "{error:?}");
    }
    rival.claim(8).unwrap();
}

pub(crate) fn e6_a_claimed_term_survives_a_crash(medium: &mut impl Medium) {
    let mut parts = medium.open();
    parts.journal.claim(7).unwrap();
    let mut parts = medium.crash(parts);
    assert!(parts.journal.claim(7).is_err());
    Sealer::claim(&mut *parts.journal, 8).commit(&mut *parts.journal, &[b"a"]);
    let mut parts = medium.reopen(parts);
    assert!(parts.journal.claim(8).is_err());
    assert_eq!(parts.journal.claim(9).unwrap().term, 8);
}

pub(crate) fn e6_committed_batches_survive_a_crash_and_an_orderly_end(medium: &mut impl Medium) {
    let mut parts = medium.open();
    let mut expected = Vec::new();
    for life in 1..=8_u64 {
        let mut sealer = Sealer::claim(&mut *parts.journal, life);
        assert_eq!(sealer.end.next_position, expected.len() as u64 + 1);
        for n in 0..20 {
            let record = vec![u8::try_from(life).unwrap(); n * 5_000];
            sealer.commit(&mut *parts.journal, &[&record]);
            expected.push((expected.len() as u64 + 1, record));
        }
        parts = if life % 2 == 0 { medium.crash(parts) } else { medium.reopen(parts) };
        assert!(records(&*parts.reader, 1) == expected, "after life {life}");
    }
}

pub(crate) fn e6_lives_without_a_write_do_no_harm(medium: &mut impl Medium) {
    let mut parts = medium.open();
    let mut term = 0;
    for writes in [0, 0, 3, 0, 0, 1, 0, 2, 0] {
        for _ in 0..writes {
            term += 1;
            Sealer::claim(&mut *parts.journal, term).commit(&mut *parts.journal, &[b"a"]);
        }
        parts = medium.crash(parts);
        assert_eq!(records(&*parts.reader, 1).len() as u64, term);
    }
}

/// Batches of 1 to 10 records: positions 1, 2–3, 4–6, 7–10, …
fn growing(parts: &mut Parts) {
    let mut sealer = Sealer::claim(&mut *parts.journal, 1);
    for n in 1..=10_usize {
        let record: &[u8] = &vec![7; n * 3_000];
        let expected = sealer.end.next_position;
        let batch = sealer.seal(&vec![record; n]);
        assert!(matches!(parts.journal.append(expected, &[batch]), Append::Committed));
    }
}

/// The first position of the batch that holds a position, in `growing`.
fn holder(position: u64) -> u64 {
    (0..10).map(|n| n * (n + 1) / 2 + 1).filter(|first| *first <= position).max().unwrap()
}

pub(crate) fn e6_reading_begins_with_the_batch_that_holds_the_position(medium: &mut impl Medium) {
    let mut parts = medium.open();
    growing(&mut parts);
    assert_eq!(records(&*parts.reader, 0).len(), 55);
    for position in 1..=55 {
        let found = records(&*parts.reader, position);
        assert_eq!(found[0].0, holder(position), "from {position}");
        assert_eq!(found.last().unwrap().0, 55);
    }
    assert_eq!(records(&*parts.reader, 56), []);
    assert_eq!(records(&*parts.reader, u64::MAX), []);
}

pub(crate) fn e6_reading_stops_when_told_to(medium: &mut impl Medium) {
    let mut parts = medium.open();
    growing(&mut parts);
    let mut visited = 0;
    let visit = &mut |_: &[u8]| {
        visited += 1;
        visited < 3
    };
    parts.reader.read(1, visit).unwrap();
    assert_eq!(visited, 3);
}

pub(crate) fn e6_a_batch_is_found_by_any_position_in_it(medium: &mut impl Medium) {
    let mut parts = medium.open();
    growing(&mut parts);
    for position in 1..=55 {
        let bytes = parts.reader.batch_at(position).unwrap().unwrap();
        let batch = Batch::open(&bytes).unwrap();
        assert_eq!(batch.first, holder(position));
        assert!(batch.record(position).is_some());
    }
    for position in [0, 56, 57, u64::MAX] {
        assert_eq!(parts.reader.batch_at(position).unwrap(), None);
    }
}

pub(crate) fn e6_trimming_keeps_the_batch_that_holds_the_position(medium: &mut impl Medium) {
    let mut parts = medium.open();
    growing(&mut parts);
    for below in [0, 1, 2, 3, 9, 22, 5, 40] {
        parts.reader.trim(below).unwrap();
    }
    assert_eq!(records(&*parts.reader, 1)[0].0, holder(40));
    assert_eq!(records(&*parts.reader, 50)[0].0, holder(50));
    assert_eq!(parts.reader.batch_at(holder(40) - 1).unwrap(), None);
    assert!(parts.reader.batch_at(holder(40)).unwrap().is_some());
    // The journal goes on as if nothing had been trimmed.
    let mut sealer = Sealer::claim(&mut *parts.journal, 2);
    sealer.commit(&mut *parts.journal, &[b"on"]);
    assert_eq!(records(&*parts.reader, 1).last().unwrap(), &(56, b"on".to_vec()));
}

pub(crate) fn e6_trimming_above_the_end_keeps_the_last_batch(medium: &mut impl Medium) {
    let mut parts = medium.open();
    growing(&mut parts);
    parts.reader.trim(u64::MAX).unwrap();
    assert_eq!(records(&*parts.reader, 1)[0].0, 46);
    let mut parts = medium.reopen(parts);
    assert_eq!(parts.journal.claim(2).unwrap().next_position, 56);
}

pub(crate) fn e6_trimmed_batches_stay_forgotten(medium: &mut impl Medium) {
    let mut parts = medium.open();
    growing(&mut parts);
    parts.reader.trim(20).unwrap();
    let parts = medium.crash(parts);
    assert_eq!(records(&*parts.reader, 1)[0].0, holder(20));
    let parts = medium.reopen(parts);
    assert_eq!(records(&*parts.reader, 1)[0].0, holder(20));
}
