//! What servers give to a client agent: a certificate (`auto_encrypt`), or all of its configuration with one (`auto_config`;
//! `spec/acl-and-tls.md` 16, 17).
//!
//! The agent asks before it starts anything, for as long as it takes. While it runs it follows the roots of the authority and
//! gets a new certificate before the old one ends.

mod ask;
mod configuration;
mod file;
mod holder;
mod keep;
mod pauses;

use crate::acl::Tokens;
use crate::config::{self, Load, RuntimeConfig};
use crate::rpc::auto_config::{AutoConfigRequest, AutoConfigResponse, Protobuf};
use crate::rpc::method::{AutoConfigInitialConfiguration, AutoEncryptSign};
use crate::telemetry::logging;
use crate::tls::Configurator;
use crate::types::ca::{CaSignRequest, IndexedCaRoots, IssuedCert};
use crate::types::{Error, Result};
use ask::Asker;
use file::Kept;
use holder::{Holder, Wanted};
use std::sync::Arc;

pub(super) use configuration::common;

/// A client agent that gets its certificate from servers.
pub(super) struct Enrolled {
    wanted: Wanted,
    way: Way,
    tls: Arc<Configurator>,
    /// The certificate in force.
    holder: Holder,
}

/// How the first certificate was come by, and one is again when the agent was away for too long.
enum Way {
    /// `auto_encrypt`
    Encrypt(Asker),
    /// `auto_config`
    Config(Asker, Box<Kept>),
}

/// What came with a certificate.
struct Welcome {
    cert: IssuedCert,
    roots: IndexedCaRoots,
    /// Authorities of the servers, PEM.
    manual_roots: Vec<String>,
    /// `None` where the configuration says it.
    verify_server_hostname: Option<bool>,
}

/// The configuration of a client agent with `auto_config`, complete, and its certificate; nothing for any other agent.
///
/// # Errors
/// Answers that cannot be used; there is no end to waiting for one.
pub(super) async fn configure(
    load: &mut Load,
    config: &mut RuntimeConfig,
    tls: &Arc<Configurator>,
) -> Result<Option<Enrolled>> {
    if !config.auto_config.enabled {
        return Ok(None);
    }
    // who waits for servers wants to see why
    logging::release();
    if tls.asks_blindly() {
        return Err(Error::new(
            "auto_config: the servers cannot be believed without an authority; set tls.internal_rpc.ca_file or ca_path",
        ));
    }
    let asker = Asker::for_config(config, tls);
    let wanted = Wanted::of(config, &config.auto_config.dns_sans, &config.auto_config.ip_sans);
    let mut kept = Kept::of(config);
    let response = match kept.read() {
        Some(response) => response,
        None => ask_config(&asker, &wanted, config).await?,
    };
    let fragment = configuration::fragment(response.config.as_ref());
    load.agreed = Some(fragment);
    let loaded = config::load(load).map_err(|error| Error::new(error.to_string()))?;
    *config = loaded.config;
    let changed = tls.prepare(super::tls::settings(config)).map_err(Error::new)?;
    tls.apply(changed);
    kept.write(&response);
    let welcome = welcome_of(&response)?;
    let holder = Holder::install(tls, welcome)?;
    Ok(Some(Enrolled { wanted, way: Way::Config(asker, Box::new(kept)), tls: tls.clone(), holder }))
}

/// The first certificate of a client agent with `auto_encrypt`; nothing for any other agent.
///
/// # Errors
/// Answers that cannot be used; there is no end to waiting for one.
pub(super) async fn encrypt(
    config: &RuntimeConfig,
    tokens: &Arc<Tokens>,
    tls: &Arc<Configurator>,
) -> Result<Option<Enrolled>> {
    if !config.auto_encrypt.tls {
        return Ok(None);
    }
    if tls.asks_blindly() {
        tracing::warn!(
            target: "agent.auto_config",
            "no CA is configured: whoever answers the first request for a certificate is believed. Set tls.internal_rpc.ca_file"
        );
    }
    let asker = Asker::for_encrypt(config, tls)?;
    let wanted = Wanted::of(config, &config.auto_encrypt.dns_san, &config.auto_encrypt.ip_san);
    let welcome = ask_certificate(&asker, &wanted, tokens).await?;
    let holder = Holder::install(tls, welcome)?;
    Ok(Some(Enrolled { wanted, way: Way::Encrypt(asker), tls: tls.clone(), holder }))
}

/// Asks for a certificate until there is one.
async fn ask_certificate(asker: &Asker, wanted: &Wanted, tokens: &Tokens) -> Result<Welcome> {
    let (csr, key) = wanted.csr(crate::types::spiffe::UNKNOWN_DOMAIN)?;
    let request = || {
        let (datacenter, csr) = (wanted.datacenter.clone(), csr.clone());
        Ok(CaSignRequest { datacenter, csr, token: tokens.agent() })
    };
    let answer = asker.patiently::<AutoEncryptSign>(request).await;
    let mut cert = answer.issued_cert;
    cert.private_key_pem = key;
    Ok(Welcome {
        cert,
        roots: answer.connect_ca_roots,
        manual_roots: answer.manual_ca_roots,
        verify_server_hostname: Some(answer.verify_server_hostname),
    })
}

/// Asks for a configuration until there is one.
async fn ask_config(asker: &Asker, wanted: &Wanted, config: &RuntimeConfig) -> Result<AutoConfigResponse> {
    let (csr, key) = wanted.csr(crate::types::spiffe::UNKNOWN_DOMAIN)?;
    let request = || {
        let jwt = intro_token(config)?;
        let (datacenter, node, csr) = (wanted.datacenter.clone(), wanted.node.clone(), csr.clone());
        Ok(Protobuf::of(&AutoConfigRequest { datacenter, node, jwt, csr, ..AutoConfigRequest::default() }))
    };
    let answer = asker.patiently::<AutoConfigInitialConfiguration>(request).await;
    let mut response: AutoConfigResponse = answer.read().map_err(Error::new)?;
    if let Some(certificate) = &mut response.certificate {
        certificate.private_key_pem = key;
    }
    Ok(response)
}

/// What the agent proves itself with; a file is read anew each time.
fn intro_token(config: &RuntimeConfig) -> Result<String> {
    let settings = &config.auto_config;
    if !settings.intro_token.is_empty() {
        return Ok(settings.intro_token.clone());
    }
    let path = &settings.intro_token_file;
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Error::new(format!("Failed to read intro token from file {path}: {error}")))?;
    match text.trim() {
        "" => Err(Error::new(format!("intro_token_file {path} does not contain a token"))),
        token => Ok(token.to_owned()),
    }
}

/// The certificate in a response.
fn welcome_of(response: &AutoConfigResponse) -> Result<Welcome> {
    let missing = |what: &str| Error::new(format!("the configuration of the servers comes without {what}"));
    Ok(Welcome {
        cert: response.certificate.as_ref().ok_or_else(|| missing("a certificate"))?.into(),
        roots: response.ca_roots.as_ref().ok_or_else(|| missing("roots"))?.into(),
        manual_roots: response.extra_ca_certificates.clone(),
        verify_server_hostname: None,
    })
}
