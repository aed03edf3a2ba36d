#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("http_body"), |bytes: &[u8]| run("http_body", bytes));
