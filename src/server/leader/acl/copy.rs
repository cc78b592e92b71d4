//! Copies of policies, roles and global tokens of the primary datacenter (`spec/acl-and-tls.md` 11.1,
//! `spec/semantics.md` 23.4).
//!
//! A round asks the primary for its list, and waits there until something has changed. What has another hash than the copy
//! is fetched and stored, what is gone there is removed here.

use super::super::super::Server;
use super::pace::Pace;
use crate::rpc::method::*;
use crate::state::{Command, TokenFilter, WatchSet};
use crate::telemetry::metrics::gauge;
use crate::types::acl::*;
use crate::types::{Blob, Error, Index, QueryOptions, Result, msgpack};
use rand::Rng;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Rounds a second, and how many may follow each other at once.
const ROUND: (Duration, u32) = (Duration::from_secs(1), 5);
/// Objects a second that are stored or removed, and how many at once.
const APPLY: (Duration, u32) = (Duration::from_millis(10), 100);
/// Bytes of the objects in one entry of the log.
const BATCH_BYTES: usize = 256 << 10;
/// Removals in one entry of the log.
const BATCH_DELETES: usize = 4096;
/// The wait after `n` failures in a row is 2^n seconds, up to this n.
const BACKOFF_MOST: u32 = 6;
/// Pause between looks for a replication token while there is none.
const NO_TOKEN: Duration = Duration::from_secs(1);

/// What tells whether a copy is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    hash: Blob,
    modify_index: Index,
}

/// Objects by id.
type Versions = BTreeMap<String, Version>;

/// A kind of object.
pub(super) trait Kind {
    /// The object.
    type Row: Serialize + Send + Sync;

    /// Its name, in logs.
    const NAME: &'static str;
    /// Its name, in metrics.
    const METRIC: &'static str;

    /// Index of the primary's table and what is in it.
    async fn theirs(server: &Server, options: QueryOptions) -> Result<(Index, Versions, Vec<Arc<Self::Row>>)>;

    /// What is here.
    fn ours(server: &Server) -> Versions;

    /// Some of the primary's objects; those that came with the list need not be fetched.
    async fn fetch(server: &Server, options: QueryOptions, ids: Vec<String>) -> Result<Vec<Arc<Self::Row>>>;

    /// Id of an object.
    fn id(row: &Self::Row) -> &str;

    /// The entry of the log that stores some.
    fn store(rows: Vec<Self::Row>) -> Command;

    /// The entry of the log that removes some.
    fn remove(ids: Vec<String>) -> Command;

    /// Notes how far the copies are.
    fn note(status: &mut AclReplicationStatus, index: Index);
}

/// Why a round could not end.
#[derive(Debug)]
enum Trouble {
    /// There is no replication token.
    NoToken,
    /// Something failed.
    Failed(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Failed(error)
    }
}

/// Copies one kind of object for as long as this server leads.
pub(super) async fn run<K: Kind>(server: &Server) {
    let mut rounds = Pace::new(ROUND.0, ROUND.1);
    let mut apply = Pace::new(APPLY.0, APPLY.1);
    let (mut last, mut failures) = (0, 0);
    loop {
        rounds.wait(1).await;
        match round::<K>(server, last, &mut apply).await {
            Ok(index) => {
                (last, failures) = (index, 0);
                gauge(&format!("leader.replication.{}.status", K::METRIC), 1.0);
                gauge(&format!("leader.replication.{}.index", K::METRIC), index as f64);
                server.inner.acl_replication.succeeded(|status| K::note(status, index));
            }
            Err(Trouble::NoToken) => {
                last = 0;
                sleep(NO_TOKEN).await;
            }
            Err(Trouble::Failed(error)) => {
                last = 0;
                failures = BACKOFF_MOST.min(failures + 1);
                tracing::warn!(target: "agent.server.replication.acl", "ACL replication error (will retry if still leader): type={} error={:?}", K::NAME, error.text);
                server.inner.acl_replication.failed(&error.text);
                gauge(&format!("leader.replication.{}.status", K::METRIC), 0.0);
                let wait = Duration::from_secs(1 << failures);
                let jitter = rand::rng().random_range(Duration::ZERO..wait / 2);
                sleep(wait / 2 + jitter).await;
            }
        }
    }
}

/// Options of questions to the primary.
fn options(server: &Server, last: Index) -> Result<QueryOptions, Trouble> {
    let token = server.config().acl.tokens.replication();
    if token.is_empty() {
        return Err(Trouble::NoToken);
    }
    Ok(QueryOptions { token, allow_stale: true, min_query_index: last, ..QueryOptions::default() })
}

