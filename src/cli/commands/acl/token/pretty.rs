//! Tokens as text.

use super::super::pretty::{Page, time};
use crate::client::acl::Token;

/// Label, value: what stands above the lists.
pub(super) fn head(page: &mut Page, token: &Token, meta: bool) {
    page.field("AccessorID", &token.accessor_id);
    page.field("SecretID", &token.secret_id);
    page.field("Description", &token.description);
    page.field("Local", token.local);
    if !token.auth_method.is_empty() {
        page.field("Auth Method", format!("{} (Namespace: )", token.auth_method));
    }
    page.field("Create Time", time(&token.create_time));
    if let Some(end) = &token.expiration_time {
        page.field("Expiration Time", time(end));
    }
    if meta {
        page.meta(Some(&token.hash), token.create_index, token.modify_index);
    }
}

/// Width of the labels of a token.
pub(super) const WIDTH: usize = 18;

/// One token.
pub(crate) fn token(token: &Token, meta: bool) -> String {
    let mut page = Page::new(0, WIDTH);
    head(&mut page, token, meta);
    page.links("Policies", &token.policies);
    page.links("Roles", &token.roles);
    page.identities(&token.service_identities, &token.node_identities, &token.templated_policies);
    page.done()
}

/// Tokens with a blank line between them.
pub(super) fn tokens(tokens: &[Token], meta: bool) -> String {
    tokens.iter().map(|one| token(one, meta)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = r#"{"CreateIndex":17,"ModifyIndex":18,"AccessorID":"a","SecretID":"s","Description":"hi",
        "Policies":[{"ID":"p","Name":"pol"}],"Roles":[{"ID":"r","Name":"rol"}],
        "ServiceIdentities":[{"ServiceName":"web"},{"ServiceName":"db","Datacenters":["dc1","dc2"]}],
        "NodeIdentities":[{"NodeName":"n1","Datacenter":"dc1"}],
        "TemplatedPolicies":[{"TemplateName":"builtin/service","TemplateVariables":{"Name":"api"}},{"TemplateName":"builtin/dns","Datacenters":["dc1"]}],
        "Local":true,"AuthMethod":"minikube","ExpirationTime":"2026-11-20T23:30:15.5Z","CreateTime":"2026-11-20T22:30:15Z","Hash":"s2g="}"#;

    #[test]
    fn a_token_shows_what_it_has_and_nothing_else() {
        let one: Token = serde_json::from_str(TOKEN).expect("a token");
        let expected = "\
AccessorID:       a
SecretID:         s
Description:      hi
Local:            true
Auth Method:      minikube (Namespace: )
Create Time:      2026-11-20 22:30:15 +0000 UTC
Expiration Time:  2026-11-20 23:30:15.5 +0000 UTC
Hash:             b368
Create Index:     17
Modify Index:     18
Policies:
   p - pol
Roles:
   r - rol
Service Identities:
   web (Datacenters: all)
   db (Datacenters: dc1, dc2)
Node Identities:
   n1 (Datacenter: dc1)
Templated Policies:
   builtin/service
      Name: api
      Datacenters: all
   builtin/dns
      Datacenters: dc1
";
        assert_eq!(token(&one, true), expected);
        let bare = Token { accessor_id: "b".into(), create_time: "2026-11-20T22:30:15Z".into(), ..Token::default() };
        let expected = "AccessorID:       b\nSecretID:         \nDescription:      \nLocal:            false\n\
                        Create Time:      2026-11-20 22:30:15 +0000 UTC\n";
        assert_eq!(token(&bare, false), expected);
        assert_eq!(tokens(&[bare.clone(), bare], false), format!("{expected}\n{expected}"));
    }
}
