//! `acl templated-policy list`.

use super::super::{FORMAT, show};
use super::check_format;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::client::acl::Template;
use std::collections::BTreeMap;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "templated-policy", "list"],
    synopsis: "List ACL templated policies",
    usage: "Usage: {program} acl templated-policy list [options]

  Prints the names of all templated policies.

      $ {program} acl templated-policy list",
    groups: Groups::CSN,
    flags: &[FORMAT],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let templates = cx.block_on(client.acl_templates()).or_exit("Failed to retrieve the templated policies list")?;
    check_format(m)?;
    show(cx, m, &templates, names)
}

fn names(templates: &BTreeMap<String, Template>, _: bool) -> String {
    templates.keys().map(|name| format!("{name}\n")).collect()
}
