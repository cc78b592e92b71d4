//! Sources: which files are read, in which order, and how each becomes a tree.

use super::decode::{self, Tree};
use super::schema::{self, Kind, Note, ROOT};
use super::{ConfigError, Format, Load, defaults, hcl, json};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// All sources merged, with what was noticed on the way.
pub struct Merged {
    /// Values of all sources.
    pub tree: Tree,
    /// Warnings in order.
    pub warnings: Vec<String>,
    /// Files that were read.
    pub files: Vec<PathBuf>,
}

/// Reads and merges all sources in the order of `spec/agent-config.md` 1.
pub fn merge(load: &Load) -> Result<Merged, ConfigError> {
    let mut merged = Merged { tree: Tree::new(), warnings: load.warnings.clone(), files: Vec::new() };
    let mut built_in = vec![defaults::DEFAULTS];
    if load.dev {
        built_in.push(defaults::DEV_DEFAULTS);
    }
    for text in built_in {
        let (tree, _) = parse("defaults", text.as_bytes(), Format::Hcl)?;
        decode::merge(&mut merged.tree, tree, ROOT);
    }
    if let Some(text) = &load.agreed {
        let (tree, _) = parse("auto-config", text.as_bytes(), Format::Json)?;
        merged.add(tree);
    }
    let (lists, scalars) = split_lists(load.flags.clone());
    merged.add(lists);
    for path in &load.files {
        for file in expand(path, load.config_format, &mut merged.warnings)? {
            let data = std::fs::read(&file.path).map_err(|error| open_failed(&file.path, &error))?;
            merged.files.push(file.path.clone());
            if data.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let (tree, warnings) = parse(&file.path.display().to_string(), &data, file.format)?;
            merged.warnings.extend(warnings);
            merged.add(tree);
        }
    }
    merged.add(scalars);
    for (at, fragment) in load.hcl.iter().enumerate() {
        let (tree, warnings) = parse(&format!("flags-{at}.hcl"), fragment.as_bytes(), Format::Hcl)?;
        merged.warnings.extend(warnings);
        merged.add(tree);
    }
    Ok(merged)
}

impl Merged {
    fn add(&mut self, tree: Tree) {
        decode::merge(&mut self.tree, tree, ROOT);
    }
}

/// List values of flags come before the files, all others after them.
fn split_lists(flags: Tree) -> (Tree, Tree) {
    let (mut lists, mut others) = (Tree::new(), Tree::new());
    for (key, value) in flags {
        match value {
            Value::Array(_) => {
                lists.insert(key, value);
            }
            Value::Object(inner) => {
                let (inner_lists, inner_others) = split_lists(inner);
                for (tree, part) in [(&mut lists, inner_lists), (&mut others, inner_others)] {
                    if !part.is_empty() {
                        tree.insert(key.clone(), Value::Object(part));
                    }
                }
            }
            _ => {
                others.insert(key, value);
            }
        }
    }
    (lists, others)
}

struct File {
    path: PathBuf,
    format: Format,
}

fn open_failed(path: &Path, error: &std::io::Error) -> ConfigError {
    let path = path.display();
    ConfigError(format!("config: Open failed on {path}. open {path}: {}", reason(error)))
}

/// An I/O error in the words of the C library, lower case as Go prints them.
pub fn reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => error.to_string(),
    }
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "hcl" => Some(Format::Hcl),
        "json" => Some(Format::Json),
        _ => None,
    }
}

/// The files of a path: itself, or the files of the directory in the order of their names.
fn expand(path: &Path, forced: Option<Format>, warnings: &mut Vec<String>) -> Result<Vec<File>, ConfigError> {
    let failed = |error: std::io::Error| open_failed(path, &error);
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        let format = forced.or_else(|| format_of(path)).ok_or_else(|| {
            let path = path.display();
            format!("file {path} has unknown extension; must be .hcl or .json, or config format must be set")
        })?;
        return Ok(vec![File { path: path.to_path_buf(), format }]);
    }
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(failed)?.collect();
    let mut paths: Vec<PathBuf> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(&path).map_err(|error| open_failed(&path, &error))?;
        if metadata.is_dir() {
            continue;
        }
        match forced.or_else(|| format_of(&path)) {
            Some(format) => files.push(File { path, format }),
            // the environment of the unit, which the packages put beside the configuration
            None if path.extension().is_some_and(|extension| extension == "env") => {}
            None => warnings.push(format!(
                "skipping file {}, extension must be .hcl or .json, or config format must be set",
                path.display()
            )),
        }
    }
    Ok(files)
}

