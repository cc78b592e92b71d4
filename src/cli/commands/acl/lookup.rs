//! From what a user types to an id: ids may be shortened, names are looked up (`spec/cli.md` 9).

use crate::cli::{Context, Exit, Matches, OrExit};
use crate::client::Client;
use crate::client::acl::{By, Link};

/// Length of a whole id.
const WHOLE: usize = 36;

/// Accessor of the anonymous token.
const ANONYMOUS: &str = "00000000-0000-0000-0000-000000000002";

/// Policies whose names stand for their ids.
const BUILTIN_POLICIES: [(&str, &str); 2] = [
    ("global-management", "00000000-0000-0000-0000-000000000001"),
    ("builtin/global-read-only", "00000000-0000-0000-0000-000000000002"),
];

/// The one of `ids` that begins with `prefix`.
fn unique(ids: impl Iterator<Item = String>, prefix: &str, none: String, several: &str) -> Result<String, String> {
    let mut found = ids.filter(|id| id.starts_with(prefix));
    match (found.next(), found.next()) {
        (None, _) => Err(none),
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(several.to_owned()),
    }
}

/// The accessor of a token.
///
/// # Errors
/// None or several begin like this, or the list cannot be read.
pub(super) fn token_id(cx: &Context, client: &Client, partial: &str) -> Result<String, String> {
    if partial == "anonymous" {
        return Ok(ANONYMOUS.to_owned());
    }
    if partial.len() == WHOLE {
        return Ok(partial.to_owned());
    }
    let tokens = cx.block_on(client.acl_tokens()).map_err(|error| error.to_string())?;
    let none = format!("No such token ID with prefix: {partial}");
    unique(tokens.into_iter().map(|token| token.accessor_id), partial, none, "Partial token ID is not unique")
}

/// The id of a policy.
///
/// # Errors
/// As [`token_id`].
pub(super) fn policy_id(cx: &Context, client: &Client, partial: &str) -> Result<String, String> {
    if let Some((_, id)) = BUILTIN_POLICIES.iter().find(|(name, _)| *name == partial) {
        return Ok((*id).to_owned());
    }
    if partial.len() == WHOLE {
        return Ok(partial.to_owned());
    }
    let policies = cx.block_on(client.acl_policies()).map_err(|error| error.to_string())?;
    let none = format!("No such policy ID with prefix: {partial}");
    unique(policies.into_iter().map(|policy| policy.id), partial, none, "Partial policy ID is not unique")
}

/// The id of the policy with a name.
///
/// # Errors
/// There is none, or it cannot be read.
fn policy_by_name(cx: &Context, client: &Client, name: &str) -> Result<String, String> {
    match cx.block_on(client.acl_policy(By::Name(name))) {
        Ok(Some(policy)) => Ok(policy.id),
        Ok(None) => Err(format!("No such policy with name: {name}")),
        Err(error) => Err(format!("Failed to find policy with name {name}: {error}")),
    }
}

/// The id of the policy that `-id` or `-name` names.
///
/// # Errors
/// `Error determining policy ID: ...`.
pub(super) fn policy_of(cx: &Context, client: &Client, m: &Matches) -> Result<String, Exit> {
    let found = match m.text("id") {
        "" => policy_by_name(cx, client, m.text("name")),
        id => policy_id(cx, client, id),
    };
    found.or_exit("Error determining policy ID")
}

/// The id of a role.
///
/// # Errors
/// As [`token_id`].
pub(super) fn role_id(cx: &Context, client: &Client, partial: &str) -> Result<String, String> {
    if partial.len() == WHOLE {
        return Ok(partial.to_owned());
    }
    let roles = cx.block_on(client.acl_roles()).map_err(|error| error.to_string())?;
    let none = format!("No such role ID with prefix: {partial}");
    unique(roles.into_iter().map(|role| role.id), partial, none, "Partial role ID is not unique")
}

/// The id of the role with a name.
///
/// # Errors
/// There is none, or it cannot be read.
pub(super) fn role_by_name(cx: &Context, client: &Client, name: &str) -> Result<String, String> {
    match cx.block_on(client.acl_role(By::Name(name))) {
        Ok(Some(role)) => Ok(role.id),
        Ok(None) => Err(format!("No such role with name {name}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The id of a binding rule.
///
/// # Errors
/// As [`token_id`].
pub(super) fn rule_id(cx: &Context, client: &Client, partial: &str) -> Result<String, String> {
    if partial.len() == WHOLE {
        return Ok(partial.to_owned());
    }
    let rules = cx.block_on(client.acl_binding_rules("")).map_err(|error| error.to_string())?;
    let none = format!("no such rule ID with prefix: {partial}: ACL not found");
    unique(rules.into_iter().map(|rule| rule.id), partial, none, "Partial rule ID is not unique")
}

/// Finds the whole id of a shortened one.
type Resolve = fn(&Context, &Client, &str) -> Result<String, String>;

/// Links by the flags of names and of ids, ids completed. Names are left to the agent.
fn links(
    cx: &Context,
    client: &Client,
    m: &Matches,
    flags: (&str, &str),
    thing: &str,
    resolve: Resolve,
) -> Result<Vec<Link>, Exit> {
    let (name_flag, id_flag) = flags;
    let by_name = m.list(name_flag).iter().map(|name| Ok(Link { id: String::new(), name: name.clone() }));
    let by_id = m.list(id_flag).iter().map(|id| {
        let whole = resolve(cx, client, id)
            .map_err(|error| Exit::error(format!("Error resolving {thing} ID {id}: {error}")))?;
        Ok(Link { id: whole, name: String::new() })
    });
    by_name.chain(by_id).collect()
}

/// The policies of `-<prefix>policy-name` and `-<prefix>policy-id`.
///
/// # Errors
/// `Error resolving policy ID <id>: ...`.
pub(super) fn policy_links(cx: &Context, client: &Client, m: &Matches, prefix: &str) -> Result<Vec<Link>, Exit> {
    let (name, id) = (format!("{prefix}policy-name"), format!("{prefix}policy-id"));
    links(cx, client, m, (&name, &id), "policy", policy_id)
}

/// The roles of `-<prefix>role-name` and `-<prefix>role-id`.
///
/// # Errors
/// `Error resolving role ID <id>: ...`.
pub(super) fn role_links(cx: &Context, client: &Client, m: &Matches, prefix: &str) -> Result<Vec<Link>, Exit> {
    let (name, id) = (format!("{prefix}role-name"), format!("{prefix}role-id"));
    links(cx, client, m, (&name, &id), "role", role_id)
}

/// Adds the links that are not there yet.
pub(super) fn add_links(known: &mut Vec<Link>, more: Vec<Link>) {
    for link in more {
        let same = |old: &Link| if link.id.is_empty() { old.name == link.name } else { old.id == link.id };
        if !known.iter().any(same) {
            known.push(link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_must_belong_to_one_id() {
        let find = |prefix: &str| {
            let ids = ["abc-1", "abd-2"].into_iter().map(str::to_owned);
            unique(ids, prefix, "none".into(), "several")
        };
        assert_eq!(find("abd"), Ok("abd-2".into()));
        assert_eq!(find("x"), Err("none".into()));
        assert_eq!(find("ab"), Err("several".into()));
    }

    #[test]
    fn links_that_are_there_are_not_added_again() {
        let link = |id: &str, name: &str| Link { id: id.into(), name: name.into() };
        let mut known = vec![link("1", "a")];
        add_links(&mut known, vec![link("", "a"), link("1", ""), link("", "b"), link("2", "")]);
        assert_eq!(known, [link("1", "a"), link("", "b"), link("2", "")]);
    }
}
