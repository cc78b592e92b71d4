//! Recorded bytes and bad ones.
