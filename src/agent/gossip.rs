//! The gossip pools of an agent: what it announces, whom it accepts, and with which keys (`spec/gossip.md` 6).

mod keyring;
mod tags;
#[cfg(test)]
mod tests;

use crate::config::{GossipConfig, RuntimeConfig};
use crate::gossip::{Logger, Member, MemberStatus, MergeCheck, Pool, PoolConfig, Timing};
use crate::rpc::ServerAddress;
use crate::server::ServerDetails;
use crate::types::{Error, Result, version};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) use tags::tags;

/// Slots of the event channel of a client agent; a server has the pool's own number.
const CLIENT_EVENTS: usize = 256;

/// Oldest build whose node ids are unique.
const UNIQUE_IDS: [u64; 3] = [0, 8, 5];

/// Settings of the pool of the datacenter.
///
/// # Errors
/// A keyring that cannot be used.
pub(super) fn lan(config: &RuntimeConfig, node_id: &str) -> Result<PoolConfig> {
    let bind = config.serf_bind_addr_lan.ok_or_else(|| Error::new("serf-lan-port must be greater than zero"))?;
    let base = PoolConfig::new(&config.node_name, bind);
    let keys = keyring::load(config, keyring::LOCAL, "LAN")?;
    Ok(PoolConfig {
        advertise: config.serf_advertise_addr_lan.unwrap_or(base.advertise),
        tags: tags(config, node_id),
        timing: timing(Timing::lan(), &config.gossip_lan),
        snapshot_path: file(config, "serf/local.snapshot"),
        reconnect_timeout: config.reconnect_timeout.to_std(),
        allowed_cidrs: config.serf_lan_allowed_cidrs.clone(),
        merge_check: Some(lan_check(config, node_id)),
        event_channel_size: if config.server { base.event_channel_size } else { CLIENT_EVENTS },
        log: if config.server { Logger::ServerLan } else { Logger::ClientLan },
        network: "lan",
        ..common(config, keys, base)
    })
}

/// Settings of the pool of all servers; none on a client agent or with a port of -1.
///
/// # Errors
/// A keyring that cannot be used.
pub(super) fn wan(config: &RuntimeConfig, node_id: &str) -> Result<Option<PoolConfig>> {
    let Some(bind) = config.serf_bind_addr_wan.filter(|_| config.server) else { return Ok(None) };
    let base = PoolConfig::new(format!("{}.{}", config.node_name, config.datacenter), bind);
    let keys = keyring::load(config, keyring::REMOTE, "WAN")?;
    let mut tags = tags(config, node_id);
    tags.remove("wan_join_port");
    Ok(Some(PoolConfig {
        advertise: config.serf_advertise_addr_wan.unwrap_or(base.advertise),
        tags,
        timing: timing(Timing::wan(), &config.gossip_wan),
        snapshot_path: file(config, "serf/remote.snapshot"),
        reconnect_timeout: config.reconnect_timeout_wan.to_std(),
        allowed_cidrs: config.serf_wan_allowed_cidrs.clone(),
        merge_check: Some(Arc::new(wan_check)),
        log: Logger::ServerWan,
        network: "wan",
        ..common(config, keys, base)
    }))
}

/// Starts the pool of the datacenter.
///
/// # Errors
/// `Failed to start LAN Serf: ...`.
pub(super) async fn start_lan(config: &RuntimeConfig, node_id: &str) -> Result<Pool> {
    let pool = Pool::start(lan(config, node_id)?).await;
    pool.map_err(|error| {
        error.prefixed(&format!("Failed to start {} Serf: ", if config.server { "LAN" } else { "lan" }))
    })
}

/// Starts the pool of all servers, if the agent takes part in it.
///
/// # Errors
/// `Failed to start WAN Serf: ...`.
pub(super) async fn start_wan(config: &RuntimeConfig, node_id: &str) -> Result<Option<Pool>> {
    let Some(settings) = wan(config, node_id)? else { return Ok(None) };
    Pool::start(settings).await.map(Some).map_err(|error| error.prefixed("Failed to start WAN Serf: "))
}

