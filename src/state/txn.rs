//! Transactions: operations in order, each seeing the ones before it, all or nothing (`spec/semantics.md` 8).

use super::Snapshot;
use super::kv::verb;
use super::tables::Writer;
use crate::types::txn::{
    CatalogVerb, TxnCheckOp, TxnError, TxnKvOp, TxnNodeOp, TxnOp, TxnResponse, TxnResult, TxnServiceOp,
};
use crate::types::{Blob, DirEntry, KvOp, Node};
use std::sync::Arc;

type Results = Result<Vec<TxnResult>, String>;

/// A key in a result; only reads bring the value along.
fn key_result(row: &Arc<DirEntry>, with_value: bool) -> TxnResult {
    let row = if with_value { row.clone() } else { Arc::new(DirEntry { value: Blob::default(), ..(**row).clone() }) };
    TxnResult { kv: Some(row), ..Default::default() }
}

impl Writer {
    /// Runs all operations. Every failing one is reported; after any error the caller drops what the others did.
    pub fn txn(&mut self, ops: &[TxnOp]) -> TxnResponse {
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for (op_index, op) in ops.iter().enumerate() {
            match self.txn_op(op) {
                Ok(mut more) => results.append(&mut more),
                Err(what) => errors.push(TxnError { op_index, what }),
            }
        }
        if errors.is_empty() {
            TxnResponse { results: Some(results), errors: None }
        } else {
            TxnResponse { results: None, errors: Some(errors) }
        }
    }

    fn txn_op(&mut self, op: &TxnOp) -> Results {
        match op {
            TxnOp { kv: Some(op), .. } => self.txn_kv(op),
            TxnOp { node: Some(op), .. } => self.txn_node(op),
            TxnOp { service: Some(op), .. } => self.txn_service(op),
            TxnOp { check: Some(op), .. } => self.txn_check(op),
            TxnOp { session: Some(op), .. } if op.verb == CatalogVerb::Delete => {
                self.delete_session(&op.session.id);
                Ok(Vec::new())
            }
            TxnOp { session: Some(op), .. } => Err(format!("unknown session operation: {}", catalog_verb(op.verb))),
            _ => Err("no operation specified".into()),
        }
    }

    fn txn_kv(&mut self, op: &TxnKvOp) -> Results {
        let entry = &op.dir_ent;
        let key = &entry.key;
        let written = |row: Option<Arc<DirEntry>>, failure: String| match row {
            Some(row) => Ok(vec![key_result(&row, false)]),
            None => Err(failure),
        };
        match op.verb {
            KvOp::Set => Ok(vec![key_result(&self.kv_set(entry), false)]),
            KvOp::Cas => written(self.kv_cas(entry), format!("failed to set key {key:?}, index is stale")),
            KvOp::Lock => written(self.kv_lock(entry)?, format!("failed to lock key {key:?}, lock is already held")),
            KvOp::Unlock => written(
                self.kv_unlock(entry)?,
                format!("failed to unlock key {key:?}, lock isn't held, or is held by another session"),
            ),
            KvOp::Delete => {
                self.kv_delete(key);
                Ok(Vec::new())
            }
            KvOp::DeleteTree => {
                self.kv_delete_tree(key);
                Ok(Vec::new())
            }
            KvOp::DeleteCas => match self.kv_delete_cas(key, entry.modify_index) {
                true => Ok(Vec::new()),
                false => Err(format!("failed to delete key {key:?}, index is stale")),
            },
            _ => self.txn_kv_read(op),
        }
    }

    fn txn_kv_read(&mut self, op: &TxnKvOp) -> Results {
        let entry = &op.dir_ent;
        let key = &entry.key;
        let stored = self.tables.entry(key);
        match (op.verb, stored) {
            (KvOp::Get | KvOp::GetOrEmpty, Some(row)) => Ok(vec![key_result(row, true)]),
            (KvOp::Get, None) => Err(format!("key {key:?} doesn't exist")),
            (KvOp::GetOrEmpty, None) => {
                let empty = DirEntry { key: key.clone(), ..Default::default() };
                Ok(vec![key_result(&Arc::new(empty), true)])
            }
            (KvOp::GetTree, _) => {
                Ok(self.tables.kvs.iter_prefix(key.as_bytes()).map(|row| key_result(row, true)).collect())
            }
            (KvOp::CheckIndex, None) => Err(format!("failed to check index, key {key:?} doesn't exist")),
            (KvOp::CheckIndex, Some(row)) if row.modify_index != entry.modify_index => Err(format!(
                "failed index check for key {key:?}, current modify index {} != {}",
                row.modify_index, entry.modify_index
            )),
            (KvOp::CheckSession, None) => Err(format!("failed to check session, key {key:?} doesn't exist")),
            (KvOp::CheckSession, Some(row)) if row.session != entry.session => Err(format!(
                "failed session check for key {key:?}, current session {:?} != {:?}",
                row.session, entry.session
            )),
            (KvOp::CheckIndex | KvOp::CheckSession, Some(row)) => Ok(vec![key_result(row, false)]),
            (KvOp::CheckNotExists, None) => Ok(Vec::new()),
            (KvOp::CheckNotExists, Some(_)) => Err(format!("key {key:?} exists")),
            (other, _) => Err(format!("unknown KV verb {:?}", verb(other))),
        }
    }

