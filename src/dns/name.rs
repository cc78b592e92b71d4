//! The grammar of query names: which lookup a name asks for (`spec/dns.md` 2).

/// What a name under our domain asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Healthy instances of a service, with a tag if given.
    Service {
        /// Service name, lower case.
        name: String,
        /// Tag filter, lower case.
        tag: Option<String>,
    },
    /// Mesh-capable endpoints of a service.
    Connect {
        /// Service name.
        name: String,
    },
    /// Ingress gateways of a service.
    Ingress {
        /// Service name.
        name: String,
    },
    /// Virtual address of a service.
    Virtual {
        /// Service name.
        name: String,
    },
    /// A node.
    Node {
        /// Node name, may contain dots.
        name: String,
    },
    /// A prepared query.
    Query {
        /// Name or id.
        name: String,
    },
    /// An address spelled in hex.
    Addr {
        /// The digits.
        hex: String,
    },
}

/// A parsed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it asks for.
    pub lookup: Lookup,
    /// Datacenter, empty for the own one.
    pub datacenter: String,
    /// Cluster peer, empty for local data.
    pub peer: String,
}

/// The words that fix the kind of a lookup.
const KEYWORDS: [&str; 7] = ["service", "connect", "virtual", "ingress", "node", "query", "addr"];

/// The part of `name` left of the domain, and the domain as written; `name` has no final dot.
///
/// Both domains are lower case without final dot; the longer match wins.
pub fn split_domain<'a>(name: &'a str, domains: &[&str]) -> Option<(&'a str, &'a str)> {
    domains
        .iter()
        .filter(|domain| !domain.is_empty())
        .filter_map(|domain| {
            let at = name.len().checked_sub(domain.len())?;
            let tail = name.get(at..)?;
            if !tail.eq_ignore_ascii_case(domain) {
                return None;
            }
            match at {
                0 => Some(("", tail)),
                _ if name.as_bytes()[at - 1] == b'.' => Some((&name[..at - 1], tail)),
                _ => None,
            }
        })
        .max_by_key(|(_, tail)| tail.len())
}

/// Parses the part left of the domain; `None` is an invalid name.
pub fn parse(left: &str, srv: bool) -> Option<Question> {
    let left = left.to_ascii_lowercase();
    let labels: Vec<&str> = left.split('.').filter(|label| !label.is_empty()).collect();
    let keyword = labels.iter().rposition(|label| KEYWORDS.contains(label));
    let (kind, parts, suffixes) = match keyword {
        Some(at) => (labels[at], &labels[..at], &labels[at + 1..]),
        None if srv => {
            let at = labels.iter().rposition(|label| label.starts_with('_'))?;
            ("service", &labels[..=at], &labels[at + 1..])
        }
        None => return None,
    };
    let lookup = lookup(kind, parts)?;
    let (datacenter, peer) = locality(&lookup, suffixes)?;
    Some(Question { lookup, datacenter, peer })
}

fn lookup(kind: &str, parts: &[&str]) -> Option<Lookup> {
    let last = || parts.last().map(|label| (*label).to_owned());
    Some(match kind {
        "service" => service(parts)?,
        "connect" => Lookup::Connect { name: last()? },
        "ingress" => Lookup::Ingress { name: last()? },
        "virtual" => Lookup::Virtual { name: last()? },
        "node" if !parts.is_empty() => Lookup::Node { name: parts.join(".") },
        "query" => Lookup::Query { name: query(parts)? },
        "addr" => match parts {
            [hex] => Lookup::Addr { hex: (*hex).to_owned() },
            _ => return None,
        },
        _ => return None,
    })
}

/// `[<tag>.]<service>` or `_<service>._<tag>` (RFC 2782).
fn service(parts: &[&str]) -> Option<Lookup> {
    if let [name, tag] = parts
        && let (Some(name), Some(tag)) = (name.strip_prefix('_'), tag.strip_prefix('_'))
    {
        let tag = (tag != "tcp").then(|| tag.to_owned());
        return Some(Lookup::Service { name: name.to_owned(), tag });
    }
    let (name, tags) = parts.split_last()?;
    let tag = (!tags.is_empty()).then(|| tags.join("."));
    Some(Lookup::Service { name: (*name).to_owned(), tag })
}

