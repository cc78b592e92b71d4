//! `acl role create`.

use super::super::identities::{NODE_HELP, SERVICE_HELP, nodes, services};
use super::super::lookup::policy_links;
use super::super::templates::{self, VAR_HELP};
use super::super::{FORMAT, META, required, show};
use super::{DESCRIPTION, POLICY_ID, POLICY_NAME, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::acl::Role;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "role", "create"],
    synopsis: "Create an ACL role",
    usage: "Usage: {program} acl role create -name NAME [options]

  Creates a role and prints it.

      $ {program} acl role create -name \"new-role\" \\
                  -description \"This is an example role\" \\
                  -policy-id 06acc965 -service-identity \"web\" \\
                  -service-identity \"db:east,west\"",
    groups: Groups::CSN,
    flags: &[
        DESCRIPTION,
        FORMAT,
        META,
        Flag::string("name", "Name of the new role. This flag is required."),
        Flag::list("node-identity", NODE_HELP),
        POLICY_ID,
        POLICY_NAME,
        Flag::list("service-identity", SERVICE_HELP),
        Flag::string("templated-policy", "Name of a templated policy."),
        Flag::string("templated-policy-file", "File with templated policies and their variables, HCL or JSON."),
        Flag::list("var", VAR_HELP),
    ],
    flag_error: None,
    run,
};

/// One of these must be there.
const LINKS: [&str; 6] =
    ["policy-name", "policy-id", "service-identity", "node-identity", "templated-policy-file", "templated-policy"];

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = required(m, "name")?;
    if LINKS.iter().all(|flag| m.text(flag).is_empty()) {
        return Err(Exit::error(
            "Cannot create a role without specifying -policy-name, -policy-id, -service-identity, -node-identity, \
             -templated-policy-file or -templated-policy at least once",
        ));
    }
    let templated_policies = templates::policies(m, "", "role")?;
    let client = connect(cx, m)?;
    let role = Role {
        name: name.to_owned(),
        description: m.text("description").to_owned(),
        policies: policy_links(cx, &client, m, "")?,
        service_identities: services(m, "service-identity")?,
        node_identities: nodes(m, "node-identity")?,
        templated_policies,
        ..Role::default()
    };
    let created = cx.block_on(client.acl_role_set(&role)).or_exit("Failed to create new role")?;
    show(cx, m, &created, pretty::role)
}
