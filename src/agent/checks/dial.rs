//! Connecting to `host:port`, with the error texts of Go's `net` and `crypto/tls`.

use super::tls::{self, Alpn, CheckTls};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long the preferred address family gets before the other one is tried as well (RFC 6555).
const FALLBACK_DELAY: Duration = Duration::from_millis(300);

/// Host and port of `host:port` or `[v6]:port`; the error is Go's, without `dial tcp: `.
pub fn split_host_port(address: &str) -> Result<(&str, u16), String> {
    let wrong = |reason: &str| format!("address {address}: {reason}");
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or_else(|| wrong("missing ']' in address"))?;
            (host, after.strip_prefix(':').ok_or_else(|| wrong("missing port in address"))?)
        }
        None => address.rsplit_once(':').ok_or_else(|| wrong("missing port in address"))?,
    };
    if host.contains(':') && !address.starts_with('[') {
        return Err(wrong("too many colons in address"));
    }
    match port.parse::<u32>() {
        Ok(number) => {
            u16::try_from(number).map(|port| (host, port)).map_err(|_| format!("address {port}: invalid port"))
        }
        Err(_) if port.is_empty() => Ok((host, 0)),
        Err(_) => Err(format!("address tcp/{port}: unknown port")),
    }
}

/// Go's text of a system error: `connect: connection refused` without the call.
pub fn errno_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        None => error.to_string(),
    }
}

/// Addresses of a host, in resolver order; an empty host is this machine.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if host.is_empty() {
        return Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]);
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await.map(Iterator::collect).unwrap_or_default();
    if addresses.is_empty() { Err(format!("lookup {host}: no such host")) } else { Ok(addresses) }
}

/// Connects before the deadline; the error is complete (`dial tcp 127.0.0.1:1: connect: connection refused`).
pub async fn tcp(address: &str, deadline: Instant) -> Result<TcpStream, String> {
    let (host, port) = split_host_port(address).map_err(|error| format!("dial tcp: {error}"))?;
    let addresses = match timeout_at(deadline, resolve(host, port)).await {
        Ok(found) => found.map_err(|error| format!("dial tcp: {error}"))?,
        Err(_) => return Err(format!("dial tcp: lookup {host}: i/o timeout")),
    };
    let first_is_v4 = addresses[0].is_ipv4();
    let (preferred, other): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv4() == first_is_v4);
    let connect = async {
        if other.is_empty() {
            return in_turn(&preferred).await;
        }
        let mut first = std::pin::pin!(in_turn(&preferred));
        let early = tokio::time::timeout(FALLBACK_DELAY, &mut first).await;
        match early {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => in_turn(&other).await.or(Err(error)),
            Err(_) => {
                let mut second = std::pin::pin!(in_turn(&other));
                tokio::select! {
                    result = &mut first => match result {
                        Ok(stream) => Ok(stream),
                        Err(error) => second.await.or(Err(error)),
                    },
                    result = &mut second => match result {
                        Ok(stream) => Ok(stream),
                        Err(_) => first.await,
                    },
                }
            }
        }
    };
    match timeout_at(deadline, connect).await {
        Ok(result) => result,
        Err(_) => Err(format!("dial tcp {}: i/o timeout", addresses[0])),
    }
}

async fn in_turn(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut first_error = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                first_error.get_or_insert_with(|| format!("dial tcp {address}: connect: {}", errno_text(&error)));
            }
        }
    }
    Err(first_error.expect("a host has at least one address"))
}

/// TLS options of a check.
pub struct TlsOptions {
    /// `tls_server_name`; empty takes the host that is dialed.
    pub server_name: String,
    /// `tls_skip_verify`.
    pub skip_verify: bool,
}

/// Shakes hands on a connection before the deadline; the error is Go's.
pub async fn handshake(
    stream: TcpStream,
    host: &str,
    options: &TlsOptions,
    alpn: Alpn,
    tls: &CheckTls,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, String> {
    let (config, own_name) = tls.client(options.skip_verify, alpn)?;
    let names = [options.server_name.as_str(), &own_name, host, "localhost"];
    let name = names.into_iter().find(|name| !name.is_empty()).expect("the last one is not empty");
    let server_name = rustls::pki_types::ServerName::try_from(name.to_owned())
        .map_err(|_| format!("tls: invalid server name {name:?}"))?;
    match timeout_at(deadline, TlsConnector::from(config).connect(server_name, stream)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(tls::error_text(&error, name)),
        Err(_) => Err("i/o timeout".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split_with_gos_errors() {
        for (address, wanted) in [
            ("127.0.0.1:80", Ok(("127.0.0.1", 80))),
            ("[::1]:80", Ok(("::1", 80))),
            (":80", Ok(("", 80))),
            ("host:", Ok(("host", 0))),
            ("127.0.0.1", Err("address 127.0.0.1: missing port in address")),
            ("[::1]", Err("address [::1]: missing port in address")),
            ("::1:80", Err("address ::1:80: too many colons in address")),
            ("[::1:80", Err("address [::1:80: missing ']' in address")),
            ("h:foo", Err("address tcp/foo: unknown port")),
            ("h:99999", Err("address 99999: invalid port")),
        ] {
            assert_eq!(split_host_port(address), wanted.map_err(str::to_owned), "{address}");
        }
    }

    #[tokio::test]
    async fn refused_and_unknown_hosts_are_told_in_gos_words() {
        let deadline = Instant::now() + Duration::from_secs(10);
        let bound = tokio::net::TcpSocket::new_v4().expect("socket");
        bound.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = bound.local_addr().expect("address").to_string();
        assert_eq!(
            tcp(&address, deadline).await.map(|_| ()),
            Err(format!("dial tcp {address}: connect: connection refused"))
        );
        let error = tcp("nosuch.invalid:80", deadline).await.map(|_| ()).expect_err("no such host");
        assert_eq!(error, "dial tcp: lookup nosuch.invalid: no such host");
    }
}
