//! `acl token create`.

use super::super::identities::{NODE_HELP, SERVICE_HELP, nodes, services};
use super::super::lookup::{policy_links, role_links};
use super::super::templates::{self, VAR_HELP};
use super::super::{FORMAT, META, show};
use super::pretty;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::acl::{NO_TIME, Token};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "token", "create"],
    synopsis: "Create an ACL token",
    usage: "Usage: {program} acl token create [options]

  Creates a token and prints it with its secret. Policies and roles are named
  by name or by the beginning of their ids.

      $ {program} acl token create -description \"replication\" \\
                  -policy-id b52fc3de-5 -policy-name \"acl-replication\" \\
                  -role-name \"db-updater\" -service-identity \"web\" \\
                  -node-identity \"n1:dc1\"

  A token for a service, made of a template:

      $ {program} acl token create -templated-policy builtin/service -var name:api",
    groups: Groups::CSN,
    flags: &[
        Flag::string("accessor", "UUID that is to be the Accessor ID. One is made without it."),
        Flag::string("description", "Text that says what the token is for."),
        Flag::duration("expires-ttl", "Time after which the token is no longer valid."),
        FORMAT,
        Flag::bool("local", "The token is valid in this datacenter only. The default is false."),
        META,
        Flag::list("node-identity", NODE_HELP),
        Flag::list("policy-id", "Policy, by the beginning of its id. May be given several times."),
        Flag::list("policy-name", "Policy, by name. May be given several times."),
        Flag::list("role-id", "Role, by the beginning of its id. May be given several times."),
        Flag::list("role-name", "Role, by name. May be given several times."),
        Flag::string("secret", "UUID that is to be the secret. One is made without it."),
        Flag::list("service-identity", SERVICE_HELP),
        Flag::string("templated-policy", "Name of a templated policy."),
        Flag::string("templated-policy-file", "File with templated policies and their variables, HCL or JSON."),
        Flag::list("var", VAR_HELP),
    ],
    flag_error: None,
    run,
};

/// One of these must be there.
const LINKS: [&str; 8] = [
    "policy-name",
    "policy-id",
    "role-name",
    "role-id",
    "service-identity",
    "node-identity",
    "templated-policy",
    "templated-policy-file",
];

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if LINKS.iter().all(|flag| m.text(flag).is_empty()) {
        return Err(Exit::error(
            "Cannot create a token without specifying -policy-name, -policy-id, -role-name, -role-id, \
             -service-identity, -node-identity, -templated-policy, or -templated-policy-file at least once",
        ));
    }
    let templated_policies = templates::policies(m, "", "token")?;
    let client = connect(cx, m)?;
    let token = Token {
        accessor_id: m.text("accessor").to_owned(),
        secret_id: m.text("secret").to_owned(),
        description: m.text("description").to_owned(),
        local: m.flag("local"),
        service_identities: services(m, "service-identity")?,
        node_identities: nodes(m, "node-identity")?,
        templated_policies,
        policies: policy_links(cx, &client, m, "")?,
        roles: role_links(cx, &client, m, "")?,
        expiration_ttl: m.duration("expires-ttl"),
        create_time: NO_TIME.to_owned(),
        ..Token::default()
    };
    let created = cx.block_on(client.acl_token_create(&token)).or_exit("Failed to create new token")?;
    show(cx, m, &created, pretty::token)
}
