//! TLS of the HTTP client: CA files, client certificates, verification switched off on request.

use super::{Settings, os_text};
use crate::tls::verify::Lenient;
use crate::tls::{Identity, pem, provider};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// Builds the TLS configuration; `https` says whether the system's roots are needed.
///
/// # Errors
/// The text of the client-creation error (`spec/cli.md` 4.7).
pub(super) fn config(settings: &Settings, https: bool) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let identity = identity(settings)?;
    let roots = roots(settings, https)?;
    let builder = if settings.insecure {
        builder.dangerous().with_custom_certificate_verifier(Lenient::anything())
    } else {
        builder.with_root_certificates(roots)
    };
    Ok(match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
        None => builder.with_no_client_auth(),
    })
}

fn identity(settings: &Settings) -> Result<Option<Identity>, String> {
    match (settings.client_cert.as_str(), settings.client_key.as_str()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err("both client cert and client key must be provided".into()),
        (cert, key) => pem::identity(cert, key).map(Some),
    }
}

fn roots(settings: &Settings, https: bool) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if !settings.ca_file.is_empty() {
        add_file(&mut roots, &settings.ca_file).map_err(|error| format!("Error loading CA File: {error}"))?;
    } else if !settings.ca_path.is_empty() {
        let files = pem::files_below(Path::new(&settings.ca_path))
            .map_err(|error| format!("Error loading CA Path: open {}: {}", settings.ca_path, os_text(&error)))?;
        for file in files {
            add_file(&mut roots, &file.to_string_lossy()).map_err(|error| format!("Error loading CA Path: {error}"))?;
        }
    } else if https && !settings.insecure {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(roots)
}

fn add_file(roots: &mut RootCertStore, path: &str) -> Result<(), String> {
    roots.add_parsable_certificates(pem::authorities_of(path)?);
    Ok(())
}
