//! The agent's own secrets: from the configuration, from the API, and on disk (`spec/acl-and-tls.md` 12).

use super::persist::write_file;
use super::{Agent, local_settings};
use crate::acl::{TokenUse, Tokens};
use crate::config::RuntimeConfig;
use crate::config::settings::AclTokens;
use crate::types::{Error, Result};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where secrets are kept that the API set.
const FILE: &str = "acl-tokens.json";

/// The name under which versions before 1.11 kept the recovery token.
const OLD_RECOVERY: &str = "agent_master";

/// The secrets that the API set, where they are to be kept.
#[derive(Debug, Default)]
pub struct KeptTokens {
    secrets: AclTokens,
}

/// Where the file is, if secrets are to be kept.
fn path(config: &RuntimeConfig) -> Option<PathBuf> {
    let directory = config.data_dir.as_deref().filter(|_| config.acl.enable_token_persistence && !config.dev_mode)?;
    Some(directory.join(FILE))
}

impl KeptTokens {
    /// Reads the file; no file is no secret.
    fn read(path: &Path) -> Result<KeptTokens> {
        let failed = |reason: String| Error::new(format!("failed reading token persistence file: {reason}"));
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(KeptTokens::default()),
            Err(error) => return Err(failed(format!("{}: {error}", path.display()))),
        };
        let document: Map<String, Value> =
            serde_json::from_slice(&text).map_err(|error| failed(format!("{}: {error}", path.display())))?;
        let mut kept = KeptTokens::default();
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        for purpose in TokenUse::ALL {
            *purpose.of_mut(&mut kept.secrets) = text(purpose.name());
        }
        if kept.secrets.agent_recovery.is_empty() {
            kept.secrets.agent_recovery = text(OLD_RECOVERY);
        }
        Ok(kept)
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let secrets = TokenUse::ALL.iter().map(|purpose| (purpose.name(), purpose.of(&self.secrets)));
        let document: Map<String, Value> = secrets
            .filter(|(_, secret)| !secret.is_empty())
            .map(|(name, secret)| (name.into(), secret.as_str().into()))
            .collect();
        write_file(path, Value::Object(document).to_string().as_bytes(), true)
    }

    /// The secrets in force: what was kept wins over the configuration.
    fn over(&self, configured: &AclTokens) -> AclTokens {
        let mut tokens = configured.clone();
        for purpose in TokenUse::ALL {
            let (kept, place) = (purpose.of(&self.secrets), purpose.of_mut(&mut tokens));
            if kept.is_empty() {
                continue;
            }
            if !place.is_empty() {
                tracing::warn!(
                    target: "agent",
                    "\"{}\" token present in both the configuration and persisted token store, using the persisted token",
                    purpose.name()
                );
            }
            place.clone_from(kept);
        }
        tokens
    }
}

/// The secrets that an agent starts or goes on with, and those of them that are kept on disk.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn load(config: &RuntimeConfig) -> Result<(AclTokens, KeptTokens)> {
    let kept = path(config).map_or_else(|| Ok(KeptTokens::default()), |path| KeptTokens::read(&path))?;
    Ok((kept.over(&config.acl.tokens), kept))
}

impl Agent {
    /// The agent's own secrets.
    pub fn tokens(&self) -> &Arc<Tokens> {
        &self.inner.tokens
    }

    /// The secret of DNS lookups.
    pub fn dns_token(&self) -> String {
        if self.config().acl.enabled { self.inner.tokens.dns() } else { String::new() }
    }

    /// Takes over secrets of a new configuration.
    pub(super) fn reload_tokens(&self, config: &RuntimeConfig) -> Result<()> {
        let mut kept = self.inner.kept_tokens.lock();
        let (tokens, known) = load(config)?;
        *kept = known;
        self.inner.tokens.replace(tokens);
        Ok(())
    }

    /// Sets one of the agent's own secrets, and keeps it where that is configured; the empty text takes it away.
    ///
    /// # Errors
    /// What prevented it from being kept; it is in force nevertheless.
    pub async fn set_token(&self, purpose: TokenUse, secret: &str) -> Result<()> {
        let config = self.config();
        {
            let mut kept = self.inner.kept_tokens.lock();
            let changed = self.inner.tokens.set(purpose, secret);
            if changed {
                self.inner.local.configure(local_settings(&config, &self.inner.tokens.get(), self.node_id()));
            }
            secret.clone_into(purpose.of_mut(&mut kept.secrets));
            if let Some(path) = path(&config) {
                kept.write(&path).map_err(|error| Error::new(format!("failed to persist tokens - {error}")))?;
            }
        }
        tracing::info!(target: "agent", token = purpose.name(), "Updated agent's ACL token");
        if matches!(purpose, TokenUse::Default | TokenUse::Agent | TokenUse::ConfigFile) {
            self.notice_server();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(directory: &Path) -> RuntimeConfig {
        let mut config = RuntimeConfig { data_dir: Some(directory.to_owned()), ..RuntimeConfig::default() };
        config.acl.enable_token_persistence = true;
        config.acl.tokens.default = "configured".into();
        config.acl.tokens.dns = "dns".into();
        config
    }

    #[test]
    fn what_was_set_is_kept_and_wins_over_the_configuration() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        let (tokens, mut kept) = load(&config).expect("no file yet");
        assert_eq!((tokens.default.as_str(), tokens.dns.as_str()), ("configured", "dns"));
        kept.secrets.default = "set".into();
        kept.secrets.agent_recovery = "recovery".into();
        let file = path(&config).expect("kept");
        kept.write(&file).expect("written");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), r#"{"agent_recovery":"recovery","default":"set"}"#);
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (tokens, _) = load(&config).expect("reads back");
        assert_eq!((tokens.default.as_str(), tokens.dns.as_str()), ("set", "dns"));
        assert_eq!(tokens.agent_recovery, "recovery");
    }

    #[test]
    fn the_old_name_of_the_recovery_token_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        std::fs::write(path(&config).expect("kept"), r#"{"agent_master":"old"}"#).expect("written");
        assert_eq!(load(&config).expect("reads").0.agent_recovery, "old");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_and_not_an_agent_without_tokens() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        let file = path(&config).expect("kept");
        std::fs::write(&file, "{").expect("written");
        let error = load(&config).expect_err("refused").text;
        assert!(error.contains("acl-tokens.json") && error.contains("persistence"), "{error}");
    }

    #[test]
    fn nothing_is_kept_where_it_is_not_wanted() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = config(directory.path());
        config.acl.enable_token_persistence = false;
        assert_eq!(path(&config), None);
        config.acl.enable_token_persistence = true;
        config.dev_mode = true;
        assert_eq!(path(&config), None);
    }
}
