//! Kinds of checks, and which definitions are valid (`spec/services-and-checks.md` 3.2).

use crate::types::CheckType;

/// Kind of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckKind {
    /// Set by clients.
    Ttl,
    /// HTTP request.
    Http,
    /// TCP connect.
    Tcp,
    /// UDP datagram.
    Udp,
    /// gRPC health service.
    Grpc,
    /// Command in a container.
    Docker,
    /// Service of the operating system.
    OsService,
    /// Command on this machine.
    Script,
    /// HTTP/2 ping.
    H2Ping,
    /// Follows other checks.
    Alias,
}

impl CheckKind {
    /// What a definition runs as when several kinds are set; `None` when none is.
    pub fn of(def: &CheckType) -> Option<CheckKind> {
        RUN_ORDER.iter().find(|(_, is)| is(def)).map(|(kind, _)| *kind)
    }

    /// The `Type` that is reported for a definition: the same kinds in another order; `""` for none.
    pub fn reported(def: &CheckType) -> &'static str {
        use CheckKind::*;
        const ORDER: [CheckKind; 10] = [Grpc, Http, Ttl, Tcp, Udp, Alias, Docker, Script, H2Ping, OsService];
        ORDER.into_iter().find(|kind| kind.is_set(def)).map_or("", CheckKind::as_str)
    }

    /// The text of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            CheckKind::Ttl => "ttl",
            CheckKind::Http => "http",
            CheckKind::Tcp => "tcp",
            CheckKind::Udp => "udp",
            CheckKind::Grpc => "grpc",
            CheckKind::Docker => "docker",
            CheckKind::OsService => "os_service",
            CheckKind::Script => "script",
            CheckKind::H2Ping => "h2ping",
            CheckKind::Alias => "alias",
        }
    }

    fn is_set(self, def: &CheckType) -> bool {
        RUN_ORDER.iter().any(|(kind, is)| *kind == self && is(def))
    }
}

type IsKind = fn(&CheckType) -> bool;

fn has_args(def: &CheckType) -> bool {
    def.script_args.as_ref().is_some_and(|args| !args.is_empty())
}

/// Kinds in the order in which a runner looks at them.
const RUN_ORDER: [(CheckKind, IsKind); 10] = [
    (CheckKind::Ttl, |def| def.ttl.0 != 0),
    (CheckKind::Http, |def| !def.http.is_empty() && def.interval.0 != 0),
    (CheckKind::Tcp, |def| !def.tcp.is_empty() && def.interval.0 != 0),
    (CheckKind::Udp, |def| !def.udp.is_empty() && def.interval.0 != 0),
    (CheckKind::Grpc, |def| !def.grpc.is_empty() && def.interval.0 != 0),
    (CheckKind::Docker, |def| has_args(def) && !def.docker_container_id.is_empty()),
    (CheckKind::OsService, |def| !def.os_service.is_empty() && def.interval.0 != 0),
    (CheckKind::Script, |def| has_args(def) && def.docker_container_id.is_empty()),
    (CheckKind::H2Ping, |def| !def.h2ping.is_empty() && def.interval.0 != 0),
    (CheckKind::Alias, |def| !def.alias_node.is_empty() || !def.alias_service.is_empty()),
];

/// Checks a definition; the error is the bare reason, callers put their prefix in front (`Invalid check: ` for HTTP,
/// `check "name": ` for configuration).
pub fn validate(def: &CheckType) -> Result<(), String> {
    let active = has_args(def)
        || [&def.http, &def.tcp, &def.udp, &def.grpc, &def.h2ping, &def.os_service]
            .into_iter()
            .any(|text| !text.is_empty());
    let alias = !def.alias_node.is_empty() || !def.alias_service.is_empty();
    let (interval, ttl) = (def.interval.0, def.ttl.0);
    let rules = [
        (interval > 0 && ttl > 0, "Interval and TTL cannot both be specified"),
        (active && interval <= 0, "Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks"),
        (active && alias, "Interval cannot be set for Alias checks"),
        (alias && ttl > 0, "TTL must be not be set for Alias checks"),
        (!active && !alias && ttl <= 0, "TTL must be > 0 for TTL checks"),
        (def.output_max_size < 0, "MaxOutputMaxSize must be positive"),
        (
            def.failures_before_warning > def.failures_before_critical,
            "FailuresBeforeWarning can't be higher than FailuresBeforeCritical",
        ),
    ];
    match rules.into_iter().find(|(broken, _)| *broken) {
        Some((_, reason)) => Err(reason.to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::GoDuration;

    fn def(text: serde_json::Value) -> CheckType {
        serde_json::from_value(text).expect("a definition")
    }

    #[test]
    fn definitions_are_refused_in_order() {
        for (text, wanted) in [
            (serde_json::json!({"HTTP": "http://x", "Interval": "1s"}), None),
            (serde_json::json!({"TTL": "1s"}), None),
            (serde_json::json!({"AliasService": "web"}), None),
            (
                serde_json::json!({"HTTP": "http://x", "Interval": "1s", "TTL": "1s"}),
                Some("Interval and TTL cannot both be specified"),
            ),
            (
                serde_json::json!({"UDP": "x:1"}),
                Some("Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks"),
            ),
            (
                serde_json::json!({"TCP": "x:1", "Interval": "1s", "AliasNode": "n"}),
                Some("Interval cannot be set for Alias checks"),
            ),
            (serde_json::json!({"AliasNode": "n", "TTL": "1s"}), Some("TTL must be not be set for Alias checks")),
            (serde_json::json!({}), Some("TTL must be > 0 for TTL checks")),
            (serde_json::json!({"Interval": "1s"}), Some("TTL must be > 0 for TTL checks")),
            (serde_json::json!({"TTL": "1s", "OutputMaxSize": -1}), Some("MaxOutputMaxSize must be positive")),
            (
                serde_json::json!({"TTL": "1s", "FailuresBeforeWarning": 2, "FailuresBeforeCritical": 1}),
                Some("FailuresBeforeWarning can't be higher than FailuresBeforeCritical"),
            ),
        ] {
            assert_eq!(validate(&def(text.clone())).err().as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn runner_and_report_rank_kinds_differently() {
        let both = CheckType {
            http: "http://x".into(),
            grpc: "x:1".into(),
            interval: GoDuration::secs(1),
            ..CheckType::default()
        };
        assert_eq!(CheckKind::of(&both), Some(CheckKind::Http));
        assert_eq!(CheckKind::reported(&both), "grpc");
        let docker = def(serde_json::json!({"ScriptArgs": ["x"], "DockerContainerID": "c", "Interval": "1s"}));
        assert_eq!(CheckKind::of(&docker), Some(CheckKind::Docker));
        assert_eq!(CheckKind::reported(&docker), "docker");
        assert_eq!(CheckKind::of(&CheckType::default()), None);
        assert_eq!(CheckKind::reported(&CheckType::default()), "");
    }
}