/// One comparison with the primary; the index that the copies are good for.
async fn round<K: Kind>(server: &Server, last: Index, apply: &mut Pace) -> Result<Index, Trouble> {
    let (index, theirs, mut rows) = K::theirs(server, options(server, last)?).await?;
    // an index that went back is that of another state
    let last = if index < last { 0 } else { last };
    let (gone, wanted) = difference(&K::ours(server), &theirs, last);
    for ids in gone.chunks(BATCH_DELETES) {
        apply.wait(1).await;
        server.apply(K::remove(ids.to_vec()), "").await?;
    }
    if wanted.is_empty() {
        return Ok(index);
    }
    if rows.is_empty() {
        rows = K::fetch(server, options(server, 0)?, wanted).await?;
    } else {
        rows.retain(|row| wanted.iter().any(|id| id == K::id(row)));
    }
    let rows: Vec<K::Row> = rows.into_iter().filter_map(Arc::into_inner).collect();
    for batch in batches(rows, BATCH_BYTES) {
        apply.wait(1).await;
        server.apply(K::store(batch), "").await?;
    }
    Ok(index)
}

/// What is to be removed, and what is to be fetched.
fn difference(ours: &Versions, theirs: &Versions, last: Index) -> (Vec<String>, Vec<String>) {
    let gone = ours.keys().filter(|id| !theirs.contains_key(*id));
    let other = |(id, version): &(&String, &Version)| match ours.get(*id) {
        None => true,
        Some(copy) => version.modify_index > last && version.hash != copy.hash,
    };
    let wanted = theirs.iter().filter(other).map(|(id, _)| id);
    (gone.cloned().collect(), wanted.cloned().collect())
}

