//! What every endpoint needs, and what who lacks it gets.

use Without::*;

/// What a caller gets who lacks the permission.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Without {
    /// Nobody lacks anything.
    Open,
    /// 403; the permission as the refusal names it (empty when it names none), and on what (empty for nothing).
    Refused(&'static str, &'static str),
    /// An answer without the rows that may not be seen; this text is in the full one.
    Filtered(&'static str),
    /// The refusal among the errors of a transaction, 409.
    Rolled(&'static str, &'static str),
}

/// One form of an endpoint.
pub struct Row {
    /// Method.
    pub method: &'static str,
    /// Path and query. `{session}`, `{other-session}` and `{query}` stand for ids.
    pub target: &'static str,
    /// Body.
    pub body: &'static str,
    /// Rules that suffice.
    pub needs: &'static str,
    /// Rules that are one level too low, where there is a lower one.
    pub low: &'static str,
    /// What happens otherwise.
    pub without: Without,
}

const fn row(
    method: &'static str,
    target: &'static str,
    body: &'static str,
    needs: &'static str,
    low: &'static str,
    without: Without,
) -> Row {
    Row { method, target, body, needs, low, without }
}

const AGENT_READ: &str = r#"agent "node1" { policy = "read" }"#;
const AGENT_WRITE: &str = r#"agent "node1" { policy = "write" }"#;
const NODE1_READ: &str = r#"node "node1" { policy = "read" }"#;
const NODE1_WRITE: &str = r#"node "node1" { policy = "write" }"#;
const EXT: &str = r#"node "ext" { policy = "read" }"#;
const EXT_WEB: &str = r#"node "ext" { policy = "read" } service "web" { policy = "read" }"#;
const WEB: &str = r#"service "web" { policy = "read" }"#;
const LOCAL_READ: &str = r#"service "local" { policy = "read" }"#;
const LOCAL_WRITE: &str = r#"service "local" { policy = "write" }"#;
const MINE_READ: &str = r#"service "mine" { policy = "read" }"#;
const MINE_WRITE: &str = r#"service "mine" { policy = "write" }"#;
const SESSION_READ: &str = r#"session "node1" { policy = "read" }"#;
const SESSION_WRITE: &str = r#"session "node1" { policy = "write" }"#;
const OPERATOR_READ: &str = r#"operator = "read""#;
const OPERATOR_WRITE: &str = r#"operator = "write""#;
const KEYRING_READ: &str = r#"keyring = "read""#;
const KEYRING_WRITE: &str = r#"keyring = "write""#;
const ACL_READ: &str = r#"acl = "read""#;
const ACL_WRITE: &str = r#"acl = "write""#;

