//! A top-up forward: what its lot paid, in all wallets that have a piece of it, and the settlements that counted it.
//!
//! What was confirmed when it was spent is in the merchant's `pending` from the spend on; what was not stands in
//! `unreconciled`, and is in `pending` from its release on (rule C2). A settlement of that merchant counts it whose
//! cut-overs that moment is between. What receivers of a split got (rule C6) is told with the spend that was split: it
//! is the whole spend's, whichever lots paid.
//!
//! Cost: the entries of these wallets since the top-up, those of a merchant during a split that was continued, and a
//! look at all settlements.

use super::ids;
use super::trace::{MOST, Told, Tracer};
use crate::wire::clearing::{money, shown, value};
use crate::wire::moment;
use fentan_engine::accounts::{Bucket, Timestamp};
use fentan_engine::clearing::decide::split::of_spend;
use fentan_engine::clearing::{Clearing, Document, Move, Place, ReleaseProceeds, Released, Settlement};
use fentan_engine::history::{EntryKind, HistoryError, Reading, Wanted};
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Command, Event, LotSet, Record, Reject, Taken};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most wallets that are followed.
const WALLETS: usize = 1_000;

/// A spend, capture or refund that a lot had a part in; the parts of a refund are below zero.
struct Use {
    position: Position,
    record: Record,
    /// What was in the merchant's `pending` at once, in minor units.
    at_once: i64,
    /// What waited in `unreconciled`.
    later: i64,
}

/// A piece of a lot that went to another wallet.
struct Passed {
    position: Position,
    record: Record,
    to: AccountId,
    minor: i64,
}

/// What came into a merchant's `pending`, or left it.
struct Came {
    merchant: AccountId,
    at: Timestamp,
    minor: i64,
}

/// A spend's split, and what receivers got by it.
struct Shared {
    split: Map<String, Value>,
    came: Vec<Came>,
}

/// A settlement, and the cut-over of the one before it: in between is what it counts.
struct Window {
    id: CommandId,
    from: Timestamp,
    settlement: Box<Settlement>,
}

/// By merchant, in the order of their days.
type Windows = HashMap<AccountId, Vec<Window>>;

impl Tracer {
    /// A top-up: its row, what it paid, and the settlements that had part of it.
    pub(super) fn top_up(&self, id: &CommandId) -> Told {
        let Some(record) = self.line.record(id)? else { return Err(Reject::UnknownTopUp { top_up: id.clone() }) };
        let Some(account) = record.account().filter(|_| matches!(record.command, Command::TopUp(_))) else {
            return Err(Reject::UnknownTopUp { top_up: id.clone() });
        };
        let currency = record.currency;
        let mut told = self.origin(id)?;
        let (mut wallets, mut known) = (vec![account.clone()], HashSet::from([account.clone()]));
        let (mut uses, mut passed): (Vec<Use>, Vec<Passed>) = (Vec::new(), Vec::new());
        let mut next = 0;
        while let Some(wallet) = wallets.get(next).filter(|_| next < WALLETS) {
            let (its, on) = self.history.look(|reading| piece(reading, wallet, id, record.at))?;
            uses.extend(its);
            wallets.extend(on.iter().map(|passed| &passed.to).filter(|to| known.insert((*to).clone())).cloned());
            passed.extend(on);
            next += 1;
        }
        uses.sort_by_key(|its| its.position);
        passed.sort_by_key(|its| its.position);
        let left = wallets.len() - next;
        wallets.truncate(next);
        let releases = self.line.records(wallets.iter().map(|wallet| ids::release(id, wallet.as_str())).collect())?;
        let releases: Vec<(&Record, &ReleaseProceeds)> =
            releases.iter().flatten().filter_map(|record| Some((&**record, release(record)?))).collect();
        let came: Vec<Came> = came(&uses, &releases);

        told.insert("released".into(), shares(&releases));
        let shared: Vec<Option<Shared>> =
            self.history.look(|reading| uses.iter().map(|its| split_of(reading, &its.record)).collect())?;
        let by_splits = shared.iter().flatten().flat_map(|shared| &shared.came);
        let windows = self.windows(&came.iter().chain(by_splits).map(|came| &came.merchant).collect())?;
        let spends = uses.iter().zip(shared).filter(|(its, _)| its.at_once + its.later != 0).map(|(its, shared)| {
            let mut fields = told_use(its, its.at_once + its.later);
            if let Some(Shared { mut split, came }) = shared {
                split.insert("settlements".into(), counted(&windows, &came, currency));
                fields.insert("split".into(), Value::Object(split));
            }
            Value::Object(fields)
        });
        told.insert("spends".into(), spends.collect());
        told.insert("transfers".into(), passed.iter().map(told_passed).collect());
        if left > 0 {
            told.insert("wallets_not_followed".into(), json!(left));
        }
        told.insert("settlements".into(), counted(&windows, &came, currency));
        Ok(Value::Object(told))
    }

