//! How shards share a budget, without the runtime: random gifts and returns on up to four shards, each
//! decided as a step decides it. Whatever happens, no more than the budget is given; a gift is refused only
//! when it is larger than all that is left; and few gifts look beyond their shard.
//!
//! The last test plants a bug: shares that do not look at what other shards have. It is seen.

use fentan_engine::accounts::{Room, Share, deal, left};
use fentan_engine::money::Currency;
use proptest::prelude::*;

/// How shares are made: from the slices, and the shard that asks.
type Deal = fn((i64, Currency), &[i128], usize, u64) -> Vec<Share>;

#[derive(Debug, Clone)]
enum Turn {
    /// A gift on a shard.
    Gift { shard: usize, minor: i64 },
    /// Something that this shard gave comes back.
    Back { shard: usize, percent: i64 },
    /// Somebody changes the budget.
    Budget(i64),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        20 => (0..4_usize, prop_oneof![1..=3_i64, 1..=90_i64]).prop_map(|(shard, minor)| Turn::Gift { shard, minor }),
        2 => (0..4_usize, 1..=100_i64).prop_map(|(shard, percent)| Turn::Back { shard, percent }),
        1 => (100..900_i64).prop_map(Turn::Budget),
    ]
}

#[derive(Debug, Default)]
struct Seen {
    given: u32,
    refused: u32,
    looked_at_all: u32,
}

/// Runs the turns; says what went wrong.
fn run(shards: usize, turns: &[Turn], deal: Deal) -> Result<Seen, String> {
    let mut budget = 500;
    let mut slices = vec![0_i128; shards];
    let mut dealt: Vec<Option<Share>> = vec![None; shards];
    let (mut returns, mut seen) = (0, Seen::default());
    for turn in turns {
        match *turn {
            Turn::Budget(changed) => budget = changed,
            Turn::Back { shard, percent } => {
                let slice = &mut slices[shard % shards];
                *slice += -*slice * i128::from(percent) / 100;
                returns += 1;
            }
            Turn::Gift { shard, minor } => {
                let at = shard % shards;
                let key = (budget, Currency::CNY);
                let room = dealt[at].as_ref().map_or(Room::Here(0), |s| s.room(key, slices[at], returns, minor));
                let all = left(budget, &slices);
                let gives = match room {
                    Room::Here(here) if minor <= here => true,
                    Room::Here(_) => {
                        seen.looked_at_all += 1;
                        let gives = minor <= all;
                        let mut after = slices.clone();
                        after[at] -= if gives { i128::from(minor) } else { 0 };
                        dealt = deal(key, &after, at, returns).into_iter().map(Some).collect();
                        gives
                    }
                    Room::InAll(_) => false,
                };
                if gives != (minor <= all) {
                    return Err(format!("{turn:?}: given {gives}, and {all} were left of {budget}: {slices:?}"));
                }
                if gives {
                    slices[at] -= i128::from(minor);
                    seen.given += 1;
                } else {
                    seen.refused += 1;
                }
            }
        }
    }
    Ok(seen)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn w1_shards_give_exactly_what_a_budget_has(shards in 1..=4_usize, turns in prop::collection::vec(turn(), 1..200)) {
        run(shards, &turns, deal).map_err(TestCaseError::fail)?;
    }
}

/// A thousand gifts of a budget that has a thousand: at first few of them look at all shards, at the end a
/// shard knows by itself that nothing is left.
#[test]
fn e3_few_gifts_look_beyond_their_shard() {
    let mut turns = vec![Turn::Budget(100_000)];
    turns.extend((0..4_000).map(|n| Turn::Gift { shard: n % 4, minor: 100 }));
    let seen = run(4, &turns, deal).expect("the budget holds");
    assert_eq!((seen.given, seen.refused), (1_000, 3_000));
    assert!(seen.looked_at_all < 40, "{seen:?}");
}

/// Planted: each shard's share is all that is left, as if the others had none.
#[test]
fn planted_shares_that_do_not_look_at_other_shards_are_seen() {
    fn planted(budget: (i64, Currency), slices: &[i128], _: usize, returns: u64) -> Vec<Share> {
        let all: i128 = slices.iter().sum();
        slices.iter().flat_map(|_| deal(budget, &[all], 0, returns)).collect()
    }
    let turns: Vec<Turn> = (0..40).map(|n| Turn::Gift { shard: n % 2, minor: 30 }).collect();
    assert!(run(2, &turns, planted).is_err(), "more than the budget was given, and nobody saw it");
    assert!(run(2, &turns, deal).is_ok());
}
