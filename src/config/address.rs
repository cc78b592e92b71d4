//! Addresses: templates, bind and advertise rules, listeners (`spec/agent-config.md` 2).

use super::reader::Reader;
use super::sockaddr::{self, Interface};
use super::{ConfigError, ListenAddr, Ports, RuntimeConfig};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// An address of a key before it has a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address.
    Ip(IpAddr),
    /// `unix://path`.
    Unix(PathBuf),
}

/// Expands templates and keeps the interfaces of this machine for all of them.
pub struct Resolver {
    interfaces: Vec<Interface>,
}

impl Resolver {
    /// Looks at the interfaces of this machine.
    pub fn new() -> Result<Self, ConfigError> {
        let interfaces =
            sockaddr::all().map_err(|error| ConfigError(format!("Error detecting private IPv4 address: {error}")))?;
        Ok(Resolver { interfaces })
    }

    /// Expands a template and splits the result at white space.
    pub fn words(&self, key: &str, text: &str) -> Result<Vec<String>, String> {
        if !text.contains("{{") {
            return Ok(text.split_whitespace().map(str::to_string).collect());
        }
        let expanded =
            sockaddr::expand(text, &self.interfaces).map_err(|why| format!("{key}: error parsing {text:?}: {why}"))?;
        Ok(expanded.split_whitespace().map(str::to_string).collect())
    }

    /// Expands a list of texts, each of which may become several or none.
    pub fn all_words(&self, key: &str, texts: &[String], errors: &mut Vec<String>) -> Vec<String> {
        let mut words = Vec::new();
        for text in texts {
            // Discovery strings and names keep their spaces.
            if text.contains("{{") {
                match self.words(key, text) {
                    Ok(more) => words.extend(more),
                    Err(error) => errors.push(error),
                }
            } else {
                words.push(text.clone());
            }
        }
        words
    }

    /// The addresses of a key; what is no address is an error.
    pub fn addresses(&self, r: &mut Reader<'_>, key: &str) -> Vec<Address> {
        let words = match self.words(key, &r.text(key)) {
            Ok(words) => words,
            Err(error) => {
                r.errors.push(error);
                return Vec::new();
            }
        };
        let mut addresses = Vec::new();
        for word in words {
            match word.strip_prefix("unix://") {
                Some(path) => addresses.push(Address::Unix(PathBuf::from(path))),
                None => match word.parse() {
                    Ok(ip) => addresses.push(Address::Ip(ip)),
                    Err(_) => {
                        r.errors.push(format!("{key}: invalid ip address: {word}"));
                        return Vec::new();
                    }
                },
            }
        }
        addresses
    }

    /// The one IP address of a key, if it is set and valid.
    pub fn single(&self, r: &mut Reader<'_>, key: &str) -> Result<Option<IpAddr>, ConfigError> {
        let before = r.errors.len();
        let mut addresses = self.addresses(r, key);
        if r.errors.len() > before {
            return Ok(None);
        }
        match addresses.pop() {
            None => Ok(None),
            Some(Address::Unix(_)) => {
                r.errors.push(format!("{key} cannot be a unix socket"));
                Ok(None)
            }
            Some(last) if !addresses.is_empty() => {
                addresses.push(last);
                let texts: Vec<String> = addresses.iter().map(text_of).collect();
                r.errors.push(format!("{key}: multiple addresses found: {}", texts.join(" ")));
                Ok(None)
            }
            Some(Address::Ip(ip)) => Ok(Some(ip)),
        }
    }

    /// The address that stands for a bind address of 0.0.0.0 or `::`.
    fn detect(&self, bind: IpAddr) -> Result<IpAddr, ConfigError> {
        let (what, family) = if bind.is_ipv4() { ("private", "IPv4") } else { ("public", "IPv6") };
        let wanted = |item: &&Interface| {
            item.ip.is_ipv4() == bind.is_ipv4() && item.up && sockaddr::is_private(item.ip) == bind.is_ipv4()
        };
        let candidates = |loopback: bool| -> Vec<IpAddr> {
            let matching = self.interfaces.iter().filter(wanted).filter(|item| item.loopback == loopback);
            matching.map(|item| item.ip).collect()
        };
        let mut found = candidates(false);
        if found.is_empty() {
            found = candidates(true);
        }
        match found.as_slice() {
            [only] => Ok(*only),
            [] => Err(ConfigError(format!("No {what} {family} address found"))),
            _ => Err(ConfigError(format!(
                "Multiple {what} {family} addresses found. Please configure one with 'bind' and/or 'advertise'."
            ))),
        }
    }
}

fn text_of(address: &Address) -> String {
    match address {
        Address::Ip(ip) => ip.to_string(),
        Address::Unix(path) => format!("unix://{}", path.display()),
    }
}

