use super::*;
use crate::accounts::{Funding, NEVER};
use crate::ledger::{Grant, Granted, LotSet, Spend, TopUp, TopUpState};
use crate::names::AccountId;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    "[ -~]{1,64}"
}

fn label() -> impl Strategy<Value = Label> {
    name().prop_map(|name| Label::internal(&name))
}

fn maybe_label() -> impl Strategy<Value = Option<Label>> {
    prop::option::of(label())
}

fn id() -> impl Strategy<Value = CommandId> {
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    prop_oneof![name(), uuid.prop_map(|uuid| uuid)].prop_map(|id| CommandId::internal(&id))
}

fn signed() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -200_i64..200, Just(i64::MAX), Just(i64::MIN)]
}

fn amount() -> impl Strategy<Value = Major> {
    (signed(), any::<u8>()).prop_map(|(digits, decimals)| Major::from_parts(digits, decimals))
}

fn taken() -> impl Strategy<Value = Taken> {
    let line =
        (any::<u32>(), 0_u8..8, signed()).prop_map(|(lot, sub, amount)| TakenLine { lot, sub: SubId(sub), amount });
    (prop::collection::vec(id(), 0..LOTS + 2), prop::collection::vec(line, 0..LINES + 2))
        .prop_map(|(lots, lines)| Taken { lots: lots.into(), lines: lines.into() })
}

fn after() -> impl Strategy<Value = Balances> {
    (prop::collection::vec(signed(), 0..SUBS_MAX + 2), signed(), signed()).prop_map(|(subs, held, arrears)| Balances {
        subs: Subs::from_list(subs.into()),
        held,
        arrears,
    })
}

fn spend() -> impl Strategy<Value = (Command, Event)> {
    let tags = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(label(), 1..3)];
    let ask = (name(), name(), amount(), maybe_label(), maybe_label(), tags).prop_map(
        |(account, merchant, amount, rule, order, tags)| {
            Command::Spend(Spend {
                account: AccountId::internal(&account),
                merchant: AccountId::internal(&merchant),
                amount,
                rule,
                order,
                tags: tags.into(),
                lines: SmallVec::new(),
            })
        },
    );
    let reconciled = prop::collection::vec(any::<u64>(), 0..3).prop_map(|words| LotSet::from_words(words.into()));
    let flags = (any::<u8>(), any::<bool>());
    let event = (label(), any::<u32>(), taken(), prop::option::of(signed()), flags, reconciled, after()).prop_map(
        |(rule, version, taken, phase, (promoted, opens_merchant), reconciled, after)| Event::Spent {
            rule,
            version,
            taken,
            phase,
            table: None,
            usage: None,
            promoted,
            reconciled,
            opens_merchant,
            after,
        },
    );
    (ask, event)
}

fn funding() -> impl Strategy<Value = Funding> {
    prop::sample::select(vec![Funding::Unknown, Funding::DebitCard, Funding::CreditCard, Funding::Wallet])
}

fn top_up() -> impl Strategy<Value = (Command, Event)> {
    let when = || prop::option::of(prop_oneof![signed(), Just(NEVER)]);
    let named = (maybe_label(), maybe_label(), maybe_label());
    let state = prop::sample::select(vec![TopUpState::Pending, TopUpState::Confirmed]);
    let ask = (name(), amount(), prop::option::of(amount()), named, funding(), when(), when(), state).prop_map(
        |(account, principal, bonus, (offer, channel, channel_order), funding, expires_at, bonus_expires_at, state)| {
            Command::TopUp(TopUp {
                account: AccountId::internal(&account),
                principal,
                bonus,
                offer,
                channel,
                channel_order,
                funding,
                expires_at,
                bonus_expires_at,
                state,
            })
        },
    );
    let grant = (0_u8..8, signed(), when()).prop_map(|(sub, amount, expires_at)| Grant {
        sub: SubId(sub),
        amount,
        expires_at: expires_at.unwrap_or(NEVER),
    });
    let uses = prop::option::of(any::<u32>());
    let granted = (prop::collection::vec(grant, 0..4), label(), label(), any::<u8>(), funding(), uses).prop_map(
        |(grants, channel, promotion, promoted, funding, uses)| Granted {
            grants: grants.into(),
            channel,
            promotion,
            promoted,
            funding,
            uses,
        },
    );
    let repaid = prop_oneof![3 => Just(Taken::default()), 1 => taken()];
    let event = (maybe_label(), granted, repaid, after()).prop_map(|(opens, granted, repaid, after)| Event::ToppedUp {
        opens,
        granted,
        repaid,
        after,
    });
    (ask, event)
}

