//! First inputs of the fuzz targets: recorded packets, calls and snapshots, and texts written by hand.

use crate::raft::archive;
use crate::types::msgpack;
use serde_json::Value as Json;

/// The seeds of a decoder.
pub fn of(name: &str) -> Vec<Vec<u8>> {
    match name {
        "config_hcl" => texts(include_str!("seeds/config.hcl"), "# ----\n"),
        "config_json" => texts(include_str!("seeds/config.json"), "----\n"),
        "http_request" => texts(include_str!("seeds/requests.txt"), "----\n"),
        "http_body" => texts(include_str!("seeds/bodies.txt"), "----\n"),
        "filter" => texts(include_str!("seeds/filters.txt"), "----\n"),
        "acl_rules" => texts(include_str!("seeds/rules.txt"), "----\n"),
        "jwt" => texts(include_str!("seeds/tokens.txt"), "----\n"),
        "auth_answer" => texts(include_str!("seeds/answers.txt"), "----\n"),
        "csr" => csr(),
        "query_template" => texts(include_str!("seeds/templates.txt"), "----\n"),
        "dns_packet" => dns(),
        "gossip_packets" => packets(),
        "gossip_encrypted" => gossip(&["encryption"], "").chain(gossip(&["encoded"], "packet")).collect(),
        "gossip_stream" => {
            gossip(&["captured", "stimuli"], "stream").map(|bytes| [&[255], &bytes[..]].concat()).collect()
        }
        "gossip_lzw" => compressed(),
        "serf_messages" => serf(),
        "user_event" => vec![hex(&gossip_vectors()["consul_event_payload"]["hex"])],
        "msgpack" => calls().map(|call| hex(&call["response_body_hex"])).filter(|body| body.len() < 2000).collect(),
        "yamux" => yamux(),
        "rpc_calls" => calls().map(|call| request(&call)).collect(),
        "rpc_reply" => calls().filter(|call| call["response_body_hex"] != "80").map(|call| reply(&call)).collect(),
        "rpc_snapshot" => list(&rpc_vectors()["snapshot_rpc"]).map(|call| hex(&call["request_hex"])).collect(),
        "rpc_subscribe" => vec![
            b"\x08\x01\x12\x03web\x1a\x05token\x20\x07\x2a\x03dc1".to_vec(),
            b"\x08\x01\x52\x05\x0a\x03web".to_vec(),
        ],
        "auto_config" => auto_config(),
        "raft_link" => link(),
        "raft_message" => crate::raft::fuzzing::seeds(),
        "state_commands" => commands(),
        "snapshot_archive" => SNAPSHOTS.iter().map(|bytes| bytes.to_vec()).collect(),
        "snapshot_state" => SNAPSHOTS.iter().map(|bytes| state(bytes)).collect(),
        _ => panic!("{name} has no seeds"),
    }
}

/// Requests made by another library, as PEM and as DER, and an authority.
fn csr() -> Vec<Vec<u8>> {
    let texts = texts(include_str!("seeds/csr.txt"), "====\n");
    let der = |text: &Vec<u8>| {
        let (_, der) = rustls::pki_types::pem::from_buf(&mut &text[4..]).expect("PEM").expect("a block");
        [b"der\n", &der[..]].concat()
    };
    let kept: Json = serde_json::from_str(KEPT).expect("recorded");
    let root = kept["CARoots"]["Roots"][0]["RootCert"].as_str().expect("text");
    let root = crate::tls::pem::certificates(root.as_bytes()).expect("a certificate").swap_remove(0);
    let authority = [b"certificate\n", &root[..]].concat();
    texts.iter().map(der).chain([authority]).chain(texts.clone()).collect()
}

fn auto_config() -> Vec<Vec<u8>> {
    vec![
        b"request\n\x0a\x03dc1\x12\x05web-1\x2a\x05a.b.c\x3a\x03csr".to_vec(),
        [b"response\n", &crate::rpc::fuzzing::response_of(KEPT)[..]].concat(),
        format!("kept\n{KEPT}").into_bytes(),
    ]
}

