//! Login and logout (`spec/acl-and-tls.md` 10.6).

use super::bodies::LOGIN;
use super::{decode, enabled};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::decode::shape::Kind;
use crate::rpc::method::{AclLogin, AclLogout};
use crate::types::acl::{AclLoginParams, AclLoginRequest, AclLogoutRequest};
use crate::types::{Error, Result};

/// Exchanges a credential for a token. A token that is sent along says nothing here.
pub(super) async fn login(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let auth: AclLoginParams = decode(call, &Kind::Object(&LOGIN), "Failed to decode request body").await?;
    let request = AclLoginRequest { datacenter: call.datacenter(), auth: Some(auth), ..AclLoginRequest::default() };
    let token = call.agent.call::<AclLogin>(request).await?;
    call.json(&token)
}

pub(super) async fn logout(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let token = call.token();
    if token.is_empty() {
        return Err(Error::with_status(401, "Supplied token does not exist"));
    }
    call.agent.call::<AclLogout>(AclLogoutRequest { datacenter: call.datacenter(), token }).await?;
    call.json(&true)
}
