//! Who may ask what: one row a request or question (`spec/acl-and-tls.md` 6, 7). The test sends each with every kind of token,
//! and the page docs/permissions.md is rendered from here.

/// A permission that a request needs: resource as rules write it (`key_prefix` too), level, label (empty for scalars).
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    pub resource: &'static str,
    pub level: &'static str,
    pub name: &'static str,
}

/// What a request gets that lacks a permission.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// No permission is needed and the token is not looked at.
    Open,
    /// Any token that exists, the anonymous one too.
    AnyToken,
    /// 403 with the text that names the permission.
    Refused,
    /// 403 `Permission denied` without more.
    RefusedBare,
    /// 409 with the text among the errors of the transaction.
    FailedInTransaction,
    /// This status, or [`OK_OR_MISSING`], and this text is not in the answer; it is in the answer to who may read it. Without a text there is
    /// nothing in the test that could be hidden.
    Hidden { status: u16, shows: &'static str },
    /// 401 without a token, 403 unless the token came from a login.
    Logout,
}

/// A request and what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub method: &'static str,
    /// Path in the table of endpoints.
    pub route: &'static str,
    /// What follows it in the test; `{name}` is an id that the test made.
    pub rest: &'static str,
    pub body: &'static str,
    pub grants: &'static [Grant],
    pub kind: Kind,
    /// Status with exactly the grants.
    pub granted: u16,
    /// The permission that the text names, where it is not the grant that is lacking.
    pub says: Option<Grant>,
    /// What distinguishes rows of one route, for the page.
    pub note: &'static str,
    /// The answer has no end.
    pub stream: bool,
}

/// Rows under a heading of the page.
pub struct Group {
    pub title: &'static str,
    pub rows: &'static [Row],
}

const fn grant(resource: &'static str, level: &'static str, name: &'static str) -> Grant {
    Grant { resource, level, name }
}

const BLANK: Row = Row {
    method: "GET",
    route: "",
    rest: "",
    body: "",
    grants: &[],
    kind: Kind::Open,
    granted: 200,
    says: None,
    note: "",
    stream: false,
};

const fn open(method: &'static str, route: &'static str) -> Row {
    Row { method, route, ..BLANK }
}

const fn any_token(method: &'static str, route: &'static str) -> Row {
    Row { method, route, kind: Kind::AnyToken, ..BLANK }
}

const fn needs(method: &'static str, route: &'static str, rest: &'static str, grants: &'static [Grant]) -> Row {
    Row { method, route, rest, grants, kind: Kind::Refused, ..BLANK }
}

const fn hides(route: &'static str, rest: &'static str, shows: &'static str, grants: &'static [Grant]) -> Row {
    Row { method: "GET", route, rest, grants, kind: Kind::Hidden { status: 200, shows }, ..BLANK }
}

impl Row {
    const fn body(self, body: &'static str) -> Row {
        Row { body, ..self }
    }

    const fn note(self, note: &'static str) -> Row {
        Row { note, ..self }
    }

    const fn answers(self, granted: u16) -> Row {
        Row { granted, ..self }
    }

    const fn kind(self, kind: Kind) -> Row {
        Row { kind, ..self }
    }

    const fn streams(self) -> Row {
        Row { stream: true, ..self }
    }

    const fn says(self, says: Grant) -> Row {
        Row { says: Some(says), ..self }
    }
}

