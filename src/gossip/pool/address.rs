//! Addresses to join: `host`, `host:port`, `name/host:port` (`spec/gossip.md` 3.11).

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Time for the question over TCP; what it misses, the resolver of the system finds.
const TCP_TIMEOUT: Duration = Duration::from_secs(2);
/// Where the name server of this machine is told.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// A text that names one or many addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinAddress {
    /// Name of the node there, when it is known.
    pub name: Option<String>,
    /// IP address or host name.
    pub host: String,
    /// Gossip port.
    pub port: u16,
}

impl JoinAddress {
    /// Parses a text; without a port it means `default_port`.
    ///
    /// # Errors
    /// Not an address; the text says why.
    pub fn parse(text: &str, default_port: u16) -> Result<JoinAddress, String> {
        let (name, rest) = match text.split_once('/') {
            Some(("", _)) => return Err("empty node name provided".into()),
            Some((name, rest)) => (Some(name.to_owned()), rest),
            None => (None, text),
        };
        let of = |host: &str, port: u16| Ok(JoinAddress { name: name.clone(), host: host.to_owned(), port });
        if let Ok(address) = rest.parse::<SocketAddr>() {
            return of(&address.ip().to_string(), address.port());
        }
        let bare = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(rest);
        if bare.parse::<IpAddr>().is_ok() {
            return of(bare, default_port);
        }
        if bare.matches(':').count() > 1 {
            return Err(format!("address {rest}: too many colons in address"));
        }
        match rest.split_once(':') {
            Some((host, port)) => {
                let port =
                    port.parse().map_err(|_| format!("strconv.ParseUint: parsing \"{port}\": invalid syntax"))?;
                of(host, port)
            }
            None => of(rest, default_port),
        }
    }

    /// All IP addresses of the host.
    ///
    /// # Errors
    /// There is none.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip.to_canonical(), self.port)]);
        }
        if self.host.contains('.')
            && let Some(found) = ask_over_tcp(&self.host).await
        {
            return Ok(found.into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect());
        }
        let unknown = || format!("lookup {}: no such host", self.host);
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(|_| unknown())?;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) }
    }
}

/// The address in the form that is resolved to others.
pub fn display(name: Option<&str>, address: SocketAddr) -> String {
    match name {
        Some(name) => format!("{name}/{address}"),
        None => address.to_string(),
    }
}

/// Asks the first name server for everything under a name, over TCP because long lists do not fit into a packet.
async fn ask_over_tcp(host: &str) -> Option<Vec<IpAddr>> {
    let config = tokio::fs::read_to_string(RESOLV_CONF).await.ok()?;
    let server = name_server(&config)?;
    let addresses = tokio::time::timeout(TCP_TIMEOUT, question(server, host)).await.ok()??;
    (!addresses.is_empty()).then_some(addresses)
}

fn name_server(config: &str) -> Option<SocketAddr> {
    let server = config.lines().find_map(|line| line.trim().strip_prefix("nameserver"))?;
    let ip = server.split_whitespace().next()?.split('%').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, 53))
}

async fn question(server: SocketAddr, host: &str) -> Option<Vec<IpAddr>> {
    let mut name = Name::from_ascii(host).ok()?;
    name.set_fqdn(true);
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name, RecordType::ANY));
    let bytes = message.to_vec().ok()?;
    let mut stream = TcpStream::connect(server).await.ok()?;
    stream.write_u16(u16::try_from(bytes.len()).ok()?).await.ok()?;
    stream.write_all(&bytes).await.ok()?;
    let len = stream.read_u16().await.ok()?;
    let mut answer = vec![0; usize::from(len)];
    stream.read_exact(&mut answer).await.ok()?;
    addresses(&answer)
}

/// The addresses of an answer.
fn addresses(answer: &[u8]) -> Option<Vec<IpAddr>> {
    let answer = Message::from_vec(answer).ok()?;
    let ip = |data: &RData| match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    };
    Some(answer.answers.iter().filter_map(|record| ip(&record.data)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_name_and_port() {
        let of = |name: Option<&str>, host: &str, port| {
            Ok(JoinAddress { name: name.map(str::to_owned), host: host.to_owned(), port })
        };
        for (text, wanted) in [
            ("10.0.0.1", of(None, "10.0.0.1", 8301)),
            ("10.0.0.1:9000", of(None, "10.0.0.1", 9000)),
            ("srv1/10.0.0.1:9000", of(Some("srv1"), "10.0.0.1", 9000)),
            ("srv1.dc1/10.0.0.1", of(Some("srv1.dc1"), "10.0.0.1", 8301)),
            ("::1", of(None, "::1", 8301)),
            ("[::1]", of(None, "::1", 8301)),
            ("[::1]:9000", of(None, "::1", 9000)),
            ("srv1/[fe80::1]:9000", of(Some("srv1"), "fe80::1", 9000)),
            ("consul.example.com", of(None, "consul.example.com", 8301)),
            ("consul.example.com:9000", of(None, "consul.example.com", 9000)),
            ("/10.0.0.1", Err("empty node name provided".to_owned())),
            ("host:port", Err("strconv.ParseUint: parsing \"port\": invalid syntax".to_owned())),
            ("a:b:c", Err("address a:b:c: too many colons in address".to_owned())),
        ] {
            assert_eq!(JoinAddress::parse(text, 8301), wanted, "{text}");
        }
    }

    #[test]
    fn the_first_name_server_is_asked() {
        let first = |config| name_server(config).map(|server| server.to_string());
        assert_eq!(first("# c\nsearch x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n"), Some("10.0.0.2:53".into()));
        assert_eq!(first("nameserver fe80::1%eth0"), Some("[fe80::1]:53".into()));
        assert_eq!(first("search x\n"), None);
    }

    #[tokio::test]
    async fn a_name_server_is_asked_for_more_addresses_than_fit_into_a_packet() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let wanted: Vec<IpAddr> = (0..1000u16)
            .map(|n| {
                if n % 2 == 0 {
                    IpAddr::from([127, 1, (n >> 8) as u8, n as u8])
                } else {
                    IpAddr::from([0, 0, 0, 0, 0, 0, 1, n])
                }
            })
            .collect();
        let records = wanted.clone();
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let mut message = Message::from_vec(&question).unwrap();
            assert_eq!(message.queries[0].name().to_string(), "servers.example.");
            message.metadata.message_type = MessageType::Response;
            message.answers = records.into_iter().map(record).collect();
            let bytes = message.to_vec().unwrap();
            stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        };
        let (found, ()) = tokio::join!(question(server, "servers.example"), answering);
        assert_eq!(found, Some(wanted));
    }

    fn record(ip: IpAddr) -> hickory_proto::rr::Record {
        let data = match ip {
            IpAddr::V4(ip) => RData::A(ip.into()),
            IpAddr::V6(ip) => RData::AAAA(ip.into()),
        };
        hickory_proto::rr::Record::from_rdata(Name::from_ascii("servers.example.").unwrap(), 0, data)
    }

    #[tokio::test]
    async fn names_without_addresses_are_an_error() {
        let address = JoinAddress::parse("nobody.invalid", 8301).unwrap();
        assert_eq!(address.resolve().await, Err("lookup nobody.invalid: no such host".into()));
        let address = JoinAddress::parse("localhost:9", 8301).unwrap();
        assert!(address.resolve().await.unwrap().contains(&"127.0.0.1:9".parse().unwrap()));
    }
}
