//! The addresses of this machine's interfaces and what can be asked of them.

use crate::config::Cidr;
use nix::net::if_::InterfaceFlags;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

/// One address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Interface name.
    pub name: String,
    /// Address.
    pub ip: IpAddr,
    /// Prefix length, bits.
    pub prefix: u8,
    /// The interface is up.
    pub up: bool,
    /// The interface is a loopback.
    pub loopback: bool,
    /// Other flags by name.
    pub flags: Vec<&'static str>,
}

/// Attributes of `attr`, `join` and `unique`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    Address,
    Name,
    Network,
    Size,
    Port,
    Type,
    Flags,
    Broadcast,
    Host,
    FirstUsable,
    LastUsable,
    Netmask,
    MaskBits,
    Octets,
    Binary,
    Hex,
    Number,
    Text,
}

const ATTRIBUTES: [(&str, Attribute); 19] = [
    ("address", Attribute::Address),
    ("name", Attribute::Name),
    ("network", Attribute::Network),
    ("size", Attribute::Size),
    ("port", Attribute::Port),
    ("type", Attribute::Type),
    ("flags", Attribute::Flags),
    ("broadcast", Attribute::Broadcast),
    ("host", Attribute::Host),
    ("first_usable", Attribute::FirstUsable),
    ("last_usable", Attribute::LastUsable),
    ("netmask", Attribute::Netmask),
    ("mask_bits", Attribute::MaskBits),
    ("octets", Attribute::Octets),
    ("binary", Attribute::Binary),
    ("hex", Attribute::Hex),
    ("uint32", Attribute::Number),
    ("uint128", Attribute::Number),
    ("string", Attribute::Text),
];

impl Attribute {
    /// Finds an attribute by name.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = ATTRIBUTES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, attribute)| *attribute).ok_or_else(|| format!("unsupported attribute name {name:?}"))
    }
}

impl Interface {
    fn width(&self) -> u8 {
        if self.ip.is_ipv4() { 32 } else { 128 }
    }

    fn number(&self) -> u128 {
        match self.ip {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip),
        }
    }

    fn with_number(&self, number: u128) -> IpAddr {
        match self.ip {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(number as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(number)),
        }
    }

    /// Ones in the host part.
    fn host_mask(&self) -> u128 {
        let host_bits = u32::from(self.width().saturating_sub(self.prefix));
        if host_bits >= 128 { u128::MAX } else { (1 << host_bits) - 1 }
    }

    fn full_mask(&self) -> u128 {
        if self.width() == 128 { u128::MAX } else { u128::from(u32::MAX) }
    }

    fn octets(&self) -> Vec<u8> {
        match self.ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        }
    }

    /// The text of an attribute; some exist for one family only.
    pub fn attribute(&self, attribute: Attribute) -> Result<String, String> {
        let (number, host) = (self.number(), self.host_mask());
        let small = self.prefix + 1 >= self.width() || self.ip.is_ipv6();
        Ok(match attribute {
            Attribute::Address | Attribute::Host => self.ip.to_string(),
            Attribute::Name => self.name.clone(),
            Attribute::Network => self.with_number(number & !host).to_string(),
            Attribute::Size => host.saturating_add(1).to_string(),
            Attribute::Port => "0".to_string(),
            Attribute::Type => if self.ip.is_ipv4() { "IPv4" } else { "IPv6" }.to_string(),
            Attribute::Flags => {
                let base = [(self.up, "up"), (self.loopback, "loopback")];
                let names: Vec<&str> = base
                    .iter()
                    .filter(|(set, _)| *set)
                    .map(|(_, name)| *name)
                    .chain(self.flags.iter().copied())
                    .collect();
                names.join("|")
            }
            Attribute::Broadcast if self.ip.is_ipv6() => {
                return Err("unsupported attribute name \"broadcast\"".to_string());
            }
            Attribute::Broadcast => self.with_number(number | host).to_string(),
            Attribute::FirstUsable => self.with_number((number & !host) + u128::from(!small)).to_string(),
            Attribute::LastUsable => self.with_number((number | host) - u128::from(!small)).to_string(),
            Attribute::Netmask => self.with_number(self.full_mask() & !host).to_string(),
            Attribute::MaskBits => self.prefix.to_string(),
            Attribute::Octets => {
                let octets: Vec<String> = self.octets().iter().map(u8::to_string).collect();
                octets.join(" ")
            }
            Attribute::Binary => self.octets().iter().map(|octet| format!("{octet:08b}")).collect(),
            Attribute::Hex => self.octets().iter().map(|octet| format!("{octet:02x}")).collect(),
            Attribute::Number => number.to_string(),
            Attribute::Text if self.prefix == self.width() => self.ip.to_string(),
            Attribute::Text => format!("{}/{}", self.ip, self.prefix),
        })
    }

    /// `math "address" "+5"` and `math "network" "+1"`.
    pub fn shift(&mut self, operation: &str, value: &str) -> Result<(), String> {
        let step: i128 =
            value.parse().map_err(|_| format!("unable to convert {value:?} to int for operation {operation:?}"))?;
        let (number, host) = (self.number(), self.host_mask());
        let base = match operation {
            "address" => number,
            "network" if step >= 0 => number & !host,
            "network" => (number | host).wrapping_add(1),
            _ => return Err(format!("unsupported math operation: {operation:?}")),
        };
        let moved = base.wrapping_add(step as u128);
        let moved = if operation == "network" { (number & !host) | (moved & host) } else { moved };
        self.ip = self.with_number(moved & self.full_mask());
        Ok(())
    }

    /// True when the interface or address has the flag.
    pub fn has_flag(&self, flag: &str) -> bool {
        match flag {
            "up" => self.up,
            "loopback" => self.loopback,
            "down" => !self.up,
            "forwardable" => is_forwardable(self.ip),
            "link-local unicast" => is_link_local(self.ip),
            "global unicast" => !self.loopback && !is_link_local(self.ip) && !self.ip.is_multicast(),
            other => self.flags.contains(&other),
        }
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Blocks whose addresses routers do not forward (RFC 6890).
const NOT_FORWARDABLE: [&str; 15] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/29",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "2001:db8::/32",
    "2001:10::/28",
    "fe80::/10",
    "224.0.0.0/4",
    "ff00::/8",
];

