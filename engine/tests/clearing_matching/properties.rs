//! Random orders and rows with few keys, so that everything meets everything.

use crate::naive::{self, Dated};
use crate::say::{DAY, Said, keys, left, said};
use fentan_engine::clearing::matching::{
    Booked, Keys, Kind, Label, Leftover, Matcher, Orders, Rules, Seen, Status, Trade, Trades,
};
use fentan_engine::money::Currency;
use proptest::prelude::*;
use std::num::NonZeroU64;

#[derive(Debug, Clone)]
struct Case {
    orders: Vec<Booked>,
    carried: Vec<Dated>,
    rows: Vec<Seen>,
    rules: Rules,
    permitted: Vec<Trade>,
}

fn some_keys() -> impl Strategy<Value = Keys> {
    (0_u64..12, prop::option::weighted(0.4, 0_u64..12)).prop_map(|(key, fallback)| keys(key, fallback))
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![3 => Just(Kind::Payment), 2 => Just(Kind::Refund)]
}

fn currency() -> impl Strategy<Value = Currency> {
    prop_oneof![5 => Just(Currency::CNY), 1 => Just(Currency::new("JPY", 0).unwrap())]
}

fn fee() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(Some(60)), 1 => Just(Some(i64::MAX)), 1 => Just(None)]
}

fn trade() -> impl Strategy<Value = Trade> {
    prop_oneof![Just(Trade(0)), Just(Trade(1)), Just(Trade(1)), Just(Trade(200))]
}

fn orders() -> impl Strategy<Value = Vec<Booked>> {
    let one = (some_keys(), kind(), 1_i64..4, fee(), currency(), 0_i64..8, trade());
    prop::collection::vec(one, 0..30).prop_map(|all| {
        let numbered = all.into_iter().zip(0_u64..);
        let made = numbered.map(|((keys, kind, amount, fee, currency, half_days, trade), reference)| Booked {
            keys,
            kind,
            amount,
            fee,
            currency,
            at_us: half_days * DAY / 2,
            trade,
            reference,
        });
        made.collect()
    })
}

fn row() -> impl Strategy<Value = Seen> {
    let status = prop_oneof![8 => Just(Status::Succeeded), 1 => Just(Status::Failed), 1 => Just(Status::Processing)];
    (some_keys(), kind(), 1_i64..4, fee(), status, currency(), trade()).prop_map(
        |(keys, kind, amount, fee, status, currency, trade)| Seen {
            keys,
            kind,
            amount,
            fee,
            status,
            currency,
            trade,
            at_us: 0,
            line: 0,
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let carried = prop::collection::vec((row(), (0_i64..3).prop_map(|day| day * DAY)), 0..6);
    let rows = prop::collection::vec(row(), 0..80);
    let rules = (0_u16..3, 3_i64..7, any::<u64>(), any::<bool>());
    (orders(), carried, rows, rules).prop_map(|(orders, carried, rows, (pool_days, half_days, seed, all))| {
        let permitted = if all { vec![Trade(1), Trade(200)] } else { vec![Trade(1)] };
        let trades = if all { Trades::ALL } else { Trades::only([Trade(1)]) };
        let rules = Rules { end_us: 3 * DAY, today_us: half_days * DAY, pool_days, trades, seed };
        Case { orders, carried, rows, rules, permitted }
    })
}

struct Result {
    outcomes: Vec<Said>,
    leftovers: Vec<Leftover>,
    rows: u64,
    counts: Vec<(Label, u64)>,
}

/// Through `carried` and `run`.
fn engine(case: &Case, orders: &[Booked], seed: u64) -> Result {
    let mut built = Orders::default();
    for order in orders {
        built.book(order).unwrap();
    }
    let mut matcher = Matcher::new(built, Rules { seed, ..case.rules });
    let mut outcomes: Vec<Said> = case.carried.iter().map(|(row, end)| said(&matcher.carried(row, *end))).collect();
    let mut reports = Vec::new();
    let every = NonZeroU64::new(10).unwrap();
    let sink = |_: &Seen, outcome: &_| outcomes.push(said(outcome));
    matcher.run(case.rows.iter().copied(), every, sink, |tally| reports.push(tally.rows()));
    let all = (case.carried.len() + case.rows.len()) as u64;
    assert!(reports.is_sorted() && reports.last() == Some(&all), "{reports:?}");
    let finished = matcher.finish();
    let counts = Label::all().map(|label| (label, finished.tally.count(label))).collect();
    Result { outcomes, leftovers: finished.leftovers.collect(), rows: finished.tally.rows(), counts }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn c4_matching_says_what_nested_loops_say(case in case()) {
        let result = engine(&case, &case.orders, case.rules.seed);
        let today = case.rows.iter().map(|row| (*row, case.rules.end_us));
        let rows: Vec<Dated> = case.carried.iter().copied().chain(today).collect();
        let naive = naive::run(&case.orders, &rows, &case.rules, &case.permitted);
        prop_assert_eq!(&result.outcomes, &naive.outcomes);
        prop_assert_eq!(result.leftovers.iter().map(left).collect::<Vec<_>>(), naive.left);
        for leftover in &result.leftovers {
            let order = case.orders.iter().find(|order| order.reference == leftover.reference).unwrap();
            let booked =
                (order.keys.key, order.kind, order.amount, order.fee, order.currency, order.trade, order.at_us);
            let Leftover { key, kind, amount, fee, currency, trade, at_us, .. } = *leftover;
            prop_assert_eq!((key, kind, amount, fee, currency, trade, at_us), booked);
        }
        // Every row and every leftover is counted once.
        let counted: u64 = result.counts.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(counted, (rows.len() + result.leftovers.len()) as u64);
        prop_assert_eq!(result.rows, rows.len() as u64);
        let waiting = naive.outcomes.iter().filter(|said| **said == Said::Waiting).count() as u64;
        prop_assert!(result.counts.contains(&(Label::RowWaits, waiting)));
    }

    #[test]
    fn c4_the_order_of_booking_and_the_seed_change_nothing(
        (case, shuffled, seed) in case().prop_flat_map(|case| {
            let orders = Just(case.orders.clone()).prop_shuffle();
            (Just(case), orders, any::<u64>())
        })
    ) {
        let (one, other) = (engine(&case, &case.orders, case.rules.seed), engine(&case, &shuffled, seed));
        prop_assert_eq!(one.outcomes, other.outcomes);
        prop_assert_eq!(one.leftovers, other.leftovers);
        prop_assert_eq!(one.counts, other.counts);
    }
}
