//! Binding rules: what a login gets for an identity (`spec/acl-and-tls.md` 10.5).

use super::{Identity, interpolate};
use crate::types::acl::{
    BindingRule, TemplateVariables, TemplatedPolicy, is_identity_name, is_role_name, policy_name_error,
};

/// What all matching rules give together; names of roles and policies may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    /// Services.
    pub services: Vec<String>,
    /// Nodes.
    pub nodes: Vec<String>,
    /// Roles, by name.
    pub roles: Vec<String>,
    /// Policies, by name.
    pub policies: Vec<String>,
    /// Templates with their variables; the id is still empty.
    pub templates: Vec<TemplatedPolicy>,
}

impl Bindings {
    /// Nothing was bound.
    pub fn is_empty(&self) -> bool {
        self == &Bindings::default()
    }
}

/// Whether the text that a rule gives for its kind can be stored.
fn is_valid_name(bind_type: &str, name: &str) -> Option<bool> {
    Some(match bind_type {
        "service" | "node" => is_identity_name(name),
        "role" => is_role_name(name),
        "policy" => policy_name_error(name).is_none(),
        "templated-policy" => !name.is_empty(),
        _ => return None,
    })
}

/// Checks a rule before it is stored, against an identity with empty values. `check_template` looks at a template's name
/// and whether its variables fit.
///
/// # Errors
/// What is wrong, in the words behind `Invalid Binding Rule: `.
pub fn check(
    rule: &BindingRule,
    blank: &Identity,
    check_template: impl Fn(&str, Option<&str>) -> Result<(), String>,
) -> Result<(), String> {
    const INVALID: &str = "Invalid Binding Rule: ";
    if let Err(why) = blank.fields.matches(&rule.selector) {
        return Err(format!("invalid Binding Rule: Selector is invalid: {why}"));
    }
    for (what, value) in [("BindType", &rule.bind_type), ("BindName", &rule.bind_name)] {
        if value.is_empty() {
            return Err(format!("{INVALID}no {what} is set"));
        }
    }
    if rule.bind_vars.is_some() && rule.bind_type != "templated-policy" {
        return Err("invalid Binding Rule: BindVars cannot be set when bind type is not templated-policy.".to_owned());
    }
    let wrong = |why: String| Err(format!("{INVALID}invalid BindName or BindVars: {why}"));
    let failed = |why: String| wrong(format!("failed to validate bindType {:?}: {why}", rule.bind_type));
    if is_valid_name(&rule.bind_type, "x").is_none() {
        return wrong(format!("invalid Binding Rule: unknown BindType {:?}", rule.bind_type));
    }
    // Every place is filled with a name that is valid anywhere, so that only the rule's own text is looked at.
    let sample = blank.variables.keys().map(|name| (name.clone(), "fake".to_owned())).collect();
    if rule.bind_type == "templated-policy" {
        let variable = rule.bind_vars.as_ref().map(|variables| interpolate(&variables.name, &sample)).transpose();
        return match variable {
            Ok(variable) => check_template(&rule.bind_name, variable.as_deref()).or_else(failed),
            Err(why) => failed(why),
        };
    }
    match interpolate(&rule.bind_name, &sample) {
        Ok(name) if is_valid_name(&rule.bind_type, &name) == Some(true) => Ok(()),
        Ok(_) => failed(format!("invalid bind name: {:?}", rule.bind_name)),
        Err(why) => failed(why),
    }
}

