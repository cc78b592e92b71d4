use crate::acl::templates::{NODE, SERVICE, TEMPLATES, Template, is_identity_name};
use crate::acl::{Access, Base, Permissions, Resource, Rules};

fn permissions(template: &Template, name: &str) -> Permissions {
    let rules = Rules::parse(&template.policy(name).rules).expect("templates are valid");
    Permissions::merged(Base::Deny, [&rules])
}

#[test]
fn templates_are_found_by_name_and_id_and_give_valid_rules() {
    for template in &TEMPLATES {
        assert_eq!(Template::named(template.name), Some(template));
        assert_eq!(Template::with_id(template.id), Some(template));
        assert_eq!(template.schema().is_empty(), !template.has_variables());
        Rules::parse(&template.policy("web").rules).expect(template.name);
    }
    assert_eq!(Template::named("builtin/nope"), None);
}

#[test]
fn an_identity_grants_its_own_name_and_reads_the_rest() {
    let web = permissions(SERVICE, "web");
    for (name, write) in [("web", true), ("web-sidecar-proxy", true), ("web2", false), ("db", false)] {
        assert_eq!(web.allows(Resource::Service, Access::Write, name), write, "{name}");
        assert!(web.allows(Resource::Service, Access::Read, name));
    }
    assert!(web.allows(Resource::Node, Access::Read, "n1") && !web.allows(Resource::Node, Access::Write, "n1"));
    let node = permissions(NODE, "n1");
    assert!(node.allows(Resource::Node, Access::Write, "n1") && !node.allows(Resource::Node, Access::Read, "n2"));
}

#[test]
fn a_synthetic_policy_is_named_after_its_rules() {
    let policy = NODE.policy("n1");
    let rules = "\nnode \"n1\" {\n\tpolicy = \"write\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}";
    assert_eq!(policy.rules, rules);
    assert!(policy.id.starts_with("0a6e6f6465"), "{}", policy.id);
    assert!(policy.id.ends_with("6c62272e07bb014262b821756295c58d"));
    assert_eq!(policy.name, format!("synthetic-policy-{}", policy.id));
    assert_eq!(policy.description, "synthetic policy generated from templated policy: builtin/node");
}

#[test]
fn variables_are_checked_before_they_can_become_rules() {
    let text = |template: &Template, name| template.check(name).expect_err("refused").text;
    assert_eq!(text(SERVICE, None), "1 error occurred:\n\t* Invalid type. Expected: object, given: null\n\n");
    assert_eq!(text(SERVICE, Some("")), "1 error occurred:\n\t* name is required\n\n");
    let rule = "Only lowercase alphanumeric characters, '-' and '_' are allowed";
    assert_eq!(text(SERVICE, Some("We b")), format!("service identity \"We b\" has an invalid name. {rule}"));
    assert_eq!(text(NODE, Some("N")), format!("node identity \"N\"  has an invalid name. {rule}"));
    SERVICE.check(Some("web")).expect("valid");
    Template::named("builtin/dns").expect("known").check(None).expect("there is nothing to fill in");
    let hostile = "x\" { policy = \"write\" }\noperator = \"write\" #";
    for template in &TEMPLATES {
        assert!(!template.has_variables() || template.check(Some(hostile)).is_err());
        assert!(!template.policy(hostile).rules.contains("operator"));
    }
}

#[test]
fn names_of_identities_are_lower_case_with_letters_or_digits_at_both_ends() {
    for name in ["a", "web", "web-2", "a_b", "0", &"x".repeat(256)] {
        assert!(is_identity_name(name), "{name}");
    }
    for name in ["", "Web", "-a", "a-", "a b", "é", "a.b", &"x".repeat(257)] {
        assert!(!is_identity_name(name), "{name}");
    }
}
