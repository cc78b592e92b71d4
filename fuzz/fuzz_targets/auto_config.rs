#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tribune::fuzzing::decode("auto_config", data));