/// False for addresses that routers do not forward.
pub fn is_forwardable(ip: IpAddr) -> bool {
    static BLOCKS: OnceLock<Vec<Cidr>> = OnceLock::new();
    !BLOCKS.get_or_init(|| blocks(&NOT_FORWARDABLE)).iter().any(|block| block.contains(ip))
}

/// The reference's private blocks (`spec/agent-config.md` 2).
const PRIVATE: [&str; 13] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "::1/128",
    "fe80::/10",
    "fc00::/7",
    "fec0::/10",
    "2001:db8::/32",
];

fn blocks(texts: &[&str]) -> Vec<Cidr> {
    texts.iter().map(|text| text.parse().expect("the table holds networks")).collect()
}

/// True for an address of a private block.
pub fn is_private(ip: IpAddr) -> bool {
    static BLOCKS: OnceLock<Vec<Cidr>> = OnceLock::new();
    BLOCKS.get_or_init(|| blocks(&PRIVATE)).iter().any(|block| block.contains(ip))
}

/// Networks by the RFC that defines them.
const RFCS: [(&str, &[&str]); 9] = [
    ("919", &["255.255.255.255/32"]),
    ("1122", &["0.0.0.0/8", "127.0.0.0/8"]),
    ("1918", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
    ("3927", &["169.254.0.0/16"]),
    ("4193", &["fc00::/7"]),
    ("4291", &["::/128", "::1/128", "fe80::/10", "ff00::/8"]),
    ("5737", &["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]),
    ("6598", &["100.64.0.0/10"]),
    ("6890", &PRIVATE),
];

/// The networks of an RFC number.
pub fn rfc_blocks(number: &str) -> Option<Vec<Cidr>> {
    RFCS.iter().find(|(known, _)| *known == number).map(|(_, texts)| blocks(texts))
}

/// Names of the interfaces that carry a default route.
pub fn default_names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let table = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        let columns = table.lines().skip(1).filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        });
        columns.filter(|(_, destination)| *destination == "00000000").map(|(name, _)| name.to_string()).collect()
    })
}

/// All addresses of this machine, by interface index.
pub fn all() -> Result<Vec<Interface>, String> {
    let addresses = nix::ifaddrs::getifaddrs().map_err(|error| error.to_string())?;
    let mut list: Vec<(u32, Interface)> = Vec::new();
    for entry in addresses {
        let ip_of = |address: &nix::sys::socket::SockaddrStorage| {
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        };
        let Some(ip) = entry.address.as_ref().and_then(ip_of) else { continue };
        let prefix = match entry.netmask.as_ref().and_then(ip_of) {
            Some(IpAddr::V4(mask)) => u32::from(mask).count_ones() as u8,
            Some(IpAddr::V6(mask)) => u128::from(mask).count_ones() as u8,
            None => {
                if ip.is_ipv4() {
                    32
                } else {
                    128
                }
            }
        };
        let names = [
            (InterfaceFlags::IFF_BROADCAST, "broadcast"),
            (InterfaceFlags::IFF_MULTICAST, "multicast"),
            (InterfaceFlags::IFF_POINTOPOINT, "pointtopoint"),
        ];
        let flags = names.iter().filter(|(flag, _)| entry.flags.contains(*flag)).map(|(_, name)| *name).collect();
        let index = nix::net::if_::if_nametoindex(entry.interface_name.as_str()).unwrap_or(u32::MAX);
        list.push((
            index,
            Interface {
                ip,
                prefix,
                up: entry.flags.contains(InterfaceFlags::IFF_UP),
                loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
                flags,
                name: entry.interface_name,
            },
        ));
    }
    list.sort_by_key(|(index, _)| *index);
    Ok(list.into_iter().map(|(_, interface)| interface).collect())
}
