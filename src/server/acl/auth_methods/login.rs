//! `ACL.Login` and `ACL.Logout` (`spec/acl-and-tls.md` 10.6).

use super::super::policies::own_token;
use super::super::rules::check_tokens;
use super::super::tokens::delete;
use super::super::write::{Origin, create};
use crate::acl::{NOT_FOUND, PERMISSION_DENIED};
use crate::auth::binding::{self, Bindings};
use crate::rpc::method::{AclLogin, AclLogout};
use crate::server::{Endpoint, Server};
use crate::state::{Snapshot, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::acl::{
    AclLink, AclLoginRequest, AclLogoutRequest, AclToken, AuthMethod, NodeIdentity, ServiceIdentity,
};
use crate::types::{Error, GoDuration, Result, StringMap, go_quote};

static LOGIN: Sample = Sample::new("acl.login");
static LOGOUT: Sample = Sample::new("acl.logout");

impl Endpoint for AclLogin {
    async fn serve(server: &Server, args: AclLoginRequest) -> Result<AclToken> {
        check_tokens(server)?;
        let _timer = LOGIN.timer();
        let auth = args.auth.ok_or_else(|| Error::new("Invalid Login request: Missing auth parameters"))?;
        let state = server.store().snapshot();
        let method = state.acl_auth_method(&mut WatchSet::none(), &auth.auth_method).1;
        let unknown = || Error::new(format!("{NOT_FOUND}: auth method {} not found", go_quote(&auth.auth_method)));
        let method = method.ok_or_else(unknown)?;
        let known = |name: &str| state.acl_auth_method(&mut WatchSet::none(), name).1.is_some();
        server.inner.validators.retain(known);
        let identity = server.inner.validators.of(&method)?.validate(&auth.bearer_token).await?;
        // The rules of this moment: the validation may have taken its time.
        let state = server.store().snapshot();
        let rules = state.acl_binding_rules(&mut WatchSet::none(), &method.name).1;
        let bindings = binding::evaluate(rules.iter().map(AsRef::as_ref), &identity).map_err(Error::new)?;
        if bindings.is_empty() {
            return Err(Error::with_status(403, PERMISSION_DENIED));
        }
        let mut token = token(&state, &method, bindings, &server.config().datacenter);
        token.description = description(&auth.meta);
        create(server, token, Origin::Login).await.map_err(|error| match error.text.ends_with(PERMISSION_DENIED) {
            true => Error::with_status(403, PERMISSION_DENIED),
            false => error,
        })
    }
}

/// `token created via login`, with what the caller says of itself.
fn description(meta: &StringMap) -> String {
    const WORDS: &str = "token created via login";
    let Some(meta) = meta.as_ref().filter(|meta| !meta.is_empty()) else { return WORDS.to_owned() };
    let json = serde_json::to_string(meta).expect("texts can be written");
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    format!("{WORDS}: {json}")
}

/// The token of a login, without its description. Roles and policies that do not exist are left out.
fn token(state: &Snapshot, method: &AuthMethod, bindings: Bindings, datacenter: &str) -> AclToken {
    let none = &mut WatchSet::none();
    let mut links = |names: Vec<String>, find: &mut dyn FnMut(&mut WatchSet, &str) -> Option<String>| {
        let found = names.into_iter().filter_map(|name| Some(AclLink { id: find(none, &name)?, name }));
        found.collect::<Vec<_>>()
    };
    let roles = links(bindings.roles, &mut |ws, name| Some(state.acl_role_by_name(ws, name).1?.id.clone()));
    let policies = links(bindings.policies, &mut |ws, name| Some(state.acl_policy_by_name(ws, name).1?.id.clone()));
    let service = |service_name| ServiceIdentity { service_name, ..ServiceIdentity::default() };
    let node = |node_name| NodeIdentity { node_name, datacenter: datacenter.to_owned() };
    AclToken {
        policies,
        roles,
        service_identities: bindings.services.into_iter().map(service).collect(),
        node_identities: bindings.nodes.into_iter().map(node).collect(),
        templated_policies: bindings.templates,
        local: method.token_locality != "global",
        auth_method: method.name.clone(),
        expiration_ttl: method.max_token_ttl.max(GoDuration::ZERO),
        ..AclToken::default()
    }
}

impl Endpoint for AclLogout {
    async fn serve(server: &Server, args: AclLogoutRequest) -> Result<bool> {
        server.acl_enabled()?;
        let _timer = LOGOUT.timer();
        let unknown = || Error::with_status(403, NOT_FOUND);
        if args.token.is_empty() {
            return Err(unknown());
        }
        let token = own_token(server, &server.store().snapshot(), &args.token)?;
        // Global tokens belong to the primary datacenter.
        if !token.local && !server.config().acl.is_primary() {
            return server.ask_primary::<AclLogout>(args).await;
        }
        if token.auth_method.is_empty() {
            let text = format!("{PERMISSION_DENIED}: token wasn't created via login");
            return Err(Error::with_status(403, text));
        }
        delete(server, &token.accessor_id).await?;
        Ok(true)
    }

    fn for_primary(server: &Server, _args: &AclLogoutRequest) -> bool {
        !server.has_tokens()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_description_tells_what_the_caller_says_of_itself() {
        assert_eq!(description(&None), "token created via login");
        assert_eq!(description(&Some(BTreeMap::new())), "token created via login");
        let meta = BTreeMap::from([("pod".to_owned(), "a/b".to_owned()), ("a".to_owned(), "<&>".to_owned())]);
        assert_eq!(description(&Some(meta)), r#"token created via login: {"a":"\u003c\u0026\u003e","pod":"a/b"}"#);
    }
}
