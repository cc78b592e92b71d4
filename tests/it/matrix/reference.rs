//! The same requests by the same tokens to a real Consul and to us. Runs when `CONSUL_BIN` names a binary.

use super::table::{GROUPS, Kind, Row};
use super::world::World;
use super::{Column, columns, send};
use crate::compare::shape;
use crate::support::*;

/// Beginnings of what version 1.8 does not have, or decides in another way (`spec/acl-and-tls.md` 22).
const NEWER: &[&str] = &[
    "/v1/agent/version",
    "/v1/agent/force-leave/",
    "/v1/agent/metrics",
    "/v1/agent/monitor",
    "/v1/agent/self",
    "/v1/agent/host",
    "/v1/agent/leave",
    "/v1/agent/reload",
    "/v1/catalog/node/",
    "/v1/operator/keyring",
    "/v1/operator/raft/transfer-leader",
    "/v1/operator/autopilot/state",
    "/v1/operator/usage",
    "/v1/acl/",
    "/v1/snapshot",
    // not on by default there
    "/v1/connect/ca/",
    "/v1/agent/connect/ca/",
];

/// What shows versions, times, newer fields or lists in any order to who may see it.
const DIFFERENT: &[&str] = &[
    "/v1/agent/members",
    "/v1/agent/join/",
    "/v1/agent/health/service/",
    "/v1/coordinate/datacenters",
    "/v1/session/list",
    "/v1/session/node/",
    "/v1/operator/raft/",
    "/v1/operator/autopilot/health",
    "/v1/internal/ui/services",
];

fn is_one_of(row: &Row, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| row.route.starts_with(beginning))
}

/// Version 1.8 says little more than that it refuses.
fn without_reasons(text: &str) -> String {
    let reason = regex::Regex::new(
        r#"Permission denied: Missing [a-z]+:[a-z]+ on [a-z0-9-]+|Permission denied: [^\\"]*lacks permission '[a-z:]+'( on \\?"[^"\\]*\\?")?(\. The anonymous token is used implicitly when a request does not specify a token\.)?"#,
    )
    .expect("a pattern");
    reason.replace_all(text, "Permission denied").into_owned()
}

#[test]
fn what_tokens_may_do_is_that_of_the_reference() {
    let Some(binary) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no reference binary");
        return;
    };
    let mut worlds = [World::of(&binary, ""), World::of(BINARY, "")];
    let mut differences = Vec::new();
    let mut compared = 0;
    let rows = GROUPS.iter().flat_map(|group| group.rows).filter(|row| !is_one_of(row, NEWER));
    for row in rows {
        for column in columns(row.grants).chain([Column::Exact]) {
            let sees = column == Column::Exact || matches!(row.kind, Kind::Open);
            // an unknown token that fires an event is an internal error there
            let odd = column == Column::Unknown && row.route == "/v1/event/fire/";
            if column == Column::Foreign || odd || sees && is_one_of(row, DIFFERENT) {
                continue;
            }
            let [expected, got] = worlds.each_mut().map(|world| {
                let (_, secret) = world.token(row.grants, column);
                without_reasons(&shape(&world.server, &send(world, row, secret.as_deref())))
            });
            compared += 1;
            if expected != got {
                let line = format!("{} {}{} ({}) {column:?}", row.method, row.route, row.rest, row.note);
                differences.push(format!("{line}\n  reference: {expected}\n  ours:      {got}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} of {compared} differ:\n{}", differences.len(), differences.join("\n"));
}
