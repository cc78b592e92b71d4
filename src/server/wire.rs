//! Serves the methods on the server port: one table says which, and how each is decoded, called and encoded
//! (`spec/rpc.md` 10).

use super::Server;
use super::audit::{self, Audited};
use super::endpoint::{Encoding, Endpoint, ReadEndpoint};
use super::forward::{Attempts, Failure, Target};
use super::reads::{Question, question};
use crate::raft::Raft;
use crate::rpc::method::*;
use crate::rpc::{Archive, Called, HealthView, Method, Service, SnapshotOp, SnapshotReply, SnapshotRequest};
use crate::telemetry::metrics::{Counter, measure_since_labels};
use crate::types::requests::{Request, ServiceRequest};
use crate::types::{Error, Index, KvOp, KvRequest, QueryMeta, QueryOptions, Result, msgpack};
use bytes::{BufMut, Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::any::TypeId;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

static REQUESTS: Counter = Counter::new("rpc.request");
static FAILED: Counter = Counter::new("rpc.request_error");

/// Serves one call of a method.
type Serve = for<'a> fn(&'a Server, Bytes) -> BoxFuture<'a, Called>;

/// A served method.
struct Row {
    name: &'static str,
    serve: Serve,
    /// It changes nothing.
    read: bool,
}

/// A method that reads the state and can block: equal calls share one evaluation and one encoding.
const fn read<M: ReadEndpoint>() -> Row {
    Row { name: M::NAME, serve: |server, body| server.serve_read(question::<M>(&body), body).boxed(), read: true }
}

/// Any other method.
const fn call<M: Endpoint>() -> Row {
    Row { name: M::NAME, serve: |server, body| server.serve_call::<M>(body, encode_reply::<M>).boxed(), read: false }
}

/// Any other method that changes nothing.
const fn look<M: Endpoint>() -> Row {
    Row { read: true, ..call::<M>() }
}

/// The served methods.
const SERVED: &[Row] = &[
    look::<StatusPing>(),
    look::<StatusRaftStats>(),
    look::<StatusLeader>(),
    look::<StatusPeers>(),
    call::<CatalogRegister>(),
    call::<CatalogDeregister>(),
    look::<CatalogListDatacenters>(),
    read::<CatalogListNodes>(),
    read::<CatalogListServices>(),
    read::<CatalogServiceNodes>(),
    read::<CatalogNodeServices>(),
    read::<CatalogNodeServiceList>(),
    read::<HealthChecksInState>(),
    read::<HealthNodeChecks>(),
    read::<HealthServiceChecks>(),
    read::<HealthServiceNodes>(),
    Row {
        name: KvsApply::NAME,
        serve: |server, body| server.serve_call::<KvsApply>(body, kvs_reply).boxed(),
        read: false,
    },
    read::<KvsGet>(),
    read::<KvsList>(),
    read::<KvsListKeys>(),
    call::<SessionApply>(),
    read::<SessionGet>(),
    read::<SessionList>(),
    read::<SessionNodeSessions>(),
    call::<SessionRenew>(),
    call::<TxnApply>(),
    look::<TxnRead>(),
    call::<CoordinateUpdate>(),
    look::<CoordinateListDatacenters>(),
    read::<CoordinateListNodes>(),
    read::<CoordinateNode>(),
    call::<PreparedQueryApply>(),
    read::<PreparedQueryGet>(),
    read::<PreparedQueryList>(),
    look::<PreparedQueryExplain>(),
    look::<PreparedQueryExecute>(),
    look::<PreparedQueryExecuteRemote>(),
    read::<InternalNodeInfo>(),
    read::<InternalNodeDump>(),
    read::<InternalServiceDump>(),
    call::<InternalEventFire>(),
    call::<InternalKeyringOperation>(),
    look::<OperatorRaftGetConfiguration>(),
    call::<OperatorRaftRemovePeer>(),
    call::<OperatorRaftRemovePeerByAddress>(),
    call::<OperatorRaftTransferLeader>(),
    look::<OperatorAutopilotState>(),
    look::<OperatorAutopilotGetConfiguration>(),
    call::<OperatorAutopilotSetConfiguration>(),
    look::<OperatorServerHealth>(),
    look::<OperatorUsage>(),
    call::<AclBootstrapTokens>(),
    read::<AclTokenRead>(),
    call::<AclTokenClone>(),
    call::<AclTokenSet>(),
    call::<AclTokenDelete>(),
    read::<AclTokenList>(),
    read::<AclTokenBatchRead>(),
    read::<AclPolicyRead>(),
    read::<AclPolicyBatchRead>(),
    call::<AclPolicySet>(),
    call::<AclPolicyDelete>(),
    read::<AclPolicyList>(),
    look::<AclPolicyResolve>(),
    look::<AclReplicationStatusRead>(),
    read::<AclRoleRead>(),
    read::<AclRoleBatchRead>(),
    call::<AclRoleSet>(),
    call::<AclRoleDelete>(),
    read::<AclRoleList>(),
    look::<AclRoleResolve>(),
    read::<AclBindingRuleRead>(),
    call::<AclBindingRuleSet>(),
    call::<AclBindingRuleDelete>(),
    read::<AclBindingRuleList>(),
    read::<AclAuthMethodRead>(),
    call::<AclAuthMethodSet>(),
    call::<AclAuthMethodDelete>(),
    read::<AclAuthMethodList>(),
    look::<AclAuthorize>(),
    call::<AclLogin>(),
    call::<AclLogout>(),
    read::<ConnectCaRoots>(),
    call::<ConnectCaSign>(),
    call::<ConnectCaSignIntermediate>(),
    look::<ConnectCaConfigurationGet>(),
    call::<ConnectCaConfigurationSet>(),
    call::<AutoEncryptSign>(),
    call::<AutoConfigInitialConfiguration>(),
];

