//! `acl bootstrap`: the first management token (`spec/cli.md` 9.1).

use super::{FORMAT, META, show, token::pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::client::os_text;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "bootstrap"],
    synopsis: "Bootstrap the ACL system",
    usage: "Usage: {program} acl bootstrap [options] [FILE]

  Creates the first token of a cluster, which may do everything, and prints
  it. This works once; afterwards only a file on the leader opens it again.

      $ {program} acl bootstrap

  The secret can be chosen: it is read from a file, or from stdin with -.

      $ {program} acl bootstrap secret.txt",
    groups: Groups::CS,
    flags: &[FORMAT, META.hidden()],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.args().len() > 1 {
        return Err(Exit::error("This command takes up to one argument"));
    }
    let client = connect(cx, m)?;
    let secret = match m.args().first() {
        Some(source) => load(source).or_exit("Error reading provided token")?,
        None => String::new(),
    };
    let token = cx.block_on(client.acl_bootstrap(&secret)).or_exit("Failed ACL bootstrapping")?;
    show(cx, m, &token, pretty::token)
}

fn load(source: &str) -> Result<String, String> {
    let text = match source {
        "" => return Err("Failed to load data: must specify a file path or '-' for stdin".to_owned()),
        "-" => std::io::read_to_string(std::io::stdin())
            .map_err(|error| format!("Failed to read stdin: {}", os_text(&error)))?,
        path => std::fs::read_to_string(path)
            .map_err(|error| format!("Failed to read file: open {path}: {}", os_text(&error)))?,
    };
    Ok(text.trim().to_owned())
}
