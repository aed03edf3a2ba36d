#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("rule_file"), |bytes: &[u8]| run("rule_file", bytes));
