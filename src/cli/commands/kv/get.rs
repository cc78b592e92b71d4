//! `kv get`: a value, a table of an entry, or what is below a prefix (`spec/cli.md` 18).

use super::without_slash;
use crate::cli::connect::{connect, read_params};
use crate::cli::output::wide_columns;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, at_most};
use crate::client::kv::KvPair;
use crate::row;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The command.
pub static COMMAND: Command = Command {
    path: &["kv", "get"],
    synopsis: "Retrieves or lists data from the KV store",
    usage: "Usage: {program} kv get [options] [KEY_OR_PREFIX]

  Prints the value of a key. A key that does not exist is an error; a key
  without data prints an empty line. Without a name, prefix operations start
  at the root.

      $ {program} kv get foo

  Everything that is known about the key, its ModifyIndex and flags included:

      $ {program} kv get -detailed foo

  All keys and values below a prefix, or the keys alone:

      $ {program} kv get -recurse foo
      $ {program} kv get -keys foo",
    groups: Groups::CSN,
    flags: &[
        Flag::bool("base64", "Print the value in base64. The default is false."),
        Flag::bool("detailed", "Print all that is known about the key, not the value alone. The default is false."),
        Flag::bool("keys", "List the keys below the prefix, without values. The default is false."),
        Flag::bool("recurse", "Print all keys below the prefix with their values. The default is false."),
        Flag::string("separator", "`String` at which -keys folds the keys of a level into one.").default("/"),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    at_most(1, m)?;
    let key = without_slash(m.args().first().map_or("", String::as_str));
    let (keys, recurse) = (m.flag("keys"), m.flag("recurse"));
    if key.is_empty() && !keys && !recurse {
        return Err(Exit::error("Error! Missing KEY argument"));
    }
    let client = connect(cx, m)?;
    let params = read_params(m);
    let query_error = "Error querying Consul agent";
    if keys && !recurse {
        let found = cx.block_on(client.kv_keys(key, m.text("separator"), params)).or_exit(query_error)?;
        found.iter().for_each(|key| cx.output(key));
        return Ok(());
    }
    if recurse {
        let found = cx.block_on(client.kv_list(key, params)).or_exit(query_error)?;
        print_tree(cx, m, &found, keys);
        return Ok(());
    }
    let pair = cx.block_on(client.kv_get(key, params)).or_exit(query_error)?;
    let pair = pair.ok_or_else(|| Exit::error(format!("Error! No key exists at: {key}")))?;
    if m.flag("detailed") {
        cx.output(table(&pair, m.flag("base64"), true));
    } else {
        cx.output(value(&pair, m.flag("base64")));
    }
    Ok(())
}

fn print_tree(cx: &Context, m: &Matches, pairs: &[KvPair], keys_only: bool) {
    for (position, pair) in pairs.iter().enumerate() {
        if m.flag("detailed") {
            cx.output(table(pair, m.flag("base64"), !keys_only));
            if position + 1 < pairs.len() {
                cx.output("");
            }
        } else if keys_only {
            cx.output(&pair.key);
        } else {
            let line = [pair.key.as_bytes(), b":", &value(pair, m.flag("base64"))].concat();
            cx.output(line);
        }
    }
}

fn value(pair: &KvPair, base64: bool) -> Vec<u8> {
    if base64 { STANDARD.encode(&pair.value.0).into_bytes() } else { pair.value.0.to_vec() }
}

/// The table of `-detailed`; the value is put last as raw bytes.
fn table(pair: &KvPair, base64: bool, with_value: bool) -> Vec<u8> {
    let session = if pair.session.is_empty() { "-" } else { &pair.session };
    let rows = [
        row!["CreateIndex", pair.create_index],
        row!["Flags", pair.flags],
        row!["Key", pair.key],
        row!["LockIndex", pair.lock_index],
        row!["ModifyIndex", pair.modify_index],
        row!["Session", session],
    ];
    let mut text = wide_columns(&rows).into_bytes();
    if with_value {
        text.extend_from_slice(b"\nValue            ");
        text.extend_from_slice(&value(pair, base64));
    } else {
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_table_with_its_value_last() {
        let pair =
            KvPair { key: "a/b".into(), create_index: 92, modify_index: 92, value: "5".into(), ..KvPair::default() };
        let expected = "CreateIndex      92\nFlags            0\nKey              a/b\nLockIndex        0\n\
                        ModifyIndex      92\nSession          -\nValue            5";
        assert_eq!(String::from_utf8(table(&pair, false, true)).expect("text"), expected);
        assert!(table(&pair, true, true).ends_with(b"            NQ=="));
    }
}
