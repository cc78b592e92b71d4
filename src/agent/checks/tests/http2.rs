//! gRPC and h2ping checks against tonic's health service, and TLS of every kind.

use super::*;

#[tokio::test]
async fn grpc_asks_the_health_service() {
    let server = health_server().await;
    for (service, status, rest) in [
        ("", Passing, "gRPC check {}: success"),
        ("/web", Passing, "gRPC check {}: success"),
        ("/down", Critical, "gRPC {} serving status: NOT_SERVING"),
    ] {
        let target = format!("{server}{service}");
        assert_eq!(first(json!({"GRPC": target})).await, result(status, rest.replace("{}", &target)));
    }
    let (status, output) = first(json!({"GRPC": format!("{server}/nope")})).await;
    assert_eq!(status, Critical);
    assert!(output.starts_with("rpc error: code = NotFound desc = "), "{output}");
}

#[tokio::test]
async fn grpc_tells_what_stands_in_the_way() {
    let (_socket, closed) = silent_socket();
    assert_eq!(
        first(json!({"GRPC": closed})).await,
        result(
            Critical,
            format!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: \
                 dial tcp {closed}: connect: connection refused\""
            )
        )
    );
    let plain = http_server(|_| "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()).await;
    let (status, output) = first(json!({"GRPC": plain})).await;
    assert_eq!(status, Critical);
    let prefix = "rpc error: code = Unavailable desc = connection error: desc = \"error reading server preface: ";
    assert!(output.starts_with(prefix), "{output}");
    let silent = http_server(|_| "never".to_owned()).await;
    assert_eq!(
        first(json!({"GRPC": silent, "Timeout": "100ms"})).await,
        result(Critical, "rpc error: code = DeadlineExceeded desc = context deadline exceeded")
    );
}

#[tokio::test]
async fn h2ping_is_acknowledged_or_not() {
    let server = health_server().await;
    let ping = |address: &str| json!({"H2PING": address, "H2PingUseTLS": false, "Timeout": "5s"});
    assert_eq!(first(ping(&server)).await, result(Passing, "HTTP2 ping was successful"));
    let (_socket, closed) = silent_socket();
    let output = format!("Failed to dial to {closed}: dial tcp {closed}: connect: connection refused");
    assert_eq!(first(ping(&closed)).await, result(Critical, output));
    let plain = http_server(|_| "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()).await;
    let (status, output) = first(ping(&plain)).await;
    assert_eq!(status, Critical);
    assert!(output.starts_with("HTTP2 ping failed: "), "{output}");
}

#[tokio::test]
async fn tls_is_verified_unless_told_otherwise() {
    let (trusting, acceptor) = tls_pair(&["localhost"], &[b"h2", b"http/1.1"]);
    let server = tls_server(acceptor).await;
    let url = format!("https://{server}/");
    let checks = [
        (json!({"TCP": server, "TCPUseTLS": true}), format!("TCP+TLS connect {server}: Success")),
        (json!({"HTTP": url}), format!("HTTP GET {url}: 200 OK Output: fine")),
        (json!({"GRPC": format!("{server}/web"), "GRPCUseTLS": true}), format!("gRPC check {server}/web: success")),
        (json!({"H2PING": server, "H2PingUseTLS": true}), "HTTP2 ping was successful".to_owned()),
    ];
    let (distrusting, _) = tls_pair(&["localhost"], &[]);
    for (def, output) in checks {
        let passing = result(Passing, output);
        assert_eq!(run_in(&trusting, def.clone()).next().await, passing);
        let (status, refusal) = run_in(&distrusting, def.clone()).next().await;
        assert_eq!(status, Critical, "{def}");
        let reason = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
        assert!(refusal.contains(reason), "{refusal}");
        let mut careless = def.clone();
        careless["TLSSkipVerify"] = json!(true);
        assert_eq!(run_in(&distrusting, careless).next().await, passing);
    }
}

#[tokio::test]
async fn the_server_name_can_be_given() {
    let (trusting, acceptor) = tls_pair(&["web.test"], &[]);
    let server = tls_server(acceptor).await;
    let mut def = json!({"TCP": server, "TCPUseTLS": true});
    assert_eq!(
        run_in(&trusting, def.clone()).next().await,
        result(Critical, "tls: failed to verify certificate: x509: certificate is valid for web.test, not localhost")
    );
    def["TLSServerName"] = json!("web.test");
    assert_eq!(run_in(&trusting, def).next().await.0, Passing);
}
