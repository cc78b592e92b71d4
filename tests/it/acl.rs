//! Access control as its users meet it: the first token, policies, roles and tokens over HTTP and by command.

use crate::support::*;
use serde_json::{Value, json};
use std::process::Output;

#[track_caller]
fn ok(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
    stdout(output)
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
    assert_eq!(stdout(output), "");
    stderr(output)
}

/// The value behind a label of a pretty object.
#[track_caller]
fn label<'a>(text: &'a str, label: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {label}: {text}")).trim()
}

/// ACLs are on and nobody has a token yet.
const BARE: &str = r#"acl { enabled = true default_policy = "allow" }"#;

#[test]
fn while_acls_are_off_every_endpoint_says_so() {
    let agent = dev().start();
    let calls = [
        ("PUT", "/v1/acl/bootstrap"),
        ("GET", "/v1/acl/replication"),
        ("POST", "/v1/acl/login"),
        ("POST", "/v1/acl/logout"),
        ("GET", "/v1/acl/tokens?index=x"),
        ("PUT", "/v1/acl/token"),
        ("GET", "/v1/acl/token/self"),
        ("GET", "/v1/acl/token/x"),
        ("PUT", "/v1/acl/token/x/clone"),
        ("DELETE", "/v1/acl/token/x"),
        ("GET", "/v1/acl/policies"),
        ("PUT", "/v1/acl/policy"),
        ("GET", "/v1/acl/policy/"),
        ("GET", "/v1/acl/policy/name/x"),
        ("GET", "/v1/acl/roles"),
        ("PUT", "/v1/acl/role"),
        ("DELETE", "/v1/acl/role/x"),
        ("GET", "/v1/acl/auth-methods"),
        ("PUT", "/v1/acl/auth-method/x"),
        ("GET", "/v1/acl/binding-rules"),
        ("GET", "/v1/acl/binding-rule/x"),
        ("POST", "/v1/internal/acl/authorize"),
    ];
    for (method, target) in calls {
        let answer = agent.send(method, target, "");
        assert_eq!((answer.status, answer.text().as_str()), (401, "ACL support disabled"), "{method} {target}");
    }
    let error = refused(&agent.cli(&["acl", "token", "list"]));
    assert_eq!(error, "Failed to retrieve the token list: Unexpected response code: 401 (ACL support disabled)\n");
}

#[test]
fn the_first_token_is_made_once_and_again_with_the_reset_file() {
    let agent = server().file("acl.hcl", BARE).start();
    let first = ok(&agent.cli(&["acl", "bootstrap"]));
    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(lines[2], "Description:      Bootstrap Token (Global Management)");
    assert_eq!(lines[3], "Local:            false");
    assert!(lines[4].starts_with("Create Time:      2") && lines[4].ends_with(" +0000 UTC"), "{first}");
    assert!(first.ends_with("Policies:\n   00000000-0000-0000-0000-000000000001 - global-management\n\n"), "{first}");
    let again = agent.put("/v1/acl/bootstrap", "");
    let text = again.text();
    let index = text
        .strip_prefix("Permission denied: ACL bootstrap no longer allowed (reset index: ")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned();
    assert_eq!(again.status, 403);
    std::fs::write(agent.dir.join("data/acl-bootstrap-reset"), &index).expect("the file is written");
    let secret = "2d1b0a3c-5a0e-4b9b-9f5e-1d2c3b4a5f6e";
    let second = agent.put("/v1/acl/bootstrap", json!({ "BootstrapSecret": secret }).to_string());
    assert_eq!(second.status, 200, "{}", second.text());
    let second = second.json();
    assert_eq!((&second["ID"], &second["SecretID"]), (&json!(secret), &json!(secret)));
    assert!(!agent.dir.join("data/acl-bootstrap-reset").exists(), "the file is used once");
    assert_eq!(agent.put("/v1/acl/bootstrap", "{").status, 400);
}

