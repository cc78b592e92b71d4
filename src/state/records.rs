//! `state.bin`: the dump of all tables as typed records (`spec/snapshot.md` 3).
//!
//! Records of types that have no table here (intentions, ...) are kept as they came and written back unchanged in
//! their place, so that a cluster can go through us without losing them.

use super::command::kind;
use super::nodes::request_node;
use super::register::request_checks;
use super::tables::{Tables, Writer};
use crate::types::acl::{AclPolicy, AclRole, AclToken, AuthMethod, BindingRule};
use crate::types::ca::{CaConfiguration, CaProviderState, CaRoot};
use crate::types::msgpack;
use crate::types::operator::AutopilotConfig;
use crate::types::{
    DirEntry, HealthCheck, Index, Node, NodeCoordinate, NodeService, PreparedQuery, RegisterRequest, Session,
    SystemMetadataEntry,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::sync::Arc;

/// Why a state dump was refused; the store is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The stream cannot be read or ends inside a record.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The dump does not begin with its header.
    #[error("failed to decode the snapshot header: {0}")]
    Header(msgpack::Error),
    /// A record that only the enterprise edition knows.
    #[error("msg type <{0}> is a Consul Enterprise log entry. Consul CE cannot restore it")]
    Enterprise(u8),
    /// A record of a type that never stands in a snapshot.
    #[error("Unrecognized msg type {0}")]
    UnknownType(u8),
    /// A record that does not decode or contradicts the records before it.
    #[error("record {record} of type {kind}: {reason}")]
    Record {
        /// Zero-based number of the record.
        record: usize,
        /// Type byte.
        kind: u8,
        /// What is wrong.
        reason: String,
    },
}

/// Types in the order in which they are written; what has no table between them is opaque.
const ORDER: [u8; 26] = [
    32,
    33,
    kind::REGISTER,
    kind::COORDINATES,
    kind::SESSION,
    kind::ACL_TOKEN,
    kind::ACL_POLICY,
    kind::ACL_ROLE,
    kind::ACL_BINDING_RULE,
    kind::ACL_AUTH_METHOD,
    kind::KVS,
    kind::TOMBSTONE,
    kind::PREPARED_QUERY,
    kind::AUTOPILOT,
    12,
    kind::CA,
    kind::CA_PROVIDER_STATE,
    kind::CA_CONFIG,
    22,
    30,
    kind::SYSTEM_METADATA,
    kind::INDEX,
    35,
    38,
    40,
    42,
];

/// Enterprise types begin here.
const ENTERPRISE: u8 = 64;

/// Behind all records, also when empty.
const NO_CHUNKS: [u8; 11] = *b"\x81\xa8ChunkMap\x80";

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Header {
    last_index: Index,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct IndexEntry {
    key: String,
    value: Index,
}

/// Writes records through one buffer.
struct Sink<'a> {
    out: BufWriter<&'a mut dyn Write>,
    record: Vec<u8>,
}

impl Sink<'_> {
    fn put<T: Serialize + ?Sized>(&mut self, kind: Option<u8>, value: &T) -> io::Result<()> {
        self.record.clear();
        self.record.extend(kind);
        msgpack::to_end_of(&mut self.record, value).map_err(io::Error::other)?;
        self.out.write_all(&self.record)
    }

    fn raw(&mut self, kind: u8, value: &[u8]) -> io::Result<()> {
        self.out.write_all(&[kind])?;
        self.out.write_all(value)
    }
}

/// Writes the dump.
pub fn write(tables: &Tables, out: &mut dyn Write) -> io::Result<()> {
    let mut sink = Sink { out: BufWriter::with_capacity(1 << 18, out), record: Vec::with_capacity(1024) };
    sink.put(None, &Header { last_index: tables.last_index })?;
    for kind in ORDER {
        write_table(tables, kind, &mut sink)?;
        for record in tables.opaque.get(&kind).into_iter().flatten() {
            sink.raw(kind, record)?;
        }
    }
    match tables.opaque.get(&kind::CHUNKING).and_then(|records| records.last()) {
        Some(chunks) => sink.raw(kind::CHUNKING, chunks)?,
        None => sink.raw(kind::CHUNKING, &NO_CHUNKS)?,
    }
    sink.out.flush()
}

