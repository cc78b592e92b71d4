//! What values of flags and words can be: fixed choices, files, or names that an agent knows.
//!
//! Completion must never be in the way: without an answer within [`PATIENCE`] there are no candidates, and nothing is said.

use crate::cli::complete::Cursor;
use crate::cli::connect;
use crate::cli::flags::{self, Flag, Matches};
use crate::cli::{Command, Place};
use crate::client::{Client, Params, Settings};
use serde_json::Value as Json;
use std::sync::mpsc;
use std::time::Duration;

/// Longest wait for the agent. A shell, the start of this program and the wait together stay below 100 ms.
pub const PATIENCE: Duration = Duration::from_millis(50);

/// What belongs into a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Nothing that we know.
    Nothing,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A file.
    Files,
    /// A directory.
    Directories,
    /// Something that the agent knows.
    Known(Known),
}

/// Names that an agent knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Keys, folder by folder.
    Keys,
    /// Ids of the agent's own services.
    ServiceIds,
    /// Services of the catalog.
    Services,
    /// Nodes of the catalog.
    Nodes,
    /// Members of the pool.
    Members,
    /// Datacenters.
    Datacenters,
    /// Node ids of the servers.
    PeerIds,
    /// Addresses of the servers.
    PeerAddresses,
    /// Names of recent events.
    Events,
    /// Accessor ids of tokens.
    Tokens,
    /// Ids of policies.
    PolicyIds,
    /// Names of policies.
    PolicyNames,
    /// Ids of roles.
    RoleIds,
    /// Names of roles.
    RoleNames,
    /// Names of auth methods.
    AuthMethods,
    /// Ids of binding rules.
    BindingRules,
    /// Names of templated policies.
    Templates,
}

/// A place and what belongs there.
struct Row {
    /// Name of the command; empty for all.
    command: &'static str,
    /// Name of a flag; empty for words.
    flag: &'static str,
    /// Words from this place on.
    from: usize,
    /// How many words; 0 for all that follow.
    count: usize,
    values: Values,
}

const fn flag(command: &'static str, flag: &'static str, values: Values) -> Row {
    Row { command, flag, from: 0, count: 0, values }
}

const fn words(command: &'static str, count: usize, values: Values) -> Row {
    Row { command, flag: "", from: 0, count, values }
}

const FORMATS: Values = Values::OneOf(&["json", "pretty"]);
const LEVELS: Values = Values::OneOf(&["debug", "err", "info", "trace", "warn"]);
const AGENT_TOKENS: &[&str] =
    &["agent", "config_file_service_registration", "default", "dns", "recovery", "replication"];
const BOOLEANS: Values = Values::OneOf(&["false", "true"]);

