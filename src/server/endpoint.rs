//! What a method needs to be served, and what a read hands back.

use super::Server;
use crate::rpc::Method;
use crate::types::requests::{ReadReply, ReadRequest};
use crate::types::{QueryMeta, Result};
use bytes::Bytes;
use std::future::Future;

/// A method with a handler.
pub trait Endpoint: Method {
    /// Serves one request.
    fn serve(server: &Server, args: Self::Args) -> impl Future<Output = Result<Self::Reply>> + Send;
}

/// A method that reads one snapshot of the state, may block, and whose answer can be shared.
pub trait ReadEndpoint: Method<Args: ReadRequest, Reply: ReadReply> {
    /// Evaluates the query once.
    ///
    /// # Errors
    /// The endpoint's refusal.
    fn read(cx: &mut ReadContext<'_>, args: &Self::Args) -> Result<Self::Reply>;
}

/// What one evaluation sees.
pub struct ReadContext<'a> {
    pub(super) _server: &'a Server,
}

/// A way to turn a reply into bytes; `name` distinguishes encodings of one method in the cache of shared reads.
pub struct Encoding<R> {
    /// Unique among the encodings of a method (`json`, `json-pretty`, ...).
    pub name: &'static str,
    /// The encoder.
    pub encode: fn(&R) -> Result<Bytes>,
}

/// An encoded answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// About the answer.
    pub meta: QueryMeta,
    /// The encoded reply; also filled when `not_found`.
    pub body: Bytes,
    /// The endpoint has nothing to show where its HTTP form answers 404: absent key, empty prefix, unknown node.
    pub not_found: bool,
}

/// A snapshot archive.
pub struct Archive {
    /// About the answer; the index is that of the snapshot.
    pub meta: QueryMeta,
    /// The archive, positioned at its start.
    pub reader: Box<dyn std::io::Read + Send>,
}

impl<M: ReadEndpoint> Endpoint for M {
    async fn serve(server: &Server, args: Self::Args) -> Result<Self::Reply> {
        let _ = (server, args);
        todo!("read engine")
    }
}

mod pending {
    use super::*;
    use crate::rpc::method::*;
    macro_rules! pending {
        (read $($m:ident)*; write $($w:ident)*;) => {
            $(impl ReadEndpoint for $m {
                fn read(_: &mut ReadContext<'_>, _: &Self::Args) -> Result<Self::Reply> { todo!() }
            })*
            $(impl Endpoint for $w {
                async fn serve(_: &Server, _: Self::Args) -> Result<Self::Reply> { todo!() }
            })*
        };
    }
    pending! {
        read CatalogListNodes CatalogListServices CatalogServiceNodes CatalogNodeServices CatalogNodeServiceList
            HealthChecksInState HealthNodeChecks HealthServiceChecks HealthServiceNodes
            KvsGet KvsList KvsListKeys SessionGet SessionList SessionNodeSessions
            CoordinateListNodes CoordinateNode InternalNodeInfo InternalNodeDump InternalServiceDump;
        write StatusLeader StatusPeers CatalogRegister CatalogDeregister CatalogListDatacenters KvsApply SessionApply
            SessionRenew TxnApply TxnRead CoordinateUpdate CoordinateListDatacenters OperatorRaftGetConfiguration
            OperatorRaftRemovePeer OperatorAutopilotGetConfiguration OperatorAutopilotSetConfiguration OperatorServerHealth
            OperatorUsage;
    }
}
