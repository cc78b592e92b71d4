//! The HTTP API: one file per endpoint group, query options, blocking, encoding, error-to-status mapping.
