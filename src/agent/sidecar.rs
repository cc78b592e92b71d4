//! The sidecar proxy that is registered together with its service (`spec/http-api.md` 3.4, sidecar).

use super::{ServiceRegistration, Source};
use crate::types::service::{ConnectProxyConfig, ServiceAddresses};
use crate::types::value::null_default;
use crate::types::{CheckType, Error, GoDuration, Locality, NodeService, Result, StringMap, Weights};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Id of a service's sidecar.
pub fn sidecar_id(service_id: &str) -> String {
    format!("{service_id}-sidecar-proxy")
}

/// The nested definition, in API names.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Definition {
    #[serde(deserialize_with = "null_default")]
    name: String,
    tags: Option<Vec<String>>,
    #[serde(deserialize_with = "null_default")]
    address: String,
    tagged_addresses: ServiceAddresses,
    meta: StringMap,
    #[serde(deserialize_with = "null_default")]
    port: i64,
    #[serde(deserialize_with = "null_default")]
    socket_path: String,
    weights: Option<Weights>,
    locality: Option<Locality>,
    #[serde(deserialize_with = "null_default")]
    enable_tag_override: bool,
    #[serde(deserialize_with = "null_default")]
    proxy: ConnectProxyConfig,
    check: Option<CheckType>,
    #[serde(deserialize_with = "null_default")]
    checks: Vec<CheckType>,
    #[serde(deserialize_with = "null_default")]
    token: String,
}

/// Takes the sidecar out of a registration and completes it from its parent. `used` are the ports of all services of the
/// agent; `current` is the port of a sidecar that is registered already.
///
/// # Errors
/// `Invalid SidecarService: ...`, or that no port is left.
pub fn take(
    parent: &mut ServiceRegistration,
    ports: RangeInclusive<i64>,
    used: &BTreeSet<i64>,
    current: Option<i64>,
) -> Result<Option<ServiceRegistration>> {
    let Some(nested) = parent.service.connect.sidecar_service.take() else { return Ok(None) };
    let definition: Definition = serde_json::from_value(*nested)
        .map_err(|error| Error::bad_request(format!("Invalid SidecarService: {error}")))?;
    let service = &parent.service;
    let mut proxy = definition.proxy;
    if proxy.destination_service_name.is_empty() {
        proxy.destination_service_name.clone_from(&service.service);
    }
    if proxy.destination_service_id.is_empty() {
        proxy.destination_service_id.clone_from(&service.id);
    }
    if !service.socket_path.is_empty() && proxy.local_service_socket_path.is_empty() {
        proxy.local_service_socket_path.clone_from(&service.socket_path);
    } else if proxy.local_service_socket_path.is_empty() {
        if proxy.local_service_address.is_empty() {
            "127.0.0.1".clone_into(&mut proxy.local_service_address);
        }
        if proxy.local_service_port == 0 {
            proxy.local_service_port = service.port;
        }
    }
    let name = if definition.name.is_empty() { sidecar_id(&service.service) } else { definition.name };
    let mut sidecar = NodeService {
        kind: "connect-proxy".into(),
        id: sidecar_id(&service.id),
        service: name,
        tags: definition.tags.or_else(|| service.tags.clone()),
        address: if definition.address.is_empty() { service.address.clone() } else { definition.address },
        tagged_addresses: definition.tagged_addresses,
        meta: definition.meta.or_else(|| service.meta.clone()),
        port: definition.port,
        socket_path: definition.socket_path,
        weights: definition.weights.or(service.weights),
        enable_tag_override: definition.enable_tag_override,
        locality: definition.locality.or_else(|| service.locality.clone()),
        proxy,
        locally_registered_as_sidecar: true,
        ..NodeService::default()
    };
    if sidecar.port <= 0 && sidecar.socket_path.is_empty() {
        sidecar.port = free_port(ports, used, current)?;
    }
    let mut checks: Vec<CheckType> = definition.check.into_iter().chain(definition.checks).collect();
    if checks.is_empty() {
        checks = default_checks(&sidecar, &service.id);
    }
    let token = if definition.token.is_empty() { parent.token.clone() } else { definition.token };
    let (source, replace_existing_checks) = (parent.source, parent.replace_existing_checks);
    Ok(Some(ServiceRegistration { service: sidecar, checks, token, source, replace_existing_checks }))
}

