//! What strangers may do to an agent (`docs/limits.md`): slow and silent clients, bombs, floods. Each case is done to a
//! running agent, which must go on answering, and each is counted.

use crate::limits::{counting, exceeded};
use crate::support::*;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use sha2::{Digest, Sha256};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

fn connect(address: &str, port: u16) -> TcpStream {
    let stream = TcpStream::connect((address, port)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// The other side has closed the connection, or reset it.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(1))).expect("a timeout");
    match stream.read(&mut [0; 64]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// A key can be written and read.
#[track_caller]
fn works(agent: &TestAgent) {
    agent.put_ok("/v1/kv/alive", "yes");
    assert_eq!(agent.get("/v1/kv/alive?raw").text(), "yes");
}

/// Resident memory in MiB.
fn memory(agent: &TestAgent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.child.id())).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[test]
fn slow_headers_slow_bodies_and_readers_that_do_not_read_are_given_up() {
    let agent = counting().start();
    let mut slow: Vec<TcpStream> = (0..50).map(|_| connect(&agent.address, 8500)).collect();
    let mut body = connect(&agent.address, 8500);
    body.write_all(b"PUT /v1/kv/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nten bytes.").expect("sent");
    agent.put_ok("/v1/kv/large", vec![b'x'; 500_000]);
    let mut deaf = connect(&agent.address, 8500);
    let question = b"GET /v1/kv/large?raw HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    deaf.write_all(&question).expect("sent");

    let start = Instant::now();
    let mut letters = b"GET /v1/status/leader HTTP/1.1\r\nX-Slow: ".iter().cycle();
    while !slow.is_empty() {
        assert!(start.elapsed() < PATIENCE, "{} connections are still open", slow.len());
        let letter = [*letters.next().expect("endless")];
        slow.retain_mut(|stream| stream.write_all(&letter).is_ok() && !is_closed(stream));
        assert_eq!(agent.get("/v1/status/leader").status, 200);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(exceeded(&agent, "http.header_time") >= 50);

    let answer = read_response(&mut BufReader::new(&body), false).expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (408, "reading body: timeout"));
    assert!(exceeded(&agent, "http.body_time") >= 1);
    assert_eq!(agent.get("/v1/kv/slow").status, 404);
    wait_until("the reader to be given up", || exceeded(&agent, "http.write_time") >= 1);
    works(&agent);
}

#[test]
fn a_log_that_is_watched_and_not_read_drops_lines() {
    let agent = counting().start();
    // a small buffer, so that few lines are on their way
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a size");
    let address: std::net::SocketAddr = agent.http_address().parse().expect("an address");
    socket.connect(&address.into()).expect("a connection");
    let mut watcher = TcpStream::from(socket);
    watcher.write_all(b"GET /v1/agent/monitor?loglevel=debug HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    // every request is a line of the log
    let talk = b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let mut speaker = connect(&agent.address, 8500);
    let mut reader = BufReader::new(speaker.try_clone().expect("a handle"));
    wait_until("dropped lines", || {
        for _ in 0..2 {
            speaker.write_all(&talk).expect("sent");
            for _ in 0..200 {
                assert_eq!(read_response(&mut reader, false).expect("an answer").status, 200);
            }
        }
        exceeded(&agent, "log.monitor_lines") >= 1
    });
    drop(watcher);
    works(&agent);
}

#[test]
fn compressed_bodies_are_not_unpacked() {
    let agent = counting().start();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 50 << 20]).expect("packed");
    let bomb = gzip.finish().expect("packed");
    let headers = [("Content-Encoding", "gzip")];
    let before = memory(&agent);
    let stored = agent.send_with("PUT", "/v1/kv/bomb", &headers, &bomb);
    assert_eq!(stored.status, 200);
    assert_eq!(agent.get("/v1/kv/bomb?raw").body, bomb, "a value is what was sent");
    let refused = agent.send_with("PUT", "/v1/agent/service/register", &headers, &bomb);
    assert_eq!(refused.status, 400);
    assert!(refused.text().starts_with("Request decode failed: invalid character"), "{}", refused.text());
    assert!(memory(&agent) < before + 40, "{} MiB after {before}", memory(&agent));
}

/// A snapshot archive around a state.
fn archive(state: &[u8]) -> Vec<u8> {
    let meta = format!(
        "{{\"Version\":1,\"ID\":\"2-9-1\",\"Index\":9,\"Term\":2,\"Peers\":\"kA==\",\"Size\":{}}}\n",
        state.len()
    );
    let sum = |name: &str, bytes: &[u8]| {
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{digest}  {name}\n")
    };
    let sums = sum("meta.json", meta.as_bytes()) + &sum("state.bin", state);
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, bytes) in [("meta.json", meta.as_bytes()), ("state.bin", state), ("SHA256SUMS", sums.as_bytes())] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes).expect("written");
    }
    tar.into_inner().expect("written").finish().expect("written")
}