/// All places; one of a command wins over one of all.
static ROWS: &[Row] = &[
    flag("", "append-policy-id", Values::Known(Known::PolicyIds)),
    flag("", "append-policy-name", Values::Known(Known::PolicyNames)),
    flag("", "append-role-id", Values::Known(Known::RoleIds)),
    flag("", "append-role-name", Values::Known(Known::RoleNames)),
    flag("", "append-service-identity", Values::Known(Known::Services)),
    flag("", "append-templated-policy", Values::Known(Known::Templates)),
    flag("", "append-templated-policy-file", Values::Files),
    flag("", "bind-type", Values::OneOf(&["node", "policy", "role", "service", "templated-policy"])),
    flag("", "ca-file", Values::Files),
    flag("", "ca-path", Values::Directories),
    flag("", "client-cert", Values::Files),
    flag("", "client-key", Values::Files),
    flag("", "datacenter", Values::Known(Known::Datacenters)),
    flag("", "format", FORMATS),
    flag("", "log-level", LEVELS),
    flag("", "method", Values::Known(Known::AuthMethods)),
    flag("", "policy-id", Values::Known(Known::PolicyIds)),
    flag("", "policy-name", Values::Known(Known::PolicyNames)),
    flag("", "replace-templated-policy", Values::Known(Known::Templates)),
    flag("", "replace-templated-policy-file", Values::Files),
    flag("", "role-id", Values::Known(Known::RoleIds)),
    flag("", "role-name", Values::Known(Known::RoleNames)),
    flag("", "service-identity", Values::Known(Known::Services)),
    flag("", "templated-policy", Values::Known(Known::Templates)),
    flag("", "templated-policy-file", Values::Files),
    flag("", "valid-datacenter", Values::Known(Known::Datacenters)),
    flag("", "token-file", Values::Files),
    flag("acl auth-method create", "type", Values::OneOf(&["aws-iam", "jwt", "kubernetes"])),
    flag("acl auth-method delete", "name", Values::Known(Known::AuthMethods)),
    flag("acl auth-method read", "name", Values::Known(Known::AuthMethods)),
    flag("acl auth-method update", "name", Values::Known(Known::AuthMethods)),
    flag("acl binding-rule delete", "id", Values::Known(Known::BindingRules)),
    flag("acl binding-rule read", "id", Values::Known(Known::BindingRules)),
    flag("acl binding-rule update", "id", Values::Known(Known::BindingRules)),
    flag("acl policy delete", "id", Values::Known(Known::PolicyIds)),
    flag("acl policy delete", "name", Values::Known(Known::PolicyNames)),
    flag("acl policy read", "id", Values::Known(Known::PolicyIds)),
    flag("acl policy read", "name", Values::Known(Known::PolicyNames)),
    flag("acl policy update", "id", Values::Known(Known::PolicyIds)),
    flag("acl role delete", "id", Values::Known(Known::RoleIds)),
    flag("acl role delete", "name", Values::Known(Known::RoleNames)),
    flag("acl role read", "id", Values::Known(Known::RoleIds)),
    flag("acl role read", "name", Values::Known(Known::RoleNames)),
    flag("acl role update", "id", Values::Known(Known::RoleIds)),
    words("acl set-agent-token", 1, Values::OneOf(AGENT_TOKENS)),
    flag("acl templated-policy preview", "file", Values::Files),
    flag("acl templated-policy preview", "name", Values::Known(Known::Templates)),
    flag("acl templated-policy read", "name", Values::Known(Known::Templates)),
    flag("acl token clone", "accessor-id", Values::Known(Known::Tokens)),
    flag("acl token delete", "accessor-id", Values::Known(Known::Tokens)),
    flag("acl token read", "accessor-id", Values::Known(Known::Tokens)),
    flag("acl token update", "accessor-id", Values::Known(Known::Tokens)),
    flag("agent", "config-dir", Values::Directories),
    flag("agent", "config-file", Values::Files),
    flag("agent", "config-format", Values::OneOf(&["hcl", "json"])),
    flag("agent", "data-dir", Values::Directories),
    flag("agent", "datacenter", Values::Nothing),
    flag("agent", "log-file", Values::Files),
    flag("agent", "pid-file", Values::Files),
    flag("agent", "ui-dir", Values::Directories),
    flag("catalog nodes", "near", Values::Known(Known::Nodes)),
    flag("catalog nodes", "service", Values::Known(Known::Services)),
    flag("catalog services", "node", Values::Known(Known::Nodes)),
    flag("debug", "output", Values::Files),
    flag("event", "name", Values::Known(Known::Events)),
    flag("event", "node", Values::Known(Known::Nodes)),
    flag("event", "service", Values::Known(Known::Services)),
    flag("exec", "node", Values::Known(Known::Nodes)),
    flag("exec", "service", Values::Known(Known::Services)),
    words("force-leave", 1, Values::Known(Known::Members)),
    words("kv delete", 1, Values::Known(Known::Keys)),
    words("kv export", 1, Values::Known(Known::Keys)),
    words("kv get", 1, Values::Known(Known::Keys)),
    flag("kv import", "prefix", Values::Known(Known::Keys)),
    words("kv put", 1, Values::Known(Known::Keys)),
    words("lock", 1, Values::Known(Known::Keys)),
    flag("login", "bearer-token-file", Values::Files),
    flag("login", "token-sink-file", Values::Files),
    flag("login", "type", Values::OneOf(&["aws-iam", "jwt", "kubernetes"])),
    flag("maint", "service", Values::Known(Known::ServiceIds)),
    flag("operator raft remove-peer", "address", Values::Known(Known::PeerAddresses)),
    flag("operator raft remove-peer", "id", Values::Known(Known::PeerIds)),
    flag("operator raft transfer-leader", "id", Values::Known(Known::PeerIds)),
    words("rtt", 2, Values::Known(Known::Nodes)),
    words("services deregister", 0, Values::Files),
    flag("services deregister", "id", Values::Known(Known::ServiceIds)),
    words("services register", 0, Values::Files),
    flag("services register", "name", Values::Known(Known::Services)),
    words("snapshot decode", 1, Values::Files),
    words("snapshot inspect", 1, Values::Files),
    flag("snapshot inspect", "kvfilter", Values::Known(Known::Keys)),
    words("snapshot restore", 1, Values::Files),
    words("snapshot save", 1, Values::Files),
    flag("tls cert create", "ca", Values::Files),
    flag("tls cert create", "key", Values::Files),
    words("validate", 0, Values::Files),
    flag("validate", "config-format", Values::OneOf(&["hcl", "json"])),
    flag("watch", "key", Values::Known(Known::Keys)),
    flag("watch", "name", Values::Known(Known::Events)),
    flag("watch", "passingonly", BOOLEANS),
    flag("watch", "prefix", Values::Known(Known::Keys)),
    flag("watch", "service", Values::Known(Known::Services)),
    flag("watch", "state", Values::OneOf(&["any", "critical", "passing", "warning"])),
    flag(
        "watch",
        "type",
        Values::OneOf(&["checks", "event", "key", "keyprefix", "node", "nodes", "service", "services"]),
    ),
];

