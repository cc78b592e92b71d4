//! Raft over real sockets.
