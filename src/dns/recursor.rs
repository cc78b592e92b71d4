//! Questions outside our domains, handed to the configured recursors (`spec/dns.md` 8).

use super::settings::Settings;
use crate::config::RecursorStrategy;
use hickory_proto::op::{Message, MessageType, OpCode, Query as ProtoQuery, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use rand::seq::SliceRandom;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// Sends the client's packet on and returns the first usable answer; `None` when all recursors failed.
pub async fn forward(settings: &Settings, packet: &[u8], udp: bool) -> Option<Vec<u8>> {
    for recursor in order(settings) {
        match ask(settings, &recursor, packet, udp).await {
            Ok(answer) if usable(&answer) => return Some(answer),
            Ok(answer) => {
                let code = answer.get(3).map_or(0, |flags| flags & 15);
                tracing::debug!(target: "agent.dns", recursor = %recursor, rcode = code, "recurse failed for question");
            }
            Err(error) => tracing::error!(target: "agent.dns", recursor = %recursor, error = %error, "recurse failed"),
        }
    }
    tracing::error!(target: "agent.dns", "all resolvers failed for question");
    None
}

/// Addresses of a host name, by an A question over UDP; empty when nobody answers.
pub async fn resolve(settings: &Settings, name: &Name) -> Vec<Record> {
    if settings.recursors.is_empty() {
        return Vec::new();
    }
    let mut question = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(ProtoQuery::query(name.clone(), RecordType::A));
    let Ok(packet) = question.to_vec() else { return Vec::new() };
    for recursor in order(settings) {
        match ask(settings, &recursor, &packet, true).await {
            Ok(answer) => {
                if let Ok(message) = Message::from_vec(&answer) {
                    return message.answers;
                }
            }
            Err(error) => {
                tracing::error!(target: "agent.dns", recursor = %recursor, error = %error, "DNS: recurse failed")
            }
        }
    }
    Vec::new()
}

fn order(settings: &Settings) -> Vec<String> {
    let mut recursors = settings.recursors.clone();
    if settings.dns.recursor_strategy == RecursorStrategy::Random {
        recursors.shuffle(&mut rand::rng());
    }
    recursors
}

/// NOERROR and NXDOMAIN are answers; anything else asks for the next recursor.
fn usable(answer: &[u8]) -> bool {
    let code = answer.get(3).map(|flags| u16::from(flags & 15));
    let truncated = answer.get(2).is_some_and(|flags| flags & 2 != 0);
    truncated
        || code
            .is_some_and(|code| code == u16::from(ResponseCode::NoError) || code == u16::from(ResponseCode::NXDomain))
}

async fn ask(settings: &Settings, recursor: &str, packet: &[u8], udp: bool) -> io::Result<Vec<u8>> {
    let limit = match settings.dns.recursor_timeout.to_std() {
        Duration::ZERO => Duration::from_secs(2),
        limit => limit,
    };
    let exchange = async { if udp { over_udp(recursor, packet).await } else { over_tcp(recursor, packet).await } };
    tokio::time::timeout(limit, exchange).await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "i/o timeout"))?
}

async fn over_udp(recursor: &str, packet: &[u8]) -> io::Result<Vec<u8>> {
    let target = tokio::net::lookup_host(recursor).await?.next().ok_or(io::ErrorKind::NotFound)?;
    let local = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(target).await?;
    socket.send(packet).await?;
    let mut buffer = vec![0; 65_535];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if length >= 12 && buffer[..2] == packet[..2] {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

async fn over_tcp(recursor: &str, packet: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(recursor).await?;
    let length = u16::try_from(packet.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), packet].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
