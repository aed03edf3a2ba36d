//! What request `counter` of connection `c` is: a pure function of the scenario.
//!
//! Every connection numbers its commands from 0. The first ones top up the wallets that fall to the
//! connection (wallet = counter × connections + c, each as often as it has lots); all later ones are drawn from the mix. Nothing
//! is remembered between commands, so the verifier makes any of them again from its number.
//!
//! A refund names an earlier spend of the same connection: the latest spend at least one *window*
//! back. The window is the number of commands of a connection that can be unanswered at once (see
//! [`Workload::window`]), so that spend was answered before the refund is sent. Where the answer was
//! a reject there is nothing to refund, and the sender skips the command.
//!
//! A later load on wallets that an earlier run has topped up has a *load number* from 1 on. Its commands
//! start at [`first_of_load`], so no two loads of one run share a command or an id.

use crate::draws::Draws;
use crate::popularity::Popularity;
use crate::scenario::{Scenario, TopUpTerms};

/// How far back a refund looks for a spend, in commands before the window.
pub const REFUND_REACH: u64 = 64;

/// Bits of a counter below the load number.
const LOAD_BITS: u32 = 36;
/// Highest load number.
pub const LOAD_NUMBER_MAX: u32 = (1 << (48 - LOAD_BITS)) - 1;

/// Counter of the first command of every connection in the load with this number, from 1 on.
#[must_use]
pub fn first_of_load(number: u32) -> u64 {
    u64::from(number) << LOAD_BITS
}

/// An operation of the load, in the order of [`Op::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Puts principal and bonus into a wallet.
    TopUp,
    /// Pays a merchant.
    Spend,
    /// Gives an earlier spend, or part of it, back.
    Refund,
    /// Reads a wallet's balance.
    Balance,
}

impl Op {
    /// Every operation, in the order of [`Op::index`].
    pub const ALL: [Self; 4] = [Self::TopUp, Self::Spend, Self::Refund, Self::Balance];

    /// The operation's place in tables.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::TopUp => 0,
            Self::Spend => 1,
            Self::Refund => 2,
            Self::Balance => 3,
        }
    }

    /// The operation's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Spend => "spend",
            Self::Refund => "refund",
            Self::Balance => "balance",
        }
    }

    /// Whether it only reads: such an answer promises nothing that could be lost.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Balance)
    }
}

/// One command of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// What it does.
    pub op: Op,
    /// The wallet whose balance it concerns; of a refund the spend's.
    pub wallet: u32,
    /// The merchant of a spend or of the spend refunded; otherwise 0.
    pub merchant: u32,
    /// Spend or refund: the amount. Top-up: the principal. In minor units.
    pub amount: i64,
    /// Of a top-up: the bonus, in minor units; otherwise 0.
    pub bonus: i64,
    /// Of a refund: the counter of the spend; otherwise 0.
    pub target: u64,
    /// Whether it is one of the top-ups before the load.
    pub prepares: bool,
}

impl Command {
    /// What an `ok` of the command does to the wallet's available balance, in minor units.
    #[must_use]
    pub const fn effect(&self) -> i64 {
        match self.op {
            Op::TopUp => self.amount + self.bonus,
            Op::Spend => -self.amount,
            Op::Refund => self.amount,
            Op::Balance => 0,
        }
    }
}

/// Minor units of the scenario's amounts.
#[derive(Debug, Clone, Copy)]
struct Terms {
    principal: i64,
    bonus: i64,
}

impl Terms {
    fn of(terms: &TopUpTerms, decimals: u8) -> Self {
        let minor = |a: fentan_protocol::Amount| a.minor_at(decimals).unwrap_or(0);
        Self { principal: minor(terms.principal), bonus: minor(terms.bonus) }
    }
}

/// The commands of one scenario.
#[derive(Debug, Clone)]
pub struct Workload {
    seed: u64,
    connections: u32,
    wallets: u32,
    lots: u32,
    window: u64,
    prepare: Terms,
    top_up: Terms,
    spend_min: i64,
    /// Number of different spend amounts.
    spend_steps: u64,
    /// Percent below which the operation is a spend, then a top-up, then a refund.
    until: [u64; 3],
    /// Draws are made of what an operation is only where there are several.
    only_spends: bool,
    /// No connection prepares with a command from this counter on.
    prepared_from: u64,
    merchants: Popularity,
}

