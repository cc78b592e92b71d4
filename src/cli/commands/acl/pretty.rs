//! Pieces of the layouts that several objects share (`spec/acl-and-tls.md` 21, `spec/cli.md` 9).

use crate::client::acl::{Link, NodeIdentity, ServiceIdentity, TemplatedPolicy};
use crate::types::Blob;
use std::fmt::Write;

/// A text that grows line by line; lines are indented and labels have one width.
pub(super) struct Page {
    text: String,
    indent: usize,
    width: usize,
}

impl Page {
    /// An empty page whose labels are `width` wide, behind `indent` blanks.
    pub(super) fn new(indent: usize, width: usize) -> Page {
        Page { text: String::new(), indent, width }
    }

    /// `Label:   value`.
    pub(super) fn field(&mut self, label: &str, value: impl std::fmt::Display) {
        let label = format!("{label}:");
        let (indent, width) = (self.indent, self.width);
        writeln!(self.text, "{:indent$}{label:width$}{value}", "").expect("a String takes all");
    }

    /// A field that is left out when it is empty.
    pub(super) fn field_if_any(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            self.field(label, value);
        }
    }

    /// Hash and raft indexes.
    pub(super) fn meta(&mut self, hash: Option<&Blob>, create: u64, modify: u64) {
        if let Some(hash) = hash {
            self.field("Hash", hex(hash));
        }
        self.field("Create Index", create);
        self.field("Modify Index", modify);
    }

    /// A heading and its lines; nothing without lines.
    fn section(&mut self, heading: &str, lines: impl Iterator<Item = String>) {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            let indent = self.indent;
            writeln!(self.text, "{:indent$}{heading}:", "").expect("a String takes all");
        }
        for line in lines {
            let indent = self.indent + 3;
            writeln!(self.text, "{:indent$}{line}", "").expect("a String takes all");
        }
    }

    /// Policies or roles.
    pub(super) fn links(&mut self, heading: &str, links: &[Link]) {
        self.section(heading, links.iter().map(|link| format!("{} - {}", link.id, link.name)));
    }

    /// Service identities, node identities, templated policies.
    pub(super) fn identities(
        &mut self,
        services: &[ServiceIdentity],
        nodes: &[NodeIdentity],
        templates: &[TemplatedPolicy],
    ) {
        self.section("Service Identities", services.iter().map(service));
        self.section("Node Identities", nodes.iter().map(node));
        let lines = templates.iter().flat_map(|policy| {
            let name = policy.template_variables.iter().filter(|v| !v.name.is_empty());
            let name = name.map(|variables| format!("   Name: {}", variables.name));
            std::iter::once(policy.template_name.clone())
                .chain(name)
                .chain([format!("   Datacenters: {}", datacenters(&policy.datacenters))])
        });
        self.section("Templated Policies", lines);
    }

    /// Text as it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The page.
    pub(super) fn done(self) -> String {
        self.text
    }
}

/// `web (Datacenters: all)`.
pub(super) fn service(identity: &ServiceIdentity) -> String {
    format!("{} (Datacenters: {})", identity.service_name, datacenters(&identity.datacenters))
}

/// `n1 (Datacenter: dc1)`.
pub(super) fn node(identity: &NodeIdentity) -> String {
    format!("{} (Datacenter: {})", identity.node_name, identity.datacenter)
}

/// Names joined, or `all`.
pub(super) fn datacenters(names: &[String]) -> String {
    if names.is_empty() { "all".to_owned() } else { names.join(", ") }
}

/// Bytes in lower-case hex.
pub(super) fn hex(bytes: &Blob) -> String {
    bytes.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An RFC 3339 time as Go prints it: `2026-11-20 22:30:15.518294723 +0000 UTC`.
pub(super) fn time(text: &str) -> String {
    match text.strip_suffix('Z') {
        Some(utc) => format!("{} +0000 UTC", utc.replacen('T', " ", 1)),
        None => text.to_owned(),
    }
}
