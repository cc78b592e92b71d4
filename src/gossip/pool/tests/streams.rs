//! Joins that go wrong, and strangers at the sockets.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

#[tokio::test]
async fn a_join_tells_what_went_wrong_with_each_address() {
    let [a, b] = cluster("127.64.1.1", |config| config).await;
    // A port that is closed now and was nobody's.
    let closed = TcpListener::bind("127.64.1.9:0").await.unwrap().local_addr().unwrap();
    let error = a.join(&[closed.to_string(), "nobody.invalid".into()]).await.unwrap_err().text;
    let wanted = format!(
        "2 errors occurred:\n\t* Failed to join {closed}: dial tcp {closed}: connect: connection refused\n\
         \t* Failed to resolve nobody.invalid: lookup nobody.invalid: no such host\n\n"
    );
    assert_eq!(error, wanted);
    let some = a.join(&[closed.to_string(), b.address().to_string(), format!("b/{}", b.address())]).await;
    assert_eq!(some, Ok(2), "what worked is counted, what did not is forgiven");
    assert_eq!(a.join(&[]).await, Ok(0));
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_as_the_reference_does() {
    let a = start(config("a", "127.64.2.1")).await;
    let bind = a.address();
    let error = Pool::start(PoolConfig { bind, ..config("b", "127.64.2.1") }).await.err().unwrap().text;
    let wanted = format!(
        "Failed to create memberlist: Could not set up network transport: failed to obtain an address: Failed to start TCP \
         listener on \"127.64.2.1\" port {}: listen tcp {bind}: bind: address already in use",
        bind.port()
    );
    assert_eq!(error, wanted);
    a.shutdown().await;
}

#[tokio::test]
async fn pools_meet_over_ipv6_too() {
    if UdpSocket::bind("[::1]:0").await.is_err() {
        eprintln!("skipped: there is no ::1 here");
        return;
    }
    let [a, b] = cluster("::1", |config| config).await;
    assert_eq!(a.member("b").unwrap().socket(), b.address());
    assert_eq!(a.join(&[format!("[::1]:{}", b.address().port())]).await, Ok(1));
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn strangers_cannot_disturb_a_pool() {
    let a = start(config("a", "127.64.3.1")).await;
    let packets = UdpSocket::bind("127.64.3.9:0").await.unwrap();
    for packet in [
        &b""[..],
        b"\x00",
        b"\xff\xff\xff",
        b"\x07\xff",
        b"\x09\x81\xa3Buf\xdb\xff\xff\xff\xff",
        b"\x08\x02\x80",
        &[0x0c; 1400],
    ] {
        packets.send_to(packet, a.address()).await.unwrap();
    }
    for bytes in [
        &b""[..],
        b"\x63\x01",
        b"\x06\x83",
        b"\x0a\xff\xff\xff\xff",
        b"\x08\x81\xaaUserMsgLen\x01\x00",
        &[0x09; 70_000],
    ] {
        let mut stream = TcpStream::connect(a.address()).await.unwrap();
        // The pool may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("the pool closes the stream");
    }
    let b = start(config("b", "127.64.3.2")).await;
    assert_eq!(join(&b, &a).await, Ok(1));
    until_status(&a, "b", MemberStatus::Alive).await;
    assert_eq!(a.members().len(), 2);
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn silent_streams_leave_room_for_a_join() {
    let a = start(config("a", "127.64.4.1")).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(a.address()).await.unwrap());
    }
    let b = start(config("b", "127.64.4.2")).await;
    assert_eq!(join(&b, &a).await, Ok(1));
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn a_peer_that_never_answers_costs_a_join_its_deadline() {
    let a = start(config("a", "127.64.5.1")).await;
    let mute = TcpListener::bind("127.64.5.9:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    // The profile for one machine gives a stream one second.
    let error = timeout(PATIENCE, a.join(&[address.to_string()])).await.expect("a deadline").unwrap_err().text;
    assert_eq!(error, format!("1 error occurred:\n\t* Failed to join {address}: read tcp {address}: i/o timeout\n\n"));
    a.shutdown().await;
}
