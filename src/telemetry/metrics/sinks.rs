//! Daemons that metrics are sent to: statsd and DogStatsD over UDP, statsite over TCP. Intervals are sent as they
//! complete, so a sink costs nothing while requests are served.

use super::Settings;
use super::summary::{Aggregate, Summary};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

/// Largest datagram that is sent.
const MAX_DATAGRAM: usize = 1400;

enum Sink {
    Statsd { address: String },
    Dogstatsd { address: String, tags: Vec<String> },
    Statsite { address: String, stream: Option<TcpStream> },
}

/// All sinks of a process.
pub struct Sinks {
    sinks: Vec<Sink>,
    udp: Option<UdpSocket>,
}

impl Sinks {
    /// The sinks that the settings name. Nothing is connected yet.
    pub fn open(settings: &Settings) -> Sinks {
        let mut sinks = Vec::new();
        if !settings.statsd_address.is_empty() {
            sinks.push(Sink::Statsd { address: settings.statsd_address.clone() });
        }
        if !settings.dogstatsd_address.is_empty() {
            let (address, tags) = (settings.dogstatsd_address.clone(), settings.dogstatsd_tags.clone());
            sinks.push(Sink::Dogstatsd { address, tags });
        }
        if !settings.statsite_address.is_empty() {
            sinks.push(Sink::Statsite { address: settings.statsite_address.clone(), stream: None });
        }
        Sinks { sinks, udp: None }
    }

    /// Sends an interval everywhere. A sink that cannot be reached misses it and is tried again with the next.
    pub async fn send(&mut self, summary: &Summary) {
        for sink in &mut self.sinks {
            let sent = match sink {
                Sink::Statsd { address } => send_udp(&mut self.udp, address, &lines(summary, None)).await,
                Sink::Dogstatsd { address, tags } => {
                    send_udp(&mut self.udp, address, &lines(summary, Some(tags.as_slice()))).await
                }
                Sink::Statsite { address, stream } => send_tcp(stream, address, &lines(summary, None)).await,
            };
            if let Err((address, error)) = sent {
                tracing::warn!(target: "agent", address, %error, "Failed to send metrics");
            }
        }
    }
}

type Sent = Result<(), (String, std::io::Error)>;

async fn send_udp(socket: &mut Option<UdpSocket>, address: &str, lines: &[String]) -> Sent {
    let failed = |error| (address.to_owned(), error);
    if socket.is_none() {
        *socket = Some(UdpSocket::bind("0.0.0.0:0").await.map_err(failed)?);
    }
    let socket = socket.as_ref().expect("bound just now");
    for datagram in datagrams(lines) {
        socket.send_to(datagram.as_bytes(), address).await.map_err(failed)?;
    }
    Ok(())
}

async fn send_tcp(stream: &mut Option<TcpStream>, address: &str, lines: &[String]) -> Sent {
    let failed = |error| (address.to_owned(), error);
    if stream.is_none() {
        *stream = Some(TcpStream::connect(address).await.map_err(failed)?);
    }
    let connected = stream.as_mut().expect("connected just now");
    let result = connected.write_all(lines.concat().as_bytes()).await;
    if result.is_err() {
        *stream = None;
    }
    result.map_err(failed)
}

/// Joins lines into datagrams of limited size.
fn datagrams(lines: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in lines {
        match out.last_mut() {
            Some(last) if last.len() + line.len() <= MAX_DATAGRAM => last.push_str(line),
            _ => out.push(line.clone()),
        }
    }
    out
}

/// The lines of an interval; `tags` selects DogStatsD, which has labels, otherwise label values join the name.
fn lines(summary: &Summary, tags: Option<&[String]>) -> Vec<String> {
    let line = |name: &str, labels: &BTreeMap<String, String>, value: f64, kind: &str| {
        let mut shown: String = name.to_owned();
        if tags.is_none() {
            labels.values().for_each(|value| shown.extend([".", value]));
        }
        let mut line = format!("{}:{value}|{kind}", shown.replace([':', ' '], "_"));
        if let Some(tags) = tags {
            let all = tags.iter().cloned().chain(labels.iter().map(|(key, value)| format!("{key}:{value}")));
            let all: Vec<String> = all.collect();
            if !all.is_empty() {
                let _ = write!(line, "|#{}", all.join(","));
            }
        }
        line + "\n"
    };
    let aggregate = |row: &Aggregate, value: f64, kind| line(&row.name, &row.labels, value, kind);
    let gauges = summary.gauges.iter().map(|row| line(&row.name, &row.labels, row.value, "g"));
    let counters = summary.counters.iter().map(|row| aggregate(row, row.sum, "c"));
    let samples = summary.samples.iter().map(|row| aggregate(row, row.mean, "ms"));
    gauges.chain(counters).chain(samples).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Registry;
    use super::super::registry::Kind;
    use super::*;

    fn summary() -> std::sync::Arc<Summary> {
        let registry = Registry::new();
        registry.record(Kind::Counter, "raft.apply", &[("peer", "a b")], 3.0);
        registry.record(Kind::Gauge, "server.isLeader", &[], 1.0);
        registry.record(Kind::Sample, "kvs.apply", &[], 0.5);
        registry.close(std::time::UNIX_EPOCH, std::time::SystemTime::now())
    }

    #[test]
    fn statsd_has_labels_in_the_name_and_dogstatsd_has_tags() {
        assert_eq!(
            lines(&summary(), None),
            ["consul.server.isLeader:1|g\n", "consul.raft.apply.a_b:3|c\n", "consul.kvs.apply:0.5|ms\n"]
        );
        assert_eq!(
            lines(&summary(), Some(&["env:test".to_owned()])),
            [
                "consul.server.isLeader:1|g|#env:test\n",
                "consul.raft.apply:3|c|#env:test,peer:a b\n",
                "consul.kvs.apply:0.5|ms|#env:test\n"
            ]
        );
    }

    #[tokio::test]
    async fn intervals_arrive_at_a_statsd_daemon() {
        let daemon = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let settings =
            Settings { statsd_address: daemon.local_addr().expect("bound").to_string(), ..Settings::default() };
        Sinks::open(&settings).send(&summary()).await;
        let mut datagram = [0; MAX_DATAGRAM];
        let length = daemon.recv(&mut datagram).await.expect("a datagram");
        assert!(datagram[..length].starts_with(b"consul.server.isLeader:1|g\n"));
    }
}
