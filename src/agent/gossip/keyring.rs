//! The keyring files (`spec/gossip.md` 6.7). A file that exists wins over the configured key.

use crate::config::RuntimeConfig;
use crate::types::secret::hidden;
use crate::types::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// File of the pool of the datacenter.
pub(super) const LOCAL: &str = "serf/local.keyring";

/// File of the pool of all servers.
pub(super) const REMOTE: &str = "serf/remote.keyring";

/// Lengths of AES keys, bytes.
const LENGTHS: [usize; 3] = [16, 24, 32];

/// Largest keyring file that is read, bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// A keyring as a pool starts with it.
#[derive(derive_more::Debug, Default, PartialEq)]
pub(super) struct Loaded {
    /// The keys, the primary one first.
    #[debug("{}", hidden(keys))]
    pub keys: Vec<Vec<u8>>,
    /// Where changes are saved.
    pub file: Option<PathBuf>,
}

/// Loads the keyring of a pool; the file is made from the configured key when it is missing.
///
/// # Errors
/// `Failed to configure keyring: ...`.
pub(super) fn load(config: &RuntimeConfig, name: &str, pool: &str) -> Result<Loaded> {
    load_from(config, name, pool).map_err(|reason| Error::new(format!("Failed to configure keyring: {reason}")))
}

fn load_from(config: &RuntimeConfig, name: &str, pool: &str) -> Result<Loaded, String> {
    let configured = match config.encrypt.as_str() {
        "" => None,
        text => Some(decode(text)?),
    };
    let directory = config.data_dir.as_deref().filter(|_| !config.dev_mode && !config.disable_keyring_file);
    let Some(file) = directory.map(|directory| directory.join(name)) else {
        return Ok(Loaded { keys: configured.into_iter().collect(), file: None });
    };
    let existed = file.exists();
    match &configured {
        Some(key) if !existed => create(&file, key).map_err(|error| format!("{}: {error}", file.display()))?,
        None if !existed => return Ok(Loaded::default()),
        _ => {}
    }
    let keys = read(&file)?;
    if configured.is_some_and(|key| !keys.contains(&key)) {
        tracing::warn!(target: "agent", keyring = pool, "keyring doesn't include key provided with -encrypt, using keyring");
    }
    Ok(Loaded { keys, file: Some(file) })
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    let key = STANDARD.decode(text).map_err(|error| format!("Invalid key: {error}"))?;
    if !LENGTHS.contains(&key.len()) {
        return Err("Invalid key: key size must be 16, 24 or 32 bytes".to_owned());
    }
    Ok(key)
}

fn read(file: &Path) -> Result<Vec<Vec<u8>>, String> {
    let failed = |reason: String| format!("{}: {reason}", file.display());
    let length = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
    if length > FILE_LIMIT {
        return Err(failed(format!("{length} bytes are too many for a keyring")));
    }
    let text = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let texts: Vec<String> = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    if texts.is_empty() {
        return Err(failed("keyring is empty".to_owned()));
    }
    texts.iter().map(|text| decode(text).map_err(failed)).collect()
}

fn create(file: &Path, key: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let temporary = file.with_extension("keyring.tmp");
    let mut options = std::fs::OpenOptions::new();
    let mut opened = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    opened.write_all(&serde_json::to_vec(&[STANDARD.encode(key)]).expect("a list of texts is JSON"))?;
    opened.sync_all()?;
    std::fs::rename(&temporary, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(directory: &Path, encrypt: &str) -> RuntimeConfig {
        RuntimeConfig { data_dir: Some(directory.to_owned()), encrypt: encrypt.into(), ..RuntimeConfig::default() }
    }

    #[test]
    fn the_file_is_made_from_the_configured_key_and_wins_from_then_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let (first, second) = (STANDARD.encode([1; 16]), STANDARD.encode([2; 32]));
        assert_eq!(load(&config(directory.path(), ""), LOCAL, "LAN"), Ok(Loaded::default()));
        let loaded = load(&config(directory.path(), &first), LOCAL, "LAN").expect("a key");
        let file = directory.path().join(LOCAL);
        assert_eq!(loaded, Loaded { keys: vec![vec![1; 16]], file: Some(file.clone()) });
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), format!("[\"{first}\"]"));
        assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        for encrypt in ["", second.as_str()] {
            assert_eq!(load(&config(directory.path(), encrypt), LOCAL, "LAN").expect("the file").keys, [vec![1; 16]]);
        }
        let in_memory = RuntimeConfig { disable_keyring_file: true, ..config(directory.path(), &second) };
        assert_eq!(load(&in_memory, LOCAL, "LAN"), Ok(Loaded { keys: vec![vec![2; 32]], file: None }));
    }

    #[test]
    fn a_broken_keyring_stops_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("serf")).expect("a directory");
        for text in ["", "[]", "{}", "[\"AAAA\"]", "[\"!\"]"] {
            std::fs::write(directory.path().join(LOCAL), text).expect("a file");
            let error = load(&config(directory.path(), ""), LOCAL, "LAN").expect_err(text);
            assert!(error.text.starts_with("Failed to configure keyring: "), "{error}");
        }
    }
}
