//! Records to sums: what each record books, without books.
//!
//! Nothing is applied: neither the code that changes wallets nor a wallet is touched, so a mistake there is seen as well.

use super::figures;
use super::ids::Used;
use super::scan::Look;
use super::sums::{Amounts, Key, Kind, Part, Place, Sums};
use crate::accounts::{
    AccountKind, Bucket, Chart, Fund, Limits, SUBS_MAX, Status, SubId, SystemAccount, Timestamp, Totals,
};
use crate::journal::{Batch, Position};
use crate::ledger::decide::refund::fund_of;
use crate::ledger::{
    Command, Event, Granted, MovedPart, PlainSpend, PostTo, Posting, Record, Taken, TakenLine, TopUpRefund, postings,
    proceeds,
};
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label, StoredId, Written};
use crate::runtime::hashing::Hashing;
use crate::runtime::own::OwnAccounts;
use crate::runtime::recovery::RecoveryError;
use crate::store::Image;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// The number of a status.
pub(super) const fn code(status: Status) -> i128 {
    match status {
        Status::Open => 0,
        Status::Frozen => 1,
        Status::Closed => 2,
    }
}

/// An amount that is not a sum: the last record that says it counts, so it is kept for each place that has one.
type Last = HashMap<Place, (Position, i128)>;

/// What records say, all together.
pub(super) struct Said {
    pub(super) sums: Sums,
    /// The chart of accounts.
    pub(super) totals: Totals,
    pub(super) ids: Used,
    /// When the last record was decided, at the latest.
    pub(super) last_at: Timestamp,
    /// Records whose order lines and lines do not add up.
    pub(super) faults: Vec<Position>,
    statuses: Last,
    documents: Last,
    spends: Spends,
    merchants: Merchants,
    own: OwnAccounts<Place>,
}

impl Said {
    fn new(checkpoint: Position) -> Self {
        Self {
            sums: Sums::default(),
            totals: Totals::default(),
            ids: Used::new(checkpoint),
            last_at: Timestamp::MIN,
            faults: Vec::new(),
            statuses: Last::new(),
            documents: Last::new(),
            spends: Spends::default(),
            merchants: Merchants::default(),
            own: OwnAccounts::default(),
        }
    }

    /// All of it together; what the last record says is summed now.
    pub(super) fn of(parts: Vec<Self>, key: &Key, checkpoint: Position) -> Self {
        let mut all = Self::new(checkpoint);
        for mut part in parts {
            part.spends.book(&mut part.totals);
            all.sums.merge(&part.sums);
            all.totals.merge(&part.totals);
            all.ids.merge(part.ids);
            all.last_at = all.last_at.max(part.last_at);
            all.faults.extend(part.faults);
            for (mine, theirs) in [(&mut all.statuses, part.statuses), (&mut all.documents, part.documents)] {
                for (place, (position, said)) in theirs {
                    say(mine, place, position, said);
                }
            }
        }
        all.faults.sort_unstable();
        for (kind, last) in [(Kind::Statuses, &all.statuses), (Kind::Documents, &all.documents)] {
            for (place, (_, said)) in last {
                all.sums.add(kind, *place, key.amount(Part::ONE, *said));
            }
        }
        all
    }
}

fn say(last: &mut Last, place: Place, position: Position, said: i128) {
    let known = last.entry(place).or_insert((position, said));
    if known.0 < position {
        *known = (position, said);
    }
}

/// What plain spends moved, until it goes to the chart of accounts: nearly all are in one currency.
#[derive(Default)]
struct Spends {
    currency: Option<Currency>,
    wallets: [i128; SUBS_MAX],
    merchants: [[i128; 2]; 4],
}

impl Spends {
    /// For spends in this currency.
    #[inline]
    fn of(&mut self, currency: Currency, totals: &mut Totals) -> &mut Self {
        if self.currency != Some(currency) {
            self.book(totals);
            self.currency = Some(currency);
        }
        self
    }

    #[inline]
    fn add(&mut self, sub: SubId, (bucket, fund): (Bucket, Fund), amount: i64) {
        // As the chart finds its lines.
        self.wallets[sub.index() % SUBS_MAX] -= i128::from(amount);
        self.merchants[bucket as usize][fund as usize] += i128::from(amount);
    }

