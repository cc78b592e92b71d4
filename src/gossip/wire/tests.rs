use super::*;
use crate::gossip::keyring::Keyring;
use crate::gossip::swim::{Node, State};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../tests/vectors/gossip-vectors.json")).expect("JSON"));

fn vectors(section: &str) -> &'static [Value] {
    VECTORS[section].as_array().expect("a section of vectors")
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_default()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn layers_for(vector: &Value) -> Layers {
    let key = text(vector, "key_hex");
    let keyring = (!key.is_empty()).then(|| Arc::new(Keyring::new(&[unhex(key)]).expect("a key")));
    Layers { keyring, label: text(vector, "label").into(), ..Layers::plain() }
}

/// The kinds of a packet's messages as the vectors write them: `compress>compound[ping,alive]`.
fn shape(message: &[u8]) -> String {
    match message {
        [kind::COMPOUND, body @ ..] => {
            let parts: Vec<String> = compound_parts(body).expect("a compound").map(shape).collect();
            format!("compound[{}]", parts.join(","))
        }
        [kind::COMPRESS, body @ ..] => {
            format!("compress>{}", shape(&decompress(body, MAX_PACKET_CONTENT).expect("compressed")))
        }
        _ => {
            let decoded = Message::decode(message).expect("a message");
            assert_eq!(decoded.encode(), message, "encoding {decoded:?} again");
            match decoded {
                Message::Ping(_) => "ping",
                Message::IndirectPing(_) => "indirectPing",
                Message::Ack(_) => "ackResp",
                Message::Suspect(_) => "suspect",
                Message::Alive(_) => "alive",
                Message::Dead(_) => "dead",
                Message::User(_) => "user",
                Message::Nack(_) => "nackResp",
                Message::Failure(_) => "err",
            }
            .into()
        }
    }
}

/// The same from the decoded form of a vector, without the layers that [`Layers`] takes off.
fn wanted_shape(decoded: &Value) -> String {
    let inner = || wanted_shape(&decoded["inner"]);
    match decoded["name"].as_str() {
        None | Some("hasCrc") => inner(),
        Some("compress") => format!("compress>{}", inner()),
        Some("compound") => {
            let parts: Vec<_> = decoded["parts"].as_array().expect("parts").iter().map(wanted_shape).collect();
            format!("compound[{}]", parts.join(","))
        }
        Some(name) => name.into(),
    }
}

/// Compares the fields that the vectors show undecoded.
fn check_fields(message: &[u8], decoded: &Value) {
    match message {
        [kind::COMPOUND, body @ ..] => {
            for (part, decoded) in
                compound_parts(body).expect("a compound").zip(decoded["parts"].as_array().expect("parts"))
            {
                check_fields(part, decoded);
            }
        }
        [kind::COMPRESS, body @ ..] => {
            check_fields(&decompress(body, MAX_PACKET_CONTENT).expect("compressed"), &decoded["inner"]);
        }
        _ => {
            let body = &decoded["body"];
            let number = |key: &str| body[key].as_u64().unwrap_or_default();
            let is = |key: &str, found: &str| assert_eq!(found, text(body, key), "{key} of {decoded}");
            match Message::decode(message).expect("a message") {
                Message::Ping(ping) => {
                    is("Node", ping.node);
                    is("SourceNode", ping.source_node);
                    assert_eq!(
                        (u64::from(ping.seq), u64::from(ping.source_port)),
                        (number("SeqNo"), number("SourcePort"))
                    );
                }
                Message::IndirectPing(ping) => {
                    is("Node", ping.node);
                    assert_eq!((u64::from(ping.seq), u64::from(ping.port)), (number("SeqNo"), number("Port")));
                    assert_eq!(Some(ping.nack), body["Nack"].as_bool());
                }
                Message::Ack(Ack { seq, .. }) | Message::Nack(Nack { seq }) => {
                    assert_eq!(u64::from(seq), number("SeqNo"))
                }
                Message::Suspect(Suspect { incarnation, node, from })
                | Message::Dead(Dead { incarnation, node, from }) => {
                    is("Node", node);
                    is("From", from);
                    assert_eq!(u64::from(incarnation), number("Incarnation"));
                }
                Message::Alive(alive) => {
                    is("Node", alive.node);
                    let hex: String = alive.address.iter().map(|byte| format!("{byte:02x}")).collect();
                    is("Addr", &format!("hex:{hex}"));
                    assert_eq!(
                        (u64::from(alive.incarnation), u64::from(alive.port)),
                        (number("Incarnation"), number("Port"))
                    );
                    assert_eq!(serde_json::json!(alive.versions), body["Vsn"]);
                }
                Message::Failure(failure) => is("Error", failure.error),
                Message::User(_) => {}
            }
        }
    }
}