const AGENT_READ: &[Grant] = &[grant("agent", "read", "node1")];
const AGENT_WRITE: &[Grant] = &[grant("agent", "write", "node1")];
const OPERATOR_READ: &[Grant] = &[grant("operator", "read", "")];
const OPERATOR_WRITE: &[Grant] = &[grant("operator", "write", "")];
const KEYRING_WRITE: &[Grant] = &[grant("keyring", "write", "")];
const ACL_READ: &[Grant] = &[grant("acl", "read", "")];
const ACL_WRITE: &[Grant] = &[grant("acl", "write", "")];
const OWN_NODE_READ: &[Grant] = &[grant("node", "read", "node1")];
const OWN_NODE_WRITE: &[Grant] = &[grant("node", "write", "node1")];
const NODE_READ: &[Grant] = &[grant("node", "read", "db")];
const NODE_WRITE: &[Grant] = &[grant("node", "write", "db")];
const WEB_READ: &[Grant] = &[grant("service", "read", "web")];
const WEB_WRITE: &[Grant] = &[grant("service", "write", "web")];
const MYSQL_READ: &[Grant] = &[grant("service", "read", "mysql")];
const MYSQL_WRITE: &[Grant] = &[grant("service", "write", "mysql")];
const MYSQL_INSTANCE: &[Grant] = &[grant("service", "read", "mysql"), grant("node", "read", "db")];
const NATIVE_INSTANCE: &[Grant] = &[grant("service", "read", "native"), grant("node", "read", "db")];
const WEB_INSTANCE: &[Grant] = &[grant("service", "read", "web"), grant("node", "read", "node1")];
const KEY_READ: &[Grant] = &[grant("key", "read", "app/color")];
const KEY_WRITE: &[Grant] = &[grant("key", "write", "app/color")];
const KEYS_READ: &[Grant] = &[grant("key_prefix", "read", "app/")];
const SESSION_READ: &[Grant] = &[grant("session", "read", "node1")];
const SESSION_WRITE: &[Grant] = &[grant("session", "write", "node1")];
const QUERY_READ: &[Grant] = &[grant("query", "read", "find-web")];
const QUERY_WRITE: &[Grant] = &[grant("query", "write", "find-web")];

/// 200 while something else is left to show, else 404.
pub const OK_OR_MISSING: u16 = 0;

const TXN: Row = Row { method: "PUT", route: "/v1/txn", kind: Kind::FailedInTransaction, ..BLANK };

