//! From catalog rows to records: address selection, SRV targets, metadata as TXT, weights (`spec/dns.md` 3, 4).

use super::settings::Settings;
use crate::types::{CheckServiceNode, CheckStatus, Node, NodeService};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// The address chosen for an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// The node's own address: SRV points to the node's name.
    Node(IpAddr),
    /// Any other IP: SRV points to a hex name.
    Ip(IpAddr),
    /// A host name: CNAME, or SRV target.
    Host(&'a str),
}

/// Builds names without escapes: every dot separates labels.
///
/// # Errors
/// `None` for labels over 63 bytes or names over 255.
pub fn name(text: &str) -> Option<Name> {
    let mut name = Name::from_labels(text.split('.').filter(|label| !label.is_empty()).map(str::as_bytes)).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// An A or AAAA record; `None` when the family does not fit the question.
pub fn address(owner: &Name, ttl: u32, ip: IpAddr, kind: RecordType) -> Option<Record> {
    let data = match (ip, kind) {
        (IpAddr::V4(_), RecordType::AAAA) | (IpAddr::V6(_), RecordType::A) => return None,
        (
            _,
            RecordType::A
            | RecordType::AAAA
            | RecordType::ANY
            | RecordType::SRV
            | RecordType::TXT
            | RecordType::NS
            | RecordType::SOA,
        ) => match ip {
            IpAddr::V4(v4) => RData::A(A(v4)),
            IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
        },
        _ => return None,
    };
    Some(Record::from_rdata(owner.clone(), ttl, data))
}

/// A CNAME record.
pub fn cname(owner: &Name, ttl: u32, target: Name) -> Record {
    Record::from_rdata(owner.clone(), ttl, RData::CNAME(CNAME(target)))
}

/// An SRV record with priority 1.
pub fn srv(owner: &Name, ttl: u32, weight: u16, port: u16, target: Name) -> Record {
    Record::from_rdata(owner.clone(), ttl, RData::SRV(SRV::new(1, weight, port, target)))
}

/// The SOA of the response domain.
pub fn soa(settings: &Settings, domain: &str) -> Option<Record> {
    let serial = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as u32);
    let values = settings.dns.soa;
    let data = SOA::new(
        name(&format!("ns.{domain}"))?,
        name(&format!("hostmaster.{domain}"))?,
        serial,
        values.refresh as i32,
        values.retry as i32,
        values.expire as i32,
        values.min_ttl,
    );
    Some(Record::from_rdata(name(domain)?, values.min_ttl, RData::SOA(data)))
}

/// Metadata of a node as TXT records (RFC 1464; keys with `rfc1035-` give the bare value).
pub fn metadata(owner: &Name, ttl: u32, node: &Node) -> Vec<Record> {
    node.meta
        .iter()
        .flatten()
        .map(|(key, value)| {
            let bare = key.get(..8).is_some_and(|prefix| prefix.eq_ignore_ascii_case("rfc1035-"));
            let text = if bare { value.clone() } else { format!("{}={}", rfc1464_key(key), value.replace('`', "``")) };
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(255).collect();
            let data = if pieces.is_empty() { TXT::new(vec![String::new()]) } else { TXT::from_bytes(pieces) };
            Record::from_rdata(owner.clone(), ttl, RData::TXT(data))
        })
        .collect()
}

fn rfc1464_key(key: &str) -> String {
    let first = key.len() - key.trim_start_matches(' ').len();
    let last = key.trim_end_matches(' ').len();
    let mut quoted = String::with_capacity(key.len());
    for (at, letter) in key.char_indices() {
        let outer_space = letter == ' ' && (at < first || at >= last);
        if outer_space || letter == '`' || letter == '=' {
            quoted.push('`');
        }
        quoted.push(letter);
    }
    quoted
}

/// One of the three candidate addresses, by the type asked for.
fn pick<'a>(default: &'a str, v4: Option<&'a str>, v6: Option<&'a str>, kind: RecordType) -> &'a str {
    let set = |text: Option<&'a str>| text.filter(|text| !text.is_empty());
    match kind {
        RecordType::A => set(v4).unwrap_or(default),
        RecordType::AAAA => set(v6).unwrap_or(default),
        _ => set(v6).or(set(v4)).unwrap_or(default),
    }
}

