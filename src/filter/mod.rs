//! The `?filter=` expression language (`spec/http-api.md` 1.15): parse once, evaluate on typed rows.
//!
//! A type takes part by a small table of its selectable fields ([`Filterable`], `tables.rs`). Parsing resolves every
//! selector against that table, so that evaluation follows indexes and borrows field values: it allocates nothing.

mod coerce;
mod evaluate;
pub(crate) mod fuzzing;
pub mod go_regex;
mod parse;
mod tables;
#[cfg(test)]
mod tests;
mod value;

pub use value::{Field, Filterable, Kind, Mapping, Record, Sequence, Table, TableOf, Typed, Value, kind_of};

use crate::types::Error;
use std::marker::PhantomData;

/// Words in front of every error.
const ERROR_PREFIX: &str = "Failed to create boolean expression evaluator: ";

/// A parsed expression over rows of type `T`.
pub struct Filter<T> {
    /// `None` accepts every row.
    program: Option<evaluate::Program>,
    row: PhantomData<fn(&T)>,
}

impl<T: Filterable> Filter<T> {
    /// Parses an expression and checks its selectors and operators against `T`. The empty text accepts every row.
    ///
    /// Errors carry the reference's words, prefix included (`spec/http-api.md` 1.15), and answer with 500.
    pub fn parse(text: &str) -> Result<Filter<T>, Error> {
        let program = syntax(text)?
            .map(|syntax| evaluate::compile(&syntax, &TableOf::<T>::TABLE))
            .transpose()
            .map_err(|reason| Error::with_status(500, format!("{ERROR_PREFIX}{reason}")))?;
        Ok(Filter { program, row: PhantomData })
    }

    /// True when the expression accepts every row (it was empty).
    pub fn is_empty(&self) -> bool {
        self.program.is_none()
    }

    /// Evaluates the expression on one row.
    pub fn matches(&self, row: &T) -> bool {
        self.program.as_ref().is_none_or(|program| program.run(Value::Object(row)))
    }
}

/// Checks the grammar alone, for places where selectors are only looked at when there are rows (`/v1/agent/checks`).
pub fn check_syntax(text: &str) -> Result<(), Error> {
    syntax(text).map(|_| ())
}

fn syntax(text: &str) -> Result<Option<parse::Syntax>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    parse::parse(text).map(Some).map_err(|reason| Error::with_status(500, format!("{ERROR_PREFIX}{reason}")))
}