    fn book(&mut self, totals: &mut Totals) {
        let Self { currency: Some(currency), wallets, merchants } = std::mem::take(self) else { return };
        for (number, minor) in (0_u8..).zip(wallets) {
            totals.add(currency, Chart::Wallets(SubId(number)), minor);
        }
        for (bucket, minor) in Bucket::ALL.into_iter().zip(merchants) {
            for (fund, minor) in Fund::ALL.into_iter().zip(minor) {
                totals.add(currency, Chart::Merchants(bucket, fund), minor);
            }
        }
    }
}

/// Places of merchants that were paid lately: a few are in most spends, and finding one costs less than hashing it.
#[derive(Default)]
struct Merchants(Vec<Option<(SmallVec<[u8; 32]>, Place)>>);

impl Merchants {
    const BITS: u32 = 10;

    #[inline]
    fn place(&mut self, key: &Key, merchant: &[u8]) -> Place {
        if self.0.is_empty() {
            self.0.resize(1 << Self::BITS, None);
        }
        // Names differ at their end, mostly.
        let end = merchant.last_chunk().map_or(0, |end| u64::from_le_bytes(*end));
        let spread = (end ^ merchant.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - Self::BITS);
        let known = usize::try_from(spread).ok().and_then(|at| self.0.get_mut(at));
        match known {
            Some(Some((name, place))) if name.as_slice() == merchant => *place,
            known => {
                let place = key.place(Kind::Proceeds, [merchant]);
                if let Some(known) = known {
                    *known = Some((SmallVec::from_slice(merchant), place));
                }
                place
            }
        }
    }
}

/// The place of one of the ledger's own accounts.
fn own_place(own: &mut OwnAccounts<Place>, key: &Key, account: &SystemAccount, currency: Currency) -> Place {
    own.find(account, currency).unwrap_or_else(|| {
        let place = key.place(Kind::Own, [account.account(currency).as_bytes()]);
        own.keep(account.clone(), currency, place);
        place
    })
}

/// The place of a wallet that is opened: so much of it never changes.
pub(super) fn wallet_place(
    key: &Key,
    wallet: &AccountId,
    (currency, product): (Currency, &Label),
    limits: Option<&Limits>,
) -> Place {
    let limits = limits.map(|limits| Image::of(0, limits).bytes).unwrap_or_default();
    key.place(Kind::Wallets, [wallet.as_bytes(), &currency.to_bytes(), product.as_bytes(), &limits])
}

/// Looks at every record.
pub(super) struct Records<'a> {
    pub(super) key: &'a Key,
    pub(super) hashing: &'a Hashing,
    pub(super) checkpoint: Position,
}

impl Look for Records<'_> {
    type Worker = Said;

    fn worker(&self) -> Said {
        Said::new(self.checkpoint)
    }

    fn batch(&self, said: &mut Said, batch: &Batch<'_>) -> Result<(), RecoveryError> {
        for (position, bytes) in batch.records() {
            // A plain spend, which nearly every record is, is summed as it stands there.
            if let Some(spend) = Record::bare(bytes).and_then(PlainSpend::read) {
                self.spend(said, &spend, position);
                continue;
            }
            let record =
                Record::decode(bytes).map_err(|error| RecoveryError::Record { position, reason: error.to_string() })?;
            self.record(said, &record, position);
        }
        Ok(())
    }
}