/// The question in the request of a read method.
fn question<M: ReadEndpoint>(body: &[u8]) -> Result<Box<dyn Question>, Called> {
    let args: M::Args = msgpack::from_slice(body).map_err(|error| Called::Undecodable(error.to_string()))?;
    Ok(question::encoded::<M>(args, &Encoding { name: "msgpack", encode: encode_rows::<M::Reply> }))
}

static TABLE: LazyLock<HashMap<&'static str, &'static Row>> =
    LazyLock::new(|| SERVED.iter().map(|row| (row.name, row)).collect());

/// A method changes nothing; unknown ones count as writes.
pub(super) fn is_read(method: &str) -> bool {
    TABLE.get(method).is_some_and(|row| row.read)
}

/// Encodes a request or a reply.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Bytes> {
    msgpack::to_vec(value).map(Bytes::from).map_err(|error| Error::new(error.to_string()))
}

fn encode_reply<M: Method>(_args: &M::Args, reply: &M::Reply) -> Result<Bytes> {
    if TypeId::of::<M::Reply>() == TypeId::of::<()>() {
        return Ok(Bytes::from_static(&[0x80]));
    }
    encode(reply)
}

/// Decodes the reply of another server.
pub(super) fn decode_reply<M: Method>(reply: &[u8]) -> Result<M::Reply> {
    msgpack::from_slice(reply).map_err(|error| Error::new(format!("rpc error making call: {error}")))
}

/// Only operations that may fail to apply are told whether they did.
fn kvs_reply(args: &KvRequest, applied: &bool) -> Result<Bytes> {
    let conditional = matches!(args.op, KvOp::Cas | KvOp::DeleteCas | KvOp::Lock | KvOp::Unlock);
    encode(&(*applied && conditional))
}

/// Number of fields that a reply has for its metadata.
const META_FIELDS: u32 = 7;

fn is_meta_field(name: &[u8]) -> bool {
    matches!(
        name,
        b"Backend"
            | b"ConsistencyLevel"
            | b"Index"
            | b"KnownLeader"
            | b"LastContact"
            | b"NotModified"
            | b"ResultsFilteredByACLs"
    )
}

/// Number of entries of an encoded map, and where they begin.
pub(super) fn map_header(bytes: &[u8]) -> Option<(u32, usize)> {
    Some(match *bytes.first()? {
        marker @ 0x80..=0x8f => (u32::from(marker & 0x0f), 1),
        0xde => (u32::from(u16::from_be_bytes(bytes.get(1..3)?.try_into().ok()?)), 3),
        0xdf => (u32::from_be_bytes(bytes.get(1..5)?.try_into().ok()?), 5),
        _ => return None,
    })
}

