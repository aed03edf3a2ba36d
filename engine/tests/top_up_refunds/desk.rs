//! Wallets and the ledger's own accounts in memory.

use crate::model::engine::{CATALOG, catalog};
use fentan_engine::accounts::{Bucket, Fund, NEVER, Proceeds, SubId, Wallet};
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::Lang;
use fentan_engine::ledger::decide::{Context, arrears, expiry, hold, refund, spend, top_up, top_up_refund, transfer};
use fentan_engine::ledger::{
    Balances, Command, Event, Granted, PostTo, QuoteTopUpRefund, Record, Refund, RefundPolicy, RefundTopUp, Reject,
    Release, Spend, Taken, TopUp, TopUpRefund, TopUpRefundState, TopUpState, Transfer, effect, postings,
};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The shared catalog, and products with other terms.
pub(crate) static TERMS: LazyLock<Catalog> = LazyLock::new(|| {
    let product = |name: &str, terms: &str| {
        format!("[[product]]\nname = \"{name}\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"by_lot\"\n{terms}\n")
    };
    let others = [
        product("no_refunds", "top_up_refunds = false"),
        product("paid_first", "refund_policy = \"paid_first\""),
        product("strict", "forced_from_other_lots = true\nspend_in_arrears = false\ntransfers = true"),
        "[[sub_balance]]\nname = \"card\"\nnumber = 2\npromoted = false\n".into(),
    ];
    catalog(&format!("{CATALOG}\n{}", others.join("\n")))
});

pub(crate) fn id(name: &str) -> CommandId {
    CommandId::new(name).expect("a name")
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).expect("a name")
}

fn label(name: &str) -> Label {
    Label::new(name).expect("a name")
}

pub(crate) fn fen(minor: i64) -> Major {
    Major::from_minor(minor, Currency::CNY)
}

/// What a refund of a top-up came to, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) refunded: i64,
    pub(crate) cancelled: i64,
    pub(crate) from_promotion: i64,
    pub(crate) arrears: i64,
}

impl Came {
    pub(crate) fn of(refund: &TopUpRefund) -> Self {
        Self {
            refunded: refund.refunded,
            cancelled: refund.cancelled(),
            from_promotion: refund.from_promotion(),
            arrears: refund.arrears,
        }
    }
}

pub(crate) const fn came(refunded: i64, cancelled: i64, from_promotion: i64, arrears: i64) -> Came {
    Came { refunded, cancelled, from_promotion, arrears }
}

struct Spent {
    wallet: AccountId,
    taken: Taken,
    refunded: i64,
}