impl Records<'_> {
    fn spend(&self, said: &mut Said, spend: &PlainSpend<'_>, position: Position) {
        said.last_at = said.last_at.max(spend.at());
        said.ids.note(self.hashing.id(&CommandId::stored(spend.id())), position);
        let sums = &mut said.sums;
        // A lot's id as it is written down: it has one form, and a UUID's is half as long as its text.
        let lots: SmallVec<[Written<'_>; 2]> = spend.lots().iter().map(StoredId::written).collect();
        self.lines(spend.lines(), lots.iter().map(Written::as_bytes), |lot, amounts| {
            sums.take(Kind::Lots, self.key.place(Kind::Lots, [spend.account, lot]), amounts);
        });
        let mut got = Amounts::default();
        let chart = said.spends.of(spend.currency(), &mut said.totals);
        for line in spend.lines() {
            let (bucket, fund) = (proceeds(spend.reconciled.has(line.lot)), fund_of(spend.promoted, line.sub.0));
            self.key.add(&mut got, Part::bucket(bucket, fund), i128::from(line.amount));
            chart.add(line.sub, (bucket, fund), line.amount);
        }
        let merchant = spend.merchant;
        said.sums.add(Kind::Proceeds, said.merchants.place(self.key, merchant), got);
        if spend.opens_merchant {
            self.merchant(said, merchant, spend.currency());
        }
    }

    fn record(&self, said: &mut Said, record: &Record, position: Position) {
        said.last_at = said.last_at.max(record.at);
        if !matches!(record.command, Command::Expire(_)) {
            said.ids.note(self.hashing.id(&record.id), position);
        }
        if !figures::adds_up(&record.event) {
            said.faults.push(position);
        }
        self.opened(said, record);
        if let Some(account) = record.account() {
            self.wallet(&mut Booking { records: self, said, wallet: account.as_bytes() }, record);
        }
        self.last(said, record, position);
        let mut known: Option<(Place, Amounts)> = None;
        postings(record, |Posting { to, minor }| {
            said.totals.add(record.currency, to.chart(), minor);
            match to {
                PostTo::Wallet(_) | PostTo::Held(_) | PostTo::Arrears => {}
                PostTo::Merchant(bucket, fund) => {
                    let merchant = record.merchant().map_or(&[][..], |merchant| merchant.as_bytes());
                    let (_, got) =
                        known.get_or_insert_with(|| (self.key.place(Kind::Proceeds, [merchant]), Amounts::default()));
                    self.key.add(got, Part::bucket(bucket, fund), minor);
                }
                PostTo::Named(merchant, bucket, fund) => {
                    let amounts = self.key.amount(Part::bucket(bucket, fund), minor);
                    said.sums.add(Kind::Proceeds, self.key.place(Kind::Proceeds, [merchant.as_bytes()]), amounts);
                }
                PostTo::System(account) => self.own(said, &account, record.currency, minor),
            }
        });
        if let Some((place, got)) = known {
            said.sums.add(Kind::Proceeds, place, got);
        }
    }

    fn own(&self, said: &mut Said, account: &SystemAccount, currency: Currency, minor: i128) {
        let place = own_place(&mut said.own, self.key, account, currency);
        said.sums.add(Kind::Own, place, self.key.amount(Part::ONE, minor));
    }

    fn merchant(&self, said: &mut Said, merchant: &[u8], currency: Currency) {
        let place = self.key.place(Kind::Merchants, [merchant, &currency.to_bytes()]);
        said.sums.add(Kind::Merchants, place, self.key.amount(Part::ONE, 1));
    }

    /// Accounts that the record opens.
    fn opened(&self, said: &mut Said, record: &Record) {
        let mut wallet = |wallet: &AccountId, product: &Label, limits: Option<&Limits>| {
            let place = wallet_place(self.key, wallet, (record.currency, product), limits);
            said.sums.add(Kind::Wallets, place, self.key.amount(Part::ONE, 1));
        };
        match (&record.event, &record.command) {
            (Event::Opened { kind: AccountKind::Wallet, product, limits }, Command::OpenAccount(open)) => {
                wallet(&open.account, product, limits.as_deref());
            }
            (Event::Opened { .. }, Command::OpenAccount(open)) => {
                self.merchant(said, open.account.as_bytes(), record.currency);
            }
            (
                Event::ToppedUp { opens: Some(product), .. } | Event::TopUpPlaced { opens: Some(product), .. },
                Command::TopUp(top_up),
            ) => wallet(&top_up.account, product, None),
            (Event::Transferred { opens: Some(product), .. }, Command::Transfer(transfer)) => {
                wallet(&transfer.to, product, None);
            }
            (Event::Spent { opens_merchant: true, .. } | Event::Held { opens_merchant: true, .. }, _) => {
                if let Some(merchant) = record.merchant() {
                    self.merchant(said, merchant.as_bytes(), record.currency);
                }
            }
            (Event::Clearing(entry), _) => {
                for merchant in &entry.opens {
                    self.merchant(said, merchant.as_bytes(), record.currency);
                }
            }
            _ => {}
        }
    }

    /// What the last record that says it says.
    fn last(&self, said: &mut Said, record: &Record, position: Position) {
        match &record.event {
            Event::StatusSet { status, kind: AccountKind::Wallet | AccountKind::Merchant } => {
                if let Some(account) = record.account() {
                    let place = self.key.place(Kind::Statuses, [account.as_bytes()]);
                    say(&mut said.statuses, place, position, code(*status));
                }
            }
            Event::Clearing(entry) => {
                for filed in &entry.documents {
                    let id = self.hashing.wide(filed.id.as_str());
                    let place = self.key.place(Kind::Documents, [&id.to_le_bytes()]);
                    let content = self.key.content(&Image::of(0, &filed.document).bytes);
                    say(&mut said.documents, place, position, content);
                }
            }
            _ => {}
        }
    }

    /// What a record does to the wallet it is about, and a transfer to the one that gets it.
    fn wallet(&self, booking: &mut Booking<'_, '_>, record: &Record) {
        match (&record.event, &record.command) {
            (Event::ToppedUp { granted, repaid, .. }, _) => {
                booking.grant(&record.id, granted);
                booking.repay(repaid);
            }
            (Event::TopUpPlaced { granted, .. }, _) => booking.pending(&record.id, granted, 1),
            (Event::TopUpConfirmed { granted, repaid, .. }, Command::ConfirmTopUp(ask)) => {
                booking.pending(&ask.top_up, granted, -1);
                booking.grant(&ask.top_up, granted);
                booking.repay(repaid);
            }
            (Event::TopUpFailed { granted, .. }, Command::FailTopUp(top_up)) => booking.pending(top_up, granted, -1),
            (Event::Spent { taken, .. }, _) => booking.lots(taken, -1),
            (Event::Held { taken, .. }, _) => {
                booking.lots(taken, -1);
                booking.aside(Kind::Holds, &record.id, taken, 1);
            }
            (Event::Captured { taken, released, .. }, Command::Capture(ask)) => {
                booking.aside(Kind::Holds, &ask.hold, taken, -1);
                booking.release(Kind::Holds, &ask.hold, released);
            }
            (Event::Released { taken, .. }, Command::Release(ask)) => booking.release(Kind::Holds, &ask.hold, taken),
            (Event::Refunded { taken, repaid, .. }, Command::Refund(ask)) => {
                booking.lots(taken, 1);
                booking.repay(repaid);
                let spend = self.hashing.wide(ask.spend.as_str());
                let place = self.key.place(Kind::Refunds, [&spend.to_le_bytes()]);
                let back = self.key.amount(Part::ONE, i128::from(taken.sum()));
                booking.said.sums.add(Kind::Refunds, place, back);
            }
            (Event::Transferred { taken, parts, repaid, .. }, Command::Transfer(ask)) => {
                booking.lots(taken, -1);
                let mut to = Booking { records: self, said: booking.said, wallet: ask.to.as_bytes() };
                to.arrive(taken, parts);
                to.repay(repaid);
            }
            (Event::Expired { taken, holds, .. }, _) => {
                for (hold, released) in holds {
                    booking.release(Kind::Holds, hold, released);
                }
                booking.lots(taken, -1);
                booking.parts(Kind::Expired, &[], taken, 1);
            }
            (event, Command::RefundTopUp(ask)) => booking.refund_top_up(&ask.top_up, event),
            _ => {}
        }
    }

    /// The lines of each lot together, in the order in which lots come up.
    fn lines<'n>(
        &self,
        lines: &[TakenLine],
        lots: impl Iterator<Item = &'n [u8]>,
        mut of_lot: impl FnMut(&'n [u8], Amounts),
    ) {
        let names: SmallVec<[&[u8]; 4]> = lots.collect();
        if let [name] = names.as_slice() {
            let mut amounts = Amounts::default();
            for line in lines.iter().filter(|line| line.lot == 0) {
                self.key.add(&mut amounts, Part::sub(line.sub.0), i128::from(line.amount));
            }
            return of_lot(name, amounts);
        }
        let mut all: SmallVec<[Amounts; 4]> = SmallVec::from_elem(Amounts::default(), names.len());
        for line in lines {
            if let Some(amounts) = all.get_mut(line.lot as usize) {
                self.key.add(amounts, Part::sub(line.sub.0), i128::from(line.amount));
            }
        }
        names.into_iter().zip(all).for_each(|(name, amounts)| of_lot(name, amounts));
    }
}

