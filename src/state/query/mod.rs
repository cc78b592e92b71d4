//! The `prepared-queries` table: definitions, their names, and which of them answers for a name (`spec/semantics.md` 17).

mod expression;
pub(super) mod template;

use super::index::Table;
use super::key::{join, lower};
use super::radix::Slot;
use super::tables::{Tables, Writer};
use super::watch::Space;
use super::{Outcome, Snapshot, WatchSet};
use crate::types::prepared_query::{PreparedQuery, PreparedQueryOp, PreparedQueryRequest};
use crate::types::{Error, Index, Result};
use std::sync::Arc;
use template::Template;

/// A row.
#[derive(Debug)]
pub struct Query {
    /// As it is stored.
    pub definition: Arc<PreparedQuery>,
    /// Parsed texts of a template; one of a snapshot may be in a language that we do not read.
    template: Option<Result<Template, String>>,
}

impl Query {
    fn new(definition: PreparedQuery) -> Query {
        let compile = || Template::compile(&definition).map_err(|why| format!("failed compiling template: {why}"));
        let template = definition.is_template().then(compile);
        Query { definition: Arc::new(definition), template }
    }

    fn resolve(&self, name: &str, segment: &str) -> Result<Arc<PreparedQuery>> {
        match &self.template {
            None => Ok(self.definition.clone()),
            Some(Err(why)) => Err(Error::new(why.clone())),
            Some(Ok(template)) => template.render(&self.definition, name, segment).map(Arc::new).map_err(Error::new),
        }
    }
}

/// Why a text cannot be an id, in the words of the reference's index.
fn id_error(id: &str) -> Option<String> {
    if id.len() != 36 {
        return Some("index error: UUID must be 36 characters".into());
    }
    let hyphens = id.matches('-').count();
    if hyphens > 4 {
        return Some(format!("index error: UUID should have maximum of 4 \"-\"; got {hyphens}"));
    }
    let hex = id.bytes().all(|letter| letter.is_ascii_hexdigit() || letter == b'-');
    (!hex || (36 - hyphens) % 2 == 1).then(|| "index error: UUID must be hexadecimal".into())
}

/// The text is laid out as an id.
fn is_id(text: &str) -> bool {
    crate::types::validate::check_uuid(text).is_ok()
}

impl Tables {
    /// A row by id.
    fn query(&self, id: &str) -> Option<&Arc<Query>> {
        self.queries.get(&join(&[id])).map(|slot| &slot.value)
    }

    /// A row by its whole name.
    fn query_named(&self, name: &str) -> Option<&Arc<Query>> {
        self.queries_by_name.get(&join(&[name])).map(|slot| &slot.value)
    }
}

impl Writer {
    /// Stores or removes a definition.
    pub fn apply_query(&mut self, request: &PreparedQueryRequest) -> Result<Outcome, String> {
        let definition = request.query.as_ref().ok_or("missing prepared query")?;
        match request.op {
            PreparedQueryOp::Create | PreparedQueryOp::Update => self.set_query(definition)?,
            PreparedQueryOp::Delete => self.delete_query(&definition.id),
        }
        Ok(Outcome::Done)
    }

    fn set_query(&mut self, definition: &PreparedQuery) -> Result<(), String> {
        if definition.id.is_empty() {
            return Err("missing query ID".into());
        }
        let existing = self.tables.query(&definition.id).cloned();
        self.check_query_name(definition)?;
        if !definition.session.is_empty() {
            if let Some(why) = id_error(&definition.session) {
                return Err(format!("invalid session: {why}"));
            }
            if self.tables.session(&definition.session).is_none() {
                return Err(format!("invalid session {:?}", definition.session));
            }
        }
        let create_index = existing.as_ref().map_or(self.index, |row| row.definition.create_index);
        let row = Query::new(PreparedQuery { create_index, modify_index: self.index, ..definition.clone() });
        if let Some(Err(why)) = &row.template {
            return Err(why.clone());
        }
        self.store_query(row);
        Ok(())
    }

    /// A name leads to one query only, and never looks like the id of another.
    fn check_query_name(&self, definition: &PreparedQuery) -> Result<(), String> {
        let name = &definition.name;
        let other = |row: Option<&Arc<Query>>| row.is_some_and(|row| row.definition.id != definition.id);
        if !name.is_empty() {
            if other(self.tables.query_named(name)) {
                return Err(format!("name '{name}' aliases an existing query name"));
            }
        } else if definition.is_template() && other(self.tables.query_templates.get(b"").map(|slot| &slot.value)) {
            return Err("a query template with an empty name already exists".into());
        }
        if is_id(name) && self.tables.query(name).is_some() {
            return Err(format!("name '{name}' aliases an existing query ID"));
        }
        Ok(())
    }

