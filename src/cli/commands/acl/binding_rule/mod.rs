//! `acl binding-rule` (`spec/cli.md` 9.6).

pub mod create;
pub mod delete;
pub mod list;
mod pretty;
pub mod read;
pub mod update;

use crate::cli::{Command, Exit, Flag, Matches};
use crate::client::acl::Variables;

/// The group.
pub static COMMAND: Command = Command::group(
    &["acl", "binding-rule"],
    "Manage ACL binding rules",
    "Usage: {program} acl binding-rule <subcommand> [options] [args]

  Binding rules say what a login through an auth method may do. Some examples:

      $ {program} acl binding-rule create -method=minikube -bind-type=service \\
                  -bind-name='k8s-${serviceaccount.name}' \\
                  -selector='serviceaccount.namespace==default'
      $ {program} acl binding-rule list
      $ {program} acl binding-rule read -id abcd
      $ {program} acl binding-rule update -id abcd -selector=''
      $ {program} acl binding-rule delete -id abcd",
);

const ID: Flag = Flag::string("id", "Id of the binding rule. A prefix is enough when no other rule has it too.");
const BIND_TYPE: Flag =
    Flag::string("bind-type", "What is bound: service, role, node, policy or templated-policy.").default("service");
const BIND_VARS: Flag = Flag::map(
    "bind-vars",
    "Variable of the templated policy, as name=value; ${...} stands for what the auth method knows of the caller.",
);
const SELECTOR: Flag = Flag::string("selector", "Filter over what the auth method knows of the caller.");
const DESCRIPTION: Flag = Flag::string("description", "Text that says what the binding rule is for.");

/// The variables of `-bind-vars`; only `name` exists, in any case.
fn variables(m: &Matches) -> Result<Option<Variables>, Exit> {
    let mut found = None;
    for (key, value) in m.map("bind-vars") {
        if !key.eq_ignore_ascii_case("name") {
            return Err(super::missing("Failed to decode '-bind-vars'"));
        }
        found = Some(Variables { name: value });
    }
    Ok(found)
}
