//! Roles as text.

use super::super::pretty::Page;
use crate::client::acl::Role;

/// Width of the labels.
const WIDTH: usize = 14;

fn rest(page: &mut Page, role: &Role, meta: bool) {
    page.field("Description", &role.description);
    if meta {
        page.meta(Some(&role.hash), role.create_index, role.modify_index);
    }
    page.links("Policies", &role.policies);
    page.identities(&role.service_identities, &role.node_identities, &role.templated_policies);
}

/// One role.
pub(super) fn role(role: &Role, meta: bool) -> String {
    let mut page = Page::new(0, WIDTH);
    page.field("ID", &role.id);
    page.field("Name", &role.name);
    rest(&mut page, role, meta);
    page.done()
}

/// All roles under their names.
pub(super) fn roles(roles: &[Role], meta: bool) -> String {
    let mut page = Page::new(3, WIDTH);
    for role in roles {
        page.raw(&format!("{}:\n", role.name));
        page.field("ID", &role.id);
        rest(&mut page, role, meta);
    }
    page.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = r#"{"ID":"i","Name":"r1","Description":"d","Policies":[{"ID":"p","Name":"pol"}],
        "ServiceIdentities":[{"ServiceName":"db"}],"Hash":"MJd1","CreateIndex":15,"ModifyIndex":16}"#;

    #[test]
    fn a_role_stands_alone_or_below_its_name() {
        let one: Role = serde_json::from_str(ROLE).expect("a role");
        let expected = "ID:           i\nName:         r1\nDescription:  d\nPolicies:\n   p - pol\n\
                        Service Identities:\n   db (Datacenters: all)\n";
        assert_eq!(role(&one, false), expected);
        let expected = "r1:\n   ID:           i\n   Description:  d\n   Hash:         309775\n   Create Index: 15\n   \
                        Modify Index: 16\n   Policies:\n      p - pol\n   Service Identities:\n      db (Datacenters: all)\n";
        assert_eq!(roles(&[one], true), expected);
    }
}
