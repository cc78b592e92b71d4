//! Behaviour of the store, told as given, when, then. A [`Scene`] applies commands with rising indexes.

mod acl;
mod ca;
mod catalog;
mod kv;
mod laws;
mod queries;
mod sessions;
mod snapshots;
mod txn;
mod watches;

use super::*;
use crate::types::{
    DeregisterRequest, DirEntry, GoDuration, HealthCheck, Index, KvOp, KvRequest, NodeService, RegisterRequest,
    Session, SessionOp, SessionRequest,
};
use std::sync::Arc;

/// A store and the index of the last command.
pub struct Scene {
    pub store: Store,
    pub index: Index,
}

impl Scene {
    pub fn new() -> Scene {
        Scene { store: Store::new(), index: 9 }
    }

    /// Applies a command at the next index.
    pub fn apply(&mut self, command: Command) -> Outcome {
        self.index += 1;
        self.store.apply(&[(self.index, command)]).pop().expect("one outcome per command")
    }

    /// Applies a command that must succeed, and returns its index.
    pub fn done(&mut self, command: Command) -> Index {
        let outcome = self.apply(command);
        assert!(matches!(outcome, Outcome::Done | Outcome::Bool(true) | Outcome::Session(_)), "{outcome:?}");
        self.index
    }

    /// Evaluates a query without watching.
    pub fn ask<T>(&self, query: impl Fn(&Snapshot, &mut WatchSet) -> T) -> T {
        query(&self.store.snapshot(), &mut WatchSet::none())
    }

    /// Index of a query's result.
    pub fn index_of<T>(&self, query: impl Fn(&Snapshot, &mut WatchSet) -> (Index, T)) -> Index {
        self.ask(query).0
    }
}

pub fn node(name: &str) -> RegisterRequest {
    RegisterRequest { node: name.into(), address: "10.0.0.1".into(), datacenter: "dc1".into(), ..Default::default() }
}

pub fn service(name: &str) -> NodeService {
    NodeService { id: name.into(), service: name.into(), port: 80, ..Default::default() }
}

pub fn check(node: &str, id: &str, status: &str) -> HealthCheck {
    HealthCheck { node: node.into(), check_id: id.into(), name: id.into(), status: status.into(), ..Default::default() }
}

pub fn register(request: RegisterRequest) -> Command {
    Command::Register(Box::new(request))
}

pub fn with_service(node_name: &str, service: NodeService) -> Command {
    register(RegisterRequest { service: Some(Arc::new(service)), ..node(node_name) })
}

pub fn with_check(node_name: &str, check: HealthCheck) -> Command {
    register(RegisterRequest { check: Some(Arc::new(check)), ..node(node_name) })
}

pub fn deregister(node: &str, service_id: &str, check_id: &str) -> Command {
    Command::Deregister(DeregisterRequest {
        node: node.into(),
        service_id: service_id.into(),
        check_id: check_id.into(),
        ..Default::default()
    })
}

pub fn entry(key: &str, value: &str) -> DirEntry {
    DirEntry { key: key.into(), value: value.into(), ..Default::default() }
}

pub fn kv(op: KvOp, dir_ent: DirEntry) -> Command {
    Command::Kvs(KvRequest { op, dir_ent, ..Default::default() })
}

pub fn set(key: &str, value: &str) -> Command {
    kv(KvOp::Set, entry(key, value))
}

pub fn lock(op: KvOp, key: &str, value: &str, session: &str) -> Command {
    kv(op, DirEntry { session: session.into(), ..entry(key, value) })
}

pub fn session(node: &str, id: &str) -> Session {
    Session { id: id.into(), node: node.into(), lock_delay: GoDuration::secs(15), ..Default::default() }
}

pub fn create(session: Session) -> Command {
    Command::Session(SessionRequest { op: SessionOp::Create, session, ..Default::default() })
}

pub fn destroy(id: &str) -> Command {
    let session = Session { id: id.into(), ..Default::default() };
    Command::Session(SessionRequest { op: SessionOp::Destroy, session, ..Default::default() })
}
