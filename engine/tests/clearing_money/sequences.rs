//! Random sequences of splits, returns, releases, spends, refunds, settlements and payouts: the engine's decisions and
//! the naive ledger agree on every amount and every refusal, and what must hold of money holds.

use crate::naive::{self, Naive, Part, Stage};
use crate::world::*;
use fentan_engine::accounts::{Bucket, Fund, SystemAccount};
use fentan_engine::clearing::{Clearing, Document, PayoutState, ReceiverAsk, SendPayout, Settle, SplitProceeds};
use fentan_engine::ledger::Reject;
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::CommandId;
use proptest::prelude::*;

const SHOPS: usize = 5;

/// Done, or the code of the refusal.
type Told = Result<(), &'static str>;

#[derive(Debug, Clone)]
enum Step {
    Comes(usize, [i64; 2]),
    Cut(usize),
    Split { shop: usize, basis: i64, parts: Vec<Part>, finish: bool },
    More { split: usize, parts: Vec<Part>, finish: bool },
    Release(usize),
    Return(usize, usize, Option<i64>),
    Settle(usize),
    Send(Vec<usize>),
    Confirm(usize),
    Fail(usize),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![(1_i64..19).prop_map(Part::Percent), (1_i64..800).prop_map(Part::Fen)]
}

fn step() -> impl Strategy<Value = Step> {
    let parts = || prop::collection::vec(part(), 1..4);
    let at = || 0_usize..64;
    prop_oneof![
        4 => (0..SHOPS, -3_000_i64..12_000, -2_000_i64..9_000).prop_map(|(shop, a, b)| Step::Comes(shop, [a, b])),
        2 => (0..SHOPS).prop_map(Step::Cut),
        3 => (0..SHOPS, 1_i64..9_000, parts(), any::<bool>())
            .prop_map(|(shop, basis, parts, finish)| Step::Split { shop, basis, parts, finish }),
        2 => (at(), parts(), any::<bool>()).prop_map(|(split, parts, finish)| Step::More { split, parts, finish }),
        1 => at().prop_map(Step::Release),
        2 => (at(), 0..SHOPS, prop::option::of(1_i64..900)).prop_map(|(split, who, fen)| Step::Return(split, who, fen)),
        4 => (0..SHOPS).prop_map(Step::Settle),
        2 => prop::collection::btree_set(at(), 1..4).prop_map(|all| Step::Send(all.into_iter().collect())),
        2 => at().prop_map(Step::Confirm),
        1 => at().prop_map(Step::Fail),
    ]
}

fn terms() -> String {
    format!(
        "[[settlement]]\nfee_percent = \"0.{}\"\nfee_min = \"0.{}\"\nminimum = \"{}.00\"\nbears_bonus = \"{}\"\n\
         split_max_percent = \"{}\"\n",
        naive::FEE_PER_MILLE,
        naive::FEE_MIN,
        naive::MINIMUM / 100,
        naive::BEARS,
        naive::MOST_PERCENT
    )
}

fn shop(number: usize) -> String {
    format!("m-{number}")
}

/// Both ledgers, and the ids of documents by their numbers in the naive one.
struct Pair {
    world: World,
    naive: Naive,
    splits: Vec<CommandId>,
    runs: Vec<CommandId>,
    count: usize,
}

impl Pair {
    fn new() -> Self {
        let mut pair =
            Self { world: World::new(&terms()), naive: Naive::default(), splits: vec![], runs: vec![], count: 0 };
        for number in 0..3 {
            pair.world.open(&shop(number), Currency::CNY);
            pair.naive.shops[number].there = true;
        }
        pair
    }

    fn ask(&mut self, ask: Clearing) -> Told {
        self.count += 1;
        self.world.ask(&format!("c-{}", self.count), ask).map_err(|reject: Reject| reject.code())
    }

    fn id(&self) -> CommandId {
        id(&format!("c-{}", self.count))
    }

