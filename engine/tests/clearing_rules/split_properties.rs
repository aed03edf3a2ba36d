//! C6 at random: no drift over partial splits, the bounds, and returns.

use crate::splits::{money, split};
use crate::{account, percent};
use fentan_engine::clearing::{Portion, Rate, Receiver, SplitLimits, SplitState, give_back};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// Ratios of up to five receivers that are 30% or less in all.
fn ratios() -> impl Strategy<Value = Vec<Rate>> {
    let most = 30_000_000_i64 / 5;
    prop::collection::vec((1..=most).prop_map(|units| Rate::try_from(Decimal::new(units, 8)).unwrap()), 1..=5)
}

fn receivers(ratios: &[Rate]) -> Vec<Receiver> {
    let receiver =
        |(n, rate): (usize, &Rate)| Receiver { account: account(&format!("r-{n}")), portion: Portion::Ratio(*rate) };
    ratios.iter().enumerate().map(receiver).collect()
}

/// What happens to an order.
#[derive(Debug, Clone)]
enum Step {
    /// More of it becomes pending, or less by refunds.
    Basis(i64),
    /// A split by ratio, in hundredths of a percent, or by amount.
    Split(usize, bool, i64),
    /// A return.
    Return(usize, i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (-3_000_i64..10_000).prop_map(Step::Basis),
        (0..4_usize, any::<bool>(), 1..2_000_i64).prop_map(|(who, ratio, size)| Step::Split(who, ratio, size)),
        (0..4_usize, 1..1_500_i64).prop_map(|(who, minor)| Step::Return(who, minor)),
    ]
}

proptest! {
    #[test]
    fn c6_partial_splits_never_drift(ratios in ratios(), pieces in prop::collection::vec(0_i64..100_000, 1..40)) {
        let receivers = receivers(&ratios);
        let mut state = SplitState::default();
        let mut basis = 0;
        for piece in &pieces {
            basis += piece;
            let shares = split(basis, &receivers, &state).unwrap();
            prop_assert_eq!(shares.total, shares.lines.iter().map(|(_, minor)| minor).sum::<i64>());
            prop_assert!(shares.lines.iter().all(|(_, minor)| *minor > 0));
            state.book(basis, &shares);
            // At every step, not only at the end, each has its ratio of all there was, rounded down.
            for (receiver, rate) in receivers.iter().zip(&ratios) {
                let exact = rate.decimal() * Decimal::from(basis);
                prop_assert_eq!(Decimal::from(state.held_by(&receiver.account)), exact.floor());
            }
        }
        let mut at_once = SplitState::default();
        at_once.book(basis, &split(basis, &receivers, &at_once).unwrap());
        prop_assert_eq!(state, at_once);
    }

    #[test]
    fn c6_no_receiver_s_share_and_no_sum_leaves_its_bounds(steps in prop::collection::vec(step(), 1..60)) {
        let names = ["r-0", "r-1", "r-2", "r-3"].map(account);
        let (mut state, mut basis, mut had) = (SplitState::default(), 0_i64, [0_i64; 4]);
        for step in steps {
            match step {
                Step::Basis(by) => basis = (basis + by).max(0),
                Step::Split(who, by_ratio, size) => {
                    let rate = || Rate::try_from(Decimal::new(size, 4)).unwrap();
                    let portion = if by_ratio { Portion::Ratio(rate()) } else { Portion::Amount(size) };
                    let receiver = Receiver { account: names[who].clone(), portion };
                    let Ok(shares) = split(basis, &[receiver], &state) else { continue };
                    prop_assert!(shares.total >= 0);
                    had[who] += shares.total;
                    state.book(basis, &shares);
                    let most = SplitLimits::default().max_ratio.down(basis);
                    prop_assert!(shares.total == 0 || state.held() <= most, "{} of {most}", state.held());
                    prop_assert!(shares.total == 0 || state.held() * 100 <= basis * 30);
                }
                Step::Return(who, minor) => match give_back(&state, &names[who], money(minor)) {
                    Ok(returned) => {
                        had[who] -= minor;
                        state.take_back(&names[who], returned);
                    }
                    Err(_) => prop_assert!(minor > had[who], "{minor} of {} was refused", had[who]),
                },
            }
            for (name, had) in names.iter().zip(had) {
                prop_assert_eq!(state.held_by(name), had);
                prop_assert!(had >= 0);
            }
            for shared in state.shared() {
                prop_assert!(0 <= shared.returned && shared.returned <= shared.given);
            }
            prop_assert_eq!(state.held() + state.rest(), state.basis);
        }
    }

    #[test]
    fn c6_the_maximum_of_any_basis_can_be_shared_and_no_more(basis in 1_i64..=i64::MAX / 4) {
        let all = [Receiver { account: account("r-1"), portion: Portion::Ratio(percent("30")) }];
        let shares = split(basis, &all, &SplitState::default()).unwrap();
        let most = i128::from(basis) * 30 / 100;
        prop_assert_eq!(i128::from(shares.total), most);
        let more = [Receiver { account: account("r-1"), portion: Portion::Amount(shares.total + 1) }];
        prop_assert!(split(basis, &more, &SplitState::default()).is_err());
    }
}
