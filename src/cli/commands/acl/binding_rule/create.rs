//! `acl binding-rule create`.

use super::super::{FORMAT, META, missing, required, show};
use super::{BIND_TYPE, BIND_VARS, DESCRIPTION, SELECTOR, pretty, variables};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::acl::BindingRule;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "binding-rule", "create"],
    synopsis: "Create an ACL binding rule",
    usage: "Usage: {program} acl binding-rule create [options]

  Creates a binding rule and prints it.

      $ {program} acl binding-rule create -method=minikube -bind-type=service \\
                  -bind-name='k8s-${serviceaccount.name}' \\
                  -selector='serviceaccount.namespace==default and serviceaccount.name==web'",
    groups: Groups::CSN,
    flags: &[
        Flag::string(
            "bind-name",
            "Name to bind; ${...} stands for what is known of the caller. This flag is required.",
        ),
        BIND_TYPE,
        BIND_VARS,
        DESCRIPTION,
        FORMAT,
        META,
        Flag::string("method", "Auth method whose logins the rule is for. This flag is required."),
        SELECTOR,
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let method = required(m, "method")?;
    let bind_type = required(m, "bind-type")?;
    let bind_name = required(m, "bind-name")?;
    if bind_type != "templated-policy" && m.is_set("bind-vars") {
        return Err(missing("Cannot specify -bind-vars when -bind-type is not templated-policy"));
    }
    let bind_vars = variables(m)?;
    let client = connect(cx, m)?;
    let rule = BindingRule {
        description: m.text("description").to_owned(),
        auth_method: method.to_owned(),
        bind_type: bind_type.to_owned(),
        bind_name: bind_name.to_owned(),
        bind_vars,
        selector: m.text("selector").to_owned(),
        ..BindingRule::default()
    };
    let created = cx.block_on(client.acl_binding_rule_set(&rule)).or_exit("Failed to create new binding rule")?;
    show(cx, m, &created, pretty::rule)
}