    /// Does a step with both; gives what each said.
    fn step(&mut self, step: &Step) -> Option<(Told, Told)> {
        let pick = |all: &[CommandId], at: usize| (!all.is_empty()).then(|| at % all.len());
        Some(match step {
            Step::Comes(number, fen) => {
                if self.naive.shops[*number].there {
                    self.naive.comes(*number, *fen);
                    self.world.comes(&shop(*number), fen[0], fen[1]);
                }
                return None;
            }
            Step::Cut(number) => {
                self.naive.cut(*number);
                return None;
            }
            Step::Split { shop: of, basis, parts, finish } => {
                let who = receivers(*of, parts);
                let expected = self.naive.split(Ok((*of, *basis)), &who, *finish);
                let said = self.ask(split_ask(*of, None, Some(*basis), &who, *finish));
                if said.is_ok() {
                    self.splits.push(self.id());
                }
                (said, expected)
            }
            Step::More { split, parts, finish } => {
                let number = pick(&self.splits, *split)?;
                let of = self.naive.splits[number].of;
                let who = receivers(of, parts);
                let expected = self.naive.split(Err(number), &who, *finish);
                let earlier = Some(self.splits[number].clone());
                (self.ask(split_ask(of, earlier, None, &who, *finish)), expected)
            }
            Step::Release(split) => {
                let number = pick(&self.splits, *split)?;
                let expected = self.naive.release(number);
                let split = self.splits[number].clone();
                (self.ask(Clearing::ReleaseSplit(fentan_engine::clearing::ReleaseSplit { split })), expected)
            }
            Step::Return(split, who, fen) => {
                let number = pick(&self.splits, *split)?;
                let expected = self.naive.give_back(number, *who, *fen);
                let amount = fen.map(|fen| Major::from_minor(fen, Currency::CNY));
                let split = self.splits[number].clone();
                let ask = fentan_engine::clearing::ReturnSplit { split, receiver: account(&shop(*who)), amount };
                (self.ask(Clearing::ReturnSplit(ask)), expected)
            }
            Step::Settle(number) => {
                let ask = self.settle_ask(*number);
                let expected = self.naive.settle(*number);
                let said = self.ask(ask.clone());
                if said.is_ok() {
                    self.runs.push(self.id());
                    let first = self.world.settlement(self.id().as_str()).amount;
                    // The same run once more, with what was settled since: nothing is settled twice.
                    let again = self.world.decide(&id("again"), &self.settle_ask(*number)).unwrap();
                    let Document::Settlement(again) = &again.documents[0].document else { panic!("a settlement") };
                    assert!(first == 0 || again.amount == 0, "{first} and then {}", again.amount);
                    assert_eq!(ask.difference(&self.settle_ask(*number)), None);
                }
                (said, expected)
            }
            Step::Send(all) => {
                let mut numbers: Vec<usize> = all.iter().filter_map(|at| pick(&self.runs, *at)).collect();
                numbers.sort_unstable();
                numbers.dedup();
                if numbers.is_empty() {
                    return None;
                }
                let mut copy = self.naive.clone();
                let mut moved = numbers.iter().map(|number| copy.moves(*number, Stage::Due, Stage::Sent));
                let expected = moved.find(Result::is_err).unwrap_or(Ok(()));
                drop(moved);
                if expected.is_ok() {
                    self.naive = copy;
                }
                let settlements = numbers.iter().map(|number| self.runs[*number].clone()).collect();
                let said = self.ask(Clearing::SendPayout(SendPayout { settlements }));
                if said.is_ok() {
                    let nets: i64 = numbers.iter().map(|number| self.naive.runs[*number].net.iter().sum::<i64>()).sum();
                    assert_eq!(self.world.payout(self.id().as_str()).total, nets);
                }
                (said, expected)
            }
            Step::Confirm(run) => {
                let number = pick(&self.runs, *run)?;
                let expected = self.naive.moves(number, Stage::Sent, Stage::Paid);
                let settlement = self.runs[number].as_str().to_owned();
                (self.ask(Clearing::ConfirmPayout(confirmed(&settlement))), expected)
            }
            Step::Fail(run) => {
                let number = pick(&self.runs, *run)?;
                let expected = self.naive.moves(number, Stage::Sent, Stage::Due);
                let settlement = self.runs[number].as_str().to_owned();
                (self.ask(Clearing::FailPayout(failed(&settlement, "no"))), expected)
            }
        })
    }

    fn settle_ask(&self, number: usize) -> Clearing {
        let of = &self.naive.shops[number];
        Clearing::Settle(Box::new(Settle {
            merchant: account(&shop(number)),
            at_cutoff_paid: of.cut[0],
            at_cutoff_promoted: of.cut[1],
            settled_since: of.since,
            ..run("2026-11-27", "0.00", "0.00")
        }))
    }

