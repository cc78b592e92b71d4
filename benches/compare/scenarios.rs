//! What is compared: one function a row group, each against one running server.

use crate::load::{self, Connection, Outcome};
use crate::process::Server;
use std::time::{Duration, Instant};

/// How a figure is better.
#[derive(Clone, Copy, PartialEq)]
pub enum Better {
    /// Requests per second.
    Higher,
    /// Times, memory, CPU.
    Lower,
}

/// One figure of one server.
pub struct Figure {
    /// Row of the table.
    pub row: String,
    /// Value.
    pub value: f64,
    /// Unit.
    pub unit: &'static str,
    /// Direction.
    pub better: Better,
    /// p50 and p99 where there are latencies, or failures.
    pub remark: String,
}

impl Figure {
    /// A rate of requests.
    pub fn rate(row: &str, outcome: &Outcome) -> Figure {
        let failed = if outcome.failures > 0 { format!(" failed {}", outcome.failures) } else { String::new() };
        let remark = format!(
            "p50 {:.2} p99 {:.2} ms{failed}",
            outcome.latency.quantile_ms(0.5),
            outcome.latency.quantile_ms(0.99)
        );
        Figure { row: row.to_owned(), value: outcome.per_second, unit: "/s", better: Better::Higher, remark }
    }

    /// A figure that should be small.
    pub fn small(row: &str, value: f64, unit: &'static str) -> Figure {
        Figure { row: row.to_owned(), value, unit, better: Better::Lower, remark: String::new() }
    }
}

/// Result of a scenario.
pub type Figures = Result<Vec<Figure>, String>;

/// Value of the KV rows.
pub const VALUE: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Registers `count` passing instances of a service on as many nodes.
fn register(server: &Server, service: &str, count: usize) -> Result<(), String> {
    for number in 0..count {
        let body = format!(
            r#"{{"Node":"n-{service}-{number}","Address":"127.1.{}.{}","Service":{{"Service":"{service}","ID":"{service}-{number}","Port":80,"Tags":["primary","v1"]}},"Check":{{"Name":"alive","Status":"passing","ServiceID":"{service}-{number}"}}}}"#,
            number / 250,
            number % 250 + 1
        );
        server.must("PUT", "/v1/catalog/register", body.as_bytes())?;
    }
    Ok(())
}

/// Rows that both servers need before the reads.
pub fn prepare(server: &Server) -> Result<(), String> {
    register(server, "three", 3)?;
    register(server, "hundred", 100)?;
    register(server, "watched", 3)?;
    for number in 0..1000 {
        server.must("PUT", &format!("/v1/kv/read/{number}"), VALUE)?;
    }
    Ok(())
}

/// KV writes at three widths.
pub async fn put(server: &Server, time: Duration) -> Figures {
    let mut figures = Vec::new();
    for connections in [1, 64, 256] {
        let outcome = load::http(&server.http, connections, time, |connection, turn| {
            load::request("PUT", &format!("/v1/kv/write/{connection}/{}", turn % 1000), VALUE)
        })
        .await;
        figures.push(Figure::rate(&format!("KV put, {connections} connections"), &outcome));
    }
    Ok(figures)
}

/// KV reads in the three modes.
pub async fn get(server: &Server, time: Duration) -> Figures {
    let mut figures = Vec::new();
    for (mode, query) in [("default", ""), ("stale", "?stale"), ("consistent", "?consistent")] {
        let outcome = load::http(&server.http, 64, time, move |connection, turn| {
            let key = (connection as u64 * 31 + turn) % 1000;
            load::request("GET", &format!("/v1/kv/read/{key}{query}"), b"")
        })
        .await;
        figures.push(Figure::rate(&format!("KV get {mode}, 64 connections"), &outcome));
    }
    let outcome = load::http_over(Some(server.tls.clone()), &server.https, 64, time, |connection, turn| {
        let key = (connection as u64 * 31 + turn) % 1000;
        load::request("GET", &format!("/v1/kv/read/{key}"), b"")
    })
    .await;
    figures.push(Figure::rate("KV get default over HTTPS, 64 connections", &outcome));
    Ok(figures)
}

/// Health queries.
pub async fn health(server: &Server, time: Duration) -> Figures {
    let rows = [
        ("health ?passing, 3 instances", "/v1/health/service/three?passing"),
        ("health ?passing, 100 instances", "/v1/health/service/hundred?passing"),
        ("health with filter, 100 instances", "/v1/health/service/hundred?filter=Service.Port+%3D%3D+80"),
        ("catalog services", "/v1/catalog/services"),
    ];
    let mut figures = Vec::new();
    for (row, target) in rows {
        let outcome = load::http(&server.http, 64, time, move |_, _| load::request("GET", target, b"")).await;
        figures.push(Figure::rate(row, &outcome));
    }
    Ok(figures)
}

