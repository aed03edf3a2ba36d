//! Cut-overs (rule C7) at the real program: midnight in Beijing with spends going on, and a day's that is before the
//! last.

use crate::settlement::{Scene, bucket, confirm, earn_on, is_working, next_working, of, run, spend, statement, top_up};
use crate::support::{Clock, Server, eventually};
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A moment of a day in Beijing.
fn beijing(day: Date, hour: i8) -> Timestamp {
    jiff::tz::Offset::constant(8).to_timestamp(day.at(hour, 0, 0, 0)).unwrap()
}

/// The next day with so many working days after it, one after the other.
fn with_working_days_after(count: i64) -> Date {
    let follow = |day: Date| (0..=count).all(|after| is_working(day.saturating_add(Span::new().days(after))));
    next_working().series(Span::new().days(1)).find(|day| follow(*day)).unwrap()
}

fn after(day: Date, days: i64) -> Date {
    day.saturating_add(Span::new().days(days))
}

#[test]
fn c7_a_cut_over_before_the_last_one_settles_nothing_and_carries_nothing_over() {
    let scene = Scene::new();
    let Some(clock) = Clock::of(&scene.ledger) else { return };
    let day = with_working_days_after(3);
    let at = |days: i64, hour: i8| clock.set_to(beijing(after(day, days), hour));
    let server = clock.serve("+0", &["--shards", "2", "--catalog", &scene.catalog]);
    let http = server.http();
    // More goes back than has come since an early run: at the midnight after, 20.00 are missing.
    at(0, 10);
    earn_on(&server, day, &[("t-1", "slow", "100.00")]);
    assert_eq!(of(&run(&http, day, "&early=true"), "slow")["amount"], "100.00");
    server.client().done(r#"{"id":"r-1","op":"refund","spend":"s-t-1","amount":"20.00"}"#);
    // The day after, 120.00 come and are settled early; 30.00 come later.
    at(1, 10);
    earn_on(&server, after(day, 1), &[("t-2", "slow", "120.00")]);
    let early = run(&http, after(day, 1), "&early=true");
    assert_eq!((&of(&early, "slow")["amount"], &of(&early, "slow")["carried_in"]), (&json!("100.00"), &json!("0.00")));
    earn_on(&server, after(day, 1), &[("t-3", "slow", "30.00")]);
    // With T+2, the cut-over of this day's run is the midnight at which they were missing.
    at(2, 10);
    let before = run(&http, after(day, 2), "");
    assert_eq!(
        (&before["made"], &before["nothing"], &before["skipped"]),
        (&json!(0), &json!(1), &json!([])),
        "{before}"
    );
    assert_eq!(bucket(&server, "slow", "pending"), "30.00");
    // The next one goes on where the early one ended: nothing is counted twice.
    at(3, 10);
    let next = run(&http, after(day, 3), "");
    let its = of(&next, "slow");
    assert_eq!(
        (&its["amount"], &its["carried_in"], &its["carried_over"]),
        (&json!("30.00"), &json!("0.00"), &Value::Null)
    );
    let lines: Vec<(&str, &str)> = its["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["what"].as_str().unwrap(), line["amount"].as_str().unwrap()))
        .collect();
    // The 20.00 that went back were spent again.
    assert_eq!(lines, [("settle", "-100.00"), ("spend", "20.00"), ("release_proceeds", "10.00")], "{next}");
    assert_eq!(
        (bucket(&server, "slow", "pending"), bucket(&server, "slow", "payable")),
        ("0.00".into(), "230.00".into())
    );
    server.trial_balance();
    server.stop();
    scene.ledger.verify();
}

/// A spend that was acknowledged: its moment, and how much.
type Acknowledged = (Timestamp, i64);

/// Spends from one wallet until it is told to end; each acknowledged spend.
fn spends(server: &Server, wallet: &str, ends: &AtomicBool, crossed: &dyn Fn(Timestamp)) -> Vec<Acknowledged> {
    let mut client = server.client();
    let mut told = Vec::new();
    while !ends.load(Ordering::Relaxed) {
        let fen = i64::try_from(told.len() % 9).unwrap() + 1;
        let amount = format!("0.{fen:02}");
        let answer = spend(&mut client, &format!("{wallet}-{}", told.len()), wallet, "corner", &amount);
        let at: Timestamp = answer["at"].as_str().unwrap().parse().unwrap();
        told.push((at, fen));
        crossed(at);
        // Many enough, and few enough to look at each.
        std::thread::sleep(Duration::from_millis(3));
    }
    told
}

#[test]
fn c7_midnight_divides_spends_that_go_on() {
    const WALLETS: [&str; 4] = ["w-0", "w-1", "w-2", "w-3"];
    let scene = Scene::new();
    let Some(clock) = Clock::of(&scene.ledger) else { return };
    // Midnight begins the second of two working days.
    let eve = with_working_days_after(2);
    let midnight = beijing(after(eve, 1), 0);
    let server = clock.serve("+0", &["--shards", "2", "--catalog", &scene.catalog]);
    clock.set_to(beijing(eve, 12));
    let orders = WALLETS.map(|wallet| (format!("t-{wallet}"), "100000.00"));
    for (wallet, (order, amount)) in WALLETS.iter().zip(&orders) {
        top_up(&mut server.client(), order, wallet, amount);
    }
    let rows: Vec<(&str, &str)> = orders.iter().map(|(order, amount)| (order.as_str(), *amount)).collect();
    assert_eq!(confirm(&server, &statement(eve, &rows))["tally"]["matched"], 4);

    clock.set_to(midnight.checked_sub(Span::new().seconds(2)).unwrap());
    let (ends, late) = (AtomicBool::new(false), AtomicBool::new(false));
    // One microsecond is as good as another; half a second more makes sure that there are some.
    let deep = midnight.checked_add(Span::new().milliseconds(500)).unwrap();
    let crossed = |at: Timestamp| late.fetch_or(at >= deep, Ordering::Relaxed);
    let (told, made) = std::thread::scope(|scope| {
        let spenders: Vec<_> = WALLETS
            .iter()
            .map(|wallet| scope.spawn(|| spends(&server, wallet, &ends, &|at| _ = crossed(at))))
            .collect();
        eventually("midnight", || late.load(Ordering::Relaxed).then_some(()));
        // They go on.
        let made = run(&server.http(), after(eve, 1), "");
        ends.store(true, Ordering::Relaxed);
        let told: Vec<Acknowledged> = spenders.into_iter().flat_map(|spender| spender.join().unwrap()).collect();
        (told, made)
    });
    let (before, since): (Vec<Acknowledged>, Vec<Acknowledged>) = told.into_iter().partition(|(at, _)| *at < midnight);
    assert!(before.len() > 20 && since.len() > 20, "{} and {}", before.len(), since.len());
    let sum = |spends: &[Acknowledged]| {
        let fen: i64 = spends.iter().map(|(_, fen)| fen).sum();
        format!("{}.{:02}", fen / 100, fen % 100)
    };
    let first = of(&made, "corner").clone();
    assert_eq!((&first["amount"], &first["state"]), (&json!(sum(&before)), &json!("due")), "{made}");
    assert_eq!(first["lines"], json!([{ "what": "spend", "count": before.len(), "amount": sum(&before) }]));
    // The next day's run takes the rest, and each spend is told once.
    clock.set_to(beijing(after(eve, 2), 1));
    let next = run(&server.http(), after(eve, 2), "");
    let second = of(&next, "corner").clone();
    assert_eq!(second["amount"], sum(&since), "{next}");
    assert_eq!(bucket(&server, "corner", "pending"), "0.00");
    for (its, spends) in [(first, before), (second, since)] {
        let id = its["id"].as_str().unwrap();
        let (mut count, mut more) = (0, String::new());
        loop {
            let told = server.http().get(&format!("/v1/trace?settlement={id}&limit=1000{more}")).json();
            let bookings = told["bookings"].as_array().unwrap_or_else(|| panic!("{told}"));
            count += bookings.iter().filter(|booking| booking["entry"] == "spend").count();
            let Some(next) = told["next"].as_u64() else { break };
            more = format!("&cursor={next}");
        }
        assert_eq!(count, spends.len());
    }
    server.trial_balance();
    server.stop();
    scene.ledger.verify();
}