/// Reads a port; values that are no port are errors, 0 and less mean "off".
fn port(r: &mut Reader<'_>, name: &str, default: i64) -> i32 {
    let key = format!("ports.{name}");
    let value = if r.is_set(&key) { r.int(&key) } else { default };
    if value > 65535 {
        r.errors.push(format!("{key}: invalid port: {value}"));
        return -1;
    }
    if value <= 0 { -1 } else { value as i32 }
}

/// Reads all ports.
pub fn ports(r: &mut Reader<'_>, server: bool) -> Ports {
    let range = |r: &Reader<'_>, name: &str| i32::try_from(r.int(&format!("ports.{name}"))).unwrap_or(0);
    Ports {
        dns: port(r, "dns", -1),
        http: port(r, "http", -1),
        https: port(r, "https", -1),
        grpc: port(r, "grpc", -1),
        grpc_tls: port(r, "grpc_tls", if server { 8503 } else { -1 }),
        serf_lan: port(r, "serf_lan", -1),
        serf_wan: port(r, "serf_wan", -1),
        server: port(r, "server", -1),
        sidecar_min_port: range(r, "sidecar_min_port"),
        sidecar_max_port: range(r, "sidecar_max_port"),
        expose_min_port: range(r, "expose_min_port"),
        expose_max_port: range(r, "expose_max_port"),
    }
}

/// Fills in all addresses and ports.
pub fn resolve(r: &mut Reader<'_>, resolver: &Resolver, config: &mut RuntimeConfig) -> Result<(), ConfigError> {
    config.ports = ports(r, config.server);
    let bind = bind_address(r, resolver)?;
    config.bind_addr = Some(bind);
    advertise(r, resolver, config, bind)?;
    cluster(r, resolver, config, bind)?;
    listeners(r, resolver, config)
}

fn bind_address(r: &mut Reader<'_>, resolver: &Resolver) -> Result<IpAddr, ConfigError> {
    let fail = |text: &str| Err(ConfigError(text.to_string()));
    match resolver.addresses(r, "bind_addr").as_slice() {
        [] => fail("bind_addr cannot be empty"),
        [Address::Ip(ip)] => Ok(*ip),
        [Address::Unix(_)] => fail("bind_addr cannot be a unix socket"),
        _ => fail("bind_addr cannot contain multiple addresses. Use 'addresses.{dns,http,https}' instead."),
    }
}

/// A configured address of one family, if it has that family.
fn of_family(r: &mut Reader<'_>, resolver: &Resolver, key: &str, v4: bool) -> Result<Option<IpAddr>, ConfigError> {
    match resolver.single(r, key)? {
        Some(ip) if ip.is_ipv4() != v4 => {
            let family = if v4 { "ipv4" } else { "ipv6" };
            Err(ConfigError(format!("{key} must be an {family} address")))
        }
        other => Ok(other),
    }
}

fn advertise(
    r: &mut Reader<'_>,
    resolver: &Resolver,
    config: &mut RuntimeConfig,
    bind: IpAddr,
) -> Result<(), ConfigError> {
    let lan_v4 = of_family(r, resolver, "advertise_addr_ipv4", true)?;
    let lan_v6 = of_family(r, resolver, "advertise_addr_ipv6", false)?;
    let wan_v4 = of_family(r, resolver, "advertise_addr_wan_ipv4", true)?;
    let wan_v6 = of_family(r, resolver, "advertise_addr_wan_ipv6", false)?;
    let before = r.errors.len();
    let configured = resolver.single(r, "advertise_addr")?;
    // The address is evaluated twice, and so are its errors.
    r.errors.extend_from_within(before..);
    let of_bind_family = if bind.is_ipv4() { lan_v4 } else { lan_v6 };
    let lan = match configured.or(of_bind_family).or(lan_v4).or(lan_v6) {
        Some(ip) => ip,
        // The error is reported; any address that passes the other rules will do.
        None if r.errors.len() > before => IpAddr::from([127, 0, 0, 1]),
        None if bind.is_unspecified() => resolver.detect(bind)?,
        None => bind,
    };
    let wan = resolver.single(r, "advertise_addr_wan")?.or(wan_v4).or(wan_v6).unwrap_or(lan);
    let mut tagged: BTreeMap<String, String> = r.text_map("tagged_addresses");
    tagged.insert("lan".to_string(), lan.to_string());
    tagged.insert("wan".to_string(), wan.to_string());
    for (name, main, v4, v6) in [("lan", lan, lan_v4, lan_v6), ("wan", wan, wan_v4, wan_v6)] {
        let of_main = |wants_v4: bool| (main.is_ipv4() == wants_v4).then_some(main);
        for (family, ip) in [("ipv4", v4.or(of_main(true))), ("ipv6", v6.or(of_main(false)))] {
            if let Some(ip) = ip {
                tagged.insert(format!("{name}_{family}"), ip.to_string());
            }
        }
    }
    config.advertise_addr = Some(lan);
    config.advertise_addr_wan = Some(wan);
    config.tagged_addresses = tagged;
    Ok(())
}

