//! `-service-identity` and `-node-identity` (`spec/cli.md` 6).

use crate::cli::{Exit, Matches};
use crate::client::acl::{NodeIdentity, ServiceIdentity};

/// The flags in the shape that create and update commands share.
pub(super) const SERVICE_HELP: &str =
    "A service identity, as NAME or NAME:DATACENTER1,DATACENTER2. May be given several times.";
/// As [`SERVICE_HELP`].
pub(super) const NODE_HELP: &str = "A node identity, as NODE:DATACENTER. May be given several times.";

/// The service identities of a flag.
///
/// # Errors
/// `Malformed -service-identity argument: "..."`.
pub(super) fn services(m: &Matches, flag: &str) -> Result<Vec<ServiceIdentity>, Exit> {
    m.list(flag).iter().map(|text| service(text).map_err(Exit::error)).collect()
}

fn service(text: &str) -> Result<ServiceIdentity, String> {
    let (service_name, datacenters) = text.split_once(':').unwrap_or((text, ""));
    let datacenters: Vec<String> = match text.contains(':') {
        true => datacenters.split(',').map(str::to_owned).collect(),
        false => Vec::new(),
    };
    if service_name.is_empty() || datacenters.iter().any(|dc| dc.is_empty() || dc.contains(':')) {
        return Err(format!("Malformed -service-identity argument: {text:?}"));
    }
    Ok(ServiceIdentity { service_name: service_name.to_owned(), datacenters })
}

/// The node identities of a flag.
///
/// # Errors
/// `Malformed -node-identity argument: "..."`.
pub(super) fn nodes(m: &Matches, flag: &str) -> Result<Vec<NodeIdentity>, Exit> {
    m.list(flag).iter().map(|text| node(text).map_err(Exit::error)).collect()
}

fn node(text: &str) -> Result<NodeIdentity, String> {
    match text.split_once(':') {
        Some((node_name, datacenter)) if !datacenter.contains(':') => {
            Ok(NodeIdentity { node_name: node_name.to_owned(), datacenter: datacenter.to_owned() })
        }
        _ => Err(format!("Malformed -node-identity argument: {text:?}")),
    }
}

/// Puts identities beside those that are there; one of the same service takes the place of the old one.
pub(super) fn add_services(known: &mut Vec<ServiceIdentity>, more: Vec<ServiceIdentity>) {
    for identity in more {
        match known.iter_mut().find(|old| old.service_name == identity.service_name) {
            Some(old) => *old = identity,
            None => known.push(identity),
        }
    }
}

/// Adds the identities that are not there yet.
pub(super) fn add_nodes(known: &mut Vec<NodeIdentity>, more: Vec<NodeIdentity>) {
    for identity in more {
        if !known.contains(&identity) {
            known.push(identity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_may_be_limited_to_datacenters() {
        let whole = service("web").expect("an identity");
        assert_eq!((whole.service_name.as_str(), whole.datacenters.len()), ("web", 0));
        assert_eq!(service("web:a,b").expect("an identity").datacenters, ["a", "b"]);
        for bad in ["", ":", "web:", "web:a,", "web:a:b"] {
            assert_eq!(service(bad), Err(format!("Malformed -service-identity argument: {bad:?}")));
        }
    }

    #[test]
    fn a_node_has_exactly_one_datacenter() {
        let identity = node("n1:dc1").expect("an identity");
        assert_eq!((identity.node_name.as_str(), identity.datacenter.as_str()), ("n1", "dc1"));
        for bad in ["n1", "a:b:c"] {
            assert_eq!(node(bad), Err(format!("Malformed -node-identity argument: {bad:?}")));
        }
    }
}
