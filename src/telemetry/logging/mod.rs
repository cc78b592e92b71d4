//! The log: hclog's text and JSON lines on tracing (`spec/cli.md` 10.5).

use tokio::sync::mpsc;
use tracing::Level;

/// Lines that a slow monitor may lag behind; more are dropped.
pub const MONITOR_BUFFER: usize = 512;

/// A live view of the log; dropping it ends the view.
pub struct Monitor {
    lines: mpsc::Receiver<String>,
}

impl Monitor {
    /// The next line, with its newline; `None` when the log has ended.
    pub async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}

/// Live log lines from `level` on, whatever the level of the log itself.
pub fn monitor(level: Level, json: bool) -> Monitor {
    let _ = (level, json);
    todo!()
}

/// Reads a level as the configuration and the API write it, in any case.
pub fn parse_level(text: &str) -> Option<Level> {
    match text.to_ascii_uppercase().as_str() {
        "TRACE" => Some(Level::TRACE),
        "DEBUG" => Some(Level::DEBUG),
        "INFO" => Some(Level::INFO),
        "WARN" => Some(Level::WARN),
        "ERR" | "ERROR" => Some(Level::ERROR),
        _ => None,
    }
}
