//! The daemon as a whole: start, restart, signals, one data directory for one agent.

use crate::support::*;

#[test]
fn an_unknown_command_prints_the_help_on_stderr_and_exits_127() {
    let output = run_cli(BINARY, &["nosuch"], &[], b"");
    assert_eq!(output.status.code(), Some(127));
    assert!(stdout(&output).is_empty());
    assert!(stderr(&output).contains("Usage:"));
}
