//! `kv delete`: a key, a key at an index, or a prefix (`spec/cli.md` 18).

use super::without_slash;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, at_most};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["kv", "delete"],
    synopsis: "Removes data from the KV store",
    usage: "Usage: {program} kv delete [options] KEY_OR_PREFIX

  Deletes a key; one that does not exist is no error. With -recurse, deletes
  all keys below a prefix.

      $ {program} kv delete foo
      $ {program} kv delete -recurse foo/

  Only if the key has not changed since index 844:

      $ {program} kv delete -cas -modify-index=844 foo",
    groups: Groups::CSN,
    flags: &[
        Flag::bool("cas", "Delete only if the key's index is the one given with -modify-index. The default is false."),
        Flag::uint("modify-index", "Index for -cas."),
        Flag::bool("recurse", "Delete all keys below the prefix. The default is false."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    at_most(1, m)?;
    let key = without_slash(m.args().first().map_or("", String::as_str));
    let (cas, recurse, index) = (m.flag("cas"), m.flag("recurse"), m.uint("modify-index"));
    let refusals = [
        (key.is_empty() && !recurse, "Error! Missing KEY argument"),
        (cas && index == 0, "Cannot delete a key that does not exist. Provide a -modify-index greater than than 0."),
        (index != 0 && !cas, "Cannot specify -modify-index without -cas!"),
        (recurse && cas, "Cannot specify both -cas and -recurse!"),
    ];
    if let Some((_, refusal)) = refusals.iter().find(|(applies, _)| *applies) {
        return Err(Exit::error(*refusal));
    }
    let client = connect(cx, m)?;
    let delete = |params: Params| cx.block_on(client.kv_delete(key, params));
    if recurse {
        delete(Params::new().with("recurse", "")).or_exit(&format!("Error! Did not delete prefix {key}"))?;
        cx.output(format!("Success! Deleted keys with prefix: {key}"));
    } else if cas {
        let refused = format!("Error! Did not delete key {key}");
        if !delete(Params::new().with("cas", index)).or_exit(&refused)? {
            return Err(Exit::error(format!("{refused}: CAS failed")));
        }
        cx.output(format!("Success! Deleted key: {key}"));
    } else {
        delete(Params::new()).or_exit(&format!("Error deleting key {key}"))?;
        cx.output(format!("Success! Deleted key: {key}"));
    }
    Ok(())
}
