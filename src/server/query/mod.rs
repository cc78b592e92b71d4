//! `PreparedQuery.*`: stored questions for services (`spec/semantics.md` 17).

mod execute;

use super::catalog::at;
use super::kvs::RAFT_APPLY;
use super::{Endpoint, ReadContext, ReadEndpoint, Server};
use crate::acl::{Access, Authorizer, PERMISSION_DENIED, Resource};
use crate::rpc::method::*;
use crate::state::{Command, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::prepared_query::*;
use crate::types::requests::DcRequest;
use crate::types::secret::REDACTED;
use crate::types::validate;
use crate::types::{Error, GoDuration, Result};
use std::sync::Arc;
use std::time::Instant;

static APPLY: Sample = Sample::new("prepared-query.apply");
static EXPLAIN: Sample = Sample::new("prepared-query.explain");

/// The words of an unknown id or name; HTTP answers them with 404.
pub const NOT_FOUND: &str = "Query not found";

/// A name that rules are about needs permission; a query without one belongs to who knows its id.
fn permit(authorizer: &Authorizer, access: Access, query: &PreparedQuery) -> Result<()> {
    match query.acl_name() {
        Some(name) => authorizer.check(Resource::Query, access, name),
        None => Ok(()),
    }
}

/// A reader is not told what is lacking (`spec/acl-and-tls.md` 4.6).
fn permit_read(authorizer: &Authorizer, query: &PreparedQuery) -> Result<()> {
    permit(authorizer, Access::Read, query).map_err(|_| Error::with_status(403, PERMISSION_DENIED))
}

/// Whether the caller manages the ACL system, and so sees every query with its token.
fn manages(authorizer: &Authorizer) -> bool {
    authorizer.allows(Resource::Acl, Access::Write, "")
}

/// The query as the caller may see it: with the token only for who manages.
fn redacted(authorizer: &Authorizer, query: Arc<PreparedQuery>) -> Arc<PreparedQuery> {
    if query.token.is_empty() || manages(authorizer) {
        return query;
    }
    Arc::new(PreparedQuery { token: REDACTED.into(), ..PreparedQuery::clone(&query) })
}

impl Endpoint for PreparedQueryApply {
    async fn serve(server: &Server, mut args: PreparedQueryRequest) -> Result<String> {
        let start = Instant::now();
        let authorizer = server.resolve(&args.token).await?;
        let query = args.query.get_or_insert_default();
        if args.op == PreparedQueryOp::Create {
            if !query.id.is_empty() {
                return Err(Error::new("ID must be empty when creating a new prepared query"));
            }
            query.id = fresh_id(server);
        }
        permit(&authorizer, Access::Write, query)?;
        if args.op != PreparedQueryOp::Create {
            let found = server.store().snapshot().prepared_query(&mut WatchSet::none(), &query.id);
            let (_, stored) = found.map_err(|error| error.prefixed("Prepared Query lookup failed: "))?;
            let unknown = || Error::new(format!("Cannot modify non-existent prepared query: '{}'", query.id));
            permit(&authorizer, Access::Write, &*stored.ok_or_else(unknown)?)?;
        }
        if args.op != PreparedQueryOp::Delete {
            validate_query(query).map_err(|error| error.prefixed("Invalid prepared query: "))?;
        }
        let id = query.id.clone();
        args.token.clear();
        let outcome = server.apply(Command::PreparedQuery(Box::new(args)), RAFT_APPLY).await;
        APPLY.since(start);
        outcome.map(|_| id)
    }
}

/// An id that no query has: the state machine must not roll dice.
fn fresh_id(server: &Server) -> String {
    let state = server.store().snapshot();
    loop {
        let id = uuid::Uuid::new_v4().to_string();
        if matches!(state.prepared_query(&mut WatchSet::none(), &id), Ok((_, None))) {
            return id;
        }
    }
}

/// What can be refused without looking at the state.
fn validate_query(query: &PreparedQuery) -> Result<()> {
    if query.acl_name().is_none() && query.session.is_empty() {
        return Err(Error::new("Must be bound to a session"));
    }
    if query.token == REDACTED {
        return Err(Error::new(format!(
            "Bad Token '{REDACTED}', it looks like a query definition with a redacted token was submitted"
        )));
    }
    let service = &query.service;
    if service.service.is_empty() {
        return Err(Error::new("Must provide a Service name to query"));
    }
    if !service.sameness_group.is_empty() {
        return Err(Error::new("sameness-groups are an enterprise-only feature"));
    }
    let failover = &service.failover;
    if failover.nearest_n < 0 {
        return Err(Error::new(format!("Bad NearestN '{}', must be >= 0", failover.nearest_n)));
    }
    let some = |list: Option<usize>| list.is_some_and(|length| length > 0);
    let named = failover.nearest_n > 0 || some(failover.datacenters.as_ref().map(Vec::len));
    if some(failover.targets.as_ref().map(Vec::len)) && named {
        return Err(Error::new("Targets cannot be populated with NearestN or Datacenters"));
    }
    if let Some(error) = service.node_meta.as_ref().and_then(|meta| validate::meta_error(meta, true, "")) {
        return Err(Error::new(error));
    }
    check_ttl(&query.dns.ttl)
}

fn check_ttl(ttl: &str) -> Result<()> {
    if ttl.is_empty() {
        return Ok(());
    }
    let parsed: GoDuration = ttl.parse().map_err(|why| Error::new(format!("Bad DNS TTL '{ttl}': {why}")))?;
    if parsed.0 < 0 {
        return Err(Error::new(format!("DNS TTL '{}', must be >=0", parsed.0)));
    }
    Ok(())
}

impl ReadEndpoint for PreparedQueryGet {
    fn read(cx: &mut ReadContext<'_>, args: &PreparedQuerySpecificRequest) -> Result<IndexedPreparedQueries> {
        let (index, query) = cx.state.prepared_query(cx.watch, &args.query_id)?;
        let query = query.ok_or_else(|| Error::new(NOT_FOUND))?;
        permit_read(cx.authorizer, &query)?;
        Ok(IndexedPreparedQueries { queries: vec![redacted(cx.authorizer, query)], meta: at(index) })
    }
}

impl ReadEndpoint for PreparedQueryList {
    fn read(cx: &mut ReadContext<'_>, _args: &DcRequest) -> Result<IndexedPreparedQueries> {
        let (index, mut queries) = cx.state.prepared_queries(cx.watch);
        cx.permit(&mut queries, |who, query| match query.acl_name() {
            Some(name) => who.allows(Resource::Query, Access::Read, name),
            None => manages(who),
        });
        let queries = queries.into_iter().map(|query| redacted(cx.authorizer, query)).collect();
        Ok(IndexedPreparedQueries { queries, meta: at(index) })
    }
}

impl Endpoint for PreparedQueryExplain {
    async fn serve(server: &Server, args: PreparedQueryExecuteRequest) -> Result<PreparedQueryExplainResponse> {
        let start = Instant::now();
        let authorizer = server.resolve(&args.query.token).await?;
        let query = server.store().snapshot().resolve_query(&args.query_id_or_name, &args.agent.segment)?;
        let query = query.ok_or_else(|| Error::new(NOT_FOUND))?;
        permit_read(&authorizer, &query)?;
        let query = Arc::unwrap_or_clone(redacted(&authorizer, query));
        EXPLAIN.since(start);
        Ok(PreparedQueryExplainResponse { query, meta: server.meta(0, false, &args.query.token) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_refused_in_the_words_of_the_reference() {
        let named = PreparedQuery {
            name: "q".into(),
            service: ServiceQuery { service: "web".into(), ..Default::default() },
            ..Default::default()
        };
        validate_query(&named).expect("valid");
        type Change = fn(&mut PreparedQuery);
        let cases: [(Change, &str); 10] = [
            (|query| query.name.clear(), "Must be bound to a session"),
            (|query| query.service.service.clear(), "Must provide a Service name to query"),
            (
                |query| query.token = "<hidden>".into(),
                "Bad Token '<hidden>', it looks like a query definition with a redacted token was submitted",
            ),
            (|query| query.service.failover.nearest_n = -1, "Bad NearestN '-1', must be >= 0"),
            (
                |query| {
                    query.service.failover.nearest_n = 1;
                    query.service.failover.targets = Some(vec![QueryTarget::default()]);
                },
                "Targets cannot be populated with NearestN or Datacenters",
            ),
            (|query| query.service.sameness_group = "x".into(), "sameness-groups are an enterprise-only feature"),
            (|query| query.dns.ttl = "x".into(), "Bad DNS TTL 'x': time: invalid duration \"x\""),
            (|query| query.dns.ttl = "-1s".into(), "DNS TTL '-1000000000', must be >=0"),
            (
                |query| query.service.node_meta = Some([(String::new(), "b".to_owned())].into()),
                "Couldn't load metadata pair ('', 'b'): Key cannot be blank",
            ),
            (|query| query.dns.ttl = "3".into(), "Bad DNS TTL '3': time: missing unit in duration \"3\""),
        ];
        for (change, text) in cases {
            let mut query = named.clone();
            change(&mut query);
            assert_eq!(validate_query(&query).expect_err(text).text, text);
        }
    }
}