/// Names of the tagged addresses: default, IPv4, IPv6.
const LAN: (Option<&str>, &str, &str) = (None, "lan_ipv4", "lan_ipv6");
const WAN: (Option<&str>, &str, &str) = (Some("wan"), "wan_ipv4", "wan_ipv6");

/// Whether WAN addresses are used for rows of this datacenter.
pub fn translate(settings: &Settings, datacenter: &str) -> bool {
    settings.translate_wan_addrs && !datacenter.eq_ignore_ascii_case(&settings.datacenter)
}

/// The node's address for a question.
pub fn node_address(node: &Node, kind: RecordType, wan: bool) -> &str {
    let (default, v4, v6) = if wan { WAN } else { LAN };
    let tagged = |key: &str| node.tagged_addresses.as_ref().and_then(|map| map.get(key)).map(String::as_str);
    let default = default.and_then(tagged).filter(|text| !text.is_empty()).unwrap_or(&node.address);
    let fallback = |wan_key: &str, lan_key: &str| tagged(wan_key).or_else(|| tagged(lan_key).filter(|_| !wan));
    pick(default, fallback(v4, LAN.1), fallback(v6, LAN.2), kind)
}

/// The service's own address for a question; empty when it has none.
fn service_address(service: &NodeService, kind: RecordType, wan: bool) -> &str {
    let (default, v4, v6) = if wan { WAN } else { LAN };
    let tagged = |key: &str| {
        service.tagged_addresses.as_ref().and_then(|map| map.get(key)).map(|address| address.address.as_str())
    };
    let default = default.and_then(tagged).filter(|text| !text.is_empty()).unwrap_or(&service.address);
    pick(default, tagged(v4), tagged(v6), kind)
}

/// The port of SRV records.
pub fn port(service: &NodeService, wan: bool) -> u16 {
    let tagged = service.tagged_addresses.as_ref().and_then(|map| map.get("wan")).map(|address| address.port);
    let port = tagged.filter(|port| wan && *port != 0).unwrap_or(service.port);
    u16::try_from(port).unwrap_or(0)
}

/// The address of an instance, by the table of `spec/dns.md` 4.1; `None` when it has none at all.
pub fn endpoint<'a>(row: &'a CheckServiceNode, question: &str, kind: RecordType, wan: bool) -> Option<Endpoint<'a>> {
    let node = node_address(&row.node, kind, wan);
    let service = service_address(&row.service, kind, wan);
    let node_ip = node.parse::<IpAddr>().ok();
    if service.is_empty() {
        return match node_ip {
            Some(ip) if node == row.node.address => Some(Endpoint::Node(ip)),
            Some(ip) => Some(Endpoint::Ip(ip)),
            None if node.is_empty() => None,
            None => Some(Endpoint::Host(node)),
        };
    }
    if let Ok(ip) = service.parse() {
        return Some(Endpoint::Ip(ip));
    }
    if service.trim_end_matches('.').eq_ignore_ascii_case(question.trim_end_matches('.'))
        && let Some(ip) = node_ip
    {
        return Some(Endpoint::Node(ip));
    }
    Some(Endpoint::Host(service))
}

