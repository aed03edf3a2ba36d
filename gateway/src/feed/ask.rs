//! What can be asked of the feed: parameters of a URL to a checked ask.

use super::filter::Filter;
use super::source::Frame;
use fentan_engine::journal::Position;
use fentan_engine::ledger::Reject;
use serde::Deserialize;
use std::time::Duration;

/// The longest wait at the journal's end, in seconds; whoever wants more asks to follow.
const WAIT_MAX: u64 = 3_600;

/// The parameters as they stand in the URL.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedParams {
    from: Option<String>,
    limit: Option<String>,
    wait: Option<String>,
    follow: Option<String>,
    types: Option<String>,
    account: Option<String>,
}

/// How the records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line for each.
    Ndjson,
    /// Server-sent events, for a browser.
    Sse,
}

impl Form {
    pub(super) const fn frame(self) -> Frame {
        match self {
            Self::Ndjson => Frame::Ndjson,
            Self::Sse => Frame::Sse,
        }
    }
}

/// What happens at the journal's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtEnd {
    /// The feed ends with what was durable when it began.
    Stop,
    /// It ends when nothing comes for so long.
    Wait(Duration),
    /// It goes on.
    Follow,
}

/// A checked ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedAsk {
    /// `None`: only what comes from now on.
    pub(crate) from: Option<Position>,
    pub(crate) limit: Option<u64>,
    pub(crate) at_end: AtEnd,
    pub(crate) filter: Filter,
    pub(crate) form: Form,
}

impl FeedAsk {
    /// Checks what was asked. `last_event_id` is what a browser says when it comes back: it has seen that far, whatever
    /// the URL says.
    pub(crate) fn new(params: &FeedParams, form: Form, last_event_id: Option<&str>) -> Result<Self, Reject> {
        let from = match (last_event_id, params.from.as_deref()) {
            (Some(seen), _) => Some(position("last-event-id", seen, 0)?.saturating_add(1)),
            (None, Some("end")) => None,
            (None, Some(from)) => Some(position("from", from, 1)?),
            (None, None) => Some(1),
        };
        let follow = match params.follow.as_deref() {
            None => form == Form::Sse && params.wait.is_none(),
            Some("true") => true,
            Some("false") => false,
            Some(_) => return Err(Reject::bad_request("follow", "is true or false")),
        };
        let wait = params.wait.as_deref().map(|text| number("wait", text, 0, WAIT_MAX)).transpose()?;
        let at_end = match (follow, wait) {
            (true, Some(_)) => {
                return Err(Reject::bad_request("wait", "says when to end; with follow there is no end"));
            }
            (true, None) => AtEnd::Follow,
            (false, None | Some(0)) => AtEnd::Stop,
            (false, Some(seconds)) => AtEnd::Wait(Duration::from_secs(seconds)),
        };
        let limit = params.limit.as_deref().map(|text| number("limit", text, 1, u64::MAX)).transpose()?;
        let filter = Filter::parse(params.types.as_deref(), params.account.as_deref())?;
        Ok(Self { from, limit, at_end, filter, form })
    }
}

fn position(field: &str, text: &str, least: u64) -> Result<Position, Reject> {
    number(field, text, least, Position::MAX - 1).map_err(|_| {
        let end = if field == "from" { ", or end" } else { "" };
        Reject::bad_request(field, format!("is a position: a whole number from {least} on{end}"))
    })
}

/// A whole number of digits alone.
fn number(field: &str, text: &str, least: u64, most: u64) -> Result<u64, Reject> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        let upto = if most == u64::MAX { " on".to_owned() } else { format!(" to {most}") };
        Reject::bad_request(field, format!("is a whole number from {least}{upto}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &[(&str, &str)], form: Form, seen: Option<&str>) -> Result<FeedAsk, Reject> {
        let of = |name: &str| query.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let params = FeedParams {
            from: of("from"),
            limit: of("limit"),
            wait: of("wait"),
            follow: of("follow"),
            types: of("types"),
            account: of("account"),
        };
        FeedAsk::new(&params, form, seen)
    }

    #[test]
    fn what_is_not_said_is_all_there_is_and_a_browser_follows() {
        let plain = ask(&[], Form::Ndjson, None).unwrap();
        assert_eq!((plain.from, plain.limit, plain.at_end), (Some(1), None, AtEnd::Stop));
        assert_eq!(ask(&[], Form::Sse, None).unwrap().at_end, AtEnd::Follow);
        assert_eq!(ask(&[("wait", "7")], Form::Sse, None).unwrap().at_end, AtEnd::Wait(Duration::from_secs(7)));
        assert_eq!(ask(&[("from", "end")], Form::Ndjson, None).unwrap().from, None);
        // What has been seen goes before what the address says.
        assert_eq!(ask(&[("from", "3")], Form::Sse, Some("41")).unwrap().from, Some(42));
        assert_eq!(ask(&[], Form::Sse, Some("0")).unwrap().from, Some(1));
    }

    #[test]
    fn e6_a_wrong_value_names_its_field() {
        for (field, value) in [
            ("from", "0"),
            ("from", "-1"),
            ("from", "+1"),
            ("from", "1.5"),
            ("from", "one"),
            ("from", ""),
            ("from", "18446744073709551616"),
            ("from", "18446744073709551615"),
            ("limit", "0"),
            ("limit", "all"),
            ("wait", "3601"),
            ("wait", "-1"),
            ("follow", "yes"),
            ("types", "spent"),
            ("account", ""),
        ] {
            match ask(&[(field, value)], Form::Ndjson, None) {
                Err(Reject::BadRequest { field: named, .. }) => assert_eq!(named, field, "{value}"),
                other => panic!("{field}={value}: {other:?}"),
            }
        }
        assert!(ask(&[("follow", "true"), ("wait", "1")], Form::Ndjson, None).is_err());
        assert!(ask(&[], Form::Sse, Some("x")).is_err());
    }
}
