//! Joining gossip pools and leaving them (`spec/agent-config.md` 6, `spec/gossip.md` 6.8).

use super::{Agent, Delegate, notify};
use crate::config::RuntimeConfig;
use crate::gossip::Pool;
use crate::types::{Error, GoDuration, Result};

/// A pool that is joined at the start, as long as it takes.
struct RetryJoin {
    cluster: &'static str,
    addresses: Vec<String>,
    interval: GoDuration,
    /// Tries; 0 for no limit.
    max: u64,
}

/// Logs how a join went.
fn report(pool: &str, joined: &Result<usize>) {
    match joined {
        Ok(number) => tracing::info!(target: "agent", number_of_nodes = *number, "({pool}) joined"),
        Err(error) => tracing::warn!(target: "agent", number_of_nodes = 0, error = %error, "({pool}) couldn't join"),
    }
}

/// A list as the log shows it.
fn listed(addresses: &[String]) -> String {
    format!("[{}]", addresses.join(" "))
}

/// Name of a node of this datacenter in the WAN pool.
fn wan_name(node: &str, config: &RuntimeConfig) -> String {
    let suffix = format!(".{}", config.datacenter);
    if node.ends_with(&suffix) { node.to_owned() } else { format!("{node}{suffix}") }
}

/// Forces a member out of a pool; false when it is not there.
async fn force_leave(pool: &Pool, node: &str, prune: bool) -> Result<bool> {
    if pool.member(node).is_none() {
        return Ok(false);
    }
    pool.force_leave(node, prune).await?;
    Ok(true)
}

impl Agent {
    /// Joins the pool of the datacenter through one of these addresses and counts those that worked.
    ///
    /// # Errors
    /// None worked; the text says why.
    pub async fn join_lan(&self, addresses: &[String]) -> Result<usize> {
        tracing::info!(target: "agent", lan_addresses = listed(addresses), "(LAN) joining");
        let joined = self.lan().join(addresses).await;
        report("LAN", &joined);
        if joined.is_ok() {
            notify::ready();
        }
        joined
    }

    /// Joins the pool of all servers through one of these addresses and counts those that worked.
    ///
    /// # Errors
    /// The agent is no server, or none of the addresses worked.
    pub async fn join_wan(&self, addresses: &[String]) -> Result<usize> {
        tracing::info!(target: "agent", wan_addresses = listed(addresses), "(WAN) joining");
        let joined = match (self.wan(), self.delegate()) {
            (Some(wan), _) => wan.join(addresses).await,
            (None, Delegate::Server(_)) => Err(Error::new("WAN federation is disabled")),
            (None, Delegate::Client(_)) => Err(Error::new("Must be a server to join WAN cluster")),
        };
        report("WAN", &joined);
        joined
    }

    /// Makes a failed member one that left, in the pool of the datacenter and, on a server, in that of all servers; with
    /// `prune` it is forgotten at once.
    ///
    /// # Errors
    /// `agent: No node found with name '...'`, or the news could not be spread.
    pub async fn force_leave(&self, node: &str, prune: bool) -> Result<()> {
        tracing::info!(target: "agent", node, "Force leaving node");
        let left = async {
            let in_lan = force_leave(self.lan(), node, prune).await?;
            let in_wan = match self.wan() {
                Some(wan) => force_leave(wan, &wan_name(node, &self.config()), prune).await?,
                None => false,
            };
            Ok(in_lan || in_wan)
        };
        finish_force_leave(node, left.await)
    }

    /// The same in the pool of all servers only.
    ///
    /// # Errors
    /// The agent is no server, or as [`Agent::force_leave`].
    pub async fn force_leave_wan(&self, node: &str, prune: bool) -> Result<()> {
        let Some(wan) = self.wan() else {
            return Err(Error::new("Must be a server to force-leave a node from the WAN cluster"));
        };
        tracing::info!(target: "agent", node, "Force leaving WAN node");
        finish_force_leave(node, force_leave(wan, &wan_name(node, &self.config()), prune).await)
    }

    /// Joins what the configuration wants joined. The receiver hears of it when a pool is given up.
    pub(super) fn start_joins(&self) -> tokio::sync::mpsc::Receiver<Error> {
        let join = self.config().join.clone();
        let (failed, failures) = tokio::sync::mpsc::channel(2);
        let pools = [
            RetryJoin {
                cluster: "LAN",
                addresses: join.retry_join,
                interval: join.retry_interval,
                max: join.retry_max,
            },
            RetryJoin {
                cluster: "WAN",
                addresses: join.retry_join_wan,
                interval: join.retry_interval_wan,
                max: join.retry_max_wan,
            },
        ];
        for pool in pools {
            let (agent, failed) = (self.clone(), failed.clone());
            if !pool.addresses.is_empty() {
                tokio::spawn(async move {
                    if let Err(error) = agent.retry_join(&pool).await {
                        // nobody listens when the agent is ending
                        let _ = failed.send(error).await;
                    }
                });
            }
        }
        failures
    }

    async fn retry_join(&self, pool: &RetryJoin) -> Result<()> {
        let RetryJoin { cluster, addresses, interval, max } = pool;
        tracing::info!(target: "agent", cluster = *cluster, "Joining cluster...");
        let mut attempt = 0;
        loop {
            let joined = match *cluster {
                "WAN" => self.join_wan(addresses).await,
                _ => self.join_lan(addresses).await,
            };
            let error = match joined {
                Ok(number) => {
                    tracing::info!(
                        target: "agent", cluster = *cluster, num_agents = number,
                        "Join cluster completed. Synced with initial agents"
                    );
                    return Ok(());
                }
                Err(error) => error,
            };
            attempt += 1;
            if *max > 0 && attempt > *max {
                return Err(Error::new(format!("agent: max join {cluster} retry exhausted, exiting")));
            }
            if *cluster == "LAN" {
                notify::joining(cluster, attempt, &error.to_string(), interval.to_std());
            }
            tracing::warn!(
                target: "agent", cluster = *cluster, retry_interval = %interval, error = %error,
                "Join cluster failed, will retry"
            );
            tokio::time::sleep(interval.to_std()).await;
        }
    }
}

fn finish_force_leave(node: &str, left: Result<bool>) -> Result<()> {
    let left = match left {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(format!("agent: No node found with name '{node}'"))),
        Err(error) => Err(error),
    };
    left.inspect_err(|error| tracing::warn!(target: "agent", node, error = %error, "Failed to remove node"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_gets_its_datacenter_in_the_wan_pool_once() {
        let config = RuntimeConfig { datacenter: "dc1".into(), ..RuntimeConfig::default() };
        for (node, name) in [("a", "a.dc1"), ("a.dc1", "a.dc1"), ("a.dc2", "a.dc2.dc1")] {
            assert_eq!(wan_name(node, &config), name);
        }
    }
}