/// DNS questions.
pub async fn dns(server: &Server, time: Duration) -> Figures {
    let mut figures = Vec::new();
    for (row, kind) in [("DNS A over UDP", 1), ("DNS SRV over UDP", 33)] {
        let question = load::dns_question("three.service.consul", kind);
        let outcome = load::dns(&server.dns, 64, time, question).await;
        figures.push(Figure::rate(row, &outcome));
    }
    Ok(figures)
}

/// Many watchers of one service and one change.
pub async fn watchers(server: &Server, count: usize) -> Figures {
    let target = "/v1/health/service/watched?passing";
    let index = {
        let mut connection = Connection::open(&server.http).await.map_err(|error| error.to_string())?;
        connection.exchange(&load::request("GET", target, b"")).await.map_err(|error| error.to_string())?.1
    };
    let waiting = load::request("GET", &format!("{target}&index={index}&wait=5m"), b"");
    let mut tasks = Vec::with_capacity(count);
    for _ in 0..count {
        let mut connection = Connection::open(&server.http).await.map_err(|error| error.to_string())?;
        let waiting = waiting.clone();
        tasks.push(tokio::spawn(async move { connection.exchange(&waiting).await.map(|_| Instant::now()) }));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let rss = server.rss_mib();
    let (cpu, changed) = (server.cpu_seconds(), Instant::now());
    let body = br#"{"Node":"n-watched-0","SkipNodeUpdate":true,"Check":{"Name":"alive","ServiceID":"watched-0","Status":"passing","Output":"CHANGED"}}"#;
    let stamp = format!("{:?}", changed);
    let body = String::from_utf8_lossy(body).replace("CHANGED", &stamp.replace(['"', '\\'], ""));
    server.must("PUT", "/v1/catalog/register", body.as_bytes())?;
    let (mut last, mut failed) = (changed, 0);
    for task in tasks {
        match tokio::time::timeout(Duration::from_secs(60), task).await {
            Ok(Ok(Ok(answered))) => last = last.max(answered),
            _ => failed += 1,
        }
    }
    let row = |what: &str| format!("{count} watchers, {what}");
    let mut time = Figure::small(&row("all answered"), (last - changed).as_secs_f64() * 1e3, "ms");
    if failed > 0 {
        time.remark = format!("failed {failed}");
    }
    Ok(vec![
        time,
        Figure::small(&row("server CPU of the change"), (server.cpu_seconds() - cpu) * 1e3, "ms"),
        Figure::small(&row("RSS"), rss, "MiB"),
    ])
}

/// A store of a million keys: load, memory, save and restore.
pub async fn million(server: &Server, keys: usize) -> Figures {
    let before = server.rss_mib();
    let started = Instant::now();
    let (batch, connections) = (64, 16);
    let value = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==";
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            let address = server.http.clone();
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await.map_err(|error| error.to_string())?;
                let share = keys / connections;
                let mut at = number * share;
                let end = at + share;
                while at < end {
                    let ops: Vec<String> = (at..end.min(at + batch))
                        .map(|key| {
                            let path = format!("service/app-{:04}/config/key-{key:08}", key % 1000);
                            format!(r#"{{"KV":{{"Verb":"set","Key":"{path}","Value":"{value}"}}}}"#)
                        })
                        .collect();
                    let body = format!("[{}]", ops.join(","));
                    match connection.exchange(&load::request("PUT", "/v1/txn", body.as_bytes())).await {
                        Ok((200, _)) => {}
                        Ok((status, _)) => return Err(format!("txn answered {status}")),
                        Err(error) => return Err(error.to_string()),
                    }
                    at += batch;
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await.map_err(|error| error.to_string())??;
    }
    let loaded = started.elapsed().as_secs_f64();
    let rss = server.rss_mib();
    let started = Instant::now();
    let archive = server.must("GET", "/v1/snapshot", b"")?;
    let saved = started.elapsed().as_secs_f64();
    let archive = dechunk(archive);
    let started = Instant::now();
    server.must("PUT", "/v1/snapshot", &archive)?;
    let restored = started.elapsed().as_secs_f64();
    let row = |what: &str| format!("{keys} keys, {what}");
    Ok(vec![
        Figure::small(&row("load by txn"), loaded, "s"),
        Figure::small(&row("RSS grown by"), rss - before, "MiB"),
        Figure::small(&row("snapshot save"), saved, "s"),
        Figure::small(&row("snapshot restore"), restored, "s"),
        Figure::small(&row("RSS after restore"), server.rss_mib(), "MiB"),
    ])
}

/// Takes the chunk frames out of a body that was read raw; a gzip archive starts with 1f 8b.
fn dechunk(body: Vec<u8>) -> Vec<u8> {
    if body.starts_with(&[0x1f, 0x8b]) {
        return body;
    }
    let (mut plain, mut at) = (Vec::with_capacity(body.len()), 0);
    while let Some(line) = body[at..].windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&body[at..at + line]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else { break };
        let start = at + line + 2;
        plain.extend_from_slice(&body[start..(start + size).min(body.len())]);
        at = (start + size + 2).min(body.len());
    }
    plain
}
