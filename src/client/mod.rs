//! The HTTP API client that the commands use: addresses, tokens, TLS options from flags and environment, typed calls.
