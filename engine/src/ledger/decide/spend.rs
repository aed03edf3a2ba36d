//! Spends and holds: the rule is chosen, the amount apportioned, the lines fixed (rule W2).

use super::arrears::may_pay;
use super::{Context, known, limits, money, not_closed, not_frozen, order_lines, positive};
use crate::accounts::{Counted, SUBS_MAX, Slice, SliceKind, Wallet};
use crate::allocation::{Allocation, Occasion, Purse, Rule, Shortfall, allocate, allocate_explained};
use crate::catalog::{Chosen, NotChosen, Product};
use crate::ledger::explain::Told;
use crate::ledger::{Balances, Divisible, Event, LotSet, OrderLine, OrderTable, Reject, Spend, Taken};
use crate::money::Currency;
use crate::names::Label;

/// What a quote found: each step, and the plan or why there is none.
pub struct Quoted<'a> {
    /// Each step.
    pub told: Told,
    /// What the spend would take.
    pub plan: Result<Plan<'a>, Reject>,
}

/// What a spend would take, and by which rule.
pub struct Plan<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Why this rule.
    pub chosen: Chosen,
    /// The lines.
    pub taken: Taken,
    /// The rule's new rounding state.
    pub phase: Option<i64>,
    /// How the wallet's limits count it, when it has limits.
    pub usage: Option<Box<Counted>>,
    /// The order lines by sub-balances, when there are order lines.
    pub table: Option<Box<OrderTable>>,
    /// The wallet afterwards.
    pub after: Balances,
}

/// Pays a merchant. `merchant` is `None` when the account is not there yet.
pub fn spend(
    ctx: Context<'_>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<Event, Reject> {
    let plan = plan(ctx, wallet, merchant, ask)?;
    Ok(Event::Spent {
        rule: plan.rule.name.clone(),
        version: plan.rule.version,
        reconciled: wallet.map(|wallet| LotSet::reconciled(wallet, &plan.taken.lots)).unwrap_or_default(),
        taken: plan.taken,
        phase: plan.phase,
        table: plan.table,
        usage: plan.usage,
        promoted: ctx.catalog.promoted(),
        opens_merchant: merchant.is_none(),
        after: plan.after,
    })
}

/// Sets an amount aside for a merchant; the lines are those of a spend at this moment.
pub fn hold(
    ctx: Context<'_>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
    expires_at: i64,
) -> Result<Event, Reject> {
    if expires_at <= ctx.now {
        return Err(Reject::bad_request("expires_at", "is in the past"));
    }
    let mut plan = plan(ctx, wallet, merchant, ask)?;
    plan.after.held += plan.taken.sum();
    Ok(Event::Held {
        rule: plan.rule.name.clone(),
        version: plan.rule.version,
        taken: plan.taken,
        phase: plan.phase,
        table: plan.table,
        usage: plan.usage,
        opens_merchant: merchant.is_none(),
        after: plan.after,
    })
}

/// What a spend would be split into, and each step on the way, also when the rule finds too little (rule A7).
pub fn quote<'a>(
    ctx: Context<'a>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<Quoted<'a>, Reject> {
    let (ready, lines) = preconditions(ctx, wallet, merchant, ask)?;
    let (result, steps) = allocate_explained(ready.rule, ready.purse(), ready.amount);
    let told = Told::new(ctx.catalog, ready.wallet, ready.rule, Some(ready.chosen), ready.amount, steps);
    let plan = ready
        .finish(result)
        .and_then(|plan| order_lines::divide(plan, lines, ready.wallet.currency))
        .and_then(|plan| ready.within_limits(ctx, plan));
    Ok(Quoted { told, plan })
}

fn plan<'a>(
    ctx: Context<'a>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<Plan<'a>, Reject> {
    let (ready, lines) = preconditions(ctx, wallet, merchant, ask)?;
    let plan = ready.finish(allocate(ready.rule, ready.purse(), ready.amount))?;
    ready.within_limits(ctx, order_lines::divide(plan, lines, ready.wallet.currency)?)
}

/// What is to be divided, and by which rule.
pub(crate) struct Ready<'a, 'w> {
    pub(super) wallet: &'w Wallet,
    pub(super) amount: i64,
    pub(super) rule: &'a Rule,
    chosen: Chosen,
    /// The most each sub-balance may pay of this.
    most: Option<[i64; SUBS_MAX]>,
}

/// What nothing stands against but the money, and the order lines.
fn preconditions<'a, 'w>(
    ctx: Context<'a>,
    wallet: Option<&'w Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<(Ready<'a, 'w>, Vec<Divisible>), Reject> {
    let currency = wallet.map_or(ctx.catalog.default_product().currency, |w| w.currency);
    let amount = positive("amount", ask.amount, currency)?;
    let lines = order_lines::amounts(&ask.lines, amount, currency)?;
    let wallet = known(wallet, &ask.account)?;
    if merchant.is_some_and(|slice| matches!(slice.kind, SliceKind::System(_))) {
        return Err(Reject::WrongKind {
            account: ask.merchant.clone(),
            is: "system".into(),
            needed: "merchant".into(),
        });
    }
    let merchant_status = merchant.map(|slice| slice.status).unwrap_or_default();
    not_frozen(wallet.status, &ask.account)?;
    not_frozen(merchant_status, &ask.merchant)?;
    not_closed(wallet.status, &ask.account)?;
    not_closed(merchant_status, &ask.merchant)?;
    if let Some(slice) = merchant.filter(|slice| slice.currency != currency) {
        return Err(Reject::CurrencyMismatch {
            account: ask.merchant.clone(),
            is: slice.currency.to_string(),
            needed: currency.to_string(),
        });
    }
    let product = ctx.catalog.product(&wallet.product);
    let occasion = ctx.catalog.occasion(Some(&ask.merchant), &ask.tags);
    let ready = Ready::new(ctx, wallet, amount, (product, ask.rule.as_ref()), &occasion, &ask.lines)?;
    let lines = order_lines::divisible(ready.rule, &occasion, &ask.lines, &lines);
    Ok((ready, lines))
}

