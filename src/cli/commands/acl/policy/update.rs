//! `acl policy update`.

use super::super::lookup::policy_of;
use super::super::{FORMAT, META, show};
use super::{ID, NAME, RULES, VALID_DATACENTER, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, data};
use crate::client::acl::{By, Policy};
use std::ffi::OsStr;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "policy", "update"],
    synopsis: "Update an ACL policy",
    usage: "Usage: {program} acl policy update [options]

  Changes a policy. What is not given stays as it is, unless -no-merge says
  otherwise. With -id the -name is a new name.

      $ {program} acl policy update -name my-policy -rules @rules.hcl
      $ {program} acl policy update -id abcd -name other-name",
    groups: Groups::CSN,
    flags: &[
        Flag::string("description", "Text that says what the policy is for."),
        FORMAT,
        ID,
        META,
        NAME,
        Flag::bool("no-merge", "Replace all fields, also those that are not given. The default is false."),
        RULES,
        VALID_DATACENTER,
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = m.text("name");
    if m.text("id").is_empty() && name.is_empty() {
        return Err(Exit::error("Must specify either the -id or -name parameters"));
    }
    let client = connect(cx, m)?;
    let id = policy_of(cx, &client, m)?;
    let rules = data::load(OsStr::new(m.text("rules"))).or_exit("Error loading data source")?;
    let rules = String::from_utf8_lossy(&rules).into_owned();
    let datacenters = Some(m.list("valid-datacenter").to_vec()).filter(|names| !names.is_empty());
    let description = m.text("description").to_owned();
    let policy = if m.flag("no-merge") {
        Policy { id: id.clone(), name: name.to_owned(), description, datacenters, rules, ..Policy::default() }
    } else {
        let found = cx.block_on(client.acl_policy(By::Id(&id))).or_exit(&format!("Error reading policy {id:?}"))?;
        let old = found.ok_or_else(|| Exit::error(format!("Error policy not found: {id}")))?;
        Policy {
            name: if m.is_set("name") { name.to_owned() } else { old.name.clone() },
            description: if m.is_set("description") { description } else { old.description.clone() },
            rules: if m.is_set("rules") { rules } else { old.rules.clone() },
            datacenters: if m.is_set("valid-datacenter") { datacenters } else { old.datacenters.clone() },
            ..old
        }
    };
    let updated = cx.block_on(client.acl_policy_set(&policy)).or_exit(&format!("Error updating policy {id:?}"))?;
    show(cx, m, &updated, pretty::policy)
}