/// What a real agent with `auto_config` keeps.
const KEPT: &str = include_str!("../../tests/vectors/auto-config.json");

const SNAPSHOTS: [&[u8]; 2] = [
    include_bytes!("../../tests/vectors/snapshot-acl.snap"),
    include_bytes!("../../tests/vectors/snapshot-connect.snap"),
];

fn texts(text: &str, between: &str) -> Vec<Vec<u8>> {
    text.split(between).map(|text| text.trim_end_matches('\n').as_bytes().to_vec()).collect()
}

fn vectors(text: &str) -> Json {
    serde_json::from_str(text).expect("recorded vectors")
}

fn gossip_vectors() -> Json {
    vectors(include_str!("../../tests/vectors/gossip-vectors.json"))
}

fn rpc_vectors() -> Json {
    vectors(include_str!("../../tests/vectors/rpc-vectors.json"))
}

fn list(json: &Json) -> impl Iterator<Item = Json> + use<> {
    json.as_array().cloned().unwrap_or_default().into_iter()
}

fn hex(json: &Json) -> Vec<u8> {
    let text = json.as_str().unwrap_or_default();
    // some are recorded in part, with dots behind
    (0..text.len() / 2).map_while(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}

/// Recorded bytes of some lists; the transport is empty for both.
fn gossip(lists: &[&str], transport: &'static str) -> impl Iterator<Item = Vec<u8>> + use<> {
    let vectors = gossip_vectors();
    let rows: Vec<Json> = lists.iter().flat_map(|name| list(&vectors[*name])).collect();
    rows.into_iter()
        .filter(move |row| transport.is_empty() || row["transport"] == transport)
        .map(|row| hex(&row["hex"]))
}

/// Pieces, each behind its length.
fn framed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&(piece.len() as u16).to_be_bytes());
        out.extend_from_slice(piece);
    }
    out
}

fn packets() -> Vec<Vec<u8>> {
    let all: Vec<_> = gossip(&["captured", "encoded", "stimuli"], "packet").collect();
    all.chunks(4).map(|four| framed(four.iter().map(Vec::as_slice))).collect()
}

/// User messages, which packets of these vectors carry behind their type byte.
fn serf() -> Vec<Vec<u8>> {
    let streams = gossip(&["captured", "encoded", "stimuli"], "").filter(|bytes| bytes.first() == Some(&8));
    let own = [
        &b"\x02\x82\xa5LTime\x05\xa4Node\xa2n2"[..],
        b"\x01\x83\xa5LTime\x06\xa4Node\xa2n3\xa5Prune\xc3",
        b"\x03\x84\xa2CC\xc3\xa5LTime\x07\xa4Name\xa6deploy\xa7Payload\xa3abc",
    ];
    let mut seeds: Vec<_> = own.iter().map(|message| framed([&[&[9], *message].concat()[..]])).collect();
    seeds.extend(streams.map(|bytes| framed([&[&[9], &bytes[1..]].concat()[..]])));
    seeds.push(framed([&[&[2], &hex(&gossip_vectors()["coordinate_encoding"]["ack_payload_hex"])[..]].concat()[..]]));
    seeds
}

fn compressed() -> Vec<Vec<u8>> {
    let texts = [&b""[..], b"a", &[b'a'; 5000], b"the quick brown fox jumps over the lazy dog, the quick brown fox"];
    texts.iter().map(|text| crate::gossip::wire::compress(text)[1..].to_vec()).collect()
}

fn dns() -> Vec<Vec<u8>> {
    let names = [
        "web.service.consul",
        "primary.web.service.dc1.consul",
        "_web._tcp.service.consul",
        "n1.node.consul",
        "nearest.query.consul",
        "7f000001.addr.dc1.consul",
        "1.0.0.127.in-addr.arpa",
        "consul",
        "web.connect.consul",
        "example.com",
    ];
    // A, NS, SOA, PTR, AAAA, SRV, TXT, ANY
    let kinds = [1, 2, 6, 12, 28, 33, 16, 255];
    let mut seeds = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for edns in [false, true] {
            let mut packet = vec![u8::from(edns), 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
            for label in name.split('.') {
                packet.push(label.len() as u8);
                packet.extend_from_slice(label.as_bytes());
            }
            packet.extend_from_slice(&[0, 0, kinds[at % kinds.len()], 0, 1]);
            if edns {
                // an OPT record with a client subnet
                packet.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 127, 0, 0]);
            }
            seeds.push(packet);
        }
    }
    seeds
}

