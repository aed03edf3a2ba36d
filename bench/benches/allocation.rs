//! What one spend costs: allocation alone, a whole spend without I/O, and its record in bytes.
//!
//! Bars, on one core: one lot of two sub-balances at most 100 ns, eight lots at most 1 µs. Each iteration
//! meets the same wallet, so the numbers are for warm caches.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fentan_engine::accounts::{Funding, Lot, NEVER, Part, SubId, Wallet};
use fentan_engine::allocation::{LotOrder, Method, Purse, Rule, Spill, allocate, table};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::ledger::decide::{Context, spend};
use fentan_engine::ledger::{Command, Record, Spend, effect, postings};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use std::hint::black_box;

const RULES: &str = r#"
[[product]]
name = "default"
currency = "CNY"
decimals = 2
rule = "by_lot"

[[rule]]
name = "by_lot"
version = 1
method = "lot_ratio"
"#;

fn lot(number: usize) -> Lot {
    let part = |sub, minor| Part { sub, weight: minor, granted: minor, left: minor, expires_at: NEVER };
    Lot {
        id: CommandId::internal(&format!("top-up-{number:06}")),
        parts: [part(SubId::PRINCIPAL, 10_000), part(SubId::BONUS, 18_000)].into_iter().collect(),
        funding: Funding::DebitCard,
        reconciled: false,
    }
}

fn purse(lots: &[Lot]) -> Purse<'_> {
    Purse { lots, first_live: 0, currency: Currency::CNY, phase: 0, most: None }
}

fn rule(name: &str, method: Method, spill: Spill) -> Rule {
    Rule { spill, ..Rule::plain(Label::internal(name), method) }
}

fn allocation(c: &mut Criterion) {
    let subs = vec![SubId::PRINCIPAL, SubId::BONUS];
    let fifo = LotOrder::Fifo;
    let rules = [
        rule("by_lot", Method::LotRatio { order: fifo }, Spill::Reject),
        rule("by_lot_pro_rata", Method::LotRatio { order: LotOrder::ProRata }, Spill::Reject),
        rule("by_lot_expiring_first", Method::LotRatio { order: LotOrder::ExpiringFirst }, Spill::Reject),
        rule("by_balance", Method::CurrentRatio { order: fifo }, Spill::Reject),
        rule("principal_first", Method::Ordered { subs: subs.clone(), order: fifo }, Spill::Reject),
        rule(
            "fixed_100_80",
            Method::FixedRatio { weights: vec![(SubId::PRINCIPAL, 100), (SubId::BONUS, 80)], order: fifo },
            Spill::Into(subs),
        ),
    ];
    for (count, amount) in [(1, 14_000), (8, 200_000)] {
        let lots: Vec<Lot> = (0..count).map(lot).collect();
        let mut group = c.benchmark_group(format!("allocate/{count}_lots_of_two"));
        for rule in &rules {
            group.bench_function(rule.name.as_str(), |b| {
                b.iter(|| allocate(black_box(rule), black_box(purse(&lots)), black_box(amount)));
            });
        }
        group.finish();
    }
}

/// Order lines by sub-balances: a basket, and the largest order there may be.
fn tables(c: &mut Criterion) {
    let mut group = c.benchmark_group("table");
    for (lines, columns) in [(3_i64, 2_i64), (1_000, 8)] {
        let rows: Vec<i64> = (0..lines).map(|line| 1_000 + line * 7_919 % 10_007).collect();
        let whole: i64 = rows.iter().sum();
        let first: Vec<i64> = (1..columns).map(|column| whole * column / (columns * columns)).collect();
        let cols = [first.as_slice(), &[whole - first.iter().sum::<i64>()]].concat();
        group.bench_function(format!("{lines}_lines_{columns}_columns"), |b| {
            b.iter(|| table(black_box(&rows), black_box(&cols)));
        });
    }
    group.finish();
}

fn wallet() -> Wallet {
    let mut wallet = Wallet::new(AccountId::internal("w-1"), Currency::CNY, Label::internal("default"));
    wallet.lots.push(lot(1));
    for part in &wallet.lots[0].parts {
        wallet.available.add(part.sub, part.left);
    }
    wallet
}

fn ask() -> Spend {
    Spend {
        account: AccountId::internal("w-1"),
        merchant: AccountId::internal("m-1"),
        amount: Major::from_minor(14_000, Currency::CNY),
        rule: None,
        order: Some(Label::internal("order-20260101-000001")),
        tags: std::iter::empty().collect(),
        lines: std::iter::empty().collect(),
    }
}

fn record(ctx: Context<'_>, wallet: &Wallet) -> Record {
    let ask = ask();
    let event = spend::spend(ctx, Some(wallet), None, &ask).expect("the wallet has enough");
    Record {
        id: CommandId::internal("spend-000001"),
        at: ctx.now,
        currency: wallet.currency,
        slice: 0,
        command: Command::Spend(ask),
        event,
    }
}

fn whole_spend(c: &mut Criterion) {
    let spec: CatalogSpec = toml::from_str(RULES).expect("the rules are TOML");
    let catalog = Catalog::from_spec(&spec).expect("the rules are right");
    let ctx = Context { catalog: &catalog, now: 1_767_225_600_000_000 };
    let wallet = wallet();
    let mut group = c.benchmark_group("spend");
    group.bench_function("decide", |b| {
        let ask = ask();
        b.iter(|| spend::spend(ctx, Some(black_box(&wallet)), None, black_box(&ask)));
    });
    group.bench_function("decide_effect_postings", |b| {
        b.iter_batched_ref(
            || wallet.clone(),
            |wallet| {
                let record = record(ctx, wallet);
                effect(&record, wallet);
                let mut sum = 0;
                postings(&record, |posting| sum += posting.minor);
                (record, sum)
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();

    let record = record(ctx, &wallet);
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    let mut group = c.benchmark_group(format!("record/{}_bytes", bytes.len()));
    group.bench_function("encode", |b| {
        let mut out = Vec::with_capacity(512);
        b.iter(|| {
            out.clear();
            black_box(&record).encode(&mut out);
            out.len()
        });
    });
    group.bench_function("decode", |b| b.iter(|| Record::decode(black_box(&bytes))));
    group.finish();
}

criterion_group!(benches, allocation, tables, whole_spend);
criterion_main!(benches);
