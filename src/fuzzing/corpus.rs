//! The corpus of the fuzz targets, replayed: what was recorded, what was written by hand, and whatever once went wrong.

use super::{DECODERS, Decoder, decode, seeds};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(parts: &[&str]) -> PathBuf {
    parts.iter().fold(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz"), |path, part| path.join(part))
}

/// Names in a folder, in order.
fn names(path: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name")).collect()
}

fn corpus(decoder: &Decoder) -> Vec<Vec<u8>> {
    let path = folder(&["corpus", decoder.name]);
    names(&path).iter().map(|name| fs::read(path.join(name)).expect("an input")).collect()
}

#[test]
fn every_decoder_has_a_target_and_a_corpus() {
    let expected: BTreeSet<String> = DECODERS.iter().map(|decoder| decoder.name.to_owned()).collect();
    let manifest = fs::read_to_string(folder(&["Cargo.toml"])).expect("fuzz/Cargo.toml");
    // `any` feeds whichever decoder the environment names
    let targets: BTreeSet<String> = expected.iter().cloned().chain(["any".to_owned()]).collect();
    let binaries: BTreeSet<String> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .map(str::to_owned)
        .collect();
    assert_eq!(binaries, targets, "the binaries of fuzz/Cargo.toml");
    assert_eq!(names(&folder(&["corpus"])), expected, "the folders of fuzz/corpus");
    let files: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder(&["fuzz_targets"])), files);
    for name in &expected {
        let text = fs::read_to_string(folder(&["fuzz_targets", &format!("{name}.rs")])).expect("a target");
        assert!(
            text.contains(&format!("tribune::fuzzing::decode(\"{name}\", data)")),
            "{name}.rs feeds another decoder"
        );
        assert!(!names(&folder(&["corpus", name])).is_empty(), "{name} has no corpus");
    }
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

#[test]
fn every_input_of_the_corpus_is_taken_whole_cut_and_damaged() {
    let mut numbers = Numbers(5);
    for decoder in DECODERS {
        for input in corpus(decoder) {
            decode(decoder.name, &input);
            decode(decoder.name, &input[..numbers.below(input.len())]);
            let mut damaged = input.clone();
            if let Some(place) = input.len().checked_sub(1).map(|last| numbers.below(last)) {
                damaged[place] ^= 1 << numbers.below(8);
                decode(decoder.name, &damaged);
            }
        }
    }
}

/// One change such as a fuzzer makes.
fn mutate(input: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    let at = numbers.below(input.len());
    let odd = [0, 1, 0x7f, 0x80, 0xc1, 0xdb, 0xdf, 0xff, b'"', b'{', b'[', b'\n'];
    match numbers.below(6) {
        0 if !input.is_empty() => input[at] ^= 1 << numbers.below(8),
        1 if !input.is_empty() => input[at] = odd[numbers.below(odd.len())],
        2 => input.insert(at, odd[numbers.below(odd.len())]),
        3 if !input.is_empty() => {
            input.drain(at..(at + 1 + numbers.below(8)).min(input.len()));
        }
        4 => {
            let from = numbers.below(other.len());
            let piece = &other[from..(from + numbers.below(64)).min(other.len())];
            input.splice(at..at, piece.iter().copied());
        }
        _ => input.truncate(at),
    }
}

/// A fuzzer without guidance, for machines that have no nightly toolchain. It runs every decoder, or
/// `FUZZ_DECODER`, for `FUZZ_SECONDS`; inputs that bring a panic are kept in `fuzz/artifacts/NAME/`.
#[test]
#[ignore = "runs for as long as one likes"]
fn mutated_inputs_are_taken_for_a_while() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let only = std::env::var("FUZZ_DECODER").unwrap_or_default();
    let mut numbers = Numbers(std::process::id().into());
    for decoder in DECODERS.iter().filter(|decoder| only.is_empty() || decoder.name == only) {
        let inputs = corpus(decoder);
        let artifacts = folder(&["artifacts", decoder.name]);
        fs::create_dir_all(&artifacts).expect("a folder");
        let (start, mut count) = (std::time::Instant::now(), 0_u64);
        while start.elapsed().as_secs() < seconds {
            let mut input = inputs[numbers.below(inputs.len())].clone();
            let other = &inputs[numbers.below(inputs.len())];
            (0..=numbers.below(6)).for_each(|_| mutate(&mut input, other, &mut numbers));
            if std::panic::catch_unwind(|| decode(decoder.name, &input)).is_err() {
                fs::write(artifacts.join(format!("panic-{count}")), &input).expect("written");
            }
            count += 1;
        }
        println!("{}: {count} inputs in {seconds} s", decoder.name);
    }
    let found = DECODERS.iter().map(|decoder| folder(&["artifacts", decoder.name]));
    let found = found.filter(|path| path.exists() && names(path).iter().any(|name| name.starts_with("panic-")));
    assert_eq!(found.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "panics");
}

/// Writes what `seeds` knows to `fuzz/corpus`, beside what is there. To be run after a decoder was added or recordings were:
/// `cargo test --lib fuzzing::corpus::the_seeds_are_written -- --ignored`.
#[test]
#[ignore = "writes to fuzz/corpus"]
fn the_seeds_are_written() {
    for decoder in DECODERS {
        let path = folder(&["corpus", decoder.name]);
        fs::create_dir_all(&path).expect("a folder");
        for (number, seed) in seeds::of(decoder.name).iter().enumerate() {
            fs::write(path.join(format!("seed-{number:03}")), seed).expect("written");
        }
    }
}
