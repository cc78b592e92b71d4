//! Links, identities and templates of tokens and roles: what they must look like, and how they are kept
//! (`spec/acl-and-tls.md` 8, 9.3, 9.5).

use crate::acl::templates::Template;
use crate::state::{Snapshot, WatchSet};
use crate::types::acl::{AclLink, AclRole, AclToken, NodeIdentity, ServiceIdentity, TemplatedPolicy, is_identity_name};
use crate::types::validate::check_uuid;
use crate::types::{Error, Result, go_quote};
use std::collections::BTreeSet;

/// Why an identity cannot have this name.
const NAME_RULE: &str = "Only lowercase alphanumeric characters, '-' and '_' are allowed";

/// Links by id, without names, each once.
fn resolve_links(
    links: &[AclLink],
    kind: &str,
    by_id: impl Fn(&str) -> Option<String>,
    by_name: impl Fn(&str) -> Option<String>,
) -> Result<Vec<AclLink>> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::with_capacity(links.len());
    for link in links {
        let found = if link.id.is_empty() {
            let unknown = || Error::new(format!("No such ACL {kind} with name {}", go_quote(&link.name)));
            by_name(&link.name).ok_or_else(unknown)?
        } else {
            let quoted = go_quote(&link.id);
            check_uuid(&link.id)
                .map_err(|why| Error::new(format!("Error looking up {kind} for ID: {quoted}: {why}")))?;
            by_id(&link.id).ok_or_else(|| Error::new(format!("No such ACL {kind} with ID {quoted}")))?
        };
        if seen.insert(found.clone()) {
            kept.push(AclLink { id: found, name: String::new() });
        }
    }
    Ok(kept)
}

fn policy_links(state: &Snapshot, links: &[AclLink]) -> Result<Vec<AclLink>> {
    let by_id = |id: &str| state.acl_policy(&mut WatchSet::none(), id).1.map(|policy| policy.id.clone());
    let by_name = |name: &str| state.acl_policy_by_name(&mut WatchSet::none(), name).1.map(|policy| policy.id.clone());
    resolve_links(links, "policy", by_id, by_name)
}

fn role_links(state: &Snapshot, links: &[AclLink]) -> Result<Vec<AclLink>> {
    let by_id = |id: &str| state.acl_role(&mut WatchSet::none(), id).1.map(|role| role.id.clone());
    let by_name = |name: &str| state.acl_role_by_name(&mut WatchSet::none(), name).1.map(|role| role.id.clone());
    resolve_links(links, "role", by_id, by_name)
}

/// What the identities stand on; it is named in some refusals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Token { local: bool },
    Role,
}

impl Owner {
    fn name(self) -> &'static str {
        match self {
            Owner::Token { .. } => "token",
            Owner::Role => "role",
        }
    }
}

/// Identities by name; one that is named twice holds where either does.
fn service_identities(identities: &[ServiceIdentity], owner: Owner) -> Result<Vec<ServiceIdentity>> {
    for identity in identities {
        let (name, quoted) = (&identity.service_name, go_quote(&identity.service_name));
        if name.is_empty() {
            let text = format!("Service identity is missing the service name field on this {}", owner.name());
            return Err(Error::new(text));
        }
        if owner == (Owner::Token { local: true }) && !identity.datacenters.is_empty() {
            let text = format!("Service identity {quoted} cannot specify a list of datacenters on a local token");
            return Err(Error::new(text));
        }
        if !is_identity_name(name) {
            let named = if owner == Owner::Role { String::new() } else { format!(" {quoted}") };
            return Err(Error::new(format!("Service identity{named} has an invalid name. {NAME_RULE}")));
        }
    }
    let mut sorted = identities.to_vec();
    if sorted.len() > 1 {
        sorted.sort_by(|a, b| a.service_name.cmp(&b.service_name));
    }
    sorted.dedup_by(|next, kept| {
        if next.service_name != kept.service_name {
            return false;
        }
        if next.datacenters.is_empty() || kept.datacenters.is_empty() {
            kept.datacenters.clear();
        } else {
            kept.datacenters.append(&mut next.datacenters);
            kept.datacenters.sort();
            kept.datacenters.dedup();
        }
        true
    });
    Ok(sorted)
}

