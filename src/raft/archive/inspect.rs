//! Counts and sizes of the records in an archive, for `snapshot inspect` (`spec/snapshot.md` 6), and the records one by one
//! for `snapshot decode`.

use super::{ArchiveError, Meta, State};
use crate::types::msgpack;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

/// Names of the record types as printed, by type byte (`spec/snapshot.md` 3.2).
const TYPE_NAMES: [&str; 44] = [
    "Register",
    "Deregister",
    "KVS",
    "Session",
    "ACL (Deprecated)",
    "Tombstone",
    "CoordinateBatchUpdate",
    "PreparedQuery",
    "Txn",
    "Autopilot",
    "Area",
    "ACLBootstrap",
    "Intention",
    "ConnectCA",
    "ConnectCAProviderState",
    "ConnectCAConfig",
    "Index",
    "ACLToken",
    "ACLTokenDelete",
    "ACLPolicy",
    "ACLPolicyDelete",
    "ConnectCALeaf",
    "ConfigEntry",
    "ACLRole",
    "ACLRoleDelete",
    "ACLBindingRule",
    "ACLBindingRuleDelete",
    "ACLAuthMethod",
    "ACLAuthMethodDelete",
    "ChunkingState",
    "FederationState",
    "SystemMetadata",
    "ServiceVirtualIP",
    "FreeVirtualIP",
    "KindServiceName",
    "Peering",
    "PeeringDelete",
    "",
    "PeeringTrustBundle",
    "PeeringTrustBundleDelete",
    "PeeringSecret",
    "RaftLogVerifierCheckpoint",
    "Resource",
    "UpdateManualVirtualIPRequestType",
];

/// Type byte of a key.
const KVS: u8 = 2;

/// Printed name of a record type.
pub fn type_name(kind: u8) -> String {
    match TYPE_NAMES.get(kind as usize) {
        Some(name) if !name.is_empty() => (*name).to_owned(),
        _ => format!("Unknown({kind})"),
    }
}

/// How keys are grouped.
#[derive(Clone, Debug)]
pub struct KvOptions {
    /// Leading parts of a key, split at `/`, that make its group.
    pub depth: usize,
    /// Only keys with this prefix.
    pub filter: String,
}

/// Records of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeStat {
    /// Printed name.
    pub name: String,
    /// Bytes with type bytes.
    pub sum: u64,
    /// Records.
    pub count: u64,
}

/// Keys of one group.
pub type KvStat = TypeStat;

/// What is in an archive.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its metadata.
    pub meta: Meta,
    /// By type: size down, then name up.
    pub types: Vec<TypeStat>,
    /// Bytes of all records.
    pub total_size: u64,
    /// By group of keys, if asked for: size down, then name up.
    pub kv: Option<Vec<KvStat>>,
    /// Bytes of all grouped keys.
    pub total_size_kv: u64,
}

/// The records of a `state.bin`, one by one.
pub struct Records<R> {
    from: BufReader<R>,
    /// Bytes of the header that stands before the first record.
    header: Vec<u8>,
    record: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// Reads the header.
    pub fn open(state: R) -> Result<Records<R>, ArchiveError> {
        let mut from = BufReader::with_capacity(64 << 10, state);
        let mut header = Vec::new();
        msgpack::read_value(&mut from, &mut header).map_err(|error| broken("header", &error))?;
        Ok(Records { from, header, record: Vec::new() })
    }

    /// The header, msgpack.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The next record: its type byte and its msgpack value.
    pub fn read(&mut self) -> Result<Option<(u8, &[u8])>, ArchiveError> {
        let mut kind = [0];
        match self.from.read(&mut kind) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(broken("record", &error)),
        }
        self.record.clear();
        msgpack::read_value(&mut self.from, &mut self.record).map_err(|error| broken("record", &error))?;
        Ok(Some((kind[0], &self.record)))
    }
}

fn broken(what: &str, error: &std::io::Error) -> ArchiveError {
    ArchiveError::Content(format!("failed to read {what} of the state: {error}"))
}

/// Reads a whole archive, verifies it and counts its records.
pub fn inspect(archive: impl Read, kv: Option<&KvOptions>) -> Result<Inspection, ArchiveError> {
    let mut state = State::open(archive)?;
    let mut found = count(&mut state, kv)?;
    found.meta = state.meta().clone();
    Ok(found)
}

/// Counts the records of a bare `state.bin`.
pub fn inspect_state(meta: Meta, state: impl Read, kv: Option<&KvOptions>) -> Result<Inspection, ArchiveError> {
    let mut found = count(state, kv)?;
    found.meta = meta;
    Ok(found)
}

#[derive(Deserialize)]
struct Keyed {
    #[serde(rename = "Key", default)]
    key: String,
}

#[derive(Default)]
struct Tally {
    count: u64,
    sum: u64,
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.sum += bytes;
    }
}

fn count(state: impl Read, kv: Option<&KvOptions>) -> Result<Inspection, ArchiveError> {
    let mut records = Records::open(state)?;
    let mut types: BTreeMap<u8, Tally> = BTreeMap::new();
    let mut groups: BTreeMap<String, Tally> = BTreeMap::new();
    // the first record also counts the header
    let mut extra = records.header().len() as u64;
    while let Some((kind, value)) = records.read()? {
        let bytes = value.len() as u64 + 1;
        types.entry(kind).or_default().add(bytes + std::mem::take(&mut extra));
        if let (KVS, Some(options)) = (kind, kv) {
            let Keyed { key } = msgpack::from_slice(value)
                .map_err(|error| ArchiveError::Content(format!("failed to decode a key: {error}")))?;
            if key.starts_with(&options.filter) {
                let group = key.split('/').take(options.depth).collect::<Vec<_>>().join("/");
                groups.entry(group).or_default().add(bytes);
            }
        }
    }
    let types = sorted(types.into_iter().map(|(kind, tally)| (type_name(kind), tally)));
    let groups = kv.map(|_| sorted(groups.into_iter()));
    Ok(Inspection {
        meta: Meta::default(),
        total_size: types.iter().map(|stat| stat.sum).sum(),
        total_size_kv: groups.iter().flatten().map(|stat| stat.sum).sum(),
        types,
        kv: groups,
    })
}

fn sorted(tallies: impl Iterator<Item = (String, Tally)>) -> Vec<TypeStat> {
    let mut stats: Vec<_> = tallies.map(|(name, Tally { count, sum })| TypeStat { name, sum, count }).collect();
    stats.sort_by(|a, b| b.sum.cmp(&a.sum).then_with(|| a.name.cmp(&b.name)));
    stats
}
