//! Policies as text.

use super::super::pretty::Page;
use crate::client::acl::{Policy, PolicyEntry};

/// Width of the labels.
const WIDTH: usize = 14;

/// One policy. The text ends as its rules do.
pub(in super::super) fn policy(policy: &Policy, meta: bool) -> String {
    let mut page = Page::new(0, WIDTH);
    page.field("ID", &policy.id);
    page.field("Name", &policy.name);
    page.field("Description", &policy.description);
    page.field("Datacenters", policy.datacenters.as_deref().unwrap_or_default().join(", "));
    if meta {
        page.meta(Some(&policy.hash), policy.create_index, policy.modify_index);
    }
    page.raw("Rules:\n");
    page.raw(&policy.rules);
    page.done()
}

/// All policies under their names.
pub(super) fn policies(policies: &[PolicyEntry], meta: bool) -> String {
    let mut page = Page::new(3, WIDTH);
    for policy in policies {
        page.raw(&format!("{}:\n", policy.name));
        page.field("ID", &policy.id);
        page.field("Description", &policy.description);
        page.field("Datacenters", policy.datacenters.as_deref().unwrap_or_default().join(", "));
        if meta {
            page.meta(Some(&policy.hash), policy.create_index, policy.modify_index);
        }
    }
    page.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"ID":"i","Name":"p1","Description":"d","Rules":"acl = \"read\"","Datacenters":["dc1","dc2"],"Hash":"MJd1","CreateIndex":15,"ModifyIndex":16}"#;

    #[test]
    fn a_policy_ends_with_its_rules() {
        let one: Policy = serde_json::from_str(POLICY).expect("a policy");
        let expected = "ID:           i\nName:         p1\nDescription:  d\nDatacenters:  dc1, dc2\nHash:         309775\n\
                        Create Index: 15\nModify Index: 16\nRules:\nacl = \"read\"";
        assert_eq!(policy(&one, true), expected);
    }

    #[test]
    fn a_list_has_the_fields_below_the_names() {
        let entry: PolicyEntry =
            serde_json::from_str(r#"{"ID":"i","Name":"p1","Datacenters":null}"#).expect("a policy");
        assert_eq!(
            policies(&[entry.clone(), entry], false),
            "p1:\n   ID:           i\n   Description:  \n   Datacenters:  \n".repeat(2)
        );
        assert_eq!(policies(&[], true), "");
    }
}