fn node_identities(identities: &[NodeIdentity], owner: Owner) -> Result<Vec<NodeIdentity>> {
    for identity in identities {
        let missing =
            |what: &str| Error::new(format!("Node identity is missing the {what} field on this {}", owner.name()));
        if identity.node_name.is_empty() {
            return Err(missing("node name"));
        }
        if identity.datacenter.is_empty() {
            return Err(missing("datacenter"));
        }
        if !is_identity_name(&identity.node_name) {
            return Err(Error::new(format!("Node identity has an invalid name. {NAME_RULE}")));
        }
    }
    let mut sorted = identities.to_vec();
    if sorted.len() > 1 {
        sorted.sort_by(|a, b| (&a.node_name, &a.datacenter).cmp(&(&b.node_name, &b.datacenter)));
    }
    sorted.dedup();
    Ok(sorted)
}

fn templated_policies(policies: &[TemplatedPolicy], owner: Owner) -> Result<Vec<TemplatedPolicy>> {
    let mut kept: Vec<TemplatedPolicy> = Vec::with_capacity(policies.len());
    for policy in policies {
        let (name, quoted) = (&policy.template_name, go_quote(&policy.template_name));
        if name.is_empty() {
            let text = format!("templated policy is missing the template name field on this {}", owner.name());
            return Err(Error::new(text));
        }
        let unknown = || match owner {
            Owner::Token { .. } => Error::new(format!("no such ACL templated policy with Name {quoted}")),
            Owner::Role => Error::new(format!("templated policy with an invalid templated name: {name} for this role")),
        };
        let template = Template::named(name).ok_or_else(unknown)?;
        let variable = policy.template_variables.as_ref().map(|variables| variables.name.as_str());
        template.check(variable).map_err(|error| match owner {
            Owner::Token { .. } => {
                Error::new(format!("validation error for templated policy {quoted}: {}", error.text))
            }
            Owner::Role => Error::new(format!("encountered role with invalid templated policy: {}", error.text)),
        })?;
        let policy = TemplatedPolicy { template_id: template.id.into(), ..policy.clone() };
        let same = |known: &TemplatedPolicy| {
            known.template_name == policy.template_name
                && (!template.has_variables() || known.template_variables == policy.template_variables)
        };
        if !kept.iter().any(same) {
            kept.push(policy);
        }
    }
    Ok(kept)
}

/// Checks what a token stands for and brings it into the form that is stored.
///
/// # Errors
/// The texts of `spec/acl-and-tls.md` 9.3.
pub(super) fn settle_token(state: &Snapshot, token: &mut AclToken) -> Result<()> {
    let owner = Owner::Token { local: token.local };
    token.policies = policy_links(state, &token.policies)?;
    token.roles = role_links(state, &token.roles)?;
    token.service_identities = service_identities(&token.service_identities, owner)?;
    token.node_identities = node_identities(&token.node_identities, owner)?;
    token.templated_policies = templated_policies(&token.templated_policies, owner)?;
    Ok(())
}

