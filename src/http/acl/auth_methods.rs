//! Auth methods (`spec/acl-and-tls.md` 10.1).

use super::bodies::AUTH_METHOD;
use super::{begin_read, decode, deleted, enabled, name, show};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::decode::shape::Kind;
use crate::http::encodings::encodings;
use crate::rpc::method::{AclAuthMethodDelete, AclAuthMethodList, AclAuthMethodRead, AclAuthMethodSet};
use crate::types::acl::{
    AclAuthMethodDeleteRequest, AclAuthMethodGetRequest, AclAuthMethodListRequest, AclAuthMethodListResponse,
    AclAuthMethodResponse, AclAuthMethodSetRequest, AuthMethod,
};
use crate::types::{Error, Result};

encodings! {
    METHODS: AclAuthMethodListResponse, reply => &reply.auth_methods;
    ONE: AclAuthMethodResponse, reply => &reply.auth_method;
}

pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    let request = AclAuthMethodListRequest { datacenter: call.datacenter(), query: call.read_options() };
    let found = call.fetch::<AclAuthMethodList>(request, &METHODS).await?;
    Ok(Answer::encoded(found.body))
}

pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    set(call, "").await
}

/// Stores the auth method of the body.
async fn set(call: &mut Call<'_>, name: &str) -> Result<Answer> {
    let mut auth_method: AuthMethod = decode(call, &Kind::Object(&AUTH_METHOD), "AuthMethod decoding failed").await?;
    if !name.is_empty() {
        if !auth_method.name.is_empty() && auth_method.name != name {
            return Err(Error::bad_request("AuthMethod Name in URL and payload do not match"));
        }
        name.clone_into(&mut auth_method.name);
    }
    let request = AclAuthMethodSetRequest { datacenter: call.datacenter(), auth_method, token: call.token() };
    let stored = call.agent.call::<AclAuthMethodSet>(request).await?;
    call.json(&stored)
}

/// One auth method: read, replaced or deleted.
pub(super) async fn one(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let auth_method_name = name(call).into_owned();
    if call.method() == "PUT" {
        return set(call, &auth_method_name).await;
    }
    call.argument("Missing auth method name")?;
    if call.method() == "DELETE" {
        let request =
            AclAuthMethodDeleteRequest { datacenter: call.datacenter(), auth_method_name, token: call.token() };
        let result = call.agent.call::<AclAuthMethodDelete>(request).await;
        return deleted(call, result, "auth method");
    }
    begin_read(call)?;
    let request =
        AclAuthMethodGetRequest { datacenter: call.datacenter(), auth_method_name, query: call.read_options() };
    show::<AclAuthMethodRead>(call, request, &ONE, "auth method").await
}
