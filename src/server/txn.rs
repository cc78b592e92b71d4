//! `Txn.*`: several operations or none (`spec/semantics.md` 8).

use super::catalog::check_existing;
use super::kvs::{Precheck, RAFT_APPLY, precheck as precheck_kv};
use super::{Endpoint, Server};
use crate::acl::{Access, Authorizer, Resource};
use crate::rpc::method::*;
use crate::state::{Command, Outcome, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::requests::shown_index;
use crate::types::txn::{
    CatalogVerb, TxnError, TxnOp, TxnReadRequest, TxnReadResponse, TxnRequest, TxnResponse, TxnResult,
};
use crate::types::validate;
use crate::types::{Error, HealthCheck, Result};
use std::sync::Arc;
use std::time::Instant;

static APPLY: Sample = Sample::new("txn.apply");
static READ: Sample = Sample::new("txn.read");

impl Endpoint for TxnApply {
    async fn serve(server: &Server, mut args: TxnRequest) -> Result<TxnResponse> {
        let start = Instant::now();
        let authorizer = server.resolve(&args.token).await?;
        let errors = precheck(server, &authorizer, &mut args.ops);
        if !errors.is_empty() {
            return Ok(TxnResponse { results: None, errors: Some(errors) });
        }
        args.token.clear();
        let outcome = server.apply(Command::Txn(args), RAFT_APPLY).await;
        APPLY.since(start);
        match outcome? {
            Outcome::Txn(mut response) => {
                permit(&authorizer, &mut response.results);
                Ok(response)
            }
            other => Err(Error::new(format!("unexpected return type {other:?}"))),
        }
    }
}

impl Endpoint for TxnRead {
    async fn serve(server: &Server, mut args: TxnReadRequest) -> Result<TxnReadResponse> {
        let start = Instant::now();
        let authorizer = server.resolve(&args.query.token).await?;
        let errors = precheck(server, &authorizer, &mut args.ops);
        let (mut response, mut filtered) = (TxnResponse::default(), false);
        if errors.is_empty() {
            response = server.store().snapshot().txn_read(&args.ops);
            filtered = permit(&authorizer, &mut response.results);
        } else {
            response.errors = Some(errors);
        }
        READ.since(start);
        let meta = server.meta(shown_index(0), filtered, &args.query.token);
        Ok(TxnReadResponse { results: response.results, errors: response.errors, meta })
    }
}

/// Everything that can be refused before the log: all refusals, each with the position of its operation.
fn precheck(server: &Server, authorizer: &Authorizer, ops: &mut [TxnOp]) -> Vec<TxnError> {
    let refusal = |(op_index, op)| {
        let error = precheck_op(server, authorizer, op).err()?;
        Some(TxnError { op_index, what: error.text })
    };
    ops.iter_mut().enumerate().filter_map(refusal).collect()
}

fn precheck_op(server: &Server, authorizer: &Authorizer, op: &mut TxnOp) -> Result<()> {
    if let Some(refusal) = &op.unknown {
        return Err(Error::new(refusal.clone()));
    }
    if let Some(op) = &op.kv {
        return match precheck_kv(server, authorizer, op.verb, &op.dir_ent)? {
            Precheck::Pass => Ok(()),
            Precheck::LockDelay => {
                Err(Error::new(format!("failed to lock key {:?} due to lock delay", op.dir_ent.key)))
            }
        };
    }
    if let Some(op) = op.node.as_ref().filter(|op| op.verb != CatalogVerb::Get) {
        validate::node(&op.node.node, &op.node.id)?;
        authorizer.check(Resource::Node, Access::Write, &op.node.node)?;
    }
    if let Some(op) = op.service.as_mut().filter(|op| op.verb != CatalogVerb::Get) {
        validate::service(&mut op.service)?;
        authorizer.check(Resource::Service, Access::Write, &op.service.service)?;
        if let Some(stored) = stored_service(server, authorizer, &op.node, &op.service.id) {
            check_existing(authorizer, &stored)?;
        }
    }
    if let Some(op) = op.check.as_mut().filter(|op| op.verb != CatalogVerb::Get) {
        let node = op.check.node.clone();
        validate::fill_check(&mut op.check, &node);
        let check = &op.check;
        match check.service_name.as_str() {
            "" => authorizer.check(Resource::Node, Access::Write, &check.node)?,
            service => authorizer.check(Resource::Service, Access::Write, service)?,
        }
        // the name of the service is what the request says, its id decides
        if let Some(stored) = stored_service(server, authorizer, &check.node, &check.service_id) {
            check_existing(authorizer, &stored)?;
        }
        if let Some(stored) = stored_check(server, authorizer, &check.node, &check.check_id) {
            match stored.service_name.as_str() {
                "" => authorizer.check(Resource::Node, Access::Write, &stored.node)?,
                service => check_existing(authorizer, service)?,
            }
        }
    }
    Ok(())
}

/// The name of the instance that an operation would replace or remove; not asked for who may do everything.
fn stored_service(server: &Server, authorizer: &Authorizer, node: &str, id: &str) -> Option<String> {
    if authorizer.allows_everything() || id.is_empty() {
        return None;
    }
    let (_, present) = server.store().snapshot().node_services(&mut WatchSet::none(), node);
    let (_, services) = present?;
    services.iter().find(|service| service.id == id).map(|service| service.service.clone())
}

/// The check that an operation would replace or remove.
fn stored_check(server: &Server, authorizer: &Authorizer, node: &str, id: &str) -> Option<Arc<HealthCheck>> {
    if authorizer.allows_everything() {
        return None;
    }
    let (_, checks) = server.store().snapshot().node_checks(&mut WatchSet::none(), node);
    checks.into_iter().find(|check| check.check_id == id)
}

/// Drops results that the caller may not see; true when there were some.
fn permit(authorizer: &Authorizer, results: &mut Option<Vec<TxnResult>>) -> bool {
    let Some(results) = results else { return false };
    if authorizer.allows_everything() {
        return false;
    }
    let before = results.len();
    results.retain(|result| {
        let read = |resource, name: &str| authorizer.allows(resource, Access::Read, name);
        if let Some(entry) = &result.kv {
            read(Resource::Key, &entry.key)
        } else if let Some(node) = &result.node {
            read(Resource::Node, &node.node)
        } else if let Some(service) = &result.service {
            read(Resource::Service, &service.service)
        } else if let Some(check) = &result.check {
            match check.service_name.as_str() {
                "" => read(Resource::Node, &check.node),
                service => read(Resource::Service, service),
            }
        } else {
            true
        }
    });
    results.len() != before
}
