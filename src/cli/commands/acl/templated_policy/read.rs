//! `acl templated-policy read`.

use super::super::{FORMAT, META, show};
use super::check_format;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::acl::Template;
use std::fmt::Write;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "templated-policy", "read"],
    synopsis: "Read an ACL templated policy",
    usage: "Usage: {program} acl templated-policy read [options] -name NAME

  Prints what a templated policy is for and which variables it takes.

      $ {program} acl templated-policy read -name builtin/service",
    groups: Groups::CSN,
    flags: &[FORMAT, META, Flag::string("name", "Name of the templated policy.")],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = m.text("name");
    if name.is_empty() {
        return Err(Exit::error("Must specify the -name parameter"));
    }
    let client = connect(cx, m)?;
    let found = cx.block_on(client.acl_template(name)).or_exit(&format!("Error reading templated policy {name:?}"))?;
    let template = found.ok_or_else(|| Exit::error(format!("Templated policy not found with name {name:?}")))?;
    check_format(m)?;
    show(cx, m, &template, pretty)
}

/// Templates with a variable: what the name is, and an example of one.
const NAMES: [(&str, &str, &str); 3] = [
    ("builtin/service", "The name of the service.", "api"),
    ("builtin/node", "The node name", "node-1"),
    ("builtin/api-gateway", "The api gateway service name", "api-gateway"),
];

fn pretty(template: &Template, meta: bool) -> String {
    let name = &template.template_name;
    let mut text = format!("Name:            {name}\nDescription:     {}\n", template.description);
    let mut line = |line: String| writeln!(text, "{line}").expect("a String takes all");
    let known = NAMES.iter().find(|(template, ..)| template == name);
    match known {
        Some((_, meaning, _)) => {
            line("Input variables:".into());
            line(format!("\tName: String - Required - {meaning}"));
        }
        None => line("Input variables: None".into()),
    }
    let variable = known.map_or(String::new(), |(.., example)| format!(" -var name:{example}"));
    line("Example usage:".into());
    line(format!("\tconsul acl token create -templated-policy {name}{variable}"));
    if meta {
        if !template.schema.is_empty() {
            line(format!("Schema:\n{}\n", template.schema));
        }
        line(format!("Raw Template:\n{}", template.template));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_shows_its_variables_and_an_example() {
        let mut template =
            Template { template_name: "builtin/node".into(), description: "d".into(), ..Template::default() };
        assert_eq!(
            pretty(&template, false),
            "Name:            builtin/node\nDescription:     d\nInput variables:\n\tName: String - Required - The node name\n\
             Example usage:\n\tconsul acl token create -templated-policy builtin/node -var name:node-1\n"
        );
        template.template_name = "builtin/dns".into();
        template.template = "acl = \"read\"".into();
        assert_eq!(
            pretty(&template, true),
            "Name:            builtin/dns\nDescription:     d\nInput variables: None\nExample usage:\n\
             \tconsul acl token create -templated-policy builtin/dns\nRaw Template:\nacl = \"read\"\n"
        );
    }
}
