//! `acl role update`.

use super::super::identities::{NODE_HELP, SERVICE_HELP, add_nodes, add_services, nodes, services};
use super::super::lookup::{add_links, policy_links, role_id};
use super::super::templates::{self, VAR_HELP};
use super::super::token::update::BOTH_TEMPLATES;
use super::super::{FORMAT, META, show};
use super::{DESCRIPTION, ID, NAME, POLICY_ID, POLICY_NAME, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::acl::{By, Role};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "role", "update"],
    synopsis: "Update an ACL role",
    usage: "Usage: {program} acl role update [options]

  Changes a role. Policies and identities are added to those that are there,
  unless -no-merge says that they take their place.

      $ {program} acl role update -id abcd -name \"better-name\" \\
                  -policy-name \"token-replication\" -service-identity \"web\"",
    groups: Groups::CSN,
    flags: &[
        Flag::string("append-templated-policy", "Name of a templated policy to add."),
        Flag::string("append-templated-policy-file", "File with templated policies to add, HCL or JSON."),
        DESCRIPTION,
        FORMAT,
        ID,
        META,
        NAME,
        Flag::bool("no-merge", "Replace all fields, also those that are not given. The default is false."),
        Flag::list("node-identity", NODE_HELP),
        POLICY_ID,
        POLICY_NAME,
        Flag::string("replace-templated-policy", "Name of a templated policy that replaces the old ones."),
        Flag::string("replace-templated-policy-file", "File with templated policies that replace the old ones."),
        Flag::list("service-identity", SERVICE_HELP),
        Flag::list("var", VAR_HELP),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.text("id").is_empty() {
        return Err(Exit::error("Cannot update a role without specifying the -id parameter"));
    }
    let any = |kind: &str| ["", "-file"].iter().any(|end| !m.text(&format!("{kind}templated-policy{end}")).is_empty());
    let replace = any("replace-");
    if any("append-") && replace {
        return Err(Exit::error(BOTH_TEMPLATES));
    }
    let given = templates::policies(m, if replace { "replace-" } else { "append-" }, "role")?;
    let client = connect(cx, m)?;
    let id = role_id(cx, &client, m.text("id")).or_exit("Error determining role ID")?;
    let found = cx.block_on(client.acl_role(By::Id(&id))).or_exit("Error when retrieving current role")?;
    let mut role = found.ok_or_else(|| Exit::error(format!("Role not found with ID {id:?}")))?;
    let policies = policy_links(cx, &client, m, "")?;
    let (services, nodes) = (services(m, "service-identity")?, nodes(m, "node-identity")?);
    let (name, description) = (m.text("name").to_owned(), m.text("description").to_owned());
    if m.flag("no-merge") {
        role = Role {
            id: id.clone(),
            name,
            description,
            policies,
            service_identities: services,
            node_identities: nodes,
            templated_policies: given,
            ..Role::default()
        };
    } else {
        if !name.is_empty() {
            role.name = name;
        }
        if !description.is_empty() {
            role.description = description;
        }
        add_links(&mut role.policies, policies);
        add_services(&mut role.service_identities, services);
        add_nodes(&mut role.node_identities, nodes);
        if replace {
            role.templated_policies = given;
        } else {
            role.templated_policies.extend(given);
        }
    }
    let updated = cx.block_on(client.acl_role_set(&role)).or_exit(&format!("Error updating role {id:?}"))?;
    show(cx, m, &updated, pretty::role)
}