/// The endpoints, in an order in which every request finds what it is about.
pub const ROWS: &[Row] = &[
    row("GET", "/v1/agent/version", "", "", "", Open),
    row("GET", "/v1/agent/self", "", AGENT_READ, "", Refused("agent:read", "node1")),
    row("GET", "/v1/agent/metrics", "", AGENT_READ, "", Refused("agent:read", "node1")),
    row("GET", "/v1/agent/host", "", OPERATOR_READ, "", Refused("operator:read", "")),
    row("GET", "/v1/agent/members", "", NODE1_READ, "", Filtered("node1")),
    row("PUT", "/v1/agent/reload", "", AGENT_WRITE, AGENT_READ, Refused("agent:write", "node1")),
    row("PUT", "/v1/agent/maintenance?enable=false", "", NODE1_WRITE, NODE1_READ, Refused("node:write", "node1")),
    row("PUT", "/v1/agent/join/127.0.0.1:1", "", AGENT_WRITE, AGENT_READ, Refused("agent:write", "node1")),
    row("PUT", "/v1/agent/force-leave/nobody", "", OPERATOR_WRITE, OPERATOR_READ, Refused("operator:write", "")),
    row("PUT", "/v1/agent/token/dns", r#"{"Token":""}"#, AGENT_WRITE, AGENT_READ, Refused("agent:write", "node1")),
    row("GET", "/v1/agent/services", "", LOCAL_READ, "", Filtered("local")),
    row("GET", "/v1/agent/service/local", "", LOCAL_READ, "", Refused("service:read", "local")),
    row("GET", "/v1/agent/health/service/id/local", "", LOCAL_READ, "", Refused("service:read", "local")),
    row("GET", "/v1/agent/health/service/name/local", "", LOCAL_READ, "", Refused("service:read", "local")),
    row(
        "PUT",
        "/v1/agent/service/register",
        r#"{"Name":"mine"}"#,
        MINE_WRITE,
        MINE_READ,
        Refused("service:write", "mine"),
    ),
    row(
        "PUT",
        "/v1/agent/service/register",
        r#"{"Name":"mine","Connect":{"SidecarService":{}}}"#,
        r#"service "mine" { policy = "write" } service "mine-sidecar-proxy" { policy = "write" }"#,
        MINE_READ,
        Refused("service:write", "mine"),
    ),
    row(
        "PUT",
        "/v1/agent/service/maintenance/mine?enable=false",
        "",
        MINE_WRITE,
        MINE_READ,
        Refused("service:write", "mine"),
    ),
    row("PUT", "/v1/agent/service/deregister/mine", "", MINE_WRITE, MINE_READ, Refused("service:write", "mine")),
    row("GET", "/v1/agent/checks", "", LOCAL_READ, "", Filtered("service:local")),
    row(
        "PUT",
        "/v1/agent/check/register",
        r#"{"Name":"of-node","TTL":"1h"}"#,
        NODE1_WRITE,
        NODE1_READ,
        Refused("node:write", "node1"),
    ),
    row(
        "PUT",
        "/v1/agent/check/register",
        r#"{"Name":"of-local","TTL":"1h","ServiceID":"local"}"#,
        LOCAL_WRITE,
        LOCAL_READ,
        Refused("service:write", "local"),
    ),
    row("PUT", "/v1/agent/check/pass/of-local", "", LOCAL_WRITE, LOCAL_READ, Refused("service:write", "local")),
    row("PUT", "/v1/agent/check/warn/of-node", "", NODE1_WRITE, NODE1_READ, Refused("node:write", "node1")),
    row("PUT", "/v1/agent/check/fail/of-local", "", LOCAL_WRITE, LOCAL_READ, Refused("service:write", "local")),
    row(
        "PUT",
        "/v1/agent/check/update/of-local",
        r#"{"Status":"passing"}"#,
        LOCAL_WRITE,
        LOCAL_READ,
        Refused("service:write", "local"),
    ),
    row("PUT", "/v1/agent/check/deregister/of-node", "", NODE1_WRITE, NODE1_READ, Refused("node:write", "node1")),
    row("GET", "/v1/status/leader", "", "", "", Open),
    row("GET", "/v1/status/peers", "", "", "", Open),
    row("GET", "/v1/catalog/datacenters", "", "", "", Open),
    row("GET", "/v1/catalog/nodes", "", EXT, "", Filtered("ext")),
    row("GET", "/v1/catalog/services", "", WEB, "", Filtered("web")),
    row("GET", "/v1/catalog/service/web", "", EXT_WEB, WEB, Filtered("10.0.0.9")),
    row("GET", "/v1/catalog/node/ext", "", EXT_WEB, WEB, Filtered("10.0.0.9")),
    row("GET", "/v1/catalog/node-services/ext", "", EXT_WEB, WEB, Filtered("10.0.0.9")),
    row(
        "PUT",
        "/v1/catalog/register",
        r#"{"Node":"new","Address":"10.0.0.8"}"#,
        r#"node "new" { policy = "write" }"#,
        r#"node "new" { policy = "read" }"#,
        Refused("node:write", "new"),
    ),
    row(
        "PUT",
        "/v1/catalog/register",
        r#"{"Node":"new","Address":"10.0.0.8","Service":{"Service":"mine"}}"#,
        MINE_WRITE,
        MINE_READ,
        Refused("service:write", "mine"),
    ),
    row(
        "PUT",
        "/v1/catalog/register",
        r#"{"Node":"new","Address":"10.0.0.8","Check":{"Name":"alive"}}"#,
        r#"node "new" { policy = "write" }"#,
        r#"node "new" { policy = "read" }"#,
        Refused("node:write", "new"),
    ),
    row(
        "PUT",
        "/v1/catalog/deregister",
        r#"{"Node":"new","ServiceID":"mine"}"#,
        MINE_WRITE,
        MINE_READ,
        Refused("service:write", "mine"),
    ),
    row(
        "PUT",
        "/v1/catalog/deregister",
        r#"{"Node":"new"}"#,
        r#"node "new" { policy = "write" }"#,
        r#"node "new" { policy = "read" }"#,
        Refused("node:write", "new"),
    ),
    row("GET", "/v1/health/node/ext", "", EXT_WEB, WEB, Filtered("alive")),
    row("GET", "/v1/health/checks/web", "", EXT_WEB, WEB, Filtered("alive")),
    row("GET", "/v1/health/state/passing", "", EXT_WEB, WEB, Filtered("alive")),
    row("GET", "/v1/health/service/web", "", EXT_WEB, WEB, Filtered("10.0.0.9")),
    row("GET", "/v1/kv/k/a", "", r#"key "k/a" { policy = "read" }"#, "", Refused("key:read", "k/a")),
    row("GET", "/v1/kv/k/none", "", r#"key_prefix "k/" { policy = "read" }"#, "", Refused("key:read", "k/none")),
    row("GET", "/v1/kv/k/?recurse", "", r#"key "k/a" { policy = "read" }"#, "", Filtered("k/a")),
    row("GET", "/v1/kv/k/?keys", "", r#"key "k/a" { policy = "read" }"#, "", Filtered("k/a")),
    row(
        "PUT",
        "/v1/kv/k/a",
        "new",
        r#"key "k/a" { policy = "write" }"#,
        r#"key "k/a" { policy = "list" }"#,
        Refused("key:write", "k/a"),
    ),
    row(
        "DELETE",
        "/v1/kv/k/b",
        "",
        r#"key "k/b" { policy = "write" }"#,
        r#"key "k/b" { policy = "read" }"#,
        Refused("key:write", "k/b"),
    ),
    row(
        "DELETE",
        "/v1/kv/tree/?recurse",
        "",
        r#"key_prefix "tree/" { policy = "write" }"#,
        r#"key_prefix "tree/" { policy = "write" } key "tree/x" { policy = "read" }"#,
        Refused("key:write", "tree/"),
    ),
    row(
        "PUT",
        "/v1/txn",
        r#"[{"KV":{"Verb":"set","Key":"k/a","Value":"aGk="}}]"#,
        r#"key "k/a" { policy = "write" }"#,
        r#"key "k/a" { policy = "read" }"#,
        Rolled("key:write", "k/a"),
    ),
    row(
        "PUT",
        "/v1/txn",
        r#"[{"KV":{"Verb":"get","Key":"k/a"}}]"#,
        r#"key "k/a" { policy = "read" }"#,
        "",
        Filtered("k/a"),
    ),
    row(
        "PUT",
        "/v1/txn",
        r#"[{"Node":{"Verb":"set","Node":{"Node":"new","Address":"10.0.0.8"}}}]"#,
        r#"node "new" { policy = "write" }"#,
        r#"node "new" { policy = "read" }"#,
        Rolled("node:write", "new"),
    ),
    row(
        "PUT",
        "/v1/txn",
        r#"[{"Service":{"Verb":"set","Node":"new","Service":{"ID":"mine","Service":"mine","Port":80}}}]"#,
        MINE_WRITE,
        MINE_READ,
        Rolled("service:write", "mine"),
    ),
    row(
        "PUT",
        "/v1/txn",
        r#"[{"Check":{"Verb":"set","Check":{"Node":"new","CheckID":"c","Name":"c"}}}]"#,
        r#"node "new" { policy = "write" }"#,
        r#"node "new" { policy = "read" }"#,
        Rolled("node:write", "new"),
    ),
    row("PUT", "/v1/session/create", "{}", SESSION_WRITE, SESSION_READ, Refused("session:write", "node1")),
    row("PUT", "/v1/session/renew/{session}", "", SESSION_WRITE, SESSION_READ, Refused("session:write", "node1")),
    row("GET", "/v1/session/info/{session}", "", SESSION_READ, "", Filtered("node1")),
    row("GET", "/v1/session/list", "", SESSION_READ, "", Filtered("node1")),
    row("GET", "/v1/session/node/node1", "", SESSION_READ, "", Filtered("node1")),
    row(
        "PUT",
        "/v1/session/destroy/{other-session}",
        "",
        SESSION_WRITE,
        SESSION_READ,
        Refused("session:write", "node1"),
    ),
    row(
        "PUT",
        "/v1/event/fire/deploy",
        "",
        r#"event "deploy" { policy = "write" }"#,
        r#"event "deploy" { policy = "read" }"#,
        Refused("event:write", "deploy"),
    ),
    row("GET", "/v1/event/list", "", r#"event "deploy" { policy = "read" }"#, "", Filtered("deploy")),
    row(
        "POST",
        "/v1/query",
        r#"{"Name":"mine","Service":{"Service":"web"}}"#,
        r#"query "mine" { policy = "write" }"#,
        r#"query "mine" { policy = "read" }"#,
        Refused("query:write", "mine"),
    ),
    row("GET", "/v1/query", "", r#"query "q" { policy = "read" }"#, "", Filtered("\"q\"")),
    row("GET", "/v1/query/{query}", "", r#"query "q" { policy = "read" }"#, "", Refused("", "")),
    row("GET", "/v1/query/q/explain", "", r#"query "q" { policy = "read" }"#, "", Refused("", "")),
    row("GET", "/v1/query/q/execute", "", EXT_WEB, WEB, Filtered("10.0.0.9")),
    row(
        "PUT",
        "/v1/query/{query}",
        r#"{"Name":"q","Service":{"Service":"web"}}"#,
        r#"query "q" { policy = "write" }"#,
        r#"query "q" { policy = "read" }"#,
        Refused("query:write", "q"),
    ),
    row(
        "DELETE",
        "/v1/query/{query}",
        "",
        r#"query "q" { policy = "write" }"#,
        r#"query "q" { policy = "read" }"#,
        Refused("query:write", "q"),
    ),
    row("GET", "/v1/coordinate/datacenters", "", "", "", Open),
    row("GET", "/v1/coordinate/node/ext", "", EXT, "", Refused("node:read", "ext")),
    row(
        "PUT",
        "/v1/coordinate/update",
        r#"{"Node":"ext","Coord":{"Vec":[0,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.00001}}"#,
        r#"node "ext" { policy = "write" }"#,
        EXT,
        Refused("node:write", "ext"),
    ),
    row("GET", "/v1/operator/raft/configuration", "", OPERATOR_READ, "", Refused("operator:read", "")),
    row("DELETE", "/v1/operator/raft/peer?id=nobody", "", OPERATOR_WRITE, OPERATOR_READ, Refused("operator:write", "")),
    row(
        "POST",
        "/v1/operator/raft/transfer-leader?id=nobody",
        "",
        OPERATOR_WRITE,
        OPERATOR_READ,
        Refused("operator:write", ""),
    ),
    row("GET", "/v1/operator/autopilot/configuration", "", OPERATOR_READ, "", Refused("operator:read", "")),
    row(
        "PUT",
        "/v1/operator/autopilot/configuration",
        r#"{"CleanupDeadServers":true}"#,
        OPERATOR_WRITE,
        OPERATOR_READ,
        Refused("operator:write", ""),
    ),
    row("GET", "/v1/operator/autopilot/health", "", OPERATOR_READ, "", Refused("operator:read", "")),
    row("GET", "/v1/operator/autopilot/state", "", OPERATOR_READ, "", Refused("operator:read", "")),
    row("GET", "/v1/operator/usage", "", OPERATOR_READ, "", Refused("operator:read", "")),
    row("GET", "/v1/operator/keyring", "", KEYRING_READ, "", Refused("keyring:read", "")),
    row(
        "POST",
        "/v1/operator/keyring",
        r#"{"Key":"pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="}"#,
        KEYRING_WRITE,
        KEYRING_READ,
        Refused("keyring:write", ""),
    ),
    row(
        "PUT",
        "/v1/operator/keyring",
        r#"{"Key":"pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="}"#,
        KEYRING_WRITE,
        KEYRING_READ,
        Refused("keyring:write", ""),
    ),
    row(
        "DELETE",
        "/v1/operator/keyring",
        r#"{"Key":"pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="}"#,
        KEYRING_WRITE,
        KEYRING_READ,
        Refused("keyring:write", ""),
    ),
    row("GET", "/v1/internal/ui/nodes", "", EXT, "", Filtered("10.0.0.9")),
    row("GET", "/v1/internal/ui/node/ext", "", EXT, "", Filtered("10.0.0.9")),
    row("GET", "/v1/internal/ui/services", "", EXT_WEB, WEB, Filtered("web")),
    row("GET", "/v1/acl/tokens", "", ACL_READ, "", Refused("acl:read", "")),
    row("GET", "/v1/acl/policies", "", ACL_READ, "", Refused("acl:read", "")),
    row("GET", "/v1/acl/roles", "", ACL_READ, "", Refused("acl:read", "")),
    row("GET", "/v1/acl/auth-methods", "", ACL_READ, "", Refused("acl:read", "")),
    row("GET", "/v1/acl/binding-rules", "", ACL_READ, "", Refused("acl:read", "")),
    row("GET", "/v1/acl/templated-policies", "", ACL_READ, "", Refused("acl:read", "")),
    row("PUT", "/v1/acl/policy", r#"{"Name":"by-row"}"#, ACL_WRITE, ACL_READ, Refused("acl:write", "")),
    row("PUT", "/v1/acl/role", r#"{"Name":"by-row"}"#, ACL_WRITE, ACL_READ, Refused("acl:write", "")),
    row("PUT", "/v1/acl/token", r#"{"Description":"by row"}"#, ACL_WRITE, ACL_READ, Refused("acl:write", "")),
    row("GET", "/v1/snapshot", "", ACL_WRITE, ACL_READ, Refused("acl:write", "")),
    row("PUT", "/v1/snapshot", "no archive", ACL_WRITE, ACL_READ, Refused("acl:write", "")),
    row("PUT", "/v1/agent/leave", "", AGENT_WRITE, AGENT_READ, Refused("agent:write", "node1")),
];

/// Names that DNS answers, with the record type, the rules that suffice, and rules that do not.
pub const NAMES: &[(&str, &str, &str, &str)] = &[
    ("ext.node.consul.", "A", EXT, WEB),
    ("web.service.consul.", "A", EXT_WEB, WEB),
    ("web.service.consul.", "SRV", EXT_WEB, EXT),
    ("_web._tcp.service.consul.", "SRV", EXT_WEB, EXT),
    ("q.query.consul.", "A", EXT_WEB, WEB),
    ("9.0.0.10.in-addr.arpa.", "PTR", EXT, WEB),
];
