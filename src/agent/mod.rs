//! The daemon: start, reload, leave; local services and checks, anti-entropy, maintenance.