fn write_table(tables: &Tables, kind: u8, sink: &mut Sink) -> io::Result<()> {
    let tag = Some(kind);
    match kind {
        kind::REGISTER => {
            for slot in tables.nodes.iter() {
                write_node(tables, &slot.value, sink)?;
            }
        }
        kind::COORDINATES => tables.coordinates.iter().try_for_each(|slot| sink.put(tag, &[&slot.value]))?,
        kind::SESSION => tables.sessions.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::KVS => tables.kvs.iter().try_for_each(|row| sink.put(tag, &**row))?,
        kind::TOMBSTONE => {
            for slot in tables.tombstones.iter() {
                let key = String::from_utf8_lossy(super::radix::Entry::key(slot)).into_owned();
                sink.put(tag, &DirEntry { key, modify_index: slot.value, ..Default::default() })?;
            }
        }
        kind::PREPARED_QUERY => tables.queries.iter().try_for_each(|slot| sink.put(tag, &*slot.value.definition))?,
        kind::AUTOPILOT => tables.autopilot.iter().try_for_each(|row| sink.put(tag, &**row))?,
        kind::SYSTEM_METADATA => tables.system_metadata.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::ACL_TOKEN => tables.acl.tokens.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::ACL_POLICY => tables.acl.policies.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::ACL_ROLE => tables.acl.roles.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::ACL_BINDING_RULE => tables.acl.rules.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::ACL_AUTH_METHOD => tables.acl.methods.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::CA => tables.ca.roots.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::CA_PROVIDER_STATE => tables.ca.states.iter().try_for_each(|slot| sink.put(tag, &*slot.value))?,
        kind::CA_CONFIG => tables.ca.config.iter().try_for_each(|row| sink.put(tag, &**row))?,
        kind::INDEX => {
            let mut rows = tables.indexes.rows().into_iter();
            rows.try_for_each(|(key, value)| sink.put(tag, &IndexEntry { key, value }))?;
        }
        _ => {}
    }
    Ok(())
}

/// A node alone, then one record per instance, then one per check.
fn write_node(tables: &Tables, node: &Node, sink: &mut Sink) -> io::Result<()> {
    let mut record = RegisterRequest {
        datacenter: node.datacenter.clone(),
        id: node.id.clone(),
        node: node.node.clone(),
        address: node.address.clone(),
        tagged_addresses: node.tagged_addresses.clone(),
        node_meta: node.meta.clone(),
        locality: node.locality.clone(),
        create_index: node.create_index,
        modify_index: node.modify_index,
        ..Default::default()
    };
    sink.put(Some(kind::REGISTER), &record)?;
    for service in tables.services_on(&node.node) {
        record.service = Some(service.clone());
        sink.put(Some(kind::REGISTER), &record)?;
    }
    record.service = None;
    for slot in tables.checks.iter_prefix(&super::key::join(&[&node.node])) {
        record.check = Some(slot.value.clone());
        sink.put(Some(kind::REGISTER), &record)?;
    }
    Ok(())
}

/// Reads a dump into new tables.
pub fn read(state_bin: &mut dyn Read) -> Result<Tables, RestoreError> {
    let mut input = BufReader::with_capacity(1 << 18, state_bin);
    let mut record = Vec::with_capacity(1024);
    msgpack::read_value(&mut input, &mut record)?;
    let header: Header = msgpack::from_slice(&record).map_err(RestoreError::Header)?;
    let mut reader = Reader { writer: Writer::default(), last_index: header.last_index, indexes: Vec::new() };
    for number in 0.. {
        let Some(kind) = next_byte(&mut input)? else { break };
        record.clear();
        msgpack::read_value(&mut input, &mut record)?;
        let mark = reader.writer.touched.mark();
        reader.record(kind, &record).map_err(|error| match error {
            Refused::Type(error) => error,
            Refused::Content(reason) => RestoreError::Record { record: number, kind, reason },
        })?;
        reader.writer.touched.rewind(mark);
    }
    let mut tables = reader.writer.tables;
    tables.indexes.restore(reader.indexes.into_iter().map(|row| (row.key, row.value)));
    tables.last_index = header.last_index;
    Ok(tables)
}

