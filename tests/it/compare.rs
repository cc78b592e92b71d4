//! The same requests to a real Consul and to us: statuses and bodies must be equal after ids, indexes and addresses are
//! masked. Runs when `CONSUL_BIN` names a binary; the tables hold what versions 1.8 and 1.21 agree on.

use crate::support::*;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use serde_json::{Map, Value};

/// Method, target, body. Run in order on fresh development agents.
type Request = (&'static str, &'static str, &'static str);

/// Fields that versions after 1.8 added, or that tell nothing but the version.
const NEWER_FIELDS: &[&str] = &[
    "PeerName",
    "Interval",
    "Timeout",
    "ExposedPort",
    "ServiceSocketPath",
    "ServiceLocality",
    "Locality",
    "Datacenter",
    "ContentHash",
    "Partition",
    "Namespace",
    "MinQuorum",
    "SocketPath",
    "Backend",
    "NotModified",
    "ConsistencyLevel",
    "ResultsFilteredByACLs",
    "Reporting",
    "Definition",
    "NumEntries",
    "Mode",
    "SamenessGroup",
    "Targets",
    "Peer",
    "grpc_port",
    "grpc_tls_port",
    "read_replica",
    "non_voter",
];

/// Words that 1.8 uses for what newer versions say differently: (old, new).
const REWORDED: &[(&str, &str)] = &[
    ("Bad request: ", ""),
    ("Missing token ID", "Missing token AccessorID"),
    ("raft apply failed: ", ""),
    ("apply failed: ", ""),
    ("Must provide service name with ID", "Must provide service name (Service.Service) when service ID is provided"),
    ("unknown KV verb \\\"foo\\\"", "unknown KV operation: foo"),
    ("unknown KV verb \"foo\"", "unknown KV operation: foo"),
    ("check node \"y\" does not match node \"x\"", "Node 'y' for check 'c' doesn't match register request node 'x'"),
    (
        "failed inserting check: Missing service registration on node \"x\"",
        "Unknown service ID 'nope' for check ID 'c'",
    ),
];

const KV: &[Request] = &[
    ("GET", "/v1/kv/none", ""),
    ("GET", "/v1/kv/", ""),
    ("GET", "/v1/kv/?recurse", ""),
    ("GET", "/v1/kv/?keys", ""),
    ("PUT", "/v1/kv/a", "one"),
    ("GET", "/v1/kv/a", ""),
    ("GET", "/v1/kv/a?raw", ""),
    ("GET", "/v1/kv/a?pretty", ""),
    ("PUT", "/v1/kv/a", "one"),
    ("PUT", "/v1/kv/a", "two"),
    ("GET", "/v1/kv/a", ""),
    ("PUT", "/v1/kv/a?cas=0", "three"),
    ("PUT", "/v1/kv/a?cas=1", "three"),
    ("PUT", "/v1/kv/new?cas=0", "three"),
    ("PUT", "/v1/kv/new?cas=abc", "three"),
    ("PUT", "/v1/kv/a?flags=42", "flagged"),
    ("GET", "/v1/kv/a", ""),
    ("PUT", "/v1/kv/a?flags=abc", "flagged"),
    ("PUT", "/v1/kv/empty", ""),
    ("GET", "/v1/kv/empty", ""),
    ("GET", "/v1/kv/empty?raw", ""),
    ("PUT", "/v1/kv/dir/x", "1"),
    ("PUT", "/v1/kv/dir/y", "2"),
    ("PUT", "/v1/kv/dir/sub/z", "3"),
    ("PUT", "/v1/kv/dirother", "4"),
    ("GET", "/v1/kv/dir?recurse", ""),
    ("GET", "/v1/kv/dir/?recurse", ""),
    ("GET", "/v1/kv/dir/?keys", ""),
    ("GET", "/v1/kv/dir/?keys&separator=/", ""),
    ("GET", "/v1/kv/?keys&separator=/", ""),
    ("GET", "/v1/kv/dir?keys&separator=/", ""),
    ("GET", "/v1/kv/none/?keys", ""),
    ("GET", "/v1/kv/none/?recurse", ""),
    ("PUT", "/v1/kv/", "x"),
    ("DELETE", "/v1/kv/", ""),
    ("DELETE", "/v1/kv/none", ""),
    ("DELETE", "/v1/kv/none?cas=99", ""),
    ("DELETE", "/v1/kv/a?cas=0", ""),
    ("DELETE", "/v1/kv/a?cas=1", ""),
    ("PUT", "/v1/kv/a?cas=1&acquire=x", "v"),
    ("DELETE", "/v1/kv/a?cas=1&recurse", ""),
    ("PUT", "/v1/kv/a?acquire=", "v"),
    ("PUT", "/v1/kv/a?acquire=9f5f3d6c-0000-4a3c-9a5e-000000000000", "v"),
    ("PUT", "/v1/kv/a?release=9f5f3d6c-0000-4a3c-9a5e-000000000000", "v"),
    ("DELETE", "/v1/kv/dir/?recurse", ""),
    ("GET", "/v1/kv/?keys", ""),
    ("GET", "/v1/kv//slash", ""),
    ("PUT", "/v1/kv/sp%20ace", "s"),
    ("GET", "/v1/kv/sp%20ace", ""),
    ("GET", "/v1/kv/%00bad", ""),
    ("POST", "/v1/kv/a", "x"),
    ("OPTIONS", "/v1/kv/a", ""),
    ("GET", "/v1/kv/a?index=abc", ""),
    ("GET", "/v1/kv/a?wait=abc", ""),
    ("GET", "/v1/kv/a?stale&consistent", ""),
    ("GET", "/v1/kv/a?stale", ""),
    ("GET", "/v1/kv/a?consistent", ""),
    ("GET", "/v1/kv/a?dc=nosuch", ""),
    ("PUT", "/v1/kv/a?dc=nosuch", "x"),
    ("DELETE", "/v1/kv/?recurse", ""),
    ("GET", "/v1/kv/?recurse", ""),
];

const CATALOG: &[Request] = &[
    ("GET", "/v1/catalog/datacenters", ""),
    ("GET", "/v1/catalog/nodes", ""),
    ("GET", "/v1/catalog/services", ""),
    ("PUT", "/v1/catalog/register", r#"{"Node":"ext","Address":"10.0.0.9"}"#),
    ("GET", "/v1/catalog/nodes?filter=Node+%3D%3D+ext", ""),
    (
        "PUT",
        "/v1/catalog/register",
        r#"{"Node":"ext","Address":"10.0.0.9","NodeMeta":{"rack":"1"},"TaggedAddresses":{"lan":"10.0.0.9","wan":"1.2.3.4"}}"#,
    ),
    ("GET", "/v1/catalog/node/ext", ""),
    (
        "PUT",
        "/v1/catalog/register",
        r#"{"Node":"ext","Address":"10.0.0.9","NodeMeta":{"rack":"1"},"TaggedAddresses":{"lan":"10.0.0.9","wan":"1.2.3.4"},"Service":{"Service":"redis","Tags":["Primary","v1"],"Port":8000},"Check":{"Name":"alive","Status":"passing","ServiceID":"redis"}}"#,
    ),
    ("GET", "/v1/catalog/service/redis", ""),
    ("GET", "/v1/catalog/service/REDIS", ""),
    ("GET", "/v1/catalog/service/redis?tag=primary", ""),
    ("GET", "/v1/catalog/service/redis?tag=primary&tag=v1", ""),
    ("GET", "/v1/catalog/service/redis?tag=primary&tag=v2", ""),
    ("GET", "/v1/catalog/service/redis?node-meta=rack:1", ""),
    ("GET", "/v1/catalog/service/redis?node-meta=rack:2", ""),
    ("GET", "/v1/catalog/service/none", ""),
    ("GET", "/v1/catalog/service/", ""),
    ("GET", "/v1/catalog/connect/redis", ""),
    ("GET", "/v1/catalog/services", ""),
    ("GET", "/v1/catalog/services?node-meta=rack:1", ""),
    ("GET", "/v1/catalog/node/ext", ""),
    ("GET", "/v1/catalog/node/nosuch", ""),
    ("GET", "/v1/catalog/node/", ""),
    ("GET", "/v1/catalog/node-services/ext", ""),
    ("GET", "/v1/catalog/service/redis?filter=ServicePort+%3D%3D+8000", ""),
    ("GET", "/v1/catalog/service/redis?filter=ServicePort+%3D%3D+8001", ""),
    ("GET", "/v1/catalog/service/redis?filter=Nope+%3D%3D+1", ""),
    ("GET", "/v1/catalog/service/redis?filter=%22v1%22+in+ServiceTags", ""),
    ("GET", "/v1/catalog/service/redis?filter=ServiceName+is+empty", ""),
    ("GET", "/v1/catalog/service/redis?filter=ServiceMeta+is+empty+and+not+ServiceTags+is+empty", ""),
    ("GET", "/v1/catalog/service/redis?filter=NodeMeta.rack+matches+%22%5E1%24%22", ""),
    ("PUT", "/v1/catalog/register", "{"),
    ("PUT", "/v1/catalog/register", ""),
    ("PUT", "/v1/catalog/register", r#"{"Nope":1}"#),
    ("PUT", "/v1/catalog/register", "{}"),
    ("PUT", "/v1/catalog/register", r#"{"Node":"x"}"#),
    ("PUT", "/v1/catalog/register", r#"{"Node":"x","Address":"1.1.1.1","ID":"short"}"#),
    ("PUT", "/v1/catalog/register", r#"{"Node":"x","Address":"1.1.1.1","Service":{"ID":"only"}}"#),
    ("PUT", "/v1/catalog/register", r#"{"Node":"x","Address":"1.1.1.1","Check":{"Node":"y","Name":"c"}}"#),
    ("PUT", "/v1/catalog/register", r#"{"Node":"x","Address":"1.1.1.1","Check":{"Name":"c","ServiceID":"nope"}}"#),
    (
        "PUT",
        "/v1/catalog/register",
        r#"{"Node":"ext","SkipNodeUpdate":true,"Check":{"Name":"node check","Status":"warning"}}"#,
    ),
    ("GET", "/v1/health/node/ext", ""),
    ("GET", "/v1/health/node/nosuch", ""),
    ("GET", "/v1/health/checks/redis", ""),
    ("GET", "/v1/health/checks/none", ""),
    ("GET", "/v1/health/checks/", ""),
    ("GET", "/v1/health/state/warning", ""),
    ("GET", "/v1/health/state/critical", ""),
    ("GET", "/v1/health/state/nosuch", ""),
    ("GET", "/v1/health/state/", ""),
    ("GET", "/v1/health/service/redis", ""),
    ("GET", "/v1/health/service/redis?passing", ""),
    ("GET", "/v1/health/service/redis?passing=false", ""),
    ("GET", "/v1/health/service/redis?passing=abc", ""),
    ("GET", "/v1/health/service/redis?tag=v1", ""),
    ("GET", "/v1/health/service/redis?filter=Service.Port+%21%3D+8000", ""),
    ("GET", "/v1/health/service/redis?filter=Checks.Status+%3D%3D+warning", ""),
    ("GET", "/v1/health/service/none", ""),
    ("GET", "/v1/health/service/", ""),
    ("GET", "/v1/health/connect/redis", ""),
    ("GET", "/v1/internal/ui/nodes?filter=Node+%3D%3D+ext", ""),
    ("GET", "/v1/internal/ui/node/ext", ""),
    ("PUT", "/v1/catalog/deregister", r#"{"Node":"ext","CheckID":"node check"}"#),
    ("GET", "/v1/health/node/ext", ""),
    ("PUT", "/v1/catalog/deregister", r#"{"Node":"ext","ServiceID":"redis"}"#),
    ("GET", "/v1/catalog/service/redis", ""),
    ("PUT", "/v1/catalog/deregister", r#"{"Node":"ext","ServiceID":"nope"}"#),
    ("PUT", "/v1/catalog/deregister", "{}"),
    ("PUT", "/v1/catalog/deregister", r#"{"Node":"ext"}"#),
    ("GET", "/v1/catalog/node/ext", ""),
    ("POST", "/v1/catalog/nodes", ""),
];

const AGENT: &[Request] = &[
    ("GET", "/v1/status/leader", ""),
    ("GET", "/v1/status/peers", ""),
    ("GET", "/v1/agent/services", ""),
    ("GET", "/v1/agent/checks", ""),
    (
        "PUT",
        "/v1/agent/service/register",
        r#"{"Name":"web","ID":"web-1","Port":80,"Tags":["a","b"],"Meta":{"k":"v"},"Check":{"TTL":"1h"}}"#,
    ),
    ("GET", "/v1/agent/services", ""),
    ("GET", "/v1/agent/checks", ""),
    ("GET", "/v1/agent/service/web-1", ""),
    ("GET", "/v1/agent/service/nope", ""),
    ("GET", "/v1/agent/health/service/id/web-1", ""),
    ("GET", "/v1/agent/health/service/id/web-1?format=text", ""),
    ("PUT", "/v1/agent/check/pass/service:web-1?note=fine", ""),
    ("GET", "/v1/agent/checks", ""),
    ("GET", "/v1/agent/health/service/name/web?format=text", ""),
    ("PUT", "/v1/agent/check/warn/service:web-1?note=hm", ""),
    ("GET", "/v1/agent/health/service/name/web?format=text", ""),
    ("PUT", "/v1/agent/check/fail/service:web-1", ""),
    ("PUT", "/v1/agent/check/update/service:web-1", r#"{"Status":"passing","Output":"again"}"#),
    ("PUT", "/v1/agent/check/update/service:web-1", r#"{"Status":"nope"}"#),
    ("GET", "/v1/agent/checks?filter=Status+%3D%3D+passing", ""),
    ("PUT", "/v1/agent/service/maintenance/web-1?enable=true&reason=work", ""),
    ("GET", "/v1/agent/checks", ""),
    ("GET", "/v1/agent/health/service/name/web?format=text", ""),
    ("PUT", "/v1/agent/service/maintenance/web-1?enable=false", ""),
    ("PUT", "/v1/agent/service/maintenance/web-1", ""),
    ("PUT", "/v1/agent/service/maintenance/web-1?enable=perhaps", ""),
    ("PUT", "/v1/agent/maintenance?enable=true", ""),
    ("GET", "/v1/agent/checks", ""),
    ("PUT", "/v1/agent/maintenance?enable=false", ""),
    ("PUT", "/v1/agent/maintenance", ""),
    ("PUT", "/v1/agent/check/register", r#"{"Name":"mem","TTL":"1h","Notes":"n","Status":"passing"}"#),
    ("GET", "/v1/agent/checks", ""),
    ("PUT", "/v1/agent/check/register", r#"{"Name":"bad"}"#),
    ("PUT", "/v1/agent/check/register", r#"{"TTL":"1h"}"#),
    ("PUT", "/v1/agent/check/register", r#"{"Name":"bad","TTL":"1h","Status":"nope"}"#),
    ("PUT", "/v1/agent/check/register", r#"{"Name":"bad","TTL":"bogus"}"#),
    ("PUT", "/v1/agent/check/deregister/mem", ""),
    ("PUT", "/v1/agent/service/register", r#"{"ID":"x"}"#),
    ("PUT", "/v1/agent/service/register", r#"{"Name":"x","Address":"0.0.0.0"}"#),
    ("PUT", "/v1/agent/service/register", r#"{"Name":"x","Weights":{"Passing":0,"Warning":1}}"#),
    ("PUT", "/v1/agent/service/register", r#"{"Name":"x","Meta":{"consul-x":"1"}}"#),
    ("PUT", "/v1/agent/service/register", r#"{"Name":"x","Port":"80"}"#),
    ("PUT", "/v1/agent/service/register", r#"{"Name":"x","Bogus":1}"#),
    ("PUT", "/v1/agent/service/deregister/web-1", ""),
    ("GET", "/v1/agent/services", ""),
    ("GET", "/v1/agent/checks", ""),
    ("POST", "/v1/agent/self", ""),
    ("GET", "/v1/operator/autopilot/configuration", ""),
    ("GET", "/v1/event/list", ""),
];

const SESSIONS_AND_TXN: &[Request] = &[
    ("GET", "/v1/session/list", ""),
    ("PUT", "/v1/session/create", r#"{"Name":"s","TTL":"1s"}"#),
    ("PUT", "/v1/session/create", r#"{"Name":"s","TTL":"x"}"#),
    ("PUT", "/v1/session/create", r#"{"Behavior":"foo"}"#),
    ("PUT", "/v1/session/create", r#"{"Node":"nosuch"}"#),
    ("PUT", "/v1/session/create", r#"{"Checks":["nope"]}"#),
    ("PUT", "/v1/session/create", "{"),
    ("PUT", "/v1/session/create", r#"{"Name":"s1","TTL":"15s","LockDelay":"0s"}"#),
    ("GET", "/v1/session/list", ""),
    ("GET", "/v1/session/node/node1", ""),
    ("GET", "/v1/session/node/nosuch", ""),
    ("GET", "/v1/session/info/00000000-0000-0000-0000-000000000000", ""),
    ("PUT", "/v1/session/renew/00000000-0000-0000-0000-000000000000", ""),
    ("PUT", "/v1/session/destroy/00000000-0000-0000-0000-000000000000", ""),
    ("PUT", "/v1/session/destroy/", ""),
    ("PUT", "/v1/txn", "[]"),
    ("PUT", "/v1/txn", "{}"),
    ("PUT", "/v1/txn", ""),
    (
        "PUT",
        "/v1/txn",
        r#"[{"KV":{"Verb":"set","Key":"t1","Value":"aGk=","Flags":3}},{"KV":{"Verb":"get","Key":"t1"}}]"#,
    ),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"get","Key":"t1"}}]"#),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"get","Key":"nope"}}]"#),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"foo","Key":"t1"}}]"#),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"set","Key":"","Value":"aGk="}}]"#),
    (
        "PUT",
        "/v1/txn",
        r#"[{"KV":{"Verb":"cas","Key":"t1","Index":1,"Value":"aGk="}},{"KV":{"Verb":"check-not-exists","Key":"t1"}}]"#,
    ),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"check-session","Key":"t1","Session":"x"}}]"#),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"lock","Key":"t1","Session":"9f5f3d6c-0000-4a3c-9a5e-000000000000"}}]"#),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"unlock","Key":"t1","Session":"x"}}]"#),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"delete-cas","Key":"t1","Index":1}}]"#),
    ("PUT", "/v1/txn", r#"[{"KV":{"Verb":"delete-tree","Key":"t"}},{"KV":{"Verb":"get-tree","Key":"t"}}]"#),
    ("PUT", "/v1/txn", r#"[{"Node":{"Verb":"set","Node":{"Node":"tn","Address":"10.0.0.1"}}}]"#),
    ("PUT", "/v1/txn", r#"[{"Node":{"Verb":"get","Node":{"Node":"tn"}}}]"#),
    ("PUT", "/v1/txn", r#"[{"Node":{"Verb":"get","Node":{"Node":"nope"}}}]"#),
    ("PUT", "/v1/txn", r#"[{"Service":{"Verb":"set","Node":"tn","Service":{"ID":"ts","Service":"ts","Port":1}}}]"#),
    ("PUT", "/v1/txn", r#"[{"Service":{"Verb":"get","Node":"tn","Service":{"ID":"nope"}}}]"#),
    (
        "PUT",
        "/v1/txn",
        r#"[{"Check":{"Verb":"set","Check":{"Node":"tn","CheckID":"tc","Name":"tc","Status":"passing"}}}]"#,
    ),
    (
        "PUT",
        "/v1/txn",
        r#"[{"Check":{"Verb":"delete","Check":{"Node":"tn","CheckID":"tc"}}},{"Node":{"Verb":"delete","Node":{"Node":"tn"}}}]"#,
    ),
    ("PUT", "/v1/txn", r#"[{"Node":{"Verb":"delete-cas","Node":{"Node":"tn","ModifyIndex":1}}}]"#),
    ("GET", "/v1/coordinate/datacenters", ""),
];

const QUERIES: &[Request] = &[
    ("GET", "/v1/query", ""),
    ("POST", "/v1/query", ""),
    ("POST", "/v1/query", "["),
    ("POST", "/v1/query", "{}"),
    ("POST", "/v1/query", r#"{"Name":"q","Foo":1}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Service":{"Service":3}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Service":{"Tags":"a"}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Template":3}"#),
    ("POST", "/v1/query", r#"{"Name":"q","DNS":{"TTL":3}}"#),
    ("POST", "/v1/query", r#"{"Name":"q"}"#),
    ("POST", "/v1/query", r#"{"ID":"x","Name":"q","Service":{"Service":"x"}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Token":"<hidden>","Service":{"Service":"x"}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Service":{"Service":"x","Failover":{"NearestN":-1}}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Service":{"Service":"x"},"DNS":{"TTL":"x"}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Service":{"Service":"x"},"DNS":{"TTL":"-1s"}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Service":{"Service":"x","NodeMeta":{"":"b"}}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Session":"x","Service":{"Service":"x"}}"#),
    ("POST", "/v1/query", r#"{"Name":"q","Session":"46fca103-b7be-cbea-71c1-5a2359602414","Service":{"Service":"x"}}"#),
    ("POST", "/v1/query", r#"{"Name":"t","Template":{"Type":"x"},"Service":{"Service":"x"}}"#),
    ("POST", "/v1/query", r#"{"Name":"t","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${"}}"#),
    ("POST", "/v1/query", r#"{"Name":"t","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${a}"}}"#),
    (
        "POST",
        "/v1/query",
        r#"{"Name":"t","Template":{"Type":"name_prefix_match","Regexp":"("},"Service":{"Service":"x"}}"#,
    ),
    ("POST", "/v1/query", r#"{"Name":"q","Service":{"Service":"consul","Tags":["!x"]},"DNS":{"TTL":"10s"}}"#),
    ("POST", "/v1/query", r#"{"Name":"Q","Service":{"Service":"x"}}"#),
    (
        "POST",
        "/v1/query",
        r#"{"Name":"T-","Template":{"Type":"name_prefix_match","Regexp":"^T-(.)"},"Service":{"Service":"${name.suffix}|${name.prefix}|${match(1)}"}}"#,
    ),
    ("GET", "/v1/query/q/explain", ""),
    ("GET", "/v1/query/T-abc/explain", ""),
    ("GET", "/v1/query/t-Abc/explain", ""),
    ("GET", "/v1/query/none/explain", ""),
    ("GET", "/v1/query/Q/execute", ""),
    ("GET", "/v1/query/q/execute?limit=-1", ""),
    ("GET", "/v1/query/q/execute?limit=x", ""),
    ("GET", "/v1/query/q/execute?connect=x", ""),
    ("GET", "/v1/query/q/execute?connect=true", ""),
    ("GET", "/v1/query/q/execute?stale", ""),
    ("GET", "/v1/query/q/execute?near=_agent", ""),
    ("GET", "/v1/query/q/execute?near=_ip", ""),
    ("GET", "/v1/query/q/execute?dc=nosuch", ""),
    ("GET", "/v1/query/none/execute", ""),
    ("GET", "/v1/query/execute", ""),
    ("GET", "/v1/query/none", ""),
    ("GET", "/v1/query/a/b/c", ""),
    ("GET", "/v1/query/", ""),
    ("GET", "/v1/query/46fca103-b7be-cbea-71c1-5a2359602414", ""),
    ("PUT", "/v1/query/46fca103-b7be-cbea-71c1-5a2359602414", r#"{"Name":"z","Service":{"Service":"x"}}"#),
    ("PUT", "/v1/query/none", ""),
    ("DELETE", "/v1/query/46fca103-b7be-cbea-71c1-5a2359602414", ""),
    ("DELETE", "/v1/query/none", ""),
    ("POST", "/v1/query/a", "{}"),
    ("PUT", "/v1/query/a/explain", "{}"),
    ("PUT", "/v1/query", "{}"),
    ("OPTIONS", "/v1/query", ""),
    ("OPTIONS", "/v1/query/a", ""),
    ("OPTIONS", "/v1/query/a/execute", ""),
];

/// Tokens, policies, roles, auth methods and binding rules; run by a management token.
const ACL: &[Request] = &[
    (
        "PUT",
        "/v1/acl/policy",
        r#"{"Name":"p1","Description":"d","Rules":"key_prefix \"a/\" { policy = \"read\" }","Datacenters":["dc1"]}"#,
    ),
    ("GET", "/v1/acl/policy/name/p1", ""),
    ("PUT", "/v1/acl/policy", r#"{"Name":"p1"}"#),
    ("PUT", "/v1/acl/policy", r#"{"Description":"no name"}"#),
    ("PUT", "/v1/acl/policy", r#"{"ID":"x","Name":"n"}"#),
    ("PUT", "/v1/acl/policy", r#"{"Name":"bad","Rules":"acl = \"foo\""}"#),
    ("PUT", "/v1/acl/policy", r#"{"Foo":1}"#),
    ("PUT", "/v1/acl/policy", r#"{"Datacenters":1}"#),
    ("PUT", "/v1/acl/policy", r#"{"Namespace":"x"}"#),
    ("PUT", "/v1/acl/policy", "{"),
    ("PUT", "/v1/acl/policy", ""),
    ("GET", "/v1/acl/policy/", ""),
    ("GET", "/v1/acl/policy/name/", ""),
    ("GET", "/v1/acl/policies?index=x", ""),
    ("GET", "/v1/acl/policies?ns=x", ""),
    ("POST", "/v1/acl/policies", ""),
    ("PATCH", "/v1/acl/policy/x", ""),
    (
        "PUT",
        "/v1/acl/role",
        r#"{"Name":"r1","Policies":[{"Name":"p1"}],"ServiceIdentities":[{"ServiceName":"web","Datacenters":["dc1"]}]}"#,
    ),
    ("GET", "/v1/acl/role/name/r1", ""),
    ("GET", "/v1/acl/roles", ""),
    ("GET", "/v1/acl/role/", ""),
    ("PUT", "/v1/acl/role", r#"{"Name":"r1"}"#),
    ("PUT", "/v1/acl/role", r#"{"Name":"a b"}"#),
    ("PUT", "/v1/acl/role", r#"{"Name":"r2","Policies":[{"Name":"nope"}]}"#),
    ("PUT", "/v1/acl/role", r#"{"Name":"r2","ServiceIdentities":[{"ServiceName":""}]}"#),
    ("PUT", "/v1/acl/role", r#"{"ID":"x"}"#),
    ("PUT", "/v1/acl/role", "[]"),
    (
        "PUT",
        "/v1/acl/token",
        r#"{"AccessorID":"4f3e1c7a-6d0b-4b57-9a8e-0c2d1e3f4a5b","Description":"t","Policies":[{"Name":"p1"}],"Roles":[{"Name":"r1"}],"ServiceIdentities":[{"ServiceName":"web"}],"NodeIdentities":[{"NodeName":"n1","Datacenter":"dc1"}],"ExpirationTTL":"1h","Local":true}"#,
    ),
    ("GET", "/v1/acl/token/4f3e1c7a-6d0b-4b57-9a8e-0c2d1e3f4a5b", ""),
    ("PUT", "/v1/acl/token", r#"{"AccessorID":"4f3e1c7a-6d0b-4b57-9a8e-0c2d1e3f4a5b"}"#),
    ("PUT", "/v1/acl/token", r#"{"Policies":[{"Name":"nope"}]}"#),
    ("PUT", "/v1/acl/token", r#"{"Roles":[{"Name":"nope"}]}"#),
    ("PUT", "/v1/acl/token", r#"{"ExpirationTTL":"1s"}"#),
    ("PUT", "/v1/acl/token", r#"{"ExpirationTTL":"-1s"}"#),
    ("PUT", "/v1/acl/token", r#"{"NodeIdentities":[{"NodeName":"n1"}]}"#),
    ("PUT", "/v1/acl/token", r#"{"Foo":1}"#),
    ("PUT", "/v1/acl/token", r#"{"Policies":[{"ID":1}]}"#),
    ("PUT", "/v1/acl/token", r#"{"ExpirationTTL":"x"}"#),
    ("PUT", "/v1/acl/token", "[]"),
    (
        "PUT",
        "/v1/acl/token/4f3e1c7a-6d0b-4b57-9a8e-0c2d1e3f4a5b",
        r#"{"Description":"new","Local":true,"Policies":[{"Name":"p1"},{"Name":"p1"}]}"#,
    ),
    ("PUT", "/v1/acl/token/4f3e1c7a-6d0b-4b57-9a8e-0c2d1e3f4a5b", r#"{"Local":true,"AuthMethod":"x"}"#),
    ("PUT", "/v1/acl/token/4f3e1c7a-6d0b-4b57-9a8e-0c2d1e3f4a5b/clone", r#"{"Description":"copy"}"#),
    ("DELETE", "/v1/acl/token/4f3e1c7a-6d0b-4b57-9a8e-0c2d1e3f4a5b", ""),
    ("DELETE", "/v1/acl/token/00000000-0000-0000-0000-000000000002", ""),
    ("DELETE", "/v1/acl/policy/00000000-0000-0000-0000-000000000001", ""),
    (
        "PUT",
        "/v1/acl/auth-method",
        r#"{"Name":"j1","Type":"jwt","DisplayName":"J","Description":"d","MaxTokenTTL":"5m","TokenLocality":"global","Config":{"JWTValidationPubKeys":["-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n"],"JWTSupportedAlgs":["ES256"],"BoundIssuer":"me","ClaimMappings":{"sub":"user"}}}"#,
    ),
    ("GET", "/v1/acl/auth-method/j1", ""),
    ("GET", "/v1/acl/auth-method/", ""),
    ("PUT", "/v1/acl/auth-method", "{}"),
    ("PUT", "/v1/acl/auth-method", r#"{"Name":"a b","Type":"jwt"}"#),
    ("PUT", "/v1/acl/auth-method", r#"{"Name":"j2","Type":"jwt"}"#),
    ("PUT", "/v1/acl/auth-method", r#"{"Name":"k","Type":"kubernetes"}"#),
    ("PUT", "/v1/acl/auth-method", r#"{"Name":"k","Type":"kubernetes","Config":{"Host":"h"}}"#),
    ("PUT", "/v1/acl/auth-method", r#"{"Name":"j2","Type":"jwt","MaxTokenTTL":"1s"}"#),
    ("PUT", "/v1/acl/auth-method", r#"{"Name":"j2","Type":"jwt","TokenLocality":"x"}"#),
    ("PUT", "/v1/acl/auth-method", r#"{"Name":"j1","Type":"kubernetes"}"#),
    ("PUT", "/v1/acl/auth-method/j1", r#"{"Name":"j2"}"#),
    ("PUT", "/v1/acl/auth-method", r#"{"Config":1}"#),
    (
        "PUT",
        "/v1/acl/binding-rule",
        r#"{"Description":"q","AuthMethod":"j1","BindType":"service","BindName":"x-${value.user}","Selector":"value.user==bob"}"#,
    ),
    ("GET", "/v1/acl/binding-rules", ""),
    ("GET", "/v1/acl/binding-rules?authmethod=j1", ""),
    ("GET", "/v1/acl/binding-rule/", ""),
    ("PUT", "/v1/acl/binding-rule", "{}"),
    ("PUT", "/v1/acl/binding-rule", r#"{"AuthMethod":"nope"}"#),
    ("PUT", "/v1/acl/binding-rule", r#"{"AuthMethod":"j1","BindName":"x"}"#),
    ("PUT", "/v1/acl/binding-rule", r#"{"AuthMethod":"j1","BindType":"service"}"#),
    ("PUT", "/v1/acl/binding-rule", r#"{"Foo":1}"#),
    ("POST", "/v1/acl/login", r#"{"Foo":1}"#),
    ("POST", "/v1/acl/login", "{"),
    ("DELETE", "/v1/acl/auth-method/j1", ""),
    ("GET", "/v1/acl/binding-rules", ""),
    (
        "POST",
        "/v1/internal/acl/authorize",
        r#"[{"Resource":"key","Segment":"foo","Access":"write"},{"Resource":"acl","Access":"read"}]"#,
    ),
    ("POST", "/v1/internal/acl/authorize", "[]"),
    ("POST", "/v1/internal/acl/authorize", "{}"),
];

/// Access control of both: everything but the ACL system is open, and a management token is known.
const ACL_ON: &str =
    r#"acl { enabled = true default_policy = "allow" tokens { master = "5b1c7e9a-0d42-4f6b-8a53-c7e1d2f3a4b5" } }"#;

/// Starts both, or says why not.
fn pair() -> Option<(TestAgent, TestAgent)> {
    let Some(reference) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no reference binary");
        return None;
    };
    Some((AgentBuilder::new(&reference, true).start(), dev().start()))
}

fn compare_requests(table: &[Request]) {
    let Some((reference, ours)) = pair() else { return };
    compare(&reference, &ours, table, &[]);
}

fn compare(reference: &TestAgent, ours: &TestAgent, table: &[Request], headers: &[(&str, &str)]) {
    let mut differences = Vec::new();
    for (method, target, body) in table {
        let expected = shape(reference, &reference.send_with(method, target, headers, body));
        let got = shape(ours, &ours.send_with(method, target, headers, body));
        if expected != got {
            differences.push(format!("{method} {target} {body}\n  reference: {expected}\n  ours:      {got}"));
        }
    }
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), table.len(), differences.join("\n"));
}

/// Status, content type, whether there is an index, and the masked body.
pub fn shape(agent: &TestAgent, answer: &Response) -> String {
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) => masked(value, agent).to_string(),
        Err(_) => mask_text(&answer.text(), agent),
    };
    // Older versions name no type where there is nothing to type.
    let kind = answer.header("content-type").filter(|_| !answer.body.is_empty()).unwrap_or("-");
    let indexed = answer.headers.contains_key("x-consul-index");
    let allow = answer.header("allow").unwrap_or("-");
    format!("{} {kind} index:{indexed} allow:{allow} {body}", answer.status)
}

fn masked(value: Value, agent: &TestAgent) -> Value {
    match value {
        // A map of lists is one of tags by service; the reference walks a hash map to make the lists.
        Value::Object(mut fields) if !fields.is_empty() && fields.values().all(Value::is_array) => {
            for list in fields.values_mut().filter_map(Value::as_array_mut) {
                list.sort_by_key(Value::to_string);
            }
            Value::Object(fields)
        }
        Value::Object(fields) => {
            // Leader and agent both register the agent's own node: who comes first is a race.
            let own = fields.get("Node").is_some_and(|node| node == "node1");
            let same = own || fields.get("CreateIndex") == fields.get("ModifyIndex");
            let kept = fields.into_iter().filter(|(key, _)| !NEWER_FIELDS.contains(&key.as_str()));
            let fields: Map<String, Value> = kept
                .map(|(key, value)| match key.as_str() {
                    "CreateIndex" => (key, "#".into()),
                    "ModifyIndex" => (key, if same { "#".into() } else { "#+".into() }),
                    "Index" => (key, "#".into()),
                    "version" => (key, "*".into()),
                    "CreateTime" | "ExpirationTime" => (key, "TIME".into()),
                    // ids of linked rows go into it
                    "Hash" => (key, "HASH".into()),
                    "ServiceTags" if value.is_null() => (key, Value::Array(Vec::new())),
                    _ => (key.clone(), masked(value, agent)),
                })
                .collect();
            // map keys are unordered in JSON; compare them sorted
            let mut keys: Vec<_> = fields.into_iter().collect();
            keys.retain(|(key, _)| key != "consul-version");
            keys.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(keys.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| masked(item, agent)).collect()),
        Value::String(text) => Value::String(mask_text(&text, agent)),
        other => other,
    }
}

/// Replaces UUIDs and the agent's own address.
fn mask_text(text: &str, agent: &TestAgent) -> String {
    let uuid = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern");
    let index = regex::Regex::new("modify index [0-9]+").expect("a pattern");
    let text = text.replace(&agent.address, "ADDRESS");
    let text = uuid.replace_all(&text, "UUID");
    let text = index.replace_all(&text, "modify index #").into_owned();
    let text = REWORDED.iter().fold(text, |text, (old, new)| text.replace(old, new));
    text.trim_end().to_owned()
}

#[test]
fn kv_answers_are_those_of_the_reference() {
    compare_requests(KV);
}

#[test]
fn catalog_and_health_answers_are_those_of_the_reference() {
    compare_requests(CATALOG);
}

#[test]
fn agent_answers_are_those_of_the_reference() {
    compare_requests(AGENT);
}

#[test]
fn session_and_txn_answers_are_those_of_the_reference() {
    compare_requests(SESSIONS_AND_TXN);
}

#[test]
fn prepared_query_answers_are_those_of_the_reference() {
    compare_requests(QUERIES);
}

#[test]
fn access_control_answers_are_those_of_the_reference() {
    let Some(reference) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no reference binary");
        return;
    };
    let reference = AgentBuilder::new(&reference, true).file("acl.hcl", ACL_ON).start();
    let ours = dev().file("acl.hcl", ACL_ON).start();
    compare(&reference, &ours, ACL, &[("X-Consul-Token", "5b1c7e9a-0d42-4f6b-8a53-c7e1d2f3a4b5")]);
}

/// Name and type, asked after [`NAMED`] was registered.
const DNS: &[(&str, RecordType)] = &[
    ("web.service.consul.", RecordType::A),
    ("web.service.consul.", RecordType::ANY),
    ("web.service.consul.", RecordType::AAAA),
    ("web.service.consul.", RecordType::SRV),
    ("web.service.consul.", RecordType::MX),
    ("WEB.Service.Consul.", RecordType::A),
    ("web.service.dc1.consul.", RecordType::A),
    ("web.service.nosuch.consul.", RecordType::A),
    ("primary.web.service.consul.", RecordType::A),
    ("nosuch.web.service.consul.", RecordType::A),
    ("_web._tcp.service.consul.", RecordType::SRV),
    ("_web._primary.service.consul.", RecordType::SRV),
    ("_web._tcp.service.dc1.consul.", RecordType::SRV),
    ("sick.service.consul.", RecordType::A),
    ("nosuch.service.consul.", RecordType::SRV),
    ("named.service.consul.", RecordType::A),
    ("named.service.consul.", RecordType::SRV),
    ("ext.node.consul.", RecordType::A),
    ("ext.node.consul.", RecordType::TXT),
    ("ext.node.dc1.consul.", RecordType::ANY),
    ("node1.node.consul.", RecordType::A),
    ("nosuch.node.consul.", RecordType::A),
    ("9.0.0.10.in-addr.arpa.", RecordType::PTR),
    ("consul.", RecordType::NS),
    ("consul.", RecordType::A),
    ("nosuch.consul.", RecordType::A),
    ("example.org.", RecordType::A),
    ("web.connect.consul.", RecordType::A),
    ("pq.query.consul.", RecordType::A),
    ("PQ.query.dc1.consul.", RecordType::SRV),
    ("pq.query.consul.", RecordType::AAAA),
    ("pq.query.nosuch.consul.", RecordType::A),
    ("t-web.query.consul.", RecordType::A),
    ("t-sick.query.consul.", RecordType::A),
    ("t-nosuch.query.consul.", RecordType::A),
    ("nosuch.query.consul.", RecordType::A),
    ("query.consul.", RecordType::A),
];

/// What the DNS and command line tables need in the catalog.
const NAMED: &[&str] = &[
    r#"{"Node":"ext","Address":"10.0.0.9","NodeMeta":{"rack":"1"},"Service":{"Service":"web","Tags":["Primary"],"Port":80},"Check":{"Name":"c","Status":"passing","ServiceID":"web"}}"#,
    r#"{"Node":"ext","Address":"10.0.0.9","NodeMeta":{"rack":"1"},"Service":{"Service":"sick","Port":81},"Check":{"Name":"s","Status":"critical","ServiceID":"sick"}}"#,
    r#"{"Node":"ext","Address":"10.0.0.9","NodeMeta":{"rack":"1"},"Service":{"Service":"named","Address":"www.example.com","Port":82}}"#,
];

fn prepared() -> Option<[TestAgent; 2]> {
    let (reference, ours) = pair()?;
    let agents = [reference, ours];
    for agent in &agents {
        for body in NAMED {
            agent.put_ok("/v1/catalog/register", body);
        }
        for definition in [
            r#"{"Name":"pq","Service":{"Service":"web"},"DNS":{"TTL":"10s"}}"#,
            r#"{"Name":"t-","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${name.suffix}"}}"#,
        ] {
            assert_eq!(agent.send("POST", "/v1/query", definition).status, 200);
        }
        agent.put_ok("/v1/kv/app/one", "1");
        agent.put_ok("/v1/kv/app/two", "2");
    }
    Some(agents)
}

/// Code, flags that matter, and the sorted answers and numbers of the other sections.
fn dns_shape(agent: &TestAgent, name: &str, kind: RecordType) -> String {
    let mut question = Message::new(7, MessageType::Query, OpCode::Query);
    question.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    let bytes = agent.dns_udp(&question.to_vec().expect("a packet")).expect("an answer");
    let answer = Message::from_vec(&bytes).expect("a DNS message");
    let mut answers: Vec<String> =
        answer.answers.iter().map(|record| format!("{} {}", record.name, record.data)).collect();
    answers.retain(|text| !text.contains("consul-version"));
    answers.sort();
    let text = format!(
        "{:?} aa:{} answers:{answers:?} authority:{}",
        answer.metadata.response_code,
        answer.metadata.authoritative,
        answer.authorities.len()
    );
    mask_text(&text, agent)
}

#[test]
fn dns_answers_are_those_of_the_reference() {
    let Some([reference, ours]) = prepared() else { return };
    let mut differences = Vec::new();
    for (name, kind) in DNS {
        let (expected, got) = (dns_shape(&reference, name, *kind), dns_shape(&ours, name, *kind));
        if expected != got {
            differences.push(format!("{name} {kind}\n  reference: {expected}\n  ours:      {got}"));
        }
    }
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), DNS.len(), differences.join("\n"));
}

/// Command lines whose output must be the same.
const COMMANDS: &[&[&str]] = &[
    &["kv", "get", "app/one"],
    &["kv", "get", "-keys", "app/"],
    &["kv", "get", "-recurse", "app/"],
    &["kv", "get", "-base64", "app/one"],
    &["kv", "get", "nosuch"],
    &["kv", "get"],
    &["kv", "get", "a", "b"],
    &["kv", "put", "app/three", "3"],
    &["kv", "put", "-cas", "-modify-index=1", "app/three", "3"],
    &["kv", "put", "-flags=7", "app/four", "4"],
    &["kv", "put"],
    &["kv", "delete", "app/three"],
    &["kv", "delete", "-recurse", "app/"],
    &["kv", "export", "nosuch/"],
    &["catalog", "datacenters"],
    &["catalog", "services"],
    &["catalog", "services", "-tags"],
    &["catalog", "services", "-node=ext"],
    &["catalog", "nodes", "-service=web"],
    &["catalog", "nodes", "-node-meta=rack=1"],
    &["catalog", "nodes", "-filter=Node == ext"],
    &["maint"],
    &["maint", "-enable", "-disable"],
    &["services", "deregister"],
    &["services", "register"],
    &["snapshot", "save"],
    &["snapshot", "restore", "/nonexistent"],
    &["watch", "-type=nosuch"],
    &["operator", "raft", "remove-peer"],
    &["lock", "lk", "echo $CONSUL_LOCK_HELD; exit 3"],
    &["lock", "-verbose", "-child-exit-code", "lk", "exit 3"],
    &["lock", "-n=2", "-verbose", "/sem", "true"],
    &["lock", "-shell=false", "lk", "/nonexistent"],
    &["lock", "lk"],
    &["lock", "-n=0", "lk", "true"],
    &["lock", "-timeout=-1s", "lk", "true"],
    &["exec", "-tag=x", "true"],
    &["exec", "-shell=false", "-"],
    &["event", "-name=x", "-tag=a"],
    &["keyring", "-list", "-relay-factor=9"],
    &["keyring", "-install=x", "-local-only"],
    &["keyring", "-list", "-use=x"],
    &["rtt", "a", "b"],
    &["rtt", "-wan", "a", "b"],
];

#[test]
fn command_outputs_are_those_of_the_reference() {
    let Some([reference, ours]) = prepared() else { return };
    let mut differences = Vec::new();
    for args in COMMANDS {
        let [expected, got] = [&reference, &ours].map(|agent| {
            let output = agent.cli(args);
            mask_text(&format!("{:?} out: {} err: {}", output.status.code(), stdout(&output), stderr(&output)), agent)
        });
        if expected != got {
            differences.push(format!("{args:?}\n  reference: {expected}\n  ours:      {got}"));
        }
    }
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), COMMANDS.len(), differences.join("\n"));
}
