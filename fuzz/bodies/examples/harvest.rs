//! Takes seeds out of a data folder: the smallest record of each kind, and images, rows and headers as they lie on the
//! disk. `cargo run --release -p fentan-fuzz-bodies --example harvest -- DATA fuzz/seeds`; the folder of
//! `fentan demo --data` has something of most. The ledger must be stopped. A seed that is there already is left as it is;
//! one that its body refuses is named: then the body does not read what lies on the disk.

use fentan_engine::accounts::Status;
use fentan_engine::history::{HistoryStore, HistoryView, Range, Table};
use fentan_engine::journal::{Batch, JournalReader};
use fentan_engine::ledger::Record;
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, Label};
use fentan_engine::store::{Store, StoredSlice};
use fentan_fuzz_bodies::Target;
use fentan_storage::{DataFolder, Options};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The smallest input of each kind, by target and kind.
#[derive(Default)]
struct Found(BTreeMap<(&'static str, String), Vec<u8>>);

impl Found {
    fn offer(&mut self, target: &'static str, kind: impl Into<String>, bytes: Vec<u8>) {
        let kept = self.0.entry((target, kind.into())).or_insert_with(|| bytes.clone());
        if bytes.len() < kept.len() {
            *kept = bytes;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [data, seeds] = &args[..] else { return Err("usage: harvest DATA SEEDS".into()) };
    let mut found = Found::default();
    let options = Options::default();
    let (reader, store) = DataFolder::open_read_only(data, &options)?;
    journal(&reader, &mut found)?;
    images(&store, &mut found)?;
    if let Some(history) = DataFolder::open_history_read_only(data, &options)? {
        rows(&*history.view(), &mut found)?;
    }
    headers(Path::new(data), &mut found)?;
    let mut new = 0;
    for ((target, kind), bytes) in &found.0 {
        let body = Target::of(target).ok_or_else(|| format!("there is no target {target}"))?;
        if !body.run(bytes) {
            println!("{target}: {kind} is refused");
        }
        let folder = Path::new(seeds).join(target);
        fs::create_dir_all(&folder)?;
        let path = folder.join(kind);
        if !path.exists() {
            fs::write(path, bytes)?;
            new += 1;
        }
    }
    println!("{} seeds, {new} of them new", found.0.len());
    Ok(())
}

fn journal(reader: &dyn JournalReader, found: &mut Found) -> Result<(), Box<dyn Error>> {
    let mut wrong = None;
    reader.read(1, &mut |bytes| {
        let Ok(batch) = Batch::open(bytes) else {
            wrong = Some("a batch is damaged");
            return false;
        };
        found.offer("journal_batch", format!("of_{}", batch.count.min(3)), bytes.to_vec());
        for (_, record) in batch.records() {
            let Ok(read) = Record::decode(record) else {
                wrong = Some("a record is damaged");
                return false;
            };
            // A refused or repeated command is a record as well: the event's name tells it from the others.
            let event = format!("{:?}", read.event);
            let event: String = event.chars().take_while(char::is_ascii_alphabetic).collect();
            found.offer("record", format!("{}-{event}", read.command.op()), record.to_vec());
        }
        true
    })?;
    wrong.map_or(Ok(()), |wrong| Err(wrong.into()))
}

fn images(store: &dyn Store, found: &mut Found) -> Result<(), Box<dyn Error>> {
    let with = |kind: u8, bytes: &[u8]| [&[kind][..], bytes].concat();
    let mut seen = 0_u32;
    store.each_wallet(0..=u64::MAX, &mut |hash, name, as_of, image| {
        // The product is left out: the body puts another in its place.
        if let Ok((_, rest)) = postcard::take_from_bytes::<(AccountId, Currency, Status)>(image)
            && let Ok((_, after)) = postcard::take_from_bytes::<Label>(rest)
        {
            let bytes = [&image[..image.len() - rest.len()], after].concat();
            let rare = if after.ends_with(&[0]) { "plain" } else { "rare" };
            found.offer("image", format!("wallet_{rare}_{}", bytes.len().ilog2()), with(0, &bytes));
        }
        if seen == 0 {
            found.offer("store", "wallet_key", with(1, &[&hash.to_be_bytes()[..], name.as_bytes()].concat()));
            found.offer("store", "image", with(2, &[&as_of.to_le_bytes()[..], image].concat()));
            let deadline = (0x0006_651d_a69d_8000_u64 | 1 << 63).to_be_bytes();
            found.offer("store", "deadline", with(5, &[&deadline[..], name.as_bytes()].concat()));
        }
        seen += 1;
        Ok(())
    })?;
    for slice in store.slices()? {
        match slice {
            StoredSlice::Account(number, id, image) => {
                let kind = if id.as_str().contains(':') { "system" } else { "merchant" };
                let mut key = number.to_be_bytes().to_vec();
                key.push(1);
                key.extend_from_slice(id.as_bytes());
                let length = u8::try_from(key.len())?;
                let row = [&[length][..], &key, &image.as_of.to_le_bytes(), &image.bytes].concat();
                found.offer("store", format!("slice_{kind}"), with(0, &row));
                found.offer("image", format!("slice_{kind}"), with(1, &image.bytes));
            }
            StoredSlice::Totals(_, image) => {
                found.offer("image", format!("totals_{}", image.bytes.len().max(1).ilog2()), with(2, &image.bytes));
            }
        }
    }
    found.offer(
        "store",
        "refunded",
        with(4, &[7_u64.to_le_bytes(), 100_u64.to_le_bytes(), 100_u64.to_le_bytes()].concat()),
    );
    found.offer("store", "id", with(3, &(5_u64 << 39 | 0x4d).to_le_bytes()));
    found.offer("store", "meta", with(6, &[&1_u16.to_le_bytes()[..], &[7; 16], &[0; 20]].concat()));
    Ok(())
}

fn rows(view: &dyn HistoryView, found: &mut Found) -> Result<(), Box<dyn Error>> {
    let kinds = [
        (Table::Entries, 0),
        (Table::Accounts, 1),
        (Table::Statuses, 2),
        (Table::Lots, 3),
        (Table::Dimensions, 4),
        (Table::Segments, 5),
        (Table::Meta, 6),
        (Table::Documents, 7),
    ];
    for (table, kind) in kinds {
        for (key, value) in view.range(table, Range { from: &[], to: &[0xff; 64], limit: 2_000, reverse: false })? {
            let mut name = table.name().to_owned();
            if table == Table::Documents {
                let kind: String = key.iter().take_while(|byte| **byte != b'/').map(|byte| char::from(*byte)).collect();
                name = format!("{name}_{kind}");
                // The document itself stands behind its id, position and moment.
                if let Ok((_, document)) = postcard::take_from_bytes::<(Label, u64, i64)>(&value) {
                    found.offer("image", format!("document_{kind}"), [&[3][..], document].concat());
                }
            }
            found.offer("history_row", name, [&[kind][..], &value].concat());
        }
    }
    Ok(())
}

fn headers(data: &Path, found: &mut Found) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(data.join("journal"))? {
        let path = entry?.path();
        let bytes = fs::read(&path)?;
        if path.extension().is_some_and(|ending| ending == "segment") && bytes.len() > 4136 {
            found.offer("store", "segment", [&[7][..], &bytes[..128]].concat());
            found.offer("store", "group", [&[8][..], &bytes[4096..4144]].concat());
        } else if path.file_name().is_some_and(|name| name == "control") {
            found.offer("store", "control", [&[9][..], &bytes].concat());
        }
    }
    Ok(())
}
