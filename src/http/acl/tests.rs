//! Bodies are refused in the words of the reference, and answers have its fields in its order.

use super::bodies::*;
use super::*;
use crate::http::json::{Style, to_bytes};
use crate::types::acl::*;
use serde::Serialize;
use serde_json::Value;

fn refused(kind: &Kind, body: &str) -> String {
    parse::<Value>(body.as_bytes(), kind).expect_err(body)
}

fn shown<T: Serialize>(value: &T) -> String {
    String::from_utf8(to_bytes(value, Style::Compact).expect("JSON").to_vec()).expect("text")
}

#[test]
fn bodies_are_refused_in_the_words_of_the_reference() {
    let (token, policy, role) = (Kind::Object(&TOKEN), Kind::Object(&POLICY), Kind::Object(&ROLE));
    let (method, rule, login) = (Kind::Object(&AUTH_METHOD), Kind::Object(&BINDING_RULE), Kind::Object(&LOGIN));
    let cannot = "json: cannot unmarshal ";
    // As Consul 1.8.7 answers, without its prefix.
    let cases: &[(&Kind, &str, String)] = &[
        (&token, "", "EOF".into()),
        (&token, "{", "unexpected EOF".into()),
        (
            &token,
            "[]",
            format!(
                "{cannot}array into Go value of type struct {{ ExpirationTTL interface {{}}; Hash string; *structs.Alias }}"
            ),
        ),
        (&token, r#"{"Foo":1}"#, "json: unknown field \"Foo\"".into()),
        (
            &token,
            r#"{"Policies":1}"#,
            format!("{cannot}number into Go struct field .Policies of type []structs.ACLTokenPolicyLink"),
        ),
        (&token, r#"{"Local":"x"}"#, format!("{cannot}string into Go struct field .Local of type bool")),
        (&token, r#"{"ExpirationTTL":"x"}"#, "time: invalid duration \"x\"".into()),
        (
            &token,
            r#"{"Policies":[{"ID":1}]}"#,
            format!("{cannot}number into Go struct field ACLTokenPolicyLink.Policies.ID of type string"),
        ),
        (&token, r#"{"Hash":1}"#, format!("{cannot}number into Go struct field .Hash of type string")),
        (
            &token,
            r#"{"Namespace":"x"}"#,
            "json: unknown field \"Namespace\" - Namespaces are a Consul Enterprise feature".into(),
        ),
        (&token, r#"{"Partition":"x"}"#, "json: unknown field \"Partition\"".into()),
        (&policy, "[]", format!("{cannot}array into Go value of type struct {{ Hash string; *structs.Alias }}")),
        (&policy, r#"{"Datacenters":1}"#, format!("{cannot}number into Go struct field .Datacenters of type []string")),
        (&role, r#"{"Datacenters":1}"#, "json: unknown field \"Datacenters\"".into()),
        (&method, r#"{"MaxTokenTTL":""}"#, "time: invalid duration \"\"".into()),
        (
            &method,
            r#"{"Config":1}"#,
            format!("{cannot}number into Go struct field .Config of type map[string]interface {{}}"),
        ),
        (&rule, "[]", format!("{cannot}array into Go value of type structs.ACLBindingRule")),
        (&rule, r#"{"Name":1}"#, "json: unknown field \"Name\"".into()),
        (&login, "[]", format!("{cannot}array into Go value of type structs.ACLLoginParams")),
        (
            &AUTHORIZATIONS,
            r#"{"Foo":1}"#,
            format!("{cannot}object into Go value of type []structs.ACLAuthorizationRequest"),
        ),
    ];
    for (kind, body, expected) in cases {
        assert_eq!(&refused(kind, body), expected, "{body}");
    }
}

#[test]
fn bodies_of_clients_are_read_with_all_their_fields() {
    let body = r#"{"CreateIndex":0,"ModifyIndex":0,"AccessorID":"","SecretID":"","Description":"t","Policies":[{"ID":"","Name":"p1"}],
        "ServiceIdentities":[{"ServiceName":"web","Datacenters":["dc1"]}],"TemplatedPolicies":[{"TemplateName":"builtin/node",
        "TemplateVariables":{"Name":"n"}}],"Local":false,"ExpirationTTL":3600000000000,"CreateTime":"0001-01-01T00:00:00Z","Hash":null}"#;
    let token: AclToken = parse(body.as_bytes(), &Kind::Object(&TOKEN)).expect("a token");
    assert_eq!(token.policies[0].name, "p1");
    assert_eq!(token.expiration_ttl.to_string(), "1h0m0s");
    assert_eq!(token.templated_policies[0].template_variables.as_ref().map(|v| v.name.as_str()), Some("n"));
    assert!(token.create_time.is_zero());
    let body = r#"{"Name":"j","Type":"jwt","MaxTokenTTL":"5m","Config":{"b":{"y":1},"a":["x"]}}"#;
    let method: AuthMethod = parse(body.as_bytes(), &Kind::Object(&AUTH_METHOD)).expect("a method");
    assert_eq!(method.max_token_ttl.to_string(), "5m0s");
    assert_eq!(method.config.expect("a configuration")["b"]["y"], 1);
}

#[test]
fn the_first_token_has_the_old_name_of_its_secret_in_front() {
    let token = AclToken { secret_id: "s".into(), accessor_id: "a".into(), ..AclToken::default() };
    let text = shown(&tokens::Bootstrapped { id: &token.secret_id, token: &token });
    assert!(text.starts_with(r#"{"ID":"s","AccessorID":"a","SecretID":"s","#), "{text}");
}

#[test]
fn an_expanded_token_has_what_it_leads_to_behind_it() {
    let reply = AclTokenResponse {
        token: Some(AclToken { accessor_id: "a".into(), ..AclToken::default() }.into()),
        expanded_policies: Some(vec![AclPolicy { id: "p".into(), ..AclPolicy::default() }.into()]),
        agent_acl_default_policy: "deny".into(),
        agent_acl_down_policy: "extend-cache".into(),
        resolved_by_agent: "n1".into(),
        ..AclTokenResponse::default()
    };
    let text = shown(&tokens::expanded(&reply));
    let tail = r#","ExpandedRoles":null,"NamespaceDefaultPolicyIDs":null,"NamespaceDefaultRoleIDs":null,"AgentACLDefaultPolicy":"deny","AgentACLDownPolicy":"extend-cache","ResolvedByAgent":"n1"}"#;
    assert!(text.starts_with(r#"{"AccessorID":"a","#) && text.ends_with(tail), "{text}");
    assert!(text.contains(r#""ModifyIndex":0,"ExpandedPolicies":[{"ID":"p","#), "{text}");
}
