//! `kv import`: writes what `kv export` printed (`spec/cli.md` 18).

use super::decode;
use super::export::Entry;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, data};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["kv", "import"],
    synopsis: "Imports a tree stored as JSON to the KV store",
    usage: "Usage: {program} kv import [DATA]

  Writes the keys of a JSON export. DATA is the JSON itself, @FILE for the
  content of a file, or - for stdin. Existing keys are overwritten, others
  stay.

      $ {program} kv import @backup.json
      $ {program} kv export vault | {program} kv import -prefix=copy -",
    groups: Groups::CSN,
    flags: &[Flag::string("prefix", "Put in front of every key of the import.")],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.args().len() > 1 {
        return Err(Exit::error(format!("Error! Too many arguments (expected 1, got {})", m.args().len())));
    }
    let argument = m.raw_arg(0).ok_or_else(|| Exit::error("Error! Missing DATA argument"))?;
    if argument.is_empty() {
        return Err(Exit::error("Error! Empty DATA argument"));
    }
    let text = data::load(argument).map_err(|error| Exit::error(format!("Error! {error}")))?;
    let client = connect(cx, m)?;
    let entries: Option<Vec<Entry>> = serde_json::from_slice(&text).or_exit("Cannot unmarshal data")?;
    for entry in entries.unwrap_or_default() {
        let (value, error) = decode(entry.value.as_bytes());
        if let Some(error) = error {
            return Err(Exit::error(format!("Error base 64 decoding value for key {}: {error}", entry.key)));
        }
        let key = join(m.text("prefix"), &entry.key);
        let params = Params::new().with_if(entry.flags != 0, "flags", entry.flags);
        cx.block_on(client.kv_put(&key, value, params))
            .or_exit(&format!("Error! Failed writing data for key {}", entry.key))?;
        cx.output(format!("Imported: {key}"));
    }
    Ok(())
}

/// Joins prefix and key as paths: empty, `.` and `..` parts are resolved, a trailing slash of the key stays.
fn join(prefix: &str, key: &str) -> String {
    let whole = if prefix.is_empty() { key.to_string() } else { format!("{prefix}/{key}") };
    let rooted = whole.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let mut joined = parts.join("/");
    if rooted {
        joined.insert(0, '/');
    }
    if key.ends_with('/') && !joined.ends_with('/') {
        joined.push('/');
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_joined_as_paths() {
        let cases = [
            ("", "a/b", "a/b"),
            ("p", "a", "p/a"),
            ("p/", "/a//b/", "p/a/b/"),
            ("p", "../a/./b", "a/b"),
            ("", "a/../../b", "../b"),
            ("", "/a", "/a"),
        ];
        for (prefix, key, joined) in cases {
            assert_eq!(join(prefix, key), joined, "{prefix:?} {key:?}");
        }
    }
}