    /// Both ledgers say the same, and money is where it must be.
    fn compare(&self) {
        assert_eq!(self.world.books(), 0);
        for (number, of) in self.naive.shops.iter().enumerate() {
            let name = shop(number);
            for (bucket, fen) in
                [(Bucket::Pending, of.pending), (Bucket::Reserved, of.reserved), (Bucket::Payable, of.payable)]
            {
                assert_eq!(self.world.has(&name, bucket), fen.map(i128::from), "{name} {bucket:?}");
            }
            let there: i64 = of.pending.iter().chain(&of.reserved).sum();
            assert_eq!(of.settled + there, of.inflow, "{name}: settled and carried are what came in");
            let settled = self.naive.runs.iter().filter(|run| run.of == number).map(|run| run.amount).sum::<i64>();
            assert_eq!(settled, of.settled);
        }
        for (id, split) in self.splits.iter().zip(&self.naive.splits) {
            let document = self.world.split(id.as_str());
            let has: i64 = split.has.values().flatten().sum();
            let aside: i64 = split.aside.iter().sum();
            assert_eq!(has + split.rest + aside, split.basis, "receivers, rest and reserved are the basis");
            assert_eq!((document.rest(), document.reserved, document.state.held()), (split.rest, split.aside, has));
            assert_eq!((document.state.finished, document.release_at.is_none()), (!split.open, !split.open));
            for (who, has) in &split.has {
                assert_eq!(document.share_of(&account(&shop(*who))), *has);
            }
        }
        let mut nets = [0; 4];
        for (id, run) in self.runs.iter().zip(&self.naive.runs) {
            let document = self.world.settlement(id.as_str());
            assert_eq!((document.amount, document.funds), (run.amount, run.net));
            assert_eq!(document.amount, document.fee + document.borne + document.net);
            assert_eq!(document.net, document.funds.iter().sum::<i64>());
            let state = match run.stage {
                Stage::Carried => PayoutState::Carried,
                Stage::Due => PayoutState::Due,
                Stage::Sent => PayoutState::Sent,
                Stage::Paid => PayoutState::Paid,
            };
            assert_eq!(document.state, state);
            nets[run.stage as usize] += document.net;
        }
        let payable: i64 = self.naive.shops.iter().flat_map(|of| of.payable).sum();
        assert_eq!(nets[1] + nets[2], payable, "what is due or sent is payable");
        let paid_out = Fund::ALL.map(|fund| self.world.system(&SystemAccount::PaidOut(fund)));
        assert_eq!(paid_out, self.naive.paid_out.map(i128::from));
        assert_eq!(paid_out.iter().sum::<i128>(), i128::from(nets[3]), "what is paid out is the nets");
        let fees = Fund::ALL.map(|fund| self.world.system(&SystemAccount::MerchantFee(fund)));
        assert_eq!(fees, self.naive.fees.map(i128::from));
        assert_eq!(self.world.system(&SystemAccount::MerchantBonus), i128::from(self.naive.borne));
    }
}

/// The shops after this one get the parts.
fn receivers(of: usize, parts: &[Part]) -> Vec<(usize, Part)> {
    parts.iter().enumerate().map(|(n, part)| ((of + 1 + n) % SHOPS, *part)).collect()
}

fn split_ask(of: usize, split: Option<CommandId>, basis: Option<i64>, who: &[(usize, Part)], finish: bool) -> Clearing {
    let receivers = who.iter().map(|(number, part)| {
        let account = account(&shop(*number));
        match part {
            Part::Percent(percent) => ReceiverAsk { account, ratio: Some((*percent).into()), amount: None },
            Part::Fen(fen) => {
                ReceiverAsk { account, ratio: None, amount: Some(Major::from_minor(*fen, Currency::CNY)) }
            }
        }
    });
    Clearing::Split(Box::new(SplitProceeds {
        merchant: account(&shop(of)),
        split,
        spend: None,
        amount: basis.map(|basis| Major::from_minor(basis, Currency::CNY)),
        receivers: receivers.collect(),
        finish,
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn c6_c7_every_sequence_books_what_the_naive_ledger_books(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair::new();
        for step in &steps {
            if let Some((said, expected)) = pair.step(step) {
                prop_assert_eq!(said, expected, "{:?}", step);
            }
            pair.compare();
        }
    }
}