/// The decoded form below checksum and encryption.
fn below_layers(mut decoded: &Value) -> &Value {
    while matches!(decoded["name"].as_str(), None | Some("hasCrc")) {
        decoded = &decoded["inner"];
    }
    decoded
}

fn read_stream(layers: &Layers, bytes: &[u8], step: usize) -> Result<Option<StreamMessage>, Error> {
    let mut reader = layers.stream_reader(false);
    for piece in bytes.chunks(step) {
        if let Some(message) = reader.read(piece)? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

fn node_of(row: &Member) -> Node {
    Node {
        name: std::str::from_utf8(row.name).expect("UTF-8").into(),
        address: SocketAddr::new(ip_of(row.address).expect("an address"), row.port),
        meta: Bytes::copy_from_slice(row.meta),
        versions: row.versions.try_into().expect("six versions"),
        incarnation: row.incarnation,
        state: State::from_code(row.state).expect("a state"),
        since: Duration::ZERO,
    }
}

#[test]
fn every_recorded_packet_is_decoded_and_encoded_again() {
    let mut count = 0;
    for vector in
        vectors("captured").iter().chain(vectors("encoded")).filter(|vector| text(vector, "transport") == "packet")
    {
        let datagram = unhex(text(vector, "hex"));
        let message = layers_for(vector).open_packet(&datagram).expect("a packet");
        let decoded = below_layers(&vector["decoded"]);
        assert_eq!(shape(&message), wanted_shape(decoded), "{}", text(vector, "name"));
        check_fields(&message, decoded);
        count += 1;
    }
    assert_eq!(count, 95 + 14);
}

#[test]
fn every_recorded_stream_is_read_however_it_is_cut() {
    let mut count = 0;
    for vector in vectors("captured").iter().filter(|vector| text(vector, "transport") == "stream") {
        let bytes = unhex(text(vector, "hex"));
        let layers = layers_for(vector);
        let whole = read_stream(&layers, &bytes, bytes.len()).expect("a stream").expect("a whole message");
        for step in [1, 2, 7, 100] {
            assert_eq!(
                read_stream(&layers, &bytes, step).as_ref(),
                Ok(&Some(whole.clone())),
                "{}",
                text(vector, "name")
            );
        }
        let mut decoded = &vector["decoded"];
        while decoded.get("inner").is_some() {
            decoded = &decoded["inner"];
        }
        check_stream(&whole, decoded);
        count += 1;
    }
    assert_eq!(count, 19);
}

fn check_stream(message: &StreamMessage, decoded: &Value) {
    match message {
        StreamMessage::PushPull(state) => {
            assert_eq!(text(decoded, "name"), "pushPull");
            let nodes: Vec<Node> = state.members().map(|row| node_of(&row)).collect();
            let wanted: Vec<&str> =
                decoded["nodes"].as_array().expect("nodes").iter().map(|node| text(node, "Name")).collect();
            assert_eq!(nodes.iter().map(|node| &*node.name).collect::<Vec<_>>(), wanted);
            // The codec gives the recorded bytes again: what we read from our own encoding is the same.
            let again = push_pull(state.join, nodes.iter(), &state.user);
            let again = read_stream(&Layers::plain(), &again, 50).expect("ours").expect("whole");
            assert_eq!(&again, message);
        }
        StreamMessage::Ping { seq, node } => {
            assert_eq!(
                (u64::from(*seq), &**node),
                (decoded["body"]["SeqNo"].as_u64().expect("one"), text(&decoded["body"], "Node"))
            );
        }
        StreamMessage::Ack { seq } => assert_eq!(Some(u64::from(*seq)), decoded["body"]["SeqNo"].as_u64()),
        StreamMessage::Failure(error) => assert_eq!(error, text(&decoded["body"], "Error")),
        StreamMessage::User(message) => {
            assert_eq!(Some(message.len() as u64), decoded["header"]["UserMsgLen"].as_u64())
        }
    }
}

#[test]
fn recorded_encryption_is_opened_and_reproduced() {
    for vector in vectors("encryption") {
        let (bytes, plain) = (unhex(text(vector, "hex")), unhex(text(vector, "plain_hex")));
        let layers = layers_for(vector);
        let name = text(vector, "name");
        if text(vector, "transport") == "packet" {
            assert_eq!(layers.open_packet(&bytes).expect(name), plain, "{name}");
        } else {
            let message = read_stream(&layers, &bytes, 3).expect(name).expect("whole");
            assert!(matches!(message, StreamMessage::Ping { seq: 42, .. }), "{name}: {message:?}");
        }
        let stranger = Layers { label: "red".into(), ..layers.clone() };
        assert_eq!(stranger.open_packet(&bytes), Err(Error::Label), "{name}");
    }
    for vector in vectors("encryption").iter().filter(|vector| vector.get("nonce_hex").is_some()) {
        let cipher = Cipher::new(&unhex(text(vector, "key_hex"))).expect("a key");
        let nonce = unhex(text(vector, "nonce_hex")).try_into().expect("12 bytes");
        let wanted = unhex(text(vector, "hex"));
        let mut sealed = Vec::new();
        cipher.seal_with(wanted[0], nonce, &unhex(text(vector, "plain_hex")), &[], &mut sealed);
        assert_eq!(sealed, wanted);
    }
}

#[test]
fn recorded_lzw_is_unpacked_and_reproduced() {
    for vector in vectors("lzw") {
        let (Some(packed), Some(plain)) = (vector["lzw_hex"].as_str(), vector["input_hex"].as_str()) else { continue };
        let (packed, plain) = (unhex(packed), unhex(plain));
        assert_eq!(compress::unlzw(&packed, plain.len()), Ok(plain.clone()), "{}", text(vector, "name"));
        // Older writers do not begin with a clear code; we do, as newer ones.
        if vector.get("lzw_sha256").is_some() {
            assert_eq!(compress::lzw(&plain), packed, "{}", text(vector, "name"));
        }
    }
    // Long enough to fill the table of codes several times.
    let mut state = 1u32;
    for shift in [24, 30] {
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> shift) as u8
        });
        let plain: Vec<u8> = noise.take(20_000).collect();
        assert_eq!(compress::unlzw(&compress::lzw(&plain), plain.len()).expect("ours"), plain);
    }
}

