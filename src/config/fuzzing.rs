//! A configuration file from parsing to its rules, for `crate::fuzzing`.

use super::{Format, Load, address, build, decode, reader, rules, schema, source};

/// Reads a file on top of the defaults of dev mode.
pub fn file(data: &[u8], format: Format) {
    let Ok((tree, mut warnings)) = source::parse("file", data, format) else { return };
    let load = Load { dev: true, ..Load::default() };
    let mut merged = source::merge(&load).expect("the defaults are valid");
    decode::merge(&mut merged.tree, tree, schema::ROOT);
    let resolver = address::Resolver::new().expect("interfaces can be listed");
    if let Ok((config, errors)) = build::build(&load, &merged.tree, &resolver) {
        let _ = rules::check(&config, &reader::Reader::new(&merged.tree), errors, &mut warnings);
    }
}
