//! Any bytes as an answer of the API: a value or an error, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| remuda::cloud::decode_fuzz(bytes));
