#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("record"), |bytes: &[u8]| run("record", bytes));