/// `<hex>.addr.<dc>.<domain>` of an address.
pub fn hex_name(ip: IpAddr, datacenter: &str, domain: &str) -> Option<Name> {
    let hex: String = match ip {
        IpAddr::V4(v4) => v4.octets().iter().map(|byte| format!("{byte:02x}")).collect(),
        IpAddr::V6(v6) => v6.octets().iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    name(&format!("{hex}.addr.{datacenter}.{domain}"))
}

/// The address that a hex name spells.
pub fn hex_address(hex: &str) -> Option<IpAddr> {
    let byte = |at: usize| hex.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    if !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    match hex.len() {
        8 => Some(IpAddr::from([byte(0)?, byte(1)?, byte(2)?, byte(3)?])),
        32 => {
            let mut octets = [0; 16];
            for (at, octet) in octets.iter_mut().enumerate() {
                *octet = byte(at)?;
            }
            Some(IpAddr::from(octets))
        }
        _ => None,
    }
}

/// Whether an instance may be answered with.
pub fn healthy(row: &CheckServiceNode, only_passing: bool) -> bool {
    row.checks.iter().all(|check| match check.known_status() {
        Some(CheckStatus::Passing) => true,
        Some(CheckStatus::Critical) => false,
        _ => !only_passing,
    })
}

/// SRV weight of an instance (`spec/dns.md` 4.4).
pub fn weight(row: &CheckServiceNode) -> u16 {
    let worst = row.checks.iter().filter_map(|check| check.known_status()).max().unwrap_or(CheckStatus::Passing);
    let weights = row.service.weights.unwrap_or_default();
    let weight = match worst {
        CheckStatus::Passing => weights.passing,
        CheckStatus::Warning => weights.warning,
        CheckStatus::Critical => 0,
    };
    u16::try_from(weight).unwrap_or(if weight < 0 { 0 } else { u16::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ServiceAddress;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn row(node: &str, service: &str) -> CheckServiceNode {
        CheckServiceNode {
            node: Arc::new(Node { address: node.to_owned(), ..Node::default() }),
            service: Arc::new(NodeService { address: service.to_owned(), ..NodeService::default() }),
            checks: Vec::new(),
        }
    }

    #[test]
    fn the_service_address_wins_over_the_nodes() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let cases = [
            ("10.0.0.1", "", Some(Endpoint::Node(ip("10.0.0.1")))),
            ("10.0.0.1", "10.0.0.2", Some(Endpoint::Ip(ip("10.0.0.2")))),
            ("10.0.0.1", "www.example.com", Some(Endpoint::Host("www.example.com"))),
            ("10.0.0.1", "web.service.consul", Some(Endpoint::Node(ip("10.0.0.1")))),
            ("www.example.org", "", Some(Endpoint::Host("www.example.org"))),
            ("", "", None),
        ];
        for (node, service, expected) in cases {
            let row = row(node, service);
            assert_eq!(endpoint(&row, "web.service.consul.", RecordType::A, false), expected, "{node} {service}");
        }
    }

    #[test]
    fn tagged_addresses_serve_their_family() {
        let mut service = NodeService { address: "10.0.0.2".to_owned(), ..NodeService::default() };
        let address = ServiceAddress { address: "2001:db8::5".to_owned(), port: 80 };
        service.tagged_addresses = Some(BTreeMap::from([("lan_ipv6".to_owned(), address)]));
        let row = CheckServiceNode { service: Arc::new(service), ..row("10.0.0.1", "") };
        let v6 = "2001:db8::5".parse().expect("an address");
        let v4 = "10.0.0.2".parse().expect("an address");
        assert_eq!(endpoint(&row, "q", RecordType::AAAA, false), Some(Endpoint::Ip(v6)));
        assert_eq!(endpoint(&row, "q", RecordType::A, false), Some(Endpoint::Ip(v4)));
        assert_eq!(endpoint(&row, "q", RecordType::SRV, false), Some(Endpoint::Ip(v6)));
    }

    #[test]
    fn hex_names_go_both_ways() {
        for text in ["10.1.2.3", "2001:db8::5"] {
            let ip: IpAddr = text.parse().expect("an address");
            let name = hex_name(ip, "dc1", "consul").expect("a name").to_ascii();
            let hex = name.split('.').next().expect("a first label");
            assert_eq!(hex_address(hex), Some(ip));
        }
        for bad in ["0a01020", "0a0102zz", "", "0a01020304"] {
            assert_eq!(hex_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn metadata_keys_are_quoted_as_rfc_1464_says() {
        assert_eq!(rfc1464_key("a=b"), "a`=b");
        assert_eq!(rfc1464_key(" a`b "), "` a``b` ");
    }
}
