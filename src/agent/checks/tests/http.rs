//! HTTP checks against small servers.

use super::*;

#[tokio::test]
async fn the_status_code_is_the_status() {
    let server = http_server(|head| {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        match path.as_str() {
            "/429" => answer("429 Too Many Requests", "", "slow down"),
            "/500" => answer("500 Internal Server Error", "", "ouch"),
            "/204" => answer("204 No Content", "", ""),
            "/odd" => answer("299 So So", "", "x"),
            _ => answer("200 OK", "", "fine"),
        }
    })
    .await;
    for (path, status, rest) in [
        ("", Passing, "200 OK Output: fine"),
        ("/ok?a=b", Passing, "200 OK Output: fine"),
        ("/204", Passing, "204 No Content Output: "),
        ("/odd", Passing, "299 So So Output: x"),
        ("/429", Warning, "429 Too Many Requests Output: slow down"),
        ("/500", Critical, "500 Internal Server Error Output: ouch"),
    ] {
        let url = format!("http://{server}{path}");
        assert_eq!(first(json!({"HTTP": url})).await, result(status, format!("HTTP GET {url}: {rest}")));
    }
}

#[tokio::test]
async fn the_request_carries_what_the_definition_says() {
    let server = http_server(|head| answer("200 OK", "", &head.to_ascii_lowercase())).await;
    let url = format!("http://{server}/hdr");
    let (_, plain) = first(json!({"HTTP": url})).await;
    for line in [
        "get /hdr http/1.1\r\n",
        &format!("host: {server}\r\n"),
        "user-agent: consul health check\r\n",
        "accept: text/plain, text/*, */*\r\n",
        "connection: close\r\n",
    ] {
        assert!(plain.contains(line), "{line} in {plain}");
    }
    let header = json!({"X-A": ["1", "2"], "Host": ["foo.test"], "User-Agent": ["mine"]});
    let (_, own) = first(json!({"HTTP": url, "Method": "PUT", "Body": "a body", "Header": header})).await;
    assert!(own.starts_with(&format!("HTTP PUT {url}: 200 OK Output: put /hdr http/1.1\r\n")), "{own}");
    for line in ["x-a: 1\r\n", "x-a: 2\r\n", "host: foo.test\r\n", "user-agent: mine\r\n", "content-length: 6\r\n"] {
        assert!(own.contains(line), "{line} in {own}");
    }
    assert!(own.ends_with("\r\n\r\na body") && !own.contains("consul health check"), "{own}");
}

#[tokio::test]
async fn the_end_of_a_long_body_is_kept() {
    let server = http_server(|_| answer("200 OK", "", &format!("{}end", "x".repeat(10_000)))).await;
    let url = format!("http://{server}/");
    let (status, output) = first(json!({"HTTP": url, "OutputMaxSize": 5})).await;
    assert_eq!((status, output), result(Passing, format!("HTTP GET {url}: 200 OK Output: xxend")));
}

#[tokio::test]
async fn redirects_are_followed_ten_times_or_not_at_all() {
    let server = http_server(|head| match head.split(' ').nth(1).unwrap_or_default() {
        "/loop" => answer("302 Found", "location: /loop\r\n", ""),
        "/a" => answer("301 Moved Permanently", "location: b?c\r\n", ""),
        "/keep" => answer("307 Temporary Redirect", "location: /b?c\r\n", ""),
        "/b?c" => {
            answer("200 OK", "", &format!("{} {}", &head[..4], head.split("\r\n\r\n").nth(1).unwrap_or_default()))
        }
        _ => answer("404 Not Found", "", ""),
    })
    .await;
    let url = |path: &str| format!("http://{server}{path}");
    let post = |path: &str| json!({"HTTP": url(path), "Method": "POST", "Body": "data"});
    let ok = |path: &str, body: &str| result(Passing, format!("HTTP POST {}: 200 OK Output: {body}", url(path)));
    assert_eq!(first(post("/a")).await, ok("/a", "GET  "));
    assert_eq!(first(post("/keep")).await, ok("/keep", "POST data"));
    assert_eq!(
        first(json!({"HTTP": url("/loop")})).await,
        result(Critical, "Get \"/loop\": stopped after 10 redirects")
    );
    assert_eq!(
        first(json!({"HTTP": url("/loop"), "DisableRedirects": true})).await,
        result(Critical, format!("HTTP GET {}: 302 Found Output: ", url("/loop")))
    );
}

#[tokio::test]
async fn failures_are_told_in_gos_words() {
    let (_socket, closed) = silent_socket();
    let server = http_server(|head| match head.split(' ').nth(1).unwrap_or_default() {
        "/never" => "never".to_owned(),
        "/garbage" => "hello\r\n\r\n".to_owned(),
        _ => String::new(),
    })
    .await;
    let greeter = greeting_server().await;
    for (def, output) in [
        (
            json!({"HTTP": format!("http://{closed}")}),
            format!("Get \"http://{closed}\": dial tcp {closed}: connect: connection refused"),
        ),
        (
            json!({"HTTP": format!("http://{closed}/x"), "Method": "POST"}),
            format!("Post \"http://{closed}/x\": dial tcp {closed}: connect: connection refused"),
        ),
        (
            json!({"HTTP": format!("http://{server}/never"), "Timeout": "100ms"}),
            format!(
                "Get \"http://{server}/never\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            ),
        ),
        (json!({"HTTP": format!("http://{server}/eof")}), format!("Get \"http://{server}/eof\": EOF")),
        (
            json!({"HTTP": format!("http://{server}/garbage")}),
            format!(
                "Get \"http://{server}/garbage\": net/http: HTTP/1.x transport connection broken: malformed HTTP response"
            ),
        ),
        (
            json!({"HTTP": format!("https://{greeter}/x")}),
            format!("Get \"https://{greeter}/x\": tls: first record does not look like a TLS handshake"),
        ),
        (
            json!({"HTTP": format!("https://{server}/silent"), "Timeout": "100ms"}),
            format!(
                "Get \"https://{server}/silent\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            ),
        ),
        (json!({"HTTP": "foo"}), "Get \"foo\": unsupported protocol scheme \"\"".to_owned()),
        (json!({"HTTP": "ftp://x/y"}), "Get \"ftp://x/y\": unsupported protocol scheme \"ftp\"".to_owned()),
        (json!({"HTTP": "http://[::1/x"}), "parse \"http://[::1/x\": missing ']' in host".to_owned()),
        (json!({"HTTP": "http://x/", "Method": "A B"}), "net/http: invalid method \"A B\"".to_owned()),
    ] {
        assert_eq!(first(def.clone()).await, result(Critical, output), "{def}");
    }
}
