//! Metrics with interval aggregation and the log: formats, levels, files, live monitors.

pub mod logging;
pub mod metrics;
