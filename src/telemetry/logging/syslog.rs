//! The local syslog daemon over its unix datagram socket (RFC 3164 as local daemons take it).

use super::format::Record;
use std::io;
use std::os::unix::net::UnixDatagram;
use tracing::Level;

/// Where daemons listen.
const SOCKETS: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/// Facilities by name, at their number.
const FACILITIES: [&str; 24] = [
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP", "NTP",
    "AUDIT", "ALERT", "CLOCK", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7",
];

/// A connection to the daemon.
pub struct Syslog {
    socket: UnixDatagram,
    facility: usize,
}

impl Syslog {
    /// Connects.
    ///
    /// # Errors
    /// An unknown facility, or that no daemon listens.
    pub fn open(facility: &str) -> io::Result<Syslog> {
        let facility = facility_number(facility).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("invalid syslog facility: {facility}"))
        })?;
        let socket = UnixDatagram::unbound()?;
        if !SOCKETS.iter().any(|path| socket.connect(path).is_ok()) {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "no syslog daemon listens"));
        }
        socket.set_nonblocking(true)?;
        Ok(Syslog { socket, facility })
    }

    /// Sends a record; a daemon that does not keep up misses it.
    pub fn write(&self, record: &Record, line: &str) {
        let _ = self.socket.send(message(self.facility, std::process::id(), record, line).as_bytes());
    }
}

fn facility_number(name: &str) -> Option<usize> {
    FACILITIES.iter().position(|facility| facility.eq_ignore_ascii_case(name))
}

/// `<priority>time tag[pid]: line without its time and level`.
fn message(facility: usize, pid: u32, record: &Record, line: &str) -> String {
    let severity = match record.level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 5,
        Level::DEBUG => 6,
        Level::TRACE => 7,
    };
    let text = match line.starts_with('{') {
        true => line,
        false => line.split_once("] ").map_or(line, |(_, rest)| rest.trim_start()),
    };
    format!("<{}>{} consul[{pid}]: {}", facility * 8 + severity, record.time.format("%b %e %H:%M:%S"), text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_priority_time_tag_and_text() {
        let record = Record {
            time: chrono::Local::now(),
            level: Level::WARN,
            module: "agent".into(),
            message: "Check is now critical".into(),
            pairs: Vec::new(),
        };
        let facility = facility_number("local0").expect("known");
        let message = message(facility, 7, &record, &record.text());
        assert!(message.starts_with("<132>"), "{message}");
        assert!(message.ends_with(" consul[7]: agent: Check is now critical"), "{message}");
        assert_eq!(facility_number("LOCAL8"), None);
    }
}
