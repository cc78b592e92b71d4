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
    let _ = def;
    todo!()
}
