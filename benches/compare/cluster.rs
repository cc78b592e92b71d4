//! Three servers and a client agent: rates through leader and follower, the loss of the leader, what idling costs.

use crate::load;
use crate::process::Server;
use crate::scenarios::{Figure, Figures, VALUE};
use std::time::{Duration, Instant};

/// A cluster of one binary; ended when dropped.
pub struct Cluster {
    servers: Vec<Server>,
    client: Server,
}

impl Cluster {
    /// Starts three servers that find each other and a client agent, and waits until all of them take writes.
    pub fn start(name: &str, binary: &str, number: usize) -> Result<Cluster, String> {
        let address = |host: usize| format!("127.{}.{}.{host}", 221 + number, std::process::id() % 250);
        let joins: Vec<String> = (1..=3).map(|host| format!("-retry-join={}", address(host))).collect();
        let joins: Vec<&str> = joins.iter().map(String::as_str).collect();
        let server_args = [&["-server", "-bootstrap-expect=3"], &joins[..]].concat();
        let mut servers = Vec::new();
        for host in 1..=3 {
            servers.push(Server::spawn(name, binary, &address(host), &server_args)?);
        }
        let client = Server::spawn(name, binary, &address(9), &joins)?;
        let mut cluster = Cluster { servers, client };
        for server in cluster.servers.iter_mut().chain([&mut cluster.client]) {
            server.wait_write()?;
        }
        for key in 0..1000 {
            cluster.servers[0].must("PUT", &format!("/v1/kv/read/{key}"), VALUE)?;
        }
        Ok(cluster)
    }

    fn leader(&self) -> Result<usize, String> {
        let started = Instant::now();
        loop {
            for server in &self.servers {
                let Some((200, body)) = server.call("GET", "/v1/status/leader", b"") else { continue };
                let address = String::from_utf8_lossy(&body).trim().trim_matches('"').to_owned();
                let led = |server: &Server| address == format!("{}:8300", server.address);
                if let Some(number) = self.servers.iter().position(led) {
                    return Ok(number);
                }
            }
            if started.elapsed() > Duration::from_secs(60) {
                return Err(format!("{}: no leader within 60 s", self.client.name));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Memory of an idle client agent and server, CPU of all three idle servers.
    pub async fn idle(&self, time: Duration) -> Vec<Figure> {
        let cpu = |servers: &[Server]| servers.iter().map(Server::cpu_seconds).sum::<f64>();
        let (servers, client) = (cpu(&self.servers), self.client.cpu_seconds());
        tokio::time::sleep(time).await;
        let share = |before: f64, after: f64| (after - before) / time.as_secs_f64() * 100.0;
        let rss = self.servers.iter().map(Server::rss_mib).fold(0.0, f64::max);
        vec![
            Figure::small("client agent, RSS idle", self.client.rss_mib(), "MiB"),
            Figure::small("client agent, CPU idle", share(client, self.client.cpu_seconds()), "%"),
            Figure::small("3 servers, largest RSS idle", rss, "MiB"),
            Figure::small("3 servers, CPU idle, all together", share(servers, cpu(&self.servers)), "%"),
        ]
    }

    /// Writes and reads through the leader, a follower and the client agent.
    pub async fn load(&self, time: Duration) -> Figures {
        let leader = self.leader()?;
        let follower = (leader + 1) % self.servers.len();
        let mut figures = Vec::new();
        let places =
            [("leader", &self.servers[leader]), ("follower", &self.servers[follower]), ("client", &self.client)];
        for (place, server) in places {
            let outcome = load::http(&server.http, 64, time, |connection, turn| {
                load::request("PUT", &format!("/v1/kv/write/{connection}/{}", turn % 1000), VALUE)
            });
            figures.push(Figure::rate(&format!("3 servers, KV put through {place}"), &outcome.await));
            for (mode, query) in [("default", ""), ("stale", "?stale"), ("consistent", "?consistent")] {
                let outcome = load::http(&server.http, 64, time, move |connection, turn| {
                    let key = (connection as u64 * 31 + turn) % 1000;
                    load::request("GET", &format!("/v1/kv/read/{key}{query}"), b"")
                });
                figures.push(Figure::rate(&format!("3 servers, KV get {mode} through {place}"), &outcome.await));
            }
        }
        Ok(figures)
    }

    /// Kills the leader and measures the time until a follower acknowledges a write; then brings it back.
    pub fn lose_leader(&mut self) -> Figures {
        let leader = self.leader()?;
        let survivor = (leader + 1) % self.servers.len();
        self.servers[leader].kill();
        let waited = self.servers[survivor].wait_write()?;
        self.servers[leader].restart()?;
        self.servers[leader].wait_write()?;
        Ok(vec![Figure::small("3 servers, leader killed to next write", waited.as_secs_f64() * 1e3, "ms")])
    }
}
