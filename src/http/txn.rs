//! `/v1/txn` (`spec/http-api.md` 3.9).

use super::answer::Answer;
use super::call::{self, BODY_LIMIT, Call};
use super::decode::{self, bodies};
use super::kv::too_large;
use super::routes::{READ, routes};
use crate::rpc::method::{TxnApply, TxnRead};
use crate::telemetry::limits as exceeded;
use crate::types::txn::{
    CatalogVerb, TxnCheckOp, TxnError, TxnKvOp, TxnNodeOp, TxnOp, TxnReadRequest, TxnReadResponse, TxnRequest,
    TxnResponse, TxnServiceOp,
};
use crate::types::{Blob, DirEntry, Error, HealthCheck, KvOp, Node, NodeService, QueryMeta, Result};
use hyper::StatusCode;
use serde::Deserialize;
use serde::de::value::StrDeserializer;

routes! {
    "/v1/txn" "PUT" txn, READ;
}

/// Most operations of a transaction.
const MAX_OPS: usize = 128;

/// An operation of the body.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Op {
    #[serde(rename = "KV")]
    kv: Option<Kv>,
    node: Option<Row<NodeRow>>,
    service: Option<Row<ServiceRow>>,
    check: Option<Row<CheckRow>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Kv {
    verb: String,
    key: String,
    value: Blob,
    flags: u64,
    index: u64,
    session: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default, bound = "T: Default + Deserialize<'de>")]
