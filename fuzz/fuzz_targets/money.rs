#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("money"), |bytes: &[u8]| run("money", bytes));
