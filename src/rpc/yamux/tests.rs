//! Sessions against recorded bytes and against each other.

use super::*;
use serde_json::Value;
use tokio::io::{DuplexStream, duplex};

fn vectors() -> Value {
    let path = format!("{}/tests/vectors/rpc-vectors.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn frames(vectors: &Value, side: &str, count: usize) -> Vec<u8> {
    let frames = &vectors["mux"][side].as_array().unwrap()[..count];
    let text = |frame: &Value, name: &str| frame[name].as_str().unwrap().to_owned();
    frames.iter().flat_map(|frame| unhex(&(text(frame, "header_hex") + &text(frame, "payload_hex")))).collect()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("in time")
}

/// A session whose peer is played by hand.
fn against_bytes(client: bool) -> (Session, DuplexStream, tokio::task::JoinHandle<Ended>) {
    let (here, there) = duplex(1 << 20);
    let limits = Limits { backlog: 4, ..Limits::default() };
    let (session, driver) = Session::new(here, client, limits);
    let task = tokio::spawn(driver);
    (session, there, task)
}

/// Two sessions that talk to each other over a small pipe.
fn pair() -> (Session, Session) {
    let (here, there) = duplex(3000);
    let (client, driver) = Session::client(here, Limits::default());
    tokio::spawn(driver);
    let (server, driver) = Session::server(there, Limits::default());
    tokio::spawn(driver);
    (client, server)
}

async fn expect(peer: &mut DuplexStream, hex: &str) {
    let wanted = unhex(hex);
    let mut got = vec![0; wanted.len()];
    within(peer.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, wanted, "{hex}");
}

#[tokio::test]
async fn recorded_frames_of_a_client_are_understood() {
    let vectors = vectors();
    let (session, mut peer, _task) = against_bytes(false);
    peer.write_all(&frames(&vectors, "client_to_server", 8)).await.unwrap();
    let mut stream = within(session.accept()).await.unwrap();
    let mut payload = Vec::new();
    let wanted: Vec<u8> = vectors["mux"]["client_to_server"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|frame| frame["type"] == "data" && frame["stream_id"] == 1)
        .flat_map(|frame| unhex(frame["payload_hex"].as_str().unwrap()))
        .collect();
    payload.resize(wanted.len(), 0);
    within(stream.read_exact(&mut payload)).await.unwrap();
    assert_eq!(payload, wanted);
    expect(&mut peer, "000200020000000000000000000100020000000100000000").await;
}

#[tokio::test]
async fn a_client_writes_what_was_recorded() {
    let vectors = vectors();
    let (session, mut peer, _task) = against_bytes(true);
    let mut stream = session.open().await.unwrap();
    let request = unhex(vectors["mux"]["client_to_server"][1]["payload_hex"].as_str().unwrap());
    stream.write_all(&request).await.unwrap();
    let text = |at: usize, name: &str| vectors["mux"]["client_to_server"][at][name].as_str().unwrap().to_owned();
    expect(&mut peer, &(text(0, "header_hex") + &text(1, "header_hex") + &text(1, "payload_hex"))).await;
    let answer = unhex(vectors["mux"]["server_to_client"][1]["payload_hex"].as_str().unwrap());
    peer.write_all(&frames(&vectors, "server_to_client", 2)).await.unwrap();
    let mut received = vec![0; answer.len()];
    within(stream.read_exact(&mut received)).await.unwrap();
    assert_eq!(received, answer);
    assert_eq!(session.ended(), None);
}

#[tokio::test]
async fn rules_are_kept_and_those_who_break_them_are_cut_off() {
    // ping, end of a stream, data and window for an unknown stream, go away: no harm
    let (session, mut peer, _task) = against_bytes(false);
    peer.write_all(&unhex("0002000100000000000004d2")).await.unwrap();
    expect(&mut peer, "0002000200000000000004d2").await;
    peer.write_all(&unhex("000100010000000100000000")).await.unwrap();
    let mut stream = within(session.accept()).await.unwrap();
    expect(&mut peer, "000100020000000100000000").await;
    peer.write_all(&unhex("000000040000000100000000")).await.unwrap();
    assert_eq!(within(stream.read(&mut [0])).await.unwrap(), 0);
    stream.shutdown().await.unwrap();
    expect(&mut peer, "000100040000000100000000").await;
    peer.write_all(&unhex(
        "00000000000000090000000361626300010000000000090000000100030000000000000000000000020001000000000000000a",
    ))
    .await
    .unwrap();
    peer.write_all(&unhex("000200010000000000000007")).await.unwrap();
    assert_eq!(session.ended(), None);

    // another version, an unknown type, an open id again, an id of the wrong side, more than was granted
    let open = "000100010000000100000000";
    for bad in [
        "010200010000000000000001".to_owned(),
        "000900010000000000000001".to_owned(),
        open.repeat(2),
        "000100010000000200000000".to_owned(),
        open.to_owned() + "000000000000000100040001",
    ] {
        let (session, mut peer, task) = against_bytes(false);
        peer.write_all(&unhex(&bad)).await.unwrap();
        assert_eq!(within(task).await.unwrap(), Ended::Confused, "{bad}");
        assert_eq!(session.ended(), Some(Ended::Confused));
    }
}

#[tokio::test]
async fn surplus_streams_are_refused() {
    let (session, mut peer, _task) = against_bytes(false);
    let open = |id: u32| unhex(&format!("00010001{id:08x}00000000"));
    for id in [1, 3, 5, 7, 9] {
        peer.write_all(&open(id)).await.unwrap();
    }
    expect(&mut peer, "000100080000000900000000").await;
    let taken = within(session.accept()).await.unwrap();
    expect(&mut peer, "000100020000000100000000").await;
    drop(taken);
    expect(&mut peer, "000100080000000100000000").await;

    let (session, mut peer, _task) = against_bytes(true);
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(session.open().await.unwrap());
    }
    let mut fifth = Box::pin(session.open());
    assert!(futures::poll!(&mut fifth).is_pending(), "four are unanswered");
    peer.write_all(&unhex("000100020000000100000000")).await.unwrap();
    streams.push(within(fifth).await.unwrap());
    let mut sixth = Box::pin(session.open());
    assert!(futures::poll!(&mut sixth).is_pending());
    drop(streams.pop());
    within(sixth).await.unwrap();
}