/// Rows in groups of about so many bytes.
fn batches<T: Serialize>(rows: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let (mut batches, mut bytes) = (Vec::new(), most);
    for row in rows {
        let size = msgpack::to_vec(&row).map_or(0, |encoded| encoded.len());
        if bytes + size > most {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        batches.last_mut().expect("just made").push(row);
    }
    batches
}

fn primary(server: &Server) -> String {
    server.config().acl.primary_datacenter.clone()
}

/// Policies.
pub(super) struct Policies;

impl Kind for Policies {
    type Row = AclPolicy;
    const NAME: &'static str = "policy";
    const METRIC: &'static str = "acl-policies";

    async fn theirs(server: &Server, query: QueryOptions) -> Result<(Index, Versions, Vec<Arc<AclPolicy>>)> {
        let args = AclPolicyListRequest { datacenter: primary(server), query };
        let list = server.ask_datacenter::<AclPolicyList>(primary(server), &args).await?;
        let version = |stub: AclPolicyListStub| (stub.id, Version { hash: stub.hash, modify_index: stub.modify_index });
        Ok((list.meta.index, list.policies.into_iter().map(version).collect(), Vec::new()))
    }

    fn ours(server: &Server) -> Versions {
        let rows = server.store().snapshot().acl_policies(&mut WatchSet::none()).1;
        let version = |row: &Arc<AclPolicy>| Version { hash: row.hash.clone(), modify_index: row.modify_index };
        rows.iter().map(|row| (row.id.clone(), version(row))).collect()
    }

    async fn fetch(server: &Server, query: QueryOptions, policy_ids: Vec<String>) -> Result<Vec<Arc<AclPolicy>>> {
        let args = AclPolicyBatchGetRequest { datacenter: primary(server), policy_ids, query };
        Ok(server.ask_datacenter::<AclPolicyBatchRead>(primary(server), &args).await?.policies)
    }

    fn id(row: &AclPolicy) -> &str {
        &row.id
    }

    fn store(policies: Vec<AclPolicy>) -> Command {
        Command::AclPolicySet(AclPolicyBatchSet { policies })
    }

    fn remove(policy_ids: Vec<String>) -> Command {
        Command::AclPolicyDelete(AclPolicyBatchDelete { policy_ids })
    }

    fn note(status: &mut AclReplicationStatus, index: Index) {
        status.replicated_index = index;
    }
}

/// Roles.
pub(super) struct Roles;

impl Kind for Roles {
    type Row = AclRole;
    const NAME: &'static str = "role";
    const METRIC: &'static str = "acl-roles";

    async fn theirs(server: &Server, query: QueryOptions) -> Result<(Index, Versions, Vec<Arc<AclRole>>)> {
        let args = AclRoleListRequest { datacenter: primary(server), query, ..AclRoleListRequest::default() };
        let list = server.ask_datacenter::<AclRoleList>(primary(server), &args).await?;
        Ok((list.meta.index, list.roles.iter().map(role_version).collect(), list.roles))
    }

    fn ours(server: &Server) -> Versions {
        let rows = server.store().snapshot().acl_roles(&mut WatchSet::none(), "").1;
        rows.iter().map(role_version).collect()
    }

    async fn fetch(server: &Server, query: QueryOptions, role_ids: Vec<String>) -> Result<Vec<Arc<AclRole>>> {
        let args = AclRoleBatchGetRequest { datacenter: primary(server), role_ids, query };
        Ok(server.ask_datacenter::<AclRoleBatchRead>(primary(server), &args).await?.roles)
    }

    fn id(row: &AclRole) -> &str {
        &row.id
    }

    fn store(roles: Vec<AclRole>) -> Command {
        Command::AclRoleSet(AclRoleBatchSet { roles, allow_missing_links: true })
    }

    fn remove(role_ids: Vec<String>) -> Command {
        Command::AclRoleDelete(AclRoleBatchDelete { role_ids })
    }

    fn note(status: &mut AclReplicationStatus, index: Index) {
        status.replicated_role_index = index;
    }
}

fn role_version(row: &Arc<AclRole>) -> (String, Version) {
    (row.id.clone(), Version { hash: row.hash.clone(), modify_index: row.modify_index })
}

/// Global tokens.
pub(super) struct Tokens;

impl Kind for Tokens {
    type Row = AclToken;
    const NAME: &'static str = "token";
    const METRIC: &'static str = "acl-tokens";

    async fn theirs(server: &Server, query: QueryOptions) -> Result<(Index, Versions, Vec<Arc<AclToken>>)> {
        let args = AclTokenListRequest {
            datacenter: primary(server),
            include_global: true,
            query,
            ..AclTokenListRequest::default()
        };
        let list = server.ask_datacenter::<AclTokenList>(primary(server), &args).await?;
        let version =
            |stub: AclTokenListStub| (stub.accessor_id, Version { hash: stub.hash, modify_index: stub.modify_index });
        Ok((list.meta.index, list.tokens.into_iter().map(version).collect(), Vec::new()))
    }

    fn ours(server: &Server) -> Versions {
        let rows = server.store().snapshot().acl_tokens(&mut WatchSet::none(), TokenFilter::All, (false, true)).1;
        let version = |row: &Arc<AclToken>| Version { hash: row.hash.clone(), modify_index: row.modify_index };
        rows.iter().map(|row| (row.accessor_id.clone(), version(row))).collect()
    }

    async fn fetch(server: &Server, query: QueryOptions, accessor_ids: Vec<String>) -> Result<Vec<Arc<AclToken>>> {
        let args = AclTokenBatchGetRequest { datacenter: primary(server), accessor_ids, query };
        let batch = server.ask_datacenter::<AclTokenBatchRead>(primary(server), &args).await?;
        if batch.redacted {
            return Err(Error::new(
                "failed to retrieve unredacted tokens - replication token in use does not grant acl:write",
            ));
        }
        Ok(batch.tokens)
    }

    fn id(row: &AclToken) -> &str {
        &row.accessor_id
    }

    fn store(tokens: Vec<AclToken>) -> Command {
        Command::AclTokenSet(AclTokenBatchSet {
            tokens,
            allow_missing_links: true,
            from_replication: true,
            ..AclTokenBatchSet::default()
        })
    }

    fn remove(token_ids: Vec<String>) -> Command {
        // what requests without a token stand for is never removed
        let token_ids = token_ids.into_iter().filter(|accessor| accessor != ANONYMOUS_ACCESSOR).collect();
        Command::AclTokenDelete(AclTokenBatchDelete { token_ids })
    }

    fn note(status: &mut AclReplicationStatus, index: Index) {
        status.replicated_token_index = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(rows: &[(&str, &str, Index)]) -> Versions {
        let version = |(id, hash, modify_index): &(&str, &str, Index)| {
            ((*id).to_owned(), Version { hash: Blob::from(*hash), modify_index: *modify_index })
        };
        rows.iter().map(version).collect()
    }

    #[test]
    fn only_what_is_new_changed_or_gone_is_touched() {
        let ours = versions(&[("gone", "x", 1), ("same", "a", 2), ("changed", "b", 3), ("old news", "c", 4)]);
        let theirs = versions(&[("same", "a", 20), ("changed", "B", 21), ("old news", "C", 5), ("new", "d", 6)]);
        let (gone, wanted) = difference(&ours, &theirs, 10);
        assert_eq!((gone, wanted), (vec!["gone".to_owned()], vec!["changed".to_owned(), "new".to_owned()]));
        let (_, wanted) = difference(&ours, &theirs, 0);
        assert_eq!(wanted, ["changed", "new", "old news"]);
    }

    #[test]
    fn batches_are_cut_by_size_and_lose_nothing() {
        let rows: Vec<String> = (0..10).map(|at| "x".repeat(at * 10)).collect();
        let cut = batches(rows.clone(), 100);
        assert!(cut.len() > 3 && cut.iter().all(|batch| !batch.is_empty()));
        assert!(cut.iter().all(|batch| batch.len() == 1 || batch.iter().map(String::len).sum::<usize>() <= 100));
        assert_eq!(cut.concat(), rows);
        assert!(batches(Vec::<String>::new(), 100).is_empty());
    }
}