/// The encoded fields of a reply without its metadata, behind their number. What differs from one caller to the next is
/// left out, so that all of them can share the rest.
fn encode_rows<R: Serialize>(reply: &R) -> Result<Bytes> {
    let bytes = msgpack::to_vec(reply).map_err(|error| Error::new(error.to_string()))?;
    let broken = |_| Error::new("a reply is not encoded as a map");
    let (fields, mut at) = map_header(&bytes).ok_or(()).map_err(broken)?;
    let mut rows = BytesMut::with_capacity(bytes.len());
    rows.put_u32(0);
    let mut kept = 0;
    for _ in 0..fields {
        let name = msgpack::value_len(&bytes[at..]).map_err(|_| ()).map_err(broken)?;
        let value = msgpack::value_len(&bytes[at + name..]).map_err(|_| ()).map_err(broken)?;
        // field names are shorter than 32 bytes: one byte of length
        if !is_meta_field(&bytes[at + 1..at + name]) {
            rows.put_slice(&bytes[at..at + name + value]);
            kept += 1u32;
        }
        at += name + value;
    }
    rows[..4].copy_from_slice(&kept.to_be_bytes());
    Ok(rows.freeze())
}

/// A whole reply from its metadata and what [`encode_rows`] gave.
fn join_rows(meta: &QueryMeta, rows: &[u8]) -> Result<Bytes> {
    let (kept, rows) = rows.split_at(4);
    let fields = u32::from_be_bytes(kept.try_into().expect("four bytes")) + META_FIELDS;
    let mut reply = Vec::with_capacity(rows.len() + 128);
    match u8::try_from(fields) {
        Ok(few @ 0..16) => reply.push(0x80 | few),
        _ => {
            reply.push(0xdf);
            reply.extend_from_slice(&fields.to_be_bytes());
        }
    }
    let start = reply.len();
    msgpack::to_end_of(&mut reply, meta).map_err(|error| Error::new(error.to_string()))?;
    debug_assert_eq!(reply[start], 0x80 | META_FIELDS as u8, "metadata has seven fields");
    reply.remove(start);
    reply.extend_from_slice(rows);
    Ok(Bytes::from(reply))
}

/// The index of an encoded answer.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Indexed {
    index: Index,
}

/// A reply of another server that equal calls share, with its index.
type Relayed = Result<(Bytes, Index), Failure>;

impl Server {
    /// Serves a read from this server's cache of results, or has another server answer it.
    async fn serve_read(&self, question: Result<Box<dyn Question>, Called>, mut body: Bytes) -> Called {
        let mut question = match question {
            Ok(question) => question,
            Err(refused) => return refused,
        };
        if question.address(self) {
            body = match question.encode() {
                Ok(body) => body,
                Err(error) => return Called::Failed(error.text),
            };
        }
        called(self.answer_read(question, body).await)
    }

    async fn answer_read(&self, question: Box<dyn Question>, body: Bytes) -> Result<Bytes> {
        let about = question.about();
        let mut attempts = Attempts::new(self, Some(question.options()));
        let mut failure = None;
        loop {
            let options = Some(question.options());
            let route = self.route(about.place, question.datacenter(), options, &mut attempts, failure.take());
            match route.await? {
                Target::Here => {
                    let answer = self.answer_here(question).await?;
                    return join_rows(&answer.meta, &answer.body.into_bytes());
                }
                target => {
                    let relayed = self.relay_read(target, about.name, body.clone(), question.options(), &attempts);
                    match relayed.await {
                        Ok(reply) => return Ok(reply),
                        Err(refused) => failure = Some(refused),
                    }
                }
            }
        }
    }

