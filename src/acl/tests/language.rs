use crate::acl::{Access, Base, Permissions, Resource, Rules};
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    Rules::parse(text).expect_err(text).text
}

/// What the reference says of these texts, or 200 for what it takes.
#[test]
fn texts_are_refused_in_the_words_of_the_reference() {
    const CASES: &[(&str, &str)] = &[
        (r#"acl = "foo""#, r#"Invalid acl policy: "foo""#),
        (r#"acl = 1"#, r#"Invalid acl policy: "1""#),
        (r#"acl = true"#, "Failed to parse ACL rules: At 1:7: root.acl: unknown type for string *ast.LiteralType"),
        (r#"acl = ["read"]"#, "Failed to parse ACL rules: At 1:7: root.acl: unknown type for string *ast.ListType"),
        (r#"acl = {a="b"}"#, "Failed to parse ACL rules: At 1:8: root.acl: unknown type for string *ast.ObjectList"),
        (
            r#"key "a" { policy = "foo" }"#,
            r#"Invalid key policy: &acl.KeyRule{Prefix:"a", Policy:"foo", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (
            r#"key_prefix "a/" { policy = "foo" }"#,
            r#"Invalid key_prefix policy: &acl.KeyRule{Prefix:"a/", Policy:"foo", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (
            r#"key "a" {}"#,
            r#"Invalid key policy: &acl.KeyRule{Prefix:"a", Policy:"", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (
            r#"node "a" { policy = "list" }"#,
            r#"Invalid node policy: &acl.NodeRule{Name:"a", Policy:"list", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (r#"key = "read""#, "Failed to parse ACL rules: At 1:7: unknown slice type: *ast.LiteralType"),
        (r#"key "a" = "read""#, "Failed to parse ACL rules: At 1:9: nested object expected: LBRACE got: ASSIGN"),
        (
            r#"key = ["a"]"#,
            "Failed to parse ACL rules: At 1:8: root.key[0]: not an object type for struct (*ast.LiteralType)",
        ),
        (
            r#"key = [ { "a" = { policy = "read" } } ]"#,
            "Failed to parse ACL rules: At 1:11: root.key[0]: Prefix asked for 'key', impossible",
        ),
        (
            r#"key "a" "b" { policy = "read" }"#,
            r#"Invalid key policy: &acl.KeyRule{Prefix:"a", Policy:"", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (r#"agent "n" { policy = "foo" }"#, r#"Invalid agent policy: &acl.AgentRule{Node:"n", Policy:"foo"}"#),
        (
            r#"agent_prefix "n" { policy = "foo" }"#,
            r#"Invalid agent_prefix policy: &acl.AgentRule{Node:"n", Policy:"foo"}"#,
        ),
        (r#"session "n" { policy = "foo" }"#, r#"Invalid session policy: &acl.SessionRule{Node:"n", Policy:"foo"}"#),
        (r#"event "n" { policy = "foo" }"#, r#"Invalid event policy: &acl.EventRule{Event:"n", Policy:"foo"}"#),
        (
            r#"query_prefix "n" { policy = "foo" }"#,
            r#"Invalid query_prefix policy: &acl.PreparedQueryRule{Prefix:"n", Policy:"foo"}"#,
        ),
        (
            r#"service "a" { intentions = "read" }"#,
            r#"Invalid service policy: &acl.ServiceRule{Name:"a", Policy:"", Intentions:"read", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (
            r#"service_prefix "a" { policy = "read" intentions = "list" }"#,
            r#"Invalid service_prefix intentions policy: &acl.ServiceRule{Name:"a", Policy:"read", Intentions:"list", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (r#"keyring = "foo""#, r#"Invalid keyring policy: "foo""#),
        (r#"operator = "list""#, r#"Invalid operator policy: "list""#),
        (r#"mesh = "foo""#, r#"Invalid mesh policy: "foo""#),
        (r#"peering = "foo""#, r#"Invalid peering policy: "foo""#),
        (
            "key \"é\\n\" { policy = \"foo\" }",
            r#"Invalid key policy: &acl.KeyRule{Prefix:"é\n", Policy:"foo", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (
            r#"key "a" { policy = ["read"] }"#,
            "Failed to parse ACL rules: At 1:20: root.key[0].Policy: unknown type for string *ast.ListType",
        ),
        (
            r#"key "a" { policy { x = 1 } }"#,
            "Failed to parse ACL rules: At 1:20: root.key[0].Policy: unknown type for string *ast.ObjectList",
        ),
        (r#"{"key":"read"}"#, "Failed to parse ACL rules: At -: unknown slice type: *ast.LiteralType"),
        (
            r#"{"key":{"a":{"policy":"read"},"b":{"policy":"foo"}}}"#,
            r#"Invalid key policy: &acl.KeyRule{Prefix:"b", Policy:"foo", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
        (r#"[]"#, "Failed to parse ACL rules: At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"),
        (r#"key "a" {"#, "Failed to parse ACL rules: At 1:11: object expected closing RBRACE got: EOF"),
        (
            r#"acl="read" acl="write""#,
            "Failed to parse ACL rules: The argument \"acl\" at 1:12 was already set. Each argument can only be defined once",
        ),
        (
            r#"key "a" { policy = "read" policy = "write" }"#,
            "Failed to parse ACL rules: The argument \"policy\" at 1:27 was already set. Each argument can only be defined once",
        ),
        (
            r#"{"acl":"read","acl":"write"}"#,
            "Failed to parse ACL rules: The argument \"acl\" at 1:15 was already set. Each argument can only be defined once",
        ),
        (r#"operator = "write" keyring = "foo""#, r#"Invalid keyring policy: "foo""#),
        (r#"ACL = "foo""#, r#"Invalid acl policy: "foo""#),
        (
            r#"Key "a" { Policy = "foo" }"#,
            r#"Invalid key policy: &acl.KeyRule{Prefix:"a", Policy:"foo", EnterpriseRule:acl.EnterpriseRule{}}"#,
        ),
    ];
    for (text, expected) in CASES {
        assert_eq!(refusal(text), *expected, "{text}");
    }
}

#[test]
fn words_that_are_unknown_or_say_nothing_are_ignored() {
    let nothing = Rules::default();
    for text in [
        "",
        "# only a comment",
        r#"bogus = "x""#,
        r#"bogus "a" { b = 1 }"#,
        r#"namespace "a" { key "x" { policy = "read" } }"#,
        r#"identity "x" { policy = "foo" }"#,
        r#"acl = """#,
        r#"key {}"#,
        r#"{"acl":null}"#,
        r#"{"key":[]}"#,
        r#"{"key":{}}"#,
    ] {
        assert_eq!(Rules::parse(text).as_ref(), Ok(&nothing), "{text}");
    }
}

#[test]
fn all_forms_of_a_rule_say_the_same() {
    let expected = Rules::parse(r#"key "a" { policy = "read" } key "b" { policy = "write" }"#).expect("valid");
    for text in [
        r#"key = { "a" = { policy = "read" } "b" = { policy = "write" } }"#,
        r#"key { a { policy = "READ" extra = 1 } b { Policy = "Write" } }"#,
        r#"{"key":{"a":{"policy":"read"},"b":{"policy":"write"}}}"#,
        r#"{"key":[{"a":{"policy":"read"}},{"b":{"policy":"write"}}]}"#,
        r#"{"key":{"a":[{"policy":"read"}],"b":[{"policy":"write"}]}}"#,
        r#"{"key":[{"a":[{"policy":"read"}]},{"b":[{"policy":"write"}]}]}"#,
    ] {
        assert_eq!(Rules::parse(text).as_ref(), Ok(&expected), "{text}");
    }
}

/// The reference takes this for a rule about the name `policy`; who wrote it must not get more than there.
#[test]
fn a_block_without_a_label_is_about_the_name_of_its_argument() {
    let rules = Rules::parse(r#"key_prefix { policy = "read" }"#).expect("valid");
    let permissions = Permissions::merged(Base::Deny, [&rules]);
    assert!(permissions.allows(Resource::Key, Access::Read, "policyx"));
    assert!(!permissions.allows(Resource::Key, Access::Read, "a"));
}

#[test]
fn blocks_of_the_same_name_in_one_policy_are_merged() {
    let rules = Rules::parse(r#"key "a" { policy = "read" } key "a" { policy = "write" }"#).expect("valid");
    assert!(Permissions::merged(Base::Deny, [&rules]).allows(Resource::Key, Access::Write, "a"));
}

#[test]
fn hostile_nesting_is_refused_and_does_not_reach_the_end_of_the_stack() {
    for text in [
        "key { a ".repeat(100_000),
        "a = [".repeat(100_000),
        format!("{}{}", "{\"key\":".repeat(100_000), "}".repeat(100_000)),
        format!("{{\"key\":{}", "[".repeat(100_000)),
        "a ".repeat(100_000),
        "\"a\" ".repeat(100_000) + "{",
    ] {
        assert!(Rules::parse(&text).is_err());
    }
}

/// Pieces of the language, so that random texts get further than its first token.
fn pieces() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "key",
        "key_prefix",
        "service",
        "policy",
        "intentions",
        "acl",
        "\"a\"",
        "\"\"",
        "\"read\"",
        "\"write\"",
        "=",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "1",
        "-",
        "true",
        "null",
        "<<EOF\nx\nEOF\n",
        "\"${\"",
        "\"\\x\"",
        "#",
        "/*",
        "//",
        "\n",
        "\0",
        "é",
        "\u{e123}",
    ];
    proptest::collection::vec(proptest::sample::select(WORDS), 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in pieces(), brace in any::<bool>()) {
        let text = if brace { format!("{{{text}") } else { text };
        let _ = Rules::parse(&text);
    }

    #[test]
    fn no_characters_make_the_parser_panic(text in ".*") {
        let _ = Rules::parse(&text);
    }
}
