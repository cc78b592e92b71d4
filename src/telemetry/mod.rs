//! Metrics with interval aggregation and the log: formats, levels, files, live monitors; limits whose use is counted;
//! the audit log.

pub mod audit;
pub mod limits;
pub mod logging;
pub mod metrics;