/// What a flag's value can be.
pub fn of_flag(command: &Command, flag: &Flag) -> Values {
    let name = command.name();
    let row = |command: &str| ROWS.iter().find(|row| row.command == command && row.flag == flag.name);
    row(&name).or_else(|| row("")).map_or(Values::Nothing, |row| row.values)
}

/// What a word can be; `before` words stand in front of it.
pub fn of_word(command: &Command, before: usize) -> Values {
    let name = command.name();
    let fits = |row: &&Row| {
        row.command == name
            && row.flag.is_empty()
            && before >= row.from
            && (row.count == 0 || before < row.from + row.count)
    };
    ROWS.iter().find(fits).map_or(Values::Nothing, |row| row.values)
}

/// The candidates for a value; fewer than there are when the agent does not answer.
pub fn find(cursor: &Cursor<'_>) -> Vec<String> {
    match cursor.values() {
        Values::Nothing | Values::Files | Values::Directories => Vec::new(),
        Values::OneOf(values) => values.iter().map(|value| (*value).to_owned()).collect(),
        Values::Known(known) => ask(known, cursor),
    }
}

/// Asks the agent that flags and environment name. The question runs in a thread of its own, which is left behind when time
/// is up: finding an address or reading certificates can take longer than anybody wants to wait.
fn ask(known: Known, cursor: &Cursor<'_>) -> Vec<String> {
    let (Place::Value(command, _) | Place::Word(command, _)) = &cursor.place else { return Vec::new() };
    let matches = flags::parse(&command.all_flags(), &cursor.flags).unwrap_or_default();
    let typed = cursor.typed.to_owned();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(answer(known, &matches, &typed)));
    receive.recv_timeout(PATIENCE).ok().flatten().unwrap_or_default()
}

fn answer(known: Known, matches: &Matches, typed: &str) -> Option<Vec<String>> {
    let settings = Settings::resolve(connect::overrides(matches), &|name| std::env::var(name).ok()).ok()?;
    let client = Client::new(settings).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let (path, params) = question(known, typed);
    let answer: Json = runtime.block_on(client.get(&path, params.with("stale", ""))).ok()?;
    let mut names = names(known, &answer);
    if matches!(known, Known::Keys) && typed.starts_with('/') {
        // keys are written without a leading slash, and one that is typed is dropped by the commands
        names.iter_mut().for_each(|name| name.insert(0, '/'));
    }
    Some(names)
}

