//! Messages of the Serf layer as bytes (`spec/gossip.md` 4.1).
//!
//! Each is a type byte and a map. The bytes come from outside: their length is bounded before they are decoded, and the
//! lists of a push/pull while they are.

use super::member::{Member, MemberStatus, Tags};
use crate::types::msgpack;
use crate::types::secret::hidden;
use bytes::Bytes;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// First byte of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// [`LeaveIntent`].
    Leave = 0,
    /// [`JoinIntent`].
    Join = 1,
    /// [`PushPull`].
    PushPull = 2,
    /// [`UserEventMessage`].
    UserEvent = 3,
    /// [`Query`].
    Query = 4,
    /// [`QueryResponse`].
    QueryResponse = 5,
    /// [`MemberRecord`].
    ConflictResponse = 6,
    /// [`KeyRequest`].
    KeyRequest = 7,
    /// [`KeyResponse`].
    KeyResponse = 8,
    /// [`RelayHeader`] and a complete message.
    Relay = 9,
}

/// Longest message outside a push/pull, bytes. Events end at 9 KiB and queries at 1 KiB; a whole packet is the outer bound.
pub const MAX_MESSAGE: usize = 65536;

/// Most names and times in a push/pull: as many as its nodes may be.
const MAX_NODES: usize = 1 << 20;

/// Most slots with events in a push/pull; the rings of all known nodes have 512.
const MAX_EVENT_SLOTS: usize = 4096;

/// The Lamport time of a query and its number tell queries apart.
pub type QueryKey = (u64, u32);

/// A node is about to leave, or is told to have left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LeaveIntent {
    /// Lamport time.
    #[serde(rename = "LTime")]
    pub ltime: u64,
    /// Node.
    pub node: String,
    /// Forget it at once.
    pub prune: bool,
}

/// A node is here to stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JoinIntent {
    /// Lamport time.
    #[serde(rename = "LTime")]
    pub ltime: u64,
    /// Node.
    pub node: String,
}

/// Name and payload of one event of a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SlotEvent {
    /// Name.
    pub name: String,
    /// Payload.
    #[serde(with = "nil_bytes")]
    pub payload: Bytes,
}

/// The user events of one Lamport time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventSlot {
    /// Lamport time.
    #[serde(rename = "LTime")]
    pub ltime: u64,
    /// Events.
    pub events: Vec<SlotEvent>,
}

/// What two nodes tell each other besides their node lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PushPull {
    /// Member clock.
    #[serde(rename = "LTime")]
    pub ltime: u64,
    /// Lamport times of the members' statuses.
    #[serde(rename = "StatusLTimes", deserialize_with = "bounded_map")]
    pub status_ltimes: BTreeMap<String, u64>,
    /// Members that left.
    #[serde(deserialize_with = "bounded_names")]
    pub left_members: Vec<String>,
    /// Event clock.
    #[serde(rename = "EventLTime")]
    pub event_ltime: u64,
    /// Recent user events.
    pub events: EventRing,
    /// Query clock.
    #[serde(rename = "QueryLTime")]
    pub query_ltime: u64,
}

/// A sparse ring as it travels: `len` places, most of them nil.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventRing {
    /// Number of places.
    pub len: usize,
    /// Filled places by ascending index.
    pub slots: Vec<(usize, Arc<EventSlot>)>,
}

/// A user event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserEventMessage {
    /// Lamport time.
    #[serde(rename = "LTime")]
    pub ltime: u64,
    /// Name.
    pub name: String,
    /// Payload.
    #[serde(with = "nil_bytes")]
    pub payload: Bytes,
    /// May coalesce.
    #[serde(rename = "CC")]
    pub coalesce: bool,
}

/// Flags of queries and responses.
pub mod flags {
    /// The asker wants confirmations; the response is one.
    pub const ACK: u32 = 1;
    /// Not to be broadcast again.
    pub const NO_BROADCAST: u32 = 2;
}

/// A query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Query {
    /// Lamport time.
    #[serde(rename = "LTime")]
    pub ltime: u64,
    /// Tells apart queries of the same time.
    #[serde(rename = "ID")]
    pub id: u32,
    /// IP address of the asker.
    #[serde(with = "nil_bytes")]
    pub addr: Bytes,
    /// Port of the asker.
    pub port: u16,
    /// Name of the asker.
    pub source_node: String,
    /// Encoded filters; all must match.
    pub filters: Option<Vec<Bytes>>,
    /// [`flags`].
    pub flags: u32,
    /// Members that each response is also sent through.
    pub relay_factor: u8,
    /// Time for responses, nanoseconds.
    pub timeout: i64,
    /// Name.
    pub name: String,
    /// Payload.
    #[serde(with = "nil_bytes")]
    pub payload: Bytes,
}

/// The answer of one node, or its confirmation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryResponse {
    /// Lamport time of the query.
    #[serde(rename = "LTime")]
    pub ltime: u64,
    /// Number of the query.
    #[serde(rename = "ID")]
    pub id: u32,
    /// Who answers.
    pub from: String,
    /// [`flags`].
    pub flags: u32,
    /// Answer.
    #[serde(with = "nil_bytes")]
    pub payload: Bytes,
}

/// What a key operation is about.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeyRequest {
    /// The key itself.
    #[debug("{}", hidden(key))]
    pub key: Bytes,
}

/// What came of a key operation on one node.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeyResponse {
    /// It worked.
    pub result: bool,
    /// What the operator should know.
    pub message: String,
    /// Keys of the ring in base64, for a listing.
    #[debug("{}", hidden(keys))]
    pub keys: Option<Vec<String>>,
    /// Primary key in base64, for a listing.
    #[debug("{}", hidden(primary_key))]
    pub primary_key: String,
}

