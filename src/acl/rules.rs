//! The rule language: HCL 1 or JSON in, checked rules out (`spec/acl-and-tls.md` 3).

use super::resource::{Level, Resource, SCALARS};
use crate::config::hcl::tree::{self, Entry, Place, Tree, TreeKind};
use crate::types::{Error, Result, go_quote};

/// One row of the language: `word "label" { policy = "level" }`.
struct Labelled {
    word: &'static str,
    resource: Resource,
    /// It is about all names that begin with the label.
    prefix: bool,
    /// Go's name of the rule's type, and of the field of its label: both are part of messages.
    go: (&'static str, &'static str),
    /// Messages show a field of the enterprise edition.
    enterprise: bool,
}

const fn row(word: &'static str, resource: Resource, prefix: bool, go: (&'static str, &'static str)) -> Labelled {
    let enterprise = matches!(resource, Resource::Key | Resource::Node | Resource::Service);
    Labelled { word, resource, prefix, go, enterprise }
}

/// Resources with labels, in the order in which they are checked.
const LABELLED: [Labelled; 14] = [
    row("agent", Resource::Agent, false, ("AgentRule", "Node")),
    row("agent_prefix", Resource::Agent, true, ("AgentRule", "Node")),
    row("key", Resource::Key, false, ("KeyRule", "Prefix")),
    row("key_prefix", Resource::Key, true, ("KeyRule", "Prefix")),
    row("node", Resource::Node, false, ("NodeRule", "Name")),
    row("node_prefix", Resource::Node, true, ("NodeRule", "Name")),
    row("service", Resource::Service, false, ("ServiceRule", "Name")),
    row("service_prefix", Resource::Service, true, ("ServiceRule", "Name")),
    row("session", Resource::Session, false, ("SessionRule", "Node")),
    row("session_prefix", Resource::Session, true, ("SessionRule", "Node")),
    row("event", Resource::Event, false, ("EventRule", "Event")),
    row("event_prefix", Resource::Event, true, ("EventRule", "Event")),
    row("query", Resource::Query, false, ("PreparedQueryRule", "Prefix")),
    row("query_prefix", Resource::Query, true, ("PreparedQueryRule", "Prefix")),
];

/// Resources without labels that are checked after the others; `acl` comes first.
const LAST: [Resource; 4] = [Resource::Keyring, Resource::Operator, Resource::Mesh, Resource::Peering];

/// A rule about a name or about all names with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What it is about; never [`Resource::Intention`].
    pub resource: Resource,
    /// It is about all names that begin with `label`.
    pub prefix: bool,
    /// The name or prefix.
    pub label: String,
    /// What it grants.
    pub level: Level,
    /// What a rule of a service says of intentions.
    pub intentions: Option<Level>,
}

/// The rules of one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// What is said of resources without names, at their places in [`Resource`].
    pub(super) scalars: [Option<Level>; SCALARS],
    /// Everything else.
    pub(super) rules: Vec<Rule>,
}

/// A labelled rule as it stands in the text.
#[derive(Default)]
struct Raw {
    label: String,
    policy: String,
    intentions: String,
}

impl Rules {
    /// Reads the rules of a policy. Unknown words are ignored, as the reference does.
    ///
    /// # Errors
    /// `Failed to parse ACL rules: ...`, `Invalid key policy: ...` and the like.
    pub fn parse(text: &str) -> Result<Rules> {
        let failed = |why: String| Error::new(format!("Failed to parse ACL rules: {why}"));
        let entries = tree::parse(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let acl = scalar(&entries, "root.acl", Resource::Acl.name()).map_err(failed)?;
        let mut raw = Vec::new();
        for row in &LABELLED {
            raw.push(labelled(&entries, row).map_err(failed)?);
        }
        let mut words = Vec::new();
        for resource in LAST {
            let path = format!("root.{}", resource.name());
            words.push(scalar(&entries, &path, resource.name()).map_err(failed)?);
        }
        let mut rules = Rules::default();
        rules.scalars[Resource::Acl as usize] = unnamed(Resource::Acl, &acl)?;
        for (row, found) in LABELLED.iter().zip(raw) {
            for rule in found {
                rules.rules.push(rule.checked(row)?);
            }
        }
        for (resource, word) in LAST.iter().zip(words) {
            rules.scalars[*resource as usize] = unnamed(*resource, &word)?;
        }
        Ok(rules)
    }

    /// Rules that were not read from a text.
    pub fn of(rules: Vec<Rule>) -> Rules {
        Rules { rules, ..Rules::default() }
    }

    /// The rules with labels.
    pub fn labelled(&self) -> &[Rule] {
        &self.rules
    }

    /// What is said of a resource without names.
    pub fn scalar(&self, resource: Resource) -> Option<Level> {
        self.scalars.get(resource as usize).copied().flatten()
    }
}

impl Raw {
    /// The rule, if its levels are known.
    fn checked(self, row: &Labelled) -> Result<Rule> {
        let invalid = |what: &str| Error::new(format!("Invalid {}{what} policy: {}", row.word, self.go(row)));
        let list = row.resource == Resource::Key;
        let known = |word: &str| Level::parse(word).filter(|level| list || *level != Level::List);
        let level = known(&self.policy).ok_or_else(|| invalid(""))?;
        let intentions = match self.intentions.as_str() {
            "" => None,
            word => Some(known(word).ok_or_else(|| invalid(" intentions"))?),
        };
        Ok(Rule { resource: row.resource, prefix: row.prefix, label: self.label, level, intentions })
    }

