//! `auto-config.json`: what servers told, so that the agent can start without them.

use crate::agent::persist::write_file;
use crate::config::RuntimeConfig;
use crate::rpc::auto_config::AutoConfigResponse;
use crate::types::Timestamp;
use crate::types::ca::{IndexedCaRoots, IssuedCert};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::path::PathBuf;

/// Name in the data directory.
const FILE: &str = "auto-config.json";

/// One step of indentation.
const INDENT: &[u8] = b"   ";

/// The file, and what is in it.
pub(super) struct Kept {
    path: Option<PathBuf>,
    response: Option<AutoConfigResponse>,
}

impl Kept {
    /// The file of an agent; none when everything stays in memory.
    pub fn of(config: &RuntimeConfig) -> Kept {
        let directory = config.data_dir.as_ref().filter(|_| !config.dev_mode);
        Kept { path: directory.map(|directory| directory.join(FILE)), response: None }
    }

    /// What servers told before, if its certificate still holds.
    pub fn read(&self) -> Option<AutoConfigResponse> {
        let path = self.path.as_ref()?;
        let text = std::fs::read(path).ok()?;
        let shown = path.display();
        let response: AutoConfigResponse = match serde_json::from_slice(&text) {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(target: "agent.auto_config", path = %shown, error = %error, "unreadable configuration is asked for anew");
                return None;
            }
        };
        let end = response.certificate.as_ref().and_then(|certificate| certificate.valid_before);
        if end.is_none_or(|end| end.seconds <= Timestamp::now().unix()) {
            tracing::warn!(target: "agent.auto_config", path = %shown, "the certificate has ended, the configuration is asked for anew");
            return None;
        }
        tracing::info!(target: "agent.auto_config", path = %shown, "restored the configuration");
        Some(response)
    }

    /// Keeps what servers told.
    pub fn write(&mut self, response: &AutoConfigResponse) {
        self.response = Some(response.clone());
        let Some(path) = &self.path else { return };
        let mut text = Vec::new();
        let format = PrettyFormatter::with_indent(INDENT);
        let written = response.serialize(&mut Serializer::with_formatter(&mut text, format));
        let written = written.map_err(std::io::Error::other).and_then(|()| write_file(path, &text, true));
        if let Err(error) = written {
            tracing::error!(target: "agent.auto_config", path = %path.display(), error = %error, "failed to keep the configuration");
        }
    }

    /// Keeps a new certificate with it.
    pub fn update(&mut self, cert: &IssuedCert, roots: &IndexedCaRoots) {
        let Some(mut response) = self.response.take() else { return };
        response.certificate = Some(cert.into());
        response.ca_roots = Some(roots.into());
        self.write(&response);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_kept_is_read_as_long_as_its_certificate_holds() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = RuntimeConfig { data_dir: Some(directory.path().to_owned()), ..RuntimeConfig::default() };
        let mut kept = Kept::of(&config);
        assert!(kept.read().is_none());
        let now = Timestamp::now().unix();
        let ending = |valid_before| IssuedCert {
            cert_pem: "cert".into(),
            private_key_pem: "key".into(),
            valid_before: Timestamp::from_unix(valid_before),
            ..IssuedCert::default()
        };
        let certificate = Some((&ending(now + 60)).into());
        kept.write(&AutoConfigResponse { certificate, ..AutoConfigResponse::default() });
        let path = directory.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let read = Kept::of(&config).read().expect("still good");
        assert_eq!(read.certificate.expect("a certificate").private_key_pem, "key");
        kept.update(&ending(now - 60), &IndexedCaRoots::default());
        assert!(Kept::of(&config).read().is_none(), "its time is over");
        std::fs::write(&path, "{").expect("written");
        assert!(Kept::of(&config).read().is_none());
    }
}
