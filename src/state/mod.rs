//! The state machine: tables, indexes, watches, snapshot records; one file per table.