#[test]
fn policies_roles_and_tokens_are_made_by_command_and_work() {
    let agent = dev().acl().start();
    let rules = r#"key_prefix "app/" { policy = "write" }"#;
    let policy = ok(&agent.cli_with_stdin(
        &["acl", "policy", "create", "-name", "p1", "-description", "d", "-valid-datacenter", "dc1", "-rules", "-"],
        rules.as_bytes(),
    ));
    let policy_id = label(&policy, "ID").to_owned();
    assert_eq!(
        policy,
        format!("ID:           {policy_id}\nName:         p1\nDescription:  d\nDatacenters:  dc1\nRules:\n{rules}\n")
    );
    let role = ok(&agent.cli(&[
        "acl",
        "role",
        "create",
        "-name=r1",
        "-policy-id",
        &policy_id[..9],
        "-service-identity=web:dc1",
    ]));
    let role_id = label(&role, "ID").to_owned();
    assert_eq!(
        role,
        format!(
            "ID:           {role_id}\nName:         r1\nDescription:  \nPolicies:\n   {policy_id} - p1\n\
             Service Identities:\n   web (Datacenters: dc1)\n\n"
        )
    );
    let token = ok(&agent.cli(&[
        "acl",
        "token",
        "create",
        "-description=t",
        "-role-name=r1",
        "-node-identity=n1:dc1",
        "-expires-ttl=1h",
        "-templated-policy=builtin/service",
        "-var=name:api",
    ]));
    let (accessor, secret) = (label(&token, "AccessorID").to_owned(), label(&token, "SecretID").to_owned());
    let (created, ends) = (label(&token, "Create Time"), label(&token, "Expiration Time"));
    let expected = format!(
        "AccessorID:       {accessor}\nSecretID:         {secret}\nDescription:      t\nLocal:            false\n\
         Create Time:      {created}\nExpiration Time:  {ends}\nRoles:\n   {role_id} - r1\n\
         Node Identities:\n   n1 (Datacenter: dc1)\n\
         Templated Policies:\n   builtin/service\n      Name: api\n      Datacenters: all\n\n"
    );
    assert_eq!(token, expected);
    assert_eq!(ok(&agent.cli(&["acl", "token", "read", "-accessor-id", &accessor[..13]])), expected);
    assert_eq!(agent.send_as(&secret, "PUT", "/v1/kv/app/a", "1").status, 200);
    let denied = agent.send_as(&secret, "PUT", "/v1/kv/other", "1");
    let text =
        format!("Permission denied: token with AccessorID '{accessor}' lacks permission 'key:write' on \"other\"");
    assert_eq!((denied.status, denied.text()), (403, text));
    let own = agent.send_as(&secret, "GET", "/v1/acl/token/self", "").json();
    assert_eq!((&own["AccessorID"], &own["SecretID"]), (&json!(accessor), &json!(secret)));

    let expanded = ok(&agent.cli(&["acl", "token", "read", "-expanded", "-accessor-id", &accessor]));
    for part in [
        "Roles:\n\tRole Name: r1\n",
        "\t\tPolicies:\n\t\t\tPolicy Name: p1\n",
        "\tRules:\n\t\t\tservice \"api\" {\n",
        "Default Policy: deny\n",
    ] {
        assert!(expanded.contains(part), "{part:?} in {expanded}");
    }

    let clone = ok(&agent.cli(&["acl", "token", "clone", "-accessor-id", &accessor, "-description=copy"]));
    assert_eq!(label(&clone, "Description"), "copy");
    assert_ne!(label(&clone, "SecretID"), secret);
    let changed = ok(&agent.cli(&["acl", "token", "update", "-accessor-id", &accessor, "-append-policy-name=p1"]));
    assert!(changed.contains(&format!("Policies:\n   {policy_id} - p1\nRoles:\n   {role_id} - r1\n")), "{changed}");
    assert!(!changed.contains("Node Identities"), "identities that are not given are removed: {changed}");
    assert_eq!(
        ok(&agent.cli(&["acl", "token", "delete", "-accessor-id", &accessor])),
        format!("Token \"{accessor}\" deleted successfully\n")
    );
    let gone = agent.send_as(&secret, "GET", "/v1/acl/token/self", "");
    assert_eq!((gone.status, gone.text().as_str()), (403, "ACL not found"));

    let updated = ok(&agent.cli(&[
        "acl",
        "role",
        "update",
        "-id",
        &role_id[..9],
        "-description=x",
        "-policy-name=global-management",
    ]));
    assert!(
        updated.contains("Description:  x\n")
            && updated.contains(" - p1\n")
            && updated.contains(" - global-management\n")
    );
    let updated = ok(&agent.cli(&["acl", "policy", "update", "-name=p1", "-rules=", "-meta"]));
    assert!(updated.contains("Description:  d\n") && updated.ends_with("Rules:\n\n"), "{updated}");
    let list = ok(&agent.cli(&["acl", "policy", "list"]));
    let head = "global-management:\n   ID:           00000000-0000-0000-0000-000000000001\n   Description:  A built-in \
                policy that grants read and write access to all Consul features\n   Datacenters:  \nbuiltin/global-read-only:\n";
    assert!(list.starts_with(head) && list.ends_with("   Datacenters:  dc1\n\n"), "{list}");
    assert_eq!(
        ok(&agent.cli(&["acl", "role", "delete", "-name=r1"])),
        format!("Role \"{role_id}\" deleted successfully\n")
    );
    assert_eq!(
        ok(&agent.cli(&["acl", "policy", "delete", "-id", &policy_id])),
        format!("Policy \"{policy_id}\" deleted successfully\n")
    );
    assert_eq!(ok(&agent.cli(&["acl", "role", "list"])), "");
}

