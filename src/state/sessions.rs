//! The `sessions` table: creation, and everything that ends with a session (`spec/semantics.md` 7, 6.4, 6.5).

use super::index::Table;
use super::key::{join, lower};
use super::nodes::MISSING_NODE;
use super::radix::Slot;
use super::tables::{Tables, Writer};
use super::watch::Space;
use super::{Outcome, Snapshot, WatchSet};
use crate::types::{Index, Session, SessionOp, SessionRequest};
use std::sync::Arc;

impl Tables {
    /// A session by id.
    pub fn session(&self, id: &str) -> Option<&Arc<Session>> {
        self.sessions.get(&join(&[id])).map(|slot| &slot.value)
    }
}

impl Writer {
    /// Creates or destroys a session.
    pub fn apply_session(&mut self, request: &SessionRequest) -> Result<Outcome, String> {
        match request.op {
            SessionOp::Create => self.create_session(&request.session).map(Outcome::Session),
            SessionOp::Destroy => {
                self.delete_session(&request.session.id);
                Ok(Outcome::Done)
            }
        }
    }

    fn create_session(&mut self, session: &Session) -> Result<String, String> {
        if session.id.is_empty() {
            return Err("Missing session ID".into());
        }
        let mut row = session.clone();
        match row.behavior.as_str() {
            "" => row.behavior = "release".into(),
            "release" | "delete" => {}
            other => return Err(format!("Invalid session behavior: {other}")),
        }
        if self.tables.node(&row.node).is_none() {
            return Err(MISSING_NODE.into());
        }
        self.session_checks_pass(&row)?;
        (row.create_index, row.modify_index) = (self.index, self.index);
        let id = row.id.clone();
        let output = format!("Session '{id}' in force");
        let row = self.put_session(row);
        self.follow_session(&row, "passing", output);
        Ok(id)
    }

    /// Stores a row as it is, in the place of one with the same id.
    pub fn put_session(&mut self, row: Session) -> Arc<Session> {
        let row = Arc::new(row);
        if let Some(old) = self.tables.sessions.remove(&join(&[&row.id])) {
            self.forget_session_keys(&old.value);
        }
        let tables = &mut self.tables;
        tables.sessions.insert(Slot::new(&join(&[&row.id]), row.clone()));
        tables.sessions_by_node.insert(Slot::new(&join(&[&row.node, &row.id]), row.clone()));
        for check in row.check_ids() {
            tables.sessions_by_check.insert(Slot::new(&join(&[&row.node, check, &row.id]), row.clone()));
        }
        self.touch_session(&row);
        row
    }

    /// Removes what leads to a session by its node and its checks.
    fn forget_session_keys(&mut self, row: &Session) {
        self.tables.sessions_by_node.remove(&join(&[&row.node, &row.id]));
        for check in row.check_ids() {
            self.tables.sessions_by_check.remove(&join(&[&row.node, check, &row.id]));
        }
    }

    fn touch_session(&mut self, row: &Session) {
        self.move_table(Table::Sessions);
        self.touch(Space::Session, &row.id);
        self.touch(Space::NodeSessions, &row.node);
    }

    /// Ends a session: held keys are released or deleted and remember the lock delay. An unknown one is fine.
    pub fn delete_session(&mut self, id: &str) {
        let Some(row) = self.tables.sessions.remove(&join(&[id])).map(|slot| slot.value) else { return };
        self.forget_session_keys(&row);
        self.touch_session(&row);
        for entry in self.held_by(&row.id) {
            self.kv_session_ended(&entry, row.behavior == "delete");
            self.delays.push((entry, row.lock_delay));
        }
        self.delete_queries_of(&row.id);
        self.follow_session(&row, "critical", format!("Session '{}' is invalid", row.id));
    }
}

impl Snapshot {
    fn session_index(&self, ws: &mut WatchSet) -> Index {
        ws.depend_tables(&[Table::Sessions]);
        self.tables().indexes.table(Table::Sessions)
    }

    /// A session by id.
    pub fn session(&self, ws: &mut WatchSet, id: &str) -> (Index, Option<Arc<Session>>) {
        ws.watch(Space::Session, lower(id).as_bytes());
        (self.session_index(ws), self.tables().session(id).cloned())
    }

    /// All sessions, by id.
    pub fn sessions(&self, ws: &mut WatchSet) -> (Index, Vec<Arc<Session>>) {
        ws.watch_table(Table::Sessions);
        let rows = self.tables().sessions.iter().map(|slot| slot.value.clone()).collect();
        (self.session_index(ws), rows)
    }

    /// Sessions of a node, by id.
    pub fn node_sessions(&self, ws: &mut WatchSet, node: &str) -> (Index, Vec<Arc<Session>>) {
        ws.watch(Space::NodeSessions, lower(node).as_bytes());
        let rows = self.tables().sessions_by_node.iter_prefix(&join(&[node]));
        (self.session_index(ws), rows.map(|slot| slot.value.clone()).collect())
    }
}