#[tokio::test]
async fn a_sender_never_exceeds_its_grant() {
    let (session, mut peer, _task) = against_bytes(true);
    let mut stream = session.open().await.unwrap();
    let sender = tokio::spawn(async move {
        stream.write_all(&vec![7; 300_000]).await.unwrap();
        stream
    });
    let (mut headers, mut sent) = (0, 0);
    expect(&mut peer, "000100010000000100000000").await;
    while sent < WINDOW as usize {
        let mut header = [0; 12];
        within(peer.read_exact(&mut header)).await.unwrap();
        let header = frame::Header::decode(&header).unwrap();
        let mut payload = vec![0; header.length as usize];
        within(peer.read_exact(&mut payload)).await.unwrap();
        (headers, sent) = (headers + 1, sent + payload.len());
    }
    assert_eq!((headers, sent), (8, WINDOW as usize));
    assert!(!sender.is_finished());
    peer.write_all(&unhex("000100000000000100020000")).await.unwrap();
    let _stream = within(sender).await.unwrap();
}

#[tokio::test]
async fn streams_carry_more_than_a_window_both_ways_at_once() {
    let (client, server) = pair();
    tokio::spawn(async move {
        while let Some(stream) = server.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = tokio::io::split(stream);
                tokio::io::copy(&mut reader, &mut writer).await.unwrap();
                writer.shutdown().await.unwrap();
            });
        }
    });
    let echo = |n: usize| {
        let client = client.clone();
        async move {
            let bytes: Vec<u8> = (0..700_000 + n).map(|at| ((at * n) >> 3) as u8).collect();
            let (mut reader, mut writer) = tokio::io::split(client.open().await.unwrap());
            let send = async {
                writer.write_all(&bytes).await.unwrap();
                writer.shutdown().await.unwrap();
            };
            let mut back = Vec::new();
            let (_, read) = tokio::join!(send, reader.read_to_end(&mut back));
            assert_eq!(read.unwrap(), bytes.len());
            assert!(back == bytes);
        }
    };
    within(futures::future::join_all((0..20).map(echo))).await;
}

