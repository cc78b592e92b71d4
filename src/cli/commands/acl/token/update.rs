//! `acl token update`.

use super::super::identities::{NODE_HELP, SERVICE_HELP, add_nodes, add_services, nodes, services};
use super::super::lookup::{add_links, policy_links, role_links};
use super::super::templates::{self, VAR_HELP};
use super::super::{FORMAT, META, show};
use super::{ACCESSOR_ID, ID, USE_ACCESSOR_ID, pretty, typed, whole};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::Client;
use crate::client::acl::{Link, Token};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "token", "update"],
    synopsis: "Update an ACL token",
    usage: "Usage: {program} acl token update [options]

  Changes a token. Policies and roles that are given take the place of the old
  ones; those of the -append flags are added to them. Service and node
  identities that are not given are removed unless something is appended.

      $ {program} acl token update -accessor-id abcd -description \"replication\" \\
                  -append-policy-name \"token-replication\"",
    groups: Groups::CSN,
    flags: &[
        ACCESSOR_ID,
        Flag::list("append-node-identity", NODE_HELP),
        Flag::list("append-policy-id", "Policy to add, by the beginning of its id. May be given several times."),
        Flag::list("append-policy-name", "Policy to add, by name. May be given several times."),
        Flag::list("append-role-id", "Role to add, by the beginning of its id. May be given several times."),
        Flag::list("append-role-name", "Role to add, by name. May be given several times."),
        Flag::list("append-service-identity", SERVICE_HELP),
        Flag::string("append-templated-policy", "Name of a templated policy to add."),
        Flag::string("append-templated-policy-file", "File with templated policies to add, HCL or JSON."),
        Flag::string("description", "Text that says what the token is for."),
        FORMAT,
        ID,
        Flag::bool("merge-node-identities", "Add the node identities to the old ones.").hidden(),
        Flag::bool("merge-policies", "Add the policies to the old ones.").hidden(),
        Flag::bool("merge-roles", "Add the roles to the old ones.").hidden(),
        Flag::bool("merge-service-identities", "Add the service identities to the old ones.").hidden(),
        META,
        Flag::list("node-identity", NODE_HELP),
        Flag::list("policy-id", "Policy, by the beginning of its id. May be given several times."),
        Flag::list("policy-name", "Policy, by name. May be given several times."),
        Flag::string("replace-templated-policy", "Name of a templated policy that replaces the old ones."),
        Flag::string("replace-templated-policy-file", "File with templated policies that replace the old ones."),
        Flag::list("role-id", "Role, by the beginning of its id. May be given several times."),
        Flag::list("role-name", "Role, by name. May be given several times."),
        Flag::list("service-identity", SERVICE_HELP),
        Flag::list("var", VAR_HELP),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let typed = typed(cx, m, USE_ACCESSOR_ID);
    if typed.is_empty() {
        return Err(Exit::error("Cannot update a token without specifying the -accessor-id parameter"));
    }
    let client = connect(cx, m)?;
    let id = whole(cx, &client, typed)?;
    let mut token = cx.block_on(client.acl_token(&id)).or_exit("Error when retrieving current token")?;
    if !m.text("description").is_empty() {
        token.description = m.text("description").to_owned();
    }
    set_links(cx, &client, m, &mut token)?;
    set_identities(m, &mut token)?;
    set_templates(m, &mut token)?;
    let updated = cx.block_on(client.acl_token_update(&token)).or_exit(&format!("Failed to update token {id}"))?;
    show(cx, m, &updated, pretty::token)
}

/// Replaces or adds; both at once is an error, neither changes nothing.
fn combine(known: &mut Vec<Link>, given: Vec<Link>, appended: Vec<Link>, merge: bool, what: &str) -> Result<(), Exit> {
    if !given.is_empty() && !appended.is_empty() {
        let plural = if what == "policy" { "policies" } else { "roles" };
        return Err(Exit::error(format!(
            "Cannot combine the use of {what}-id/{what}-name flags with append- variants. To set or overwrite existing \
             {plural}, use -{what}-id or -{what}-name. To append to existing {plural}, use -append-{what}-id or \
             -append-{what}-name."
        )));
    }
    add_links(known, appended);
    if merge {
        add_links(known, given);
    } else if !given.is_empty() {
        *known = given;
    }
    Ok(())
}

