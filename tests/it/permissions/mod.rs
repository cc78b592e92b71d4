//! Who may do what: every endpoint and every form of DNS name, by no token, a wrong one, one that is a level too low, and one
//! that suffices. The whole matrix of tokens is in `matrix`.

mod agents;
mod reference;
mod table;

use crate::support::*;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use std::collections::BTreeMap;
use table::{NAMES, ROWS, Row, Without};

const FILTERED: &str = "x-consul-results-filtered-by-acls";

/// What the rows are about.
fn furnish(agent: &TestAgent) -> BTreeMap<&'static str, String> {
    agent.put_ok(
        "/v1/catalog/register",
        r#"{"Node":"ext","Address":"10.0.0.9","Service":{"Service":"web","Port":80},"Check":{"Name":"alive","Status":"passing","ServiceID":"web"}}"#,
    );
    agent.put_ok("/v1/agent/service/register", r#"{"Name":"local","Check":{"TTL":"1h"}}"#);
    for key in ["k/a", "k/b", "tree/x"] {
        agent.put_ok(&format!("/v1/kv/{key}"), "v");
    }
    let id = |answer: Response| answer.json()["ID"].as_str().expect("an id").to_owned();
    let query = agent.send("POST", "/v1/query", r#"{"Name":"q","Service":{"Service":"web"}}"#);
    let ids = BTreeMap::from([
        ("{session}", id(agent.put_ok("/v1/session/create", "{}"))),
        ("{other-session}", id(agent.put_ok("/v1/session/create", "{}"))),
        ("{query}", id(query)),
    ]);
    agent.put_ok("/v1/event/fire/deploy", "");
    wait_until("the event is seen", || agent.get("/v1/event/list").text().contains("deploy"));
    ids
}

/// What a refusal says of a token; of none when `accessor` is empty.
fn refusal(accessor: &str, permission: &str, on: &str) -> String {
    let on = if on.is_empty() { String::new() } else { format!(" on \"{on}\"") };
    match accessor {
        _ if permission.is_empty() => "Permission denied".to_owned(),
        "" => format!(
            "Permission denied: anonymous token lacks permission '{permission}'{on}. The anonymous token is used implicitly when a request does not specify a token."
        ),
        accessor => {
            format!("Permission denied: token with AccessorID '{accessor}' lacks permission '{permission}'{on}")
        }
    }
}

/// What is wrong with the answer to a caller who lacks the permission.
fn flaw_without(row: &Row, accessor: &str, answer: &Response) -> Option<String> {
    let text = answer.text();
    match row.without {
        Without::Open => (answer.status != 200).then(|| format!("{} {text}", answer.status)),
        Without::Refused(permission, on) => {
            let expected = refusal(accessor, permission, on);
            ((answer.status, text.as_str()) != (403, expected.as_str())).then(|| format!("{} {text}", answer.status))
        }
        Without::Rolled(permission, on) => {
            let expected = serde_json::json!(refusal(accessor, permission, on)).to_string();
            (answer.status != 409 || !text.contains(&expected)).then(|| format!("{} {text}", answer.status))
        }
        Without::Filtered(shown) => {
            let told = answer.header(FILTERED) == Some("true");
            // an answer that there is nothing need not say that there was something
            let silent = accessor.is_empty() || answer.status == 404;
            let wrong = text.contains(shown) || answer.status == 403 || (told == silent && answer.status != 404);
            wrong.then(|| format!("{} told:{told} {text}", answer.status))
        }
    }
}

/// What is wrong with the answer to a caller who has the permission.
fn flaw_with(row: &Row, answer: &Response) -> Option<String> {
    let text = answer.text();
    let wrong = match row.without {
        Without::Filtered(shown) => !text.contains(shown),
        Without::Rolled(..) => answer.status != 200,
        Without::Open | Without::Refused(..) => text.contains("Permission denied") || answer.status == 403,
    };
    wrong.then(|| format!("{} {text}", answer.status))
}

#[test]
fn every_endpoint_asks_for_its_permission() {
    let agent = dev().acl().start();
    let ids = furnish(&agent);
    let mut flaws = Vec::new();
    for row in ROWS {
        let target = ids.iter().fold(row.target.to_owned(), |target, (name, id)| target.replace(name, id));
        let send = |token: &str| agent.send_as(token, row.method, &target, row.body);
        let mut note = |who: &str, flaw: Option<String>| {
            flaws.extend(flaw.map(|flaw| format!("{} {target} by {who}: {flaw}", row.method)));
        };
        note("nobody", flaw_without(row, "", &send("")));
        if row.without != Without::Open {
            let wrong = send("9f4c7f0e-5d6e-4e0b-8a5b-0d8d7f6c5b4a");
            let refused = (wrong.status, wrong.text().as_str()) == (403, "ACL not found");
            note("an unknown token", (!refused).then(|| format!("{} {}", wrong.status, wrong.text())));
            let (accessor, secret) = agent.token(row.low);
            note("a token with too little", flaw_without(row, &accessor, &send(&secret)));
            let (_, secret) = agent.token(row.needs);
            note("a token with enough", flaw_with(row, &send(&secret)));
        }
    }
    assert!(flaws.is_empty(), "{} flaws:\n{}", flaws.len(), flaws.join("\n"));
}

fn ask(agent: &TestAgent, name: &str, kind: &str) -> Message {
    let kind: RecordType = kind.parse().expect("a record type");
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    let answer = agent.dns_udp(&message.to_vec().expect("a packet")).unwrap_or_else(|| panic!("no answer for {name}"));
    Message::from_vec(&answer).expect("a DNS message")
}

#[test]
fn dns_shows_what_its_token_may_see() {
    let agent = dev().acl().start();
    furnish(&agent);
    let set_token = |secret: &str| {
        agent.put_ok("/v1/agent/token/dns", serde_json::json!({ "Token": secret }).to_string());
    };
    for (name, kind, needs, low) in NAMES {
        for rules in [None, Some(*low)] {
            set_token(&rules.map_or_else(String::new, |rules| agent.token(rules).1));
            let answer = ask(&agent, name, kind);
            assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{name} {kind} by {rules:?}");
        }
        set_token(&agent.token(needs).1);
        let answer = ask(&agent, name, kind);
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{name} {kind}");
        assert!(!answer.answers.is_empty(), "{name} {kind}");
    }
    set_token("9f4c7f0e-5d6e-4e0b-8a5b-0d8d7f6c5b4a");
    assert_eq!(ask(&agent, "ext.node.consul.", "A").metadata.response_code, ResponseCode::ServFail);
}
