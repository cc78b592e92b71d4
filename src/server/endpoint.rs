//! What a method needs to be served, and what a read hands back.

use super::Server;
use crate::acl::{Access, Authorizer, Resource};
use crate::filter::{Filter, Filterable};
use crate::rpc::Method;
use crate::state::{Snapshot, WatchSet};
use crate::types::requests::{ReadReply, ReadRequest};
use crate::types::{QueryMeta, Result};
use bytes::Bytes;
use std::borrow::Borrow;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

/// Who answers a method (`spec/semantics.md` 11.2). A request for another datacenter goes there in any case but the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The leader; for a stale read any server that has heard of one.
    Leader,
    /// The leader, whatever the request says about staleness.
    LeaderAlways,
    /// Any server of the datacenter.
    Datacenter,
    /// The server that is asked.
    Here,
}

/// A method with a handler.
pub trait Endpoint: Method {
    /// Who answers it. [`Server::call`] finds that server and calls the handler there.
    const PLACE: Place = Place::Leader;

    /// The primary datacenter answers in the place of the own one; asked of servers of the others.
    fn for_primary(server: &Server, args: &Self::Args) -> bool {
        let _ = (server, args);
        false
    }

    /// Fits a request that goes to the primary datacenter in the place of the own one.
    fn fit_primary(args: &mut Self::Args) {
        let _ = args;
    }

    /// Serves one request on the server whose turn it is.
    fn serve(server: &Server, args: Self::Args) -> impl Future<Output = Result<Self::Reply>> + Send;
}

/// A method that reads one snapshot of the state, may block, and whose answer can be shared.
pub trait ReadEndpoint: Method<Args: ReadRequest + Hash + Eq, Reply: ReadReply + Clone> {
    /// A larger body is not kept for later readers.
    const KEPT_BYTES: usize = 2 << 20;

    /// HTTP honours `?cached` (`spec/semantics.md` 24.1).
    const CACHED: bool = false;

    /// Evaluates the query once. It must depend on nothing but its arguments and what it reads through `cx`.
    ///
    /// # Errors
    /// The endpoint's refusal.
    fn read(cx: &mut ReadContext<'_>, args: &Self::Args) -> Result<Self::Reply>;

    /// Whether equal requests may share one answer: false for what costs less to read than to look up, and for what depends
    /// on more than the watched rows.
    fn shareable(args: &Self::Args) -> bool {
        let _ = args;
        true
    }

    /// A reply has nothing to show where HTTP answers 404; for replies that came from another server. Says of a reply what
    /// `read` says through [`ReadContext::found`].
    fn nothing(args: &Self::Args, reply: &Self::Reply) -> bool {
        let _ = (args, reply);
        false
    }

    /// The primary datacenter answers in the place of the own one; asked of servers of the others.
    fn reads_primary(server: &Server, args: &Self::Args) -> bool {
        let _ = (server, args);
        false
    }

    /// Fits a request that goes to the primary datacenter in the place of the own one.
    fn reads_fit_primary(args: &mut Self::Args) {
        let _ = args;
    }

    /// Counts a served request in the metrics; `empty` says that it found nothing.
    fn count(args: &Self::Args, empty: bool) {
        let _ = (args, empty);
    }
}

/// What a query found, apart from its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Found {
    /// Something, or an empty list that is an answer in its own right.
    #[default]
    Rows,
    /// No rows, where HTTP answers 404; a waiting query ends when the index moves.
    Nothing,
    /// The one asked for is absent; a waiting query goes on while it stays absent (`spec/semantics.md` 4 d).
    Absent,
}

/// What one evaluation sees.
pub struct ReadContext<'a> {
    /// The server that evaluates.
    pub(super) server: &'a Server,
    /// The state.
    pub(super) state: &'a Snapshot,
    /// What the result depends on.
    pub(super) watch: &'a mut WatchSet,
    /// The caller's permissions.
    pub(super) authorizer: &'a Authorizer,
    /// What was found.
    pub(super) found: Found,
    /// The result has no rows; for metrics.
    pub(super) empty: bool,
    /// Rows were dropped for lack of permission.
    pub(super) filtered: bool,
}

impl ReadContext<'_> {
    /// Drops the rows that the caller may not see and notes that there were some.
    pub(super) fn permit<T>(&mut self, rows: &mut Vec<T>, may_see: impl Fn(&Authorizer, &T) -> bool) {
        if self.authorizer.allows_everything() {
            return;
        }
        let before = rows.len();
        rows.retain(|row| may_see(self.authorizer, row));
        self.filtered |= rows.len() != before;
    }

    /// Keeps the rows that match a filter expression; the empty text keeps all.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub(super) fn filter<T: Filterable, R: Borrow<T>>(&self, text: &str, rows: &mut Vec<R>) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let filter = Filter::<T>::parse(text)?;
        rows.retain(|row| filter.matches(row.borrow()));
        Ok(())
    }

    /// Whether the caller may do this.
    pub(super) fn allows(&self, resource: Resource, access: Access, name: &str) -> bool {
        self.authorizer.allows(resource, access, name)
    }
}

/// A way to turn a reply into bytes; `name` distinguishes encodings of one method in the cache of shared reads.
pub struct Encoding<R> {
    /// Unique among the encodings of a method (`json`, `json-pretty`, ...).
    pub name: &'static str,
    /// The encoder.
    pub encode: fn(&R) -> Result<Bytes>,
}

/// An answer: the reply or its encoding, with what HTTP needs to know beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<V> {
    /// About the answer.
    pub meta: QueryMeta,
    /// The reply; also filled when `not_found`.
    pub body: V,
    /// The endpoint has nothing to show where its HTTP form answers 404: absent key, empty prefix, unknown session.
    pub not_found: bool,
}

impl<V> Answer<V> {
    /// The same answer with another body.
    pub fn map<W>(self, body: impl FnOnce(V) -> W) -> Answer<W> {
        Answer { meta: self.meta, body: body(self.body), not_found: self.not_found }
    }
}

/// An encoded answer.
pub type Encoded = Answer<Bytes>;

/// A typed answer that equal requests share.
pub type Shared<R> = Answer<Arc<R>>;
