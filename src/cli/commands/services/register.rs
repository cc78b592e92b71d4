//! `services register` (`spec/cli.md` 24).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Body, Params};
use crate::config::ServiceDefinition;
use crate::types::service::ServiceAddress;
use crate::types::{GoDuration, NodeService};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The command.
pub static COMMAND: Command = Command {
    path: &["services", "register"],
    synopsis: "Register services with the local agent",
    usage: "Usage: {program} services register [options] [FILE...]

  Registers the services of files in the format of the agent's configuration,
  or one service described by flags. The agent keeps them over restarts; the
  file is not needed any more.

      $ {program} services register -name=web -port=8080
      $ {program} services register web.hcl db.json",
    groups: Groups::CSN,
    flags: &[
        Flag::string("address", "Address of the service, without port."),
        Flag::string("id", "Id of the service; its name by default."),
        Flag::string("kind", "Kind of the service."),
        Flag::map("meta", "Metadata of the service, `key=value`. Can be given several times."),
        Flag::string("name", "Name of the service."),
        Flag::int("port", "Port of the service."),
        Flag::string("socket", "Path of the service's unix socket."),
        Flag::list("tag", "Tag of the service. Can be given several times."),
        Flag::map("tagged-address", "Address for a purpose, `name=host:port`. Can be given several times."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let named = !m.text("name").is_empty();
    if m.args().is_empty() && !named {
        return Err(Exit::error("Service registration requires at least one argument or flags."));
    }
    if !m.args().is_empty() && named {
        return Err(Exit::error("Service registration requires arguments or -id, not both."));
    }
    let services = if named { vec![from_flags(m)?] } else { super::from_files(m.args())? };
    let client = connect(cx, m)?;
    for definition in services {
        let name = &definition.service.service;
        if let Err(reason) = without_port(&definition.service.address) {
            return Err(Exit::error(format!(
                "Invalid Service address for service '{name}'. Use port field instead: {reason}"
            )));
        }
        let body = Body::json(&request(&definition));
        cx.block_on(client.put("/v1/agent/service/register", Params::new(), Some(body)))
            .or_exit(&format!("Error registering service {name:?}"))?;
        cx.output(format!("Registered service: {name}"));
    }
    Ok(())
}

fn from_flags(m: &Matches) -> Result<ServiceDefinition, Exit> {
    let address = m.text("address").to_string();
    without_port(&address).or_exit("Invalid Service address when using CLI flags. Use -port flag instead")?;
    let mut tagged = BTreeMap::new();
    for (name, target) in m.map("tagged-address") {
        tagged.insert(name, parse_target(&target).or_exit("Invalid Tagged address")?);
    }
    let meta = m.map("meta");
    let service = NodeService {
        kind: m.text("kind").to_string(),
        id: m.text("id").to_string(),
        service: m.text("name").to_string(),
        tags: Some(m.list("tag").to_vec()),
        address,
        port: m.int("port"),
        socket_path: m.text("socket").to_string(),
        meta: (!meta.is_empty()).then_some(meta),
        tagged_addresses: (!tagged.is_empty()).then_some(tagged),
        ..NodeService::default()
    };
    Ok(ServiceDefinition { service, ..ServiceDefinition::default() })
}

/// Refuses `host:port` where only a host belongs.
fn without_port(address: &str) -> Result<(), String> {
    if address.is_empty() || address.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    if address.matches(':').count() > 1 && !address.starts_with('[') {
        return Err(format!("malformed IP address: {address}"));
    }
    match address.rsplit_once(':') {
        Some(_) => Err("address should not contain port".into()),
        None => Ok(()),
    }
}

fn parse_target(text: &str) -> Result<ServiceAddress, String> {
    let missing = || format!("address {text}: missing port in address");
    let (host, port) = text.rsplit_once(':').ok_or_else(missing)?;
    let port = port.parse().map_err(|_| format!("strconv.Atoi: parsing {port:?}: invalid syntax"))?;
    Ok(ServiceAddress { address: host.trim_matches(['[', ']']).to_string(), port })
}

/// Durations of a check, which travel as text.
const DURATIONS: [&str; 4] = ["Interval", "Timeout", "TTL", "DeregisterCriticalServiceAfter"];

/// The body of the registration: the definition without what is empty.
fn request(definition: &ServiceDefinition) -> Value {
    let mut service = object(json!(definition.service));
    if let Some(name) = service.shift_remove("Service") {
        service.insert("Name".into(), name);
    }
    for internal in ["CreateIndex", "ModifyIndex", "PeerName", "LocallyRegisteredAsSidecar"] {
        service.shift_remove(internal);
    }
    let checks = definition.checks.iter().map(|check| {
        let mut check = object(json!(check));
        for name in DURATIONS {
            if let Some(nanos) = check.get(name).and_then(Value::as_i64).filter(|nanos| *nanos != 0) {
                check.insert(name.into(), json!(GoDuration(nanos).to_string()));
            }
        }
        Value::Object(check)
    });
    let checks: Vec<Value> = checks.collect();
    if !checks.is_empty() {
        service.insert("Checks".into(), Value::Array(checks));
    }
    let mut body = Value::Object(service);
    prune(&mut body);
    body
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => unreachable!("definitions are structs"),
    }
}

/// Removes what is null, empty, false or zero: the agent's defaults. Opaque proxy configuration and the pair of weights
/// are left as they are, a zero means something there.
fn prune(value: &mut Value) {
    let Value::Object(map) = value else { return };
    map.retain(|name, value| {
        if !matches!(name.as_str(), "Config" | "Weights" | "Meta" | "Header") {
            match value {
                Value::Object(_) => prune(value),
                Value::Array(items) => items.iter_mut().for_each(prune),
                _ => {}
            }
        }
        match value {
            Value::Null => false,
            Value::Bool(set) => *set,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::CheckType;

    #[test]
    fn the_request_holds_only_what_was_said() {
        let service = NodeService { service: "redis01".into(), port: 6379, ..NodeService::default() };
        let check = CheckType { tcp: "127.0.0.1:1".into(), interval: GoDuration::secs(10), ..CheckType::default() };
        let definition = ServiceDefinition { service, checks: vec![check], ..ServiceDefinition::default() };
        let expected = json!({"Name": "redis01", "Port": 6379, "Checks": [{"TCP": "127.0.0.1:1", "Interval": "10s"}]});
        assert_eq!(request(&definition), expected);
    }

    #[test]
    fn an_address_has_no_port() {
        assert_eq!(without_port("10.0.0.1:80"), Err("address should not contain port".into()));
        assert_eq!(without_port("a:b:c"), Err("malformed IP address: a:b:c".into()));
        for fine in ["", "10.0.0.1", "::1", "redis.example"] {
            assert_eq!(without_port(fine), Ok(()), "{fine}");
        }
    }
}
