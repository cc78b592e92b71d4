//! Configuration: sources, merge, validation; HCL 1 and JSON in, `RuntimeConfig` out.