fn next_byte(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        match input.fill_buf() {
            Ok(bytes) => {
                let byte = bytes.first().copied();
                input.consume(usize::from(byte.is_some()));
                return Ok(byte);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

enum Refused {
    Type(RestoreError),
    Content(String),
}

impl From<msgpack::Error> for Refused {
    fn from(error: msgpack::Error) -> Self {
        Refused::Content(error.0)
    }
}

struct Reader {
    writer: Writer,
    last_index: Index,
    indexes: Vec<IndexEntry>,
}

fn decode<T: DeserializeOwned>(record: &[u8]) -> Result<T, Refused> {
    Ok(msgpack::from_slice(record)?)
}

impl Reader {
    /// Rows are stored as they are; `at` is the index that the tables' indexes reach through this row.
    fn at(&mut self, index: Index) -> &mut Writer {
        self.writer.index = index;
        &mut self.writer
    }

    fn record(&mut self, kind: u8, record: &[u8]) -> Result<(), Refused> {
        match kind {
            kind::REGISTER => return self.registration(record),
            kind::COORDINATES => {
                let rows: Vec<NodeCoordinate> = decode(record)?;
                let writer = self.at(self.last_index);
                rows.into_iter().for_each(|row| writer.put_coordinate(row));
            }
            kind::SESSION => {
                let row: Session = decode(record)?;
                self.at(row.modify_index).put_session(row);
            }
            kind::KVS => {
                let row: DirEntry = decode(record)?;
                self.at(row.modify_index).put_entry(row);
            }
            kind::TOMBSTONE => {
                let row: DirEntry = decode(record)?;
                self.at(row.modify_index).put_tombstone(row.key.as_bytes());
            }
            kind::PREPARED_QUERY => {
                let row: PreparedQuery = decode(record)?;
                self.at(row.modify_index).put_query(row);
            }
            kind::AUTOPILOT => {
                let row: AutopilotConfig = decode(record)?;
                self.writer.tables.autopilot = Some(Arc::new(row));
            }
            kind::SYSTEM_METADATA => {
                let row: SystemMetadataEntry = decode(record)?;
                self.at(row.modify_index).put_system_metadata(row);
            }
            kind::ACL_TOKEN => self.token(decode(record)?),
            kind::ACL_POLICY => {
                let row: AclPolicy = decode(record)?;
                self.at(row.modify_index).put_policy(row);
            }
            kind::ACL_ROLE => {
                let row: AclRole = decode(record)?;
                self.at(row.modify_index).put_role(row);
            }
            kind::ACL_BINDING_RULE => {
                let row: BindingRule = decode(record)?;
                self.at(row.modify_index).put_rule(row);
            }
            kind::ACL_AUTH_METHOD => {
                let row: AuthMethod = decode(record)?;
                self.at(row.modify_index).put_method(row);
            }
            kind::CA => {
                let row: CaRoot = decode(record)?;
                self.at(row.modify_index).put_ca_root(row);
            }
            kind::CA_PROVIDER_STATE => {
                let row: CaProviderState = decode(record)?;
                self.at(row.modify_index).put_ca_state(row);
            }
            kind::CA_CONFIG => {
                let row: CaConfiguration = decode(record)?;
                self.writer.put_ca_config(row);
            }
            kind::INDEX => self.indexes.push(decode(record)?),
            kind if ORDER.contains(&kind) || kind == kind::CHUNKING => self.keep(kind, record),
            kind @ ENTERPRISE.. => return Err(Refused::Type(RestoreError::Enterprise(kind))),
            kind => return Err(Refused::Type(RestoreError::UnknownType(kind))),
        }
        Ok(())
    }

    /// Very old versions leave tokens without an accessor, with rules of a language that is gone: they grant nothing.
    fn token(&mut self, mut row: AclToken) {
        if row.accessor_id.is_empty() || row.secret_id.is_empty() {
            return;
        }
        if row.hash.is_empty() {
            row.set_hash();
        }
        self.at(row.modify_index).put_token(row);
    }

    fn keep(&mut self, kind: u8, record: &[u8]) {
        let records = Arc::make_mut(&mut self.writer.tables.opaque).entry(kind).or_default();
        records.push(Bytes::copy_from_slice(record));
    }

    fn registration(&mut self, record: &[u8]) -> Result<(), Refused> {
        let request: RegisterRequest = decode(record)?;
        if !request.peer_name.is_empty() {
            // Rows imported from peers never mix with local ones.
            self.keep(kind::REGISTER, record);
            return Ok(());
        }
        let has_content = request.service.is_some() || request_checks(&request).next().is_some();
        if !has_content || self.writer.tables.node(&request.node).is_none() {
            let mut node = request_node(&request);
            self.stamp(&mut node.create_index, &mut node.modify_index);
            self.at(node.modify_index).put_node(node);
        }
        if let Some(service) = &request.service {
            let mut row = NodeService::clone(service);
            self.stamp(&mut row.create_index, &mut row.modify_index);
            self.at(row.modify_index).put_service(&request.node, row);
        }
        for check in request_checks(&request) {
            let mut row = HealthCheck::clone(check);
            if super::key::lower(&row.node) != super::key::lower(&request.node) {
                return Err(Refused::Content(format!("check {:?} stands under another node", row.check_id)));
            }
            self.stamp(&mut row.create_index, &mut row.modify_index);
            self.at(row.modify_index).put_check(row);
        }
        Ok(())
    }

    /// A row without indexes of its own has those of the dump.
    fn stamp(&self, create: &mut Index, modify: &mut Index) {
        if *create == 0 {
            (*create, *modify) = (self.last_index, self.last_index);
        }
    }
}
