//! Answers in the field order of client libraries, which is what handlers of watches read.

use serde_json::{Map, Value, json};

/// A field: its name, and whether it is left out when empty.
type Field = (&'static str, bool);

const NODE: &[Field] = &[
    ("ID", false),
    ("Node", false),
    ("Address", false),
    ("Datacenter", false),
    ("TaggedAddresses", false),
    ("Meta", false),
    ("CreateIndex", false),
    ("ModifyIndex", false),
    ("Partition", true),
    ("PeerName", true),
    ("Locality", true),
];

const CHECK: &[Field] = &[
    ("Node", false),
    ("CheckID", false),
    ("Name", false),
    ("Status", false),
    ("Notes", false),
    ("Output", false),
    ("ServiceID", false),
    ("ServiceName", false),
    ("ServiceTags", false),
    ("Type", false),
    ("Namespace", true),
    ("Partition", true),
    ("ExposedPort", false),
    ("PeerName", true),
    ("Definition", false),
    ("CreateIndex", false),
    ("ModifyIndex", false),
];

const SERVICE: &[Field] = &[
    ("Kind", true),
    ("ID", false),
    ("Service", false),
    ("Tags", false),
    ("Meta", false),
    ("Port", false),
    ("Address", false),
    ("SocketPath", true),
    ("TaggedAddresses", true),
    ("Weights", false),
    ("EnableTagOverride", false),
    ("CreateIndex", true),
    ("ModifyIndex", true),
    ("ContentHash", true),
    ("Proxy", false),
    ("Connect", false),
    ("PeerName", true),
    ("Namespace", true),
    ("Partition", true),
    ("Datacenter", true),
    ("Locality", true),
];

const EVENT: &[Field] = &[
    ("ID", false),
    ("Name", false),
    ("Payload", false),
    ("NodeFilter", false),
    ("ServiceFilter", false),
    ("TagFilter", false),
    ("Version", false),
    ("LTime", false),
];

fn reorder(value: &Value, fields: &[Field]) -> Value {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) => false,
    };
    let kept = fields.iter().filter_map(|(name, optional)| {
        let value = value.get(name)?;
        (!optional || !empty(value)).then(|| (name.to_string(), value.clone()))
    });
    Value::Object(kept.collect::<Map<_, _>>())
}

/// A node.
pub(super) fn node(value: &Value) -> Value {
    reorder(value, NODE)
}

/// A health check; client libraries print its whole definition, zeros included.
pub(super) fn check(value: &Value) -> Value {
    let mut check = reorder(value, CHECK);
    if let Some(definition) = check.get_mut("Definition") {
        let text = || json!("");
        let zero = || json!("0s");
        let defaults = [
            ("Interval", zero()),
            ("Timeout", zero()),
            ("DeregisterCriticalServiceAfter", zero()),
            ("HTTP", text()),
            ("Header", Value::Null),
            ("Method", text()),
            ("Body", text()),
            ("TLSServerName", text()),
            ("TLSSkipVerify", json!(false)),
            ("TCP", text()),
            ("TCPUseTLS", json!(false)),
            ("UDP", text()),
            ("GRPC", text()),
            ("OSService", text()),
            ("GRPCUseTLS", json!(false)),
        ];
        let filled =
            defaults.map(|(name, default)| (name.to_string(), definition.get(name).cloned().unwrap_or(default)));
        *definition = Value::Object(Map::from_iter(filled));
    }
    check
}

/// A service instance; the proxy settings that say nothing are left out.
fn service(value: &Value) -> Value {
    let mut service = reorder(value, SERVICE);
    if let Some(Value::Object(proxy)) = service.get_mut("Proxy") {
        proxy.retain(|_, setting| !setting.is_null() && setting.as_str() != Some(""));
    }
    service
}

/// A user event.
pub(super) fn event(value: &Value) -> Value {
    reorder(value, EVENT)
}

/// A service instance with its node and checks.
pub(super) fn service_entry(value: &Value) -> Value {
    let mut entry = Map::new();
    entry.insert("Node".into(), node(&value["Node"]));
    entry.insert("Service".into(), service(&value["Service"]));
    entry.insert("Checks".into(), list(value["Checks"].clone(), check));
    Value::Object(entry)
}

/// Shapes every item of a list; anything else stays.
pub(super) fn list(value: Value, shape: fn(&Value) -> Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(shape).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_the_libraries_order_and_unknown_ones_are_dropped() {
        let value =
            json!({"Status": "passing", "Node": "n", "Interval": "", "Definition": {"TCP": "x"}, "PeerName": ""});
        let shaped = check(&value);
        let names: Vec<_> = shaped.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["Node", "Status", "Definition"]);
        assert_eq!(shaped["Definition"]["TCP"], "x");
        assert_eq!(shaped["Definition"]["Timeout"], "0s");
        assert_eq!(
            shaped["Definition"].as_object().and_then(|fields| fields.keys().next()).map(String::as_str),
            Some("Interval")
        );
    }

    #[test]
    fn an_instance_keeps_its_empty_mesh_settings() {
        let entry = json!({"Service": {"Connect": {}, "Proxy": {"Mode": "", "Expose": {}}, "PeerName": "", "ID": "a"}});
        assert_eq!(service_entry(&entry)["Service"].to_string(), r#"{"ID":"a","Proxy":{"Expose":{}},"Connect":{}}"#);
    }
}
