//! Asks one server after the other until one answers.

use super::pauses::{Pauses, spread};
use crate::agent::notify;
use crate::config::RuntimeConfig;
use crate::gossip::JoinAddress;
use crate::rpc::{Joining, Method};
use crate::tls::Configurator;
use crate::types::{Error, Result};
use std::sync::Arc;
use tokio::time::sleep;

/// The servers that an agent asks which knows nobody yet.
pub(super) struct Asker {
    joining: Joining,
    /// Where they are said to be; what is wrong with a text is told whenever its turn comes.
    hosts: Vec<(String, Result<JoinAddress, String>)>,
    /// What they are asked for, for the log.
    what: &'static str,
}

impl Asker {
    fn new(config: &RuntimeConfig, tls: &Arc<Configurator>, hosts: &[String], what: &'static str) -> Asker {
        let source = config.bind_addr.filter(|address| !address.is_unspecified());
        let port = server_port(config);
        let hosts = hosts.iter().map(|text| (text.clone(), JoinAddress::parse(text, port))).collect();
        Asker { joining: Joining::new(tls.clone(), source), hosts, what }
    }

    /// The hosts that are joined, on the server port: those addresses carry the port of the gossip.
    ///
    /// # Errors
    /// None is to be joined.
    pub fn for_encrypt(config: &RuntimeConfig, tls: &Arc<Configurator>) -> Result<Asker> {
        if config.join.retry_join.is_empty() {
            return Err(Error::new("auto_encrypt.tls: there is nobody to ask for a certificate; set retry_join"));
        }
        let mut asker = Asker::new(config, tls, &config.join.retry_join, "auto-encrypt");
        for address in asker.hosts.iter_mut().filter_map(|(_, address)| address.as_mut().ok()) {
            address.port = server_port(config);
        }
        Ok(asker)
    }

    /// `auto_config.server_addresses`
    pub fn for_config(config: &RuntimeConfig, tls: &Arc<Configurator>) -> Asker {
        Asker::new(config, tls, &config.auto_config.server_addresses, "auto-config")
    }

    /// The first answer of a server; each is asked once.
    async fn round<M: Method>(&self, args: &M::Args) -> Option<M::Reply> {
        for (host, address) in &self.hosts {
            let found = match address {
                Ok(address) => address.resolve().await,
                Err(error) => Err(error.clone()),
            };
            let addresses = match found {
                Ok(addresses) => addresses,
                Err(error) => {
                    tracing::warn!(target: "agent.auto_config", host, error, "{} host resolution failed", self.what);
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