/// What is booked in one wallet.
struct Booking<'s, 'r> {
    records: &'s Records<'r>,
    said: &'s mut Said,
    wallet: &'s [u8],
}

impl Booking<'_, '_> {
    /// The lines, so many times, in places of the wallet, `of` something, and the lot.
    fn parts(&mut self, kind: Kind, of: &[u8], taken: &Taken, times: i8) {
        let Self { records, said, wallet } = self;
        let lots: SmallVec<[Written<'_>; 2]> = taken.lots.iter().map(CommandId::written).collect();
        records.lines(&taken.lines, lots.iter().map(Written::as_bytes), |lot, amounts| {
            let place = match kind {
                Kind::Holds | Kind::Waiting => records.key.place(kind, [wallet, of, lot]),
                _ => records.key.place(kind, [wallet, lot]),
            };
            if times < 0 { said.sums.take(kind, place, amounts) } else { said.sums.add(kind, place, amounts) }
        });
    }

    fn lots(&mut self, taken: &Taken, times: i8) {
        self.parts(Kind::Lots, &[], taken, times);
    }

    /// What a hold or a waiting refund sets aside.
    fn aside(&mut self, kind: Kind, of: &CommandId, taken: &Taken, times: i8) {
        self.parts(kind, of.as_bytes(), taken, times);
    }

    /// What was set aside comes back.
    fn release(&mut self, kind: Kind, of: &CommandId, taken: &Taken) {
        self.aside(kind, of, taken, -1);
        self.lots(taken, 1);
    }

    fn grant(&mut self, lot: &CommandId, granted: &Granted) {
        let key = self.records.key;
        let mut amounts = Amounts::default();
        for grant in &granted.grants {
            key.add(&mut amounts, Part::sub(grant.sub.0), i128::from(grant.amount));
        }
        self.said.sums.add(Kind::Lots, key.place(Kind::Lots, [self.wallet, lot.written().as_bytes()]), amounts);
    }

    fn pending(&mut self, top_up: &CommandId, granted: &Granted, times: i8) {
        let key = self.records.key;
        let grants = granted.grants.iter().map(|grant| (grant.sub.0, grant.amount));
        let (place, amounts) = pending(key, self.wallet, top_up, grants);
        if times < 0 {
            self.said.sums.take(Kind::Pending, place, amounts);
        } else {
            self.said.sums.add(Kind::Pending, place, amounts);
        }
    }

    fn owe(&mut self, minor: i64) {
        let key = self.records.key;
        if minor != 0 {
            let place = key.place(Kind::Arrears, [self.wallet]);
            self.said.sums.add(Kind::Arrears, place, key.amount(Part::ONE, i128::from(minor)));
        }
    }

    fn repay(&mut self, repaid: &Taken) {
        if !repaid.lines.is_empty() {
            self.lots(repaid, -1);
            self.owe(-repaid.sum());
        }
    }

    /// The parts of a transfer as they arrive.
    fn arrive(&mut self, taken: &Taken, parts: &[MovedPart]) {
        let lines = parts.iter().map(|part| TakenLine { lot: part.lot, sub: part.sub, amount: part.amount });
        let moved = Taken { lots: taken.lots.clone(), lines: lines.collect() };
        self.lots(&moved, 1);
    }

    /// A refund of a top-up, at once or a step of one (rule W3).
    fn refund_top_up(&mut self, top_up: &CommandId, event: &Event) {
        match event {
            Event::TopUpRefunded { refund, returned, .. } => {
                self.release(Kind::Waiting, top_up, returned);
                self.lots(&refund.taken, -1);
                self.lots(&refund.others, -1);
                self.owe(refund.arrears);
                self.taken_back(top_up, refund);
            }
            Event::TopUpRefundRequested { refund, .. } => {
                self.lots(&refund.taken, -1);
                self.aside(Kind::Waiting, top_up, &refund.taken, 1);
            }
            Event::TopUpRefundConfirmed { refund, .. } => {
                self.aside(Kind::Waiting, top_up, &refund.taken, -1);
                self.taken_back(top_up, refund);
            }
            Event::TopUpRefundFailed { refund, repaid, .. } => {
                self.release(Kind::Waiting, top_up, &refund.taken);
                self.repay(repaid);
            }
            _ => {}
        }
    }

    fn taken_back(&mut self, top_up: &CommandId, refund: &TopUpRefund) {
        let taken = refund.taken.lines.iter().map(|line| (line.sub.0, line.amount));
        let fields = [refund.refunded, refund.cancelled(), refund.arrears];
        let (place, amounts) = taken_back(self.records.key, self.wallet, top_up, fields, taken);
        self.said.sums.add(Kind::TakenBack, place, amounts);
    }
}

/// A top-up on its way: that it is, and what it will bring.
pub(super) fn pending(
    key: &Key,
    wallet: &[u8],
    top_up: &CommandId,
    grants: impl Iterator<Item = (u8, i64)>,
) -> (Place, Amounts) {
    let mut amounts = key.amount(Part::ONE, 1);
    grants.for_each(|(sub, amount)| key.add(&mut amounts, Part::sub(sub), i128::from(amount)));
    (key.place(Kind::Pending, [wallet, top_up.as_bytes()]), amounts)
}

/// What was taken back of a top-up: refunded, cancelled, arrears, and what was taken out of the lot.
pub(super) fn taken_back(
    key: &Key,
    wallet: &[u8],
    top_up: &CommandId,
    fields: [i64; 3],
    taken: impl Iterator<Item = (u8, i64)>,
) -> (Place, Amounts) {
    let mut amounts = Amounts::default();
    for (part, amount) in Part::FIELDS.into_iter().zip(fields) {
        key.add(&mut amounts, part, i128::from(amount));
    }
    taken.for_each(|(sub, amount)| key.add(&mut amounts, Part::sub(sub), i128::from(amount)));
    (key.place(Kind::TakenBack, [wallet, top_up.as_bytes()]), amounts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Subs;
    use crate::journal::{Batch, seal};
    use crate::ledger::{Balances, LotSet, Spend};
    use crate::money::Major;

    fn spend(lots: &[&str], reconciled: &[u32], opens_merchant: bool) -> Record {
        let mut taken = Taken::default();
        for (number, lot) in (0_i64..).zip(lots) {
            taken.push(&CommandId::internal(lot), SubId(0), 500 + number);
            taken.push(&CommandId::internal(lot), SubId(1), 900 - number);
        }
        let mut set = LotSet::default();
        for lot in reconciled {
            set.insert(*lot);
        }
        Record {
            id: CommandId::internal("s-1"),
            at: 7,
            currency: Currency::CNY,
            slice: 0,
            command: Command::Spend(Spend {
                account: AccountId::internal("alice"),
                merchant: AccountId::internal("coffee-shop"),
                amount: Major::from_parts(1_400, 2),
                rule: None,
                order: None,
                tags: SmallVec::new(),
                lines: SmallVec::new(),
            }),
            event: Event::Spent {
                rule: Label::internal("by_lot"),
                version: 1,
                taken,
                phase: None,
                table: None,
                usage: None,
                promoted: 2,
                reconciled: set,
                opens_merchant,
                after: Balances { subs: Subs::default(), held: 0, arrears: 0 },
            },
        }
    }

    /// What is summed from the bytes of a plain spend is what is summed from the record.
    #[test]
    fn e6_a_plain_spend_is_summed_as_its_record_is() {
        let (key, hashing) = (Key::draw(), Hashing::new(&[7; 16]));
        let records = Records { key: &key, hashing: &hashing, checkpoint: 10 };
        for record in [
            spend(&["t-1"], &[], false),
            spend(&["t-1"], &[0], true),
            spend(&["t-1", "a-longer-name-of-a-lot", "t-3"], &[1], false),
            spend(&["t-1", "t-2", "t-3", "t-4"], &[0, 3], false),
            spend(&["t-1", "t-2", "t-3", "t-4", "t-5"], &[4], false),
            spend(&["0198c3a2-7c1e-7f00-8000-0000000000ab"], &[], false),
            spend(&["t-1", "0198c3a2-7c1e-7f00-8000-0000000000ab"], &[1], false),
        ] {
            for by in [None, Some(Label::internal("till"))] {
                let mut bytes = Vec::new();
                if let Some(by) = &by {
                    Record::encode_by(by, &mut bytes);
                }
                record.encode(&mut bytes);
                let framed = [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], &bytes].concat();
                let sealed = seal(1, 1, 1, 1, &framed, &[0; 32]);
                let (mut by_hand, mut general) = (records.worker(), records.worker());
                records.batch(&mut by_hand, &Batch::open(&sealed).unwrap()).unwrap();
                records.record(&mut general, &record, 1);
                let all = |said| Said::of(vec![said], &key, 10);
                let (by_hand, general) = (all(by_hand), all(general));
                assert_eq!((by_hand.sums, by_hand.last_at), (general.sums, general.last_at));
                assert_eq!((by_hand.totals, by_hand.ids), (general.totals, general.ids));
                assert_ne!(by_hand.sums, Sums::default());
            }
        }
    }
}
