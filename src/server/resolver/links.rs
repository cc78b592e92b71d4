//! What a token stands for: the rules of its policies, roles, identities and templates, as far as they hold here
//! (`spec/acl-and-tls.md` 4.3, 8).

use crate::acl::templates::{NODE, SERVICE, Template};
use crate::types::acl::{AclPolicy, AclRole, AclToken, NodeIdentity, ServiceIdentity, TemplatedPolicy};
use std::borrow::Borrow;

/// The list names the datacenter, or none at all.
fn holds(datacenters: &[String], datacenter: &str) -> bool {
    datacenters.is_empty() || datacenters.iter().any(|known| known == datacenter)
}

/// The texts of all rules that a token stands for in `datacenter`. `policies` are those of the token and of its roles.
pub(super) fn texts<'a>(
    datacenter: &str,
    token: &AclToken,
    roles: &[impl Borrow<AclRole>],
    policies: impl IntoIterator<Item = &'a AclPolicy>,
) -> Vec<String> {
    let mut texts: Vec<String> = policies
        .into_iter()
        .filter(|policy| holds(&policy.datacenters, datacenter))
        .map(|policy| policy.rules.clone())
        .collect();
    let parts = (&token.service_identities[..], &token.node_identities[..], &token.templated_policies[..]);
    implied(datacenter, parts, &mut texts);
    for role in roles {
        let role: &AclRole = role.borrow();
        let parts = (&role.service_identities[..], &role.node_identities[..], &role.templated_policies[..]);
        implied(datacenter, parts, &mut texts);
    }
    texts
}

type Parts<'a> = (&'a [ServiceIdentity], &'a [NodeIdentity], &'a [TemplatedPolicy]);

/// The rules that identities and templates imply.
fn implied(datacenter: &str, (services, nodes, templates): Parts<'_>, texts: &mut Vec<String>) {
    let services = services.iter().filter(|identity| holds(&identity.datacenters, datacenter));
    texts.extend(services.map(|identity| SERVICE.policy(&identity.service_name).rules));
    let nodes = nodes.iter().filter(|identity| identity.datacenter == datacenter);
    texts.extend(nodes.map(|identity| NODE.policy(&identity.node_name).rules));
    for policy in templates.iter().filter(|policy| holds(&policy.datacenters, datacenter)) {
        let template = Template::with_id(&policy.template_id).or_else(|| Template::named(&policy.template_name));
        let name = policy.template_variables.as_ref().map_or("", |variables| variables.name.as_str());
        texts.extend(template.map(|template| template.policy(name).rules));
    }
}