#[test]
fn commands_say_what_is_missing() {
    let agent = dev().acl().start();
    let cases: &[(&[&str], &str)] = &[
        (&["acl", "policy", "create"], "Missing required '-name' flag\nUsage: tribune acl policy create"),
        (&["acl", "policy", "read"], "Must specify either the -id or -name parameters\n"),
        (&["acl", "policy", "read", "-name=x"], "Error policy not found: x\n"),
        (&["acl", "policy", "read", "-id=zz"], "Error determining policy ID: No such policy ID with prefix: zz\n"),
        (&["acl", "policy", "delete", "-name=x"], "Error determining policy ID: No such policy with name: x\n"),
        (&["acl", "policy", "list", "-format=xml"], "Unknown format: xml\n"),
        (&["acl", "role", "read", "-name=x"], "Role not found with name \"x\"\n"),
        (
            &["acl", "role", "read", "-id=5a32b1d3-0c7a-4c59-9d0e-3d4ce1ba0e11"],
            "Role not found with ID \"5a32b1d3-0c7a-4c59-9d0e-3d4ce1ba0e11\"\n",
        ),
        (&["acl", "role", "create", "-name=x"], "Cannot create a role without specifying -policy-name"),
        (&["acl", "token", "create"], "Cannot create a token without specifying -policy-name"),
        (
            &["acl", "token", "create", "-policy-name=x"],
            "Failed to create new token: Unexpected response code: 500 (No such ACL policy with name \"x\")\n",
        ),
        (&["acl", "token", "read"], "Must specify the -accessor-id parameter\n"),
        (
            &["acl", "token", "read", "-accessor-id=zz"],
            "Error determining token ID: No such token ID with prefix: zz\n",
        ),
        (
            &["acl", "token", "read", "-id=zz"],
            "Use the -accessor-id parameter to specify token by Accessor ID\nError determining token ID",
        ),
        (&["acl", "token", "read", "-self", "-expanded"], "Cannot use both -expanded and -self."),
        (&["acl", "token", "delete"], "Must specify the -accessor-id parameter\n"),
        (&["acl", "auth-method", "read", "-name=x"], "Auth method not found with name \"x\"\n"),
        (&["acl", "auth-method", "create", "-name=x"], "Missing required '-type' flag\nUsage:"),
        (&["acl", "binding-rule", "read"], "Must specify the -id parameter.\n"),
        (&["acl", "binding-rule", "create", "-method=x"], "Missing required '-bind-name' flag\nUsage:"),
        (
            &["acl", "templated-policy", "preview"],
            "Cannot preview a templated policy without specifying -name or -file\n",
        ),
        (&["acl", "templated-policy", "list", "-format=xml"], "unknown format: \"xml\"\n"),
        (&["acl", "set-agent-token"], "Error! Missing TYPE and TOKEN arguments\n"),
        (&["acl", "set-agent-token", "agent"], "Error! Missing TOKEN argument\n"),
        (&["acl", "set-agent-token", "x"], "Error! MISSING TYPE argument\n"),
        (&["acl", "set-agent-token", "x", "y"], "Unknown token type\n"),
        (&["acl", "bootstrap", "a", "b"], "This command takes up to one argument\n"),
        (&["login", "-method=x"], "Missing required '-token-sink-file' flag\n"),
        (&["login", "x"], "Should have no non-flag arguments.\n"),
        (&["logout", "x"], "Should have no non-flag arguments.\n"),
    ];
    for (args, expected) in cases {
        let error = refused(&agent.cli(args));
        assert!(error.starts_with(expected), "{args:?}: {error}");
    }
    let error = refused(&agent.cli(&["acl", "bootstrap"]));
    assert!(
        error.starts_with("Failed ACL bootstrapping: Unexpected response code: 403 (Permission denied: ACL bootstrap no longer allowed (reset index: "),
        "{error}"
    );
}