    /// What a piece of a lot had paid to a merchant when its release made that pending.
    pub(super) fn released(&self, lot: &CommandId, account: &AccountId, merchant: &AccountId) -> Told {
        let placed = self.line.record(lot)?.map_or(Timestamp::MIN, |record| record.at);
        let (mut uses, _) = self.history.look(|reading| piece(reading, account, lot, placed))?;
        uses.retain(|its| its.record.merchant() == Some(merchant) && its.later != 0);
        Ok(uses.iter().map(|its| Value::Object(told_use(its, its.later))).collect())
    }

    /// The settlements of these merchants, each with the moment from which on it counts.
    fn windows(&self, merchants: &HashSet<&AccountId>) -> Result<Windows, Reject> {
        let mut of = Windows::new();
        self.history.look(|reading| {
            reading.each_document("settlement", &mut |row| {
                if let Document::Settlement(settlement) = row.document
                    && merchants.contains(&settlement.merchant)
                {
                    let window = Window { id: row.id, from: Timestamp::MIN, settlement };
                    of.entry(window.settlement.merchant.clone()).or_default().push(window);
                }
                Ok(())
            })
        })?;
        for windows in of.values_mut() {
            windows.sort_by(|one, other| one.settlement.run_day.cmp(&other.settlement.run_day));
            let mut from = Timestamp::MIN;
            for window in windows {
                window.from = std::mem::replace(&mut from, window.settlement.cutoff);
            }
        }
        Ok(of)
    }
}

/// The settlements in which this was counted, and how much in each.
fn counted(windows: &Windows, came: &[Came], currency: Currency) -> Value {
    let mut sums: BTreeMap<(&str, &CommandId), (&Settlement, i64)> = BTreeMap::new();
    for came in came {
        let all = windows.get(&came.merchant).map_or(&[][..], Vec::as_slice);
        for Window { settlement, id, .. } in
            all.iter().filter(|its| (its.from..its.settlement.cutoff).contains(&came.at))
        {
            sums.entry((settlement.run_day.as_str(), id)).or_insert((settlement, 0)).1 += came.minor;
        }
    }
    let told = sums.into_iter().map(|((day, id), (its, minor))| {
        json!({
            "settlement": shown(id),
            "merchant": its.merchant.as_str(),
            "run_day": day,
            "counted": money(minor, currency),
            "net": money(its.net, its.currency),
            "state": its.state.word(),
            "payout": its.payout.as_ref().map(shown),
        })
    });
    told.collect()
}

/// What a wallet did with its piece of a lot, from a moment before it had one on.
fn piece(
    reading: &Reading<'_>,
    account: &AccountId,
    lot: &CommandId,
    placed: Timestamp,
) -> Result<(Vec<Use>, Vec<Passed>), HistoryError> {
    let (mut uses, mut passed) = (Vec::new(), Vec::new());
    let mut details = reading.details();
    // By position: another wallet's shard may have a clock that is behind.
    let before = reading.position_at(placed)?.saturating_sub(1);
    let mut wanted = Wanted { cursor: Some(before), limit: MOST, ..Wanted::all() };
    loop {
        let page = reading.statement(account.as_str(), &wanted)?;
        for line in page.lines.iter().filter(|line| moves_lots(line.entry.kind)) {
            let Some(record) = details.record(line.position)? else { continue };
            match (&record.event, &record.command) {
                (
                    Event::Spent { taken, reconciled, .. }
                    | Event::Captured { taken, reconciled, .. }
                    | Event::Refunded { taken, reconciled, .. },
                    _,
                ) => {
                    let sign = if matches!(record.event, Event::Refunded { .. }) { -1 } else { 1 };
                    let [at_once, later] = parts(lot, taken, Some(reconciled)).map(|minor| sign * minor);
                    if (at_once, later) != (0, 0) {
                        uses.push(Use { position: line.position, record, at_once, later });
                    }
                }
                (Event::Transferred { taken, .. }, Command::Transfer(ask)) => {
                    let (to, [minor, _]) = (ask.to.clone(), parts(lot, taken, None));
                    if minor != 0 {
                        passed.push(Passed { position: line.position, record, to, minor });
                    }
                }
                _ => {}
            }
        }
        wanted.cursor = page.next;
        if wanted.cursor.is_none() {
            return Ok((uses, passed));
        }
    }
}

const fn moves_lots(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Spend | EntryKind::Capture | EntryKind::Refund | EntryKind::TransferOut)
}

/// What a lot has in these lines: where it was confirmed, and where it was not. All is the first without a word of
/// that.
fn parts(lot: &CommandId, taken: &Taken, reconciled: Option<&LotSet>) -> [i64; 2] {
    let mut parts = [0; 2];
    for line in taken.lines.iter().filter(|line| taken.lots.get(line.lot as usize) == Some(lot)) {
        let confirmed = reconciled.is_none_or(|set| set.has(line.lot));
        parts[usize::from(!confirmed)] += line.amount;
    }
    parts
}

