//! Who is in the datacenter, as the leader sees it. Gossip implements [`Members`]; a lone server lists itself.

use crate::gossip::{MemberStatus, serf};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::sync::watch;

/// A member of a gossip pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Node name; in the WAN pool without the datacenter.
    pub name: String,
    /// Node id; empty when it announces none.
    pub id: String,
    /// Datacenter.
    pub datacenter: String,
    /// Address.
    pub address: IpAddr,
    /// Status.
    pub status: MemberStatus,
    /// Version of its agent.
    pub version: String,
    /// Set for servers.
    pub server: Option<ServerDetails>,
}

/// What a server announces about itself (`spec/semantics.md` 13.2, `spec/gossip.md` 6.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerDetails {
    /// Server port.
    pub port: u16,
    /// Metadata of its `consul` service row.
    pub meta: BTreeMap<String, String>,
    /// It may elect itself.
    pub bootstrap: bool,
    /// Number of servers that it expects for the first election; 0 for none.
    pub expect: u32,
    /// It never votes.
    pub non_voter: bool,
    /// Port of its WAN pool, if it has one.
    pub wan_join_port: Option<u16>,
}

/// Separates the node name from the datacenter in names of the WAN pool; a datacenter has no dot in its name.
fn short_name<'a>(name: &'a str, datacenter: &str) -> &'a str {
    name.strip_suffix(datacenter).and_then(|name| name.strip_suffix('.')).unwrap_or(name)
}

/// The first three numbers of a build tag, `1.21.4` of `1.21.4:9e7a5a6b`.
fn version_of(build: &str) -> Option<String> {
    let starts = build.char_indices().filter(|(_, letter)| letter.is_ascii_digit()).map(|(at, _)| at);
    for start in starts {
        let mut parts = build[start..].splitn(3, '.');
        let digits = |part: Option<&str>| {
            let part = part.unwrap_or_default();
            let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
            (!part[..end].is_empty()).then(|| (part[..end].to_owned(), end == part.len()))
        };
        if let (Some((major, true)), Some((minor, true)), Some((patch, _))) =
            (digits(parts.next()), digits(parts.next()), digits(parts.next()))
        {
            return Some(format!("{major}.{minor}.{patch}"));
        }
    }
    None
}

impl Member {
    /// A member as gossip knows it; none while its status is not known.
    pub fn from_gossip(member: &serf::Member) -> Option<Member> {
        if member.status == MemberStatus::None {
            return None;
        }
        let tag = |name: &str| member.tags.get(name).map_or("", String::as_str);
        let build = tag("build");
        let server = ServerDetails::from_gossip(member);
        let name = if server.is_some() { short_name(&member.name, tag("dc")) } else { &member.name };
        Some(Member {
            name: name.to_owned(),
            id: tag("id").to_owned(),
            datacenter: tag("dc").to_owned(),
            address: member.address,
            status: member.status,
            version: version_of(build).unwrap_or_else(|| build.split(':').next().unwrap_or_default().to_owned()),
            server,
        })
    }

    /// Address of its server port, if it is a server.
    pub fn server_address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(|server| SocketAddr::new(self.address, server.port))
    }
}

impl ServerDetails {
    /// What a member's tags say about the server that it is; `None` for a client and for tags that make no sense
    /// (`spec/gossip.md` 6.3).
    pub fn from_gossip(member: &serf::Member) -> Option<ServerDetails> {
        let tags = &member.tags;
        if tags.get("role").map(String::as_str) != Some("consul") {
            return None;
        }
        let number = |name: &str| tags.get(name).map(|text| text.parse::<u32>().ok());
        // absent is fine, but what is there must be a number
        let optional = |name: &str| number(name).map_or(Some(0), |parsed| parsed);
        let port = u16::try_from(number("port")??).ok()?;
        number("vsn")??;
        let expect = optional("expect")?;
        let raft_version = optional("raft_vsn")?;
        let wan_join_port = u16::try_from(optional("wan_join_port")?).ok()?;
        let grpc = ["grpc_port", "grpc_tls_port"];
        if grpc.iter().any(|name| tags.contains_key(*name))
            && !grpc.iter().any(|name| number(name).flatten().is_some_and(|port| port > 0))
        {
            return None;
        }
        let flags = tags.iter().filter(|(name, _)| name.starts_with("ft_"));
        if flags.map(|(_, text)| text.parse::<u32>()).any(|parsed| parsed.is_err()) {
            return None;
        }
        let version = version_of(tags.get("build")?)?;
        let non_voter = tags.contains_key("nonvoter") || tags.contains_key("read_replica");
        let mut meta: BTreeMap<String, String> = [
            ("non_voter", non_voter.to_string()),
            ("raft_version", raft_version.to_string()),
            ("read_replica", non_voter.to_string()),
            ("serf_protocol_current", member.protocol[2].to_string()),
            ("serf_protocol_max", member.protocol[1].to_string()),
            ("serf_protocol_min", member.protocol[0].to_string()),
            ("version", version),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        for name in grpc {
            if let Some(port) = number(name).flatten().filter(|port| *port > 0) {
                meta.insert(name.to_owned(), port.to_string());
            }
        }
        Some(ServerDetails {
            port,
            meta,
            bootstrap: tags.contains_key("bootstrap"),
            expect,
            non_voter,
            wan_join_port: Some(wan_join_port).filter(|port| *port > 0),
        })
    }
}

/// The list of members and its changes.
pub trait Members: Send + Sync + 'static {
    /// All members of this datacenter. An unchanged member is the same `Arc` as before.
    fn list(&self) -> Vec<Arc<Member>>;
    /// Fires whenever the list has changed.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// A list that its owner sets: a lone server, or a test.
pub struct StaticMembers {
    members: parking_lot::RwLock<Vec<Arc<Member>>>,
    changed: watch::Sender<u64>,
}

impl StaticMembers {
    /// Starts with this list.
    pub fn new(members: Vec<Member>) -> Self {
        let members = members.into_iter().map(Arc::new).collect();
        StaticMembers { members: parking_lot::RwLock::new(members), changed: watch::Sender::new(0) }
    }

    /// Replaces the list.
    pub fn set(&self, members: Vec<Member>) {
        *self.members.write() = members.into_iter().map(Arc::new).collect();
        self.changed.send_modify(|count| *count += 1);
    }
}

impl Members for StaticMembers {
    fn list(&self) -> Vec<Arc<Member>> {
        self.members.read().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
