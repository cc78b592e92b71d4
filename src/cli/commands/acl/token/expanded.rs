//! A token with everything that it leads to, as text (`spec/cli.md` 9.3, `read -expanded`).

use super::super::pretty::{Page, datacenters, node, service};
use super::pretty::{WIDTH, head};
use crate::client::acl::{ExpandedToken, Link, NodeIdentity, Policy, Role, ServiceIdentity, TemplatedPolicy};
use std::fmt::Write;

/// The whole page.
pub(super) fn token(expanded: &ExpandedToken, meta: bool) -> String {
    let mut page = Page::new(0, WIDTH);
    let token = &expanded.token;
    head(&mut page, token, meta);
    let policies = expanded.expanded_policies.as_deref().unwrap_or_default();
    let mut lines = Lines { text: String::new(), policies };
    lines.section("", "Policies", &token.policies, Lines::policy);
    lines.section("", "Service Identities", &token.service_identities, Lines::service);
    lines.section("", "Node Identities", &token.node_identities, Lines::node);
    lines.section("", "Templated Policies", &token.templated_policies, Lines::template);
    if !token.roles.is_empty() {
        lines.line("", "Roles:");
        let roles = expanded.expanded_roles.as_deref().unwrap_or_default();
        token.roles.iter().filter_map(|link| roles.iter().find(|role| role.id == link.id)).for_each(|r| lines.role(r));
    }
    page.raw(&lines.text);
    page.raw(&format!(
        "=== End of Authorizer Layer 0: Token ===\n\
         === Start of Authorizer Layer 2: Agent Configuration Defaults (Inherited) ===\n\
         Description: Defined at request-time by the agent that resolves the ACL token; other agents may have different configuration defaults\n\
         Resolved By Agent: {:?}\n\n\
         Default Policy: {}\n\
         \tDescription: Backstop rule used if no preceding layer has a matching rule (refer to default_policy option in agent configuration)\n\n\
         Down Policy: {}\n\
         \tDescription: Defines what to do if this Token's information cannot be read from the primary_datacenter (refer to down_policy option in agent configuration)\n",
        expanded.resolved_by_agent, expanded.agent_acl_default_policy, expanded.agent_acl_down_policy,
    ));
    page.done()
}

/// Lines indented with tabs, and the policies that they are about.
struct Lines<'a> {
    text: String,
    policies: &'a [Policy],
}