/// `<name>` with dots, or `_<name>._tcp`.
fn query(parts: &[&str]) -> Option<String> {
    match parts {
        [] => None,
        [first, .., last] if first.starts_with('_') && last.starts_with('_') => {
            Some(parts[..parts.len() - 1].join(".")[1..].to_owned())
        }
        _ => Some(parts.join(".")),
    }
}

/// Datacenter and peer from the labels right of the keyword.
fn locality(lookup: &Lookup, suffixes: &[&str]) -> Option<(String, String)> {
    let none = String::new;
    match (lookup, suffixes) {
        (Lookup::Addr { .. }, _) => Some((none(), none())),
        (_, []) => Some((none(), none())),
        (Lookup::Virtual { .. }, [peer]) => Some((none(), (*peer).to_owned())),
        (_, [datacenter]) => Some(((*datacenter).to_owned(), none())),
        (Lookup::Query { .. }, _) => None,
        (_, [datacenter, "dc"]) => Some(((*datacenter).to_owned(), none())),
        (Lookup::Service { .. } | Lookup::Node { .. } | Lookup::Virtual { .. }, [peer, "peer"]) => {
            Some((none(), (*peer).to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, tag: Option<&str>) -> Lookup {
        Lookup::Service { name: name.to_owned(), tag: tag.map(str::to_owned) }
    }

    #[test]
    fn names_are_read_from_the_right() {
        let node = |name: &str| Lookup::Node { name: name.to_owned() };
        let cases = [
            ("web.service", false, Some((service("web", None), ""))),
            ("primary.web.service.dc2", false, Some((service("web", Some("primary")), "dc2"))),
            ("v1.2.web.service", false, Some((service("web", Some("v1.2")), ""))),
            ("WEB.Service.DC1.dc", false, Some((service("web", None), "dc1"))),
            ("_web._tcp.service", true, Some((service("web", None), ""))),
            ("_web._v1.service.dc1", false, Some((service("web", Some("v1")), "dc1"))),
            ("_web._tcp", true, Some((service("web", None), ""))),
            ("_web._tcp", false, None),
            ("a.b.c.node", false, Some((node("a.b.c"), ""))),
            ("192.168.1.164.node.beijing-c", false, Some((node("192.168.1.164"), "beijing-c"))),
            ("0a010203.addr", false, Some((Lookup::Addr { hex: "0a010203".into() }, ""))),
            ("x.0a010203.addr", false, None),
            ("my.query.name.query", false, Some((Lookup::Query { name: "my.query.name".into() }, ""))),
            ("_q._tcp.query", true, Some((Lookup::Query { name: "q".into() }, ""))),
            ("q.query.dc1.extra", false, None),
            ("web.service.default.ns.dc1.dc", false, None),
            ("service", false, None),
            ("node", false, None),
            ("foo", false, None),
            ("", false, None),
        ];
        for (left, srv, expected) in cases {
            let parsed = parse(left, srv).map(|question| (question.lookup, question.datacenter));
            assert_eq!(parsed, expected.map(|(lookup, dc)| (lookup, dc.to_owned())), "{left}");
        }
    }

    #[test]
    fn the_longer_domain_wins_and_keeps_its_letters() {
        let domains = ["consul", "my.consul"];
        assert_eq!(split_domain("web.service.Consul", &domains), Some(("web.service", "Consul")));
        assert_eq!(split_domain("web.service.my.consul", &domains), Some(("web.service", "my.consul")));
        assert_eq!(split_domain("consul", &domains), Some(("", "consul")));
        assert_eq!(split_domain("web.serviceconsul", &domains), None);
        assert_eq!(split_domain("example.org", &domains), None);
    }
}