/// The same for a role.
///
/// # Errors
/// The texts of `spec/acl-and-tls.md` 9.5.
pub(super) fn settle_role(state: &Snapshot, role: &mut AclRole) -> Result<()> {
    role.policies = policy_links(state, &role.policies)?;
    role.service_identities = service_identities(&role.service_identities, Owner::Role)?;
    role.node_identities = node_identities(&role.node_identities, Owner::Role)?;
    role.templated_policies = templated_policies(&role.templated_policies, Owner::Role)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::acl::TemplateVariables;

    const TOKEN: Owner = Owner::Token { local: false };

    fn service(name: &str, datacenters: &[&str]) -> ServiceIdentity {
        let datacenters = datacenters.iter().map(|name| (*name).to_owned()).collect();
        ServiceIdentity { service_name: name.into(), datacenters }
    }

    fn template(name: &str, variable: Option<&str>) -> TemplatedPolicy {
        let template_variables = variable.map(|name| TemplateVariables { name: name.into() });
        TemplatedPolicy { template_name: name.into(), template_variables, ..Default::default() }
    }

    #[test]
    fn equal_identities_are_kept_once_and_hold_where_either_does() {
        let merged = service_identities(
            &[
                service("web", &["dc2", "dc1"]),
                service("db", &["dc1"]),
                service("web", &["dc3", "dc1"]),
                service("db", &[]),
            ],
            TOKEN,
        );
        assert_eq!(merged.expect("valid"), [service("db", &[]), service("web", &["dc1", "dc2", "dc3"])]);
        let node = |datacenter: &str| NodeIdentity { node_name: "n".into(), datacenter: datacenter.into() };
        let nodes = node_identities(&[node("dc2"), node("dc1"), node("dc2")], TOKEN).expect("valid");
        assert_eq!(nodes, [node("dc1"), node("dc2")]);
        let kept = templated_policies(
            &[
                template("builtin/dns", None),
                template("builtin/service", Some("web")),
                template("builtin/dns", Some("ignored")),
                template("builtin/service", Some("web")),
                template("builtin/service", Some("db")),
            ],
            TOKEN,
        );
        let names: Vec<_> =
            kept.expect("valid").into_iter().map(|policy| (policy.template_name, policy.template_id)).collect();
        assert_eq!(names.len(), 3);
        assert_eq!(names[0], ("builtin/dns".to_owned(), "00000000-0000-0000-0000-000000000005".to_owned()));
    }

    #[test]
    fn bad_identities_are_refused_in_the_words_of_the_reference() {
        let local = Owner::Token { local: true };
        let cases = [
            (service("", &[]), TOKEN, "Service identity is missing the service name field on this token"),
            (service("", &[]), Owner::Role, "Service identity is missing the service name field on this role"),
            (
                service("We b", &[]),
                TOKEN,
                "Service identity \"We b\" has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed",
            ),
            (
                service("We b", &[]),
                Owner::Role,
                "Service identity has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed",
            ),
            (
                service("x", &["dc1"]),
                local,
                "Service identity \"x\" cannot specify a list of datacenters on a local token",
            ),
        ];
        for (identity, owner, text) in cases {
            assert_eq!(service_identities(&[identity], owner).expect_err(text).text, text);
        }
        let node = |node_name: &str, datacenter: &str| NodeIdentity {
            node_name: node_name.into(),
            datacenter: datacenter.into(),
        };
        let cases = [
            (node("", "dc1"), "Node identity is missing the node name field on this token"),
            (node("n", ""), "Node identity is missing the datacenter field on this token"),
            (
                node("N", "dc1"),
                "Node identity has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed",
            ),
        ];
        for (identity, text) in cases {
            assert_eq!(node_identities(&[identity], TOKEN).expect_err(text).text, text);
        }
        let cases = [
            (template("", None), TOKEN, "templated policy is missing the template name field on this token"),
            (template("x", None), TOKEN, "no such ACL templated policy with Name \"x\""),
            (template("x", None), Owner::Role, "templated policy with an invalid templated name: x for this role"),
            (
                template("builtin/service", Some("")),
                TOKEN,
                "validation error for templated policy \"builtin/service\": 1 error occurred:\n\t* name is required\n\n",
            ),
            (
                template("builtin/node", None),
                Owner::Role,
                "encountered role with invalid templated policy: 1 error occurred:\n\t* Invalid type. Expected: object, given: null\n\n",
            ),
        ];
        for (policy, owner, text) in cases {
            assert_eq!(templated_policies(&[policy], owner).expect_err(text).text, text);
        }
    }
}
