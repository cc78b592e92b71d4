//! `kv export`: a tree as JSON that `kv import` reads (`spec/cli.md` 18).

use super::without_slash;
use crate::cli::connect::{connect, read_params};
use crate::cli::output::json;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit, at_most};
use crate::client::kv::KvPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The command.
pub static COMMAND: Command = Command {
    path: &["kv", "export"],
    synopsis: "Exports a tree from the KV store as JSON",
    usage: "Usage: {program} kv export [KEY_OR_PREFIX]

  Prints all keys below a prefix, with flags and values, as JSON. Values are
  in base64. Without a prefix the whole store is exported.

      $ {program} kv export vault

  `{program} kv import` reads the result.",
    groups: Groups::CSN,
    flags: &[],
    flag_error: None,
    run,
};

/// An entry of the export format.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) flags: u64,
    pub(super) value: String,
}

impl From<KvPair> for Entry {
    fn from(pair: KvPair) -> Entry {
        Entry { key: pair.key, flags: pair.flags, value: STANDARD.encode(&pair.value.0) }
    }
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    at_most(1, m)?;
    let prefix = without_slash(m.args().first().map_or("", String::as_str));
    let client = connect(cx, m)?;
    let pairs = cx.block_on(client.kv_list(prefix, read_params(m))).or_exit("Error querying Consul agent")?;
    let entries: Vec<Entry> = pairs.into_iter().map(Entry::from).collect();
    cx.output(json(&entries, "\t"));
    Ok(())
}
