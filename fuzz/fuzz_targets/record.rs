#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fentan_fuzz_bodies::run("record", bytes));