#[test]
fn a_snapshot_that_claims_a_record_of_gigabytes_is_refused() {
    let agent = counting().start();
    agent.put_ok("/v1/kv/kept", "1");
    let saved = agent.get("/v1/snapshot").body;
    // the header of the state, then a key whose value claims 4 GiB
    let mut state = b"\x81\xa9LastIndex\x09".to_vec();
    state.extend(b"\x02\x81\xa5Value\xdb\xff\xff\xff\xff some bytes");
    let before = memory(&agent);
    let refused = agent.put("/v1/snapshot", archive(&state));
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("a record above 134217728 bytes"), "{}", refused.text());
    assert!(memory(&agent) < before + 64, "{} MiB after {before}", memory(&agent));
    assert!(exceeded(&agent, "snapshot.record_bytes") >= 1);
    assert_eq!(agent.get("/v1/kv/kept?raw").text(), "1", "the state is as it was");
    agent.put_ok("/v1/snapshot", &saved);
    works(&agent);
}

/// A frame of a session without payload.
fn frame(kind: u8, flags: u16, stream: u32, length: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[1] = kind;
    bytes[2..4].copy_from_slice(&flags.to_be_bytes());
    bytes[4..8].copy_from_slice(&stream.to_be_bytes());
    bytes[8..].copy_from_slice(&length.to_be_bytes());
    bytes
}

const SYN: u16 = 1;

/// A session with the server port.
fn session(agent: &TestAgent) -> TcpStream {
    let mut stream = connect(&agent.address, 8300);
    stream.write_all(&[4]).expect("sent");
    stream
}

/// Reads what comes in a thread, so that only the port's own limits are met.
fn read_on(stream: &TcpStream) {
    let mut stream = stream.try_clone().expect("a handle");
    std::thread::spawn(move || while matches!(stream.read(&mut [0; 65_536]), Ok(1..)) {});
}

#[test]
fn a_session_has_a_limited_number_of_streams_and_keeps_its_windows() {
    let agent = counting().start();
    let mut many = session(&agent);
    read_on(&many);
    let opens: Vec<u8> = (0..33_000u32).flat_map(|number| frame(1, SYN, 2 * number + 1, 0)).collect();
    many.write_all(&opens).expect("sent");
    wait_until("streams to be refused", || exceeded(&agent, "rpc.session_streams") >= 1);
    works(&agent);
    drop(many);

    let mut overflowing = session(&agent);
    overflowing.write_all(&frame(0, SYN, 1, (256 << 10) + 1)).expect("sent");
    wait_until("the session to be closed", || is_closed(&mut overflowing));
    works(&agent);
}

#[test]
fn a_peer_that_asks_and_does_not_read_is_cut_off_by_the_server_port() {
    let agent = counting().start();
    let mut deaf = session(&agent);
    let pings = frame(2, SYN, 0, 7).repeat(10_000);
    wait_until("the session to be closed", || deaf.write_all(&pings).is_err());
    assert!(exceeded(&agent, "rpc.session_bytes") + exceeded(&agent, "rpc.write_time") >= 1);
    works(&agent);
}

/// A request header, `{Seq: 1, ServiceMethod: "KVS.Apply"}`.
const HEADER: &[u8] = b"\x82\xa3Seq\x01\xadServiceMethod\xa9KVS.Apply";

#[test]
fn nested_and_lying_requests_are_refused_by_the_server_port() {
    let agent = counting().start();
    let send = |body: &[u8]| {
        let mut stream = connect(&agent.address, 8300);
        stream.write_all(&[&[0], HEADER, body].concat()).expect("sent");
        stream
    };
    let before = memory(&agent);
    let mut deep = send(&vec![0x91; 200_000]);
    wait_until("the nested request to be refused", || is_closed(&mut deep));
    assert!(exceeded(&agent, "rpc.request_depth") >= 1);
    let mut long = send(b"\x81\xa3Key\xdb\xff\xff\xff\xff");
    wait_until("the lying request to be refused", || is_closed(&mut long));
    assert!(exceeded(&agent, "rpc.request_bytes") >= 1);
    // four thousand million elements are waited for, not reserved
    let many: Vec<TcpStream> =
        (0..50).map(|_| send(b"\x81\xa6DirEnt\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff")).collect();
    works(&agent);
    assert!(memory(&agent) < before + 64, "{} MiB after {before}", memory(&agent));
    drop(many);
}