    /// Has another server answer a read. Equal reads that wait share one call.
    async fn relay_read(
        &self,
        target: Target,
        method: &'static str,
        body: Bytes,
        options: &QueryOptions,
        attempts: &Attempts,
    ) -> Result<Bytes, Failure> {
        let Some(deadline) = self.shared_until(options) else {
            return self.relay(&target, method, body, attempts).await;
        };
        let timeout = attempts.timeout;
        let ask = |(target, method, body): &(Target, &'static str, Bytes)| -> BoxFuture<'static, Relayed> {
            let (server, target, method, body) = (self.clone(), target.clone(), *method, body.clone());
            Box::pin(async move {
                let reply = server.relay_within(&target, method, body, true, timeout).await?;
                let indexed: Indexed = msgpack::from_slice(&reply).unwrap_or_default();
                Ok((reply, indexed.index))
            })
        };
        let key = (target, method, body);
        let flights = &self.inner.flights;
        let answer = flights.wait(key, options.min_query_index, deadline, ask, |(_, index): &(Bytes, Index)| *index);
        answer.await.map(|(reply, _)| reply)
    }

    /// Serves a call, or has another server answer it.
    async fn serve_call<M: Endpoint>(
        &self,
        mut body: Bytes,
        encode: fn(&M::Args, &M::Reply) -> Result<Bytes>,
    ) -> Called {
        let mut args: M::Args = match msgpack::from_slice(&body) {
            Ok(args) => args,
            Err(error) => return Called::Undecodable(error.to_string()),
        };
        if self.address::<M>(&mut args) {
            body = match self::encode(&args) {
                Ok(body) => body,
                Err(error) => return Called::Failed(error.text),
            };
        }
        let mut attempts = Attempts::new(self, args.query());
        let mut failure = None;
        loop {
            let route = self.route(M::PLACE, args.datacenter(), args.query(), &mut attempts, failure.take());
            failure = Some(match route.await {
                Ok(Target::Here) => match M::serve(self, args.clone()).await {
                    Ok(reply) => return called(encode(&args, &reply)),
                    Err(error) => Failure::Own(error),
                },
                Ok(target) => match self.relay(&target, M::NAME, body.clone(), &attempts).await {
                    Ok(reply) => return Called::Reply(reply),
                    Err(failure) => failure,
                },
                Err(error) => return Called::Failed(error.text),
            });
        }
    }
}

fn called(result: Result<Bytes>) -> Called {
    match result {
        Ok(reply) => Called::Reply(reply),
        Err(error) => Called::Failed(error.text),
    }
}

impl Service for Server {
    fn call<'a>(&'a self, method: &'a str, body: Bytes, from: SocketAddr) -> BoxFuture<'a, Called> {
        let Some(row) = TABLE.get(method) else { return Box::pin(std::future::ready(Called::Unknown)) };
        Box::pin(async move {
            REQUESTS.add(1);
            let start = Instant::now();
            let audited = Audited::begin(self, row.name, !row.read, || audit::secret(&body), from).await;
            let called = match self.limit(row.name, Some(from)) {
                Ok(()) => (row.serve)(self, body).await,
                Err(error) => Called::Failed(error.text),
            };
            if let Some(audited) = audited {
                audited.end_called(&called).await;
            }
            let failed = !matches!(called, Called::Reply(_));
            if failed {
                FAILED.add(1);
            }
            let labels = [
                ("method", row.name),
                ("errored", if failed { "true" } else { "false" }),
                ("request_type", if row.read { "read" } else { "write" }),
                ("rpc_type", "net/rpc"),
                ("leader", if self.raft().is_leader() { "true" } else { "false" }),
            ];
            measure_since_labels("rpc.server.call", start, &labels);
            called
        })
    }

    fn snapshot<'a>(
        &'a self,
        request: SnapshotRequest,
        archive: Archive,
        from: SocketAddr,
    ) -> BoxFuture<'a, Result<SnapshotReply>> {
        Box::pin(async move {
            let write = request.op == SnapshotOp::Restore;
            let method = if write { "Snapshot.Restore" } else { "Snapshot.Save" };
            let audited = Audited::begin(self, method, write, || request.token.clone(), from).await;
            let reply = Server::snapshot(self, request, archive).await;
            if let Some(audited) = audited {
                audited.end(reply.as_ref().err().map_or("", |error| &error.text)).await;
            }
            reply
        })
    }

    fn raft(&self) -> Option<Raft> {
        Some(self.inner.raft.clone())
    }

    fn met(&self, id: &str, address: SocketAddr) {
        self.inner.directory.met(id, address);
    }

    fn admit_subscription(&self, from: SocketAddr) -> Result<()> {
        self.limit(HealthServiceNodes::NAME, Some(from))
    }

    fn health<'a>(&'a self, request: ServiceRequest) -> BoxFuture<'a, Result<HealthView>> {
        Box::pin(async move {
            let elsewhere = !request.datacenter.is_empty() && request.datacenter != self.config().datacenter;
            if !elsewhere {
                self.admit(&request.query).await?;
            }
            let question = question::typed::<HealthServiceNodes>(request);
            let answer =
                if elsewhere { self.answer_anywhere(question).await? } else { self.answer_here(question).await? };
            Ok(HealthView { index: answer.meta.index, instances: answer.body.into_reply() })
        })
    }
}
