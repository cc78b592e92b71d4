//! Metrics with interval aggregation and the log: formats, levels, files, live monitors.