fn calls() -> impl Iterator<Item = Json> {
    list(&rpc_vectors()["calls"])
}

fn request(call: &Json) -> Vec<u8> {
    [hex(&call["request_header_hex"]), hex(&call["request_body_hex"])].concat()
}

fn reply(call: &Json) -> Vec<u8> {
    [call["method"].as_str().unwrap_or_default().as_bytes(), b"\n", &hex(&call["response_body_hex"])].concat()
}

/// Frames of both sides, each as one step or as several, with what an owner would do in between.
fn yamux() -> Vec<Vec<u8>> {
    let vectors = rpc_vectors();
    let sides = [("client_to_server", 1), ("server_to_client", 0)];
    let mut seeds = Vec::new();
    for (name, side) in sides {
        let mut steps = vec![side, 0];
        for frame in list(&vectors["mux"][name]) {
            let frame = [hex(&frame["header_hex"]), hex(&frame["payload_hex"])].concat();
            for piece in frame.chunks(54) {
                // a step takes 12 bytes and up to 42 more; a shorter piece takes the next step's byte for its own
                steps.push(8 + (piece.len().saturating_sub(12)).div_ceil(6) as u8);
                steps.extend_from_slice(piece);
            }
            steps.extend_from_slice(&[1, 2, 3, 6]);
        }
        seeds.push(steps);
    }
    for case in list(&vectors["edge_cases"]) {
        let frame = hex(&case["client_hex"]);
        if frame.len() == 12 {
            let open = hex(&Json::from("000100010000000100000000"));
            seeds.push([&[1, 8], &open[..], &[1, 8], &frame[..], &[2, 3, 4, 7, 5, 6]].concat());
        }
    }
    seeds
}

fn link() -> Vec<Vec<u8>> {
    let id = "6f76c6b9-b43d-1526-0da3-659a96e8899e";
    let hello = |kind| {
        let mut hello = vec![1, kind];
        for text in [id, id, "127.0.0.1:8300"] {
            hello.push(text.len() as u8);
            hello.extend_from_slice(text.as_bytes());
        }
        hello
    };
    let message = [&[0, 0, 0, 3][..], &[0, 0, 0, 0, 0, 0, 0, 1], b"abc", &[0; 12]].concat();
    let chunks = [&[0, 0, 0, 4][..], b"abcd", &[0, 0, 0, 1], b"e", &[0, 0, 0, 0]].concat();
    vec![[hello(0), message].concat(), [hello(1), chunks].concat()]
}

/// Bodies of recorded writes as entries of the log.
fn commands() -> Vec<Vec<u8>> {
    use crate::state::kind;
    let kinds = [
        ("Catalog.Register", kind::REGISTER),
        ("Catalog.Deregister", kind::DEREGISTER),
        ("KVS.Apply", kind::KVS),
        ("Session.Apply", kind::SESSION),
        ("PreparedQuery.Apply", kind::PREPARED_QUERY),
        ("Txn.Apply", kind::TXN),
    ];
    let entries: Vec<Vec<u8>> = calls()
        .filter_map(|call| {
            let kind = kinds.iter().find(|(name, _)| call["method"] == *name)?.1;
            Some([&[kind], &hex(&call["request_body_hex"])[..]].concat())
        })
        .collect();
    let mut seeds: Vec<_> = entries.iter().map(|entry| framed([&entry[..]])).collect();
    seeds.push(framed(entries.iter().map(Vec::as_slice)));
    seeds
}

fn state(snapshot: &[u8]) -> Vec<u8> {
    let mut state = Vec::new();
    archive::read(snapshot, &mut state).expect("a recorded snapshot");
    // the header must be one that `Records` takes
    assert!(msgpack::value_len(&state).is_ok());
    state
}
