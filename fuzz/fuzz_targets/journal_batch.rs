#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("journal_batch"), |bytes: &[u8]| run("journal_batch", bytes));
