//! A trace in words, for `fentan explain`.

use crate::client::{ServerArgs, get, print, refused, text};
use anyhow::{Result, bail};
use serde_json::Value;

/// Asks a server for a trace and tells it; `false` when there is nothing of the kind.
///
/// # Errors
/// When the server cannot be reached.
pub(crate) fn tell(at: &ServerArgs, query: &[(&str, String)]) -> Result<bool> {
    let mut answer = get(at, "/v1/trace", query)?;
    all_bookings(at, &mut answer)?;
    for settlement in answer["settlements"].as_array_mut().into_iter().flatten() {
        all_bookings(at, settlement)?;
    }
    if at.json {
        print(&answer);
        return Ok(answer["ok"] == true);
    }
    if answer["ok"] != true {
        refused(&answer);
        return Ok(false);
    }
    let mut lines = Lines(Vec::new());
    if answer["payout"].is_string() && answer["settlements"].is_array() {
        lines.payout(&answer);
    } else if answer["settlement"].is_string() {
        lines.settlement(0, &answer);
    } else if answer["row"]["line"].is_u64() && answer["file"].is_string() {
        lines.row(&answer);
    } else {
        lines.top_up(0, &answer);
    }
    for line in lines.0 {
        print(&line);
    }
    Ok(true)
}

/// A server tells a settlement's bookings in pages; asks for those after the first.
fn all_bookings(at: &ServerArgs, settlement: &mut Value) -> Result<()> {
    while let Some(cursor) = settlement["next"].as_u64() {
        let query = [("settlement", text(&settlement["settlement"])), ("cursor", cursor.to_string())];
        let mut page = get(at, "/v1/trace", &query)?;
        if page["ok"] != true {
            bail!("{}: {}", text(&page["code"]), text(&page["message"]));
        }
        if let (Some(bookings), Some(more)) = (settlement["bookings"].as_array_mut(), page["bookings"].as_array_mut()) {
            bookings.append(more);
        }
        settlement["next"] = page["next"].take();
    }
    Ok(())
}

struct Lines(Vec<String>);

impl Lines {
    fn say(&mut self, depth: usize, line: impl AsRef<str>) {
        self.0.push(format!("{}{}", "  ".repeat(depth), line.as_ref()));
    }

    fn payout(&mut self, told: &Value) {
        self.say(
            0,
            format!("Payout {} of {} {}", text(&told["payout"]), text(&told["total"]), text(&told["currency"])),
        );
        for settlement in list(&told["settlements"]) {
            self.settlement(1, settlement);
        }
    }

    fn settlement(&mut self, depth: usize, told: &Value) {
        self.say(
            depth,
            format!(
                "Settlement {} of {} on {}: {} settled, fee {}, gifts borne {}, net {}; {}",
                text(&told["settlement"]),
                text(&told["merchant"]),
                text(&told["run_day"]),
                text(&told["amount"]),
                text(&told["fee"]),
                text(&told["borne"]),
                text(&told["net"]),
                text(&told["state"])
            ),
        );
        for line in list(&told["lines"]) {
            let (count, what) = (text(&line["count"]), text(&line["what"]));
            self.say(depth + 1, format!("{count} x {what}: {}", text(&line["amount"])));
        }
        for booking in list(&told["bookings"]) {
            self.booking(depth + 1, booking);
        }
    }

    fn booking(&mut self, depth: usize, told: &Value) {
        let account =
            if told["account"].is_string() { format!(" by {}", text(&told["account"])) } else { String::new() };
        self.say(
            depth,
            format!(
                "{} {} {}{account}, {} in pending",
                text(&told["at"]),
                text(&told["entry"]),
                text(&told["id"]),
                text(&told["amount"])
            ),
        );
        for lot in list(&told["lots"]) {
            self.lot(depth + 1, lot);
        }
        for spend in list(&told["spends"]) {
            self.spend(depth + 1, spend);
        }
        if told["split"].is_object() {
            self.split(depth + 1, &told["split"]);
        }
        if told["spend"].is_object() {
            self.spend(depth + 2, &told["spend"]);
            for lot in list(&told["spend"]["lots"]) {
                self.lot(depth + 3, lot);
            }
        }
        if let Some(source) = told["source"].as_str() {
            self.say(depth + 2, source);
        }
    }