/// What both pools take from the configuration.
fn common(config: &RuntimeConfig, keys: keyring::Loaded, base: PoolConfig) -> PoolConfig {
    PoolConfig {
        keys: keys.keys,
        keyring_file: keys.file,
        verify_incoming: config.encrypt_verify_incoming,
        verify_outgoing: config.encrypt_verify_outgoing,
        rejoin_after_leave: config.join.rejoin_after_leave,
        disable_coordinates: config.disable_coordinates,
        ..base
    }
}

/// A file in the data directory; none when everything stays in memory.
fn file(config: &RuntimeConfig, name: &str) -> Option<PathBuf> {
    config.data_dir.as_ref().filter(|_| !config.dev_mode).map(|directory| directory.join(name))
}

fn timing(profile: Timing, settings: &GossipConfig) -> Timing {
    Timing {
        gossip_nodes: settings.gossip_nodes,
        gossip_interval: settings.gossip_interval.to_std(),
        probe_interval: settings.probe_interval.to_std(),
        probe_timeout: settings.probe_timeout.to_std(),
        suspicion_mult: settings.suspicion_mult,
        retransmit_mult: settings.retransmit_mult,
        ..profile
    }
}

/// The three numbers at the start of a build tag.
fn build(member: &Member) -> Option<[u64; 3]> {
    let text = member.tag("build");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let mut numbers = text[..end].split('.').map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
}

/// The member says that it is an agent: role and datacenter.
fn is_agent(member: &Member) -> bool {
    matches!(member.tag("role"), "node" | "consul")
}

/// Who may be in the pool of this datacenter (`spec/gossip.md` 6.4).
fn lan_check(config: &RuntimeConfig, node_id: &str) -> MergeCheck {
    let (own_name, own_id, datacenter) = (config.node_name.clone(), node_id.to_owned(), config.datacenter.clone());
    Arc::new(move |members: &[Member]| {
        let mut ids: HashMap<&str, &str> = HashMap::new();
        for member in members {
            let (name, id) = (member.name.as_str(), member.tag("id"));
            if !id.is_empty() && member.status != MemberStatus::Left {
                if id == own_id && !name.eq_ignore_ascii_case(&own_name) {
                    return Err(format!("Member '{name}' has conflicting node ID '{id}' with this agent's ID"));
                }
                if let Some(other) = ids.get(id) {
                    return Err(format!("Member '{name}' has conflicting node ID '{id}' with member '{other}'"));
                }
                if build(member).is_some_and(|build| build >= UNIQUE_IDS) {
                    ids.insert(id, name);
                }
            }
            let theirs = member.tag("dc");
            if is_agent(member) && theirs != datacenter {
                return Err(format!("Member '{name}' part of wrong datacenter '{theirs}'"));
            }
            let foreign = [
                ("segment", "Network Segments are", member.tag("segment")),
                ("partition", "Admin Partitions are", member.tag("ap")),
            ];
            for (kind, feature, value) in foreign {
                if !value.is_empty() && value != "default" {
                    return Err(format!(
                        "Member '{name}' part of {kind} '{value}'; {feature} a Consul Enterprise feature"
                    ));
                }
            }
        }
        Ok(())
    })
}

/// Who may be in the pool of all servers (`spec/gossip.md` 6.4).
fn wan_check(members: &[Member]) -> Result<(), String> {
    match members.iter().find(|member| ServerDetails::from_gossip(member).is_none()) {
        Some(member) => Err(format!("Member '{}' is not a server", member.name)),
        None => Ok(()),
    }
}

/// How a member is called that is a server of this datacenter.
pub(super) fn server_address(member: &Member, datacenter: &str) -> Option<ServerAddress> {
    let server = crate::server::Member::from_gossip(member).filter(|server| server.datacenter == datacenter)?;
    let address = server.server_address()?;
    Some(ServerAddress { name: server.name, id: server.id, datacenter: server.datacenter, address })
}

/// The versions of the agents' protocol, as tags carry them.
pub(super) fn protocol_versions() -> (String, String, String) {
    let (min, max) = version::PROTOCOL_RANGE;
    (version::PROTOCOL.to_string(), min.to_string(), max.to_string())
}
