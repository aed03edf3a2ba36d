//! A folder that is another process's, or of another format.

use crate::support::{Ledger, Traffic};

#[test]
fn e6_a_second_server_on_the_same_folder_is_refused_and_does_not_disturb_the_first() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let traffic = Traffic::start(&server, "a");
    traffic.until(200);
    for _ in 0..3 {
        let said = ledger.refused_to_serve(&[]);
        assert!(said.contains("another process uses this data folder") && said.contains("LOCK"), "{said}");
        let before = traffic.acknowledged();
        traffic.until(before + 200);
    }
    // To look is allowed beside it.
    ledger.verify();
    let told = traffic.finish();
    told.assert_kept(&server);
    assert!(told.open.is_empty() && told.refused.is_empty());
    // A killed process holds no lock.
    server.kill();
    let server = ledger.serve(&[]);
    told.assert_kept(&server);
    server.stop();
    ledger.verify();
}

#[test]
fn e6_a_folder_of_another_format_is_refused_with_both_numbers_and_is_left_as_it_was() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    client.done(r#"{"id":"t","op":"top_up","account":"w","principal":"1.00"}"#);
    server.stop();
    let format = ledger.data().join("FORMAT");
    let ours = std::fs::read_to_string(&format).unwrap();
    let number: u32 = ours.trim().rsplit(' ').next().unwrap().parse().unwrap();
    for (found, what_to_do) in
        [(number + 1, "use the program that wrote it"), (number - 1, "keep the program that wrote it")]
    {
        let theirs = ours.replace(&number.to_string(), &found.to_string());
        std::fs::write(&format, &theirs).unwrap();
        let verified = ledger.program("verify").output().unwrap();
        assert!(!verified.status.success());
        for said in [ledger.refused_to_serve(&[]), String::from_utf8_lossy(&verified.stderr).into_owned()] {
            for word in [&format!("format {found}"), &number.to_string(), what_to_do] {
                assert!(said.contains(word), "{word:?} is missing: {said}");
            }
        }
        assert_eq!(std::fs::read_to_string(&format).unwrap(), theirs);
    }
    std::fs::write(&format, "something else").unwrap();
    let said = ledger.refused_to_serve(&[]);
    assert!(said.contains("FORMAT") && said.contains("backup"), "{said}");
    std::fs::write(&format, &ours).unwrap();
    let server = ledger.serve(&[]);
    assert_eq!(server.client().available("w"), "1.00");
    server.stop();
    ledger.verify();
}
