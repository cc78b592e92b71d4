//! `acl policy read`.

use super::super::lookup::policy_id;
use super::super::{FORMAT, META, show};
use super::{ID, NAME, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::client::acl::By;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "policy", "read"],
    synopsis: "Read an ACL policy",
    usage: "Usage: {program} acl policy read [options]

  Prints a policy with its rules.

      $ {program} acl policy read -id fdabbcb5-9de5-4b1a-961f-77214ae88cba
      $ {program} acl policy read -name my-policy",
    groups: Groups::CSN,
    flags: &[FORMAT, ID, META, NAME],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let (id, name) = (m.text("id"), m.text("name"));
    if id.is_empty() && name.is_empty() {
        return Err(Exit::error("Must specify either the -id or -name parameters"));
    }
    let client = connect(cx, m)?;
    let whole = match id {
        "" => String::new(),
        id => policy_id(cx, &client, id).or_exit("Error determining policy ID")?,
    };
    let (by, shown) = match id {
        "" => (By::Name(name), format!("name:{name}")),
        _ => (By::Id(&whole), format!("id:{whole}")),
    };
    let found = cx.block_on(client.acl_policy(by)).or_exit(&format!("Error reading policy {shown:?}"))?;
    let policy = found.ok_or_else(|| Exit::error(format!("Error policy not found: {name}")))?;
    show(cx, m, &policy, pretty::policy)
}