impl Lines<'_> {
    fn line(&mut self, indent: &str, text: &str) {
        writeln!(self.text, "{indent}{text}").expect("a String takes all");
    }

    /// A heading and its entries, one level deeper; nothing without entries.
    fn section<T>(&mut self, indent: &str, heading: &str, entries: &[T], entry: fn(&mut Self, &str, &T)) {
        if !entries.is_empty() {
            self.line(indent, &format!("{heading}:"));
            let deeper = format!("{indent}\t");
            entries.iter().for_each(|one| entry(self, &deeper, one));
        }
    }

    fn policy(&mut self, indent: &str, link: &Link) {
        let Some(policy) = self.policies.iter().find(|policy| policy.id == link.id) else { return };
        self.line(indent, &format!("Policy Name: {}", policy.name));
        self.line(indent, &format!("\tID: {}", policy.id));
        self.line(indent, &format!("\tDescription: {}", policy.description));
        self.line(indent, "\tRules:");
        let rules = policy.rules.replace('\n', &format!("\n{indent}\t\t"));
        self.line(indent, &format!("\t\t{rules}\n"));
    }

    /// What an identity or a templated policy stands for. Its policy has the name of its template in the description and
    /// the name of what it is about in the rules.
    fn synthetic(&mut self, indent: &str, template: &str, name: &str) {
        let description = format!("synthetic policy generated from templated policy: {template}");
        let quoted = format!("\"{name}\"");
        let found = self
            .policies
            .iter()
            .find(|policy| policy.description == description && (name.is_empty() || policy.rules.contains(&quoted)));
        self.line(indent, &format!("\tDescription: {description}"));
        let rules = found.map_or("", |policy| policy.rules.as_str());
        let rules = rules.replace('\n', &format!("\n{indent}\t\t"));
        self.line(indent, &format!("\tRules:{rules}\n"));
    }

    fn service(&mut self, indent: &str, identity: &ServiceIdentity) {
        self.line(indent, &format!("Name: {}", service(identity)));
        self.synthetic(indent, "builtin/service", &identity.service_name);
    }

    fn node(&mut self, indent: &str, identity: &NodeIdentity) {
        self.line(indent, &format!("Name: {}", node(identity)));
        self.synthetic(indent, "builtin/node", &identity.node_name);
    }

    fn template(&mut self, indent: &str, policy: &TemplatedPolicy) {
        self.line(indent, &policy.template_name);
        let name = policy.template_variables.as_ref().map_or("", |variables| variables.name.as_str());
        if !name.is_empty() {
            self.line(indent, &format!("\tName: {name}"));
        }
        self.line(indent, &format!("\tDatacenters: {}", datacenters(&policy.datacenters)));
        self.synthetic(indent, &policy.template_name, name);
    }

    fn role(&mut self, role: &Role) {
        self.line("\t", &format!("Role Name: {}", role.name));
        self.line("\t", &format!("\tID: {}", role.id));
        self.line("\t", &format!("\tDescription: {}", role.description));
        self.section("\t\t", "Policies", &role.policies, Lines::policy);
        self.section("\t\t", "Service Identities", &role.service_identities, Lines::service);
        self.section("\t\t", "Node Identities", &role.node_identities, Lines::node);
        self.section("\t\t", "Templated Policies", &role.templated_policies, Lines::template);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expanded_token_shows_the_rules_behind_its_links() {
        let text = r#"{"ExpandedPolicies":[
            {"ID":"p","Name":"foo","Description":"d","Rules":"acl = \"read\"\nkeyring = \"read\""},
            {"ID":"s","Name":"synthetic-policy-s","Description":"synthetic policy generated from templated policy: builtin/service","Rules":"\nservice \"web\" {\n}"}],
            "ExpandedRoles":[{"ID":"r","Name":"r1","Description":"","Policies":[{"ID":"p","Name":"foo"}]}],
            "AgentACLDefaultPolicy":"allow","AgentACLDownPolicy":"deny","ResolvedByAgent":"leader",
            "AccessorID":"a","SecretID":"x","Policies":[{"ID":"p","Name":"foo"}],"Roles":[{"ID":"r","Name":"r1"}],
            "ServiceIdentities":[{"ServiceName":"web"}],"CreateTime":"2026-11-20T22:30:15Z"}"#;
        let expanded: ExpandedToken = serde_json::from_str(text).expect("a token");
        let expected = "\
AccessorID:       a
SecretID:         x
Description:      
Local:            false
Create Time:      2026-11-20 22:30:15 +0000 UTC
Policies:
\tPolicy Name: foo
\t\tID: p
\t\tDescription: d
\t\tRules:
\t\t\tacl = \"read\"
\t\t\tkeyring = \"read\"

Service Identities:
\tName: web (Datacenters: all)
\t\tDescription: synthetic policy generated from templated policy: builtin/service
\t\tRules:
\t\t\tservice \"web\" {
\t\t\t}

Roles:
\tRole Name: r1
\t\tID: r
\t\tDescription: 
\t\tPolicies:
\t\t\tPolicy Name: foo
\t\t\t\tID: p
\t\t\t\tDescription: d
\t\t\t\tRules:
\t\t\t\t\tacl = \"read\"
\t\t\t\t\tkeyring = \"read\"

=== End of Authorizer Layer 0: Token ===
=== Start of Authorizer Layer 2: Agent Configuration Defaults (Inherited) ===
Description: Defined at request-time by the agent that resolves the ACL token; other agents may have different configuration defaults
Resolved By Agent: \"leader\"

Default Policy: allow
\tDescription: Backstop rule used if no preceding layer has a matching rule (refer to default_policy option in agent configuration)

Down Policy: deny
\tDescription: Defines what to do if this Token's information cannot be read from the primary_datacenter (refer to down_policy option in agent configuration)
";
        assert_eq!(token(&expanded, false), expected);
    }
}
