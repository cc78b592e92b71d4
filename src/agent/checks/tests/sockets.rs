//! TCP and UDP checks.

use super::*;

#[tokio::test]
async fn tcp_is_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let address = listener.local_addr().expect("address").to_string();
    let success = format!("TCP connect {address}: Success");
    assert_eq!(first(json!({"TCP": address})).await, result(Passing, success));
    let (_socket, closed) = silent_socket();
    for (address, output) in [
        (closed.as_str(), format!("dial tcp {closed}: connect: connection refused")),
        ("127.0.0.1", "dial tcp: address 127.0.0.1: missing port in address".to_owned()),
        ("127.0.0.1:99999", "dial tcp: address 99999: invalid port".to_owned()),
    ] {
        assert_eq!(first(json!({"TCP": address})).await, result(Critical, output));
    }
}

#[tokio::test]
async fn a_service_that_recovers_is_seen() {
    let (socket, address) = silent_socket();
    let mut check = run(json!({"TCP": address, "FailuresBeforeCritical": 3, "SuccessBeforePassing": 2}));
    assert_eq!(check.next().await.0, Critical);
    let _listener = socket.listen(8).expect("the socket listens");
    let mut last = Critical;
    while last == Critical {
        last = check.next().await.0;
    }
    assert_eq!(last, Passing);
}

#[tokio::test]
async fn udp_is_well_with_an_answer_or_silence() {
    let echo = UdpSocket::bind("127.0.0.1:0").await.expect("socket");
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("socket");
    let address = |socket: &UdpSocket| socket.local_addr().expect("address").to_string();
    let (talks, hears) = (address(&echo), address(&silent));
    tokio::spawn(async move {
        while let Ok((_, from)) = echo.recv_from(&mut [0; 16]).await {
            let _ = echo.send_to(b"pong", from).await;
        }
    });
    let success = |address: &str| result(Passing, format!("UDP connect {address}: Success"));
    assert_eq!(first(json!({"UDP": talks})).await, success(&talks));
    assert_eq!(first(json!({"UDP": hears, "Timeout": "20ms"})).await, success(&hears));
    drop(silent);
    let (status, output) = first(json!({"UDP": hears})).await;
    assert_eq!(status, Critical);
    assert!(output.starts_with("read udp 127.0.0.1:"), "{output}");
    assert!(output.ends_with(&format!("->{hears}: read: connection refused")), "{output}");
}
