//! `kv put`: a write, a compare-and-set, or a lock step (`spec/cli.md` 18).

use super::decode;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, data};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["kv", "put"],
    synopsis: "Sets or updates data in the KV store",
    usage: "Usage: {program} kv put [options] KEY [DATA]

  Writes a value to a key. DATA is the text itself, @FILE for the content of
  a file, or - for stdin; without it the value is empty.

      $ {program} kv put webapp/conf/count 5
      $ {program} kv put webapp/conf/all @config.json
      $ uptime | {program} kv put webapp/uptime -

  Only if the key has not changed since index 844:

      $ {program} kv put -cas -modify-index=844 webapp/conf/count 6

  As a lock of a session:

      $ {program} kv put -acquire -session=1c83e5ed webapp/lock",
    groups: Groups::CSN,
    flags: &[
        Flag::bool("acquire", "Take the lock on the key for the session given with -session. The default is false."),
        Flag::bool("base64", "DATA is base64; the decoded bytes are written. The default is false."),
        Flag::bool("cas", "Write only if the key's index is the one given with -modify-index. The default is false."),
        Flag::uint("flags", "Number to keep with the key; its meaning is the client's own. The default is 0."),
        Flag::uint("modify-index", "Index for -cas; 0 writes only if the key does not exist."),
        Flag::bool("release", "Release the lock of the session given with -session. The default is false."),
        Flag::string("session", "Session for -acquire and -release."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let key = match m.args() {
        [] => return Err(Exit::error("Error! Missing KEY argument")),
        [key] | [key, _] => key,
        more => {
            return Err(Exit::error(format!("Error! Too many arguments (expected 1 or 2, got {})", more.len())));
        }
    };
    let loaded = m.raw_arg(1).map(data::load).transpose();
    let mut value = loaded.map_err(|error| Exit::error(format!("Error! {error}")))?.unwrap_or_default();
    if m.flag("base64") {
        let (decoded, error) = decode(&value);
        if let Some(error) = error {
            cx.error(format!("Error! Cannot base 64 decode data: {error}"));
        }
        value = decoded;
    }
    let (acquire, release, session) = (m.flag("acquire"), m.flag("release"), m.text("session"));
    if (acquire || release) && session.is_empty() {
        return Err(Exit::error("Error! Missing -session (required with -acquire and -release)"));
    }
    let flags = m.uint("flags");
    let params = Params::new().with_if(flags != 0, "flags", flags);
    let index = m.uint("modify-index");
    let client = connect(cx, m)?;
    let put = |params: Params| cx.block_on(client.kv_put(key, value, params));
    let failed = |error: &dyn std::fmt::Display| Exit::error(format!("Error! Failed writing data: {error}"));
    let done = if m.flag("cas") {
        let refused = |reason: &dyn std::fmt::Display| Exit::error(format!("Error! Did not write to {key}: {reason}"));
        match put(params.with("cas", index)) {
            Ok(true) => "Success! Data written to",
            Ok(false) if index == 0 => return Err(refused(&"CAS performed with index=0 and key already exists.")),
            Ok(false) => return Err(refused(&"CAS failed")),
            Err(error) => return Err(refused(&error)),
        }
    } else if acquire {
        match put(params.with("acquire", session)).map_err(|error| failed(&error))? {
            true => "Success! Lock acquired on",
            false => return Err(Exit::error("Error! Did not acquire lock")),
        }
    } else if release {
        match put(params.with("release", session)).map_err(|_| failed(key))? {
            true => "Success! Lock released on",
            false => return Err(Exit::error("Error! Did not release lock")),
        }
    } else {
        put(params).map_err(|error| failed(&error))?;
        "Success! Data written to"
    };
    cx.output(format!("{done}: {key}"));
    Ok(())
}
