use crate::acl::{ANONYMOUS, Access, Authorizer, Base, Permissions, Resource, Rules};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

fn authorizer(accessor: &str, rules: &str) -> Authorizer {
    let rules = Rules::parse(rules).expect("valid");
    Authorizer::new(accessor, Arc::new(Permissions::merged(Base::Deny, [&rules])))
}

#[test]
fn refusals_say_who_lacks_what_on_what() {
    let token = authorizer("a1", "");
    let cases = [
        (
            token.check(Resource::Key, Access::Write, "foo"),
            "Permission denied: token with AccessorID 'a1' lacks permission 'key:write' on \"foo\"",
        ),
        (
            token.check(Resource::Acl, Access::Read, ""),
            "Permission denied: token with AccessorID 'a1' lacks permission 'acl:read'",
        ),
        (
            token.check_all(Resource::Node, Access::Read),
            "Permission denied: token with AccessorID 'a1' lacks permission 'node:read' on \"all nodes\"",
        ),
        (
            token.check_any(Resource::Service, Access::Write),
            "Permission denied: token with AccessorID 'a1' lacks permission 'service:write' on \"any service\"",
        ),
        (
            token.check_prefix_write(Resource::Key, "a/"),
            "Permission denied: token with AccessorID 'a1' lacks permission 'key:write' on \"a/\"",
        ),
        (
            authorizer(ANONYMOUS, "").check(Resource::Key, Access::Write, "foo"),
            "Permission denied: anonymous token lacks permission 'key:write' on \"foo\". The anonymous token is used implicitly when a request does not specify a token.",
        ),
        (
            authorizer("", "").check(Resource::Agent, Access::Read, "n1"),
            "Permission denied: provided token lacks permission 'agent:read' on \"n1\"",
        ),
    ];
    for (result, expected) in cases {
        let error = result.expect_err(expected);
        assert_eq!((error.text.as_str(), error.status), (expected, Some(403)));
    }
}

#[test]
fn who_may_do_the_same_is_equal_whoever_it_is() {
    let read = r#"key_prefix "" { policy = "read" }"#;
    let (one, other) = (authorizer("one", read), authorizer("other", &format!("{read} # the same")));
    let hasher = RandomState::new();
    assert_eq!(one, other);
    assert_eq!(hasher.hash_one(&one), hasher.hash_one(&other));
    assert_ne!(one, authorizer("one", r#"key_prefix "" { policy = "list" }"#));
    assert_ne!(one, Authorizer::of_base("one", Base::Deny));
    assert_ne!(one, Authorizer::manage());
}

#[test]
fn without_rules_the_base_decides_and_never_gives_the_acl_system_away() {
    let allow = Authorizer::of_base("", Base::Allow);
    assert!(allow.allows(Resource::Operator, Access::Write, ""));
    assert!(allow.allows(Resource::Mesh, Access::Write, ""));
    assert!(!allow.allows(Resource::Acl, Access::Read, ""));
    assert!(Authorizer::manage().allows(Resource::Acl, Access::Write, ""));
    assert!(!Authorizer::of_base("", Base::Deny).allows(Resource::Peering, Access::Read, ""));
    assert_eq!(Base::of_policy("Deny"), Base::Deny);
    assert_eq!(Base::of_policy("allow"), Base::Allow);
}
