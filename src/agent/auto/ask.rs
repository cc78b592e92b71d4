//! Asks one server after the other until one answers.

use super::pauses::{Pauses, spread};
use crate::agent::notify;
use crate::config::RuntimeConfig;
use crate::rpc::{Joining, Method};
use crate::tls::Configurator;
use crate::types::{Error, Result};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::time::sleep;

/// The servers that an agent asks which knows nobody yet.
pub(super) struct Asker {
    joining: Joining,
    /// Hosts with their ports.
    hosts: Vec<(String, u16)>,
    /// What they are asked for, for the log.
    what: &'static str,
}

/// A host and the port that is given with it.
fn split(text: &str) -> (String, Option<u16>) {
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if text.parse::<IpAddr>().is_ok() {
        return (text.to_owned(), None);
    }
    match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (bare(host), port.parse().ok()),
        _ => (bare(text), None),
    }
}

impl Asker {
    fn new(config: &RuntimeConfig, tls: &Arc<Configurator>, hosts: Vec<(String, u16)>, what: &'static str) -> Asker {
        let source = config.bind_addr.filter(|address| !address.is_unspecified());
        Asker { joining: Joining::new(tls.clone(), source), hosts, what }
    }

    /// The hosts that are joined, on the server port: those addresses carry the port of the gossip.
    ///
    /// # Errors
    /// None is to be joined.
    pub fn for_encrypt(config: &RuntimeConfig, tls: &Arc<Configurator>) -> Result<Asker> {
        let port = server_port(config);
        let hosts: Vec<_> = config.join.retry_join.iter().map(|text| (split(text).0, port)).collect();
        match hosts.is_empty() {
            true => Err(Error::new("auto_encrypt.tls: there is nobody to ask for a certificate; set retry_join")),
            false => Ok(Asker::new(config, tls, hosts, "auto-encrypt")),
        }
    }

    /// `auto_config.server_addresses`
    pub fn for_config(config: &RuntimeConfig, tls: &Arc<Configurator>) -> Asker {
        let known = server_port(config);
        let place = |text: &String| {
            let (host, port) = split(text);
            (host, port.unwrap_or(known))
        };
        let hosts = config.auto_config.server_addresses.iter().map(place).collect();
        Asker::new(config, tls, hosts, "auto-config")
    }

    /// The first answer of a server; each is asked once.
    async fn round<M: Method>(&self, args: &M::Args) -> Option<M::Reply> {
        for (host, port) in &self.hosts {
            let found = tokio::net::lookup_host((host.as_str(), *port)).await;
            let addresses: Vec<SocketAddr> = match found {
                Ok(addresses) => addresses.collect(),
                Err(error) => {
                    tracing::warn!(target: "agent.auto_config", host, error = %error, "{} host resolution failed", self.what);
                    continue;
                }
            };
            for address in addresses {
                match self.joining.call::<M>(address, args).await {
                    Ok(reply) => return Some(reply),
                    Err(error) => {
                        tracing::error!(target: "agent.auto_config", addr = %address, error = %error, "{} RPC failed", M::NAME);
                    }
                }
            }
        }
        None
    }

    /// An answer, however long it takes; the request is made anew for each round.
    pub async fn patiently<M: Method>(&self, request: impl Fn() -> Result<M::Args>) -> M::Reply {
        let (mut pauses, mut attempt) = (Pauses::new(), 0);
        loop {
            attempt += 1;
            let reason = match request() {
                Ok(args) => match self.round::<M>(&args).await {
                    Some(reply) => return reply,
                    None => format!("No servers successfully responded to the {} request", self.what),
                },
                Err(error) => error.text,
            };
            tracing::error!(target: "agent.auto_config", "{reason}");
            let pause = pauses.step();
            notify::asking(self.what, attempt, &reason, pause);
            sleep(spread(pause)).await;
        }
    }
}

/// The port on which servers of this datacenter listen, as far as this agent is told.
fn server_port(config: &RuntimeConfig) -> u16 {
    const USUAL: u16 = 8300;
    u16::try_from(config.ports.server).ok().filter(|port| *port > 0).unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_their_ports() {
        for (text, host, port) in [
            ("10.0.0.1", "10.0.0.1", None),
            ("10.0.0.1:8301", "10.0.0.1", Some(8301)),
            ("server.example:8300", "server.example", Some(8300)),
            ("server.example", "server.example", None),
            ("::1", "::1", None),
            ("[::1]:8301", "::1", Some(8301)),
            ("[::1]", "::1", None),
        ] {
            assert_eq!(split(text), (host.to_owned(), port), "{text}");
        }
    }
}
