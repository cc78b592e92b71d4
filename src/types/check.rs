//! Health checks: the catalog row, its definition, and the definition an agent runs.

use super::duration::nanos;
use super::value::{is_zero, map_is_empty};
use super::{GoDuration, Index};
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Status of a check, ordered from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// All is well.
    Passing,
    /// Reachable but in trouble.
    Warning,
    /// Out of service; the state of a check that has not run yet.
    #[default]
    Critical,
}

impl CheckStatus {
    /// The text of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Passing => "passing",
            CheckStatus::Warning => "warning",
            CheckStatus::Critical => "critical",
        }
    }

    /// Reads the text of the API.
    pub fn parse(text: &str) -> Option<Self> {
        [CheckStatus::Passing, CheckStatus::Warning, CheckStatus::Critical].into_iter().find(|s| s.as_str() == text)
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row of the `checks` table (`spec/http-api.md` 2.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthCheck {
    /// Node name.
    pub node: String,
    /// Check id, unique on its node.
    #[serde(rename = "CheckID")]
    pub check_id: String,
    /// Name for humans.
    pub name: String,
    /// `passing`, `warning` or `critical`; free text can arrive through the catalog and is kept.
    pub status: String,
    /// Notes for humans.
    pub notes: String,
    /// Last output.
    pub output: String,
    /// Instance that the check belongs to; empty for node checks.
    #[serde(rename = "ServiceID")]
    pub service_id: String,
    /// Name of that service.
    pub service_name: String,
    /// Tags of that service when the check was stored; null in what others write of node checks.
    #[serde(deserialize_with = "super::value::null_default")]
    pub service_tags: Vec<String>,
    /// Kind: `http`, `ttl`, ... or empty.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Display copy of the interval.
    pub interval: String,
    /// Display copy of the timeout.
    pub timeout: String,
    /// Port on which a proxy exposes the check.
    pub exposed_port: i64,
    /// Definition as registered in the catalog; empty for agent checks.
    pub definition: CheckDefinition,
    /// Peer name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer_name: String,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

impl HealthCheck {
    /// The status when it is one of the three known ones.
    pub fn known_status(&self) -> Option<CheckStatus> {
        CheckStatus::parse(&self.status)
    }
}

/// Headers of an HTTP check.
pub type Headers = Option<BTreeMap<String, Vec<String>>>;

/// Definition of a check in the catalog; all fields are left out when zero (`spec/http-api.md` 2.5).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckDefinition {
    /// Time between runs.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: GoDuration,
    /// Output limit, bytes.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_max_size: i64,
    /// Time limit of a run.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: GoDuration,
    /// Reaping time.
    #[serde(skip_serializing_if = "is_zero")]
    pub deregister_critical_service_after: GoDuration,
    /// URL.
    #[serde(rename = "HTTP", skip_serializing_if = "String::is_empty")]
    pub http: String,
    /// TLS name.
    #[serde(rename = "TLSServerName", skip_serializing_if = "String::is_empty")]
    pub tls_server_name: String,
    /// Do not verify.
    #[serde(rename = "TLSSkipVerify", skip_serializing_if = "is_zero")]
    pub tls_skip_verify: bool,
    /// HTTP headers.
    #[serde(skip_serializing_if = "map_is_empty")]
    #[debug("{}", hidden(header))]
    pub header: Headers,
    /// HTTP method.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// HTTP body.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[debug("{}", hidden(body))]
    pub body: String,
    /// Do not follow redirects.
    #[serde(skip_serializing_if = "is_zero")]
    pub disable_redirects: bool,
    /// `host:port`.
    #[serde(rename = "TCP", skip_serializing_if = "String::is_empty")]
    pub tcp: String,
    /// TLS on TCP.
    #[serde(rename = "TCPUseTLS", skip_serializing_if = "is_zero")]
    pub tcp_use_tls: bool,
    /// `host:port`.
    #[serde(rename = "UDP", skip_serializing_if = "String::is_empty")]
    pub udp: String,
    /// `host:port`.
    #[serde(rename = "H2PING", skip_serializing_if = "String::is_empty")]
    pub h2ping: String,
    /// OS service name.
    #[serde(rename = "OSService", skip_serializing_if = "String::is_empty")]
    pub os_service: String,
    /// TLS on h2ping.
    #[serde(rename = "H2PingUseTLS", skip_serializing_if = "is_zero")]
    pub h2ping_use_tls: bool,
    /// Command and arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script_args: Vec<String>,
    /// Container.
    #[serde(rename = "DockerContainerID", skip_serializing_if = "String::is_empty")]
    pub docker_container_id: String,
    /// Shell in the container.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shell: String,
    /// `host:port[/service]`.
    #[serde(rename = "GRPC", skip_serializing_if = "String::is_empty")]
    pub grpc: String,
    /// TLS on gRPC.
    #[serde(rename = "GRPCUseTLS", skip_serializing_if = "is_zero")]
    pub grpc_use_tls: bool,
    /// Aliased node.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias_node: String,
    /// Aliased service id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias_service: String,
    /// Session name (type `session`).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session_name: String,
    /// Time to live, a number also in JSON.
    #[serde(rename = "TTL", with = "nanos", skip_serializing_if = "is_zero")]
    pub ttl: GoDuration,
}

fn on() -> bool {
    true
}

/// The definition of a check that an agent runs (`spec/services-and-checks.md` 3.1); JSON durations are numbers
/// because this is the persisted form. Registration bodies with text durations are read as well.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckType {
    /// Check id.
    #[serde(rename = "CheckID")]
    pub check_id: String,
    /// Name.
    pub name: String,
    /// Initial status.
    pub status: String,
    /// Notes.
    pub notes: String,
    /// Command and arguments.
    pub script_args: Option<Vec<String>>,
    /// URL.
    #[serde(rename = "HTTP")]
    pub http: String,
    /// `host:port`.
    #[serde(rename = "H2PING")]
    pub h2ping: String,
    /// TLS on h2ping; on unless a registration turns it off.
    #[serde(rename = "H2PingUseTLS", default = "on")]
    pub h2ping_use_tls: bool,
    /// HTTP headers.
    #[debug("{}", hidden(header))]
    pub header: Headers,
    /// HTTP method.
    pub method: String,
    /// HTTP body.
    #[debug("{}", hidden(body))]
    pub body: String,
    /// Do not follow redirects.
    pub disable_redirects: bool,
    /// `host:port`.
    #[serde(rename = "TCP")]
    pub tcp: String,
    /// TLS on TCP.
    #[serde(rename = "TCPUseTLS")]
    pub tcp_use_tls: bool,
    /// `host:port`.
    #[serde(rename = "UDP")]
    pub udp: String,
    /// Time between runs.
    #[serde(with = "nanos")]
    pub interval: GoDuration,
    /// Aliased node.
    pub alias_node: String,
    /// Aliased service id.
    pub alias_service: String,
    /// Container.
    #[serde(rename = "DockerContainerID")]
    pub docker_container_id: String,
    /// Shell in the container.
    pub shell: String,
    /// `host:port[/service]`.
    #[serde(rename = "GRPC")]
    pub grpc: String,
    /// TLS on gRPC.
    #[serde(rename = "GRPCUseTLS")]
    pub grpc_use_tls: bool,
    /// OS service name.
    #[serde(rename = "OSService")]
    pub os_service: String,
    /// TLS name.
    #[serde(rename = "TLSServerName")]
    pub tls_server_name: String,
    /// Do not verify.
    #[serde(rename = "TLSSkipVerify")]
    pub tls_skip_verify: bool,
    /// Time limit of a run.
    #[serde(with = "nanos")]
    pub timeout: GoDuration,
    /// Time to live.
    #[serde(rename = "TTL", with = "nanos")]
    pub ttl: GoDuration,
    /// Results in a row before passing.
    pub success_before_passing: i64,
    /// Failures in a row before warning.
    pub failures_before_warning: i64,
    /// Failures in a row before critical.
    pub failures_before_critical: i64,
    /// HTTP URL through the proxy.
    #[serde(rename = "ProxyHTTP", skip_serializing_if = "String::is_empty")]
    pub proxy_http: String,
    /// gRPC target through the proxy.
    #[serde(rename = "ProxyGRPC", skip_serializing_if = "String::is_empty")]
    pub proxy_grpc: String,
    /// Reaping time.
    #[serde(with = "nanos")]
    pub deregister_critical_service_after: GoDuration,
    /// Output limit, bytes.
    pub output_max_size: i64,
}

/// A service check that a session depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceCheckRef {
    /// Check id on the session's node.
    #[serde(rename = "ID")]
    pub id: String,
    /// Enterprise.
    pub namespace: String,
}
