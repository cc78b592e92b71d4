//! Tests of the endpoints on a server that keeps everything in memory.
