//! Every operation and every code, as scripts: a request, the answer it must have.
//!
//! In a script `> ` begins a request and `< ` the whole answer to it, apart from `seq` and `at`; other
//! lines say why.

use crate::support::{Ledger, Server, assert_answer, json};

/// Runs a script; the answers are compared field by field.
pub(crate) fn run(server: &mut Server, script: &str) {
    let mut client = server.client();
    let mut asked = None;
    let mut answered = 0;
    for line in script.lines() {
        if let Some(request) = line.strip_prefix("> ") {
            assert_eq!(asked.replace(request), None, "no answer is given for the request before {request}");
        } else if let Some(expected) = line.strip_prefix("< ") {
            let request = asked.take().expect("an answer follows its request");
            assert_answer(request, client.ask(request), &json(expected));
            answered += 1;
        }
    }
    assert!(answered > 0 && asked.is_none(), "the script ends in the middle");
    server.assert_well();
    let trial = server.trial_balance();
    assert_eq!(trial["balanced"], true, "{trial}");
}

fn run_on_a_new_ledger(script: &str, flags: &[&str]) {
    let ledger = Ledger::new();
    let mut server = ledger.serve(flags);
    run(&mut server, script);
    server.stop();
    ledger.verify();
}

macro_rules! scripts {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            let script = include_str!(concat!("scripts/", $file));
            run_on_a_new_ledger(script, &["--shards", "1"]);
            run_on_a_new_ledger(script, &["--shards", "3"]);
        })*
    };
}

scripts! {
    the_story_of_the_domain_has_its_figures = "story.txt",
    w1_top_ups_in_one_and_two_steps = "top_ups.txt",
    w2_holds_end_once_and_give_back_what_is_not_captured = "holds.txt",
    w3_refunds_of_top_ups_by_each_policy = "top_up_refunds.txt",
    w4_w5_accounts_open_freeze_close_and_transfer = "accounts.txt",
    w6_a_repeated_id_gets_its_first_answer = "repeats.txt",
    a2_a7_quotes_under_each_shipped_rule = "rules.txt",
    a4_partial_refunds_add_up_to_the_whole = "refunds.txt",
    a5_orders_with_lines = "order_lines.txt",
}

#[test]
fn a6_w4_a_product_permits_rules_and_transfers_and_its_currency_has_its_decimals() {
    let ledger = Ledger::new();
    let catalog = ledger.path("catalog.toml");
    std::fs::write(&catalog, include_str!("scripts/products.toml")).unwrap();
    let mut server = ledger.serve(&["--shards", "2", "--catalog", catalog.to_str().unwrap()]);
    run(&mut server, include_str!("scripts/products.txt"));
}

#[test]
fn a2_a6_selectors_choose_the_rule_and_sub_balances_pay_for_what_they_may() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let catalog = ledger.path("catalog.toml");
        std::fs::write(&catalog, include_str!("scripts/chosen.toml")).unwrap();
        let mut server = ledger.serve(&["--shards", shards, "--catalog", catalog.to_str().unwrap()]);
        run(&mut server, include_str!("scripts/chosen.txt"));
        server.stop();
        ledger.verify();
    }
}
