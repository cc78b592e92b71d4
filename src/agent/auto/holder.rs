//! The certificate of an agent: what it asks for, how it comes into force, and when it is time for the next one.

use super::Welcome;
use crate::config::RuntimeConfig;
use crate::tls::x509::{Csr, Key, Request, Usage};
use crate::tls::{Certificate, Configurator, pem};
use crate::types::ca::IndexedCaRoots;
use crate::types::spiffe::AgentId;
use crate::types::{Error, Result, Timestamp};
use rand::Rng;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The part of a life after which a new certificate is asked for, in hundredths: between these.
const RENEWAL: (i64, i64) = (60, 90);

/// Shortest time between two certificates.
const SHORTEST: Duration = Duration::from_secs(1);

/// Who the agent is.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub datacenter: String,
    pub node: String,
    dns: Vec<String>,
    ips: Vec<IpAddr>,
}

impl Wanted {
    /// The agent of a configuration, with further names.
    pub fn of(config: &RuntimeConfig, dns: &[String], ips: &[IpAddr]) -> Wanted {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        Wanted {
            datacenter: config.datacenter.clone(),
            node: config.node_name.clone(),
            dns: std::iter::once("localhost".to_owned()).chain(dns.iter().cloned()).collect(),
            ips: loopback.into_iter().chain(ips.iter().copied()).collect(),
        }
    }

    /// A request for a certificate, and a new key; both PEM.
    pub fn csr(&self, trust_domain: &str) -> Result<(String, String)> {
        let (key, key_pem) = Key::generate().map_err(Error::new)?;
        let id =
            AgentId { host: trust_domain.to_owned(), datacenter: self.datacenter.clone(), node: self.node.clone() };
        let names = Request {
            dns: self.dns.clone(),
            ips: self.ips.clone(),
            uris: vec![id.uri()],
            ..Request::new(Usage::Mesh, 0, 0)
        };
        Ok((Csr::make(&key, &names).map_err(Error::new)?, key_pem))
    }
}

/// The certificate in force.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub trust_domain: String,
    /// The root that signed it, as far as that is known.
    pub active_root: String,
    pub roots: IndexedCaRoots,
    valid_after: i64,
    valid_before: i64,
}

/// The certificates of roots.
pub(super) fn root_certificates(roots: &IndexedCaRoots) -> Vec<Certificate> {
    pem::readable(roots.roots.iter().map(|root| &root.root_cert))
}

impl Holder {
    /// Brings a certificate and those whom the agent trusts into force. Open connections go on as they are.
    ///
    /// # Errors
    /// A certificate of another key, or files of the configuration that cannot be read.
    pub fn install(tls: &Configurator, welcome: Welcome) -> Result<Holder> {
        let Welcome { cert, roots, manual_roots, verify_server_hostname } = welcome;
        let identity = pem::identity_of(cert.cert_pem.as_bytes(), cert.private_key_pem.as_bytes());
        let identity =
            identity.map_err(|error| Error::new(format!("unusable certificate from the servers: {error}")))?;
        let (connect, manual) = (root_certificates(&roots), pem::readable(&manual_roots));
        tls.update_auto(|auto| {
            auto.identity = Some(identity);
            auto.connect_roots = connect;
            auto.manual_roots = manual;
            auto.verify_server_hostname = verify_server_hostname.unwrap_or(auto.verify_server_hostname);
        })
        .map_err(Error::new)?;
        tracing::info!(
            target: "agent.auto_config", valid_before = %cert.valid_before, serial = cert.serial_number, "certificate in force"
        );
        Ok(Holder {
            trust_domain: roots.trust_domain.clone(),
            active_root: roots.active_root_id.clone(),
            valid_after: cert.valid_after.unix(),
            valid_before: cert.valid_before.unix(),
            roots,
        })
    }

    /// Time until a new certificate is to be asked for: random, so that not all agents come at once.
    pub fn pause(&self, now: Timestamp) -> Duration {
        let life = (self.valid_before - self.valid_after).max(0);
        let (from, to) = (life * RENEWAL.0 / 100, (life * RENEWAL.1 / 100).max(1));
        let (from, to) = (self.valid_after + from, self.valid_after + to);
        let now = now.unix();
        let from = from.max(now);
        let at = if from < to { rand::rng().random_range(from..to) } else { now };
        Duration::from_secs(u64::try_from(at - now).unwrap_or(0)).max(SHORTEST)
    }

    /// Its time is over: it opens nothing any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.valid_before <= now.unix()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(valid_after: i64, valid_before: i64) -> Holder {
        Holder {
            trust_domain: String::new(),
            active_root: String::new(),
            roots: IndexedCaRoots::default(),
            valid_after,
            valid_before,
        }
    }

    #[test]
    fn a_certificate_is_renewed_in_the_last_part_of_its_life() {
        let day = 86_400;
        for _ in 0..100 {
            let pause = holder(0, 100 * day).pause(Timestamp::from_unix(0)).as_secs() as i64;
            assert!((60 * day..90 * day).contains(&pause), "{pause}");
            let pause = holder(0, 100 * day).pause(Timestamp::from_unix(80 * day)).as_secs() as i64;
            assert!((0..=10 * day).contains(&pause), "{pause}");
        }
        for (after, before, now) in [(0, 100, 95), (0, 100, 1000), (0, 0, 0)] {
            assert_eq!(holder(after, before).pause(Timestamp::from_unix(now)), SHORTEST, "{after} {before} {now}");
        }
        assert!(holder(0, 100).is_over(Timestamp::from_unix(100)) && !holder(0, 100).is_over(Timestamp::from_unix(99)));
    }

    #[test]
    fn a_request_names_the_agent_and_its_loopback_addresses() {
        let config = RuntimeConfig { datacenter: "dc1".into(), node_name: "web-1".into(), ..RuntimeConfig::default() };
        let wanted = Wanted::of(&config, &["web.example".into()], &[IpAddr::from([10, 0, 0, 7])]);
        let (csr, key) = wanted.csr("unknown").expect("a request");
        let csr = Csr::from_pem(&csr).expect("readable");
        assert_eq!(csr.names().uris(), ["spiffe://unknown/agent/client/dc/dc1/id/web-1"]);
        assert_eq!(csr.names().dns(), ["localhost", "web.example"]);
        assert_eq!(csr.names().ips().len(), 3);
        assert_eq!(Key::from_pem(key.as_bytes()).expect("a key").public(), csr.public());
    }
}
