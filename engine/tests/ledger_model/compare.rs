//! That the engine's books and the naive ledger say the same.

use crate::books::{Books, Said, held_by_sub, lines};
use crate::model::engine::part;
use crate::model::purse::available;
use crate::naive::{self, Answer, Ledger};
use fentan_engine::accounts::{Bucket, Chart, Fund, Part, Proceeds, Status, SubId, Wallet};
use fentan_engine::money::Currency;
use std::collections::BTreeMap;
use std::fmt::Debug;

fn same<T: PartialEq + Debug>(what: &str, engine: &T, naive: &T) -> Result<(), String> {
    if engine == naive { Ok(()) } else { Err(format!("{what}: the engine has {engine:?}, the naive ledger {naive:?}")) }
}

/// Both accepted and moved the same lines, or both refused and the engine's reason is one that applies.
pub(crate) fn answers(engine: &Said, naive: &Answer) -> Result<(), String> {
    match (engine, naive) {
        (Said::Done(engine), Ok(naive)) => same("lines", engine, naive),
        (Said::No(code), Err(reasons)) if reasons.contains(code) => Ok(()),
        _ => Err(format!("the engine said {engine:?}, the naive ledger {naive:?}")),
    }
}

/// Every account, the totals, and the sums that a wallet keeps.
pub(crate) fn ledgers(books: &Books<'_>, naive: &Ledger) -> Result<(), String> {
    let names = |all: Vec<String>| all;
    same(
        "wallets",
        &names(books.wallets.keys().map(ToString::to_string).collect()),
        &names(naive.wallets.keys().cloned().collect()),
    )?;
    for (engine, (name, naive)) in books.wallets.values().zip(&naive.wallets) {
        wallet(engine, naive).map_err(|wrong| format!("{name}: {wrong}"))?;
    }
    same(
        "merchants",
        &names(books.merchants.keys().map(ToString::to_string).collect()),
        &names(naive.merchants.keys().cloned().collect()),
    )?;
    for (slices, (name, naive)) in books.merchants.values().zip(&naive.merchants) {
        let mut proceeds = Proceeds::default();
        slices.iter().filter_map(|slice| slice.proceeds()).for_each(|slice| proceeds.merge(slice));
        let engine =
            (proceeds.get(Bucket::Unreconciled, Fund::Paid), proceeds.get(Bucket::Unreconciled, Fund::Promoted));
        same(name, &engine, &(naive.paid, naive.promoted))?;
        same(name, &status(slices[0].status), &naive.status)?;
        same(name, &(slices[0].currency != Currency::CNY), &naive.points)?;
        if naive.paid < 0 || naive.promoted < 0 {
            return Err(format!("{name} is overdrawn"));
        }
    }
    own(books, naive)?;
    totals(books)
}

fn status(status: Status) -> naive::Status {
    match status {
        Status::Open => naive::Status::Open,
        Status::Frozen => naive::Status::Frozen,
        Status::Closed => naive::Status::Closed,
    }
}