#[tokio::test]
async fn ends_reach_everybody_who_waits() {
    let (client, server) = pair();
    let mut reading = client.open().await.unwrap();
    let mut other = within(server.accept()).await.unwrap();
    let gone = other.gone();
    drop(client.open().await.unwrap());
    drop(reading.shutdown());
    reading.finish();
    within(gone).await;
    assert!(!other.is_idle());
    other.write_all(b"late").await.unwrap();
    let mut late = [0; 4];
    within(reading.read_exact(&mut late)).await.unwrap();

    let mut waiting = client.open().await.unwrap();
    let accept = tokio::spawn(async move {
        while server.accept().await.is_some() {}
        other
    });
    client.close();
    assert_eq!(within(waiting.read(&mut [0])).await.unwrap_err().to_string(), "session shutdown");
    assert_eq!(waiting.write(b"x").await.unwrap_err().to_string(), "session shutdown");
    assert!(client.open().await.is_err());
    let mut other = within(accept).await.unwrap();
    assert_eq!(within(other.read(&mut [0])).await.unwrap(), 0, "it had ended before");
    assert_eq!(other.write(b"x").await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn an_aborted_stream_says_so() {
    let (client, server) = pair();
    let mut stream = client.open().await.unwrap();
    stream.write_all(b"x").await.unwrap();
    let mut other = within(server.accept()).await.unwrap();
    within(other.read_exact(&mut [0])).await.unwrap();
    drop(stream);
    assert_eq!(within(other.read(&mut [0])).await.unwrap_err().to_string(), "stream reset");
}

#[tokio::test]
async fn silence_and_blocked_writes_end_a_session() {
    let (here, mut peer) = duplex(1000);
    let soon = Limits { ping: Duration::from_millis(5), patience: Duration::from_secs(1), ..Limits::default() };
    let (session, driver) = Session::server(here, soon);
    let task = tokio::spawn(driver);
    for value in 0..3 {
        expect(&mut peer, &format!("0002000100000000{value:08x}")).await;
        peer.write_all(&unhex(&format!("0002000200000000{value:08x}"))).await.unwrap();
    }
    expect(&mut peer, "000200010000000000000003").await;
    assert_eq!(within(task).await.unwrap(), Ended::Silent);
    assert_eq!(session.ended(), Some(Ended::Silent));

    let (here, _there) = duplex(100);
    let (session, driver) = Session::client(here, Limits { ping: Duration::from_secs(3600), ..soon });
    let driver = tokio::spawn(driver);
    let mut stream = session.open().await.unwrap();
    stream.write_all(&[0; 1000]).await.unwrap();
    assert_eq!(within(driver).await.unwrap(), Ended::Blocked);
}

#[tokio::test]
async fn a_peer_that_asks_and_does_not_read_is_cut_off() {
    let (here, mut peer) = duplex(1000);
    let (_session, driver) = Session::server(here, Limits { patience: Duration::from_millis(50), ..Limits::default() });
    let task = tokio::spawn(driver);
    let pings = unhex("000200010000000000000001").repeat(1000);
    while peer.write_all(&pings).await.is_ok() {}
    assert_eq!(within(task).await.unwrap(), Ended::Blocked);
}

#[tokio::test]
async fn a_connection_is_not_read_while_too_much_of_it_waits() {
    let (here, mut peer) = duplex(1000);
    let (session, driver) = Session::server(here, Limits { unread: 100_000, ..Limits::default() });
    let task = tokio::spawn(driver);
    peer.write_all(&unhex("000100010000000100000000")).await.unwrap();
    let mut stream = within(session.accept()).await.unwrap();
    let data = [unhex("000000000000000100002710"), vec![7; 10_000]].concat();
    let mut sent = 0;
    // what is not read by the session blocks its peer
    while timeout(Duration::from_millis(200), peer.write_all(&data)).await.is_ok() {
        sent += 1;
        assert!(sent < 20, "everything was taken");
    }
    assert!(sent >= 10, "{sent}");
    let mut bytes = vec![0; 100_000];
    within(stream.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(bytes, vec![7; 100_000]);
    // the rest of the frame that was being written, and a further one
    within(stream.read_exact(&mut bytes[..1000])).await.unwrap();
    assert_eq!(session.ended(), None);
    drop(stream);
    within(async {
        while session.0.state.lock().pauses() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    task.abort();
}
