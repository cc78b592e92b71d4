//! DNS as clients see it: packets over real UDP and TCP sockets.

use crate::support::*;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};

fn question(name: &str, kind: RecordType, edns: Option<u16>) -> Vec<u8> {
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    if let Some(size) = edns {
        let mut options = Edns::new();
        options.set_max_payload(size);
        message.edns = Some(options);
    }
    message.to_vec().expect("a packet")
}

#[track_caller]
fn ask(agent: &TestAgent, name: &str, kind: RecordType) -> Message {
    ask_with(agent, name, kind, Some(4096))
}

#[track_caller]
fn ask_with(agent: &TestAgent, name: &str, kind: RecordType, edns: Option<u16>) -> Message {
    let answer = agent.dns_udp(&question(name, kind, edns)).unwrap_or_else(|| panic!("no answer for {name}"));
    Message::from_vec(&answer).expect("a DNS message")
}

fn data(message: &Message) -> BTreeSet<String> {
    message.answers.iter().map(|record| record.data.to_string()).collect()
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn register(agent: &TestAgent, node: &str, address: &str, service: &str, status: &str) {
    let body = format!(
        r#"{{"Node":"{node}","Address":"{address}","Service":{service},"Check":{{"Name":"c-{node}","Status":"{status}"}}}}"#
    );
    agent.put_ok("/v1/catalog/register", body);
}

#[test]
fn only_healthy_instances_are_answered() {
    let agent = dev().arg("-datacenter=beijing-c").start();
    let redis = r#"{"Service":"redis01","Port":6379,"Tags":["primary"]}"#;
    register(&agent, "n1", "10.0.0.1", redis, "passing");
    register(&agent, "n2", "10.0.0.2", redis, "warning");
    register(&agent, "n3", "10.0.0.3", redis, "critical");
    let name = "redis01.service.beijing-c.consul.";
    let answer = ask(&agent, name, RecordType::ANY);
    assert_eq!(data(&answer), set(&["10.0.0.1", "10.0.0.2"]));
    assert!(answer.metadata.authoritative);
    assert_eq!(data(&ask(&agent, "PRIMARY.Redis01.service.consul.", RecordType::A)).len(), 2);
    assert_eq!(
        data(&ask(&agent, "_redis01._tcp.service.consul.", RecordType::SRV)),
        set(&["1 1 6379 n1.node.beijing-c.consul.", "1 1 6379 n2.node.beijing-c.consul."])
    );
    register(&agent, "n1", "10.0.0.1", redis, "critical");
    register(&agent, "n2", "10.0.0.2", redis, "critical");
    assert_eq!(ask(&agent, name, RecordType::A).metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn answers_are_shuffled() {
    let agent = dev().start();
    for last in 1..=3 {
        register(&agent, &format!("n{last}"), &format!("10.0.0.{last}"), r#"{"Service":"web"}"#, "passing");
    }
    let mut first = BTreeSet::new();
    wait_until("every instance to come first once", || {
        let answer = ask(&agent, "web.service.consul.", RecordType::A);
        first.extend(answer.answers.first().map(|record| record.data.to_string()));
        first.len() == 3
    });
}

#[test]
fn nodes_addresses_pointers_and_the_zone_itself_are_answered() {
    let agent = dev().start();
    let ip = agent.address.clone();
    assert_eq!(data(&ask(&agent, "node1.node.consul.", RecordType::A)), set(&[&ip]));
    assert_eq!(data(&ask(&agent, "0a010203.addr.dc1.consul.", RecordType::A)), set(&["10.1.2.3"]));
    let reverse: Vec<&str> = ip.rsplit('.').collect();
    let pointer = ask(&agent, &format!("{}.in-addr.arpa.", reverse.join(".")), RecordType::PTR);
    assert_eq!(data(&pointer), set(&["node1.node.dc1.consul."]));
    assert_eq!(data(&ask(&agent, "consul.", RecordType::NS)), set(&["node1.node.dc1.consul."]));
    assert_eq!(ask(&agent, "consul.", RecordType::SOA).answers.len(), 1);
    let missing = ask(&agent, "nope.service.consul.", RecordType::A);
    assert_eq!((missing.metadata.response_code, missing.authorities.len()), (ResponseCode::NXDomain, 1));
    let other_family = ask(&agent, "consul.service.consul.", RecordType::AAAA);
    assert_eq!((other_family.metadata.response_code, other_family.authorities.len()), (ResponseCode::NoError, 1));
    let outside = ask(&agent, "example.org.", RecordType::A);
    assert_eq!(outside.metadata.response_code, ResponseCode::Refused);
    assert!(!outside.metadata.authoritative);
}

#[test]
fn without_edns_three_answers_come_and_over_tcp_all() {
    let agent = dev().arg("-hcl=dns_config { enable_truncate = true }").start();
    for last in 1..=12 {
        register(&agent, &format!("n{last}"), &format!("10.0.0.{last}"), r#"{"Service":"many","Port":1}"#, "passing");
    }
    let plain = ask_with(&agent, "many.service.consul.", RecordType::A, None);
    assert_eq!((plain.answers.len(), plain.metadata.truncation), (3, true));
    let large = ask_with(&agent, "many.service.consul.", RecordType::A, Some(4096));
    assert_eq!((large.answers.len(), large.metadata.truncation), (12, false));
    assert_eq!(large.edns.as_ref().map(Edns::max_payload), Some(4096));
    let mut stream = TcpStream::connect(agent.dns_address()).expect("a connection");
    for _ in 0..2 {
        let packet = question("many.service.consul.", RecordType::SRV, None);
        stream.write_all(&(packet.len() as u16).to_be_bytes()).expect("the length goes out");
        stream.write_all(&packet).expect("the question goes out");
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("a length");
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).expect("an answer");
        let answer = Message::from_vec(&answer).expect("a DNS message");
        assert_eq!((answer.answers.len(), answer.metadata.truncation), (12, false));
    }
}

#[test]
fn broken_packets_do_no_harm() {
    let agent = dev().start();
    let good = question("node1.node.consul.", RecordType::A, None);
    let mut two_questions = good.clone();
    two_questions[5] = 2;
    let answer = agent.dns_udp(&two_questions).expect("an answer");
    assert_eq!((answer.len(), answer[3] & 15), (12, ResponseCode::FormErr.low()));
    let mut update = good.clone();
    update[2] |= 5 << 3;
    let answer = agent.dns_udp(&update).expect("an answer");
    assert_eq!((answer.len(), answer[3] & 15), (12, ResponseCode::NotImp.low()));
    let socket = UdpSocket::bind((agent.address.as_str(), 0)).expect("a socket");
    let mut response = good.clone();
    response[2] |= 0x80;
    for broken in [&good[..7], &response, &good[..good.len() - 3], &[0xff; 40], &[0; 0]] {
        socket.send_to(broken, agent.dns_address()).expect("the packet goes out");
    }
    for cut in 0..good.len() {
        socket.send_to(&good[..cut], agent.dns_address()).expect("the packet goes out");
    }
    assert_eq!(data(&ask(&agent, "node1.node.consul.", RecordType::A)).len(), 1);
}

#[test]
fn foreign_names_go_to_the_recursors() {
    let recursor = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = recursor.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = recursor.recv_from(&mut buffer) {
            let mut message = Message::from_vec(&buffer[..length]).expect("a question");
            message.metadata.message_type = MessageType::Response;
            let name = message.queries[0].name().clone();
            let data = hickory_proto::rr::RData::A(hickory_proto::rr::rdata::A::new(9, 9, 9, 9));
            message.answers.push(hickory_proto::rr::Record::from_rdata(name, 60, data));
            recursor.send_to(&message.to_vec().expect("a packet"), client).expect("the answer goes out");
        }
    });
    let agent = dev().arg(format!("-recursor={address}")).start();
    assert_eq!(data(&ask(&agent, "www.example.org.", RecordType::A)), set(&["9.9.9.9"]));
    register(&agent, "ext", "10.0.0.1", r#"{"Service":"alias","Address":"www.example.com"}"#, "passing");
    let alias = ask(&agent, "alias.service.consul.", RecordType::A);
    assert_eq!(data(&alias), set(&["9.9.9.9", "www.example.com."]));
    assert!(alias.metadata.recursion_available);
}

#[test]
fn ttls_follow_the_configuration_and_a_reload() {
    let config = r#"dns_config { node_ttl = "7s" service_ttl { "*" = "5s" "we*" = "10s" web = "30s" } }"#;
    let agent = dev().file("dns.hcl", config).start();
    for service in ["web", "webapp", "db"] {
        register(&agent, "n", "10.0.0.1", &format!(r#"{{"Service":"{service}"}}"#), "passing");
    }
    let ttl = |name: &str| ask(&agent, name, RecordType::A).answers[0].ttl;
    let names = ["web.service.consul.", "webapp.service.consul.", "db.service.consul.", "n.node.consul."];
    assert_eq!(names.map(ttl), [30, 10, 5, 7]);
    std::fs::write(agent.dir.join("config/dns.hcl"), r#"dns_config { node_ttl = "8s" }"#).expect("a file");
    let output = agent.cli(&["reload"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(names.map(ttl), [0, 0, 0, 8]);
}
