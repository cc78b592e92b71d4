//! `acl binding-rule update`.

use super::super::lookup::rule_id;
use super::super::{FORMAT, META, missing, required, show};
use super::{BIND_TYPE, BIND_VARS, DESCRIPTION, ID, SELECTOR, pretty, variables};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::acl::BindingRule;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "binding-rule", "update"],
    synopsis: "Update an ACL binding rule",
    usage: "Usage: {program} acl binding-rule update -id ID [options]

  Changes a binding rule. What is not given stays as it is, unless -no-merge
  says otherwise; -bind-type is service when it is not given. An empty
  -selector= matches every caller.

      $ {program} acl binding-rule update -id=43cb72df-9c6f-4315-ac8a-01a9d98155ef \\
                  -description=\"new description\" -bind-type=role \\
                  -bind-name='k8s-${serviceaccount.name}' \\
                  -selector='serviceaccount.namespace==default'",
    groups: Groups::CSN,
    flags: &[
        Flag::string("bind-name", "Name to bind; ${...} stands for what is known of the caller."),
        BIND_TYPE,
        BIND_VARS,
        DESCRIPTION,
        FORMAT,
        ID,
        META,
        Flag::bool("no-merge", "Replace all fields, also those that are not given. The default is false."),
        SELECTOR,
    ],
    flag_error: None,
    run,
};

/// The bind type that has variables.
const TEMPLATED: &str = "templated-policy";

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.text("id").is_empty() {
        return Err(Exit::error("Cannot update a binding rule without specifying the -id parameter"));
    }
    let client = connect(cx, m)?;
    let id = rule_id(cx, &client, m.text("id")).or_exit("Error determining binding rule ID")?;
    let found = cx.block_on(client.acl_binding_rule(&id)).or_exit("Error when retrieving current binding rule")?;
    let old = found.ok_or_else(|| Exit::error(format!("Binding rule not found with ID {id:?}")))?;
    let rule = if m.flag("no-merge") { replaced(m, old)? } else { merged(m, old)? };
    let updated =
        cx.block_on(client.acl_binding_rule_set(&rule)).or_exit(&format!("Error updating binding rule {id:?}"))?;
    show(cx, m, &updated, pretty::rule)
}

/// What the flags say and nothing else; the auth method cannot change.
fn replaced(m: &Matches, old: BindingRule) -> Result<BindingRule, Exit> {
    let bind_type = required(m, "bind-type")?;
    let bind_name = required(m, "bind-name")?;
    if bind_type != TEMPLATED && m.is_set("bind-vars") {
        return Err(missing("-bind-vars cannot be specified when -bind-type is not templated-policy"));
    }
    Ok(BindingRule {
        id: old.id,
        auth_method: old.auth_method,
        description: m.text("description").to_owned(),
        bind_type: bind_type.to_owned(),
        bind_name: bind_name.to_owned(),
        bind_vars: variables(m)?,
        selector: m.text("selector").to_owned(),
        ..BindingRule::default()
    })
}

/// The old rule with what the flags say.
fn merged(m: &Matches, mut rule: BindingRule) -> Result<BindingRule, Exit> {
    for (flag, field) in
        [("description", &mut rule.description), ("bind-name", &mut rule.bind_name), ("bind-type", &mut rule.bind_type)]
    {
        if !m.text(flag).is_empty() {
            *field = m.text(flag).to_owned();
        }
    }
    if m.is_set("selector") {
        rule.selector = m.text("selector").to_owned();
    }
    if m.is_set("bind-vars") {
        rule.bind_vars = variables(m)?;
    }
    if rule.bind_type != TEMPLATED {
        rule.bind_vars = None;
    }
    Ok(rule)
}