#[test]
fn templated_policies_are_shown_and_previewed() {
    let agent = dev().acl().start();
    assert_eq!(
        ok(&agent.cli(&["acl", "templated-policy", "list"])),
        "builtin/api-gateway\nbuiltin/dns\nbuiltin/node\nbuiltin/nomad-client\nbuiltin/nomad-server\nbuiltin/service\n\n"
    );
    let read = ok(&agent.cli(&["acl", "templated-policy", "read", "-name=builtin/node"]));
    assert!(read.contains("Input variables:\n\tName: String - Required - The node name\nExample usage:\n"), "{read}");
    let preview = ok(&agent.cli(&["acl", "templated-policy", "preview", "-name=builtin/node", "-var=name:n1"]));
    assert!(preview.contains("Description:  synthetic policy generated from templated policy: builtin/node\n"));
    assert!(
        preview.ends_with(
            "Rules:\n\nnode \"n1\" {\n\tpolicy = \"write\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\n"
        ),
        "{preview}"
    );
    let answers = [
        ("GET", "/v1/acl/templated-policy/name/x", "", "Invalid templated policy Name: x"),
        ("GET", "/v1/acl/templated-policy/name/", "", "Missing templated policy Name"),
        ("POST", "/v1/acl/templated-policy/preview/x", "{}", "templated policy \"x\" does not exist"),
        (
            "POST",
            "/v1/acl/templated-policy/preview/builtin/node",
            "{}",
            "validation error for templated policy: \"builtin/node\": 1 error occurred:\n\t* name is required\n\n",
        ),
    ];
    for (method, target, body, text) in answers {
        let answer = agent.send(method, target, body);
        assert_eq!((answer.status, answer.text().as_str()), (400, text), "{method} {target}");
    }
    assert_eq!(agent.send_as("", "GET", "/v1/acl/templated-policies", "").status, 403);
}

