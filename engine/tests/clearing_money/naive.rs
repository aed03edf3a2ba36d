//! A ledger of splits, settlements and payouts that is as plain as it can be, and shares no code with the engine's.
//!
//! Pairs are paid and promoted value. Merchants, splits and settlements are numbers. A command changes everything or
//! nothing: it works on a copy.

use std::collections::BTreeMap;

/// Percent of a basis that receivers may have in all.
pub(crate) const MOST_PERCENT: i64 = 30;
/// What a settlement costs: 6 of 1000, at least 0.10.
pub(crate) const FEE_PER_MILLE: i64 = 6;
pub(crate) const FEE_MIN: i64 = 10;
/// Less is carried over.
pub(crate) const MINIMUM: i64 = 2_000;
/// Percent of promoted value that the merchant bears.
pub(crate) const BEARS: i64 = 25;

#[derive(Clone, Copy, Default)]
pub(crate) struct Shop {
    pub(crate) there: bool,
    pub(crate) pending: [i64; 2],
    pub(crate) reserved: [i64; 2],
    pub(crate) payable: [i64; 2],
    /// Pending at the last cut-over.
    pub(crate) cut: [i64; 2],
    /// What was settled or shared out of it since.
    pub(crate) since: i64,
    /// All that ever came in and was given to it, less what it gave.
    pub(crate) inflow: i64,
    /// All that ever was settled.
    pub(crate) settled: i64,
}

#[derive(Clone)]
pub(crate) struct Sharing {
    pub(crate) of: usize,
    pub(crate) basis: i64,
    /// What each receiver has.
    pub(crate) has: BTreeMap<usize, [i64; 2]>,
    /// What the merchant has of it in pending.
    pub(crate) rest: i64,
    pub(crate) aside: [i64; 2],
    pub(crate) open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Carried,
    Due,
    Sent,
    Paid,
}

#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) of: usize,
    pub(crate) amount: i64,
    pub(crate) net: [i64; 2],
    pub(crate) stage: Stage,
}

#[derive(Clone, Default)]
pub(crate) struct Naive {
    pub(crate) shops: [Shop; 5],
    pub(crate) splits: Vec<Sharing>,
    pub(crate) runs: Vec<Run>,
    pub(crate) fees: [i64; 2],
    pub(crate) borne: i64,
    pub(crate) paid_out: [i64; 2],
}

/// Percent, or so many fen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Percent(i64),
    Fen(i64),
}

/// The code of a refusal.
type Told = Result<(), &'static str>;

fn both(pair: [i64; 2]) -> i64 {
    pair[0] + pair[1]
}

/// Takes fen out of two purses, the first one first.
fn take(purses: &mut [i64; 2], fen: i64) -> [i64; 2] {
    let first = purses[0].max(0).min(fen);
    purses[0] -= first;
    purses[1] -= fen - first;
    [first, fen - first]
}

fn put(purses: &mut [i64; 2], more: [i64; 2]) {
    purses[0] += more[0];
    purses[1] += more[1];
}

impl Naive {
    pub(crate) fn comes(&mut self, shop: usize, fen: [i64; 2]) {
        put(&mut self.shops[shop].pending, fen);
        self.shops[shop].inflow += both(fen);
    }

    pub(crate) fn cut(&mut self, shop: usize) {
        self.shops[shop].cut = self.shops[shop].pending;
        self.shops[shop].since = 0;
    }

    /// Splits a basis, or continues an earlier split.
    pub(crate) fn split(&mut self, to: Result<(usize, i64), usize>, who: &[(usize, Part)], finish: bool) -> Told {
        let mut books = self.clone();
        let (number, fresh) = match to {
            Ok((of, basis)) => {
                if !books.shops[of].there {
                    return Err("unknown_account");
                }
                books.splits.push(Sharing { of, basis, has: BTreeMap::new(), rest: 0, aside: [0; 2], open: true });
                (books.splits.len() - 1, true)
            }
            Err(number) if !books.splits[number].open => return Err("already_done"),
            Err(number) => (number, false),
        };
        let mut split = books.splits[number].clone();
        let percents = who.iter().map(|(_, part)| if let Part::Percent(percent) = part { *percent } else { 0 });
        if percents.sum::<i64>() > MOST_PERCENT {
            return Err("split_exceeds_maximum");
        }
        let mut gifts = Vec::new();
        for (to, part) in who {
            let had = split.has.get(to).map_or(0, |has| both(*has));
            let more = match part {
                Part::Percent(percent) => split.basis * percent / 100 - had,
                Part::Fen(fen) => *fen,
            };
            if more > 0 {
                gifts.push((*to, more));
            }
        }
        let more: i64 = gifts.iter().map(|(_, fen)| fen).sum();
        let had: i64 = split.has.values().map(|has| both(*has)).sum();
        if more > 0 && had + more > split.basis * MOST_PERCENT / 100 {
            return Err("split_exceeds_maximum");
        }
        let shop = &mut books.shops[split.of];
        if fresh {
            if both(shop.pending) < split.basis {
                return Err("insufficient_funds");
            }
            // First all of it is set aside; what is left comes back when it is finished.
            split.aside = take(&mut shop.pending, split.basis);
            shop.since += split.basis;
        } else if both(split.aside) < more {
            return Err("insufficient_funds");
        } else {
            shop.reserved = [shop.reserved[0] - split.aside[0], shop.reserved[1] - split.aside[1]];
        }
        shop.inflow -= more;
        for (to, fen) in gifts {
            let given = take(&mut split.aside, fen);
            put(split.has.entry(to).or_default(), given);
            let receiver = &mut books.shops[to];
            receiver.there = true;
            receiver.inflow += fen;
            put(&mut receiver.pending, given);
        }
        let shop = &mut books.shops[split.of];
        if finish {
            split.open = false;
            split.rest += both(split.aside);
            put(&mut shop.pending, split.aside);
            if fresh {
                shop.since -= both(split.aside);
            }
            split.aside = [0; 2];
        } else {
            put(&mut shop.reserved, split.aside);
        }
        books.splits[number] = split;
        *self = books;
        Ok(())
    }

