//! What the configuration says about TLS, and the names of versions and cipher suites.

use super::provider;
use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, ProtocolVersion, SupportedProtocolVersion};
use std::sync::Arc;

/// One `tls.*` block after defaults were applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsProtocol {
    /// CA bundle; wins over `ca_path`.
    pub ca_file: String,
    /// Directory of CA files.
    pub ca_path: String,
    /// Certificate.
    pub cert_file: String,
    /// Key.
    pub key_file: String,
    /// `TLSv1_2`, ...
    pub tls_min_version: String,
    /// Suites by Go name.
    pub tls_cipher_suites: Vec<String>,
    /// Demand a certificate of clients.
    pub verify_incoming: bool,
    /// Dial with TLS and check the server's certificate.
    pub verify_outgoing: bool,
    /// Check the server's name.
    pub verify_server_hostname: bool,
    /// gRPC: serve the agent's own certificate.
    pub use_auto_cert: bool,
}

impl TlsProtocol {
    /// An authority was configured.
    pub fn has_authority(&self) -> bool {
        !self.ca_file.is_empty() || !self.ca_path.is_empty()
    }
}

/// `tls`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Server RPC.
    pub internal_rpc: TlsProtocol,
    /// HTTPS.
    pub https: TlsProtocol,
    /// gRPC.
    pub grpc: TlsProtocol,
    /// `server_name`.
    pub server_name: String,
    /// TLS of checks uses the agent's certificate.
    pub enable_agent_tls_for_checks: bool,
}

/// All that a [`super::Configurator`] is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The blocks.
    pub tls: TlsConfig,
    /// Name of the node.
    pub node_name: String,
    /// Own datacenter.
    pub datacenter: String,
    /// DNS domain, with or without a final dot.
    pub domain: String,
    /// The agent gets a certificate from the servers (`auto_encrypt.tls`, `auto_config.enabled`).
    pub auto: bool,
    /// A server that hands out certificates (`auto_encrypt.allow_tls`, `auto_config.authorization`): it accepts connections
    /// without a client certificate for that.
    pub allows_auto: bool,
}

impl Settings {
    /// The name that a server of a datacenter carries: `server.<dc>.<domain>`.
    pub fn server_name(&self, datacenter: &str) -> String {
        format!("server.{datacenter}.{}", self.domain.trim_end_matches('.'))
    }
}

/// Names of the versions that a configuration may ask for as the least; those before 1.2 are accepted and never spoken.
pub const VERSIONS: [&str; 5] = ["TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"];

/// Cipher suites of TLS 1.2 that a configuration may name. Those without a value are known and not spoken: they are open to
/// padding attacks.
pub const SUITES: [(&str, Option<CipherSuite>); 10] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)),
];

/// A suite by its name; the inner value is none for one that is known and not spoken.
pub fn suite(name: &str) -> Option<Option<CipherSuite>> {
    SUITES.iter().find(|(known, _)| *known == name).map(|(_, suite)| *suite)
}

static SINCE_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
static SINCE_1_2: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The versions that are spoken with this least one.
pub(super) fn versions(least: &str) -> &'static [&'static SupportedProtocolVersion] {
    if least == "TLSv1_3" { SINCE_1_3 } else { SINCE_1_2 }
}

/// The provider with these suites of TLS 1.2, in this order; all for an empty list. Those of TLS 1.3 always stay.
pub(super) fn provider_with(suites: &[String]) -> Arc<CryptoProvider> {
    if suites.is_empty() {
        return provider();
    }
    let mut chosen = provider().as_ref().clone();
    let all = std::mem::take(&mut chosen.cipher_suites);
    let is_new = |suite: &rustls::SupportedCipherSuite| suite.version().version == ProtocolVersion::TLSv1_3;
    chosen.cipher_suites = all.iter().copied().filter(is_new).collect();
    let wanted = suites.iter().filter_map(|name| suite(name).flatten());
    chosen.cipher_suites.extend(wanted.filter_map(|wanted| all.iter().copied().find(|known| known.suite() == wanted)));
    Arc::new(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_suites_keep_their_order_and_those_of_1_3_stay() {
        let names = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"].map(str::to_owned);
        let chosen = provider_with(&names);
        let suites: Vec<_> = chosen.cipher_suites.iter().map(rustls::SupportedCipherSuite::suite).collect();
        assert_eq!(suites.last(), Some(&CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256));
        assert_eq!(suites.len(), 4, "three of TLS 1.3 and the one that was named: {suites:?}");
    }

    #[test]
    fn every_spoken_suite_of_the_table_is_there() {
        let names: Vec<String> = SUITES.iter().map(|(name, _)| (*name).to_owned()).collect();
        let spoken = SUITES.iter().filter(|(_, suite)| suite.is_some()).count();
        assert_eq!(provider_with(&names).cipher_suites.len(), spoken + 3);
    }

    #[test]
    fn names_of_servers_have_no_final_dot() {
        let settings = Settings { domain: "consul.".into(), ..Settings::default() };
        assert_eq!(settings.server_name("dc1"), "server.dc1.consul");
    }
}
