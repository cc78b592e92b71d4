//! Consensus: openraft behind our own module, log and vote on sled, snapshot files and archives.