    pub(crate) fn release(&mut self, number: usize) -> Told {
        let split = &mut self.splits[number];
        if !split.open {
            return Err("already_done");
        }
        split.open = false;
        split.rest += both(split.aside);
        let shop = &mut self.shops[split.of];
        put(&mut shop.pending, split.aside);
        put(&mut shop.reserved, split.aside.map(|fen| -fen));
        split.aside = [0; 2];
        Ok(())
    }

    pub(crate) fn give_back(&mut self, number: usize, who: usize, fen: Option<i64>) -> Told {
        let split = &mut self.splits[number];
        if !self.shops[who].there {
            return Err("unknown_account");
        }
        let Some(has) = split.has.get_mut(&who) else { return Err("bad_request") };
        let fen = match fen {
            Some(fen) => fen,
            None if both(*has) == 0 => return Err("already_done"),
            None => both(*has),
        };
        if fen > both(*has) {
            return Err("return_exceeds_split");
        }
        if both(self.shops[who].pending) < fen {
            return Err("insufficient_funds");
        }
        // Promoted value goes back first.
        let gift = has[1].min(fen);
        let back = [fen - gift, gift];
        put(has, back.map(|fen| -fen));
        put(&mut self.shops[who].pending, back.map(|fen| -fen));
        put(&mut self.shops[split.of].pending, back);
        split.rest += fen;
        self.shops[who].inflow -= fen;
        self.shops[who].since += fen;
        self.shops[split.of].inflow += fen;
        Ok(())
    }

    pub(crate) fn settle(&mut self, of: usize) -> Told {
        let shop = &mut self.shops[of];
        if !shop.there {
            return Err("unknown_account");
        }
        let due = (both(shop.cut) - shop.since).min(both(shop.pending));
        let amount = if due < MINIMUM { 0 } else { due };
        if amount == 0 {
            self.runs.push(Run { of, amount, net: [0; 2], stage: Stage::Carried });
            return Ok(());
        }
        // Gifts that were there and are there still; then paid value; then other gifts.
        let mut taken = [0, shop.cut[1].min(shop.pending[1]).max(0).min(amount)];
        taken[0] = (amount - taken[1]).min(shop.pending[0].max(0));
        taken[1] = amount - taken[0];
        put(&mut shop.pending, taken.map(|fen| -fen));
        let mut fee = amount * FEE_PER_MILLE / 1000;
        if amount * FEE_PER_MILLE % 1000 >= 500 {
            fee += 1;
        }
        let fee = fee.max(FEE_MIN);
        let mut borne = taken[1] * BEARS / 100;
        if taken[1] * BEARS % 100 >= 50 {
            borne += 1;
        }
        let mut left = taken;
        put(&mut self.fees, take(&mut left, fee));
        left[1] -= borne;
        self.borne += borne;
        put(&mut shop.payable, left);
        shop.settled += amount;
        shop.since += amount;
        self.runs.push(Run { of, amount, net: left, stage: Stage::Due });
        Ok(())
    }

    /// From one stage to another.
    pub(crate) fn moves(&mut self, number: usize, from: Stage, to: Stage) -> Told {
        let run = &mut self.runs[number];
        if run.stage != from {
            return Err("already_done");
        }
        run.stage = to;
        if to == Stage::Paid {
            put(&mut self.shops[run.of].payable, run.net.map(|fen| -fen));
            put(&mut self.paid_out, run.net);
        }
        Ok(())
    }
}