/// What the rules give to an identity. A rule whose selector fails does not match.
///
/// # Errors
/// A name that the rule makes cannot be stored.
pub fn evaluate<'a>(rules: impl Iterator<Item = &'a BindingRule>, identity: &Identity) -> Result<Bindings, String> {
    let mut bindings = Bindings::default();
    for rule in rules.filter(|rule| identity.fields.matches(&rule.selector) == Ok(true)) {
        let refuse = |why: String| format!("cannot compute {:?} bind name for bind target: {why}", rule.bind_type);
        if rule.bind_type == "templated-policy" {
            let variables = rule.bind_vars.as_ref().map(|variables| {
                interpolate(&variables.name, &identity.variables).map(|name| TemplateVariables { name })
            });
            bindings.templates.push(TemplatedPolicy {
                template_name: rule.bind_name.clone(),
                template_variables: variables.transpose().map_err(refuse)?,
                ..TemplatedPolicy::default()
            });
            continue;
        }
        let name = interpolate(&rule.bind_name, &identity.variables).map_err(refuse)?;
        if is_valid_name(&rule.bind_type, &name) != Some(true) {
            return Err(format!("computed {:?} bind name for bind target is invalid: {name:?}", rule.bind_type));
        }
        let names = match rule.bind_type.as_str() {
            "service" => &mut bindings.services,
            "node" => &mut bindings.nodes,
            "role" => &mut bindings.roles,
            _ => &mut bindings.policies,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(bindings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::identity::{Fields, KubernetesFields, ServiceAccount};
    use crate::auth::kubernetes;

    fn rule(bind_type: &str, bind_name: &str, selector: &str) -> BindingRule {
        BindingRule {
            bind_type: bind_type.into(),
            bind_name: bind_name.into(),
            selector: selector.into(),
            ..BindingRule::default()
        }
    }

    fn web() -> Identity {
        let account = ServiceAccount { namespace: "default".into(), name: "Web".into(), uid: "u".into() };
        Identity {
            fields: Fields::Kubernetes(KubernetesFields { service_account: account }),
            variables: [("serviceaccount.name".to_owned(), "Web".to_owned())].into(),
        }
    }

    #[test]
    fn rules_are_refused_in_the_words_of_the_reference() {
        let template = |name: &str, _: Option<&str>| match name {
            "builtin/service" => Ok(()),
            other => Err(format!("templated policy not found: {other}")),
        };
        let with_vars = |bind_type: &str, name: &str| BindingRule {
            bind_vars: Some(TemplateVariables { name: name.into() }),
            ..rule(bind_type, "builtin/service", "")
        };
        let wrong = "Invalid Binding Rule: invalid BindName or BindVars: ";
        let cases = [
            (rule("service", "a-${serviceaccount.name}", "serviceaccount.name == x"), None),
            (rule("role", "A_b", ""), None),
            (rule("policy", "a/b", ""), None),
            (with_vars("templated-policy", "${serviceaccount.name}"), None),
            (rule("", "x", ""), Some("Invalid Binding Rule: no BindType is set".to_owned())),
            (rule("service", "", ""), Some("Invalid Binding Rule: no BindName is set".to_owned())),
            (
                rule("service", "x y", ""),
                Some(format!("{wrong}failed to validate bindType \"service\": invalid bind name: \"x y\"")),
            ),
            (rule("foo", "x", ""), Some(format!("{wrong}invalid Binding Rule: unknown BindType \"foo\""))),
            (
                with_vars("service", "x"),
                Some("invalid Binding Rule: BindVars cannot be set when bind type is not templated-policy.".to_owned()),
            ),
            (
                rule("service", "${nope}", ""),
                Some(format!("{wrong}failed to validate bindType \"service\": 1:3: unknown variable accessed: nope")),
            ),
            (
                rule("templated-policy", "x", ""),
                Some(format!("{wrong}failed to validate bindType \"templated-policy\": templated policy not found: x")),
            ),
            (
                rule("service", "x", "nope == 1"),
                Some("invalid Binding Rule: Selector is invalid: Selector \"nope\" is not valid".to_owned()),
            ),
        ];
        for (rule, expected) in cases {
            assert_eq!(check(&rule, &kubernetes::blank(), template).err(), expected, "{rule:?}");
        }
    }

    #[test]
    fn all_matching_rules_count_and_values_are_lower_case() {
        let rules = [
            rule("service", "k8s-${serviceaccount.name}", "serviceaccount.namespace == default"),
            rule("service", "k8s-web", ""),
            rule("node", "n", "serviceaccount.namespace == other"),
            rule("role", "R", ""),
            rule("policy", "p", "broken =="),
            BindingRule {
                bind_vars: Some(TemplateVariables { name: "${serviceaccount.name}".into() }),
                ..rule("templated-policy", "builtin/node", "")
            },
        ];
        let found = evaluate(rules.iter(), &web()).expect("bindings");
        assert_eq!((found.services, found.roles), (vec!["k8s-web".to_owned()], vec!["R".to_owned()]));
        assert!(found.nodes.is_empty() && found.policies.is_empty());
        assert_eq!(found.templates[0].template_variables.as_ref().map(|v| v.name.as_str()), Some("web"));
        assert!(evaluate([rule("service", "a b", "")].iter(), &web()).is_err());
        assert!(evaluate([].iter(), &web()).expect("bindings").is_empty());
    }
}