#[test]
fn objects_over_http_have_the_shape_and_the_refusals_of_the_reference() {
    let agent = dev().acl().start();
    let body =
        r#"{"Name":"p1","Description":"d","Rules":"key_prefix \"a/\" { policy = \"read\" }","Datacenters":["dc1"]}"#;
    let policy = agent.put_ok("/v1/acl/policy", body);
    let id = policy.json()["ID"].as_str().expect("an id").to_owned();
    let index = policy.json()["CreateIndex"].as_u64().expect("an index");
    let expected = format!(
        r#"{{"ID":"{id}","Name":"p1","Description":"d","Rules":"key_prefix \"a/\" {{ policy = \"read\" }}","Datacenters":["dc1"],"Hash":"ZgSyw3cygl4GZyRsiJ85ge4JRBeYiwUA21M1a2Ixcj4=","CreateIndex":{index},"ModifyIndex":{index}}}"#
    );
    let compact = |value: &str| serde_json::from_str::<Value>(value).expect("JSON").to_string();
    assert_eq!(compact(&policy.text()), compact(&expected));
    assert_eq!(agent.get("/v1/acl/policy/name/p1").json(), policy.json());
    let list = agent.get("/v1/acl/policies").json();
    assert_eq!(list[0]["ID"], "00000000-0000-0000-0000-000000000001");
    assert_eq!((&list[0]["Datacenters"], list[0].get("Rules")), (&Value::Null, None));
    let unknown = "5a32b1d3-0c7a-4c59-9d0e-3d4ce1ba0e11";
    let cases = [
        ("GET", format!("/v1/acl/policy/{unknown}"), 404, "Requested policy does not exist: ACL not found"),
        ("GET", "/v1/acl/policy/name/x".into(), 404, "Requested policy does not exist: ACL not found"),
        ("GET", format!("/v1/acl/role/{unknown}"), 404, "Requested role does not exist: ACL not found"),
        ("GET", format!("/v1/acl/binding-rule/{unknown}"), 404, "Requested binding rule does not exist: ACL not found"),
        ("GET", "/v1/acl/auth-method/x".into(), 404, "Requested auth method does not exist: ACL not found"),
        ("GET", format!("/v1/acl/token/{unknown}"), 403, "token does not exist: ACL not found"),
        ("DELETE", format!("/v1/acl/policy/{unknown}"), 404, "Cannot find policy to delete"),
        ("DELETE", format!("/v1/acl/role/{unknown}"), 404, "Cannot find role to delete"),
        ("DELETE", format!("/v1/acl/token/{unknown}"), 404, "Cannot find token to delete"),
        ("DELETE", format!("/v1/acl/binding-rule/{unknown}"), 404, "Cannot find binding rule to delete"),
        ("DELETE", "/v1/acl/auth-method/x".into(), 404, "Cannot find auth method to delete"),
        ("GET", "/v1/acl/policy/".into(), 400, "Missing policy ID"),
        ("GET", "/v1/acl/policy/name/".into(), 400, "Missing policy Name"),
        ("DELETE", "/v1/acl/role/".into(), 400, "Missing role ID"),
        ("GET", "/v1/acl/role/name/".into(), 400, "Missing role Name"),
        ("GET", "/v1/acl/token/".into(), 400, "Missing token AccessorID"),
        ("GET", "/v1/acl/binding-rule/".into(), 400, "Missing binding rule ID"),
        ("GET", "/v1/acl/auth-method/".into(), 400, "Missing auth method name"),
        ("GET", "/v1/acl/policies?index=x".into(), 400, "Invalid index"),
        ("POST", "/v1/acl/policy/x".into(), 405, "method POST not allowed"),
        (
            "DELETE",
            "/v1/acl/token/00000000-0000-0000-0000-000000000002".into(),
            500,
            "Delete operation not permitted on the anonymous token",
        ),
        (
            "DELETE",
            "/v1/acl/policy/00000000-0000-0000-0000-000000000001".into(),
            500,
            "Delete operation not permitted on the builtin global-management policy",
        ),
    ];
    for (method, target, status, text) in cases {
        let answer = agent.send(method, &target, "");
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "{method} {target}");
        assert!(status != 404 || answer.header("x-consul-index").is_none(), "{method} {target} shows an index");
    }
    let writes = [
        ("/v1/acl/token", r#"{"Foo":1}"#, 400, "Token decoding failed: json: unknown field \"Foo\""),
        (
            "/v1/acl/token",
            r#"{"Namespace":"x"}"#,
            400,
            "Token decoding failed: json: unknown field \"Namespace\" - Namespaces are a Consul Enterprise feature",
        ),
        ("/v1/acl/policy", "{", 400, "Policy decoding failed: unexpected EOF"),
        ("/v1/acl/policy", r#"{"ID":"x"}"#, 400, "Cannot specify the ID when creating a new policy"),
        ("/v1/acl/policy", r#"{"Name":"p1"}"#, 500, "Invalid Policy: A Policy with Name \"p1\" already exists"),
        ("/v1/acl/policy/a", r#"{"ID":"b"}"#, 400, "Policy ID in URL and payload do not match"),
        ("/v1/acl/role", r#"{"ID":"x"}"#, 400, "Role ID in URL and payload do not match"),
        (
            "/v1/acl/role",
            r#"{"Name":"a b"}"#,
            500,
            "Invalid Role: invalid Name. Only alphanumeric characters, '-' and '_' are allowed",
        ),
        ("/v1/acl/token/a", r#"{"AccessorID":"b"}"#, 400, "Token Accessor ID in URL and payload do not match"),
        ("/v1/acl/auth-method/a", r#"{"Name":"b"}"#, 400, "AuthMethod Name in URL and payload do not match"),
        (
            "/v1/acl/auth-method",
            r#"{"Name":"a","Type":"oidc"}"#,
            500,
            "Invalid Auth Method: Type should be one of: [aws-iam jwt kubernetes]",
        ),
        ("/v1/acl/binding-rule", r#"{"AuthMethod":"x"}"#, 500, "cannot find auth method with name \"x\""),
        ("/v1/acl/binding-rule", "{}", 500, "Invalid Binding Rule: no AuthMethod is set"),
    ];
    for (target, body, status, text) in writes {
        let answer = agent.put(target, body);
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "PUT {target} {body}");
    }
    let anonymous = agent.send_as("", "GET", "/v1/acl/policies", "");
    assert_eq!(anonymous.status, 403);
    assert!(
        anonymous.text().starts_with("Permission denied: anonymous token lacks permission 'acl:read'"),
        "{}",
        anonymous.text()
    );
}

#[test]
fn a_list_waits_for_a_change() {
    let agent = dev().acl().start();
    let index = agent.get("/v1/acl/policies").index();
    let (address, token) = (agent.http_address(), MANAGEMENT);
    let waiting = std::thread::spawn(move || {
        let target = format!("/v1/acl/policies?index={index}&wait=60s");
        request(&address, "GET", &target, &[("X-Consul-Token", token)], b"").expect("an answer")
    });
    agent.put_ok("/v1/acl/policy", r#"{"Name":"new"}"#);
    let answer = waiting.join().expect("no panic");
    assert!(answer.index() > index && answer.text().contains("\"new\""), "{}", answer.text());
}

#[test]
fn a_caller_can_ask_what_it_may_do() {
    let agent = dev().acl().start();
    let (_, secret) = agent.token(r#"key_prefix "a/" { policy = "read" }"#);
    let ask = |body: &str| agent.send_as(&secret, "POST", "/v1/internal/acl/authorize", body);
    let answer = ask(
        r#"[{"Resource":"key","Segment":"a/b","Access":"read"},{"Resource":"key","Segment":"a/b","Access":"write"},{"Resource":"acl","Access":"read"}]"#,
    );
    let decisions = answer.json();
    let allowed: Vec<&Value> = decisions.as_array().expect("a list").iter().map(|one| &one["Allow"]).collect();
    assert_eq!(allowed, [&json!(true), &json!(false), &json!(false)]);
    assert_eq!(decisions[2], json!({"Resource": "acl", "Access": "read", "Allow": false}));
    assert_eq!(ask("[]").json(), json!([]));
    let many = format!("[{}]", vec![r#"{"Resource":"acl","Access":"read"}"#; 65].join(","));
    for (body, text) in [
        (many.as_str(), "Refusing to process more than 64 authorizations at once"),
        (r#"[{"Resource":"foo","Access":"read"}]"#, "Invalid ACL resource requested: \"foo\""),
        (r#"[{"Resource":"key","Access":"foo"}]"#, "Invalid access level for key resource: foo"),
    ] {
        let answer = ask(body);
        assert_eq!((answer.status, answer.text().as_str()), (400, text));
    }
}
