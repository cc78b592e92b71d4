//! Prepared queries over HTTP and DNS: definitions, templates, health, failover between places.

use crate::support::*;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RecordType};
use std::net::{IpAddr, Ipv4Addr};

#[track_caller]
fn create(agent: &TestAgent, definition: &str) -> String {
    let answer = agent.send("POST", "/v1/query", definition);
    assert_eq!(answer.status, 200, "{definition}: {}", answer.text());
    answer.json()["ID"].as_str().expect("an id").to_owned()
}

/// Three instances of `web`: n1 passing and tagged v1, n2 in warning, n3 critical.
fn with_web(agent: &TestAgent) {
    for (node, address, status, tag) in
        [("n1", "10.0.0.1", "passing", "v1"), ("n2", "10.0.0.2", "warning", "v2"), ("n3", "10.0.0.3", "critical", "v1")]
    {
        let body = format!(
            r#"{{"Node":"{node}","Address":"{address}","NodeMeta":{{"rack":"{node}"}},
                "Service":{{"Service":"web","Port":80,"Tags":["{tag}"],"Meta":{{"env":"{tag}"}}}},
                "Check":{{"Name":"c","CheckID":"c-{node}","ServiceID":"web","Status":"{status}"}}}}"#
        );
        agent.put_ok("/v1/catalog/register", body);
    }
}

