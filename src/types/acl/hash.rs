//! Hashes of the content, by which replication tells what has changed (`spec/acl-and-tls.md` 1.5).

use super::{AclPolicy, AclRole, AclToken, NodeIdentity, ServiceIdentity, TemplatedPolicy};
use crate::types::Blob;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

/// BLAKE2b-256 over texts one behind the other.
struct Hash(Blake2b<U32>);

impl Hash {
    fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Hash {
        let mut hash = Hash(Blake2b::new());
        hash.texts(texts);
        hash
    }

    fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        texts.into_iter().for_each(|text| self.0.update(text));
    }

    fn identities(&mut self, services: &[ServiceIdentity], nodes: &[NodeIdentity], templates: &[TemplatedPolicy]) {
        for identity in services {
            self.texts([identity.service_name.as_str()]);
            self.texts(identity.datacenters.iter().map(String::as_str));
        }
        for identity in nodes {
            self.texts([identity.node_name.as_str(), &identity.datacenter]);
        }
        for template in templates {
            let name = template.template_variables.as_ref().map_or("", |variables| &variables.name);
            self.texts([template.template_id.as_str(), &template.template_name, name]);
            self.texts(template.datacenters.iter().map(String::as_str));
        }
    }

    fn finish(self) -> Blob {
        Blob::from(self.0.finalize().to_vec())
    }
}

impl AclPolicy {
    /// Sets the hash to that of the content.
    pub fn set_hash(&mut self) {
        let mut hash = Hash::of([self.name.as_str(), &self.description, &self.rules]);
        hash.texts(self.datacenters.iter().map(String::as_str));
        self.hash = hash.finish();
    }
}

impl AclRole {
    /// Sets the hash to that of the content.
    pub fn set_hash(&mut self) {
        let mut hash = Hash::of([self.name.as_str(), &self.description]);
        hash.texts(self.policies.iter().map(|link| link.id.as_str()));
        hash.identities(&self.service_identities, &self.node_identities, &self.templated_policies);
        self.hash = hash.finish();
    }
}

impl AclToken {
    /// Sets the hash to that of the content.
    pub fn set_hash(&mut self) {
        let mut hash = Hash::of([self.description.as_str(), if self.local { "local" } else { "global" }]);
        hash.texts(self.policies.iter().chain(&self.roles).map(|link| link.id.as_str()));
        hash.identities(&self.service_identities, &self.node_identities, &self.templated_policies);
        self.hash = hash.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::acl::{AclLink, GLOBAL_MANAGEMENT_ID};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn shown(hash: &Blob) -> String {
        STANDARD.encode(&hash.0)
    }

    fn link(id: &str) -> Vec<AclLink> {
        vec![AclLink { id: id.into(), name: "not part of it".into() }]
    }

    #[test]
    fn hashes_are_those_of_the_reference() {
        let mut token = AclToken { description: "Anonymous Token".into(), ..Default::default() };
        token.set_hash();
        assert_eq!(shown(&token.hash), "RNVFSWnfd5DUOuB8vplp+imivlIna3fKQVnkUHh21cA=");

        let mut token = AclToken {
            description: "Bootstrap Token (Global Management)".into(),
            policies: link(GLOBAL_MANAGEMENT_ID),
            ..Default::default()
        };
        token.set_hash();
        assert_eq!(shown(&token.hash), "X2AgaFhnQGRhSSF/h0m6qpX1wj/HJWbyXcxkEM/5GrY=");

        let mut policy = AclPolicy {
            name: "p1".into(),
            description: "d".into(),
            rules: r#"key_prefix "a/" { policy = "read" }"#.into(),
            datacenters: vec!["dc1".into()],
            ..Default::default()
        };
        policy.set_hash();
        assert_eq!(shown(&policy.hash), "ZgSyw3cygl4GZyRsiJ85ge4JRBeYiwUA21M1a2Ixcj4=");

        let mut role = AclRole {
            name: "r1".into(),
            policies: link("a2d07965-c6be-d64f-65da-124a9231a943"),
            service_identities: vec![ServiceIdentity { service_name: "web".into(), datacenters: vec!["dc1".into()] }],
            node_identities: vec![NodeIdentity { node_name: "n1".into(), datacenter: "dc1".into() }],
            ..Default::default()
        };
        role.set_hash();
        assert_eq!(shown(&role.hash), "cqxhDQ8Pekv2OXQyBm/9CV+8/2IkpdJViuslHo6nHIA=");
    }

    #[test]
    fn templates_count_with_their_variables() {
        let role = |name: &str| {
            let template = TemplatedPolicy {
                template_name: "builtin/service".into(),
                template_variables: Some(super::super::TemplateVariables { name: name.into() }),
                ..Default::default()
            };
            let mut role = AclRole { templated_policies: vec![template], ..Default::default() };
            role.set_hash();
            role.hash
        };
        assert_eq!(role("web"), role("web"));
        assert_ne!(role("web"), role("db"));
    }
}
