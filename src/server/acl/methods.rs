//! Auth methods (`spec/acl-and-tls.md` 10.1).

use super::super::catalog::at;
use super::super::{Endpoint, Found, ReadContext, ReadEndpoint, Server};
use super::auth_methods::check_config;
use super::rules::check_tokens;
use super::{absent, check_read};
use crate::auth::KINDS;
use crate::rpc::method::*;
use crate::state::{Command, WatchSet};
use crate::types::acl::*;
use crate::types::{Error, GoDuration, Result};

impl ReadEndpoint for AclAuthMethodRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclAuthMethodGetRequest) -> Result<AclAuthMethodResponse> {
        check_tokens(cx.server)?;
        check_read(cx.server, cx.authorizer)?;
        let (index, auth_method) = cx.state.acl_auth_method(cx.watch, &args.auth_method_name);
        if auth_method.is_none() {
            cx.found = Found::Nothing;
        }
        Ok(AclAuthMethodResponse { auth_method, meta: at(index) })
    }

    fn nothing(_args: &AclAuthMethodGetRequest, reply: &AclAuthMethodResponse) -> bool {
        reply.auth_method.is_none()
    }
}

impl ReadEndpoint for AclAuthMethodList {
    fn read(cx: &mut ReadContext<'_>, _args: &AclAuthMethodListRequest) -> Result<AclAuthMethodListResponse> {
        check_tokens(cx.server)?;
        check_read(cx.server, cx.authorizer)?;
        let (index, methods) = cx.state.acl_auth_methods(cx.watch);
        let auth_methods = methods.iter().map(|method| AuthMethodListStub::from(&**method)).collect();
        Ok(AclAuthMethodListResponse { auth_methods, meta: at(index) })
    }
}

impl Endpoint for AclAuthMethodSet {
    async fn serve(server: &Server, args: AclAuthMethodSetRequest) -> Result<AuthMethod> {
        check_tokens(server)?;
        server.acl_writer(&args.token).await?;
        let mut method = args.auth_method;
        check_method(server, &mut method)?;
        check_config(&method).await?;
        let name = method.name.clone();
        let batch = AclAuthMethodBatchSet { auth_methods: vec![method] };
        server.apply(Command::AclAuthMethodSet(batch), "Failed to apply auth method upsert request: ").await?;
        let stored = server.store().snapshot().acl_auth_method(&mut WatchSet::none(), &name).1;
        stored.map(|stored| AuthMethod::clone(&stored)).ok_or_else(|| Error::new("Failed to retrieve auth method"))
    }
}

/// Refuses a method that cannot be stored.
fn check_method(server: &Server, method: &mut AuthMethod) -> Result<()> {
    let invalid = |why: &str| Error::new(format!("Invalid Auth Method: {why}"));
    if method.name.is_empty() {
        return Err(invalid("no Name is set"));
    }
    if !is_auth_method_name(&method.name) {
        return Err(invalid("invalid Name. Only alphanumeric characters, '-' and '_' are allowed"));
    }
    if let Some(stored) = server.store().snapshot().acl_auth_method(&mut WatchSet::none(), &method.name).1 {
        if method.kind.is_empty() {
            method.kind.clone_from(&stored.kind);
        } else if method.kind != stored.kind {
            return Err(Error::new("the Type field of an Auth Method is immutable"));
        }
    }
    if !KINDS.contains(&method.kind.as_str()) {
        return Err(invalid(&format!("Type should be one of: [{}]", KINDS.join(" "))));
    }
    let (config, ttl) = (server.config(), method.max_token_ttl);
    let (least, most) = (GoDuration::from(config.acl_token_ttl_min), GoDuration::from(config.acl_token_ttl_max));
    if !ttl.is_zero() && ttl > most {
        return Err(Error::new(format!("MaxTokenTTL {ttl} cannot be more than {most}")));
    }
    if !ttl.is_zero() && ttl < least {
        return Err(Error::new(format!("MaxTokenTTL {ttl} cannot be less than {least}")));
    }
    match method.token_locality.as_str() {
        "" | "local" => Ok(()),
        "global" if config.acl.is_primary() => Ok(()),
        "global" => Err(invalid("TokenLocality 'global' can only be used in the primary datacenter")),
        _ => Err(invalid("TokenLocality should be one of 'local' or 'global'")),
    }
}

impl Endpoint for AclAuthMethodDelete {
    async fn serve(server: &Server, args: AclAuthMethodDeleteRequest) -> Result<bool> {
        check_tokens(server)?;
        server.acl_writer(&args.token).await?;
        let method = server.store().snapshot().acl_auth_method(&mut WatchSet::none(), &args.auth_method_name).1;
        let method = method.ok_or_else(|| absent("auth method"))?;
        let batch = AclAuthMethodBatchDelete { auth_method_names: vec![method.name.clone()] };
        server.apply(Command::AclAuthMethodDelete(batch), "Failed to apply auth method delete request: ").await?;
        Ok(true)
    }
}
