//! How fast the rule lab replays a journal: writes one of so many spends, then replays it three times, or as often
//! as a third argument says.
//!
//! ```sh
//! cargo build --release --workspace --examples
//! taskset -c 1 target/release/examples/lab_speed 2000000 principal_first
//! ```
//!
//! 100,000 wallets with one lot each, 1,000 merchants of which a few get most, ids like UUIDs, spends of 0.01 to
//! 9.99 under `by_lot`, batches of 2,000 records: what the load scenario `one_spend` makes.

#![allow(clippy::unwrap_used, clippy::float_arithmetic, clippy::cast_precision_loss, reason = "it measures")]

use fentan_engine::accounts::{Funding, NEVER, Slice, Wallet};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::journal::{Append, Journal, seal};
use fentan_engine::lab::{Period, run};
use fentan_engine::ledger::decide::{Context, spend, top_up};
use fentan_engine::ledger::{Command, Record, Spend, TopUp, TopUpState, effect};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_storage::{DataFolder, Options};
use std::time::Instant;

const WALLETS: u64 = 100_000;
const MERCHANTS: u64 = 1_000;
const BATCH: usize = 2_000;

const CATALOG: &str = r#"
[[product]]
name = "default"
currency = "CNY"
decimals = 2
rule = "by_lot"

[[rule]]
name = "by_lot"
version = 1
method = "lot_ratio"

[[rule]]
name = "principal_first"
version = 1
method = "ordered"
order = ["principal", "bonus"]
"#;

/// Numbers that look random (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn id(&mut self) -> CommandId {
        let (high, low) = (self.next(), self.next());
        let text = format!("{:08x}-{:04x}-4000-a000-{:012x}", high >> 32, high & 0xffff, low >> 16);
        CommandId::new(&text).unwrap()
    }
}

/// The journal as it is written: records gathered to batches.
struct Writer<J> {
    journal: J,
    chain: fentan_engine::journal::Chain,
    bytes: Vec<u8>,
    count: u32,
}

impl<J: Journal> Writer<J> {
    fn put(&mut self, record: &Record) {
        let mut encoded = Vec::new();
        record.encode(&mut encoded);
        self.bytes.extend_from_slice(&u32::try_from(encoded.len()).unwrap().to_le_bytes());
        self.bytes.extend_from_slice(&encoded);
        self.count += 1;
        if self.count as usize == BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.count == 0 {
            return;
        }
        let chain = &self.chain;
        let sealed =
            seal(chain.term, chain.next_number, chain.next_position, self.count, &self.bytes, &chain.last_hash);
        let after = fentan_engine::journal::Chain::after(&fentan_engine::journal::Batch::open(&sealed).unwrap());
        assert!(matches!(self.journal.append(chain.next_position, &[sealed]), Append::Committed));
        (self.chain, self.count) = (after, 0);
        self.bytes.clear();
    }
}

fn main() {
    let spends: u64 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let rule = std::env::args().nth(2).unwrap_or_else(|| "principal_first".into());
    let replays: u32 = std::env::args().nth(3).map_or(3, |text| text.parse().unwrap());
    let spec: CatalogSpec = toml::from_str(CATALOG).unwrap();
    let catalog = Catalog::from_spec(&spec).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(&folder, &catalog, spends);
    let rule = catalog.rule_version(&Label::new(&rule).unwrap(), 1).unwrap();
    for _ in 0..replays {
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let (reader, _) = DataFolder::open_read_only(folder.path(), &Options::default()).unwrap();
        let report = run(&reader, &catalog, rule, Period::default(), &mut |_, _, _| {}).unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = cpu_seconds() - cpu;
        assert!(report.faults.is_empty());
        let rate = |seconds: f64| report.records as f64 / seconds.max(0.01);
        let (wall, busy) = (rate(seconds), rate(cpu));
        println!("{} records: {seconds:.2} s, {wall:.0}/s; on the processor {cpu:.2} s, {busy:.0}/s", report.records);
    }
}

/// What this process has used of a processor: where others want it as well, the clock says too much.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok());
    f64::from(ticks.sum::<u32>()) / 100.0
}

fn write(folder: &tempfile::TempDir, catalog: &Catalog, spends: u64) {
    let (mut journal, _, _) = DataFolder::open(folder.path(), &Options::default()).unwrap();
    let chain = journal.claim(1).unwrap();
    let chain = fentan_engine::journal::Chain { term: 1, ..chain };
    let mut writer = Writer { journal, chain, bytes: Vec::new(), count: 0 };
    let mut random = Random(7);
    let mut now = 1_795_341_600_000_000;
    let name = |kind: &str, number: u64| AccountId::new(&format!("{kind}-{number:06}")).unwrap();
    let mut wallets = Vec::new();
    for number in 0..WALLETS {
        let account = name("w", number);
        let ask = TopUp {
            account: account.clone(),
            principal: Major::from_minor(1_000_000, Currency::CNY),
            bonus: Some(Major::from_minor(1_800_000, Currency::CNY)),
            offer: None,
            channel: None,
            channel_order: None,
            funding: Funding::DebitCard,
            expires_at: None,
            bonus_expires_at: Some(NEVER),
            state: TopUpState::Confirmed,
        };
        let (event, currency) = top_up::top_up(Context { catalog, now }, None, &ask).unwrap();
        let record = Record { id: random.id(), at: now, currency, slice: 0, command: Command::TopUp(ask), event };
        let mut wallet = Wallet::new(account, currency, Label::new("default").unwrap());
        effect(&record, &mut wallet);
        writer.put(&record);
        wallets.push(wallet);
    }
    let merchants: Vec<_> = (0..MERCHANTS).map(|n| Slice::merchant(name("m", n), Currency::CNY)).collect();
    for _ in 0..spends {
        now += 10;
        let wallet = &mut wallets[usize::try_from(random.next() % WALLETS).unwrap()];
        // The smaller of two: the first merchants get most.
        let merchant = (random.next() % MERCHANTS).min(random.next() % MERCHANTS);
        let merchant = &merchants[usize::try_from(merchant).unwrap()];
        let ask = Spend {
            account: wallet.id.clone(),
            merchant: merchant.id.clone(),
            amount: Major::from_minor(i64::try_from(1 + random.next() % 999).unwrap(), Currency::CNY),
            rule: None,
            order: None,
            tags: std::iter::empty().collect(),
            lines: std::iter::empty().collect(),
        };
        let event = spend::spend(Context { catalog, now }, Some(wallet), Some(merchant), &ask).unwrap();
        let command = Command::Spend(ask);
        let record = Record { id: random.id(), at: now, currency: Currency::CNY, slice: 0, command, event };
        effect(&record, wallet);
        writer.put(&record);
    }
    writer.flush();
}
