//! The rate and the memory of matching (rule C4): rows against booked orders, on one thread.
//!
//! ```sh
//! cargo run --release -p fentan-engine --example matching -- 10000000 2000000 3
//! ```
//!
//! Arguments: booked orders, rows of the channel statement, runs. Nine rows of ten find their order, each another one,
//! far apart; the others are in the channel only. The rows are made before the clock starts, so a rate is of matching
//! alone; what the keys cost is measured apart.

use fentan_engine::clearing::matching::{
    Booked, Key, Keying, Keys, Kind, Label, Matcher, Names, Orders, Outcome, Rules, Seen, Status, Trade,
};
use fentan_engine::money::Currency;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// A permutation of 64 bits without a pattern, in place of a random generator (splitmix64).
const fn scatter(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn keys(order: u64) -> Keys {
    let bits = u128::from(scatter(order)) << 64 | u128::from(scatter(!order));
    Keys { key: Key::from_bits(bits), fallback: None }
}

/// Between one fen and a thousand yuan.
fn amount(order: u64) -> i64 {
    i64::try_from(scatter(order) % 100_000).map_or(1, |fen| fen + 1)
}

fn orders(count: u64) -> Orders {
    let mut orders = Orders::with_capacity(usize::try_from(count).expect("it fits into memory"));
    for order in 0..count {
        let booked = Booked {
            keys: keys(order),
            kind: Kind::Payment,
            amount: amount(order),
            fee: Some(60),
            currency: Currency::CNY,
            // In no order, the worst case for the leftovers.
            at_us: i64::try_from(scatter(order) >> 20).expect("44 bits"),
            trade: Trade(1),
            reference: order,
        };
        orders.book(&booked).expect("there is room");
    }
    orders
}

/// A prime, so that each row has another order, far from the one before.
const STRIDE: u64 = 6_700_417;

fn row(line: u64, orders: u64) -> Seen {
    let order = if line % 10 == 9 { orders + line } else { line * STRIDE % orders };
    Seen {
        keys: keys(order),
        kind: Kind::Payment,
        amount: amount(order),
        fee: Some(60),
        status: Status::Succeeded,
        currency: Currency::CNY,
        trade: Trade(1),
        at_us: 0,
        line,
    }
}

fn rate(count: u64, took: Duration) -> String {
    let each = took.as_nanos() / u128::from(count.max(1));
    let second = u128::from(count) * 1_000_000_000 / took.as_nanos().max(1);
    format!("{second} a second, {each} ns each, {} ms", took.as_millis())
}

/// `VmRSS` of this process in KiB, where there is a `/proc`.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

fn is_match(outcome: &Outcome) -> u64 {
    u64::from(matches!(outcome, Outcome::Matched(_)))
}

fn run(order_count: u64, row_count: u64) {
    let before = resident();
    let begun = Instant::now();
    let orders = orders(order_count);
    let booked = begun.elapsed();
    println!("  book    {}", rate(order_count, booked));
    let begun = Instant::now();
    let mut matcher = Matcher::new(orders, Rules { seed: 1, ..Rules::default() });
    println!("  index   {}", rate(order_count, begun.elapsed()));
    let bytes = (resident().saturating_sub(before)) * 1024;
    println!("  memory  {} MiB, {} bytes an order", bytes >> 20, bytes / order_count.max(1));

    let rows: Vec<Seen> = (0..row_count).map(|line| row(line, order_count)).collect();
    let (first, second) = rows.split_at(rows.len() / 2);
    let begun = Instant::now();
    let (mut equal, mut reports) = (0_u64, 0_u64);
    let every = NonZeroU64::new(100_000).expect("not zero");
    matcher.run(first.iter().copied(), every, |_, outcome| equal += is_match(outcome), |_| reports += 1);
    println!("  stream  {} ({reports} reports)", rate(first.len() as u64, begun.elapsed()));
    let begun = Instant::now();
    for row in second {
        equal += is_match(&matcher.seen(row));
    }
    println!("  single  {}", rate(second.len() as u64, begun.elapsed()));
    let begun = Instant::now();
    let finished = matcher.finish();
    println!("  finish  {} leftovers in {} ms", finished.leftovers.len(), begun.elapsed().as_millis());
    assert_eq!(finished.tally.count(Label::Matched), equal);
}

/// What a key costs, of a name as long as `WeChat` Pay permits.
fn key_cost() {
    const COUNT: u64 = 1_000_000;
    let names: Vec<String> = (0..1_000).map(|order| format!("20250601{order:024}")).collect();
    let begun = Instant::now();
    let mut bits = 0;
    for order in names.iter().cycle().take(1_000_000) {
        let keys = Keying::Wechat.keys(&Names { order, ..Names::default() }).expect("it has a number");
        bits ^= keys.key.to_bits();
    }
    println!("  key     {} ({:x})", rate(COUNT, begun.elapsed()), bits & 1);
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let mut next = |or| arguments.next().unwrap_or(or);
    let (orders, rows, runs) = (next(10_000_000), next(2_000_000), next(3));
    for run_number in 1..=runs {
        println!("run {run_number}: {orders} orders, {rows} rows");
        run(orders, rows);
        key_cost();
    }
}