/// Path and parameters of a lookup.
fn question(known: Known, typed: &str) -> (String, Params) {
    let path = match known {
        Known::Keys => {
            let typed = typed.strip_prefix('/').unwrap_or(typed);
            let folder = typed.rfind('/').map_or("", |end| &typed[..=end]);
            return (format!("/v1/kv/{folder}"), Params::new().with("keys", "").with("separator", "/"));
        }
        Known::ServiceIds => "/v1/agent/services",
        Known::Services => "/v1/catalog/services",
        Known::Nodes => "/v1/catalog/nodes",
        Known::Members => "/v1/agent/members",
        Known::Datacenters => "/v1/catalog/datacenters",
        Known::PeerIds | Known::PeerAddresses => "/v1/operator/raft/configuration",
        Known::Events => "/v1/event/list",
        Known::Tokens => "/v1/acl/tokens",
        Known::PolicyIds | Known::PolicyNames => "/v1/acl/policies",
        Known::RoleIds | Known::RoleNames => "/v1/acl/roles",
        Known::AuthMethods => "/v1/acl/auth-methods",
        Known::BindingRules => "/v1/acl/binding-rules",
        Known::Templates => "/v1/acl/templated-policies",
    };
    (path.to_owned(), Params::new())
}

/// The names in an answer.
fn names(known: Known, answer: &Json) -> Vec<String> {
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let field = |list: &Json, name: &str| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|row| text(&row[name])).collect()
    };
    match known {
        Known::Keys | Known::Datacenters => answer.as_array().into_iter().flatten().filter_map(text).collect(),
        Known::ServiceIds | Known::Services | Known::Templates => {
            answer.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect()
        }
        Known::Nodes => field(answer, "Node"),
        Known::Members | Known::Events | Known::PolicyNames | Known::RoleNames | Known::AuthMethods => {
            field(answer, "Name")
        }
        Known::PolicyIds | Known::RoleIds | Known::BindingRules => field(answer, "ID"),
        Known::Tokens => field(answer, "AccessorID"),
        Known::PeerIds => field(&answer["Servers"], "ID"),
        Known::PeerAddresses => field(&answer["Servers"], "Address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::ALL;
    use serde_json::json;

    #[test]
    fn every_row_is_about_a_command_and_a_flag_that_exist() {
        for row in ROWS {
            let commands: Vec<_> =
                ALL.iter().filter(|command| row.command.is_empty() || command.name() == row.command).collect();
            assert!(!commands.is_empty(), "there is no command {}", row.command);
            let known = |command: &&&Command| command.all_flags().iter().any(|flag| flag.name == row.flag);
            assert!(row.flag.is_empty() || commands.iter().any(known), "{} has no flag {}", row.command, row.flag);
        }
    }

    #[test]
    fn names_are_found_in_the_answers() {
        let raft = json!({"Servers": [{"ID": "a", "Address": "127.0.0.1:8300"}]});
        let cases = [
            (Known::Keys, json!(["a/", "b"]), ["a/", "b"].as_slice()),
            (Known::ServiceIds, json!({"web-1": {}, "web-2": {}}), &["web-1", "web-2"]),
            (Known::Nodes, json!([{"Node": "n1"}]), &["n1"]),
            (Known::Members, json!([{"Name": "n1"}, {"Nothing": 1}]), &["n1"]),
            (Known::PeerIds, raft.clone(), &["a"]),
            (Known::PeerAddresses, raft, &["127.0.0.1:8300"]),
            (Known::Services, json!("nonsense"), &[]),
        ];
        for (known, answer, expected) in cases {
            assert_eq!(names(known, &answer), expected, "{known:?}");
        }
    }

    #[test]
    fn keys_are_asked_for_folder_by_folder() {
        for (typed, path) in [("", "/v1/kv/"), ("a", "/v1/kv/"), ("a/b/c", "/v1/kv/a/b/"), ("/a/b", "/v1/kv/a/")] {
            assert_eq!(question(Known::Keys, typed).0, path, "{typed}");
        }
    }
}
