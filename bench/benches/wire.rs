//! What the wire costs: reading a spend and writing its answer, without sockets and shards.
//!
//! Bars, on one core: a plain line of a spend at most 150 ns, its answer at most 100 ns. The general way of reading
//! stands beside the short one.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fentan_engine::accounts::{Funding, Lot, NEVER, Part, SubId, Wallet};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::ledger::decide::{Context, spend};
use fentan_engine::ledger::{Command, Record};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_engine::runtime::{Answer, Body, Outcome, Request, Seq};
use fentan_gateway::bench::{Answers, batch, general, plain};
use std::hint::black_box;
use std::sync::Arc;

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

const LINE: &[u8] =
    br#"{"op":"spend","id":"s-000123456789abc","account":"w-000123456","merchant":"m-000123","amount":"12.34","rule":"by_lot"}"#;
/// Requests of the batch.
const BATCH: usize = 8_190;
/// Answers of a parcel.
const PARCEL: u64 = 64;

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a plain spend", |b| b.iter(|| plain(black_box(LINE))));
    group.bench_function("a spend, the general way", |b| b.iter(|| general(black_box(LINE))));
    let line = [b"[", &*vec![LINE; BATCH].join(&b','), b"]"].concat();
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("a batch of 8,190 plain spends", |b| b.iter(|| batch(black_box(&line))));
    group.finish();
}

/// The line's spend, decided on a wallet of one lot of two sub-balances.
fn spent(catalog: &Catalog) -> Record {
    let part = |sub, minor| Part { sub, weight: minor, granted: minor, left: minor, expires_at: NEVER };
    let mut wallet = Wallet::new(AccountId::internal("w-000123456"), Currency::CNY, Label::internal("default"));
    wallet.lots.push(Lot {
        id: CommandId::internal("t-000123456789abc"),
        parts: [part(SubId::PRINCIPAL, 10_000), part(SubId::BONUS, 18_000)].into_iter().collect(),
        funding: Funding::DebitCard,
        reconciled: false,
    });
    for part in &wallet.lots[0].parts {
        wallet.available.add(part.sub, part.left);
    }
    let Request { id, body: Body::Command(Command::Spend(ask)) } = plain(LINE).expect("a plain line") else {
        panic!("the line is a spend")
    };
    let now = 1_767_225_600_000_000;
    let event = spend::spend(Context { catalog, now }, Some(&wallet), None, &ask).expect("the wallet has enough");
    Record { id, at: now, currency: Currency::CNY, slice: 0, command: Command::Spend(ask), event }
}

fn writing(c: &mut Criterion) {
    let spec: CatalogSpec = toml::from_str(RULES).expect("the rules are TOML");
    let catalog = Arc::new(Catalog::from_spec(&spec).expect("the rules are right"));
    let record = spent(&catalog);
    let outcome = Outcome::Recorded { record: &record, replayed: false };
    let mut group = c.benchmark_group("write");
    group.throughput(Throughput::Elements(PARCEL));
    group.bench_function("the answers to a parcel of 64 spends", |b| {
        let mut answers = Answers::default();
        b.iter(|| {
            for index in 0..64 {
                answers.put(black_box(Answer { outcome, seq: Seq::Fresh(index), catalog: &catalog }));
            }
            answers.place(12_345_678, 12_345_741);
            answers.clear()
        });
    });
    group.finish();
}

criterion_group!(benches, reading, writing);
criterion_main!(benches);
