//! Certificates and keys from PEM files, with the reference's words for what is wrong with them.

use super::{Certificate, Identity, provider};
use crate::types::error::os_text;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest file that is read: a bundle of all public authorities has some 250 KiB.
const FILE_LIMIT: u64 = 16 << 20;

/// Reads a file.
///
/// # Errors
/// `open <path>: no such file or directory`, or that it is too large.
pub fn read(path: &str) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("open {path}: {}", os_text(&error));
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_LIMIT {
        return Err(format!("open {path}: more than {FILE_LIMIT} bytes"));
    }
    std::fs::read(path).map_err(failed)
}

/// The certificates of a text; other blocks are passed over.
///
/// # Errors
/// A block that does not decode, or no certificate at all.
pub fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    let found: Result<Vec<Certificate>, _> = Certificate::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err("tls: failed to find any PEM data in certificate input".into()),
    }
}

/// The certificates of several texts; those that do not decode are left out.
pub fn readable<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<Certificate> {
    texts.into_iter().flat_map(|text| certificates(text.as_bytes()).unwrap_or_default()).collect()
}

/// The authorities of one file.
///
/// # Errors
/// An unreadable file, or one without an authority that can be used; the text names the file.
pub fn authorities_of(path: &str) -> Result<Vec<Certificate>, String> {
    let unparsable = || format!("Couldn't parse PEM in: {path}");
    let found = certificates(&read(path)?).map_err(|_| unparsable())?;
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(found.iter().cloned());
    if usable == 0 { Err(unparsable()) } else { Ok(found) }
}

/// All files below a directory, in the order of their names.
///
/// # Errors
/// A directory that cannot be read.
pub fn files_below(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

/// The authorities that an agent is configured with: those of the file, else those below the directory, else none.
///
/// # Errors
/// `Error loading from <file>: ...`, `Error loading from CAPath: no CAs found`.
pub fn authorities(file: &str, directory: &str) -> Result<Vec<Certificate>, String> {
    if !file.is_empty() {
        return authorities_of(file).map_err(|error| format!("Error loading from {file}: {error}"));
    }
    if directory.is_empty() {
        return Ok(Vec::new());
    }
    let files = files_below(Path::new(directory)).map_err(|error| format!("lstat {directory}: {}", os_text(&error)))?;
    let mut found = Vec::new();
    for file in files {
        found.extend(authorities(&file.to_string_lossy(), "")?);
    }
    if found.is_empty() { Err("Error loading from CAPath: no CAs found".into()) } else { Ok(found) }
}

/// A certificate with its chain, and its key.
///
/// # Errors
/// Unreadable files, no PEM in them, a key of another certificate.
pub fn identity(cert_file: &str, key_file: &str) -> Result<Identity, String> {
    let (chain, key) = (read(cert_file)?, read(key_file)?);
    identity_of(&chain, &key)
}

/// The same from texts.
///
/// # Errors
/// As [`identity`].
pub fn identity_of(chain: &[u8], key: &[u8]) -> Result<Identity, String> {
    let chain = certificates(chain)?;
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_| "tls: failed to find any PEM data in key input".to_owned())?;
    match CertifiedKey::from_der(chain, key, &provider()) {
        Ok(identity) => Ok(Arc::new(identity)),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("tls: private key does not match public key".into())
        }
        Err(error) => Err(format!("tls: {}", super::text::lower(&error.to_string()))),
    }
}

/// A store of these authorities; what cannot be used is left out.
pub fn store(authorities: &[Certificate]) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(authorities.iter().cloned());
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn what_is_wrong_with_files_is_said_as_the_reference_does() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path.to_string_lossy().into_owned()
        };
        let ((cert, key), (_, other)) = (made(), made());
        let (cert, key, other) = (write("cert.pem", &cert), write("key.pem", &key), write("other.pem", &other));
        assert!(identity(&cert, &key).is_ok());
        let failures = [
            (cert.as_str(), other.as_str(), "tls: private key does not match public key"),
            (key.as_str(), key.as_str(), "tls: failed to find any PEM data in certificate input"),
            (cert.as_str(), cert.as_str(), "tls: failed to find any PEM data in key input"),
            ("/nope.pem", key.as_str(), "open /nope.pem: no such file or directory"),
        ];
        for (cert, key, text) in failures {
            assert_eq!(identity(cert, key).map(drop).expect_err("not valid"), text);
        }
        assert_eq!(authorities(&cert, "/nope").expect("the file wins").len(), 1);
        let wrong = authorities(&key, "").expect_err("a key is no authority");
        assert_eq!(wrong, format!("Error loading from {key}: Couldn't parse PEM in: {key}"));
        assert_eq!(authorities("", "/nope").expect_err("absent"), "lstat /nope: no such file or directory");
    }

    #[test]
    fn directories_are_walked_and_must_hold_an_authority() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_string_lossy().into_owned();
        assert_eq!(authorities("", &path).expect_err("empty"), "Error loading from CAPath: no CAs found");
        std::fs::create_dir(directory.path().join("deep")).expect("a directory");
        std::fs::write(directory.path().join("a.pem"), made().0).expect("a file");
        std::fs::write(directory.path().join("deep/b.pem"), made().0 + &made().0).expect("a file");
        assert_eq!(authorities("", &path).expect("three").len(), 3);
    }
}