fn free_port(ports: RangeInclusive<i64>, used: &BTreeSet<i64>, current: Option<i64>) -> Result<i64> {
    let (first, last) = (*ports.start(), *ports.end());
    if first < 1 || last < first {
        return Err(Error::new("no port provided for sidecar_service and auto-assignment disabled in config"));
    }
    let current = current.filter(|port| ports.contains(port));
    current.or_else(|| (first..=last).find(|port| !used.contains(port))).ok_or_else(|| {
        let range = format!("[{first}, {last}]");
        Error::new(format!("no port provided for sidecar_service and none left in the configured range {range}"))
    })
}

/// The proxy listens, and its service is healthy.
fn default_checks(sidecar: &NodeService, parent_id: &str) -> Vec<CheckType> {
    let address = match sidecar.address.as_str() {
        "" => sidecar.proxy.local_service_address.as_str(),
        address => address,
    };
    let target = if address.contains(':') {
        format!("[{address}]:{}", sidecar.port)
    } else {
        format!("{address}:{}", sidecar.port)
    };
    vec![
        CheckType {
            name: "Connect Sidecar Listening".into(),
            tcp: target,
            interval: GoDuration::secs(10),
            ..CheckType::default()
        },
        CheckType {
            name: format!("Connect Sidecar Aliasing {parent_id}"),
            alias_service: parent_id.to_owned(),
            ..CheckType::default()
        },
    ]
}

/// Only what came from a file may be called local.
impl Source {
    /// True for configuration files.
    pub fn is_local(self) -> bool {
        self == Source::Local
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parent(sidecar: serde_json::Value) -> ServiceRegistration {
        let mut service = NodeService {
            id: "web1".into(),
            service: "web".into(),
            port: 8080,
            tags: Some(vec!["v1".into()]),
            ..NodeService::default()
        };
        service.connect.sidecar_service = Some(Box::new(sidecar));
        ServiceRegistration {
            service,
            checks: Vec::new(),
            token: "secret".into(),
            source: Source::Remote,
            replace_existing_checks: false,
        }
    }

    fn take_from(parent: &mut ServiceRegistration, used: &[i64], current: Option<i64>) -> Result<ServiceRegistration> {
        let used = used.iter().copied().collect();
        Ok(take(parent, 21000..=21002, &used, current)?.expect("it has a sidecar"))
    }

    #[test]
    fn an_empty_definition_is_completed_from_the_parent() {
        let mut web = parent(json!({}));
        let sidecar = take_from(&mut web, &[21000], None).expect("valid");
        assert!(web.service.connect.sidecar_service.is_none());
        let service = &sidecar.service;
        assert_eq!((service.id.as_str(), service.service.as_str()), ("web1-sidecar-proxy", "web-sidecar-proxy"));
        assert_eq!((service.kind.as_str(), service.port), ("connect-proxy", 21001));
        assert_eq!(service.tags, Some(vec!["v1".to_owned()]));
        let proxy = &service.proxy;
        assert_eq!((proxy.destination_service_name.as_str(), proxy.destination_service_id.as_str()), ("web", "web1"));
        assert_eq!((proxy.local_service_address.as_str(), proxy.local_service_port), ("127.0.0.1", 8080));
        let checks: Vec<_> = sidecar.checks.iter().map(|check| (check.name.as_str(), check.tcp.as_str())).collect();
        assert_eq!(checks, [("Connect Sidecar Listening", "127.0.0.1:21001"), ("Connect Sidecar Aliasing web1", "")]);
        assert_eq!(sidecar.token, "secret");
    }

    #[test]
    fn a_registered_sidecar_keeps_its_port() {
        let sidecar = take_from(&mut parent(json!({})), &[21000, 21001], Some(21001)).expect("valid");
        assert_eq!(sidecar.service.port, 21001);
    }

    #[test]
    fn given_values_win() {
        let nested =
            json!({"Port": 9, "Name": "p", "Checks": [{"Name": "c", "TTL": "10s"}], "Proxy": {"LocalServicePort": 7}});
        let sidecar = take_from(&mut parent(nested), &[], None).expect("valid");
        assert_eq!((sidecar.service.port, sidecar.service.service.as_str()), (9, "p"));
        assert_eq!(sidecar.service.proxy.local_service_port, 7);
        assert_eq!(sidecar.checks.len(), 1);
    }

    #[test]
    fn a_full_range_is_an_error() {
        let error = take_from(&mut parent(json!({})), &[21000, 21001, 21002], None).expect_err("nothing is left");
        assert_eq!(
            error.text,
            "no port provided for sidecar_service and none left in the configured range [21000, 21002]"
        );
    }
}
