#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("history_row"), |bytes: &[u8]| run("history_row", bytes));
