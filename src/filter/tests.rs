//! Expressions with what the reference answers, over one node with one service and two checks, and a law: the compiled
//! program agrees with a plain evaluation of the row's JSON.

use super::*;
use crate::types::{CheckServiceNode, HealthCheck, Node, NodeService, ServiceAddress, ServiceNode, Weights};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

type Case = (&'static str, std::result::Result<bool, &'static str>);

/// Over `/v1/catalog/service/web`.
const SERVICE_NODE: &[Case] = &[
    ("ServiceName == web", Ok(true)),
    ("ServiceName==web", Ok(true)),
    ("ServiceName != web", Ok(false)),
    (r#"ServiceName == "web""#, Ok(true)),
    ("ServiceName == `web`", Ok(true)),
    ("ServiceName==redis or ServicePort == 8080", Ok(true)),
    ("ServiceName==redis and ServicePort == 8080", Ok(false)),
    ("not ServiceName==redis", Ok(true)),
    ("not not ServiceName==redis", Ok(false)),
    ("not ServiceName==redis and ServicePort == 1", Ok(false)),
    ("(ServiceName == web)", Ok(true)),
    ("( ServiceName == web )", Ok(true)),
    ("((ServiceName == web))", Ok(true)),
    ("(ServiceName == web) and ServicePort == 8080", Ok(true)),
    ("ServiceName == web and (ServicePort == 1 or ServicePort == 8080)", Ok(true)),
    ("ServicePort == 8_080", Err(r#"1:17 (16): rule "number": Invalid number literal"#)),
    ("ServicePort == 0x1f90", Err(r#"1:17 (16): rule "number": Invalid number literal"#)),
    (r#"ServicePort == "0x1f90""#, Ok(true)),
    ("ServicePort == 017620", Err(r#"1:17 (16): rule "number": Invalid number literal"#)),
    (r#"ServicePort == "017620""#, Ok(true)),
    (r#"ServicePort == "0b1""#, Ok(false)),
    (
        "ServicePort == x",
        Err(r#"Failed to coerce value "x" for selector "ServicePort": strconv.ParseInt: parsing "x": invalid syntax"#),
    ),
    (
        "ServicePort == 99999999999999999999",
        Err(
            r#"Failed to coerce value "99999999999999999999" for selector "ServicePort": strconv.ParseInt: parsing "99999999999999999999": value out of range"#,
        ),
    ),
    (
        r#"ServicePort == """#,
        Err(r#"Failed to coerce value "" for selector "ServicePort": strconv.ParseInt: parsing "": invalid syntax"#),
    ),
    (
        "ServicePort == 1.5",
        Err(
            r#"Failed to coerce value "1.5" for selector "ServicePort": strconv.ParseInt: parsing "1.5": invalid syntax"#,
        ),
    ),
    ("ServicePort == -1", Ok(false)),
    ("ServicePort in web", Err(r#"Selector "web" is not valid"#)),
    ("ServicePort matches 8", Err(r#"Invalid match operator "Matches" for selector "ServicePort""#)),
    ("ServicePort is empty", Err(r#"Invalid match operator "Is Empty" for selector "ServicePort""#)),
    ("ServiceTags contains v1", Ok(true)),
    ("ServiceTags not contains v1", Ok(false)),
    ("v1 in ServiceTags", Ok(true)),
    (r#""v1" not in ServiceTags"#, Ok(false)),
    ("ServiceTags == v1", Err(r#"Invalid match operator "Equal" for selector "ServiceTags""#)),
    ("ServiceTags is empty", Ok(false)),
    ("ServiceTags is not empty", Ok(true)),
    ("ServiceTags matches v", Err(r#"Invalid match operator "Matches" for selector "ServiceTags""#)),
    ("ServiceMeta.version == 1.2", Ok(true)),
    (r#"ServiceMeta.version == "1.2""#, Ok(true)),
    ("ServiceMeta.nope == x", Ok(false)),
    ("ServiceMeta.nope != x", Ok(true)),
    ("ServiceMeta.nope contains x", Ok(false)),
    ("ServiceMeta.nope not contains x", Ok(true)),
    ("ServiceMeta.nope matches x", Ok(true)),
    ("ServiceMeta.nope not matches x", Ok(true)),
    ("ServiceMeta.nope is empty", Err(r#"Invalid match operator "Is Empty" for selector "ServiceMeta.nope""#)),
    ("ServiceMeta.nope is not empty", Err(r#"Invalid match operator "Is Not Empty" for selector "ServiceMeta.nope""#)),
    (r#"ServiceMeta["version"] == "1.2""#, Ok(true)),
    (r#"NodeMeta["has space"] == y"#, Ok(true)),
    (r#"NodeMeta[ "has space" ] == y"#, Ok(true)),
    ("NodeMeta contains rack", Ok(true)),
    ("rack in NodeMeta", Ok(true)),
    ("rack not in NodeMeta", Ok(false)),
    ("NodeMeta is empty", Ok(false)),
    ("NodeMeta == x", Err(r#"Invalid match operator "Equal" for selector "NodeMeta""#)),
    ("NodeMeta.rack.x == y", Err(r#"Selector "NodeMeta.rack.x" is not valid"#)),
    ("ServiceName in web", Err(r#"Selector "web" is not valid"#)),
    ("we in ServiceName", Ok(true)),
    ("ServiceName contains we", Ok(true)),
    ("ServiceName not contains we", Ok(false)),
    ("ServiceName is empty", Err(r#"Invalid match operator "Is Empty" for selector "ServiceName""#)),
    ("ServiceName is not empty", Err(r#"Invalid match operator "Is Not Empty" for selector "ServiceName""#)),
    (r#"ServiceName matches "^w.b$""#, Ok(true)),
    (r#"ServiceName matches "e""#, Ok(true)),
    (r#"ServiceName not matches "e""#, Ok(false)),
    (
        r#"ServiceName matches "(""#,
        Err(r#"Failed to compile regular expression "(": error parsing regexp: missing closing ): `(`"#),
    ),
    (
        r#"ServiceName matches "a**""#,
        Err(
            r#"Failed to compile regular expression "a**": error parsing regexp: invalid nested repetition operator: `**`"#,
        ),
    ),
    (
        r#"ServiceName matches "[z-a]""#,
        Err(
            r#"Failed to compile regular expression "[z-a]": error parsing regexp: invalid character class range: `z-a`"#,
        ),
    ),
    (
        r#"ServiceName matches "(?=x)""#,
        Err(
            r#"Failed to compile regular expression "(?=x)": error parsing regexp: invalid or unsupported Perl syntax: `(?=`"#,
        ),
    ),
    (
        r#"ServiceName matches "\\8""#,
        Err(r#"Failed to compile regular expression "\\8": error parsing regexp: invalid escape sequence: `\8`"#),
    ),
    (
        r#"ServiceName matches "x{1001}""#,
        Err(r#"Failed to compile regular expression "x{1001}": error parsing regexp: invalid repeat count: `{1001}`"#),
    ),
    (
        r#"ServiceName matches "*""#,
        Err(
            r#"Failed to compile regular expression "*": error parsing regexp: missing argument to repetition operator: `*`"#,
        ),
    ),
    (
        r#"ServiceName matches "a{2,1}""#,
        Err(r#"Failed to compile regular expression "a{2,1}": error parsing regexp: invalid repeat count: `{2,1}`"#),
    ),
    (
        r#"ServiceName matches "[a""#,
        Err(r#"Failed to compile regular expression "[a": error parsing regexp: missing closing ]: `[a`"#),
    ),
    (
        r#"ServiceName matches "a)""#,
        Err(r#"Failed to compile regular expression "a)": error parsing regexp: unexpected ): `a)`"#),
    ),
    (
        r#"ServiceName matches "(?P<n""#,
        Err(r#"Failed to compile regular expression "(?P<n": error parsing regexp: invalid named capture: `(?P<n`"#),
    ),
    (
        r#"ServiceName matches "\\""#,
        Err(
            r#"Failed to compile regular expression "\\": error parsing regexp: trailing backslash at end of expression: ``"#,
        ),
    ),
    ("ServiceEnableTagOverride == true", Ok(true)),
    ("ServiceEnableTagOverride == T", Ok(true)),
    ("ServiceEnableTagOverride == 1", Ok(true)),
    (
        "ServiceEnableTagOverride == yes",
        Err(
            r#"Failed to coerce value "yes" for selector "ServiceEnableTagOverride": strconv.ParseBool: parsing "yes": invalid syntax"#,
        ),
    ),
    ("ServiceEnableTagOverride != false", Ok(true)),
    (
        "ServiceEnableTagOverride is empty",
        Err(r#"Invalid match operator "Is Empty" for selector "ServiceEnableTagOverride""#),
    ),
    ("ServiceTaggedAddresses.wan.Port == 80", Ok(true)),
    ("ServiceTaggedAddresses.wan.Address == 1.2.3.4", Err(r#"1:42 (41): rule "number": Invalid number literal"#)),
    (r#"ServiceTaggedAddresses.wan.Address == "1.2.3.4""#, Ok(true)),
    (r#"ServiceTaggedAddresses.lan.Address == "1.2.3.4""#, Ok(false)),
    (r#"ServiceTaggedAddresses.lan.Address != "1.2.3.4""#, Ok(true)),
    (
        "ServiceTaggedAddresses.lan.Port != x",
        Err(
            r#"Failed to coerce value "x" for selector "ServiceTaggedAddresses.lan.Port": strconv.ParseInt: parsing "x": invalid syntax"#,
        ),
    ),
    (
        "ServiceTaggedAddresses.wan is empty",
        Err(r#"Invalid match operator "Is Empty" for selector "ServiceTaggedAddresses.wan""#),
    ),
    (
        "ServiceTaggedAddresses.wan == 1",
        Err(r#"Invalid match operator "Equal" for selector "ServiceTaggedAddresses.wan""#),
    ),
    ("ServiceTaggedAddresses contains wan", Ok(true)),
    ("ServiceTaggedAddresses.wan.Foo == 1", Err(r#"Selector "ServiceTaggedAddresses.wan.Foo" is not valid"#)),
    ("ServiceWeights.Passing == 5", Ok(true)),
    ("ServiceWeights == 5", Err(r#"Invalid match operator "Equal" for selector "ServiceWeights""#)),
    ("ServiceWeights is empty", Err(r#"Invalid match operator "Is Empty" for selector "ServiceWeights""#)),
    ("ServiceProxy is empty", Err(r#"Invalid match operator "Is Empty" for selector "ServiceProxy""#)),
    ("ServiceProxy.Upstreams is empty", Ok(true)),
    ("ServiceProxy.Upstreams.LocalBindPort == 5", Ok(false)),
    ("Foo == 1", Err(r#"Selector "Foo" is not valid"#)),
    ("foo", Err(r#"1:4 (3): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]"#)),
    (
        "foo bar",
        Err(r#"1:5 (4): no match found, expected: "!=", "==", "contains", "in", "is", "matches", "not" or [ \t\r\n]"#),
    ),
    ("ServiceName", Err(r#"1:12 (11): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]"#)),
    (
        "ServiceName =",
        Err(
            r#"1:13 (12): no match found, expected: "!=", "==", "contains", "in", "is", "matches", "not" or [ \t\r\n]"#,
        ),
    ),
    (
        "ServiceName = web",
        Err(
            r#"1:13 (12): no match found, expected: "!=", "==", "contains", "in", "is", "matches", "not" or [ \t\r\n]"#,
        ),
    ),
    (
        "ServiceName ==",
        Err(r#"1:15 (14): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    (
        "ServiceName == ",
        Err(r#"1:16 (15): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    (" ", Err(r#"1:2 (1): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#)),
    (r#"ServiceName == "web"#, Err(r#"1:20 (19): rule "string": Unterminated string literal"#)),
    ("ServiceName == `web", Err(r#"1:20 (19): rule "string": Unterminated string literal"#)),
    ("(ServiceName == web", Err(r#"1:20 (19): rule "grouping": Unmatched parentheses"#)),
    ("((ServiceName == web)", Err(r#"1:22 (21): rule "grouping": Unmatched parentheses"#)),
    ("ServiceName == web)", Err(r#"1:19 (18): no match found, expected: ".", "[", [ \t\r\n], [a-zA-Z0-9_] or EOF"#)),
    ("(ServiceName == web and ServicePort == 80", Err(r#"1:42 (41): rule "grouping": Unmatched parentheses"#)),
    ("ServiceName == web and", Err(r#"1:23 (22): no match found, expected: [ \t\r\n]"#)),
    (
        "ServiceName == web and ",
        Err(r#"1:24 (23): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    (
        "ServiceName == web or or",
        Err(r#"1:25 (24): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]"#),
    ),
    (
        "ServiceName == web && ServicePort == 1",
        Err(r#"1:20 (19): no match found, expected: "and", "or", [ \t\r\n] or EOF"#),
    ),
    ("ServiceName == web ServicePort", Err(r#"1:20 (19): no match found, expected: "and", "or", [ \t\r\n] or EOF"#)),
    ("not", Err(r#"1:4 (3): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]"#)),
    (
        "not ",
        Err(
            r#"1:5 (4): no match found, expected: "!=", "(", "-", "0", "==", "\"", "`", "contains", "in", "is", "matches", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#,
        ),
    ),
    (
        "not(ServiceName == web)",
        Err(r#"1:4 (3): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]"#),
    ),
    ("not (ServiceName == web)", Ok(false)),
    (
        "NOT ServiceName == web",
        Err(r#"1:5 (4): no match found, expected: "!=", "==", "contains", "in", "is", "matches", "not" or [ \t\r\n]"#),
    ),
    ("ServiceName == 5a", Err(r#"1:17 (16): rule "number": Invalid number literal"#)),
    ("ServiceName == 5", Ok(false)),
    ("ServiceName == -", Err(r#"1:17 (16): no match found, expected: "0" or [1-9]"#)),
    ("ServiceName == -5x", Err(r#"1:18 (17): rule "number": Invalid number literal"#)),
    ("ServiceName == 01", Err(r#"1:17 (16): rule "number": Invalid number literal"#)),
    ("ServiceName == 1.", Err(r#"1:17 (16): rule "number": Invalid number literal"#)),
    (
        "ServiceName == .5",
        Err(r#"1:16 (15): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    (r#""web" == ServiceName"#, Err(r#"1:7 (6): no match found, expected: "in", "not" or [ \t\r\n]"#)),
    ("5 in", Err(r#"1:5 (4): no match found, expected: [ \t\r\n]"#)),
    ("5 in 5", Err(r#"1:6 (5): rule "match": Invalid selector"#)),
    (r#"web in "x""#, Err(r#"1:8 (7): rule "match": Invalid selector"#)),
    ("web in ", Err(r#"1:8 (7): rule "match": Invalid selector"#)),
    ("web in", Err(r#"1:7 (6): no match found, expected: [ \t\r\n]"#)),
    ("web not in 5", Err(r#"1:12 (11): rule "match": Invalid selector"#)),
    ("ServiceName is", Err(r#"1:15 (14): no match found, expected: [ \t\r\n]"#)),
    ("ServiceName is x", Err(r#"1:16 (15): no match found, expected: "empty", "not" or [ \t\r\n]"#)),
    ("ServiceName is not", Err(r#"1:19 (18): no match found, expected: [ \t\r\n]"#)),
    ("ServiceName is not x", Err(r#"1:20 (19): no match found, expected: "empty" or [ \t\r\n]"#)),
    ("NodeMeta[ == y", Err(r#"1:11 (10): rule "index": Invalid index"#)),
    ("NodeMeta[rack] == y", Err(r#"1:10 (9): rule "index": Invalid index"#)),
    (r#"NodeMeta["rack" == y"#, Err(r#"1:17 (16): rule "index": Unclosed index expression"#)),
    (
        r#"NodeMeta["rack] == y"#,
        Err("1:21 (20): rule \"string\": Unterminated string literal\n1:10 (9): rule \"index\": Invalid index"),
    ),
    ("NodeMeta[5] == y", Err(r#"1:10 (9): rule "index": Invalid index"#)),
    (r#"ServiceName == a.b["c"]"#, Ok(false)),
    ("ServiceName == a_b.c", Ok(false)),
    (
        "ServiceName == _a",
        Err(r#"1:16 (15): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    (
        "_a == 5",
        Err(r#"1:1 (0): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    ("5 == ServiceName", Err(r#"1:3 (2): no match found, expected: "in", "not" or [ \t\r\n]"#)),
    (r#"ServiceName == "a\u0077eb""#, Ok(false)),
    (r#"ServiceName == "\x77eb""#, Ok(true)),
    (r#"ServiceName == "\q""#, Err(r#"1:16 (15): rule "string": invalid syntax"#)),
    (r#"ServiceName == "we\"#, Err(r#"1:20 (19): rule "string": Unterminated string literal"#)),
    (
        "ServiceName == é",
        Err(r#"1:16 (15): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    ("é", Err(r#"1:1 (0): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#)),
    (
        r#"ServiceName == "é" and x"#,
        Err(r#"1:25 (25): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]"#),
    ),
    (
        "ServiceName matches web or ServiceName == ",
        Err(r#"1:43 (42): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z]"#),
    ),
    ("ServiceName == web or Foo == 1", Err(r#"Selector "Foo" is not valid"#)),
    ("ServiceName contains", Err(r#"1:21 (20): no match found, expected: [ \t\r\n]"#)),
    ("ServiceName not", Err(r#"1:16 (15): no match found, expected: [ \t\r\n]"#)),
    ("ServiceName not web", Err(r#"1:17 (16): no match found, expected: "contains", "in", "matches" or [ \t\r\n]"#)),
    (")", Err(r#"1:1 (0): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#)),
    ("(", Err(r#"1:2 (1): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#)),
    ("()", Err(r#"1:2 (1): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#)),
    ("( )", Err(r#"1:3 (2): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#)),
    (r#""""#, Err(r#"1:3 (2): no match found, expected: [ \t\r\n]"#)),
    (r#""" in ServiceName"#, Ok(true)),
    ("CreateIndex == 1", Err(r#"Selector "CreateIndex" is not valid"#)),
    ("Datacenter == dc1", Ok(true)),
    ("ServiceName == web    ", Ok(true)),
    ("   ServiceName == web    ", Ok(true)),
    ("ServiceName\t==\tweb", Ok(true)),
    ("web in ServiceName and v1 in ServiceTags", Ok(true)),
    ("web  in  ServiceName", Ok(true)),
    ("notServiceName == web", Err(r#"Selector "notServiceName" is not valid"#)),
    ("orx == 1", Err(r#"Selector "orx" is not valid"#)),
    ("not == 1", Err(r#"Selector "not" is not valid"#)),
    ("in in ServiceName", Ok(false)),
    ("is is empty", Err(r#"Selector "is" is not valid"#)),
    ("ServiceName == not", Ok(false)),
    ("ServiceName == web andServicePort == 8080", Err(r#"1:23 (22): no match found, expected: [ \t\r\n]"#)),
    ("ServiceName == web and not ServicePort == 80 or v2 in ServiceTags", Ok(true)),
];

/// Over `/v1/health/service/web`.
const CHECK_SERVICE_NODE: &[Case] = &[
    ("Checks.Status == passing", Ok(true)),
    ("Checks.Status != passing", Ok(true)),
    ("Checks.Status == critical", Ok(false)),
    (r#"Checks.Name matches "disk""#, Ok(true)),
    (r#"Checks.Name not matches "disk""#, Ok(true)),
    ("Checks is empty", Ok(false)),
    ("Checks is not empty", Ok(true)),
    ("Checks contains x", Err(r#"Invalid match operator "In" for selector "Checks""#)),
    ("Checks == x", Err(r#"Invalid match operator "Equal" for selector "Checks""#)),
    ("Checks.Definition.TCP == x", Err(r#"Selector "Checks.Definition" is not valid"#)),
    ("Checks.ServiceTags is empty", Ok(true)),
    ("v1 in Checks.ServiceTags", Ok(true)),
    ("v1 not in Checks.ServiceTags", Ok(true)),
    ("Service.Meta.version == 1.2", Ok(true)),
    ("Service.Weights.Passing == 5", Ok(true)),
    ("Service.Connect.Native == false", Ok(true)),
    ("Service.EnableTagOverride == true", Ok(true)),
    ("Node.Meta.rack == r1", Ok(true)),
    ("Node is empty", Err(r#"Invalid match operator "Is Empty" for selector "Node""#)),
    ("Node.Node == ext", Ok(true)),
    ("Service == web", Err(r#"Invalid match operator "Equal" for selector "Service""#)),
    ("Service.TaggedAddresses.wan.Port == 80", Ok(true)),
    (r#"Checks["c1"] == 1"#, Err(r#"Selector "Checks.c1" is not valid"#)),
    ("Checks.Foo == 1", Err(r#"Selector "Checks.Foo" is not valid"#)),
];

/// Over `/v1/catalog/nodes`.
const NODE: &[Case] = &[
    ("Node == ext", Ok(true)),
    ("Meta.rack == r1", Ok(true)),
    (r#""has space" in Meta"#, Ok(true)),
    (r#"TaggedAddresses.lan == "10.0.0.9""#, Ok(true)),
    (r#"TaggedAddresses.wan == "10.0.0.9""#, Ok(false)),
    (r#"TaggedAddresses.wan != "10.0.0.9""#, Ok(true)),
    (r#"ID == """#, Ok(true)),
    ("ID is empty", Err(r#"Invalid match operator "Is Empty" for selector "ID""#)),
    ("Meta.rack is not empty", Err(r#"Invalid match operator "Is Not Empty" for selector "Meta.rack""#)),
];

/// Over `/v1/health/node/ext`, true if one of the two checks matches.
const CHECKS: &[Case] = &[
    ("Status == passing", Ok(true)),
    ("Status != passing", Ok(true)),
    ("ServiceTags contains v1", Ok(true)),
    ("ServiceTags is empty", Ok(true)),
    ("ServiceID is empty", Err(r#"Invalid match operator "Is Empty" for selector "ServiceID""#)),
    (r#"ServiceID == """#, Ok(true)),
    ("Output contains o", Ok(true)),
];

/// Over `/v1/catalog/node/ext`.
const NODE_SERVICE: &[Case] = &[
    ("Service == web", Ok(true)),
    (r#"Kind == """#, Ok(true)),
    ("Weights.Warning == 1", Ok(true)),
    (r#"Proxy.MeshGateway.Mode == """#, Ok(true)),
    ("Proxy.Expose.Checks == false", Ok(true)),
    ("Proxy.Expose.Paths is empty", Ok(true)),
    ("Proxy.Expose.Paths.Path == x", Ok(false)),
    ("Proxy.Config is empty", Err(r#"Selector "Proxy.Config" is not valid"#)),
];

fn map(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

fn node() -> Node {
    Node {
        node: "ext".into(),
        address: "10.0.0.9".into(),
        datacenter: "dc1".into(),
        tagged_addresses: map(&[("lan", "10.0.0.9")]),
        meta: map(&[("rack", "r1"), ("has space", "y")]),
        ..Node::default()
    }
}

fn service() -> NodeService {
    NodeService {
        id: "web1".into(),
        service: "web".into(),
        tags: Some(vec!["v1".into(), "primary".into()]),
        address: "10.1.1.1".into(),
        port: 8080,
        meta: map(&[("version", "1.2"), ("env", "prod")]),
        tagged_addresses: Some(BTreeMap::from([(
            "wan".to_owned(),
            ServiceAddress { address: "1.2.3.4".into(), port: 80 },
        )])),
        weights: Some(Weights { passing: 5, warning: 1 }),
        enable_tag_override: true,
        ..NodeService::default()
    }
}

fn checks() -> Vec<Arc<HealthCheck>> {
    let disk = HealthCheck {
        node: "ext".into(),
        check_id: "c1".into(),
        name: "disk check".into(),
        status: "passing".into(),
        output: "ok".into(),
        service_id: "web1".into(),
        service_name: "web".into(),
        service_tags: vec!["v1".into(), "primary".into()],
        ..HealthCheck::default()
    };
    let node = HealthCheck {
        node: "ext".into(),
        check_id: "c2".into(),
        name: "node".into(),
        status: "warning".into(),
        ..HealthCheck::default()
    };
    vec![Arc::new(disk), Arc::new(node)]
}

fn service_node() -> ServiceNode {
    let (node, service) = (node(), service());
    ServiceNode {
        node: node.node,
        address: node.address,
        datacenter: node.datacenter,
        tagged_addresses: node.tagged_addresses,
        node_meta: node.meta,
        service_id: service.id,
        service_name: service.service,
        service_tags: service.tags.unwrap_or_default(),
        service_address: service.address,
        service_tagged_addresses: service.tagged_addresses,
        service_weights: service.weights.unwrap_or_default(),
        service_meta: service.meta.unwrap_or_default(),
        service_port: service.port,
        service_enable_tag_override: service.enable_tag_override,
        ..ServiceNode::default()
    }
}

fn assert_cases<T: Filterable>(cases: &[Case], rows: &[&T]) {
    for (text, wanted) in cases {
        let answer = Filter::<T>::parse(text).map(|filter| rows.iter().any(|row| filter.matches(row)));
        let wanted = wanted.map_err(|reason| format!("{ERROR_PREFIX}{reason}"));
        assert_eq!(answer.map_err(|error| error.text), wanted, "{text}");
    }
}

#[test]
fn service_nodes_are_filtered_as_by_the_reference() {
    assert_cases(SERVICE_NODE, &[&service_node()]);
}

#[test]
fn health_entries_are_filtered_as_by_the_reference() {
    let row = CheckServiceNode { node: Arc::new(node()), service: Arc::new(service()), checks: checks() };
    assert_cases(CHECK_SERVICE_NODE, &[&row]);
}

#[test]
fn nodes_checks_and_instances_are_filtered_as_by_the_reference() {
    assert_cases(NODE, &[&node()]);
    let checks = checks();
    assert_cases(CHECKS, &checks.iter().map(Arc::as_ref).collect::<Vec<_>>());
    assert_cases(NODE_SERVICE, &[&service()]);
}

#[test]
fn nesting_is_bounded_and_costs_no_more_than_its_length() {
    let nested = |depth: usize, end: &str| format!("{}Node == ext{end}", "(".repeat(depth));
    let closed = nested(99, &")".repeat(99));
    assert!(Filter::<Node>::parse(&closed).expect("99 levels").matches(&node()));
    let unclosed = Filter::<Node>::parse(&nested(99, "")).map(|_| ()).expect_err("unclosed");
    assert_eq!(unclosed.text, format!("{ERROR_PREFIX}1:111 (110): rule \"grouping\": Unmatched parentheses"));
    let deep = Filter::<Node>::parse(&nested(50_000, "")).map(|_| ()).expect_err("too deep");
    assert!(deep.text.contains("rule \"grouping\": Too many nested parentheses"), "{}", deep.text);
}

#[test]
fn long_chains_do_not_recurse() {
    let chain = |word: &str| format!("{}Node == ext", format!("Node != ext {word} ").repeat(5_000));
    assert!(Filter::<Node>::parse(&chain("or")).expect("or").matches(&node()));
    assert!(!Filter::<Node>::parse(&chain("and")).expect("and").matches(&node()));
    let negated = format!("{}Node == ext", "not ".repeat(5_001));
    assert!(!Filter::<Node>::parse(&negated).expect("not").matches(&node()));
}

#[test]
fn json_kept_objects_show_only_their_own_fields() {
    let mut row = service();
    row.proxy.access_logs = Some(Box::new(serde_json::json!({"Enabled": true, "Type": "file"})));
    row.proxy.envoy_extensions = vec![serde_json::json!({"Name": "builtin/lua", "Required": true})];
    for (text, wanted) in [
        ("Proxy.AccessLogs.Enabled == true", Ok(true)),
        ("Proxy.AccessLogs.Type == file", Ok(true)),
        ("Proxy.AccessLogs.Name == x", Err("Selector \"Proxy.AccessLogs.Name\" is not valid")),
        ("Proxy.EnvoyExtensions.Name matches lua", Ok(true)),
        ("Proxy.EnvoyExtensions.Enabled == true", Err("Selector \"Proxy.EnvoyExtensions.Enabled\" is not valid")),
        ("Proxy.EnvoyExtensions is not empty", Ok(true)),
    ] {
        assert_cases(&[(text, wanted)], &[&row]);
    }
}

/// An expression that is printed, parsed and evaluated on one side, and evaluated as it stands on the other.
#[derive(Clone, Debug)]
enum Law {
    Or(Box<Law>, Box<Law>),
    And(Box<Law>, Box<Law>),
    Not(Box<Law>),
    Leaf { path: &'static str, op: &'static str, value: &'static str },
}

impl Law {
    /// Text with parentheses only where a looser operator stands under a tighter one.
    fn print(&self, tightness: u8) -> String {
        let (own, text) = match self {
            Law::Or(a, b) => (0, format!("{} or {}", a.print(1), b.print(0))),
            Law::And(a, b) => (1, format!("{} and {}", a.print(2), b.print(1))),
            Law::Not(a) => (2, format!("not {}", a.print(2))),
            Law::Leaf { path, op, value: "" } => (3, format!("{path} {op}")),
            Law::Leaf { path, op, value } if op.ends_with("in") => (3, format!("\"{value}\" {op} {path}")),
            Law::Leaf { path, op, value } => (3, format!("{path} {op} \"{value}\"")),
        };
        if own < tightness { format!("({text})") } else { text }
    }

    /// The slow way: over the JSON of the row.
    fn holds(&self, row: &serde_json::Value) -> bool {
        match self {
            Law::Or(a, b) => a.holds(row) | b.holds(row),
            Law::And(a, b) => a.holds(row) & b.holds(row),
            Law::Not(a) => !a.holds(row),
            Law::Leaf { path, op, value } => leaf_holds(row, &path.split('.').collect::<Vec<_>>(), op, value),
        }
    }
}

fn leaf_holds(at: &serde_json::Value, path: &[&str], op: &str, value: &str) -> bool {
    use serde_json::Value as Json;
    let negated = op.contains("not") || op == "!=";
    let plain = match (at, path.split_first()) {
        (Json::Array(rows), Some(_)) => return rows.iter().any(|row| leaf_holds(row, path, op, value)),
        (Json::Object(map), Some((part, rest))) => match map.get(*part) {
            Some(next) => return leaf_holds(next, rest, op, value),
            None => return !matches!(op, "==" | "in" | "is not empty"),
        },
        (Json::String(text), None) if op.ends_with("in") => text.contains(value),
        (Json::String(text), None) => text == value,
        (Json::Number(number), None) => number.to_string() == value,
        (Json::Array(items), None) if op.ends_with("in") => items.iter().any(|item| item == value),
        (Json::Array(items), None) => items.is_empty(),
        (Json::Object(map), None) if op.ends_with("in") => map.contains_key(value),
        (Json::Object(map), None) => map.is_empty(),
        other => panic!("{other:?}"),
    };
    plain != negated
}

fn law() -> impl Strategy<Value = Law> {
    let pick = |paths: &'static [&'static str], ops: &'static [&'static str], values: &'static [&'static str]| {
        (prop::sample::select(paths), prop::sample::select(ops), prop::sample::select(values))
            .prop_map(|(path, op, value)| Law::Leaf { path, op, value })
    };
    let leaf = prop_oneof![
        pick(
            &["Node.Node", "Node.Meta.rack", "Node.Meta.nope", "Checks.Status", "Service.Service", "Checks.Name"],
            &["==", "!=", "in", "not in"],
            &["ext", "r1", "passing", "web", "e", "node"],
        ),
        pick(
            &["Service.Port", "Service.Weights.Passing", "Service.TaggedAddresses.wan.Port"],
            &["==", "!="],
            &["80", "8080", "5"]
        ),
        pick(&["Service.Tags", "Service.Meta", "Checks.ServiceTags"], &["in", "not in"], &["v1", "env", "x"]),
        pick(&["Service.Tags", "Service.Meta", "Checks", "Checks.ServiceTags"], &["is empty", "is not empty"], &[""]),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        let pair = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            pair.clone().prop_map(|(a, b)| Law::Or(a, b)),
            pair.prop_map(|(a, b)| Law::And(a, b)),
            inner.prop_map(|a| Law::Not(Box::new(a))),
        ]
    })
}

proptest! {
    #[test]
    fn programs_agree_with_a_plain_evaluation(law in law()) {
        let row = CheckServiceNode { node: Arc::new(node()), service: Arc::new(service()), checks: checks() };
        let text = law.print(0);
        let filter = Filter::<CheckServiceNode>::parse(&text).map_err(|error| TestCaseError::fail(error.text))?;
        let json = serde_json::to_value(&row).expect("rows are JSON");
        prop_assert_eq!(filter.matches(&row), law.holds(&json), "{}", text);
    }

    #[test]
    fn any_text_is_answered(text in "[ -~]{0,40}|([a-zA-Z.\"()]|==|!=| |not |and |or |is empty|in ){0,30}") {
        let _ = Filter::<CheckServiceNode>::parse(&text);
    }

    #[test]
    fn any_pattern_is_answered_and_what_is_accepted_compiles(pattern in "[ -~]{0,12}|[\\[\\]()*+?{}\\\\a-z0-9,:^|.-]{0,12}") {
        if let Err(error) = go_regex::compile(&pattern) {
            prop_assert!(!error.contains("unsupported syntax"), "{}", error);
        }
    }
}
