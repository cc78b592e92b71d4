//! Alternative names as the extension carries them (RFC 5280 4.2.1.6).

use super::der::{Reader, tag};
use std::net::IpAddr;

/// Tags of names.
mod kind {
    pub const EMAIL: u8 = 1;
    pub const DNS: u8 = 2;
    pub const URI: u8 = 6;
    pub const IP: u8 = 7;
}

/// The content of the extension, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a>(pub(super) Option<&'a [u8]>);

impl<'a> Names<'a> {
    fn of(self, kind: u8) -> Vec<&'a [u8]> {
        let names = self.0.and_then(|names| Reader::new(names).expect(tag::SEQUENCE));
        let mut found = Vec::new();
        let Some(mut names) = names.map(|names| names.inside()) else { return found };
        while let Some(name) = names.any() {
            if name.tag == tag::context(kind) {
                found.push(name.content);
            }
        }
        found
    }

    fn texts(self, kind: u8) -> Vec<&'a str> {
        self.of(kind).into_iter().filter_map(|name| std::str::from_utf8(name).ok()).collect()
    }

    /// DNS names.
    pub fn dns(self) -> Vec<&'a str> {
        self.texts(kind::DNS)
    }

    /// URIs.
    pub fn uris(self) -> Vec<&'a str> {
        self.texts(kind::URI)
    }

    /// Addresses of mail.
    pub fn emails(self) -> Vec<&'a str> {
        self.texts(kind::EMAIL)
    }

    /// Addresses.
    pub fn ips(self) -> Vec<IpAddr> {
        let address = |name: &[u8]| match name.len() {
            4 => <[u8; 4]>::try_from(name).ok().map(IpAddr::from),
            _ => <[u8; 16]>::try_from(name).ok().map(IpAddr::from),
        };
        self.of(kind::IP).into_iter().filter_map(address).collect()
    }
}
