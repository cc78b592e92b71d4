//! Configuration: files, fragments and flags are merged and validated into a [`RuntimeConfig`] (`spec/agent-config.md`).
//!
//! The way of a value: [`hcl`] or JSON text, decoded by one table of keys, merged in source order, then built and checked.
//! This room opens no socket and knows nothing of the agent.

mod address;
mod build;
mod decode;
mod defaults;
pub mod definition;
pub(crate) mod fuzzing;
pub mod hcl;
mod json;
mod reader;
mod rules;
pub mod runtime;
mod schema;
pub mod settings;
pub mod sockaddr;
mod source;

use crate::types::secret::hidden;
use std::collections::BTreeMap;

pub use definition::{CheckDefinitionFile, ServiceDefinition};
pub use runtime::*;

use serde_json::{Map, Value};
use std::fmt;
use std::path::{Path, PathBuf};

/// Syntax of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// HCL 1.
    Hcl,
    /// JSON.
    Json,
}

/// What to load: the sources in the order of `spec/agent-config.md` 1.
#[derive(Clone, derive_more::Debug, Default)]
pub struct Load {
    /// `-dev`.
    pub dev: bool,
    /// `-config-format`.
    pub config_format: Option<Format>,
    /// `-config-file` and `-config-dir` in command-line order.
    pub files: Vec<PathBuf>,
    /// Values of the flags, keyed as a file would.
    #[debug("{}", hidden(flags))]
    pub flags: Map<String, Value>,
    /// `-hcl` fragments in order.
    #[debug("{}", hidden(hcl))]
    pub hcl: Vec<String>,
    /// What the servers told this agent, in JSON (`auto_config`): behind the built-in sources, before all others.
    #[debug("{}", hidden(agreed))]
    pub agreed: Option<String>,
    /// Warnings that the flags themselves cause.
    pub warnings: Vec<String>,
}

/// A loaded configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: RuntimeConfig,
    /// Warnings for the user, in order.
    pub warnings: Vec<String>,
}

/// Why a configuration was refused; the text is the reference's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl From<String> for ConfigError {
    fn from(text: String) -> Self {
        ConfigError(text)
    }
}

/// True when a dotted path is a configuration key.
pub fn is_key(path: &str) -> bool {
    schema::find_path(path).is_some()
}

/// Reads, merges and validates all sources.
pub fn load(load: &Load) -> Result<Loaded, ConfigError> {
    let merged = source::merge(load)?;
    let resolver = address::Resolver::new()?;
    let (mut config, errors) = build::build(load, &merged.tree, &resolver)?;
    config.config_files = merged.files;
    let mut warnings = merged.warnings;
    rules::check(&config, &reader::Reader::new(&merged.tree), errors, &mut warnings)?;
    Ok(Loaded { config, warnings })
}

/// The services of one file, for `services register` and `services deregister`. Other keys are checked and ignored.
pub fn service_file(path: &Path) -> Result<Vec<ServiceDefinition>, ConfigError> {
    let load = Load { files: vec![path.to_path_buf()], ..Load::default() };
    let merged = source::merge(&load)?;
    let reader = reader::Reader::new(&merged.tree);
    let mut services = Vec::new();
    let mut errors = Vec::new();
    for tree in reader.objects("services") {
        let (service, more) = definition::service(tree);
        services.push(service);
        errors.extend(more);
    }
    if !errors.is_empty() {
        return Err(ConfigError(decode::error_list(errors)));
    }
    Ok(services)
}

impl RuntimeConfig {
    /// The configuration of `agent -dev` without any other source.
    pub fn dev() -> RuntimeConfig {
        let loaded = load(&Load { dev: true, ..Load::default() });
        loaded.expect("the defaults of dev mode are valid").config
    }
}

#[cfg(test)]
mod tests;