struct Row<T> {
    verb: String,
    #[serde(flatten)]
    row: T,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NodeRow {
    node: Node,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ServiceRow {
    node: String,
    service: NodeService,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CheckRow {
    check: HealthCheck,
}

/// The converted operations.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) ops: Vec<TxnOp>,
    errors: Vec<TxnError>,
    writes: bool,
}

fn verb<'a, V: Deserialize<'a>>(text: &'a str) -> Option<V> {
    V::deserialize(StrDeserializer::<serde::de::value::Error>::new(text)).ok()
}

impl Plan {
    pub(super) fn add(&mut self, op: Op, value_limit: u64) -> Result<()> {
        let unknown = |kind: &str, verb: &str| format!("unknown {kind} operation: {verb}");
        let converted = if let Some(kv) = op.kv {
            kv_op(&mut self.writes, kv, value_limit)?
        } else if let Some(Row { verb: text, row }) = op.node {
            let node = |verb| TxnOp { node: Some(TxnNodeOp { verb, node: row.node }), ..TxnOp::default() };
            self.catalog_verb(&text).map(node).ok_or_else(|| unknown("node", &text))
        } else if let Some(Row { verb: text, row }) = op.service {
            let service = |verb| TxnServiceOp { verb, node: row.node, service: row.service };
            let service = |verb| TxnOp { service: Some(service(verb)), ..TxnOp::default() };
            self.catalog_verb(&text).map(service).ok_or_else(|| unknown("service", &text))
        } else if let Some(Row { verb: text, row }) = op.check {
            let check = |verb| TxnOp { check: Some(TxnCheckOp { verb, check: row.check }), ..TxnOp::default() };
            self.catalog_verb(&text).map(check).ok_or_else(|| unknown("check", &text))
        } else {
            return Ok(());
        };
        let op_index = self.ops.len();
        match converted {
            Ok(op) => self.ops.push(op),
            Err(what) => {
                self.errors.push(TxnError { op_index, what });
                self.ops.push(TxnOp::default());
            }
        }
        Ok(())
    }

    fn catalog_verb(&mut self, text: &str) -> Option<CatalogVerb> {
        let verb = verb(text);
        self.writes |= verb != Some(CatalogVerb::Get);
        verb
    }
}

fn kv_op(writes: &mut bool, kv: Kv, value_limit: u64) -> Result<Result<TxnOp, String>> {
    let size = kv.value.0.len();
    if size as u64 > value_limit {
        exceeded::KV_VALUE.exceeded();
        let text = format!("Value for key {:?} is too large ({size} > {value_limit} bytes)", kv.key);
        return Err(Error::with_status(413, text));
    }
    let Some(verb) = verb(&kv.verb) else { return Ok(Err(format!("unknown KV operation: {}", kv.verb))) };
    *writes |= !matches!(
        verb,
        KvOp::Get | KvOp::GetOrEmpty | KvOp::GetTree | KvOp::CheckIndex | KvOp::CheckSession | KvOp::CheckNotExists
    );
    let dir_ent = DirEntry {
        key: kv.key,
        value: kv.value,
        flags: kv.flags,
        session: kv.session,
        modify_index: kv.index,
        ..DirEntry::default()
    };
    Ok(Ok(TxnOp { kv: Some(TxnKvOp { verb, dir_ent }), ..TxnOp::default() }))
}

async fn txn(call: &mut Call<'_>) -> Result<Answer> {
    let limits = call.config().limits.clone();
    let limit = limits.txn_max_req_len.max(limits.kv_max_value_size);
    if let Some(length) = call.content_length().filter(|length| *length > limit) {
        return Err(too_large(Some(length), limit, "txn_max_req_len"));
    }
    let body = call.bytes((limit as usize).min(BODY_LIMIT)).await.map_err(|error| match error.status {
        Some(413) => too_large(None, limit, "txn_max_req_len"),
        _ => error,
    })?;
    let ops: Vec<Op> = decode::decode(&body, &bodies::TXN)
        .map_err(|reason| Error::bad_request(format!("Failed to parse body: {}", call::noted(reason))))?;
    if ops.len() > MAX_OPS {
        exceeded::TXN_OPERATIONS.exceeded();
        let text = format!("Transaction contains too many operations ({} > {MAX_OPS})", ops.len());
        return Err(Error::with_status(413, text));
    }
    let mut plan = Plan::default();
    for mut op in ops {
        if let Some(node) = op.node.as_mut().map(|row| &mut row.row.node)
            && node.datacenter.is_empty()
        {
            node.datacenter = call.settings.datacenter.clone();
        }
        plan.add(op, limits.kv_max_value_size)?;
    }
    if plan.writes { write(call, plan).await } else { read(call, plan).await }
}

async fn write(call: &mut Call<'_>, plan: Plan) -> Result<Answer> {
    let response = if plan.errors.is_empty() {
        let request = TxnRequest { datacenter: call.datacenter(), ops: plan.ops, token: call.token() };
        call.agent.call::<TxnApply>(request).await?
    } else {
        TxnResponse { results: None, errors: Some(plan.errors) }
    };
    let (results, errors, status) = outcome(response.results, response.errors);
    Ok(call.json(&TxnResponse { results, errors })?.with_status(status))
}

async fn read(call: &mut Call<'_>, plan: Plan) -> Result<Answer> {
    let response = if plan.errors.is_empty() {
        let request = TxnReadRequest { datacenter: call.datacenter(), ops: plan.ops, query: call.read_options() };
        call.agent.call::<TxnRead>(request).await?
    } else {
        let meta = QueryMeta { index: 1, known_leader: true, ..QueryMeta::default() };
        TxnReadResponse { results: None, errors: Some(plan.errors), meta }
    };
    call.set_contact(&response.meta);
    call.set_filtered(response.meta.results_filtered_by_acls);
    let (results, errors, status) = outcome(response.results, response.errors);
    Ok(call.json(&TxnReadResponse { results, errors, meta: response.meta })?.with_status(status))
}

/// Success has a list of results and null errors, failure the other way round.
fn outcome<R, E>(results: Option<Vec<R>>, errors: Option<Vec<E>>) -> (Option<Vec<R>>, Option<Vec<E>>, StatusCode) {
    match errors {
        Some(errors) if !errors.is_empty() => (None, Some(errors), StatusCode::CONFLICT),
        _ => (Some(results.unwrap_or_default()), None, StatusCode::OK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(body: &str) -> Plan {
        let ops: Vec<Op> = decode::decode(body.as_bytes(), &bodies::TXN).expect("a transaction");
        let mut plan = Plan::default();
        for op in ops {
            plan.add(op, 10).expect("small values");
        }
        plan
    }

    #[test]
    fn operations_are_converted_and_empty_ones_skipped() {
        let plan = plan(
            r#"[{}, null, {"KV":{"Verb":"delete-cas","Key":"k","Index":7}},
                {"Service":{"Verb":"get","Node":"n","Service":{"ID":"s"}}},
                {"Node":{"Verb":"set","Node":{"Node":"n","Address":"a"}}},
                {"Check":{"Verb":"cas","Check":{"CheckID":"c","ModifyIndex":3}}}]"#,
        );
        assert!(plan.writes && plan.errors.is_empty());
        assert_eq!(plan.ops.len(), 4);
        let kv = plan.ops[0].kv.as_ref().expect("a key");
        assert_eq!((kv.verb, kv.dir_ent.modify_index), (KvOp::DeleteCas, 7));
        assert_eq!(plan.ops[1].service.as_ref().map(|op| op.service.id.as_str()), Some("s"));
        assert_eq!(plan.ops[2].node.as_ref().map(|op| op.node.address.as_str()), Some("a"));
        assert_eq!(plan.ops[3].check.as_ref().map(|op| op.check.modify_index), Some(3));
    }

    #[test]
    fn unknown_verbs_are_errors_of_their_operation() {
        let plan = plan(r#"[{"KV":{"Verb":"get","Key":"a"}},{"KV":{"Verb":"foo","Key":"a"}},{"Node":{"Verb":"x"}}]"#);
        let errors: Vec<_> = plan.errors.iter().map(|error| (error.op_index, error.what.as_str())).collect();
        assert_eq!(errors, [(1, "unknown KV operation: foo"), (2, "unknown node operation: x")]);
    }

    #[test]
    fn a_value_beyond_the_limit_is_refused() {
        let kv = Kv { key: "k".into(), value: Blob::from("0123456789a"), ..Kv::default() };
        let op = Op { kv: Some(kv), ..Op::default() };
        let error = Plan::default().add(op, 10).expect_err("too large");
        assert_eq!(error, Error::with_status(413, "Value for key \"k\" is too large (11 > 10 bytes)"));
    }
}