/// Nodes of the instances that a query finds, sorted.
#[track_caller]
fn found(agent: &TestAgent, target: &str) -> Vec<String> {
    let answer = agent.get(target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    let nodes = answer.json()["Nodes"].as_array().expect("a list").clone();
    let mut nodes: Vec<String> =
        nodes.iter().map(|row| row["Node"]["Node"].as_str().expect("a name").to_owned()).collect();
    nodes.sort();
    nodes
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    message
}

#[track_caller]
fn ask(agent: &TestAgent, question: &Message) -> Message {
    let bytes = agent.dns_udp(&question.to_vec().expect("a packet")).expect("an answer");
    Message::from_vec(&bytes).expect("a DNS message")
}

fn data(answer: &Message) -> Vec<String> {
    let mut data: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
    data.sort();
    data
}

#[test]
fn a_definition_is_stored_shown_replaced_and_removed() {
    let agent = dev().start();
    assert_eq!(agent.get("/v1/query").text(), "[]");
    let id = create(&agent, r#"{"Name":"Web","Service":{"Service":"web"}}"#);
    let shown = agent.get(&format!("/v1/query/{id}")).json();
    assert_eq!((shown[0]["Name"].as_str(), shown[0]["Service"]["Tags"].is_null()), (Some("Web"), true));
    let before = agent.get("/v1/query").index();
    assert_eq!(agent.put(&format!("/v1/query/{id}"), r#"{"Name":"web2","Service":{"Service":"web"}}"#).status, 200);
    assert!(agent.get("/v1/query").index() > before);
    assert_eq!(agent.get("/v1/query/Web/execute").status, 404);
    assert_eq!(agent.get("/v1/query/WEB2/execute").json()["Service"], "web");
    let taken = agent.send("POST", "/v1/query", r#"{"Name":"WEB2","Service":{"Service":"x"}}"#);
    assert_eq!(
        (taken.status, taken.text().as_str()),
        (500, "raft apply failed: name 'WEB2' aliases an existing query name")
    );
    assert_eq!(agent.delete(&format!("/v1/query/{id}")).status, 200);
    let gone = agent.get(&format!("/v1/query/{id}"));
    assert_eq!((gone.status, gone.text().as_str(), gone.header("x-consul-index")), (404, "Query not found", None));
    let odd = agent.get("/v1/query/nope");
    assert_eq!((odd.status, odd.header("x-consul-index")), (500, Some("1")));
}

#[test]
fn a_blocking_read_of_a_query_wakes_when_it_changes() {
    let agent = dev().start();
    let id = create(&agent, r#"{"Name":"a","Service":{"Service":"web"}}"#);
    let index = agent.get("/v1/query").index();
    let target = format!("/v1/query/{id}?index={index}&wait=60s");
    let address = agent.http_address();
    let waiting = std::thread::spawn(move || request(&address, "GET", &target, &[], &[]).expect("an answer"));
    create(&agent, r#"{"Name":"other","Service":{"Service":"web"}}"#);
    agent.put_ok(&format!("/v1/query/{id}"), r#"{"Name":"b","Service":{"Service":"web"}}"#);
    let answer = waiting.join().expect("no panic");
    assert_eq!(answer.json()[0]["Name"], "b");
    assert!(answer.index() > index);
}

#[test]
fn instances_are_chosen_by_health_tags_metadata_and_number() {
    let agent = dev().start();
    with_web(&agent);
    // What the query asks of the service, and what it finds.
    let cases: [(&str, &[&str]); 10] = [
        ("", &["n1", "n2"]),
        (r#","OnlyPassing":true"#, &["n1"]),
        (r#","IgnoreCheckIDs":["c-n3"]"#, &["n1", "n2", "n3"]),
        (r#","Tags":["V1"]"#, &["n1"]),
        (r#","Tags":["!v1"]"#, &["n2"]),
        (r#","NodeMeta":{"rack":"n2"}"#, &["n2"]),
        (r#","ServiceMeta":{"env":"v1"}"#, &["n1"]),
        (r#","ServiceMeta":{"env":"v3"}"#, &[]),
        (r#","Connect":true"#, &[]),
        (r#","IncludeAll":true"#, &["n1", "n2", "n3"]),
    ];
    for (number, (service, expected)) in cases.iter().enumerate() {
        create(&agent, &format!(r#"{{"Name":"q{number}","Service":{{"Service":"web"{service}}}}}"#));
        assert_eq!(found(&agent, &format!("/v1/query/q{number}/execute")), *expected, "{service}");
    }
    assert_eq!(found(&agent, "/v1/query/q0/execute?limit=1").len(), 1);
    assert_eq!(found(&agent, "/v1/query/q0/execute?connect=true").len(), 0);
    let near = agent.get("/v1/query/q0/execute?near=n2").json();
    assert_eq!(near["Nodes"][0]["Node"]["Node"], "n2", "the asking node comes first");
    let by_address = agent.send_with("GET", "/v1/query/q0/execute?near=_ip", &[("X-Forwarded-For", "10.0.0.2, x")], "");
    assert_eq!(by_address.json()["Nodes"][0]["Node"]["Node"], "n2");
}

#[test]
fn a_template_answers_for_every_name_with_its_prefix() {
    let agent = dev().start();
    with_web(&agent);
    create(
        &agent,
        r#"{"Name":"geo-","Template":{"Type":"name_prefix_match","Regexp":"^geo-(.*)-([^-]+)$"},
            "Service":{"Service":"${match(1)}","Tags":["${match(2)}"]}}"#,
    );
    assert_eq!(found(&agent, "/v1/query/geo-web-v2/execute"), ["n2"]);
    let explained = agent.get("/v1/query/geo-web-v2/explain").json();
    assert_eq!(
        (&explained["Query"]["Service"]["Service"], &explained["Query"]["Name"]),
        (&"web".into(), &"geo-".into())
    );
    assert_eq!(agent.get("/v1/query/geo/explain").status, 404);
    let refused = agent.send(
        "POST",
        "/v1/query",
        r#"{"Name":"t","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${nope}"}}"#,
    );
    assert_eq!(
        refused.text(),
        "raft apply failed: failed compiling template: Bad evaluation for '${nope}' in Service.Service: 1:3: unknown variable accessed: nope"
    );
}

#[test]
fn a_query_ends_with_its_session() {
    let agent = dev().start();
    let session = agent.put_ok("/v1/session/create", r#"{"Name":"s"}"#).json()["ID"].as_str().expect("id").to_owned();
    let id = create(&agent, &format!(r#"{{"Session":"{session}","Service":{{"Service":"web"}}}}"#));
    assert_eq!(agent.get(&format!("/v1/query/{id}/execute")).status, 200);
    agent.put_ok(&format!("/v1/session/destroy/{session}"), "");
    assert_eq!(agent.get(&format!("/v1/query/{id}/execute")).status, 404);
}

#[test]
fn queries_survive_a_restart() {
    let mut agent = server().start();
    create(&agent, r#"{"Name":"t-","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${name.suffix}"}}"#);
    agent.kill();
    agent.restart();
    assert_eq!(agent.get("/v1/query/t-abc/explain").json()["Query"]["Service"]["Service"], "abc");
}

#[test]
fn dns_answers_with_the_instances_and_the_time_to_live_of_the_query() {
    let agent = dev().start();
    with_web(&agent);
    create(&agent, r#"{"Name":"my.pq","Service":{"Service":"web"},"DNS":{"TTL":"10s"}}"#);
    create(&agent, r#"{"Name":"t-","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${name.suffix}"}}"#);
    let answer = ask(&agent, &question("My.PQ.query.consul.", RecordType::A));
    assert_eq!(data(&answer), ["10.0.0.1", "10.0.0.2"]);
    assert!(answer.answers.iter().all(|record| record.ttl == 10));
    let srv = ask(&agent, &question("_t-web._tcp.query.dc1.consul.", RecordType::SRV));
    assert_eq!(data(&srv), ["1 1 80 n1.node.dc1.consul.", "1 1 80 n2.node.dc1.consul."]);
    for (name, code) in [
        ("t-none.query.consul.", ResponseCode::NXDomain),
        ("nope.query.consul.", ResponseCode::NXDomain),
        ("my.pq.query.nosuch.consul.", ResponseCode::NXDomain),
        ("my.pq.query.dc1.consul.", ResponseCode::NoError),
    ] {
        let answer = ask(&agent, &question(name, RecordType::A));
        assert_eq!(answer.metadata.response_code, code, "{name}");
        assert_eq!(answer.authorities.len(), usize::from(code == ResponseCode::NXDomain), "{name}");
    }
}

#[test]
fn other_datacenters_answer_when_there_is_nothing_here() {
    let near = server().arg("-datacenter=near").start();
    let join = format!("-hcl=retry_join_wan = [\"{}\"]", near.address);
    let mut far = server().arg("-datacenter=far").arg(join).start();
    wait_until("both datacenters", || near.get("/v1/catalog/datacenters").text() == r#"["near","far"]"#);
    with_web(&far);
    create(
        &near,
        r#"{"Name":"geo","Service":{"Service":"web","OnlyPassing":true,
            "Failover":{"NearestN":1,"Datacenters":["nosuch","far"]}},"DNS":{"TTL":"3s"}}"#,
    );
    let answer = near.get("/v1/query/geo/execute").json();
    assert_eq!((&answer["Datacenter"], &answer["Failovers"]), (&"far".into(), &1.into()));
    assert_eq!(found(&near, "/v1/query/geo/execute"), ["n1"]);
    assert_eq!(data(&ask(&near, &question("geo.query.consul.", RecordType::A))), ["10.0.0.1"]);
    let srv = ask(&near, &question("geo.query.near.consul.", RecordType::SRV));
    assert_eq!(data(&srv), ["1 1 80 n1.node.far.consul."]);
    assert_eq!(data(&ask(&near, &question("n2.node.far.consul.", RecordType::A))), ["10.0.0.2"]);
    assert_eq!(near.get("/v1/query?dc=far").text(), "[]");
    with_web(&near);
    let answer = near.get("/v1/query/geo/execute").json();
    assert_eq!((&answer["Datacenter"], &answer["Failovers"]), (&"near".into(), &0.into()));
    far.kill();
    near.put_ok("/v1/catalog/deregister", r#"{"Node":"n1"}"#);
    let nobody = near.get("/v1/query/geo/execute");
    assert_eq!((nobody.status, nobody.json()["Nodes"].to_string()), (200, "[]".to_owned()));
}

#[test]
fn a_client_subnet_stands_for_the_client() {
    let agent = dev().start();
    with_web(&agent);
    create(&agent, r#"{"Name":"near","Service":{"Service":"web","Near":"_ip"}}"#);
    let subnet = ClientSubnet::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 32, 0);
    let mut asked = question("near.query.consul.", RecordType::A);
    let mut edns = Edns::new();
    edns.options_mut().insert(EdnsOption::Subnet(subnet));
    asked.edns = Some(edns);
    let answer = ask(&agent, &asked);
    assert_eq!(answer.answers[0].data.to_string(), "10.0.0.2");
    let scope = |answer: &Message| match answer.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Subnet)) {
        Some(EdnsOption::Subnet(subnet)) => Some(subnet.scope_prefix()),
        _ => None,
    };
    assert_eq!(scope(&answer), Some(32), "such an answer is for this subnet only");
    let name = Name::from_ascii("web.service.consul.").expect("a name");
    asked.queries = vec![Query::query(name, RecordType::A)];
    assert_eq!(scope(&ask(&agent, &asked)), Some(0));
}
