//! The part of the configuration that DNS uses, prepared once per load or reload.

use crate::config::{DnsConfig, RuntimeConfig};

/// Settings in force.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Primary domain, lower case, no final dot.
    pub domain: String,
    /// Second domain, lower case, no final dot; empty for none.
    pub alt_domain: String,
    /// Own datacenter.
    pub datacenter: String,
    /// `dns_config`.
    pub dns: DnsConfig,
    /// `ip:port` of the recursors, or host names with a port.
    pub recursors: Vec<String>,
    /// Use WAN addresses for instances of other datacenters.
    pub translate_wan_addrs: bool,
}

impl Settings {
    /// From the validated configuration.
    pub fn from_config(config: &RuntimeConfig) -> Settings {
        let plain = |domain: &str| domain.trim_matches('.').to_ascii_lowercase();
        Settings {
            domain: plain(&config.domain),
            alt_domain: plain(&config.alt_domain),
            datacenter: config.datacenter.clone(),
            dns: config.dns_config.clone(),
            recursors: config.recursors.iter().map(|recursor| with_port(recursor)).collect(),
            translate_wan_addrs: config.translate_wan_addrs,
        }
    }

    /// TTL of node answers, seconds.
    pub fn node_ttl(&self) -> u32 {
        u32::try_from(self.dns.node_ttl.0 / 1_000_000_000).unwrap_or(0)
    }
}

/// A recursor with port 53 unless it names one.
fn with_port(recursor: &str) -> String {
    if recursor.parse::<std::net::SocketAddr>().is_ok() {
        return recursor.to_owned();
    }
    match recursor.parse::<std::net::IpAddr>() {
        Ok(ip) => std::net::SocketAddr::new(ip, 53).to_string(),
        Err(_) if recursor.contains(':') => recursor.to_owned(),
        Err(_) => format!("{recursor}:53"),
    }
}
