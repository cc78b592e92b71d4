//! Tells systemd what the process is doing (sd_notify(3)), when systemd asked to be told.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends a state such as `READY=1`; without `$NOTIFY_SOCKET` nothing happens.
pub fn send(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::debug!(target: "agent", error = %error, "systemd notify failed");
    }
}

/// `RELOADING=1` with the monotonic time that systemd wants beside it.
pub fn reloading() {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    let micros = now.map_or(0, |now| now.tv_sec() as u128 * 1_000_000 + now.tv_nsec() as u128 / 1_000);
    send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}
