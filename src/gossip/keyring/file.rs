//! Keyring files: JSON arrays of base64 keys. Two writers, two looks: compact when an agent creates the file from its
//! configuration, indented after a change by a key operation (`spec/gossip.md` 4.5, 6.7).

use super::{Error, encode_key};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Longest file that is read; a ring of a thousand keys is shorter.
const MAX_FILE: u64 = 64 << 10;

/// Creates a keyring file with one key, as an agent does at its first start: compact JSON, mode 0600, directory 0700. An
/// existing file is left alone. True when it was created.
pub fn create_file(path: &Path, key: &[u8]) -> Result<bool, Error> {
    if path.exists() {
        return Ok(false);
    }
    replace(path, format!("[\"{}\"]", encode_key(key)).as_bytes())?;
    Ok(true)
}

/// The texts of a file.
pub(super) fn read(path: &Path) -> Result<Vec<String>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::File(format!("keyring file {}: {error}", path.display()));
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content))
        .map_err(|error| failed(&error))?;
    if content.len() as u64 > MAX_FILE {
        return Err(failed(&"is too long for a keyring"));
    }
    serde_json::from_slice(&content).map_err(|error| failed(&format_args!("is no JSON array of texts: {error}")))
}

/// Writes the file as it looks after a change.
pub(super) fn write(path: &Path, keys: &[String]) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(keys).expect("texts are JSON");
    replace(path, &text)
}

/// Replaces a file so that a crash leaves the old or the new content.
fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::File(format!("keyring file {}: {error}", path.display()));
    let directory = path.parent().ok_or_else(|| failed(ErrorKind::InvalidInput.into()))?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let written = (|| {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(directory)?.sync_all()
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}
