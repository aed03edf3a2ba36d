//! Rules as the model sees them.

/// Which lots pay first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MOrder {
    Fifo,
    Lifo,
    ExpiringFirst,
    LargestFirst,
    ProRata,
}

/// How a spend is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MMethod {
    LotRatio,
    CurrentRatio,
    Ordered(Vec<u8>),
    FixedRatio(Vec<(u8, i128)>),
    /// Amounts in minor units.
    FixedAmount {
        sub: u8,
        at_most: i128,
        for_every: Option<i128>,
        others: Vec<u8>,
    },
}

/// What bounds a sub-balance in one spend, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MCap {
    pub(crate) sub: u8,
    pub(crate) amount: Option<i128>,
    /// Millionths of the spend.
    pub(crate) millionths: Option<i128>,
    pub(crate) minimum: Option<i128>,
}

/// A rule. `spill` is `None` for reject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MRule {
    pub(crate) name: String,
    pub(crate) method: MMethod,
    pub(crate) order: MOrder,
    pub(crate) caps: Vec<MCap>,
    pub(crate) spill: Option<Vec<u8>>,
}

impl MRule {
    /// A rule of this method with fifo, no caps, and no spill.
    pub(crate) fn plain(name: &str, method: MMethod) -> Self {
        Self { name: name.into(), method, order: MOrder::Fifo, caps: Vec::new(), spill: None }
    }
}

const PRINCIPAL: u8 = 0;
const BONUS: u8 = 1;

/// The rules that are shipped, as the domain describes them.
pub(crate) fn shipped() -> Vec<MRule> {
    let plain = MRule::plain;
    vec![
        plain("by_lot", MMethod::LotRatio),
        MRule { order: MOrder::ExpiringFirst, ..plain("by_lot_expiring_first", MMethod::LotRatio) },
        MRule { order: MOrder::ProRata, ..plain("by_lot_pro_rata", MMethod::LotRatio) },
        plain("by_balance", MMethod::CurrentRatio),
        plain("principal_first", MMethod::Ordered(vec![PRINCIPAL, BONUS])),
        plain("bonus_first", MMethod::Ordered(vec![BONUS, PRINCIPAL])),
        MRule {
            spill: Some(vec![PRINCIPAL, BONUS]),
            ..plain("fixed_100_80", MMethod::FixedRatio(vec![(PRINCIPAL, 100), (BONUS, 80)]))
        },
        MRule {
            spill: Some(vec![BONUS]),
            ..plain(
                "bonus_5_per_spend",
                MMethod::FixedAmount { sub: BONUS, at_most: 500, for_every: None, others: vec![PRINCIPAL] },
            )
        },
        MRule {
            caps: vec![MCap { sub: BONUS, amount: None, millionths: Some(300_000), minimum: None }],
            ..plain("bonus_30_percent", MMethod::Ordered(vec![BONUS, PRINCIPAL]))
        },
    ]
}
