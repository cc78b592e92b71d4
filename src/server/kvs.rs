//! `KVS.*`: keys and locks (`spec/semantics.md` 6).

use super::catalog::at;
use super::{Endpoint, Found, ReadContext, ReadEndpoint, Server};
use crate::acl::{Access, Authorizer, Resource};
use crate::rpc::method::*;
use crate::state::{Command, Outcome};
use crate::telemetry::metrics::Sample;
use crate::types::requests::*;
use crate::types::{DirEntry, Error, KvOp, KvRequest, Result};
use std::time::Instant;

static APPLY: Sample = Sample::new("kvs.apply");

/// What comes in front of errors that applying gives (`spec/http-api.md` 1.3).
pub(super) const RAFT_APPLY: &str = "raft apply failed: ";

/// What is decided about a key operation before it may enter the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Precheck {
    /// Go on.
    Pass,
    /// The key refuses acquisition for a while (`spec/semantics.md` 6.4).
    LockDelay,
}

/// Checks key, permission and, for locks, the lock delay.
///
/// # Errors
/// `Must provide key`, `Permission denied...`.
pub(super) fn precheck(server: &Server, authorizer: &Authorizer, op: KvOp, entry: &DirEntry) -> Result<Precheck> {
    if entry.key.is_empty() && op != KvOp::DeleteTree {
        return Err(Error::new("Must provide key"));
    }
    match op {
        KvOp::DeleteTree => authorizer.check_prefix_write(Resource::Key, &entry.key)?,
        KvOp::GetTree if server.acl().key_list => authorizer.check(Resource::Key, Access::List, &entry.key)?,
        KvOp::Get | KvOp::GetTree | KvOp::GetOrEmpty => {}
        KvOp::CheckIndex | KvOp::CheckSession => authorizer.check(Resource::Key, Access::Read, &entry.key)?,
        _ => authorizer.check(Resource::Key, Access::Write, &entry.key)?,
    }
    if op == KvOp::Lock
        && let Some(left) = server.store().lock_delay(&entry.key)
    {
        tracing::warn!(
            target: "agent.server.kvs",
            "Rejecting lock of key due to lock-delay: key={} expire_in={left:?}",
            entry.key
        );
        return Ok(Precheck::LockDelay);
    }
    Ok(Precheck::Pass)
}

impl Endpoint for KvsApply {
    async fn serve(server: &Server, mut args: KvRequest) -> Result<bool> {
        let start = Instant::now();
        let authorizer = server.resolve(&args.token).await?;
        if precheck(server, &authorizer, args.op, &args.dir_ent)? == Precheck::LockDelay {
            return Ok(false);
        }
        args.token.clear();
        let outcome = server.apply(Command::Kvs(args), RAFT_APPLY).await;
        APPLY.since(start);
        Ok(matches!(outcome?, Outcome::Bool(true)))
    }
}

impl ReadEndpoint for KvsGet {
    fn read(cx: &mut ReadContext<'_>, args: &KeyRequest) -> Result<IndexedDirEntries> {
        cx.authorizer.check(Resource::Key, Access::Read, &args.key)?;
        let (index, entry) = cx.state.kv_get(cx.watch, &args.key);
        if entry.is_none() {
            cx.found = Found::Absent;
        }
        Ok(IndexedDirEntries { entries: entry.map(|entry| vec![entry]), meta: at(index) })
    }

    fn shareable(args: &KeyRequest) -> bool {
        args.query.min_query_index > 0
    }

    fn nothing(_args: &KeyRequest, reply: &IndexedDirEntries) -> bool {
        reply.entries.iter().flatten().next().is_none()
    }
}

/// Listing keys may need a permission of its own.
fn check_list(cx: &ReadContext<'_>, prefix: &str) -> Result<()> {
    match cx.server.acl().key_list {
        true => cx.authorizer.check(Resource::Key, Access::List, prefix),
        false => Ok(()),
    }
}

impl ReadEndpoint for KvsList {
    /// Recursions are asked for once, and what they return is the client's data, not ours to keep twice.
    const KEPT_BYTES: usize = 64 << 10;

    fn read(cx: &mut ReadContext<'_>, args: &KeyRequest) -> Result<IndexedDirEntries> {
        check_list(cx, &args.key)?;
        let (index, mut entries) = cx.state.kv_list(cx.watch, &args.key);
        cx.permit(&mut entries, |who, entry| who.allows(Resource::Key, Access::Read, &entry.key));
        if entries.is_empty() {
            cx.found = Found::Nothing;
        }
        let entries = Some(entries).filter(|entries| !entries.is_empty());
        Ok(IndexedDirEntries { entries, meta: at(index) })
    }

    fn nothing(_args: &KeyRequest, reply: &IndexedDirEntries) -> bool {
        reply.entries.iter().flatten().next().is_none()
    }
}

impl ReadEndpoint for KvsListKeys {
    fn read(cx: &mut ReadContext<'_>, args: &KeyListRequest) -> Result<IndexedKeyList> {
        check_list(cx, &args.prefix)?;
        // Permission is asked for the keys themselves: a name that was cut is none.
        let (who, mut hidden) = (cx.authorizer, false);
        let (index, keys) = cx.state.kv_keys(cx.watch, &args.prefix, &args.seperator, |key| {
            let visible = who.allows(Resource::Key, Access::Read, key);
            hidden |= !visible;
            visible
        });
        cx.filtered |= hidden;
        if keys.is_empty() && !args.prefix.is_empty() {
            cx.found = Found::Nothing;
        }
        Ok(IndexedKeyList { keys, meta: at(index) })
    }

    fn nothing(args: &KeyListRequest, reply: &IndexedKeyList) -> bool {
        reply.keys.is_empty() && !args.prefix.is_empty()
    }
}