fn release(record: &Record) -> Option<&ReleaseProceeds> {
    let Command::Clear(ask) = &record.command else { return None };
    match &**ask {
        Clearing::ReleaseProceeds(ask) => Some(ask),
        _ => None,
    }
}

/// What came into `pending`: at once, by the use's moment; and by a release, at that one's.
fn came(uses: &[Use], releases: &[(&Record, &ReleaseProceeds)]) -> Vec<Came> {
    let at_once = uses.iter().filter(|its| its.at_once != 0).filter_map(|its| {
        Some(Came { merchant: its.record.merchant()?.clone(), at: its.record.at, minor: its.at_once })
    });
    let later = releases.iter().flat_map(|(record, ask)| {
        let came = |share: &Released| Came {
            merchant: share.merchant.clone(),
            at: record.at,
            minor: share.paid + share.promoted,
        };
        ask.shares.iter().map(came)
    });
    at_once.chain(later).filter(|came| came.minor != 0).collect()
}

fn shares(releases: &[(&Record, &ReleaseProceeds)]) -> Value {
    let told = releases.iter().flat_map(|(record, ask)| {
        ask.shares.iter().map(|share| {
            json!({
                "account": ask.account.as_str(),
                "merchant": share.merchant.as_str(),
                "at": moment(record.at),
                "amount": money(share.paid + share.promoted, record.currency),
                "promoted": money(share.promoted, record.currency),
            })
        })
    });
    told.collect()
}

fn told_passed(passed: &Passed) -> Value {
    json!({
        "seq": passed.position,
        "id": shown(&passed.record.id),
        "from": passed.record.account().map(AccountId::as_str),
        "to": passed.to.as_str(),
        "at": moment(passed.record.at),
        "amount": money(passed.minor, passed.record.currency),
    })
}

fn told_use(its: &Use, minor: i64) -> Map<String, Value> {
    let record = &its.record;
    let mut fields = Map::new();
    fields.insert("seq".into(), json!(its.position));
    fields.insert("id".into(), json!(shown(&record.id)));
    fields.insert("op".into(), json!(record.command.op()));
    fields.insert("account".into(), json!(record.account().map(AccountId::as_str)));
    fields.insert("merchant".into(), json!(record.merchant().map(AccountId::as_str)));
    fields.insert("at".into(), json!(moment(record.at)));
    fields.insert("amount".into(), money(minor, record.currency));
    fields
}

/// The split by which a spend's money is shared out, as it stands, with what came into receivers' `pending` by it.
fn split_of(reading: &Reading<'_>, spend: &Record) -> Result<Option<Shared>, HistoryError> {
    let Some(mark) = reading.document("split_spend", of_spend(&spend.id).as_str())? else { return Ok(None) };
    let Document::SplitSpend(id) = mark.document else { return Ok(None) };
    let Some(row) = reading.document("split", id.as_str())? else { return Ok(None) };
    let mut came = Vec::new();
    let mut details = reading.details();
    // The mark is filed once, by the command that opened the split; the split by that and by each that changed it.
    let (first, last) = (mark.position, row.position);
    let wanted = Wanted { cursor: Some(first.saturating_sub(1)), up_to: last, limit: MOST, ..Wanted::all() };
    let giver = spend.merchant().map(AccountId::as_str).unwrap_or_default();
    let mut positions = vec![first];
    let mut cursor = wanted.cursor.filter(|_| first < last);
    while cursor.is_some() {
        let page = reading.statement(giver, &Wanted { cursor, ..wanted })?;
        let split = |kind: EntryKind| matches!(kind, EntryKind::Split | EntryKind::ReturnSplit);
        positions.extend(page.lines.iter().filter(|line| split(line.entry.kind)).map(|line| line.position));
        cursor = page.next;
    }
    // A continued split may leave nothing to its giver's `pending`, but always takes of its `reserved`: all are there.
    positions.dedup();
    for position in positions {
        let Some(record) = details.record(position)? else { continue };
        let Event::Clearing(entry) = &record.event else { continue };
        if entry.documents.iter().any(|filed| filed.id == id) {
            came.extend(entry.moves.iter().flat_map(|moved| received(moved, giver, record.at)));
        }
    }
    let mut split = value(&row.document);
    split.insert("id".into(), json!(shown(&id)));
    Ok(Some(Shared { split, came }))
}

/// What a move brings to receivers' `pending`, or takes from there.
fn received(moved: &Move, giver: &str, at: Timestamp) -> impl Iterator<Item = Came> {
    let came = |place: &Place, minor: i64| match place {
        Place::Merchant(merchant, Bucket::Pending, _) if merchant.as_str() != giver => {
            Some(Came { merchant: merchant.clone(), at, minor })
        }
        _ => None,
    };
    [came(&moved.to, moved.amount), came(&moved.from, -moved.amount)].into_iter().flatten()
}