fn some_layers() -> Vec<Layers> {
    let keyring = |key: &[u8]| Some(Arc::new(Keyring::new(&[key]).expect("a key")));
    let mut all = Vec::new();
    for keyring in [None, keyring(&[7; 16]), keyring(&[8; 24]), keyring(&[9; 32])] {
        for compression in [false, true] {
            for label in ["", "blue"] {
                all.push(Layers { keyring: keyring.clone(), compression, label: label.into(), ..Layers::plain() });
            }
        }
    }
    all
}

#[test]
fn what_is_sealed_is_opened() {
    let message = Message::User(&[42; 700]).encode();
    for layers in some_layers() {
        for checksum in [false, true] {
            let sealed = layers.seal_packet(&message, checksum);
            let opened = layers.open_packet(&sealed).expect("our own");
            match &*opened {
                [kind::COMPRESS, body @ ..] => assert_eq!(decompress(body, 701).expect("ours"), message),
                opened => assert_eq!(opened, message),
            }
            assert!(sealed.len() <= message.len() + layers.packet_overhead() + 5);
        }
        let sealed = layers.seal_stream(&user_stream(b"hello"), true);
        for step in [1, 5, sealed.len()] {
            assert_eq!(
                read_stream(&layers, &sealed, step),
                Ok(Some(StreamMessage::User(Bytes::from_static(b"hello"))))
            );
        }
    }
}