    /// Stores a definition of a snapshot as it is; a template that does not compile is kept and answers with the reason.
    pub fn put_query(&mut self, definition: PreparedQuery) {
        self.store_query(Query::new(definition));
    }

    fn store_query(&mut self, row: Query) {
        let row = Arc::new(row);
        let definition = row.definition.clone();
        if let Some(old) = self.tables.query(&definition.id).cloned() {
            self.forget_query_keys(&old.definition);
        }
        let tables = &mut self.tables;
        tables.queries.insert(Slot::new(&join(&[&definition.id]), row.clone()));
        if !definition.name.is_empty() {
            tables.queries_by_name.insert(Slot::new(&join(&[&definition.name]), row.clone()));
        }
        if definition.is_template() {
            tables.query_templates.insert(Slot::new(lower(&definition.name).as_bytes(), row.clone()));
        }
        if !definition.session.is_empty() {
            tables.queries_by_session.insert(Slot::new(&join(&[&definition.session, &definition.id]), row));
        }
        self.touch_query(&definition.id);
    }

    /// Removes what leads to a definition other than its id.
    fn forget_query_keys(&mut self, definition: &PreparedQuery) {
        let tables = &mut self.tables;
        tables.queries_by_name.remove(&join(&[&definition.name]));
        if definition.is_template() {
            tables.query_templates.remove(lower(&definition.name).as_bytes());
        }
        tables.queries_by_session.remove(&join(&[&definition.session, &definition.id]));
    }

    fn touch_query(&mut self, id: &str) {
        self.move_table(Table::PreparedQueries);
        self.touch(Space::Query, id);
    }

    fn delete_query(&mut self, id: &str) {
        let Some(row) = self.tables.queries.remove(&join(&[id])).map(|slot| slot.value) else { return };
        self.forget_query_keys(&row.definition);
        self.touch_query(id);
    }

    /// Removes the definitions that are bound to a session.
    pub fn delete_queries_of(&mut self, session: &str) {
        let bound = self.tables.queries_by_session.iter_prefix(&join(&[session]));
        let bound: Vec<_> = bound.map(|slot| slot.value.definition.clone()).collect();
        bound.iter().for_each(|definition| self.delete_query(&definition.id));
    }
}

impl Snapshot {
    fn query_index(&self, ws: &mut WatchSet) -> Index {
        ws.depend_tables(&[Table::PreparedQueries]);
        self.tables().indexes.table(Table::PreparedQueries)
    }

    /// A definition by id.
    ///
    /// # Errors
    /// The text is no id.
    pub fn prepared_query(&self, ws: &mut WatchSet, id: &str) -> Result<(Index, Option<Arc<PreparedQuery>>)> {
        if let Some(why) = id_error(id) {
            return Err(Error::new(format!("failed prepared query lookup: {why}")));
        }
        ws.watch(Space::Query, lower(id).as_bytes());
        Ok((self.query_index(ws), self.tables().query(id).map(|row| row.definition.clone())))
    }

    /// All definitions, by id.
    pub fn prepared_queries(&self, ws: &mut WatchSet) -> (Index, Vec<Arc<PreparedQuery>>) {
        ws.watch_table(Table::PreparedQueries);
        let rows = self.tables().queries.iter().map(|slot| slot.value.definition.clone()).collect();
        (self.query_index(ws), rows)
    }

    /// The definition that answers for an id or a name, rendered (`spec/semantics.md` 17.3).
    ///
    /// # Errors
    /// An id of a template, or a text that cannot be rendered for this name.
    pub fn resolve_query(&self, id_or_name: &str, segment: &str) -> Result<Option<Arc<PreparedQuery>>> {
        let tables = self.tables();
        if is_id(id_or_name)
            && let Some(row) = tables.query(id_or_name)
        {
            return match row.template {
                None => Ok(Some(row.definition.clone())),
                Some(_) => Err(Error::new("prepared query templates can only be resolved up by name, not by ID")),
            };
        }
        let by_name = tables.query_named(id_or_name).filter(|_| !id_or_name.is_empty());
        let by_prefix = || tables.query_templates.longest_prefix(lower(id_or_name).as_bytes()).map(|slot| &slot.value);
        by_name.or_else(by_prefix).map(|row| row.resolve(id_or_name, segment)).transpose()
    }
}
