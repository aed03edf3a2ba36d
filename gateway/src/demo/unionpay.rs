//! The channel file that the demo runs on: a day of one merchant at `UnionPay`, as the channel sent it.
//! `gateway/assets/unionpay/README.md` says where it comes from and what holds of it.

use std::io::Cursor;

use anyhow::Context;
use fentan_statements::{Ask, Expect, Family, Row, check};

/// Its name, which carries the year.
pub(super) const SAMPLE_NAME: &str = "INN17071888ZM_898319849000018";
/// Its bytes.
pub(super) const SAMPLE: &[u8] = include_bytes!("../../assets/unionpay/INN17071888ZM_898319849000018");

/// What is known to hold of it, in fen.
pub(super) struct Known {
    pub(super) rows: u32,
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) net: i64,
}

/// Nothing in the file says it, so it is written down here.
pub(super) const KNOWN: Known = Known { rows: 1_207, amount: 4_727_546_394, fee: 28_968, net: 4_727_517_426 };

/// Its rows, after the whole of it was checked.
///
/// # Errors
/// When it is not the file that it was.
pub(super) fn rows() -> anyhow::Result<Vec<Row>> {
    let expect = Expect {
        rows: Some(KNOWN.rows.into()),
        payment_amount: Some(KNOWN.amount),
        fee: Some(KNOWN.fee),
        net: Some(KNOWN.net),
        refund_amount: None,
    };
    let ask = Ask { expect: Some(expect), ..Ask::new(Family::UnionpayMerchant, SAMPLE_NAME) };
    let mut checked = check(Cursor::new(SAMPLE), &ask, &mut |_, _| {}).context(SAMPLE_NAME)?;
    checked.rows()?.collect::<Result<_, _>>().context(SAMPLE_NAME)
}

/// The last three digits of the channel's trace number of a payment, which stands in its query id before the last digit.
/// Some repeat, as a customer who comes again does.
pub(super) fn digits(row: &Row) -> &str {
    let id = row.channel_order.as_str();
    let end = id.len().saturating_sub(1);
    id.get(end.saturating_sub(3)..end).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_is_known_of_it() {
        let rows = rows().unwrap();
        assert_eq!(rows.len(), 1_207);
        let customers: std::collections::BTreeSet<&str> = rows.iter().map(digits).collect();
        assert_eq!(customers.len(), 377);
        assert_eq!((rows[0].channel_order.as_str(), digits(&rows[0])), ("201707182159160056078", "607"));
    }
}
