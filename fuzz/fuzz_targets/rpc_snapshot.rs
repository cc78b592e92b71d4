#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tribune::fuzzing::decode("rpc_snapshot", data));