fn set_links(cx: &Context, client: &Client, m: &Matches, token: &mut Token) -> Result<(), Exit> {
    for (what, plural) in [("policy", "policies"), ("role", "roles")] {
        let merge = format!("merge-{plural}");
        if m.flag(&merge) {
            cx.error(format!(
                "{merge} is deprecated and will be removed in a future Consul version. Use `append-{what}-name` or \
                 `append-{what}-id` instead."
            ));
        }
    }
    let (given, appended) = (policy_links(cx, client, m, "")?, policy_links(cx, client, m, "append-")?);
    combine(&mut token.policies, given, appended, m.flag("merge-policies"), "policy")?;
    let (given, appended) = (role_links(cx, client, m, "")?, role_links(cx, client, m, "append-")?);
    combine(&mut token.roles, given, appended, m.flag("merge-roles"), "role")
}

/// Both kinds of one identity at once.
fn refuse_both(m: &Matches, what: &str) -> Result<(), Exit> {
    let append = format!("append-{what}-identity");
    if m.list(&append).is_empty() || m.list(&format!("{what}-identity")).is_empty() {
        return Ok(());
    }
    Err(Exit::error(format!(
        "Cannot combine the use of {what}-identity flag with append-{what}-identity. To set or overwrite existing \
         {what} identities, use -{what}-identity. To append to existing {what} identities, use \
         -append-{what}-identity."
    )))
}

fn set_identities(m: &Matches, token: &mut Token) -> Result<(), Exit> {
    refuse_both(m, "service")?;
    refuse_both(m, "node")?;
    let (given, appended) = (services(m, "service-identity")?, services(m, "append-service-identity")?);
    if m.flag("merge-service-identities") || !appended.is_empty() {
        add_services(&mut token.service_identities, given);
        add_services(&mut token.service_identities, appended);
    } else {
        token.service_identities = given;
    }
    let (given, appended) = (nodes(m, "node-identity")?, nodes(m, "append-node-identity")?);
    if m.flag("merge-node-identities") || !appended.is_empty() {
        add_nodes(&mut token.node_identities, given);
        add_nodes(&mut token.node_identities, appended);
    } else {
        token.node_identities = given;
    }
    Ok(())
}

fn set_templates(m: &Matches, token: &mut Token) -> Result<(), Exit> {
    let any = |kind: &str| ["", "-file"].iter().any(|end| !m.text(&format!("{kind}templated-policy{end}")).is_empty());
    if any("append-") && any("replace-") {
        return Err(Exit::error(BOTH_TEMPLATES));
    }
    if any("replace-") {
        token.templated_policies = templates::policies(m, "replace-", "token")?;
    } else {
        token.templated_policies.extend(templates::policies(m, "append-", "token")?);
    }
    Ok(())
}

/// Both kinds of templated policies at once; roles have the same text.
pub(in super::super) const BOTH_TEMPLATES: &str = "Cannot combine the use of -append-templated-policy flags with \
    replace-templated-policy. To set or overwrite existing templated policies, use -replace-templated-policy or \
    -replace-templated-policy-file. To append to existing templated policies, use -append-templated-policy or \
    -append-templated-policy-file.";

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str) -> Link {
        Link { id: String::new(), name: name.into() }
    }

    #[test]
    fn links_are_replaced_added_or_left_alone() {
        // Given, appended, merge, result.
        type Names = &'static [&'static str];
        let cases: [(Names, Names, bool, Names); 4] = [
            (&[], &[], false, &["a"]),
            (&["b"], &[], false, &["b"]),
            (&["b"], &[], true, &["a", "b"]),
            (&[], &["a", "b"], false, &["a", "b"]),
        ];
        let links = |names: &[&str]| names.iter().map(|name| link(name)).collect::<Vec<_>>();
        for (given, appended, merge, expected) in cases {
            let mut known = links(&["a"]);
            combine(&mut known, links(given), links(appended), merge, "policy").expect("combines");
            assert_eq!(known, links(expected));
        }
        let error = combine(&mut Vec::new(), links(&["a"]), links(&["b"]), false, "role").expect_err("both");
        assert_eq!(
            error.message.as_deref(),
            Some(
                "Cannot combine the use of role-id/role-name flags with append- variants. To set or overwrite existing roles, use -role-id or -role-name. To append to existing roles, use -append-role-id or -append-role-name."
            )
        );
    }
}