/// Joins an address with a port that may be off.
fn with_port(ip: IpAddr, port: i32) -> Option<SocketAddr> {
    u16::try_from(port).ok().filter(|port| *port > 0).map(|port| SocketAddr::new(ip, port))
}

fn cluster(
    r: &mut Reader<'_>,
    resolver: &Resolver,
    config: &mut RuntimeConfig,
    bind: IpAddr,
) -> Result<(), ConfigError> {
    let lan_bind = resolver.single(r, "serf_lan")?.unwrap_or(bind);
    let wan_bind = resolver.single(r, "serf_wan")?.unwrap_or(bind);
    let lan = config.advertise_addr.unwrap_or(bind);
    let wan = config.advertise_addr_wan.unwrap_or(bind);
    let ports = &config.ports;
    config.rpc_bind_addr = with_port(bind, ports.server);
    config.rpc_advertise_addr = with_port(lan, ports.server);
    config.serf_bind_addr_lan = with_port(lan_bind, ports.serf_lan);
    config.serf_advertise_addr_lan = with_port(lan, ports.serf_lan);
    config.serf_bind_addr_wan = with_port(wan_bind, ports.serf_wan).filter(|_| config.server);
    config.serf_advertise_addr_wan = with_port(wan, ports.serf_wan);
    Ok(())
}

fn listeners(r: &mut Reader<'_>, resolver: &Resolver, config: &mut RuntimeConfig) -> Result<(), ConfigError> {
    let client = resolver.addresses(r, "client_addr");
    config.client_addrs = client.iter().map(text_of).collect();
    let mut listen = |name: &str, port: i32| -> Vec<ListenAddr> {
        let key = format!("addresses.{name}");
        let own = resolver.addresses(r, &key);
        let addresses = if r.text(&key).is_empty() { client.clone() } else { own };
        let with_port = |address: Address| match address {
            Address::Ip(ip) => with_port(ip, port).map(ListenAddr::Ip),
            Address::Unix(path) => (port > 0).then_some(ListenAddr::Unix(path)),
        };
        addresses.into_iter().filter_map(with_port).collect()
    };
    let ports = &config.ports;
    let dns = listen("dns", ports.dns);
    config.http_addrs = listen("http", ports.http);
    config.https_addrs = listen("https", ports.https);
    config.grpc_addrs = listen("grpc", ports.grpc);
    config.grpc_tls_addrs = listen("grpc_tls", ports.grpc_tls);
    let ips: Option<Vec<SocketAddr>> = dns.iter().map(ListenAddr::ip).collect();
    config.dns_addrs = ips.ok_or_else(|| ConfigError("DNS address cannot be a unix socket".to_string()))?;
    Ok(())
}

/// Recursors as `host:port` (`spec/dns.md` 8).
pub fn recursors(r: &mut Reader<'_>, resolver: &Resolver) -> Result<Vec<String>, ConfigError> {
    let mut known = Vec::new();
    for text in r.texts("recursors") {
        let words = match resolver.words("recursors", &text) {
            Ok(words) => words,
            Err(error) => {
                r.errors.push(error);
                continue;
            }
        };
        for word in words {
            if word.starts_with("unix://") {
                return Err(ConfigError(format!("DNS Recursors cannot be unix sockets: {word}")));
            }
            let address =
                host_port(&word, 53).ok_or_else(|| ConfigError(format!("Invalid recursor address: {word}")))?;
            let host = address.rsplit_once(':').map_or("", |(host, _)| host);
            if unbracketed(host).parse().is_ok_and(|ip: IpAddr| ip.is_unspecified()) {
                return Err(ConfigError("DNS recursor address cannot be 0.0.0.0, :: or [::]".to_string()));
            }
            if !known.contains(&address) {
                known.push(address);
            }
        }
    }
    Ok(known)
}

fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

/// `host`, `ip`, `host:port`, `[v6]:port` with the port filled in; `None` for a bad port.
pub fn host_port(text: &str, default: u16) -> Option<String> {
    if let Ok(ip) = unbracketed(text).parse() {
        return Some(SocketAddr::new(ip, default).to_string());
    }
    match text.rsplit_once(':') {
        Some((host, port)) => {
            let port: u16 = port.parse().ok()?;
            Some(format!("{host}:{port}"))
        }
        None if text.is_empty() => None,
        None => Some(format!("{text}:{default}")),
    }
}
