//! Alias checks: the worst of other checks (`spec/services-and-checks.md` 4.2, alias).

use super::{AliasSource, AliasView, CheckSink};
use crate::types::CheckStatus;
use std::sync::Arc;
use std::time::Duration;

/// Local state is looked at this often even when it does not announce a change.
const REFRESH: Duration = Duration::from_secs(60);

/// Failures in a row before a remote alias slows down.
const FREE_FAILURES: u32 = 3;

/// Longest wait between queries.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// A check that follows others.
pub struct Alias {
    /// Its own id; it does not follow itself.
    pub check_id: Arc<str>,
    /// Node to look at; empty is this one.
    pub node: String,
    /// Service id to look at; empty follows the node's own checks.
    pub service_id: String,
    /// Token of queries.
    pub token: String,
    /// Where to look.
    pub source: Arc<dyn AliasSource>,
    /// Where results go.
    pub sink: Arc<dyn CheckSink>,
}

impl Alias {
    /// Follows for ever.
    pub async fn run(self) {
        if self.node.is_empty() || self.source.is_local_node(&self.node) {
            self.follow_local().await
        } else {
            self.follow_remote().await
        }
    }

    async fn follow_local(&self) {
        let mut changes = self.source.local_changes();
        loop {
            changes.mark_unchanged();
            self.tell(&self.source.local(&self.service_id));
            match tokio::time::timeout(REFRESH, changes.changed()).await {
                Ok(Ok(())) | Err(_) => {}
                // The agent is going.
                Ok(Err(_)) => return,
            }
        }
    }

    async fn follow_remote(&self) {
        let (mut index, mut failures) = (0, 0_u32);
        loop {
            match self.source.remote(&self.node, &self.service_id, &self.token, index).await {
                Ok(view) => {
                    failures = 0;
                    // An index that goes back means that the servers were restored; one of 0 would not block.
                    index = if view.index < index { 0 } else { view.index.max(1) };
                    self.tell(&view);
                }
                Err(error) => {
                    failures += 1;
                    index = 0;
                    let output = format!("Failure checking aliased node or service: {error}");
                    self.sink.update(&self.check_id, CheckStatus::Critical, output);
                    tokio::time::sleep(backoff(failures)).await;
                }
            }
        }
    }

    fn tell(&self, view: &AliasView) {
        let (status, output) = judge(view, &self.check_id, &self.service_id, &self.node);
        self.sink.update(&self.check_id, status, output);
    }
}

fn backoff(failures: u32) -> Duration {
    let seconds = if failures > FREE_FAILURES { 1_u64.checked_shl(failures).unwrap_or(u64::MAX) } else { 1 };
    Duration::from_secs(seconds).min(MAX_BACKOFF)
}

/// The first critical check decides, else a warning one.
fn judge(view: &AliasView, own_id: &str, service_id: &str, node: &str) -> (CheckStatus, String) {
    if !service_id.is_empty() && !view.service_exists {
        return (CheckStatus::Critical, format!("Service {service_id} could not be found on node {node}"));
    }
    let mut relevant = view
        .checks
        .iter()
        .filter(|check| check.check_id != own_id)
        // Two aliases on the node would hold each other critical for ever.
        .filter(|check| !(check.kind == "alias" && check.service_id.is_empty()))
        .filter(|check| check.service_id.is_empty() || check.service_id == service_id)
        .peekable();
    if relevant.peek().is_none() {
        return (CheckStatus::Passing, "No checks found.".to_owned());
    }
    let failing = relevant
        .filter_map(|check| CheckStatus::parse(&check.status).map(|status| (status, check)))
        .filter(|(status, _)| *status != CheckStatus::Passing)
        .reduce(|worst, next| if next.0 > worst.0 { next } else { worst });
    match failing {
        Some((status, check)) => (status, format!("Aliased check {:?} failing: {}", check.name, check.output)),
        None => (CheckStatus::Passing, "All checks passing.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::AliasedCheck;
    use super::*;

    #[test]
    fn the_worst_of_the_right_checks_decides() {
        let check = |service: &str, status: &str| AliasedCheck {
            check_id: format!("{service}-{status}"),
            kind: "ttl".into(),
            name: format!("{service}-{status}"),
            service_id: service.into(),
            status: status.into(),
            output: "why\n".into(),
        };
        let judged =
            |checks: Vec<AliasedCheck>| judge(&AliasView { index: 1, service_exists: true, checks }, "own", "web", "");
        let failing = |name: &str| format!("Aliased check {name:?} failing: why\n");
        assert_eq!(judged(vec![]), (CheckStatus::Passing, "No checks found.".into()));
        assert_eq!(judged(vec![check("db", "critical")]), (CheckStatus::Passing, "No checks found.".into()));
        let own = AliasedCheck { check_id: "own".into(), ..check("", "critical") };
        assert_eq!(judged(vec![own]), (CheckStatus::Passing, "No checks found.".into()));
        let other = AliasedCheck { kind: "alias".into(), ..check("", "critical") };
        assert_eq!(judged(vec![other]), (CheckStatus::Passing, "No checks found.".into()));
        let passing = || vec![check("web", "passing"), check("", "passing"), check("db", "critical")];
        assert_eq!(judged(passing()), (CheckStatus::Passing, "All checks passing.".into()));
        let warning = || [passing(), vec![check("", "warning"), check("web", "warning")]].concat();
        assert_eq!(judged(warning()), (CheckStatus::Warning, failing("-warning")));
        let critical = [warning(), vec![check("web", "critical"), check("", "critical")]].concat();
        assert_eq!(judged(critical), (CheckStatus::Critical, failing("web-critical")));
        let gone = judge(&AliasView::default(), "own", "nope", "ext");
        assert_eq!(gone, (CheckStatus::Critical, "Service nope could not be found on node ext".into()));
    }

    #[test]
    fn failing_queries_slow_down_to_a_minute() {
        let waits: Vec<u64> = [1, 3, 4, 5, 6, 40, 64].into_iter().map(|n| backoff(n).as_secs()).collect();
        assert_eq!(waits, [1, 1, 16, 32, 60, 60, 60]);
    }
}