#[test]
fn strangers_are_told_apart() {
    let keyed =
        |key: u8| Layers { keyring: Some(Arc::new(Keyring::new(&[[key; 16]]).expect("a key"))), ..Layers::plain() };
    let ping = Message::Ping(Ping { seq: 1, node: "n", ..Ping::default() }).encode();
    let (ours, theirs, open) = (keyed(1), keyed(2), Layers::plain());
    let lax = Layers { verify_incoming: false, ..keyed(1) };
    let silent = Layers { verify_outgoing: false, ..keyed(1) };

    assert_eq!(ours.open_packet(&theirs.seal_packet(&ping, false)), Err(Error::WrongKey));
    assert_eq!(ours.open_packet(&open.seal_packet(&ping, false)), Err(Error::Plaintext));
    assert_eq!(ours.open_packet(&silent.seal_packet(&ping, false)), Err(Error::Plaintext));
    assert_eq!(lax.open_packet(&open.seal_packet(&ping, false)).expect("tolerated"), ping);

    let refusal = |to: &Layers, from: &Layers| {
        read_stream(to, &from.seal_stream(&ping, true), 4).expect_err("refused").to_string()
    };
    assert_eq!(refusal(&ours, &theirs), "No installed keys could decrypt the message");
    assert_eq!(refusal(&ours, &open), "Encryption is configured but remote state is not encrypted");
    assert_eq!(refusal(&open, &ours), "Remote state is encrypted and encryption is not configured");
    assert!(read_stream(&lax, &open.seal_stream(&ping, true), 4).expect("tolerated").is_some());
}

/// Bytes of stimuli and what decoding them says.
#[test]
fn malformed_messages_are_refused_with_a_reason() {
    let cases: [(&str, Error); 9] = [
        ("", Error::Short),
        ("63", Error::UnknownType(0x63)),
        ("0082a44e6f6465c40473727631a55365714e6fcd03f2", Error::Malformed("expected a text")),
        ("0082a44e6f6465a473727631a55365714e6fcf0000000100000000", Error::Malformed("number out of range")),
        ("0082a44e6f6465a473727631a55365714e6fff", Error::Malformed("number out of range")),
        ("0082a44e6f6465a473", Error::Short),
        ("00dfffffffff", Error::Short),
        ("0093010203", Error::Malformed("expected a map")),
        ("0081a44e6f6465a1ff", Error::Malformed("text is not UTF-8")),
    ];
    for (hex, error) in cases {
        assert_eq!(Message::decode(&unhex(hex)), Err(error), "{hex}");
    }
    // Liberal where the reference is: other widths, str8, bin8 for bytes, unknown fields, nil.
    let odd = unhex(
        "0086d9044e6f6465d90473727631a55365714e6fd103f1aa536f7572636541646472c4047f000001a54578747261930102a178aa536f75726365506f7274c0aa536f757263654e6f6465a0",
    );
    let wanted = Ping { seq: 1009, node: "srv1", source_address: &[127, 0, 0, 1], ..Ping::default() };
    assert_eq!(Message::decode(&odd), Ok(Message::Ping(wanted)));
}

#[test]
fn a_compound_that_is_cut_short_keeps_its_first_parts() {
    let whole = &compound(&[&b"abc"[..], b"defg", b""])[0];
    let parts = |bytes: &[u8]| compound_parts(&bytes[1..]).map(|parts| parts.map(<[u8]>::to_vec).collect::<Vec<_>>());
    assert_eq!(parts(whole).expect("whole"), [b"abc".to_vec(), b"defg".to_vec(), vec![]]);
    assert_eq!(parts(&whole[..whole.len() - 1]).expect("cut"), [b"abc".to_vec()]);
    assert_eq!(parts(&whole[..5]), Err(Error::Short));
    assert_eq!(compound(&vec![b"x"; 600]).iter().map(|packed| packed[1]).collect::<Vec<_>>(), [255, 255, 90]);
}