fn record() -> impl Strategy<Value = Record> {
    // What was asked and what happened do not always belong together in what a damaged medium has.
    let pair = prop_oneof![4 => spend(), 4 => top_up(), 1 => (spend(), top_up()).prop_map(|(spend, top_up)| (spend.0, top_up.1))];
    (id(), signed(), any::<u16>(), pair).prop_map(|(id, at, slice, (command, event))| Record {
        id,
        at,
        currency: Currency::CNY,
        slice,
        command,
        event,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn e6_a_record_written_by_hand_has_the_bytes_of_the_general_way(record in record()) {
        let general = postcard::to_allocvec(&record).unwrap();
        let mut by_hand = b"before".to_vec();
        if encode(&record, &mut by_hand) {
            prop_assert_eq!(&by_hand[6..], &general);
            // A number of ten bytes is read the general way.
            if let Some(read) = decode(&general) {
                prop_assert_eq!(&read, &record);
            }
        } else {
            prop_assert_eq!(&by_hand, b"before", "nothing is left of what could not be written");
        }
        prop_assert_eq!(Record::decode(&general).unwrap(), record);
    }

    /// What is read by hand is what the general way reads, whatever the bytes.
    #[test]
    fn e6_no_damage_is_read_by_hand_otherwise(record in record(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = postcard::to_allocvec(&record).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(read) = decode(&bytes) {
            let (general, rest) = postcard::take_from_bytes::<Record>(&bytes).unwrap();
            prop_assert!(rest.is_empty());
            prop_assert_eq!(read, general);
        }
    }
}

fn recorded(id: &str, command: Command, event: Event) -> Record {
    let at = 1_764_230_400_000_000;
    Record { id: CommandId::internal(id), at, currency: Currency::CNY, slice: 0, command, event }
}

fn left(subs: [i64; 2]) -> Balances {
    Balances { subs: Subs::from_list(SmallVec::from_slice(&subs)), held: 0, arrears: 0 }
}

fn is_plain_both_ways(record: &Record) {
    let mut bytes = Vec::new();
    assert!(encode(record, &mut bytes), "written by hand");
    assert_eq!(decode(&bytes).as_ref(), Some(record), "read by hand");
}

#[test]
fn e6_an_ordinary_spend_is_written_and_read_by_hand() {
    let mut taken = Taken::default();
    taken.push(&CommandId::internal("t-1"), SubId(0), 500);
    taken.push(&CommandId::internal("t-1"), SubId(1), 900);
    let ask = Spend {
        account: AccountId::internal("alice"),
        merchant: AccountId::internal("coffee-shop"),
        amount: Major::from_parts(1_400, 2),
        rule: None,
        order: None,
        tags: SmallVec::new(),
        lines: SmallVec::new(),
    };
    let event = Event::Spent {
        rule: Label::internal("by_lot"),
        version: 1,
        taken,
        phase: None,
        table: None,
        usage: None,
        promoted: 2,
        reconciled: LotSet::default(),
        opens_merchant: false,
        after: left([9_500, 17_100]),
    };
    is_plain_both_ways(&recorded("s-1", Command::Spend(ask), event));
}

#[test]
fn e6_an_ordinary_top_up_is_written_and_read_by_hand() {
    let grants = [(SubId::PRINCIPAL, 10_000), (SubId::BONUS, 18_000)];
    let ask = TopUp {
        account: AccountId::internal("alice"),
        principal: Major::from_parts(10_000, 2),
        bonus: None,
        offer: Some(Label::internal("top_up_100_get_180")),
        channel: Some(Label::internal("wechat")),
        channel_order: Some(Label::internal("4200002964202611285103397426")),
        funding: Funding::DebitCard,
        expires_at: None,
        bonus_expires_at: None,
        state: TopUpState::Confirmed,
    };
    let event = Event::ToppedUp {
        opens: Some(Label::internal("standard")),
        granted: Granted {
            grants: grants.map(|(sub, amount)| Grant { sub, amount, expires_at: NEVER }).into(),
            channel: Label::internal("wechat"),
            promotion: Label::internal("top_up_100_get_180"),
            promoted: 2,
            funding: Funding::DebitCard,
            uses: Some(1),
        },
        repaid: Taken::default(),
        after: left([10_000, 18_000]),
    };
    is_plain_both_ways(&recorded("t-1", Command::TopUp(ask), event));
}
