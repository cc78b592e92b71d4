//! Feeds the decoder that `FUZZ_DECODER` names: one build for all of them.

#![no_main]

use std::sync::LazyLock;

static NAME: LazyLock<String> = LazyLock::new(|| std::env::var("FUZZ_DECODER").expect("FUZZ_DECODER names a decoder"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| tribune::fuzzing::decode(&NAME, data));
