//! Auth methods as text.

use super::super::pretty::Page;
use crate::cli::output::json;
use crate::client::acl::{AuthMethod, AuthMethodEntry};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One auth method.
pub(super) fn method(method: &AuthMethod, meta: bool) -> String {
    let mut page = Page::new(0, 15);
    page.field("Name", &method.name);
    page.field("Type", &method.kind);
    page.field_if_any("DisplayName", &method.display_name);
    page.field("Description", &method.description);
    if method.max_token_ttl.0 > 0 {
        page.field("MaxTokenTTL", method.max_token_ttl);
    }
    page.field_if_any("TokenLocality", &method.token_locality);
    if meta {
        page.meta(None, method.create_index, method.modify_index);
    }
    page.raw("Config:\n");
    page.raw(&match &method.config {
        Some(config) => json(&sorted(config), "  "),
        None => "null".to_owned(),
    });
    page.raw("\n");
    page.done()
}

/// Keys in order, at every depth, as Go prints maps.
fn sorted(config: &BTreeMap<String, Value>) -> Map<String, Value> {
    let value = |value: &Value| match value {
        Value::Object(map) => sorted(&map.clone().into_iter().collect()).into(),
        other => other.clone(),
    };
    config.iter().map(|(key, inner)| (key.clone(), value(inner))).collect()
}

/// All auth methods under their names.
pub(super) fn methods(methods: &[AuthMethodEntry], meta: bool) -> String {
    let mut page = Page::new(3, 14);
    for method in methods {
        page.raw(&format!("{}:\n", method.name));
        page.field("Type", &method.kind);
        page.field_if_any("DisplayName", &method.display_name);
        page.field("Description", &method.description);
        if meta {
            page.meta(None, method.create_index, method.modify_index);
        }
    }
    page.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_ends_with_its_configuration() {
        let text = r#"{"MaxTokenTTL":"1h0m0s","Name":"j","Type":"jwt","DisplayName":"J","Description":"d",
            "TokenLocality":"global","Config":{"b":{"y":1,"x":2},"a":["1"]},"CreateIndex":12,"ModifyIndex":13}"#;
        let one: AuthMethod = serde_json::from_str(text).expect("a method");
        let expected = "\
Name:          j
Type:          jwt
DisplayName:   J
Description:   d
MaxTokenTTL:   1h0m0s
TokenLocality: global
Create Index:  12
Modify Index:  13
Config:
{
  \"a\": [
    \"1\"
  ],
  \"b\": {
    \"x\": 2,
    \"y\": 1
  }
}
";
        assert_eq!(method(&one, true), expected);
    }

    #[test]
    fn a_list_is_short() {
        let entry: AuthMethodEntry = serde_json::from_str(r#"{"Name":"j","Type":"jwt"}"#).expect("a method");
        assert_eq!(methods(&[entry], false), "j:\n   Type:         jwt\n   Description:  \n");
    }
}