#[test]
fn bombs_and_floods_do_not_keep_a_pool_from_working() {
    let agent = counting().start();
    let socket = UdpSocket::bind((agent.address.as_str(), 0)).expect("a socket");
    socket.connect((agent.address.as_str(), 8301)).expect("an address");
    let bomb = tribune::gossip::wire::compress(&vec![0; 1 << 20]);
    socket.send(&bomb).expect("sent");
    wait_until("the bomb to be refused", || exceeded(&agent, "gossip.packet_bytes") >= 1);
    let mut nested = vec![0, 0];
    for _ in 0..10 {
        let len = (nested.len() as u16).to_be_bytes();
        nested = [&[7, 1][..], &len, &nested].concat();
    }
    socket.send(&nested).expect("sent");
    wait_until("the nesting to be refused", || exceeded(&agent, "gossip.packet_nesting") >= 1);

    // a full exchange of two thousand million members
    let mut stream = connect(&agent.address, 8301);
    stream.write_all(b"\x06\x83\xa4Join\xc2\xa5Nodes\xce\x7f\xff\xff\xff\xacUserStateLen\x00").expect("sent");
    wait_until("the lying exchange to be refused", || exceeded(&agent, "gossip.stream_bytes") >= 1);

    let start = Instant::now();
    let mut sent = 0u64;
    while start.elapsed() < Duration::from_secs(2) {
        for _ in 0..500 {
            let _ = socket.send(&[&[8, 3][..], &sent.to_be_bytes(), &[0xff; 300]].concat());
            sent += 1;
        }
        works(&agent);
    }
    assert_eq!(agent.get("/v1/agent/members").json().as_array().map(Vec::len), Some(1), "nobody was made up");
}

#[test]
fn a_source_has_a_limited_number_of_gossip_streams_and_each_a_limited_time() {
    let agent = counting().start();
    let mut streams: Vec<TcpStream> = (0..70).map(|_| connect(&agent.address, 8301)).collect();
    wait_until("the surplus to be closed", || {
        streams.iter_mut().filter_map(|stream| is_closed(stream).then_some(())).count() >= 6
    });
    assert!(exceeded(&agent, "gossip.streams") >= 6);
    works(&agent);
    wait_until("the silent ones to be closed", || streams.iter_mut().all(is_closed));
    assert!(exceeded(&agent, "gossip.stream_time") >= 1);
}

#[test]
fn user_events_that_nobody_may_send_are_not_kept() {
    let agent = counting().start();
    let socket = UdpSocket::bind((agent.address.as_str(), 0)).expect("a socket");
    socket.connect((agent.address.as_str(), 8301)).expect("an address");
    let before = agent.get("/v1/event/list").json();
    for ltime in 1..200u8 {
        // a user message of serf: a user event with 30,000 bytes
        let mut packet = b"\x08\x03\x84\xa5LTime".to_vec();
        packet.extend([0xcc, ltime]);
        packet.extend(b"\xa4Name\xa5flood\xa7Payload\xda\x75\x30");
        packet.extend(vec![b'x'; 30_000]);
        packet.extend(b"\xa2CC\xc2");
        let _ = socket.send(&packet);
    }
    works(&agent);
    assert_eq!(agent.get("/v1/event/list").json(), before);
}

fn question(name: &str) -> Vec<u8> {
    let mut question = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(Name::from_ascii(name).expect("a name"), RecordType::A));
    question.to_vec().expect("a packet")
}

#[test]
fn silent_tcp_clients_of_dns_have_limited_places_and_time() {
    let agent = counting().start();
    let mut clients: Vec<TcpStream> = (0..140).map(|_| connect(&agent.address, 8600)).collect();
    wait_until("the surplus to be closed", || {
        clients.iter_mut().filter_map(|c| is_closed(c).then_some(())).count() >= 12
    });
    assert!(exceeded(&agent, "dns.connections") >= 12);
    assert!(agent.dns_udp(&question("consul.service.consul.")).is_some(), "others are answered");
    wait_until("the silent ones to be closed", || clients.iter_mut().all(is_closed));
    assert!(exceeded(&agent, "dns.tcp_idle") >= 1);
    let mut client = connect(&agent.address, 8600);
    let packet = question("consul.service.consul.");
    client.write_all(&[&(packet.len() as u16).to_be_bytes()[..], &packet].concat()).expect("sent");
    assert!(client.read(&mut [0; 512]).expect("an answer") > 0, "there are places again");
}

#[test]
fn questions_that_wait_for_a_silent_recursor_are_limited() {
    let silent = own_address();
    let recursor = UdpSocket::bind((silent.as_str(), 0)).expect("a socket that nobody reads");
    let port = recursor.local_addr().expect("an address").port();
    let config = format!("recursors = [\"{silent}:{port}\"] dns_config {{ recursor_timeout = \"20s\" }}");
    let agent = counting().file("recursors.hcl", &config).start();
    let socket = UdpSocket::bind((agent.address.as_str(), 0)).expect("a socket");
    socket.connect((agent.address.as_str(), 8600)).expect("an address");
    let packet = question("far.away.example.");
    wait_until("questions to be dropped", || {
        for _ in 0..500 {
            let _ = socket.send(&packet);
        }
        exceeded(&agent, "dns.waiting") >= 1
    });
    assert!(agent.dns_udp(&question("consul.service.consul.")).is_some(), "what needs no recursor is answered");
    works(&agent);
}
