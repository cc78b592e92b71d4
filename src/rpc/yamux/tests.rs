//! Sessions against recorded bytes and against each other.