    /// The rule as Go prints it with `%#v`.
    fn go(&self, row: &Labelled) -> String {
        let (name, field) = row.go;
        let (label, policy) = (go_quote(&self.label), go_quote(&self.policy));
        let intentions = match row.resource {
            Resource::Service => format!(", Intentions:{}", go_quote(&self.intentions)),
            _ => String::new(),
        };
        let enterprise = if row.enterprise { ", EnterpriseRule:acl.EnterpriseRule{}" } else { "" };
        format!("&acl.{name}{{{field}:{label}, Policy:{policy}{intentions}{enterprise}}}")
    }
}

/// The level of a resource without names; empty says nothing about it.
fn unnamed(resource: Resource, word: &str) -> Result<Option<Level>> {
    if word.is_empty() {
        return Ok(None);
    }
    match Level::parse(word) {
        None | Some(Level::List) => Err(Error::new(format!("Invalid {} policy: {}", resource.name(), go_quote(word)))),
        known => Ok(known),
    }
}

fn at(place: Place, why: impl std::fmt::Display) -> String {
    format!("At {place}: {why}")
}

/// The name of a value's type in messages.
fn go_type(kind: &TreeKind) -> &'static str {
    match kind {
        TreeKind::Text(_) | TreeKind::Bool => "*ast.LiteralType",
        TreeKind::List(_) => "*ast.ListType",
        TreeKind::Object(_) => "*ast.ObjectList",
    }
}

/// The text of an argument; the last one wins, and an absent one is empty.
fn scalar(entries: &[Entry], path: &str, word: &str) -> Result<String, String> {
    let mut found = String::new();
    for entry in entries.iter().filter(|entry| entry.keys[0].eq_ignore_ascii_case(word)) {
        let unknown = |place, kind: &TreeKind| at(place, format!("{path}: unknown type for string {}", go_type(kind)));
        match &entry.value.kind {
            _ if entry.keys.len() > 1 => return Err(unknown(entry.value.place, &TreeKind::Object(Vec::new()))),
            TreeKind::Text(text) => found.clone_from(text),
            TreeKind::Object(inner) => {
                let place = inner.first().map_or(entry.value.place, |first| first.place);
                return Err(unknown(place, &entry.value.kind));
            }
            kind => return Err(unknown(entry.value.place, kind)),
        }
    }
    Ok(found)
}

/// All rules of one row, in the order of the text.
fn labelled(entries: &[Entry], row: &Labelled) -> Result<Vec<Raw>, String> {
    let mut rules = Vec::new();
    for entry in entries.iter().filter(|entry| entry.keys[0].eq_ignore_ascii_case(row.word)) {
        if let [_, label, more @ ..] = entry.keys.as_slice() {
            // a second label hides the body: the rule is there and says nothing
            let body: &[Entry] = match &entry.value.kind {
                TreeKind::Object(body) if more.is_empty() => body,
                _ => &[],
            };
            rules.push(rule(label, body, row, rules.len())?);
            continue;
        }
        match &entry.value.kind {
            TreeKind::Object(inner) => unlabelled(inner, row, &mut rules)?,
            TreeKind::List(objects) => {
                for object in objects {
                    list_item(object, row, &mut rules)?;
                }
            }
            kind => return Err(at(entry.value.place, format!("unknown slice type: {}", go_type(kind)))),
        }
    }
    Ok(rules)
}

/// An object in a list of rules: JSON has the labels as keys, in HCL there is no place for them.
fn list_item(object: &Tree, row: &Labelled, rules: &mut Vec<Raw>) -> Result<(), String> {
    let path = format!("root.{}[{}]", row.word, rules.len());
    match &object.kind {
        TreeKind::Object(inner) if object.place.0.is_none() => unlabelled(inner, row, rules),
        TreeKind::Object(inner) => {
            let place = inner.first().map_or(object.place, |first| first.place);
            Err(at(place, format!("{path}: {} asked for 'key', impossible", row.go.1)))
        }
        kind => Err(at(object.place, format!("{path}: not an object type for struct ({})", go_type(kind)))),
    }
}

/// Rules in an object whose keys are their labels.
fn unlabelled(entries: &[Entry], row: &Labelled, rules: &mut Vec<Raw>) -> Result<(), String> {
    for entry in entries {
        let label = &entry.keys[0];
        match &entry.value.kind {
            _ if entry.keys.len() > 1 => rules.push(rule(label, &[], row, rules.len())?),
            TreeKind::Object(body) => rules.push(rule(label, body, row, rules.len())?),
            TreeKind::List(bodies) => {
                for body in bodies {
                    let TreeKind::Object(body) = &body.kind else {
                        let path = format!("root.{}[{}]", row.word, rules.len());
                        let kind = go_type(&body.kind);
                        return Err(at(entry.value.place, format!("{path}: not an object type for struct ({kind})")));
                    };
                    rules.push(rule(label, body, row, rules.len())?);
                }
            }
            // the reference reads `key { policy = "read" }` as a rule about the name "policy"
            _ => rules.push(rule(label, std::slice::from_ref(entry), row, rules.len())?),
        }
    }
    Ok(())
}

/// One rule; `number` is its place among those of its row.
fn rule(label: &str, body: &[Entry], row: &Labelled, number: usize) -> Result<Raw, String> {
    let path = |field: &str| format!("root.{}[{number}].{field}", row.word);
    let intentions = match row.resource {
        Resource::Service => scalar(body, &path("Intentions"), "intentions")?,
        _ => String::new(),
    };
    Ok(Raw { label: label.to_owned(), policy: scalar(body, &path("Policy"), "policy")?, intentions })
}