    fn txn_node(&mut self, op: &TxnNodeOp) -> Results {
        let (name, index) = (&op.node.node, op.node.modify_index);
        match op.verb {
            CatalogVerb::Get => {}
            CatalogVerb::Set => self.ensure_node(op.node.clone())?,
            CatalogVerb::Cas => {
                if !self.ensure_node_cas(op.node.clone())? {
                    return Err(format!("failed to set node {name:?}, index is stale"));
                }
            }
            CatalogVerb::Delete => {
                self.delete_node(name);
                return Ok(Vec::new());
            }
            CatalogVerb::DeleteCas => {
                if self.tables.node(name).is_none_or(|row| row.modify_index != index) {
                    return Err(format!("failed to delete node {name:?}, index is stale"));
                }
                self.delete_node(name);
                return Ok(Vec::new());
            }
        }
        match self.txn_node_row(&op.node) {
            Some(row) => Ok(vec![TxnResult { node: Some(row.clone()), ..Default::default() }]),
            None => Err(format!("node {name:?} doesn't exist")),
        }
    }

    /// A node is identified by its id if it has one, else by its name.
    fn txn_node_row(&self, node: &Node) -> Option<&Arc<Node>> {
        if node.id.is_empty() { self.tables.node(&node.node) } else { self.tables.node_by_id(&node.id) }
    }

    fn txn_service(&mut self, op: &TxnServiceOp) -> Results {
        let (node, id, index) = (&op.node, &op.service.id, op.service.modify_index);
        match op.verb {
            CatalogVerb::Get => {}
            CatalogVerb::Set => self.ensure_service(node, &op.service)?,
            CatalogVerb::Cas => {
                if !self.ensure_service_cas(node, &op.service)? {
                    return Err(format!("failed to set service {id:?} on node {node:?}, index is stale"));
                }
            }
            CatalogVerb::Delete => {
                self.delete_service(node, id);
                return Ok(Vec::new());
            }
            CatalogVerb::DeleteCas => {
                return match self.delete_service_cas(node, id, index) {
                    true => Ok(Vec::new()),
                    false => Err(format!("failed to delete service {id:?} on node {node:?}, index is stale")),
                };
            }
        }
        match self.tables.service(node, id) {
            Some(row) => Ok(vec![TxnResult { service: Some(row.clone()), ..Default::default() }]),
            None => Err(format!("service {id:?} on node {node:?} doesn't exist")),
        }
    }

    fn txn_check(&mut self, op: &TxnCheckOp) -> Results {
        let (node, id, index) = (&op.check.node, &op.check.check_id, op.check.modify_index);
        match op.verb {
            CatalogVerb::Get => {}
            CatalogVerb::Set => self.ensure_check(&op.check)?,
            CatalogVerb::Cas => {
                if !self.ensure_check_cas(&op.check)? {
                    return Err(format!("failed to set check {id:?} on node {node:?}, index is stale"));
                }
            }
            CatalogVerb::Delete => {
                self.delete_check(node, id);
                return Ok(Vec::new());
            }
            CatalogVerb::DeleteCas => {
                return match self.delete_check_cas(node, id, index) {
                    true => Ok(Vec::new()),
                    false => Err(format!("failed to delete check {id:?} on node {node:?}, index is stale")),
                };
            }
        }
        match self.tables.check(node, id) {
            Some(row) => Ok(vec![TxnResult { check: Some(row.clone()), ..Default::default() }]),
            None => Err(format!("check {id:?} on node {node:?} doesn't exist")),
        }
    }
}

fn catalog_verb(verb: CatalogVerb) -> String {
    serde_json::to_value(verb).ok().and_then(|name| name.as_str().map(String::from)).unwrap_or_default()
}

/// True when an operation changes the state and must go through the log.
pub fn is_write(op: &TxnOp) -> bool {
    let catalog = |verb: CatalogVerb| verb != CatalogVerb::Get;
    match op {
        TxnOp { kv: Some(op), .. } => matches!(
            op.verb,
            KvOp::Set | KvOp::Cas | KvOp::Lock | KvOp::Unlock | KvOp::Delete | KvOp::DeleteCas | KvOp::DeleteTree
        ),
        TxnOp { node: Some(op), .. } => catalog(op.verb),
        TxnOp { service: Some(op), .. } => catalog(op.verb),
        TxnOp { check: Some(op), .. } => catalog(op.verb),
        TxnOp { session, .. } => session.is_some(),
    }
}

impl Snapshot {
    /// Runs the reading operations of a transaction; a writing one is an error.
    pub fn txn_read(&self, ops: &[TxnOp]) -> TxnResponse {
        let refused = ops.iter().enumerate().filter(|(_, op)| is_write(op));
        let errors: Vec<_> = refused
            .map(|(op_index, _)| TxnError { op_index, what: "cannot write in a read-only transaction".into() })
            .collect();
        if !errors.is_empty() {
            return TxnResponse { results: None, errors: Some(errors) };
        }
        // Reading leaves the private copy as it is, so it can be dropped.
        Writer { tables: self.tables().clone(), ..Default::default() }.txn(ops)
    }
}
