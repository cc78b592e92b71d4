//! The log: hclog's text and JSON lines on tracing (`spec/cli.md` 10.5).
