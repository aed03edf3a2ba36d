//! Clients that want all for themselves: the whole queue, or batches as large as they may be.

use crate::beside::{MIB, beside, metric};
use crate::support::Client;
use std::io::Write;
use std::net::SocketAddr;

/// Sends so many top-ups as fast as they are taken; how many of them were done. Each is answered once.
fn takes_the_queue(address: SocketAddr, c: usize, count: usize) -> usize {
    let mut client = Client::connect(address);
    let mut output = client.stream.try_clone().unwrap();
    let line = move |n: usize| {
        format!("{{\"id\":\"g{c}-{n}\",\"op\":\"top_up\",\"account\":\"g{c}-{}\",\"principal\":\"1.00\"}}\n", n % 100)
    };
    let sending = std::thread::spawn(move || {
        let lines: Vec<String> = (0..count).map(line).collect();
        lines.chunks(500).for_each(|part| output.write_all(part.concat().as_bytes()).unwrap());
    });
    let (mut seen, mut done) = (vec![false; count], 0);
    for answer in client.answers(count) {
        let n: usize = answer["id"].as_str().unwrap().split_once('-').unwrap().1.parse().unwrap();
        assert!(!std::mem::replace(&mut seen[n], true), "answered twice: {answer}");
        if answer["ok"] == true {
            done += 1;
        } else {
            assert_eq!(answer["code"], "overloaded", "{answer}");
        }
    }
    sending.join().unwrap();
    done
}

#[test]
fn e5_who_takes_the_whole_queue_leaves_room_for_others() {
    beside(&["--shards", "1", "--queue-requests", "2048"], |server, done| {
        let address = server.tcp;
        let before = done();
        let greedy: Vec<_> = (0..6).map(|c| std::thread::spawn(move || takes_the_queue(address, c, 40_000))).collect();
        let took: Vec<usize> = greedy.into_iter().map(|thread| thread.join().unwrap()).collect();
        println!("of 40,000 each {took:?} were done; beside it {} spends", done() - before);
        assert!(took.iter().sum::<usize>() < 6 * 40_000, "the queue was never full");
        // `beside` sees that nobody else was refused.
        let booked: usize = (0..6)
            .flat_map(|c| (0..100).map(move |n| format!("g{c}-{n}")))
            .map(|wallet| server.client().ask(&format!(r#"{{"id":"b","op":"balance","account":"{wallet}"}}"#)))
            .filter_map(|answer| answer["balance"]["available"].as_str()?.strip_suffix(".00")?.parse::<usize>().ok())
            .sum();
        assert_eq!(booked, took.iter().sum::<usize>());
    });
}

#[test]
fn the_largest_batches_are_done_whole_and_a_larger_one_is_refused_whole() {
    beside(&["--shards", "1"], |server, done| {
        let before = server.memory();
        let address = server.tcp;
        let batch = |c: usize, b: usize, count: usize| {
            let one = |n| {
                format!(r#"{{"id":"b{c}-{b}-{n}","op":"top_up","account":"b{c}-{}","principal":"1.00"}}"#, n % 1000)
            };
            format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(","))
        };
        let at_work = done();
        let batches: Vec<_> = (0..4)
            .map(|c| {
                std::thread::spawn(move || {
                    let mut client = Client::connect(address);
                    for b in 0..3 {
                        let answers = client.ask(&batch(c, b, 10_000));
                        let answers = answers.as_array().unwrap();
                        assert_eq!(answers.len(), 10_000);
                        for (n, answer) in answers.iter().enumerate() {
                            assert_eq!(
                                (&answer["id"], &answer["ok"]),
                                (&format!("b{c}-{b}-{n}").into(), &true.into()),
                                "{answer}"
                            );
                        }
                    }
                    let told = client.ask(&batch(c, 9, 10_001));
                    assert_eq!(told["code"], "bad_request", "{told}");
                })
            })
            .collect();
        for thread in batches {
            thread.join().unwrap();
        }
        assert!(done() > at_work, "others went on");
        assert_eq!(server.client().available("b0-1"), "30.00");
        let more = server.most_memory() - before;
        assert!(more < 250 * MIB, "{} MiB more", more / MIB);
    });
}

#[test]
fn connections_that_ask_much_hold_nothing_when_all_is_answered() {
    const ASKS: usize = 140_000;
    const CLIENTS: usize = 12;
    beside(&["--shards", "2", "--queue-ms", "0"], |server, _| {
        let before = server.memory();
        let address = server.tcp;
        let ask = move |c: usize| {
            let mut client = Client::connect(address);
            let mut output = client.stream.try_clone().unwrap();
            let sending = std::thread::spawn(move || {
                let line = |n| format!("{{\"id\":\"a-long-name-of-a-question-{c}-{n}\",\"op\":\"ping\"}}\n");
                let lines: Vec<String> = (0..ASKS).map(line).collect();
                lines.chunks(500).for_each(|part| output.write_all(part.concat().as_bytes()).unwrap());
            });
            let answered = (0..ASKS).filter(|_| client.line().is_some()).count();
            sending.join().unwrap();
            assert_eq!(answered, ASKS);
            client
        };
        let clients: Vec<_> = (0..CLIENTS).map(|c| std::thread::spawn(move || ask(c))).collect();
        let clients: Vec<Client> = clients.into_iter().map(|thread| thread.join().unwrap()).collect();
        let mut more = 0;
        crate::support::eventually("they hold nothing", || {
            more = server.memory().saturating_sub(before);
            (more < 64 * MIB && metric(server, &["fentan_tcp_held_bytes"]) < MIB).then_some(())
        });
        println!("{CLIENTS} connections after {ASKS} requests each: {more} bytes more");
        drop(clients);
    });
}
