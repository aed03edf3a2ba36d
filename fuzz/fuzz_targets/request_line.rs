#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("request_line"), |bytes: &[u8]| run("request_line", bytes));