    /// A split, and who has how much of it.
    fn split(&mut self, depth: usize, told: &Value) {
        let has = list(&told["receivers"]).iter().map(|its| {
            let returned = text(&its["returned"]);
            let nothing = returned.chars().all(|digit| matches!(digit, '0' | '.'));
            let back = if nothing { String::new() } else { format!(", {returned} back") };
            format!("{} {}{back}", text(&its["receiver"]), text(&its["given"]))
        });
        let has: Vec<String> = has.collect();
        self.say(
            depth,
            format!(
                "split {} of {}: {} of {} shared ({}), {}",
                text(&told["id"]),
                text(&told["merchant"]),
                text(&told["shared"]),
                text(&told["basis"]),
                has.join("; "),
                text(&told["state"])
            ),
        );
        for settlement in list(&told["settlements"]) {
            let of = |name: &str| text(&settlement[name]);
            let line =
                format!("{} of it counted in settlement {} of {}", of("counted"), of("settlement"), of("merchant"));
            self.say(depth + 1, format!("{line}, {} {}", of("state"), of("payout")));
        }
    }

    fn lot(&mut self, depth: usize, told: &Value) {
        let amount = if told["amount"].is_string() { format!("{} of ", text(&told["amount"])) } else { String::new() };
        self.say(
            depth,
            format!(
                "{amount}top-up {} of {}: {} paid by {}, order {}, {}",
                text(&told["top_up"]),
                text(&told["account"]),
                text(&told["paid"]),
                text(&told["channel"]),
                text(&told["channel_order"]),
                row(&told["row"])
            ),
        );
    }

    fn spend(&mut self, depth: usize, told: &Value) {
        self.say(
            depth,
            format!(
                "{} {} {} by {} at {}: {}",
                text(&told["at"]),
                text(&told["op"]),
                text(&told["id"]),
                text(&told["account"]),
                text(&told["merchant"]),
                text(&told["amount"])
            ),
        );
        if told["split"].is_object() {
            self.split(depth + 1, &told["split"]);
        }
    }

    fn top_up(&mut self, depth: usize, told: &Value) {
        self.lot(depth, told);
        for share in list(&told["released"]) {
            let (amount, merchant) = (text(&share["amount"]), text(&share["merchant"]));
            self.say(depth + 1, format!("its confirmation made {amount} pending settlement of {merchant}"));
        }
        for spend in list(&told["spends"]) {
            self.spend(depth + 1, spend);
        }
        for passed in list(&told["transfers"]) {
            let of = |name: &str| text(&passed[name]);
            let line = format!("{} {} passed {} of it to {}", of("at"), of("from"), of("amount"), of("to"));
            self.say(depth + 1, line);
        }
        if let Some(left) = told["wallets_not_followed"].as_u64() {
            self.say(depth + 1, format!("{left} more wallets had pieces of it and are not told here"));
        }
        for settlement in list(&told["settlements"]) {
            self.say(
                depth + 1,
                format!(
                    "{} of it counted in settlement {} of {} on {}: net {}, {}{}",
                    text(&settlement["counted"]),
                    text(&settlement["settlement"]),
                    text(&settlement["merchant"]),
                    text(&settlement["run_day"]),
                    text(&settlement["net"]),
                    text(&settlement["state"]),
                    if settlement["payout"].is_string() {
                        format!(", payout {}", text(&settlement["payout"]))
                    } else {
                        String::new()
                    }
                ),
            );
        }
    }

    fn row(&mut self, told: &Value) {
        let row = &told["row"];
        self.say(
            0,
            format!(
                "Line {} of {} ({}): {} {} of {}, fee {}, {}",
                text(&row["line"]),
                text(&told["name"]),
                text(&told["statement"]),
                text(&row["kind"]),
                text(if row["order"] == "" { &row["channel_order"] } else { &row["order"] }),
                text(&row["asked"]),
                text(&row["fee"]),
                text(&row["status"])
            ),
        );
        if told["confirmed"]["refund"].is_string() {
            let of = |name: &str| text(&told["confirmed"][name]);
            let line = format!("confirmed the refund {} of {}, asked for at {}", of("refund"), of("amount"), of("at"));
            self.say(1, line);
            self.lot(2, &told["confirmed"]);
        } else if told["confirmed"].is_object() {
            self.top_up(1, &told["confirmed"]);
        }
        for item in list(&told["items"]) {
            self.say(
                1,
                format!(
                    "item {}: {}, {}, {} in suspense",
                    text(&item["item"]),
                    text(&item["kind"]),
                    text(&item["state"]),
                    text(&item["suspense"])
                ),
            );
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn row(told: &Value) -> String {
    match (&told["line"], told["by"].as_str()) {
        (_, Some(by)) => format!("confirmed by {by}"),
        (Value::Number(line), None) => format!("confirmed by line {line} of {}", text(&told["statement"])),
        _ => "not confirmed".to_owned(),
    }
}