/// All requests, in the order in which they are sent.
pub const GROUPS: &[Group] = &[
    Group {
        title: "Status",
        rows: &[open("GET", "/v1/status/leader"), open("GET", "/v1/status/peers"), open("GET", "/v1/agent/version")],
    },
    Group {
        title: "The agent",
        rows: &[
            needs("GET", "/v1/agent/self", "", AGENT_READ),
            needs("GET", "/v1/agent/host", "", OPERATOR_READ),
            needs("GET", "/v1/agent/metrics", "", AGENT_READ),
            needs("GET", "/v1/agent/metrics/stream", "", AGENT_READ).streams(),
            needs("GET", "/v1/agent/monitor", "", AGENT_READ).streams(),
            hides("/v1/agent/members", "", r#""Name":"node1""#, OWN_NODE_READ),
            needs("PUT", "/v1/agent/reload", "", AGENT_WRITE),
            needs("PUT", "/v1/agent/join/", "{address}", AGENT_WRITE),
            needs("PUT", "/v1/agent/force-leave/", "nobody", OPERATOR_WRITE).answers(500).note("an unknown member"),
            needs("PUT", "/v1/agent/token/", "replication", AGENT_WRITE).body(r#"{"Token": ""}"#),
            needs("PUT", "/v1/agent/maintenance", "?enable=false", OWN_NODE_WRITE),
        ],
    },
    Group {
        title: "Services and checks of the agent",
        rows: &[
            hides("/v1/agent/services", "", r#""ID":"web-1""#, WEB_READ),
            needs("GET", "/v1/agent/service/", "web-1", WEB_READ),
            needs("GET", "/v1/agent/health/service/id/", "web-1", WEB_READ),
            needs("GET", "/v1/agent/health/service/name/", "web", WEB_READ),
            needs("PUT", "/v1/agent/service/register", "", &[grant("service", "write", "new")])
                .body(r#"{"Name": "new", "Port": 1}"#)
                .note("a new service"),
            needs(
                "PUT",
                "/v1/agent/service/register",
                "",
                &[grant("service", "write", "heir"), grant("service", "write", "replaced")],
            )
            .body(r#"{"ID": "replaced-1", "Name": "heir", "Port": 1}"#)
            .note("one that takes the id of another"),
            needs(
                "PUT",
                "/v1/agent/service/register",
                "",
                &[grant("service", "write", "mesh"), grant("service", "write", "mesh-sidecar-proxy")],
            )
            .body(r#"{"Name": "mesh", "Port": 1, "Connect": {"SidecarService": {}}}"#)
            .note("one with a sidecar"),
            needs("PUT", "/v1/agent/service/deregister/", "doomed-1", &[grant("service", "write", "doomed")]),
            needs("PUT", "/v1/agent/service/maintenance/", "web-1?enable=false", WEB_WRITE),
            hides("/v1/agent/checks", "", r#""CheckID":"disk""#, OWN_NODE_READ).note("checks of the node"),
            hides("/v1/agent/checks", "", r#""CheckID":"web-ttl""#, WEB_READ).note("checks of services"),
            needs("PUT", "/v1/agent/check/register", "", OWN_NODE_WRITE)
                .body(r#"{"Name": "memory", "TTL": "1h", "Status": "passing"}"#)
                .note("a check of the node"),
            needs("PUT", "/v1/agent/check/register", "", WEB_WRITE)
                .body(r#"{"Name": "web-more", "ServiceID": "web-1", "TTL": "1h", "Status": "passing"}"#)
                .note("a check of a service"),
            needs("PUT", "/v1/agent/check/deregister/", "doomed-check", OWN_NODE_WRITE).note("a check of the node"),
            needs("PUT", "/v1/agent/check/deregister/", "doomed-web-check", WEB_WRITE).note("a check of a service"),
            needs("PUT", "/v1/agent/check/pass/", "disk", OWN_NODE_WRITE).note("a check of the node"),
            needs("PUT", "/v1/agent/check/pass/", "web-ttl", WEB_WRITE).note("a check of a service"),
            needs("PUT", "/v1/agent/check/warn/", "disk", OWN_NODE_WRITE).note("a check of the node"),
            needs("PUT", "/v1/agent/check/warn/", "web-ttl", WEB_WRITE).note("a check of a service"),
            needs("PUT", "/v1/agent/check/fail/", "disk", OWN_NODE_WRITE).note("a check of the node"),
            needs("PUT", "/v1/agent/check/fail/", "web-ttl", WEB_WRITE).note("a check of a service"),
            needs("PUT", "/v1/agent/check/update/", "disk", OWN_NODE_WRITE)
                .body(r#"{"Status": "passing"}"#)
                .note("a check of the node"),
            needs("PUT", "/v1/agent/check/update/", "web-ttl", WEB_WRITE)
                .body(r#"{"Status": "passing"}"#)
                .note("a check of a service"),
        ],
    },
    Group {
        title: "Catalog",
        rows: &[
            open("GET", "/v1/catalog/datacenters"),
            hides("/v1/catalog/nodes", "", r#""Node":"db""#, NODE_READ),
            hides("/v1/catalog/services", "", r#""mysql":"#, MYSQL_READ),
            hides("/v1/catalog/service/", "mysql", r#""ServiceID":"mysql-1""#, MYSQL_INSTANCE),
            hides("/v1/catalog/connect/", "native", r#""ServiceID":"native-1""#, NATIVE_INSTANCE),
            hides("/v1/catalog/node/", "db", r#""ID":"mysql-1""#, MYSQL_INSTANCE),
            hides("/v1/catalog/node-services/", "db", r#""ID":"mysql-1""#, MYSQL_INSTANCE),
            needs("PUT", "/v1/catalog/register", "", &[grant("node", "write", "db2")])
                .body(r#"{"Node": "db2", "Address": "10.0.0.10"}"#)
                .note("a node that is new or changes"),
            needs("PUT", "/v1/catalog/register", "", MYSQL_WRITE)
                .body(
                    r#"{"Node": "db", "Address": "10.0.0.9", "Service": {"ID": "mysql-1", "Service": "mysql", "Port": 3307}}"#,
                )
                .note("a service of a node that stays as it is"),
            needs("PUT", "/v1/catalog/register", "", NODE_WRITE)
                .body(r#"{"Node": "db", "Address": "10.0.0.9", "Check": {"CheckID": "ping", "Name": "ping"}}"#)
                .note("a check of a node"),
            needs("PUT", "/v1/catalog/register", "", MYSQL_WRITE)
                .body(
                    r#"{"Node": "db", "Address": "10.0.0.9", "Check": {"CheckID": "query", "Name": "query", "ServiceID": "mysql-1"}}"#,
                )
                .kind(Kind::RefusedBare)
                .note("a check of a service"),
            needs("PUT", "/v1/catalog/deregister", "", &[grant("service", "write", "doomed")])
                .body(r#"{"Node": "db", "ServiceID": "doomed-2"}"#)
                .note("a service, by its owner"),
            needs("PUT", "/v1/catalog/deregister", "", NODE_WRITE)
                .body(r#"{"Node": "db", "ServiceID": "doomed-3"}"#)
                .says(grant("service", "write", "doomed"))
                .note("a service, by the owner of its node"),
            needs("PUT", "/v1/catalog/deregister", "", NODE_WRITE)
                .body(r#"{"Node": "db", "CheckID": "doomed-check"}"#)
                .note("a check of a node"),
            needs("PUT", "/v1/catalog/deregister", "", &[grant("node", "write", "doomed-node")])
                .body(r#"{"Node": "doomed-node"}"#)
                .note("a node"),
        ],
    },
    Group {
        title: "Health",
        rows: &[
            hides("/v1/health/node/", "db", r#""CheckID":"mysql-check""#, MYSQL_INSTANCE),
            hides("/v1/health/checks/", "mysql", r#""CheckID":"mysql-check""#, MYSQL_INSTANCE),
            hides("/v1/health/state/", "any", r#""CheckID":"mysql-check""#, MYSQL_INSTANCE),
            hides("/v1/health/service/", "mysql", r#""ID":"mysql-1""#, MYSQL_INSTANCE),
            hides("/v1/health/connect/", "native", r#""ID":"native-1""#, NATIVE_INSTANCE),
            hides("/v1/health/ingress/", "mysql", "", MYSQL_INSTANCE),
            hides("/v1/internal/ui/nodes", "", r#""Node":"db""#, NODE_READ),
            hides("/v1/internal/ui/node/", "db", r#""ID":"mysql-1""#, MYSQL_INSTANCE)
                .kind(Kind::Hidden { status: OK_OR_MISSING, shows: r#""ID":"mysql-1""# })
                .note("its services"),
            hides("/v1/internal/ui/node/", "db", r#""Node":"db""#, NODE_READ)
                .kind(Kind::Hidden { status: OK_OR_MISSING, shows: r#""Node":"db""# })
                .note("the node"),
            hides("/v1/internal/ui/services", "", r#""Name":"mysql""#, MYSQL_INSTANCE),
        ],
    },
    Group {
        title: "Coordinates",
        rows: &[
            open("GET", "/v1/coordinate/datacenters"),
            hides("/v1/coordinate/nodes", "", r#""Node":"db""#, NODE_READ),
            needs("GET", "/v1/coordinate/node/", "db", NODE_READ),
            needs("PUT", "/v1/coordinate/update", "", NODE_WRITE).body(
                r#"{"Node": "db", "Coord": {"Vec": [0,0,0,0,0,0,0,0], "Error": 1.5, "Adjustment": 0, "Height": 0.00001}}"#,
            ),
        ],
    },
    Group {
        title: "Keys and transactions",
        rows: &[
            needs("GET", "/v1/kv/", "app/color", KEY_READ),
            needs("GET", "/v1/kv/", "app/missing?raw", &[grant("key", "read", "app/missing")])
                .answers(404)
                .note("a key that does not exist"),
            hides("/v1/kv/", "app/?recurse", r#""Key":"app/color""#, KEYS_READ)
                .kind(Kind::Hidden { status: 404, shows: r#""Key":"app/color""# })
                .note("`?recurse`"),
            hides("/v1/kv/", "app/?keys", r#""app/color""#, KEYS_READ)
                .kind(Kind::Hidden { status: 404, shows: r#""app/color""# })
                .note("`?keys`"),
            needs("PUT", "/v1/kv/", "app/color", KEY_WRITE).body("blue"),
            needs("PUT", "/v1/kv/", "app/color?cas=0", KEY_WRITE).body("red").note("`?cas`"),
            needs("PUT", "/v1/kv/", "app/color?acquire={session}", KEY_WRITE).body("blue").note("`?acquire`"),
            needs("PUT", "/v1/kv/", "app/color?release={session}", KEY_WRITE).body("blue").note("`?release`"),
            needs("DELETE", "/v1/kv/", "doomed", &[grant("key", "write", "doomed")]),
            needs("DELETE", "/v1/kv/", "doomed/?recurse", &[grant("key_prefix", "write", "doomed/")])
                .note("`?recurse`: write on all below"),
            needs(
                "DELETE",
                "/v1/kv/",
                "mixed/?recurse",
                &[grant("key_prefix", "write", "mixed/"), grant("key", "write", "mixed/kept")],
            )
            .says(grant("key", "write", "mixed/"))
            .note("`?recurse` over a key with a rule of its own"),
            TXN.with(KEY_WRITE, r#"[{"KV": {"Verb": "set", "Key": "app/color", "Value": "Ymx1ZQ=="}}]"#).note("set a key"),
            TXN.with(KEY_WRITE, r#"[{"KV": {"Verb": "delete", "Key": "app/color"}}, {"KV": {"Verb": "set", "Key": "app/color", "Value": "Ymx1ZQ=="}}]"#)
                .note("delete a key and set it again"),
            TXN.with(
                &[grant("key_prefix", "write", "doomed/")],
                r#"[{"KV": {"Verb": "delete-tree", "Key": "doomed/"}}]"#,
            )
            .note("delete a tree"),
            TXN.with(NODE_WRITE, r#"[{"Node": {"Verb": "set", "Node": {"Node": "db", "Address": "10.0.0.9"}}}]"#)
                .note("set a node"),
            TXN.with(
                MYSQL_WRITE,
                r#"[{"Service": {"Verb": "set", "Node": "db", "Service": {"ID": "mysql-1", "Service": "mysql", "Port": 3306}}}]"#,
            )
            .note("set a service"),
            TXN.with(
                NODE_WRITE,
                r#"[{"Check": {"Verb": "set", "Check": {"Node": "db", "CheckID": "ping", "Name": "ping"}}}]"#,
            )
            .note("set a check of a node"),
            TXN.with(KEY_READ, r#"[{"KV": {"Verb": "get", "Key": "app/color"}}]"#)
                .kind(Kind::Hidden { status: 200, shows: r#""Key":"app/color""# })
                .note("only reads: get a key"),
            TXN.with(KEYS_READ, r#"[{"KV": {"Verb": "get-tree", "Key": "app/"}}]"#)
                .kind(Kind::Hidden { status: 200, shows: r#""Key":"app/color""# })
                .note("only reads: get a tree"),
        ],
    },
    Group {
        title: "Sessions",
        rows: &[
            needs("PUT", "/v1/session/create", "", SESSION_WRITE).body(r#"{"Name": "one"}"#),
            needs("PUT", "/v1/session/create", "", &[grant("session", "write", "db")])
                .body(r#"{"Node": "db", "NodeChecks": []}"#)
                .note("on another node"),
            needs("PUT", "/v1/session/renew/", "{session}", SESSION_WRITE),
            needs("PUT", "/v1/session/destroy/", "{doomed_session}", SESSION_WRITE),
            hides("/v1/session/info/", "{session}", "{session}", SESSION_READ),
            hides("/v1/session/list", "", "{session}", SESSION_READ),
            hides("/v1/session/node/", "node1", "{session}", SESSION_READ),
        ],
    },
    Group {
        title: "Events and prepared queries",
        rows: &[
            needs("PUT", "/v1/event/fire/", "deploy", &[grant("event", "write", "deploy")]),
            hides("/v1/event/list", "", r#""Name":"deploy""#, &[grant("event", "read", "deploy")]),
            hides("/v1/query", "", r#""Name":"find-web""#, QUERY_READ),
            needs("POST", "/v1/query", "", &[grant("query", "write", "find-new")])
                .body(r#"{"Name": "find-new", "Service": {"Service": "web"}}"#),
            needs("GET", "/v1/query/", "{query}", QUERY_READ).kind(Kind::RefusedBare),
            needs("GET", "/v1/query/", "find-web/explain", QUERY_READ).kind(Kind::RefusedBare).note("`/explain`"),
            hides("/v1/query/", "find-web/execute", r#""ID":"web-1""#, WEB_INSTANCE).note("`/execute`"),
            needs("PUT", "/v1/query/", "{query}", QUERY_WRITE)
                .body(r#"{"Name": "find-web", "Service": {"Service": "web"}}"#),
            needs("DELETE", "/v1/query/", "{doomed_query}", &[grant("query", "write", "doomed-query")]),
        ],
    },
    Group {
        title: "Operating",
        rows: &[
            needs("GET", "/v1/operator/raft/configuration", "", OPERATOR_READ),
            needs("DELETE", "/v1/operator/raft/peer", "?id=5b1d5b8c-0000-4000-8000-000000000000", OPERATOR_WRITE)
                .answers(500)
                .note("an unknown server"),
            needs(
                "POST",
                "/v1/operator/raft/transfer-leader",
                "?id=5b1d5b8c-0000-4000-8000-000000000000",
                OPERATOR_WRITE,
            )
            .answers(500)
            .note("to an unknown server"),
            needs("GET", "/v1/operator/autopilot/configuration", "", OPERATOR_READ),
            needs("PUT", "/v1/operator/autopilot/configuration", "", OPERATOR_WRITE)
                .body(r#"{"CleanupDeadServers": true}"#),
            needs("GET", "/v1/operator/autopilot/health", "", OPERATOR_READ),
            needs("GET", "/v1/operator/autopilot/state", "", OPERATOR_READ),
            needs("GET", "/v1/operator/usage", "", OPERATOR_READ),
            needs("GET", "/v1/operator/keyring", "", &[grant("keyring", "read", "")]),
            needs("POST", "/v1/operator/keyring", "", KEYRING_WRITE)
                .body(r#"{"Key": "{other_key}"}"#)
                .note("install a key"),
            needs("PUT", "/v1/operator/keyring", "", KEYRING_WRITE).body(r#"{"Key": "{key}"}"#).note("use a key"),
            needs("DELETE", "/v1/operator/keyring", "", KEYRING_WRITE)
                .body(r#"{"Key": "{other_key}"}"#)
                .note("remove a key"),
            needs("GET", "/v1/snapshot", "", ACL_WRITE),
            any_token("GET", "/v1/connect/ca/roots"),
            any_token("GET", "/v1/agent/connect/ca/roots"),
            needs("GET", "/v1/connect/ca/configuration", "", OPERATOR_WRITE),
            needs("PUT", "/v1/connect/ca/configuration", "", OPERATOR_WRITE)
                .body(r#"{"Provider": "consul", "Config": {"LeafCertTTL": "72h"}}"#),
        ],
    },
    Group {
        title: "Access control",
        rows: &[
            open("PUT", "/v1/acl/bootstrap").answers(403).note("after it was done once"),
            open("GET", "/v1/acl/replication"),
            open("POST", "/v1/acl/login")
                .body(r#"{"AuthMethod": "nobody", "BearerToken": "x"}"#)
                .answers(403)
                .note("with an unknown auth method"),
            Row { method: "POST", route: "/v1/acl/logout", kind: Kind::Logout, granted: 403, ..BLANK },
            any_token("GET", "/v1/acl/token/self"),
            any_token("POST", "/v1/internal/acl/authorize")
                .body(r#"[{"Resource": "key", "Segment": "a", "Access": "read"}]"#),
            needs("GET", "/v1/acl/tokens", "", ACL_READ),
            needs("PUT", "/v1/acl/token", "", ACL_WRITE).body(r#"{"Description": "made"}"#),
            needs("GET", "/v1/acl/token/", "{token}", ACL_READ),
            needs("PUT", "/v1/acl/token/", "{token}", ACL_WRITE).body(r#"{"Description": "changed"}"#),
            needs("PUT", "/v1/acl/token/", "{token}/clone", ACL_WRITE).body("{}").note("`/clone`"),
            needs("DELETE", "/v1/acl/token/", "{doomed_token}", ACL_WRITE),
            needs("GET", "/v1/acl/policies", "", ACL_READ),
            needs("PUT", "/v1/acl/policy", "", ACL_WRITE).body(r#"{"Name": "made"}"#),
            needs("GET", "/v1/acl/policy/", "{policy}", ACL_READ),
            needs("PUT", "/v1/acl/policy/", "{policy}", ACL_WRITE).body(r#"{"Name": "kept", "Description": "changed"}"#),
            needs("DELETE", "/v1/acl/policy/", "{doomed_policy}", ACL_WRITE),
            needs("GET", "/v1/acl/policy/name/", "kept", ACL_READ),
            needs("GET", "/v1/acl/roles", "", ACL_READ),
            needs("PUT", "/v1/acl/role", "", ACL_WRITE)
                .body(r#"{"Name": "made", "ServiceIdentities": [{"ServiceName": "web"}]}"#),
            needs("GET", "/v1/acl/role/", "{role}", ACL_READ),
            needs("PUT", "/v1/acl/role/", "{role}", ACL_WRITE)
                .body(r#"{"Name": "kept", "ServiceIdentities": [{"ServiceName": "web"}]}"#),
            needs("DELETE", "/v1/acl/role/", "{doomed_role}", ACL_WRITE),
            needs("GET", "/v1/acl/role/name/", "kept", ACL_READ),
            needs("GET", "/v1/acl/auth-methods", "", ACL_READ),
            needs("PUT", "/v1/acl/auth-method", "", ACL_WRITE)
                .body(r#"{"Name": "made", "Type": "jwt", "Config": {"JWTValidationPubKeys": ["{public_key}"]}}"#),
            needs("GET", "/v1/acl/auth-method/", "kept", ACL_READ),
            needs("PUT", "/v1/acl/auth-method/", "kept", ACL_WRITE)
                .body(r#"{"Name": "kept", "Type": "jwt", "Config": {"JWTValidationPubKeys": ["{public_key}"]}}"#),
            needs("DELETE", "/v1/acl/auth-method/", "doomed", ACL_WRITE),
            needs("GET", "/v1/acl/binding-rules", "", ACL_READ),
            needs("PUT", "/v1/acl/binding-rule", "", ACL_WRITE)
                .body(r#"{"AuthMethod": "kept", "BindType": "service", "BindName": "web"}"#),
            needs("GET", "/v1/acl/binding-rule/", "{rule}", ACL_READ),
            needs("PUT", "/v1/acl/binding-rule/", "{rule}", ACL_WRITE)
                .body(r#"{"AuthMethod": "kept", "BindType": "service", "BindName": "web"}"#),
            needs("DELETE", "/v1/acl/binding-rule/", "{doomed_rule}", ACL_WRITE),
            needs("GET", "/v1/acl/templated-policies", "", ACL_READ),
            needs("GET", "/v1/acl/templated-policy/name/", "builtin/node", ACL_READ),
            needs("POST", "/v1/acl/templated-policy/preview/", "builtin/node", ACL_READ).body(r#"{"Name": "db"}"#),
        ],
    },
    Group {
        title: "Restoring and leaving",
        rows: &[
            needs("PUT", "/v1/snapshot", "", ACL_WRITE).body("{snapshot}"),
            needs("PUT", "/v1/agent/leave", "", AGENT_WRITE),
        ],
    },
];

const KEYS_LIST: &[Grant] = &[grant("key_prefix", "list", "app/")];

/// Requests to servers with `acl.enable_key_list_policy`, where they need another permission than elsewhere.
pub const LISTING: Group = Group {
    title: "Listing keys, with `enable_key_list_policy`",
    rows: &[
        needs("GET", "/v1/kv/", "app/?recurse", KEYS_LIST).note("`?recurse`"),
        needs("GET", "/v1/kv/", "app/?keys", KEYS_LIST).note("`?keys`"),
        TXN.with(KEYS_LIST, r#"[{"KV": {"Verb": "get-tree", "Key": "app/"}}]"#).note("only reads: get a tree"),
        needs("GET", "/v1/kv/", "app/color", KEY_READ).note("a key, as elsewhere"),
    ],
};

impl Row {
    const fn with(self, grants: &'static [Grant], body: &'static str) -> Row {
        Row { grants, body, ..self }
    }
}

/// What DNS says when a permission is missing.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    /// The name does not exist; with a secret that no token has, the server fails.
    Name,
    /// The name exists, and the records that may not be seen are not there.
    Records,
}

/// A question by DNS and what its token must be able to read.
pub struct Question {
    /// Name and record type.
    pub name: &'static str,
    pub kind: &'static str,
    pub grants: &'static [Grant],
    /// A part of the data of an answer.
    pub shows: &'static str,
    pub form: &'static str,
    pub missing: Missing,
}

const fn question(
    form: &'static str,
    name: &'static str,
    kind: &'static str,
    shows: &'static str,
    grants: &'static [Grant],
) -> Question {
    Question { name, kind, grants, shows, form, missing: Missing::Name }
}

impl Question {
    const fn missing(self, missing: Missing) -> Question {
        Question { missing, ..self }
    }
}

const SERVER_INSTANCE: &[Grant] = &[grant("service", "read", "consul"), grant("node", "read", "node1")];

/// All forms of names.
pub const QUESTIONS: &[Question] = &[
    question("NODE.node", "db.node.consul.", "A", "10.0.0.9", NODE_READ),
    question("SERVICE.service", "mysql.service.consul.", "A", "10.0.0.9", MYSQL_INSTANCE),
    question("SERVICE.service (SRV)", "mysql.service.consul.", "SRV", "db.node.dc1.consul.", MYSQL_INSTANCE),
    question("TAG.SERVICE.service", "primary.mysql.service.consul.", "A", "10.0.0.9", MYSQL_INSTANCE),
    question(
        "_SERVICE._TAG.service (SRV)",
        "_mysql._primary.service.consul.",
        "SRV",
        "db.node.dc1.consul.",
        MYSQL_INSTANCE,
    ),
    question("SERVICE.connect", "native.connect.consul.", "A", "10.0.0.9", NATIVE_INSTANCE),
    question("QUERY.query", "find-web.query.consul.", "A", "{address}", WEB_INSTANCE),
    question("reverse, of a node (PTR)", "9.0.0.10.in-addr.arpa.", "PTR", "db.node.dc1.consul.", NODE_READ),
    question("HEX.addr", "0a000009.addr.dc1.consul.", "A", "10.0.0.9", &[]),
    question("the domain (NS)", "consul.", "NS", "node1.node.dc1.consul.", SERVER_INSTANCE).missing(Missing::Records),
    question("the domain (SOA)", "consul.", "SOA", "hostmaster.consul.", &[]),
    question("the domain (SOA), its name servers", "consul.", "SOA", "node1.node.dc1.consul.", SERVER_INSTANCE)
        .missing(Missing::Records),
];
