//! The command tree: one file a command, one table of commands, Go-style flags, tables and JSON on stdout, errors on stderr.

use std::ffi::OsString;

/// Runs the command line and returns the exit code.
pub fn run(args: Vec<OsString>) -> i32 {
    let _ = args;
    1
}
