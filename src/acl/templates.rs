//! Templated policies and the policies that identities stand for (`spec/acl-and-tls.md` 8).

use crate::types::{Error, Result, go_quote};

/// A policy with a hole for a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// Id, a reserved UUID.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The rules; `{{.Name}}` is the hole.
    pub rules: &'static str,
    /// What the name must be; none for a template without a hole.
    variable: Option<Variable>,
}

/// What fills the hole of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    /// The name of a service.
    Service,
    /// The name of a node.
    Node,
    /// The name of an API gateway.
    Gateway,
}

/// The JSON schema of the variables of templates with a hole.
const SCHEMA: &str = "
{
\t\"type\": \"object\",
\t\"properties\": {
\t\t\"name\": { \"type\": \"string\", \"$ref\": \"#/definitions/min-length-one\" }
\t},
\t\"required\": [\"name\"],
\t\"definitions\": {
\t\t\"min-length-one\": {
\t\t\t\t\"type\": \"string\",
\t\t\t\t\"minLength\": 1
\t\t}
\t}
}";

/// The template of service identities.
pub static SERVICE: &Template = &TEMPLATES[0];
/// The template of node identities.
pub static NODE: &Template = &TEMPLATES[1];

/// All templates.
pub static TEMPLATES: [Template; 6] = [
    Template {
        id: "00000000-0000-0000-0000-000000000003",
        name: "builtin/service",
        description: "Gives the token or role permissions to register a service and discover services in the Consul catalog. It also gives the specified service's sidecar proxy the permission to discover and route traffic to other services.",
        rules: "\nservice \"{{.Name}}\" {\n\tpolicy = \"write\"\n}\nservice \"{{.Name}}-sidecar-proxy\" {\n\tpolicy = \"write\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}",
        variable: Some(Variable::Service),
    },
    Template {
        id: "00000000-0000-0000-0000-000000000004",
        name: "builtin/node",
        description: "Gives the token or role permissions for a register an agent/node into the catalog. A node is typically a consul agent but can also be a physical server, cloud instance or a container.",
        rules: "\nnode \"{{.Name}}\" {\n\tpolicy = \"write\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}",
        variable: Some(Variable::Node),
    },
    Template {
        id: "00000000-0000-0000-0000-000000000005",
        name: "builtin/dns",
        description: "Gives the token or role permissions for the Consul DNS to query services in the network.",
        rules: "\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\nquery_prefix \"\" {\n\tpolicy = \"read\"\n}",
        variable: None,
    },
    Template {
        id: "00000000-0000-0000-0000-000000000006",
        name: "builtin/nomad-server",
        description: "Gives the token or role permissions required for integration with a nomad server.",
        rules: "\nacl = \"write\"\nagent_prefix \"\" {\n  policy = \"read\"\n}\nnode_prefix \"\" {\n  policy = \"read\"\n}\nservice_prefix \"\" {\n  policy = \"write\"\n}",
        variable: None,
    },
    Template {
        id: "00000000-0000-0000-0000-000000000008",
        name: "builtin/api-gateway",
        description: "Gives the token or role permissions for a Consul api gateway",
        rules: "mesh = \"read\"\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\nservice \"{{.Name}}\" {\n\tpolicy = \"write\"\n}",
        variable: Some(Variable::Gateway),
    },
    Template {
        id: "00000000-0000-0000-0000-000000000009",
        name: "builtin/nomad-client",
        description: "Gives the token or role permissions required for integration with a nomad client.",
        rules: "agent_prefix \"\" {\n  policy = \"read\"\n}\nnode_prefix \"\" {\n  policy = \"read\"\n}\nservice_prefix \"\" {\n  policy = \"write\"\n}\nkey_prefix \"\" {\n  policy = \"read\"\n}",
        variable: None,
    },
];

/// What the hashing of no bytes begins with; the ids of synthetic policies end with it.
const FNV_OFFSET: &str = "6c62272e07bb014262b821756295c58d";

/// A policy that nobody wrote: what an identity or a templated policy stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// Made of the rules.
    pub id: String,
    /// `synthetic-policy-<id>`.
    pub name: String,
    /// Names the template.
    pub description: String,
    /// The rules.
    pub rules: String,
}

impl Template {
    /// The template with this name.
    pub fn named(name: &str) -> Option<&'static Template> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// The template with this id.
    pub fn with_id(id: &str) -> Option<&'static Template> {
        TEMPLATES.iter().find(|template| template.id == id)
    }

    /// The JSON schema of its variables; empty when it has none.
    pub fn schema(&self) -> &'static str {
        if self.variable.is_some() { SCHEMA } else { "" }
    }

    /// It has a hole for a name.
    pub fn has_variables(&self) -> bool {
        self.variable.is_some()
    }

    /// Checks variables before they are stored: none at all, or their `name`, which may be empty.
    ///
    /// # Errors
    /// What a JSON schema finds wrong, then what is wrong with the name.
    pub fn check(&self, name: Option<&str>) -> Result<()> {
        let Some(variable) = self.variable else { return Ok(()) };
        let schema = |why: &str| Err(Error::new(format!("1 error occurred:\n\t* {why}\n\n")));
        let name = match name {
            None => return schema("Invalid type. Expected: object, given: null"),
            Some("") => return schema("name is required"),
            Some(name) => name,
        };
        if is_identity_name(name) {
            return Ok(());
        }
        let (quoted, rule) = (go_quote(name), "Only lowercase alphanumeric characters, '-' and '_' are allowed");
        Err(Error::new(match variable {
            Variable::Service => format!("service identity {quoted} has an invalid name. {rule}"),
            Variable::Node => format!("node identity {quoted}  has an invalid name. {rule}"),
            Variable::Gateway => format!("api gateway {quoted} has an invalid name. {rule}"),
        }))
    }

    /// The policy with the hole filled. A name that could not be stored fills it with nothing that rules could be made of.
    pub fn policy(&self, name: &str) -> Synthetic {
        let name = if is_identity_name(name) { name } else { "" };
        let rules = self.rules.replace("{{.Name}}", name);
        let hex: String = rules.bytes().map(|byte| format!("{byte:02x}")).collect();
        let id = hex + FNV_OFFSET;
        Synthetic {
            name: format!("synthetic-policy-{id}"),
            description: format!("synthetic policy generated from templated policy: {}", self.name),
            id,
            rules,
        }
    }
}

/// The name of an identity: lower case letters, digits, `-` and `_`, 1 to 256 characters, with a letter or digit at both ends.
pub fn is_identity_name(name: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let end = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    let bytes = name.as_bytes();
    bytes.len() <= 256 && end(bytes.first()) && end(bytes.last()) && bytes.iter().all(|byte| inner(*byte))
}
