//! `-templated-policy`, `-templated-policy-file` and `-var` (`spec/cli.md` 6).

use crate::cli::{Exit, Matches};
use crate::client::acl::{TemplatedPolicy, Variables};
use crate::client::os_text;
use crate::config::hcl;
use ::hcl::Value;

/// Help of `-var`.
pub(super) const VAR_HELP: &str =
    "Variable of the templated policy, as VariableName:Value. May be given several times. Used with -templated-policy.";

/// The templated policies of a flag and of its twin that names a file; `beside` reads before `templated-policy`.
///
/// # Errors
/// Both are given, a variable has another shape, the file cannot be read.
pub(super) fn policies(m: &Matches, beside: &str, thing: &str) -> Result<Vec<TemplatedPolicy>, Exit> {
    let (name, file) =
        (m.text(&format!("{beside}templated-policy")), m.text(&format!("{beside}templated-policy-file")));
    if !name.is_empty() && !file.is_empty() {
        return Err(Exit::error(format!(
            "Cannot combine the use of templated-policy flag with templated-policy-file. To create a {thing} with a \
             single templated policy and simple use case, use -templated-policy. For multiple templated policies and \
             more complicated use cases, use -templated-policy-file"
        )));
    }
    if !name.is_empty() {
        return Ok(vec![single(name, m.list("var"))?]);
    }
    if file.is_empty() { Ok(Vec::new()) } else { from_file(file) }
}

/// A use of a template with the variables of `-var`.
///
/// # Errors
/// `malformed -var argument: "...", expecting VariableName:Value`.
pub(super) fn single(name: &str, variables: &[String]) -> Result<TemplatedPolicy, Exit> {
    let template_variables = self::variables(variables).map_err(Exit::error)?;
    Ok(TemplatedPolicy { template_name: name.to_owned(), template_variables, datacenters: Vec::new() })
}

fn variables(given: &[String]) -> Result<Option<Variables>, String> {
    let mut found = None;
    for text in given {
        match text.split_once(':') {
            Some((name, value)) if !value.contains(':') && name.eq_ignore_ascii_case("name") => {
                found = Some(Variables { name: value.to_owned() });
            }
            Some((name, value)) if !value.contains(':') && !name.is_empty() => {
                return Err(format!("unknown template variable: {name:?}"));
            }
            _ => return Err(format!("malformed -var argument: {text:?}, expecting VariableName:Value")),
        }
    }
    Ok(found)
}

/// The templated policies of a file, HCL or JSON; `-` is stdin.
///
/// # Errors
/// It cannot be read, or holds something else.
pub(super) fn from_file(path: &str) -> Result<Vec<TemplatedPolicy>, Exit> {
    parse(&read(path)?).map_err(Exit::error)
}

/// The content of a file, or of stdin for `-`.
fn read(path: &str) -> Result<Vec<u8>, Exit> {
    if path == "-" {
        let mut data = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut data)
            .map_err(|error| Exit::error(format!("Failed to load data: Failed to read stdin: {}", os_text(&error))))?;
        return Ok(data);
    }
    std::fs::read(path).map_err(|error| {
        Exit::error(format!("Failed to load data: Failed to read file: open {path}: {}", os_text(&error)))
    })
}

fn parse(source: &[u8]) -> Result<Vec<TemplatedPolicy>, String> {
    let mut root = hcl::parse(source).map_err(|error| error.to_string())?;
    let mut policies = Vec::new();
    let Some((_, uses)) = root.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case("TemplatedPolicy")) else {
        return Err("the file holds no TemplatedPolicy".to_owned());
    };
    each_object(uses, &mut |template, body| {
        each_body(body, &mut |fields| {
            let mut policy = TemplatedPolicy { template_name: template.to_owned(), ..TemplatedPolicy::default() };
            for (key, value) in fields {
                match (key.to_ascii_lowercase().as_str(), value) {
                    ("name", Value::String(name)) => {
                        policy.template_variables = Some(Variables { name: name.clone() });
                    }
                    ("datacenters", Value::Array(names)) => {
                        policy.datacenters = names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
                    }
                    _ => return Err(format!("invalid field {key:?} of templated policy {template:?}")),
                }
            }
            policies.push(policy);
            Ok(())
        })
    })?;
    Ok(policies)
}

/// Calls `visit` with every key and value below an object, or below the objects of a list.
fn each_object(value: &Value, visit: &mut dyn FnMut(&str, &Value) -> Result<(), String>) -> Result<(), String> {
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, value)| visit(key, value)),
        Value::Array(items) => items.iter().try_for_each(|item| each_object(item, visit)),
        _ => Err("a TemplatedPolicy must be a block with the name of its template".to_owned()),
    }
}

/// What is done with the body of a use.
type Visit<'a> = &'a mut dyn FnMut(&::hcl::Map<String, Value>) -> Result<(), String>;

/// Calls `visit` with an object, or with every object of a list.
fn each_body(value: &Value, visit: Visit<'_>) -> Result<(), String> {
    match value {
        Value::Object(map) => visit(map),
        Value::Array(items) => items.iter().try_for_each(|item| each_body(item, visit)),
        _ => Err("the body of a TemplatedPolicy must be a block".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_any_number_of_uses_in_hcl_or_json() {
        let hcl = br#"TemplatedPolicy "builtin/service" { Name = "api" }
            TemplatedPolicy "builtin/service" { Name = "web" Datacenters = ["dc1"] }
            TemplatedPolicy "builtin/dns" {}"#;
        let json = br#"{"TemplatedPolicy":{"builtin/service":[{"Name":"api"},{"Name":"web","Datacenters":["dc1"]}],"builtin/dns":{}}}"#;
        for source in [&hcl[..], &json[..]] {
            let found = parse(source).expect("three uses");
            let shown: Vec<_> = found
                .iter()
                .map(|policy| {
                    let name = policy.template_variables.as_ref().map_or("", |variables| variables.name.as_str());
                    (policy.template_name.as_str(), name, policy.datacenters.len())
                })
                .collect();
            assert_eq!(shown, [("builtin/service", "api", 0), ("builtin/service", "web", 1), ("builtin/dns", "", 0)]);
        }
        for bad in [&b"{"[..], b"", br#"TemplatedPolicy "x" { Nam = "a" }"#, b"TemplatedPolicy = 1"] {
            assert!(parse(bad).is_err());
        }
    }

    #[test]
    fn a_variable_has_exactly_one_colon() {
        let of = |text: &str| variables(&[text.to_owned()]);
        assert_eq!(of("Name:api"), Ok(Some(Variables { name: "api".into() })));
        for bad in ["name", "name:a:b", ":x"] {
            assert_eq!(of(bad), Err(format!("malformed -var argument: {bad:?}, expecting VariableName:Value")));
        }
        assert!(of("other:x").is_err());
    }
}
