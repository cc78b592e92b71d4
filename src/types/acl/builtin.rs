//! The policies that are always there (`spec/acl-and-tls.md` 2.1).

use super::{AclPolicy, GLOBAL_MANAGEMENT_ID, GLOBAL_READ_ONLY_ID};

/// Rules of both, with `%` in the place of the level.
const RULES: &str = concat!(
    "\nacl = \"%\"",
    "\nagent_prefix \"\" {\n\tpolicy = \"%\"\n}",
    "\nevent_prefix \"\" {\n\tpolicy = \"%\"\n}",
    "\nkey_prefix \"\" {\n\tpolicy = \"%\"\n}",
    "\nkeyring = \"%\"",
    "\nnode_prefix \"\" {\n\tpolicy = \"%\"\n}",
    "\noperator = \"%\"",
    "\nmesh = \"%\"",
    "\npeering = \"%\"",
    "\nquery_prefix \"\" {\n\tpolicy = \"%\"\n}",
    "\nservice_prefix \"\" {\n\tpolicy = \"%\"\n\tintentions = \"%\"\n}",
    "\nsession_prefix \"\" {\n\tpolicy = \"%\"\n}",
);

/// A policy that is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltinPolicy {
    /// Id.
    pub id: &'static str,
    /// Name that it is made with.
    pub name: &'static str,
    /// For humans.
    pub description: &'static str,
    /// Level that it grants for everything.
    level: &'static str,
}

/// All of them.
pub const BUILTIN_POLICIES: [BuiltinPolicy; 2] = [
    BuiltinPolicy {
        id: GLOBAL_MANAGEMENT_ID,
        name: "global-management",
        description: "A built-in policy that grants read and write access to all Consul features",
        level: "write",
    },
    BuiltinPolicy {
        id: GLOBAL_READ_ONLY_ID,
        name: "builtin/global-read-only",
        description: "A built-in policy that grants read-only access to all Consul features",
        level: "read",
    },
];

impl BuiltinPolicy {
    /// The one with this id.
    pub fn with_id(id: &str) -> Option<&'static BuiltinPolicy> {
        BUILTIN_POLICIES.iter().find(|policy| policy.id == id)
    }

    /// Its rules.
    pub fn rules(&self) -> String {
        RULES.replace('%', self.level)
    }

    /// The policy as it is first stored.
    pub fn policy(&self) -> AclPolicy {
        let mut policy = AclPolicy {
            id: self.id.into(),
            name: self.name.into(),
            description: self.description.into(),
            rules: self.rules(),
            ..Default::default()
        };
        policy.set_hash();
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_stored_as_the_reference_stores_them() {
        let write = BUILTIN_POLICIES[0].rules();
        assert!(write.starts_with("\nacl = \"write\"\nagent_prefix \"\" {\n\tpolicy = \"write\"\n}\nevent_prefix"));
        assert!(write.contains("\nkeyring = \"write\"\nnode_prefix"));
        assert!(write.contains("\noperator = \"write\"\nmesh = \"write\"\npeering = \"write\"\nquery_prefix"));
        assert!(write.ends_with(
            "{\n\tpolicy = \"write\"\n\tintentions = \"write\"\n}\nsession_prefix \"\" {\n\tpolicy = \"write\"\n}"
        ));
        assert_eq!(BUILTIN_POLICIES[1].rules(), write.replace("write", "read"));
    }
}