impl Workload {
    /// The commands of a validated scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let decimals = scenario.currency_decimals;
        let minor = |a: fentan_protocol::Amount| a.minor_at(decimals).unwrap_or(1);
        let mix = scenario.mix;
        let spend_until = u64::from(mix.spend);
        let top_up_until = spend_until + u64::from(mix.top_up);
        let spend_min = minor(scenario.spend.min);
        let each = u64::from(scenario.wallets.div_ceil(scenario.traffic.connections.max(1)));
        Self {
            seed: scenario.seed,
            connections: scenario.traffic.connections,
            wallets: scenario.wallets,
            lots: scenario.lots_per_wallet,
            window: window(scenario.traffic.depth, scenario.traffic.batch),
            prepare: Terms::of(&scenario.prepare, decimals),
            top_up: Terms::of(scenario.top_up_terms(), decimals),
            spend_min,
            spend_steps: (minor(scenario.spend.max) - spend_min + 1).unsigned_abs(),
            until: [spend_until, top_up_until, top_up_until + u64::from(mix.refund)],
            only_spends: mix.spend == 100,
            prepared_from: each * u64::from(scenario.lots_per_wallet),
            merchants: Popularity::zipf(scenario.merchants, scenario.merchant_skew),
        }
    }

    /// Slots of a connection: commands `n` and `n + window` are never unanswered together.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// Connections of the scenario.
    #[must_use]
    pub const fn connections(&self) -> u32 {
        self.connections
    }

    /// Wallets of the scenario.
    #[must_use]
    pub const fn wallets(&self) -> u32 {
        self.wallets
    }

    /// How many of a connection's first commands prepare wallets.
    #[must_use]
    pub fn prepare_count(&self, connection: u32) -> u64 {
        self.wallets_of(connection) * u64::from(self.lots)
    }

    /// How many wallets a connection prepares.
    fn wallets_of(&self, connection: u32) -> u64 {
        let (wallets, connections) = (u64::from(self.wallets), u64::from(self.connections));
        (wallets + connections - 1 - u64::from(connection)) / connections
    }

    /// Command `counter` of `connection`.
    #[must_use]
    pub fn command(&self, connection: u32, counter: u64) -> Command {
        if counter < self.prepared_from && counter < self.prepare_count(connection) {
            // Round after round, so that a wallet's lots do not lie side by side in time.
            let wallet = counter % self.wallets_of(connection) * u64::from(self.connections) + u64::from(connection);
            return Command { prepares: true, ..top_up(self.prepare, u32::try_from(wallet).unwrap_or(0)) };
        }
        let mut draws = Draws::of(self.seed, connection, counter);
        if self.only_spends {
            return self.spend(&mut draws);
        }
        let share = draws.below(100);
        if share < self.until[0] {
            return self.spend(&mut draws);
        }
        if share < self.until[1] {
            return top_up(self.top_up, self.wallet(&mut draws));
        }
        if share < self.until[2] {
            let first = match counter >> LOAD_BITS {
                0 => self.prepare_count(connection),
                number => number << LOAD_BITS,
            };
            return self.refund(connection, counter, first, &mut draws);
        }
        Command { op: Op::Balance, wallet: self.wallet(&mut draws), ..NOTHING }
    }

    fn wallet(&self, draws: &mut Draws) -> u32 {
        u32::try_from(draws.below(u64::from(self.wallets))).unwrap_or(0)
    }

    fn spend(&self, draws: &mut Draws) -> Command {
        let wallet = self.wallet(draws);
        let amount = self.spend_min + i64::try_from(draws.below(self.spend_steps)).unwrap_or(0);
        let merchant = self.merchants.draw(draws);
        Command { op: Op::Spend, wallet, merchant, amount, ..NOTHING }
    }

    /// A refund of the latest spend a window back; a spend when there is none within reach.
    /// `first` is the connection's first command of this load.
    fn refund(&self, connection: u32, counter: u64, first: u64, draws: &mut Draws) -> Command {
        let newest = counter.saturating_sub(self.window);
        let oldest = first.max(newest.saturating_sub(REFUND_REACH - 1));
        for target in (oldest..=newest).rev() {
            let mut at = Draws::of(self.seed, connection, target);
            if at.below(100) >= self.until[0] {
                continue;
            }
            let spend = self.spend(&mut at);
            let partial = draws.below(2) == 0;
            let amount = if partial {
                1 + i64::try_from(draws.below(spend.amount.unsigned_abs())).unwrap_or(0)
            } else {
                spend.amount
            };
            return Command { op: Op::Refund, amount, target, ..spend };
        }
        self.spend(draws)
    }
}

/// What most commands have no use for.
const NOTHING: Command =
    Command { op: Op::Balance, wallet: 0, merchant: 0, amount: 0, bonus: 0, target: 0, prepares: false };

const fn top_up(terms: Terms, wallet: u32) -> Command {
    Command { op: Op::TopUp, wallet, amount: terms.principal, bonus: terms.bonus, ..NOTHING }
}

