//! `keyring`: keys of gossip encryption (`spec/cli.md` 17).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Body, Method, Params};
use crate::types::secret::hidden;
use crate::types::value::null_default;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The command.
pub static COMMAND: Command = Command {
    path: &["keyring"],
    synopsis: "Manages gossip layer encryption keys",
    usage: "Usage: {program} keyring [options]

  Lists the keys of gossip encryption, installs and removes them, and says
  which one encrypts. To rotate: -install the new key, -use it, -remove the
  old one. Every action reaches the LAN and WAN pools of all datacenters and
  must be sent to a server.

  The exit code is 1 when a node did not answer or reports a failure.",
    groups: Groups::C,
    flags: &[
        Flag::string("install", "Key to add; it is not used for encryption yet."),
        Flag::bool("list", "List the keys and how many nodes have them."),
        Flag::bool("list-primary", "List the keys that encrypt."),
        Flag::bool("local-only", "Only the pools of the server's own datacenter; with -list."),
        Flag::int("relay-factor", "Nodes through which an answer is relayed, 0 to 5."),
        Flag::string("remove", "Key to remove; not the one that encrypts."),
        Flag::string("use", "Installed key that is to encrypt from now on."),
    ],
    flag_error: None,
    run,
};

#[derive(derive_more::Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Pool {
    #[serde(rename = "WAN")]
    wan: bool,
    datacenter: String,
    segment: String,
    #[serde(deserialize_with = "null_default")]
    messages: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_default")]
    #[debug("{}", hidden(keys))]
    keys: BTreeMap<String, u64>,
    #[serde(deserialize_with = "null_default")]
    #[debug("{}", hidden(primary_keys))]
    primary_keys: BTreeMap<String, u64>,
    num_nodes: u64,
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let lists = [m.flag("list"), m.flag("list-primary")].into_iter().filter(|set| *set).count();
    let changes: Vec<&str> = ["install", "use", "remove"].into_iter().filter(|name| !m.text(name).is_empty()).collect();
    match lists + changes.len() {
        0 => return Err(Exit::help()),
        1 => {}
        _ => return Err(Exit::error("Only a single action is allowed")),
    }
    let relay = m.int("relay-factor");
    if !(0..=5).contains(&relay) {
        return Err(Exit::error("Error parsing relay factor: Relay factor must be in range: [0, 5]"));
    }
    if m.flag("local-only") && lists == 0 {
        return Err(Exit::error("Error validating local-only: local-only can only be set for list requests"));
    }
    let client = connect(cx, m)?;
    let params =
        Params::new().with_if(relay != 0, "relay-factor", relay).with_if(m.flag("local-only"), "local-only", true);
    let send = |method, body| cx.block_on(client.send(method, "/v1/operator/keyring", params, body));
    let Some(change) = changes.first() else {
        let primary = m.flag("list-primary");
        cx.output(if primary {
            "==> Gathering installed primary encryption keys..."
        } else {
            "==> Gathering installed encryption keys..."
        });
        let answer = send(Method::GET, None).and_then(|answer| answer.success()).or_exit("error")?;
        let pools: Vec<Pool> = answer.json().or_exit("error")?;
        pools.iter().for_each(|pool| cx.output(describe(pool, primary)));
        return Ok(());
    };
    let (method, announcement) = match *change {
        "install" => (Method::POST, "==> Installing new gossip encryption key..."),
        "use" => (Method::PUT, "==> Changing primary gossip encryption key..."),
        _ => (Method::DELETE, "==> Removing gossip encryption key..."),
    };
    cx.output(announcement);
    let body = Body::json(&serde_json::json!({"Key": m.text(change)}));
    send(method, Some(body)).and_then(|answer| answer.success()).or_exit("error")?;
    Ok(())
}

fn describe(pool: &Pool, primary: bool) -> String {
    let name = if pool.wan { "WAN".to_string() } else { format!("{} (LAN)", pool.datacenter) };
    let segment = if pool.segment.is_empty() { String::new() } else { format!(" [{}]", pool.segment) };
    let mut text = format!("\n{name}{segment}:");
    for (node, message) in &pool.messages {
        text.push_str(&format!("\n  ===> {node}: {message}"));
    }
    for (key, nodes) in if primary { &pool.primary_keys } else { &pool.keys } {
        text.push_str(&format!("\n  {key} [{nodes}/{}]", pool.num_nodes));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_show_their_keys_and_how_many_nodes_have_them() {
        let pool: Pool =
            serde_json::from_str(r#"{"WAN":false,"Datacenter":"dc1","Keys":{"abc=":2},"NumNodes":3,"Messages":null}"#)
                .expect("pool");
        assert_eq!(describe(&pool, false), "\ndc1 (LAN):\n  abc= [2/3]");
    }
}
