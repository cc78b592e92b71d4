//! The life of a check that runs by itself: a random start, then one run after the other, counted into a status
//! (`spec/services-and-checks.md` 4 and 5).

use super::CheckSink;
use crate::types::{CheckStatus, CheckType};
use futures::future::BoxFuture;
use rand::Rng;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};

/// Result of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What the run found.
    pub status: CheckStatus,
    /// What it says.
    pub output: String,
    /// The check could not be run to its end: told at once, whatever the thresholds.
    pub broken: bool,
}

impl Outcome {
    /// A result that the thresholds count.
    pub fn new(status: CheckStatus, output: impl Into<String>) -> Outcome {
        Outcome { status, output: output.into(), broken: false }
    }

    /// A failure that the thresholds count.
    pub fn critical(output: impl Into<String>) -> Outcome {
        Self::new(CheckStatus::Critical, output)
    }
}

/// One way to find out how a service does.
pub trait Probe: Send + Sync + 'static {
    /// Runs once. Dropping the future stops the run. A result is reported as soon as `report` is called; the next run
    /// is counted from the end of the future.
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()>;
}

/// Runs a probe for ever.
pub async fn run(
    check_id: Arc<str>,
    interval: Duration,
    def: Thresholds,
    probe: Box<dyn Probe>,
    sink: Arc<dyn CheckSink>,
) {
    let mut thresholds = def;
    let stagger = rand::rng().random_range(Duration::ZERO..interval.max(Duration::from_nanos(1)));
    tokio::time::sleep(stagger).await;
    loop {
        let mut report = |outcome: Outcome| {
            if let Some(status) = thresholds.count(&check_id, &outcome) {
                sink.update(&check_id, status, outcome.output);
            }
        };
        probe.run(&mut report).await;
        tokio::time::sleep(interval).await;
    }
}

/// Counts results in a row (`spec/services-and-checks.md` 5).
#[derive(Clone, Debug)]
pub struct Thresholds {
    success_before_passing: i64,
    failures_before_warning: i64,
    failures_before_critical: i64,
    successes: i64,
    failures: i64,
}

impl Thresholds {
    /// Counters that let the very first result through.
    pub fn new(def: &CheckType) -> Thresholds {
        let warning = def.failures_before_warning;
        Thresholds {
            success_before_passing: def.success_before_passing,
            failures_before_warning: if warning == 0 { def.failures_before_critical } else { warning },
            failures_before_critical: def.failures_before_critical,
            successes: def.success_before_passing,
            failures: def.failures_before_critical,
        }
    }

    /// Counts a result; the status to publish, or none to keep what is.
    fn count(&mut self, check_id: &str, outcome: &Outcome) -> Option<CheckStatus> {
        if outcome.broken {
            return Some(outcome.status);
        }
        if outcome.status != CheckStatus::Critical {
            self.successes += 1;
            self.failures = 0;
            if self.successes >= self.success_before_passing {
                debug!(target: "agent", check = %check_id, status = %outcome.status, "Check status updated");
                return Some(outcome.status);
            }
            warn!(target: "agent", check = %check_id, status = %outcome.status, success_count = self.successes,
                success_threshold = self.success_before_passing, "Check passed but has not reached success threshold");
            return None;
        }
        self.failures += 1;
        self.successes = 0;
        if self.failures >= self.failures_before_critical {
            warn!(target: "agent", check = %check_id, "Check is now critical");
            return Some(CheckStatus::Critical);
        }
        if self.failures >= self.failures_before_warning {
            warn!(target: "agent", check = %check_id, "Check is now warning");
            return Some(CheckStatus::Warning);
        }
        warn!(target: "agent", check = %check_id, status = %outcome.status, failure_count = self.failures,
            warning_threshold = self.failures_before_warning, failure_threshold = self.failures_before_critical,
            "Check failed but has not reached warning/failure threshold");
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckStatus::{Critical, Passing, Warning};

    /// Feeds results (`p`, `w`, `c`) and shows what was published (`-` for nothing).
    fn published(success: i64, warning: i64, critical: i64, results: &str) -> String {
        let mut thresholds = Thresholds::new(&CheckType {
            success_before_passing: success,
            failures_before_warning: warning,
            failures_before_critical: critical,
            ..CheckType::default()
        });
        let shown = |status| match status {
            None => '-',
            Some(Passing) => 'p',
            Some(Warning) => 'w',
            Some(Critical) => 'c',
        };
        results
            .chars()
            .map(|result| {
                let status = match result {
                    'p' => Passing,
                    'w' => Warning,
                    _ => Critical,
                };
                shown(thresholds.count("x", &Outcome::new(status, "")))
            })
            .collect()
    }

    #[test]
    fn results_count_before_they_are_published() {
        for (success, warning, critical, results, wanted) in [
            (0, 0, 0, "pcwc", "pcwc"),
            (3, 0, 0, "pcpppp", "pc--pp"),
            (0, 0, 3, "cpcccc", "cp--cc"),
            (0, 1, 3, "pcccc", "pwwcc"),
            (0, 2, 3, "pcccpc", "p-wcp-"),
            (2, 0, 0, "wcwwp", "wc-wp"),
        ] {
            assert_eq!(published(success, warning, critical, results), wanted, "{success} {warning} {critical}");
        }
    }

    #[test]
    fn a_run_that_could_not_be_finished_is_told_at_once() {
        let mut thresholds = Thresholds::new(&CheckType { failures_before_critical: 5, ..CheckType::default() });
        assert_eq!(thresholds.count("x", &Outcome::new(Passing, "")), Some(Passing));
        let broken = Outcome { broken: true, ..Outcome::critical("Timed out (1s) running check") };
        assert_eq!(thresholds.count("x", &broken), Some(Critical));
    }
}