/// Parses and decodes one source: deprecated keys are moved, single services and checks join their lists.
pub fn parse(name: &str, data: &[u8], format: Format) -> Result<(Tree, Vec<String>), ConfigError> {
    let failed = |why: String| ConfigError(format!("failed to parse {name}: {why}"));
    let raw = match format {
        Format::Hcl => hcl::parse(data).map_err(|error| failed(error.to_string()))?,
        Format::Json => json::parse_object_bytes(data).map_err(failed)?,
    };
    let (mut tree, mut warnings) = decode::decode(raw, ROOT, format).map_err(failed)?;
    replace_deprecated(&mut tree, &mut warnings);
    for (single, list) in [("service", "services"), ("check", "checks")] {
        if let Some(value) = tree.remove(single) {
            match tree.get_mut(list) {
                Some(Value::Array(values)) => values.push(value),
                _ => {
                    tree.insert(list.to_string(), Value::Array(vec![value]));
                }
            }
        }
    }
    Ok((tree, warnings))
}

/// Old spellings of TLS versions in the old top-level key.
const TLS_VERSIONS: [(&str, &str); 4] =
    [("tls10", "TLSv1_0"), ("tls11", "TLSv1_1"), ("tls12", "TLSv1_2"), ("tls13", "TLSv1_3")];

/// Moves deprecated keys to their new places; a value in the new place wins.
fn replace_deprecated(tree: &mut Tree, warnings: &mut Vec<String>) {
    let tokens = match schema::find_path("acl.tokens").map(|key| key.kind) {
        Some(Kind::Object(keys)) => keys,
        _ => &[],
    };
    for key in ROOT {
        move_deprecated(tree, key, "", warnings);
    }
    for key in tokens {
        move_deprecated(tree, key, "acl.tokens.", warnings);
    }
}

fn move_deprecated(tree: &mut Tree, key: &schema::Key, prefix: &str, warnings: &mut Vec<String>) {
    let path = format!("{prefix}{}", key.name);
    let new = match key.note {
        Note::Deprecated(new) => new,
        Note::Ignored if take(tree, &path).is_some() => {
            warnings.push(format!("The '{path}' field is deprecated and will be ignored."));
            return;
        }
        _ => return,
    };
    let Some(mut value) = take(tree, &path) else { return };
    warnings.push(format!("The '{path}' field is deprecated. Use the '{new}' field instead."));
    match path.as_str() {
        "acl_datacenter" => set_default(tree, "acl.enabled", Value::Bool(true)),
        "acl_replication_token" => set_default(tree, "acl.enable_token_replication", Value::Bool(true)),
        "verify_incoming" => set_default(tree, "tls.grpc.verify_incoming", Value::Bool(false)),
        "tls_min_version" => {
            let modern = TLS_VERSIONS.iter().find(|(old, _)| value.as_str() == Some(old));
            if let Some((old, modern)) = modern {
                warnings
                    .push(format!("'tls_min_version' value '{old}' is deprecated, please specify '{modern}' instead"));
                value = Value::from(*modern);
            }
        }
        _ => {}
    }
    match value {
        Value::Array(values) => {
            let mut list = take(tree, new).and_then(|known| known.as_array().cloned()).unwrap_or_default();
            list.extend(values);
            set_default(tree, new, Value::Array(list));
        }
        value => set_default(tree, new, value),
    }
}

fn take(tree: &mut Tree, path: &str) -> Option<Value> {
    match path.split_once('.') {
        Some((first, rest)) => take(tree.get_mut(first)?.as_object_mut()?, rest),
        None => tree.remove(path),
    }
}

fn set_default(tree: &mut Tree, path: &str, value: Value) {
    match path.split_once('.') {
        Some((first, rest)) => {
            let inner = tree.entry(first).or_insert_with(|| Value::Object(Tree::new()));
            if let Value::Object(inner) = inner {
                set_default(inner, rest, value);
            }
        }
        None => {
            tree.entry(path).or_insert(value);
        }
    }
}
