//! The two sockets of a pool: one port for packets and streams (`spec/gossip.md` 2.8, 2.9).

use crate::types::error::os_text;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, UdpSocket};

/// Wanted receive buffer for packets, bytes; halved until the system agrees.
const RECEIVE_BUFFER: usize = 2 << 20;
/// Waiting connections.
const BACKLOG: i32 = 1024;
/// Tries to find a port that is free for both.
const TRIES: usize = 10;

/// Opens both sockets on one port.
///
/// # Errors
/// The address or the port cannot be had.
pub(super) fn open(bind: SocketAddr) -> Result<(TcpListener, UdpSocket, SocketAddr), String> {
    let mut tries = if bind.port() == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match open_once(bind) {
            Err(_) if tries > 0 => {}
            Err(text) => return Err(format!("failed to obtain an address: {text}")),
            Ok(opened) => return Ok(opened),
        }
    }
}

fn open_once(bind: SocketAddr) -> Result<(TcpListener, UdpSocket, SocketAddr), String> {
    let failed = |protocol: &str, error: io::Error| {
        let (upper, ip, port) = (protocol.to_uppercase(), bind.ip(), bind.port());
        let text = os_text(&error);
        format!("Failed to start {upper} listener on \"{ip}\" port {port}: listen {protocol} {bind}: bind: {text}")
    };
    let listener = listen(bind).map_err(|error| failed("tcp", error))?;
    let bound = listener.local_addr().map_err(|error| failed("tcp", error))?;
    let packets = packets(bound).map_err(|error| failed("udp", error))?;
    Ok((listener, packets, bound))
}

fn listen(bind: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(bind), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A port of our last life may still be in its final waits.
    socket.set_reuse_address(true)?;
    if bind.is_ipv6() {
        socket.set_only_v6(!bind.ip().is_unspecified())?;
    }
    socket.bind(&bind.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn packets(bind: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(bind), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if bind.is_ipv6() {
        socket.set_only_v6(!bind.ip().is_unspecified())?;
    }
    let mut size = RECEIVE_BUFFER;
    while size > 0 && socket.set_recv_buffer_size(size).is_err() {
        size /= 2;
    }
    socket.bind(&bind.into())?;
    UdpSocket::from_std(socket.into())
}

/// The address that others are told: what is left open in it comes from the bound one.
///
/// # Errors
/// Neither names a host.
pub(super) fn advertised(advertise: SocketAddr, bound: SocketAddr) -> Result<SocketAddr, String> {
    let port = if advertise.port() == 0 { bound.port() } else { advertise.port() };
    let ip = if advertise.ip().is_unspecified() { bound.ip() } else { advertise.ip() };
    if ip.is_unspecified() {
        return Err(
            "Failed to get final advertise address: No private IP address found, and explicit IP not provided".into()
        );
    }
    Ok(SocketAddr::new(ip.to_canonical(), port))
}
