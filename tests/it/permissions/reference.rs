//! The same requests by the same tokens to a real Consul and to us. Runs when `CONSUL_BIN` names a binary.

use super::furnish;
use super::table::ROWS;
use crate::compare::shape;
use crate::support::*;

/// What version 1.8 does not have, or decides in another way (`spec/acl-and-tls.md` 22).
const NEWER: &[&str] = &[
    "/v1/agent/version",
    "/v1/agent/force-leave/nobody",
    "/v1/agent/token/dns",
    "/v1/agent/metrics",
    "/v1/agent/self",
    "/v1/agent/host",
    "/v1/agent/leave",
    "/v1/agent/reload",
    "/v1/operator/keyring",
    "/v1/operator/raft/transfer-leader?id=nobody",
    "/v1/operator/autopilot/state",
    "/v1/operator/usage",
    "/v1/acl/templated-policies",
    "/v1/acl/tokens",
    "/v1/acl/policies",
    "/v1/snapshot",
];

/// What shows versions, times or newer fields to who may see it.
const DIFFERENT: &[&str] = &[
    "/v1/agent/members",
    "/v1/agent/join/127.0.0.1:1",
    "/v1/operator/raft/configuration",
    "/v1/operator/autopilot/health",
    "/v1/internal/ui/services",
    "/v1/acl/token",
];

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
    let agents = [AgentBuilder::new(&binary, true).acl().start(), dev().acl().start()];
    let ids = [furnish(&agents[0]), furnish(&agents[1])];
    let mut differences = Vec::new();
    let mut compared = 0;
    for row in ROWS.iter().filter(|row| !NEWER.contains(&row.target)) {
        for (who, rules) in [("nobody", None), ("too little", Some(row.low)), ("enough", Some(row.needs))] {
            if who == "enough" && DIFFERENT.contains(&row.target) {
                continue;
            }
            let answers = [0, 1].map(|number| {
                let agent = &agents[number];
                let secret = rules.map_or_else(String::new, |rules| agent.token(rules).1);
                let target = ids[number].iter().fold(row.target.to_owned(), |to, (name, id)| to.replace(name, id));
                let answer = agent.send_as(&secret, row.method, &target, row.body);
                without_reasons(&shape(agent, &answer))
            });
            compared += 1;
            if answers[0] != answers[1] {
                let [expected, got] = answers;
                let line = format!("{} {} {} by {who}", row.method, row.target, row.body);
                differences.push(format!("{line}\n  reference: {expected}\n  ours:      {got}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} of {compared} differ:\n{}", differences.len(), differences.join("\n"));
}