/// The most each sub-balance may pay of a spend with these order lines, or with none (rule A2); `None` when the
/// rule permits everything.
pub(crate) fn most(
    rule: &Rule,
    occasion: &Occasion<'_>,
    lines: &[OrderLine],
    currency: Currency,
) -> Option<[i64; SUBS_MAX]> {
    if lines.is_empty() {
        return rule.most(occasion);
    }
    rule.most_of_lines(occasion, lines.iter().map(|line| (line.amount.minor_down(currency), line.category.as_ref())))
}

impl<'a, 'w> Ready<'a, 'w> {
    /// Chooses the rule (rule A6), and bounds what its sub-balances may pay for (rule A2).
    pub(super) fn new(
        ctx: Context<'a>,
        wallet: &'w Wallet,
        amount: i64,
        (product, named): (&'a Product, Option<&Label>),
        occasion: &Occasion<'_>,
        lines: &[OrderLine],
    ) -> Result<Self, Reject> {
        let chosen = ctx.catalog.choose(product, named, occasion, ctx.now);
        let (rule, chosen) = chosen.map_err(|no| {
            let rule = named.cloned().unwrap_or_else(|| Label::internal(""));
            match no {
                NotChosen::Unknown => Reject::UnknownRule { rule },
                NotChosen::NotPermitted => Reject::RuleNotPermitted { rule, product: product.name.clone() },
            }
        })?;
        Ok(Self::by(rule, chosen, wallet, amount, occasion, lines))
    }

    /// By this rule.
    pub(crate) fn by(
        rule: &'a Rule,
        chosen: Chosen,
        wallet: &'w Wallet,
        amount: i64,
        occasion: &Occasion<'_>,
        lines: &[OrderLine],
    ) -> Self {
        Self { wallet, amount, rule, chosen, most: most(rule, occasion, lines, wallet.currency) }
    }

    /// What allocation looks at.
    pub(crate) fn purse(&self) -> Purse<'_> {
        Purse {
            lots: &self.wallet.lots,
            first_live: self.wallet.first_live as usize,
            currency: self.wallet.currency,
            phase: self.wallet.phase(&self.rule.name, self.rule.version),
            most: self.most.as_ref(),
        }
    }

    /// Refuses what is less than the rule divides.
    pub(super) fn not_below_minimum(&self) -> Result<(), Reject> {
        let currency = self.wallet.currency;
        let minimum = self.rule.minimum_order(currency);
        if self.amount >= minimum {
            return Ok(());
        }
        Err(Reject::BelowMinimumOrder {
            rule: self.rule.name.clone(),
            minimum: money(minimum, currency),
            requested: money(self.amount, currency),
        })
    }

    /// The plan, if the amount is within the rule's and the wallet's bounds, counted by the latter (rule W5).
    fn within_limits(&self, ctx: Context<'_>, mut plan: Plan<'a>) -> Result<Plan<'a>, Reject> {
        let its = limits::in_force(ctx, self.wallet);
        limits::per_day(&its, ctx.now, self.wallet, self.amount)?;
        self.not_below_minimum()?;
        may_pay(ctx, self.wallet)?;
        plan.usage = limits::count(&its, ctx.now, self.wallet, self.amount)?;
        Ok(plan)
    }

    /// The plan, when the wallet can pay.
    pub(crate) fn finish(&self, result: Result<Allocation, Shortfall>) -> Result<Plan<'a>, Reject> {
        let (wallet, rule) = (self.wallet, self.rule);
        let allocation = result.map_err(|shortfall| self.insufficient(shortfall))?;
        let taken = Taken::from_draws(wallet, &allocation.draws);
        let mut after = Balances::of(wallet);
        after.take(&taken);
        Ok(Plan { rule, chosen: self.chosen, taken, phase: allocation.phase, usage: None, table: None, after })
    }

    fn insufficient(&self, shortfall: Shortfall) -> Reject {
        let currency: Currency = self.wallet.currency;
        let has = self.wallet.available.sum();
        // "The wallet has" is followed by all that the wallet has.
        let payable = shortfall.payable.clamp(0, has);
        let payer = if payable < has {
            format!("what the rule {} can take from the wallet", self.rule.name)
        } else {
            "the wallet".to_owned()
        };
        Reject::InsufficientFunds {
            payer,
            available: money(payable, currency),
            requested: money(self.amount, currency),
        }
    }
}