/// Twice what may be in flight, as a power of two: room for one slow answer among quick ones.
fn window(depth: u32, batch: u32) -> u64 {
    (u64::from(depth) * u64::from(batch) * 2).max(64).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak() -> (Scenario, Workload) {
        let mut scenario = Scenario::load("promotion_peak").unwrap();
        scenario.wallets = 1000;
        scenario.traffic.connections = 7;
        scenario.traffic.depth = 16;
        let workload = Workload::new(&scenario);
        (scenario, workload)
    }

    #[test]
    fn every_wallet_is_prepared_once() {
        let (scenario, workload) = peak();
        let mut seen = vec![0; 1000];
        for c in 0..scenario.traffic.connections {
            for n in 0..workload.prepare_count(c) {
                let command = workload.command(c, n);
                assert_eq!((command.op, command.effect()), (Op::TopUp, 28_000));
                seen[command.wallet as usize] += 1;
            }
        }
        assert!(seen.iter().all(|n| *n == 1));
    }

    #[test]
    fn every_wallet_gets_as_many_lots_as_asked() {
        let (mut scenario, _) = peak();
        scenario.lots_per_wallet = 3;
        let workload = Workload::new(&scenario);
        let mut seen = vec![0; 1000];
        for c in 0..scenario.traffic.connections {
            for n in 0..workload.prepare_count(c) {
                seen[workload.command(c, n).wallet as usize] += 1;
            }
            assert_ne!(workload.command(c, workload.prepare_count(c)).effect(), 3 * 28_000);
        }
        assert!(seen.iter().all(|n| *n == 3));
    }

    #[test]
    fn commands_can_be_made_again_in_any_order() {
        let (_, workload) = peak();
        let forward: Vec<_> = (0..5000).map(|n| workload.command(3, n)).collect();
        for n in (0..5000).rev() {
            assert_eq!(workload.command(3, n), forward[usize::try_from(n).unwrap()]);
        }
    }

    #[test]
    fn the_mix_is_as_asked_and_amounts_stay_in_range() {
        let (_, workload) = peak();
        let mut counts = [0_u32; 4];
        let first = workload.prepare_count(0);
        for n in first..first + 100_000 {
            let command = workload.command(0, n);
            counts[command.op.index()] += 1;
            if command.op == Op::Spend {
                assert!((50..=2000).contains(&command.amount));
            }
        }
        for (op, percent) in [(Op::Spend, 80), (Op::TopUp, 8), (Op::Refund, 4), (Op::Balance, 8)] {
            let count = counts[op.index()];
            assert!((percent * 1000 - 500..=percent * 1000 + 500).contains(&count), "{op:?}: {count}");
        }
    }

    #[test]
    fn refunds_name_a_spend_a_window_back() {
        let (_, workload) = peak();
        let mut refunds = 0;
        for n in workload.prepare_count(2)..20_000 {
            let refund = workload.command(2, n);
            if refund.op != Op::Refund {
                continue;
            }
            refunds += 1;
            assert!(refund.target + workload.window() <= n && n - refund.target < workload.window() + REFUND_REACH);
            let spend = workload.command(2, refund.target);
            assert_eq!((spend.op, spend.wallet), (Op::Spend, refund.wallet));
            assert!((1..=spend.amount).contains(&refund.amount));
        }
        assert!(refunds > 500);
    }

    #[test]
    fn a_later_load_asks_for_other_things_and_refunds_only_its_own() {
        let (_, workload) = peak();
        let (first, second) = (first_of_load(1), first_of_load(2));
        let commands = |from: u64| (from..from + 2_000).map(|n| workload.command(3, n)).collect::<Vec<_>>();
        assert!(commands(first) != commands(second) && commands(first) != commands(workload.prepare_count(3)));
        for command in commands(second) {
            assert!(!command.prepares);
            assert!(command.op != Op::Refund || command.target >= second, "{command:?}");
        }
    }

    #[test]
    fn the_first_merchant_is_the_busiest() {
        let (_, workload) = peak();
        let first = workload.prepare_count(0);
        let spends: Vec<_> =
            (first..first + 50_000).map(|n| workload.command(0, n)).filter(|c| c.op == Op::Spend).collect();
        let share = |k| spends.iter().filter(|c| c.merchant == k).count() * 1000 / spends.len();
        // Zipf with exponent 1 over 1,000: 1 / H(1000) = 13.4%, the second half of that.
        assert!((120..150).contains(&share(0)), "{}", share(0));
        assert!((58..76).contains(&share(1)), "{}", share(1));
    }
}
