//! Any bytes as `droplets.yaml`: a spec or a report, never a panic, never without bounds.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match remuda::spec::parse(bytes, "staging") {
        Ok(spec) => assert_eq!(spec.version, 1),
        Err(error) => assert_eq!(error.kind().exit_code(), 2),
    }
});