/// An address as relays carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UdpAddress {
    /// IP address.
    #[serde(rename = "IP", with = "nil_bytes")]
    pub ip: Bytes,
    /// Port.
    pub port: u16,
    /// Zone of an IPv6 address.
    pub zone: String,
}

/// Where a relayed message goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RelayHeader {
    /// Address.
    pub dest_addr: UdpAddress,
    /// Name of the node there.
    pub dest_name: String,
}

/// A member as one node knows it, the answer to a question about a name conflict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MemberRecord {
    /// Name.
    pub name: String,
    /// IP address.
    #[serde(with = "nil_bytes")]
    pub addr: Bytes,
    /// Port.
    pub port: u16,
    /// Tags.
    pub tags: Tags,
    /// Status number.
    pub status: u8,
    /// Gossip protocol, oldest.
    pub protocol_min: u8,
    /// Gossip protocol, newest.
    pub protocol_max: u8,
    /// Gossip protocol, spoken.
    pub protocol_cur: u8,
    /// Delegate protocol, oldest.
    pub delegate_min: u8,
    /// Delegate protocol, newest.
    pub delegate_max: u8,
    /// Delegate protocol, spoken.
    pub delegate_cur: u8,
}

impl From<&Member> for MemberRecord {
    fn from(member: &Member) -> Self {
        let [protocol_min, protocol_max, protocol_cur, delegate_min, delegate_max, delegate_cur] = member.protocol;
        MemberRecord {
            name: member.name.clone(),
            addr: ip_bytes(member.address),
            port: member.port,
            tags: member.tags.as_ref().clone(),
            status: member.status as u8,
            protocol_min,
            protocol_max,
            protocol_cur,
            delegate_min,
            delegate_max,
            delegate_cur,
        }
    }
}

impl MemberRecord {
    /// The record tells of this address.
    pub fn is_at(&self, address: SocketAddr) -> bool {
        self.port == address.port() && ip_from(&self.addr) == Some(address.ip())
    }

    /// Status, [`MemberStatus::None`] for numbers without a meaning.
    pub fn status(&self) -> MemberStatus {
        use MemberStatus::{Alive, Failed, Leaving, Left, None};
        [None, Alive, Leaving, Left, Failed].get(usize::from(self.status)).copied().unwrap_or_default()
    }
}

/// Encodes a message with its type byte.
pub fn encode<T: Serialize>(kind: Kind, body: &T) -> Bytes {
    let mut out = vec![kind as u8];
    msgpack::to_end_of(&mut out, body).expect("messages are plain structs");
    out.into()
}

/// Decodes the body of a message; bytes behind it are left alone.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, msgpack::Error> {
    msgpack::from_prefix(body).map(|(message, _)| message)
}

/// Encodes a message that another node passes on.
pub fn encode_relay(to: SocketAddr, name: &str, message: &[u8]) -> Bytes {
    let dest_addr = UdpAddress { ip: ip_bytes(to.ip()), port: to.port(), zone: String::new() };
    let mut out = vec![Kind::Relay as u8];
    msgpack::to_end_of(&mut out, &RelayHeader { dest_addr, dest_name: name.to_owned() }).expect("a plain struct");
    out.extend_from_slice(message);
    out.into()
}

/// Four bytes for IPv4, sixteen for IPv6.
pub fn ip_bytes(ip: IpAddr) -> Bytes {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Bytes::copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => Bytes::copy_from_slice(&ip.octets()),
    }
}

/// The address of four or sixteen bytes.
pub fn ip_from(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|octets| IpAddr::from(octets).to_canonical()),
        _ => None,
    }
}

/// Bytes whose empty form is nil, as the reference's unset slices are.
mod nil_bytes {
    use super::*;

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        if bytes.is_empty() { serializer.serialize_none() } else { serializer.serialize_bytes(bytes) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Bytes::deserialize(deserializer)
    }
}

impl Serialize for EventRing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut slots = self.slots.iter().peekable();
        let mut seq = serializer.serialize_seq(Some(self.len))?;
        for place in 0..self.len {
            let filled = slots.next_if(|(index, _)| *index == place);
            seq.serialize_element(&filled.map(|(_, slot)| slot.as_ref()))?;
        }
        seq.end()
    }
}

struct RingVisitor;

impl<'de> Visitor<'de> for RingVisitor {
    type Value = EventRing;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<EventRing, A::Error> {
        let mut ring = EventRing::default();
        while let Some(slot) = seq.next_element::<Option<EventSlot>>()? {
            if let Some(slot) = slot.filter(|_| ring.slots.len() < MAX_EVENT_SLOTS) {
                ring.slots.push((ring.len, Arc::new(slot)));
            }
            ring.len += 1;
        }
        Ok(ring)
    }
}

impl<'de> Deserialize<'de> for EventRing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RingVisitor)
    }
}

struct Bounded<T>(PhantomData<T>);

impl<'de> Visitor<'de> for Bounded<Vec<String>> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element()? {
            if names.len() == MAX_NODES {
                return Err(serde::de::Error::custom("too many nodes"));
            }
            names.push(name);
        }
        Ok(names)
    }
}

impl<'de> Visitor<'de> for Bounded<BTreeMap<String, u64>> {
    type Value = BTreeMap<String, u64>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a map of times")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BTreeMap<String, u64>, A::Error> {
        let mut times = BTreeMap::new();
        while let Some((name, time)) = map.next_entry()? {
            if times.len() == MAX_NODES {
                return Err(serde::de::Error::custom("too many nodes"));
            }
            times.insert(name, time);
        }
        Ok(times)
    }
}

fn bounded_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_seq(Bounded::<Vec<String>>(PhantomData))
}

fn bounded_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, u64>, D::Error> {
    deserializer.deserialize_map(Bounded::<BTreeMap<String, u64>>(PhantomData))
}