#[test]
fn sizes_are_refused_before_anything_is_decoded() {
    let bomb = compress(&vec![0; 8 << 20]);
    assert!(bomb.len() < 60_000, "a small packet");
    assert!(matches!(decompress(&bomb[1..], MAX_PACKET_CONTENT), Err(Error::TooLong { .. })));
    assert!(matches!(Layers::plain().open_packet(&vec![8; MAX_PACKET + 1]), Err(Error::TooLong { .. })));

    let keyed = Layers { keyring: Some(Arc::new(Keyring::new(&[[1; 16]]).expect("a key"))), ..Layers::plain() };
    assert!(matches!(
        read_stream(&keyed, &unhex("0a7fffffff"), 5),
        Err(Error::TooLong { what: "encrypted state", .. })
    ));
    let headers = [
        ("0683a44a6f696ec3a54e6f646573ce00100001ac5573657253746174654c656e00", "node count"),
        ("0683a44a6f696ec3a54e6f64657300ac5573657253746174654c656ece01400001", "user state"),
        ("0881aa557365724d73674c656ece7fffffff", "user state"),
    ];
    for (hex, wanted) in headers {
        let error = read_stream(&Layers::plain(), &unhex(hex), 9).expect_err("refused");
        assert!(matches!(error, Error::TooLong { what, .. } if what == wanted), "{error:?}");
    }
    let negative = unhex("0881aa557365724d73674c656eff");
    assert_eq!(read_stream(&Layers::plain(), &negative, 9), Err(Error::Malformed("negative length")));
    // A header that never ends.
    let mut endless = unhex("06df00ffffff");
    endless.resize(100_000, 0xc0);
    assert!(matches!(
        read_stream(&Layers::plain(), &endless, 4096),
        Err(Error::TooLong { .. }) | Err(Error::Malformed(_))
    ));
}

#[test]
fn a_big_state_arrives_in_small_pieces() {
    let node = |number: u32| Node {
        name: format!("node-{number}").into(),
        address: SocketAddr::from(([10, 0, (number >> 8) as u8, number as u8], 8301)),
        meta: Bytes::from_static(&[0xff; 200]),
        versions: crate::gossip::swim::VERSIONS,
        incarnation: number,
        state: State::Alive,
        since: Duration::ZERO,
    };
    let nodes: Vec<Node> = (0..3000).map(node).collect();
    let state = push_pull(true, nodes.iter(), &[5; 100_000]);
    for layers in some_layers() {
        let sealed = layers.seal_stream(&state, true);
        let Ok(Some(StreamMessage::PushPull(found))) = read_stream(&layers, &sealed, 1400) else { panic!("a state") };
        assert_eq!((found.len(), found.user.len(), found.join), (3000, 100_000, true));
        assert!(found.members().map(|row| node_of(&row)).eq(nodes.iter().cloned()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), step in 1usize..60) {
        for layers in some_layers() {
            if let Ok(message) = layers.open_packet(&bytes) {
                walk(&message, MAX_NESTING);
            }
            let _ = read_stream(&layers, &bytes, step);
        }
    }

    #[test]
    fn damaged_vectors_never_harm(
        index in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let vector = index.get(vectors("captured"));
        let mut bytes = unhex(text(vector, "hex"));
        *at.get_mut(&mut bytes) = value;
        bytes.truncate(1 + cut.index(bytes.len()));
        let plain = Layers::plain();
        if let Ok(message) = plain.open_packet(&bytes) {
            walk(&message, MAX_NESTING);
        }
        // Inside the layers, too: damage what was sealed.
        if let Ok(message) = layers_for(vector).open_packet(&unhex(text(vector, "hex"))) {
            let mut message = message.into_owned();
            *at.get_mut(&mut message) = value;
            walk(&message, MAX_NESTING);
        }
        let _ = read_stream(&plain, &bytes, 17);
    }
}

/// Decodes as deep as a receiver does.
fn walk(message: &[u8], nesting: usize) {
    match message {
        _ if nesting == 0 => {}
        [kind::COMPOUND, body @ ..] => {
            compound_parts(body).into_iter().flatten().for_each(|part| walk(part, nesting - 1))
        }
        [kind::COMPRESS, body @ ..] => {
            if let Ok(content) = decompress(body, MAX_PACKET_CONTENT) {
                assert!(content.len() <= MAX_PACKET_CONTENT);
                walk(&content, nesting - 1);
            }
        }
        _ => {
            if let Ok(decoded) = Message::decode(message) {
                assert_eq!(Message::decode(&decoded.encode()), Ok(decoded));
            }
        }
    }
}