/// The desk where commands are decided, journalled, read back and applied.
pub(crate) struct Desk {
    pub(crate) now: i64,
    pub(crate) wallets: BTreeMap<AccountId, Wallet>,
    grants: BTreeMap<CommandId, (AccountId, Granted)>,
    spends: BTreeMap<CommandId, Spent>,
    holds: BTreeMap<CommandId, AccountId>,
    merchant: Proceeds,
    /// Channels, promotions, breakage, and what all wallets have, hold and owe.
    pub(crate) own: BTreeMap<String, i128>,
    count: u32,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            now: 1_000,
            wallets: BTreeMap::new(),
            grants: BTreeMap::new(),
            spends: BTreeMap::new(),
            holds: BTreeMap::new(),
            merchant: Proceeds::default(),
            own: BTreeMap::new(),
            count: 0,
        }
    }

    /// A desk with wallet `w` of this product.
    pub(crate) fn of_product(product: &str) -> Self {
        let mut desk = Self::new();
        desk.wallets.insert(account("w"), Wallet::new(account("w"), Currency::CNY, label(product)));
        desk
    }

    /// A desk where `w` was topped up with `t` and has spent so much by this rule, as `s`.
    pub(crate) fn with(principal: i64, bonus: i64, consumed: i64, rule: &str) -> Self {
        let mut desk = Self::new();
        desk.top_up("t", principal, bonus);
        if consumed > 0 {
            desk.spend("s", consumed, rule);
        }
        desk
    }

    fn ctx(&self) -> Context<'static> {
        Context { catalog: &TERMS, now: self.now }
    }

    pub(crate) fn wallet(&self) -> &Wallet {
        &self.wallets[&account("w")]
    }

    /// Principal, bonus, held, arrears.
    pub(crate) fn figures(&self) -> (i64, i64, i64, i64) {
        let wallet = self.wallet();
        let of = |sub| wallet.available.get(sub);
        (of(SubId::PRINCIPAL), of(SubId::BONUS), wallet.held, wallet.arrears)
    }

    pub(crate) fn own(&self, name: &str) -> i128 {
        self.own.get(name).copied().unwrap_or(0)
    }

    fn fresh(&mut self) -> CommandId {
        self.count += 1;
        id(&format!("c-{}", self.count))
    }

    /// Journals, reads back, applies; checks the entry and the wallet's figures.
    fn book(&mut self, id: CommandId, command: Command, event: Event) -> Event {
        let made = Record { id, at: self.now, currency: Currency::CNY, slice: 0, command, event };
        let mut bytes = Vec::new();
        made.encode(&mut bytes);
        let record = Record::decode(&bytes).expect("it can be read back");
        assert_eq!(record, made);
        if let Event::ToppedUp { opens: Some(product), .. } = &record.event {
            let name = record.account().expect("a wallet's").clone();
            self.wallets.insert(name.clone(), Wallet::new(name, Currency::CNY, product.clone()));
        }
        if let (Event::Transferred { opens: Some(product), .. }, Command::Transfer(ask)) =
            (&record.event, &record.command)
        {
            self.wallets.insert(ask.to.clone(), Wallet::new(ask.to.clone(), Currency::CNY, product.clone()));
        }
        let to = if let Command::Transfer(ask) = &record.command { Some(&ask.to) } else { None };
        for name in [record.account(), to].into_iter().flatten() {
            let wallet = self.wallets.get_mut(name).expect("the wallet is there");
            effect(&record, wallet);
            for part in wallet.lots.iter().flat_map(|lot| &lot.parts) {
                assert!(part.left >= 0 && part.left <= part.granted, "{part:?}");
            }
            assert!(wallet.held >= 0 && wallet.arrears >= 0);
        }
        if let (Some(after), Some(name)) = (record.event.after(), record.account()) {
            assert_eq!(*after, Balances::of(&self.wallets[name]), "the event tells the wallet's figures");
        }
        let mut sum = 0;
        postings(&record, |posting| {
            sum += posting.minor;
            let name = match posting.to {
                PostTo::Named(..) => unreachable!("the desk has no clearing line"),
                PostTo::Wallet(_) => "wallets".into(),
                PostTo::Held(_) => "held".into(),
                PostTo::Arrears => "arrears".into(),
                PostTo::Merchant(bucket, fund) => {
                    self.merchant.add(bucket, fund, posting.minor);
                    "merchant".into()
                }
                PostTo::System(account) => account.name(),
            };
            *self.own.entry(name).or_default() += posting.minor;
        });
        assert_eq!(sum, 0, "the entry is balanced");
        let all = |of: fn(&Wallet) -> i64| self.wallets.values().map(of).map(i128::from).sum::<i128>();
        assert_eq!(self.own("wallets"), all(|wallet| wallet.available.sum()));
        assert_eq!(self.own("held"), all(|wallet| wallet.held));
        assert_eq!(self.own("arrears"), -all(|wallet| wallet.arrears));
        record.event
    }

    /// Tops `w` up.
    pub(crate) fn top_up(&mut self, name: &str, principal: i64, bonus: i64) {
        self.top_up_until(name, principal, bonus, NEVER);
    }

    /// The same; the bonus ends.
    pub(crate) fn top_up_until(&mut self, name: &str, principal: i64, bonus: i64, ends: i64) {
        let ask = TopUp {
            account: account("w"),
            principal: fen(principal),
            bonus: Some(fen(bonus)),
            offer: None,
            channel: Some(label("wechat")),
            channel_order: None,
            funding: fentan_engine::accounts::Funding::Unknown,
            expires_at: None,
            bonus_expires_at: (ends != NEVER).then_some(ends),
            state: TopUpState::Confirmed,
        };
        let wallet = self.wallets.get(&ask.account);
        let (event, _) = top_up::top_up(self.ctx(), wallet, &ask).expect("topped up");
        let event = arrears::repaying(event, &id(name), wallet);
        if let Event::ToppedUp { granted, .. } = &event {
            self.grants.insert(id(name), (ask.account.clone(), granted.clone()));
        }
        self.book(id(name), Command::TopUp(ask), event);
    }

    fn pay(amount: i64, rule: &str) -> Spend {
        Spend {
            account: account("w"),
            merchant: account("m"),
            amount: fen(amount),
            rule: Some(label(rule)),
            order: None,
            tags: std::iter::empty().collect(),
            lines: std::iter::empty().collect(),
        }
    }

    pub(crate) fn try_spend(&self, amount: i64, rule: &str) -> Result<Event, Reject> {
        spend::spend(self.ctx(), Some(self.wallet()), None, &Self::pay(amount, rule))
    }

    pub(crate) fn spend(&mut self, name: &str, amount: i64, rule: &str) {
        let event = self.try_spend(amount, rule).expect("spent");
        if let Event::Spent { taken, .. } = &event {
            self.spends.insert(id(name), Spent { wallet: account("w"), taken: taken.clone(), refunded: 0 });
        }
        self.book(id(name), Command::Spend(Self::pay(amount, rule)), event);
    }

    pub(crate) fn refund_spend(&mut self, name: &str, amount: Option<i64>) {
        let spent = &self.spends[&id(name)];
        let ask = Refund { spend: id(name), amount: amount.map(fen), line: None, reason: None };
        let as_spent = refund::Spent {
            merchant: &account("m"),
            taken: &spent.taken,
            refunded: spent.refunded,
            table: None,
            rows: &[],
            to_expired: fentan_engine::allocation::RefundToExpired::Forfeit,
        };
        let wallet = &self.wallets[&spent.wallet];
        let decided = refund::refund(self.ctx(), wallet, &as_spent, &ask);
        let Ok(event) = decided else { panic!("a spend can be paid back") };
        if let Event::Refunded { refunded, .. } = &event {
            self.spends.get_mut(&id(name)).expect("it was spent").refunded = *refunded;
        }
        let fresh = self.fresh();
        self.book(fresh, Command::Refund(ask), event);
        assert!(self.merchant.get(Bucket::Unreconciled, Fund::Paid) >= 0);
    }

    pub(crate) fn hold(&mut self, name: &str, amount: i64, rule: &str) {
        let ask = Self::pay(amount, rule);
        let event = spend::hold(self.ctx(), Some(self.wallet()), None, &ask, NEVER).expect("held");
        self.holds.insert(id(name), account("w"));
        self.book(id(name), Command::Hold(ask, NEVER), event);
    }

    pub(crate) fn release(&mut self, name: &str) {
        let ask = Release { hold: id(name), amount: None };
        let event = hold::release(self.ctx(), self.wallet(), &ask).expect("released");
        let fresh = self.fresh();
        self.book(fresh, Command::Release(ask), event);
    }

    pub(crate) fn transfer(&mut self, from: &str, to: &str, amount: i64, rule: &str) {
        let ask = Transfer { from: account(from), to: account(to), amount: fen(amount), rule: Some(label(rule)) };
        let (from, to) = (self.wallets.get(&ask.from), self.wallets.get(&ask.to));
        let event = transfer::transfer(self.ctx(), from, to, &ask).expect("transferred");
        let fresh = self.fresh();
        self.book(fresh, Command::Transfer(ask), event);
    }

    pub(crate) fn expire(&mut self) {
        let event = expiry::expire(self.now, self.wallet()).expect("something has ended");
        let fresh = self.fresh();
        self.book(fresh, Command::Expire(account("w")), event);
    }

    pub(crate) fn ask(
        &mut self,
        top_up: &str,
        policy: Option<RefundPolicy>,
        amount: Option<i64>,
        state: Option<TopUpRefundState>,
    ) -> Result<Event, Reject> {
        let ask = RefundTopUp { top_up: id(top_up), policy, amount: amount.map(fen), state };
        let (home, granted) = &self.grants[&ask.top_up];
        let event = top_up_refund::refund_top_up(self.ctx(), &self.wallets[home], granted, &ask)?;
        let fresh = self.fresh();
        Ok(self.book(fresh, Command::RefundTopUp(ask), event))
    }

    /// Refunds at once; what it came to is what a quote a moment before said.
    pub(crate) fn refund(&mut self, top_up: &str, policy: RefundPolicy, amount: Option<i64>) -> Came {
        let quoted = self.quote(top_up, policy, amount);
        let event = self.ask(top_up, Some(policy), amount, None).expect("refunded");
        let refund = event.top_up_refund().expect("a refund");
        let after = event.after().expect("a wallet's");
        assert_eq!((refund, after), (&quoted.refund, &quoted.after), "the quote is what happens");
        Came::of(refund)
    }

    pub(crate) fn quote(&self, top_up: &str, policy: RefundPolicy, amount: Option<i64>) -> top_up_refund::PolicyQuote {
        let ask = QuoteTopUpRefund {
            top_up: id(top_up),
            policy: Some(policy),
            amount: amount.map(fen),
            lang: Lang::default(),
        };
        let (home, granted) = &self.grants[&ask.top_up];
        let (chosen, all) =
            top_up_refund::quote(self.ctx(), &self.wallets[home], granted, &ask).expect("it can be refunded");
        assert!(all.is_empty());
        chosen
    }

    pub(crate) fn quote_all(&self, top_up: &str) -> (top_up_refund::PolicyQuote, Vec<top_up_refund::PolicyQuote>) {
        let ask = QuoteTopUpRefund { top_up: id(top_up), policy: None, amount: None, lang: Lang::default() };
        let (home, granted) = &self.grants[&ask.top_up];
        top_up_refund::quote(self.ctx(), &self.wallets[home], granted, &ask).expect("it can be refunded")
    }
}
