//! The tables of all request bodies: fields, types, aliases (`spec/http-api.md` 1.5 and the endpoint sections).

use super::shape::{Field, HEADERS, Kind, Shape, TEXT_MAP, TEXTS, alias, field};

/// A type whose fields Go decodes in place.
pub const fn plain(name: &'static str, go_type: &'static str, fields: &'static [&'static [Field]]) -> Shape {
    Shape { name, go_type, custom: false, lenient: false, fill: false, fields }
}

/// A type that decodes itself.
const fn custom(go_type: &'static str, fields: &'static [&'static [Field]]) -> Shape {
    Shape { name: "", go_type, custom: true, lenient: false, fill: false, fields }
}

const SERVICE_ADDRESSES: Kind = Kind::Map(&Kind::Object(&SERVICE_ADDRESS), "map[string]structs.ServiceAddress");
static SERVICE_ADDRESS: Shape =
    plain("ServiceAddress", "structs.ServiceAddress", &[&[field("Address", Kind::Text), field("Port", Kind::Int)]]);
static WEIGHTS: Shape = Shape {
    fill: true,
    ..plain("Weights", "structs.Weights", &[&[field("Passing", Kind::Int), field("Warning", Kind::Int)]])
};
static LOCALITY: Shape =
    plain("Locality", "structs.Locality", &[&[field("Region", Kind::Text), field("Zone", Kind::Text)]]);

/// What all definitions of a runnable check share.
const RUNNABLE: &[Field] = &[
    field("Name", Kind::Text),
    field("Notes", Kind::Text),
    field("Status", Kind::Text),
    alias("ScriptArgs", TEXTS, &["args", "script_args"]),
    field("HTTP", Kind::Text),
    field("Header", HEADERS),
    field("Method", Kind::Text),
    field("Body", Kind::Text),
    field("TCP", Kind::Text),
    alias("TCPUseTLS", Kind::Bool, &["tcp_use_tls"]),
    field("UDP", Kind::Text),
    field("H2PING", Kind::Text),
    alias("H2PingUseTLS", Kind::Bool, &["h2ping_use_tls"]),
    field("OSService", Kind::Text),
    field("Interval", Kind::Duration),
    field("Timeout", Kind::Duration),
    field("TTL", Kind::Duration),
    alias("DockerContainerID", Kind::Text, &["docker_container_id"]),
    field("Shell", Kind::Text),
    field("GRPC", Kind::Text),
    alias("GRPCUseTLS", Kind::Bool, &["grpc_use_tls"]),
    alias("TLSServerName", Kind::Text, &["tls_server_name"]),
    alias("TLSSkipVerify", Kind::Bool, &["tls_skip_verify"]),
    field("AliasNode", Kind::Text),
    field("AliasService", Kind::Text),
    field("SuccessBeforePassing", Kind::Int),
    field("FailuresBeforeWarning", Kind::Int),
    field("FailuresBeforeCritical", Kind::Int),
    alias("DeregisterCriticalServiceAfter", Kind::Duration, &["deregister_critical_service_after"]),
    field("OutputMaxSize", Kind::Int),
];

/// Body of `/v1/agent/check/register`.
pub static CHECK_REGISTER: Shape = custom(
    "structs.CheckDefinition",
    &[
        RUNNABLE,
        &[
            field("ID", Kind::Named("types.CheckID")),
            alias("ServiceID", Kind::Text, &["service_id"]),
            field("Token", Kind::Text),
            alias("DisableRedirects", Kind::Bool, &["disable_redirects"]),
        ],
    ],
);

/// A check inside a service definition.
static CHECK_TYPE: Shape = custom(
    "structs.CheckType",
    &[
        RUNNABLE,
        &[
            field("CheckID", Kind::Named("types.CheckID")),
            field("DisableRedirects", Kind::Bool),
            field("ProxyHTTP", Kind::Text),
            field("ProxyGRPC", Kind::Text),
            alias("ServiceID", Kind::Ignored, &["service_id"]),
        ],
    ],
);

static MESH_GATEWAY: Shape = plain(
    "MeshGatewayConfig",
    "structs.MeshGatewayConfig",
    &[&[field("Mode", Kind::Named("structs.MeshGatewayMode"))]],
);
static EXPOSE_PATH: Shape = custom(
    "structs.ExposePath",
    &[&[
        alias("ListenerPort", Kind::Int, &["listener_port"]),
        field("Path", Kind::Text),
        alias("LocalPathPort", Kind::Int, &["local_path_port"]),
        field("Protocol", Kind::Text),
        alias("ParsedFromCheck", Kind::Bool, &["parsed_from_check"]),
    ]],
);
static EXPOSE: Shape = plain(
    "ExposeConfig",
    "structs.ExposeConfig",
    &[&[field("Checks", Kind::Bool), field("Paths", Kind::List(&Kind::Object(&EXPOSE_PATH), "[]structs.ExposePath"))]],
);
static TRANSPARENT_PROXY: Shape = plain(
    "TransparentProxyConfig",
    "structs.TransparentProxyConfig",
    &[&[
        alias("OutboundListenerPort", Kind::Int, &["outbound_listener_port"]),
        alias("DialedDirectly", Kind::Bool, &["dialed_directly"]),
    ]],
);
static ACCESS_LOGS: Shape = plain(
    "AccessLogsConfig",
    "structs.AccessLogsConfig",
    &[&[
        field("Enabled", Kind::Bool),
        alias("DisableListenerLogs", Kind::Bool, &["disable_listener_logs"]),
        field("Type", Kind::Named("structs.LogSinkType")),
        field("Path", Kind::Text),
        alias("JSONFormat", Kind::Text, &["json_format"]),
        alias("TextFormat", Kind::Text, &["text_format"]),
    ]],
);
static UPSTREAM: Shape = custom(
    "structs.Upstream",
    &[&[
        alias("DestinationType", Kind::Text, &["destination_type"]),
        alias("DestinationNamespace", Kind::Text, &["destination_namespace"]),
        alias("DestinationPartition", Kind::Text, &["destination_partition"]),
        alias("DestinationPeer", Kind::Text, &["destination_peer"]),
        alias("DestinationName", Kind::Text, &["destination_name"]),
        field("Datacenter", Kind::Text),
        alias("LocalBindAddress", Kind::Text, &["local_bind_address"]),
        alias("LocalBindPort", Kind::Int, &["local_bind_port"]),
        alias("LocalBindSocketPath", Kind::Text, &["local_bind_socket_path"]),
        alias("LocalBindSocketMode", Kind::Text, &["local_bind_socket_mode"]),
        field("Config", Kind::AnyMap),
        alias("MeshGateway", Kind::Object(&MESH_GATEWAY), &["mesh_gateway"]),
        field("CentrallyConfigured", Kind::Bool),
    ]],
);
static PROXY: Shape = custom(
    "structs.ConnectProxyConfig",
    &[&[
        field("EnvoyExtensions", Kind::List(&Kind::Any, "structs.EnvoyExtensions")),
        alias("DestinationServiceName", Kind::Text, &["destination_service_name"]),
        alias("DestinationServiceID", Kind::Text, &["destination_service_id"]),
        alias("LocalServiceAddress", Kind::Text, &["local_service_address"]),
        alias("LocalServicePort", Kind::Int, &["local_service_port"]),
        alias("LocalServiceSocketPath", Kind::Text, &["local_service_socket_path"]),
        field("Mode", Kind::Named("structs.ProxyMode")),
        field("Config", Kind::AnyMap),
        field("Upstreams", Kind::List(&Kind::Object(&UPSTREAM), "structs.Upstreams")),
        alias("MeshGateway", Kind::Object(&MESH_GATEWAY), &["mesh_gateway"]),
        field("Expose", Kind::Object(&EXPOSE)),
        alias("TransparentProxy", Kind::Object(&TRANSPARENT_PROXY), &["transparent_proxy"]),
        alias("AccessLogs", Kind::Object(&ACCESS_LOGS), &["access_logs"]),
        alias("MutualTLSMode", Kind::Named("structs.MutualTLSMode"), &["mutual_tls_mode"]),
    ]],
);

/// `Connect` of an agent's service definition: the sidecar is a definition of its own.
static DEFINITION_CONNECT: Shape = Shape {
    lenient: true,
    ..custom(
        "structs.ServiceConnect",
        &[&[
            field("Native", Kind::Bool),
            alias("SidecarService", Kind::Object(&SERVICE_REGISTER), &["sidecar_service"]),
        ]],
    )
};
/// `Connect` of a catalog row.
static ROW_CONNECT: Shape = Shape {
    lenient: true,
    ..custom(
        "structs.ServiceConnect",
        &[&[
            field("Native", Kind::Bool),
            alias("SidecarService", Kind::Any, &["sidecar_service"]),
            field("PeerMeta", Kind::Any),
        ]],
    )
};

/// Body of `/v1/agent/service/register`.
pub static SERVICE_REGISTER: Shape = custom(
    "structs.ServiceDefinition",
    &[&[
        field("Kind", Kind::Named("structs.ServiceKind")),
        field("ID", Kind::Text),
        field("Name", Kind::Text),
        field("Tags", TEXTS),
        field("Address", Kind::Text),
        alias("TaggedAddresses", SERVICE_ADDRESSES, &["tagged_addresses"]),
        field("Meta", TEXT_MAP),
        field("Port", Kind::Int),
        field("SocketPath", Kind::Text),
        field("Check", Kind::Object(&CHECK_TYPE)),
        field("Checks", Kind::List(&Kind::Object(&CHECK_TYPE), "structs.CheckTypes")),
        field("Weights", Kind::Object(&WEIGHTS)),
        field("Token", Kind::Text),
        alias("EnableTagOverride", Kind::Bool, &["enable_tag_override"]),
        field("Locality", Kind::Object(&LOCALITY)),
        field("Proxy", Kind::Object(&PROXY)),
        field("Connect", Kind::Object(&DEFINITION_CONNECT)),
    ]],
);

/// Body of `/v1/agent/check/update/`.
pub static CHECK_UPDATE: Shape =
    plain("checkUpdate", "agent.checkUpdate", &[&[field("Status", Kind::Text), field("Output", Kind::Text)]]);

/// Body of `/v1/agent/token/`.
pub static TOKEN_UPDATE: Shape = plain("AgentToken", "api.AgentToken", &[&[field("Token", Kind::Text)]]);

/// The raft indexes of a row.
pub const INDEXES: &[Field] = &[field("CreateIndex", Kind::Uint), field("ModifyIndex", Kind::Uint)];

/// What service rows of the catalog and of transactions share.
const SERVICE_ROW: &[Field] = &[
    field("Kind", Kind::Named("structs.ServiceKind")),
    field("ID", Kind::Text),
    field("Service", Kind::Text),
    field("Tags", TEXTS),
    field("Address", Kind::Text),
    field("TaggedAddresses", SERVICE_ADDRESSES),
    field("Meta", TEXT_MAP),
    field("Port", Kind::Int),
    field("SocketPath", Kind::Text),
    field("Weights", Kind::Object(&WEIGHTS)),
    field("EnableTagOverride", Kind::Bool),
    field("Locality", Kind::Object(&LOCALITY)),
    field("Proxy", Kind::Object(&PROXY)),
    field("Connect", Kind::Object(&ROW_CONNECT)),
    field("PeerName", Kind::Text),
];
static NODE_SERVICE: Shape = plain("NodeService", "structs.NodeService", &[SERVICE_ROW, INDEXES]);

static CHECK_DEFINITION: Shape = Shape {
    lenient: true,
    ..custom(
        "structs.HealthCheckDefinition",
        &[&[
            alias("Interval", Kind::Duration, &["IntervalDuration"]),
            alias("Timeout", Kind::Duration, &["TimeoutDuration"]),
            alias("DeregisterCriticalServiceAfter", Kind::Duration, &["DeregisterCriticalServiceAfterDuration"]),
            field("TTL", Kind::Duration),
            field("OutputMaxSize", Kind::Uint),
            field("HTTP", Kind::Text),
            field("TLSServerName", Kind::Text),
            field("TLSSkipVerify", Kind::Bool),
            field("Header", HEADERS),
            field("Method", Kind::Text),
            field("Body", Kind::Text),
            field("DisableRedirects", Kind::Bool),
            field("TCP", Kind::Text),
            field("TCPUseTLS", Kind::Bool),
            field("UDP", Kind::Text),
            field("H2PING", Kind::Text),
            field("OSService", Kind::Text),
            field("H2PingUseTLS", Kind::Bool),
            field("ScriptArgs", TEXTS),
            field("DockerContainerID", Kind::Text),
            field("Shell", Kind::Text),
            field("GRPC", Kind::Text),
            field("GRPCUseTLS", Kind::Bool),
            field("AliasNode", Kind::Text),
            field("AliasService", Kind::Text),
            field("SessionName", Kind::Text),
        ]],
    )
};
static HEALTH_CHECK: Shape = plain(
    "HealthCheck",
    "structs.HealthCheck",
    &[
        &[
            field("Node", Kind::Text),
            field("CheckID", Kind::Named("types.CheckID")),
            field("Name", Kind::Text),
            field("Status", Kind::Text),
            field("Notes", Kind::Text),
            field("Output", Kind::Text),
            field("ServiceID", Kind::Text),
            field("ServiceName", Kind::Text),
            field("ServiceTags", TEXTS),
            field("Type", Kind::Text),
            field("Interval", Kind::Text),
            field("Timeout", Kind::Text),
            field("ExposedPort", Kind::Int),
            field("PeerName", Kind::Text),
            field("Definition", Kind::Object(&CHECK_DEFINITION)),
        ],
        INDEXES,
    ],
);

/// Body of `/v1/catalog/register`.
pub static CATALOG_REGISTER: Shape = plain(
    "RegisterRequest",
    "structs.RegisterRequest",
    &[
        &[
            field("Datacenter", Kind::Text),
            field("ID", Kind::Named("types.NodeID")),
            field("Node", Kind::Text),
            field("Address", Kind::Text),
            field("TaggedAddresses", TEXT_MAP),
            field("NodeMeta", TEXT_MAP),
            field("Service", Kind::Object(&NODE_SERVICE)),
            field("Check", Kind::Object(&HEALTH_CHECK)),
            field("Checks", Kind::List(&Kind::Object(&HEALTH_CHECK), "structs.HealthChecks")),
            field("SkipNodeUpdate", Kind::Bool),
            field("Locality", Kind::Object(&LOCALITY)),
            field("PeerName", Kind::Text),
            field("Token", Kind::Text),
        ],
        INDEXES,
    ],
);

/// Body of `/v1/catalog/deregister`.
pub static CATALOG_DEREGISTER: Shape = plain(
    "DeregisterRequest",
    "structs.DeregisterRequest",
    &[&[
        field("Datacenter", Kind::Text),
        field("Node", Kind::Text),
        field("Address", Kind::Text),
        field("ServiceID", Kind::Text),
        field("CheckID", Kind::Named("types.CheckID")),
        field("PeerName", Kind::Text),
        field("Token", Kind::Text),
    ]],
);

static SERVICE_CHECK: Shape =
    plain("ServiceCheck", "structs.ServiceCheck", &[&[field("ID", Kind::Text), field("Namespace", Kind::Text)]]);

/// Body of `/v1/session/create`.
pub static SESSION_CREATE: Shape = Shape {
    lenient: true,
    ..custom(
        "structs.Session",
        &[&[
            field("Name", Kind::Text),
            field("Node", Kind::Text),
            field("LockDelay", Kind::Duration),
            field("Behavior", Kind::Named("structs.SessionBehavior")),
            field("TTL", Kind::Text),
            field("NodeChecks", TEXTS),
            field("ServiceChecks", Kind::List(&Kind::Object(&SERVICE_CHECK), "[]structs.ServiceCheck")),
            field("Checks", Kind::List(&Kind::Text, "[]types.CheckID")),
        ]],
    )
};

static QUERY_TARGET: Shape = plain(
    "QueryFailoverTarget",
    "structs.QueryFailoverTarget",
    &[&[field("Peer", Kind::Text), field("Datacenter", Kind::Text)]],
);
static QUERY_FAILOVER: Shape = plain(
    "QueryFailoverOptions",
    "structs.QueryFailoverOptions",
    &[&[
        field("NearestN", Kind::Int),
        field("Datacenters", TEXTS),
        field("Targets", Kind::List(&Kind::Object(&QUERY_TARGET), "[]structs.QueryFailoverTarget")),
        field("SkipLocalDatacenter", Kind::Bool),
    ]],
);
static QUERY_TEMPLATE: Shape = plain(
    "QueryTemplateOptions",
    "structs.QueryTemplateOptions",
    &[&[field("Type", Kind::Text), field("Regexp", Kind::Text), field("RemoveEmptyTags", Kind::Bool)]],
);
static QUERY_SERVICE: Shape = plain(
    "ServiceQuery",
    "structs.ServiceQuery",
    &[&[
        field("Service", Kind::Text),
        field("SamenessGroup", Kind::Text),
        field("Failover", Kind::Object(&QUERY_FAILOVER)),
        field("OnlyPassing", Kind::Bool),
        field("IncludeAll", Kind::Bool),
        field("IgnoreCheckIDs", Kind::List(&Kind::Text, "[]types.CheckID")),
        field("Near", Kind::Text),
        field("Tags", TEXTS),
        field("NodeMeta", TEXT_MAP),
        field("ServiceMeta", TEXT_MAP),
        field("Connect", Kind::Bool),
        field("Peer", Kind::Text),
    ]],
);
static QUERY_DNS: Shape = plain("QueryDNSOptions", "structs.QueryDNSOptions", &[&[field("TTL", Kind::Text)]]);

/// Body of `/v1/query`.
pub static PREPARED_QUERY: Shape = plain(
    "PreparedQuery",
    "structs.PreparedQuery",
    &[
        &[
            field("ID", Kind::Text),
            field("Name", Kind::Text),
            field("Session", Kind::Text),
            field("Token", Kind::Text),
            field("Template", Kind::Object(&QUERY_TEMPLATE)),
            field("Service", Kind::Object(&QUERY_SERVICE)),
            field("DNS", Kind::Object(&QUERY_DNS)),
        ],
        INDEXES,
    ],
);

static COORDINATE: Shape = Shape {
    fill: true,
    ..plain(
        "Coordinate",
        "coordinate.Coordinate",
        &[&[
            field("Vec", Kind::List(&Kind::Float, "[]float64")),
            field("Error", Kind::Float),
            field("Adjustment", Kind::Float),
            field("Height", Kind::Float),
        ]],
    )
};

/// Body of `/v1/coordinate/update`.
pub static COORDINATE_UPDATE: Shape = plain(
    "CoordinateUpdateRequest",
    "structs.CoordinateUpdateRequest",
    &[&[
        field("Datacenter", Kind::Text),
        field("Node", Kind::Text),
        field("Segment", Kind::Text),
        field("Coord", Kind::Object(&COORDINATE)),
        field("Token", Kind::Text),
    ]],
);

static TXN_KV: Shape = plain(
    "KVTxnOp",
    "api.KVTxnOp",
    &[&[
        field("Verb", Kind::Named("api.KVOp")),
        field("Key", Kind::Text),
        field("Value", Kind::Base64),
        field("Flags", Kind::Uint),
        field("Index", Kind::Uint),
        field("Session", Kind::Text),
    ]],
);
static TXN_NODE_ROW: Shape = plain(
    "Node",
    "api.Node",
    &[
        &[
            field("ID", Kind::Text),
            field("Node", Kind::Text),
            field("Address", Kind::Text),
            field("Datacenter", Kind::Text),
            field("TaggedAddresses", TEXT_MAP),
            field("Meta", TEXT_MAP),
            field("PeerName", Kind::Text),
            field("Locality", Kind::Object(&LOCALITY)),
        ],
        INDEXES,
    ],
);
static TXN_NODE: Shape = plain(
    "NodeTxnOp",
    "api.NodeTxnOp",
    &[&[field("Verb", Kind::Named("api.NodeOp")), field("Node", Kind::Object(&TXN_NODE_ROW))]],
);
static TXN_SERVICE_ROW: Shape = plain(
    "AgentService",
    "api.AgentService",
    &[SERVICE_ROW, INDEXES, &[field("ContentHash", Kind::Ignored), field("Datacenter", Kind::Ignored)]],
);
static TXN_SERVICE: Shape = plain(
    "ServiceTxnOp",
    "api.ServiceTxnOp",
    &[&[
        field("Verb", Kind::Named("api.ServiceOp")),
        field("Node", Kind::Text),
        field("Service", Kind::Object(&TXN_SERVICE_ROW)),
    ]],
);
static TXN_CHECK: Shape = plain(
    "CheckTxnOp",
    "api.CheckTxnOp",
    &[&[field("Verb", Kind::Named("api.CheckOp")), field("Check", Kind::Object(&HEALTH_CHECK))]],
);
static TXN_OP: Shape = plain(
    "TxnOp",
    "api.TxnOp",
    &[&[
        field("KV", Kind::Object(&TXN_KV)),
        field("Node", Kind::Object(&TXN_NODE)),
        field("Service", Kind::Object(&TXN_SERVICE)),
        field("Check", Kind::Object(&TXN_CHECK)),
    ]],
);

/// Body of `/v1/txn`.
pub static TXN: Kind = Kind::List(&Kind::Object(&TXN_OP), "api.TxnOps");

/// Body of `/v1/agent/token/`.
pub static AGENT_TOKEN: Shape = plain("AgentToken", "api.AgentToken", &[&[field("Token", Kind::Text)]]);

/// Body of `/v1/operator/keyring`.
pub static KEYRING: Shape = plain(
    "keyringArgs",
    "agent.keyringArgs",
    &[&[
        field("Key", Kind::Text),
        field("Token", Kind::Text),
        field("RelayFactor", Kind::Uint),
        field("LocalOnly", Kind::Bool),
    ]],
);

/// Body of `/v1/operator/autopilot/configuration`.
pub static AUTOPILOT: Shape = plain(
    "AutopilotConfiguration",
    "api.AutopilotConfiguration",
    &[
        &[
            field("CleanupDeadServers", Kind::Bool),
            field("LastContactThreshold", Kind::Duration),
            field("MaxTrailingLogs", Kind::Uint),
            field("MinQuorum", Kind::Uint),
            field("ServerStabilizationTime", Kind::Duration),
            field("RedundancyZoneTag", Kind::Text),
            field("DisableUpgradeMigration", Kind::Bool),
            field("UpgradeVersionTag", Kind::Text),
        ],
        INDEXES,
    ],
);

/// Body of `/v1/connect/ca/configuration`.
pub static CA_CONFIGURATION: Shape = plain(
    "CAConfiguration",
    "structs.CAConfiguration",
    &[
        &[
            field("ClusterID", Kind::Text),
            field("Provider", Kind::Text),
            field("Config", Kind::AnyMap),
            field("State", TEXT_MAP),
            alias("ForceWithoutCrossSigning", Kind::Bool, &["force_without_cross_signing"]),
        ],
        INDEXES,
    ],
);

#[cfg(test)]
mod tests {
    use super::super::{decode, shape};
    use super::*;
    use crate::types::{CheckType, GoDuration, RegisterRequest, Session};
    use serde_json::Value;

    fn error(body: &str, kind: &Kind) -> String {
        decode::<Value>(body.as_bytes(), kind).expect_err(body)
    }

    #[test]
    fn values_of_the_wrong_type_and_unknown_fields_get_gos_words() {
        let service = Kind::Object(&SERVICE_REGISTER);
        let register = Kind::Object(&CATALOG_REGISTER);
        let session = Kind::Object(&SESSION_CREATE);
        let cannot = "json: cannot unmarshal";
        let cases: &[(&Kind, &str, &str)] = &[
            (&service, r#"{"Port":"a"}"#, "string into Go struct field .Port of type int"),
            (&service, r#"{"Port":1.5}"#, "number 1.5 into Go struct field .Port of type int"),
            (&service, r#"{"Tags":"a"}"#, "string into Go struct field .Tags of type []string"),
            (&service, r#"{"Tags":[1]}"#, "number into Go struct field .Tags of type string"),
            (
                &service,
                r#"{"Weights":{"Passing":"a"}}"#,
                "string into Go struct field Weights.Weights.Passing of type int",
            ),
            (&service, r#"{"Check":{"Name":3}}"#, "number into Go struct field .Check of type string"),
            (
                &service,
                r#"{"Proxy":{"Upstreams":[{"LocalBindPort":"s"}]}}"#,
                "string into Go struct field .Proxy of type int",
            ),
            (
                &service,
                r#"{"TaggedAddresses":{"lan":{"Port":"1"}}}"#,
                "string into Go struct field ServiceAddress.TaggedAddresses.Port of type int",
            ),
            (&register, r#"{"Check":{"Node":1}}"#, "number into Go struct field HealthCheck.Check.Node of type string"),
            (
                &register,
                r#"{"Check":{"Definition":{"HTTP":1}}}"#,
                "number into Go struct field HealthCheck.Check.Definition of type string",
            ),
            (
                &register,
                r#"{"Checks":{}}"#,
                "object into Go struct field RegisterRequest.Checks of type structs.HealthChecks",
            ),
            (
                &session,
                r#"{"ServiceChecks":[{"ID":1}]}"#,
                "number into Go struct field ServiceCheck.ServiceChecks.ID of type string",
            ),
            (&TXN, "{}", "object into Go value of type api.TxnOps"),
            (&TXN, r#"[{"KV":{"Flags":-1}}]"#, "number -1 into Go struct field KVTxnOp.KV.Flags of type uint64"),
            (
                &TXN,
                r#"[{"Node":{"Node":{"Node":1}}}]"#,
                "number into Go struct field Node.Node.Node.Node of type string",
            ),
        ];
        for (kind, body, expected) in cases {
            assert_eq!(error(body, kind), format!("{cannot} {expected}"));
        }
        assert_eq!(error(r#"{"Foo":1,"Port":"a"}"#, &service), "json: unknown field \"Foo\"");
        assert_eq!(error(r#"{"Check":{"Interval":"zz"}}"#, &service), "time: invalid duration \"zz\"");
    }

    #[test]
    fn keys_match_without_case_and_aliases_yield_to_canonical_keys() {
        let body = br#"{"id":"c","NAME":"n","args":["a"],"ttl":"10s","Interval":5,"tls_skip_verify":true,
            "docker_container_id":"x","DockerContainerID":"y"}"#;
        let value: Value = decode(body, &Kind::Object(&CHECK_REGISTER)).expect("fits");
        let check: CheckType = serde_json::from_value(value.clone()).expect("a check");
        assert_eq!(value["ID"], "c");
        assert_eq!((check.name.as_str(), check.ttl, check.interval), ("n", GoDuration::secs(10), GoDuration(5)));
        assert_eq!(check.script_args, Some(vec!["a".to_owned()]));
        assert!(check.tls_skip_verify);
        assert_eq!(check.docker_container_id, "y");
    }

    #[test]
    fn nulls_are_absent_and_nested_types_are_read() {
        let body = br#"{"Node":"n","Service":{"Service":"web","Tags":null,"Weights":{"Passing":5},"Meta":{"a":null},
            "Proxy":{"Config":{"z":1,"a":{"y":null}}}},"Check":null,"Checks":[null,{"Definition":{"TTL":"1s","Foo":1}}]}"#;
        let request: RegisterRequest = decode(body, &Kind::Object(&CATALOG_REGISTER)).expect("fits");
        let service = request.service.expect("a service");
        let weights = service.weights.expect("weights");
        assert_eq!((weights.passing, weights.warning), (5, 0));
        assert_eq!(service.tags, None);
        let config = serde_json::to_string(&service.proxy.config).expect("JSON");
        assert_eq!(config, r#"{"a":{"y":null},"z":1}"#);
        let checks = request.checks.expect("checks");
        assert_eq!((checks.len(), checks[0].definition.ttl), (1, GoDuration::secs(1)));
        let session: Session = decode(b"null", &Kind::Object(&SESSION_CREATE)).expect("null is empty");
        assert_eq!(session, Session::default());
    }

    #[test]
    fn strings_are_quoted_as_go_does() {
        assert_eq!(shape::go_quote("a\"b\\\n\u{1}é"), "\"a\\\"b\\\\\\n\\x01é\"");
    }
}
