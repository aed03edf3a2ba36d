#![no_main]

use fentan_fuzz_bodies::{begin, run};

libfuzzer_sys::fuzz_target!(init: begin("image"), |bytes: &[u8]| run("image", bytes));