fn wallet(engine: &Wallet, naive: &naive::Wallet) -> Result<(), String> {
    same("status", &status(engine.status), &naive.status)?;
    same("currency", &(engine.currency != Currency::CNY), &naive.points)?;
    for sub in 0..2 {
        same("available", &i128::from(engine.available.get(SubId(sub))), &available(&naive.lots, sub))?;
    }
    same("held", &i128::from(engine.held), &naive.held())?;
    same("arrears", &i128::from(engine.arrears), &naive.arrears)?;

    let ids = |ids: Vec<String>| ids;
    same(
        "lots",
        &ids(engine.lots.iter().map(|lot| lot.id.to_string()).collect()),
        &ids(naive.lots.iter().map(|lot| lot.id.clone()).collect()),
    )?;
    for (lot, naive) in engine.lots.iter().zip(&naive.lots) {
        // The order, the ratio, what is left, what was consumed, and when it ends.
        let parts: Vec<Part> = naive.parts.iter().map(part).collect();
        let seen: Vec<Part> = lot.parts.iter().copied().collect();
        let comparable = |parts: &[Part]| {
            parts.iter().map(|p| (p.sub, p.weight, p.granted - p.left, p.left, p.expires_at)).collect::<Vec<_>>()
        };
        same(&format!("lot {}", lot.id), &comparable(&seen), &comparable(&parts))?;
    }
    let live = engine.lots.iter().position(|lot| lot.left() > 0).unwrap_or(engine.lots.len());
    same("the first live lot", &(engine.first_live as usize), &live)?;

    let rare = engine.rare.clone().unwrap_or_default();
    let holds: Vec<_> = rare
        .holds
        .iter()
        .map(|h| (h.id.to_string(), h.merchant.to_string(), lines(&h.taken), i128::from(h.released), h.expires_at))
        .collect();
    let naive_holds: Vec<_> =
        naive.holds.iter().map(|h| (h.id.clone(), h.merchant.clone(), h.lines.clone(), h.released, h.ends)).collect();
    same("holds", &holds, &naive_holds)?;
    let placed = |sub: u8, minor: i128, ends: i64| (sub, minor, ends);
    let pending: Vec<_> = rare
        .pending
        .iter()
        .map(|p| {
            (
                p.id.to_string(),
                p.grants.iter().map(|(sub, minor, ends)| placed(sub.0, i128::from(*minor), *ends)).collect::<Vec<_>>(),
            )
        })
        .collect();
    let naive_pending: Vec<_> = naive
        .placed
        .iter()
        .map(|p| {
            (
                p.lot.id.clone(),
                p.lot.parts.iter().map(|part| placed(part.sub, part.left, part.ends)).collect::<Vec<_>>(),
            )
        })
        .collect();
    same("pending top-ups", &pending, &naive_pending)?;
    let phases: BTreeMap<String, i128> =
        rare.phases.iter().map(|phase| (phase.rule.to_string(), i128::from(phase.done))).collect();
    same("phases", &phases, &naive.phases)?;
    let backs: BTreeMap<String, naive::Back> = rare
        .taken_back
        .iter()
        .map(|back| {
            let taken = |sub| i128::from(back.taken.get(SubId(sub)));
            let open = back.open.as_deref().map(|open| (lines(&open.taken), i128::from(open.refunded)));
            let ended = back.ended.map(|ended| (ended.confirmed, i128::from(ended.refunded)));
            let told = naive::Back {
                refunded: i128::from(back.refunded),
                cancelled: i128::from(back.cancelled),
                arrears: i128::from(back.arrears),
                taken: [taken(0), taken(1)],
                open: open.map(|(lines, refunded)| naive::Waiting { policy: None, lines, refunded }),
                ended: ended.map(|(confirmed, refunded)| (confirmed, None, refunded)),
            };
            (back.top_up.to_string(), told)
        })
        .collect();
    let naive_backs = naive.backs.iter().map(|(id, back)| (id.clone(), back.without_policies())).collect();
    same("refunds of top-ups", &backs, &naive_backs)?;
    let mut expired: BTreeMap<(String, u8), i128> = BTreeMap::new();
    for part in &rare.expired {
        *expired.entry((part.lot.to_string(), part.sub.0)).or_default() += i128::from(part.amount);
    }
    same("what expired", &expired, &naive.expired)?;
    let uses: BTreeMap<String, usize> =
        rare.offers.iter().map(|known| (known.offer.to_string(), known.uses as usize)).collect();
    same("uses of offers", &uses, &naive.uses)?;
    same("own limits", &rare.limits.is_some(), &naive.own_limits)?;
    same("whether spends are counted", &rare.usage.is_some(), &!naive.paid.is_empty())?;
    let others = uses.is_empty() && rare.restored.is_empty() && rare.limits.is_none() && rare.usage.is_none();
    let none = others
        && backs.is_empty()
        && expired.is_empty()
        && rare.holds.is_empty()
        && rare.pending.is_empty()
        && rare.phases.is_empty();
    same("the rare part is there when needed", &engine.rare.is_none(), &none)
}

fn own(books: &Books<'_>, naive: &Ledger) -> Result<(), String> {
    let engine: BTreeMap<(bool, String), i128> = books
        .own
        .iter()
        .map(|((currency, account), minor)| ((*currency != Currency::CNY, account.name()), *minor))
        .filter(|(_, minor)| *minor != 0)
        .collect();
    let naive = naive.own.iter().filter(|(_, minor)| **minor != 0).map(|(key, minor)| (key.clone(), *minor)).collect();
    same("the ledger's own accounts", &engine, &naive)
}

/// The trial balance is zero, and its lines are the sums over the accounts.
fn totals(books: &Books<'_>) -> Result<(), String> {
    same("imbalance", &books.totals.imbalance(), &Vec::new())?;
    for currency in [Currency::CNY, Currency::new("PTS", 0).map_err(|error| error.to_string())?] {
        let wallets = || books.wallets.values().filter(|wallet| wallet.currency == currency);
        for sub in 0..2 {
            let sum: i128 = wallets().map(|wallet| i128::from(wallet.available.get(SubId(sub)))).sum();
            same("wallets in the totals", &books.totals.get(currency, &Chart::Wallets(SubId(sub))), &sum)?;
            let holds = wallets().filter_map(|wallet| wallet.rare.as_ref()).flat_map(|rare| &rare.holds);
            let frozen = wallets().flat_map(Wallet::open_refunds).flat_map(|refund| lines(&refund.taken));
            let held = holds.flat_map(held_by_sub).chain(frozen);
            let held: i128 = held.filter(|line| line.1 == sub).map(|line| line.2).sum();
            same("holds in the totals", &books.totals.get(currency, &Chart::Held(SubId(sub))), &held)?;
        }
        let owed: i128 = wallets().map(|wallet| i128::from(wallet.arrears)).sum();
        same("arrears in the totals", &books.totals.get(currency, &Chart::Arrears), &-owed)?;
    }
    Ok(())
}
