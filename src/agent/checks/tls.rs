//! TLS clients of checks: those of the system, or with `enable_agent_tls_for_checks` those of the agent.

pub use crate::tls::Alpn;

use crate::tls::{Certificate, Clients, Configurator, text};
use rustls::ClientConfig;
use std::io;
use std::sync::Arc;

/// Where client configurations come from.
pub struct CheckTls {
    /// The agent's; what is in force when a check runs counts.
    agent: Option<Arc<Configurator>>,
    others: Clients,
}

impl CheckTls {
    /// Clients that trust the system's authorities and have no certificate.
    pub fn system() -> CheckTls {
        CheckTls { agent: None, others: Clients::system() }
    }

    /// Clients that trust these authorities and have no certificate.
    pub fn trusting(authorities: &[Certificate]) -> CheckTls {
        CheckTls { agent: None, others: Clients::trusting(authorities) }
    }

    /// Clients as the agent's settings have them.
    pub fn agent(configurator: Arc<Configurator>) -> CheckTls {
        CheckTls { agent: Some(configurator), others: Clients::system() }
    }

    /// The configuration for these options, and the name to expect when a check names none; empty for the host.
    ///
    /// # Errors
    /// What cannot be used together.
    pub fn client(&self, skip_verify: bool, alpn: Alpn) -> Result<(Arc<ClientConfig>, String), String> {
        let agents = self.agent.as_ref().and_then(|agent| agent.for_check(skip_verify, alpn));
        agents.unwrap_or_else(|| Ok((self.others.get(skip_verify, alpn)?, String::new())))
    }
}

/// Go's text of a failed handshake with `name`.
pub fn error_text(error: &io::Error, name: &str) -> String {
    match text::tls_error(error) {
        Some(failed) => text::error_text(failed, name),
        None => super::dial::errno_text(error),
    }
}
